"""Paths of pod specs inside objects: a table for kinds with a regular structure."""

from typing import NamedTuple


class PodSource(NamedTuple):
    """Path of a pod spec in the objects of a kind, and the number of its pods."""

    spec: str
    """Path of the pod spec, from the group where there are groups."""
    counts: tuple[str, ...] = ()
    """Paths of numbers that are multiplied; a missing number is 1. `a|b`: b if there is no a."""
    groups: str = ""
    """Path of a list, or of a map, of groups of pods; empty: the object is the only group."""
    on_each_node: bool = False


def _replicated(groups: str) -> tuple[PodSource, ...]:
    return (PodSource("template.spec", ("replicas",), groups),)


def _ray(cluster: str) -> tuple[PodSource, ...]:
    return (
        PodSource(f"{cluster}.headGroupSpec.template.spec"),
        PodSource("template.spec", ("maxReplicas|replicas", "numOfHosts"), f"{cluster}.workerGroupSpecs"),
    )


_SCALED = (PodSource("spec.template.spec", ("spec.replicas",)),)
POD_SOURCES: dict[tuple[str, str], tuple[PodSource, ...]] = {
    ("", "Pod"): (PodSource("spec"),),
    ("apps", "Deployment"): _SCALED,
    ("apps", "StatefulSet"): _SCALED,
    ("apps", "ReplicaSet"): _SCALED,
    ("", "ReplicationController"): _SCALED,
    ("apps", "DaemonSet"): (PodSource("spec.template.spec", on_each_node=True),),
    ("batch", "Job"): (PodSource("spec.template.spec", ("spec.parallelism",)),),
    ("batch", "CronJob"): (PodSource("spec.jobTemplate.spec.template.spec", ("spec.jobTemplate.spec.parallelism",)),),
    ("jobset.x-k8s.io", "JobSet"): (
        PodSource("template.spec.template.spec", ("replicas", "template.spec.parallelism"), "spec.replicatedJobs"),
    ),
    ("ray.io", "RayCluster"): _ray("spec"),
    ("ray.io", "RayJob"): (*_ray("spec.rayClusterSpec"), PodSource("spec.submitterPodTemplate.spec")),
    ("ray.io", "RayService"): _ray("spec.rayClusterConfig"),
    ("kubeflow.org", "MPIJob"): _replicated("spec.mpiReplicaSpecs"),
    ("kubeflow.org", "PyTorchJob"): _replicated("spec.pytorchReplicaSpecs"),
    ("kubeflow.org", "TFJob"): _replicated("spec.tfReplicaSpecs"),
    ("kubeflow.org", "JAXJob"): _replicated("spec.jaxReplicaSpecs"),
    ("kubeflow.org", "XGBoostJob"): _replicated("spec.xgbReplicaSpecs"),
    ("kubeflow.org", "PaddleJob"): _replicated("spec.paddleReplicaSpecs"),
    ("kubeflow.org", "Notebook"): (PodSource("spec.template.spec"),),
    ("argoproj.io", "Rollout"): _SCALED,
}
"""(API group, kind) -> its pods: a Job of Volcano (`batch.volcano.sh`) differs from a Job of `batch`.

Sources: Kubernetes API reference 1.35; CRDs of JobSet 0.12, KubeRay 1.7, MPI operator 0.8, training operator 1.9,
notebook controller 1.11, Argo Rollouts 1.9."""
