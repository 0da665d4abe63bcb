"""KServe v0.20.0: inference services, their runtimes, graphs, storage initialisers and trained models."""

from simulator.crds.core import (
    AFFINITY,
    CONTAINER,
    CONTAINER_FIELDS,
    IMAGE_PULL_SECRETS,
    POD_FIELDS,
    RESOURCES,
    ROLLING_STRATEGY,
    TOLERATIONS,
    VOLUMES,
)
from simulator.crds.schema import (
    AGE,
    BOOLEAN,
    INT32,
    INT64,
    QUANTITY,
    STRING,
    STRING_MAP,
    STRINGS,
    Fragment,
    Kind,
    Schema,
    array,
    boolean,
    choice,
    condition,
    free,
    integer,
    mapping,
    obj,
    string,
)

_GROUP = "serving.kserve.io"
_URL = ("URL", "string", ".status.url")
_READY = condition("Ready", "Ready")
_INTEGER = integer(None)

_COMPONENT_FIELDS: dict[str, Schema] = {
    **POD_FIELDS,
    "annotations": STRING_MAP,
    "batcher": obj({"maxBatchSize": _INTEGER, "maxLatency": _INTEGER, "timeout": _INTEGER}),
    "canaryTrafficPercent": INT64,
    "containerConcurrency": INT64,
    "deploymentStrategy": ROLLING_STRATEGY,
    "labels": STRING_MAP,
    "logger": obj(
        {
            "metadataAnnotations": STRINGS,
            "metadataHeaders": STRINGS,
            "mode": choice("all", "request", "response"),
            "url": STRING,
        }
    ),
    "maxReplicas": INT32,
    "minReplicas": INT32,
    "scaleMetric": choice("cpu", "memory", "concurrency", "rps"),
    "scaleMetricType": choice("Utilization", "Value", "AverageValue"),
    "scaleTarget": INT32,
    "timeout": INT64,
}
_MODEL = Fragment(
    "model",
    obj(
        {
            **CONTAINER_FIELDS,
            "modelFormat": obj({"name": STRING, "version": STRING}, "name"),
            "protocolVersion": STRING,
            "runtime": STRING,
            "runtimeVersion": STRING,
            "storage": obj({"key": STRING, "parameters": STRING_MAP, "path": STRING, "schemaPath": STRING}),
            "storageUri": STRING,
        }
    ),
)
# Its pod is left open: each copy of a pod's schema makes every `up` slower (the provider reads them all, many times).
_WORKER_SPEC = free(properties={"pipelineParallelSize": _INTEGER, "tensorParallelSize": _INTEGER})
_PREDICTOR_FIELDS: dict[str, Schema] = {
    **_COMPONENT_FIELDS,
    "model": _MODEL,
    "name": string(pattern=r"^[a-z]([-a-z0-9]*[a-z0-9])?$"),
    "storageContainerName": STRING,
    "workerSpec": _WORKER_SPEC,
}
_PREDICTOR = obj(_PREDICTOR_FIELDS)
# Upstream relaxes the model of the main predictor, and forgets the canaries: there its container must have a name.
_CANARY_PREDICTOR = obj(
    {
        **{name: schema for name, schema in _PREDICTOR_FIELDS.items() if name != "workerSpec"},
        "model": {**_MODEL, "required": ["modelFormat", "name"]},
    }
)
_COMPONENT = Fragment("component", obj(_COMPONENT_FIELDS))
_INFERENCE_SERVICE = obj(
    {
        "canary": array(
            obj(
                {"predictor": _CANARY_PREDICTOR, "trafficPercent": integer(minimum=0, maximum=100)},
                "predictor trafficPercent",
            ),
            "atomic",
        ),
        "explainer": free(),  # no component of ours has one, and its pod would be a fifth of the whole
        "predictor": _PREDICTOR,
        "transformer": _COMPONENT,
    },
    "predictor",
)

_RUNTIME_POD: dict[str, Schema] = {
    "affinity": AFFINITY,
    "annotations": STRING_MAP,
    "containers": array(CONTAINER),
    "hostIPC": BOOLEAN,
    "imagePullSecrets": IMAGE_PULL_SECRETS,
    "labels": STRING_MAP,
    "nodeSelector": STRING_MAP,
    "schedulerName": STRING,
    "tolerations": TOLERATIONS,
    "volumes": VOLUMES,
}
_RUNTIME = obj(
    {
        **_RUNTIME_POD,
        "disabled": BOOLEAN,
        "multiModel": BOOLEAN,
        "protocolVersions": STRINGS,
        "supportedModelFormats": array(
            obj(
                {"autoSelect": BOOLEAN, "name": STRING, "priority": integer(minimum=1), "version": STRING},
                "name",
            )
        ),
        "workerSpec": obj(
            {**_RUNTIME_POD, "pipelineParallelSize": _INTEGER, "tensorParallelSize": _INTEGER}, "containers"
        ),
    },
    "containers",
)
_RUNTIME_COLUMNS = (
    ("Disabled", "boolean", ".spec.disabled"),
    ("ModelType", "string", ".spec.supportedModelFormats[*].name"),
    AGE,
)

_GRAPH_STEP = obj(
    {
        "condition": STRING,
        "data": STRING,
        "dependency": choice("Soft", "Hard"),
        "name": STRING,
        "nodeName": STRING,
        "serviceName": STRING,
        "serviceUrl": STRING,
        "weight": INT64,
    }
)
_GRAPH = obj(
    {
        "affinity": AFFINITY,
        "maxReplicas": INT32,
        "minReplicas": INT32,
        "nodeSelector": STRING_MAP,
        "nodes": mapping(
            obj(
                {
                    "routerType": choice("Sequence", "Splitter", "Ensemble", "Switch"),
                    "steps": array(_GRAPH_STEP),
                },
                "routerType",
            )
        ),
        "resources": RESOURCES,
        "scaleMetric": choice("cpu", "memory", "concurrency", "rps"),
        "scaleTarget": INT32,
        "serviceAccountName": STRING,
        "timeout": INT64,
        "tolerations": TOLERATIONS,
    },
    "nodes",
)

KINDS = (
    Kind(
        _GROUP,
        "InferenceService",
        "inferenceservices",
        "A model behind an endpoint: predictor, and a transformer or explainer where there is one.",
        _INFERENCE_SERVICE,
        versions=("v1beta1",),
        short_names=("isvc",),
        columns=(
            _URL,
            _READY,
            (
                "Latest",
                "integer",
                ".status.components.predictor.traffic[?(@.latestRevision==true)].percent",
            ),
            AGE,
        ),
        required="",
    ),
    Kind(
        _GROUP,
        "ServingRuntime",
        "servingruntimes",
        "The server that loads models of some formats, for one namespace.",
        _RUNTIME,
        versions=("v1alpha1",),
        columns=_RUNTIME_COLUMNS,
        has_status=False,
        required="",
    ),
    Kind(
        _GROUP,
        "ClusterServingRuntime",
        "clusterservingruntimes",
        "The server that loads models of some formats, for every namespace.",
        _RUNTIME,
        versions=("v1alpha1",),
        cluster_scoped=True,
        columns=_RUNTIME_COLUMNS,
        has_status=False,
        required="",
    ),
    Kind(
        _GROUP,
        "ClusterStorageContainer",
        "clusterstoragecontainers",
        "The init container that fetches models from URIs of some form.",
        obj(
            {
                "container": CONTAINER,
                "supportedUriFormats": array(obj({"prefix": STRING, "regex": STRING})),
                "supportsMultiModelDownload": boolean(default=False),
                "workloadType": string(default="initContainer"),
            },
            "container supportedUriFormats",
        ),
        versions=("v1alpha1",),
        cluster_scoped=True,
        has_status=False,
        required="",
        root={"disabled": BOOLEAN},
    ),
    Kind(
        _GROUP,
        "TrainedModel",
        "trainedmodels",
        "One model of a server that holds several.",
        obj(
            {
                "inferenceService": STRING,
                "model": obj(
                    {"framework": STRING, "memory": QUANTITY, "storageUri": STRING}, "framework memory storageUri"
                ),
            },
            "inferenceService model",
        ),
        versions=("v1alpha1",),
        short_names=("tm",),
        columns=(_URL, _READY, AGE),
        required="",
    ),
    Kind(
        _GROUP,
        "InferenceGraph",
        "inferencegraphs",
        "Inference services joined: in sequence, split, together or by condition.",
        _GRAPH,
        versions=("v1alpha1",),
        short_names=("ig",),
        columns=(_URL, _READY, AGE),
        required="",
    ),
)
