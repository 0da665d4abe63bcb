"""The VPC network of a GKE cluster: an existing one, or one with private nodes, NAT and addresses for Cloud SQL."""

from typing import Any, TypedDict

import pulumi_gcp as gcp
from pulumi import Output, ResourceOptions

from components.base.component import Component
from components.clouds.gke.cluster_validation import check_gke_network
from components.clouds.gke.handles import GkeNetworkHandle
from components.clouds.gke.place_validation import check_place
from components.clouds.gke.spec import (
    DEFAULT_FLOW_LOG_PERCENT,
    DEFAULT_MTU,
    DEFAULT_PRIVATE_SERVICES_PREFIX,
    DEFAULT_RANGES,
    GkeNetworkSpec,
)
from components.clouds.gke.validation import check_pool_name
from components.clouds.names import GCP_LABELS
from components.findings import refuse


class GkeNetworkArgs(TypedDict):
    """A network and its location."""

    network: GkeNetworkSpec
    """An existing network, or the ranges of one to create; empty: one with default ranges."""
    project: str
    """Project id."""
    region: str
    """Region of the subnetwork."""


class GkeNetwork(Component):
    """A VPC network for a private cluster. An existing network is only referenced; nothing is declared for it."""

    network_id: Output[str]
    """Id of the network; it resolves once the addresses for Cloud SQL exist."""
    subnetwork_id: Output[str]
    """Id of the subnetwork of nodes; it resolves once nodes can reach the internet."""

    def __init__(self, name: str, args: GkeNetworkArgs, opts: ResourceOptions | None = None) -> None:
        spec = args["network"]
        refuse(
            f"network {name}",
            [
                *check_pool_name(name, name),
                *check_place(name, args["project"], args["region"], [f"{args['region']}-a"]),
                *check_gke_network(f"{name}.network", spec),
            ],
        )
        super().__init__(name, args, opts)
        if spec.get("network_id"):
            self.network_id = Output.from_input(spec["network_id"])
            self.subnetwork_id = Output.from_input(spec["subnetwork_id"])
        else:
            self._make(name, args)
        self.handle: GkeNetworkHandle = GkeNetworkHandle(
            network_id=self.network_id,
            subnetwork_id=self.subnetwork_id,
            pods_range_name=spec.get("pods_range_name") or "pods",
            services_range_name=spec.get("services_range_name") or "services",
        )
        """Handle for clusters and databases."""
        self.register_outputs({"networkId": self.network_id, "subnetworkId": self.subnetwork_id})

    def _make(self, name: str, args: GkeNetworkArgs) -> None:
        spec, project, region = args["network"], args["project"], args["region"]
        network = gcp.compute.Network(
            f"{name}-network",
            name=name,
            project=project,
            auto_create_subnetworks=False,
            routing_mode="REGIONAL",
            mtu=int(spec.get("mtu") or DEFAULT_MTU),
            opts=self.child,
        )
        subnetwork = gcp.compute.Subnetwork(
            f"{name}-subnetwork",
            name=f"{name}-nodes",
            project=project,
            region=region,
            network=network.id,
            ip_cidr_range=spec.get("nodes_cidr") or DEFAULT_RANGES["nodes_cidr"],
            secondary_ip_ranges=[
                gcp.compute.SubnetworkSecondaryIpRangeArgs(
                    range_name=spec.get("pods_range_name") or "pods",
                    ip_cidr_range=spec.get("pods_cidr") or DEFAULT_RANGES["pods_cidr"],
                ),
                gcp.compute.SubnetworkSecondaryIpRangeArgs(
                    range_name=spec.get("services_range_name") or "services",
                    ip_cidr_range=spec.get("services_cidr") or DEFAULT_RANGES["services_cidr"],
                ),
            ],
            private_ip_google_access=True,
            log_config=_flow_logs(spec),
            opts=self.child,
        )
        nat = self._internet(name, args, network, subnetwork)
        connection = self._private_services(name, args, network)
        # Resources in the network depend on its NAT and its private addresses, and are deleted before them.
        self.network_id = Output.all(network.id, connection.id).apply(lambda ids: str(ids[0]))
        self.subnetwork_id = Output.all(subnetwork.id, nat.id).apply(lambda ids: str(ids[0]))

    def _internet(
        self, name: str, args: GkeNetworkArgs, network: gcp.compute.Network, subnetwork: gcp.compute.Subnetwork
    ) -> gcp.compute.RouterNat:
        place: dict[str, Any] = {"project": args["project"], "region": args["region"]}
        router = gcp.compute.Router(f"{name}-router", name=name, network=network.id, **place, opts=self.child)
        return gcp.compute.RouterNat(
            f"{name}-nat",
            name=name,
            router=router.name,
            nat_ip_allocate_option="AUTO_ONLY",
            source_subnetwork_ip_ranges_to_nat="LIST_OF_SUBNETWORKS",
            subnetworks=[
                gcp.compute.RouterNatSubnetworkArgs(name=subnetwork.id, source_ip_ranges_to_nats=["ALL_IP_RANGES"])
            ],
            # Image layers and data sets are fetched over many connections at once, which use up 64 ports of a node.
            enable_dynamic_port_allocation=True,
            enable_endpoint_independent_mapping=False,
            min_ports_per_vm=64,
            max_ports_per_vm=8192,
            log_config=gcp.compute.RouterNatLogConfigArgs(enable=True, filter="ERRORS_ONLY"),
            **place,
            opts=self.child,
        )

    def _private_services(
        self, name: str, args: GkeNetworkArgs, network: gcp.compute.Network
    ) -> gcp.servicenetworking.Connection:
        address = gcp.compute.GlobalAddress(
            f"{name}-private-services",
            name=f"{name}-private-services",
            project=args["project"],
            purpose="VPC_PEERING",
            address_type="INTERNAL",
            prefix_length=int(args["network"].get("private_services_prefix") or DEFAULT_PRIVATE_SERVICES_PREFIX),
            network=network.id,
            labels=GCP_LABELS,
            opts=self.child,
        )
        return gcp.servicenetworking.Connection(
            f"{name}-connection",
            network=network.id,
            service="servicenetworking.googleapis.com",
            reserved_peering_ranges=[address.name],
            # Google keeps the peering for days after the last database is deleted and refuses to remove it before.
            deletion_policy="ABANDON",
            opts=self.child,
        )


def _flow_logs(spec: GkeNetworkSpec) -> gcp.compute.SubnetworkLogConfigArgs | None:
    wanted = spec.get("flow_log_percent")
    percent = DEFAULT_FLOW_LOG_PERCENT if wanted is None else int(wanted)
    if not percent:
        return None
    return gcp.compute.SubnetworkLogConfigArgs(
        aggregation_interval="INTERVAL_10_MIN", flow_sampling=percent / 100, metadata="INCLUDE_ALL_METADATA"
    )
