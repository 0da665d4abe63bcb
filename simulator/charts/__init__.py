"""The stand-in charts: minimal charts, written by us, for those that the platform installs.

Each has upstream's name, version, object names, labels, ports and value names, so that an add-on takes the same path
(`helm.v4.Chart`) with and without the internet. A folder holds `values.yaml` (the values that the stand-in understands,
with upstream's defaults) and `templates/`; `library.tpl` holds the templates that all of them share. `stand_ins.py`
completes them with `Chart.yaml` and the schema of the values, by which helm refuses every other value.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from catalog.versions import CHARTS
from simulator.crds import STAND_IN_LABEL

FOLDER = Path(__file__).parent

OPEN_OBJECTS = frozenset(
    "affinity annotations config grafana.ini labels livenessProbe nodeSelector podLabels readinessProbe resources "
    "rollingUpdate startupProbe updateStrategy".split()
)
"""Names of values whose content is Kubernetes' or the program's own, so that the chart does not list it."""

TRI_STATE = {"type": ["boolean", "string"], "enum": [True, False, ""]}
COUNT_OR_PERCENT = {"type": ["integer", "string", "null"]}


def _closed(**properties: Mapping[str, Any]) -> dict[str, Any]:
    """An object that takes these keys alone."""
    return {"type": "object", "additionalProperties": False, "properties": properties}


_ENVOY_GATEWAY = _closed(envoyGateway={"type": "object"})
_TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
_CNPG_CONFIG = _closed(
    create={"type": "boolean"},
    name={"type": "string"},
    secret={"type": "boolean"},
    clusterWide={"type": "boolean"},
    data=_TEXTS,
    maxConcurrentReconciles={"type": "integer"},
)
_PLUGIN_CONFIG = _closed(
    name={"type": "string"},
    map=_TEXTS,
    default={"type": "string"},
    fallbackStrategies={"type": "array", "items": {"enum": ["named", "single", "empty"]}},
)
_COUNT = {"type": ["integer", "string"]}
_MAX_UNAVAILABLE_BUDGET = _closed(maxUnavailable=_COUNT)
_NAMED_BUDGET = _closed(name={"type": "string"}, maxUnavailable=_COUNT)
_SWITCH = _closed(enabled={"type": "boolean"})
_OPERATOR_CONFIG = _closed(create={"type": "boolean"}, name={"type": "string"}, default={"type": "string"}, data=_TEXTS)

EXCEPTIONS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "nvidia-device-plugin": {
        "config": _PLUGIN_CONFIG,
        "compatWithCPUManager": {"type": ["boolean", "null"]},
        "failOnInitError": {"type": ["boolean", "null"]},
        "migStrategy": {"enum": ["none", "single", "mixed", None]},
        "deviceIDStrategy": {"enum": ["uuid", "index", None]},
        "deviceDiscoveryStrategy": {"enum": ["auto", "nvml", "tegra", None]},
        "nfd.enabled": {"const": False},
    },
    "cloudnative-pg": {"config": _CNPG_CONFIG},
    "cluster-autoscaler": {
        "autoDiscovery.clusterName": {"type": ["string", "null"]},
        "extraArgs": {"type": "object"},
        "podDisruptionBudget": _MAX_UNAVAILABLE_BUDGET,
    },
    "external-dns": {"policy": {"enum": ["create-only", "sync", "upsert-only", None]}},
    "metallb": {"speaker.frr.enabled": {"const": False}},
    "karpenter": {
        "podDisruptionBudget": _NAMED_BUDGET,
        "terminationGracePeriodSeconds": {"type": ["integer", "null"]},
        "settings.preferencePolicy": {"enum": ["Respect", "Ignore"]},
        "settings.minValuesPolicy": {"enum": ["Strict", "BestEffort"]},
        "settings.vmMemoryOverheadPercent": {"type": ["number", "string"]},
    },
    "csi-driver-nfs": {
        "controller.defaultOnDeletePolicy": {"enum": ["delete", "retain"]},
        "externalSnapshotter.enabled": {"const": False},
        "storageClass.create": {"const": False},
    },
    "dcgm-exporter": {"tlsServerConfig.enabled": {"const": False}},
    "dra-driver-nvidia-gpu": {
        "resources": _closed(gpus=_SWITCH, computeDomains=_SWITCH),
    },
    "gpu-operator": {
        "mig.strategy": {"enum": ["none", "single", "mixed"]},
        "daemonsets.rollingUpdate": _closed(maxUnavailable={"type": "string"}),
        "daemonsets.updateStrategy": {"enum": ["RollingUpdate", "OnDelete"]},
        "driver.kernelModuleType": {"enum": ["auto", "open", "proprietary"]},
        "devicePlugin.config": _OPERATOR_CONFIG,
        "dcgmExporter.config": _closed(name={"type": "string"}),
        "migManager.config": _OPERATOR_CONFIG,
        "gpuCluster.deployCR": {"const": False},
    },
    "kserve-resources": {
        "kserve.controller.deploymentMode": {"enum": ["Standard", "Knative", "RawDeployment", "Serverless"]},
        "kserve.controller.gateway.urlScheme": {"enum": ["http", "https"]},
        "kserve.controller.metricsBindPort": {"type": ["string", "integer"]},
        "kserve.inferenceServiceConfig.enabled": TRI_STATE,
        "kserve.certManager.enabled": TRI_STATE,
        "kserve.storagecontainer.enabled": TRI_STATE,
        "kserve.storage.s3.useHttps": {"type": ["boolean", "string"]},
        "kserve.storage.s3.verifySSL": {"type": ["boolean", "string"]},
        "kserve.storage.s3.useVirtualBucket": {"type": ["boolean", "string"]},
        "kserve.storage.s3.useAnonymousCredential": {"type": ["boolean", "string"]},
    },
    "gateway-helm": {"config": _ENVOY_GATEWAY},
    "kube-prometheus-stack": {
        "additionalPrometheusRulesMap": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "additionalProperties": False,
                "required": ["groups"],
                "properties": {"groups": {"type": "array"}, "additionalLabels": {"type": "object"}},
            },
        },
        "prometheus.prometheusSpec.additionalScrapeConfigsSecret": _closed(
            enabled={"type": "boolean"}, name={"type": "string"}, key={"type": "string"}
        ),
    },
}
"""Where the default does not tell which values are good."""

COUNTED_BUDGETS = frozenset({"minAvailable", "maxUnavailable"})


_SCALARS: Mapping[type, Mapping[str, Any]] = {
    list: {"type": "array"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    str: {"type": "string"},
    type(None): {"type": ["string", "object", "null"]},
}


def schema_of(value: Any, chart: str, path: tuple[str, ...] = ()) -> dict[str, Any]:
    """The JSON schema of one default: of its type, and closed where the chart lists what is inside."""
    name = path[-1] if path else ""
    exception = EXCEPTIONS.get(chart, {}).get(".".join(path))
    if exception is None and name in COUNTED_BUDGETS:
        exception = COUNT_OR_PERCENT
    if exception is None and not isinstance(value, dict):
        exception = _SCALARS[type(value)]
    if exception is not None:
        return {**exception}
    if not value or name in OPEN_OBJECTS or name.lower().endswith("securitycontext"):
        return {"type": "object"}
    properties = {key: schema_of(inner, chart, (*path, key)) for key, inner in value.items()}
    if name.lower().endswith("poddisruptionbudget"):
        properties |= dict.fromkeys(sorted(COUNTED_BUDGETS), COUNT_OR_PERCENT)
        properties["unhealthyPodEvictionPolicy"] = {"enum": ["AlwaysAllow", "IfHealthyBudget"]}
    return _closed(**properties)


def values_of(chart: str) -> dict[str, Any]:
    """The chart's values with their defaults."""
    text = (FOLDER / chart / "values.yaml").read_text(encoding="utf-8")
    values: dict[str, Any] = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
    return values


def values_schema(chart: str) -> dict[str, Any]:
    """The JSON schema of the chart's values."""
    return {"$schema": "http://json-schema.org/draft-07/schema#", **schema_of(values_of(chart), chart)}


def about(chart: str) -> dict[str, Any]:
    """What `Chart.yaml` says."""
    pin = CHARTS[chart]
    return {
        "apiVersion": "v2",
        "name": chart,
        "version": pin.version,
        "appVersion": pin.app_version,
        "type": "application",
        "description": (
            f"Simulated stand-in for the upstream chart {chart} {pin.version}, written for mlplatform: upstream's "
            "object names, labels and ports, and nothing that runs. It has no CRDs (they are installed before it), no "
            "hooks and no webhook configurations, because nothing would answer them."
        ),
        "annotations": {STAND_IN_LABEL: "true"},
    }


def charts() -> list[str]:
    """The stand-in charts, by name."""
    return sorted(path.parent.name for path in FOLDER.glob("*/values.yaml"))
