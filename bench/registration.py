"""Cost of our components against a bare program that registers the same resources: `python bench/registration.py`.

Both run against the recording engine of the unit tests, in turn, in one process, so that only Python is measured: no
engine, no provider, no API server. Ours has what `stacks/__main__.py` sets before it, the bare one Python's defaults.
Prints the median of each and their ratios; asserts nothing.
"""

import gc
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pulumi
import pulumi_kubernetes

sys.path.insert(0, str(Path(__file__).parents[1]))

from settings.reader import from_file
from stacks import addons, data, tenants, workloads
from stacks.cluster import DeclaredCluster, cloud_of
from stacks.sdk import GC_THRESHOLDS
from tests.recorder import Recording, record

ROUNDS = 7
SETTINGS = Path(__file__).parents[1] / "Pulumi.dev.yaml"


def ours() -> None:
    """The dev environment by its components; settings are read again in each round."""
    settings = from_file(SETTINGS.read_text(encoding="utf-8"))
    on = DeclaredCluster(pulumi_kubernetes.Provider("cluster"), dict(settings.pools), [], cloud_of(settings))
    platform = addons.declare_addons(settings, on, addons.declare_crds(settings, on))
    stores = data.declare_data(settings, on, platform)
    teams = tenants.declare_tenants(settings, on, platform, stores)
    workloads.declare_workloads(settings, on, platform, stores, teams)


def bare(recording: Recording) -> Callable[[], None]:
    """The same types, names and inputs, each registered with the plainest SDK class, directly below the stack."""
    plain = [(r.type, r.name, r.inputs) for r in recording.resources]

    def program() -> None:
        for kind, name, inputs in plain:
            known: dict[str, Any] = {key: value for key, value in inputs.items() if value is not None}
            if kind.startswith("mlplatform:"):
                pulumi.ComponentResource(kind, name, known)
            else:
                pulumi.CustomResource(kind, name, known)

    return program


def linked(recording: Recording) -> Callable[[], None]:
    """The bare program with the same parents and dependencies: what the SDK takes for those is not our code's cost."""

    def program() -> None:
        declared: dict[str, pulumi.Resource] = {}
        for one in recording.resources:
            known: dict[str, Any] = {key: value for key, value in one.inputs.items() if value is not None}
            opts = pulumi.ResourceOptions(
                parent=declared.get(one.parent),
                depends_on=[declared[urn] for urn in one.dependencies if urn in declared],
            )
            if one.type.startswith("mlplatform:"):
                component = pulumi.ComponentResource(one.type, one.name, known, opts)
                component.register_outputs({})
                declared[one.urn] = component
            else:
                declared[one.urn] = pulumi.CustomResource(one.type, one.name, known, opts)

    return program


class Costs(NamedTuple):
    """Medians of all rounds."""

    resources: int
    ours: float
    """CPU seconds."""
    bare: float
    linked: float
    ratio: float
    """To bare."""
    ratio_linked: float


def seconds(program: Callable[[], None], thresholds: tuple[int, int, int]) -> float:
    """CPU seconds of one run, with these thresholds of the garbage collector."""
    gc.collect()
    gc.set_threshold(*thresholds)
    start = time.process_time()
    record(program)
    return time.process_time() - start


def measured() -> Costs:
    """Measure in turn: ours, bare, linked, and again."""
    usual = gc.get_threshold()
    recording = record(ours)
    same, joined = bare(recording), linked(recording)
    record(same)
    record(joined)
    rounds = [(seconds(ours, GC_THRESHOLDS), seconds(same, usual), seconds(joined, usual)) for _ in range(ROUNDS)]
    return Costs(
        len(recording.resources),
        *(statistics.median(column) for column in zip(*rounds, strict=True)),
        statistics.median(a / b for a, b, _ in rounds),
        statistics.median(a / c for a, _, c in rounds),
    )


def main() -> None:
    """Print them."""
    costs = measured()
    print(f"resources  {costs.resources}")
    for name in ("ours", "bare", "linked"):
        median = getattr(costs, name)
        print(f"{name:10} {median:.3f} s CPU   {1000 * median / costs.resources:.2f} ms each")
    print(f"ratio      {costs.ratio:.2f}   to bare (median of {ROUNDS} rounds)")
    print(f"ratio      {costs.ratio_linked:.2f}   to linked: same parents and dependencies")


if __name__ == "__main__":
    main()
