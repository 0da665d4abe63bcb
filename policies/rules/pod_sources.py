"""Where objects hold the pods that they ask for: a table of paths for kinds whose shape is regular."""

from typing import NamedTuple


class PodSource(NamedTuple):
    """Where the objects of a kind hold a pod spec, and how many such pods they ask for."""

    spec: str
    """Path of the pod spec, from the group where there are groups."""
    counts: tuple[str, ...] = ()
    """Paths of numbers that are multiplied; what is not given is 1. `a|b`: b where there is no a."""
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
POD_SOURCES: dict[str, tuple[PodSource, ...]] = {
    "Pod": (PodSource("spec"),),
    "Deployment": _SCALED,
    "StatefulSet": _SCALED,
    "ReplicaSet": _SCALED,
    "ReplicationController": _SCALED,
    "DaemonSet": (PodSource("spec.template.spec", on_each_node=True),),
    "Job": (PodSource("spec.template.spec", ("spec.parallelism",)),),
    "CronJob": (PodSource("spec.jobTemplate.spec.template.spec", ("spec.jobTemplate.spec.parallelism",)),),
    "JobSet": (
        PodSource("template.spec.template.spec", ("replicas", "template.spec.parallelism"), "spec.replicatedJobs"),
    ),
    "RayCluster": _ray("spec"),
    "RayJob": (*_ray("spec.rayClusterSpec"), PodSource("spec.submitterPodTemplate.spec")),
    "RayService": _ray("spec.rayClusterConfig"),
    "MPIJob": _replicated("spec.mpiReplicaSpecs"),
    "PyTorchJob": _replicated("spec.pytorchReplicaSpecs"),
    "TFJob": _replicated("spec.tfReplicaSpecs"),
    "JAXJob": _replicated("spec.jaxReplicaSpecs"),
    "XGBoostJob": _replicated("spec.xgbReplicaSpecs"),
    "PaddleJob": _replicated("spec.paddleReplicaSpecs"),
    "Notebook": (PodSource("spec.template.spec"),),
    "Rollout": _SCALED,
}
"""Sources: Kubernetes API reference 1.35; CRDs of JobSet 0.12, KubeRay 1.7, MPI operator 0.8, training operator 1.9,
notebook controller 1.11, Argo Rollouts 1.9."""
