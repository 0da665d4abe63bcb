"""Pools as add-ons see them, for the tests of this folder."""

from catalog.accelerators import ClusterKind, Purchase, Sharing
from components.base.chart_source import ChartOrigin, ChartSource
from components.capacity.placement import PoolArgs, PoolHandle, plan_pool

STUB = ChartSource(origin=ChartOrigin.STUB, location="/mirror")


def pool(name: str, args: PoolArgs) -> PoolHandle:
    """The handle of a simulated pool."""
    return plan_pool(name, args, ClusterKind.SIMULATED)[0]


CPU = pool("cpu", PoolArgs(nodes_max=2))
H100 = pool("h100", PoolArgs(accelerator="H100", nodes_max=2))
L4 = pool(
    "l4",
    PoolArgs(
        accelerator="L4",
        nodes_max=3,
        sharing={"strategy": Sharing.TIME_SLICING, "replicas": 4},
        purchase=Purchase.SPOT,
    ),
)
T4 = pool("t4", PoolArgs(accelerator="T4", nodes_max=1, sharing={"strategy": Sharing.MPS, "replicas": 8}))
MIG = pool(
    "mig",
    PoolArgs(accelerator="A100-40GB", nodes_max=1, sharing={"strategy": Sharing.MIG, "mig_profiles": {"1g.5gb": 7}}),
)
TPU = pool("v5e", PoolArgs(accelerator="TPU-v5e", topology="2x4", nodes_max=2))
FPGA = pool(
    "fpga",
    PoolArgs(
        nodes_max=1,
        custom_accelerator={
            "name": "U250",
            "resource_name": "xilinx.com/fpga",
            "node_labels": {"example.com/fpga": "u250"},
            "taint_key": "xilinx.com/fpga",
        },
    ),
)
ALL = [CPU, H100, L4, T4, MIG, TPU, FPGA]
