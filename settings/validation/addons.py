"""Add-ons: what the cluster has already, what each is given, and the software for devices."""

from collections.abc import Iterator
from typing import Any

from catalog.addons import ExistingAddon
from components.addons.accelerator_nodes import accelerator_charts, custom_plugin_pools, exporter_pools, operator_pools
from components.addons.accelerator_validation import check_device_plugin, check_gpu_operator
from components.addons.gateway_spec import GatewaySpec, domain_facts, is_envoy, is_public
from components.addons.validation import (
    check_acme,
    check_gateway,
    check_gateway_names,
    check_http_challenges,
)
from components.base.destinations import check_ranges
from components.base.grammar import (
    ENVIRONMENT_NAME,
    EXTENDED_RESOURCE,
    HOST_PATH,
    LABEL,
    LINE,
    check_keys,
    check_text,
)
from components.base.names import check_object_name
from components.clouds.existing.inspection import left_out
from components.findings import Finding, camel
from components.monitoring.validation import check_alert_rules, check_monitoring
from components.storage.plan import StoragePurpose
from components.workloads.serving.runtime_validation import check_runtimes
from settings.models.platform import NVIDIA_KEYS, Nvidia
from settings.partial import as_far_as_known
from settings.published import served_domains
from settings.settings import Settings
from settings.validation.namespaces import made_namespaces
from settings.validation.remedies import correct


@as_far_as_known
def check_existing_addons(settings: Settings) -> Iterator[Finding]:
    """What the cluster has already: only what would be installed otherwise, in a namespace that stays its owner's."""
    would_install = {
        ExistingAddon.CSI_DRIVER_NFS: ("csi-driver-nfs" in settings.cluster.charts, "cluster.nfs"),
        ExistingAddon.DCGM_EXPORTER: (
            bool(exporter_pools([*settings.pools.values()])),
            "NVIDIA pools that the GPU Operator does not serve",
        ),
    }
    made = made_namespaces(settings)
    for addon, namespace in settings.existing_addons.items():
        path = f"cluster.existingAddons.{addon}"
        yield from check_object_name(path, namespace)
        wanted, by = would_install.get(addon, (True, ""))
        if not wanted:
            yield Finding(
                path, namespace, f"what the platform would install otherwise; this only for {by}", "remove it"
            )
        if namespace in made:
            yield Finding(
                path,
                namespace,
                f"the platform makes this namespace for {made[namespace]}, closes it, and deletes it when it goes",
                f"give {made[namespace]} another one where it has a setting for it (monitoring.namespace, "
                "gateway.namespace), else install the add-on elsewhere",
            )
    sets = sorted(settings.needed_crds - left_out(settings.existing_addons, ()))
    for index, name in enumerate(settings.cluster.present_crds):
        if name not in sets:
            rule = f"a set that the platform would install otherwise: {', '.join(sets)}"
            yield Finding(f"cluster.existingCrds[{index}]", name, rule, correct(name, sets))


@as_far_as_known
def check_exposure(settings: Settings) -> Iterator[Finding]:
    if settings.acme:
        yield from check_acme("acme", settings.acme.email, settings.acme.server)
    written = settings.gateway or GatewaySpec()
    yield from check_gateway(
        "gateway",
        [domain_facts(domain) for domain in served_domains(settings, settings.proved_zone)],
        has_acme=settings.acme is not None,
        dns_zone=settings.proved_zone,
        needs_class=not is_envoy(written) and not written.get("class_name"),
    )
    yield from check_gateway_names("gateway", written)
    wrong = [*check_ranges("gateway.clientRanges", written.get("client_ranges") or [])]
    yield from wrong
    yield from check_ranges("gateway.proxyRanges", written.get("proxy_ranges") or [])
    if settings.acme and is_envoy(written) and not wrong and not is_public(written):
        domains, ranges = [domain_facts(domain) for domain in settings.domains], written.get("client_ranges") or []
        yield from check_http_challenges("gateway", domains, settings.acme.server, settings.proved_zone, ranges)
    if is_envoy(written):
        annotations = written.get("service_annotations") or {}
        yield from settings.cluster.check_gateway_annotations("gateway.serviceAnnotations", annotations)


@as_far_as_known
def check_prometheus(settings: Settings) -> Iterator[Finding]:
    standard = settings.storage_handles.get(StoragePurpose.STANDARD)
    known: dict[str, Any] = {
        "cluster_kind": settings.cluster.kind,
        # A class that Prometheus cannot use is reported with the storage classes.
        "storage": {"access_modes": ["ReadWriteOnce"], "class_name": standard["class_name"] if standard else ""},
    }
    yield from check_monitoring("monitoring", {**settings.monitoring_args, **known})


@as_far_as_known
def check_alerts(settings: Settings) -> Iterator[Finding]:
    yield from check_alert_rules("alerts", settings.alerts)


@as_far_as_known
def check_serving(settings: Settings) -> Iterator[Finding]:
    yield from check_runtimes("servingRuntimes", settings.serving_runtimes)


@as_far_as_known
def check_nvidia(settings: Settings) -> Iterator[Finding]:
    """What is said of software that is not installed here would reach nothing."""
    installed = {*accelerator_charts([*settings.pools.values()])} - {str(addon) for addon in settings.existing_addons}
    for key in settings.nvidia.of(*Nvidia.model_fields):
        path, charts = f"nvidia.{camel(key)}", [chart for chart, keys in NVIDIA_KEYS.items() if key in keys]
        if not installed & {*charts}:
            rule = f"for {' and '.join(charts)}, of which the pools of this cluster get none from the platform"
            yield Finding(path, "(given)", rule, "remove it")
        elif any(key in settings.cluster.chart_arguments(chart) for chart in charts):
            rule = f"on {settings.cluster.kind.upper()} the platform knows it"
            yield Finding(path, str(getattr(settings.nvidia, key) or "(empty)"), rule, "remove it")


@as_far_as_known
def check_device_software(settings: Settings) -> Iterator[Finding]:
    """Names, paths and variables of the software for devices."""
    nvidia = settings.nvidia
    for key, text, grammar in (
        ("runtimeClass", nvidia.runtime_class, LABEL),
        ("driverRoot", nvidia.driver_root, HOST_PATH),
        ("driverVersion", nvidia.driver_version, LINE),
    ):
        yield from check_text(f"nvidia.{key}", text, grammar) if text is not None else ()
    yield from check_keys("nvidia.toolkitEnvironment", nvidia.toolkit_environment or {}, ENVIRONMENT_NAME)


@as_far_as_known
def check_device_plugins(settings: Settings, *, has_all_pools: bool) -> Iterator[Finding]:
    for name, plugin in settings.device_plugins.items():
        path, resource = f"devicePlugins.{name}", plugin["resource_name"]
        theirs = custom_plugin_pools(list(settings.pools.values()), resource)
        if has_all_pools and not theirs and EXTENDED_RESOURCE.accepts(resource):
            yield Finding(
                f"{path}.resourceName",
                resource,
                "the resource of a customAccelerator, on a pool to which the platform brings the device plugin",
                "give the pool a customAccelerator with that resourceName",
            )
        yield from check_device_plugin(path, plugin)
        yield from check_object_name(f"{path}.namespace", settings.plugin_namespace(name))


@as_far_as_known
def check_operator_pools(settings: Settings) -> Iterator[Finding]:
    pools = [*settings.pools.values()]
    if operator_pools(pools) and "gpu-operator" not in settings.existing_addons:
        yield from check_gpu_operator("cluster", pools)
