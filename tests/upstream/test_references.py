"""What our objects name of charts' objects, against what upstream's charts and controllers make.

For each of the four stacks: selectors of NetworkPolicies, monitors and disruption budgets, ports, backends of routes,
service accounts that an identity is bound to, and the ports behind webhooks. Only this notices a label, a port or a
name that the stand-in chart has and upstream's has not.
Not proved here: that the traffic passes a CNI, nor that every flow is allowed (`tests/components/base/test_flows.py`,
where it is there); labels that KServe gives to pods of models (`components/workloads/serving`).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest

from catalog.upstream import chart_facts
from catalog.upstream.controllers import CONTROLLER_PODS, ControllerPods
from catalog.upstream.objects import RELEASE, ObjectFacts
from catalog.versions import CHARTS, CRDS
from components.addons import cloudnative_pg
from tests.components.cases import CASES
from tests.components.test_contract import registered
from tests.recorder import Recording
from tests.upstream.cases import STACKS, charts, stack

NAME = "kubernetes.io/metadata.name"

OF_CLUSTERS: dict[str, tuple[dict[str, str], str]] = {
    "kube-dns": ({"k8s-app": "kube-dns"}, "kubernetes/kubernetes cluster/addons/dns: CoreDNS has it too"),
    "node-local-dns": ({"k8s-app": "node-local-dns"}, "kubernetes/kubernetes cluster/addons/dns/nodelocaldns"),
}
"""Pods that clusters bring into kube-system."""


@dataclass(frozen=True)
class Pods:
    """Pods with the same labels."""

    namespace: str
    labels: Mapping[str, str]
    ports: Mapping[str, int] | None = None
    """Container ports, by name or number as text; None: not known here."""
    account: str = "default"
    origin: str = ""

    def port(self, port: int | str) -> int | None:
        """The number of a port that these pods declare."""
        ports = self.ports or {}
        return ports.get(port) if isinstance(port, str) else port if port in ports.values() else None


@dataclass(frozen=True)
class Services:
    """A Service."""

    namespace: str
    name: str
    labels: Mapping[str, str]
    selector: Mapping[str, str]
    ports: tuple[Mapping[str, Any], ...]


@dataclass
class Stack:
    """What one stack puts into a cluster, as upstream makes it."""

    name: str
    recording: Recording
    pods: list[Pods] = field(default_factory=list)
    services: list[Services] = field(default_factory=list)
    accounts: set[tuple[str, str]] = field(default_factory=set)
    webhooks: list[tuple[str, ObjectFacts]] = field(default_factory=list)
    """With the namespace of the release."""

    def of(self, *kinds: str) -> Iterator[dict[str, Any]]:
        """Our own objects of these kinds."""
        return (one.inputs for kind in kinds for one in self.recording.of(kind) if "apiVersion" in one.inputs)

    def namespaces(self) -> set[str]:
        """Where there are pods."""
        return {pods.namespace for pods in self.pods}

    def anywhere(self, selector: Mapping[str, Any]) -> list[Pods]:
        """In whichever namespace, also of custom resources that may come later."""
        later = [Pods("*", row.labels, row.ports, origin=row.source) for row in CONTROLLER_PODS]
        return [pods for pods in [*self.pods, *later] if matches(selector, pods.labels)]

    def selected(self, namespace: str, selector: Mapping[str, Any]) -> list[Pods]:
        return [pods for pods in self.pods if pods.namespace == namespace and matches(selector, pods.labels)]


@cache
def known(name: str) -> Stack:
    found = Stack(name, stack(name) if name in STACKS else registered(COMPONENTS[name], {}))
    for case in charts(found.recording, name):
        add_chart(found, case)
    for one in found.of("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"):
        add_workload(found, one)
    for one in found.of("Service"):
        place, spec = one["metadata"], one["spec"]
        labels, selector = place.get("labels") or {}, spec.get("selector") or {}
        found.services.append(Services(place["namespace"], place["name"], labels, selector, tuple(spec["ports"])))
    for one in found.of("ServiceAccount"):
        found.accounts.add((one["metadata"]["namespace"], one["metadata"]["name"]))
    for one in found.of("InferenceService"):
        labels = {**one["metadata"].get("labels", {}), **one["spec"]["predictor"].get("labels", {})}
        found.pods.append(Pods(one["metadata"]["namespace"], labels, origin="KServe"))
    for row in CONTROLLER_PODS:
        for one in found.of(row.kind):
            add_controllers_pods(found, row.kind, one["metadata"].get("namespace"), one["metadata"]["name"])
    for labels, source in OF_CLUSTERS.values():
        found.pods.append(Pods("kube-system", labels, origin=source))
    return found


def add_chart(found: Stack, case: dict[str, Any]) -> None:
    facts = chart_facts(case["chart"], CHARTS[case["chart"]].version)
    for one in facts["objects"]:
        if case["case"] not in one.get("cases", facts["cases"]):
            continue
        namespace = one.get("namespace", RELEASE).replace(RELEASE, case["namespace"])
        if one["kind"] == "ServiceAccount":
            found.accounts.add((namespace, one["name"]))
        elif one["kind"] == "Service":
            labels, selector = one.get("labels", {}), one.get("selector") or {}
            found.services.append(Services(namespace, one["name"], labels, selector, tuple(one.get("ports", []))))
        elif "webhooks" in one:
            found.webhooks.append((case["namespace"], one))
        elif "containers" in one:
            declared = [port for container in one["containers"] for port in container.get("ports", [])]
            ports = {str(port.get("name", port["port"])): int(port["port"]) for port in declared}
            account = one.get("serviceAccount", "default")
            found.pods.append(Pods(namespace, one.get("podLabels", {}), ports, account, case["chart"]))
        add_controllers_pods(found, one["kind"], namespace, one["name"])


def add_controllers_pods(found: Stack, kind: str, namespace: str | None, name: str) -> None:
    for row in CONTROLLER_PODS:
        if row.kind == kind:
            labels = {key: value.format(name=name) for key, value in row.labels.items()}
            # Solvers run where the certificate is: in the namespace of the gateway.
            places = [namespace] if namespace else {one["metadata"]["namespace"] for one in found.of("Gateway")}
            found.pods += [Pods(place, labels, row.ports, origin=row.source) for place in places]


def add_workload(found: Stack, one: dict[str, Any]) -> None:
    spec = one["spec"]["jobTemplate"]["spec"] if one["kind"] == "CronJob" else one["spec"]
    template = spec["template"]
    declared = [port for container in template["spec"]["containers"] for port in container.get("ports") or []]
    ports = {str(port.get("name", port["containerPort"])): int(port["containerPort"]) for port in declared}
    namespace, labels = one["metadata"]["namespace"], template["metadata"].get("labels") or {}
    found.pods.append(Pods(namespace, labels, ports, template["spec"].get("serviceAccountName", "default"), "ours"))


def matches(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """A label selector of Kubernetes."""
    return all(labels.get(key) == value for key, value in (selector.get("matchLabels") or {}).items()) and all(
        requirement(one, labels) for one in selector.get("matchExpressions") or []
    )


def requirement(one: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    value, values = labels.get(one["key"]), one.get("values") or []
    match one["operator"]:
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
    return value is None


COMPONENTS = {case.name: case for case in CASES if case.name in ("GpuOperator", "Karpenter", "MetalLb", "NfsStorage")}
"""Components with charts that no stack file has: their complete cases."""

EVERY_STACK = pytest.mark.parametrize("name", STACKS)
EVERYWHERE = pytest.mark.parametrize("name", [*STACKS, *COMPONENTS])


def peers(policy: dict[str, Any]) -> Iterator[tuple[str | None, dict[str, Any], list[Any]]]:
    """(namespace or None where labels choose it, pod selector, ports) of the pods that a policy names."""
    home = policy["metadata"]["namespace"]
    spec = policy["spec"]
    for rule in spec.get("egress") or []:
        for peer in rule.get("to") or []:
            if peer.get("podSelector"):
                yield place(peer, home), peer["podSelector"], rule.get("ports") or []
    for rule in spec.get("ingress") or []:
        for peer in rule.get("from") or []:
            if peer.get("podSelector"):
                yield place(peer, home), peer["podSelector"], []
    if spec.get("podSelector"):
        yield (
            home,
            spec["podSelector"],
            [port for rule in spec.get("ingress") or [] for port in rule.get("ports") or []],
        )


def place(peer: dict[str, Any], home: str) -> str | None:
    if "namespaceSelector" not in peer:
        return home
    named = (peer["namespaceSelector"].get("matchLabels") or {}).get(NAME)
    return str(named) if named else None


def unresolved(found: Stack, policies: Iterable[dict[str, Any]]) -> set[tuple[str, str, str]]:
    """(policy, "selects no pod" or "no pod has port", what)."""
    wrong = set()
    for policy in policies:
        where = f"{policy['metadata']['namespace']}/{policy['metadata']['name']}"
        for namespace, selector, ports in peers(policy):
            if selector in OURS or (namespace and namespace not in found.namespaces()):
                continue
            pods = found.selected(namespace, selector) if namespace else found.anywhere(selector)
            if not pods:
                wrong.add((where, "selects no pod", str(selector)))
            declared = [one for one in pods if one.ports]
            numbers = {port["port"] for port in ports if "port" in port} if declared else set()
            wrong |= {
                (where, "no pod has port", str(number))
                for number in numbers
                if all(one.port(number) is None for one in declared)
            }
    return wrong


OURS = [
    *({"matchLabels": {"app.kubernetes.io/component": part}} for part in ("serving", "training")),
    {"matchLabels": dict(cloudnative_pg.INSTANCE_PODS)},
]
"""What may select no pod yet: teams' pods, in namespaces without a workload, and instances of PostgreSQL, where the
database is a cloud's. `tests/components/base/test_flows.py` holds the latter to the pods of an environment that has
some."""


@EVERYWHERE
def test_every_pod_selector_of_a_policy_selects_pods_and_every_port_is_one_of_theirs(name: str) -> None:
    found = known(name)
    assert unresolved(found, found.of("NetworkPolicy")) == set()


def test_a_label_and_a_port_that_upstream_does_not_have_are_noticed() -> None:
    found = known("dev")
    policies = list(found.of("NetworkPolicy"))
    (webhook,) = (
        one for one in policies if (one["metadata"]["namespace"], one["metadata"]["name"]) == WEBHOOK_OF_CERT_MANAGER
    )
    labelled = {**webhook, "spec": {**webhook["spec"], "podSelector": {"matchLabels": {"app": "cert-manager-webhook"}}}}
    ported = {**webhook, "spec": {**webhook["spec"], "ingress": [{"ports": [{"port": 9443}]}]}}
    assert unresolved(found, [webhook]) == set()
    assert {one[1] for one in unresolved(found, [labelled])} == {"selects no pod"}
    assert {one[1:] for one in unresolved(found, [ported])} == {("no pod has port", "9443")}


WEBHOOK_OF_CERT_MANAGER = ("cert-manager", "allow-webhook-0")


@EVERYWHERE
def test_a_policy_for_all_pods_of_a_namespace_opens_ports_that_some_pod_there_has(name: str) -> None:
    found = known(name)
    closed = set()
    for policy in found.of("NetworkPolicy"):
        spec, home = policy["spec"], policy["metadata"]["namespace"]
        pods = [one for one in found.pods if one.namespace == home and one.ports]
        if spec.get("podSelector") or not pods:
            continue
        for rule in spec.get("ingress") or []:
            for port in rule.get("ports") or []:
                if all(one.port(port["port"]) is None for one in pods):
                    closed.add((home, policy["metadata"]["name"], port["port"]))
    assert closed == set()


@EVERYWHERE
def test_every_monitor_and_budget_selects_pods_and_monitors_name_ports_that_these_have(name: str) -> None:
    found = known(name)
    wrong = set()
    for one in found.of("PodMonitor", "ServiceMonitor", "PodDisruptionBudget"):
        spec, metadata = one["spec"], one["metadata"]
        places = (spec.get("namespaceSelector") or {}).get("matchNames") or [metadata["namespace"]]
        where = f"{one['kind']} {metadata['namespace']}/{metadata['name']}"
        if one["kind"] == "ServiceMonitor":
            services = [s for s in found.services if s.namespace in places and matches(spec["selector"], s.labels)]
            names: list[set[str]] = [{str(port.get("name")) for port in s.ports} for s in services]
        else:
            pods = [pods for space in places for pods in found.selected(space, spec["selector"])]
            names = [set(one.ports) for one in pods if one.ports is not None]
            services = pods  # type: ignore[assignment]
        if not services:
            wrong.add((where, "selects nothing"))
        for endpoint in spec.get("endpoints") or spec.get("podMetricsEndpoints") or []:
            if names and "port" in endpoint and not any(endpoint["port"] in some for some in names):
                wrong.add((where, endpoint["port"]))
    assert wrong == set()


@EVERY_STACK
def test_every_backend_of_a_route_is_a_service_with_that_port(name: str) -> None:
    found = known(name)
    wrong = set()
    for route in found.of("HTTPRoute"):
        for rule in route["spec"].get("rules") or []:
            for backend in rule.get("backendRefs") or []:
                namespace = backend.get("namespace", route["metadata"]["namespace"])
                there = [s for s in found.services if (s.namespace, s.name) == (namespace, backend["name"])]
                if not any(port["port"] == backend["port"] for s in there for port in s.ports):
                    wrong.add((namespace, backend["name"], backend["port"]))
    assert wrong == set()


_MEMBER = re.compile(r"\.svc\.id\.goog/subject/ns/([^/]+)/sa/([^/]+)$")


@EVERY_STACK
def test_every_identity_is_bound_to_a_service_account_that_exists(name: str) -> None:
    found = known(name)
    bound = {
        (str(one.inputs["namespace"]), str(one.inputs["serviceAccount"]))
        for one in found.recording.of("PodIdentityAssociation")
    }
    members = [str(one.inputs.get("member", "")) for one in found.recording.resources if one.type.startswith("gcp:")]
    bound |= {match.groups() for match in map(_MEMBER.search, members) if match}  # type: ignore[misc]
    assert bound - found.accounts == set()


@pytest.mark.parametrize("name", [*STACKS, "MetalLb"])
def test_pods_that_answer_a_webhook_let_the_api_server_in_on_the_port_behind_the_service(name: str) -> None:
    found = known(name)
    assert found.webhooks, "no chart with a webhook: the test sees nothing"
    closed = set()
    for release, configuration in found.webhooks:
        for webhook in configuration["webhooks"]:
            service, number = target(found, release, webhook["service"])
            (pods,) = (one for one in found.selected(service.namespace, {"matchLabels": service.selector}))
            port = pods.port(number)
            if port is None or not any(opened(policy, pods, port) for policy in found.of("NetworkPolicy")):
                closed.add((webhook["name"], service.name, number))
    assert closed == set()


def target(found: Stack, release: str, address: str) -> tuple[Services, int | str]:
    """The Service of `namespace/name:port/path`, and the port of its pods."""
    namespace, name, port = re.split("[/:]", address)[:3]
    (service,) = (s for s in found.services if (s.namespace, s.name) == (namespace.replace(RELEASE, release), name))
    (row,) = (one for one in service.ports if one["port"] == int(port))
    return service, row.get("targetPort", row["port"])


def opened(policy: dict[str, Any], pods: Pods, port: int) -> bool:
    """Whether a policy opens a port of these pods."""
    if policy["metadata"]["namespace"] != pods.namespace or not matches(policy["spec"]["podSelector"], pods.labels):
        return False
    rules = policy["spec"].get("ingress") or []
    return any(not rule.get("ports") or any(one["port"] == port for one in rule["ports"]) for rule in rules)


@pytest.mark.parametrize("row", CONTROLLER_PODS, ids=lambda row: row.kind)
def test_pods_of_controllers_are_read_at_the_version_that_is_installed(row: ControllerPods) -> None:
    """Only this finds a pin that moved past these facts. Not proved: that somebody read the new source."""
    repository, version = row.read_at
    assert version in {pin.version for pin in CRDS.values() if pin.repository == repository}
