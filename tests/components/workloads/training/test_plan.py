"""How a training becomes a Job. Not proved here: that torchrun, JAX and libtpu read these variables as documented."""

from typing import Any

import pytest

from components.workloads.training.plan import (
    consuming,
    cron_job_spec,
    job_spec,
    node_request_spec,
    priority_of,
    rendezvous,
    service_spec,
    settings_digest,
    single_host_environment,
    training_template,
    worker_affinity,
)
from tests.components.platform_handles import CPU, H100, ONE_HOST, QUEUED, SLICE, SPOT, TEAM

JOB: Any = {
    "run": "1",
    "image": "ghcr.io/example/train:1.4",
    "accelerators": {"count": 8},
    "cpu_millis": 64_000,
    "memory_gib": 512,
    "deadline_minutes": 720,
}


def template(change: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return training_template({**JOB, **(change or {})}, H100, TEAM, labels={"a": "b"}, defaults={}, **more)


def program(change: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    (container,) = template(change, **more)["spec"]["containers"]
    return container  # type: ignore[no-any-return]


def environment(container: dict[str, Any]) -> dict[str, Any]:
    names = [variable["name"] for variable in container["env"]]
    assert len(names) == len(set(names))
    return {variable["name"]: variable.get("value", variable.get("valueFrom")) for variable in container["env"]}


def test_one_failed_worker_costs_the_gang_one_restart() -> None:
    spec = job_spec({**JOB, "retries": 2}, {}, {"count": 4})
    assert (spec["completions"], spec["parallelism"], spec["completionMode"]) == (4, 4, "Indexed")
    assert spec["backoffLimit"] == 8
    assert spec["podReplacementPolicy"] == "Failed"
    assert "backoffLimitPerIndex" not in spec


def test_a_request_asks_for_the_nodes_of_all_workers_at_once_for_as_long_as_they_live() -> None:
    spec = job_spec(JOB, template(), {"count": 2})
    assert node_request_spec(spec, QUEUED, "fit-1") == {
        "provisioningClassName": "queued-provisioning.gke.io",
        "parameters": {"maxRunDurationSeconds": "172800"},
        "podSets": [{"count": 2, "podTemplateRef": {"name": "fit-1"}}],
    }


def test_pods_that_consume_a_request_say_so_and_are_what_they_were() -> None:
    before = job_spec(JOB, template({"annotations": {"note": "a"}}))
    after = consuming(before, "fit-1")
    said = after["template"]["metadata"].pop("annotations")
    kept = before["template"]["metadata"].pop("annotations")
    assert said.items() - kept.items() == {
        ("autoscaling.x-k8s.io/consume-provisioning-request", "fit-1"),
        ("autoscaling.x-k8s.io/provisioning-class-name", "queued-provisioning.gke.io"),
    }
    assert kept.items() <= said.items()
    assert after == before


def test_lost_nodes_are_no_failures_and_some_exit_codes_end_the_job() -> None:
    ignored, fatal = job_spec(JOB, {})["podFailurePolicy"]["rules"]
    assert ignored == {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    assert fatal["action"] == "FailJob"
    assert fatal["onExitCodes"] == {"containerName": "training", "operator": "In", "values": [2, 126, 127]}
    assert len(job_spec({**JOB, "fatal_exit_codes": []}, {})["podFailurePolicy"]["rules"]) == 1


def test_every_job_has_a_deadline_and_only_those_that_ask_for_it_vanish() -> None:
    spec = job_spec(JOB, {})
    assert spec["activeDeadlineSeconds"] == 720 * 60
    assert spec["backoffLimit"] == 3
    assert spec["completionMode"] == "NonIndexed"
    assert "ttlSecondsAfterFinished" not in spec
    assert job_spec({**JOB, "ttl_minutes": 5}, {})["ttlSecondsAfterFinished"] == 300


def test_a_pod_gets_its_writable_paths_and_is_never_restarted_in_place() -> None:
    spec = template(checkpoint_claim="fit-checkpoints")["spec"]
    assert spec["restartPolicy"] == "Never"
    assert spec["terminationGracePeriodSeconds"] == 60
    assert spec["volumes"] == [
        {"name": "tmp", "emptyDir": {"sizeLimit": "20Gi"}},
        {"name": "shared-memory", "emptyDir": {"medium": "Memory", "sizeLimit": "128Gi"}},
        {"name": "checkpoints", "persistentVolumeClaim": {"claimName": "fit-checkpoints"}},
    ]
    told = environment(spec["containers"][0])
    assert told == {"HOME": "/tmp", "CHECKPOINT_DIR": "/checkpoints"}


def test_the_own_environment_wins_over_the_platforms() -> None:
    reference = {"name": "AWS_REGION", "value": "from-the-store"}
    own = {"environment": {"AWS_REGION": "mine", "HOME": "/home/me"}}
    assert environment(program(own, references=[reference])) == {"AWS_REGION": "mine", "HOME": "/home/me"}
    assert environment(program(references=[reference])) == {"AWS_REGION": "from-the-store", "HOME": "/tmp"}


@pytest.mark.parametrize(
    "change",
    [
        {"image": "other:1"},
        {"command": ["python"]},
        {"arguments": ["train.py"]},
        {"environment": {"A": "b"}},
        {"environment_secrets": ["hub"]},
        {"accelerators": {"count": 4}},
        {"cpu_millis": 1000},
        {"memory_gib": 256},
        {"cpu_limit_millis": 64_000},
        {"ephemeral_storage_gib": 30},
        {"shared_memory_gib": 0},
        {"read_only_root": False},
        {"grace_seconds": 90},
        {"datasets": {"imagenet": "/data"}},
        {"preemptible": True},
        {"annotations": {"a": "b"}},
        {"checkpoint": {"size_gib": 1, "path": "/elsewhere"}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_setting_reaches_the_pod_and_makes_another_run(change: dict[str, Any]) -> None:
    claim = {"checkpoint_claim": "c"}
    assert template(change, **claim) != template(**claim)
    assert settings_digest({**JOB, **change}, None, "t", "p") != settings_digest(JOB, None, "t", "p")


@pytest.mark.parametrize("change", [{"deadline_minutes": 1}, {"retries": 9}, {"ttl_minutes": 7}])
def test_what_kubernetes_lets_change_is_changed_in_place(change: dict[str, Any]) -> None:
    assert job_spec({**JOB, **change}, {}) != job_spec(JOB, {})
    assert template(change) == template()
    assert settings_digest({**JOB, **change}, None, "t", "p") == settings_digest(JOB, None, "t", "p")


def test_the_digest_is_the_same_for_integers_that_arrive_as_floats_and_another_for_other_workers_team_or_pool() -> None:
    asked = settings_digest(JOB, {"count": 2}, "t", "p")
    assert asked == settings_digest({**JOB, "memory_gib": 512.0}, {"count": 2.0}, "t", "p")  # type: ignore[typeddict-item]
    others = {settings_digest(JOB, *rest) for rest in (({"count": 3}, "t", "p"), ({"count": 2}, "u", "p"))}  # type: ignore[arg-type]
    assert asked not in others | {settings_digest(JOB, {"count": 2}, "t", "q")}
    assert len(asked) == 16


def test_trainings_on_spot_nodes_give_way_unless_they_say_otherwise() -> None:
    assert priority_of(JOB, H100, TEAM) == "p-training"
    assert priority_of(JOB, SPOT, TEAM) == "p-preemptible"
    assert priority_of({**JOB, "preemptible": False}, SPOT, TEAM) == "p-training"


def test_autoscalers_leave_a_training_alone_unless_it_is_on_spot_or_says_otherwise() -> None:
    evictable, disruptable = "cluster-autoscaler.kubernetes.io/safe-to-evict", "karpenter.sh/do-not-disrupt"
    assert template()["metadata"]["annotations"] == {evictable: "false", disruptable: "true"}
    own = template({"annotations": {evictable: "true", "a": "b"}})["metadata"]["annotations"]
    assert own == {evictable: "true", disruptable: "true", "a": "b"}
    spot = {**JOB, "accelerators": {"count": 1}}
    assert training_template(spot, SPOT, TEAM, labels={"a": "b"}, defaults={})["metadata"] == {"labels": {"a": "b"}}


def test_datasets_are_read_only() -> None:
    container = program({"datasets": {"b": "/b", "a": "/a"}})
    mounts = [mount for mount in container["volumeMounts"] if mount["name"].startswith("dataset")]
    assert mounts == [
        {"name": "dataset-0", "mountPath": "/a", "readOnly": True},
        {"name": "dataset-1", "mountPath": "/b", "readOnly": True},
    ]


def test_workers_meet_at_worker_0_by_its_name() -> None:
    values, references = rendezvous("fit-1", "fit", JOB, {"count": 2}, H100)
    assert values["PET_RDZV_ENDPOINT"] == "fit-1-0.fit:29400"
    assert values["PET_RDZV_BACKEND"] == "c10d"
    assert (values["PET_NNODES"], values["PET_NPROC_PER_NODE"], values["PET_MAX_RESTARTS"]) == ("2", "8", "3")
    assert (values["MASTER_ADDR"], values["MASTER_PORT"]) == ("fit-1-0.fit", "29400")
    assert values["TORCH_NCCL_ASYNC_ERROR_HANDLING"] == "1"
    assert "TPU_WORKER_HOSTNAMES" not in values
    index = {"fieldRef": {"fieldPath": "metadata.labels['batch.kubernetes.io/job-completion-index']"}}
    assert references == [
        {"name": name, "valueFrom": index} for name in ("JAX_PROCESS_ID", "NODE_RANK", "PET_NODE_RANK")
    ]


def test_port_and_processes_are_as_asked() -> None:
    values, _ = rendezvous("fit-1", "fit", JOB, {"count": 2, "port": 5000, "processes_per_worker": 1}, H100)
    assert values["PET_RDZV_ENDPOINT"].endswith(":5000")
    assert values["PET_NPROC_PER_NODE"] == "1"
    assert rendezvous("f", "f", {**JOB, "accelerators": {}}, {"count": 2}, CPU)[0]["NPROC_PER_NODE"] == "1"


def test_hosts_of_a_slice_know_each_other_and_nothing_of_nccl() -> None:
    values, references = rendezvous("fit-1", "fit", JOB, {"count": 4}, SLICE)
    assert values["TPU_WORKER_HOSTNAMES"] == "fit-1-0.fit,fit-1-1.fit,fit-1-2.fit,fit-1-3.fit"
    assert "TPU_WORKER_ID" in [reference["name"] for reference in references]
    assert "NCCL_DEBUG" not in values
    assert single_host_environment(ONE_HOST) == {"TPU_WORKER_HOSTNAMES": "localhost", "TPU_WORKER_ID": "0"}
    assert single_host_environment(H100) == {}


def test_a_run_has_a_slice_for_itself() -> None:
    affinity = worker_affinity("fit-1", SLICE)
    (together,) = affinity["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    (apart,) = affinity["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert together["topologyKey"] == apart["topologyKey"] == "mlplatform.dev/tpu-slice"
    assert together["labelSelector"] == {"matchLabels": {"mlplatform.dev/run": "fit-1"}}
    assert apart["namespaceSelector"] == {}
    assert {"key": "mlplatform.dev/run", "operator": "NotIn", "values": ["fit-1"]} in apart["labelSelector"][
        "matchExpressions"
    ]


def test_workers_elsewhere_like_to_be_in_one_zone() -> None:
    affinity = worker_affinity("fit-1", H100)
    assert list(affinity) == ["podAffinity"]
    (near,) = affinity["podAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    assert near["podAffinityTerm"]["topologyKey"] == "topology.kubernetes.io/zone"


def test_workers_have_names_before_they_are_ready() -> None:
    spec = service_spec({"a": "b"}, 29400)
    assert (spec["clusterIP"], spec["publishNotReadyAddresses"]) == ("None", True)


def test_a_schedule_never_runs_twice_at_once_and_all_its_settings_arrive() -> None:
    assert cron_job_spec({"cron": "0 3 * * *"}, {}, {}) == {
        "schedule": "0 3 * * *",
        "timeZone": "Etc/UTC",
        "suspend": False,
        "concurrencyPolicy": "Forbid",
        "startingDeadlineSeconds": 3600,
        "successfulJobsHistoryLimit": 3,
        "failedJobsHistoryLimit": 3,
        "jobTemplate": {"metadata": {"labels": {}}, "spec": {}},
    }
    told: Any = {
        "cron": "1 2 3 4 5",
        "time_zone": "Europe/Paris",
        "suspended": True,
        "start_within_minutes": 5,
        "keep_succeeded": 1,
        "keep_failed": 2,
    }
    spec = cron_job_spec(told, {}, {})
    assert [spec[key] for key in list(spec)[:-1]] == ["1 2 3 4 5", "Europe/Paris", True, "Forbid", 300, 1, 2]
