"""Every rule that settings can break once their shapes are right: the rules that components hold too, all at once."""

from collections.abc import Iterator, Mapping, Set

from components.findings import Finding
from settings.partial import as_far_as_known, is_known, without
from settings.settings import Settings
from settings.validation.addons import (
    check_alerts,
    check_device_plugins,
    check_device_software,
    check_existing_addons,
    check_exposure,
    check_nvidia,
    check_operator_pools,
    check_prometheus,
    check_serving,
)
from settings.validation.charts import check_charts
from settings.validation.cluster import check_cluster
from settings.validation.data import check_mlflow, check_storage, check_store
from settings.validation.namespaces import check_namespaces
from settings.validation.pools import check_caps, findings_of_pools, without_pools
from settings.validation.workloads import check_public_names, check_tenancy, check_workload_names


def validate(settings: Settings, dropped: Mapping[str, Set[str]] = {}) -> Iterator[Finding]:
    """Findings for an environment. `dropped`: mapping -> entries that are invalid by their shape."""
    unshaped = {*dropped.get("pools", ()), *dropped.get("computeClasses", ())}
    of_pools = findings_of_pools(settings)
    for findings in (of_pools or {}).values():
        yield from findings
    broken = unshaped | {name for name, findings in (of_pools or {}).items() if findings}
    sound = without_pools(settings, broken) if of_pools is not None else without(settings, "cluster")
    yield from check_cluster(settings, sound)
    yield from check_device_software(settings)
    yield from check_charts(settings)
    yield from check_existing_addons(sound)
    yield from check_storage(settings)
    yield from check_store(settings)
    yield from check_exposure(settings)
    yield from check_prometheus(sound)
    yield from check_alerts(settings)
    yield from check_mlflow(settings)
    if not unshaped:  # one of them may bring the accelerator
        yield from check_caps(sound)
    yield from check_nvidia(sound)
    yield from check_device_plugins(sound, has_all_pools=not broken)
    if not broken:
        yield from check_operator_pools(sound)
    yield from check_namespaces(sound if is_known(sound, "cluster") else settings)
    yield from check_workload_names(settings)
    for kind in settings.kinds:
        yield from as_far_as_known(kind.findings_together)(sound if is_known(sound, "cluster") else settings)
    yield from check_public_names(settings)
    yield from check_serving(settings)
    yield from dict.fromkeys(check_tenancy(sound, dropped.get("teams", frozenset())))
