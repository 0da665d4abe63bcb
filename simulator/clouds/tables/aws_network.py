"""EC2 networks. What cannot change in place: the `Replacement` notes of the EC2 API, which has no call to modify it."""

from simulator.clouds.rows import Row

VPC = "aws:ec2/vpc:Vpc"
SUBNET = "aws:ec2/subnet:Subnet"
SECURITY_GROUP = (
    "aws:ec2/securityGroup:SecurityGroup aws:ec2/defaultSecurityGroup:DefaultSecurityGroup "
    "aws:ec2/vpc:Vpc aws:eks/cluster:Cluster"  # each brings one of its own
)
ROUTE_TABLE = "aws:ec2/routeTable:RouteTable aws:ec2/vpc:Vpc"
_GATEWAY = "aws:ec2/internetGateway:InternetGateway"
_NAT = "aws:ec2/natGateway:NatGateway"
_ARN = "arn:aws-simulated:ec2:{region}:{account}"
_OWNER = {"ownerId": "{account}"}
_RULE_NEEDS = {"securityGroupId": SECURITY_GROUP, "referencedSecurityGroupId": SECURITY_GROUP}
_RULE_RENAMES = {
    "cidrIpv4": "IpRanges.[].CidrIp",
    "cidrIpv6": "Ipv6Ranges.[].CidrIpv6",
    "description": "IpRanges.[].Description",
    "referencedSecurityGroupId": "UserIdGroupPairs.[].GroupId",
    "prefixListId": "PrefixListIds.[].PrefixListId",
}

ROWS = (
    Row(
        VPC,
        "ec2.CreateVpc",
        id="vpc-{hash}",
        renames={
            "assignGeneratedIpv6CidrBlock": "AmazonProvidedIpv6CidrBlock",
            "enableDnsHostnames": "ec2.ModifyVpcAttribute/EnableDnsHostnames.Value",
            "enableDnsSupport": "ec2.ModifyVpcAttribute/EnableDnsSupport.Value",
            "enableNetworkAddressUsageMetrics": "ec2.ModifyVpcAttribute/EnableNetworkAddressUsageMetrics.Value",
        },
        outputs={
            "arn": _ARN + ":vpc/{id}",
            "defaultNetworkAclId": "acl-{hash}",
            "defaultRouteTableId": "rtb-{hash}",
            "mainRouteTableId": "rtb-{hash}",
            "defaultSecurityGroupId": "sg-{hash}",
            "dhcpOptionsId": "dopt-{hash}",
            "ipv6AssociationId": "",
            "enableDnsHostnames": False,
            "enableNetworkAddressUsageMetrics": False,
            "ipv6CidrBlock": "",
            "ipv6CidrBlockNetworkBorderGroup": "",
            **_OWNER,
        },
        fixed="cidrBlock ipv4IpamPoolId",
    ),
    Row(
        SUBNET,
        "ec2.CreateSubnet",
        id="subnet-{hash}",
        renames={
            "assignIpv6AddressOnCreation": "ec2.ModifySubnetAttribute/AssignIpv6AddressOnCreation.Value",
            "mapPublicIpOnLaunch": "ec2.ModifySubnetAttribute/MapPublicIpOnLaunch.Value",
            "enableDns64": "ec2.ModifySubnetAttribute/EnableDns64.Value",
            "enableResourceNameDnsARecordOnLaunch": (
                "ec2.ModifySubnetAttribute/EnableResourceNameDnsARecordOnLaunch.Value"
            ),
            "privateDnsHostnameTypeOnLaunch": "ec2.ModifySubnetAttribute/PrivateDnsHostnameTypeOnLaunch",
        },
        outputs={
            "arn": _ARN + ":subnet/{id}",
            "availabilityZone": "{region}a",
            "availabilityZoneId": "simulated-az1",
            "ipv6CidrBlock": "",
            "ipv6CidrBlockAssociationId": "",
            "privateDnsHostnameTypeOnLaunch": "ip-name",
            **_OWNER,
        },
        fixed="vpcId cidrBlock availabilityZone availabilityZoneId outpostArn",
        needs={"vpcId": VPC},
    ),
    Row(
        _GATEWAY,
        "ec2.CreateInternetGateway",
        id="igw-{hash}",
        renames={"vpcId": "ec2.AttachInternetGateway/VpcId"},
        outputs={"arn": _ARN + ":internet-gateway/{id}", **_OWNER},
        needs={"vpcId": VPC},
    ),
    Row(
        "aws:ec2/eip:Eip",
        "ec2.AllocateAddress",
        id="eipalloc-{hash}",
        renames={
            "instance": "ec2.AssociateAddress/InstanceId",
            "networkInterface": "ec2.AssociateAddress/NetworkInterfaceId",
        },
        unchecked="associateWithPrivateIp",
        outputs={
            "arn": _ARN + ":elastic-ip/{id}",
            "allocationId": "{id}",
            "publicIp": "198.18.{octets}",
            "publicDns": "simulated.{region}.compute.amazonaws.invalid",
            "domain": "vpc",
        },
        fixed="domain networkBorderGroup publicIpv4Pool",
    ),
    Row(
        _NAT,
        "ec2.CreateNatGateway",
        id="nat-{hash}",
        renames={"privateIp": "PrivateIpAddress"},
        outputs={"publicIp": "198.18.{octets}", "networkInterfaceId": "eni-{hash}", "privateIp": "10.0.{octets}"},
        fixed="allocationId subnetId connectivityType privateIp availabilityMode vpcId",
        needs={"subnetId": SUBNET, "allocationId": "aws:ec2/eip:Eip", "vpcId": VPC},
    ),
    Row(
        "aws:ec2/routeTable:RouteTable",
        "ec2.CreateRouteTable",
        id="rtb-{hash}",
        renames={
            "routes": "ec2.CreateRoute/",
            "routes.cidrBlock": "DestinationCidrBlock",
            "routes.ipv6CidrBlock": "DestinationIpv6CidrBlock",
            "routes.egressOnlyGatewayId": "EgressOnlyInternetGatewayId",
        },
        supplied="routes.RouteTableId",
        unchecked="propagatingVgws",
        outputs={"arn": _ARN + ":route-table/{id}", "routes": [], "propagatingVgws": [], **_OWNER},
        fixed="vpcId",
        needs={"vpcId": VPC, "routes.natGatewayId": _NAT, "routes.gatewayId": _GATEWAY},
    ),
    Row(
        "aws:ec2/route:Route",
        "ec2.CreateRoute",
        id="r-{routeTableId}{number}",
        renames={"egressOnlyGatewayId": "EgressOnlyInternetGatewayId"},
        outputs={"origin": "CreateRoute", "state": "active"},
        fixed="routeTableId destinationCidrBlock destinationIpv6CidrBlock destinationPrefixListId",
        unique="{routeTableId} {destinationCidrBlock}{destinationIpv6CidrBlock}{destinationPrefixListId}",
        needs={"routeTableId": ROUTE_TABLE, "natGatewayId": _NAT, "gatewayId": _GATEWAY},
    ),
    Row(
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        "ec2.AssociateRouteTable",
        id="rtbassoc-{hash}",
        fixed="subnetId gatewayId",
        unique="{subnetId}{gatewayId}",
        needs={"routeTableId": ROUTE_TABLE, "subnetId": SUBNET, "gatewayId": _GATEWAY},
    ),
    Row(
        "aws:ec2/securityGroup:SecurityGroup",
        "ec2.CreateSecurityGroup",
        id="sg-{hash}",
        renames={
            "name": "GroupName",
            "namePrefix": "GroupName",
            **{
                f"{way}{name}": member
                for way, call in (("ingress", "Ingress"), ("egress", "Egress"))
                for name, member in (
                    ("", f"ec2.AuthorizeSecurityGroup{call}/IpPermissions"),
                    (".protocol", "IpProtocol"),
                    (".cidrBlocks", "IpRanges.[].CidrIp"),
                    (".ipv6CidrBlocks", "Ipv6Ranges.[].CidrIpv6"),
                    (".description", "IpRanges.[].Description"),
                    (".securityGroups", "UserIdGroupPairs.[].GroupId"),
                )
            },
        },
        unchecked="revokeRulesOnDelete ingress.self egress.self",
        supplied="Description",
        autoname="name",
        outputs={
            "arn": _ARN + ":security-group/{id}",
            "description": "Managed by Pulumi",
            "ingress": [],
            "egress": [],
            **_OWNER,
        },
        fixed="name namePrefix description vpcId",
        unique="{vpcId} {name}",
        needs={"vpcId": VPC, "ingress.securityGroups": SECURITY_GROUP, "egress.securityGroups": SECURITY_GROUP},
    ),
    Row(
        "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
        "",
        id="sg-{hash}",
        outputs={
            "arn": _ARN + ":security-group/{id}",
            "name": "default",
            "namePrefix": "",
            "description": "default VPC security group",
            "ingress": [],
            "egress": [],
            **_OWNER,
        },
        fixed="vpcId",
        unique="{vpcId}",
        needs={"vpcId": VPC},
    ),
    *(
        Row(
            f"aws:vpc/securityGroup{way}Rule:SecurityGroup{way}Rule",
            f"ec2.AuthorizeSecurityGroup{way}:IpPermissions.[]",
            id="sgr-{hash}",
            renames={**_RULE_RENAMES, "securityGroupId": f"ec2.AuthorizeSecurityGroup{way}/GroupId"},
            outputs={"arn": _ARN + ":security-group-rule/{id}", "securityGroupRuleId": "{id}"},
            fixed="securityGroupId",
            unique="{securityGroupId} {ipProtocol} {fromPort} {toPort} {cidrIpv4}{cidrIpv6}{referencedSecurityGroupId}"
            "{prefixListId}",
            needs=_RULE_NEEDS,
        )
        for way in ("Ingress", "Egress")
    ),
    Row(
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        "ec2.CreateVpcEndpoint",
        id="vpce-{hash}",
        renames={"policy": "PolicyDocument"},
        unchecked="autoAccept",
        outputs={
            "arn": _ARN + ":vpc-endpoint/{id}",
            "state": "available",
            "prefixListId": "pl-{hash}",
            "cidrBlocks": [],
            "dnsEntries": [],
            "networkInterfaceIds": [],
            "requesterManaged": False,
            **_OWNER,
        },
        fixed="vpcId serviceName vpcEndpointType serviceNetworkArn resourceConfigurationArn",
        unique="{vpcId} {serviceName} {vpcEndpointType}",
        needs={"vpcId": VPC, "subnetIds": SUBNET, "securityGroupIds": SECURITY_GROUP, "routeTableIds": ROUTE_TABLE},
    ),
    Row(
        "aws:ec2/flowLog:FlowLog",
        "ec2.CreateFlowLogs",
        id="fl-{hash}",
        renames={
            "iamRoleArn": "DeliverLogsPermissionArn",
            "vpcId": "ResourceIds.[]",
            "subnetId": "ResourceIds.[]",
            "eniId": "ResourceIds.[]",
        },
        supplied="ResourceType",
        outputs={"arn": _ARN + ":vpc-flow-log/{id}", "logFormat": "simulated"},
        fixed="vpcId subnetId eniId trafficType logDestination logDestinationType iamRoleArn logFormat "
        "maxAggregationInterval",
        needs={
            "vpcId": VPC,
            "~iamRoleArn": "aws:iam/role:Role",
            "~logDestination": "aws:cloudwatch/logGroup:LogGroup aws:s3/bucket:Bucket",
        },
    ),
)
