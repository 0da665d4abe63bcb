"""Arguments of monitoring, its namespaces and their traffic. Pure."""

from typing import Any, Required

from pulumi import Input

from catalog.accelerators import ClusterKind
from catalog.addons import ADDONS
from catalog.addresses import METADATA_PORTS, PRIVATE_RANGES
from components.addons.gateway_spec import GatewayHandle
from components.addons.routes import from_gateway, hostname
from components.base.chart_source import ChartSource
from components.base.cluster_network import USUAL_NETWORK, ClusterNetworkHandle
from components.base.labels import LABELS
from components.base.namespaces import IsolatedNamespaceArgs, PodSecurity
from components.base.traffic import scraped, to_api_server, webhook_from_api_server
from components.base.traffic_rules import DNS_PODS, SYSTEM_NAMESPACE, Direction, TrafficRuleArgs, to_anywhere
from components.capacity.placement import PoolHandle
from components.monitoring.spec import (
    DEFAULT_NAMESPACE,
    MonitoringSpec,
)
from components.storage.plan import StorageHandle

RELEASE = "kube-prometheus-stack"
"""The chart's release name: the first part of the names of all its objects."""
PROMETHEUS_PODS = {"app.kubernetes.io/name": "prometheus"}
ALERTMANAGER_PODS = {"app.kubernetes.io/name": "alertmanager"}
GRAFANA_PODS = {"app.kubernetes.io/name": "grafana"}
OPERATOR_PODS = {"app": f"{RELEASE}-operator"}
"""Labels that the operator and the charts set (kube-prometheus-stack-88.5.3 templates)."""
PROMETHEUS_PORT, GRAFANA_PORT = 9090, 3000
KUBELET_PORT, COREDNS_PORT = 10250, 9153
CONTROL_PLANE_PORTS = (2381, 10249, 10257, 10259)
"""Ports of etcd, kube-proxy, controller manager and scheduler: scraped if the control plane is not managed
by a cloud.
"""
NODE_EXPORTER_PORT = ADDONS["node-exporter"].metrics_port
OPERATOR_PORT = ADDONS["prometheus-operator"].metrics_port
GRAFANA_SECRET = "grafana-admin"  # noqa: S105 - the name of a Secret
KUBE_DNS_PORTS = (10054, 10055)
"""Of the kube-dns pods of GKE (kube-prometheus-stack-88.5.3 templates/exporters/kube-dns/service.yaml)."""


class MonitoringArgs(MonitoringSpec, total=False):
    """The settings, and values that the platform adds."""

    source: Required[ChartSource]
    """Source of the chart."""
    cluster_kind: Required[ClusterKind]
    """Kind of the cluster, which determines the scraped parts of the control plane."""
    cluster: Required[str]
    """Name of the cluster: a label of every alert."""
    environment: Required[str]
    """`dev`, `prod`: a label of every alert."""
    storage: Required[StorageHandle]
    """Class of Prometheus' volumes; ReadWriteOnce."""
    pools: list[PoolHandle]
    """Pools of the cluster: node-exporter tolerates their taints."""
    keep_data: bool
    """Required in stacks that are not simulated. Volumes are kept when Prometheus is deleted."""
    highly_available: bool
    """Two Prometheus and three Alertmanagers on different nodes, with disruption budgets."""
    node_exporter: bool
    """Whether metrics of nodes are collected; default true. False if pods have no access to their node (Autopilot)."""
    kube_system: bool
    """Whether kube-system accepts Services, through which kubelets and cluster DNS are scraped; default true. False on
    GKE Autopilot: the Service of the kubelets is then in `namespace`, and cluster DNS is not scraped."""
    operator: bool
    """Whether prometheus-operator is installed; default true. False if the cluster has one for all namespaces; kubelets
    are then scraped through its Service (`--kubelet-service`)."""
    rule_webhook: bool
    """Whether a webhook validates rules at admission; needs cert-manager before this component. Default: `operator`."""
    grafana_admin_password: Input[str]
    """Password of Grafana's `admin`; kept as a secret. Default: generated once (docs/adr, generated credentials)."""
    gateway: GatewayHandle
    """Publishes Grafana as `grafana.<suffix>`. Default: it is reachable by port-forward only."""
    grafana_domain: str
    """Required with `gateway`: which of its domains."""
    network: ClusterNetworkHandle
    """How names are resolved and policies are evaluated. Default: `USUAL_NETWORK`."""


def grafana_hostname(args: MonitoringArgs) -> str:
    gateway = args.get("gateway")
    return hostname(gateway, args["grafana_domain"], "grafana") if gateway else ""


def namespace_of(args: MonitoringArgs) -> str:
    return args.get("namespace") or DEFAULT_NAMESPACE


def checks_rules(args: MonitoringArgs) -> bool:
    return brings_operator(args) and bool(args.get("rule_webhook", True))


def brings_operator(args: MonitoringArgs) -> bool:
    return bool(args.get("operator", True))


def monitoring_namespace(args: MonitoringArgs) -> IsolatedNamespaceArgs:
    """The namespace and its traffic. Pure."""
    exceptions = [
        to_api_server(),
        TrafficRuleArgs(name="inside-in", direction=Direction.INGRESS),
        TrafficRuleArgs(name="inside-out", direction=Direction.EGRESS),
        *scrapes(args),
    ]
    if checks_rules(args):
        ranges = args.get("control_plane_ranges") or PRIVATE_RANGES
        exceptions += webhook_from_api_server(OPERATOR_PODS, OPERATOR_PORT, ranges)
    if args.get("receivers"):
        receivers = to_anywhere("receivers", [443])
        receivers["pods"] = dict(ALERTMANAGER_PODS)
        exceptions.append(receivers)
    gateway = args.get("gateway")
    if gateway:
        exceptions += from_gateway(gateway, GRAFANA_PODS, GRAFANA_PORT)
    return IsolatedNamespaceArgs(
        namespace=namespace_of(args),
        pod_security=PodSecurity.RESTRICTED,
        exceptions=exceptions,
        labels=dict(gateway["route_namespace_labels"]) if gateway else {},
        network=args.get("network") or USUAL_NETWORK,
    )


def scrapes(args: MonitoringArgs) -> list[TrafficRuleArgs]:
    """Egress of Prometheus outside of its namespace. Pure.

    Namespaces of the platform declare the ports that they open to Prometheus, so none is repeated here. No peer selects
    nodes, or node-exporter with its host network, on every CNI, so egress to them is allowed by port.
    """
    prometheus = {"direction": Direction.EGRESS, "pods": dict(PROMETHEUS_PODS)}
    ports = {KUBELET_PORT, *(int(port) for port in args.get("more_scraped_ports") or [])}
    ports |= {NODE_EXPORTER_PORT} if args.get("node_exporter", True) else set()
    ports |= set(CONTROL_PLANE_PORTS) if args.get("scrape_control_plane") else set()
    rules: list[Any] = [
        {**prometheus, "name": "scrapes", "any_destination": True, "ports": sorted(ports - METADATA_PORTS)},
        {**prometheus, "name": "scrapes-platform", "peer_namespace_labels": dict(LABELS)},
    ]
    if of_pods := sorted(ports & METADATA_PORTS):
        # Egress to any destination would include the metadata service of the cloud.
        rules.append({**prometheus, "name": "scrapes-pods", "every_namespace": True, "ports": of_pods})
    if dns := dns_ports(args):
        where = {"peer_namespace": SYSTEM_NAMESPACE, "peer_pods": dict(DNS_PODS[0])}
        rules.append({**prometheus, "name": "scrapes-dns", **where, "ports": dns})
    return rules


def dns_ports(args: MonitoringArgs) -> list[int]:
    """Ports on which the DNS pods of kube-system are scraped; empty if they are not scraped. Pure."""
    if not args.get("kube_system", True):
        return []
    return [*KUBE_DNS_PORTS] if args["cluster_kind"] == ClusterKind.GKE else [COREDNS_PORT]


def nodes_namespace(args: MonitoringArgs) -> IsolatedNamespaceArgs:
    """The namespace of node-exporter. Pure."""
    return IsolatedNamespaceArgs(
        namespace=f"{namespace_of(args)}-nodes",
        # It reports on the node, so it needs the host's network and processes, and the root file system read-only.
        pod_security=PodSecurity.PRIVILEGED,
        exceptions=scraped(namespace_of(args), [NODE_EXPORTER_PORT]),
        network=args.get("network") or USUAL_NETWORK,
    )
