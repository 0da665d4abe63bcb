"""Who a login on EKS or GKE is, by the clouds' own rules, and that the RoleBindings of teams bind such people.

Only this finds a RoleBinding whose group no login carries. The rules of the other side, read off what is registered:
an EKS access entry gives its `kubernetesGroups` and nothing else, an OIDC provider the groups of a token behind its
prefix (EKS API, CreateAccessEntry and OidcIdentityProviderConfigRequest); GKE passes on the e-mail addresses of groups
inside the security group (GKE documentation, Google Groups for RBAC).
Not proved: that an identity provider sends these groups; that AWS reaches it.
"""

from pathlib import Path
from typing import Any, cast

import pytest

from components.clouds.eks.cluster import EksCluster
from components.clouds.gke.cluster import GkeCluster
from components.findings import Refused
from components.tenants.plan import role_subjects, roles_of
from settings.clouds.eks import EksSettings
from settings.clouds.gke import GkeSettings
from settings.reader import from_file
from settings.settings import Settings
from tests.components.clouds.gke.handles import NETWORK as GKE_NETWORK
from tests.components.contract.eks import NETWORK
from tests.recorder import Recording, record
from tests.support.aws_models import departures
from tests.support.settings import HERE, overlaid

REPOSITORY = Path(__file__).parents[2]
ROLE = "arn:aws:iam::111122223333:role/vision"


def bound_groups(settings: Settings) -> set[str]:
    """The subjects of the teams' RoleBindings."""
    return {
        subject["name"]
        for team in settings.teams.values()
        for _, _, groups in roles_of(team)
        for subject in role_subjects(groups)
    }


def on_eks(settings: Settings) -> Recording:
    cluster = cast(EksSettings, settings.cluster)
    place: Any = {"region": cluster.region, "account_id": cluster.account_id, "network": NETWORK}
    return record(lambda: EksCluster("prod", {**place, "cluster": cluster.control_plane}) and None)  # type: ignore[typeddict-item]


def eks_groups(recording: Recording, claims: list[str]) -> set[str]:
    """Groups of everybody who can log in, where the identity provider sends these."""
    entries = {group for entry in recording.of("AccessEntry") for group in entry.inputs.get("kubernetesGroups") or []}
    providers = [provider.inputs["oidc"] for provider in recording.of("IdentityProviderConfig")]
    return entries | {f"{provider['groupsPrefix']}{claim}" for provider in providers for claim in claims}


def test_every_group_of_the_teams_of_prod_can_log_in() -> None:
    settings = from_file((REPOSITORY / "Pulumi.prod.yaml").read_text(encoding="utf-8"))
    recording = on_eks(settings)
    (provider,) = recording.of("IdentityProviderConfig")
    claims = [group.removeprefix(provider.inputs["oidc"]["groupsPrefix"]) for group in bound_groups(settings)]
    assert not any(":" in claim for claim in claims), "a prefix that is not the provider's"
    assert bound_groups(settings) <= eks_groups(recording, claims)
    assert len(bound_groups(settings)) == 4


def test_every_group_of_the_teams_of_gke_can_log_in() -> None:
    settings = from_file((REPOSITORY / "Pulumi.gke.yaml").read_text(encoding="utf-8"))
    cluster = cast(GkeSettings, settings.cluster)
    args: Any = {
        "network": GKE_NETWORK,
        "project": cluster.project,
        "project_number": "1",
        "region": cluster.region,
        "zones": cluster.zones,
        "cluster": cluster.control_plane,
    }
    recording = record(lambda: GkeCluster("gke", args) and None)
    security_group = recording.one("Cluster").inputs["authenticatorGroupsConfig"]["securityGroup"]
    local, _, domain = security_group.partition("@")
    assert local == "gke-security-groups"
    assert all(group.endswith(f"@{domain}") for group in bound_groups(settings))
    assert len(bound_groups(settings)) == 4


def test_roles_of_iam_carry_the_groups_that_name_them_and_each_role_has_one_entry() -> None:
    """AWS refuses a second entry for a role, so an administrator in a group has one with both."""
    control_plane = {"groupRoleArns": {"vision": [ROLE, "arn:aws:iam::111122223333:role/deploy"], "all": [ROLE]}}
    teams = {"vision": {"editors": ["vision"], "viewers": ["all"]}}
    overlay = {"cluster": {"controlPlane": control_plane}, "teams": teams}
    settings = from_file(overlaid(overlay, HERE / "good-eks.yaml"))
    recording = on_eks(settings)
    entries = {each.inputs["principalArn"]: each for each in recording.of("AccessEntry")}
    assert len(entries) == len(recording.of("AccessEntry")) == 2
    assert entries[ROLE].inputs["kubernetesGroups"] == ["all", "vision"]
    assert entries["arn:aws:iam::111122223333:role/deploy"].inputs["kubernetesGroups"] == ["vision"]
    assert [each.inputs["principalArn"] for each in recording.of("AccessPolicyAssociation")] == [
        "arn:aws:iam::111122223333:role/deploy"
    ]
    assert bound_groups(settings) <= eks_groups(recording, [])
    for entry in entries.values():
        assert departures("eks", "CreateAccessEntryRequest", entry.inputs) == []


def test_the_api_model_accepts_the_identity_provider() -> None:
    provider = {
        "issuerUrl": "https://login.example.com/realms/ml",
        "clientId": "kubernetes",
        "groupsClaim": "roles",
        "groupsPrefix": "corp:",
        "usernameClaim": "email",
        "usernamePrefix": "corp:",
        "requiredClaims": {"hd": "example.com"},
    }
    overlay = {
        "cluster": {"controlPlane": {"identityProvider": provider}},
        "teams": {"vision": {"editors": ["corp:ml"]}},
    }
    recording = on_eks(from_file(overlaid(overlay, HERE / "good-eks.yaml")))
    request = recording.one("IdentityProviderConfig").inputs
    assert departures("eks", "AssociateIdentityProviderConfigRequest", request) == []
    assert request["oidc"] == {**provider, "identityProviderConfigName": "prod"}


def test_groups_of_a_workforce_pool_need_no_security_group() -> None:
    group = "principalSet://iam.googleapis.com/locations/global/workforcePools/acme/group/vision"
    from_file(overlaid({"teams": {"vision": {"editors": [group]}}}, HERE / "good-gke.yaml"))
    with pytest.raises(Refused, match="securityGroup"):
        from_file(overlaid({"teams": {"vision": {"editors": ["vision@example.com"]}}}, HERE / "good-gke.yaml"))
