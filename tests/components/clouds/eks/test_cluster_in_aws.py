"""A network, a control plane and its groups of nodes, made in moto: ids, ranges, names and policies must fit together.

Not proved here: what moto has not (`NOT_HELD`), that packets find their way, that a machine is to be had.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from components.clouds.eks.cluster import EksCluster
from components.clouds.eks.network import EksNetwork
from components.clouds.eks.node_pool import EksNodePool
from components.clouds.eks.spec import EksPurchase
from tests.recorder import record
from tests.support.aws_account import NOT_HELD, Account

REGION, ACCOUNT = "eu-west-1", "123456789012"
ZONES = ["eu-west-1a", "eu-west-1b", "eu-west-1c"]
POOLS: dict[str, Any] = {
    "cpu": {"machines": ["m7i.4xlarge"], "nodes_min": 3, "nodes_max": 6},
    "h100": {
        "machines": ["p5.48xlarge"],
        "nodes_max": 4,
        "purchase": EksPurchase.RESERVED,
        "reservation_id": "cr-0123456789abcdef0",
        "zones": ["eu-west-1a"],
        "efa": True,
    },
}


def network(cidr: str = "10.20.0.0/16") -> EksNetwork:
    return EksNetwork("net", {"network": {"cidr": cidr, "zones": ZONES}})


def platform() -> None:
    cluster = EksCluster(
        "prod",
        {
            "region": REGION,
            "account_id": ACCOUNT,
            "network": network().handle,
            "cluster": {"kubernetes_version": "1.35", "admin_role_arns": [f"arn:aws:iam::{ACCOUNT}:role/deploy"]},
        },
    )
    for name, pool in POOLS.items():
        EksNodePool(name, {"cluster": cluster.handle, "pool": pool})


@pytest.fixture(scope="module")
def made() -> Iterator[Account]:
    """An account that holds it; the policies of AWS are those that moto recorded."""
    with pytest.MonkeyPatch.context() as patch, mock_aws(config={"iam": {"load_aws_managed_policies": True}}):
        for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            patch.setenv(key, "testing")
        account = Account(REGION)
        account.make(record(platform))
        yield account


def group(account: Account, pool: str) -> dict[str, Any]:
    """The node group of a pool; behind the pool's name stands a digest of what cannot change in place."""
    names = account.read("eks", "ListNodegroups", clusterName="prod")["nodegroups"]
    (name,) = [each for each in names if each.startswith(f"{pool}-")]
    found: dict[str, Any] = account.read("eks", "DescribeNodegroup", clusterName="prod", nodegroupName=name)[
        "nodegroup"
    ]
    return found


def test_all_of_it_is_made_but_what_moto_has_not(made: Account) -> None:
    assert made.skipped == NOT_HELD
    assert group(made, "cpu")["instanceTypes"] == ["m7i.4xlarge"]
    assert group(made, "h100")["capacityType"] == "ON_DEMAND"


def test_nodes_of_each_zone_leave_by_the_gateway_of_their_zone(made: Account) -> None:
    gateways = made.read("ec2", "DescribeNatGateways")["NatGateways"]
    subnets = {each["SubnetId"]: each for each in made.read("ec2", "DescribeSubnets")["Subnets"]}
    out_of = {gateway["NatGatewayId"]: subnets[gateway["SubnetId"]]["AvailabilityZone"] for gateway in gateways}
    found = {}
    for subnet in group(made, "cpu")["subnets"]:
        of_it = [{"Name": "association.subnet-id", "Values": [subnet]}]
        (table,) = made.read("ec2", "DescribeRouteTables", Filters=of_it)["RouteTables"]
        (way,) = [route["NatGatewayId"] for route in table["Routes"] if "NatGatewayId" in route]
        found[subnets[subnet]["AvailabilityZone"]] = out_of[way]
    assert found == {zone: zone for zone in ZONES}


def test_gateways_stand_where_the_internet_is_reached(made: Account) -> None:
    for gateway in made.read("ec2", "DescribeNatGateways")["NatGateways"]:
        of_it = [{"Name": "association.subnet-id", "Values": [gateway["SubnetId"]]}]
        (table,) = made.read("ec2", "DescribeRouteTables", Filters=of_it)["RouteTables"]
        assert any(route.get("GatewayId", "").startswith("igw-") for route in table["Routes"])


def test_the_default_security_group_lets_nothing_through(made: Account) -> None:
    (vpc,) = [each["VpcId"] for each in made.read("ec2", "DescribeVpcs")["Vpcs"] if not each["IsDefault"]]
    of_it = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
    (default,) = made.read("ec2", "DescribeSecurityGroups", Filters=of_it)["SecurityGroups"]
    assert (default["IpPermissions"], default["IpPermissionsEgress"]) == ([], [])


def test_a_group_starts_its_nodes_from_a_template_that_is_there(made: Account) -> None:
    named = [group(made, "h100")["launchTemplate"]["id"]]
    (template,) = made.read("ec2", "DescribeLaunchTemplates", LaunchTemplateIds=named)["LaunchTemplates"]
    assert template["LaunchTemplateName"] == "prod-h100"


def test_a_name_that_is_taken_would_have_been_refused(made: Account) -> None:
    with pytest.raises(ClientError, match="ResourceAlreadyExists"):
        made.make(record(network))
