"""A model served by KServe."""

from typing import Required, TypedDict

from pulumi import Output, ResourceOptions
from pulumi_kubernetes import meta, policy

from components.base.component import Component
from components.base.custom_resources import custom_resource
from components.base.labels import Role
from components.base.workload_labels import pod_selector, workload_labels
from components.capacity.placement import PoolHandle
from components.findings import refuse
from components.monitoring.spec import MonitoringHandle
from components.tenants.handles import TeamHandle
from components.tracking.spec import TrackingHandle
from components.workloads.config_maps import declare_files
from components.workloads.device_claims import device_claim_template
from components.workloads.serving.plan import disruption_budget_spec, inference_spec, pod_monitor_spec
from components.workloads.serving.runtime_table import choose_runtime, known_runtimes, metrics_port
from components.workloads.serving.spec import InferenceSpec, RuntimeSpec
from components.workloads.serving.validation import check_inference, check_inference_name

READY_SECONDS = 1800
"""How long `up` waits: a download of 100 GB of weights, and a node that is started for them."""


class InferenceServiceArgs(TypedDict, total=False):
    """A model and its dependencies."""

    service: Required[InferenceSpec]
    """The model and its resources."""
    team: Required[TeamHandle]
    """The team: namespace, service account with the store's credentials, priority."""
    pool: Required[PoolHandle]
    """The pool whose nodes it uses; never a spot pool."""
    runtimes: dict[str, RuntimeSpec]
    """Runtimes of the environment in addition to the platform's, as for `ServingRuntimes`; default: none."""
    tracking: TrackingHandle
    """Tracking server whose address the model and its transformer get; default: none."""
    monitoring: MonitoringHandle
    """Prometheus, which scrapes it; default: none."""


class InferenceService(Component):
    """An InferenceService in KServe's Standard mode, and a disruption budget for its pods."""

    inference_service: Output[str]
    """Name of the InferenceService, known once KServe reports that it is ready."""

    def __init__(self, name: str, args: InferenceServiceArgs, opts: ResourceOptions | None = None) -> None:
        spec, team, pool = args["service"], args["team"], args["pool"]
        runtimes = known_runtimes(args.get("runtimes"))
        named = check_inference_name(name, name, spec)
        refuse(f"inference service {name}", [*named, *check_inference(name, spec, pool, runtimes)])
        choice, tracking = choose_runtime(spec, runtimes), args.get("tracking")
        assert choice  # a model without a runtime was refused
        super().__init__(name, args, opts)
        labels, selector = workload_labels(name, team["name"], Role.SERVING), pod_selector(name, Role.SERVING)
        claim = device_claim_template(name, team, pool, spec.get("accelerators"), labels, self.child)
        served = custom_resource(
            f"{name}-service",
            "InferenceService",
            name,
            inference_spec(
                spec,
                pool,
                team,
                labels,
                choice,
                claim,
                tracking["environment"] if tracking else {},
                declare_files(name, team, spec, labels, self.child),
            ),
            self.child,
            namespace=team["namespace"],
            labels=labels,
            annotations={
                "serving.kserve.io/deploymentMode": "Standard",
                "pulumi.com/timeoutSeconds": str(READY_SECONDS),
            },
        )
        policy.v1.PodDisruptionBudget(
            f"{name}-disruption-budget",
            metadata=meta.v1.ObjectMetaArgs(name=name, namespace=team["namespace"], labels=labels),
            spec=disruption_budget_spec(selector),
            opts=self.child,
        )
        port = metrics_port(spec, runtimes)
        if args.get("monitoring") and port:
            custom_resource(
                f"{name}-monitor",
                "PodMonitor",
                name,
                pod_monitor_spec(selector, port),
                self.child,
                namespace=team["namespace"],
                labels=labels,
            )
        self.inference_service = Output.all(name, served.id).apply(lambda found: str(found[0]))
        self.register_outputs({"inferenceService": self.inference_service})
