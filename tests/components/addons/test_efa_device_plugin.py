"""What EfaDevicePlugin registers. Not proved here: that a program reaches the interfaces."""

import pytest

from catalog.accelerators import ClusterKind
from components.addons.efa_device_plugin import EfaDevicePlugin, EfaDevicePluginArgs
from components.capacity.placement import PoolArgs, plan_pool
from components.findings import Refused
from tests.components.addons.pools import CPU, H100, STUB
from tests.recorder import Recording, record

FAST = plan_pool(
    "fast", PoolArgs(accelerator="H100", nodes_max=2), ClusterKind.EKS, fabric={"vpc.amazonaws.com/efa": 32}
)[0]


def plugin(**changes: object) -> Recording:
    args: EfaDevicePluginArgs = {"pools": [FAST, H100, CPU], "source": STUB, **changes}  # type: ignore[typeddict-item]
    return record(lambda: EfaDevicePlugin("efa", args) and None)


def test_it_is_a_chart_in_a_namespace_without_traffic() -> None:
    assert plugin().kinds() == [
        "AddonChart efa-chart",
        "Chart efa-chart-chart",
        "EfaDevicePlugin efa",
        "IsolatedNamespace efa-namespace",
        "Namespace efa-namespace-namespace",
        "NetworkPolicy efa-namespace-allow-dns",
        "NetworkPolicy efa-namespace-default-deny",
    ]


def test_it_runs_on_the_pools_with_such_interfaces_whatever_their_machines_are_called() -> None:
    values = plugin().one("Chart").inputs["values"]
    assert values["supportedInstanceLabels"] == {"keys": ["mlplatform.dev/pool"], "values": ["fast"]}
    assert [one["key"] for one in values["tolerations"]] == ["nvidia.com/gpu"]
    assert "repository" not in values["image"]


def test_without_such_a_pool_it_is_refused() -> None:
    with pytest.raises(Refused, match="no pool with EFA"):
        plugin(pools=[H100])
