"""Rules on compute classes of GKE. Not proved: what Google itself refuses."""

from typing import Any

import pytest

from catalog.machines import MACHINES
from components.clouds.gke.compute_class_validation import check_all_within_limits, check_compute_class
from components.clouds.gke.spec import GkeMode

ZONES = ["europe-west4-a", "europe-west4-b"]


BAD_CLASSES: list[tuple[dict[str, Any], list[str]]] = [
    ({"machine": "p5.48xlarge"}, ["machine"]),
    ({"purchases": []}, ["purchases"]),
    ({"purchases": ["queued"]}, ["purchases[0]"]),
    ({"purchases": ["spot", "spot"]}, ["purchases[1]"]),
    ({"purchases": ["reserved"]}, ["reservation"]),
    ({"reservation": "mine"}, ["reservation"]),
    ({"max_run_hours": 5}, ["maxRunHours"]),
    ({"purchases": ["flex-start"], "max_run_hours": 200}, ["maxRunHours"]),
    ({"nodes_max": 0}, ["nodesMax"]),
    ({"topology": "2x4"}, ["topology"]),
    ({"machine": "ct5lp-hightpu-4t", "topology": "4x4", "nodes_max": 3, "zones": ZONES[:1]}, ["nodesMax"]),
    ({"machine": "ct5lp-hightpu-4t", "topology": "4x4", "nodes_max": 4}, ["zones"]),
    ({"machine": "n2-standard-8", "driver_version": "latest"}, ["driverVersion"]),
    ({"driver_version": "disabled"}, ["driverVersion"]),
    ({"zones": ["us-east1-b"]}, ["zones[0]"]),
    ({"machine": "a3-highgpu-1g", "purchases": ["spot", "on-demand"]}, ["purchases[1]"]),
]


@pytest.mark.parametrize(("over", "paths"), BAD_CLASSES)
def test_a_class_that_cannot_be_is_refused(over: dict[str, Any], paths: list[str]) -> None:
    spec = {"machine": "g2-standard-8", "nodes_max": 4, "purchases": ["spot"], **over}
    found = check_compute_class("class", spec, GkeMode.AUTOPILOT, None, region="europe-west4", zones=ZONES)  # type: ignore[arg-type]
    assert [f.path.removeprefix("class.") for f in found] == paths


def test_limits_hold_pools_and_classes_together_and_what_has_none_is_not_held() -> None:
    nodes = {"cpu": (MACHINES["n2-standard-8"], 4), "l4": (MACHINES["g2-standard-8"], 3)}
    enough: dict[str, Any] = {"cpu_max": 56, "memory_gib_max": 224, "accelerators_max": {"L4": 3}}
    assert list(check_all_within_limits("x", enough, nodes)) == []  # type: ignore[arg-type]
    assert list(check_all_within_limits("x", {**enough, "accelerators_max": {}}, nodes)) == []  # type: ignore[typeddict-item]
    less: dict[str, Any] = {"cpu_max": 55, "memory_gib_max": 223, "accelerators_max": {"L4": 2, "H100": 0}}
    found = list(check_all_within_limits("x", less, nodes))  # type: ignore[arg-type]
    assert [(f.path, f.remedy) for f in found] == [
        ("x.cpuMax", "raise it to 56, or lower nodesMax"),
        ("x.memoryGibMax", "raise it to 224, or lower nodesMax"),
        ("x.acceleratorsMax.L4", "raise it to 3, or lower nodesMax"),
    ]
    assert found[0].value == "55 of 56 vCPUs that pools and classes reach (cpu 32, l4 24)"
