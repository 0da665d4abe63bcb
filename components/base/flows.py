"""Every connection that the platform needs: source, target, ports and purpose. Pure.

Scraping is not included: it follows from the monitors. `docs/networking.md` shows the table; a test compares the
declared NetworkPolicies with it, in both directions, under the semantics of each CNI. Groups of pods are identified by
their namespace and by labels that upstream's charts and controllers set; namespaces are those of an environment without
settings for them.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from catalog.addons import ADDONS
from catalog.addresses import POSTGRESQL_PORT
from components.base.cluster_network import USUAL_API_SERVER_PORTS

TEAM = "(team)"
"""Placeholder for the namespaces of teams."""


class Outside(StrEnum):
    """A source or target that is not a group of pods."""

    EVERY_POD = "every pod of the platform"
    """In namespaces that the platform creates, without pods on the node's network."""
    DNS = "cluster DNS"
    """Its pods, the pods of NodeLocal DNSCache, and the DNS addresses of the cluster's network."""
    API_SERVER = "the API server"
    """As a client: of webhooks."""
    ANYWHERE = "every destination"
    """Nodes and pods included."""
    API_SERVER_PORTS = "every destination, on the API server's ports"
    """Nodes and pods included: the address of the API server is not known before `up`. On an existing cluster with
    `cluster.apiServerPorts`, those ports."""
    ADDRESSES = "every address but the metadata service"
    """Clouds, registries, certificate authorities. Includes pods and nodes if `ipBlock` selects them."""
    PRIVATE_ADDRESSES = "private addresses"
    """Clients of the gateway, and an API server that connects from an address."""
    MANAGED_DATABASE = "the managed database"
    STORE_RANGES = "the object store's ranges"
    EKS_IDENTITY = "EKS Pod Identity"
    """169.254.170.23, the agent on the pod's own node (EKS User Guide, pod-id-agent-setup)."""
    GKE_IDENTITY = "GKE's metadata server"
    """169.254.169.254 with Dataplane V2, 169.254.169.252 without (GKE documentation, how-to/network-policy)."""


class Group(NamedTuple):
    """Pods that are equal for policies."""

    namespace: str
    labels: Mapping[str, str] = {}


GROUPS: dict[str, Group] = {
    **{pods.name: Group(row.namespace, pods.labels) for row in ADDONS.values() for pods in row.pods},
    "PostgreSQL": Group("mlflow", {"cnpg.io/cluster": "mlflow-database"}),
    "PostgreSQL's instances": Group("mlflow", {"cnpg.io/podRole": "instance"}),
    "MLflow": Group("mlflow", {"app.kubernetes.io/name": "mlflow"}),
    "MLflow's migration": Group("mlflow", {"app.kubernetes.io/name": "mlflow-migrate"}),
    "MLflow's backup": Group("mlflow", {"app.kubernetes.io/name": "database-backup"}),
    "the object store": Group("object-store"),
    "teams": Group(TEAM),
    "trainings": Group(TEAM, {"app.kubernetes.io/component": "training"}),
    "models": Group(TEAM, {"app.kubernetes.io/component": "serving"}),
}

EVERY_PORT: tuple[int, ...] = ()


class Flow(NamedTuple):
    """One row: connections from one side to the other."""

    source: str
    """Key of `GROUPS`, or an `Outside`."""
    target: str
    """The same."""
    ports: tuple[int, ...]
    """Ports of the target's pods; empty: all."""
    why: str
    udp: bool = False
    """Besides TCP."""
    condition: str = ""
    """Condition on the environment, a key of `CONDITIONS`. Empty: the groups exist."""


CONDITIONS = {
    "acme": "an ACME account",
    "aws": "EKS",
    "bucket": "an object store outside of the cluster, without `objectStore.ranges`",
    "compute-domains": "`nvidia.computeDomains`",
    "google": "GKE",
    "internet": "teams that may reach it",
    "managed-database": "a database of the cloud",
    "metallb": "MetalLB of the platform",
    "node-exporter": "a cluster other than GKE Autopilot",
    "pod-identity": "EKS, or an S3 bucket without keys",
    "receivers": "receivers of alerts",
    "rule-webhook": "a cluster that is not simulated",
    "server": "an object store in the cluster",
    "store-ranges": "an object store with `objectStore.ranges`",
}
"""Conditions on the environment."""

API_CLIENTS = (*(pods.name for row in ADDONS.values() for pods in row.pods if pods.calls_api), "PostgreSQL")
"""Clients of the API server."""


class Webhook(NamedTuple):
    """Where the webhooks of one add-on listen."""

    addon: str
    """Key of `catalog.addons.ADDONS`."""
    service: str
    """The Service that the API server calls, in the add-on's namespace; its port is 443."""
    port: int
    """Port of the pods behind it."""
    condition: str = ""
    """Like the condition of a `Flow`."""


WEBHOOKS = {
    pods.name: Webhook(name, *pods.webhook) for name, row in ADDONS.items() for pods in row.pods if pods.webhook
}
"""Pods that serve webhooks -> the webhooks. Compared with the charts' facts
(tests/components/base/test_gke_firewall.py)."""

_DATABASE_CLIENTS = ("MLflow", "MLflow's migration", "MLflow's backup")
_STORE_CLIENTS = ("MLflow", "MLflow's backup", "teams")
_GATEWAY = "the gateway's proxies"

FLOWS: tuple[Flow, ...] = (
    Flow(Outside.EVERY_POD, Outside.DNS, (53,), "names of Services, clouds and registries", udp=True),
    *(Flow(client, Outside.API_SERVER_PORTS, USUAL_API_SERVER_PORTS, "the API server") for client in API_CLIENTS),
    *(
        Flow(
            caller,
            pods,
            (webhook.port,),
            "the API server calls a webhook, directly or through its tunnel",
            condition=webhook.condition,
        )
        for pods, webhook in WEBHOOKS.items()
        for caller in (Outside.API_SERVER, Outside.PRIVATE_ADDRESSES)
    ),
    Flow("CloudNativePG", "PostgreSQL's instances", (POSTGRESQL_PORT, 8000), "status and commands of instances"),
    Flow("PostgreSQL", "PostgreSQL", (POSTGRESQL_PORT, 8000), "replication"),
    *(Flow(client, "PostgreSQL", (POSTGRESQL_PORT,), "experiments, runs and models") for client in _DATABASE_CLIENTS),
    *(
        Flow(client, Outside.MANAGED_DATABASE, (POSTGRESQL_PORT,), "the same", condition="managed-database")
        for client in _DATABASE_CLIENTS
    ),
    *(
        Flow(client, "the object store", (8333,), "artifacts, models, backups", condition="server")
        for client in _STORE_CLIENTS
    ),
    Flow("the object store", "the object store", (8333,), "creation of its bucket"),
    *(
        Flow(client, Outside.ADDRESSES, (443,), "artifacts, models, backups: the store's API", condition="bucket")
        for client in _STORE_CLIENTS
    ),
    *(Flow(client, Outside.STORE_RANGES, (443,), "the same", condition="store-ranges") for client in _STORE_CLIENTS),
    *(
        Flow(client, Outside.EKS_IDENTITY, (80,), "the store without keys", condition="pod-identity")
        for client in _STORE_CLIENTS
    ),
    *(
        Flow(client, Outside.GKE_IDENTITY, (80,), "the store without keys", condition="google")
        for client in _STORE_CLIENTS
    ),
    *(
        Flow(client, identity, (80,), "the cloud's API, without keys", condition=cloud)
        for client in ("external-dns", "cert-manager")
        for identity, cloud in ((Outside.EKS_IDENTITY, "aws"), (Outside.GKE_IDENTITY, "google"))
    ),
    Flow("Cluster Autoscaler", Outside.EKS_IDENTITY, (80,), "Auto Scaling groups, without keys"),
    Flow("Cluster Autoscaler", Outside.ADDRESSES, (443,), "EC2 and Auto Scaling"),
    Flow("Karpenter", Outside.EKS_IDENTITY, (80,), "instances and its queue, without keys"),
    Flow("Karpenter", Outside.ADDRESSES, (443,), "EC2, EKS, IAM, SQS, SSM and the price list"),
    Flow("the GPU Operator's drivers", Outside.ADDRESSES, (80, 443), "kernel headers of the distribution"),
    Flow(
        "NVIDIA's DRA driver",
        "NVIDIA's DRA driver",
        (50000,),
        "IMEX daemons of one compute domain, on nodes of one rack",
        condition="compute-domains",
    ),
    Flow("teams", "MLflow", (5000,), "runs, metrics and models of trainings"),
    Flow(Outside.PRIVATE_ADDRESSES, _GATEWAY, (10080, 10443), "clients, through the load balancer"),
    Flow(_GATEWAY, "MLflow", (5000,), "its route"),
    Flow(_GATEWAY, "Grafana", (3000,), "its route"),
    Flow(_GATEWAY, "models", EVERY_PORT, "routes of models: each has its port"),
    Flow(_GATEWAY, "ACME solvers", (8089,), "answers to HTTP-01 challenges", condition="acme"),
    Flow(_GATEWAY, "Envoy Gateway", (18000,), "configuration of the proxies"),
    Flow("cert-manager", Outside.ADDRESSES, (80,), "self-check of HTTP-01, through the gateway", condition="acme"),
    Flow(
        "cert-manager's controller",
        _GATEWAY,
        (10080, 10443),
        "the same, if nodes translate",
        condition="acme",
    ),
    Flow("monitoring", "monitoring", EVERY_PORT, "Prometheus, Alertmanager, Grafana and their operator"),
    Flow("Prometheus", Outside.ANYWHERE, (10250,), "kubelets, on nodes"),
    Flow("Prometheus", Outside.ANYWHERE, (9100,), "node-exporter, on nodes", condition="node-exporter"),
    Flow("Prometheus", Outside.ANYWHERE, (9120,), "MetalLB's speakers, on nodes", condition="metallb"),
    Flow("Prometheus", "NVIDIA's DRA driver", (8080,), "its metrics, for custom monitors: it has none"),
    Flow("Prometheus", "NVIDIA's DRA driver", (8081,), "the same", condition="compute-domains"),
    Flow("Prometheus", "models", EVERY_PORT, "metrics: each model has its port"),
    Flow("Prometheus", "teams", EVERY_PORT, "metrics of teams' own monitors"),
    Flow("Alertmanager", Outside.ADDRESSES, (443,), "receivers of alerts", condition="receivers"),
    Flow("teams", Outside.ADDRESSES, (443,), "models and data of the internet", condition="internet"),
    Flow("trainings", "trainings", EVERY_PORT, "rendezvous and collectives, on random ports, inside of a team"),
    Flow("models", "models", EVERY_PORT, "transformers and predictors, inside of a team"),
)
"""Rows of one team apply within that team: teams never reach each other."""
