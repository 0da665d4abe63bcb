"""What a team is made of. Not proved here: that the API server enforces quota and rights (engine tests)."""

import json
from typing import Any

import pytest
from pulumi.runtime import rpc

from components.base.traffic_rules import Direction
from components.findings import Finding, Refused
from components.tenants.plan import ADMIN, EDITOR, VIEWER, quota_spec, team_traffic
from components.tenants.priority_classes import PriorityClasses
from components.tenants.team import Team, supplies_of_all
from components.tenants.validation import check_team
from policies.objects import PlannedObject
from policies.rules.network.network_policies import network_policy_is_restricted
from tests.components.platform_handles import (
    CPU,
    GATEWAY,
    H100,
    MIG,
    MONITORING,
    PRIORITIES,
    SHARED_L4,
    SLICE,
    STORE,
    TRACKING,
)
from tests.recorder import Recording, record

SPEC: Any = {"owner": "vision-leads", "cost_center": "4711", "quota": {"h100": 8, "mig/1g.10gb": 2}}
POOLS = [CPU, H100, MIG, SHARED_L4, SLICE]
BARE: Any = {"name": "vision", "team": SPEC, "pools": POOLS, "priorities": PRIORITIES}
FULL: Any = {**BARE, "tracking": TRACKING, "monitoring": MONITORING, "gateway": GATEWAY, "artifacts": STORE}
CLOSED = ["default-deny", "allow-dns", "allow-workers-in", "allow-workers-out", "allow-models-in", "allow-models-out"]


def team(**args: Any) -> Recording:
    return record(lambda: Team("it", {**BARE, **args}) and None)


def test_the_policies_see_the_quota_of_a_team_as_it_is_set() -> None:
    seen: list[Any] = []
    record(lambda: Team("it", BARE).quota.apply(seen.append) and None)
    assert seen == [{"h100": 8, "mig/1g.10gb": 2}]


def policies(recording: Recording) -> dict[str, Any]:
    return {p.inputs["metadata"]["name"]: p.inputs["spec"] for p in recording.of("NetworkPolicy")}


def test_a_team_is_a_closed_namespace_with_quota_limits_and_two_accounts() -> None:
    names = [f"NetworkPolicy it-home-{name}" for name in [*CLOSED, "allow-internet"]]
    assert team().kinds() == sorted(
        [
            "IsolatedNamespace it-home",
            "LimitRange it-limits",
            "Namespace it-home-namespace",
            *names,
            "ResourceQuota it-quota",
            "ServiceAccount it-serving-account",
            "ServiceAccount it-training-account",
            "Team it",
        ]
    )


def test_the_namespace_says_whose_it_is_and_what_its_pods_may_do() -> None:
    labels = team(**FULL).one("Namespace").inputs["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert labels["mlplatform.dev/team"] == "vision"
    assert labels["mlplatform.dev/owner"] == "vision-leads"
    assert labels["mlplatform.dev/cost-center"] == "4711"
    assert labels.items() >= TRACKING["client_label"].items()
    assert labels["mlplatform.dev/gateway-routes"] == "true"
    assert "mlplatform.dev/gateway-routes" not in team().one("Namespace").inputs["metadata"]["labels"]
    assert team(team={**SPEC, "namespace": "eyes"}).one("Namespace").inputs["metadata"]["name"] == "eyes"


def test_the_quota_names_every_accelerator_of_every_pool_with_0_where_the_team_has_none() -> None:
    hard = team().one("ResourceQuota").inputs["spec"]["hard"]
    assert {key: value for key, value in hard.items() if "/" in key or ".com" in key} == {
        "requests.nvidia.com/gpu": "8",
        "requests.nvidia.com/gpu.shared": "0",
        "requests.nvidia.com/mig-1g.10gb": "2",
        "requests.nvidia.com/mig-3g.40gb": "0",
        "requests.google.com/tpu": "0",
    }
    assert (hard["services.loadbalancers"], hard["services.nodeports"]) == ("0", "0")
    assert hard["requests.memory"] == hard["limits.memory"] == "2048Gi"


@pytest.mark.parametrize(
    ("key", "resource", "value"),
    [
        ("cpu", "requests.cpu", "7"),
        ("memory_gib", "limits.memory", "7Gi"),
        ("pods", "pods", "7"),
        ("storage_gib", "requests.storage", "7Gi"),
        ("claims", "persistentvolumeclaims", "7"),
        ("ephemeral_storage_gib", "requests.ephemeral-storage", "7Gi"),
    ],
)
def test_each_size_reaches_the_quota(key: str, resource: str, value: str) -> None:
    assert quota_spec({**SPEC, key: 7}, supplies_of_all(POOLS))["hard"][resource] == value  # type: ignore[misc]


def test_a_pod_that_says_nothing_is_admitted_small() -> None:
    (limit,) = team().one("LimitRange").inputs["spec"]["limits"]
    assert limit["default"]["memory"] == limit["defaultRequest"]["memory"]
    assert set(limit["defaultRequest"]) == {"cpu", "memory", "ephemeral-storage"}


def test_the_peers_of_a_team_are_named_one_by_one() -> None:
    found = policies(team(**FULL))
    assert set(found) == {
        *CLOSED,
        "allow-internet",
        "allow-tracking",
        "allow-metrics",
        "allow-gateway",
        "allow-object-store",
    }
    (to_tracking,) = found["allow-tracking"]["egress"]
    assert to_tracking["ports"] == [{"protocol": "TCP", "port": 5000}]
    (scraped,) = found["allow-metrics"]["ingress"]
    assert scraped["from"][0]["podSelector"] == {"matchLabels": {"app.kubernetes.io/name": "prometheus"}}
    assert found["allow-gateway"]["podSelector"] == {"matchLabels": {"app.kubernetes.io/component": "serving"}}
    (store,) = found["allow-object-store"]["egress"]
    assert "ports" not in store


def test_workers_talk_to_workers_only() -> None:
    found = policies(team())
    training = {"matchLabels": {"app.kubernetes.io/component": "training"}}
    assert found["allow-workers-in"]["podSelector"] == training
    assert found["allow-workers-in"]["ingress"] == [{"from": [{"podSelector": training}]}]
    assert found["allow-workers-out"]["egress"] == [{"to": [{"podSelector": training}]}]


def test_the_internet_is_port_443_without_the_metadata_service_or_nothing() -> None:
    (way,) = policies(team())["allow-internet"]["egress"]
    assert way["ports"] == [{"protocol": "TCP", "port": 443}]
    assert way["to"] == [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.169.254/32"]}}]
    assert "allow-internet" not in policies(team(team={**SPEC, "internet": False}))


def test_ways_out_of_a_team_are_narrow_and_keep_the_metadata_service_out() -> None:
    egress = [
        {"name": "db", "cidr": "10.2.0.0/16", "ports": [5432]},
        {"name": "all", "cidr": "0.0.0.0/0", "ports": [22]},
    ]
    found = policies(team(team={**SPEC, "egress": egress}))
    assert found["allow-to-db"]["egress"] == [
        {"to": [{"ipBlock": {"cidr": "10.2.0.0/16"}}], "ports": [{"protocol": "TCP", "port": 5432}]}
    ]
    assert found["allow-to-all"]["egress"][0]["to"][0]["ipBlock"]["except"] == ["169.254.169.254/32"]


def test_a_gateway_that_is_no_pod_comes_in_from_its_addresses() -> None:
    gateway: Any = {**GATEWAY, "pods": {}, "ranges": ["35.191.0.0/16"]}
    (rule,) = [r for r in team_traffic(SPEC, None, None, gateway, None) if r["name"].startswith("gateway")]
    assert (rule["direction"], rule["cidr"]) == (Direction.INGRESS, "35.191.0.0/16")


def test_the_policies_on_network_policies_find_nothing_in_a_team() -> None:
    objects = [
        PlannedObject(p.urn, p.type, p.name, {"kind": "NetworkPolicy", **p.inputs})
        for p in team(**FULL).of("NetworkPolicy")
    ]
    assert [finding for o in objects for finding in network_policy_is_restricted(o)] == []


ROLE = "eks.amazonaws.com/role-arn"


def test_accounts_have_no_token_and_kserve_finds_the_stores_keys() -> None:
    recording = team(**FULL, account_annotations={"training": {ROLE: "writer"}, "serving": {ROLE: "reader"}})
    for account in recording.of("ServiceAccount"):
        assert account.inputs["automountServiceAccountToken"] is False
        does = "writer" if account.inputs["metadata"]["name"] == "training" else "reader"
        assert account.inputs["metadata"]["annotations"] == {ROLE: does}
        assert "imagePullSecrets" not in account.inputs
    assert recording.one("ServiceAccount", "serving").inputs["secrets"] == [{"name": "store-keys"}]
    assert "secrets" not in recording.one("ServiceAccount", "training").inputs


def test_a_private_registry_is_a_secret_that_both_accounts_pull_with() -> None:
    registry = {"server": "registry.example.com", "username": "puller", "password": "hunter2"}
    recording = team(registry=registry)
    secret = recording.one("Secret").inputs
    assert secret["type"] == "kubernetes.io/dockerconfigjson"
    assert rpc.is_rpc_secret(secret["stringData"])
    auths = json.loads(rpc.unwrap_rpc_secret(secret["stringData"])[".dockerconfigjson"])["auths"]
    assert auths == {"registry.example.com": {"username": "puller", "password": "hunter2"}}
    (component,) = recording.of("Team")
    assert rpc.is_rpc_secret(component.inputs["registry"])
    assert {str(a.inputs["imagePullSecrets"]) for a in recording.of("ServiceAccount")} == {
        "[{'name': 'registry-credentials'}]"
    }


def test_roles_are_granted_to_groups_and_a_role_without_groups_does_not_exist() -> None:
    recording = team(team={**SPEC, "editors": ["vision-engineers"], "viewers": ["all-staff"]})
    assert sorted(r.name for r in recording.of("Role")) == ["it-editor", "it-viewer"]
    binding = recording.one("RoleBinding", "it-editor-binding").inputs
    assert binding["roleRef"] == {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "team-editor"}
    assert binding["subjects"] == [
        {"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "vision-engineers"}
    ]


OWNED_BY_THE_STACK = {"resourcequotas", "limitranges", "networkpolicies", "roles", "rolebindings", "serviceaccounts"}


@pytest.mark.parametrize("rights", [VIEWER, EDITOR, ADMIN], ids=["viewer", "editor", "admin"])
def test_no_member_of_a_team_can_change_its_quota_its_isolation_or_its_roles(rights: Any) -> None:
    for row in rights:
        assert "*" not in (*row.groups, *row.resources, *row.verbs)
        if OWNED_BY_THE_STACK & set(row.resources):
            assert set(row.verbs) <= {"get", "list", "watch"}
        assert not {"escalate", "bind", "impersonate"} & set(row.verbs)


def test_only_admins_see_secrets_and_enter_pods() -> None:
    def reaches(rights: Any, resource: str) -> bool:
        return any(resource in row.resources for row in rights)

    for resource in ("secrets", "pods/exec", "pods/attach"):
        assert [reaches(rights, resource) for rights in (VIEWER, EDITOR, ADMIN)] == [False, False, True]
    assert {verb for row in VIEWER for verb in row.verbs} == {"get", "list", "watch"}


def test_the_handle_is_known_once_the_namespace_is_closed_and_limited() -> None:
    recording = team()
    (component,) = recording.of("Team")
    assert component.inputs["name"] == "vision"
    quota = recording.one("ResourceQuota")
    assert any("it-home" in urn for urn in quota.dependencies)


def check(change: dict[str, Any]) -> list[Finding]:
    return list(check_team("teams.vision", "vision", {**SPEC, **change}, supplies_of_all(POOLS)))


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"namespace": "kube-system"}, "namespace"),
        ({"namespace": "Vision"}, "namespace"),
        ({"owner": "me@example.com"}, "owner"),
        ({"cost_center": ""}, "costCenter"),
        ({"pods": 0}, "pods"),
        ({"quota": {"h200": 1}}, "quota.h200"),
        ({"quota": {"h100": -1}}, "quota.h100"),
        ({"quota": {"h100": 0.5}}, "quota.h100"),
        ({"admins": ["system:masters"]}, "admins"),
        ({"egress": [{"name": "x", "cidr": "10.0.0.0/8"}]}, "egress[0].ports"),
        ({"egress": [{"name": "x", "cidr": "10.0.0.1/8", "ports": [1]}]}, "egress[0].cidr"),
        ({"egress": [{"name": "x", "cidr": "169.254.0.0/16", "ports": [80]}]}, "egress[0].cidr"),
        ({"egress": [{"name": "x", "cidr": "0.0.0.0/0.0.0.0", "ports": [443]}]}, "egress[0].cidr"),
        ({"egress": [{"name": "x", "cidr": "::/0", "ports": [443]}]}, "egress[0].cidr"),
    ],
)
def test_a_bad_team_is_refused_with_the_path_of_its_setting(change: dict[str, Any], path: str) -> None:
    (finding,) = check(change)
    assert finding.path == f"teams.vision.{path}"
    assert finding.rule
    assert finding.remedy


def test_a_good_team_passes_and_a_bad_one_registers_nothing() -> None:
    assert check({}) == []
    with pytest.raises(Refused, match=r"it\.quota\.h200"):
        team(team={**SPEC, "quota": {"h200": 1}})


def test_serving_comes_before_training_before_preemptible_training() -> None:
    recording = record(lambda: PriorityClasses("order", {}) and None)
    classes = [r.inputs for r in recording.of("PriorityClass")]
    assert [c["metadata"]["name"] for c in classes] == [
        "mlplatform-serving",
        "mlplatform-training",
        "mlplatform-preemptible",
    ]
    values = [c["value"] for c in classes]
    assert values == sorted(values, reverse=True)
    assert all(0 < value < 1_000_000_000 for value in values)
    assert [c["preemptionPolicy"] for c in classes] == ["PreemptLowerPriority", "PreemptLowerPriority", "Never"]
    assert [c["globalDefault"] for c in classes] == [False, False, False]
