"""CloudNativePG: the operator that runs PostgreSQL. Databases are `components.tracking.database.Database`."""

from typing import Any, Required, TypedDict

from pulumi import Output, ResourceOptions

from catalog.addons import ADDONS
from catalog.addresses import PRIVATE_RANGES
from catalog.versions import IMAGES
from components.base.chart_source import ChartSource
from components.base.charts import AddonChart, AddonChartArgs
from components.base.cluster_network import USUAL_NETWORK, ClusterNetworkHandle
from components.base.component import Component
from components.base.namespaces import IsolatedNamespace, IsolatedNamespaceArgs, PodSecurity
from components.base.network_policies import POSTGRESQL_INSTANCE_PORTS
from components.base.pods import resources
from components.base.traffic import scraped, to_api_server, webhook_from_api_server
from components.base.traffic_rules import Direction, TrafficRuleArgs

DEFAULT_NAMESPACE = ADDONS["cloudnative-pg"].namespace
OPERATOR_PODS = {"app.kubernetes.io/name": "cloudnative-pg"}
"""Labels of the operator's pods, as the chart writes them."""
INSTANCE_PODS = {"cnpg.io/podRole": "instance"}
"""Label of every pod that runs PostgreSQL (cloudnative-pg v1.30.0 pkg/utils/labels_annotations.go)."""
WEBHOOK_PORT = 9443
METRICS_PORT = ADDONS["cloudnative-pg"].metrics_port


class OperatorHandle(TypedDict):
    """The operator, as databases refer to it."""

    namespace: str
    """Where it runs."""
    pods: dict[str, str]
    """Labels of its pods."""


class CloudNativePgArgs(TypedDict, total=False):
    """The operator."""

    source: Required[ChartSource]
    """Source of the chart."""
    namespace: str
    """Namespace that is created for it. Default: cnpg-system."""
    highly_available: bool
    """Two operators with leader election. Databases run without an operator, but without failover."""
    monitoring_namespace: str
    """Namespace of Prometheus; empty or missing: no metrics."""
    control_plane_ranges: list[str]
    """Addresses from which the API server calls the operator's webhooks. Default: every private range."""
    found: bool
    """Whether the cluster has it already, in `namespace`: nothing is declared, and databases allow its traffic. Default
    false."""
    network: ClusterNetworkHandle
    """How names are resolved and policies are evaluated. Default: `USUAL_NETWORK`."""


class CloudNativePg(Component):
    """The operator in its own namespace. Its CRDs are installed beforehand by `Crds`."""

    namespace: Output[str]
    """Where the operator runs, known once its namespace is closed."""

    def __init__(self, name: str, args: CloudNativePgArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        self.operator = OperatorHandle(namespace=_namespace(args), pods=dict(OPERATOR_PODS))
        """Handle for databases, which allow its traffic."""
        self.namespace = Output.from_input(_namespace(args))
        if not args.get("found"):
            self._install(name, args)
        self.register_outputs({"namespace": self.namespace})

    def _install(self, name: str, args: CloudNativePgArgs) -> None:
        home = IsolatedNamespace(f"{name}-home", operator_namespace(args), opts=self.child)
        AddonChart(
            f"{name}-operator",
            AddonChartArgs(
                chart="cloudnative-pg",
                namespace=home.namespace,
                values=operator_values(args),
                source=args["source"],
            ),
            opts=self.child,
        )
        self.namespace = home.namespace


def _namespace(args: CloudNativePgArgs) -> str:
    return args.get("namespace") or DEFAULT_NAMESPACE


def operator_namespace(args: CloudNativePgArgs) -> IsolatedNamespaceArgs:
    """The operator's namespace and its traffic. Pure."""
    ranges = args.get("control_plane_ranges") or PRIVATE_RANGES
    return IsolatedNamespaceArgs(
        namespace=_namespace(args),
        pod_security=PodSecurity.RESTRICTED,
        exceptions=[
            to_api_server(),
            # Databases may be in any namespace; each allows the operator in its own policy.
            TrafficRuleArgs(
                name="instances",
                direction=Direction.EGRESS,
                pods=dict(OPERATOR_PODS),
                every_namespace=True,
                peer_pods=dict(INSTANCE_PODS),
                ports=[*POSTGRESQL_INSTANCE_PORTS],
            ),
            *webhook_from_api_server(OPERATOR_PODS, WEBHOOK_PORT, ranges),
            *scraped(args.get("monitoring_namespace") or "", [METRICS_PORT]),
        ],
        network=args.get("network") or USUAL_NETWORK,
    )


def operator_values(args: CloudNativePgArgs) -> dict[str, Any]:
    """Values of the chart that differ from its defaults. Pure."""
    return {
        "replicaCount": 2 if args.get("highly_available") else 1,
        # A patch release ahead of the chart's own; the CRD set is of the same release.
        "image": {"tag": IMAGES["cloudnative-pg"].tag},
        "crds": {"create": False},
        "monitoring": {"podMonitorEnabled": bool(args.get("monitoring_namespace"))},
        "resources": resources(cpu_millis=100, memory_mib=256, ephemeral_storage_mib=256),
    }
