"""The pods that objects of every kind ask for. Not proved here: that controllers make as many."""

from typing import Any

import pytest
import yaml

from policies.objects import UNKNOWN, PlannedObject
from policies.operator_pods import MAX_SCALE
from policies.pod_sources import POD_SOURCES
from policies.pods import DEFAULT_PARALLEL_TRIALS, all_pods, runs_pods, units_of
from tests.policies.support import gpu_pod, kubernetes
from tests.support.upstream_crds import ABSENT
from tests.support.upstream_crds import FOLDER as CRDS

POD = gpu_pod("1")
TEMPLATE = {"spec": POD}
CLUSTER = {
    "headGroupSpec": {"template": TEMPLATE},
    "workerGroupSpecs": [
        {"groupName": "a", "replicas": 2, "maxReplicas": 5, "numOfHosts": 2, "template": TEMPLATE},
        {"groupName": "b", "replicas": 3, "template": TEMPLATE},
    ],
}
ROLES = {"Master": {"template": TEMPLATE}, "Worker": {"replicas": 3, "template": TEMPLATE}}
TRIAL = {"apiVersion": "batch/v1", "kind": "Job", "spec": {"parallelism": 2, "template": TEMPLATE}}
JOBS = [
    {"name": "driver", "template": {"spec": {"template": TEMPLATE}}},
    {"name": "workers", "replicas": 2, "template": {"spec": {"parallelism": 4, "template": TEMPLATE}}},
]


def counts(kind: str, spec: Any) -> list[int | None]:
    """How many pods of each sort; all of them hold the pod spec."""
    found = all_pods([kubernetes(kind, "vision", "x", spec)])
    assert all(pods.spec["containers"] == POD["containers"] for pods in found)
    return [pods.count for pods in found]


@pytest.mark.parametrize(
    ("kind", "spec", "expected"),
    [
        ("Pod", POD, [1]),
        ("Deployment", {"template": TEMPLATE}, [1]),
        ("StatefulSet", {"replicas": 3, "template": TEMPLATE}, [3]),
        ("ReplicationController", {"replicas": 2, "template": TEMPLATE}, [2]),
        ("Job", {"parallelism": 4, "template": TEMPLATE}, [4]),
        ("Job", {"parallelism": UNKNOWN, "template": TEMPLATE}, [None]),
        ("CronJob", {"jobTemplate": {"spec": {"parallelism": 2, "template": TEMPLATE}}}, [2]),
        ("JobSet", {"replicatedJobs": JOBS}, [1, 8]),
        ("RayCluster", CLUSTER, [1, 10, 3]),
        ("RayJob", {"rayClusterSpec": CLUSTER, "submitterPodTemplate": TEMPLATE}, [1, 10, 3, 1]),
        ("RayService", {"rayClusterConfig": CLUSTER}, [1, 10, 3]),
        ("MPIJob", {"mpiReplicaSpecs": ROLES}, [1, 3]),
        ("PyTorchJob", {"pytorchReplicaSpecs": ROLES}, [1, 3]),
        ("PyTorchJob", {"pytorchReplicaSpecs": ROLES, "elasticPolicy": {"maxReplicas": 16}}, [1, 16]),
        ("TFJob", {"tfReplicaSpecs": ROLES}, [1, 3]),
        ("JAXJob", {"jaxReplicaSpecs": ROLES}, [1, 3]),
        ("LeaderWorkerSet", {"replicas": 2, "leaderWorkerTemplate": {"size": 4, "workerTemplate": TEMPLATE}}, [8]),
        (
            "LeaderWorkerSet",
            {
                "replicas": 2,
                "leaderWorkerTemplate": {"size": 4, "leaderTemplate": TEMPLATE, "workerTemplate": TEMPLATE},
            },
            [2, 6],
        ),
        ("LeaderWorkerSet", {"leaderWorkerTemplate": {"size": UNKNOWN, "workerTemplate": TEMPLATE}}, [None]),
        ("ConfigMap", None, []),
        ("Notebook", {"template": TEMPLATE}, [1]),
        ("Rollout", {"replicas": 4, "template": TEMPLATE}, [4]),
        ("SeldonDeployment", {"predictors": [{"replicas": 2, "componentSpecs": [{"spec": POD}]}]}, [2]),
        (
            "SeldonDeployment",
            {"replicas": 3, "predictors": [{"componentSpecs": [{"hpaSpec": {"maxReplicas": 7}, "spec": POD}]}]},
            [7],
        ),
        ("Experiment", {"parallelTrialCount": 5, "trialTemplate": {"trialSpec": TRIAL}}, [10]),
        ("Experiment", {"trialTemplate": {"trialSpec": TRIAL}}, [2 * DEFAULT_PARALLEL_TRIALS]),
        ("LLMInferenceService", {"replicas": 2, "template": POD, "prefill": {"replicas": 3, "template": POD}}, [2, 3]),
        ("LLMInferenceService", {"scaling": {"maxReplicas": 4}, "template": POD, "worker": POD}, [4, None]),
    ],
)
def test_the_pods_of_each_kind_are_counted_at_their_largest(kind: str, spec: Any, expected: list[int | None]) -> None:
    assert counts(kind, spec) == expected


STEP = {"name": "train", "nodeSelector": POD["nodeSelector"], "container": POD["containers"][0]}
LOOP = {"name": "main", "steps": [[{"name": "each", "template": "train", "withItems": [1, 2, 3]}]]}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"entrypoint": "train", "templates": [STEP]}, 1),
        ({"entrypoint": "main", "parallelism": 4, "templates": [LOOP, STEP]}, 4),
        ({"entrypoint": "main", "templates": [LOOP, STEP]}, None),
    ],
    ids=["one program", "bounded", "unbounded"],
)
def test_the_pods_of_a_workflow_are_bounded_by_its_parallelism(spec: Any, expected: int | None) -> None:
    for kind, whole in (("Workflow", spec), ("CronWorkflow", {"workflowSpec": spec})):
        (pods,) = all_pods([kubernetes(kind, "vision", "x", whole)])
        assert (pods.count, pods.spec["nodeSelector"]) == (expected, POD["nodeSelector"])
        assert units_of(pods.spec, lambda name: name == "nvidia.com/gpu") == {"nvidia.com/gpu": 1.0}
        assert pods.maximum.endswith("parallelism")


def test_a_workflow_takes_the_largest_of_its_templates_on_each_pool_and_not_their_sum() -> None:
    large = {"name": "large", "nodeSelector": POD["nodeSelector"], "script": gpu_pod("4")["containers"][0]}
    elsewhere = {"name": "other", "nodeSelector": {"mlplatform.dev/pool": "l4"}, "container": POD["containers"][0]}
    spec = {"entrypoint": "main", "parallelism": 2, "templates": [LOOP, STEP, large, elsewhere]}
    found = all_pods([kubernetes("Workflow", "vision", "x", spec)])
    assert [
        (pods.spec["nodeSelector"]["mlplatform.dev/pool"], pods.count, units_of(pods.spec, lambda n: "gpu" in n))
        for pods in found
    ] == [("h100", 2, {"nvidia.com/gpu": 4.0}), ("l4", 2, {"nvidia.com/gpu": 1.0})]


@pytest.mark.parametrize(("annotations", "expected"), [({MAX_SCALE: "3"}, 3), ({MAX_SCALE: "0"}, None), ({}, None)])
def test_a_knative_service_is_counted_at_its_maximum_scale(annotations: Any, expected: int | None) -> None:
    body = {"template": {"metadata": {"annotations": annotations}, "spec": POD}}
    (pods,) = all_pods([kubernetes("Service", "vision", "x", body, apiVersion="serving.knative.dev/v1")])
    assert (pods.count, MAX_SCALE in pods.maximum) == (expected, True)


def test_a_train_job_takes_what_it_asks_of_its_runtime() -> None:
    limits = {"limits": {"nvidia.com/gpu": "8"}}
    pod = {"spec": {"template": {"spec": {"nodeSelector": {"mlplatform.dev/pool": "h100"}}}}}
    patches = [{"trainingRuntimeSpec": {"template": {"spec": {"replicatedJobs": [{"name": "node", "template": pod}]}}}}]
    spec = {"trainer": {"numNodes": 2, "resourcesPerNode": limits}, "runtimePatches": patches}
    (pods,) = all_pods([kubernetes("TrainJob", "vision", "x", spec)])
    assert pods.count == 2
    assert pods.spec == {
        "nodeSelector": {"mlplatform.dev/pool": "h100"},
        "containers": [{"name": "trainer", "resources": limits}],
    }
    (unsaid,) = all_pods([kubernetes("TrainJob", "vision", "x", {"runtimeRef": {"name": "torch"}})])
    assert unsaid.count is None


@pytest.mark.parametrize(
    ("api_version", "kind", "expected"),
    [
        ("postgresql.cnpg.io/v1", "Cluster", True),
        ("monitoring.coreos.com/v1", "Prometheus", True),
        ("monitoring.coreos.com/v1", "Alertmanager", True),
        ("serving.knative.dev/v1", "Service", True),
        ("tekton.dev/v1", "Pipeline", False),
        ("v1", "Service", False),
        ("cluster.x-k8s.io/v1beta1", "Cluster", False),
        ("monitoring.coreos.com/v1", "ServiceMonitor", False),
    ],
)
def test_pods_run_where_an_operator_makes_them(api_version: str, kind: str, expected: bool) -> None:
    subject = PlannedObject("urn", f"kubernetes:{api_version}:{kind}", "x", {"apiVersion": api_version, "kind": kind})
    assert runs_pods(subject) is expected


@pytest.mark.parametrize("key", ["containers", "steps"])
def test_pods_run_where_an_object_of_a_kind_that_is_not_known_holds_containers(key: str) -> None:
    for held, expected in (({"name": "a", "image": "a:1"}, True), ({"name": "a"}, False)):
        subject = kubernetes("Widget", "vision", "x", {"pods": [{"run": {key: [held]}}]}, apiVersion="example.com/v1")
        assert runs_pods(subject) is expected


def stored(crd: str) -> dict[str, Any]:
    """The schema of the objects of a definition, in the version that is stored."""
    text = (CRDS / f"{crd}.yaml").read_text(encoding="utf-8")
    versions = yaml.load(text, Loader=yaml.CSafeLoader)["spec"]["versions"]  # ten times as fast as safe_load
    (schema,) = (version["schema"]["openAPIV3Schema"] for version in versions if version["storage"])
    return dict(schema)


def field(schema: dict[str, Any], path: str) -> dict[str, Any]:
    """The schema at a path; fails where there is none."""
    for key in path.split(".") if path else []:
        schema = schema["properties"][key]
    return schema


@pytest.mark.skipif(not CRDS.is_dir(), reason=ABSENT)
@pytest.mark.parametrize(
    ("kind", "crd"),
    [
        ("JobSet", "jobset/jobset.x-k8s.io_jobsets"),
        ("RayCluster", "kuberay/ray.io_rayclusters"),
        ("RayJob", "kuberay/ray.io_rayjobs"),
        ("RayService", "kuberay/ray.io_rayservices"),
        ("MPIJob", "mpi-operator/kubeflow.org_mpijobs"),
        ("PyTorchJob", "training-operator/kubeflow.org_pytorchjobs"),
        ("TFJob", "training-operator/kubeflow.org_tfjobs"),
        ("JAXJob", "training-operator/kubeflow.org_jaxjobs"),
    ],
)
def test_the_paths_of_a_kind_are_those_of_its_real_definition(kind: str, crd: str) -> None:
    schema = stored(crd)
    for source in POD_SOURCES[crd.partition("/")[2].partition("_")[0], kind]:
        groups = field(schema, source.groups)
        group = groups.get("items") or groups.get("additionalProperties") or groups
        assert "containers" in field(group, source.spec)["properties"]
        assert {field(group, one)["type"] for path in source.counts for one in path.split("|")} <= {"integer"}


@pytest.mark.skipif(not CRDS.is_dir(), reason=ABSENT)
def test_what_is_read_of_a_leader_worker_set_and_of_a_train_job_is_in_their_real_definitions() -> None:
    group = stored("leaderworkerset/leaderworkerset.x-k8s.io_leaderworkersets")
    assert field(group, "spec.replicas")["type"] == field(group, "spec.leaderWorkerTemplate.size")["type"] == "integer"
    for template in ("leaderTemplate", "workerTemplate"):
        assert "containers" in field(group, f"spec.leaderWorkerTemplate.{template}.spec")["properties"]
    train = stored("kubeflow-trainer/trainer.kubeflow.org_trainjobs")
    assert field(train, "spec.trainer.numNodes")["type"] == "integer"
    assert "limits" in field(train, "spec.trainer.resourcesPerNode")["properties"]
    patch = field(train, "spec.runtimePatches")["items"]
    job = field(patch, "trainingRuntimeSpec.template.spec.replicatedJobs")["items"]
    assert "nodeSelector" in field(job, "template.spec.template.spec")["properties"]


@pytest.mark.skipif(not CRDS.is_dir(), reason=ABSENT)
def test_what_is_read_of_serving_kinds_is_in_their_real_definitions() -> None:
    seldon = stored("seldon-core-v1/machinelearning.seldon.io_seldondeployments")
    predictor = field(seldon, "spec.predictors")["items"]
    component = field(predictor, "componentSpecs")["items"]
    numbers = [field(seldon, "spec.replicas"), field(predictor, "replicas"), field(component, "replicas")]
    assert {one["type"] for one in (*numbers, field(component, "hpaSpec.maxReplicas"))} == {"integer"}
    assert field(component, "spec")
    assert "containers" in field(stored("knative-serving/service"), "spec.template.spec")["properties"]
    model = stored("kserve/serving.kserve.io_llminferenceservices")
    for path in ("spec", "spec.prefill"):
        part = field(model, path)["properties"]
        assert part["replicas"]["type"] == field(model, f"{path}.scaling.maxReplicas")["type"] == "integer"
        assert {"containers"} <= part["template"]["properties"].keys() & part["worker"]["properties"].keys()


@pytest.mark.skipif(not CRDS.is_dir(), reason=ABSENT)
def test_what_is_read_of_queues_is_in_their_real_definitions() -> None:
    queue, flavor = stored("kueue/kueue.x-k8s.io_clusterqueues"), stored("kueue/kueue.x-k8s.io_resourceflavors")
    flavors = field(field(queue, "spec.resourceGroups")["items"], "flavors")["items"]
    assert {"name", "nominalQuota"} <= field(flavors, "resources")["items"]["properties"].keys()
    assert field(flavor, "spec.nodeLabels")["additionalProperties"]["type"] == "string"
