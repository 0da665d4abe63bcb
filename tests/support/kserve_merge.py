"""What KServe's controller makes of InferenceServices: its rules restated, so that tests look at the result.

Facts of kserve/kserve, read at v0.20.0 and at master of 2026-08-21 (0.21 was cut from it); paths below its `pkg/`:
apis/serving/v1beta1/inference_service_defaults.go and transformer_custom.go (webhook), predictor_model.go and
v1alpha1/servingruntime_types.go (choice of the runtime), utils/container_merge.go and
controller/v1beta1/inferenceservice/utils/utils.go (merge, placeholders, image), components/predictor.go and
transformer.go (metadata, canaries), reconcilers/deployment, hpa, service, ingress/domain.go and
httproute_reconciler.go, webhook/admission/pod/storage_initializer_injector.go (init container).

Standard mode only, and only what the platform uses of it. Left out: explainers, multi-node, model agents, batchers,
loggers, KEDA, routes' rules, the variables of the container that fetches a model. It is a restatement: that the running
controller does the same is what `tests/controllers/test_kserve.py` compares (`make verify-controllers`).
"""

import copy
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

Object = dict[str, Any]

SERVER = "kserve-container"
HTTP_PORT = 8080
SERVICE_PORT = 80
MODELS = "/mnt/models"
LABEL = "serving.kserve.io/inferenceservice"
SERVER_TYPE = "serving.kserve.io/server-type"
SOURCE_URI = "internal.serving.kserve.io/storage-initializer-sourceuri"
DOMAIN_TEMPLATE = "{{ .Name }}-{{ .Namespace }}.{{ .IngressDomain }}"
"""`kserve.controller.gateway.domainTemplate` of the chart's values.yaml."""
CONFIG_MAP = "inferenceservice-config"
CHART_DEFAULTS = {"requests": {"cpu": "1", "memory": "2Gi"}, "limits": {"cpu": "1", "memory": "2Gi"}}
"""`kserve.inferenceservice.resources` of the chart's values.yaml; an empty text means no default
(files/common/configmap-patch.yaml, setResourceRequirementDefaults)."""
HPA_CPU_PERCENT = 80
"""constants.DefaultCPUUtilization; memory has no default."""
PROTOCOLS = ("v1", "v2", "grpc-v1", "grpc-v2")
"""In the order of constants.ProtocolVersion; a runtime without any comes after all of them."""
V2_BY_DEFAULT = ("triton", "vLLM")
"""Formats for which the webhook sets protocolVersion v2; every other starts as v1."""
HIDDEN_ANNOTATIONS = {SOURCE_URI, "kubectl.kubernetes.io/last-applied-configuration", "modelFormat"}
HIDDEN_ANNOTATIONS |= {"autoscaling.knative.dev/min-scale", "autoscaling.knative.dev/max-scale"}
GPU_SUFFIX_TYPES = ("tensorflow-serving", "torchserve", "huggingfaceserver")
MODEL_CLASSES = {
    "xgboost": "mlserver_xgboost.XGBoostModel",
    "lightgbm": "mlserver_lightgbm.LightGBMModel",
    "mlflow": "mlserver_mlflow.MLflowRuntime",
}
BLOCKED_ENVIRONMENT = {"PYTHONPATH"}
"""validation/env_policy.go: the webhook refuses an InferenceService that sets one of these."""
MERGE_KEYS = {
    "containers": "name",
    "env": "name",
    "imagePullSecrets": "name",
    "initContainers": "name",
    "ports": "containerPort",
    "resourceClaims": "name",
    "topologySpreadConstraints": "topologyKey",
    "volumeDevices": "devicePath",
    "volumeMounts": "mountPath",
    "volumes": "name",
}
"""`patchMergeKey` of k8s.io/api/core/v1 PodSpec and Container; lists that are not here replace each other whole."""


class NoRuntime(LookupError):
    """KServe finds no runtime for a model, or not the one that it names."""


# ---- The choice of the runtime


def select_runtime(model: Mapping[str, Any], runtimes: Sequence[Object], namespace: str = "") -> Object:
    """The runtime that serves a model: the one that it names, else the first of those that support it."""
    named = model.get("runtime")
    if named:
        return _named_runtime(model, named, runtimes, namespace)
    protocol = model.get("protocolVersion") or ("v2" if model["modelFormat"]["name"] in V2_BY_DEFAULT else "v1")
    for scope in (lambda one: one["metadata"].get("namespace") == namespace, _cluster_wide):
        fitting = [
            one for one in runtimes if scope(one) and _supports(one["spec"], model) and _speaks(one["spec"], protocol)
        ]
        # By the smallest protocol, then (created in one run) by name; after that, stable, by priority.
        fitting.sort(key=lambda one: (_protocol_rank(one["spec"]), one["metadata"]["name"]))
        fitting.sort(key=lambda one: -_priority(one["spec"], model["modelFormat"]["name"]))
        if fitting:
            return fitting[0]
    raise NoRuntime(f"no runtime found to support predictor with model type: {model['modelFormat']} over {protocol}")


def _named_runtime(model: Mapping[str, Any], name: str, runtimes: Sequence[Object], namespace: str) -> Object:
    found = [one for one in runtimes if one["metadata"]["name"] == name]
    found.sort(key=_cluster_wide)
    found = [one for one in found if _cluster_wide(one) or one["metadata"].get("namespace") == namespace]
    if not found:
        raise NoRuntime(f"no ServingRuntimes or ClusterServingRuntimes with the name: {name}")
    spec, protocol = found[0]["spec"], model.get("protocolVersion")
    if spec.get("disabled") or (protocol and not _speaks(spec, protocol)):
        raise NoRuntime(f"specified runtime {name} is disabled or does not support protocol {protocol}")
    if not _supports(spec, model):
        raise NoRuntime(f"specified runtime {name} does not support specified framework/version")
    return found[0]


def _cluster_wide(runtime: Object) -> bool:
    return bool(runtime["kind"] == "ClusterServingRuntime")


def _supports(spec: Mapping[str, Any], model: Mapping[str, Any]) -> bool:
    """By format, and by its version where the model has one; unnamed runtimes only where they are `autoSelect`."""
    if not model.get("runtime") and (spec.get("disabled") or spec.get("multiModel") or spec.get("workerSpec")):
        return False
    wanted = model["modelFormat"]
    return any(
        row["name"] == wanted["name"] and wanted.get("version") in (None, row.get("version"))
        for row in spec.get("supportedModelFormats") or ()
        if model.get("runtime") or row.get("autoSelect")
    )


def _speaks(spec: Mapping[str, Any], protocol: str) -> bool:
    return not spec.get("protocolVersions") or protocol in spec["protocolVersions"]


def _protocol_rank(spec: Mapping[str, Any]) -> int:
    return min((PROTOCOLS.index(one) for one in spec.get("protocolVersions") or ()), default=len(PROTOCOLS))


def _priority(spec: Mapping[str, Any], name: str) -> float:
    """That of the first row with this name, whatever its version; none comes last."""
    rows = [row for row in spec["supportedModelFormats"] if row["name"] == name]
    priority = rows[0].get("priority") if rows else None
    return float("-inf") if priority is None else float(priority)


# ---- Merging


def strategic_merge(base: Any, overlay: Any, key: str = "") -> Any:
    """Kubernetes' strategic merge of pods and containers: `overlay` over `base`."""
    if isinstance(base, dict) and isinstance(overlay, dict):
        merged = {name: copy.deepcopy(value) for name, value in base.items()}
        for name, value in overlay.items():
            if value is None:
                merged.pop(name, None)
            else:
                merged[name] = strategic_merge(merged[name], value, name) if name in merged else copy.deepcopy(value)
        return merged
    if isinstance(base, list) and isinstance(overlay, list) and key in MERGE_KEYS:
        by = MERGE_KEYS[key]
        rows = {row[by]: row for row in copy.deepcopy(base)}
        for row in overlay:
            rows[row[by]] = strategic_merge(rows[row[by]], row) if row[by] in rows else copy.deepcopy(row)
        return [rows[name] for name in _order([row[by] for row in base], [row[by] for row in overlay])]
    return copy.deepcopy(overlay)


def _order(base: Sequence[Any], overlay: Sequence[Any]) -> list[Any]:
    """Of a merged list (strategicpatch.mergeSortedSlice): the overlay's, what it leaves alone before the next it knows.

    So what the overlay adds stands before what follows its last row of the base.
    """
    place = {name: number for number, name in enumerate(base)}
    left, right, merged = [name for name in base if name not in overlay], [*dict.fromkeys(overlay)], []
    while left and right:
        earlier = right[0] in place and place[left[0]] < place[right[0]]
        merged.append((left if earlier else right).pop(0))
    return [*merged, *left, *right]


def merged_container(runtime: Object, service: Object) -> Object:
    """The runtime's container under the InferenceService's: arguments are joined, a variable has one source."""
    overlay = {name: value for name, value in service.items() if value not in ("", [], {}, None)}
    merged = strategic_merge(runtime, overlay)
    both = [*(runtime.get("args") or ()), *(service.get("args") or ())]
    merged |= {"name": runtime["name"]} | ({"args": both} if both else {})
    own = {variable["name"]: variable for variable in overlay.get("env") or ()}
    for variable in merged.get("env") or ():
        if variable.get("value") and variable.get("valueFrom"):
            variable.pop("value" if own.get(variable["name"], {}).get("valueFrom") else "valueFrom")
    return dict(merged)


def _filled_in(container: Object, metadata: Mapping[str, Any]) -> Object:
    """Placeholders of the runtime, from the InferenceService's metadata."""
    text = json.dumps(container).replace("{{.Name}}", metadata["name"])
    for kind in ("labels", "annotations"):
        for name, value in (metadata.get(kind) or {}).items():
            text = text.replace(f"{{{{.{kind.title()}.{name}}}}}", str(value))
    assert "{{." not in text, f"a placeholder without a value: {text}"
    return dict(json.loads(text))


def _image(container: Object, model: Mapping[str, Any], server_type: str) -> str:
    image, version = container["image"], model.get("runtimeVersion")
    if "@sha256:" in image:
        return str(image)
    bare, _, tag = image.rpartition(":") if ":" in image.rsplit("/", 1)[-1] else (image, "", "")
    if version:
        return f"{bare or image}:{version}"
    gpu = sees_gpus(container.get("resources") or {})
    if tag and gpu and server_type in GPU_SUFFIX_TYPES and not image.endswith("-gpu"):
        return f"{image}-gpu"
    if tag and not gpu and server_type == "vllmserver" and not bare.endswith("-cpu"):
        return f"{bare}-cpu:{tag}"
    return str(image)


def sees_gpus(resources: Mapping[str, Any]) -> bool:
    """utils.IsGPUEnabled: by the names of limits."""
    return any(name == "nvidia.com/gpu" or name.startswith("nvidia.com/mig-") for name in resources.get("limits") or {})


# ---- Objects


def merged_deployments(objects: Iterable[Object], values: Mapping[str, Any] | None = None) -> list[Object]:
    """The Deployments that KServe makes of these objects: predictor, canary and transformer of each InferenceService.

    `objects`: InferenceServices, (Cluster)ServingRuntimes and, where the chart was rendered, its ConfigMap; others are
    ignored. `values`: the chart's values where there is no ConfigMap; without either, the chart's defaults hold.
    """
    return [deployment for deployment, _, _ in _rendered(objects, values)]


def merged_autoscalers(objects: Iterable[Object], values: Mapping[str, Any] | None = None) -> list[Object]:
    """The HorizontalPodAutoscalers of `merged_deployments`: one for each, whatever its replicas."""
    return [autoscaler for _, autoscaler, _ in _rendered(objects, values)]


def merged_services(objects: Iterable[Object], values: Mapping[str, Any] | None = None) -> list[Object]:
    """The Services of `merged_deployments`."""
    return [service for _, _, service in _rendered(objects, values)]


def _rendered(objects: Iterable[Object], values: Mapping[str, Any] | None) -> Iterator[tuple[Object, Object, Object]]:
    given = [*objects]
    runtimes = [one for one in given if one["kind"] in ("ServingRuntime", "ClusterServingRuntime")]
    defaults = default_resources(given, values)
    for service in given:
        if service["kind"] == "InferenceService":
            yield from _components(service, runtimes, defaults)


def default_resources(objects: Iterable[Object], values: Mapping[str, Any] | None = None) -> Object:
    """What transformers get where they say nothing: of the rendered ConfigMap, else of the chart's values."""
    for one in objects:
        if one["kind"] == "ConfigMap" and one["metadata"]["name"] == CONFIG_MAP:
            row = json.loads(one["data"]["inferenceService"]).get("resource") or {}
            return {
                f"{side}s": {what: row.get(f"{what}{side.title()}", "") for what in ("cpu", "memory")}
                for side in ("request", "limit")
            }
    written = ((values or {}).get("kserve", {}).get("inferenceservice") or {}).get("resources") or {}
    return dict(strategic_merge(CHART_DEFAULTS, written))


def _components(
    service: Object, runtimes: Sequence[Object], defaults: Object
) -> Iterator[tuple[Object, Object, Object]]:
    spec, namespace = service["spec"], service["metadata"].get("namespace", "default")
    stable, canaries = spec["predictor"], spec.get("canary") or []
    kept = max(int(stable.get("minReplicas", 1)) - sum(_canary_replicas(stable, one) for one in canaries), 1)
    yield _predictor(service, stable, runtimes, namespace, {"minReplicas": kept} if canaries else {})
    for canary in canaries:
        replicas = _canary_replicas(stable, canary)
        fixed = {"maxReplicas": 0, "scaleTarget": None, "scaleMetric": None, "minReplicas": replicas}
        over = _laid_over(stable, canary["predictor"])
        yield _predictor(service, over, runtimes, namespace, {**fixed, "deploymentStrategy": None})
    if spec.get("transformer"):
        yield _transformer(service, spec["transformer"], defaults, namespace)


def _canary_replicas(stable: Object, canary: Object) -> int:
    given = canary["predictor"].get("minReplicas")
    return int(given) if given is not None else -(-int(stable.get("minReplicas", 1)) * canary["trafficPercent"] // 100)


def _laid_over(under: Any, over: Any) -> Any:
    """mergo.Merge with override: mappings at every depth, lists whole; what is empty overrides nothing."""
    if isinstance(under, dict) and isinstance(over, dict):
        names = {**under, **over}
        return {name: _laid_over(under.get(name), over[name]) if name in over else under[name] for name in names}
    return under if over in (None, "", 0, [], {}) else over


def _predictor(
    service: Object, predictor: Object, runtimes: Sequence[Object], namespace: str, fixed: Object
) -> tuple[Object, Object, Object]:
    model, metadata = copy.deepcopy(predictor["model"]), copy.deepcopy(service["metadata"])
    runtime = select_runtime(model, runtimes, namespace)
    server_type = (runtime["metadata"].get("annotations") or {}).get(SERVER_TYPE, "")
    metadata["annotations"] = {**(metadata.get("annotations") or {}), "modelFormat": model["modelFormat"]["name"]}
    if server_type == "mlserver":
        model["env"] = [*(model.get("env") or ()), *_mlserver_environment(service, model)]
        model_class = MODEL_CLASSES.get(model["modelFormat"]["name"], "mlserver_sklearn.SKLearnModel")
        metadata["labels"] = {**(metadata.get("labels") or {}), "modelClass": model_class}
    base = next(one for one in runtime["spec"]["containers"] if one["name"] == SERVER)
    container = _filled_in(merged_container(base, {k: v for k, v in model.items() if k in _CONTAINER}), metadata)
    container["image"] = _image(container, model, server_type)
    _add_variable(container, "INFERENCE_SERVICE_NAME", service["metadata"]["name"])
    under = {key: value for key, value in runtime["spec"].items() if key in _RUNTIME_POD}
    pod = strategic_merge(under, {key: value for key, value in predictor.items() if key in _POD})
    others = [copy.deepcopy(one) for one in runtime["spec"]["containers"] if one["name"] != SERVER]
    annotations = {**(runtime["spec"].get("annotations") or {}), **_visible(metadata)}
    annotations |= {SOURCE_URI: model["storageUri"]} if model.get("storageUri") else {}
    return _deployed(
        predictor_name(service["metadata"]["name"], predictor.get("name", "")),
        metadata | {"annotations": annotations, "runtime_labels": runtime["spec"].get("labels") or {}},
        {**predictor, **fixed},
        {**pod, "containers": [container, *others]},
        "predictor",
    )


def _mlserver_environment(service: Object, model: Object) -> Iterator[Object]:
    there = {variable["name"] for variable in model.get("env") or ()}
    for name, value in (("MLSERVER_MODEL_NAME", service["metadata"]["name"]), ("MLSERVER_MODEL_URI", MODELS)):
        if name not in there:
            yield {"name": name, "value": value}


def _transformer(
    service: Object, transformer: Object, defaults: Object, namespace: str
) -> tuple[Object, Object, Object]:
    name = service["metadata"]["name"]
    first, *others = copy.deepcopy(transformer["containers"])
    first["name"], resources = SERVER, first.setdefault("resources", {})
    for side in ("requests", "limits"):
        given = {what: size for what, size in defaults[side].items() if size}
        resources[side] = {**given, **(resources.get(side) or {})}
    stable = predictor_name(name, service["spec"]["predictor"].get("name", ""))
    arguments = [*(first.get("args") or ())]
    for flag, value in (
        ("--model_name", name),
        ("--predictor_host", f"{stable}.{namespace}"),
        ("--http_port", str(HTTP_PORT)),
    ):
        if not any(argument.split("=")[0] == flag for argument in arguments):
            arguments += [flag, value]
    first["args"] = arguments
    _add_variable(first, "INFERENCE_SERVICE_NAME", name)
    pod = {key: value for key, value in transformer.items() if key in _POD}
    metadata = service["metadata"] | {"annotations": _visible(service["metadata"]), "runtime_labels": {}}
    return _deployed(
        f"{name}-transformer", metadata, transformer, {**pod, "containers": [first, *others]}, "transformer"
    )


def predictor_name(service: str, version: str = "") -> str:
    """Name of a predictor's Deployment and Service."""
    return f"{service}-{version}-predictor" if version else f"{service}-predictor"


def _visible(metadata: Mapping[str, Any]) -> Object:
    return {k: v for k, v in (metadata.get("annotations") or {}).items() if k not in HIDDEN_ANNOTATIONS}


def _add_variable(container: Object, name: str, value: str) -> None:
    kept = [variable for variable in container.get("env") or () if variable["name"] != name]
    container["env"] = [*kept, {"name": name, "value": value}]


def _deployed(
    name: str, metadata: Mapping[str, Any], component: Object, pod: Object, role: str
) -> tuple[Object, Object, Object]:
    """Deployment, autoscaler and Service of one component, with the defaults that KServe writes out."""
    pod = copy.deepcopy(pod)
    pod.setdefault("automountServiceAccountToken", False)
    for container in pod["containers"]:
        if container["name"] == SERVER and not container.get("readinessProbe"):
            port = (container.get("ports") or [{"containerPort": HTTP_PORT}])[0]["containerPort"]
            probe = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
            container["readinessProbe"] = {"tcpSocket": {"port": port}, **probe}
    labels = {**metadata["runtime_labels"], **(metadata.get("labels") or {}), **(component.get("labels") or {})}
    labels |= {LABEL: metadata["name"], "component": role, "app": f"isvc.{name}"}
    annotations = {**metadata["annotations"], **(component.get("annotations") or {})}
    about = {"name": name, "namespace": metadata.get("namespace", "default"), "labels": labels}
    about |= {"annotations": annotations} if annotations else {}
    rollout = {"maxUnavailable": "25%", "maxSurge": "25%"}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": about,
        "spec": {
            "selector": {"matchLabels": {"app": f"isvc.{name}"}},
            "strategy": component.get("deploymentStrategy") or {"type": "RollingUpdate", "rollingUpdate": rollout},
            "template": {"metadata": copy.deepcopy(about) | {"name": name}, "spec": pod},
        },
    }
    return deployment, _autoscaler(about, component), _service(about, pod)


def _autoscaler(about: Object, component: Object) -> Object:
    fewest = max(int(component.get("minReplicas") or 1), 1)
    metric, target = component.get("scaleMetric") or "cpu", component.get("scaleTarget")
    percent = target if target is not None else (HPA_CPU_PERCENT if metric == "cpu" else None)
    metrics = (
        [
            {
                "type": "Resource",
                "resource": {"name": metric, "target": {"type": "Utilization", "averageUtilization": int(percent)}},
            }
        ]
        if percent is not None
        else []
    )
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": copy.deepcopy(about),
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": about["name"]},
            "minReplicas": fewest,
            "maxReplicas": max(int(component.get("maxReplicas") or 0), fewest),
            "metrics": metrics,
        },
    }


def _service(about: Object, pod: Object) -> Object:
    """Port 80 leads to the first port of the first container, else to 8080; further ports keep their number."""
    ports = pod["containers"][0].get("ports") or [{"name": about["name"], "containerPort": HTTP_PORT}]
    rows = [
        {
            "name": port.get("name", ""),
            "port": port["containerPort"] if index else SERVICE_PORT,
            "targetPort": port["containerPort"],
            "protocol": port.get("protocol", "TCP"),
        }
        for index, port in enumerate(ports)
    ]
    selector = {"app": about["labels"]["app"]}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": copy.deepcopy(about),
        "spec": {"selector": selector, "ports": rows},
    }


_CONTAINER = frozenset(
    "args command env envFrom image imagePullPolicy lifecycle livenessProbe name ports readinessProbe resources "
    "securityContext startupProbe stdin terminationMessagePath terminationMessagePolicy tty volumeDevices volumeMounts "
    "workingDir".split()
)
_RUNTIME_POD = frozenset("affinity imagePullSecrets nodeSelector schedulerName tolerations volumes".split())
"""MergePodSpec takes these of a runtime; resourceClaims come with 0.21."""
_POD = _RUNTIME_POD | frozenset(
    "automountServiceAccountToken dnsConfig dnsPolicy enableServiceLinks hostAliases initContainers priorityClassName "
    "resourceClaims restartPolicy runtimeClassName securityContext serviceAccountName terminationGracePeriodSeconds "
    "topologySpreadConstraints".split()
)


# ---- Admission of the pods


def admitted_pod(deployment: Object, initializer: Object, limit_range: Mapping[str, Any] | None = None) -> Object:
    """The pod that is created: KServe's webhook adds the container that fetches the model, a LimitRange its defaults.

    `initializer`: `spec.container` of the ClusterStorageContainer. Admission plug-ins run again after webhooks, so the
    LimitRange sees that container too (kubernetes/kubernetes, admission of mutating webhooks: reinvocation).
    """
    template = copy.deepcopy(deployment["spec"]["template"])
    pod, uri = template["spec"], (template["metadata"].get("annotations") or {}).get(SOURCE_URI, "")
    if uri:
        _add_model(pod, uri, initializer)
    for container in [*pod["containers"], *(pod.get("initContainers") or ())]:
        resources = container.setdefault("resources", {})
        for name, size in (resources.get("limits") or {}).items():
            resources.setdefault("requests", {}).setdefault(name, size)
        for row in (limit_range or {}).get("limits") or ():
            if row["type"] == "Container":
                resources["limits"] = {**row.get("default", {}), **(resources.get("limits") or {})}
                resources["requests"] = {**row.get("defaultRequest", {}), **(resources.get("requests") or {})}
    return {"apiVersion": "v1", "kind": "Pod", **template}


def _add_model(pod: Object, uri: str, initializer: Object) -> None:
    scheme, _, place = uri.partition("://")
    server = next(one for one in pod["containers"] if one["name"] == SERVER)
    claim, _, below = place.partition("/")
    of_claim = {"name": "kserve-pvc-source", "persistentVolumeClaim": {"claimName": claim}}
    volume = of_claim if scheme == "pvc" else {"name": "kserve-provision-location", "emptyDir": {}}
    mount = {"name": volume["name"], "mountPath": MODELS}
    pod["volumes"] = [*(pod.get("volumes") or ()), volume]
    seen = {**mount, "readOnly": True} | ({"subPath": below} if scheme == "pvc" and below else {})
    server["volumeMounts"] = [*(server.get("volumeMounts") or ()), seen]
    if scheme != "pvc":
        fetches = {"name": "storage-initializer", "args": [uri, MODELS], "volumeMounts": [mount]}
        pod["initContainers"] = [*(pod.get("initContainers") or ()), strategic_merge(fetches, initializer)]


def effective_requests(pod: Object, side: str = "requests") -> dict[str, Decimal]:
    """What a pod counts for with the scheduler and quotas: its containers together, or its largest init container."""
    spec = pod["spec"]
    total: dict[str, Decimal] = {}
    for container in spec["containers"]:
        for name, size in (container["resources"].get(side) or {}).items():
            total[name] = total.get(name, Decimal(0)) + quantity(size)
    for container in spec.get("initContainers") or ():
        for name, size in (container["resources"].get(side) or {}).items():
            total[name] = max(total.get(name, Decimal(0)), quantity(size))
    return total


def resource_faults(containers: Iterable[Object]) -> list[str]:
    """What API server and kubelet refuse of resources: requests above limits, devices that are not the same in both."""
    return [
        f"{container['name']}: {fault}"
        for container in containers
        for fault in _container_faults(container.get("resources") or {})
    ]


def _container_faults(resources: Mapping[str, Any]) -> Iterator[str]:
    requests, limits = resources.get("requests") or {}, resources.get("limits") or {}
    for name, size in requests.items():
        if name in limits and quantity(size) > quantity(limits[name]):
            yield f"requests.{name} {size} is more than limits.{name} {limits[name]}"
    for name in {*requests, *limits}:
        if "/" in name and requests.get(name, limits.get(name)) != limits.get(name):
            yield f"{name} is an extended resource: request {requests.get(name)}, limit {limits.get(name)}"


_QUANTITY = re.compile(r"^(?P<number>[0-9.]+)(?P<unit>m|k|M|G|T|Ki|Mi|Gi|Ti)?$")
_UNITS = {"": Decimal(1), "m": Decimal("0.001"), "k": Decimal(10**3), "M": Decimal(10**6), "G": Decimal(10**9)}
_UNITS |= {"T": Decimal(10**12), "Ki": Decimal(2**10), "Mi": Decimal(2**20), "Gi": Decimal(2**30), "Ti": Decimal(2**40)}


def quantity(text: Any) -> Decimal:
    """A Kubernetes quantity as a number."""
    match = _QUANTITY.match(str(text))
    assert match, f"no quantity: {text}"
    return Decimal(match["number"]) * _UNITS[match["unit"] or ""]


# ---- Names


def published_names(service: Object, domain: str, kserve: str, template: str = DOMAIN_TEMPLATE) -> list[str]:
    """Host names of the HTTPRoutes of one InferenceService: its own, its predictor's and its transformer's.

    Up to 0.20 the predictor's has the version in it, from 0.21 on it has not (master, createRawPredictorHTTPRoute). A
    canary has no route of its own.
    """
    spec, metadata = service["spec"], service["metadata"]
    version = spec["predictor"].get("name", "") if kserve.removeprefix("v").startswith("0.20.") else ""
    names = [metadata["name"], predictor_name(metadata["name"], version)]
    names += [f"{metadata['name']}-transformer"] if spec.get("transformer") else []
    parts = {"Namespace": metadata.get("namespace", "default"), "IngressDomain": domain}
    return [_spelled(template, {"Name": name, **parts}) for name in names]


def _spelled(template: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        template = re.sub(r"\{\{\s*\." + name + r"\s*\}\}", value, template)
    return template


def is_domain_name(name: str) -> bool:
    """validation.IsFullyQualifiedDomainName: labels of at most 63, at least two of them."""
    labels = name.split(".")
    label = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
    return len(name) <= 253 and len(labels) > 1 and all(label.fullmatch(one) for one in labels)
