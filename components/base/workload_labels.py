"""Labels and environment that all workloads of teams share. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from components.base.labels import LABELS, NAME_LABEL, ROLE_LABEL, TEAM_LABEL, Role
from components.base.pods import Mounted, environment, scratch

NO_AWAIT = {"pulumi.com/skipAwait": "true"}
"""For objects that are never ready by design: `up` does not wait for them."""


def workload_labels(name: str, team: str, role: Role) -> dict[str, str]:
    """Labels of everything that belongs to one workload."""
    return {**LABELS, NAME_LABEL: name, ROLE_LABEL: role.value, TEAM_LABEL: team}


def temporary_files(size_gib: int) -> Mounted:
    """Space for temporary files, also with a read-only root."""
    return scratch("tmp", "/tmp", int(size_gib) * 1024)  # noqa: S108 - a volume of the pod's own


HOME = {"HOME": "/tmp"}  # noqa: S108 - the user has no home in the image, and caches are below $HOME


def container_environment(
    defaults: Mapping[str, Any], references: Sequence[Mapping[str, Any]], own: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """For a container's `env`: `own` overrides `references` (from Secrets or the pod), and these override
    `defaults`."""
    taken = {*own, *(reference["name"] for reference in references)}
    named = environment({**{name: value for name, value in defaults.items() if name not in taken}, **own})
    return [*named, *(dict(reference) for reference in references if reference["name"] not in own)]


def environment_from(secrets: Sequence[str]) -> list[dict[str, Any]]:
    """For a container's `envFrom`: every key of these Secrets."""
    return [{"secretRef": {"name": name}} for name in secrets]


def pod_selector(name: str, role: Role) -> dict[str, str]:
    """The labels with which selectors select the pods of one workload. Selectors are immutable: do not add labels."""
    return {NAME_LABEL: name, ROLE_LABEL: role.value}
