"""What a control plane and its add-ons register. Not proved here: that EKS accepts the combination (its API model is
asked, no cloud is)."""

import json
from typing import Any

import pulumi_aws as aws
import pytest
import yaml
from pulumi import Output
from pulumi.runtime import rpc
from pulumi_kubernetes import Provider

from components.clouds.eks.addons import IDENTITIES, EksAddons, addons_on_nodes
from components.clouds.eks.cluster import EksCluster, known_after, principal
from components.clouds.eks.handles import NodeProvisioning
from components.clouds.eks.node_pool import EksNodePool
from components.clouds.eks.spec import EksSupport
from components.findings import Refused
from tests.components.contract.eks import AUTO, MANAGED, NETWORK
from tests.recorder import Recording, record
from tests.support.aws_models import departures
from tests.support.aws_requests import create_cluster

DEPLOY = "arn:aws:iam::012345678901:role/deploy"


def test_the_role_of_nodes_is_known_once_what_they_need_exists() -> None:
    seen: list[str] = []

    def program() -> None:
        policy = aws.iam.RolePolicyAttachment("attached", role="nodes", policy_arn="arn:aws:iam::aws:policy/a")
        known_after(Output.from_input("arn:aws:iam::012345678901:role/nodes"), [policy]).apply(seen.append)

    record(program)
    assert seen == ["arn:aws:iam::012345678901:role/nodes"]


def declared(*, keep_data: bool = False, **over: Any) -> tuple[Recording, EksCluster]:
    spec = {"kubernetes_version": "1.35", "admin_role_arns": [DEPLOY], **over}
    place = {"region": "eu-west-1", "account_id": "012345678901", "network": NETWORK}
    made: list[EksCluster] = []
    args: Any = {**place, "cluster": spec, "keep_data": keep_data}
    return record(lambda: made.append(EksCluster("prod", args))), made[0]


def test_a_cluster_is_its_roles_key_logs_administrators_and_the_add_ons_that_nodes_need() -> None:
    recording, _ = declared()
    assert recording.kinds() == [
        "AccessEntry prod-admin-012345678901-deploy",
        "AccessPolicyAssociation prod-admin-012345678901-deploy-policy",
        "Addon prod-addon-eks-pod-identity-agent",
        "Addon prod-addon-kube-proxy",
        "Addon prod-addon-vpc-cni",
        "Alias prod-key-alias",
        "Cluster prod-cluster",
        "EksCluster prod",
        "Key prod-key",
        "LogGroup prod-logs",
        "Role prod-cluster-role",
        "Role prod-node-role",
        "Role prod-vpc-cni-role",
        "RolePolicyAttachment prod-cluster-AmazonEKSClusterPolicy",
        "RolePolicyAttachment prod-node-AmazonEC2ContainerRegistryPullOnly",
        "RolePolicyAttachment prod-node-AmazonEKSWorkerNodePolicy",
        "RolePolicyAttachment prod-node-AmazonSSMManagedInstanceCore",
        "RolePolicyAttachment prod-vpc-cni-policy",
    ]


@pytest.mark.parametrize("provisioning", NodeProvisioning)
@pytest.mark.parametrize("support", EksSupport)
def test_the_api_model_accepts_every_kind_of_cluster(provisioning: NodeProvisioning, support: EksSupport) -> None:
    recording, _ = declared(provisioning=provisioning, support=support)
    request = create_cluster(recording.one("Cluster").inputs)
    assert departures("eks", "CreateClusterRequest", request) == []
    assert ("computeConfig" in request) == (provisioning is NodeProvisioning.AUTO_MODE)
    assert request["bootstrapSelfManagedAddons"] is False


def test_secrets_are_encrypted_logs_are_kept_and_the_creator_is_not_granted_admin() -> None:
    recording, _ = declared(log_days=365)
    cluster, key = recording.one("Cluster").inputs, recording.one("Key").inputs
    assert cluster["encryptionConfig"]["resources"] == ["secrets"]
    assert key["enableKeyRotation"] is True
    logs = recording.one("LogGroup").inputs
    assert (logs["name"], logs["retentionInDays"]) == ("/aws/eks/prod/cluster", 365)
    assert recording.one("LogGroup").urn in recording.one("Cluster").dependencies
    assert cluster["accessConfig"] == {
        "authenticationMode": "API",
        "bootstrapClusterCreatorAdminPermissions": False,
    }
    granted = recording.one("AccessPolicyAssociation").inputs
    assert granted["policyArn"] == "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
    assert granted["accessScope"] == {"type": "cluster"}


def test_the_endpoint_is_private_and_public_for_named_ranges_only() -> None:
    vpc = declared()[0].one("Cluster").inputs["vpcConfig"]
    assert (vpc["endpointPrivateAccess"], vpc["endpointPublicAccess"]) == (True, False)
    assert "publicAccessCidrs" not in vpc
    opened = declared(public_endpoint=True, public_ranges=["203.0.113.0/24"])[0].one("Cluster").inputs["vpcConfig"]
    assert opened["endpointPrivateAccess"] is opened["endpointPublicAccess"] is True
    assert opened["publicAccessCidrs"] == ["203.0.113.0/24"]


def test_the_network_add_on_enforces_network_policies_with_a_role_of_its_own() -> None:
    recording, _ = declared()
    addon = recording.one("Addon", "prod-addon-vpc-cni").inputs
    assert json.loads(addon["configurationValues"]) == {"enableNetworkPolicy": "true"}
    (identity,) = addon["podIdentityAssociations"]
    assert identity["serviceAccount"] == "aws-node"
    attached = [each.inputs["policyArn"] for each in recording.of("RolePolicyAttachment") if "node" in each.name]
    assert not any("CNI" in policy for policy in attached)


def test_data_is_kept_in_every_way_that_there_is() -> None:
    recording, _ = declared(keep_data=True)
    for kind in ("Cluster", "Key"):
        assert recording.one(kind).protect
        assert recording.one(kind).retain_on_delete
    assert recording.one("Cluster").inputs["deletionProtection"] is True
    loose, _ = declared()
    assert loose.one("Cluster").inputs["deletionProtection"] is False
    assert not loose.one("Cluster").protect


def test_auto_mode_has_all_its_parts_or_none_and_no_add_on_that_it_brings() -> None:
    recording, made = declared(provisioning=NodeProvisioning.AUTO_MODE)
    cluster = recording.one("Cluster").inputs
    assert cluster["computeConfig"]["nodePools"] == ["system"]
    assert cluster["storageConfig"] == {"blockStorage": {"enabled": True}}
    assert cluster["kubernetesNetworkConfig"] == {"elasticLoadBalancing": {"enabled": True}}
    assert recording.of("Addon") == []
    policies = {each.name.split("AmazonEKS")[-1] for each in recording.of("RolePolicyAttachment")}
    assert {"ComputePolicy", "BlockStoragePolicy", "LoadBalancingPolicy", "NetworkingPolicy"} <= policies
    trust = json.loads(recording.one("Role", "prod-cluster-role").inputs["assumeRolePolicy"])
    assert trust["Statement"][0]["Action"] == ["sts:AssumeRole", "sts:TagSession"]
    assert made.handle["provisioning"] is NodeProvisioning.AUTO_MODE


def test_what_it_hands_out_waits_for_access_and_for_the_network_of_nodes() -> None:
    def program() -> None:
        made = EksCluster("prod", _ARGS)
        EksNodePool("cpu", {"cluster": made.handle, "pool": {"machines": ["m7i.2xlarge"], "nodes_max": 1}})
        Provider("provider", kubeconfig=made.kubeconfig)

    recording = record(program)
    kinds = {each.urn: each.kind for each in recording.resources}
    group, provider = recording.one("NodeGroup"), recording.one("kubernetes")
    assert {kinds[urn] for urn in group.dependencies} >= {"Role", "RolePolicyAttachment", "Addon", "Cluster"}
    assert {kinds[urn] for urn in provider.dependencies} >= {"Cluster", "AccessPolicyAssociation"}
    wrapped = provider.inputs["kubeconfig"]
    assert wrapped[rpc._special_sig_key] == rpc._special_secret_sig
    config = yaml.safe_load(json.loads(wrapped["value"]) if wrapped["value"].startswith('"') else wrapped["value"])
    assert config["clusters"][0]["cluster"]["server"] == "https://eks.test"


_ARGS: Any = {
    "region": "eu-west-1",
    "account_id": "012345678901",
    "network": NETWORK,
    "cluster": {"kubernetes_version": "1.35", "admin_role_arns": [DEPLOY]},
}


def test_an_administrator_is_named_by_account_and_role() -> None:
    assert principal("arn:aws:iam::012345678901:role/aws-reserved/sso/Admin") == "012345678901-Admin"


@pytest.mark.parametrize(
    ("provisioning", "efs", "expected"),
    [
        (NodeProvisioning.MANAGED_GROUPS, False, ["coredns", "aws-ebs-csi-driver", "metrics-server"]),
        (
            NodeProvisioning.KARPENTER,
            True,
            ["coredns", "aws-ebs-csi-driver", "aws-efs-csi-driver", "metrics-server"],
        ),
        (NodeProvisioning.AUTO_MODE, True, ["aws-efs-csi-driver", "metrics-server"]),
    ],
)
def test_auto_mode_brings_most_add_ons_itself(provisioning: NodeProvisioning, efs: bool, expected: list[str]) -> None:
    assert addons_on_nodes(provisioning, efs=efs) == expected


def test_drivers_of_volumes_have_roles_that_only_their_service_account_takes() -> None:
    recording = record(lambda: EksAddons("addons", {"cluster": MANAGED, "efs": True}) and None)
    assert [each for each in recording.kinds() if not each.startswith("Role")] == [
        "Addon addons-addon-aws-ebs-csi-driver",
        "Addon addons-addon-aws-efs-csi-driver",
        "Addon addons-addon-coredns",
        "Addon addons-addon-metrics-server",
        "EksAddons addons",
    ]
    trust = json.loads(recording.one("Role", "addons-aws-ebs-csi-driver-role").inputs["assumeRolePolicy"])
    condition = trust["Statement"][0]["Condition"]["StringEquals"]
    account = IDENTITIES["aws-ebs-csi-driver"].service_account
    assert condition["aws:RequestTag/kubernetes-service-account"] == account
    addon = recording.one("Addon", "addons-addon-aws-ebs-csi-driver")
    assert recording.one("RolePolicyAttachment", "addons-aws-ebs-csi-driver-policy").urn in addon.dependencies


def test_a_version_of_an_add_on_that_is_not_installed_is_refused() -> None:
    with pytest.raises(Refused, match="installed here"):
        record(lambda: EksAddons("addons", {"cluster": AUTO, "versions": {"coredns": "v1.12.4-eksbuild.1"}}) and None)
