"""What teams run: trainings and served models, each on its pool."""

from typing import Any

from components.addons.kserve import KServe
from components.clouds.existing.inspection import ExistingAddon
from components.workloads.serving.inference_service import InferenceService
from components.workloads.serving.model_server import ModelServer
from components.workloads.serving.runtimes import ServingRuntimes
from components.workloads.training.distributed import DistributedTrainingJob
from components.workloads.training.job import TrainingJob
from components.workloads.training.scheduled import ScheduledTraining
from settings.models.workloads import Training
from settings.settings import Settings
from stacks.addons import Addons, chart_source
from stacks.cluster import Cluster
from stacks.data import Data
from stacks.tenants import Tenants


def declare_workloads(settings: Settings, cluster: Cluster, addons: Addons, data: Data, tenants: Tenants) -> None:
    """Everything that the settings name."""
    for name, training in settings.training.items():
        _declare_training(name, training, settings, cluster, addons, data, tenants)
    serving = (
        [] if ExistingAddon.KSERVE in settings.existing_addons else [_declare_kserve(settings, cluster, addons, data)]
    )
    for name, inference in settings.inference.items():
        InferenceService(
            name,
            {
                "service": inference.service,
                "team": tenants.handles[inference.team],
                "pool": cluster.pools[inference.pool],
                "runtimes": dict(settings.serving_runtimes),
                "tracking": data.tracking,
                "monitoring": addons.monitoring_handle,
            },
            cluster.opts(*serving, addons.gateway, *tenants.ready[inference.team], *cluster.nodes),
        )
    for name, served in settings.model_servers.items():
        ModelServer(
            name,
            {
                "server": served.server,
                "team": tenants.handles[served.team],
                "pool": cluster.pools[served.pool],
                "artifacts": data.store,
                "gateway": addons.gateway_handle,
                "tracking": data.tracking,
                "monitoring": addons.monitoring_handle,
            },
            cluster.opts(addons.crds, *tenants.ready[served.team], *cluster.nodes),
        )


def _declare_kserve(settings: Settings, cluster: Cluster, addons: Addons, data: Data) -> ServingRuntimes:
    kserve = KServe(
        "kserve",
        {
            "source": chart_source(settings),
            "gateway": addons.gateway_handle,
            "domain": settings.domains[0]["name"],
            "store": data.store,
            "monitoring_namespace": addons.monitoring_handle["namespace"],
            "network": settings.network,
        },
        cluster.opts(addons.cert_manager),
    )
    return ServingRuntimes("serving-runtimes", {"own": dict(settings.serving_runtimes)}, cluster.opts(kserve))


def _declare_training(
    name: str, training: Training, settings: Settings, cluster: Cluster, addons: Addons, data: Data, tenants: Tenants
) -> None:
    common: Any = {
        "job": training.job,
        "team": tenants.handles[training.team],
        "pool": cluster.pools[training.pool],
        "tracking": data.tracking,
        "artifacts": data.store,
        "keep_data": settings.keep_data,
    }
    if training.job.get("checkpoint"):
        common["checkpoint_storage"] = addons.storage[training.checkpoint_purpose]
    opts = cluster.opts(*tenants.ready[training.team], *cluster.nodes)
    if training.schedule:
        ScheduledTraining(name, common | {"schedule": training.schedule}, opts)
    elif training.workers:
        DistributedTrainingJob(name, common | {"workers": training.workers}, opts)
    else:
        TrainingJob(name, common, opts)
