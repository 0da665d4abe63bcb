"""Settings of the cluster and its node pools, one model for each kind of cluster."""

from typing import Annotated, Literal

from components.catalog import ClusterKind
from components.placement import PoolArgs
from stacks.models.base import Model, Name
from stacks.models.shape import Shape

Pool = Annotated[PoolArgs, Shape(PoolArgs)]


class SimulatedCluster(Model):
    """The embedded cluster: a real control plane on this computer, simulated nodes."""

    kind: Literal[ClusterKind.SIMULATED]
    """simulated."""
    name: Name = "dev"
    """Which embedded cluster, where neither `make` nor MLPLATFORM_CLUSTER says so."""
    pools: dict[Name, Pool]
    """Its node pools."""


class ExistingCluster(Model):
    """Any cluster that a kubeconfig reaches; its nodes are there already and are described, not created."""

    kind: Literal[ClusterKind.EXISTING]
    """existing."""
    kubeconfig: str = "~/.kube/config"
    """Path of the kubeconfig file."""
    context: str | None = None
    """Context in it; default: the current one."""
    pools: dict[Name, Pool]
    """The node pools it has; each node carries the label `mlplatform.dev/pool: <name>`."""
