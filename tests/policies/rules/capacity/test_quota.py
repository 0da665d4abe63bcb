"""Accelerator quotas on planned objects. Not proved here: that the engine hands these objects over (tests/engine)."""

from typing import Any

import pytest

from catalog.accelerators import DeviceAllocation
from components.findings import Finding
from policies.objects import UNKNOWN, PlannedObject
from policies.rules.capacity.quota import (
    accelerator_requests_are_whole,
    accelerators_within_quota,
    namespaces_that_take_accelerators_have_a_quota,
)
from tests.policies.support import device_caps, gpu_pod, job, kubernetes, pool, team

H100 = pool("h100", accelerator="H100", nodes_max=2)


def quota_findings(*objects: PlannedObject) -> list[Finding]:
    return list(accelerators_within_quota(list(objects)))


def test_a_workload_inside_pool_and_quota_passes() -> None:
    assert quota_findings(H100, team("vision", h100=8), job("vision", "train", "8")) == []


def test_a_team_over_its_quota_is_named_with_both_figures() -> None:
    (finding,) = quota_findings(H100, team("vision", h100=4), job("vision", "train", "8"))
    assert finding.path == "Job vision/train"
    assert (finding.value, finding.rule) == ("team vision requests 8 of h100", "its quota is 4")


def test_the_sum_over_all_workloads_of_a_team_counts() -> None:
    objects = (H100, team("vision", h100=8), job("vision", "a", "4"), job("vision", "b", "4"), job("vision", "c", "1"))
    assert [finding.value for finding in quota_findings(*objects)] == ["team vision requests 9 of h100"]


def test_quotas_that_promise_more_than_the_pool_holds_are_refused() -> None:
    (finding,) = quota_findings(H100, team("vision", h100=10), team("speech", h100=10))
    assert "20 promised (vision 10, speech 10)" in finding.value
    assert "holds 16" in finding.rule


def test_pools_beyond_the_cap_of_the_environment_are_refused() -> None:
    second = pool("more", accelerator="H100", nodes_max=1)
    assert quota_findings(device_caps(H100=24, L4=0), H100, second) == []
    (finding,) = quota_findings(device_caps(H100=23), H100, second)
    assert (finding.path, finding.value, finding.rule) == (
        "environment.deviceCaps.H100",
        "24 devices in pools at their largest",
        "this environment may own 23 H100",
    )


def test_a_namespace_that_is_no_team_may_take_nothing() -> None:
    (finding,) = quota_findings(H100, job("stray", "train", "1"))
    assert (finding.value, finding.rule) == ("team stray requests 1 of h100", "its quota is 0")


def test_devices_asked_for_by_another_name_than_they_are_counted_by_are_refused() -> None:
    spec = gpu_pod("2", "trn", "aws.amazon.com/neuroncore")
    cores = kubernetes("Job", "vision", "train", {"parallelism": 1, "template": {"spec": spec}})
    devices = pool("trn", accelerator="Trainium1", nodes_max=1)
    (finding,) = quota_findings(devices, team("vision", trn=16), cores)
    assert (finding.path, finding.value) == ("Job vision/train", "takes aws.amazon.com/neuroncore")
    assert finding.remedy == "request whole devices: aws.amazon.com/neuron"
    custom = {"name": "cores", "resource_name": "aws.amazon.com/neuroncore", "node_labels": {}, "taint_key": "cores"}
    counted = pool("trn", custom_accelerator=custom, devices_per_node=2, nodes_max=1)
    assert quota_findings(counted, team("vision", trn=2), cores) == []


def claiming(namespace: str, name: str, count: int) -> list[PlannedObject]:
    """A Job whose pod claims devices, and the template of its claims."""
    exactly = {"deviceClassName": "gpu.nvidia.com", "count": count}
    template = kubernetes(
        "ResourceClaimTemplate",
        namespace,
        f"{name}-devices",
        {"spec": {"devices": {"requests": [{"exactly": exactly}]}}},
    )
    spec = {
        "nodeSelector": {"mlplatform.dev/pool": "h100"},
        "containers": [{"name": "main", "resources": {"claims": [{"name": "devices"}]}}],
        "resourceClaims": [{"name": "devices", "resourceClaimTemplateName": f"{name}-devices"}],
    }
    return [template, kubernetes("Job", namespace, name, {"parallelism": 1, "template": {"spec": spec}})]


def test_devices_that_a_pod_claims_count_like_those_that_a_container_asks_for() -> None:
    by_claim = pool("h100", accelerator="H100", nodes_max=2, device_allocation=DeviceAllocation.DRA)
    assert quota_findings(by_claim, team("vision", h100=8), *claiming("vision", "train", 8)) == []
    (finding,) = quota_findings(by_claim, team("vision", h100=4), *claiming("vision", "train", 8))
    assert (finding.value, finding.rule) == ("team vision requests 8 of h100", "its quota is 4")
    hard = {"gpu.nvidia.com.deviceclass.resource.k8s.io/devices": "4"}
    quota = kubernetes("ResourceQuota", "vision", "team", {"hard": hard})
    (refused,) = namespaces_that_take_accelerators_have_a_quota([by_claim, quota, *claiming("vision", "train", 8)])
    assert refused.rule == "its ResourceQuota allows 4"


def test_a_pod_larger_than_any_node_is_refused() -> None:
    findings = quota_findings(H100, team("vision", h100=16), job("vision", "train", "16"))
    assert any(finding.rule == "a node of pool h100 offers 8" for finding in findings)


@pytest.mark.parametrize("missing", [None, "nowhere"])
def test_accelerators_outside_a_declared_pool_are_refused(missing: str | None) -> None:
    (finding,) = quota_findings(H100, team("vision", h100=8), job("vision", "train", "1", pool_name=missing))
    assert finding.rule == "accelerators must come from a declared pool: h100"


@pytest.mark.parametrize(
    "undecided",
    [job("vision", "t", UNKNOWN), job("vision", "t", "1", UNKNOWN), job("vision", "t", "1", 1, UNKNOWN)],
    ids=["units", "parallelism", "pool"],
)
def test_what_is_not_known_before_up_is_refused_not_passed(undecided: PlannedObject) -> None:
    findings = quota_findings(H100, team("vision", h100=8), undecided)
    assert [finding.rule for finding in findings] == ["accelerators are counted before anything is created"]


LARGE = gpu_pod("64")["containers"][0]
TEXT = "containers: [{name: main, resources: {limits: {nvidia.com/gpu: 64}}}]"
POOLED = {"nodeSelector": {"mlplatform.dev/pool": "h100"}}


@pytest.mark.parametrize(
    "spec",
    [
        {**POOLED, "containers": UNKNOWN},
        {**POOLED, "containers": [UNKNOWN]},
        {**POOLED, "containers": [{"resources": UNKNOWN}]},
        {**POOLED, "containers": [{"resources": {"limits": UNKNOWN}}]},
        {**POOLED, "containers": [], "initContainers": UNKNOWN},
        {"containers": [], "resourceClaims": UNKNOWN},
    ],
    ids=["containers", "container", "resources", "limits", "init containers", "claims"],
)
def test_a_pod_of_which_a_part_is_not_known_is_named(spec: dict[str, Any]) -> None:
    """The rule failed on each of these, so that no object was named and none could be exempted."""
    (finding,) = quota_findings(H100, team("vision", h100=8), kubernetes("Pod", "vision", "p", spec))
    assert (finding.path, finding.rule) == ("Pod vision/p", "accelerators are counted before anything is created")
    assert list(accelerator_requests_are_whole(kubernetes("Pod", "vision", "p", spec))) == []


def test_a_claim_that_is_not_known_is_named() -> None:
    claim = kubernetes("ResourceClaim", "vision", "c", {"devices": {"requests": UNKNOWN}})
    assert [finding.path for finding in quota_findings(H100, claim)] == ["ResourceClaim vision/c spec.devices.requests"]
    template = kubernetes("ResourceClaimTemplate", "vision", "train-devices", {"spec": {"devices": UNKNOWN}})
    _, pods = claiming("vision", "train", 8)
    (finding,) = quota_findings(H100, team("vision", h100=8), template, pods)
    assert finding.path == "Job vision/train"


UNCOUNTED = {"driver": {"template": {"spec": gpu_pod("64")}}}


@pytest.mark.parametrize(
    ("kind", "spec", "version"),
    [
        ("Notebook", {"template": {"spec": gpu_pod("64")}}, "kubeflow.org/v1"),
        (
            "SeldonDeployment",
            {"predictors": [{"componentSpecs": [{"spec": gpu_pod("64")}]}]},
            "machinelearning.seldon.io/v1",
        ),
        ("Service", {"template": {"spec": gpu_pod("64")}}, "serving.knative.dev/v1"),
        ("LLMInferenceService", {"template": gpu_pod("64")}, "serving.kserve.io/v1alpha2"),
        (
            "Workflow",
            {"entrypoint": "a", "templates": [{"name": "a", "container": gpu_pod("64")["containers"][0]}]},
            "argoproj.io/v1alpha1",
        ),
        (
            "Experiment",
            {"trialTemplate": {"trialSpec": {"kind": "Job", "spec": {"template": {"spec": gpu_pod("64")}}}}},
            "kubeflow.org/v1beta1",
        ),
        ("Job", {"tasks": [{"replicas": 8, "template": {"spec": gpu_pod("8")}}]}, "batch.volcano.sh/v1alpha1"),
        (
            "Experiment",
            {"trialTemplate": {"trialSpec": {"apiVersion": "batch.volcano.sh/v1alpha1", "kind": "Job", **UNCOUNTED}}},
            "kubeflow.org/v1beta1",
        ),
        (
            "SparkApplication",
            {"executor": {"gpu": {"name": "nvidia.com/gpu", "quantity": 8}}},
            "sparkoperator.k8s.io/v1",
        ),
        ("NIMService", {"resources": {"limits": {"nvidia.com/gpu": 64}}}, "apps.nvidia.com/v1alpha1"),
        ("TaskRun", {"computeResources": {"limits": {"nvidia.com/gpu": "64"}}}, "tekton.dev/v1"),
        (
            "AppWrapper",
            {"components": [{"template": {"spec": {"template": {"spec": gpu_pod("64")}}}}]},
            "workload.codeflare.dev/v1beta2",
        ),
        ("InferenceService", {"predictor": {"triton": gpu_pod("64")["containers"][0]}}, "serving.kserve.io/v1beta1"),
        (
            "InferenceService",
            {"predictor": {"model": {}, "workerSpec": {"pipelineParallelSize": 8}}},
            "serving.kserve.io/v1beta1",
        ),
        ("Workflow", {"templates": [{"name": "a", "resource": {"manifest": TEXT}}]}, "argoproj.io/v1alpha1"),
        ("Workflow", {"podSpecPatch": TEXT, "templates": [{"name": "a", "container": {}}]}, "argoproj.io/v1alpha1"),
        (
            "Workflow",
            {"templates": [{"name": "a", "steps": [[{"name": "b", "inline": {"container": LARGE}}]]}]},
            "argoproj.io/v1alpha1",
        ),
        (
            "CronWorkflow",
            {"workflowSpec": {"templates": [{"name": "a", "dag": {"tasks": [{"inline": {"script": LARGE}}]}}]}},
            "argoproj.io/v1alpha1",
        ),
        (
            "Workflow",
            {"templateDefaults": {"container": LARGE}, "templates": [{"name": "a", "container": {"image": "a:1"}}]},
            "argoproj.io/v1alpha1",
        ),
        ("SparkApplication", UNCOUNTED, "sparkoperator.k8s.io/v1beta2"),
        ("Experiment", {"templates": [{"template": {"spec": gpu_pod("64")}}]}, "argoproj.io/v1alpha1"),
    ],
)
def test_no_kind_that_can_ask_for_accelerators_passes_uncounted(kind: str, spec: Any, version: str) -> None:
    """64 GPUs in each of these kinds passed the policies without a finding."""
    subject = kubernetes(kind, "vision", "x", spec, apiVersion=version)
    assert quota_findings(H100, team("vision", h100=16), subject)


def test_a_device_of_no_catalogue_is_counted_in_no_unknown_kind_either() -> None:
    custom = {"name": "fpga", "resource_name": "vendor.example/fpga", "node_labels": {}, "taint_key": "fpga"}
    devices = pool("fpga", custom_accelerator=custom, devices_per_node=2, nodes_max=1)
    spec = {"computeResources": {"limits": {"vendor.example/fpga": 64}}}
    run = kubernetes("TaskRun", "vision", "x", spec, apiVersion="tekton.dev/v1")
    assert quota_findings(devices, team("vision", fpga=2), run)
    assert quota_findings(run) == []


def test_a_sidecar_takes_its_devices_in_addition_to_the_main_containers() -> None:
    """An init container that is restarted runs on: 4 and 4 GPUs were counted as 4."""
    spec = gpu_pod("4")
    sidecar = {"name": "side", "restartPolicy": "Always", "resources": {"limits": {"nvidia.com/gpu": "4"}}}
    once = {"name": "once", "resources": {"limits": {"nvidia.com/gpu": "2"}}}
    for inits, taken in (
        ([sidecar], 8),
        ([once, sidecar], 8),
        ([sidecar, {**once, "resources": sidecar["resources"]}], 8),
    ):
        pod = kubernetes("Pod", "vision", "p", {**spec, "initContainers": inits})
        assert quota_findings(H100, team("vision", h100=taken), pod) == []
        assert len(quota_findings(H100, team("vision", h100=taken - 1), pod)) == 1


def test_a_claim_that_pods_share_or_that_is_not_declared_is_refused() -> None:
    exactly = {"exactly": {"deviceClassName": "gpu.nvidia.com", "count": 64}}
    for request in (exactly, {"deviceClassName": "mig.nvidia.com"}, {"firstAvailable": [exactly["exactly"]]}):
        claim = kubernetes("ResourceClaim", "vision", "shared", {"devices": {"requests": [request]}})
        assert [finding.path for finding in quota_findings(H100, claim)] == [
            "ResourceClaim vision/shared spec.devices.requests"
        ]
    network = kubernetes("ResourceClaim", "vision", "n", {"devices": {"requests": [{"deviceClassName": "dranet"}]}})
    assert quota_findings(H100, network) == []
    for key in ("resourceClaimName", "resourceClaimTemplateName"):
        pod = kubernetes("Pod", "vision", "p", {"containers": [], "resourceClaims": [{"name": "d", key: "elsewhere"}]})
        (finding,) = quota_findings(H100, pod)
        assert "elsewhere, which is not in the plan" in finding.value
    domain = kubernetes(
        "ComputeDomain",
        "vision",
        "d",
        {"channel": {"resourceClaimTemplate": {"name": "elsewhere"}}},
        apiVersion="resource.nvidia.com/v1beta1",
    )
    assert quota_findings(H100, pod, domain) == []


@pytest.mark.parametrize(
    "request_",
    [
        {"firstAvailable": [{"deviceClassName": "gpu.nvidia.com", "count": 8}, {"deviceClassName": "gpu.nvidia.com"}]},
        {"deviceClassName": "gpu.nvidia.com", "count": 8},
        {"exactly": {"deviceClassName": "gpu.nvidia.com", "allocationMode": "All"}},
    ],
    ids=["alternatives", "v1beta1", "all of a node"],
)
def test_every_way_to_claim_devices_counts(request_: dict[str, Any]) -> None:
    """Each of these was counted as nothing, or as one device."""
    by_claim = pool("h100", accelerator="H100", nodes_max=2, device_allocation=DeviceAllocation.DRA)
    _, pods = claiming("vision", "train", 8)
    template = kubernetes(
        "ResourceClaimTemplate", "vision", "train-devices", {"spec": {"devices": {"requests": [request_]}}}
    )
    assert len(quota_findings(by_claim, team("vision", h100=7), template, pods)) == 1


def test_a_scaled_object_of_keda_scales_like_an_autoscaler() -> None:
    deployment = kubernetes("Deployment", "vision", "serve", {"replicas": 1, "template": {"spec": gpu_pod("1")}})
    for spec, most in (({"maxReplicaCount": 9}, 9), ({}, 100)):
        target = {"scaleTargetRef": {"name": "serve"}, **spec}
        scaled = kubernetes("ScaledObject", "vision", "serve", target, apiVersion="keda.sh/v1alpha1")
        findings = quota_findings(H100, team("vision", h100=8), deployment, scaled)
        assert f"team vision requests {most} of h100" in [finding.value for finding in findings]


def test_a_model_counts_at_its_minimum_where_the_maximum_is_none() -> None:
    """KServe takes 0 for no maximum of its own; it was counted as no pod at all."""
    predictor = {"nodeSelector": {"mlplatform.dev/pool": "h100"}, "model": gpu_pod("2")["containers"][0]}
    service = kubernetes(
        "InferenceService", "vision", "m", {"predictor": {**predictor, "minReplicas": 3, "maxReplicas": 0}}
    )
    (finding,) = quota_findings(H100, team("vision", h100=5), service)
    assert finding.value == "team vision requests 6 of h100"


def test_a_kind_that_is_not_known_is_refused_only_where_it_asks_for_accelerators() -> None:
    spark = kubernetes("SparkApplication", "vision", "x", UNCOUNTED, apiVersion="sparkoperator.k8s.io/v1beta2")
    (finding,) = quota_findings(H100, team("vision", h100=16), spark)
    assert finding.path == "SparkApplication vision/x spec.driver.template.spec.containers[0].resources.limits"
    assert finding.value == "requests nvidia.com/gpu"
    cpu = {"driver": {"resources": {"limits": {"cpu": "4"}}, "disk": {"name": "scratch", "quantity": 8}}}
    assert (
        quota_findings(kubernetes("SparkApplication", "vision", "x", cpu, apiVersion="sparkoperator.k8s.io/v1")) == []
    )


def test_limits_of_capacity_and_templates_are_not_taken_for_pods() -> None:
    limits = {"limits": {"nvidia.com/gpu": "64"}}
    for kind, version in (("NodePool", "karpenter.sh/v1"), ("ClusterServingRuntime", "serving.kserve.io/v1alpha1")):
        assert quota_findings(kubernetes(kind, "", "x", limits, apiVersion=version)) == []


def test_a_kind_without_a_maximum_number_of_pods_is_refused_with_the_field_to_set() -> None:
    body = {"template": {"spec": gpu_pod("1")}}
    service = kubernetes("Service", "vision", "x", body, apiVersion="serving.knative.dev/v1")
    (finding,) = quota_findings(H100, team("vision", h100=16), service)
    assert finding.remedy == "set spec.template.metadata.annotations[autoscaling.knative.dev/max-scale]"


def queue(name: str, flavor: str, nominal: Any) -> PlannedObject:
    flavors = [{"name": flavor, "resources": [{"name": "nvidia.com/gpu", "nominalQuota": nominal}]}]
    return kubernetes("ClusterQueue", "", name, {"resourceGroups": [{"flavors": flavors}]})


def test_nominal_quotas_of_all_queues_stay_within_the_pool_that_their_flavor_selects() -> None:
    """A flavor selects nodes by its labels; its own name means nothing (Kueue, ResourceFlavor)."""
    flavor = kubernetes("ResourceFlavor", "", "reserved", {"nodeLabels": {"mlplatform.dev/pool": "h100"}})
    assert quota_findings(H100, flavor, queue("a", "reserved", 8), queue("b", "reserved", "8")) == []
    (finding,) = quota_findings(H100, flavor, queue("a", "reserved", 8), queue("b", "reserved", "9"))
    assert finding.value == "17 nvidia.com/gpu of nominal quota in all queues (a 8, b 9)"
    assert quota_findings(H100, flavor, queue("a", "h100", 99)) == []


def test_an_autoscaled_deployment_counts_at_its_largest() -> None:
    deployment = kubernetes("Deployment", "vision", "serve", {"replicas": 1, "template": {"spec": gpu_pod("1")}})
    scaler = kubernetes(
        "HorizontalPodAutoscaler",
        "vision",
        "serve",
        {"scaleTargetRef": {"kind": "Deployment", "name": "serve"}, "maxReplicas": 9},
    )
    assert quota_findings(H100, team("vision", h100=9), deployment, scaler) == []
    (finding,) = quota_findings(H100, team("vision", h100=8), deployment, scaler)
    assert finding.value == "team vision requests 9 of h100"


def test_a_daemon_set_takes_of_every_node_that_it_selects() -> None:
    four = pool("l4", accelerator="L4", devices_per_node=1, nodes_max=4)
    watcher = kubernetes("DaemonSet", "vision", "watch", {"template": {"spec": gpu_pod("1", "l4")}})
    assert quota_findings(H100, four, team("vision", l4=4), watcher) == []
    (finding,) = quota_findings(H100, four, team("vision", l4=3), watcher)
    assert (finding.value, finding.rule) == ("team vision requests 4 of l4", "its quota is 3")
    hard = kubernetes("ResourceQuota", "vision", "q", {"hard": {"requests.nvidia.com/gpu": "3"}})
    (refused,) = namespaces_that_take_accelerators_have_a_quota([H100, four, watcher, hard])
    assert refused.value == "namespace vision requests 4 nvidia.com/gpu"
    unsaid = kubernetes("DaemonSet", "vision", "watch", {"template": {"spec": gpu_pod("1", UNKNOWN)}})
    (undecided,) = quota_findings(H100, four, team("vision", l4=4), unsaid)
    assert undecided.rule == "accelerators are counted before anything is created"


def test_a_set_of_jobs_counts_with_all_its_replicas() -> None:
    template = {"spec": {"parallelism": 2, "template": {"spec": gpu_pod("4")}}}
    jobs = kubernetes(
        "JobSet", "vision", "train", {"replicatedJobs": [{"name": "w", "replicas": 2, "template": template}]}
    )
    assert quota_findings(H100, team("vision", h100=16), jobs) == []
    (finding,) = quota_findings(H100, team("vision", h100=15), jobs)
    assert finding.value == "team vision requests 16 of h100"


def test_more_pods_than_any_pool_could_hold_are_refused_without_placing_each() -> None:
    findings = quota_findings(H100, team("vision", h100=16), job("vision", "train", "1", parallelism=2_000_000_000))
    assert findings[0].value == "2000000000 nvidia.com/gpu on pool h100 (train 2000000000)"


def test_init_containers_count_by_the_largest_not_by_the_sum() -> None:
    spec = gpu_pod("2")
    spec["initContainers"] = [{"name": "warm", "resources": {"limits": {"nvidia.com/gpu": "4"}}}]
    pod = kubernetes("Pod", "vision", "p", spec)
    assert quota_findings(H100, team("vision", h100=4), pod) == []
    assert len(quota_findings(H100, team("vision", h100=3), pod)) == 1


def test_an_inference_service_counts_its_model_at_max_replicas() -> None:
    predictor = {
        "maxReplicas": 3,
        "nodeSelector": {"mlplatform.dev/pool": "h100"},
        "model": {"resources": {"limits": {"nvidia.com/gpu": "2"}}},
    }
    service = kubernetes("InferenceService", "vision", "llm", {"predictor": predictor})
    assert quota_findings(H100, team("vision", h100=6), service) == []
    assert len(quota_findings(H100, team("vision", h100=5), service)) == 1


def test_a_canary_counts_in_addition_to_the_version_that_it_is_tried_against() -> None:
    predictor = {
        "maxReplicas": 2,
        "nodeSelector": {"mlplatform.dev/pool": "h100"},
        "model": {"resources": {"limits": {"nvidia.com/gpu": "2"}}},
    }
    spec = {"predictor": predictor, "canary": [{"predictor": {"name": "v2", "minReplicas": 1}}]}
    service = kubernetes("InferenceService", "vision", "llm", spec)
    assert quota_findings(H100, team("vision", h100=6), service) == []
    (finding,) = quota_findings(H100, team("vision", h100=5), service)
    assert finding.value == "team vision requests 6 of h100"


def test_the_namespace_quota_of_the_api_server_must_name_and_hold_what_is_taken() -> None:
    objects = [H100, job("vision", "train", "8")]
    (finding,) = namespaces_that_take_accelerators_have_a_quota(objects)
    assert finding.rule == "no ResourceQuota names it"
    small = kubernetes("ResourceQuota", "vision", "q", {"hard": {"requests.nvidia.com/gpu": "4"}})
    (finding,) = namespaces_that_take_accelerators_have_a_quota([*objects, small])
    assert finding.rule == "its ResourceQuota allows 4"
    enough = kubernetes("ResourceQuota", "vision", "q", {"hard": {"requests.nvidia.com/gpu": "8"}})
    assert list(namespaces_that_take_accelerators_have_a_quota([*objects, enough])) == []


@pytest.mark.parametrize(
    ("resources", "rule"),
    [
        ({"limits": {"nvidia.com/gpu": "0.5"}}, "accelerators must be whole numbers"),
        ({"limits": {"nvidia.com/gpu": "half"}}, "accelerators must be whole numbers"),
        ({"requests": {"nvidia.com/gpu": "1"}}, "an extended resource must have equal request and limit"),
        (
            {"requests": {"nvidia.com/gpu": "1"}, "limits": {"nvidia.com/gpu": "2"}},
            "an extended resource must have equal request and limit",
        ),
        ({"limits": {"cloud-tpus.google.com/v3": "8"}}, "no device plugin offers this"),
    ],
)
def test_requests_that_no_device_plugin_can_serve_are_refused(resources: dict[str, object], rule: str) -> None:
    pod = kubernetes("Pod", "vision", "p", {"containers": [{"name": "main", "resources": resources}]})
    assert [finding.rule for finding in accelerator_requests_are_whole(pod)] == [rule]


@pytest.mark.parametrize("units", ["1", 1, 1.0, "8"])
def test_whole_and_equal_requests_pass(units: object) -> None:
    resources = {"requests": {"nvidia.com/gpu": units}, "limits": {"nvidia.com/gpu": units, "cpu": "500m"}}
    pod = kubernetes("Pod", "vision", "p", {"containers": [{"name": "main", "resources": resources}]})
    assert list(accelerator_requests_are_whole(pod)) == []
