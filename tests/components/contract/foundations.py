"""What everything else is made of: charts, namespaces, simulated nodes."""

from catalog.accelerators import DeviceAllocation, Owner, Purchase, Sharing
from components.base.charts import AddonChart
from components.base.namespaces import IsolatedNamespace, PodSecurity
from components.clouds.existing.described_pool import DescribedNodePool
from components.clouds.referenced_pool import ReferencedNodePool
from components.clouds.simulated.pool import SimulatedNodePool
from tests.components.contract.case import ABSENT, Case
from tests.components.contract.traffic import RULE, rule_contexts
from tests.components.platform_handles import H100, MIG, NETWORK, SOURCE

_MIG = {"sharing": {"strategy": Sharing.MIG, "mig_profiles": {"1g.10gb": 7}}}

_POOL = {
    "accelerator": "A100-80GB",
    "devices_per_node": 4,
    "sharing": {"strategy": Sharing.TIME_SLICING, "replicas": 4},
    "nodes_min": 0,
    "nodes_max": 2,
    "purchase": Purchase.ON_DEMAND,
    "cpu_per_node": 96,
    "memory_gib_per_node": 512,
    "taints": [{"key": "team", "value": "vision", "effect": "NoSchedule"}],
}
_POOL_CONTEXTS = {
    "sharing.mig_profiles": _MIG,
    "topology": {
        "accelerator": "TPU-v5e",
        "devices_per_node": ABSENT,
        "sharing": ABSENT,
        "nodes_max": 4,
        "topology": "4x4",
    },
    "device_allocation": {"sharing": ABSENT},
    "custom_accelerator": {
        "accelerator": ABSENT,
        "sharing": ABSENT,
        "custom_accelerator": {
            "name": "FPGA",
            "resource_name": "fpga.example.com/u250",
            "node_labels": {"example.com/fpga": "u250"},
            "taint_key": "example.com/fpga",
        },
    },
}
_POOL_VARIANTS = {
    "accelerator": "H100",
    "sharing.strategy": Sharing.MPS,
    "sharing.mig_profiles": {"1g.10gb": 6},
    "topology": "2x4",
    "device_allocation": DeviceAllocation.DRA,
    "taints.0.effect": "NoExecute",
}

CASES = [
    Case(
        AddonChart,
        {"chart": "cert-manager", "namespace": "cert-manager", "values": {"replicaCount": 1}, "source": SOURCE},
        variants={"chart": "nvidia-device-plugin"},
        second={"chart": "nvidia-device-plugin"},
    ),
    Case(
        IsolatedNamespace,
        {
            "network": NETWORK,
            "namespace": "vision",
            "pod_security": PodSecurity.RESTRICTED,
            "exceptions": [RULE],
            "labels": {"team": "vision"},
            "annotations": {"owner": "a"},
        },
        contexts=rule_contexts("exceptions.0"),
        second={"namespace": "speech"},
    ),
    Case(
        SimulatedNodePool,
        {**_POOL, "labels": {"rack": "a"}},
        contexts=_POOL_CONTEXTS,
        variants=_POOL_VARIANTS,
        handed={"custom_accelerator.name": "the ledger, which counts devices by what they are called, and the report"},
        refused={"accelerator": "H1000"},
    ),
    Case(
        ReferencedNodePool,
        {"pool": H100},
        variants={"pool": MIG},
        handed={"pool": "workloads, quotas and the report: another stack makes the nodes"},
        childless="another stack makes the nodes; it is the fact that policies read",
    ),
    Case(
        DescribedNodePool,
        {
            "pool": _POOL,
            "driver": Owner.FOUND,
            "device_plugin": Owner.PLATFORM,
        },
        contexts={
            **{
                f"pool.{path}": {f"pool.{key}": value for key, value in over.items()}
                for path, over in _POOL_CONTEXTS.items()
            },
            "mig_mixed": {"pool.sharing": _MIG["sharing"], "device_plugin": Owner.FOUND, "mig_mixed": True},
        },
        variants={
            **{f"pool.{path}": value for path, value in _POOL_VARIANTS.items()},
            "pool.labels": {"rack": "a"},
            "driver": Owner.IMAGE,
            "device_plugin": Owner.OPERATOR,
            "mig_mixed": False,
        },
        handed=dict.fromkeys(
            (
                "driver",
                "device_plugin",
                "pool",
                *(
                    f"pool.{key}"
                    for key in (*_POOL, "topology", "device_allocation", "taints.0.key", "taints.0.effect")
                ),
                *(f"pool.sharing.{key}" for key in ("strategy", "replicas", "mig_profiles")),
                *(f"pool.custom_accelerator.{key}" for key in ("name", "resource_name", "node_labels", "taint_key")),
            ),
            "workloads, quotas and the report: the nodes are there already, and no object is ours",
        ),
        inert={"pool.taints.0.value": "pods tolerate a taint's key, whatever its value"},
        rules_only={
            "pool.labels": "a label here would be on no node",
            "mig_mixed": "it says something about a device plugin that others brought",
        },
        refused={"pool.accelerator": "H1000"},
        childless="the nodes are there already; it is the fact that policies read",
    ),
]
