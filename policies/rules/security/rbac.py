"""Roles and bindings: what would give a pod, a team or anyone the whole cluster.

Sources: Kubernetes documentation, concepts/security/rbac-good-practices (privilege escalation risks); CIS EKS 1.8, 4.1.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from policies.objects import PlannedObject, at, listed
from policies.rule import Place, about_objects

_GROUP = "rbac.authorization.k8s.io"
_ROLES, _BINDINGS = ("Role", "ClusterRole"), ("RoleBinding", "ClusterRoleBinding")
_READ = {"get", "list", "watch", "*"}
_WRITE = {"create", "update", "patch", "*"}


def _grants(subject: PlannedObject) -> Iterator[tuple[int, set[Any], set[Any], set[Any]]]:
    """(index, API groups, resources, verbs) of each rule of a role."""
    if subject.group == _GROUP and subject.kind in _ROLES:
        for index, rule in enumerate(listed(subject.at("rules"))):
            if isinstance(rule, Mapping):
                keys = ("apiGroups", "resources", "verbs")
                groups, resources, verbs = (set(map(_text, listed(rule.get(key)))) for key in keys)
                yield index, groups, resources, verbs


def _text(value: Any) -> Any:
    return value if isinstance(value, str) else ""


def _wildcards(subject: PlannedObject) -> Iterator[Place]:
    for index, _, resources, verbs in _grants(subject):
        for field, values in (("resources", resources), ("verbs", verbs)):
            if "*" in values:
                yield f"rules[{index}].{field}", "*"


def _granted(resources: set[str], verbs: set[str]) -> Any:
    def check(subject: PlannedObject) -> Iterator[Place]:
        for index, _, found, allowed in _grants(subject):
            both, may = sorted(found & resources), sorted(allowed & verbs)
            if both and may:
                yield f"rules[{index}]", f"{' '.join(may)} {' '.join(both)}"

    return check


def _all_secrets(subject: PlannedObject) -> Iterator[Place]:
    if subject.kind == "ClusterRole":
        yield from _granted({"secrets"}, _READ)(subject)


def _commands(subject: PlannedObject) -> Iterator[Place]:
    """In every namespace: a team's administrators may do so in their own."""
    if subject.kind == "ClusterRole":
        yield from _granted({"pods/exec", "pods/attach"}, {"create", "get", "*"})(subject)


def _escalation(subject: PlannedObject) -> Iterator[Place]:
    for index, _, _, verbs in _grants(subject):
        if found := sorted(verbs & {"escalate", "bind", "impersonate"}):
            yield f"rules[{index}].verbs", " ".join(found)


def _cluster_admin(subject: PlannedObject) -> Iterator[Place]:
    if subject.group == _GROUP and subject.kind in _BINDINGS and subject.at("roleRef.name") == "cluster-admin":
        yield "roleRef.name", "cluster-admin"


_ANYONE = ("system:anonymous", "system:unauthenticated", "system:authenticated", "system:masters")


def _to_anyone(subject: PlannedObject) -> Iterator[Place]:
    if subject.group == _GROUP and subject.kind in _BINDINGS:
        for index, one in enumerate(listed(subject.at("subjects"))):
            if at(one, "name") in _ANYONE:
                yield f"subjects[{index}].name", at(one, "name")


_LEAST = "name the resources and verbs that the program uses"
RULES = (
    about_objects(
        *("no-wildcards-in-roles", "A role names its resources and verbs.", _wildcards, _LEAST),
        frameworks=("CIS EKS 4.1.3",),
    ),
    about_objects(
        "no-cluster-admin-bindings",
        "No account, user or group is bound to cluster-admin.",
        _cluster_admin,
        "bind a role that names what is needed",
        frameworks=("CIS EKS 4.1.1",),
    ),
    about_objects(
        "no-bindings-to-everyone",
        "A role is bound to no group that has everyone, or administrators, in it.",
        _to_anyone,
        "bind it to a group of your own",
        frameworks=("CIS GKE 4.1.6",),
    ),
    about_objects(
        "no-privilege-escalation-in-roles",
        "No role lets its holder escalate, bind or impersonate.",
        _escalation,
        "remove the verb",
        frameworks=("CIS EKS 4.1.8",),
    ),
    about_objects(
        *("no-access-to-all-secrets", "No ClusterRole reads the Secrets of every namespace.", _all_secrets),
        "use a Role in each namespace, with resourceNames",
        frameworks=("CIS EKS 4.1.2",),
    ),
    about_objects(
        "no-commands-in-pods-by-roles",
        "No ClusterRole runs commands in pods of every namespace.",
        _commands,
        "grant it to people for an incident, not in the platform's program",
        frameworks=("NSA C-0002",),
    ),
    about_objects(
        *(
            "no-proxy-to-nodes",
            "No role reaches kubelets through the API server.",
            _granted({"nodes/proxy"}, _READ | _WRITE),
        ),
        "use nodes/metrics or nodes/stats",
        frameworks=("CIS EKS 4.1.10",),
    ),
    about_objects(
        "no-webhook-configurations-by-roles",
        "No role writes admission webhooks.",
        _granted({"mutatingwebhookconfigurations", "validatingwebhookconfigurations"}, _WRITE),
        "declare webhooks in the program",
        frameworks=("CIS EKS 4.1.11",),
    ),
    about_objects(
        "no-approval-of-certificates-by-roles",
        "No role approves certificate signing requests.",
        _granted({"certificatesigningrequests/approval"}, _WRITE),
        "approve them by a controller of the cluster",
    ),
    about_objects(
        "no-tokens-of-other-accounts",
        "No role creates tokens of service accounts.",
        _granted({"serviceaccounts/token"}, {"create", "*"}),
        "let pods use the token that the kubelet mounts",
        frameworks=("CIS EKS 4.1.12",),
    ),
)
"""The policies of this subject."""
