"""The namespace of a team with quota, limits, network policies and roles. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from catalog.addresses import ANYWHERE
from components.addons.gateway_spec import GatewayHandle
from components.base.labels import ROLE_LABEL, TEAM_LABEL, Role
from components.base.traffic_rules import Direction, TrafficRuleArgs, to_anywhere
from components.capacity.ledger import Supply, quota_key, resource_quota
from components.monitoring.spec import MonitoringHandle
from components.storage.object_store_plan import object_store_traffic
from components.storage.plan import ObjectStoreHandle
from components.tenants.spec import UNNAMED_STORAGE_GIB, EgressSpec, TeamSpec, quota_sizes
from components.tracking.spec import TrackingHandle

OWNER_LABEL = "mlplatform.dev/owner"
COST_CENTER_LABEL = "mlplatform.dev/cost-center"
TRAINING_ACCOUNT = "training"
SERVING_ACCOUNT = "serving"
PULL_SECRET = "registry-credentials"  # noqa: S105 - the name of a Secret


class Rights(NamedTuple):
    """One rule of a role."""

    groups: tuple[str, ...]
    """API groups."""
    resources: tuple[str, ...]
    verbs: tuple[str, ...]


READ = ("get", "list", "watch")
WRITE = (*READ, "create", "update", "patch", "delete")

# Secrets are absent on purpose; quota, limits, isolation and roles are read-only for everyone: the stack owns them.
VIEWER: tuple[Rights, ...] = (
    Rights(
        ("",),
        (
            "configmaps",
            "events",
            "limitranges",
            "persistentvolumeclaims",
            "pods",
            "pods/log",
            "pods/status",
            "resourcequotas",
            "serviceaccounts",
            "services",
        ),
        READ,
    ),
    Rights(("apps",), ("deployments", "replicasets", "statefulsets"), READ),
    Rights(("autoscaling",), ("horizontalpodautoscalers",), READ),
    Rights(("batch",), ("cronjobs", "jobs"), READ),
    Rights(("events.k8s.io",), ("events",), READ),
    Rights(("gateway.networking.k8s.io",), ("httproutes",), READ),
    Rights(("metrics.k8s.io",), ("pods",), READ),
    Rights(("monitoring.coreos.com",), ("podmonitors", "prometheusrules", "servicemonitors"), READ),
    Rights(("networking.k8s.io",), ("networkpolicies",), READ),
    Rights(("policy",), ("poddisruptionbudgets",), READ),
    Rights(("serving.kserve.io",), ("inferenceservices", "servingruntimes"), READ),
)
EDITOR: tuple[Rights, ...] = (
    *VIEWER,
    Rights(("",), ("configmaps", "persistentvolumeclaims", "pods", "services"), WRITE),
    Rights(("",), ("pods/portforward",), ("create", "get")),
    Rights(("apps",), ("deployments", "statefulsets"), WRITE),
    Rights(("apps",), ("deployments/scale", "statefulsets/scale"), ("get", "patch", "update")),
    Rights(("autoscaling",), ("horizontalpodautoscalers",), WRITE),
    Rights(("batch",), ("cronjobs", "jobs"), WRITE),
    Rights(("gateway.networking.k8s.io",), ("httproutes",), WRITE),
    Rights(("monitoring.coreos.com",), ("podmonitors", "servicemonitors"), WRITE),
    Rights(("policy",), ("poddisruptionbudgets",), WRITE),
    Rights(("serving.kserve.io",), ("inferenceservices",), WRITE),
)
ADMIN: tuple[Rights, ...] = (
    *EDITOR,
    Rights(("",), ("secrets",), WRITE),
    Rights(("",), ("pods/exec", "pods/attach"), ("create", "get")),
    Rights(("monitoring.coreos.com",), ("prometheusrules",), WRITE),
    Rights(("serving.kserve.io",), ("servingruntimes",), WRITE),
)


def roles_of(team: TeamSpec) -> Iterator[tuple[str, tuple[Rights, ...], list[str]]]:
    """Name, rules and groups of each role that has groups."""
    for name, rights, groups in (
        ("viewer", VIEWER, team.get("viewers")),
        ("editor", EDITOR, team.get("editors")),
        ("admin", ADMIN, team.get("admins")),
    ):
        if groups:
            yield name, rights, groups


def role_rules(rights: tuple[Rights, ...]) -> list[dict[str, Any]]:
    """For a Role's `rules`."""
    return [
        {"apiGroups": list(row.groups), "resources": list(row.resources), "verbs": list(row.verbs)} for row in rights
    ]


def role_subjects(groups: list[str]) -> list[dict[str, str]]:
    """For a RoleBinding's `subjects`."""
    return [{"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": group} for group in groups]


def team_labels(name: str, team: TeamSpec) -> dict[str, str]:
    """Labels that identify a team in reports and on the bill."""
    return {TEAM_LABEL: name, OWNER_LABEL: team["owner"], COST_CENTER_LABEL: team["cost_center"]}


def quota_spec(team: TeamSpec, supplies: tuple[Supply, ...]) -> dict[str, Any]:
    """The `spec` of the ResourceQuota. It names every accelerator of every pool: with 0 if the team has no quota for
    it.

    Services that bypass the gateway (load balancers, node ports) are forbidden.
    """
    accelerators = resource_quota({key: int(units) for key, units in (team.get("quota") or {}).items()}, supplies)
    sizes = quota_sizes(team)
    memory, local = f"{sizes.memory_gib}Gi", f"{sizes.ephemeral_storage_gib}Gi"
    return {
        "hard": {
            "requests.cpu": str(sizes.cpu),
            "requests.memory": memory,
            "limits.memory": memory,
            "requests.ephemeral-storage": local,
            "limits.ephemeral-storage": local,
            "requests.storage": f"{sizes.storage_gib}Gi",
            "persistentvolumeclaims": str(sizes.claims),
            "pods": str(sizes.pods),
            "services.loadbalancers": "0",
            "services.nodeports": "0",
            **{quota_key(resource): str(units) for resource, units in sorted(accelerators.items())},
        }
    }


_LOCAL = f"{UNNAMED_STORAGE_GIB}Gi"
LIMITS: dict[str, Any] = {
    "limits": [
        {
            "type": "Container",
            "default": {"memory": "1Gi", "ephemeral-storage": _LOCAL},
            "defaultRequest": {"cpu": "100m", "memory": "1Gi", "ephemeral-storage": _LOCAL},
        }
    ]
}
"""The `spec` of the LimitRange: a pod without requests is admitted, small, with equal memory request and limit."""


def team_traffic(
    team: TeamSpec,
    tracking: TrackingHandle | None,
    monitoring: MonitoringHandle | None,
    gateway: GatewayHandle | None,
    artifacts: ObjectStoreHandle | None,
) -> list[TrafficRuleArgs]:
    """Traffic rules of a team's pods in addition to DNS, in both directions."""
    training, serving = {ROLE_LABEL: Role.TRAINING.value}, {ROLE_LABEL: Role.SERVING.value}
    rules: list[TrafficRuleArgs] = [
        # Collective communication (NCCL, Gloo) uses random ports: all ports are open, among trainings of the team.
        *_among("workers", training),
        *_among("models", serving),
    ]
    if tracking:
        rules.append(
            TrafficRuleArgs(
                name="tracking",
                direction=Direction.EGRESS,
                peer_namespace=tracking["namespace"],
                peer_pods=tracking["pods"],
                ports=[tracking["port"]],
            )
        )
    if monitoring:
        rules.append(
            TrafficRuleArgs(
                name="metrics",
                direction=Direction.INGRESS,
                peer_namespace=monitoring["namespace"],
                peer_pods=monitoring["prometheus_pods"],
            )
        )
    if gateway:
        rules += _from_gateway(gateway, serving)
    if artifacts:
        rules += object_store_traffic(artifacts)
    if team.get("internet", True):
        rules.append(to_anywhere("internet", [443]))
    return rules + [_way_out(way) for way in team.get("egress") or []]


def _way_out(way: EgressSpec) -> TrafficRuleArgs:
    if way["cidr"] == ANYWHERE:
        return to_anywhere(f"to-{way['name']}", way["ports"])
    return TrafficRuleArgs(name=f"to-{way['name']}", direction=Direction.EGRESS, cidr=way["cidr"], ports=way["ports"])


def _among(name: str, pods: Mapping[str, str]) -> list[TrafficRuleArgs]:
    """Pods of this namespace with these labels, with each other."""
    return [
        TrafficRuleArgs(name=f"{name}-{suffix}", direction=direction, pods=dict(pods), peer_pods=dict(pods))
        for suffix, direction in (("in", Direction.INGRESS), ("out", Direction.EGRESS))
    ]


def _from_gateway(gateway: GatewayHandle, pods: Mapping[str, str]) -> list[TrafficRuleArgs]:
    if gateway["pods"]:
        return [
            TrafficRuleArgs(
                name="gateway",
                direction=Direction.INGRESS,
                pods=dict(pods),
                peer_namespace=gateway["namespace"],
                peer_pods=gateway["pods"],
            )
        ]
    return [
        TrafficRuleArgs(name=f"gateway-{index}", direction=Direction.INGRESS, pods=dict(pods), cidr=cidr)
        for index, cidr in enumerate(gateway["ranges"])
    ]
