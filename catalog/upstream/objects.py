"""The facts of one Kubernetes object: what other objects select, name or connect to. Pure.

Deliberately omitted: labels that repeat the chart's version, resources and images (values set them), rules of roles,
content of ConfigMaps and Secrets (keys only), and all upstream text.
"""

from collections.abc import Callable, Mapping
from typing import Any, NotRequired, TypedDict

VERSION_LABELS = frozenset(
    {"app.kubernetes.io/managed-by", "app.kubernetes.io/version", "chart", "helm.sh/chart", "heritage"}
)
"""Labels that change with each chart version, or are the same in all charts. No upstream selector uses one."""

RELEASE = "(release)"
"""Placeholder for the namespace of the release."""

CA_ANNOTATIONS = ("cert-manager.io/inject-ca-from", "cert-manager.io/inject-ca-from-secret")

Manifest = Mapping[str, Any]


class PortFacts(TypedDict, total=False):
    """A port of a Service or of a container."""

    name: str
    port: int | str
    targetPort: int | str
    protocol: str
    """Omitted: TCP."""


class ContainerFacts(TypedDict):
    """A container, with the ports that it declares and the endpoints of its probes."""

    name: str
    ports: NotRequired[list[PortFacts]]
    probes: NotRequired[list[str]]
    """`path port`, sorted, without repetition."""


class WebhookFacts(TypedDict):
    """One webhook of a configuration, and the Service that answers."""

    name: str
    service: str
    """`namespace/name:port/path`."""
    failurePolicy: str


class ObjectFacts(TypedDict):
    """One object; its kind decides which fields are present."""

    kind: str
    name: str
    apiVersion: str
    namespace: NotRequired[str]
    labels: NotRequired[dict[str, str]]
    cases: NotRequired[list[str]]
    """Cases that render it like this. Omitted: all cases of the chart."""
    selector: NotRequired[Any]
    podLabels: NotRequired[dict[str, str]]
    serviceAccount: NotRequired[str]
    hostNetwork: NotRequired[bool]
    containers: NotRequired[list[ContainerFacts]]
    ports: NotRequired[list[PortFacts]]
    headless: NotRequired[bool]
    webhooks: NotRequired[list[WebhookFacts]]
    injectCaFrom: NotRequired[str]
    """Certificate or Secret that cert-manager writes into a webhook's `caBundle` from."""
    endpoints: NotRequired[list[dict[str, Any]]]
    namespaces: NotRequired[Any]
    keys: NotRequired[list[str]]
    role: NotRequired[str]
    subjects: NotRequired[list[str]]
    secret: NotRequired[str]
    dnsNames: NotRequired[list[str]]


class CrdFacts(TypedDict):
    """A custom resource definition."""

    name: str
    """`plural.group`."""
    kind: str
    scope: str
    versions: list[str]
    """Served versions; the stored version ends in ` (stored)`, a deprecated one in ` (deprecated)`."""
    conversion: NotRequired[str]
    """`namespace/name/path` of the Service that converts between versions. Omitted: none."""


def object_facts(manifest: Manifest, namespace: str) -> ObjectFacts:
    """The facts of one object of a release in that namespace."""
    metadata = manifest["metadata"]
    facts: dict[str, Any] = {
        "kind": manifest["kind"],
        "name": metadata["name"],
        "apiVersion": manifest["apiVersion"],
        "namespace": _namespace(metadata.get("namespace"), namespace),
        "labels": own_labels(metadata.get("labels")),
        **_OF_KIND.get(manifest["kind"], _nothing)(manifest, namespace),
    }
    return {key: value for key, value in facts.items() if value not in (None, {}, [], "", False)}  # type: ignore[return-value]


def crd_facts(manifest: Manifest, namespace: str = "") -> CrdFacts:
    """The facts of one CRD, of a release in that namespace or of a plain manifest."""
    spec = manifest["spec"]
    facts: CrdFacts = {
        "name": manifest["metadata"]["name"],
        "kind": spec["names"]["kind"],
        "scope": spec["scope"],
        "versions": [_version(version) for version in spec["versions"] if version.get("served")],
    }
    conversion = spec.get("conversion") or {}
    if conversion.get("strategy") == "Webhook":
        service = conversion["webhook"]["clientConfig"]["service"]
        facts["conversion"] = (
            f"{_namespace(service['namespace'], namespace)}/{service['name']}{service.get('path', '')}"
        )
    return facts


def own_labels(labels: Mapping[str, Any] | None) -> dict[str, str]:
    """Labels without those that repeat the chart's version."""
    return {name: str(value) for name, value in sorted((labels or {}).items()) if name not in VERSION_LABELS}


def _version(version: Manifest) -> str:
    words = [str(version["name"])]
    words += ["(stored)"] if version.get("storage") else []
    return " ".join([*words, *(["(deprecated)"] if version.get("deprecated") else [])])


def _namespace(value: Any, release: str) -> str | None:
    return RELEASE if value == release else value


def _nothing(manifest: Manifest, namespace: str) -> dict[str, Any]:
    del manifest, namespace
    return {}


def _workload(manifest: Manifest, namespace: str) -> dict[str, Any]:
    del namespace
    spec = manifest["spec"]["jobTemplate"]["spec"] if manifest["kind"] == "CronJob" else manifest["spec"]
    template = spec["template"]
    pod = template["spec"]
    return {
        "selector": _selector(spec.get("selector")),
        "podLabels": own_labels((template.get("metadata") or {}).get("labels")),
        "serviceAccount": pod.get("serviceAccountName"),
        "hostNetwork": pod.get("hostNetwork"),
        "containers": [_container(one) for one in pod["containers"]],
    }


def _container(container: Manifest) -> ContainerFacts:
    facts: ContainerFacts = {"name": container["name"]}
    if ports := [_port(port, "containerPort") for port in container.get("ports") or []]:
        facts["ports"] = ports
    probes = [container.get(name) or {} for name in ("livenessProbe", "readinessProbe", "startupProbe")]
    paths = {f"{probe['httpGet']['path']} {probe['httpGet']['port']}" for probe in probes if probe.get("httpGet")}
    if paths:
        facts["probes"] = sorted(paths)
    return facts


def _port(port: Manifest, field: str) -> PortFacts:
    facts: PortFacts = {"port": port[field]}
    if port.get("name"):
        facts["name"] = port["name"]
    if port.get("targetPort") not in (None, port[field]):
        facts["targetPort"] = port["targetPort"]
    if port.get("protocol", "TCP") != "TCP":
        facts["protocol"] = port["protocol"]
    return facts


def _service(manifest: Manifest, namespace: str) -> dict[str, Any]:
    del namespace
    spec = manifest["spec"]
    return {
        "selector": dict(sorted((spec.get("selector") or {}).items())),
        "ports": [_port(port, "port") for port in spec.get("ports") or []],
        "headless": spec.get("clusterIP") == "None",
    }


def _webhooks(manifest: Manifest, namespace: str) -> dict[str, Any]:
    annotations = manifest["metadata"].get("annotations") or {}
    injected = next((annotations[name] for name in CA_ANNOTATIONS if name in annotations), "")
    return {
        "webhooks": [_webhook(one, namespace) for one in manifest.get("webhooks") or []],
        "injectCaFrom": injected.replace(f"{namespace}/", f"{RELEASE}/") if injected else None,
    }


def _webhook(webhook: Manifest, namespace: str) -> WebhookFacts:
    service = webhook["clientConfig"]["service"]
    where = f"{_namespace(service['namespace'], namespace)}/{service['name']}:{service.get('port', 443)}"
    return {
        "name": webhook["name"],
        "service": f"{where}{service.get('path', '')}",
        "failurePolicy": webhook.get("failurePolicy", "Fail"),
    }


def _monitor(manifest: Manifest, namespace: str) -> dict[str, Any]:
    spec = manifest["spec"]
    endpoints = spec.get("endpoints") or spec.get("podMetricsEndpoints") or []
    names = (spec.get("namespaceSelector") or {}).get("matchNames")
    return {
        "selector": _selector(spec.get("selector")),
        "endpoints": [
            {key: one[key] for key in ("path", "port", "scheme", "targetPort") if key in one} for one in endpoints
        ],
        "namespaces": [_namespace(name, namespace) for name in names] if names else spec.get("namespaceSelector"),
    }


def _binding(manifest: Manifest, namespace: str) -> dict[str, Any]:
    return {
        "role": f"{manifest['roleRef']['kind']} {manifest['roleRef']['name']}",
        "subjects": [
            f"{one['kind']} {_namespace(one.get('namespace'), namespace)}/{one['name']}"
            for one in manifest.get("subjects") or []
        ],
    }


def _selector(selector: Manifest | None) -> Any:
    """Only `matchLabels`, where there is nothing else."""
    if not selector:
        return None
    return dict(sorted(selector["matchLabels"].items())) if set(selector) == {"matchLabels"} else dict(selector)


def _dns(name: str, namespace: str) -> str:
    return name.replace(f".{namespace}.", f".{RELEASE}.").removesuffix(f".{namespace}")


def _keys(manifest: Manifest, namespace: str) -> dict[str, Any]:
    del namespace
    return {"keys": sorted({**(manifest.get("data") or {}), **(manifest.get("stringData") or {})})}


def _budget(manifest: Manifest, namespace: str) -> dict[str, Any]:
    del namespace
    return {"selector": _selector(manifest["spec"].get("selector"))}


def _policy(manifest: Manifest, namespace: str) -> dict[str, Any]:
    del namespace
    return {"selector": _selector(manifest["spec"].get("podSelector"))}


def _certificate(manifest: Manifest, namespace: str) -> dict[str, Any]:
    spec = manifest["spec"]
    return {"secret": spec["secretName"], "dnsNames": [_dns(name, namespace) for name in spec.get("dnsNames") or []]}


def _server(manifest: Manifest, namespace: str) -> dict[str, Any]:
    del namespace
    spec = manifest["spec"]
    return {"serviceAccount": spec.get("serviceAccountName"), "ports": [{"name": spec.get("portName")}]}


_OF_KIND: Mapping[str, Callable[[Manifest, str], dict[str, Any]]] = {
    "Alertmanager": _server,
    "Certificate": _certificate,
    "ClusterRoleBinding": _binding,
    "ConfigMap": _keys,
    "CronJob": _workload,
    "DaemonSet": _workload,
    "Deployment": _workload,
    "Job": _workload,
    "MutatingWebhookConfiguration": _webhooks,
    "NetworkPolicy": _policy,
    "PodDisruptionBudget": _budget,
    "PodMonitor": _monitor,
    "Prometheus": _server,
    "RoleBinding": _binding,
    "Secret": _keys,
    "Service": _service,
    "ServiceMonitor": _monitor,
    "StatefulSet": _workload,
    "ValidatingWebhookConfiguration": _webhooks,
}
