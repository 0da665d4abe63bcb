"""What a network registers. Not proved here: that packets find their way (a cloud is needed)."""

from typing import Any

import pytest

from components.clouds.eks.network import EksNetwork, region_of
from components.clouds.eks.spec import EksNetworkSpec
from tests.recorder import Recording, Registered, record

ZONES = ["eu-west-1a", "eu-west-1b", "eu-west-1c"]


def declared(**over: Any) -> tuple[Recording, EksNetwork]:
    spec = EksNetworkSpec(**{"cidr": "10.20.0.0/16", "zones": ZONES, **over})  # type: ignore[typeddict-item]
    made: list[EksNetwork] = []
    return record(lambda: made.append(EksNetwork("net", {"network": spec}))), made[0]


def tags(resource: Registered) -> dict[str, str]:
    found: dict[str, str] = resource.inputs["tags"]
    return found


def test_a_created_network_has_two_subnets_in_each_zone_and_its_own_way_out() -> None:
    recording, made = declared()
    counted = {kind: len(recording.of(kind)) for kind in ("Subnet", "NatGateway", "Eip", "RouteTable", "Vpc")}
    assert counted == {"Subnet": 6, "NatGateway": 3, "Eip": 3, "RouteTable": 4, "Vpc": 1}
    assert list(made.handle["private_subnet_ids"]) == list(made.handle["public_subnet_ids"]) == ZONES
    internet = recording.one("InternetGateway").urn
    assert all(internet in gateway.dependencies for gateway in recording.of("NatGateway")), "AWS refuses them before it"
    vpc = recording.one("Vpc").inputs
    assert vpc["enableDnsSupport"] is vpc["enableDnsHostnames"] is True
    assert all(tags(resource)["managed-by"] == "mlplatform" for resource in recording.of("Subnet"))


def test_one_gateway_serves_all_zones_when_it_may() -> None:
    recording, _ = declared(single_nat_gateway=True)
    (gateway,) = recording.of("NatGateway")
    private = [table for table in recording.of("RouteTable") if "private" in table.name]
    assert {table.inputs["routes"][0]["natGatewayId"] for table in private} == {f"{gateway.name}-id"}
    assert len(private) == 3


def test_subnets_say_which_load_balancers_they_take_and_give_no_public_address() -> None:
    recording, _ = declared()
    roles = {s.name: {key for key in tags(s) if "role" in key} for s in recording.of("Subnet")}
    assert roles["net-public-eu-west-1a"] == {"kubernetes.io/role/elb"}
    assert roles["net-private-eu-west-1a"] == {"kubernetes.io/role/internal-elb"}
    assert {subnet.inputs["mapPublicIpOnLaunch"] for subnet in recording.of("Subnet")} == {False}


def test_resources_without_a_security_group_have_no_traffic() -> None:
    group = declared()[0].one("DefaultSecurityGroup").inputs
    assert (group["ingress"], group["egress"]) == ([], [])


def test_aws_is_reached_without_the_internet() -> None:
    recording, _ = declared()
    services = {each.inputs["serviceName"]: each.inputs for each in recording.of("VpcEndpoint")}
    stem = "com.amazonaws.eu-west-1"
    assert set(services) == {f"{stem}.{each}" for each in ("s3", "ec2", "ecr.api", "ecr.dkr", "logs", "sts")}
    assert len(services[f"{stem}.s3"]["routeTableIds"]) == 3
    assert services[f"{stem}.sts"]["privateDnsEnabled"] is True
    (rule,) = recording.of("SecurityGroupIngressRule")
    assert (rule.inputs["fromPort"], rule.inputs["toPort"], rule.inputs["cidrIpv4"]) == (443, 443, "10.20.0.0/16")


def test_connections_are_logged_for_as_long_as_it_was_asked_for() -> None:
    recording, _ = declared(flow_log_days=60)
    assert recording.one("LogGroup").inputs["retentionInDays"] == 60
    assert recording.one("FlowLog").inputs["trafficType"] == "ALL"


def test_a_private_subnet_is_handed_out_with_its_way_out_so_that_nodes_go_before_it_does() -> None:
    recording, made = declared()
    by_urn = {each.urn: each for each in recording.resources}
    waiting, reached = [r for r in recording.of("RouteTableAssociation") if "private" in r.name], set()
    while waiting:
        resource = waiting.pop()
        reached.add(resource.kind)
        waiting += [by_urn[urn] for urn in resource.dependencies if urn in by_urn]
    assert reached >= {"Subnet", "RouteTable", "NatGateway", "InternetGateway", "Eip"}
    assert set(made.handle["private_subnet_ids"]) == set(ZONES)


def test_a_network_that_exists_is_taken_as_it_is() -> None:
    subnets = {"eu-west-1a": "subnet-0123456789abcdefa", "eu-west-1b": "subnet-0123456789abcdefb"}
    spec = EksNetworkSpec(cidr="10.0.0.0/16", vpc_id="vpc-0123456789abcdef0", private_subnet_ids=subnets)
    made: list[EksNetwork] = []
    recording = record(lambda: made.append(EksNetwork("net", {"network": spec})))
    assert recording.kinds() == ["EksNetwork net"]
    assert made[0].handle == {
        "vpc_id": "vpc-0123456789abcdef0",
        "cidr": "10.0.0.0/16",
        "private_subnet_ids": subnets,
        "public_subnet_ids": {},
    }


@pytest.mark.parametrize(("zone", "region"), [("eu-west-1a", "eu-west-1"), ("us-gov-west-1b", "us-gov-west-1")])
def test_a_region_is_its_zone_without_the_letter(zone: str, region: str) -> None:
    assert region_of(zone) == region
