"""Settings of the cluster and its node pools, one model for each kind of cluster."""

from typing import Annotated, Any, Literal

from catalog.accelerators import ClusterKind
from catalog.addons import ExistingAddon
from components.addons.device_plugin_spec import DevicePluginSpec
from components.addons.metallb_spec import MetalLbSpec
from components.base.cluster_network import USUAL_API_SERVER_PORTS, PolicyEngine
from components.capacity.placement import PoolArgs
from components.clouds.pool_spec import DescribedNodePoolArgs
from components.storage.onprem_spec import LocalPathStorageSpec, NfsStorageSpec
from settings.models.base import Model, Name
from settings.models.shape import Shape

Pool = Annotated[PoolArgs, Shape(PoolArgs)]
DescribedPool = Annotated[dict[str, Any], Shape(PoolArgs, beside=DescribedNodePoolArgs, without=frozenset({"pool"}))]
MetalLb = Annotated[MetalLbSpec, Shape(MetalLbSpec)]
Nfs = Annotated[NfsStorageSpec, Shape(NfsStorageSpec)]
Plugin = Annotated[DevicePluginSpec, Shape(DevicePluginSpec)]
LocalPath = Annotated[LocalPathStorageSpec, Shape(LocalPathStorageSpec)]


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
    metallb: MetalLb | None = None
    """Addresses for load balancers, where nobody else gives them; default: somebody else does."""
    nfs: Nfs | None = None
    """An NFS server that serves shared and dataset; default: storage.declared says what there is."""
    local_path: LocalPath | None = None
    """Directories of the nodes that serve fast and standard, where there are no disks to attach; default: none."""
    existing_addons: dict[ExistingAddon, str] = {}
    """Add-ons that it has already, each with the namespace that it runs in, `cert-manager: cert-manager`: the platform
    uses them, and installs neither them nor their CRDs. `python -m tools detect` names them."""
    existing_crds: list[str] = []
    """Sets of CRDs that somebody else keeps there, `gateway-api`, without the add-on itself; default: none."""
    metrics_server: bool = True
    """Whether it has metrics-server (or another service of `metrics.k8s.io`), without which no replicas follow their
    load. `python -m tools detect` looks for it."""
    network_policies: PolicyEngine = PolicyEngine.KUBERNETES
    """Which policies its CNI needs. kubernetes: NetworkPolicies. cilium: CiliumNetworkPolicies as well, without which
    Cilium lets no API server that is a node call a webhook. `python -m tools detect` says which."""
    dns_addresses: list[str] = []
    """Ranges in which pods resolve names where neither pods of cluster DNS nor NodeLocal DNSCache answer,
    `169.254.169.254/32` with Cloud DNS on GKE; default: none."""
    api_server_ports: list[int] = [*USUAL_API_SERVER_PORTS]
    """TCP ports on which pods may reach the API server: 443, that of its Service, and those on which API servers
    listen, `[443, 16443]` on MicroK8s. `python -m tools detect` reads them."""
    pools: dict[Name, DescribedPool]
    """The node pools it has, and who brings what their devices need. Each node carries the label
    `mlplatform.dev/pool: <name>`."""
