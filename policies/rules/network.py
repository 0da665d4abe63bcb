"""Network policies at plan time: every namespace with pods denies by default, and nothing opens it to the world."""

from collections.abc import Iterator, Mapping
from typing import Any

from policies.rules.finding import Finding
from policies.rules.objects import UNKNOWN, PlannedObject, all_pods

METADATA_SERVICE = "169.254.169.254/32"
"""Where clouds hand out node credentials; no rule of ours lets a pod reach it, but on GKE for the pod's own identity:
there the metadata server of the node answers in its place, for the pod (`namespaces.identity_egress`)."""
WORLD = ("0.0.0.0/0", "::/0")
SYSTEM_NAMESPACES = frozenset({"kube-system", "kube-node-lease", "kube-public"})
"""The cluster's own; what runs there is not ours to isolate."""


def _denies(policy: PlannedObject, direction: str) -> bool:
    """Whether a policy selects every pod, names the direction, and opens nothing in it."""
    selector = policy.at("spec.podSelector", {})
    types = policy.at("spec.policyTypes") or []
    selects_all = isinstance(selector, Mapping) and not any(selector.values())
    return selects_all and direction in types and not policy.at(f"spec.{direction.lower()}")


def namespaces_deny_by_default(objects: list[PlannedObject]) -> Iterator[Finding]:
    """Every namespace that runs pods has a policy that denies all ingress and all egress."""
    policies = [o for o in objects if o.kind == "NetworkPolicy"]
    owners: dict[str, str] = {}
    for pods in all_pods(objects):
        owners.setdefault(pods.owner.namespace, pods.owner.title)
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
                "every namespace with pods denies all traffic that is not named",
                "declare it as a Team or IsolatedNamespace, or add a NetworkPolicy default-deny",
            )


def network_policy_opens_no_door_to_the_world(policy: PlannedObject) -> Iterator[Finding]:
    """No rule of a NetworkPolicy lets everybody in, or lets pods reach everything."""
    if policy.kind != "NetworkPolicy":
        return
    for direction, side in (("ingress", "from"), ("egress", "to")):
        for index, rule in enumerate(policy.at(f"spec.{direction}") or []):
            if isinstance(rule, Mapping):
                yield from _opening(f"{policy.title} spec.{direction}[{index}]", direction, rule, rule.get(side))


def _opening(where: str, direction: str, rule: Mapping[str, Any], peers: Any) -> Iterator[Finding]:
    if peers is UNKNOWN:
        yield Finding(where, "peers not known before up", "a rule names its peers", "give them as plain values")
        return
    if not peers:
        yield Finding(where, "no peers", "a rule without peers means everybody", "name namespaces, pods or a range")
        return
    for peer in peers:
        block = peer.get("ipBlock") if isinstance(peer, Mapping) else None
        if block:
            yield from _block(where, direction, rule, block)
        elif peer.get("namespaceSelector") == {} and not peer.get("podSelector"):
            yield Finding(
                where,
                "namespaceSelector: {}",
                "an empty selector means every namespace",
                "select namespaces by label",
            )


def _block(where: str, direction: str, rule: Mapping[str, Any], block: Mapping[str, Any]) -> Iterator[Finding]:
    cidr = block.get("cidr")
    if cidr not in WORLD:
        return
    if direction == "ingress":
        yield Finding(where, f"from {cidr}", "nothing is open to the whole world", "name the ranges that may come in")
        return
    if METADATA_SERVICE not in (block.get("except") or []):
        yield Finding(
            where,
            f"to {cidr}, metadata service included",
            f"pods do not reach {METADATA_SERVICE}: it hands out the node's credentials",
            f"add except: [{METADATA_SERVICE}]",
        )
    if not rule.get("ports"):
        yield Finding(where, f"to {cidr}, every port", "egress to the world names its ports", "name the ports")
