"""A network, a GKE cluster, GPU and TPU nodes, a Deployment: the way real code goes, exec plugin included."""

import pulumi
import pulumi_gcp as gcp
import pulumi_kubernetes as kubernetes

config = pulumi.Config("simulated")
region = pulumi.Config("gcp").require("region")

network = gcp.compute.Network("network", name="simulated", auto_create_subnetworks=False)
subnetwork = gcp.compute.Subnetwork(
    "subnetwork",
    name="simulated",
    network=network.id,
    region=region,
    ip_cidr_range=config.get("range") or "10.0.0.0/20",
    private_ip_google_access=True,
    secondary_ip_ranges=[
        {"range_name": "pods", "ip_cidr_range": "10.4.0.0/14"},
        {"range_name": "services", "ip_cidr_range": "10.8.0.0/20"},
    ],
)
account = gcp.serviceaccount.Account("nodes", account_id="simulated-nodes", display_name="nodes")
cluster = gcp.container.Cluster(
    "cluster",
    name="simulated",
    location=region,
    network=network.id,
    subnetwork=subnetwork.id,
    initial_node_count=1,
    remove_default_node_pool=True,
    min_master_version=config.get("version") or "1.34",
    datapath_provider="ADVANCED_DATAPATH",
    ip_allocation_policy={"cluster_secondary_range_name": "pods", "services_secondary_range_name": "services"},
    private_cluster_config={"enable_private_nodes": True, "master_ipv4_cidr_block": "172.16.0.0/28"},
    workload_identity_config={"workload_pool": "simulated-project.svc.id.goog"},
    release_channel={"channel": "REGULAR"},
    control_plane_endpoints_config={"dns_endpoint_config": {"allow_external_traffic": True}},
    resource_labels={"managed-by": "mlplatform"},
    deletion_protection=config.get_bool("protect") or False,
)
gpu = gcp.container.NodePool(
    "gpu",
    name="gpu",
    cluster=cluster.id,
    node_locations=[f"{region}-a", f"{region}-b"],
    autoscaling={"total_min_node_count": 0, "total_max_node_count": config.get_int("nodes") or 2},
    node_config={
        "machine_type": config.get("machine") or "g2-standard-24",
        "service_account": account.email,
        "guest_accelerators": [
            {
                "type": "nvidia-l4",
                "count": 2,
                "gpu_driver_installation_config": {"gpu_driver_version": "DEFAULT"},
                "gpu_sharing_config": {"gpu_sharing_strategy": "TIME_SHARING", "max_shared_clients_per_gpu": 4},
            }
        ],
        "labels": {"mlplatform.dev/pool": "gpu"},
        "spot": True,
        "oauth_scopes": ["https://www.googleapis.com/auth/cloud-platform"],
    },
)
tpu = gcp.container.NodePool(
    "tpu",
    name="tpu",
    cluster=cluster.id,
    node_locations=[f"{region}-a"],
    node_count=4,
    placement_policy={"type": "COMPACT", "tpu_topology": "4x4"},
    node_config={"machine_type": "ct5lp-hightpu-4t", "service_account": account.email},
)


def kubeconfig(server: pulumi.Output[str], **authority: pulumi.Output[str]) -> pulumi.Output[str]:
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": "gke-gcloud-auth-plugin",
        "provideClusterInfo": True,
    }
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "gke", "cluster": {"server": pulumi.Output.concat("https://", server), **authority}}],
        "users": [{"name": "gke", "user": {"exec": plugin}}],
        "contexts": [{"name": "gke", "context": {"cluster": "gke", "user": "gke"}}],
        "current-context": "gke",
    }
    return pulumi.Output.secret(pulumi.Output.json_dumps(config))


by_address = kubeconfig(cluster.endpoint, **{"certificate-authority-data": cluster.master_auth.cluster_ca_certificate})
on_cluster = pulumi.ResourceOptions(
    provider=kubernetes.Provider("cluster", kubeconfig=by_address), depends_on=[gpu, tpu]
)
# Its certificate is one that everybody trusts: no authority.
by_name = kubeconfig(cluster.control_plane_endpoints_config.dns_endpoint_config.endpoint)
kubernetes.core.v1.ConfigMap(
    "by-name",
    metadata={"name": "by-name", "namespace": "default"},
    opts=pulumi.ResourceOptions(provider=kubernetes.Provider("dns", kubeconfig=by_name)),
)
labels = {"app": "sharing"}
kubernetes.apps.v1.Deployment(
    "sharing",
    metadata={"name": "sharing", "namespace": "default"},
    spec={
        "replicas": 3,
        "selector": {"matchLabels": labels},
        "template": {
            "metadata": {"labels": labels},
            "spec": {
                "nodeSelector": {"cloud.google.com/gke-accelerator": "nvidia-l4"},
                "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
                "containers": [{"name": "main", "image": "busybox", "resources": {"limits": {"nvidia.com/gpu": "1"}}}],
            },
        },
    },
    opts=on_cluster,
)
pulumi.export("project", gcp.organizations.get_client_config().project)
pulumi.export("endpoint", cluster.endpoint)
