"""Declares the add-ons of a platform: CRDs first, then the add-ons that need them."""

import os
from collections.abc import Collection, Mapping
from functools import cache
from graphlib import TopologicalSorter
from importlib import import_module
from itertools import chain
from pkgutil import iter_modules
from typing import Any, NamedTuple, cast

import pulumi

from catalog.addons import ADDONS, ExistingAddon
from catalog.versions import CHARTS
from components import addons as modules
from components.addons.accelerator_nodes import accelerator_charts, custom_plugin_pools, custom_resources
from components.addons.cert_manager import AcmeArgs, CertManager, CertManagerArgs
from components.addons.cloudnative_pg import CloudNativePg
from components.addons.crds import Crds
from components.addons.device_plugin import DevicePlugin, DevicePluginArgs
from components.addons.external_dns import ExternalDns, ExternalDnsArgs
from components.addons.gateway import Gateway, GatewayArgs, gateway_handle
from components.addons.gateway_spec import GatewayHandle, GatewaySpec, is_envoy, is_public
from components.addons.monitoring import Monitoring
from components.addons.monitoring_traffic import MonitoringArgs
from components.addons.vendor_plugins import vendor_plugins
from components.base.chart_source import ChartOrigin, ChartSource
from components.base.component import Component
from components.capacity.placement import PoolHandle
from components.clouds.existing.inspection import left_out
from components.monitoring.alert_rules import AlertRules, AlertRulesArgs
from components.monitoring.dashboards import Dashboards
from components.monitoring.rules import backup_age_hours
from components.monitoring.spec import MonitoringHandle
from components.storage.plan import StorageClassesArgs, StorageHandle, StoragePurpose
from components.storage.storage_classes import StorageClasses
from settings.models.platform import NVIDIA_KEYS
from settings.published import served_domains
from settings.settings import MLFLOW_NAMESPACE, PROJECT, Settings
from simulator import stand_ins
from simulator.real import requested
from stacks.cluster import DeclaredCluster

GATEWAY = "gateway"
FOUND_ISSUER_PREFIX = f"{PROJECT}-"
"""Prefix of the platform's issuers with an existing cert-manager, which has others."""


class Addons(NamedTuple):
    """Handles for tenants and workloads."""

    crds: Crds
    storage: dict[StoragePurpose, StorageHandle]
    cert_manager: CertManager
    gateway: Gateway
    gateway_handle: GatewayHandle
    monitoring: Monitoring
    monitoring_handle: MonitoringHandle
    postgresql: CloudNativePg


def chart_source(settings: Settings) -> ChartSource:
    """Source of charts and CRDs."""
    origin = settings.chart_origin
    location = str(stand_ins.folder(requested(os.environ))) if origin is ChartOrigin.STUB else settings.charts.location
    return ChartSource(origin=origin, location=location)


def acme_args(settings: Settings) -> AcmeArgs | None:
    """The account for public certificates; the gateway receives its challenges."""
    if settings.acme is None:
        return None
    written: Any = {**(settings.gateway or {}), "domains": settings.domains}
    gateway = gateway_handle(GATEWAY, written)
    return AcmeArgs(
        server=settings.acme.server,
        email=settings.acme.email,
        gateway_name=GATEWAY,
        gateway_namespace=settings.gateway_namespace,
        gateway_pods=gateway["pods"],
        gateway_ports=gateway["ports"],
    )


def declare_crds(settings: Settings, cluster: DeclaredCluster) -> Crds:
    """Only the CRDs that this environment needs, because each takes the API server half a second."""
    return Crds(
        "crds",
        {
            "sets": crd_sets(settings),
            "source": chart_source(settings),
            "mirror": settings.charts.crd_location if settings.chart_origin is ChartOrigin.MIRROR else "",
            "keep_data": settings.keep_data,
        },
        cluster.opts(),
    )


def crd_sets(settings: Settings) -> list[str]:
    """The CRD sets that an environment needs and its cluster does not have. Pure."""
    return sorted(settings.needed_crds - left_out(settings.existing_addons, settings.cluster.present_crds))


def declare_addons(settings: Settings, cluster: DeclaredCluster, crds: Crds) -> Addons:
    """Declare all add-ons, each after its dependencies."""
    source, available = chart_source(settings), settings.environment.highly_available
    pools = list(cluster.pools.values())
    cluster.cloud.declare_infrastructure(cluster.opts, source, crds)
    storage = StorageClasses(PROJECT, storage_args(settings, cluster), cluster.opts())
    observed = settings.monitoring_namespace
    made = declare_by_row(settings, source, pools, cluster, crds)
    if not settings.cluster.has_closed_nodes:
        discovery = [made[name] for name in ("node-feature-discovery",) if name in made]
        for name, plugin in {**vendor_plugins(pools), **device_plugins(settings, pools)}.items():
            DevicePlugin(name, {**plugin, "network": settings.network}, cluster.opts(*discovery))
    cert_manager, gateway = _declare_gateway(settings, cluster, source, crds)
    monitoring = Monitoring(
        "monitoring",
        monitoring_args(settings, source, storage, gateway.handle, pools),
        cluster.opts(cert_manager, storage),
    )
    AlertRules("alerts", alert_args(settings, monitoring.namespace, pools), cluster.opts(monitoring))
    Dashboards("dashboards", {"namespace": monitoring.namespace}, cluster.opts(monitoring))
    postgresql = CloudNativePg(
        "postgresql-operator",
        {"source": source, "network": settings.network, "highly_available": available, "monitoring_namespace": observed}
        | cast(Any, _found(settings, ExistingAddon.CLOUDNATIVE_PG)),
        cluster.opts(crds, *cluster.nodes),
    )
    return Addons(
        crds, storage.handles, cert_manager, gateway, gateway.handle, monitoring, monitoring.handle, postgresql
    )


def alert_args(settings: Settings, namespace: pulumi.Input[str], pools: list[PoolHandle]) -> AlertRulesArgs:
    """Arguments of alerts: settings, and facts about the rest of the platform. Pure."""
    args: AlertRulesArgs = {
        **settings.alerts,  # type: ignore[typeddict-item]
        "namespace": namespace,
        "monitoring_namespace": settings.monitoring_namespace,
        "mlflow_namespace": MLFLOW_NAMESPACE,
        "backup_age_hours": backup_age_hours(settings.mlflow.backup.schedule),
    }
    if own := custom_resources(pools):
        args["extended_resources"] = own
    return args


def _declare_gateway(
    settings: Settings, cluster: DeclaredCluster, source: ChartSource, crds: Crds
) -> tuple[CertManager, Gateway]:
    """Certificates, the gateway, and its DNS records if the environment has a zone."""
    observed, available = settings.monitoring_namespace, settings.environment.highly_available
    signing: CertManagerArgs = {
        "source": source,
        "keep_data": settings.keep_data,
        "highly_available": available,
        "monitoring_namespace": observed,
        "acme": acme_args(settings),
        "network": settings.network,
    }
    zone = cluster.cloud.zone
    if zone and settings.acme:
        signing |= cast(CertManagerArgs, {"dns_zone": zone, **cluster.cloud.clusters})
    if there := _found(settings, ExistingAddon.CERT_MANAGER):
        signing |= cast(CertManagerArgs, {**there, "issuer_prefix": FOUND_ISSUER_PREFIX})
    cert_manager = CertManager("cert-manager", signing, cluster.opts(crds, *cluster.nodes))
    written = settings.gateway or GatewaySpec()
    gateway_args: GatewayArgs = {
        **written,  # type: ignore[typeddict-item]
        "domains": served_domains(settings, cert_manager.issuers.get("dns_zone", "")),
        "issuers": cert_manager.issuers,
        "source": source,
        "highly_available": available,
        "monitoring_namespace": observed,
        "network": settings.network,
    }
    usual = cluster.cloud.load_balancer_annotations(public=is_public(written))
    if usual is not None and is_envoy(written):
        gateway_args["service_annotations"] = {**usual, **(written.get("service_annotations") or {})}
    if settings.cluster.load_balancer_class is not None:
        gateway_args["load_balancer_class"] = settings.cluster.load_balancer_class
    gateway = Gateway(GATEWAY, gateway_args, cluster.opts(cert_manager))
    if zone:
        published: ExternalDnsArgs = {
            "source": source,
            "zone": zone,
            "owner": settings.cluster_name,
            "monitoring_namespace": observed,
            "network": settings.network,
        }
        published |= cast(ExternalDnsArgs, cluster.cloud.clusters)
        ExternalDns("external-dns", published, cluster.opts(crds, gateway, *cluster.nodes))
    return cert_manager, gateway


def _found(settings: Settings, addon: ExistingAddon) -> dict[str, Any]:
    """Additional arguments of the component of an add-on that the cluster already has; else none."""
    return {"found": True, "namespace": settings.existing_addons[addon]} if addon in settings.existing_addons else {}


def storage_args(settings: Settings, cluster: DeclaredCluster) -> StorageClassesArgs:
    """Arguments from the settings and from the cloud."""
    args = settings.storage_args
    if cluster.cloud.storage_parameters is None:
        return args
    written: dict[str, Any] = {**(args.get("parameters") or {})}
    known = {
        purpose: {**(written.get(purpose) or {}), **more} for purpose, more in cluster.cloud.storage_parameters.items()
    }
    return {**args, "parameters": {**written, **known}}


def written(name: str, settings: Settings) -> Mapping[str, Any]:
    """Settings of an add-on that is declared by its row, as arguments of its component. Pure."""
    return {**settings.nvidia.of(*NVIDIA_KEYS.get(name, ())), **settings.cluster.chart_arguments(name)}


@cache
def components_by_row() -> dict[str, type[Component]]:
    """The components that are declared by their rows: `BY_ROW` of each module in `components/addons`."""
    found = (import_module(f"{modules.__name__}.{module.name}") for module in iter_modules(modules.__path__))
    return {name: noun for module in found for name, noun in getattr(module, "BY_ROW", {}).items()}


def declared_by_row(settings: Settings) -> list[str]:
    """The add-ons that an environment installs by their rows, each after its dependencies."""
    of_devices = accelerator_charts([*settings.pools.values()])
    wanted = [
        name
        for name, row in ADDONS.items()
        if name in components_by_row()
        and name not in settings.existing_addons
        and (name in of_devices or not row.for_devices)
        and not (row.sees_nodes and settings.cluster.has_closed_nodes)
    ]
    return [*TopologicalSorter({name: predecessors(name, wanted) for name in wanted}).static_order()]


def predecessors(name: str, wanted: Collection[str]) -> list[str]:
    """Those of `wanted` that an add-on is declared after: directly, or after add-ons that are not wanted. Pure."""
    nearest = ([other] if other in wanted else predecessors(other, wanted) for other in ADDONS[name].after)
    return [*dict.fromkeys(chain.from_iterable(nearest))]


def declare_by_row(
    settings: Settings, source: ChartSource, pools: list[PoolHandle], cluster: DeclaredCluster, crds: Crds
) -> Mapping[str, pulumi.Resource]:
    """Declare these add-ons. Each gets those of the common arguments that its component accepts, and its `written`
    ones.
    """
    common: dict[str, Any] = {
        "source": source,
        "pools": pools,
        "network": settings.network,
        "monitoring_namespace": settings.monitoring_namespace,
        "highly_available": settings.environment.highly_available,
        "keep_data": settings.keep_data,
        "node_feature_discovery": False,  # of its own, which the GPU Operator's chart brings
    }
    made: dict[str, pulumi.Resource] = {}
    for name in declared_by_row(settings):
        row = ADDONS[name]
        component: Any = components_by_row()[name]
        takes = component.__init__.__annotations__["args"].__annotations__
        args = {key: value for key, value in common.items() if key in takes}
        args |= written(name, settings)
        before = [made[one] for one in predecessors(name, made)] if row.after else [*cluster.nodes]
        made[name] = component(
            row.resource or name, args, cluster.opts(*([crds] if CHARTS[name].crds else []), *before)
        )
    return made


def device_plugins(settings: Settings, pools: list[PoolHandle]) -> dict[str, DevicePluginArgs]:
    """Name of the component -> arguments, for each device plugin that the settings declare. Pure."""
    return {
        f"{name}-device-plugin": {
            **plugin,  # type: ignore[typeddict-item]
            "namespace": settings.plugin_namespace(name),
            "pools": custom_plugin_pools(pools, plugin["resource_name"]),
        }
        for name, plugin in settings.device_plugins.items()
    }


def monitoring_args(
    settings: Settings, source: ChartSource, storage: StorageClasses, gateway: GatewayHandle, pools: list[Any]
) -> MonitoringArgs:
    """Arguments of monitoring: settings, and facts about the rest of the platform."""
    ports = more_scraped_ports(settings)
    return {
        **settings.monitoring_args,  # type: ignore[typeddict-item]
        **({"more_scraped_ports": ports} if ports else {}),
        "source": source,
        "cluster_kind": settings.cluster.kind,
        "cluster": settings.environment.name,
        "environment": settings.environment.name,
        "storage": storage.handles[StoragePurpose.STANDARD],
        "pools": pools,
        "keep_data": settings.keep_data,
        "highly_available": settings.environment.highly_available,
        "node_exporter": not settings.cluster.has_closed_nodes
        and ExistingAddon.NODE_EXPORTER not in settings.existing_addons,
        "kube_system": not settings.cluster.has_closed_nodes,
        "network": settings.network,
        **({"operator": False} if ExistingAddon.PROMETHEUS_OPERATOR in settings.existing_addons else {}),
        # No process answers webhooks in a simulated cluster.
        "rule_webhook": not settings.cluster.is_simulated,
        "gateway": gateway,
        "grafana_domain": settings.domains[0]["name"],
    }


def more_scraped_ports(settings: Settings) -> list[int]:
    """Scraped ports outside of the platform's namespaces: those of the settings, existing add-ons, add-ons
    that a key of `cluster` brings, and workloads. Pure.

    The platform does not own the namespaces of existing add-ons, so they have no policy that opens ports to Prometheus.
    """
    written = settings.monitoring_args.get("more_scraped_ports") or []
    brought = {name for name in settings.cluster.charts if name in ADDONS and ADDONS[name].setting}
    ports = {ADDONS[name].metrics_port for name in {*settings.existing_addons, *brought}} - {0}
    ports |= {port for kind in settings.kinds for port in kind.scraped_ports(settings)}
    return [*written, *sorted(ports - {*written})]
