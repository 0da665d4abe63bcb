"""One complete set of arguments for every component: what the contract test and the schema test start from."""

from dataclasses import dataclass, field
from typing import Any

from components.catalog import Purchase, Sharing
from components.charts import AddonChart, ChartOrigin, ChartSource
from components.component import Component
from components.namespaces import Direction, IsolatedNamespace, PodSecurity, TrafficRuleArgs
from components.node_pools.simulated import SimulatedNodePool

BUNDLED = ChartSource(origin=ChartOrigin.BUNDLED, location="simulator")
ABSENT = object()
"""As the value of a variant: leave the field out."""


@dataclass(frozen=True)
class Case:
    """A component with (nearly) every field given, and what to give instead where a change by type is not accepted.

    The contract test changes one field at a time: text gets longer, numbers grow, enumerations take their next member,
    lists lose or gain an element, dicts a value. `variants` says what to do instead for a field: other arguments to lay
    over `args`, that field among them.
    """

    component: type[Component]
    args: dict[str, Any]
    variants: dict[str, dict[str, Any]] = field(default_factory=dict)
    refused: dict[str, Any] = field(default_factory=dict)
    """Laid over `args`: what it refuses. Empty: it has no rule of its own."""
    second: dict[str, Any] = field(default_factory=dict)
    """Laid over `args` for a second instance beside the first, where object names must differ."""

    @property
    def name(self) -> str:
        """The class's name."""
        return self.component.__name__


_POOL = {
    "accelerator": "A100-80GB",
    "devices_per_node": 4,
    "sharing": {"strategy": Sharing.TIME_SLICING, "replicas": 4},
    "nodes_min": 0,
    "nodes_max": 2,
    "purchase": Purchase.ON_DEMAND,
    "cpu_per_node": 96,
    "memory_gib_per_node": 512,
    "labels": {"rack": "a"},
    "taints": [{"key": "team", "value": "vision", "effect": "NoSchedule"}],
}
_FPGA = {
    "name": "FPGA",
    "resource_name": "fpga.example.com/u250",
    "memory_gib": 64,
    "node_labels": {"example.com/fpga": "u250"},
    "taint_key": "example.com/fpga",
}

CASES = [
    Case(
        SimulatedNodePool,
        _POOL,
        variants={
            "accelerator": {"accelerator": "H100"},
            "purchase": {"purchase": Purchase.SPOT},
            "custom_accelerator": {"accelerator": ABSENT, "sharing": ABSENT, "custom_accelerator": _FPGA},
            "topology": {
                "accelerator": "TPU-v5e",
                "devices_per_node": ABSENT,
                "sharing": ABSENT,
                "nodes_max": 4,
                "topology": "4x4",
            },
            "sharing": {"sharing": {"strategy": Sharing.MIG, "mig_profiles": {"1g.10gb": 7}}},
        },
        refused={"accelerator": "H1000"},
    ),
    Case(
        IsolatedNamespace,
        {
            "namespace": "vision",
            "pod_security": PodSecurity.RESTRICTED,
            "exceptions": [
                TrafficRuleArgs(name="web", direction=Direction.INGRESS, peer_namespace="gateway", ports=[80])
            ],
            "labels": {"team": "vision"},
            "annotations": {"owner": "a"},
        },
        second={"namespace": "speech"},
    ),
    Case(
        AddonChart,
        {"chart": "cert-manager", "namespace": "cert-manager", "values": {"replicaCount": 1}, "source": BUNDLED},
        variants={
            "chart": {"chart": "nvidia-device-plugin"},
            "source": {"source": ChartSource(origin=ChartOrigin.UPSTREAM, location="")},
        },
    ),
]
