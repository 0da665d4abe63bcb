"""Cost of our components against a bare program that registers the same resources: `python bench/registration.py`.

Both run against the recording engine of the unit tests, in turn, in one process, so that only Python is measured: no
engine, no provider, no API server. Prints the median of each and their ratio; asserts nothing.
"""

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes

sys.path.insert(0, str(Path(__file__).parents[1]))

from settings.reader import from_file
from stacks import addons, data, tenants, workloads
from stacks.cluster import DeclaredCluster, cloud_of
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


def seconds(program: Callable[[], None]) -> float:
    """CPU seconds of one run."""
    start = time.process_time()
    record(program)
    return time.process_time() - start


def main() -> None:
    """Measure in turn: ours, bare, ours, bare."""
    recording = record(ours)
    same = bare(recording)
    record(same)
    pairs = [(seconds(ours), seconds(same)) for _ in range(ROUNDS)]
    mine, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(a / b for a, b in pairs)
    count = len(recording.resources)
    print(f"resources  {count}")
    print(f"ours       {mine:.3f} s CPU   {1000 * mine / count:.2f} ms each")
    print(f"bare       {theirs:.3f} s CPU   {1000 * theirs / count:.2f} ms each")
    print(f"ratio      {ratio:.2f}   (median of {ROUNDS} pairs)")


if __name__ == "__main__":
    main()
