"""GKE: networks, clusters, node pools, classes of nodes."""

from typing import Any

from catalog.accelerators import DeviceAllocation, Sharing
from components.clouds.gke.cluster import GkeCluster
from components.clouds.gke.compute_class import ComputeClass
from components.clouds.gke.network import GkeNetwork
from components.clouds.gke.node_pool import GkeNodePool
from components.clouds.gke.spec import ExclusionScope, GkeMode, GkePurchase, GpuDriverVersion, ReleaseChannel
from tests.components.clouds.gke.handles import AUTOPILOT, CLUSTER, NETWORK
from tests.components.contract.case import ABSENT, Case

_OTHER_CLUSTER = {**CLUSTER, "name": "other"}
_EXISTING: dict[str, Any] = {
    "network": {
        "network_id": NETWORK["network_id"],
        "subnetwork_id": NETWORK["subnetwork_id"],
        "pods_range_name": "pods",
        "services_range_name": "services",
    }
}
_TAINTS = [{"key": "acme.dev/team", "value": "vision", "effect": "NoSchedule"}]
_POOL = {
    "machine": "g2-standard-8",
    "nodes_min": 1,
    "nodes_max": 4,
    "purchase": GkePurchase.ON_DEMAND,
    "driver_version": GpuDriverVersion.LATEST,
    "zones": ["europe-west4-a"],
    "disk_gib": 300,
    "local_ssds": 1,
    "compact": True,
    "labels": {"acme.dev/tier": "a"},
    "taints": _TAINTS,
    "sharing": {"strategy": Sharing.TIME_SLICING, "replicas": 4},
}
_HOURS = {"start": "0 7 * * 1-5", "end": "0 20 * * 1-5", "time_zone": "Europe/Paris"}
_MIG = {
    "pool.machine": "a2-ultragpu-1g",
    "pool.local_ssds": ABSENT,
    "pool.sharing": {"strategy": Sharing.MIG, "mig_profiles": {"1g.10gb": 7}},
}
_SLICES = {
    "machine": "ct5lp-hightpu-4t",
    "topology": "2x4",
    "nodes_min": 0,
    "nodes_max": 4,
    "zones": ["europe-west4-b"],
}
_RESERVED = {"pool.purchase": GkePurchase.RESERVED, "pool.reservation": "l4-prod", "pool.compact": ABSENT}
_FLEX = {"pool.purchase": GkePurchase.FLEX_START, "pool.max_run_hours": 24, "pool.nodes_min": 0}

CASES = [
    Case(
        GkeNetwork,
        {
            "network": {
                "pods_range_name": "pods",
                "services_range_name": "services",
                "nodes_cidr": "10.0.0.0/20",
                "pods_cidr": "10.4.0.0/14",
                "services_cidr": "10.8.0.0/20",
                "private_services_prefix": 20,
                "flow_log_percent": 50,
                "mtu": 8000,
            },
            "project": "acme-ml-prod",
            "region": "europe-west4",
        },
        contexts={"network.network_id": _EXISTING, "network.subnetwork_id": _EXISTING},
        variants={"region": "us-central1", "project": "acme-ml-test"},
        handed=dict.fromkeys(
            ("network.network_id", "network.subnetwork_id"), "clusters and databases: an existing network is handed on"
        ),
        refused={"network.pods_cidr": "10.0.0.0/14"},
    ),
    Case(
        GkeCluster,
        {
            "cluster": {
                "mode": GkeMode.STANDARD,
                "release_channel": ReleaseChannel.REGULAR,
                "kubernetes_version": "1.35",
                "maintenance": {
                    "start": "02:00",
                    "hours": 8,
                    "days": ["SA", "SU"],
                    "exclusions": [
                        {
                            "name": "holidays",
                            "start": "2026-12-20T00:00:00Z",
                            "end": "2027-01-03T00:00:00Z",
                            "scope": ExclusionScope.NO_UPGRADES,
                        }
                    ],
                },
                "dns_endpoint": True,
                "public_endpoint": True,
                "authorized_ranges": ["203.0.113.0/24"],
                "auto_provisioning": {
                    "cpu_max": 512,
                    "memory_gib_max": 4096,
                    "accelerators_max": {"L4": 8},
                },
                "gateway_api": False,
                "security_group": "gke-security-groups@example.com",
                "workload_logs": True,
            },
            "network": NETWORK,
            "project": "acme-ml-prod",
            "project_number": "123456789012",
            "region": "europe-west4",
            "zones": ["europe-west4-a"],
            "keep_data": False,
        },
        contexts={"cluster.mode": {"cluster.auto_provisioning": ABSENT}},
        variants={
            "cluster.maintenance.start": "03:00",
            "cluster.maintenance.days": ["MO", "SU"],
            "cluster.maintenance.exclusions": [],
            "cluster.maintenance.exclusions.0.start": "2026-12-21T00:00:00Z",
            "cluster.maintenance.exclusions.0.end": "2027-01-04T00:00:00Z",
            "cluster.kubernetes_version": "1.36",
            "cluster.authorized_ranges": ["198.51.100.0/24"],
            "cluster.security_group": "gke-security-groups@example.org",
            "network": {**NETWORK, "pods_range_name": "more-pods"},
            "region": "us-central1",
            "zones": ["europe-west4-b"],
        },
        rules_only={"region": "zones are of it: alone it cannot change (test_cluster proves where it goes)"},
        refused={"cluster.authorized_ranges": ["0.0.0.0/0"]},
    ),
    Case(
        GkeNodePool,
        {"cluster": CLUSTER, "pool": _POOL},
        contexts={
            "pool.topology": {"pool": _SLICES},
            "pool.sharing.mig_profiles": _MIG,
            "pool.reservation": _RESERVED,
            "pool.max_run_hours": _FLEX,
            "pool.working_hours": {"pool.nodes_min": 0, "pool.working_hours": _HOURS},
            "pool.device_allocation": {
                "pool.sharing": ABSENT,
                "pool.driver_version": ABSENT,
                "pool.device_allocation": DeviceAllocation.DEVICE_PLUGIN,
            },
        },
        variants={
            "cluster": _OTHER_CLUSTER,
            "pool.machine": "g2-standard-12",
            "pool.topology": "4x4",
            "pool.purchase": GkePurchase.SPOT,
            "pool.zones": ["europe-west4-b"],
            "pool.local_ssds": ABSENT,
            "pool.sharing.strategy": Sharing.MPS,
            "pool.sharing.mig_profiles": {"2g.20gb": 3},
            "pool.working_hours.start": "0 6 * * 1-5",
            "pool.working_hours.end": "0 21 * * 1-5",
            "pool.working_hours.time_zone": "Europe/Berlin",
            "pool.taints.0.effect": "NoExecute",
        },
        refused={"pool.machine": "p5.48xlarge"},
    ),
    Case(
        ComputeClass,
        {
            "cluster": AUTOPILOT,
            "nodes": {
                "machine": "g2-standard-8",
                "nodes_max": 4,
                "purchases": [GkePurchase.RESERVED, GkePurchase.FLEX_START, GkePurchase.SPOT],
                "reservation": "l4-prod",
                "driver_version": GpuDriverVersion.LATEST,
                "zones": ["europe-west4-a"],
                "disk_gib": 300,
                "max_run_hours": 24,
                "move_up": False,
                "labels": {"acme.dev/tier": "a"},
                "taints": _TAINTS,
            },
        },
        contexts={
            "nodes.topology": {
                "nodes": {
                    "machine": "ct5lp-hightpu-4t",
                    "topology": "2x4",
                    "nodes_max": 4,
                    "purchases": [GkePurchase.ON_DEMAND],
                    "zones": ["europe-west4-a"],
                }
            },
            "limits": {
                "cluster": CLUSTER,
                "limits": {"cpu_max": 512, "memory_gib_max": 4096, "accelerators_max": {"L4": 4}},
            },
        },
        variants={
            "cluster": {**AUTOPILOT, "node_service_account": "other@acme-ml-prod.iam.gserviceaccount.com"},
            "nodes.machine": "g2-standard-12",
            "nodes.topology": "4x4",
            "nodes.zones": ["europe-west4-b"],
            "nodes.driver_version": GpuDriverVersion.DEFAULT,
            "nodes.purchases": [GkePurchase.RESERVED, GkePurchase.SPOT, GkePurchase.FLEX_START],
            "nodes.taints.0.effect": "NoExecute",
            "limits.cpu_max": 0,
            "limits.memory_gib_max": 0,
            "limits.accelerators_max": {"L4": 3},
        },
        handed={"nodes.nodes_max": "quotas and capacity: GKE bounds a class by nothing"},
        rules_only=dict.fromkeys(
            ("limits.cpu_max", "limits.memory_gib_max", "limits.accelerators_max"),
            "the cluster has them; here they are what the class must fit into",
        ),
        refused={"nodes.purchases": []},
    ),
]
