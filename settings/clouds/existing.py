"""Settings of an existing cluster."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, cast

from catalog.accelerators import ClusterKind
from catalog.addons import ADDONS, ExistingAddon
from components.addons.metallb_spec import POOL_ANNOTATION, MetalLbSpec
from components.addons.metallb_validation import check_metallb
from components.base.cluster_network import (
    API_SERVICE_PORT,
    USUAL_API_SERVER_PORTS,
    ClusterNetworkHandle,
    PolicyEngine,
)
from components.base.destinations import check_api_server_ports, check_ranges
from components.capacity.placement import PoolArgs, PoolHandle, plan_pool
from components.clouds.pool_spec import DescribedNodePoolArgs, DescribedNodePoolSpec, described_software
from components.clouds.pool_validation import check_described_pool
from components.findings import Finding
from components.storage.onprem_spec import (
    LOCAL_PATH_NAMESPACE,
    NFS_NAMESPACE,
    LocalPathStorageSpec,
    NfsStorageSpec,
    local_path_classes,
    nfs_classes,
)
from components.storage.onprem_validation import check_encryption, check_host_paths, check_nfs
from components.storage.plan import DeclaredClassArgs
from settings.clouds.base import ClusterSettings
from settings.models.base import Int32, Name
from settings.models.shape import Shape
from settings.partial import as_far_as_known

DescribedPool = Annotated[dict[str, Any], Shape(PoolArgs, joined=DescribedNodePoolSpec)]
MetalLb = Annotated[MetalLbSpec, Shape(MetalLbSpec)]
Nfs = Annotated[NfsStorageSpec, Shape(NfsStorageSpec)]
LocalPath = Annotated[LocalPathStorageSpec, Shape(LocalPathStorageSpec)]


class ExistingSettings(ClusterSettings):
    """Any cluster that a kubeconfig reaches; its nodes are there already and are described, not created."""

    kind: Literal[ClusterKind.EXISTING]
    """existing."""
    kubeconfig: str = "~/.kube/config"
    """Path of the kubeconfig file."""
    context: str | None = None
    """Context in it; default: the current one."""
    metallb: MetalLb | None = None
    """Addresses for load balancers, if the cluster has no other source; default: it has one."""
    nfs: Nfs | None = None
    """An NFS server that serves shared and dataset; default: storage.declared says what there is."""
    local_path: LocalPath | None = None
    """Directories of the nodes that serve fast and standard, where there are no disks to attach; default: none."""
    existing_addons: dict[ExistingAddon, str] = {}
    """Add-ons that it has already, each with the namespace that it runs in, `cert-manager: cert-manager`: the platform
    uses them, and installs neither them nor their CRDs. `python -m tools detect` names them."""
    existing_crds: list[str] = []
    """Existing sets of CRDs, `gateway-api`, without the add-on itself; default: none."""
    metrics_server: bool = True
    """Whether it has metrics-server (or another service of `metrics.k8s.io`), without which no replicas follow their
    load. `python -m tools detect` looks for it."""
    network_policies: PolicyEngine = PolicyEngine.KUBERNETES
    """Which policies its CNI needs. kubernetes: NetworkPolicies. cilium: CiliumNetworkPolicies as well, without which
    Cilium lets no API server that is a node call a webhook. `python -m tools detect` says which."""
    dns_addresses: list[str] = []
    """Ranges in which pods resolve names where neither pods of cluster DNS nor NodeLocal DNSCache answer,
    `169.254.169.254/32` with Cloud DNS on GKE; default: none."""
    api_server_ports: list[Int32] = [*USUAL_API_SERVER_PORTS]
    """TCP ports on which pods may reach the API server: 443, that of its Service, and those on which API servers
    listen, `[443, 16443]` on MicroK8s. `python -m tools detect` reads them."""
    pools: dict[Name, DescribedPool]
    """Its node pools, and the owners of the software for their devices. Each node must have the label
    `mlplatform.dev/pool: <name>`."""

    def pool_handles(self) -> dict[str, PoolHandle]:
        described = {name: described_pool(pool) for name, pool in self.pools.items()}
        return {
            name: plan_pool(name, args["pool"], self.kind, described_software(args))[0]
            for name, args in described.items()
        }

    def pool_findings(self) -> Iterator[tuple[str, Iterator[Finding]]]:
        for name, pool in self.pools.items():
            args = described_pool(pool)
            software, mixed = described_software(args), bool(args.get("mig_mixed"))
            yield name, check_described_pool(f"cluster.pools.{name}", args["pool"], software, mig_mixed=mixed)

    def findings(self, *, keep_data: bool) -> Iterator[Finding]:
        yield from self._addresses_and_volumes()
        yield from self._network()

    @as_far_as_known
    def _addresses_and_volumes(self) -> Iterator[Finding]:
        """What a cluster without a cloud gets its addresses and volumes from."""
        if self.metallb:
            yield from check_metallb("cluster.metallb", self.metallb)
        if self.nfs:
            yield from check_nfs("cluster.nfs", self.nfs)
        if self.local_path:
            yield from check_host_paths("cluster.localPath.paths", self.local_path["paths"])
            yield from check_encryption("cluster.localPath", self.local_path["encryption"])

    @as_far_as_known
    def _network(self) -> Iterator[Finding]:
        yield from check_ranges("cluster.dnsAddresses", self.dns_addresses)
        yield from check_api_server_ports("cluster.apiServerPorts", self.api_server_ports, API_SERVICE_PORT)

    def check_gateway_annotations(self, path: str, annotations: Mapping[str, str]) -> Iterator[Finding]:
        if self.metallb is None or self.metallb.get("automatic", True):
            return
        if not {POOL_ANNOTATION, "metallb.io/loadBalancerIPs"} & {*annotations}:
            yield Finding(
                path,
                f"without {POOL_ANNOTATION}",
                "with cluster.metallb.automatic: false only a Service that asks for it gets an address",
                f"add {POOL_ANNOTATION}: metallb, or remove automatic",
            )

    @property
    def has_pod_metrics(self) -> bool:
        return self.metrics_server

    @property
    def dns_ranges(self) -> Sequence[str]:
        return self.dns_addresses

    @property
    def cluster_network(self) -> ClusterNetworkHandle:
        usual = super().cluster_network
        return {**usual, "policies": self.network_policies, "api_server_ports": [*self.api_server_ports]}

    @property
    def charts(self) -> Sequence[str]:
        return [*(["metallb"] if self.metallb else []), *(["csi-driver-nfs"] if self.nfs else [])]

    @property
    def namespaces(self) -> Iterator[tuple[str, str]]:
        parts: tuple[tuple[Any, str], ...] = (
            (self.metallb, ADDONS["metallb"].namespace),
            (self.nfs and ExistingAddon.CSI_DRIVER_NFS not in self.existing_addons, NFS_NAMESPACE),
            (self.local_path, LOCAL_PATH_NAMESPACE),
        )
        yield from ((namespace, namespace) for wanted, namespace in parts if wanted)

    @property
    def load_balancer_class(self) -> str | None:
        return self.metallb.get("load_balancer_class", "") if self.metallb else None

    @property
    def present_addons(self) -> Mapping[ExistingAddon, str]:
        return self.existing_addons

    @property
    def present_crds(self) -> Sequence[str]:
        return self.existing_crds

    @property
    def storage_classes(self) -> Sequence[DeclaredClassArgs]:
        return [
            *(local_path_classes(self.local_path) if self.local_path else []),
            *(nfs_classes(self.nfs) if self.nfs else []),
        ]


def described_pool(written: Mapping[str, Any]) -> DescribedNodePoolArgs:
    """A pool of a cluster that exists, as the component takes it: what the nodes are, and who brings what to them."""
    software_keys = DescribedNodePoolSpec.__annotations__.keys() & written.keys()
    nodes = {key: value for key, value in written.items() if key not in software_keys}
    return cast(DescribedNodePoolArgs, {"pool": nodes, **{key: written[key] for key in software_keys}})
