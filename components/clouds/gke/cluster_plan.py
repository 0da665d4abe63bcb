"""The inputs of a GKE cluster: settings, maintenance, limits of auto-provisioning. Pure."""

import json
from typing import Any

from catalog.accelerators import ACCELERATORS, ClusterKind
from components.clouds.gke.spec import (
    DEFAULT_MAINTENANCE_DAYS,
    DEFAULT_MAINTENANCE_HOURS,
    DEFAULT_MAINTENANCE_START,
    GkeClusterSpec,
    GkeMode,
    MaintenanceSpec,
    NodeAutoProvisioningSpec,
    ReleaseChannel,
)
from components.clouds.names import GCP_LABELS

RECURRENCE_ANCHOR = "2026-01-03"
"""A Saturday: windows recur from it."""
LOG_COMPONENTS = ("SYSTEM_COMPONENTS", "APISERVER", "SCHEDULER", "CONTROLLER_MANAGER")


def maintenance_policy(spec: MaintenanceSpec | None) -> dict[str, Any]:
    """The maintenance policy in the form of the API."""
    spec = spec or {}
    start = spec.get("start") or DEFAULT_MAINTENANCE_START
    hours = int(spec.get("hours") or DEFAULT_MAINTENANCE_HOURS)
    days = spec.get("days") or list(DEFAULT_MAINTENANCE_DAYS)
    hour, minute = (int(part) for part in start.split(":"))
    day, end = RECURRENCE_ANCHOR, hour + hours
    if end >= 24:
        day, end = "2026-01-04", end - 24
    policy: dict[str, Any] = {
        "recurring_window": {
            "start_time": f"{RECURRENCE_ANCHOR}T{start}:00Z",
            "end_time": f"{day}T{end:02d}:{minute:02d}:00Z",
            "recurrence": f"FREQ=WEEKLY;BYDAY={','.join(days)}",
        }
    }
    exclusions = spec.get("exclusions") or []
    if exclusions:
        policy["maintenance_exclusions"] = [
            {
                "exclusion_name": exclusion["name"],
                "start_time": exclusion["start"],
                "end_time": exclusion["end"],
                "exclusion_options": {"scope": exclusion["scope"].replace("-", "_").upper()},
            }
            for exclusion in exclusions
        ]
    return policy


def resource_limits(spec: NodeAutoProvisioningSpec | None) -> list[dict[str, Any]]:
    """Limits of auto-provisioning in the form of the API; accelerators by GKE's name."""
    if not spec:
        return []
    limits = {"cpu": int(spec["cpu_max"]), "memory": int(spec["memory_gib_max"])}
    for name, count in spec["accelerators_max"].items():
        gke_name = next(iter(ACCELERATORS[name].node_labels[ClusterKind.GKE].values()))
        limits[gke_name] = int(count)
    return [{"resource_type": name, "minimum": 0, "maximum": count} for name, count in limits.items()]


def cluster_settings(spec: GkeClusterSpec, zones: list[str]) -> dict[str, Any]:
    """The arguments of a cluster that only its settings determine, by name in the SDK."""
    mode = GkeMode(spec.get("mode") or GkeMode.STANDARD)
    public, dns = bool(spec.get("public_endpoint")), uses_dns(spec)
    settings: dict[str, Any] = {
        "release_channel": {"channel": ReleaseChannel(spec.get("release_channel") or "regular").value.upper()},
        "maintenance_policy": maintenance_policy(spec.get("maintenance")),
        "private_cluster_config": {"enable_private_nodes": True, "enable_private_endpoint": not public},
        "control_plane_endpoints_config": {
            "dns_endpoint_config": {
                "allow_external_traffic": dns,
                "enable_k8s_certs_via_dns": False,
                "enable_k8s_tokens_via_dns": False,
            }
        },
        "master_authorized_networks_config": {
            "gcp_public_cidrs_access_enabled": False,
            "cidr_blocks": [{"cidr_block": block} for block in spec.get("authorized_ranges") or []],
        },
        "logging_config": {
            "enable_components": [*LOG_COMPONENTS, *(["WORKLOADS"] if spec.get("workload_logs", True) else [])]
        },
        "gateway_api_config": {"channel": "CHANNEL_STANDARD" if spec.get("gateway_api") else "CHANNEL_DISABLED"},
        "cost_management_config": {"enabled": True},
        "rbac_binding_config": {
            "enable_insecure_binding_system_authenticated": False,
            "enable_insecure_binding_system_unauthenticated": False,
        },
        "security_posture_config": {"mode": "BASIC"},
        "resource_labels": GCP_LABELS,
    }
    if spec.get("security_group"):
        settings["authenticator_groups_config"] = {"security_group": spec["security_group"]}
    if spec.get("kubernetes_version"):
        settings["min_master_version"] = spec["kubernetes_version"]
    if mode is GkeMode.AUTOPILOT:
        # Autopilot sets data plane, storage drivers, shielding and identity itself, and always collects metrics.
        return {**settings, "enable_autopilot": True, "monitoring_config": _monitoring(managed=True)}
    return {**settings, **_standard(spec, zones)}


def uses_dns(spec: GkeClusterSpec) -> bool:
    """Whether people reach the control plane by its DNS name."""
    return bool(spec.get("dns_endpoint", True))


def _monitoring(*, managed: bool) -> dict[str, Any]:
    return {"enable_components": ["SYSTEM_COMPONENTS"], "managed_prometheus": {"enabled": managed}}


def _standard(spec: GkeClusterSpec, zones: list[str]) -> dict[str, Any]:
    return {
        "node_locations": zones,
        "datapath_provider": "ADVANCED_DATAPATH",
        "enable_shielded_nodes": True,
        "monitoring_config": _monitoring(managed=False),
        # The default pool exists for minutes only: GKE creates no cluster without it.
        "initial_node_count": 1,
        "remove_default_node_pool": True,
        "addons_config": {
            "gcs_fuse_csi_driver_config": {"enabled": True},
            "gce_persistent_disk_csi_driver_config": {"enabled": True},
            "gcp_filestore_csi_driver_config": {"enabled": True},
            "dns_cache_config": {"enabled": True},
            "http_load_balancing": {"disabled": False},
            "horizontal_pod_autoscaling": {"disabled": False},
        },
    }


TRANSIENT_MACHINE = "e2-medium"


def transient_node_config(service_account: Any) -> dict[str, Any]:
    """The smallest node with which GKE creates a cluster; `up` deletes it at the end."""
    return {
        "machine_type": TRANSIENT_MACHINE,
        "disk_type": "pd-standard",
        "disk_size_gb": 30,
        "service_account": service_account,
        "oauth_scopes": ["https://www.googleapis.com/auth/cloud-platform"],
        "shielded_instance_config": {"enable_secure_boot": True, "enable_integrity_monitoring": True},
    }


def auto_provisioning(spec: GkeClusterSpec, service_account: Any) -> dict[str, Any]:
    """Node auto-provisioning: off, within limits, or always on (Autopilot)."""
    defaults = {"service_account": service_account, "oauth_scopes": ["https://www.googleapis.com/auth/cloud-platform"]}
    if GkeMode(spec.get("mode") or GkeMode.STANDARD) is GkeMode.AUTOPILOT:
        return {"auto_provisioning_defaults": defaults}
    limits = resource_limits(spec.get("auto_provisioning"))
    if not limits:
        return {"enabled": False, "autoscaling_profile": "BALANCED"}
    shielded = {"enable_secure_boot": True, "enable_integrity_monitoring": True}
    return {
        "enabled": True,
        "autoscaling_profile": "BALANCED",
        "resource_limits": limits,
        "auto_provisioning_defaults": {
            **defaults,
            "management": {"auto_repair": True, "auto_upgrade": True},
            "shielded_instance_config": shielded,
        },
    }


def kubeconfig(cluster: str, address: str, authority: str) -> str:
    """Kubeconfig for kubectl and the Kubernetes provider. It contains no token: the plugin requests one at each use.

    `authority`: the cluster's own certificate, base64; empty for the DNS endpoint, whose certificate is a public one.
    """
    server = {"server": f"https://{address}"} | ({"certificate-authority-data": authority} if authority else {})
    user = {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1beta1",
            "command": "gke-gcloud-auth-plugin",
            "installHint": "gcloud components install gke-gcloud-auth-plugin",
            "interactiveMode": "Never",
            "provideClusterInfo": True,
        }
    }
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": cluster, "cluster": server}],
        "users": [{"name": cluster, "user": user}],
        "contexts": [{"name": cluster, "context": {"cluster": cluster, "user": cluster}}],
        "current-context": cluster,
    }
    return json.dumps(config, sort_keys=True)
