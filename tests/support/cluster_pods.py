"""The pods, Services, monitors and policies that an environment has once controllers have made what is declared.

What the program registers is recorded; what upstream's charts render, and what its controllers make of custom
resources, are the facts of `catalog.upstream`; what comes with the cluster is the table `OF_THE_CLUSTER`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from unittest import mock

import yaml
from pulumi_kubernetes import Provider

from catalog.upstream import chart_facts
from catalog.upstream.controllers import CONTROLLER_PODS
from catalog.versions import CHARTS
from settings.settings import Settings
from stacks import addons, data, tenants, workloads
from stacks.cluster import DeclaredCluster, cloud_of, declare_cluster, with_pools
from tests.recorder import Recording, record
from tests.support.network_policies import Endpoint, Kind, Policies, Service

Labels = Mapping[str, str]
UNKNOWN_ADDRESS, DATABASE = "None/32", "10.20.4.8/32"
"""What the recording engine has in place of the address that Cloud SQL gives out, and one such address."""


class Made(NamedTuple):
    """Pods that are there with the cluster."""

    namespace: str
    name: str
    labels: Labels
    ports: tuple[tuple[str, int], ...]
    source: str


OF_THE_CLUSTER = (
    Made(
        "kube-system",
        "coredns",
        {"k8s-app": "kube-dns"},
        (("dns", 53), ("metrics", 9153), ("dnsmasq", 10054), ("skydns", 10055)),
        "kubernetes/kubernetes cluster/addons/dns; GKE's kube-dns",
    ),
    Made("kube-system", "konnectivity-agent", {"k8s-app": "konnectivity-agent"}, (), "GKE, many others"),
    Made("default", "stranger", {"app": "stranger"}, (("http", 8080), ("https", 443)), "nobody's"),
)
NODE_LOCAL_DNS = Made(
    "kube-system",
    "node-local-dns",
    {"k8s-app": "node-local-dns"},
    (("dns", 53),),
    "GKE documentation, how-to/nodelocal-dns-cache",
)
"""A pod of its own on GKE Dataplane V2; elsewhere it has the node's network."""
SWITCHED = {"nodeExporter": "node-exporter", "coreDns": "coredns", "kubeDns": "kube-dns"}
"""Part of kube-prometheus-stack that values switch off, on clusters that no facts are of -> what its names contain."""
OPERATOR_MONITORS = (("nvidia-dcgm-exporter", "gpu-metrics", 9400), ("gpu-operator", "gpu-operator-metrics", 8080))
"""Label `app`, and name and port of the Service, of what the GPU Operator has scraped (NVIDIA/gpu-operator v26.7.0
assets/state-dcgm-exporter, assets/state-operator-metrics)."""
INITDB = {"cnpg.io/cluster": "{name}", "cnpg.io/jobRole": "initdb"}
"""Labels of the Job with which a PostgreSQL cluster begins (cloudnative-pg v1.30.0 pkg/specs/jobs.go)."""


@dataclass
class Inventory:
    """What is there."""

    pods: dict[Endpoint, Mapping[str, int]] = field(default_factory=dict)
    """Pod -> its ports by name."""
    services: list[Service] = field(default_factory=list)
    monitors: list[tuple[str, str, Any, Any, list[Mapping[str, Any]]]] = field(default_factory=list)
    """Kind, namespace, selector, namespaces that it selects, endpoints."""
    service_ports: list[tuple[str, Labels, Labels, dict[str, Any]]] = field(default_factory=list)
    """Namespace, labels, selector and `name or number -> port of the pods` of every Service."""
    policies: Policies = field(default_factory=lambda: Policies([]))

    def at(self, namespace: str, labels: Labels) -> list[Endpoint]:
        """The pods of a namespace with these labels."""
        return [pod for pod in self.pods if pod.namespace == namespace and labels.items() <= pod.labels.items()]


def recorded(settings: Settings) -> Recording:
    """What the program of an environment registers, with a recording engine: no cloud is asked."""

    def program() -> None:
        on = (
            declare_cluster(settings)
            if settings.cluster.is_made
            else DeclaredCluster(Provider("cluster"), dict(settings.pools), [], cloud_of(settings))
        )
        crds = addons.declare_crds(settings, on)
        on = with_pools(on, addons.chart_source(settings), crds)
        platform = addons.declare_addons(settings, on, crds)
        stores = data.declare_data(settings, on, platform)
        teams = tenants.declare_tenants(settings, on, platform, stores)
        workloads.declare_workloads(settings, on, platform, stores, teams)

    return record(program)


class _Builder:
    def __init__(self, recording: Recording, case: str) -> None:
        self.recording, self.case, self.found = recording, case, Inventory()
        self.namespaces: dict[str, Labels] = {"kube-system": {}, "default": {}}
        self.objects = [one for one in recording.resources if one.type.startswith("kubernetes:")]
        for one in self.objects:
            if one.kind == "Namespace":
                self.namespaces[one.inputs["metadata"]["name"]] = one.inputs["metadata"].get("labels") or {}

    def pod(self, namespace: str, name: str, labels: Labels, ports: Mapping[str, int], *, host: bool) -> None:
        number = len(self.found.pods) + 1
        address = f"10.10.0.{number}" if host else f"10.244.{number // 250}.{number % 250 + 1}"
        known = {**self.namespaces.get(namespace, {}), "kubernetes.io/metadata.name": namespace}
        kind = Kind.NODE if host else Kind.POD
        self.found.pods[Endpoint(f"{namespace}/{name}", kind, address, namespace, known, labels)] = ports

    def service(self, namespace: str, labels: Labels, selector: Labels, ports: list[Any], *, headless: bool) -> None:
        named = {str(port.get("name", port["port"])): port.get("targetPort", port["port"]) for port in ports}
        self.found.service_ports.append((namespace, labels, selector, named))
        pods = [pod for pod in self.found.at(namespace, selector) if pod.kind is Kind.POD]
        if pods and not headless:
            names = self.found.pods[pods[0]]
            numbers = {int(names.get(str(p.get("targetPort")), p.get("targetPort") or p["port"])): p for p in ports}
            address = f"10.96.1.{len(self.found.services) + 1}"
            own = {target: int(port["port"]) for target, port in numbers.items()}
            self.found.services.append(Service(namespace, selector, address, own))

    def build(self) -> Inventory:
        charts = {str(one.inputs["name"]): one for one in self.objects if one.kind == "Chart"}
        rendered = [(charts[name].inputs["namespace"], one) for name in charts for one in self.rendered(name)]
        for namespace, one in rendered:
            self.chart_pod(namespace, one)
        self.declared_pods()
        self.made_by_controllers(rendered)
        made = [*OF_THE_CLUSTER, *([NODE_LOCAL_DNS] if self.case == "gke" else [])]
        if self.of("AutoModeNetworkPolicies"):
            made = [row for row in made if row.name != "coredns"]
        for row in made:
            self.pod(row.namespace, row.name, row.labels, dict(row.ports), host=False)
        for namespace, one in rendered:
            self.chart_rest(namespace, one)
        self.declared_rest()
        declared = [{**one.inputs, "kind": one.kind} for one in self.objects if one.kind.endswith("NetworkPolicy")]
        self.found.policies = Policies(yaml.safe_load(yaml.safe_dump(declared).replace(UNKNOWN_ADDRESS, DATABASE)))
        return self.found

    def of(self, component: str) -> bool:
        """Whether there is a component of this kind."""
        return any(one.type == f"mlplatform:index:{component}" for one in self.recording.resources)

    def rendered(self, chart: str) -> Iterator[Mapping[str, Any]]:
        facts = chart_facts(chart, CHARTS[chart].version)
        case = self.case if self.case in facts["cases"] else next(iter(facts["cases"]))
        (values,) = [
            one.inputs["values"] for one in self.objects if one.kind == "Chart" and one.inputs["name"] == chart
        ]
        off = [part for key, part in SWITCHED.items() if not (values.get(key) or {}).get("enabled", True)]
        for one in facts["objects"]:
            if ("cases" not in one or case in one["cases"]) and not any(part in one["name"] for part in off):
                yield one

    def chart_pod(self, namespace: str, one: Mapping[str, Any]) -> None:
        if "podLabels" in one:
            declared = [port for container in one["containers"] for port in container.get("ports", [])]
            ports = {str(port.get("name", port["port"])): int(port["port"]) for port in declared}
            where = _placed(one.get("namespace"), namespace)
            self.pod(where, one["name"], one["podLabels"], ports, host=bool(one.get("hostNetwork")))

    def chart_rest(self, namespace: str, one: Mapping[str, Any]) -> None:
        where = _placed(one.get("namespace"), namespace)
        if one["kind"] == "Service":
            self.service(
                where, one.get("labels", {}), one.get("selector", {}), one["ports"], headless=bool(one.get("headless"))
            )
        elif one["kind"] in ("PodMonitor", "ServiceMonitor"):
            chosen = one.get("namespaces")
            names = [_placed(each, namespace) for each in chosen] if isinstance(chosen, list) else [where]
            selector = one["selector"]
            selector = selector if "matchExpressions" in selector else {"matchLabels": selector}
            self.found.monitors.append((one["kind"], where, selector, names, one["endpoints"]))

    def declared_pods(self) -> None:
        for one in self.objects:
            spec, metadata = one.inputs.get("spec") or {}, one.inputs.get("metadata") or {}
            template = spec.get("template") or ((spec.get("jobTemplate") or {}).get("spec") or {}).get("template")
            namespace = str(metadata.get("namespace", ""))
            if one.kind in ("CronJob", "DaemonSet", "Deployment", "Job", "StatefulSet") and template:
                containers = template["spec"]["containers"]
                named = {
                    str(port.get("name", port["containerPort"])): int(port["containerPort"])
                    for container in containers
                    for port in container.get("ports") or []
                }
                host = bool(template["spec"].get("hostNetwork"))
                self.pod(namespace, metadata["name"], template["metadata"]["labels"], named, host=host)
            elif one.kind == "InferenceService":
                # KServe hands labels of the InferenceService and of its predictor on to the pods, one for each part.
                for part in ("predictor", "transformer"):
                    if part in spec:
                        labels = {**(metadata.get("labels") or {}), **(spec[part].get("labels") or {})}
                        labels["component"] = part
                        self.pod(namespace, f"{metadata['name']}-{part}", labels, {"http1": 8080}, host=False)

    def made_by_controllers(self, rendered: list[tuple[str, Mapping[str, Any]]]) -> None:
        """Pods of custom resources: those that the program declares, and those of charts."""
        declared = [
            (one.kind, str(one.inputs["metadata"].get("namespace", "")), one.inputs["metadata"]["name"])
            for one in self.objects
            if "metadata" in one.inputs and (one.kind != "ClusterIssuer" or "acme" in one.inputs["spec"])
        ]
        charts = {one.inputs["name"]: one.inputs for one in self.objects if one.kind == "Chart"}
        if (driver := charts.get("dra-driver-nvidia-gpu")) and driver["values"]["resources"]["computeDomains"][
            "enabled"
        ]:
            declared += [("ComputeDomain", str(driver["namespace"]), name) for name in ("first", "second")]
        if operator := charts.get("gpu-operator"):
            self.operator_monitors(str(operator["namespace"]))
        of_charts = [(one["kind"], _placed(one.get("namespace"), release), one["name"]) for release, one in rendered]
        gateway = next(namespace for kind, namespace, _ in declared if kind == "Gateway")
        rows = [(row.kind, row.labels, row.ports) for row in CONTROLLER_PODS]
        for kind, labels, ports in [*rows, ("Cluster", INITDB, {})]:
            for namespace, name in [(place, name) for each, place, name in [*declared, *of_charts] if each == kind]:
                named = {key: value.format(name=name) for key, value in labels.items()}
                # Solvers of challenges run in the namespace of the gateway: their issuer has no namespace.
                self.pod(namespace or gateway, f"{kind.lower()}-{name}", named, ports, host=False)

    def operator_monitors(self, namespace: str) -> None:
        for app, name, port in OPERATOR_MONITORS:
            pods = {"app": app}
            self.found.service_ports.append((namespace, pods, pods, {name: port}))
            monitor = ("ServiceMonitor", namespace, {"matchLabels": pods}, [namespace], [{"port": name}])
            self.found.monitors.append(monitor)

    def declared_rest(self) -> None:
        self.service("kube-system", {}, {"k8s-app": "kube-dns"}, [{"port": 53, "name": "dns"}], headless=False)
        for one in self.objects:
            spec, metadata = one.inputs.get("spec") or {}, one.inputs.get("metadata") or {}
            namespace, labels = str(metadata.get("namespace", "")), metadata.get("labels") or {}
            if one.kind == "Service" and spec.get("selector"):
                headless = spec.get("clusterIP") == "None"
                self.service(namespace, labels, spec["selector"], spec["ports"], headless=headless)
            elif one.kind in ("PodMonitor", "ServiceMonitor"):
                endpoints = spec.get("podMetricsEndpoints") or spec.get("endpoints")
                self.found.monitors.append((one.kind, namespace, spec["selector"], [namespace], endpoints))


def _placed(namespace: Any, release: str) -> str:
    return release if namespace in (None, "(release)") else str(namespace)


def inventory(settings: Settings, case: str) -> Inventory:
    """Everything of an environment; `case` names the values with which its charts' facts were written."""
    with (
        mock.patch("stacks.clouds.eks.require_account"),
        mock.patch("stacks.clouds.eks.require_quotas"),
        mock.patch("stacks.clouds.gke.require_project", return_value="1234567890"),
        mock.patch("stacks.clouds.gke.require_quotas"),
    ):
        return _Builder(recorded(settings), case).build()
