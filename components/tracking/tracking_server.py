"""The MLflow tracking server: experiments, runs, models, and a proxy to the artifacts of all of them.

Declared natively; docs/adr/0010-mlflow-is-declared-natively.md explains why the official chart is not used.
"""

from typing import Any, Required, TypedDict

from pulumi import Input, Resource, ResourceOptions
from pulumi_kubernetes import apps, batch, core, meta, networking, policy

from components.addons.gateway_spec import GatewayHandle
from components.addons.routes import from_gateway, hostname, http_route_spec
from components.base.component import Component
from components.base.custom_resources import custom_resource
from components.base.labels import LABELS, REPLACED_IF_FAILED
from components.base.network_policies import from_labelled_namespaces, network_policy
from components.base.pods import ZONE_TOPOLOGY, pod_spec, spread
from components.base.traffic_rules import Direction, TrafficRuleArgs, policy_spec
from components.findings import refuse
from components.storage.object_store import FINGERPRINT_ANNOTATION, SAME_OWNER
from components.storage.object_store_plan import object_store_traffic
from components.storage.plan import ObjectStoreHandle
from components.storage.postgresql import DatabaseHandle, egress_of
from components.tracking.server_pod import (
    MIGRATION_TEMPORARY_MIB,
    PORT,
    migration_container,
    mounts_of,
    server_container,
)
from components.tracking.spec import IngressArgs, TrackingHandle, TrackingServerSpec
from components.tracking.validation import check_tracking_server


class RouteArgs(TypedDict):
    """Access through a Gateway; its listener terminates TLS."""

    gateway: GatewayHandle
    """The gateway. The server's namespace has its `route_namespace_labels`."""
    domain: str
    """Name of one of its domains."""
    host: str
    """The first label of the public name: `mlflow` for `mlflow.example.com`."""


class LoginArgs(TypedDict):
    """Authentication at the gateway: names and passwords (HTTP basic authentication)."""

    users_secret_name: str
    """Secret in the server's namespace with the key `.htpasswd`, a line `name:{SHA}hash` for each user. Without it the
    route answers no request."""


class TrackingServerArgs(TrackingServerSpec, total=False):
    """A tracking server and its dependencies."""

    namespace: Required[str]
    """Existing namespace (order by `depends_on`)."""
    database: Required[DatabaseHandle]
    """Database of experiments, runs and models."""
    artifacts: Required[ObjectStoreHandle]
    """Store of artifacts; below `<uri>/mlflow`."""
    credentials_fingerprint: Input[str]
    """`ObjectStoreCredentials.fingerprint`: pods restart when it changes. Missing with workload identity."""
    highly_available: bool
    """Two replicas on two nodes; otherwise one."""
    route: RouteArgs
    """Access through a Gateway. Without this and `ingress`: reachable inside the cluster only."""
    login: LoginArgs
    """With a `route` of Envoy Gateway: authentication. Missing: every client of the gateway has access."""
    ingress: IngressArgs
    """Access through an Ingress."""
    monitoring_namespace: str
    """Namespace of Prometheus; empty or missing: no metrics."""


class TrackingServer(Component):
    """MLflow behind one address: first the migration of the schema, then replicas that only their clients can reach."""

    def __init__(self, name: str, args: TrackingServerArgs, opts: ResourceOptions | None = None) -> None:
        refuse(f"tracking server {name}", check_tracking_server("trackingServer", args))
        super().__init__(name, args, opts)
        self.handle: TrackingHandle = tracking_handle(name, args["namespace"])
        """For workloads and their namespaces."""
        account = core.v1.ServiceAccount(
            f"{name}-account",
            metadata=self._metadata(name, args, annotations=args.get("service_account_annotations") or None),
            automount_service_account_token=False,
            opts=self.child,
        )
        policies = self._network_policies(name, args)
        migration = batch.v1.Job(
            f"{name}-migrate",
            metadata=self._metadata(f"{name}-migrate", args, annotations=REPLACED_IF_FAILED),
            spec=migration_spec(name, args),
            opts=self.child_after(account, *policies),
        )
        core.v1.Service(
            f"{name}-service",
            metadata=self._metadata(name, args),
            spec={
                "selector": server_pods(name),
                "ports": [{"name": "http", "port": PORT, "targetPort": PORT, "appProtocol": "http"}],
            },
            # The provider waits until a Service has endpoints: it must not wait for pods that wait for the migration.
            opts=self.child_after(
                apps.v1.Deployment(
                    f"{name}-server",
                    metadata=self._metadata(name, args, annotations=SAME_OWNER),
                    spec=server_spec(name, args),
                    opts=self.child_after(migration),
                )
            ),
        )
        policy.v1.PodDisruptionBudget(
            f"{name}-budget",
            metadata=self._metadata(name, args),
            spec={"maxUnavailable": 1, "selector": {"matchLabels": server_pods(name)}},
            opts=self.child,
        )
        self._exposed(name, args)
        self.register_outputs({})

    def _metadata(
        self, name: str, args: TrackingServerArgs, annotations: dict[str, str] | None = None
    ) -> "meta.v1.ObjectMetaArgs":
        labels = {**LABELS, "app.kubernetes.io/name": "mlflow"}
        return meta.v1.ObjectMetaArgs(
            name=name, namespace=args["namespace"], labels=labels, annotations=annotations or None
        )

    def _network_policies(self, name: str, args: TrackingServerArgs) -> "list[networking.v1.NetworkPolicy]":
        specs = {"clients": from_labelled_namespaces(server_pods(name), self.handle["client_label"], PORT)}
        specs |= {rule["name"]: policy_spec(rule) for rule in server_traffic(name, args)}
        return [
            network_policy(f"{name}-{role}", f"{name}-{role}", args["namespace"], spec, self.child)
            for role, spec in specs.items()
        ]

    def _login(self, name: str, args: TrackingServerArgs) -> Resource:
        return custom_resource(
            f"{name}-login",
            "SecurityPolicy",
            name,
            login_spec(name, args["login"]),
            self.child,
            namespace=args["namespace"],
        )

    def _exposed(self, name: str, args: TrackingServerArgs) -> None:
        if args.get("route"):
            login = [self._login(name, args)] if args.get("login") else []
            custom_resource(
                f"{name}-route",
                "HTTPRoute",
                name,
                route_spec(name, args["route"]),
                # The route never exists without the login.
                self.child_after(*login),
                namespace=args["namespace"],
            )
        if args.get("ingress"):
            networking.v1.Ingress(
                f"{name}-ingress",
                metadata=self._metadata(name, args, annotations=args["ingress"].get("annotations")),
                spec=ingress_spec(name, args["ingress"]),
                opts=self.child,
            )
        if args.get("monitoring_namespace"):
            custom_resource(
                f"{name}-metrics",
                "ServiceMonitor",
                name,
                {
                    "selector": {"matchLabels": {"app.kubernetes.io/name": "mlflow"}},
                    "endpoints": [{"port": "http", "path": "/metrics", "interval": "30s"}],
                },
                self.child,
                namespace=args["namespace"],
            )


def server_pods(name: str) -> dict[str, str]:
    """Labels of the server's pods, which select them."""
    return {"app.kubernetes.io/name": "mlflow", "app.kubernetes.io/instance": name}


def tracking_handle(name: str, namespace: str) -> TrackingHandle:
    """The handle for clients. Pure."""
    uri = f"http://{name}.{namespace}.svc.cluster.local:{PORT}"
    return TrackingHandle(
        uri=uri,
        environment={"MLFLOW_TRACKING_URI": uri},
        namespace=namespace,
        pods=server_pods(name),
        port=PORT,
        client_label={f"mlplatform.dev/client-of-{name}": "true"},
    )


def _hostname(args: TrackingServerArgs) -> str:
    if args.get("route"):
        return hostname(args["route"]["gateway"], args["route"]["domain"], args["route"]["host"])
    return args["ingress"]["hostname"] if args.get("ingress") else ""


def server_spec(name: str, args: TrackingServerArgs) -> dict[str, Any]:
    """The `spec` of the server's Deployment. Pure."""
    workers, upload_gib = int(args.get("workers") or 2), int(args.get("upload_gib") or 20)
    pods, database = server_pods(name), args["database"]
    server = server_container(
        name,
        database,
        args["artifacts"],
        workers=workers,
        hostname=_hostname(args),
        cpu_millis=int(args.get("cpu_millis") or 500),
        memory_mib=int(args.get("memory_mib") or 1024 * workers),
        upload_gib=upload_gib,
    )
    fingerprint = args.get("credentials_fingerprint")
    return {
        "replicas": 2 if args.get("highly_available") else 1,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
        "selector": {"matchLabels": pods},
        "template": {
            "metadata": {
                "labels": {**LABELS, **pods, **database["client_label"]},
                **({"annotations": {FINGERPRINT_ANNOTATION: fingerprint}} if fingerprint else {}),
            },
            "spec": pod_spec(
                containers=[server],
                service_account=name,
                mounts=mounts_of(database, upload_gib * 1024),
                topologySpreadConstraints=[spread(pods), spread(pods, topology=ZONE_TOPOLOGY)],
                terminationGracePeriodSeconds=60,
            ),
        },
    }


def migration_pods(name: str) -> dict[str, str]:
    """Labels of the migration's pod; not those of the server, or the Service would send requests to it."""
    return {"app.kubernetes.io/name": "mlflow-migrate", "app.kubernetes.io/instance": name}


def migration_spec(name: str, args: TrackingServerArgs) -> dict[str, Any]:
    """The `spec` of the Job that migrates the schema: never more than one pod at a time. Pure.

    A Job and not an init container: two replicas that start together would both migrate, and Alembic takes no lock.
    """
    database = args["database"]
    return {
        "parallelism": 1,
        "completions": 1,
        "backoffLimit": 4,
        "podReplacementPolicy": "Failed",
        "activeDeadlineSeconds": 1800,
        "template": {
            "metadata": {"labels": {**LABELS, **migration_pods(name), **database["client_label"]}},
            "spec": pod_spec(
                containers=[migration_container(database)],
                service_account=name,
                mounts=mounts_of(database, MIGRATION_TEMPORARY_MIB),
                restartPolicy="Never",
            ),
        },
    }


def server_traffic(name: str, args: TrackingServerArgs) -> list[TrafficRuleArgs]:
    """Ingress from others than clients, and egress. Pure."""
    pods, ingress = server_pods(name), Direction.INGRESS
    store = object_store_traffic(args["artifacts"], pods)
    migration = egress_of(args["database"], migration_pods(name))
    rules = [egress_of(args["database"], pods), *store, TrafficRuleArgs(**{**migration, "name": "migration-database"})]
    if args.get("route"):
        rules += from_gateway(args["route"]["gateway"], pods, PORT)
    behind = args.get("ingress")
    for role, namespace in (
        ("ingress", behind.get("controller_namespace", "") if behind else ""),
        ("scrape", args.get("monitoring_namespace", "")),
    ):
        if namespace:
            rules.append(
                TrafficRuleArgs(name=role, direction=ingress, pods=pods, peer_namespace=namespace, ports=[PORT])
            )
    return rules


def route_spec(name: str, args: RouteArgs) -> dict[str, Any]:
    """The `spec` of the HTTPRoute. Pure."""
    spec = http_route_spec(args["gateway"], args["domain"], args["host"], name, PORT)
    # For artifacts of gigabytes: Envoy's default timeout of a request is 15 s.
    spec["rules"][0]["timeouts"] = {"request": "3600s", "backendRequest": "3600s"}
    return spec


def login_spec(name: str, login: LoginArgs) -> dict[str, Any]:
    """The `spec` of the SecurityPolicy on the route (Envoy Gateway v1.9 API, SecurityPolicy). Pure."""
    return {
        "targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": name}],
        "basicAuth": {"users": {"group": "", "kind": "Secret", "name": login["users_secret_name"]}},
    }


def ingress_spec(name: str, args: IngressArgs) -> dict[str, Any]:
    """The `spec` of the Ingress. Pure."""
    backend = {"service": {"name": name, "port": {"number": PORT}}}
    return {
        "ingressClassName": args["class_name"],
        "tls": [{"hosts": [args["hostname"]], "secretName": args["tls_secret_name"]}],
        "rules": [
            {
                "host": args["hostname"],
                "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]},
            }
        ],
    }
