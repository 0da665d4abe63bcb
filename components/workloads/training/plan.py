"""The Job of a training. Pure: every function returns plain dicts in Kubernetes' format.

A gang is a set of workers that must run together. Without a gang scheduler Kubernetes starts and restarts them one by
one, so four mechanisms implement the gang:

1. Capacity: the capacity rules admit a stack only if all its workloads fit their pools together, so two declared
   trainings never occupy half of a pool each. Jobs started by hand can; `activeDeadlineSeconds` limits how long.
2. Rendezvous: workers wait for each other at worker 0 (torchrun's c10d rendezvous, half an hour) instead of failing.
3. Restart: a failed worker is replaced under its index and host name, after its pod is gone (`podReplacementPolicy:
   Failed`, so no two pods share an index). The others notice the lost peer, end, and meet again. One incident can cost
   as many pod failures as there are workers, so `backoffLimit` is retries times workers.
4. End: an exit code that no restart can fix fails the Job, and Kubernetes ends all its pods. `backoffLimitPerIndex` is
   not used: the others would keep their devices after one index has failed permanently. Evicted and preempted pods
   (`DisruptionTarget`) do not count as failures.
"""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from catalog.accelerators import ACCELERATORS, Purchase
from components.base.pods import (
    DEVICES,
    HOST_TOPOLOGY,
    ZONE_TOPOLOGY,
    Mounted,
    claimed,
    container,
    pod_claims,
    pod_spec,
    resources,
)
from components.base.workload_labels import HOME, container_environment, environment_from, temporary_files
from components.capacity.placement import SLICE_LABEL, PoolHandle, pod_needs
from components.storage.volumes import shared_memory
from components.tenants.handles import TeamHandle
from components.workloads.files import file_mounts
from components.workloads.training.spec import (
    DEFAULT_CHECKPOINT_PATH,
    DEFAULT_EPHEMERAL_STORAGE_GIB,
    DEFAULT_FATAL_EXIT_CODES,
    DEFAULT_GRACE_SECONDS,
    DEFAULT_KEPT_JOBS,
    DEFAULT_RENDEZVOUS_PORT,
    DEFAULT_RETRIES,
    DEFAULT_START_WITHIN_MINUTES,
    DEFAULT_TIME_ZONE,
    ScheduleSpec,
    TrainingSpec,
    WorkersSpec,
    accelerator_count,
    shared_memory_mib,
)

CONTAINER = "training"
RUN_LABEL = "mlplatform.dev/run"
SETTINGS_ANNOTATION = "mlplatform.dev/run-settings"
"""Digest of the settings of a run at its start. `FixedRuns` forbids changes to it."""
CHANGEABLE = ("deadline_minutes", "retries", "ttl_minutes")
"""Settings that can change while a Job runs; all others are part of the digest."""
FIXED_FIELDS = [
    "spec.completionMode",
    "spec.completions",
    "spec.parallelism",
    "spec.podFailurePolicy",
    "spec.podReplacementPolicy",
    "spec.template.metadata.annotations",
    "spec.template.spec",
]
"""Fields of a Job that keep their value from the start of the run. Otherwise the provider would delete a running
training to create it again if one of them changes, for example because its pool got another taint."""
FIXED_TEMPLATE_FIELDS = [path.removeprefix("spec.") for path in FIXED_FIELDS if path.startswith("spec.template.")]
"""The same for the PodTemplate of a run on a queued pool."""
STAYS_UNTIL_DONE = {
    "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
    "karpenter.sh/do-not-disrupt": "true",
}
"""Sources: FAQ of kubernetes/autoscaler, cluster-autoscaler 1.34; Karpenter 1.x, "Disruption", pod-level controls."""
PROVISIONING_CLASS = "queued-provisioning.gke.io"
WARDEN_LABEL = {"cloud.google.com/apply-warden-policies": "true"}
"""On a PodTemplate: GKE mutates it like pods, and so determines their requirements."""
COMPLETION_INDEX = "metadata.labels['batch.kubernetes.io/job-completion-index']"
JOB_NAME = [
    {"name": "JOB_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['batch.kubernetes.io/job-name']"}}}
]
"""Variable with the name of the Job, for runs of a schedule: it ends with the time of the run."""
MEETING_SECONDS = 1800
"""How long workers wait for each other: nodes must start, and images of 20 GB must be pulled."""


def settings_digest(job: TrainingSpec, workers: WorkersSpec | None, team: str, pool: str) -> str:
    """The settings in 16 hex digits, without those that can change during the run."""
    asked = {key: value for key, value in job.items() if key not in CHANGEABLE}
    # Hosted components get integers as floats: 8 and 8.0 are the same.
    numbers = json.loads(json.dumps([asked, workers, team, pool]), parse_int=float)
    return sha256(json.dumps(numbers, sort_keys=True).encode()).hexdigest()[:16]


def priority_of(job: TrainingSpec, pool: PoolHandle, team: TeamHandle) -> str:
    """The priority class: preemptible if set, and on spot nodes."""
    on_spot = pool["placement"]["purchase"] == Purchase.SPOT
    return team["priorities"]["preemptible" if job.get("preemptible", on_spot) else "training"]


def stays_until_done(pool: PoolHandle) -> dict[str, str]:
    """Annotations that prevent Cluster Autoscaler (GKE's too) and Karpenter from moving a training to remove a node.

    Cluster Autoscaler drains GPU nodes of which less than half is requested, so one GPU of eight would be drained
    there. Not on spot nodes, which can end at any time anyway.
    """
    return {} if pool["placement"]["purchase"] == Purchase.SPOT else dict(STAYS_UNTIL_DONE)


def training_mounts(job: TrainingSpec, checkpoint_claim: Any, config_map: Any = None) -> list[Mounted]:
    """Volumes of one worker: /tmp, shared memory, checkpoints, datasets, files of settings and of Secrets."""
    mounts = [temporary_files(job.get("ephemeral_storage_gib", DEFAULT_EPHEMERAL_STORAGE_GIB))]
    shared = shared_memory_mib(job["memory_gib"], job.get("accelerators"), job.get("shared_memory_gib"))
    if shared:
        mounts.append(shared_memory(shared))
    if checkpoint_claim is not None:
        mounts.append(claimed("checkpoints", checkpoint_path(job), checkpoint_claim))
    datasets = sorted((job.get("datasets") or {}).items())
    mounts += [claimed(f"dataset-{index}", path, claim, read_only=True) for index, (claim, path) in enumerate(datasets)]
    return mounts + file_mounts(job, config_map)


def checkpoint_path(job: TrainingSpec) -> str:
    """Mount path of checkpoints."""
    checkpoint = job.get("checkpoint")
    return checkpoint.get("path", DEFAULT_CHECKPOINT_PATH) if checkpoint else DEFAULT_CHECKPOINT_PATH


def training_template(
    job: TrainingSpec,
    pool: PoolHandle,
    team: TeamHandle,
    *,
    labels: Mapping[str, str],
    defaults: Mapping[str, Any],
    references: Sequence[Mapping[str, Any]] = (),
    checkpoint_claim: Any = None,
    device_claim: Any = None,
    config_map: Any = None,
    fabric: Mapping[str, str] | None = None,
    first: Sequence[Mapping[str, Any]] = (),
    **more: Any,
) -> dict[str, Any]:
    """The pod template of one worker.

    `device_claim`: name of its ResourceClaimTemplate. `config_map`: name of that with its files. `fabric`: network
    interfaces that it uses directly. `first`: variables that the values of others name as `$(NAME)`. `defaults`
    and `references` are environment variables of the platform (the program's take precedence); `more` are further
    fields of the pod spec.
    """
    mounts = training_mounts(job, checkpoint_claim, config_map)
    variables = {
        **HOME,
        **({"CHECKPOINT_DIR": checkpoint_path(job)} if checkpoint_claim is not None else {}),
        **defaults,
    }
    secrets = environment_from(job.get("environment_secrets") or [])
    optional: dict[str, Any] = {"envFrom": secrets} if secrets else {}
    program = container(
        name=CONTAINER,
        image=job["image"],
        command=job.get("command") or (),
        args=job.get("arguments") or (),
        env=[*map(dict, first), *container_environment(variables, references, job.get("environment") or {})],
        resources=resources(
            cpu_millis=job["cpu_millis"],
            memory_mib=int(job["memory_gib"]) * 1024,
            cpu_limit_millis=job.get("cpu_limit_millis", 0),
            ephemeral_storage_mib=int(job.get("ephemeral_storage_gib", DEFAULT_EPHEMERAL_STORAGE_GIB)) * 1024,
            units={**pod_needs(pool, job.get("accelerators") or {})["units"], **(fabric or {})},
            claims=[DEVICES] if device_claim is not None else (),
        ),
        mounts=mounts,
        read_only_root=job.get("read_only_root", True),
        **optional,
    )
    annotations = {**stays_until_done(pool), **(job.get("annotations") or {})}
    return {
        "metadata": {"labels": dict(labels)} | ({"annotations": annotations} if annotations else {}),
        "spec": pod_spec(
            containers=[program],
            service_account=team["training_service_account"],
            pool=pool,
            mounts=mounts,
            priorityClassName=priority_of(job, pool, team),
            resourceClaims=pod_claims(device_claim),
            restartPolicy="Never",
            terminationGracePeriodSeconds=int(job.get("grace_seconds", DEFAULT_GRACE_SECONDS)),
            **more,
        ),
    }


def job_spec(job: TrainingSpec, template: Mapping[str, Any], workers: WorkersSpec | None = None) -> dict[str, Any]:
    """The `spec` of a Job."""
    count = int(workers["count"]) if workers else 1
    ttl = {"ttlSecondsAfterFinished": int(job["ttl_minutes"]) * 60} if job.get("ttl_minutes") else {}
    codes = sorted(int(code) for code in job.get("fatal_exit_codes", DEFAULT_FATAL_EXIT_CODES))
    rules: list[dict[str, Any]] = [{"action": "Ignore", "onPodConditions": [_DISRUPTED]}]
    if codes:
        matching = {"containerName": CONTAINER, "operator": "In", "values": codes}
        rules.append({"action": "FailJob", "onExitCodes": matching})
    return {
        "activeDeadlineSeconds": int(job["deadline_minutes"]) * 60,
        "backoffLimit": int(job.get("retries", DEFAULT_RETRIES)) * count,
        "completionMode": "Indexed" if workers else "NonIndexed",
        "completions": count,
        "parallelism": count,
        "podFailurePolicy": {"rules": rules},
        "podReplacementPolicy": "Failed",
        **ttl,
        "template": template,
    }


def node_request_spec(job: Mapping[str, Any], pool: PoolHandle, pod_template: Any) -> dict[str, Any]:
    """The `spec` of the ProvisioningRequest for all nodes of a run on a queued pool.

    `job`: the spec of its Job; `pod_template`: the name of a PodTemplate with the Job's pods. GKE supports one set of
    pods (GKE documentation, how-to/provisioningrequest).
    """
    return {
        "provisioningClassName": PROVISIONING_CLASS,
        "parameters": {"maxRunDurationSeconds": str(int(pool["placement"]["max_run_hours"]) * 3600)},
        "podSets": [{"count": job["parallelism"], "podTemplateRef": {"name": pod_template}}],
    }


def consuming(job: Mapping[str, Any], request: str) -> dict[str, Any]:
    """The `spec` of a Job whose pods run on the nodes of that ProvisioningRequest, and wait until they exist."""
    template = job["template"]
    annotations = {
        **template["metadata"].get("annotations", {}),
        "autoscaling.x-k8s.io/consume-provisioning-request": request,
        "autoscaling.x-k8s.io/provisioning-class-name": PROVISIONING_CLASS,
    }
    return {**job, "template": {**template, "metadata": {**template["metadata"], "annotations": annotations}}}


_DISRUPTED = {"type": "DisruptionTarget", "status": "True"}


def cron_job_spec(schedule: ScheduleSpec, job: Mapping[str, Any], labels: Mapping[str, str]) -> dict[str, Any]:
    """The `spec` of a CronJob with the `spec` of a Job. Runs never overlap."""
    return {
        "schedule": schedule["cron"],
        "timeZone": schedule.get("time_zone", DEFAULT_TIME_ZONE),
        "suspend": bool(schedule.get("suspended", False)),
        "concurrencyPolicy": "Forbid",
        "startingDeadlineSeconds": int(schedule.get("start_within_minutes", DEFAULT_START_WITHIN_MINUTES)) * 60,
        "successfulJobsHistoryLimit": int(schedule.get("keep_succeeded", DEFAULT_KEPT_JOBS)),
        "failedJobsHistoryLimit": int(schedule.get("keep_failed", DEFAULT_KEPT_JOBS)),
        "jobTemplate": {"metadata": {"labels": dict(labels)}, "spec": job},
    }


def worker_hosts(job_name: str, service: str, count: int) -> list[str]:
    """Host names of the workers, by index: an Indexed Job names its pods' hosts, the headless Service resolves them."""
    return [f"{job_name}-{index}.{service}" for index in range(count)]


def rendezvous(
    job_name: str, service: str, job: TrainingSpec, workers: WorkersSpec, pool: PoolHandle
) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """Environment of the rendezvous: plain values, and those that depend on the pod's index.

    torchrun reads PET_*; other launchers MASTER_*, NNODES, NODE_RANK; JAX its own; libtpu TPU_WORKER_*.
    """
    count, port = int(workers["count"]), int(workers.get("port", DEFAULT_RENDEZVOUS_PORT))
    hosts = worker_hosts(job_name, service, count)
    processes = int(workers.get("processes_per_worker") or accelerator_count(job.get("accelerators")) or 1)
    retries = int(job.get("retries", DEFAULT_RETRIES))
    values = rendezvous_values(job_name, hosts, port, processes=processes, retries=retries)
    ranks = ["NODE_RANK", "PET_NODE_RANK", "JAX_PROCESS_ID"]
    accelerator = ACCELERATORS.get(pool["capacity"]["accelerator"])
    if accelerator and accelerator.vendor == "NVIDIA":
        values |= NCCL
    if pool["placement"]["topology"]:
        values["TPU_WORKER_HOSTNAMES"] = ",".join(hosts)
        ranks.append("TPU_WORKER_ID")
    index = {"fieldRef": {"fieldPath": COMPLETION_INDEX}}
    return values, [{"name": name, "valueFrom": index} for name in sorted(ranks)]


NCCL = {"NCCL_DEBUG": "WARN", "TORCH_NCCL_ASYNC_ERROR_HANDLING": "1"}
"""If a peer is lost the others end, and can meet again, instead of keeping their GPUs until the deadline."""


def rendezvous_values(
    job_name: str, hosts: Sequence[str], port: int, *, processes: int, retries: int
) -> dict[str, str]:
    """The variables that are the same on every worker."""
    return {
        "MASTER_ADDR": hosts[0],
        "MASTER_PORT": str(port),
        "NNODES": str(len(hosts)),
        "NPROC_PER_NODE": str(processes),
        "PET_NNODES": str(len(hosts)),
        "PET_NPROC_PER_NODE": str(processes),
        "PET_RDZV_BACKEND": "c10d",
        "PET_RDZV_ENDPOINT": f"{hosts[0]}:{port}",
        "PET_RDZV_ID": job_name,
        "PET_RDZV_CONF": f"join_timeout={MEETING_SECONDS},read_timeout={MEETING_SECONDS}",
        "PET_MAX_RESTARTS": str(retries),
        "JAX_COORDINATOR_ADDRESS": f"{hosts[0]}:{port}",
        "JAX_NUM_PROCESSES": str(len(hosts)),
    }


def single_worker_environment(job_name: str, processes: int) -> dict[str, str]:
    """Environment of a single worker on an NVIDIA pool, as `verify-gpu` starts its processes: it is its only host."""
    values = rendezvous_values(
        job_name, ["localhost"], DEFAULT_RENDEZVOUS_PORT, processes=processes, retries=DEFAULT_RETRIES
    )
    return {**HOME, **values, **NCCL, **dict.fromkeys(("NODE_RANK", "PET_NODE_RANK", "JAX_PROCESS_ID"), "0")}


def single_host_environment(pool: PoolHandle) -> dict[str, str]:
    """Environment for libtpu on a slice of one host; empty elsewhere."""
    return {"TPU_WORKER_HOSTNAMES": "localhost", "TPU_WORKER_ID": "0"} if pool["placement"]["topology"] else {}


def worker_affinity(run: str, pool: PoolHandle, *, one_per_node: bool = False) -> dict[str, Any]:
    """Workers close to each other, or each on a node of its own; on a TPU pool all in one slice, without any other run
    in it.

    The node label `mlplatform.dev/tpu-slice`, which every kind of pool sets, distinguishes slices of one pool. The
    anti-affinity prevents two runs, of any namespaces, from taking half of one slice each.
    """
    same = {"matchLabels": {RUN_LABEL: run}}
    if pool["placement"]["hosts_per_slice"] > 1:
        other = {
            "matchExpressions": [
                {"key": RUN_LABEL, "operator": "Exists"},
                {"key": RUN_LABEL, "operator": "NotIn", "values": [run]},
            ]
        }
        together = {"labelSelector": same, "topologyKey": SLICE_LABEL}
        apart = {"labelSelector": other, "namespaceSelector": {}, "topologyKey": SLICE_LABEL}
        return {
            "podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [together]},
            "podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [apart]},
        }
    alone = {"labelSelector": same, "topologyKey": HOST_TOPOLOGY}
    apart_from_each_other = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [alone]}}
    near = {"weight": 100, "podAffinityTerm": {"labelSelector": same, "topologyKey": ZONE_TOPOLOGY}}
    together_if_possible = {"podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [near]}}
    return together_if_possible | (apart_from_each_other if one_per_node else {})


def service_spec(labels: Mapping[str, str], port: int) -> dict[str, Any]:
    """The `spec` of the headless Service that resolves workers' names before they are ready, for the rendezvous."""
    return {
        "clusterIP": "None",
        "publishNotReadyAddresses": True,
        "selector": dict(labels),
        "ports": [{"name": "rendezvous", "port": port, "targetPort": port, "protocol": "TCP"}],
    }
