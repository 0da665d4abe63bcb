"""Handles of a GKE network and cluster, for tests of what stands on them."""

from components.clouds.gke.handles import GkeHandle, GkeMode, GkeNetworkHandle

NETWORK = GkeNetworkHandle(
    network_id="projects/acme-ml-prod/global/networks/ml",
    subnetwork_id="projects/acme-ml-prod/regions/europe-west4/subnetworks/ml-nodes",
    pods_range_name="pods",
    services_range_name="services",
)
CLUSTER = GkeHandle(
    name="ml",
    project="acme-ml-prod",
    project_number="123456789012",
    region="europe-west4",
    zones=["europe-west4-a", "europe-west4-b"],
    mode=GkeMode.STANDARD,
    network=NETWORK,
    node_service_account="ml-nodes@acme-ml-prod.iam.gserviceaccount.com",
    workload_pool="acme-ml-prod.svc.id.goog",
)
AUTOPILOT = GkeHandle(**{**CLUSTER, "mode": GkeMode.AUTOPILOT})
