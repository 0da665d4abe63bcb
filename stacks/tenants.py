"""Declares teams: quotas, members, and the keys and priorities of their workloads."""

from typing import NamedTuple, cast

import pulumi

from components.storage.object_store import ObjectStoreCredentials
from components.tenants.handles import TeamHandle
from components.tenants.plan import SERVING_ACCOUNT, TRAINING_ACCOUNT
from components.tenants.priority_classes import PriorityClasses
from components.tenants.spec import TeamSpec
from components.tenants.team import RegistryCredentials, Team
from components.workloads.training.fixed_runs import FixedRuns
from settings.models.workloads import RegistrySettings
from settings.settings import Settings
from stacks.addons import Addons
from stacks.cluster import DeclaredCluster
from stacks.data import Data, grant_store


class Tenants(NamedTuple):
    """Handles for workloads."""

    handles: dict[str, TeamHandle]
    ready: dict[str, list[pulumi.Resource]]
    """Team -> resources that must exist before its workloads."""


def declare_tenants(settings: Settings, cluster: DeclaredCluster, addons: Addons, data: Data) -> Tenants:
    """Declare every team with its keys of the object store."""
    priorities = PriorityClasses("priorities", {}, cluster.opts())
    runs = FixedRuns("fixed-runs", {}, cluster.opts())
    tenants = Tenants({}, {})
    writers, readers = (dict(each) for each in settings.account_annotations)
    for name, written in settings.teams.items():
        registry = written.get("registry")
        team = Team(
            f"team-{name}",
            {
                "name": name,
                "team": cast(TeamSpec, {key: value for key, value in written.items() if key != "registry"}),
                **({"registry": registry_credentials(registry)} if registry else {}),  # type: ignore[typeddict-item]
                "account_annotations": {TRAINING_ACCOUNT: writers, SERVING_ACCOUNT: readers},
                "pools": list(cluster.pools.values()),
                "priorities": priorities.handle,
                "tracking": data.tracking,
                "monitoring": addons.monitoring_handle,
                "gateway": addons.gateway_handle,
                "artifacts": data.store,
                "network": settings.network,
            },
            cluster.opts(),
        )
        tenants.handles[name] = team.handle
        tenants.ready[name] = [team, priorities, runs]
        for account, write in ((TRAINING_ACCOUNT, True), (SERVING_ACCOUNT, False)):
            tenants.ready[name] += grant_store(
                settings, cluster, f"team-{name}-{account}", team.namespace, account, write=write
            )
        if data.keys:
            keys = ObjectStoreCredentials(
                f"team-{name}-store",
                {
                    "namespace": team.namespace,
                    "store": data.store,
                    "access_key_id": data.keys.access_key_id,
                    "secret_access_key": data.keys.secret_access_key,
                },
                cluster.opts(),
            )
            tenants.ready[name].append(keys)
    return tenants


def registry_credentials(written: RegistrySettings) -> RegistryCredentials:
    """Arguments of the component; the password only as a secret."""
    password = pulumi.Output.secret(written["password"].get_secret_value())
    return RegistryCredentials(server=written["server"], username=written["username"], password=password)
