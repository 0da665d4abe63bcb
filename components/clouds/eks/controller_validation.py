"""Rules on the controllers that create and scale EKS nodes: Karpenter, Auto Mode, the Cluster Autoscaler."""

from collections.abc import Iterator

from components.base.names import check_object_name
from components.clouds.eks.spec import NodeProvisioning
from components.clouds.eks.tables import CLUSTER_AUTOSCALER_TAGS
from components.findings import Finding


def check_controller(
    path: str, found: NodeProvisioning, needed: NodeProvisioning, namespace: str = ""
) -> Iterator[Finding]:
    """A cluster has one node provisioner, because two would create nodes for the same pending pods; the namespace is
    valid.
    """
    if namespace:
        yield from check_object_name(f"{path}.namespace", namespace)
    if found is not needed:
        yield Finding(
            f"{path}.cluster",
            f"provisioning {found}",
            f"provisioning {needed}; a cluster has one node provisioner",
            "remove it",
        )


def check_autoscaler_version(path: str, kubernetes_version: str, idle_minutes: float) -> Iterator[Finding]:
    """Each minor version of Kubernetes has its own release of the Cluster Autoscaler."""
    if kubernetes_version not in CLUSTER_AUTOSCALER_TAGS:
        yield Finding(
            f"{path}.kubernetesVersion",
            kubernetes_version,
            f"a version with an autoscaler in this table: {', '.join(CLUSTER_AUTOSCALER_TAGS)}",
            "add its release to components/clouds/eks/tables.py, or use Karpenter",
        )
    if not 1 <= idle_minutes <= 24 * 60:
        yield Finding(f"{path}.idleMinutes", f"{idle_minutes}", "1 minute to a day", "use 10")
