"""Outputs of a stack: facts for users, for the summary and for other stacks."""

from typing import Any

import pulumi

from components.capacity.ledger import DEVICE_CAPS
from components.storage.plan import StorageHandle, StoragePurpose
from components.tenants.spec import namespace_of
from settings.models.workloads import Workload
from settings.settings import Settings
from stacks.addons import Addons
from stacks.cluster import DeclaredCluster
from stacks.data import Data, store_accounts

SIMULATED = (
    "nodes and their devices, kubelets, pods: no container runs (but on process-0), no GPU or TPU is there",
    "volumes, load balancers and their addresses (198.18.0.0/15 is for tests)",
    "charts and CRDs are stand-ins of ours: right names, labels and ports, nothing inside",
    "operators: certificates, databases and models are marked ready by rules, not by their controllers",
)
SIMULATED_CLOUD = ("the cloud: its provider is a stand-in that checks requests and keeps state; no account is reached",)
REAL = "real: etcd, API server, controllers, scheduler, admission, quota, RBAC, Pulumi engine, provider, policies"


def export_cluster(settings: Settings, cluster: DeclaredCluster) -> None:
    """Export the outputs for a stack with scope platform, and facts about the cluster for users."""
    pulumi.export("environment", settings.environment.name)
    pulumi.export("kubeconfig", cluster.cloud.kubeconfig)
    pulumi.export("cloud", pulumi.Output.secret(cluster.cloud.facts()))
    _export_capacity(settings)
    pulumi.export("simulated", [*SIMULATED_CLOUD, REAL] if settings.environment.rehearsal else [])


def export(settings: Settings, cluster: DeclaredCluster, addons: Addons, data: Data) -> None:
    """Export everything."""
    if settings.cluster.is_made:
        pulumi.export("kubeconfig", cluster.cloud.kubeconfig)
    pulumi.export("environment", settings.environment.name)
    pulumi.export("endpoints", endpoints(settings, addons, data))
    _export_capacity(settings)
    pulumi.export("teams", team_rows(settings))
    pulumi.export("workloads", [workload_row(name, w, settings) for _, name, w in settings.workloads()])
    pulumi.export("storage", storage_rows(addons.storage))
    if accounts := store_accounts(settings):
        pulumi.export("objectStoreAccounts", accounts)
    in_rehearsal = [*SIMULATED_CLOUD, *SIMULATED, REAL] if settings.environment.rehearsal else []
    pulumi.export("simulated", [*SIMULATED, REAL] if settings.cluster.is_simulated else in_rehearsal)
    pulumi.export("next", next_steps(settings))


def _export_capacity(settings: Settings) -> None:
    pulumi.export("capacity", capacity_rows(settings))
    if settings.environment.device_caps:
        pulumi.export(DEVICE_CAPS, cap_rows(settings))


def endpoints(settings: Settings, addons: Addons, data: Data) -> dict[str, pulumi.Input[str]]:
    """Endpoints for users."""
    return {
        "grafana": addons.monitoring_handle["grafana_url"],
        "mlflow": f"https://{data.hostname}",
        "mlflow (inside the cluster)": data.tracking["uri"],
        "prometheus (inside the cluster)": addons.monitoring_handle["prometheus_url"],
        "artifacts": data.store["uri"],
        **served_endpoints(settings),
    }


def served_endpoints(settings: Settings) -> dict[str, str]:
    """Workload with an endpoint -> its URL. Pure."""
    hosts = {name: host for kind in settings.kinds for name, host in kind.endpoints(settings).items()}
    return {name: f"https://{host}" for name, host in hosts.items()}


def capacity_rows(settings: Settings) -> list[dict[str, Any]]:
    """What each pool offers and how much of it workloads use. Pure."""
    rows = [
        {
            "key": supply.key,
            "accelerator": supply.accelerator,
            "resource": supply.resource,
            "sharing": str(settings.pools[supply.pool]["capacity"]["sharing"]),
            "nodes": supply.nodes_max,
            "devices": supply.devices,
            "units": supply.units,
            "used": settings.ledger.used(supply.key),
        }
        for supply in settings.ledger.supplies
    ]
    return sorted(rows, key=lambda row: (row["accelerator"], row["key"]))


def cap_rows(settings: Settings) -> dict[str, dict[str, int]]:
    """Accelerator -> physical devices that this environment may own, and those of its pools at their maximum size."""
    devices = settings.ledger.devices_by_accelerator()
    caps = settings.ledger.device_caps
    return {name: {"cap": cap, "devices": devices.get(name, 0)} for name, cap in sorted(caps.items())}


def team_rows(settings: Settings) -> dict[str, dict[str, dict[str, int]]]:
    """Team -> pool -> quota, used and left. Pure."""
    ledger = settings.ledger
    return {
        team: {
            key: {"quota": quota, "used": ledger.used(key, team), "left": ledger.left(team, key)}
            for key, quota in quotas.items()
        }
        for team, quotas in ledger.team_quotas.items()
    }


def workload_row(name: str, workload: Workload, settings: Settings) -> dict[str, str]:
    """One line of the summary. Pure."""
    return {
        "name": name,
        "team": workload.team,
        "namespace": namespace_of(workload.team, settings.teams[workload.team]),
        "pool": workload.pool,
        **settings.kind_of(workload).row(name, workload),
    }


def storage_rows(handles: dict[StoragePurpose, StorageHandle]) -> dict[str, str]:
    """Purpose -> storage class. Pure."""
    return {purpose.value: handle["class_name"] for purpose, handle in handles.items()}


def next_steps(settings: Settings) -> list[str]:
    """Next steps after an `up`. Pure."""
    if not settings.cluster.is_simulated:
        return ["open the endpoints; add a team or a workload in Pulumi.<stack>.yaml and run `make preview`"]
    return [
        "add a pool, a team or a workload in Pulumi.dev.yaml and run `make preview`, then `make up`",
        'look inside: eval "$(.venv/bin/python -m tools env)" && kubectl get pods -A -o wide',
        "take it down: make down",
    ]
