"""MetalLB: addresses for Services of type LoadBalancer on a cluster without a cloud.

Layer 2 mode: one node answers for each address on the local network. It needs no configuration of routers. If the node
fails, another node takes over the address within seconds. All traffic of an address enters through one node. BGP is not
declared, because its peers depend on the network; its kinds are installed (`BGPPeer`, `BGPAdvertisement`).
"""

from typing import Any, Required

from pulumi import Output, ResourceOptions

from catalog.addons import ADDONS
from catalog.addresses import PRIVATE_RANGES
from components.addons.metallb_spec import MetalLbSpec
from components.addons.metallb_validation import check_metallb
from components.base.chart_source import ChartSource
from components.base.charts import AddonChart
from components.base.cluster_network import USUAL_NETWORK, ClusterNetworkHandle
from components.base.component import Component
from components.base.custom_resources import custom_resource
from components.base.namespaces import IsolatedNamespace, PodSecurity
from components.base.pods import addon_resources
from components.base.traffic import scraped, to_api_server, webhook_from_api_server
from components.capacity.placement import PoolHandle, tolerations_of_all
from components.findings import refuse

DEFAULT_NAMESPACE = ADDONS["metallb"].namespace
METRICS_PORT, WEBHOOK_PORT = ADDONS["metallb"].metrics_port, 9443


class MetalLbArgs(MetalLbSpec, total=False):
    """The settings, and values that the platform adds."""

    source: Required[ChartSource]
    """Source of charts."""
    pools: list[PoolHandle]
    """Pools of the cluster: its speakers tolerate their taints and run there too. Default: untainted nodes only."""
    namespace: str
    """Default: metallb-system."""
    monitoring_namespace: str
    """Namespace whose Prometheus may scrape it; default: none."""
    network: ClusterNetworkHandle
    """How names are resolved and policies are evaluated. Default: `USUAL_NETWORK`."""


def metallb_values(pools: list[PoolHandle], load_balancer_class: str = "") -> dict[str, Any]:
    """Values of the chart. Pure."""
    return {
        "crds": {"enabled": False},
        # No BGP, so no routing daemon on every node.
        "frrk8s": {"enabled": False},
        "loadBalancerClass": load_balancer_class or None,
        "controller": {"resources": addon_resources("20m", "128Mi")},
        "speaker": {"tolerations": tolerations_of_all(pools), "resources": addon_resources("20m", "128Mi")},
    }


class MetalLb(Component):
    """Addresses for Services, from ranges of the local network. Needs the CRD set `metallb`."""

    namespace: Output[str]
    """Where it runs."""
    address_pool: Output[str]
    """Value of the annotation `metallb.io/address-pool` on a Service."""

    def __init__(self, name: str, args: MetalLbArgs, opts: ResourceOptions | None = None) -> None:
        refuse(f"MetalLB {name}", check_metallb(name, args))
        super().__init__(name, args, opts)
        ranges = args.get("control_plane_ranges") or PRIVATE_RANGES
        controller = {"app.kubernetes.io/component": "controller"}
        home = IsolatedNamespace(
            f"{name}-namespace",
            {
                "namespace": args.get("namespace") or DEFAULT_NAMESPACE,
                # Speakers answer on the node's own network.
                "pod_security": PodSecurity.PRIVILEGED,
                "exceptions": [
                    to_api_server(),
                    *webhook_from_api_server(controller, WEBHOOK_PORT, ranges),
                    *scraped(args.get("monitoring_namespace", ""), [METRICS_PORT]),
                ],
                "network": args.get("network") or USUAL_NETWORK,
            },
            opts=self.child,
        )
        chart = AddonChart(
            f"{name}-chart",
            {
                "chart": "metallb",
                "namespace": home.namespace,
                "values": metallb_values(args.get("pools") or [], args.get("load_balancer_class", "")),
                "source": args["source"],
            },
            opts=self.child,
        )
        # After the chart: its webhook validates them.
        after = ResourceOptions.merge(self.child, ResourceOptions(depends_on=[chart]))
        spec = {"addresses": list(args["addresses"]), "autoAssign": bool(args.get("automatic", True))}
        advertised = {"ipAddressPools": [name], "interfaces": list(args.get("interfaces") or [])}
        custom_resource(f"{name}-addresses", "IPAddressPool", name, spec, after, namespace=home.namespace)
        custom_resource(
            f"{name}-advertisement",
            "L2Advertisement",
            name,
            {key: value for key, value in advertised.items() if value},
            after,
            namespace=home.namespace,
        )
        self.namespace = home.namespace
        self.address_pool = Output.from_input(name)
        self.register_outputs({"namespace": self.namespace, "addressPool": self.address_pool})
