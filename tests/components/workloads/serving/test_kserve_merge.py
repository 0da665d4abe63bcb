"""What KServe makes of our InferenceServices and runtimes, by its own rules (`tests/support/kserve_merge.py`).

Only these tests find a value of a runtime or of KServe's configuration that survives the merge against the user's
word: requests above limits, a CPU limit that was not asked for. Not proved: that the running controller merges so.
"""

from typing import Any

import pytest

from components.capacity.placement import PoolHandle
from components.tenants.plan import LIMITS, quota_spec
from tests.components.platform_handles import CPU, H100, MIG, SHARED_L4, TRACKING
from tests.support.kserve_merge import (
    SERVER,
    Object,
    admitted_pod,
    effective_requests,
    merged_autoscalers,
    merged_deployments,
    merged_services,
    quantity,
    resource_faults,
    strategic_merge,
)
from tests.support.served import (
    STACKS,
    case_inference,
    chart_values,
    inference_object,
    initializer,
    runtime_objects,
    stack_inference,
    stack_settings,
)

SMALL: dict[str, Any] = {
    "model_format": "sklearn",
    "storage_uri": "s3://models/a",
    "cpu_millis": 500,
    "memory_gib": 1,
}


def deployments(*services: Object) -> dict[str, Object]:
    """By name, with the runtimes and values of the platform."""
    made = merged_deployments([*services, *runtime_objects()], chart_values())
    return {one["metadata"]["name"]: one for one in made}


def server(deployment: Object) -> Object:
    return next(one for one in deployment["spec"]["template"]["spec"]["containers"] if one["name"] == SERVER)  # type: ignore[no-any-return]


def served(change: dict[str, Any], pool: PoolHandle = CPU) -> Object:
    made = deployments(inference_object({**SMALL, **change}, pool))
    return server(made["model-predictor"])


def all_services() -> list[Object]:
    return [one for name in STACKS for one in stack_inference(stack_settings(name))] + case_inference()


def test_every_merged_container_asks_for_no_more_than_its_limits() -> None:
    made = [*deployments(*all_services()).values()]
    assert {one["metadata"]["name"] for one in made} >= {"chat-v1-predictor", "chat-v2-predictor", "chat-transformer"}
    assert {
        one["metadata"]["name"]: faults
        for one in made
        if (faults := resource_faults(one["spec"]["template"]["spec"]["containers"]))
    } == {}


@pytest.mark.parametrize("millis", [250, 1000, 4000])
def test_a_model_has_a_cpu_limit_exactly_where_the_settings_say_so(millis: int) -> None:
    resources = served({"cpu_millis": millis})["resources"]
    assert quantity(resources["requests"]["cpu"]) * 1000 == millis
    assert "cpu" not in resources["limits"]
    limited = served({"cpu_millis": millis, "cpu_limit_millis": 5000})["resources"]
    assert quantity(limited["limits"]["cpu"]) == 5


@pytest.mark.parametrize("gib", [1, 3, 24])
def test_a_model_has_the_memory_that_the_settings_say_as_request_and_limit(gib: int) -> None:
    resources = served({"memory_gib": gib})["resources"]
    assert quantity(resources["requests"]["memory"]) == quantity(resources["limits"]["memory"]) == gib * 2**30


@pytest.mark.parametrize("millis", [250, 4000])
def test_a_transformer_has_no_cpu_limit_and_the_memory_of_the_settings(millis: int) -> None:
    transformer = {"image": "registry.example.com/prepare:1.0", "cpu_millis": millis, "memory_gib": 1}
    made = deployments(inference_object({**SMALL, "transformer": transformer}, CPU))
    resources = server(made["model-transformer"])["resources"]
    assert quantity(resources["requests"]["cpu"]) * 1000 == millis
    assert set(resources["limits"]) == {"memory", "ephemeral-storage"}
    assert quantity(resources["limits"]["memory"]) == 2**30


@pytest.mark.parametrize(
    ("pool", "request_", "resource"),
    [
        (H100, {"count": 8}, "nvidia.com/gpu"),
        (SHARED_L4, {"count": 1}, "nvidia.com/gpu.shared"),
        (MIG, {"count": 1, "mig_profile": "1g.10gb"}, "nvidia.com/mig-1g.10gb"),
    ],
)
def test_a_canary_and_its_service_ask_for_the_same_devices(
    pool: PoolHandle, request_: dict[str, Any], resource: str
) -> None:
    canary = {"version": "b", "storage_uri": "s3://models/b", "traffic_percent": 10}
    change = {"version": "a", "model_format": "huggingface", "accelerators": request_, "canary": canary}
    made = deployments(inference_object({**SMALL, **change}, pool))
    assert set(made) == {"model-a-predictor", "model-b-predictor"}
    sizes = [server(one)["resources"] for one in made.values()]
    assert sizes[0] == sizes[1]
    assert sizes[0]["requests"][resource] == sizes[0]["limits"][resource] == str(request_["count"])


@pytest.mark.parametrize("name", STACKS)
def test_the_pods_of_an_environment_fit_the_quota_of_their_team(name: str) -> None:
    """At their most replicas, with the container that fetches the model and the defaults of the LimitRange."""
    settings = stack_settings(name)
    objects = [*stack_inference(settings), *runtime_objects()]
    most = {one["metadata"]["name"]: one["spec"]["maxReplicas"] for one in merged_autoscalers(objects, chart_values())}
    for team, spec in settings.teams.items():
        hard = quota_spec(spec, settings.supplies())["hard"]
        for side in ("requests", "limits"):
            used: dict[str, Any] = {}
            for one in merged_deployments(objects, chart_values()):
                if one["metadata"]["namespace"] != (spec.get("namespace") or team):
                    continue
                pod = admitted_pod(one, initializer(), LIMITS)
                for what, size in effective_requests(pod, side).items():
                    used[what] = used.get(what, 0) + size * most[one["metadata"]["name"]]
            over = {
                what: size for what, size in used.items() if size > quantity(hard.get(f"{side}.{what}", "1000000Ti"))
            }
            assert over == {}


def test_every_container_of_an_admitted_pod_names_what_the_quota_counts() -> None:
    """A quota on limits refuses pods of which one container has none, the fetching one included."""
    settings = stack_settings("prod")
    hard = quota_spec(settings.teams["language"], settings.supplies())["hard"]
    counted = [key.split(".", 1) for key in hard if key.startswith(("requests.", "limits."))]
    counted = [(side, what) for side, what in counted if what in ("cpu", "memory", "ephemeral-storage")]
    for one in deployments(*all_services()).values():
        pod = admitted_pod(one, initializer(), LIMITS)
        containers = [*pod["spec"]["containers"], *pod["spec"].get("initContainers", [])]
        assert resource_faults(containers) == []
        for container in containers:
            assert {(s, w) for s, w in counted if w not in container["resources"][s]} == set()


def test_the_pods_pass_pod_security_restricted_with_the_container_that_fetches_the_model() -> None:
    for one in deployments(*all_services()).values():
        pod = admitted_pod(one, initializer(), LIMITS)["spec"]
        above = pod["securityContext"]
        assert above["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in [*pod["containers"], *pod.get("initContainers", [])]:
            context = {**above, **container["securityContext"]}
            assert context["runAsNonRoot"] is True
            assert context["allowPrivilegeEscalation"] is False
            assert context["capabilities"]["drop"] == ["ALL"]


def test_probes_and_services_lead_to_the_port_on_which_the_model_is_served() -> None:
    objects = [*all_services(), *runtime_objects()]
    ports = {
        one["metadata"]["name"]: one["spec"]["ports"][0]["targetPort"]
        for one in merged_services(objects, chart_values())
    }
    for name, one in deployments(*all_services()).items():
        probe = server(one)["readinessProbe"]
        assert (probe.get("httpGet") or probe["tcpSocket"])["port"] == ports[name]


def test_autoscaling_on_a_share_of_requests_has_requests_in_every_container() -> None:
    """The controller of HorizontalPodAutoscalers reads no utilization where one container has no request."""
    objects = [*all_services(), *runtime_objects()]
    scaled = {one["metadata"]["name"]: one["spec"] for one in merged_autoscalers(objects, chart_values())}
    made = deployments(*all_services())
    assert set(scaled) == set(made)
    for name, spec in scaled.items():
        assert spec["metrics"], name
        for metric in spec["metrics"]:
            what = metric["resource"]["name"]
            containers = made[name]["spec"]["template"]["spec"]["containers"]
            assert [one["name"] for one in containers if what not in one["resources"]["requests"]] == []


def test_what_the_user_scales_by_arrives_at_the_autoscaler() -> None:
    change = {"min_replicas": 2, "max_replicas": 5, "scale_metric": "memory", "scale_target_percent": 60}
    objects = [inference_object({**SMALL, **change}, CPU), *runtime_objects()]
    (scaler,) = merged_autoscalers(objects, chart_values())
    assert (scaler["spec"]["minReplicas"], scaler["spec"]["maxReplicas"]) == (2, 5)
    target = {"type": "Utilization", "averageUtilization": 60}
    assert scaler["spec"]["metrics"] == [{"type": "Resource", "resource": {"name": "memory", "target": target}}]


def test_a_model_its_canary_and_its_transformer_know_the_tracking_server() -> None:
    """In the merged container: a runtime's own variables do not hide it."""
    names = {"MLFLOW_TRACKING_URI": TRACKING["environment"]["MLFLOW_TRACKING_URI"]}
    made = deployments(*case_inference())
    assert len(made) == 3
    for one in made.values():
        given = {variable["name"]: variable.get("value") for variable in server(one)["env"]}
        assert names.items() <= given.items()


def test_what_a_service_adds_stands_behind_its_last_row_that_the_runtime_has() -> None:
    """As KServe 0.20.0 was seen to order variables (`tests/controllers/test_kserve.py` compares whole pods)."""
    runtime = {"env": [{"name": name, "value": "runtime"} for name in ("FIRST", "HOME", "LAST")]}
    service = {"env": [{"name": "HOME", "value": "/tmp"}, {"name": "OWN", "value": "1"}]}
    merged = [(one["name"], one["value"]) for one in strategic_merge(runtime, service)["env"]]
    assert merged == [("FIRST", "runtime"), ("HOME", "/tmp"), ("OWN", "1"), ("LAST", "runtime")]
