"""The values that our code sets in each chart: of the four stack files, and of each component's complete case.

`python -m tests.upstream.cases` prints them as JSON, which is what `python -m tools upstream` renders upstream's charts
with. Recorded with the recording engine (`tests.recorder`): no provider runs.
"""

import json
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from pulumi_kubernetes import Provider

from settings.reader import from_file
from stacks import addons, cluster, data, tenants, workloads
from stacks.cluster import DeclaredCluster, cloud_of
from tests.components.cases import CASES
from tests.components.test_contract import registered
from tests.recorder import Recording, record

REPOSITORY = Path(__file__).parents[2]
STACKS = ("dev", "prod", "gke", "onprem")


@cache
def stack(name: str) -> Recording:
    """What the environment of one stack file registers."""
    settings = from_file((REPOSITORY / f"Pulumi.{name}.yaml").read_text(encoding="utf-8"))

    def program() -> None:
        if settings.cluster.is_made:
            on = cluster.declare_cluster(settings)
        else:
            on = DeclaredCluster(Provider("cluster"), dict(settings.pools), [], cloud_of(settings))
        crds = addons.declare_crds(settings, on)
        on = cluster.with_pools(on, addons.chart_source(settings), crds)
        platform = addons.declare_addons(settings, on, crds)
        stores = data.declare_data(settings, on, platform)
        teams = tenants.declare_tenants(settings, on, platform, stores)
        workloads.declare_workloads(settings, on, platform, stores, teams)

    with (
        patch("stacks.clouds.eks.require_account"),
        patch("stacks.clouds.eks.require_quotas"),
        patch("stacks.clouds.gke.require_project", return_value="1234567890"),
        patch("stacks.clouds.gke.require_quotas"),
    ):
        return record(program)


def charts(recording: Recording, case: str) -> Iterator[dict[str, Any]]:
    """The charts among what was registered, with the namespace and the values of each."""
    for chart in recording.of("Chart"):
        yield {
            "chart": str(chart.inputs["name"]),
            "case": case,
            "namespace": str(chart.inputs["namespace"]),
            "values": chart.inputs.get("values") or {},
        }


def cases() -> list[dict[str, Any]]:
    """Every chart of every stack and of every component, with its values."""
    found = [one for name in STACKS for one in charts(stack(name), name)]
    return [*found, *(one for case in CASES for one in charts(registered(case, {}), case.name))]


if __name__ == "__main__":
    json.dump(cases(), sys.stdout, indent=1, sort_keys=True)
