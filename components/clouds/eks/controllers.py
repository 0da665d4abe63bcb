"""Controllers that create nodes on EKS: each has a namespace, an identity and a chart."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pulumi import Output, ResourceOptions

from components.base.charts import AddonChart
from components.base.component import Component
from components.base.namespaces import IsolatedNamespace, PodSecurity
from components.base.traffic import scraped, to_api_server
from components.base.traffic_rules import Direction, TrafficRuleArgs
from components.clouds.eks.pod_identity import PodIdentity, PolicyStatement

POD_IDENTITY_AGENT = "169.254.170.23/32"
"""Link-local address of the Pod Identity agent, from which pods get AWS credentials (EKS user guide,
pod-id-agent-setup)."""


class Controller(NamedTuple):
    """Names that its chart uses."""

    chart: str
    default_namespace: str
    service_account: str
    metrics_port: int


def declare_controller(
    component: Component,
    name: str,
    args: Mapping[str, Any],
    controller: Controller,
    statements: Sequence[PolicyStatement],
    values: dict[str, Any],
) -> Output[str]:
    """Declare the controller as a child of a component, with the component's arguments. Returns its namespace. The
    identity is created before its pods, which read it at admission.
    """
    namespace = args.get("namespace") or controller.default_namespace
    home = IsolatedNamespace(
        f"{name}-home",
        {
            "namespace": namespace,
            "pod_security": PodSecurity.RESTRICTED,
            "exceptions": controller_traffic(args.get("monitoring_namespace") or "", controller.metrics_port),
        },
        opts=component.child,
    )
    identity = PodIdentity(
        f"{name}-identity",
        {
            "cluster": args["cluster"],
            "namespace": namespace,
            "service_account": controller.service_account,
            "statements": list(statements),
        },
        opts=component.child,
    )
    AddonChart(
        f"{name}-controller",
        {"chart": controller.chart, "namespace": home.namespace, "values": values, "source": args["source"]},
        opts=ResourceOptions.merge(component.child, ResourceOptions(depends_on=[identity])),
    )
    return home.namespace


def controller_traffic(monitoring_namespace: str, port: int) -> list[TrafficRuleArgs]:
    """Egress of a node controller in addition to DNS: the API server and AWS (both 443), and its credentials. Pure."""
    agent = TrafficRuleArgs(name="pod-identity", direction=Direction.EGRESS, cidr=POD_IDENTITY_AGENT, ports=[80])
    return [to_api_server(), agent, *scraped(monitoring_namespace, [port])]
