"""What NvidiaDraDriver registers. Not proved here: that the driver publishes devices, or that a claim gets one."""

import pytest

from catalog.accelerators import ClusterKind, DeviceAllocation, Owner
from components.addons.accelerator_nodes import platform_plugin_pools
from components.addons.nvidia_dra_driver import NvidiaDraDriver, NvidiaDraDriverArgs
from components.capacity.placement import NodeSoftware, PoolArgs, plan_pool
from components.findings import Refused
from tests.components.addons.pools import CPU, H100, STUB
from tests.recorder import Recording, record

SOFTWARE = NodeSoftware(driver=Owner.FOUND, device_plugin=Owner.PLATFORM, device_allocation=DeviceAllocation.DRA)
CLAIMED = plan_pool("claimed", PoolArgs(accelerator="H100", nodes_max=1), ClusterKind.EXISTING, SOFTWARE)[0]


def driver(**changes: object) -> Recording:
    args: NvidiaDraDriverArgs = {"pools": [CLAIMED, H100, CPU], "source": STUB, **changes}  # type: ignore[typeddict-item]
    return record(lambda: NvidiaDraDriver("claims", args) and None)


def test_it_is_a_chart_in_a_namespace_of_its_own() -> None:
    assert driver().kinds() == [
        "AddonChart claims-chart",
        "Chart claims-chart-chart",
        "IsolatedNamespace claims-namespace",
        "Namespace claims-namespace-namespace",
        "NetworkPolicy claims-namespace-allow-api-server",
        "NetworkPolicy claims-namespace-allow-dns",
        "NetworkPolicy claims-namespace-default-deny",
        "NvidiaDraDriver claims",
    ]


def test_it_runs_on_pools_with_dra_alone_and_the_device_plugin_on_the_others() -> None:
    values = driver().one("Chart").inputs["values"]
    required = values["kubeletPlugin"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert required["nodeSelectorTerms"][0]["matchExpressions"][0]["values"] == ["claimed"]
    assert platform_plugin_pools([CLAIMED, H100, CPU]) == [H100]
    assert values["gpuResourcesEnabledOverride"] is True


def test_memory_shared_between_nodes_is_asked_for() -> None:
    assert driver().one("Chart").inputs["values"]["resources"]["computeDomains"] == {"enabled": False}
    assert driver(compute_domains=True).one("Chart").inputs["values"]["resources"]["computeDomains"] == {
        "enabled": True
    }


def test_without_a_pool_with_dra_it_is_refused() -> None:
    with pytest.raises(Refused, match="no pool with NVIDIA devices"):
        driver(pools=[H100, CPU])
