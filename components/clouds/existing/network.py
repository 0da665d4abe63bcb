"""The CNI that enforces the NetworkPolicies of an existing cluster, and the settings that it needs. Pure.

The API server accepts every policy, whether or not a CNI enforces it; only the CNI's own objects show that.
docs/networking.md describes the behaviour of each CNI.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, TypedDict

from components.base.cluster_network import API_SERVICE_PORT, GKE_CLOUD_DNS, USUAL_API_SERVER_PORTS, PolicyEngine
from components.base.gke_firewall import WHICH, closed_ports, control_plane_range, firewall_command, may_be_peered
from components.clouds.existing.advice import Advice
from components.clouds.existing.inspection import ClusterSnapshot


class NetworkAgentFacts(TypedDict):
    """One DaemonSet of kube-system or of a CNI."""

    name: str
    """Its name."""
    images: list[str]
    """Images of its containers."""
    arguments: list[str]
    """Arguments of its containers."""
    host_network: bool
    """Whether its pods use the host network."""


class NetworkFacts(TypedDict):
    """Facts about the network of a cluster."""

    agents: list[NetworkAgentFacts]
    """DaemonSets of `CNIS`, and NodeLocal DNSCache."""
    cilium: dict[str, str]
    """Keys of Cilium's ConfigMap that decide what policies select; empty: no such ConfigMap, or it may not be read."""
    dns_service: str
    """Address of the Service kube-dns; empty: there is none."""
    api_server_addresses: list[str]
    """Addresses of API servers, by the same EndpointSlices; empty: they may not be read."""
    node_addresses: list[str]
    """Internal addresses of nodes."""
    api_server_ports: list[int]
    """On which API servers listen, by the EndpointSlices of the Service `kubernetes`; empty: they may not be read."""


class Cni(NamedTuple):
    """One CNI, or an agent that enforces policies in addition to one."""

    name: str
    evidence: re.Pattern[str]
    """In `DaemonSet name image`."""
    evaluates: bool
    """Whether it enforces NetworkPolicies by default."""


DATAPLANE_V2 = "GKE Dataplane V2"
CNIS = (
    Cni(DATAPLANE_V2, re.compile(r"^anetd "), True),
    Cni("Cilium", re.compile(r"^\S*cilium /?|/cilium(-agent)?[:@]"), True),
    Cni("Calico", re.compile(r"calico[-/](node|cni)\b|hardened-calico|^\S*canal "), True),
    Cni("Antrea", re.compile(r"/antrea-agent|antrea-(ubuntu|agent)"), True),
    Cni("kube-router", re.compile(r"/kube-router[:@]"), True),
    Cni("OVN-Kubernetes", re.compile(r"^ovnkube-node "), True),
    Cni("Azure Network Policy Manager", re.compile(r"/azure-npm[:@]"), True),
    Cni("kube-network-policies", re.compile(r"/kube-network-policies[:@]"), True),
    Cni("AWS VPC CNI", re.compile(r"^aws-node "), True),
    Cni("kindnet", re.compile(r"/kindnetd[:@]"), True),
    Cni("Flannel", re.compile(r"/flannel(-cni)?[:@]|hardened-flannel"), False),
)
"""Recognized by image, or by a fixed name (anetd, aws-node, ovnkube-node). Sources: the projects' install
manifests; kind v0.24.0 for kindnet, which enforces none before."""
OLD_KINDNET = re.compile(r"kindnetd:v202(0|1|2|3|40[1-7])")
"""Images of kindnet before August 2024."""
VPC_CNI_SWITCH = "--enable-network-policy=true"
"""Argument of the agent next to aws-node, without which it enforces no policy (aws/amazon-vpc-cni-k8s)."""
CILIUM_KEYS = ("enable-policy", "policy-cidr-match-mode")
NODE_LOCAL_DNS = "node-local-dns"
POLICIES, ADDRESSES, API_PORTS = "cluster.networkPolicies", "cluster.dnsAddresses", "cluster.apiServerPorts"
WEBHOOKS = "cluster (webhooks)"
GKE_NODE_POOL = "cloud.google.com/gke-nodepool"
WAIT_MINUTES = 5
"""The time limit of `components.base.webhooks`, which may not be imported here."""


def cnis_of(facts: NetworkFacts) -> list[Cni]:
    """The CNIs of `CNIS` that the cluster has."""
    shown = [f"{agent['name']} {image}" for agent in facts["agents"] for image in agent["images"]]
    found = [cni for cni in CNIS if any(cni.evidence.search(text) for text in shown)]
    # Dataplane V2 runs Google's build of Cilium, without its own kinds of policies.
    managed = any(cni.name == DATAPLANE_V2 for cni in found)
    return [cni for cni in found if not (managed and cni.name == "Cilium")]


def evaluates(cni: Cni, facts: NetworkFacts) -> bool:
    """Whether it enforces policies in this cluster."""
    arguments = {argument for agent in facts["agents"] for argument in agent["arguments"]}
    images = [image for agent in facts["agents"] for image in agent["images"]]
    switched_off = {
        "AWS VPC CNI": VPC_CNI_SWITCH not in arguments,
        "Cilium": facts["cilium"].get("enable-policy") == "never",
        "kindnet": any(OLD_KINDNET.search(image) for image in images),
    }
    return cni.evaluates and not switched_off.get(cni.name, False)


def network_advice(
    snapshot: ClusterSnapshot,
    facts: NetworkFacts,
    *,
    declared: str = PolicyEngine.KUBERNETES,
    dns_addresses: Sequence[str] = (),
    api_server_ports: Sequence[int] = USUAL_API_SERVER_PORTS,
    webhooks: Sequence[str] = (),
) -> Iterator[Advice]:
    """Advice about the network. The parameters after the facts are values of `mlplatform:cluster`;
    `webhooks`: the add-ons with webhooks that `up` would install."""
    found = cnis_of(facts)
    names = {cni.name for cni in found}
    selects_nodes = "nodes" in facts["cilium"].get("policy-cidr-match-mode", "")
    if not any(evaluates(cni, facts) for cni in found):
        yield _nothing_evaluates(snapshot, found)
    elif "Cilium" in names and declared != PolicyEngine.CILIUM and not selects_nodes:
        yield Advice(
            POLICIES,
            "Cilium, whose ipBlock selects no node",
            "write `networkPolicies: cilium`: else the API server calls no webhook of the platform, and `up` fails",
            blocks=True,
        )
    if declared == PolicyEngine.CILIUM and "Cilium" not in names:
        what = ", ".join(sorted(names)) or "no Cilium"
        yield Advice(POLICIES, what, "remove it; the cluster has no kind CiliumNetworkPolicy", blocks=True)
    yield from _api_server(facts, api_server_ports)
    if is_gke(snapshot):
        yield from _gke_webhooks(facts, webhooks)
    yield from _dns(snapshot, facts, dns_addresses, cilium=bool(names & {"Cilium", DATAPLANE_V2}))


def _api_server(facts: NetworkFacts, known: Sequence[int]) -> Iterator[Advice]:
    """MicroK8s listens on 16443, minikube on 8443. Most CNIs evaluate policies after the translation of the Service's
    address, so they see that port, not 443.
    """
    if missing := sorted({*facts["api_server_ports"]} - {*known}):
        ports = ", ".join(map(str, sorted({API_SERVICE_PORT, *facts["api_server_ports"]})))
        yield Advice(
            API_PORTS,
            f"API servers that listen on {', '.join(map(str, missing))}",
            f"write `apiServerPorts: [{ports}]`; otherwise policies deny it to every controller of the platform",
            blocks=True,
        )


def is_gke(snapshot: ClusterSnapshot) -> bool:
    """Whether a cluster runs on Google Kubernetes Engine: by its version, `v1.35.1-gke.1`, or by labels of nodes."""
    return "-gke." in snapshot["version"] or any(GKE_NODE_POOL in node["labels"] for node in snapshot["nodes"])


def _gke_webhooks(facts: NetworkFacts, addons: Sequence[str]) -> Iterator[Advice]:
    """kubectl does not show whether a control plane is peered. It is not if its address is public or in the nodes'
    subnet."""
    closed, addresses = closed_ports(addons), facts["api_server_addresses"]
    if not closed or (addresses and not any(may_be_peered(one, facts["node_addresses"]) for one in addresses)):
        return
    where = f"an API server at {', '.join(addresses)}" if addresses else "an API server whose address may not be read"
    named = "; ".join(f"{port} ({', '.join(names)})" for port, names in sorted(closed.items()))
    source = {"source": control_plane_range(addresses[0])} if addresses else {}
    yield Advice(
        WEBHOOKS,
        f"a GKE cluster with {where}: kubectl does not show whether its control plane is peered with the VPC",
        f"run {WHICH}: if it prints a name, Google's firewall blocks the webhooks' ports {named}, and `up` fails "
        f"after {WAIT_MINUTES} minutes. Open them: {firewall_command([*closed], **source)}",
    )


def _nothing_evaluates(snapshot: ClusterSnapshot, found: Sequence[Cni]) -> Advice:
    names = ", ".join(cni.name for cni in found)
    if not found and "k3s" in snapshot["version"]:
        return Advice(POLICIES, "K3s", "it enforces policies itself, unless started with --disable-network-policy")
    if not found:
        return Advice(
            POLICIES,
            "no known CNI",
            "make sure that it enforces NetworkPolicies; otherwise every namespace of the platform is open",
        )
    able = any(cni.evaluates for cni in found)
    remedy = "enable it, or upgrade the CNI" if able else "install a CNI that enforces them: Calico, Cilium, Antrea"
    return Advice(
        POLICIES,
        f"{names}: nothing enforces NetworkPolicies",
        f"{remedy}. Until then every namespace of the platform is open, and teams are not isolated",
    )


def _dns(snapshot: ClusterSnapshot, facts: NetworkFacts, known: Sequence[str], *, cilium: bool) -> Iterator[Advice]:
    labels: list[Mapping[str, str]] = [node["labels"] for node in snapshot["nodes"]]
    service = f"{facts['dns_service']}/32" if facts["dns_service"] else ""
    if is_gke(snapshot) and GKE_CLOUD_DNS not in known:
        yield Advice(ADDRESSES, "a GKE cluster", f"with Cloud DNS (always on Autopilot) write `- {GKE_CLOUD_DNS}`")
    if any(each.get("eks.amazonaws.com/compute-type") == "auto" for each in labels) and service not in ("", *known):
        line = f"write `- {service}`; nodes answer DNS requests themselves, and pods resolve no name without it"
        yield Advice(ADDRESSES, "EKS Auto Mode", line, blocks=True)
    cached = any(agent["name"] == NODE_LOCAL_DNS and agent["host_network"] for agent in facts["agents"])
    if cached and not cilium and service not in ("", *known):
        yield Advice(
            ADDRESSES,
            "NodeLocal DNSCache on the node's network",
            f"write `- {service}`; it answers at the address of the DNS Service, which no pod selector allows",
            blocks=True,
        )
