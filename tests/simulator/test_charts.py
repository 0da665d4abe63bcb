"""The bundled chart mirror: upstream's names and versions, values that helm checks, nothing that cannot work here."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from catalog.versions import CHARTS
from simulator import stand_ins
from simulator.charts import charts, values_of, values_schema
from simulator.real import Part
from tools.toolchain import Toolchain

FOLDERS = {chart: stand_ins.folder() / "charts" / chart for chart in charts()}

NO_EFFECT = {
    "cert-manager": {
        "crds.enabled": "CRDs are installed before the charts",
        "crds.keep": "CRDs are installed before the charts",
        "startupapicheck.enabled": "a hook",
        "webhook.timeoutSeconds": "of the webhook configurations",
        "webhook.mutatingWebhookConfigurationAnnotations": "of the webhook configurations",
        "webhook.validatingWebhookConfigurationAnnotations": "of the webhook configurations",
    },
    "cloudnative-pg": {
        "crds.create": "CRDs are installed before the charts",
        "webhook.mutating.create": "a webhook configuration",
        "webhook.mutating.failurePolicy": "a webhook configuration",
        "webhook.validating.create": "a webhook configuration",
        "webhook.validating.failurePolicy": "a webhook configuration",
    },
    "gateway-helm": {
        "crds.enabled": "CRDs are installed before the charts",
        "certgen.job.args": "a hook",
        "createNamespace": "namespaces exist before the charts",
    },
    "kube-prometheus-stack": {
        "crds.enabled": "CRDs are installed before the charts",
        "grafana.testFramework.enabled": "a hook",
        "prometheusOperator.admissionWebhooks.failurePolicy": "of the webhook configurations",
        "prometheusOperator.admissionWebhooks.patch.enabled": "a hook",
    },
    "node-feature-discovery": {"postDeleteCleanup": "a hook"},
    "dra-driver-nvidia-gpu": {"gpuResourcesEnabledOverride": "a permission: without it the chart refuses GPUs"},
    "gpu-operator": {"operator.cleanupCRD": "a hook", "operator.upgradeCRD": "a hook"},
    "metallb": {"crds.enabled": "CRDs are installed before the charts"},
}
"""Values of upstream that the stand-ins take and ignore, with what upstream makes of them."""

INGRESS_GATEWAY = {
    "enableGatewayApi": True,
    "createGateway": True,
    "kserveGateway": "kserve/gateway",
    "gateway": "a/gateway",
    "className": "envoy",
}
SWITCHED_ON: dict[str, dict[str, Any]] = {
    "nvidia-device-plugin": {"gfd.enabled": True, "config.map": {"default": "version: v1"}},
    "node-feature-discovery": {
        "prometheus.enable": True,
        "master.podDisruptionBudget.enable": True,
        "gc.podDisruptionBudget.enable": True,
    },
    "cert-manager": {
        "podDisruptionBudget.enabled": True,
        "webhook.podDisruptionBudget.enabled": True,
        "cainjector.podDisruptionBudget.enabled": True,
        "prometheus.servicemonitor.enabled": True,
        "enableCertificateOwnerRef": True,
    },
    "dcgm-exporter": {"kubernetes.enablePodLabels": True},
    "external-dns": {"policy": "upsert-only", "serviceMonitor.enabled": True},
    "gateway-helm": {"podDisruptionBudget.minAvailable": 1, "deployment.envoyGateway.image.repository": "gateway"},
    "kserve-resources": {"kserve.controller.gateway.ingressGateway": INGRESS_GATEWAY},
    "cloudnative-pg": {"monitoring.podMonitorEnabled": True},
    "gpu-operator": {"devicePlugin.config.create": True, "migManager.config.create": True},
    "dra-driver-nvidia-gpu": {"gpuResourcesEnabledOverride": True},
    "karpenter": {"settings.clusterName": "a-cluster", "serviceMonitor.enabled": True},
    "cluster-autoscaler": {
        "autoDiscovery.clusterName": "probe",
        "extraArgs.expander": "priority",
        "serviceMonitor.enabled": True,
    },
    "kube-prometheus-stack": {
        "grafana.admin.existingSecret": "grafana-admin",
        "grafana.persistence.enabled": True,
        "kube-state-metrics.customResourceState.enabled": True,
        "prometheus.podDisruptionBudget.enabled": True,
        "alertmanager.podDisruptionBudget.enabled": True,
        "prometheusOperator.admissionWebhooks.certManager.enabled": True,
    },
}
"""What must be on for the other values of a chart to show."""

OTHER_VALUES: dict[str, Any] = {
    "settings.vmMemoryOverheadPercent": 0.1,
    "autoscalingGroups": [{"name": "probe", "minSize": 0, "maxSize": 1}],
    "extraHostVolumes": [{"name": "probe", "hostPath": "/probe"}],
    "additionalPrometheusRulesMap": {"probe": {"groups": []}},
    "prometheus.prometheusSpec.additionalScrapeConfigsSecret": {"enabled": True, "name": "probe", "key": "probe"},
    "prometheus.prometheusSpec.storageSpec": {"emptyDir": {"medium": "Memory"}},
    "alertmanager.alertmanagerSpec.storage": {"emptyDir": {"medium": "Memory"}},
    "grafana.grafana.ini": {"probe": {"probe": True}},
    "deployment.ports": [{"name": "probe", "port": 1, "targetPort": 1}],
    "config.fallbackStrategies": ["empty"],
    "kserve.inferenceServiceConfig.enabled": False,
    "kserve.certManager.enabled": False,
    "kserve.storagecontainer.enabled": False,
    "kserve.inferenceservice.resources": {
        "limits": {"cpu": "2", "memory": "1Gi"},
        "requests": {"cpu": "2", "memory": "1Gi"},
    },
}
"""Good values where any list or object would not do."""

FORBIDDEN = {
    "helm.sh/hook": "hooks never run: helm.v4.Chart drops them",
    "WebhookConfiguration": "nothing would answer the API server",
    "CustomResourceDefinition": "CRDs are installed before the charts",
    "lookup": "renders differently with a cluster and without",
    "genCA": "another value at each rendering",
    "genSelfSignedCert": "another value at each rendering",
    "genPrivateKey": "another value at each rendering",
    "randAlphaNum": "another value at each rendering",
    "randBytes": "another value at each rendering",
    "uuidv4": "another value at each rendering",
    "now": "another value at each rendering",
    "htpasswd": "another value at each rendering",
}


def templates(chart: str) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted((FOLDERS[chart] / "templates").iterdir())}


def leaves(schema: dict[str, Any], path: str = "") -> Iterator[str]:
    """Every value that a closed schema names and does not take apart further."""
    for name, inner in schema.get("properties", {}).items():
        dotted = f"{path}.{name}" if path else name
        if "properties" in inner:
            yield from leaves(inner, dotted)
        else:
            yield dotted


def closed_objects(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if "properties" in schema:
        yield path, schema
        for name, inner in schema["properties"].items():
            yield from closed_objects(inner, f"{path}.{name}" if path else name)


def test_every_chart_that_the_platform_installs_has_a_stand_in_and_no_other_is_bundled():
    assert sorted(FOLDERS) == sorted(CHARTS)


@pytest.mark.parametrize("chart", FOLDERS)
def test_a_stand_in_has_upstreams_name_and_version_and_says_what_it_is(chart: str):
    said = yaml.safe_load((FOLDERS[chart] / "Chart.yaml").read_text())
    assert (said["name"], said["version"]) == (chart, CHARTS[chart].version)
    assert said["appVersion"] == CHARTS[chart].app_version
    assert said["annotations"] == {"mlplatform.dev/stand-in": "true"}
    assert said["description"].startswith("Simulated stand-in for the upstream chart ")
    assert "no webhook configurations" in said["description"]
    assert "dependencies" not in said


@pytest.mark.parametrize("chart", FOLDERS)
def test_the_defaults_are_good_and_a_misspelt_value_is_refused_at_every_level(chart: str):
    values, schema = values_of(chart), values_schema(chart)
    validator = Draft7Validator(schema)
    assert list(validator.iter_errors(values)) == []
    levels = list(closed_objects(schema))
    assert [path for path, level in levels if level.get("additionalProperties") is not False] == []
    for path, _ in levels:
        wrong: dict[str, Any] = {"misspelt": True}
        for name in reversed([part for part in path.split(".") if part] if "grafana.ini" not in path else []):
            wrong = {name: wrong}
        messages = [error.message for error in validator.iter_errors(wrong)]
        assert any("'misspelt' was unexpected" in message for message in messages), path


@pytest.mark.parametrize("chart", NO_EFFECT)
def test_the_values_that_are_known_to_do_nothing_exist(chart: str):
    assert set(NO_EFFECT[chart]) <= set(leaves(values_schema(chart)))


Render = Callable[[str, dict[str, Any]], str]


@pytest.fixture(scope="session")
def rendered(toolchain: Toolchain) -> Render:
    """What helm makes of a chart and values; REFUSED and why where it refuses."""
    helm = str(toolchain.path("helm"))
    return lambda chart, values: rendered_text(helm, chart, json.dumps(values))


@cache
def rendered_text(helm: str, chart: str, values: str) -> str:
    answer = subprocess.run(
        [helm, "template", chart, str(FOLDERS[chart]), "--namespace", "test", "--values", "-"],
        input=values,
        capture_output=True,
        text=True,
        check=False,
    )
    return answer.stdout if answer.returncode == 0 else f"REFUSED {answer.stderr}"


def merged(values: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The values with one of them changed. `grafana.ini` is the one name with a dot in it."""
    name, _, rest = path.partition(".") if not path.startswith("grafana.ini") else (path, "", "")
    inner = merged(values.get(name) or {}, rest, value) if rest else value
    return {**values, name: inner}


def other_value(schema: dict[str, Any], default: Any, path: str) -> Any:
    """A good value that is not the default."""
    if path in OTHER_VALUES:
        return OTHER_VALUES[path]
    if "enum" in schema:
        return next(choice for choice in schema["enum"] if choice != default)
    if isinstance(default, bool):
        return not default
    if isinstance(default, int):
        return default + 1
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return {"array": ["probe"], "object": {"probe": "probe"}, "boolean": True, "string": "probe", "integer": 2}[
        types[0]
    ]


@pytest.mark.engine
@pytest.mark.parametrize("chart", FOLDERS)
def test_every_value_changes_what_the_chart_renders(chart: str, rendered: Render):
    schema = values_schema(chart)
    defaults = values_of(chart)
    everything_on = defaults
    for path, value in SWITCHED_ON.get(chart, {}).items():
        everything_on = merged(everything_on, path, value)
    assert not (answer := rendered(chart, everything_on)).startswith("REFUSED"), answer
    unchanged = []
    for path in leaves(schema):
        if path in NO_EFFECT.get(chart, {}) or schema_at(schema, path).get("const") is False:
            continue
        value = other_value(schema_at(schema, path), value_at(everything_on, path), path)
        # Two starting points: what is on may hide a value (an image of its own hides the shared one).
        if not any(changes(rendered, chart, start, path, value) for start in (everything_on, defaults)):
            unchanged.append(path)
    assert unchanged == []


def changes(rendered: Render, chart: str, start: dict[str, Any], path: str, value: Any) -> bool:
    before, after = rendered(chart, start), rendered(chart, merged(start, path, value))
    return before != after and not before.startswith("REFUSED") and not after.startswith("REFUSED")


def schema_at(schema: dict[str, Any], path: str) -> dict[str, Any]:
    for name in split(path):
        schema = schema["properties"][name]
    return schema


def value_at(values: Any, path: str) -> Any:
    for name in split(path):
        values = values.get(name) if isinstance(values, dict) else None
    return values


def split(path: str) -> list[str]:
    return (
        [*path.removesuffix(".grafana.ini").split("."), "grafana.ini"]
        if path.endswith("grafana.ini")
        else path.split(".")
    )


@pytest.mark.parametrize("chart", FOLDERS)
def test_a_stand_in_has_nothing_that_cannot_work_or_differs_at_each_rendering(chart: str):
    assert not (FOLDERS[chart] / "crds").exists()
    found = [
        (name, word) for name, text in templates(chart).items() for word in FORBIDDEN if re.search(rf"\b{word}\b", text)
    ]
    rules = [  # a role may name the kinds that its program reads
        hit for hit in found if hit[1] in ("WebhookConfiguration", "CustomResourceDefinition") and hit[0][0] != "_"
    ]
    assert [hit for hit in found if hit not in rules] == []
    assert [hit for hit in rules if f"kind: {hit[1]}" in templates(chart)[hit[0]]] == []


@pytest.mark.parametrize("chart", FOLDERS)
def test_images_are_pinned(chart: str):
    values = (FOLDERS[chart] / "values.yaml").read_text()
    assert "latest" not in values
    assert "latest" not in "\n".join(templates(chart).values())


@pytest.mark.engine
def test_helm_reads_the_schema_and_refuses_a_misspelt_value_in_every_chart(rendered: Render):
    for chart in FOLDERS:
        assert "misspelt" in rendered(chart, {"misspelt": True})


@pytest.mark.engine
def test_where_the_operator_runs_its_chart_lacks_only_what_the_operator_makes(toolchain: Toolchain):
    chart, helm = "kube-prometheus-stack", str(toolchain.path("helm"))
    usual, operated = (stand_ins.folder(real) for real in (frozenset[Part](), frozenset({Part.PROMETHEUS})))

    def objects(folder: Path) -> set[str]:
        command = [helm, "template", chart, str(folder / "charts" / chart), "--namespace", "test"]
        command += ["--set", "grafana.admin.existingSecret=grafana-admin"]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return {f"{one['kind']} {one['metadata']['name']}" for one in yaml.safe_load_all(text) if one}

    names = (f"{server}-{chart}-{server}" for server in ("prometheus", "alertmanager"))
    assert objects(usual) - objects(operated) == {f"StatefulSet {name}" for name in names}
    assert objects(operated) < objects(usual)
