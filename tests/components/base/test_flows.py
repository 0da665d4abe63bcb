"""The table of flows against the policies of the four environments, as each CNI evaluates them.

Every flow of the table and every scrape of a monitor is allowed, and nothing else is. Pods, ports and monitors are
upstream's own (`catalog.upstream`), policies are what the program registers.
Not proved: that a CNI evaluates as its documentation says, and what runs in namespaces that the platform did not make.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from catalog.addresses import PRIVATE_RANGES
from components.base.flows import CONDITIONS, FLOWS, GROUPS, TEAM, Flow, Outside
from components.base.traffic_rules import policy_spec
from components.storage.object_store_plan import object_store, object_store_traffic
from components.storage.plan import ObjectStoreKind
from settings.clouds.eks import EksSettings
from settings.clouds.gke import GkeSettings
from settings.load import parse
from settings.settings import Settings
from tests.support.cluster_pods import Inventory, inventory
from tests.support.network_policies import (
    ADDRESSES,
    CILIUM,
    CILIUM_NODES,
    DATAPLANE_V2,
    VPC_CNI,
    Connection,
    Endpoint,
    Kind,
    Policies,
    Semantics,
    Service,
    selects,
)

REPOSITORY = Path(__file__).parents[3]
PROJECT = "mlplatform:"

INTERNET = Endpoint("the internet", Kind.ADDRESS, "203.0.113.9")
COMPANY = Endpoint("the company's network", Kind.ADDRESS, "10.99.30.40")
METADATA = Endpoint("the metadata service", Kind.ADDRESS, "169.254.169.254")
POD_IDENTITY = Endpoint("the agent of EKS Pod Identity", Kind.ADDRESS, "169.254.170.23")
WORKER = Endpoint("a node", Kind.NODE, "10.10.1.1")
CONTROL_PLANE = Endpoint("an API server on a node", Kind.NODE, "10.10.1.2")
MANAGED = Endpoint("a managed API server", Kind.ADDRESS, "10.20.3.7")
DATABASE = Endpoint("a managed database", Kind.ADDRESS, "10.20.4.8")
STORE = Endpoint("an object store outside", Kind.ADDRESS, "198.51.100.9")
ODD_PORTS = (22, 45678)


class Case(NamedTuple):
    """An environment under one CNI."""

    stack: str
    semantics: Semantics
    over: Mapping[str, Any] = {}
    """Laid over its file: `None` removes a key."""
    what: str = ""
    """What `over` makes of it."""
    api_port: int = 0
    """On which API servers listen; 0: 443 in a cloud, 6443 elsewhere."""

    @property
    def name(self) -> str:
        return f"{self.stack}{self.what and ' '}{self.what}, {self.semantics.name}"


ON_CILIUM = {"cluster": {"networkPolicies": "cilium"}}
COMPLETE: Mapping[str, Any] = {
    "cluster": {
        "metallb": {"addresses": ["192.168.10.0/24"]},
        "localPath": {"paths": ["/var/lib/volumes"], "encryption": "node-disk"},
        "networkPolicies": "cilium",
    },
    "acme": {"server": "https://acme.example.com/directory", "email": "ops@example.com"},
    "gateway": {
        "domains": [{"name": "public", "domain": "ml.example.com", "certificate": "acme", "hosts": ["mlflow"]}]
    },
    "storage": {"declared": []},
    "objectStore": {"kind": "in-cluster"},
}
"""What no stack file has: addresses and volumes of its own, HTTP-01 challenges, an object store in the cluster."""
CLOSED: Mapping[str, Any] = {
    "objectStore": {"kind": "s3", "bucket": "models", "region": "eu-central-1", "ranges": ["198.51.100.0/24"]},
    "teams": {"*": {"internet": False}},
}
"""No team reaches the internet, and the object store is outside of the cluster."""
WHOLE_DEVICES: Mapping[str, Any] = {
    "environment": {"deviceCaps": None},
    "teams": {"vision": {"quota": {"h100": 32, "l4": 16}}, "language": {"quota": {"h100": 32, "l4": 16}}},
    "training": {"nightly": None},
}
"""What Karpenter and Auto Mode can make, and what asks for it."""
KARPENTER: Mapping[str, Any] = {
    **WHOLE_DEVICES,
    "cluster": {
        "controlPlane": {"provisioning": "karpenter"},
        "pools": {
            "a100-mig": {"sharing": None, "workingHours": None},
            "l4": {"sharing": None, "nodesMin": None},
            "h100": {"nodesMin": None},
        },
    },
}
AUTO_MODE: Mapping[str, Any] = {
    **WHOLE_DEVICES,
    "cluster": {
        "controlPlane": {"provisioning": "auto-mode"},
        "pools": {
            **KARPENTER["cluster"]["pools"],
            "cpu": {"nodesMin": None},
            "h100": {"nodesMin": None, "efa": None, "localNvme": None},
        },
    },
}
AUTOPILOT: Mapping[str, Any] = {
    "environment": {"deviceCaps": None},
    "cluster": {
        "controlPlane": {"mode": "autopilot"},
        "pools": None,
        "computeClasses": {
            "l4": {"machine": "g2-standard-48", "nodesMax": 6, "purchases": ["on-demand"]},
            "h100": {"machine": "a3-highgpu-8g", "nodesMax": 2, "purchases": ["on-demand"]},
        },
    },
    "teams": {"vision": {"quota": {"l4": 12, "h100": 16}}, "language": {"quota": {"l4": 12}, "cpu": None}},
    "training": {"language-model": None},
}
OPERATED = {"driver": "operator", "devicePlugin": "operator"}
OPERATOR: Mapping[str, Any] = {
    "cluster": {"networkPolicies": "cilium", "pools": {"h100": OPERATED, "l4": OPERATED}},
}
CLAIMS: Mapping[str, Any] = {
    "cluster": {"pools": {"h100": {"deviceAllocation": "dra"}}},
    "teams": {"vision": {"quota": {"l4": 16}}},
}
DOMAINS: Mapping[str, Any] = {
    **CLAIMS,
    "cluster": {**CLAIMS["cluster"], "networkPolicies": "cilium"},
    "nvidia": {"computeDomains": True},
}
CASES = (
    Case("dev", ADDRESSES),
    Case("prod", ADDRESSES),
    Case("prod", VPC_CNI),
    Case("prod", ADDRESSES, CLOSED, "without the internet"),
    Case("prod", VPC_CNI, CLOSED, "without the internet"),
    Case("prod", VPC_CNI, KARPENTER, "with Karpenter"),
    Case("prod", VPC_CNI, AUTO_MODE, "in Auto Mode"),
    Case("gke", DATAPLANE_V2),
    Case("gke", DATAPLANE_V2, AUTOPILOT, "on Autopilot"),
    Case("onprem", ADDRESSES),
    Case("onprem", CILIUM_NODES),
    Case("onprem", CILIUM, ON_CILIUM),
    Case("onprem", ADDRESSES, COMPLETE, "with everything"),
    Case("onprem", CILIUM, COMPLETE, "with everything"),
    Case("onprem", ADDRESSES, {"cluster": {"apiServerPorts": [443, 16443]}}, "on MicroK8s", 16443),
    Case("onprem", ADDRESSES, OPERATOR, "with the GPU Operator"),
    Case("onprem", CILIUM, OPERATOR, "with the GPU Operator"),
    Case("onprem", ADDRESSES, CLAIMS, "with DRA"),
    Case("onprem", CILIUM, DOMAINS, "with compute domains"),
)
EVERY_CASE = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@cache
def settings_of(stack: str, over: str) -> Settings:
    text = (REPOSITORY / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8")
    sections = {key.removeprefix(PROJECT): value for key, value in yaml.safe_load(text)["config"].items()}
    for key, value in yaml.safe_load(over).items():
        if key in ("gateway", "objectStore", "storage"):
            sections[key] = value
            continue
        of_all = dict.fromkeys(sections[key], value["*"]) if "*" in value else value
        sections[key] = laid_over(sections.get(key) or {}, of_all)
    return parse(sections)


def laid_over(settings: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Key by key; quotas are replaced, and `None` removes."""
    found = {**settings}
    for key, value in over.items():
        below = isinstance(value, dict) and key != "quota"
        found[key] = laid_over(settings.get(key) or {}, value) if below else value
    return {key: value for key, value in found.items() if value is not None}


@cache
def _there(stack: str, over: str) -> Inventory:
    return inventory(settings_of(stack, over), stack)


class World:
    """One environment with all that can be a side of a connection."""

    def __init__(self, case: Case) -> None:
        over = yaml.safe_dump(dict(case.over))
        self.case, self.settings = case, settings_of(case.stack, over)
        self.there = _there(case.stack, over)
        self.managed = isinstance(self.settings.cluster, (EksSettings, GkeSettings))
        self.api_server = MANAGED if self.managed else CONTROL_PLANE
        self.api_port = case.api_port or (443 if self.managed else 6443)
        self.api_service = Service("default", {}, "10.96.0.1", {self.api_port: 443})
        addresses = [cidr.removesuffix("/32") for cidr in self.settings.network["dns_addresses"]]
        self.dns_addresses = [
            METADATA if address == METADATA.address else Endpoint(f"DNS at {address}", Kind.ADDRESS, address)
            for address in addresses
        ]
        self.outside = [INTERNET, COMPANY, METADATA, POD_IDENTITY, WORKER, self.api_server, DATABASE, STORE]
        self.pods = list(self.there.pods)
        self.ours = [pod for pod in self.pods if pod.kind is Kind.POD and self.isolated(pod)]

    def distinct(self) -> list[Endpoint]:
        """One of all pods that no policy can tell apart, and everything outside of the cluster."""
        alike = {(pod.kind, pod.namespace, tuple(sorted(pod.labels.items()))): pod for pod in self.pods}
        return [*alike.values(), *dict.fromkeys([*self.outside, *self.dns_addresses])]

    @staticmethod
    def isolated(pod: Endpoint) -> bool:
        return pod.namespace_labels.get("app.kubernetes.io/managed-by") == "mlplatform"

    def allowed(self, one: Connection) -> bool:
        return self.there.policies.allow(self.case.semantics, one)

    def has(self, condition: str) -> bool:
        server = any(pod.namespace == "object-store" for pod in self.pods)
        ranges = getattr(self.settings.object_store, "ranges", [])
        return {
            "": True,
            "compute-domains": any("resource.nvidia.com/computeDomain" in pod.labels for pod in self.pods),
            "acme": any("acme.cert-manager.io/http01-solver" in pod.labels for pod in self.pods),
            "managed-database": not any("cnpg.io/cluster" in pod.labels for pod in self.pods),
            "server": server,
            "bucket": not server and not ranges,
            "store-ranges": bool(ranges),
            "internet": all(team.get("internet", True) for team in self.settings.teams.values()),
            "rule-webhook": self.case.stack != "dev",
            "aws": isinstance(self.settings.cluster, EksSettings),
            "pod-identity": isinstance(self.settings.cluster, EksSettings)
            or (self.case.stack == "onprem" and not server),
            "metallb": bool(self.group("MetalLB's controller")),
            "node-exporter": any(pod.namespace == "monitoring-nodes" for pod in self.pods),
            "google": isinstance(self.settings.cluster, GkeSettings),
            "receivers": bool(self.settings.monitoring_args.get("receivers")),
        }[condition]

    def group(self, name: str) -> list[Endpoint]:
        group = GROUPS[name]
        return [
            pod
            for pod in self.ours
            if (pod.namespace == group.namespace or (group.namespace == TEAM and "mlplatform.dev/team" in pod.labels))
            and group.labels.items() <= pod.labels.items()
        ]

    def dialled(self, source: Endpoint, target: Endpoint, port: int, protocol: str = "TCP") -> Iterator[Connection]:
        """A connection to the pod itself, and one through each Service that it is behind."""
        yield Connection(source, target, port, protocol)
        for service in self.there.services:
            behind = service.namespace == target.namespace and service.selector.items() <= target.labels.items()
            if behind and port in service.ports and target.kind is Kind.POD:
                yield Connection(source, target, port, protocol, service)
        if target is self.api_server and port == self.api_port:
            yield Connection(source, target, port, protocol, self.api_service)


def callers(world: World) -> list[Endpoint]:
    """From where the API server calls webhooks: its own address, a node, or the agents of its tunnel."""
    if world.case.stack == "gke":
        return world.there.at("kube-system", {"k8s-app": "konnectivity-agent"})
    return [world.api_server]


def sources(world: World, flow: Flow) -> list[Endpoint]:
    match flow.source:
        case Outside.EVERY_POD:
            return world.ours
        case Outside.API_SERVER:
            return callers(world)
        case Outside.PRIVATE_ADDRESSES:
            return [COMPANY]
    return world.group(flow.source)


def targets(world: World, flow: Flow) -> list[tuple[Endpoint, int]]:
    pods = world.there.at
    dns = [*pods("kube-system", {"k8s-app": "kube-dns"}), *pods("kube-system", {"k8s-app": "node-local-dns"})]
    outside: dict[str, list[Endpoint]] = {
        Outside.ADDRESSES: [INTERNET],
        Outside.ANYWHERE: [WORKER],
        Outside.DNS: [*dns, *world.dns_addresses],
        Outside.EKS_IDENTITY: [POD_IDENTITY],
        Outside.GKE_IDENTITY: [METADATA],
        Outside.MANAGED_DATABASE: [DATABASE],
        Outside.STORE_RANGES: [STORE],
    }
    if flow.target == Outside.API_SERVER_PORTS:
        return [(world.api_server, world.api_port)]
    found = outside[flow.target] if flow.target in outside else world.group(flow.target)
    return [(one, port) for one in found for port in flow.ports or ODD_PORTS]


def ports_of(world: World, flow: Flow) -> Sequence[int]:
    """The ports of a row in this environment."""
    return world.settings.network["api_server_ports"] if flow.target == Outside.API_SERVER_PORTS else flow.ports


def required(world: World, flow: Flow) -> Iterator[Connection]:
    for source in sources(world, flow):
        for target, port in targets(world, flow):
            if source is target or not _same_team(flow, source, target):
                continue
            for protocol in ("TCP", "UDP") if flow.udp else ("TCP",):
                yield from world.dialled(source, target, port, protocol)


def _same_team(flow: Flow, source: Endpoint, target: Endpoint) -> bool:
    teams = [GROUPS[side].namespace == TEAM for side in (flow.source, flow.target) if side in GROUPS]
    return teams != [True, True] or source.namespace == target.namespace


def scrapes(world: World) -> Iterator[tuple[str, Endpoint, int]]:
    """Monitor, target and port of all that our Prometheus is configured to scrape."""
    for kind, namespace, selector, namespaces, endpoints in world.there.monitors:
        for endpoint in endpoints:
            if selector.get("matchLabels", {}).get("component") == "apiserver":
                yield "the API server", world.api_server, world.api_port
            elif selector.get("matchLabels", {}).get("k8s-app") == "kubelet":
                yield "kubelets", WORKER, 10250
            elif kind == "PodMonitor":
                for pod, ports in world.there.pods.items():
                    if pod.namespace in namespaces and selects(selector, pod.labels):
                        port = endpoint.get("portNumber") or ports.get(str(endpoint.get("port")))
                        if port:
                            yield f"PodMonitor {namespace}", pod, int(port)
            else:
                yield from _of_services(world, namespace, selector, namespaces, endpoint)


def _of_services(
    world: World, namespace: str, selector: Any, namespaces: list[str], endpoint: Mapping[str, Any]
) -> Iterator[tuple[str, Endpoint, int]]:
    for where, labels, pods, ports in world.there.service_ports:
        if where not in namespaces or not selects(selector, labels):
            continue
        wanted = endpoint.get("targetPort") or ports.get(str(endpoint.get("port")))
        for pod in world.there.at(where, pods) if wanted else []:
            number = world.there.pods[pod].get(str(wanted), wanted)
            if str(number).isdigit():
                yield f"ServiceMonitor {namespace}", pod, int(number)


def permitted(world: World) -> Callable[[Connection], bool]:
    """Whether the table, or a monitor, has a connection."""
    rows = [flow for flow in FLOWS if world.has(flow.condition)]
    scraped = {(target, port) for _, target, port in scrapes(world)}
    prometheus = set(world.group("Prometheus"))
    private = [ip_network(cidr) for cidr in PRIVATE_RANGES]
    dns = {one for one in world.pods if one.labels.get("k8s-app") in ("kube-dns", "node-local-dns")}
    is_one_of: dict[str, Callable[[Endpoint], bool]] = {
        Outside.ADDRESSES: lambda one: one is not METADATA,
        Outside.ANYWHERE: lambda _: True,
        Outside.API_SERVER_PORTS: lambda _: True,
        Outside.API_SERVER: lambda one: (
            one is world.api_server or one.namespace == "kube-system" or one.kind is Kind.NODE
        ),
        Outside.DNS: lambda one: one in dns or one in world.dns_addresses,
        Outside.EKS_IDENTITY: lambda one: one is POD_IDENTITY,
        Outside.EVERY_POD: lambda one: one in world.ours,
        Outside.GKE_IDENTITY: lambda one: one is METADATA,
        Outside.MANAGED_DATABASE: lambda one: ip_address(one.address) in ip_network("10.0.0.0/8"),
        Outside.STORE_RANGES: lambda one: one is STORE,
        Outside.PRIVATE_ADDRESSES: lambda one: any(ip_address(one.address) in cidr for cidr in private),
        **{name: set(world.group(name)).__contains__ for name in GROUPS},
    }

    def is_permitted(one: Connection) -> bool:
        if one.source in prometheus and (one.target, one.port) in scraped:
            return True
        return any(
            (not flow.ports or one.port in ports_of(world, flow))
            and (flow.udp or one.protocol == "TCP" or not flow.ports)
            and is_one_of[flow.source](one.source)
            and is_one_of[flow.target](one.target)
            and _same_team(flow, one.source, one.target)
            for flow in rows
        )

    return is_permitted


def text(one: Connection) -> str:
    through = " through its Service" if one.service else ""
    return f"{one.source.name} -> {one.target.name}:{one.port}/{one.protocol}{through}"


def test_every_group_and_every_condition_of_the_table_is_there_in_some_case() -> None:
    """Labels of the table are held to the pods of upstream's charts: a misspelt one would select nothing, and pass."""
    worlds = [World(case) for case in CASES]
    assert {name for name in GROUPS if not any(world.group(name) for world in worlds)} == set()
    assert {name for name in CONDITIONS if not any(world.has(name) for world in worlds)} == set()
    rows = {flow for world in worlds for flow in FLOWS if world.has(flow.condition) and any(required(world, flow))}
    assert set(FLOWS) == rows


@EVERY_CASE
def test_every_flow_of_the_table_is_allowed(case: Case) -> None:
    world = World(case)
    denied = {
        f"{flow.why}: {text(one)}"
        for flow in FLOWS
        if world.has(flow.condition)
        for one in required(world, flow)
        if not world.allowed(one)
    }
    assert sorted(denied) == []


@EVERY_CASE
def test_prometheus_reaches_every_target_of_every_monitor(case: Case) -> None:
    world = World(case)
    found = list(scrapes(world))
    assert len(found) > 15
    denied = {
        f"{monitor}: {text(one)}"
        for prometheus in world.group("Prometheus")
        for monitor, target, port in found
        for one in [Connection(prometheus, target, port)]
        if not world.allowed(one)
    }
    assert sorted(denied) == []


@EVERY_CASE
def test_nothing_is_allowed_that_neither_the_table_nor_a_monitor_names(case: Case) -> None:
    world = World(case)
    is_permitted = permitted(world)
    known = {port for named in world.there.pods.values() for port in named.values()}
    ports = sorted({*ODD_PORTS, 53, 80, 443, 988, 6443, 8443, 16443, *known})
    dialled = [*((port, "TCP") for port in ports), *((port, "UDP") for port in (*ODD_PORTS, 53))]
    ours, everything = set(world.ours), world.distinct()
    found = {
        text(one)
        for source in everything
        for target in everything
        if source is not target and (source in ours or target in ours)
        for port, protocol in dialled
        for one in [Connection(source, target, port, protocol)]
        if world.allowed(one) and not is_permitted(one)
    }
    assert sorted(found) == []


@pytest.mark.parametrize("host", ["minio.storage", "minio.storage.svc", "minio.storage.svc.cluster.local"])
@pytest.mark.parametrize("semantics", [ADDRESSES, VPC_CNI, CILIUM, DATAPLANE_V2], ids=lambda one: one.name)
def test_a_store_of_another_namespace_is_reached_at_the_port_of_its_pods(host: str, semantics: Semantics) -> None:
    """MinIO's Service has port 443 and its pods 9000: after translation a CNI sees 9000, which the endpoint does not
    name."""
    store = object_store(
        "store",
        {
            "kind": ObjectStoreKind.S3_COMPATIBLE,
            "bucket": "models",
            "endpoint": f"https://{host}",
            "credentials_secret_name": "keys",
        },
    )
    specs = [policy_spec(rule) for rule in object_store_traffic(store)]
    policies = Policies([{"kind": "NetworkPolicy", "metadata": {"namespace": "vision"}, "spec": one} for one in specs])
    client = Endpoint("a training", Kind.POD, "10.244.0.7", "vision")
    names = {"kubernetes.io/metadata.name": "storage"}
    server = Endpoint("MinIO", Kind.POD, "10.244.0.8", "storage", names, {"app": "minio"})
    service = Service("storage", {"app": "minio"}, "10.96.1.9", {9000: 443})
    assert policies.allow(semantics, Connection(client, server, 9000, "TCP", service))
    other = Endpoint("MinIO", Kind.POD, "10.244.0.9", "other", {"kubernetes.io/metadata.name": "other"})
    assert not policies.allow(semantics, Connection(client, other, 9000))
