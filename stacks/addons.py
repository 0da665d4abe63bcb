"""What turns nodes into a platform: CRDs first, then what stands on them, then what the teams use."""

from pathlib import Path
from typing import Any, NamedTuple, cast

import pulumi

import simulator
from catalog.accelerators import ClusterKind
from catalog.addons import ExistingAddon
from components.addons import cert_manager as cert_manager_module
from components.addons import cloudnative_pg, dcgm_exporter, kserve, metallb, node_feature_discovery
from components.addons.accelerator_nodes import accelerator_charts, custom_plugin_pools, custom_resources
from components.addons.cert_manager import AcmeArgs, CertManager, CertManagerArgs
from components.addons.cloudnative_pg import CloudNativePg
from components.addons.crds import Crds
from components.addons.dcgm_exporter import GKE_DRIVER_ROOT, DcgmExporter
from components.addons.device_plugin import DevicePlugin, DevicePluginArgs
from components.addons.efa_device_plugin import EfaDevicePlugin, EfaDevicePluginArgs
from components.addons.external_dns import ExternalDns, ExternalDnsArgs
from components.addons.gateway import Gateway, GatewayArgs, gateway_handle
from components.addons.gateway_spec import GatewayHandle, GatewaySpec, is_envoy, is_public
from components.addons.gpu_operator import GpuOperator
from components.addons.metallb import MetalLb
from components.addons.monitoring import NODE_EXPORTER_PORT, OPERATOR_PORT, Monitoring, MonitoringArgs
from components.addons.node_feature_discovery import NodeFeatureDiscovery
from components.addons.nvidia_device_plugin import NvidiaDevicePlugin
from components.addons.nvidia_dra_driver import NvidiaDraDriver
from components.addons.vendor_plugins import vendor_plugins
from components.base.chart_source import ChartOrigin, ChartSource
from components.capacity.placement import PoolHandle
from components.clouds.existing.inspection import left_out
from components.clouds.gke.handles import GkeMode
from components.monitoring.alert_rules import AlertRules, AlertRulesArgs
from components.monitoring.dashboards import Dashboards
from components.monitoring.rules import backup_age_hours
from components.monitoring.spec import MonitoringHandle
from components.storage.local_path_storage import LocalPathStorage, LocalPathStorageArgs
from components.storage.nfs_storage import NfsStorage, NfsStorageArgs
from components.storage.plan import StorageClassesArgs, StorageHandle, StoragePurpose
from components.storage.storage_classes import StorageClasses
from settings.models.clouds import EksCluster, GkeCluster
from settings.models.cluster import ExistingCluster
from settings.published import served_domains
from settings.settings import MLFLOW_NAMESPACE, PROJECT, Settings
from stacks.cluster import Cluster

GATEWAY = "gateway"
FOUND_ISSUER_PREFIX = f"{PROJECT}-"
"""Of our issuers beside those that a cert-manager has which was there before us."""


class Addons(NamedTuple):
    """What tenants and workloads take."""

    crds: Crds
    storage: dict[StoragePurpose, StorageHandle]
    cert_manager: CertManager
    gateway: Gateway
    gateway_handle: GatewayHandle
    monitoring: Monitoring
    monitoring_handle: MonitoringHandle
    postgresql: CloudNativePg


def chart_source(settings: Settings) -> ChartSource:
    """Where charts and CRDs come from."""
    origin, bundled = settings.chart_origin, str(Path(simulator.__path__[0]))
    return ChartSource(origin=origin, location=bundled if origin is ChartOrigin.STUB else settings.charts.location)


def acme_args(settings: Settings) -> AcmeArgs | None:
    """The account for public certificates; its challenges come in through the gateway."""
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


def declare_crds(settings: Settings, cluster: Cluster) -> Crds:
    """The kinds of what this environment has, and of nothing else: each takes the API server half a second."""
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


def on_autopilot(settings: Settings) -> bool:
    """Whether Google makes the nodes and keeps them to itself."""
    return isinstance(settings.cluster, GkeCluster) and settings.cluster.mode is GkeMode.AUTOPILOT


def crd_sets(settings: Settings) -> list[str]:
    """The CRD sets that an environment installs: what it needs and its cluster has not. Pure."""
    others = settings.cluster.existing_crds if isinstance(settings.cluster, ExistingCluster) else []
    return sorted(settings.needed_crds - left_out(settings.existing_addons, others))


def declare_addons(settings: Settings, cluster: Cluster, crds: Crds) -> Addons:
    """All of them, each after what it needs."""
    source, available = chart_source(settings), settings.environment.highly_available
    pools = list(cluster.pools.values())
    declare_ground(settings, cluster, source, crds)
    storage = StorageClasses(PROJECT, storage_args(settings, cluster), cluster.opts())
    observed = settings.monitoring_namespace
    if not on_autopilot(settings):
        # Google brings drivers, device plugin and their metrics, and admits no pod of ours that sees its node.
        _declare_accelerator_software(settings, source, pools, cluster, crds)
    cert_manager, gateway = _declare_way_in(settings, cluster, source, crds)
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
    """What alerts take: settings, and what the rest of the platform is. Pure."""
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


def _declare_way_in(
    settings: Settings, cluster: Cluster, source: ChartSource, crds: Crds
) -> tuple[CertManager, Gateway]:
    """Certificates, the gateway that has them, and the names of what it serves where the environment has a zone."""
    observed, available = settings.monitoring_namespace, settings.environment.highly_available
    signing: CertManagerArgs = {
        "source": source,
        "keep_data": settings.keep_data,
        "highly_available": available,
        "monitoring_namespace": observed,
        "acme": acme_args(settings),
        "network": settings.network,
    }
    zone = cluster.cloud.zone if cluster.cloud else None
    if cluster.cloud and zone and settings.acme:
        signing |= cast(CertManagerArgs, {"dns_zone": zone, **cluster.cloud.clusters})
    if there := _found(settings, ExistingAddon.CERT_MANAGER):
        signing |= cast(CertManagerArgs, {**there, "issuer_prefix": FOUND_ISSUER_PREFIX})
    cert_manager = CertManager("cert-manager", signing, cluster.opts(crds, *cluster.nodes))
    written = settings.gateway or GatewaySpec()
    way_in: GatewayArgs = {
        **written,  # type: ignore[typeddict-item]
        "domains": served_domains(settings, cert_manager.issuers.get("dns_zone", "")),
        "issuers": cert_manager.issuers,
        "source": source,
        "highly_available": available,
        "monitoring_namespace": observed,
        "network": settings.network,
    }
    if cluster.cloud and is_envoy(written):
        usual = cluster.cloud.load_balancer_annotations(public=is_public(written))
        way_in["service_annotations"] = {**usual, **(written.get("service_annotations") or {})}
    if isinstance(settings.cluster, ExistingCluster) and settings.cluster.metallb:
        way_in["load_balancer_class"] = settings.cluster.metallb.get("load_balancer_class", "")
    gateway = Gateway(GATEWAY, way_in, cluster.opts(cert_manager))
    if cluster.cloud and zone:
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
    """What the component of an add-on takes beside the rest where the cluster has it already; else nothing."""
    return {"found": True, "namespace": settings.existing_addons[addon]} if addon in settings.existing_addons else {}


def storage_args(settings: Settings, cluster: Cluster) -> StorageClassesArgs:
    """What the settings say, and what the cloud knows."""
    args = settings.storage_args
    if cluster.cloud is None:
        return args
    written: dict[str, Any] = {**(args.get("parameters") or {})}
    known = {
        purpose: {**(written.get(purpose) or {}), **more} for purpose, more in cluster.cloud.storage_parameters.items()
    }
    return {**args, "parameters": {**written, **known}}


def _declare_accelerator_software(
    settings: Settings, source: ChartSource, pools: list[PoolHandle], cluster: Cluster, crds: Crds
) -> None:
    """What turns devices into something that pods can ask for: to each pool, only what nobody else brings."""
    takes = {"pools": pools, "source": source, "network": settings.network}
    watched = {**takes, "monitoring_namespace": settings.monitoring_namespace}
    discovery: list[NodeFeatureDiscovery] = []
    if ExistingAddon.NODE_FEATURE_DISCOVERY not in settings.existing_addons:
        available = {"highly_available": settings.environment.highly_available}
        opts = cluster.opts(crds, *cluster.nodes)
        discovery = [NodeFeatureDiscovery("node-feature-discovery", {**watched, **available}, opts)]  # type: ignore[typeddict-item]
    labelled, ready = cluster.opts(*discovery), cluster.opts(crds, *discovery)
    nvidia = settings.nvidia
    driver = {"driver_root": GKE_DRIVER_ROOT} if settings.cluster.kind == ClusterKind.GKE else nvidia.of("driver_root")
    for chart in accelerator_charts(pools):
        if chart in settings.existing_addons:
            continue
        match chart:
            case "nvidia-device-plugin":
                plugin_args = {**takes, **nvidia.of("runtime_class", "driver_root")}
                NvidiaDevicePlugin("device-plugin", plugin_args, labelled)  # type: ignore[arg-type]
            case "dcgm-exporter":
                exporter_args = {**watched, **driver, **nvidia.of("runtime_class", "profiling")}
                DcgmExporter("dcgm-exporter", exporter_args, ready)  # type: ignore[arg-type]
            case "gpu-operator":
                operator_args = {**watched, **nvidia.of("driver_version", "toolkit_environment")}
                GpuOperator("gpu-operator", {**operator_args, "node_feature_discovery": False}, ready)  # type: ignore[typeddict-item]
            case "dra-driver-nvidia-gpu":
                dra_args = {**watched, **driver, **nvidia.of("compute_domains")}
                NvidiaDraDriver("dra-driver", dra_args, ready)  # type: ignore[arg-type]
            case "aws-efa-k8s-device-plugin":
                efa: EfaDevicePluginArgs = {"pools": pools, "source": source}
                if isinstance(settings.cluster, EksCluster) and settings.cluster.efa_image_repository:
                    efa["image_repository"] = settings.cluster.efa_image_repository
                EfaDevicePlugin("efa-device-plugin", efa, labelled)
    for name, plugin in {**vendor_plugins(pools), **device_plugins(settings, pools)}.items():
        DevicePlugin(name, {**plugin, "network": settings.network}, labelled)


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


def declare_ground(settings: Settings, cluster: Cluster, source: ChartSource, crds: Crds) -> None:
    """What a cloud would have, on a cluster without one: addresses for load balancers, drivers for volumes."""
    given = settings.cluster
    if not isinstance(given, ExistingCluster):
        return
    pools = list(cluster.pools.values())
    if given.metallb:
        MetalLb(
            "metallb",
            {
                **given.metallb,  # type: ignore[typeddict-item]
                "source": source,
                "pools": pools,
                "monitoring_namespace": settings.monitoring_namespace,
                "network": settings.network,
            },
            cluster.opts(crds),
        )
    if given.nfs and ExistingAddon.CSI_DRIVER_NFS not in given.existing_addons:
        available = settings.environment.highly_available
        nfs = cast(NfsStorageArgs, given.nfs)
        NfsStorage("nfs-storage", {**nfs, "source": source, "highly_available": available}, cluster.opts())
    if given.local_path:
        paths = cast(LocalPathStorageArgs, given.local_path)
        LocalPathStorage("local-path-storage", {**paths, "pools": pools, "network": settings.network}, cluster.opts())


def monitoring_args(
    settings: Settings, source: ChartSource, storage: StorageClasses, gateway: GatewayHandle, pools: list[Any]
) -> MonitoringArgs:
    """What monitoring takes: settings, and what the rest of the platform is."""
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
        "node_exporter": not on_autopilot(settings) and ExistingAddon.NODE_EXPORTER not in settings.existing_addons,
        "kube_system": not on_autopilot(settings),
        "network": settings.network,
        **({"operator": False} if ExistingAddon.PROMETHEUS_OPERATOR in settings.existing_addons else {}),
        # Nothing answers webhooks in a simulated cluster.
        "rule_webhook": settings.cluster.kind != ClusterKind.SIMULATED,
        "gateway": gateway,
        "grafana_domain": settings.domains[0]["name"],
    }


FOUND_METRICS_PORTS: dict[ExistingAddon, int] = {
    ExistingAddon.CERT_MANAGER: cert_manager_module.METRICS_PORT,
    ExistingAddon.CLOUDNATIVE_PG: cloudnative_pg.METRICS_PORT,
    ExistingAddon.DCGM_EXPORTER: dcgm_exporter.METRICS_PORT,
    ExistingAddon.KSERVE: kserve.METRICS_PORT,
    ExistingAddon.NODE_EXPORTER: NODE_EXPORTER_PORT,
    ExistingAddon.NODE_FEATURE_DISCOVERY: node_feature_discovery.METRICS_PORT,
    ExistingAddon.PROMETHEUS_OPERATOR: OPERATOR_PORT,
}
"""Add-on -> the port of its metrics: their namespaces are not the platform's, so they open nothing to Prometheus by
themselves, and Prometheus' own egress names the port."""


def more_scraped_ports(settings: Settings) -> list[int]:
    """Ports outside of the platform's namespaces: those that settings name, of found add-ons, of MetalLB, of workloads.
    Pure."""
    written = settings.monitoring_args.get("more_scraped_ports") or []
    ports = {port for addon, port in FOUND_METRICS_PORTS.items() if addon in settings.existing_addons}
    if isinstance(settings.cluster, ExistingCluster) and settings.cluster.metallb:
        ports.add(metallb.METRICS_PORT)
    ports |= {port for kind in settings.kinds for port in kind.scraped_ports(settings)}
    return [*written, *sorted(ports - {*written})]
