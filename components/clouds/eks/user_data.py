"""User data of a node, which it reads at boot before its kubelet starts. Pure.

Amazon Linux 2023: nodeadm reads the NodeConfig parts of a MIME document before cloud-init runs the scripts in it, and
starts the kubelet after cloud-init is through (awslabs/amazon-eks-ami, nodeadm-config.service and nodeadm-run.service):
what a script does is done before the node joins. EKS adds the cluster's coordinates itself. Bottlerocket: settings in
TOML.
"""

import json
from collections.abc import Mapping
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from typing import Any

import yaml

from catalog.accelerators import Accelerator, Sharing
from components.capacity.sharing import SharingArgs
from components.clouds.eks.spec import EksImage, EksPoolSpec
from components.clouds.eks.tables import BOTTLEROCKET_MIG_MODELS

BOUNDARY = "mlplatform"


def user_data(spec: EksPoolSpec, accelerator: Accelerator | None, *, raid: bool | None = None) -> str:
    """User data of a pool's nodes; empty where the image's defaults are right.

    `raid`: whether the local disks are put together here; default: as the pool says. Karpenter does it by itself.
    """
    sharing = spec.get("sharing") or SharingArgs()
    local_disks = bool(spec.get("local_nvme")) if raid is None else raid
    if spec.get("image", EksImage.AL2023) == EksImage.BOTTLEROCKET:
        return bottlerocket_settings(sharing, accelerator, local_disks=local_disks)
    return al2023_document(sharing, accelerator, local_disks=local_disks)


def al2023_document(sharing: SharingArgs, accelerator: Accelerator | None, *, local_disks: bool) -> str:
    """MIME document with a NodeConfig for the local disks and a script that cuts the GPUs."""
    parts = []
    if local_disks:
        node_config = {
            "apiVersion": "node.eks.aws/v1alpha1",
            "kind": "NodeConfig",
            "spec": {"instance": {"localStorage": {"strategy": "RAID0"}}},
        }
        parts.append(("application", "node.eks.aws", yaml.safe_dump(node_config, sort_keys=False)))
    if accelerator and sharing.get("strategy") == Sharing.MIG:
        parts.append(("text", "x-shellscript", mig_boot_script(sharing["mig_profiles"], accelerator)))
    if not parts:
        return ""
    document = MIMEMultipart("mixed", boundary=BOUNDARY)
    for kind, subtype, content in parts:
        part = MIMENonMultipart(kind, subtype)
        part.set_payload(content)
        document.attach(part)
    return document.as_string()


def mig_instances(profiles: Mapping[str, int], accelerator: Accelerator) -> str:
    """The instances to create on each GPU as `nvidia-smi mig -cgi` takes them: the largest first, so that all fit."""
    known = {profile.name: profile for profile in accelerator.mig_profiles}
    ordered = sorted(profiles, key=lambda name: (-known[name].memory_slices, name))
    return ",".join(name for name in ordered for _ in range(int(profiles[name])))


def mig_boot_script(profiles: Mapping[str, int], accelerator: Accelerator) -> str:
    """A script that cuts every GPU at every boot, before nodeadm starts the kubelet.

    Partitions do not outlive a reboot, so a systemd unit makes them; cloud-init runs its scripts at the first boot
    only. Where the mode is still pending the node reboots once (A100: the GPU must be reset). A node that cannot be cut
    does not join: it would offer whole GPUs that no pod of the pool asks for.
    """
    instances = mig_instances(profiles, accelerator)
    return f"""#!/bin/bash
set -euo pipefail
install -d /opt/mlplatform
cat >/opt/mlplatform/mig.sh <<'SCRIPT'
#!/bin/bash
set -euo pipefail
nvidia-smi -mig 1
modes="$(nvidia-smi --query-gpu=mig.mode.current --format=csv,noheader)"
if grep -qv Enabled <<<"$modes"; then
  if [ -e /opt/mlplatform/rebooted ]; then
    echo "MIG mode is still pending after a reboot" >&2
    exit 1
  fi
  touch /opt/mlplatform/rebooted
  systemctl --no-block reboot
  sleep infinity
fi
nvidia-smi mig -dci || true
nvidia-smi mig -dgi || true
nvidia-smi mig -cgi {instances} -C
SCRIPT
chmod 0755 /opt/mlplatform/mig.sh
cat >/etc/systemd/system/mlplatform-mig.service <<'UNIT'
[Unit]
Description=Cut the GPUs into MIG instances
After=nvidia-kmod-load.service nvidia-fabricmanager.service nvidia-persistenced.service
Before=nodeadm-run.service

[Service]
Type=oneshot
RemainAfterExit=true
ExecStart=/opt/mlplatform/mig.sh

[Install]
WantedBy=multi-user.target
RequiredBy=nodeadm-run.service
UNIT
systemctl daemon-reload
systemctl enable mlplatform-mig.service
systemctl start mlplatform-mig.service || systemctl mask --runtime nodeadm-run.service
"""


def bottlerocket_settings(sharing: SharingArgs, accelerator: Accelerator | None, *, local_disks: bool) -> str:
    """TOML settings of Bottlerocket: how its device plugin shares, and what it does with local disks.

    Names and values: Bottlerocket documentation 1.54, settings.kubelet-device-plugins.nvidia and
    settings.bootstrap-commands.
    """
    tables: dict[str, dict[str, Any]] = {}
    strategy = Sharing(sharing.get("strategy", Sharing.EXCLUSIVE))
    nvidia = "settings.kubelet-device-plugins.nvidia"
    if strategy in (Sharing.TIME_SLICING, Sharing.MPS):
        tables[nvidia] = {"device-sharing-strategy": strategy.value}
        shares: dict[str, Any] = {"replicas": int(sharing["replicas"]), "rename-by-default": True}
        if strategy is Sharing.TIME_SLICING:
            shares["fail-requests-greater-than-one"] = True
        tables[f"{nvidia}.{strategy.value}"] = shares
    if strategy is Sharing.MIG and accelerator:
        tables[nvidia] = {"device-partitioning-strategy": "mig"}
        model = BOTTLEROCKET_MIG_MODELS[accelerator.name]
        tables[f"{nvidia}.mig.profile"] = {model: next(iter(sharing["mig_profiles"]))}
    if local_disks:
        tables["settings.bootstrap-commands.local-disks"] = {
            "commands": [
                ["apiclient", "ephemeral-storage", "init"],
                ["apiclient", "ephemeral-storage", "bind", "--dirs", *_ON_LOCAL_DISKS],
            ],
            "essential": True,
            "mode": "always",
        }
    return toml(tables)


_ON_LOCAL_DISKS = ("/var/lib/containerd", "/var/lib/kubelet", "/var/log/pods")


def toml(tables: Mapping[str, Mapping[str, Any]]) -> str:
    """Tables of text, numbers, booleans and lists as TOML, whose notation of these is JSON's."""
    return "\n".join(
        f"[{name}]\n" + "".join(f"{json.dumps(key)} = {json.dumps(value)}\n" for key, value in table.items())
        for name, table in tables.items()
    )
