"""Prometheus, Alertmanager and Grafana (kube-prometheus-stack), which find the monitors and rules of every namespace.

Two namespaces: node-exporter needs the host's network, processes and root file system, so it runs in a separate
privileged namespace (`<namespace>-nodes`); everything else uses Pod Security `restricted`. Grafana has no volume:
dashboards are code (`components.monitoring.dashboards`), and changes made in its user interface are lost with its pod.
"""

import base64
from typing import Any

from pulumi import Input, Output, Resource, ResourceOptions, log
from pulumi_kubernetes import core, meta

from components.addons.monitoring_traffic import (
    GRAFANA_SECRET,
    PROMETHEUS_PODS,
    PROMETHEUS_PORT,
    RELEASE,
    MonitoringArgs,
    grafana_hostname,
    monitoring_namespace,
    namespace_of,
    nodes_namespace,
)
from components.addons.monitoring_values import monitoring_values
from components.addons.routes import http_route_spec
from components.base.charts import AddonChart
from components.base.component import Component
from components.base.custom_resources import custom_resource
from components.base.generated_secrets import given_or_drawn, keeping_drawn
from components.base.labels import LABELS
from components.base.namespaces import IsolatedNamespace
from components.findings import refuse
from components.monitoring.spec import MonitoringHandle
from components.monitoring.validation import check_monitoring


class Monitoring(Component):
    """Prometheus, Alertmanager, Grafana, kube-state-metrics and node-exporter, in namespaces of their own."""

    namespace: Output[str]
    """Namespace in which it runs; it resolves once the namespace's policies exist."""

    def __init__(self, name: str, args: MonitoringArgs, opts: ResourceOptions | None = None) -> None:
        refuse(f"monitoring {name}", check_monitoring(name, args))
        kept: dict[str, Any] = {**args}
        if "grafana_admin_password" in args:
            kept["grafana_admin_password"] = Output.secret(args["grafana_admin_password"])
        super().__init__(name, kept, opts)
        if not args.get("receivers"):
            log.warn("no receiver for alerts: Alertmanager sends no notification; add `receivers`", resource=self)
        self.handle: MonitoringHandle = monitoring_handle(args)
        home = IsolatedNamespace(f"{name}-home", monitoring_namespace(args), opts=self.child)
        nodes = IsolatedNamespace(f"{name}-nodes", nodes_namespace(args), opts=self.child)
        before: list[Resource] = [nodes]
        if not args.get("grafana_admin_secret_name"):
            before.append(self._grafana_secret(name, home.namespace, kept.get("grafana_admin_password")))
        AddonChart(
            f"{name}-stack",
            {
                "chart": RELEASE,
                "namespace": home.namespace,
                "values": monitoring_values(args),
                "source": args["source"],
            },
            opts=ResourceOptions.merge(self.child, ResourceOptions(depends_on=before)),
        )
        gateway = args.get("gateway")
        if gateway:
            spec = http_route_spec(gateway, args["grafana_domain"], "grafana", f"{RELEASE}-grafana", 80)
            custom_resource(f"{name}-grafana", "HTTPRoute", "grafana", spec, self.child, namespace=home.namespace)
        self.namespace = home.namespace
        self.register_outputs({"namespace": self.namespace})

    def _grafana_secret(self, name: str, namespace: Input[str], password: Input[str] | None) -> "core.v1.Secret":
        # Each run generates a password; only that of the run that creates the Secret is used (ADR 0011). In `data`,
        # because the provider merges `stringData` into it and then ignores no field.
        plain = {"admin-user": Output.secret("admin"), "admin-password": given_or_drawn(password)}
        return core.v1.Secret(
            f"{name}-{GRAFANA_SECRET}",
            metadata=meta.v1.ObjectMetaArgs(name=GRAFANA_SECRET, namespace=namespace, labels=LABELS),
            data={key: value.apply(encoded) for key, value in plain.items()},
            opts=keeping_drawn(self.child, "data", given=password is not None),
        )


def encoded(value: str) -> str:
    """Base64, as in the `data` of a Secret."""
    return base64.b64encode(value.encode()).decode()


def monitoring_handle(args: MonitoringArgs) -> MonitoringHandle:
    """The handle of the monitoring. Pure."""
    namespace = namespace_of(args)
    public = grafana_hostname(args)
    return MonitoringHandle(
        namespace=namespace,
        prometheus_pods=dict(PROMETHEUS_PODS),
        prometheus_url=f"http://{RELEASE}-prometheus.{namespace}.svc.cluster.local:{PROMETHEUS_PORT}",
        grafana_url=f"https://{public}" if public else f"http://{RELEASE}-grafana.{namespace}.svc.cluster.local",
    )
