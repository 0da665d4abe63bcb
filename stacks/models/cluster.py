"""Settings of the cluster and its node pools, one model for each kind of cluster."""

from typing import Annotated, Literal

from pydantic import Field

from components.catalog import ClusterKind, Purchase, Sharing
from stacks.models.base import Model, Name

WHOLE_UNITS = "devices are whole: share them with sharing.strategy time-slicing or mig"


class TaintSettings(Model):
    """A taint on every node of a pool."""

    key: str
    """Taint key."""
    value: str = ""
    """Taint value."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] = "NoSchedule"
    """What it does to pods that do not tolerate it."""


class CustomAcceleratorSettings(Model):
    """A device that the catalogue does not know: another device plugin, an ASIC, an FPGA."""

    name: str
    """What the report calls it."""
    resource_name: Annotated[str, Field(pattern=r"^[a-z0-9.-]+\.[a-z]+/[a-zA-Z0-9._-]+$")]
    """The extended resource its device plugin offers: `vendor.example/device`."""
    memory_gib: Annotated[int, Field(ge=0)] = 0
    """Memory of one device."""
    node_labels: dict[str, str] = {}
    """Labels of the nodes that carry it."""
    taint_key: str
    """Taint of those nodes, effect NoSchedule."""


class SharingSettings(Model):
    """How one physical device serves several containers."""

    strategy: Sharing = Sharing.EXCLUSIVE
    """exclusive, time-slicing, mps or mig."""
    replicas: int | None = None
    """time-slicing and mps: containers per device."""
    mig_profiles: dict[str, int] | None = None
    """mig: instances of each profile on every GPU."""


class PoolSettings(Model):
    """One node pool."""

    accelerator: str | None = None
    """Name in the accelerator catalogue; left out for a CPU pool."""
    custom_accelerator: CustomAcceleratorSettings | None = None
    """Instead of `accelerator`."""
    devices_per_node: Annotated[int, Field(ge=1, json_schema_extra={"remedy": WHOLE_UNITS})] | None = None
    """Physical devices on one node; default: as many as the reference machine carries."""
    sharing: SharingSettings | None = None
    """Default: exclusive."""
    topology: str | None = None
    """TPU only: shape of one slice."""
    nodes_min: Annotated[int, Field(ge=0)] = 0
    """Fewest nodes."""
    nodes_max: Annotated[int, Field(ge=1, le=5000)]
    """Most nodes. 5,000 is what Kubernetes supports in one cluster."""
    purchase: Purchase = Purchase.ON_DEMAND
    """on-demand, spot or reserved."""
    cpu_per_node: Annotated[int, Field(ge=1)] | None = None
    """vCPUs of one node; default: the reference machine's."""
    memory_gib_per_node: Annotated[int, Field(ge=1)] | None = None
    """GiB of one node; default: the reference machine's."""
    labels: dict[str, str] = {}
    """More node labels."""
    taints: list[TaintSettings] = []
    """More taints."""


class SimulatedCluster(Model):
    """The embedded cluster: a real control plane on this computer, simulated nodes."""

    kind: Literal[ClusterKind.SIMULATED]
    """simulated."""
    name: Name = "dev"
    """Which embedded cluster; several run side by side."""
    pools: dict[Name, PoolSettings]
    """Its node pools."""


class ExistingCluster(Model):
    """Any cluster that a kubeconfig reaches; its nodes are there already and are described, not created."""

    kind: Literal[ClusterKind.EXISTING]
    """existing."""
    kubeconfig: str = "~/.kube/config"
    """Path of the kubeconfig file."""
    context: str | None = None
    """Context in it; default: the current one."""
    pools: dict[Name, PoolSettings]
    """The node pools it has; each node carries the label `mlplatform.dev/pool: <name>`."""
