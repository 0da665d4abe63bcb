"""The user data of nodes. Not proved here: that a GPU is cut (no GPU is at hand); that systemd orders units
as they say. The script is read by bash, the documents by the parsers that their formats have."""

import email
import shutil
import subprocess

import pytest
import tomllib
import yaml

from catalog.accelerators import ACCELERATORS, Sharing
from components.capacity.sharing import SharingArgs
from components.clouds.eks.spec import EksImage, EksPoolSpec
from components.clouds.eks.tables import BOTTLEROCKET_MIG_MODELS
from components.clouds.eks.user_data import mig_boot_script, mig_instances, toml, user_data

H100 = ACCELERATORS["H100"]
MIXED = SharingArgs(strategy=Sharing.MIG, mig_profiles={"1g.10gb": 2, "3g.40gb": 1})
SHARED = SharingArgs(strategy=Sharing.TIME_SLICING, replicas=4)


def told(**over: object) -> str:
    return user_data(EksPoolSpec(**{"machines": ["p5.48xlarge"], "nodes_max": 1, **over}), H100)  # type: ignore[typeddict-item]


def parts(document: str) -> dict[str, str]:
    message = email.message_from_string(document)
    assert message.get_content_type() == "multipart/mixed"
    return {part.get_content_type(): str(part.get_payload()) for part in message.get_payload()}  # type: ignore[union-attr]


def test_amazon_linux_gets_no_configuration_where_its_defaults_are_right() -> None:
    assert told() == ""
    assert told(sharing=SHARED) == ""  # the device plugin shares, by a label of the node


def test_amazon_linux_gets_its_local_disks_by_nodeadm_and_its_partitions_by_a_script() -> None:
    found = parts(told(local_nvme=True, sharing=MIXED))
    assert list(found) == ["application/node.eks.aws", "text/x-shellscript"]
    assert yaml.safe_load(found["application/node.eks.aws"]) == {
        "apiVersion": "node.eks.aws/v1alpha1",
        "kind": "NodeConfig",
        "spec": {"instance": {"localStorage": {"strategy": "RAID0"}}},
    }
    assert found["text/x-shellscript"].startswith("#!/bin/bash\n")
    assert list(parts(told(sharing=MIXED))) == ["text/x-shellscript"]


def test_the_largest_partitions_are_made_first() -> None:
    assert mig_instances({"1g.10gb": 2, "3g.40gb": 1}, H100) == "3g.40gb,1g.10gb,1g.10gb"
    assert mig_instances({"1g.10gb": 7.0}, H100) == ",".join(["1g.10gb"] * 7)  # type: ignore[dict-item]


def test_gpus_are_cut_at_every_boot_before_the_kubelet_and_a_node_that_cannot_be_cut_does_not_join() -> None:
    script = mig_boot_script(MIXED["mig_profiles"], H100)
    assert "nvidia-smi mig -cgi 3g.40gb,1g.10gb,1g.10gb -C" in script
    assert "Before=nodeadm-run.service" in script
    assert "RequiredBy=nodeadm-run.service" in script
    assert "systemctl enable mlplatform-mig.service" in script
    assert "|| systemctl mask --runtime nodeadm-run.service" in script


@pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")
def test_the_script_is_one_that_bash_can_read() -> None:
    script = mig_boot_script(MIXED["mig_profiles"], H100)
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)


@pytest.mark.parametrize("strategy", [Sharing.TIME_SLICING, Sharing.MPS])
def test_bottlerocket_shares_under_a_name_of_its_own(strategy: Sharing) -> None:
    document = told(image=EksImage.BOTTLEROCKET, sharing=SharingArgs(strategy=strategy, replicas=4))
    nvidia = tomllib.loads(document)["settings"]["kubelet-device-plugins"]["nvidia"]
    assert nvidia["device-sharing-strategy"] == strategy.value
    assert nvidia[strategy.value]["replicas"] == 4
    assert nvidia[strategy.value]["rename-by-default"] is True
    assert nvidia[strategy.value].get("fail-requests-greater-than-one", True) is True
    assert ("fail-requests-greater-than-one" in nvidia[strategy.value]) == (strategy is Sharing.TIME_SLICING)


def test_bottlerocket_cuts_by_the_name_of_the_model() -> None:
    sharing = SharingArgs(strategy=Sharing.MIG, mig_profiles={"1g.20gb": 4})
    nvidia = tomllib.loads(told(image=EksImage.BOTTLEROCKET, sharing=sharing))
    assert nvidia["settings"]["kubelet-device-plugins"]["nvidia"] == {
        "device-partitioning-strategy": "mig",
        "mig": {"profile": {"h100.80gb": "1g.20gb"}},
    }


def test_every_model_that_bottlerocket_cuts_is_one_of_ours_with_mig_and_its_memory() -> None:
    for name, model in BOTTLEROCKET_MIG_MODELS.items():
        assert ACCELERATORS[name].mig_profiles
        assert model.endswith(f".{ACCELERATORS[name].memory_gib}gb")


def test_bottlerocket_s_local_disks_hold_images_pods_and_logs() -> None:
    settings = tomllib.loads(told(image=EksImage.BOTTLEROCKET, local_nvme=True))["settings"]
    (command,) = settings["bootstrap-commands"].values()
    assert command["mode"] == "always"
    assert command["essential"] is True
    assert command["commands"][0] == ["apiclient", "ephemeral-storage", "init"]
    assert "/var/lib/containerd" in command["commands"][1]
    assert told(image=EksImage.BOTTLEROCKET) == ""


def test_toml_keeps_what_it_is_given() -> None:
    table = {"text": 'a "quoted" one', "number": 3, "yes": True, "list": [["a"], ["b"]], "a.b": "c"}
    assert tomllib.loads(toml({"x": table})) == {"x": table}
