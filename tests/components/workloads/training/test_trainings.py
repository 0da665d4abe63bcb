"""What the training components register. Not proved here: that a Job runs, and is not restarted (engine tests)."""

from typing import Any

import pytest

from components.findings import Refused
from components.workloads.training.distributed import DistributedTrainingJob
from components.workloads.training.fixed_runs import FixedRuns
from components.workloads.training.job import TrainingJob
from components.workloads.training.scheduled import ScheduledTraining
from tests.components.platform_handles import (
    BLOCK,
    FLEX_START,
    H100,
    QUEUED,
    SHARED,
    SLICE,
    SPOT,
    STORE,
    TEAM,
    TRACKING,
)
from tests.recorder import Recording, record

JOB: Any = {
    "run": "1",
    "image": "ghcr.io/example/train:1.4",
    "accelerators": {"count": 8},
    "cpu_millis": 64_000,
    "memory_gib": 512,
    "deadline_minutes": 720,
}
WITHOUT_RUN: Any = {key: value for key, value in JOB.items() if key != "run"}


def single(**args: Any) -> Recording:
    return record(lambda: TrainingJob("fit", {"job": JOB, "team": TEAM, "pool": H100, **args}) and None)  # type: ignore[typeddict-item]


def distributed(**args: Any) -> Recording:
    told = {"job": JOB, "workers": {"count": 2}, "team": TEAM, "pool": H100, **args}
    return record(lambda: DistributedTrainingJob("fit", told) and None)  # type: ignore[arg-type]


def scheduled(**args: Any) -> Recording:
    told = {"job": WITHOUT_RUN, "schedule": {"cron": "0 3 * * *"}, "team": TEAM, "pool": H100, **args}
    return record(lambda: ScheduledTraining("fit", told) and None)  # type: ignore[arg-type]


def environment(inputs: dict[str, Any]) -> dict[str, Any]:
    (container,) = inputs["template"]["spec"]["containers"]
    return {variable["name"]: variable.get("value", variable.get("valueFrom")) for variable in container["env"]}


def test_a_training_is_one_job_of_its_run_that_up_does_not_wait_for() -> None:
    recording = single()
    assert recording.kinds() == ["Job fit-run-1", "TrainingJob fit"]
    metadata = recording.one("Job").inputs["metadata"]
    assert (metadata["name"], metadata["namespace"]) == ("fit-1", "vision")
    assert metadata["annotations"]["pulumi.com/skipAwait"] == "true"
    assert len(metadata["annotations"]["mlplatform.dev/run-settings"]) == 16
    assert metadata["labels"] == {
        "app.kubernetes.io/managed-by": "mlplatform",
        "app.kubernetes.io/name": "fit",
        "app.kubernetes.io/component": "training",
        "mlplatform.dev/team": "vision",
    }


def test_a_job_runs_as_the_teams_training_account_on_its_pool() -> None:
    spec = single().one("Job").inputs["spec"]["template"]["spec"]
    assert spec["serviceAccountName"] == "training"
    assert spec["automountServiceAccountToken"] is False
    assert spec["priorityClassName"] == "p-training"
    assert spec["nodeSelector"]["mlplatform.dev/pool"] == "h100"
    assert spec["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "8"


FILES = {"files": {"/etc/launcher/config.yaml": "epochs: 3"}, "secret_folders": {"hub": "/run/hub"}}


def test_files_of_settings_are_mounted_one_by_one_from_a_config_map_that_never_changes() -> None:
    recording = single(job={**JOB, **FILES})
    assert recording.kinds() == ["ConfigMap fit-files", "Job fit-run-1", "TrainingJob fit"]
    made = recording.one("ConfigMap").inputs
    assert (made["data"], made["immutable"]) == ({"0-config.yaml": "epochs: 3"}, True)
    spec = recording.one("Job").inputs["spec"]["template"]["spec"]
    volumes = {one["name"]: one for one in spec["volumes"]}
    assert volumes["files"]["configMap"] == {"name": made["metadata"]["name"]}
    assert volumes["secret-0"]["secret"] == {"secretName": "hub", "defaultMode": 0o440}
    mounts = [one for one in spec["containers"][0]["volumeMounts"] if one["name"] in {"files", "secret-0"}]
    assert mounts == [
        {"name": "files", "mountPath": "/etc/launcher/config.yaml", "subPath": "0-config.yaml", "readOnly": True},
        {"name": "secret-0", "mountPath": "/run/hub", "readOnly": True},
    ]
    other = single(job={**JOB, "files": {"/etc/launcher/config.yaml": "epochs: 4"}}).one("ConfigMap").inputs
    assert other["metadata"]["name"] != made["metadata"]["name"]


def test_runs_of_a_schedule_share_a_config_map_that_follows_the_settings() -> None:
    made = scheduled(job={**WITHOUT_RUN, **FILES}).one("ConfigMap").inputs
    assert made["metadata"]["name"] == "fit-files"
    assert made["immutable"] is False


def test_several_workers_on_a_schedule_meet_at_worker_0_of_the_job_that_they_belong_to() -> None:
    recording = scheduled(workers={"count": 2})
    assert recording.kinds() == ["CronJob fit-schedule", "ScheduledTraining fit", "Service fit-workers"]
    job = recording.one("CronJob").inputs["spec"]["jobTemplate"]["spec"]
    assert (job["completionMode"], job["completions"], job["parallelism"]) == ("Indexed", 2, 2)
    container = job["template"]["spec"]["containers"][0]
    assert container["env"][0]["name"] == "JOB_NAME", "before the variables that name it"
    told = environment(job)
    assert told["JOB_NAME"] == {"fieldRef": {"fieldPath": "metadata.labels['batch.kubernetes.io/job-name']"}}
    assert told["MASTER_ADDR"] == "$(JOB_NAME)-0.fit"
    assert told["PET_RDZV_ID"] == "$(JOB_NAME)"
    assert job["template"]["spec"]["subdomain"] == "fit"


def test_workers_have_a_node_each_if_that_is_asked_for() -> None:
    def affinity(**workers: Any) -> Any:
        recording = distributed(workers={"count": 2, **workers})
        return recording.one("Job").inputs["spec"]["template"]["spec"]["affinity"]

    (apart,) = affinity(one_per_node=True)["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert apart["topologyKey"] == "kubernetes.io/hostname"
    assert apart["labelSelector"] == {"matchLabels": {"mlplatform.dev/run": "fit-1"}}
    assert "podAntiAffinity" not in affinity()


def test_another_run_is_another_resource() -> None:
    assert single(job={**JOB, "run": "2"}).one("Job").name == "fit-run-2"


def test_checkpoints_belong_to_the_training_and_not_to_the_run() -> None:
    recording = single(job={**JOB, "checkpoint": {"size_gib": 100}}, checkpoint_storage=BLOCK)
    assert recording.kinds() == ["Job fit-run-1", "PersistentVolumeClaim fit-checkpoints", "TrainingJob fit"]
    claim = recording.one("PersistentVolumeClaim")
    assert claim.inputs["metadata"]["name"] == "fit-checkpoints"
    assert claim.inputs["spec"]["accessModes"] == ["ReadWriteOnce"]
    assert claim.inputs["spec"]["storageClassName"] == BLOCK["class_name"]
    assert claim.inputs["spec"]["resources"] == {"requests": {"storage": "100Gi"}}
    assert (claim.protect, claim.retain_on_delete) == (False, False)


def test_kept_checkpoints_are_protected_and_the_job_is_not() -> None:
    recording = single(job={**JOB, "checkpoint": {"size_gib": 1}}, checkpoint_storage=BLOCK, keep_data=True)
    claim, job = recording.one("PersistentVolumeClaim"), recording.one("Job")
    assert (claim.protect, claim.retain_on_delete) == (True, True)
    assert (job.protect, job.retain_on_delete) == (False, False)


def test_a_program_finds_its_tracking_server_and_its_bucket_without_a_key_in_clear() -> None:
    told = environment(single(tracking=TRACKING, artifacts=STORE).one("Job").inputs["spec"])
    assert told["MLFLOW_TRACKING_URI"] == "http://mlflow.mlflow.svc.cluster.local:5000"
    assert told["MLFLOW_EXPERIMENT_NAME"] == "vision/fit"
    assert told["ARTIFACTS_URI"] == "s3://models/dev"
    assert told["AWS_SECRET_ACCESS_KEY"] == {"secretKeyRef": {"name": "store-keys", "key": "AWS_SECRET_ACCESS_KEY"}}
    assert "MLFLOW_TRACKING_URI" not in environment(single().one("Job").inputs["spec"])


def test_workers_are_an_indexed_job_and_the_headless_service_that_names_them() -> None:
    recording = distributed()
    assert recording.kinds() == ["DistributedTrainingJob fit", "Job fit-run-1", "Service fit-workers"]
    service, job = recording.one("Service").inputs, recording.one("Job").inputs
    assert service["spec"]["clusterIP"] == "None"
    assert service["metadata"]["annotations"] == {"pulumi.com/skipAwait": "true"}
    pod = job["spec"]["template"]
    assert service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
    assert pod["metadata"]["labels"]["mlplatform.dev/run"] == "fit-1"
    assert pod["spec"]["subdomain"] == "fit"
    assert job["spec"]["completions"] == 2
    assert environment(job["spec"])["PET_RDZV_ENDPOINT"] == "fit-1-0.fit:29400"


def test_all_workers_write_one_checkpoint_volume() -> None:
    recording = distributed(job={**JOB, "checkpoint": {"size_gib": 1}}, checkpoint_storage=SHARED)
    assert recording.one("PersistentVolumeClaim").inputs["spec"]["accessModes"] == ["ReadWriteMany"]


def test_a_slice_is_taken_by_one_pod_on_each_of_its_hosts() -> None:
    job = {**JOB, "accelerators": {"count": 4}, "cpu_millis": 8000, "memory_gib": 64}
    spec = distributed(job=job, workers={"count": 4}, pool=SLICE).one("Job").inputs["spec"]
    assert spec["completions"] == 4
    assert spec["template"]["spec"]["containers"][0]["resources"]["limits"]["google.com/tpu"] == "4"
    assert "podAntiAffinity" in spec["template"]["spec"]["affinity"]


@pytest.mark.parametrize(("declared", "count"), [(single, 1), (distributed, 2)])
def test_a_run_on_a_queued_pool_asks_for_its_nodes_before_its_job(declared: Any, count: int) -> None:
    recording = declared(pool=QUEUED)
    template, request, job = (recording.one(kind) for kind in ("PodTemplate", "ProvisioningRequest", "Job"))
    assert (template.name, request.name, job.name) == ("fit-pods-1", "fit-nodes-1", "fit-run-1")
    for each in (template, request, job):
        assert (each.inputs["metadata"]["name"], each.inputs["metadata"]["namespace"]) == ("fit-1", "vision")
    assert request.inputs["apiVersion"] == "autoscaling.x-k8s.io/v1"
    assert request.inputs["spec"]["podSets"] == [{"count": count, "podTemplateRef": {"name": "fit-1"}}]
    # It can take days: nobody waits for it.
    assert "annotations" not in request.inputs["metadata"]
    assert template.urn in request.dependencies
    assert request.urn in job.dependencies
    assert request.ignore_changes == ("spec",)
    assert template.ignore_changes == ("template.metadata.annotations", "template.spec")

    # GKE reckons with the pods that will come, and finds them by their annotations.
    assert template.inputs["metadata"]["labels"]["cloud.google.com/apply-warden-policies"] == "true"
    announced, pods = template.inputs["template"], job.inputs["spec"]["template"]
    assert announced["spec"] == pods["spec"]
    assert announced["spec"]["nodeSelector"]["cloud.google.com/gke-flex-start"] == "true"
    assert {toleration["key"] for toleration in pods["spec"]["tolerations"]} == {
        "nvidia.com/gpu",
        "cloud.google.com/gke-queued",
    }
    consume = "autoscaling.x-k8s.io/consume-provisioning-request"
    assert pods["metadata"]["annotations"][consume] == "fit-1"
    assert consume not in announced["metadata"]["annotations"]


def test_nodes_that_come_one_by_one_are_not_asked_for() -> None:
    recording = single(pool=FLEX_START)
    assert recording.kinds() == ["Job fit-run-1", "TrainingJob fit"]
    assert "cloud.google.com/gke-flex-start" not in str(recording.one("Job").inputs)


def test_a_schedule_is_a_cron_job_whose_pods_are_those_of_a_training() -> None:
    recording = scheduled(tracking=TRACKING)
    assert recording.kinds() == ["CronJob fit-schedule", "ScheduledTraining fit"]
    spec = recording.one("CronJob").inputs["spec"]
    assert spec["schedule"] == "0 3 * * *"
    job = spec["jobTemplate"]["spec"]
    assert job["activeDeadlineSeconds"] == 720 * 60
    assert environment(job)["MLFLOW_EXPERIMENT_NAME"] == "vision/fit"
    assert "mlplatform.dev/run" not in job["template"]["metadata"]["labels"]


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (lambda: single(job={**JOB, "image": "x"}), "never latest"),
        (lambda: single(pool=SPOT, job={**JOB, "accelerators": {"count": 1}, "memory_gib": 8}), "needs checkpoints"),
        (lambda: single(job={**JOB, "checkpoint": {"size_gib": 1}}), "no storage class"),
        (
            lambda: distributed(job={**JOB, "checkpoint": {"size_gib": 1}}, checkpoint_storage=BLOCK),
            "ReadWriteMany",
        ),
        (lambda: distributed(workers={"count": 1}), "two or more workers"),
        (lambda: scheduled(schedule={"cron": "@daily"}), "1 fields instead of five"),
        (lambda: scheduled(pool=QUEUED), "used once"),
    ],
)
def test_what_cannot_run_is_refused_and_registers_nothing(program: Any, message: str) -> None:
    with pytest.raises(Refused, match=message):
        program()


def test_the_guard_is_a_policy_with_its_binding() -> None:
    recording = record(lambda: FixedRuns("guard", {}) and None)
    assert recording.kinds() == [
        "FixedRuns guard",
        "ValidatingAdmissionPolicy guard-policy",
        "ValidatingAdmissionPolicyBinding guard-binding",
    ]
    policy = recording.one("ValidatingAdmissionPolicy").inputs
    assert policy["metadata"]["name"] == "mlplatform-fixed-runs"
    (rule,) = policy["spec"]["matchConstraints"]["resourceRules"]
    assert (rule["operations"], rule["resources"]) == (["UPDATE"], ["jobs"])
    binding = recording.one("ValidatingAdmissionPolicyBinding").inputs["spec"]
    assert binding == {"policyName": "mlplatform-fixed-runs", "validationActions": ["Deny"]}
    other = record(lambda: FixedRuns("guard", {"prefix": "other"}) and None)
    assert other.one("ValidatingAdmissionPolicy").inputs["metadata"]["name"] == "other-fixed-runs"
