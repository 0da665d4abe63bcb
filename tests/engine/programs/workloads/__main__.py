"""One team with trainings on a GPU, on a TPU slice and on a schedule, and two served models.

Settings: `run`, `image`, `deadline` (minutes), `count` (accelerators) of the first training, `quota` of its team;
`alone` leaves the other workloads out. `queued`: hours that nodes of a GKE pool live which come by request, and on
which the first training runs instead; `taint`: the key of one more taint of them.
"""

import os
from pathlib import Path

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.apiextensions import CustomResource

from catalog.accelerators import ClusterKind, DeviceAllocation
from components.addons.crds import Crds
from components.base.chart_source import ChartOrigin, ChartSource
from components.capacity.placement import PoolArgs
from components.clouds.gke.plan import plan_gke_pool
from components.clouds.gke.spec import GkePoolSpec, GkePurchase
from components.clouds.simulated.pool import SimulatedNodePool
from components.storage.plan import StoragePurpose
from components.storage.storage_classes import StorageClasses
from components.tenants.priority_classes import PriorityClasses
from components.tenants.team import Team
from components.workloads.serving.inference_service import InferenceService
from components.workloads.serving.model_server import ModelServer
from components.workloads.training.distributed import DistributedTrainingJob
from components.workloads.training.fixed_runs import FixedRuns
from components.workloads.training.job import TrainingJob
from components.workloads.training.scheduled import ScheduledTraining
from simulator import stand_ins

POOLS = {
    "gpu": PoolArgs(accelerator="H100", nodes_max=2),
    "tpu": PoolArgs(accelerator="TPU-v5e", topology="4x4", nodes_max=8),
    "cpu": PoolArgs(nodes_max=1),
    "claimed": PoolArgs(accelerator="H100", nodes_max=1, device_allocation=DeviceAllocation.DRA),
}
IMAGE = "registry.example.com/program:1"
SMALL = {"cpu_millis": 1000, "memory_gib": 8}
FOR_AN_HOUR = {"annotations": {"simulated.mlplatform.dev/duration-seconds": "3600"}}

config = pulumi.Config("workloads")
mirror = ChartSource(origin=ChartOrigin.STUB, location=str(stand_ins.folder()))
# One provider for all: a preview knows the kinds whose CRDs went through the same provider process.
provider = kubernetes.Provider("cluster", kubeconfig=Path(os.environ["KUBECONFIG"]).read_text(encoding="utf-8"))


def after(*resources: pulumi.Resource) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(provider=provider, depends_on=[*resources])


nodes = {name: SimulatedNodePool(name, args, after()) for name, args in POOLS.items()}
pools = {name: pool.handle for name, pool in nodes.items()}
storage = StorageClasses("storage", {"cluster_kind": ClusterKind.SIMULATED}, after())
order = PriorityClasses("order", {}, after())
guard = FixedRuns("guard", {}, after())
team = Team(
    "vision",
    {
        "name": "vision",
        "team": {
            "owner": "vision-leads",
            "cost_center": "4711",
            "quota": {"gpu": config.get_int("quota") or 12, "tpu": 32, "claimed": 6},
            "editors": ["engineers"],
        },
        "pools": list(pools.values()),
        "priorities": order.handle,
    },
    after(*nodes.values(), order),
)
first = pools["gpu"]
if config.get("queued"):
    spec = GkePoolSpec(
        machine="a3-highgpu-8g",
        nodes_min=0,
        nodes_max=2,
        purchase=GkePurchase.QUEUED,
        max_run_hours=config.require_int("queued"),
        taints=[{"key": config.require("taint"), "value": "", "effect": "NoSchedule"}] if config.get("taint") else [],
    )
    first = plan_gke_pool("queued", spec, ["europe-west4-a"]).handle
ready = after(storage, guard, team, *nodes.values())
TrainingJob(
    "fit",
    {
        "job": {
            **SMALL,
            **FOR_AN_HOUR,
            "run": config.get("run") or "1",
            "image": config.get("image") or IMAGE,
            "accelerators": {"count": config.get_int("count") or 2},
            "deadline_minutes": config.get_int("deadline") or 60,
            "checkpoint": {"size_gib": 10},
        },
        "team": team.handle,
        "pool": first,
        "checkpoint_storage": storage.handles[StoragePurpose.STANDARD],
    },
    ready,
)
if not config.get_bool("alone"):
    # On a real cluster the DRA driver's chart brings it.
    devices = CustomResource(
        "device-class",
        api_version="resource.k8s.io/v1",
        kind="DeviceClass",
        metadata={"name": "gpu.nvidia.com"},
        spec={"selectors": [{"cel": {"expression": "device.driver == 'gpu.nvidia.com'"}}]},
        opts=after(),
    )
    TrainingJob(
        "claims",
        {
            "job": {
                **SMALL,
                **FOR_AN_HOUR,
                "run": "1",
                "image": IMAGE,
                "accelerators": {"count": 4},
                "deadline_minutes": 60,
            },
            "team": team.handle,
            "pool": pools["claimed"],
        },
        after(devices, team, *nodes.values()),
    )
    crds = Crds("crds", {"sets": ["kserve", "prometheus-operator"], "source": mirror}, after())
    for name in ("one", "two"):
        DistributedTrainingJob(
            name,
            {
                "job": {
                    **SMALL,
                    **FOR_AN_HOUR,
                    "run": "1",
                    "image": IMAGE,
                    "accelerators": {"count": 4},
                    "deadline_minutes": 60,
                    "checkpoint": {"size_gib": 10},
                },
                "workers": {"count": 4},
                "team": team.handle,
                "pool": pools["tpu"],
                "checkpoint_storage": storage.handles[StoragePurpose.SHARED],
            },
            ready,
        )
    ScheduledTraining(
        "nightly",
        {
            "job": {**SMALL, "image": IMAGE, "accelerators": {"count": 1}, "deadline_minutes": 60},
            "schedule": {"cron": "0 3 * * *", "time_zone": "Europe/Paris"},
            "team": team.handle,
            "pool": pools["gpu"],
        },
        ready,
    )
    InferenceService(
        "llm",
        {
            "service": {
                **SMALL,
                "model_format": "huggingface",
                "storage_uri": "hf://example/model",
                "accelerators": {"count": 1},
                "transformer": {"image": IMAGE, "cpu_millis": 500, "memory_gib": 1},
            },
            "team": team.handle,
            "pool": pools["gpu"],
        },
        after(crds, team, *nodes.values()),
    )
    ModelServer(
        "ranker",
        {
            "server": {
                **SMALL,
                "image": IMAGE,
                "storage_uri": "s3://models/ranker/7",
                "accelerators": {"count": 1},
                "min_replicas": 1,
                "max_replicas": 3,
            },
            "team": team.handle,
            "pool": pools["gpu"],
        },
        ready,
    )
