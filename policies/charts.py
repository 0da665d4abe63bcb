"""Renders charts that a preview did not render, with helm, so that policies see their objects before creation.

The Kubernetes provider renders a chart once it can reach the cluster. The first preview of a stack that creates its
cluster has none, so the plan contains only the chart. The component `AddonChart` outputs the arguments of helm: the
same chart, from the same source, with the same values, is rendered without a cluster. Values that are not known before
`up` are replaced by a placeholder, and fields that contain it are unknown too.
"""

import json
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import yaml
from pulumi_policy import PolicyResource

from catalog.versions import API_VERSIONS
from policies.objects import UNKNOWN, PlannedObject
from policies.view import plain

ADDON_CHART = "mlplatform:index:AddonChart"
HELM_CHART = "kubernetes:helm.sh/v4:Chart"
PLACEHOLDER = "not-known-before-up"
_SECONDS = 120
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Release(NamedTuple):
    """Helm's arguments for one chart: output `release` of `AddonChart`."""

    urn: str
    name: str
    chart: str
    version: str
    repository: str
    namespace: str
    values: str
    """As JSON, with `PLACEHOLDER` for what is not known."""


class Unrendered(NamedTuple):
    """A chart whose objects no policy can check before `up`, and why."""

    urn: str
    chart: str
    reason: str


def unrendered(resources: Iterable[PolicyResource]) -> Iterator[Release | Unrendered]:
    """The charts of the plan without objects: a `Release` if helm's arguments are known."""
    listed = list(resources)
    rendered = {urn for one in listed if one.resource_type != HELM_CHART for urn in _parents(one)}
    for one in listed:
        if one.resource_type != HELM_CHART or one.urn in rendered:
            continue
        owner = one.parent
        if owner is None or owner.resource_type != ADDON_CHART:
            yield Unrendered(one.urn, one.name, "only the component AddonChart outputs the arguments of helm")
            continue
        given = plain(owner.props).get("release")
        if not isinstance(given, Mapping):
            yield Unrendered(one.urn, one.name, "the arguments of helm are not known before up")
            continue
        yield Release(
            urn=one.urn,
            name=_text(given.get("name", "")),
            chart=_text(given.get("chart", "")),
            version=_text(given.get("version", "")),
            repository=_text(given.get("repository", "")),
            namespace=_text(given.get("namespace", "")),
            values=json.dumps(_with_placeholders(given.get("values") or {}), sort_keys=True),
        )


def _parents(resource: PolicyResource) -> Iterator[str]:
    parent = resource.parent
    while parent is not None:
        yield parent.urn
        parent = parent.parent


def _text(value: Any) -> str:
    return PLACEHOLDER if value is UNKNOWN else str(value)


def _with_placeholders(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _with_placeholders(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_placeholders(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)  # the engine's numbers are floats; templates print 1.0 where 1 was meant
    return PLACEHOLDER if value is UNKNOWN else value


@lru_cache(maxsize=64)
def objects_of(release: Release) -> tuple[PlannedObject, ...] | Unrendered:
    """The objects that helm renders, without hooks, as the provider skips them; or why there are none."""
    helm = shutil.which("helm")
    if helm is None:
        return Unrendered(release.urn, release.name, "helm is not on PATH")
    command = [helm, "template", release.name, release.chart, "--namespace", release.namespace, "--skip-crds"]
    command += ["--no-hooks", "--values", "-", "--api-versions", ",".join(sorted(set(API_VERSIONS.values())))]
    command += ["--version", release.version] if release.version else []
    command += ["--repo", release.repository] if release.repository else []
    try:
        answer = subprocess.run(
            command, input=release.values, capture_output=True, text=True, check=False, timeout=_SECONDS
        )
    except subprocess.TimeoutExpired:
        return Unrendered(release.urn, release.name, f"helm did not answer within {_SECONDS} s")
    if answer.returncode:
        said = answer.stderr.strip().splitlines()
        return Unrendered(release.urn, release.name, f"helm: {said[-1][:200] if said else 'no message'}")
    bodies = [_unknown_again(one) for one in yaml.load_all(answer.stdout, Loader=_LOADER) if one]
    return tuple(_planned(release, body) for body in bodies)


def _planned(release: Release, body: dict[str, Any]) -> PlannedObject:
    metadata = body.setdefault("metadata", {})
    # As the provider does; it does not change names of objects without a namespace.
    metadata.setdefault("namespace", UNKNOWN if release.namespace == PLACEHOLDER else release.namespace)
    token = f"kubernetes:{body.get('apiVersion')}:{body.get('kind')}"
    return PlannedObject(release.urn, token, str(metadata.get("name", "")), body)


def _unknown_again(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _unknown_again(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_unknown_again(item) for item in value]
    return UNKNOWN if isinstance(value, str) and PLACEHOLDER in value else value


def rendered_objects(resources: Iterable[PolicyResource]) -> tuple[list[PlannedObject], list[Unrendered]]:
    """The objects of every chart that the preview did not render, and the charts that could not be rendered."""
    seen: list[PlannedObject] = []
    unseen: list[Unrendered] = []
    for chart in unrendered(resources):
        found = objects_of(chart) if isinstance(chart, Release) else chart
        if isinstance(found, Unrendered):
            unseen.append(found)
        else:
            seen.extend(found)
    return seen, unseen
