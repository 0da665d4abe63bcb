"""Declares one environment in the order of its dependencies: cluster, add-ons, data, tenants, workloads."""

from pulumi.runtime.config import CONFIG, is_config_secret

from settings.models.environment import Scope
from settings.reader import from_engine
from settings.settings import Settings


def read_settings() -> Settings:
    """The settings of the running stack. Raises `Refused` with every problem."""
    config = CONFIG.get()
    return from_engine(config, [key for key in config if is_config_secret(key)])


def declare() -> None:
    """Declare everything. Raises `Refused` before any resource is registered."""
    settings = read_settings()
    # The components' modules are imported after the settings are validated.
    from stacks import addons, cluster, data, outputs, tenants, workloads  # noqa: PLC0415

    on = cluster.declare_cluster(settings)
    if settings.scope is Scope.CLUSTER:
        outputs.export_cluster(settings, on)
        return
    crds = addons.declare_crds(settings, on)
    on = cluster.with_pools(on, addons.chart_source(settings), crds)
    platform = addons.declare_addons(settings, on, crds)
    stores = data.declare_data(settings, on, platform)
    teams = tenants.declare_tenants(settings, on, platform, stores)
    workloads.declare_workloads(settings, on, platform, stores, teams)
    outputs.export(settings, on, platform, stores)
