"""Grants and openings: only here an opened range, a wide grant or a privileged pod that nobody mentions is found."""

import json

import pytest

from report.comparison import Comparison
from report.exposures import Exposure, exposures
from report.plan import Operation, Plan, Resource
from report.sections.base import Level
from report.sections.security import security
from report.sections.versions import versions
from tests.report.recorded import NO_SETTINGS, TODAY
from tests.report.scenarios import scenario


def made(*resources: Resource) -> Comparison:
    kept = Resource("urn:pulumi:prod::mlplatform::kubernetes:core/v1:Namespace::kept", Operation.SAME)
    return Comparison("prod", Plan("prod", (kept, *resources)), NO_SETTINGS, NO_SETTINGS, "the state", TODAY)


def resource(type_: str, old: dict, new: dict, operation: Operation = Operation.UPDATE, name: str = "one") -> Resource:
    return Resource(f"urn:pulumi:prod::mlplatform::{type_}::{name}", operation, old=old, new=new)


def test_a_range_that_is_opened_is_named_and_those_that_were_open_are_not():
    found = [one for one in security(scenario("prod-grown")).changes if one.area == "public endpoint"]
    assert [(one.change, one.text) for one in found] == [("added", "198.51.100.0/24 reaches the Kubernetes API server")]


def test_a_new_team_gets_its_grants_by_role_action_and_bucket():
    texts = [one.text for one in security(scenario("prod-grown")).changes if one.area == "cloud access"]
    serving = "role mlplatform-prod-eu-central-1-team-robots-serving"
    assert f"{serving} may s3:GetObject on arn:aws:s3:::example-ml-platform-prod/*" in texts


def test_rights_that_are_taken_away_are_listed_and_are_no_reason():
    found = security(scenario("prod-shrunk"))
    removed = [one.text for one in found.changes if one.change == "removed" and one.area == "cluster access"]
    assert "Group oidc:language-engineers has Role team-editor in language" in removed
    assert found.reasons == ()


ALL = {"Statement": {"Effect": "Allow", "Action": "*"}}
PUBLIC = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}]}
EVERYONE = {"member": "allUsers", "role": "roles/storage.viewer"}
ANY = {"ingress": [{"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}]}
WIDE = [
    ("aws:eks/cluster:Cluster", {"vpcConfig": {"endpointPublicAccess": True, "publicAccessCidrs": ["0.0.0.0/0"]}}),
    ("aws:eks/cluster:Cluster", {"vpcConfig": {"endpointPublicAccess": True}}),
    ("aws:iam/rolePolicy:RolePolicy", {"role": "a", "policy": json.dumps(ALL)}),
    ("aws:iam/rolePolicyAttachment:RolePolicyAttachment", {"policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}),
    ("aws:s3/bucketPolicy:BucketPolicy", {"policy": json.dumps(PUBLIC)}),
    ("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", {"cidrIpv4": "0.0.0.0/0", "ipProtocol": "-1"}),
    ("gcp:storage/bucketIAMMember:BucketIAMMember", {"bucket": "a", **EVERYONE}),
    ("gcp:projects/iAMMember:IAMMember", {"project": "a", "member": "user:a", "role": "roles/owner"}),
    ("kubernetes:core/v1:Service", {"kind": "Service", "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}}),
    ("kubernetes:networking.k8s.io/v1:NetworkPolicy", {"spec": ANY}),
    ("kubernetes:networking.k8s.io/v1:NetworkPolicy", {"spec": {"ingress": [{}]}}),
    (
        "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole",
        {"kind": "ClusterRole", "rules": [{"verbs": ["*"], "resources": ["pods"]}]},
    ),
    (
        "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding",
        {"roleRef": {"name": "cluster-admin"}, "subjects": [{"kind": "User", "name": "a"}]},
    ),
    ("kubernetes:apps/v1:Deployment", {"spec": {"template": {"spec": {"hostNetwork": True, "containers": []}}}}),
    (
        "kubernetes:apps/v1:Deployment",
        {"spec": {"containers": [{"name": "a", "securityContext": {"privileged": True}}]}},
    ),
    ("kubernetes:batch/v1:Job", {"spec": {"containers": [], "volumes": [{"hostPath": {"path": "/"}}]}}),
]


@pytest.mark.parametrize(("type_", "inputs"), WIDE)
def test_what_reaches_everything_is_dangerous(type_, inputs):
    assert any(one.dangerous for one in exposures(type_, inputs))
    (reason, *_) = security(made(resource(type_, {}, inputs))).reasons
    assert reason.level is Level.DANGER


def test_a_wide_grant_that_is_there_already_is_no_reason():
    type_, inputs = WIDE[2]
    assert security(made(resource(type_, inputs, {**inputs, "tags": {}}))).reasons == ()


def test_a_secret_is_named_with_its_keys_alone():
    secret = {"kind": "Secret", "metadata": {"name": "a", "namespace": "b"}, "data": {"password": "[secret]"}}
    assert exposures("kubernetes:core/v1:Secret", secret) == (Exposure("secret", "Secret b/a with password"),)
    changed = security(made(resource("kubernetes:core/v1:Secret", secret, secret))).changes
    assert [one.text for one in changed] == ["Secret one has new values"]


VALUES = [None, "text", 1, [], [1], {"Statement": 1}, "(known after up)", {"containers": [None]}]


@pytest.mark.parametrize("value", VALUES)
def test_no_value_of_an_input_is_a_failure(value):
    keys = ("spec", "policy", "rules", "subjects", "roleRef", "vpcConfig", "data", "metadata")
    for type_ in ("kubernetes:core/v1:Service", *(type_ for type_, _ in WIDE)):
        for key in keys:
            exposures(type_, {key: value})


def test_an_image_of_a_run_that_is_replaced_is_one_change():
    found = {one.name: (one.before, one.after) for one in versions(scenario("prod-grown")).changes}
    assert found == {"ghcr.io/example/detector": ("2.0.1", "2.1.0")}


def test_charts_kubernetes_crds_and_apis_that_change_are_versions():
    chart = {"metadata": {"labels": {"helm.sh/chart": "cert-manager-v1.21.1"}}}
    newer = {"metadata": {"labels": {"helm.sh/chart": "cert-manager-v1.21.2"}}}
    crd = {"spec": {"versions": [{"name": "v1beta1"}]}}
    found = versions(
        made(
            resource("kubernetes:core/v1:Service", chart, newer),
            resource("aws:eks/cluster:Cluster", {"version": "1.34"}, {"version": "1.35"}),
            resource(
                "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition",
                crd,
                {"spec": {"versions": [{"name": "v1"}]}},
                name="a.example.com",
            ),
            resource("kubernetes:policy/v1beta1:PodDisruptionBudget", {"a": 1}, {}, Operation.DELETE, "budget"),
            resource("kubernetes:policy/v1:PodDisruptionBudget", {}, {"a": 1}, Operation.CREATE, "budget"),
        )
    )
    assert [(one.kind, one.name, one.before, one.after) for one in found.changes] == [
        ("API", "PodDisruptionBudget.policy", "v1beta1", "v1"),
        ("CRD", "a.example.com", "v1beta1", "v1"),
        ("Kubernetes", "control plane", "1.34", "1.35"),
        ("chart", "cert-manager", "v1.21.1", "v1.21.2"),
    ]
    assert len(found.reasons) == 4


def test_a_tag_that_becomes_a_digest_is_a_change():
    digest = f"sha256:{'a' * 64}"
    images = [{"image": "ghcr.io/a/b:1"}, {"image": f"ghcr.io/a/b:1@{digest}"}]
    (change,) = versions(made(resource("kubernetes:batch/v1:Job", *images))).changes
    assert (change.name, change.before, change.after) == ("ghcr.io/a/b", "1", f"1 {digest[:19]}")


def test_an_identity_of_a_team_is_on_the_line_of_the_team():
    comparison = scenario("prod-grown")
    (reason,) = [one for one in security(comparison).reasons if one.rule == "security/cloud-access"]
    assert comparison.head.text.splitlines()[reason.line - 1].strip() == "robots:"
