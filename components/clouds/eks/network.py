"""The VPC of a cluster, created or existing.

Nodes are in private subnets and reach the internet through NAT gateways; requests to AWS services stay in the VPC.
Public subnets contain load balancers and NAT gateways only.

Order: the id of a private subnet comes from the route table's association, so nodes are created after their routes and
deleted before them. NAT gateways depend on the internet gateway for the same reason.
"""

import json
from collections.abc import Sequence
from typing import Required, TypedDict

import pulumi_aws as aws
from pulumi import Input, Output, ResourceOptions

from components.base.component import Component
from components.clouds.eks.cluster_validation import check_eks_network
from components.clouds.eks.handles import EksHandle, EksNetworkHandle
from components.clouds.eks.plan import plan_subnets
from components.clouds.eks.spec import DEFAULT_FLOW_LOG_DAYS, EksNetworkSpec
from components.clouds.eks.tables import INTERFACE_ENDPOINTS
from components.clouds.names import aws_tags
from components.findings import refuse


class EksNetworkArgs(TypedDict):
    """Settings of the VPC."""

    network: Required[EksNetworkSpec]
    """A VPC to create, or an existing one."""


class EksNetwork(Component):
    """The VPC of a cluster. An existing VPC is used unchanged: nothing is registered or tagged."""

    vpc_id: Output[str]
    """Of the VPC."""

    def __init__(self, name: str, args: EksNetworkArgs, opts: ResourceOptions | None = None) -> None:
        spec = args["network"]
        refuse(f"EKS network {name}", check_eks_network("network", spec))
        super().__init__(name, args, opts)
        self.tags = aws_tags(name)
        if spec.get("vpc_id"):
            self.handle = EksNetworkHandle(
                vpc_id=spec["vpc_id"],
                cidr=spec["cidr"],
                private_subnet_ids=dict(spec["private_subnet_ids"]),
                public_subnet_ids=dict(spec.get("public_subnet_ids") or {}),
            )
        else:
            self.handle = self._create(name, spec)
        self.vpc_id = Output.from_input(self.handle["vpc_id"])
        self.register_outputs({"vpcId": self.vpc_id})

    def _create(self, name: str, spec: EksNetworkSpec) -> EksNetworkHandle:
        vpc = aws.ec2.Vpc(
            f"{name}-vpc",
            cidr_block=spec["cidr"],
            enable_dns_support=True,
            enable_dns_hostnames=True,
            tags=self._tags(name),
            opts=self.child,
        )
        # Resources without an explicit security group get this one, which allows no traffic.
        aws.ec2.DefaultSecurityGroup(
            f"{name}-default-group", vpc_id=vpc.id, ingress=[], egress=[], tags=self._tags(name), opts=self.child
        )
        self._log_flows(name, vpc, int(spec.get("flow_log_days", DEFAULT_FLOW_LOG_DAYS)))
        subnets = plan_subnets(spec["cidr"], spec["zones"])
        internet = aws.ec2.InternetGateway(f"{name}-internet", vpc_id=vpc.id, tags=self._tags(name), opts=self.child)
        public = self._public_subnets(name, vpc, internet, subnets.public)
        gateways = self._nat_gateways(name, internet, public, bool(spec.get("single_nat_gateway")))
        private, tables = self._private_subnets(name, vpc, gateways, subnets.private)
        self._endpoints(name, region_of(spec["zones"][0]), vpc, spec["cidr"], private, tables)
        return EksNetworkHandle(vpc_id=vpc.id, cidr=spec["cidr"], private_subnet_ids=private, public_subnet_ids=public)

    def _tags(self, title: str) -> dict[str, str]:
        return {**self.tags, "Name": title}

    def _log_flows(self, name: str, vpc: "aws.ec2.Vpc", days: int) -> None:
        group = aws.cloudwatch.LogGroup(
            f"{name}-flow-log-group",
            name=f"/mlplatform/{name}/flow-log",
            retention_in_days=days,
            tags=self.tags,
            opts=self.child,
        )
        role = aws.iam.Role(
            f"{name}-flow-log-role",
            name=f"{name}-flow-log",
            assume_role_policy=json.dumps(trust_of("vpc-flow-logs.amazonaws.com")),
            tags=self.tags,
            opts=self.child,
        )
        policy = aws.iam.RolePolicy(
            f"{name}-flow-log-policy",
            name="write",
            role=role.name,
            policy=Output.json_dumps(flow_log_policy(group.arn)),
            opts=self.child,
        )
        aws.ec2.FlowLog(
            f"{name}-flow-log",
            vpc_id=vpc.id,
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_destination=group.arn,
            iam_role_arn=role.arn,
            max_aggregation_interval=60,
            tags=self._tags(name),
            opts=ResourceOptions.merge(self.child, ResourceOptions(depends_on=[policy])),
        )

    def _public_subnets(
        self, name: str, vpc: "aws.ec2.Vpc", internet: "aws.ec2.InternetGateway", ranges: dict[str, str]
    ) -> dict[str, Input[str]]:
        table = aws.ec2.RouteTable(
            f"{name}-public-routes",
            vpc_id=vpc.id,
            routes=[{"cidr_block": "0.0.0.0/0", "gateway_id": internet.id}],
            tags=self._tags(f"{name}-public"),
            opts=self.child,
        )
        found: dict[str, Input[str]] = {}
        for zone, cidr in ranges.items():
            subnet = aws.ec2.Subnet(
                f"{name}-public-{zone}",
                vpc_id=vpc.id,
                availability_zone=zone,
                cidr_block=cidr,
                map_public_ip_on_launch=False,
                tags={**self._tags(f"{name}-public-{zone}"), "kubernetes.io/role/elb": "1"},
                opts=self.child,
            )
            found[zone] = self._associated(f"{name}-public-{zone}", subnet, table)
        return found

    def _nat_gateways(
        self, name: str, internet: "aws.ec2.InternetGateway", public: dict[str, Input[str]], single: bool
    ) -> "dict[str, aws.ec2.NatGateway]":
        """Zone -> the NAT gateway that its nodes use."""
        zones = list(public)
        after = ResourceOptions.merge(self.child, ResourceOptions(depends_on=[internet]))
        made = {}
        for zone in zones[:1] if single else zones:
            address = aws.ec2.Eip(
                f"{name}-nat-{zone}-address", domain="vpc", tags=self._tags(f"{name}-nat-{zone}"), opts=after
            )
            made[zone] = aws.ec2.NatGateway(
                f"{name}-nat-{zone}",
                subnet_id=public[zone],
                allocation_id=address.id,
                tags=self._tags(f"{name}-{zone}"),
                opts=after,
            )
        return {zone: made.get(zone) or made[zones[0]] for zone in zones}

    def _private_subnets(
        self, name: str, vpc: "aws.ec2.Vpc", gateways: "dict[str, aws.ec2.NatGateway]", ranges: dict[str, str]
    ) -> "tuple[dict[str, Input[str]], list[aws.ec2.RouteTable]]":
        found: dict[str, Input[str]] = {}
        tables = []
        for zone, cidr in ranges.items():
            subnet = aws.ec2.Subnet(
                f"{name}-private-{zone}",
                vpc_id=vpc.id,
                availability_zone=zone,
                cidr_block=cidr,
                map_public_ip_on_launch=False,
                tags={**self._tags(f"{name}-private-{zone}"), "kubernetes.io/role/internal-elb": "1"},
                opts=self.child,
            )
            table = aws.ec2.RouteTable(
                f"{name}-private-{zone}-routes",
                vpc_id=vpc.id,
                routes=[{"cidr_block": "0.0.0.0/0", "nat_gateway_id": gateways[zone].id}],
                tags=self._tags(f"{name}-private-{zone}"),
                opts=self.child,
            )
            tables.append(table)
            found[zone] = self._associated(f"{name}-private-{zone}", subnet, table)
        return found, tables

    def _associated(self, title: str, subnet: "aws.ec2.Subnet", table: "aws.ec2.RouteTable") -> Output[str]:
        """The subnet's id; it resolves once the subnet has its routes."""
        association = aws.ec2.RouteTableAssociation(
            f"{title}-association", subnet_id=subnet.id, route_table_id=table.id, opts=self.child
        )
        return association.subnet_id.apply(str)

    def _endpoints(
        self,
        name: str,
        region: str,
        vpc: "aws.ec2.Vpc",
        cidr: str,
        private: dict[str, Input[str]],
        tables: "Sequence[aws.ec2.RouteTable]",
    ) -> None:
        aws.ec2.VpcEndpoint(
            f"{name}-endpoint-s3",
            vpc_id=vpc.id,
            service_name=f"com.amazonaws.{region}.s3",
            vpc_endpoint_type="Gateway",
            route_table_ids=[table.id for table in tables],
            tags=self._tags(f"{name}-s3"),
            opts=self.child,
        )
        group = aws.ec2.SecurityGroup(
            f"{name}-endpoint-group",
            name=f"{name}-endpoints",
            description="VPC endpoints, for everything in the VPC",
            vpc_id=vpc.id,
            tags=self._tags(f"{name}-endpoints"),
            opts=self.child,
        )
        aws.vpc.SecurityGroupIngressRule(
            f"{name}-endpoint-https",
            security_group_id=group.id,
            description="HTTPS from the VPC",
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            cidr_ipv4=cidr,
            tags=self.tags,
            opts=self.child,
        )
        for service in INTERFACE_ENDPOINTS:
            aws.ec2.VpcEndpoint(
                f"{name}-endpoint-{service}",
                vpc_id=vpc.id,
                service_name=f"com.amazonaws.{region}.{service}",
                vpc_endpoint_type="Interface",
                private_dns_enabled=True,
                subnet_ids=list(private.values()),
                security_group_ids=[group.id],
                tags=self._tags(f"{name}-{service}"),
                opts=self.child,
            )


def security_group_from_nodes(
    name: str, cluster: EksHandle, called: Input[str], what: str, port: int, opts: ResourceOptions
) -> "tuple[aws.ec2.SecurityGroup, aws.vpc.SecurityGroupIngressRule]":
    """Declare a security group that allows only traffic from the cluster's nodes to one port of a service in its VPC.
    `what`: the protocol's name."""
    group = aws.ec2.SecurityGroup(
        f"{name}-security-group",
        name=called,
        description=f"{what} {name}: from the nodes of the cluster, to nowhere",
        vpc_id=cluster["network"]["vpc_id"],
        tags=aws_tags(name),
        opts=opts,
    )
    rule = aws.vpc.SecurityGroupIngressRule(
        f"{name}-from-cluster",
        security_group_id=group.id,
        referenced_security_group_id=cluster["security_group_id"],
        ip_protocol="tcp",
        from_port=port,
        to_port=port,
        description=f"{what} from the cluster",
        tags=aws_tags(name),
        opts=opts,
    )
    return group, rule


def region_of(zone: str) -> str:
    """The region of an availability zone. Pure."""
    return zone.rstrip("abcdefghijklmnopqrstuvwxyz")


def trust_of(service: str, *actions: str) -> dict[str, object]:
    """The trust policy of a role that an AWS service assumes. Pure."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": service},
                "Action": list(actions) or ["sts:AssumeRole"],
            }
        ],
    }


def flow_log_policy(group_arn: Input[str]) -> dict[str, object]:
    """Permissions of VPC flow logs on their log group only. Pure."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": [
                    "logs:CreateLogStream",
                    "logs:PutLogEvents",
                    "logs:DescribeLogGroups",
                    "logs:DescribeLogStreams",
                ],
                "Resource": [group_arn, Output.concat(group_arn, ":*")],
            }
        ],
    }
