"""Pools, and what names them: the part of an environment that stands on sound pools."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from catalog.accelerators import ACCELERATORS
from components.clouds.pool_validation import likely_accelerators
from components.findings import Finding
from components.tenants.spec import TeamSpec
from settings.models.base import UnknownSetting
from settings.partial import all_named, as_far_as_known, is_known
from settings.settings import Settings


def findings_of_pools(settings: Settings) -> Mapping[str, Sequence[Finding]] | None:
    """None where too little of the cluster is known."""
    try:
        return {name: [*findings] for name, findings in settings.cluster.pool_findings()}
    except UnknownSetting:
        return None


def without_pools(settings: Settings, broken: set[str]) -> Settings:
    """The settings without these pools and everything that names them, so that the rest is validated."""
    if not broken:
        return settings
    cluster = settings.cluster.without_pools(broken)
    left = {*cluster.pool_handles()} if not all_named(broken) else None

    def is_kept(pool: str) -> bool:
        return pool not in broken if left is None else pool in left

    rest: dict[str, Any] = {"cluster": cluster}
    if is_known(settings, "teams"):
        rest["teams"] = {name: {**team, "quota": _kept(team, is_kept)} for name, team in settings.teams.items()}
    for kind in settings.kinds:
        if is_known(settings, kind.field):
            rest[kind.field] = {name: one for name, one in kind.workloads(settings).items() if is_kept(one.pool)}
    return settings.model_copy(update=rest)


def _kept(team: TeamSpec, is_kept: Callable[[str], bool]) -> dict[str, int]:
    return {key: units for key, units in (team.get("quota") or {}).items() if is_kept(key.split("/")[0])}


@as_far_as_known
def check_caps(settings: Settings) -> Iterator[Finding]:
    """A cap on a misspelt accelerator would cap nothing."""
    own = [
        accelerator
        for pool in settings.pools.values()
        if (accelerator := pool["capacity"]["accelerator"]) and accelerator not in ACCELERATORS
    ]
    for name, cap in settings.environment.device_caps.items():
        if name not in ACCELERATORS and name not in own:
            close = " or ".join(likely_accelerators(name, [*ACCELERATORS, *own]))
            yield Finding(
                f"environment.deviceCaps.{name}",
                str(cap),
                f"an accelerator of the catalogue or of a pool: {', '.join([*ACCELERATORS, *own])}",
                f"did you mean {close}?" if close else "correct the name, or remove it",
            )
