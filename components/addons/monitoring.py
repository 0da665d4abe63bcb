"""Prometheus, Alertmanager and Grafana (kube-prometheus-stack), which find the monitors and rules of every namespace.

Two namespaces: node-exporter wants the host's network, processes and root file system, so it alone lives in a
privileged namespace (`<namespace>-nodes`); everything else keeps Pod Security `restricted`. Grafana has no volume:
dashboards are code (`components.monitoring.dashboards`), and what is clicked together in it does not outlive its pod.
"""

import base64
from typing import Any, Required

from pulumi import Input, Output, Resource, ResourceOptions, log
from pulumi_kubernetes import core, meta

from catalog.accelerators import ClusterKind
from catalog.addons import ADDONS
from catalog.addresses import METADATA_PORTS, PRIVATE_RANGES
from components.addons.gateway_spec import GatewayHandle
from components.addons.routes import from_gateway, hostname, http_route_spec
from components.base.chart_source import ChartSource
from components.base.charts import AddonChart
from components.base.cluster_network import USUAL_NETWORK, ClusterNetworkHandle
from components.base.component import LABELS, Component
from components.base.custom_resources import custom_resource
from components.base.generated_secrets import given_or_drawn, keeping_drawn
from components.base.namespaces import (
    DNS_PODS,
    SYSTEM_NAMESPACE,
    Direction,
    IsolatedNamespace,
    IsolatedNamespaceArgs,
    PodSecurity,
    TrafficRuleArgs,
    to_anywhere,
)
from components.base.pods import container_security_context, resources
from components.base.traffic import scraped, to_api_server, webhook_from_api_server
from components.capacity.placement import PoolHandle, tolerations_of_all
from components.findings import refuse
from components.monitoring.dashboards import FOLDER_ANNOTATION
from components.monitoring.metrics import CUSTOM_RESOURCE_METRICS, NODE_LABELS, WORKLOAD_LABELS
from components.monitoring.spec import (
    DEFAULT_NAMESPACE,
    DEFAULT_STORAGE_GIB,
    AlertReceiverArgs,
    MonitoringHandle,
    MonitoringSpec,
    ReceiverKind,
)
from components.monitoring.validation import check_monitoring
from components.storage.plan import StorageHandle

RELEASE = "kube-prometheus-stack"
"""The chart's release name: the first part of the names of all its objects."""
PROMETHEUS_PODS = {"app.kubernetes.io/name": "prometheus"}
ALERTMANAGER_PODS = {"app.kubernetes.io/name": "alertmanager"}
GRAFANA_PODS = {"app.kubernetes.io/name": "grafana"}
OPERATOR_PODS = {"app": f"{RELEASE}-operator"}
"""As the operator and the charts label them (kube-prometheus-stack-88.5.3 templates)."""
PROMETHEUS_PORT, GRAFANA_PORT = 9090, 3000
NODE_EXPORTER_PORT = ADDONS["node-exporter"].metrics_port
OPERATOR_PORT = ADDONS["prometheus-operator"].metrics_port
GRAFANA_SECRET = "grafana-admin"  # noqa: S105 - the name of a Secret
KUBELET_PORT, COREDNS_PORT = 10250, 9153
KUBE_DNS_PORTS = (10054, 10055)
"""Of the kube-dns pods of GKE (kube-prometheus-stack-88.5.3 templates/exporters/kube-dns/service.yaml)."""
CONTROL_PLANE_PORTS = (2381, 10249, 10257, 10259)
"""etcd, kube-proxy, controller manager, scheduler: scraped where the control plane is ours."""
REPLACED_RULES = ("KubePersistentVolumeFillingUp", "KubeHpaMaxedOut")
"""Alerts of the chart that are replaced by ours (VolumeNearlyFull, ServingAtMaxReplicas)."""


class MonitoringArgs(MonitoringSpec, total=False):
    """What people write, and what the platform adds."""

    source: Required[ChartSource]
    """Where the chart is read from."""
    cluster_kind: Required[ClusterKind]
    """Decides which parts of the control plane can be scraped."""
    cluster: Required[str]
    """Name of the cluster: a label of every alert."""
    environment: Required[str]
    """`dev`, `prod`: a label of every alert."""
    storage: Required[StorageHandle]
    """Class of Prometheus' volumes; ReadWriteOnce."""
    pools: list[PoolHandle]
    """Pools of the cluster: node-exporter tolerates their taints."""
    keep_data: bool
    """Required in stacks that are not simulated. Volumes stay when Prometheus goes."""
    highly_available: bool
    """Two Prometheus and three Alertmanagers on different nodes, with disruption budgets."""
    node_exporter: bool
    """Whether metrics of the nodes themselves are taken; default true. False where no pod sees its node (Autopilot)."""
    kube_system: bool
    """Whether kube-system takes Services, through which kubelets and cluster DNS are scraped; default true. False on
    GKE Autopilot: the Service of the kubelets is then in `namespace`, and cluster DNS is not scraped."""
    operator: bool
    """Whether prometheus-operator is brought along; default true. False where the cluster has one for all namespaces;
    metrics of the kubelets are then taken where it keeps their Service (`--kubelet-service`)."""
    rule_webhook: bool
    """Rules are checked when they are written; needs cert-manager before this component. Default: `operator`."""
    grafana_admin_password: Input[str]
    """Password of Grafana's `admin`; kept as a secret. Default: drawn once (docs/adr, generated credentials)."""
    gateway: GatewayHandle
    """Publishes Grafana as `grafana.<suffix>`. Default: it is reached by port-forward only."""
    grafana_domain: str
    """Required with `gateway`: which of its domains."""
    network: ClusterNetworkHandle
    """How names are resolved and policies are evaluated. Default: `USUAL_NETWORK`."""


class Monitoring(Component):
    """Prometheus, Alertmanager, Grafana, kube-state-metrics and node-exporter, in namespaces of their own."""

    namespace: Output[str]
    """Where it runs, known once the namespace is closed."""

    def __init__(self, name: str, args: MonitoringArgs, opts: ResourceOptions | None = None) -> None:
        refuse(f"monitoring {name}", check_monitoring(name, args))
        kept: dict[str, Any] = {**args}
        if "grafana_admin_password" in args:
            kept["grafana_admin_password"] = Output.secret(args["grafana_admin_password"])
        super().__init__(name, kept, opts)
        if not args.get("receivers"):
            log.warn("no receiver for alerts: Alertmanager keeps them to itself; add `receivers`", resource=self)
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
        # Each run draws a password; only that of the run that creates the Secret is used (ADR 0011). In `data`, because
        # the provider folds `stringData` into it and then sees no ignored field.
        plain = {"admin-user": Output.secret("admin"), "admin-password": given_or_drawn(password)}
        return core.v1.Secret(
            f"{name}-{GRAFANA_SECRET}",
            metadata=meta.v1.ObjectMetaArgs(name=GRAFANA_SECRET, namespace=namespace, labels=LABELS),
            data={key: value.apply(encoded) for key, value in plain.items()},
            opts=keeping_drawn(self.child, "data", given=password is not None),
        )


def encoded(value: str) -> str:
    """As the `data` of a Secret wants it."""
    return base64.b64encode(value.encode()).decode()


def monitoring_handle(args: MonitoringArgs) -> MonitoringHandle:
    """What others need to know. Pure."""
    namespace = _namespace(args)
    public = _grafana_hostname(args)
    return MonitoringHandle(
        namespace=namespace,
        prometheus_pods=dict(PROMETHEUS_PODS),
        prometheus_url=f"http://{RELEASE}-prometheus.{namespace}.svc.cluster.local:{PROMETHEUS_PORT}",
        grafana_url=f"https://{public}" if public else f"http://{RELEASE}-grafana.{namespace}.svc.cluster.local",
    )


def _grafana_hostname(args: MonitoringArgs) -> str:
    gateway = args.get("gateway")
    return hostname(gateway, args["grafana_domain"], "grafana") if gateway else ""


def _namespace(args: MonitoringArgs) -> str:
    return args.get("namespace") or DEFAULT_NAMESPACE


def _checks_rules(args: MonitoringArgs) -> bool:
    return _brings_operator(args) and bool(args.get("rule_webhook", True))


def _brings_operator(args: MonitoringArgs) -> bool:
    return bool(args.get("operator", True))


def monitoring_namespace(args: MonitoringArgs) -> IsolatedNamespaceArgs:
    """The namespace and its traffic. Pure."""
    exceptions = [
        to_api_server(),
        TrafficRuleArgs(name="inside-in", direction=Direction.INGRESS),
        TrafficRuleArgs(name="inside-out", direction=Direction.EGRESS),
        *scrapes(args),
    ]
    if _checks_rules(args):
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
        namespace=_namespace(args),
        pod_security=PodSecurity.RESTRICTED,
        exceptions=exceptions,
        labels=dict(gateway["route_namespace_labels"]) if gateway else {},
        network=args.get("network") or USUAL_NETWORK,
    )


def scrapes(args: MonitoringArgs) -> list[TrafficRuleArgs]:
    """What Prometheus reaches outside of its namespace. Pure.

    The namespaces of the platform name the ports that they open to it, so none is named here a second time. Nodes and
    node-exporter, which has the node's own network, are selected by no peer on every CNI: their ports are.
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
        # At any destination they would reach the metadata service of the cloud.
        rules.append({**prometheus, "name": "scrapes-pods", "every_namespace": True, "ports": of_pods})
    if dns := dns_ports(args):
        where = {"peer_namespace": SYSTEM_NAMESPACE, "peer_pods": dict(DNS_PODS[0])}
        rules.append({**prometheus, "name": "scrapes-dns", **where, "ports": dns})
    return rules


def dns_ports(args: MonitoringArgs) -> list[int]:
    """Ports on which the DNS pods of kube-system are scraped; none where they are not. Pure."""
    if not args.get("kube_system", True):
        return []
    return [*KUBE_DNS_PORTS] if args["cluster_kind"] == ClusterKind.GKE else [COREDNS_PORT]


def nodes_namespace(args: MonitoringArgs) -> IsolatedNamespaceArgs:
    """The namespace of node-exporter. Pure."""
    return IsolatedNamespaceArgs(
        namespace=f"{_namespace(args)}-nodes",
        # Host network and processes, and the node's root file system read-only: what it reports is the node.
        pod_security=PodSecurity.PRIVILEGED,
        exceptions=scraped(_namespace(args), [NODE_EXPORTER_PORT]),
        network=args.get("network") or USUAL_NETWORK,
    )


def monitoring_values(args: MonitoringArgs) -> dict[str, Any]:
    """Values of the chart that differ from its defaults. Pure."""
    return {
        "crds": {"enabled": False},
        "defaultRules": default_rules(args),
        "prometheus": prometheus_values(args),
        "alertmanager": alertmanager_values(args),
        "grafana": grafana_values(args),
        "prometheusOperator": operator_values(args),
        "kube-state-metrics": state_metrics_values(),
        "nodeExporter": {"enabled": bool(args.get("node_exporter", True))},
        "prometheus-node-exporter": node_exporter_values(args),
        **control_plane_values(args),
    }


def control_plane_values(args: MonitoringArgs) -> dict[str, Any]:
    """Which parts of the control plane are scraped. Pure."""
    ours = bool(args.get("scrape_control_plane"))
    on_gke, scraped_dns = args["cluster_kind"] == ClusterKind.GKE, bool(dns_ports(args))
    return {
        **{part: {"enabled": ours} for part in ("kubeControllerManager", "kubeEtcd", "kubeScheduler", "kubeProxy")},
        # GKE runs kube-dns; everywhere else it is CoreDNS. Each is scraped through a Service in kube-system.
        "coreDns": {"enabled": scraped_dns and not on_gke},
        "kubeDns": {"enabled": scraped_dns and on_gke},
        **({} if args.get("kube_system", True) else {"kubelet": {"namespace": _namespace(args)}}),
    }


def default_rules(args: MonitoringArgs) -> dict[str, Any]:
    """The chart's own alerts, without those about what is not scraped, and those that ours replace. Pure."""
    ours = bool(args.get("scrape_control_plane"))
    parts = ("etcd", "kubeControllerManager", "kubeProxy", "kubeSchedulerAlerting", "kubeSchedulerRecording")
    return {
        "rules": {**dict.fromkeys(parts, ours), "windows": False},
        "disabled": dict.fromkeys(REPLACED_RULES, True),
    }


def prometheus_values(args: MonitoringArgs) -> dict[str, Any]:
    """Prometheus: what it finds, how long it keeps it, and where. Pure."""
    storage_gib = int(args.get("storage_gib", DEFAULT_STORAGE_GIB))
    available = bool(args.get("highly_available"))
    # Upstream's defaults find only what carries the release's label; teams would have to know our release name.
    everything = dict.fromkeys(
        (
            f"{what}SelectorNilUsesHelmValues"
            for what in ("rule", "serviceMonitor", "podMonitor", "probe", "scrapeConfig")
        ),
        False,
    )
    return {
        "prometheusSpec": {
            **everything,
            "retention": f"{int(args.get('retention_days') or 15)}d",
            "retentionSize": f"{int(args.get('retention_size_gib') or max(1, storage_gib * 80 // 100))}GiB",
            "storageSpec": {"volumeClaimTemplate": {"spec": _claim(args["storage"], storage_gib)}},
            "persistentVolumeClaimRetentionPolicy": _retention(args),
            "replicas": 2 if available else 1,
            "podAntiAffinity": "hard" if available else "soft",
            "resources": resources(
                cpu_millis=int(args.get("prometheus_cpu_millis") or 500),
                memory_mib=int(args.get("prometheus_memory_gib") or 2) * 1024,
            ),
            "externalLabels": {"cluster": args["cluster"], "environment": args["environment"]},
        },
        "podDisruptionBudget": {"enabled": available},
    }


def _claim(storage: StorageHandle, storage_gib: int) -> dict[str, Any]:
    return {
        "storageClassName": storage["class_name"],
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": f"{storage_gib}Gi"}},
    }


def _retention(args: MonitoringArgs) -> dict[str, str]:
    """What becomes of the volumes when Prometheus goes; a replica less never costs data."""
    return {"whenDeleted": "Retain" if args.get("keep_data") else "Delete", "whenScaled": "Retain"}


def alertmanager_values(args: MonitoringArgs) -> dict[str, Any]:
    """Alertmanager: replicas, and who hears of what. Addresses and keys are files of mounted Secrets. Pure."""
    available = bool(args.get("highly_available"))
    receivers = args.get("receivers") or []
    return {
        "config": alertmanager_config(receivers),
        "alertmanagerSpec": {
            "replicas": 3 if available else 1,
            "podAntiAffinity": "hard" if available else "soft",
            "resources": resources(cpu_millis=50, memory_mib=128, ephemeral_storage_mib=256),
            "secrets": sorted({receiver["secret_name"] for receiver in receivers}),
        },
        "podDisruptionBudget": {"enabled": available},
    }


def alertmanager_config(receivers: list[AlertReceiverArgs]) -> dict[str, Any]:
    """Alertmanager's configuration. Pure."""
    quieter = [("critical", "warning|info"), ("warning", "info")]
    silent = {"receiver": "null", "matchers": ['alertname =~ "Watchdog|InfoInhibitor"']}
    return {
        "global": {"resolve_timeout": "5m"},
        # What is known to be broken is not reported a second time, milder.
        "inhibit_rules": [
            {
                "source_matchers": [f"severity = {louder}"],
                "target_matchers": [f"severity =~ {milder}"],
                "equal": ["namespace", "alertname"],
            }
            for louder, milder in quieter
        ],
        "route": {
            "receiver": "null",
            "group_by": ["alertname", "namespace"],
            "group_wait": "30s",
            "group_interval": "5m",
            "repeat_interval": "12h",
            "routes": [silent, *(_route_to(receiver) for receiver in receivers)],
        },
        "receivers": [{"name": "null"}, *(_receiver(receiver) for receiver in receivers)],
    }


def _route_to(receiver: AlertReceiverArgs) -> dict[str, Any]:
    usual = ["critical"] if receiver["kind"] == ReceiverKind.PAGERDUTY else ["critical", "warning"]
    severities = "|".join(receiver.get("severities") or usual)
    return {"receiver": receiver["name"], "matchers": [f'severity =~ "{severities}"'], "continue": True}


def _receiver(receiver: AlertReceiverArgs) -> dict[str, Any]:
    file = f"/etc/alertmanager/secrets/{receiver['secret_name']}/{receiver['secret_key']}"
    match ReceiverKind(receiver["kind"]):
        case ReceiverKind.WEBHOOK:
            return {"name": receiver["name"], "webhook_configs": [{"url_file": file, "send_resolved": True}]}
        case ReceiverKind.SLACK:
            slack = {"api_url_file": file, "channel": receiver["channel"], "send_resolved": True}
            return {"name": receiver["name"], "slack_configs": [slack]}
        case ReceiverKind.PAGERDUTY:
            return {"name": receiver["name"], "pagerduty_configs": [{"routing_key_file": file}]}


def grafana_values(args: MonitoringArgs) -> dict[str, Any]:
    """Grafana: who may enter, and dashboards from the ConfigMaps of every namespace. Pure."""
    small = resources(cpu_millis=50, memory_mib=128, ephemeral_storage_mib=256)
    public = _grafana_hostname(args)
    server = {"server": {"root_url": f"https://{public}"}, "security": {"cookie_secure": True}} if public else {}
    return {
        # A password that the chart makes up is another one at each preview (it looks its Secret up in the cluster).
        "admin": {
            "existingSecret": args.get("grafana_admin_secret_name") or GRAFANA_SECRET,
            "userKey": "admin-user",
            "passwordKey": "admin-password",
        },
        "replicas": 1,
        "resources": resources(cpu_millis=100, memory_mib=512),
        "testFramework": {"enabled": False},
        "sidecar": {
            "resources": small,
            "dashboards": {
                "searchNamespace": "ALL",
                "folderAnnotation": FOLDER_ANNOTATION,
                "provider": {"foldersFromFilesStructure": True},
            },
        },
        "grafana.ini": {
            **server,
            "analytics": {"check_for_updates": False, "check_for_plugin_updates": False, "reporting_enabled": False},
            "users": {"allow_sign_up": False},
        },
    }


def operator_values(args: MonitoringArgs) -> dict[str, Any]:
    """The operator, and the webhook that checks rules. Pure."""
    if not _brings_operator(args):
        return {"enabled": False}
    checks = _checks_rules(args)
    return {
        # The chart's own certificate comes from a hook job, which Pulumi does not run: cert-manager, or none.
        "tls": {"enabled": checks},
        "admissionWebhooks": {
            "enabled": checks,
            "certManager": {"enabled": checks},
            "patch": {"enabled": False},
            # A rule that the webhook cannot validate is accepted: the operator validates it too, and must not stop
            # `up`.
            "failurePolicy": "Ignore",
        },
        **({} if args.get("kube_system", True) else {"kubeletService": {"namespace": _namespace(args)}}),
        "resources": resources(cpu_millis=100, memory_mib=256, ephemeral_storage_mib=256),
        # The chart passes these two to the operator as flags, and nothing else of `resources`.
        "prometheusConfigReloader": {
            "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"memory": "64Mi"}},
        },
    }


def state_metrics_values() -> dict[str, Any]:
    """kube-state-metrics: the labels that rules join on, and the readiness of InferenceServices. Pure."""
    workloads = ",".join(WORKLOAD_LABELS)
    return {
        "resources": resources(cpu_millis=100, memory_mib=256, ephemeral_storage_mib=256),
        "metricLabelsAllowlist": [
            f"nodes=[{','.join(NODE_LABELS)}]",
            f"jobs=[{workloads}]",
            f"deployments=[{workloads}]",
        ],
        "customResourceState": {"enabled": True, "config": CUSTOM_RESOURCE_METRICS},
        "rbac": {
            "extraRules": [
                {"apiGroups": ["serving.kserve.io"], "resources": ["inferenceservices"], "verbs": ["list", "watch"]}
            ]
        },
    }


def node_exporter_values(args: MonitoringArgs) -> dict[str, Any]:
    """node-exporter on every node of every pool, in a namespace of its own. Pure."""
    every_node = [{"operator": "Exists", "effect": "NoSchedule"}]
    return {
        "namespaceOverride": nodes_namespace(args)["namespace"],
        "tolerations": [*every_node, *tolerations_of_all(args.get("pools") or [])],
        "resources": resources(cpu_millis=50, memory_mib=64, ephemeral_storage_mib=64),
        "containerSecurityContext": container_security_context(),
    }
