"""The facts of one chart, from the chart itself and the values that our code sets."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from pathlib import Path as File
from typing import Any

from catalog.upstream import ChartFacts
from catalog.upstream.objects import CrdFacts, ObjectFacts, crd_facts, object_facts
from catalog.upstream.paths import Path, flat, found, leaves, shape, without, written
from tools.errors import ToolError
from tools.pins import KUBERNETES_VERSION
from tools.upstream.charts import ChartFolder, default_values, documents, laid_over
from tools.upstream.render import HOOK, Helm

ALL_CRDS: dict[str, dict[str, Any]] = {"cert-manager": {"crds": {"enabled": True}}}
"""Values that make a chart render CRDs that it omits by default."""

LEAST: dict[str, dict[str, Any]] = {
    "karpenter": {"settings": {"clusterName": "a-cluster"}},
    "nvidia-device-plugin": {"namespaceOverride": "devices"},
    "dra-driver-nvidia-gpu": {"gpuResourcesEnabledOverride": True},
}
"""Values without which a chart renders nothing at all."""

_RANDOM = re.compile(r"[A-Za-z0-9+/=]{40,}")


class Effect(str, Enum):
    """What a value that we set changes in the rendered objects."""

    CHANGES = "changes"
    DEFAULT = "default"
    """It equals the chart's default."""
    HOOK = "hook"
    """Objects that only hooks make."""
    CRDS = "crds"
    """CRDs, which the platform installs before the chart."""
    NOTHING = "nothing"

    __str__ = str.__str__


@dataclass(frozen=True)
class Case:
    """The values of one chart from one place of our code."""

    name: str
    namespace: str
    values: Mapping[str, Any]


def facts_of(
    helm: Helm, chart: ChartFolder, cases: Sequence[Case], crds: Iterable[CrdFacts], source: str, date: str
) -> ChartFacts:
    """All facts of a chart. Deterministic: random values of templates do not appear in them."""
    defaults = default_values(chart.path)
    rendered = {case.name: documents(_plain(helm, chart, case)) for case in cases}
    return {
        "chart": chart.name,
        "version": chart.version,
        "app_version": chart.app_version,
        "source": source,
        "date": date,
        "kubernetes": KUBERNETES_VERSION,
        "cases": {case.name: case.namespace for case in cases},
        "crds": sorted(crds, key=lambda one: one["name"]),
        "hooks": sorted({hook for case in cases for hook in _hooks(helm, chart, case)}),
        "set": effects(helm, chart, cases, defaults),
        "objects": merged({case.name: _objects(rendered[case.name], case.namespace) for case in cases}),
        "values": {written(path): default for path, default in sorted(flat(defaults))},
    }


def crds_of(helm: Helm, chart: ChartFolder) -> list[CrdFacts]:
    """The CRDs of a chart, in its folder or in templates."""
    values = laid_over(LEAST.get(chart.name, {}), ALL_CRDS.get(chart.name, {}))
    text = helm.render(chart.path, chart.name, chart.name, values, "--include-crds", "--skip-schema-validation")
    return [crd_facts(one, chart.name) for one in documents(text) if one["kind"] == "CustomResourceDefinition"]


def merged(by_case: Mapping[str, list[ObjectFacts]]) -> list[ObjectFacts]:
    """Each different object once, with the cases that render it; sorted."""
    rows: dict[str, tuple[ObjectFacts, list[str]]] = {}
    for case, objects in by_case.items():
        for one in objects:
            rows.setdefault(repr(sorted(one.items())), (one, []))[1].append(case)
    everywhere = sorted(by_case)
    result: list[ObjectFacts] = []
    for one, cases in rows.values():
        result.append(one if sorted(cases) == everywhere else {**one, "cases": sorted(cases)})
    return sorted(result, key=lambda one: (one["kind"], one["name"], one.get("cases", [])))


def effects(helm: Helm, chart: ChartFolder, cases: Sequence[Case], defaults: Mapping[str, Any]) -> dict[str, str]:
    """The effect of each value that we set: does rendering without it differ? Each shape is tried once."""
    probes = {
        f"{written(path)} = {shape(value)}": (case, path)
        for case in reversed(cases)
        for path, value in leaves(case.values)
    }
    whole = {case.name: _plain(helm, chart, case) for case in cases}
    drawn = any(whole[case.name] != _plain(helm, chart, case) for case in cases)
    comparable = _without_random if drawn else str

    def tried(probe: tuple[Case, Path]) -> Effect:
        case, path = probe
        if found(defaults, path) == found(case.values, path):
            return Effect.DEFAULT
        return _effect(helm, chart, case, path, whole[case.name], comparable)

    with ThreadPoolExecutor(2) as pool:
        return dict(sorted(zip(probes, map(str, pool.map(tried, probes.values())), strict=True)))


def _effect(
    helm: Helm, chart: ChartFolder, case: Case, path: Path, whole: str, comparable: Callable[[str], str]
) -> Effect:
    less = Case(case.name, case.namespace, without(case.values, path))
    if comparable(whole) != comparable(_attempt(helm, chart, less)):
        return Effect.CHANGES
    for effect, option in ((Effect.HOOK, "--skip-crds"), (Effect.CRDS, "--include-crds")):
        before, after = (comparable(_attempt(helm, chart, one, option)) for one in (case, less))
        if before != after:
            return effect
    return Effect.NOTHING


def _plain(helm: Helm, chart: ChartFolder, case: Case) -> str:
    """As the provider renders it."""
    return helm.render(chart.path, chart.name, case.namespace, case.values, "--skip-crds", "--no-hooks")


def _attempt(helm: Helm, chart: ChartFolder, case: Case, *options: str) -> str:
    """An error is a result too: without the value the chart cannot be rendered."""
    try:
        if options:
            return helm.render(chart.path, chart.name, case.namespace, case.values, *options)
        return _plain(helm, chart, case)
    except ToolError as refused:
        return f"refused: {refused}"


def _without_random(text: str) -> str:
    """Without random values of templates: keys, certificates and passwords, in base64."""
    return _RANDOM.sub("(random)", text)


def _hooks(helm: Helm, chart: ChartFolder, case: Case) -> Iterator[str]:
    text = helm.render(chart.path, chart.name, case.namespace, case.values, "--skip-crds")
    for one in documents(text):
        if HOOK in (one["metadata"].get("annotations") or {}):
            yield f"{one['kind']} {one['metadata']['name']}"


def _objects(manifests: Iterable[dict[str, Any]], namespace: str) -> list[ObjectFacts]:
    return [object_facts(one, namespace) for one in flattened(manifests)]


def flattened(manifests: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The objects, with the items of each `List`."""
    for one in manifests:
        if one["kind"].endswith("List") and "items" in one:
            yield from one["items"]
        else:
            yield one


def chart_path(folder: File, name: str, version: str) -> File | None:
    """`<name>-<version>` or `<name>-<version>.tgz` in a folder, with or without a `v` before the version."""
    plain = version.removeprefix("v")
    for spelled in (version, plain, f"v{plain}"):
        for place in (folder / f"{name}-{spelled}", folder / f"{name}-{spelled}.tgz"):
            if place.exists():
                return place
    return None
