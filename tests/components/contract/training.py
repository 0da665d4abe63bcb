"""Trainings."""

from components.storage.plan import StoragePurpose
from components.workloads.training.distributed import DistributedTrainingJob
from components.workloads.training.fixed_runs import FixedRuns
from components.workloads.training.job import TrainingJob
from components.workloads.training.scheduled import ScheduledTraining
from tests.components.contract.case import Case
from tests.components.platform_handles import BLOCK, H100, MIG, QUEUED, SHARED, STORAGE, STORE, TEAM, TRACKING

_JOB = {
    "run": "1",
    "image": "registry.example.com/fit:1.0",
    "command": ["python"],
    "arguments": ["fit.py"],
    "environment": {"EPOCHS": "3"},
    "environment_secrets": ["hub"],
    "accelerators": {"count": 4},
    "cpu_millis": 8000,
    "memory_gib": 64,
    "cpu_limit_millis": 9000,
    "ephemeral_storage_gib": 30,
    "shared_memory_gib": 8,
    "read_only_root": True,
    "deadline_minutes": 60,
    "retries": 2,
    "fatal_exit_codes": [2],
    "grace_seconds": 30,
    "checkpoint": {"size_gib": 100, "path": "/keep"},
    "datasets": {"images": "/images"},
    "files": {"/etc/launcher/config.yaml": "epochs: 3"},
    "secret_folders": {"hub": "/run/hub"},
    "annotations": {"note": "a"},
    "preemptible": False,
    "ttl_minutes": 30,
}
_USES = {"team": TEAM, "pool": H100, "tracking": TRACKING, "artifacts": STORE, "keep_data": False}
_OTHERS = {
    "job.image": "registry.example.com/fit:1.1",
    "job.accelerators.mig_profile": "3g.40gb",
    "team": {**TEAM, "namespace": "speech"},
    "pool": {**H100, "placement": {**H100["placement"], "node_selector": {"pool": "other"}}},
    "tracking": {**TRACKING, "environment": {"MLFLOW_TRACKING_URI": "http://other:5000"}},
    "artifacts": {**STORE, "uri": "s3://models/other"},
}
_ON_MIG = {"pool": MIG, "job.accelerators": {"count": 1, "mig_profile": "1g.10gb"}}

CASES = [
    Case(FixedRuns, {"prefix": "ml"}, second={"prefix": "other"}),
    Case(
        TrainingJob,
        {"job": _JOB, **_USES, "checkpoint_storage": BLOCK},
        contexts={"job.accelerators.mig_profile": _ON_MIG},
        variants={**_OTHERS, "checkpoint_storage": STORAGE[StoragePurpose.FAST]},
        refused={"job.image": "registry.example.com/fit:latest"},
    ),
    Case(
        DistributedTrainingJob,
        {
            "job": {key: value for key, value in _JOB.items() if key != "ttl_minutes"},
            "workers": {"count": 2, "processes_per_worker": 4, "port": 29500, "one_per_node": True},
            **_USES,
            "pool": QUEUED,
            "checkpoint_storage": SHARED,
        },
        contexts={
            "job.accelerators.mig_profile": _ON_MIG,
            "job.ttl_minutes": {"pool": H100, "job.ttl_minutes": 30},
            "workers.count": {"workers.one_per_node": False},
        },
        variants={**_OTHERS, "checkpoint_storage": {**SHARED, "class_name": "other"}},
        refused={"workers.count": 1},
    ),
    Case(
        ScheduledTraining,
        {
            "job": {key: value for key, value in _JOB.items() if key != "run"},
            "workers": {"count": 2, "processes_per_worker": 4, "port": 29500, "one_per_node": True},
            "schedule": {
                "cron": "0 3 * * *",
                "time_zone": "Europe/Paris",
                "suspended": False,
                "start_within_minutes": 30,
                "keep_succeeded": 5,
                "keep_failed": 5,
            },
            **_USES,
            "checkpoint_storage": SHARED,
        },
        contexts={"job.accelerators.mig_profile": _ON_MIG, "workers.count": {"workers.one_per_node": False}},
        variants={
            **_OTHERS,
            "checkpoint_storage": {**SHARED, "class_name": "other"},
            "job.run": "1",
            "schedule.cron": "0 4 * * *",
            "schedule.time_zone": "Europe/Rome",
        },
        rules_only={"job.run": "runs of a schedule are named after their time"},
        refused={"schedule.cron": "daily"},
    ),
]
