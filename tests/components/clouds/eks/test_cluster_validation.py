"""Rules on networks, clusters and places of EKS: each is broken here once. Not proved here: that AWS agrees."""

from collections.abc import Iterable
from datetime import date
from typing import Any

import pytest

from components.clouds.eks.cluster_validation import check_eks_cluster, check_eks_network, check_place, support_warning
from components.clouds.eks.spec import EksClusterSpec, EksNetworkSpec, NodeProvisioning
from components.clouds.eks.validation import check_pool_name
from components.findings import Finding

MANAGED, KARPENTER, AUTO = NodeProvisioning
ZONES = ["eu-west-1a", "eu-west-1b"]
DEPLOY = "arn:aws:iam::012345678901:role/deploy"


def paths(findings: Iterable[Finding]) -> list[str]:
    found = list(findings)
    assert all(each.rule and each.remedy for each in found)
    return [each.path for each in found]


def network(**over: Any) -> list[Finding]:
    spec = EksNetworkSpec(**{"cidr": "10.20.0.0/16", "zones": ZONES, **over})  # type: ignore[typeddict-item]
    return list(check_eks_network("aws.network", spec, "eu-west-1"))


def cluster(**over: Any) -> list[Finding]:
    spec = EksClusterSpec(**{"kubernetes_version": "1.35", "admin_role_arns": [DEPLOY], **over})  # type: ignore[typeddict-item]
    return list(check_eks_cluster("aws.cluster", spec))


@pytest.mark.parametrize(
    ("over", "path"),
    [
        ({"cidr": "10.20.0.0"}, "cidr"),
        ({"cidr": "ten"}, "cidr"),
        ({"cidr": ""}, "cidr"),
        ({"cidr": "10.20.1.0/16"}, "cidr"),
        ({"cidr": "8.8.0.0/16"}, "cidr"),
        ({"cidr": "fd00::/48"}, "cidr"),
        ({"cidr": "10.0.0.0/8"}, "cidr"),
        ({"cidr": "10.20.0.0/24"}, "cidr"),
        ({"zones": ["eu-west-1a"]}, "zones"),
        ({"zones": [f"eu-west-1{letter}" for letter in "abcdefg"]}, "zones"),
        ({"zones": ["eu-west-1a", "us-east-1a"]}, "zones[1]"),
        ({"zones": ["eu-west-1a", "eu-west-1a"]}, "zones[1]"),
        ({"flow_log_days": 31}, "flowLogDays"),
        ({"private_subnet_ids": {"eu-west-1a": "subnet-01234567"}}, "privateSubnetIds"),
    ],
    ids=str,
)
def test_a_network_that_cannot_be_created_is_refused(over: dict[str, Any], path: str) -> None:
    assert paths(network(**over)) == [f"aws.network.{path}"]


@pytest.mark.parametrize(
    ("over", "path"),
    [
        ({"vpc_id": "my-vpc"}, "vpcId"),
        ({"private_subnet_ids": {"eu-west-1a": "subnet-01234567"}}, "privateSubnetIds"),
        ({"private_subnet_ids": {"eu-west-1a": "subnet-01234567", "b": "subnet-01234568"}}, "privateSubnetIds.b"),
        (
            {"private_subnet_ids": {"eu-west-1a": "subnet-01234567", "eu-west-1b": "b"}},
            "privateSubnetIds.eu-west-1b",
        ),
        (
            {"private_subnet_ids": {"eu-west-1a": "subnet-01234567", "eu-west-1b": "subnet-01234567"}},
            "privateSubnetIds",
        ),
        ({"public_subnet_ids": {"eu-west-1a": "subnet-01234567"}}, "privateSubnetIds"),
        ({"zones": ZONES}, "zones"),
        ({"single_nat_gateway": False}, "singleNatGateway"),
        ({"flow_log_days": 30}, "flowLogDays"),
    ],
    ids=str,
)
def test_a_network_that_exists_is_named_in_full_and_changed_in_nothing(over: dict[str, Any], path: str) -> None:
    spec: Any = {
        "cidr": "10.20.0.0/16",
        "vpc_id": "vpc-01234567",
        "private_subnet_ids": {"eu-west-1a": "subnet-01234567", "eu-west-1b": "subnet-01234568"},
        **over,
    }
    assert paths(check_eks_network("aws.network", spec, "eu-west-1")) == [f"aws.network.{path}"]


def test_zones_of_a_network_are_of_one_region_even_if_it_is_not_set() -> None:
    spec = EksNetworkSpec(cidr="10.20.0.0/16", zones=["eu-west-1a", "us-east-1b"])
    assert paths(check_eks_network("network", spec)) == ["network.zones[1]"]
    assert paths(check_eks_network("network", {"cidr": "10.20.0.0/20", "zones": ZONES})) == []


@pytest.mark.parametrize(
    ("over", "path"),
    [
        ({"kubernetes_version": "1.3"}, "kubernetesVersion"),
        ({"kubernetes_version": "1.35.2"}, "kubernetesVersion"),
        ({"kubernetes_version": ""}, "kubernetesVersion"),
        ({"kubernetes_version": "1.99"}, "kubernetesVersion"),
        ({"kubernetes_version": "1.20"}, "kubernetesVersion"),
        ({"public_endpoint": True}, "publicRanges"),
        ({"public_ranges": ["203.0.113.0/24"]}, "publicRanges"),
        ({"public_endpoint": True, "public_ranges": ["0.0.0.0/0"]}, "publicRanges[0]"),
        ({"public_endpoint": True, "public_ranges": ["128.0.0.0/1"]}, "publicRanges[0]"),
        ({"public_endpoint": True, "public_ranges": ["::/0"]}, "publicRanges[0]"),
        ({"public_endpoint": True, "public_ranges": ["203.0.113.7/24"]}, "publicRanges[0]"),
        ({"admin_role_arns": []}, "adminRoleArns"),
        ({"admin_role_arns": ["arn:aws:iam::012345678901:root"]}, "adminRoleArns[0]"),
        ({"admin_role_arns": ["arn:aws:iam::012345678901:user/anna"]}, "adminRoleArns[0]"),
        ({"admin_role_arns": ["arn:aws:sts::012345678901:assumed-role/deploy/ci"]}, "adminRoleArns[0]"),
        ({"admin_role_arns": [DEPLOY, DEPLOY]}, "adminRoleArns[1]"),
        ({"log_days": 31}, "logDays"),
        ({"addon_versions": {"vpc-cni": "latest"}}, "addonVersions.vpc-cni"),
        ({"addon_versions": {"cilium": "v1.0.0-eksbuild.1"}}, "addonVersions.cilium"),
        (
            {"provisioning": AUTO, "addon_versions": {"vpc-cni": "v1.20.4-eksbuild.2"}},
            "addonVersions.vpc-cni",
        ),
    ],
    ids=str,
)
def test_a_cluster_that_cannot_or_must_not_be_is_refused(over: dict[str, Any], path: str) -> None:
    assert paths(cluster(**over)) == [f"aws.cluster.{path}"]


@pytest.mark.parametrize(
    ("today", "over", "said"),
    [
        (date(2027, 3, 27), {}, ""),
        (date(2027, 3, 28), {}, "standard support of Kubernetes 1.35 ended on 2027-03-27"),
        (date(2027, 3, 28), {"support": "extended"}, ""),
        (date(2028, 3, 28), {"support": "extended"}, "extended support of Kubernetes 1.35 ended on 2028-03-27"),
    ],
    ids=str,
)
def test_a_version_past_its_support_is_said_and_not_refused(today: date, over: dict[str, Any], said: str) -> None:
    spec = EksClusterSpec(**{"kubernetes_version": "1.35", "admin_role_arns": [DEPLOY], **over})  # type: ignore[typeddict-item]
    warning = support_warning(spec, today)
    assert warning.startswith(said)
    assert bool(warning) is bool(said)
    assert cluster(**over) == []


def test_nothing_is_claimed_of_a_version_whose_dates_are_not_known() -> None:
    assert support_warning({"kubernetes_version": "1.36", "admin_role_arns": [DEPLOY]}, date(2040, 1, 1)) == ""


def test_region_account_and_name_are_as_aws_writes_them() -> None:
    assert paths(check_place("aws", "eu-west-1", "012345678901")) == []
    assert paths(check_place("aws", "eu-west-1a", "12345678901")) == ["aws.region", "aws.accountId"]
    assert paths(check_pool_name("pools.a", "a" * 54)) == []
    assert paths(check_pool_name("pools.a", "a" * 55)) == ["pools.a"]
