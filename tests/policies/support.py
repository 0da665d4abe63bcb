"""Planned objects for policy tests, written as short as the case needs."""

from typing import Any

from catalog.accelerators import ClusterKind
from components.capacity.placement import PoolArgs, plan_pool
from policies.objects import PlannedObject
from policies.pod_sources import POD_SOURCES

API_VERSIONS = {
    **{kind: f"{group}/v1" if group else "v1" for group, kind in POD_SOURCES},
    "HorizontalPodAutoscaler": "autoscaling/v2",
    "ResourceClaim": "resource.k8s.io/v1",
    "ResourceClaimTemplate": "resource.k8s.io/v1",
    "CronWorkflow": "argoproj.io/v1alpha1",
    "ClusterQueue": "kueue.x-k8s.io/v1beta2",
    "Experiment": "kubeflow.org/v1beta1",
    "InferenceService": "serving.kserve.io/v1beta1",
    "LeaderWorkerSet": "leaderworkerset.x-k8s.io/v1",
    "LLMInferenceService": "serving.kserve.io/v1alpha2",
    "Notebook": "kubeflow.org/v1",
    "ResourceFlavor": "kueue.x-k8s.io/v1beta2",
    "SeldonDeployment": "machinelearning.seldon.io/v1",
    "TrainJob": "trainer.kubeflow.org/v1alpha1",
    "Workflow": "argoproj.io/v1alpha1",
}
"""Of kinds that policies tell apart by their API group, in any version."""


def kubernetes(kind: str, namespace: str, name: str, spec: Any = None, **body: Any) -> PlannedObject:
    """One Kubernetes object of the plan."""
    version = {"apiVersion": API_VERSIONS[kind]} if kind in API_VERSIONS else {}
    full = {**version, "kind": kind, "metadata": {"namespace": namespace, "name": name}, **body}
    if spec is not None:
        full["spec"] = spec
    return PlannedObject(
        f"urn:pulumi:test::mlplatform::kubernetes:x:{kind}::{name}", f"kubernetes:x:{kind}", name, full
    )


def pool(name: str, **args: Any) -> PlannedObject:
    """A node pool of the plan, with the capacity output its component registers."""
    handle, _, _ = plan_pool(name, PoolArgs(**args), ClusterKind.SIMULATED)
    token = "mlplatform:index:SimulatedNodePool"
    return PlannedObject(f"urn:pulumi:test::mlplatform::{token}::{name}", token, name, {"capacity": handle["capacity"]})


def team(name: str, **quota: int) -> PlannedObject:
    """A team of the plan, with the outputs its component registers."""
    token = "mlplatform:index:Team"
    body = {"namespace": name, "quota": {key.replace("_", "-"): units for key, units in quota.items()}}
    return PlannedObject(f"urn:pulumi:test::mlplatform::{token}::{name}", token, name, body)


def device_caps(**caps: int) -> PlannedObject:
    """The stack of the plan, with the caps that it hands out."""
    token = "pulumi:pulumi:Stack"
    body = {"deviceCaps": {accelerator: {"cap": cap, "devices": 0} for accelerator, cap in caps.items()}}
    return PlannedObject(f"urn:pulumi:test::mlplatform::{token}::mlplatform-test", token, "mlplatform-test", body)


def gpu_pod(units: Any, pool_name: Any = "h100", resource: str = "nvidia.com/gpu") -> dict[str, Any]:
    """A pod spec that takes accelerators of a pool."""
    return {
        "nodeSelector": {"mlplatform.dev/pool": pool_name},
        "containers": [{"name": "main", "resources": {"limits": {resource: units}}}],
    }


def job(namespace: str, name: str, units: Any, parallelism: Any = 1, pool_name: Any = "h100") -> PlannedObject:
    """A Job whose pods take accelerators."""
    template = {"spec": gpu_pod(units, pool_name)}
    return kubernetes("Job", namespace, name, {"parallelism": parallelism, "template": template})
