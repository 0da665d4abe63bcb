"""What all workloads of teams have in common: how they are labelled, and what their containers are told. Pure."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from components.base.component import LABELS
from components.base.labels import NAME_LABEL, TEAM_LABEL
from components.base.pods import Mounted, environment, scratch

ROLE_LABEL = "app.kubernetes.io/component"
"""Traffic rules of team namespaces and the metrics of workloads go by it."""

NO_AWAIT = {"pulumi.com/skipAwait": "true"}
"""For objects that are right without being ready: `up` does not wait for them."""


class Role(StrEnum):
    """What a pod of a team is there for."""

    TRAINING = "training"
    SERVING = "serving"


def workload_labels(name: str, team: str, role: Role) -> dict[str, str]:
    """Labels of everything that belongs to one workload."""
    return {**LABELS, NAME_LABEL: name, ROLE_LABEL: role.value, TEAM_LABEL: team}


def temporary_files(size_gib: int) -> Mounted:
    """Room for what programs write without being asked, on a read-only root as well."""
    return scratch("tmp", "/tmp", int(size_gib) * 1024)  # noqa: S108 - a volume of the pod's own


HOME = {"HOME": "/tmp"}  # noqa: S108 - our user has no home in the image, and caches go below $HOME


def container_environment(
    defaults: Mapping[str, Any], references: Sequence[Mapping[str, Any]], own: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """For a container's `env`: `own` wins over `references` (from Secrets or the pod), and these over `defaults`."""
    taken = {*own, *(reference["name"] for reference in references)}
    named = environment({**{name: value for name, value in defaults.items() if name not in taken}, **own})
    return [*named, *(dict(reference) for reference in references if reference["name"] not in own)]


def environment_from(secrets: Sequence[str]) -> list[dict[str, Any]]:
    """For a container's `envFrom`: every key of these Secrets."""
    return [{"secretRef": {"name": name}} for name in secrets]


def pod_selector(name: str, role: Role) -> dict[str, str]:
    """The labels by which selectors find the pods of one workload. Selectors cannot change: they stay these two."""
    return {NAME_LABEL: name, ROLE_LABEL: role.value}
