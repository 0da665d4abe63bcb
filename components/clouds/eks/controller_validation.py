"""Rules on what makes and sizes the nodes of EKS: Karpenter, Auto Mode, the Cluster Autoscaler."""

from collections.abc import Iterator

from components.base.names import check_object_name
from components.clouds.eks.spec import NodeProvisioning
from components.clouds.eks.tables import CLUSTER_AUTOSCALER_TAGS
from components.findings import Finding


def check_controller(
    path: str, found: NodeProvisioning, needed: NodeProvisioning, namespace: str = ""
) -> Iterator[Finding]:
    """One maker of nodes in a cluster: two would fight over the same waiting pods. In a namespace that can exist."""
    if namespace:
        yield from check_object_name(f"{path}.namespace", namespace)
    if found is not needed:
        yield Finding(
            f"{path}.cluster", f"provisioning {found}", f"provisioning {needed}: one maker of nodes", "leave it out"
        )


def check_autoscaler_version(path: str, kubernetes_version: str, idle_minutes: float) -> Iterator[Finding]:
    """A Cluster Autoscaler is made for each minor version of Kubernetes."""
    if kubernetes_version not in CLUSTER_AUTOSCALER_TAGS:
        yield Finding(
            f"{path}.kubernetesVersion",
            kubernetes_version,
            f"a version with an autoscaler in this table: {', '.join(CLUSTER_AUTOSCALER_TAGS)}",
            "add its release to components/clouds/eks/tables.py, or use Karpenter",
        )
    if not 1 <= idle_minutes <= 24 * 60:
        yield Finding(f"{path}.idleMinutes", f"{idle_minutes}", "1 minute to a day", "use 10")
