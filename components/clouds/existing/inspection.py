"""Facts about the software of an existing cluster, for comparison with the settings.

Pure: the facts come from `python -m tools detect`, which queries the cluster, or from a test. Existing software is not
installed a second time, and this module changes no cluster.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple, Required, TypedDict

from catalog.accelerators import ACCELERATORS, Accelerator, ClusterKind
from catalog.addons import ADDONS, ExistingAddon
from catalog.versions import CRDS
from components.capacity.placement import Taint
from components.storage.plan import Encryption


def left_out(found: Iterable[str], existing_crds: Iterable[str]) -> frozenset[str]:
    """The sets of `versions.CRDS` that the platform does not install: with existing add-ons, and existing alone."""
    return frozenset({*found, *existing_crds} & CRDS.keys())


class NodeFacts(TypedDict):
    """One node."""

    name: str
    """Its name."""
    labels: dict[str, str]
    """Its labels."""
    taints: list[Taint]
    """Its taints."""
    allocatable: dict[str, str]
    """Allocatable resources: resource name -> quantity."""


class StorageClassFacts(TypedDict):
    """One storage class."""

    name: str
    """Its name."""
    provisioner: str
    """Provisioner of its volumes."""
    is_default: bool
    """Whether it is the default class."""


class ControllerClassFacts(TypedDict):
    """One IngressClass or GatewayClass."""

    name: str
    """Its name."""
    controller: str
    """Controller that serves it."""


class InstalledCrd(TypedDict):
    """One custom resource definition."""

    name: str
    """`plural.group`."""
    versions: list[str]
    """API versions that are served."""
    bundle: str
    """Its release, from an annotation or a label; empty if unknown."""
    owner: str
    """Its manager, from labels (Helm release, OLM, mlplatform); empty if unknown."""


class WorkloadFacts(TypedDict):
    """One DaemonSet or Deployment of software that the platform knows."""

    namespace: str
    """Its namespace."""
    name: str
    """Its name."""
    images: list[str]
    """Images of its containers."""


class ClusterSnapshot(TypedDict, total=False):
    """The facts about a cluster at one moment."""

    version: Required[str]
    """Kubernetes version, `v1.35.2`."""
    nodes: Required[list[NodeFacts]]
    """All nodes."""
    storage_classes: list[StorageClassFacts]
    """All storage classes."""
    ingress_classes: list[ControllerClassFacts]
    """All IngressClasses."""
    gateway_classes: list[ControllerClassFacts]
    """All GatewayClasses; none where the Gateway API is not installed."""
    crds: list[InstalledCrd]
    """Custom resource definitions."""
    daemon_sets: list[WorkloadFacts]
    """Those of `SOFTWARE`."""
    deployments: list[WorkloadFacts]
    """Those of `SOFTWARE`."""
    csi_drivers: list[str]
    """Names of drivers for volumes."""
    aggregated_apis: list[str]
    """APIServices with a Service behind them that is available, `v1beta1.metrics.k8s.io`; missing: not read."""
    namespaces: list[str]
    """All namespaces."""
    ours: list[str]
    """Those of them that the platform created, by their label: software in them does not conflict with the platform."""


class Software(NamedTuple):
    """Software that a cluster may have, recognized by its image."""

    what: str
    image: re.Pattern[str]
    resource_prefix: str = ""
    """Extended resource that it offers; empty: none."""
    addon: ExistingAddon | None = None
    """Key of `cluster.existingAddons`; None: other settings are for it."""


SOFTWARE: tuple[Software, ...] = (
    *(
        Software(
            row.title, re.compile(row.image), row.offers, ExistingAddon(name) if name in {*ExistingAddon} else None
        )
        for name, row in ADDONS.items()
        if row.image
    ),
    Software("GKE device plugin", re.compile(r"nvidia-gpu-device-plugin|/device-plugin-gke"), "nvidia.com/"),
    Software("NVIDIA driver", re.compile(r"nvidia/driver[:@]|/nvidia-driver[:@]")),
    Software("AMD device plugin", re.compile(r"rocm/k8s-device-plugin[:@](?!labeller)"), "amd.com/"),
    Software("Neuron device plugin", re.compile(r"/neuron-device-plugin[:@]"), "aws.amazon.com/"),
)
"""Recognized by image, because an installer chooses the names. Add-ons, and software that others install."""


def software_of(workload: WorkloadFacts) -> Software | None:
    """The software of a DaemonSet or Deployment, by its images; None: unknown."""
    for image in workload["images"]:
        for row in SOFTWARE:
            if row.image.search(image):
                return row
    return None


def devices_of(node: NodeFacts) -> dict[str, int]:
    """Extended resource name -> how many that node offers, without hugepages and the like."""
    return {
        name: int(amount)
        for name, amount in node["allocatable"].items()
        if "/" in name and not name.startswith("kubernetes.io/") and amount.isdigit() and int(amount) > 0
    }


def accelerator_on(node: NodeFacts) -> Accelerator | None:
    """The accelerator of the catalogue whose labels that node carries."""
    fitting = [
        row
        for row in ACCELERATORS.values()
        if any(
            row.node_labels[kind].items() <= node["labels"].items() and row.node_labels[kind] for kind in ClusterKind
        )
    ]
    return fitting[0] if fitting else None


def _theirs(snapshot: ClusterSnapshot) -> dict[str, tuple[Software, str, str]]:
    """Software that runs in the cluster and that the platform did not install: name, namespace and description."""
    there: dict[str, tuple[Software, str, str]] = {}
    for kind, workloads in (
        ("DaemonSet", snapshot.get("daemon_sets") or []),
        ("Deployment", snapshot.get("deployments") or []),
    ):
        for one in workloads:
            row = software_of(one)
            if row and one["namespace"] not in (snapshot.get("ours") or []):
                words = f"{row.what}: {kind} {one['namespace']}/{one['name']}"
                there.setdefault(row.what, (row, one["namespace"], words))
    return there


NFS, LOCAL_PATH = "nfs.csi.k8s.io", "rancher.io/local-path"
"""Provisioners that the platform can install (keys of `stores.PROVISIONERS`)."""

ENCRYPTED_BY = f"{', '.join([*Encryption][:-1])} or {[*Encryption][-1]}"

PULUMI = "pulumi"
"""Owner of a CRD that a Pulumi stack applied, most likely of this platform: from the field manager of its fields."""
