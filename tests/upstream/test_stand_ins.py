"""The stand-in charts of `simulator/charts` against what upstream's charts render with the same values.

Compared are, object by object: kind, name, namespace, pod labels, labels of what is selected by them, selectors, ports
of Services and containers, names of containers, service accounts, host network, monitors (selector, endpoints,
namespaces), certificates (Secret, names), keys of Secrets; a ConfigMap may have fewer keys than upstream's. Only this
notices a stand-in that has an idea of its own of any of them.
Not compared: roles and bindings, webhook configurations, dashboards, probes, content.
"""

from fnmatch import fnmatch
from typing import Any

import pytest

from catalog.upstream import chart_facts
from catalog.upstream.objects import RELEASE, ObjectFacts, object_facts
from catalog.versions import CHARTS
from simulator import stand_ins
from simulator.charts import charts
from simulator.crds import STAND_IN_LABEL
from tools.toolchain import Toolchain
from tools.upstream.charts import documents
from tools.upstream.facts import flattened
from tools.upstream.render import Helm

FOLDERS = {chart: stand_ins.folder() / "charts" / chart for chart in charts()}

NOT_COMPARED = {
    "ClusterRole": "of programs that do not run: fewer objects show what each may do",
    "ClusterRoleBinding": "as the roles",
    "MutatingWebhookConfiguration": "nothing would answer the API server",
    "Role": "as the cluster's roles",
    "RoleBinding": "as the roles",
    "ValidatingWebhookConfiguration": "nothing would answer the API server",
}
"""Kinds, with the reason."""

DASHBOARD = "grafana_dashboard"
"""The label of dashboards. Upstream's are not bundled."""

SELECTED = {"PodMonitor", "PrometheusRule", "Service", "ServiceMonitor"}
"""Kinds whose own labels something selects by; labels of the others are not compared (pods: `podLabels`)."""

MISSING: dict[str, dict[str, str]] = {
    "dra-driver-nvidia-gpu": {
        "ServiceAccount compute-domain-daemon-service-account": "daemons of compute domains, which are off",
        "ServiceAccount dra-driver-nvidia-gpu-service-account-controller": "as the daemons",
        "ValidatingAdmissionPolicy *": "would refuse the slices of the simulated driver",
        "ValidatingAdmissionPolicyBinding *": "would refuse the slices of the simulated driver",
    },
    "gpu-operator": {
        "* gpu-operator-node-feature-discovery-gc": "simulated nodes have their labels from the start",
        "* gpu-operator-node-feature-discovery-master": "simulated nodes have their labels from the start",
        "ConfigMap gpu-operator-node-feature-discovery-master-conf": "as the master",
    },
    "kube-prometheus-stack": {"PrometheusRule *": "the stand-in has one of upstream's rules"},
    "metallb": {"ConfigMap metallb-excludel2": "interfaces of the speakers, which do not speak"},
}
"""By chart: `Kind name` (patterns) that a stand-in may lack, with the reason."""

ADDED: dict[str, dict[str, str]] = {
    "kube-prometheus-stack": {
        "StatefulSet alertmanager-kube-prometheus-stack-alertmanager": "what the operator makes of an Alertmanager",
        "StatefulSet prometheus-kube-prometheus-stack-prometheus": "what the operator makes of a Prometheus",
    },
}
"""By chart: what a stand-in has in the place of a controller that does not run."""

CASES = [(chart, case) for chart in CHARTS for case in chart_facts(chart, CHARTS[chart].version)["cases"]]


@pytest.fixture(scope="session")
def helm(toolchain: Toolchain) -> Helm:
    return Helm(toolchain.path("helm"))


def named(objects: list[ObjectFacts]) -> dict[str, dict[str, Any]]:
    return {
        f"{one['kind']} {one['name']}": comparable(one)
        for one in objects
        if one["kind"] not in NOT_COMPARED and DASHBOARD not in one.get("labels", {})
    }


def comparable(facts: ObjectFacts) -> dict[str, Any]:
    kept: dict[str, Any] = {key: value for key, value in facts.items() if key not in ("apiVersion", "cases", "labels")}
    if kept.get("namespace") == RELEASE:
        del kept["namespace"]  # the provider puts what names no namespace there too
    if facts["kind"] in SELECTED:
        kept["labels"] = own(facts.get("labels", {}))
    if "podLabels" in facts:
        kept["podLabels"] = own(facts["podLabels"])
    if "containers" in facts:
        kept["containers"] = {one["name"]: sorted(one.get("ports", []), key=str) for one in facts["containers"]}
    return kept


def own(labels: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in labels.items() if name != STAND_IN_LABEL}


def differences(name: str, ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    """Field -> (the stand-in's, upstream's)."""
    if name.startswith("ConfigMap ") and set(ours.get("keys", [])) <= set(theirs.get("keys", [])):
        ours = {**ours, "keys": theirs.get("keys")}
    return {key: (ours.get(key), theirs.get(key)) for key in {*ours, *theirs} if ours.get(key) != theirs.get(key)}


def without(names: set[str], patterns: dict[str, str]) -> list[str]:
    return sorted(name for name in names if not any(fnmatch(name, pattern) for pattern in patterns))


def compared(chart: str, stand_in: dict[str, dict[str, Any]], upstream: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """What is missing, what is more, what differs; empty where nothing is."""
    differing = {name: differences(name, stand_in[name], upstream[name]) for name in {*stand_in} & {*upstream}}
    found = {
        "missing": without({*upstream} - {*stand_in}, MISSING.get(chart, {})),
        "more": without({*stand_in} - {*upstream}, ADDED.get(chart, {})),
        "different": {name: difference for name, difference in differing.items() if difference},
    }
    return {key: value for key, value in found.items() if value}


@pytest.mark.engine
@pytest.mark.parametrize(("chart", "case"), CASES)
def test_a_stand_in_renders_upstreams_objects(
    chart: str, case: str, recorded: dict[tuple[str, str], dict[str, Any]], helm: Helm
) -> None:
    facts, ours = chart_facts(chart, CHARTS[chart].version), recorded[chart, case]
    text = helm.render(FOLDERS[chart], chart, ours["namespace"], ours["values"], "--skip-crds", "--no-hooks")
    stand_in = named([object_facts(one, ours["namespace"]) for one in flattened(documents(text))])
    upstream = named([one for one in facts["objects"] if case in one.get("cases", facts["cases"])])
    assert compared(chart, stand_in, upstream) == {}


def test_each_kind_of_difference_is_noticed() -> None:
    service: ObjectFacts = {"kind": "Service", "name": "a", "apiVersion": "v1", "labels": {"app": "a"}}
    pods: ObjectFacts = {"kind": "DaemonSet", "name": "a", "apiVersion": "apps/v1", "containers": [{"name": "a"}]}
    ported: ObjectFacts = {**pods, "containers": [{"name": "a", "ports": [{"port": 80}]}]}
    labelled: ObjectFacts = {**service, "labels": {"app": "b", STAND_IN_LABEL: "true"}}
    assert compared("metallb", named([service, pods]), named([service, pods])) == {}
    assert compared("metallb", named([service]), named([pods])) == {"missing": ["DaemonSet a"], "more": ["Service a"]}
    assert set(compared("metallb", named([labelled, pods]), named([service, ported]))["different"]) == {
        "Service a",
        "DaemonSet a",
    }


def test_what_a_stand_in_may_lack_is_there_upstream() -> None:
    for chart, patterns in MISSING.items():
        names = named(chart_facts(chart, CHARTS[chart].version)["objects"])
        assert [pattern for pattern in patterns if not any(fnmatch(name, pattern) for name in names)] == []
