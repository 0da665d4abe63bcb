"""A model server with an image of the team."""

from typing import Required, TypedDict

from pulumi import Output, ResourceOptions
from pulumi_kubernetes import apps, autoscaling, core, meta, policy

from components.addons.gateway_spec import GatewayHandle
from components.base.component import Component
from components.base.custom_resources import custom_resource
from components.base.labels import Role
from components.base.workload_labels import NO_AWAIT, pod_selector, workload_labels
from components.capacity.placement import PoolHandle
from components.findings import refuse
from components.monitoring.spec import MonitoringHandle
from components.storage.plan import ObjectStoreHandle
from components.tenants.handles import TeamHandle
from components.tracking.spec import TrackingHandle
from components.workloads.config_maps import declare_files
from components.workloads.device_claims import device_claim_template
from components.workloads.serving.model_server_plan import (
    autoscaler_spec,
    deployment_spec,
    rollout_seconds,
    route_spec,
    server_template,
    service_spec,
)
from components.workloads.serving.plan import METRICS_PATH, disruption_budget_spec, pod_monitor_spec
from components.workloads.serving.spec import DEFAULT_SERVING_PORT, ModelServerSpec
from components.workloads.serving.validation import check_model_server


class ModelServerArgs(TypedDict, total=False):
    """A server and its dependencies."""

    server: Required[ModelServerSpec]
    """The image, the model and their resources."""
    team: Required[TeamHandle]
    """The team: namespace, service account, priority."""
    pool: Required[PoolHandle]
    """The pool whose nodes it uses; never a spot pool."""
    artifacts: ObjectStoreHandle
    """Bucket that the model is downloaded from, with the keys in the team's namespace."""
    gateway: GatewayHandle
    """The gateway; required with `server.hostname`."""
    tracking: TrackingHandle
    """Tracking server from which it loads its model or to which it logs; default: none."""
    monitoring: MonitoringHandle
    """Prometheus, which scrapes it; default: none."""


class ModelServer(Component):
    """A Deployment with a Service, a disruption budget, and optionally an autoscaler and a route."""

    url: Output[str]
    """Its address inside the cluster."""

    def __init__(self, name: str, args: ModelServerArgs, opts: ResourceOptions | None = None) -> None:
        server, team, pool, gateway = args["server"], args["team"], args["pool"], args.get("gateway")
        domains = gateway["domains"] if gateway else None
        refuse(f"model server {name}", check_model_server(name, server, pool, domains))
        super().__init__(name, args, opts)
        labels, selector = workload_labels(name, team["name"], Role.SERVING), pod_selector(name, Role.SERVING)

        def metadata(annotations: dict[str, str] | None = None) -> meta.v1.ObjectMetaArgs:
            return meta.v1.ObjectMetaArgs(
                name=name, namespace=team["namespace"], labels=labels, annotations=annotations
            )

        claim = device_claim_template(name, team, pool, server.get("accelerators"), labels, self.child)
        tracking = args.get("tracking")
        template = server_template(
            server,
            pool,
            team,
            labels=labels,
            store=args.get("artifacts"),
            tracking=tracking["environment"] if tracking else {},
            device_claim=claim,
            config_map=declare_files(name, team, server, labels, self.child),
        )
        apps.v1.Deployment(
            f"{name}-server",
            metadata=metadata({"pulumi.com/timeoutSeconds": str(rollout_seconds(server))}),
            spec=deployment_spec(server, pool, template, selector),
            opts=self.child,
        )
        # The Deployment is awaited; the Service would wait for the same pods again.
        service = core.v1.Service(
            f"{name}-service", metadata=metadata(NO_AWAIT), spec=service_spec(selector), opts=self.child
        )
        policy.v1.PodDisruptionBudget(
            f"{name}-disruption-budget", metadata=metadata(), spec=disruption_budget_spec(selector), opts=self.child
        )
        scaling = autoscaler_spec(name, server)
        if scaling:
            autoscaling.v2.HorizontalPodAutoscaler(
                f"{name}-autoscaler", metadata=metadata(), spec=scaling, opts=self.child
            )
        if gateway and server.get("hostname"):
            custom_resource(
                f"{name}-route",
                "HTTPRoute",
                name,
                route_spec(name, server, gateway),
                self.child,
                namespace=team["namespace"],
                labels=labels,
            )
        path = server.get("metrics_path", METRICS_PATH)
        if args.get("monitoring") and path:
            custom_resource(
                f"{name}-monitor",
                "PodMonitor",
                name,
                pod_monitor_spec(selector, int(server.get("port", DEFAULT_SERVING_PORT)), path),
                self.child,
                namespace=team["namespace"],
                labels=labels,
            )
        self.url = Output.concat("http://", service.metadata.name, ".", team["namespace"], ".svc.cluster.local")
        self.register_outputs({"url": self.url})
