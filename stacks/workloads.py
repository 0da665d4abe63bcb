"""Declares the workloads of all kinds."""

from settings.kinds.base import Platform
from settings.settings import Settings
from stacks.addons import Addons, chart_source
from stacks.cluster import DeclaredCluster
from stacks.data import Data
from stacks.tenants import Tenants


def declare_workloads(
    settings: Settings, cluster: DeclaredCluster, addons: Addons, data: Data, tenants: Tenants
) -> None:
    """Declare all workloads of the settings, section by section."""
    platform = Platform(
        settings=settings,
        pools=cluster.pools,
        teams=tenants.handles,
        storage=addons.storage,
        artifacts=data.store,
        tracking=data.tracking,
        gateway=addons.gateway_handle,
        monitoring=addons.monitoring_handle,
        charts=chart_source(settings),
        crds=addons.crds,
        cert_manager=addons.cert_manager,
        gateway_ready=addons.gateway,
        nodes=cluster.nodes,
        team_ready=tenants.ready,
        options=cluster.opts,
    )
    for kind in settings.kinds:
        kind.declare(platform)
