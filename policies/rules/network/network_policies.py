"""Network policies at plan time: every namespace with pods denies by default, and no policy allows the internet."""

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from catalog.addresses import (
    GKE_METADATA_PORTS,
    METADATA_PORTS,
    METADATA_SERVICE,
    NAMESPACE_LABEL,
    WIDEST_PRIVATE_PREFIX,
    metadata_service_in,
)
from components.findings import Finding
from policies.objects import UNKNOWN, PlannedObject, at, listed
from policies.pods import runs_pods
from policies.rule import Rule, Severity

_CALICO = ("projectcalico.org", "crd.projectcalico.org")
EVERYBODY_IN_CILIUM = frozenset({"all", "cluster", "world"})
"""Entities that are not specific (Cilium documentation, security/policy/layer3)."""
OTHER_POLICIES = frozenset(
    {
        *((group, kind) for group in _CALICO for kind in ("NetworkPolicy", "GlobalNetworkPolicy")),
        *(("policy.networking.k8s.io", f"{kind}NetworkPolicy") for kind in ("Admin", "BaselineAdmin", "Cluster")),
        *(("crd.antrea.io", kind) for kind in ("NetworkPolicy", "ClusterNetworkPolicy")),
    }
)
"""(API group, kind) of policies that allow traffic in addition to, or before, the policies that are checked
(documentation of Calico, Antrea, and the network policy API of SIG Network)."""
SYSTEM_NAMESPACES = frozenset({"kube-system", "kube-node-lease", "kube-public"})
"""Namespaces of Kubernetes itself, which the platform does not isolate."""


def _denies(policy: PlannedObject, direction: str) -> bool:
    """Whether a policy selects every pod, names the direction, and allows nothing in it."""
    selector = policy.at("spec.podSelector", {})
    types = policy.at("spec.policyTypes") or []
    selects_all = isinstance(selector, Mapping) and not any(selector.values())
    return selects_all and direction in types and not policy.at(f"spec.{direction.lower()}")


def namespaces_deny_by_default(objects: list[PlannedObject]) -> Iterator[Finding]:
    """Every namespace that runs pods has a policy that denies all ingress and all egress."""
    policies = [o for o in objects if o.kind == "NetworkPolicy"]
    owners: dict[str, str] = {}
    for subject in filter(runs_pods, objects):
        owners.setdefault(subject.namespace, subject.title)
    for namespace, first in sorted(owners.items()):
        if namespace in SYSTEM_NAMESPACES:
            continue
        missing = [
            direction
            for direction in ("Ingress", "Egress")
            if not any(_denies(policy, direction) for policy in policies if policy.namespace == namespace)
        ]
        if missing:
            yield Finding(
                f"Namespace {namespace or '(not known or default)'}",
                f"runs {first} and has no default deny for {' and '.join(missing)}",
                "every namespace with pods must deny all traffic that no policy allows",
                "declare it as a Team or IsolatedNamespace, or add a NetworkPolicy default-deny",
            )


def network_policy_is_restricted(policy: PlannedObject) -> Iterator[Finding]:
    """No rule of a NetworkPolicy allows every source or every destination.

    An address that is not known in preview (a database that is not created yet) is checked in `up`: the engine then
    runs the policy with the final inputs, and a violation prevents the creation. Everything else must be known.
    """
    if policy.group == "cilium.io":
        for key, spec in (("spec", policy.at("spec")), *_numbered(policy.at("specs"))):
            yield from _cilium(f"{policy.title} {key}", spec, of_all=policy.kind == "CiliumClusterwideNetworkPolicy")
    if (policy.group, policy.kind) in OTHER_POLICIES:
        yield Finding(
            policy.title,
            f"a policy of {policy.group}",
            "policies must name the peers that they allow; policies of this kind cannot be checked",
            "write a NetworkPolicy, or add an exemption for this object",
        )
    if policy.kind != "NetworkPolicy" or policy.group not in ("", "networking.k8s.io"):
        return
    for direction, side in (("ingress", "from"), ("egress", "to")):
        where, rules = f"{policy.title} spec.{direction}", policy.at(f"spec.{direction}")
        if rules is UNKNOWN:
            yield _undecided(where, "rules")
            continue
        for index, rule in enumerate(rules or []):
            if isinstance(rule, Mapping):
                yield from _opening(f"{where}[{index}]", direction, rule, rule.get(side))
            else:
                yield _undecided(f"{where}[{index}]", "rule")


def _undecided(where: str, what: str) -> Finding:
    return Finding(where, f"{what} not known before up", "a rule must name its peers", "use plain values")


def _opening(where: str, direction: str, rule: Mapping[str, Any], peers: Any) -> Iterator[Finding]:
    if peers is UNKNOWN:
        yield _undecided(where, "peers")
        return
    if not peers:
        yield from _without_peers(where, direction, rule)
        return
    for peer in peers:
        block, namespaces = at(peer, "ipBlock"), at(peer, "namespaceSelector")
        if UNKNOWN in (peer, block, namespaces):
            yield _undecided(where, "peer")
        elif block:
            yield from _block(where, direction, rule, block)
        elif namespaces is not None and _everybody(namespaces) and _everybody(at(peer, "podSelector")):
            if direction == "egress" and _names_ports(rule.get("ports")):
                continue  # No more than the world on named ports, which is allowed.
            yield Finding(
                where,
                f"namespaceSelector: {dict(namespaces)}",
                "an empty selector selects every namespace, and so does one that only excludes some",
                "select namespaces by label",
            )


def _without_peers(where: str, direction: str, rule: Mapping[str, Any]) -> Iterator[Finding]:
    """A rule without peers. Egress to every destination on named ports is allowed: nodes and the API server need it."""
    ports = rule.get("ports")
    if direction == "ingress" or not _names_ports(ports):
        yield Finding(where, "no peers", "a rule without peers allows every peer", "name namespaces, pods or a range")
    elif named := sorted(_numbers(ports) & METADATA_PORTS):
        yield Finding(
            where,
            f"every destination on {', '.join(map(str, named))}, metadata service included",
            "pods must not reach the metadata service: it serves the node's credentials",
            f"name a range with except: [{METADATA_SERVICE}]",
        )


def _numbered(specs: Any) -> list[tuple[str, Any]]:
    return [(f"specs[{index}]", spec) for index, spec in enumerate(listed(specs))]


def _cilium(title: str, spec: Any, *, of_all: bool) -> Iterator[Finding]:
    """The same checks for Cilium's policies, whose peers are entities, endpoints, names or ranges.

    `of_all`: for all namespaces, where an empty endpoint selector selects every pod of the cluster.
    """
    for direction, side in (("ingress", "from"), ("egress", "to")):
        rules = at(spec, direction) or []
        for index, rule in enumerate(rules if isinstance(rules, list) else [rules]):
            where = f"{title}.{direction}[{index}]"
            entities = at(rule, f"{side}Entities")
            if UNKNOWN in (rule, entities, at(rule, f"{side}Endpoints"), at(rule, "toPorts"), at(rule, "toFQDNs")):
                yield _undecided(where, "rule")
                continue
            if not any(key.startswith(side) and key != "toPorts" for key in rule):
                yield Finding(where, "no peers", "a rule without peers allows every peer", "name entities or endpoints")
            for entity in sorted({*(entities or [])} & EVERYBODY_IN_CILIUM):
                yield Finding(where, f"{side}Entities: {entity}", "this entity is not specific", "name the peers")
            if of_all and any(_everybody(one) for one in rule.get(f"{side}Endpoints") or []):
                yield Finding(where, f"{side}Endpoints: {{}}", "an empty selector selects every pod", "select by label")
            for name in rule.get("toFQDNs") or []:
                if at(name, "matchPattern") in ("*", "**", "*."):
                    yield Finding(where, "toFQDNs: *", "this pattern matches every name", "name the peers")
            ports = [port for group in rule.get("toPorts") or [] for port in at(group, "ports") or []]
            for block in [{"cidr": cidr} for cidr in rule.get(f"{side}CIDR") or []] + [
                one for one in rule.get(f"{side}CIDRSet") or [] if isinstance(one, Mapping) and one.get("cidr")
            ]:
                yield from _block(where, direction, {"ports": ports}, block)


def network_policies_reach_no_node_credentials(objects: list[PlannedObject]) -> Iterator[Finding]:
    """On AWS the address of the metadata service serves only node credentials.

    EKS Pod Identity has another address. A rule for this one comes from settings of another cloud.
    """
    if not any(one.type.startswith("aws:") for one in objects):
        return
    for policy in (one for one in objects if one.kind == "NetworkPolicy"):
        for index, rule in enumerate(policy.at("spec.egress") or []):
            blocks = [at(peer, "ipBlock.cidr") for peer in at(rule, "to") or []]
            if any(_network(cidr) in GKE_METADATA_PORTS for cidr in blocks if isinstance(cidr, str)):
                yield Finding(
                    f"{policy.title} spec.egress[{index}]",
                    "the metadata service, on AWS",
                    "pods must not reach the metadata service: it serves the node's credentials",
                    "use EKS Pod Identity, or set keys for the object store",
                )


def _everybody(selector: Any) -> bool:
    """Whether a label selector is not specific. A selector that is not known in preview is not."""
    if at(selector, "matchLabels", {}) not in (None, {}, UNKNOWN):
        return False
    expressions = at(selector, "matchExpressions")
    return not any(
        at(expression, "operator") == "In"
        or (at(expression, "operator") == "Exists" and at(expression, "key") != NAMESPACE_LABEL)
        for expression in (expressions if isinstance(expressions, list) else [])
    )


def _block(where: str, direction: str, rule: Mapping[str, Any], block: Mapping[str, Any]) -> Iterator[Finding]:
    cidr = block.get("cidr")
    if cidr is UNKNOWN:
        return
    network = _network(cidr)
    if network is None:
        yield Finding(where, f"cidr {cidr}", "a block must be a range of addresses", "write it like 10.20.0.0/16")
        return
    is_world = network.prefixlen < WIDEST_PRIVATE_PREFIX[network.version]
    if direction == "ingress":
        if is_world:
            yield Finding(
                where, f"from {cidr}", "ingress from the internet is forbidden", "name the ranges that may connect"
            )
        return
    meant = GKE_METADATA_PORTS.get(network) if isinstance(network, IPv4Network) else None
    ports = rule.get("ports")
    if meant is not None and _names_ports(ports) and _numbers(ports) <= meant:
        return
    reached = network if meant is not None else metadata_service_in(network, _networks(block.get("except")))
    if reached:
        yield Finding(
            where,
            f"to {cidr}, metadata service included",
            f"pods must not reach {reached}: it serves the node's credentials",
            f"add except: [{reached}]" if meant is None else f"name only port {', '.join(map(str, sorted(meant)))}",
        )
    if is_world and not _names_ports(rule.get("ports")):
        yield Finding(where, f"to {cidr}, every port", "egress to the internet must name its ports", "name the ports")


def _network(cidr: Any) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(str(cidr), strict=False)
    except ValueError:
        return None


def _networks(cidrs: Any) -> list[IPv4Network | IPv6Network]:
    """The ranges that can be parsed."""
    return [found for cidr in (cidrs if isinstance(cidrs, list) else []) if (found := _network(cidr))]


def _names_ports(ports: Any) -> bool:
    """Whether a rule names single ports. A missing port means all ports; a range can mean all."""
    return isinstance(ports, list) and bool(ports) and all(at(p, "port") and not at(p, "endPort") for p in ports)


def _numbers(ports: Any) -> set[int]:
    """The numbers of the ports that a rule names."""
    found = (at(port, "port") for port in ports if isinstance(port, Mapping))
    return {int(number) for number in found if isinstance(number, (int, float)) or str(number).isdigit()}


RULES = (
    Rule(
        "namespaces-deny-by-default",
        "Every namespace that runs pods denies all ingress and all egress that no policy allows.",
        Severity.HIGH,
        of_all=namespaces_deny_by_default,
    ),
    Rule(
        "no-unrestricted-network-policies",
        "No NetworkPolicy allows every source or every destination.",
        Severity.HIGH,
        of_one=network_policy_is_restricted,
    ),
    Rule(
        "network-policies-reach-no-node-credentials",
        "On AWS no NetworkPolicy names the address of the metadata service.",
        Severity.HIGH,
        of_all=network_policies_reach_no_node_credentials,
    ),
)
"""The policies of this subject."""
