"""Accelerator quotas at plan time: requests of all pods of the stack against pools, teams and namespaces.

Checks the objects that the API server would get, declared by components, charts or raw manifests.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from catalog.accelerators import OTHER_NAMES, RETIRED_RESOURCES, is_accelerator_resource
from components.capacity.ledger import DEVICE_CAPS, Demand, Ledger, quota_resource, supplies_of, unit_key
from components.capacity.placement import POOL_LABEL, Capacity
from components.capacity.validation import check_ledger
from components.findings import Finding
from policies.objects import UNKNOWN, PlannedObject, at
from policies.pods import Pods, all_pods, claim_templates, claimed_by, containers_of, units_of, unseen_claims
from policies.rule import Rule, Severity
from policies.uncounted import accelerators_outside_known_pods

POOL_TYPES = tuple(
    f"mlplatform:index:{name}"
    for name in (
        "SimulatedNodePool",
        "DescribedNodePool",
        "ReferencedNodePool",
        "EksNodePool",
        "KarpenterNodePool",
        "AutoModeNodePool",
        "GkeNodePool",
        "ComputeClass",
    )
)
"""Components with the output `capacity`."""
TEAM_TYPE = "mlplatform:index:Team"
STACK_TYPE = "pulumi:pulumi:Stack"


def capacities_of(objects: list[PlannedObject]) -> list[Capacity]:
    """The node pools of the plan: the `capacity` output of each."""
    return [o.body["capacity"] for o in objects if o.type in POOL_TYPES and isinstance(o.body.get("capacity"), Mapping)]


def device_caps_of(objects: list[PlannedObject]) -> dict[str, int]:
    """Accelerator -> physical devices that the environment may own, from the stack's outputs."""
    caps: Iterator[Mapping[str, Any]] = (o.body.get(DEVICE_CAPS) or {} for o in objects if o.type == STACK_TYPE)
    return {accelerator: int(row["cap"]) for rows in caps for accelerator, row in rows.items()}


def _resources_of(capacities: list[Capacity]) -> set[str]:
    return {resource for capacity in capacities for resource in capacity["units_per_node"]}


def _taken(objects: list[PlannedObject], capacities: list[Capacity]) -> Iterator[tuple[Pods, dict[str, Any]]]:
    """The pods of the plan, each with what one of them requests: extended resources and claimed devices."""
    templates, offered = claim_templates(objects), _resources_of(capacities)
    for pods in all_pods(objects):
        counted = units_of(
            pods.spec, lambda name: name in offered or name in OTHER_NAMES or is_accelerator_resource(name)
        )
        units = counted | claimed_by(pods, templates)
        yield replace(pods, count=_nodes_for(pods, capacities)) if pods.on_each_node else pods, units


def _pool_of(pods: Pods) -> Any:
    """The pool whose nodes the pods select."""
    selector = at(pods.spec, "nodeSelector")
    return selector.get(POOL_LABEL) if isinstance(selector, Mapping) else selector


def _nodes_for(pods: Pods, capacities: list[Capacity]) -> int | None:
    """Nodes of the pool that the pods select, of all pools if they select none; None if it is not known."""
    pool = _pool_of(pods)
    if pool is UNKNOWN:
        return None
    return sum(int(capacity["nodes_max"]) for capacity in capacities if pool in (None, capacity["pool"]))


def accelerators_within_quota(objects: list[PlannedObject]) -> Iterator[Finding]:
    """Requests of all pods at their largest fit device caps, pools and team quotas: in sum, per team and per pool."""
    capacities = capacities_of(objects)
    by_pool = {capacity["pool"]: capacity for capacity in capacities}
    offered = _resources_of(capacities)
    for subject in objects:
        yield from accelerators_outside_known_pods(subject, offered)
    demands = []
    for pods, units in _taken(objects, capacities):
        for unseen in unseen_claims(pods, objects):
            yield Finding(
                pods.owner.title,
                f"claims devices through {unseen}",
                "accelerators are counted before anything is created",
                "declare a ResourceClaimTemplate in this stack, and name it in resourceClaimTemplateName",
            )
        for resource, count in units.items():
            pool = _pool_of(pods)
            if resource in OTHER_NAMES and resource not in offered:
                yield Finding(
                    pods.owner.title,
                    f"takes {resource}",
                    f"these devices are counted as {OTHER_NAMES[resource]} only",
                    f"request whole devices: {OTHER_NAMES[resource]}",
                )
            elif pods.count is None and pods.maximum:
                yield _unlimited(pods, resource)
            elif UNKNOWN in (count, pool) or pods.count is None:
                yield _undecided(pods, resource)
            elif pool not in by_pool:
                yield Finding(
                    pods.owner.title,
                    f"{count:g} {resource} on {'pool ' + str(pool) if pool else 'any node'}",
                    f"accelerators must come from a declared pool: {', '.join(sorted(by_pool)) or '(none declared)'}",
                    f"select one with nodeSelector {POOL_LABEL}, or use a component that takes the pool's handle",
                )
            else:
                demands.append(
                    Demand(
                        pods.owner.title,
                        pods.owner.object_name,
                        pods.owner.namespace,
                        unit_key(by_pool[pool], resource),
                        int(count),
                        pods.count,
                    )
                )
    yield from check_ledger(
        Ledger(
            supplies=tuple(row for capacity in capacities for row in supplies_of(capacity)),
            device_caps=device_caps_of(objects),
            team_quotas=_team_quotas(objects, demands),
            queue_quotas=_queue_quotas(objects, by_pool),
            demands=tuple(demands),
        )
    )


def _team_quotas(objects: list[PlannedObject], demands: list[Demand]) -> dict[str, dict[str, int]]:
    """Namespace -> quota. A namespace that requests accelerators and belongs to no team has a quota of 0."""
    quotas: dict[str, dict[str, int]] = {demand.team: {} for demand in demands}
    for team in (o for o in objects if o.type == TEAM_TYPE):
        namespace, quota = team.body.get("namespace"), team.body.get("quota")
        if isinstance(namespace, str) and isinstance(quota, Mapping):
            quotas[namespace] = {key: int(units) for key, units in quota.items()}
    return quotas


def _queue_quotas(objects: list[PlannedObject], by_pool: Mapping[str, Capacity]) -> dict[str, dict[str, int]]:
    """Kueue ClusterQueue -> unit key -> nominal quota, if the flavor's node labels select a pool.

    Source: CRDs ClusterQueue and ResourceFlavor of Kueue 0.19.
    """
    pools = {
        flavor.object_name: by_pool.get(str((flavor.at("spec.nodeLabels") or {}).get(POOL_LABEL)))
        for flavor in objects
        if (flavor.group, flavor.kind) == ("kueue.x-k8s.io", "ResourceFlavor")
    }
    quotas: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for queue in (o for o in objects if (o.group, o.kind) == ("kueue.x-k8s.io", "ClusterQueue")):
        for group in queue.at("spec.resourceGroups") or []:
            for flavor in group.get("flavors") or []:
                pool = pools.get(flavor.get("name"))
                for resource in flavor.get("resources") or []:
                    if pool and resource.get("name") in pool["units_per_node"]:
                        key = unit_key(pool, resource["name"])
                        quotas[queue.object_name][key] += _whole(resource.get("nominalQuota", 0))
    return {queue: dict(units) for queue, units in quotas.items()}


def _unlimited(pods: Pods, resource: str) -> Finding:
    return Finding(
        pods.owner.title,
        f"{resource}: no maximum number of pods",
        "accelerators are counted at the largest number of pods",
        f"set {pods.maximum}",
    )


def _undecided(pods: Pods, resource: str) -> Finding:
    return Finding(
        pods.owner.title,
        f"{resource}: replicas, units or pool not known before up",
        "accelerators are counted before anything is created",
        "use plain values for replicas, units and pool, not outputs of other resources",
    )


def namespaces_that_take_accelerators_have_a_quota(objects: list[PlannedObject]) -> Iterator[Finding]:
    """Such a namespace has a ResourceQuota for what it requests, large enough; the API server checks it too."""
    hard: dict[tuple[str, str], int] = {}
    for quota in (o for o in objects if o.kind == "ResourceQuota"):
        for key, value in (quota.at("spec.hard") or {}).items():
            hard[quota.namespace, quota_resource(str(key))] = 0 if value is UNKNOWN else _whole(value)
    used: dict[tuple[str, str], list[tuple[str, float]]] = defaultdict(list)
    for pods, units in _taken(objects, capacities_of(objects)):
        for resource, count in units.items():
            if count is not UNKNOWN and pods.count is not None:
                used[pods.owner.namespace, resource].append((pods.owner.title, count * pods.count))
    for (namespace, resource), takers in sorted(used.items()):
        total = sum(units for _, units in takers)
        limit = hard.get((namespace, resource))
        if limit is None or total > limit:
            held = "no ResourceQuota names it" if limit is None else f"its ResourceQuota allows {limit}"
            yield Finding(
                takers[0][0],
                f"namespace {namespace} requests {total:g} {resource}",
                held,
                "declare the namespace as a team with a quota for that pool, or request less",
            )


def _whole(value: Any) -> int:
    try:
        return int(float(value))
    except (TypeError, ValueError):
        return 0


def accelerator_requests_are_whole(subject: PlannedObject) -> Iterator[Finding]:
    """Extended resources are positive integers, equal in requests and limits, under a name that exists."""
    for pods in all_pods([subject]):
        for container in containers_of(pods.spec):
            requests, limits = (at(container, f"resources.{side}") or {} for side in ("requests", "limits"))
            if UNKNOWN in (requests, limits):
                continue  # reported by accelerators_within_quota
            for resource in sorted({*requests, *limits}):
                where = f"{subject.title} container {container.get('name', '?')}"
                if resource in RETIRED_RESOURCES:
                    yield Finding(where, resource, "no device plugin offers this", f"use {RETIRED_RESOURCES[resource]}")
                elif is_accelerator_resource(resource):
                    yield from _whole_and_equal(where, resource, requests.get(resource), limits.get(resource))


def _whole_and_equal(where: str, resource: str, request: Any, limit: Any) -> Iterator[Finding]:
    for value in (request, limit):
        if value is not None and value is not UNKNOWN and not str(value).removesuffix(".0").isdigit():
            yield Finding(
                where,
                f"{resource}: {value}",
                "accelerators must be whole numbers",
                "request a whole unit of a pool that shares devices (time-slicing) or partitions them (MIG)",
            )
            return
    if limit is None or (request is not None and UNKNOWN not in (request, limit) and str(request) != str(limit)):
        yield Finding(
            where,
            f"{resource}: request {request}, limit {limit}",
            "an extended resource must have equal request and limit",
            f"set limits {resource}, and omit the request or make it equal",
        )


RULES = (
    Rule(
        "accelerators-within-quota",
        "Requests of all pods at their largest fit device caps, pools and team quotas: in sum, per team and per pool.",
        Severity.HIGH,
        of_all=accelerators_within_quota,
    ),
    Rule(
        "accelerator-namespaces-have-quota",
        "A namespace that takes accelerators has a ResourceQuota that names them and is large enough.",
        Severity.HIGH,
        of_all=namespaces_that_take_accelerators_have_a_quota,
    ),
    Rule(
        "accelerator-requests-are-whole",
        "Extended resources are whole numbers, equal in requests and limits, under a name that a device plugin offers.",
        Severity.HIGH,
        of_one=accelerator_requests_are_whole,
    ),
)
"""The policies of this subject."""
