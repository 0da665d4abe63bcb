"""Values that the components of device software, addresses and volumes set: the stand-in takes each, and each counts.

Only this notices a stand-in that ignores a value. What upstream's charts make of the values: `tests/upstream`.
"""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from components.addons.accelerator_nodes import dra_pools
from components.addons.efa_device_plugin import efa_values
from components.addons.gpu_operator import gpu_operator_values
from components.addons.metallb import metallb_values
from components.addons.nvidia_device_plugin import device_plugin_values
from components.addons.nvidia_dra_driver import dra_driver_values
from components.base.charts import values_of as without_none
from components.storage.nfs_storage import nfs_values
from components.storage.plan import Encryption
from simulator.charts import values_of, values_schema
from tests.components.contract.onprem import BARE, BARE_MIG, CASES, CLAIMED, EFA
from tests.components.platform_handles import H100
from tests.simulator.test_charts import NO_EFFECT, Render, merged, rendered, value_at

__all__ = ["rendered"]
ARGS = {case.name: case.args for case in CASES}
SET: dict[str, dict[str, Any]] = {
    "gpu-operator": gpu_operator_values(ARGS["GpuOperator"]),  # type: ignore[arg-type]
    "dra-driver-nvidia-gpu": dra_driver_values(dra_pools([CLAIMED]), "/run/nvidia/driver"),
    "metallb": metallb_values([H100], "example.com/local"),
    "csi-driver-nfs": nfs_values(ARGS["NfsStorage"]),  # type: ignore[arg-type]
    "aws-efa-k8s-device-plugin": efa_values([EFA], "registry.example.com/efa"),
}
LEAST: dict[str, dict[str, Any]] = {
    "gpu-operator": gpu_operator_values({"pools": [BARE], "source": ARGS["GpuOperator"]["source"]}),
    "metallb": metallb_values([]),
    "csi-driver-nfs": nfs_values(
        {"server": "a", "share": "/b", "encryption": Encryption.STORAGE_SYSTEM, "source": ARGS["MetalLb"]["source"]}
    ),
    "aws-efa-k8s-device-plugin": efa_values([EFA]),
}
SAID_ANYWAY = {
    "gpu-operator": {
        "nfd.enabled": "who brings Node Feature Discovery is said, also where it is the chart's default",
        "driver.enabled": "who brings the driver is said, also where it is the chart's default",
        "toolkit.enabled": "as the driver",
        "devicePlugin.enabled": "who brings the device plugin is said, also where it is the chart's default",
        "gfd.enabled": "as the device plugin",
        "migManager.enabled": "as the device plugin",
        "dcgmExporter.enabled": "as the device plugin",
        "dcgmExporter.serviceMonitor.enabled": "whether it is scraped is said, also where it is the chart's default",
        "driver.version": "the case names the chart's default version",
    },
    "dra-driver-nvidia-gpu": {"resources.gpus.enabled": "what the permission next to it is for"},
    "csi-driver-nfs": {
        "feature.enableFSGroupPolicy": "who may write a volume is said, also where it is the chart's default"
    },
}
"""Values that are set to the chart's default."""


def leaves(values: dict[str, Any], known: dict[str, Any], path: str = "") -> Iterator[str]:
    """The values that are set, down to where the chart's own values take them apart."""
    for name, value in values.items():
        dotted = f"{path}.{name}" if path else name
        inner = known.get(name)
        if isinstance(value, dict) and isinstance(inner, dict) and inner:
            yield from leaves(value, inner, dotted)
        else:
            yield dotted


@pytest.mark.parametrize(("chart", "values"), [*SET.items(), *LEAST.items()])
def test_every_value_is_one_that_the_chart_takes(chart: str, values: dict[str, Any]) -> None:
    errors = Draft7Validator(values_schema(chart)).iter_errors(without_none(values))
    assert [f"{'.'.join(map(str, error.absolute_path))}: {error.message}" for error in errors] == []


@pytest.mark.engine
@pytest.mark.parametrize("chart", SET)
def test_every_value_that_a_component_sets_changes_what_the_chart_renders(chart: str, rendered: Render) -> None:
    defaults, values = values_of(chart), without_none(SET[chart])
    ignored = {*NO_EFFECT.get(chart, {}), *SAID_ANYWAY.get(chart, {})}
    whole = rendered(chart, values)
    assert not whole.startswith("REFUSED"), whole
    unchanged = [
        path
        for path in leaves(values, defaults)
        if path not in ignored and rendered(chart, merged(values, path, value_at(defaults, path))) == whole
    ]
    assert unchanged == []


def test_what_is_said_anyway_is_set_and_is_the_charts_default() -> None:
    for chart, paths in SAID_ANYWAY.items():
        defaults = values_of(chart)
        assert {path: value_at(SET[chart], path) for path in paths} == {
            path: value_at(defaults, path) for path in paths
        }


def test_the_pools_of_the_case_use_mig() -> None:
    assert BARE_MIG["capacity"]["sharing"] == "mig"
    assert SET["gpu-operator"]["migManager"]["config"]["name"] == "mig-layouts"


@pytest.mark.engine
@pytest.mark.parametrize(("chart", "values"), [*SET.items(), ("nvidia-device-plugin", device_plugin_values([H100]))])
def test_pods_mount_what_they_declare(chart: str, values: dict[str, Any], rendered: Render) -> None:
    """Finds a stand-in that the API server refuses with the values of the platform, and accepts with the chart's."""
    for document in yaml.safe_load_all(rendered(chart, without_none(values))):
        pod = ((document or {}).get("spec") or {}).get("template", {}).get("spec")
        if pod:
            declared = {volume["name"] for volume in pod.get("volumes") or []}
            containers = [*(pod.get("initContainers") or []), *pod["containers"]]
            mounted = {mount["name"] for container in containers for mount in container.get("volumeMounts") or []}
            assert mounted <= declared, document["metadata"]["name"]
