"""The tracking server's PostgreSQL: a CloudNativePG cluster, or an existing external database."""

from typing import Any, Required, TypedDict

from pulumi import Input, Output, ResourceOptions
from pulumi_kubernetes import core, meta

from catalog.addresses import POSTGRESQL_PORT
from catalog.versions import IMAGES
from components.addons.cloudnative_pg import INSTANCE_PODS
from components.base.cluster_network import USUAL_API_SERVER_PORTS
from components.base.component import Component
from components.base.custom_resources import custom_resource
from components.base.labels import LABELS
from components.base.names import check_database_name
from components.base.network_policies import POSTGRESQL_INSTANCE_PORTS, network_policy
from components.base.pods import resources
from components.base.quantities import quantity
from components.base.traffic import to_api_server
from components.base.traffic_rules import Direction, TrafficRuleArgs, policy_spec, to_anywhere
from components.findings import refuse
from components.storage.plan import StorageHandle
from components.storage.postgresql import CA_FILE, DatabaseHandle
from components.storage.volumes import claim_spec
from components.tracking.validation import check_external_database

CLUSTER_LABEL = "cnpg.io/cluster"
"""On every pod of a cluster, with the cluster's name; set by the operator."""
CLIENT_LABEL = "mlplatform.dev/database-client"
"""On pods that may connect to a database, with the database's name."""
METRICS_PORT = 9187


class DatabaseArgs(TypedDict, total=False):
    """A PostgreSQL cluster run by CloudNativePG."""

    namespace: Required[Input[str]]
    """Existing namespace, also of the database's clients."""
    storage: Required[StorageHandle]
    """Class of its volumes: block storage."""
    storage_gib: Required[int]
    """Size of each volume. Experiments are rows; 20 GiB are enough for tens of millions of metric values."""
    database: str
    """Name of the database and of the user that owns it. Default: mlflow."""
    highly_available: bool
    """Three instances on three nodes, one of them confirmed before each commit; otherwise one."""
    keep_data: bool
    """Required in stacks that are not simulated. The cluster is protected and outlives the stack."""
    operator_namespace: Required[str]
    """Namespace of the operator (`CloudNativePg.operator`)."""
    operator_pods: Required[dict[str, str]]
    """Labels of the operator's pods (`CloudNativePg.operator`)."""
    monitoring_namespace: str
    """Namespace of Prometheus; empty or missing: no metrics."""
    cpu_millis: int
    """CPU request of each instance. Default: 500."""
    memory_mib: int
    """Memory request and limit of each instance. A quarter is for shared buffers. Default: 1024."""
    api_server_ports: list[int]
    """TCP ports on which the instances reach the API server. Default: `USUAL_API_SERVER_PORTS`."""


class Database(Component):
    """A PostgreSQL cluster with one database. The operator generates user and password, in the cluster."""

    def __init__(self, name: str, args: DatabaseArgs, opts: ResourceOptions | None = None) -> None:
        claim_spec(f"database {name}", args["storage"], int(args["storage_gib"]), "ReadWriteOnce")
        refuse(f"database {name}", check_database_name("database", _database(args)))
        super().__init__(name, args, opts)
        self.handle: DatabaseHandle = cluster_handle(name, _database(args))
        """For the tracking server and the backup, in the same namespace."""
        ports = args.get("api_server_ports") or USUAL_API_SERVER_PORTS
        policies = [
            network_policy(role, role, args["namespace"], policy_spec(rule, ports), self.child)
            for rule in cluster_traffic(name, args)
            for role in [f"{name}-{rule['name']}"]
        ]
        keep = bool(args.get("keep_data"))
        held = ResourceOptions(depends_on=policies, protect=keep, retain_on_delete=keep)
        custom_resource(
            f"{name}-cluster",
            "Cluster",
            name,
            cluster_spec(name, args),
            ResourceOptions.merge(self.child, held),
            namespace=args["namespace"],
        )
        if args.get("monitoring_namespace"):
            custom_resource(
                f"{name}-metrics",
                "PodMonitor",
                name,
                {
                    "selector": {"matchLabels": {CLUSTER_LABEL: name}},
                    "podMetricsEndpoints": [{"port": "metrics", "interval": "30s"}],
                },
                self.child,
                namespace=args["namespace"],
            )
        self.register_outputs({})


def _database(args: DatabaseArgs) -> str:
    return args.get("database") or "mlflow"


def cluster_handle(name: str, database: str) -> DatabaseHandle:
    """The handle of a cluster: the operator sets the names (`<name>-rw`, `<name>-app`, `<name>-ca`). Pure."""
    return DatabaseHandle(
        host=f"{name}-rw",
        port=POSTGRESQL_PORT,
        database=database,
        secret_name=f"{name}-app",
        username_key="username",
        password_key="password",  # noqa: S106 - the name of a key
        ssl_mode="verify-full",
        ca_secret_name=f"{name}-ca",
        egress=TrafficRuleArgs(
            name="database", direction=Direction.EGRESS, peer_pods={CLUSTER_LABEL: name}, ports=[POSTGRESQL_PORT]
        ),
        client_label={CLIENT_LABEL: name},
    )


def cluster_spec(name: str, args: DatabaseArgs) -> dict[str, Any]:
    """The `spec` of the Cluster. Pure."""
    available = bool(args.get("highly_available"))
    memory_mib = int(args.get("memory_mib") or 1024)
    database = _database(args)
    spec: dict[str, Any] = {
        "description": f"Experiments and models of {name}",
        "instances": 3 if available else 1,
        "imageName": IMAGES["postgresql"].reference,
        "bootstrap": {"initdb": {"database": database, "owner": database, "encoding": "UTF8", "dataChecksums": True}},
        "storage": {
            "size": quantity(int(args["storage_gib"]) * 1024),
            "storageClass": args["storage"]["class_name"],
            "resizeInUseVolumes": True,
        },
        "resources": resources(cpu_millis=int(args.get("cpu_millis") or 500), memory_mib=memory_mib),
        "postgresql": {
            # Each worker of each tracking server has a pool of 5 connections and may open 10 more (SQLAlchemy's
            # defaults).
            "parameters": {"shared_buffers": f"{memory_mib // 4}MB", "max_connections": "200"},
        },
        "affinity": {
            "enablePodAntiAffinity": True,
            "podAntiAffinityType": "required" if available else "preferred",
            "topologyKey": "kubernetes.io/hostname",
        },
        "primaryUpdateStrategy": "unsupervised",
        "primaryUpdateMethod": "switchover" if available else "restart",
        "enableSuperuserAccess": False,
        # With one instance a budget would block every drain of its node.
        "enablePDB": available,
        "inheritedMetadata": {"labels": dict(LABELS)},
    }
    if available:
        # preferred: a lost replica does not block commits, at the cost of one transaction if two are lost at once.
        spec["postgresql"]["synchronous"] = {"method": "any", "number": 1, "dataDurability": "preferred"}
    return spec


def cluster_traffic(name: str, args: DatabaseArgs) -> list[TrafficRuleArgs]:
    """Traffic of the instances, in both directions. Pure."""
    instances, ports = {CLUSTER_LABEL: name}, [*POSTGRESQL_INSTANCE_PORTS]
    ingress, egress = Direction.INGRESS, Direction.EGRESS
    rules = [
        TrafficRuleArgs(
            name="clients", direction=ingress, pods=instances, peer_pods={CLIENT_LABEL: name}, ports=[POSTGRESQL_PORT]
        ),
        TrafficRuleArgs(
            name="operator",
            direction=ingress,
            pods=instances,
            peer_namespace=args["operator_namespace"],
            peer_pods=args["operator_pods"],
            ports=ports,
        ),
        TrafficRuleArgs(name="replicas-in", direction=ingress, pods=instances, peer_pods=instances, ports=ports),
        TrafficRuleArgs(name="replicas-out", direction=egress, pods=instances, peer_pods=instances, ports=ports),
        # Each instance's manager reports to the API server; without it the instance never starts.
        to_api_server(instances),
    ]
    if args.get("monitoring_namespace"):
        rules.append(
            TrafficRuleArgs(
                name="metrics",
                direction=ingress,
                pods={**instances, **INSTANCE_PODS},
                peer_namespace=args["monitoring_namespace"],
                ports=[METRICS_PORT],
            )
        )
    return rules


class ExternalDatabaseArgs(TypedDict, total=False):
    """An existing PostgreSQL database: RDS, Cloud SQL, an external server."""

    namespace: Required[Input[str]]
    """Existing namespace, also of the database's clients."""
    host: Required[Input[str]]
    """DNS name or address of the server. An unknown one (of a database in the same stack) is not validated."""
    port: int
    """Default: 5432."""
    database: Required[str]
    """Name of an existing database that only the platform uses."""
    username: Required[Input[str]]
    """User that owns the database; kept as a secret."""
    password: Required[Input[str]]
    """Its password; kept as a secret."""
    ssl_mode: str
    """libpq's sslmode: verify-full (default), verify-ca or require."""
    ca_certificate: Input[str]
    """PEM of the certificate authority; empty or missing: the authorities of the client's image."""
    address_range: Input[str]
    """CIDR of its address: clients reach no other address. Default: any address, on its port."""


class ExternalDatabase(Component):
    """The credentials of an external database, with the same handle as `Database`."""

    def __init__(self, name: str, args: ExternalDatabaseArgs, opts: ResourceOptions | None = None) -> None:
        refuse(f"database {name}", check_external_database("database", args))
        username, password = Output.secret(args["username"]), Output.secret(args["password"])
        super().__init__(name, {**args, "username": username, "password": password}, opts)
        self.handle: DatabaseHandle = external_handle(name, args)
        """For the tracking server and the backup, in the same namespace."""
        core.v1.Secret(
            f"{name}-credentials",
            metadata=meta.v1.ObjectMetaArgs(
                name=self.handle["secret_name"], namespace=args["namespace"], labels=LABELS
            ),
            type="kubernetes.io/basic-auth",
            # The keys of CloudNativePG's Secrets, so that psql and other clients find the same keys in both.
            string_data={
                "username": username,
                "password": password,
                "host": self.handle["host"],
                "port": str(self.handle["port"]),
                "dbname": self.handle["database"],
                "sslmode": self.handle["ssl_mode"],
            },
            opts=self.child,
        )
        if self.handle["ca_secret_name"]:
            core.v1.Secret(
                f"{name}-ca",
                metadata=meta.v1.ObjectMetaArgs(
                    name=self.handle["ca_secret_name"], namespace=args["namespace"], labels=LABELS
                ),
                string_data={CA_FILE: args["ca_certificate"]},
                opts=self.child,
            )
        self.register_outputs({})


def external_handle(name: str, args: ExternalDatabaseArgs) -> DatabaseHandle:
    """The handle of an external database. Pure."""
    port = int(args.get("port") or POSTGRESQL_PORT)
    return DatabaseHandle(
        host=args["host"],
        port=port,
        database=args["database"],
        secret_name=f"{name}-app",
        username_key="username",
        password_key="password",  # noqa: S106 - the name of a key
        ssl_mode=args.get("ssl_mode") or "verify-full",
        ca_secret_name=f"{name}-ca" if args.get("ca_certificate", "") != "" else "",
        egress=database_egress(port, args.get("address_range", "")),
        client_label={},
    )


def database_egress(port: int, address_range: Input[str]) -> TrafficRuleArgs:
    """The egress rule of clients of an external database. Pure."""
    rule = to_anywhere("database", [port])
    if address_range == "":
        return rule
    return TrafficRuleArgs(name=rule["name"], direction=Direction.EGRESS, cidr=address_range, ports=[port])
