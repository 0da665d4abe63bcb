"""Handles of clusters in a cloud, for tests of what takes them."""

from components.clouds.dns import DnsProvider, DnsZoneHandle
from components.clouds.eks.handles import EksHandle, EksNetworkHandle, NodeProvisioning
from components.clouds.gke.handles import GkeHandle, GkeMode, GkeNetworkHandle

EKS = EksHandle(
    name="prod",
    region="eu-west-1",
    account_id="123456789012",
    kubernetes_version="1.35",
    provisioning=NodeProvisioning.MANAGED_GROUPS,
    network=EksNetworkHandle(
        vpc_id="vpc-1",
        cidr="10.0.0.0/16",
        private_subnet_ids={"eu-west-1b": "subnet-b", "eu-west-1a": "subnet-a"},
        public_subnet_ids={},
    ),
    security_group_id="sg-1",
    node_role_arn="arn:aws:iam::123456789012:role/nodes",
    key_arn="arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555",
)
OTHER_EKS: EksHandle = {**EKS, "name": "staging"}
GKE = GkeHandle(
    name="prod",
    project="ml",
    project_number="1234",
    region="europe-west4",
    zones=["europe-west4-a"],
    mode=GkeMode.STANDARD,
    network=GkeNetworkHandle(
        network_id="projects/ml/global/networks/prod",
        subnetwork_id="projects/ml/regions/europe-west4/subnetworks/prod",
        pods_range_name="pods",
        services_range_name="services",
    ),
    node_service_account="nodes@ml.iam.gserviceaccount.com",
    workload_pool="ml.svc.id.goog",
)
OTHER_GKE: GkeHandle = {**GKE, "name": "staging", "project_number": "5678"}
ZONE = DnsZoneHandle(provider=DnsProvider.ROUTE53, domain="ml.example.com", zone="Z123", account="123456789012")
CLOUD_ZONE = DnsZoneHandle(provider=DnsProvider.CLOUD_DNS, domain="ml.example.com", zone="ml", account="ml")
