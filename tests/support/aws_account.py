"""What a program registers of AWS, made in an account of moto, resource by resource, in the order of registration.

moto holds references, address ranges, names and grammar of policies as AWS does. It is no AWS: permissions, quotas and
zones without a machine are not in it, nor are the kinds in `NOT_HELD`.
"""

import re
from collections.abc import Callable
from typing import Any

import boto3

from tests.recorder import Recording
from tests.support.aws_models import Checked
from tests.support.aws_requests import create_cluster, create_node_group, launch_template_data

NOT_HELD = {"AccessEntry", "AccessPolicyAssociation", "Addon", "Alias", "Tag"}
"""Kinds that moto 5.2.5 does not have, or that stand on what it does not make (the scaling group of a node group).
Aliases are left out for the recorder's sake: it has no id of a key."""

Made = dict[str, str]
"""What the recorder made up -> what the account answered."""


class Account:
    """One account in one region, while `mock_aws` is on."""

    def __init__(self, region: str) -> None:
        self._clients = {
            name: Checked(boto3.client(name, region_name=region)) for name in ("ec2", "eks", "iam", "kms", "logs")
        }
        self._made: Made = {}
        self.skipped: set[str] = set()

    def read(self, service: str, operation: str, **request: Any) -> Any:
        """The answer to a question."""
        return self._clients[service](operation, **request)

    def make(self, recording: Recording) -> None:
        """Every resource of AWS in it. Raises what moto raises."""
        for resource in recording.resources:
            if not resource.type.startswith("aws:"):
                continue
            if resource.kind in NOT_HELD:
                self.skipped.add(resource.kind)
                continue
            how: Callable[[dict[str, Any]], Made] = getattr(self, "_" + _snake(resource.kind))
            answered = how(self._known(resource.inputs))
            own = {"id": f"{resource.name}-id", "arn": f"arn:aws:test:::{resource.name}"}
            self._made |= {own.get(key, key): value for key, value in answered.items()}

    def _known(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._known(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._known(item) for item in value]
        if isinstance(value, str):
            # The longest first: one name can begin another.
            for made_up in sorted(self._made, key=len, reverse=True):
                value = value.replace(made_up, self._made[made_up])
        return value

    def _ec2(self, operation: str, given: dict[str, Any], **request: Any) -> Any:
        words = re.sub(r"^(Create|Allocate)", "", operation)
        kind = {"Address": "elastic-ip", "NatGateway": "natgateway"}.get(words, _snake(words).replace("_", "-"))
        marked = [{"ResourceType": kind, "Tags": _tags(given)}]
        return self._clients["ec2"](operation, **request, TagSpecifications=marked)

    def _vpc(self, given: dict[str, Any]) -> Made:
        vpc = self._ec2("CreateVpc", given, CidrBlock=given["cidrBlock"])["Vpc"]["VpcId"]
        for key in ("EnableDnsSupport", "EnableDnsHostnames"):
            wanted = {"Value": given[key[0].lower() + key[1:]]}
            self._clients["ec2"]("ModifyVpcAttribute", VpcId=vpc, **{key: wanted})
        return {"id": vpc}

    def _default_security_group(self, given: dict[str, Any]) -> Made:
        named = [{"Name": "vpc-id", "Values": [given["vpcId"]]}, {"Name": "group-name", "Values": ["default"]}]
        (group,) = self._clients["ec2"]("DescribeSecurityGroups", Filters=named)["SecurityGroups"]
        called = {"GroupId": group["GroupId"]}
        if group["IpPermissions"]:
            self._clients["ec2"]("RevokeSecurityGroupIngress", **called, IpPermissions=group["IpPermissions"])
        self._clients["ec2"]("RevokeSecurityGroupEgress", **called, IpPermissions=group["IpPermissionsEgress"])
        return {"id": group["GroupId"]}

    def _subnet(self, given: dict[str, Any]) -> Made:
        request = {"AvailabilityZone": given["availabilityZone"], "CidrBlock": given["cidrBlock"]}
        return {"id": self._ec2("CreateSubnet", given, VpcId=given["vpcId"], **request)["Subnet"]["SubnetId"]}

    def _internet_gateway(self, given: dict[str, Any]) -> Made:
        gateway = self._ec2("CreateInternetGateway", given)["InternetGateway"]["InternetGatewayId"]
        self._clients["ec2"]("AttachInternetGateway", InternetGatewayId=gateway, VpcId=given["vpcId"])
        return {"id": gateway}

    def _eip(self, given: dict[str, Any]) -> Made:
        return {"id": self._ec2("AllocateAddress", given, Domain=given["domain"])["AllocationId"]}

    def _nat_gateway(self, given: dict[str, Any]) -> Made:
        request = {"SubnetId": given["subnetId"], "AllocationId": given["allocationId"]}
        return {"id": self._ec2("CreateNatGateway", given, **request)["NatGateway"]["NatGatewayId"]}

    def _route_table(self, given: dict[str, Any]) -> Made:
        table = self._ec2("CreateRouteTable", given, VpcId=given["vpcId"])["RouteTable"]["RouteTableId"]
        names = {"cidrBlock": "DestinationCidrBlock", "gatewayId": "GatewayId", "natGatewayId": "NatGatewayId"}
        for route in given["routes"]:
            request = {names[key]: value for key, value in route.items()}
            self._clients["ec2"]("CreateRoute", RouteTableId=table, **request)
        return {"id": table}

    def _route_table_association(self, given: dict[str, Any]) -> Made:
        request = {"RouteTableId": given["routeTableId"], "SubnetId": given["subnetId"]}
        return {"id": self._clients["ec2"]("AssociateRouteTable", **request)["AssociationId"]}

    def _security_group(self, given: dict[str, Any]) -> Made:
        request = {"GroupName": given["name"], "Description": given["description"], "VpcId": given["vpcId"]}
        return {"id": self._ec2("CreateSecurityGroup", given, **request)["GroupId"]}

    def _security_group_ingress_rule(self, given: dict[str, Any]) -> Made:
        return self._rule("AuthorizeSecurityGroupIngress", given)

    def _security_group_egress_rule(self, given: dict[str, Any]) -> Made:
        return self._rule("AuthorizeSecurityGroupEgress", given)

    def _rule(self, operation: str, given: dict[str, Any]) -> Made:
        permission: dict[str, Any] = {"IpProtocol": given["ipProtocol"]}
        permission |= {key[0].upper() + key[1:]: given[key] for key in ("fromPort", "toPort") if key in given}
        if "cidrIpv4" in given:
            permission["IpRanges"] = [{"CidrIp": given["cidrIpv4"]}]
        if "referencedSecurityGroupId" in given:
            permission["UserIdGroupPairs"] = [{"GroupId": given["referencedSecurityGroupId"]}]
        answer = self._clients["ec2"](operation, GroupId=given["securityGroupId"], IpPermissions=[permission])
        return {"id": answer["SecurityGroupRules"][0]["SecurityGroupRuleId"]}

    def _vpc_endpoint(self, given: dict[str, Any]) -> Made:
        names = {
            "vpcId": "VpcId",
            "serviceName": "ServiceName",
            "vpcEndpointType": "VpcEndpointType",
            "privateDnsEnabled": "PrivateDnsEnabled",
            "routeTableIds": "RouteTableIds",
            "subnetIds": "SubnetIds",
            "securityGroupIds": "SecurityGroupIds",
        }
        request = {name: given[key] for key, name in names.items() if key in given}
        return {"id": self._ec2("CreateVpcEndpoint", given, **request)["VpcEndpoint"]["VpcEndpointId"]}

    def _flow_log(self, given: dict[str, Any]) -> Made:
        answer = self._clients["ec2"](
            "CreateFlowLogs",
            ResourceIds=[given["vpcId"]],
            ResourceType="VPC",
            TrafficType=given["trafficType"],
            LogDestinationType=given["logDestinationType"],
            LogGroupName=given["logDestination"].split(":log-group:")[1],
            DeliverLogsPermissionArn=given["iamRoleArn"],
            MaxAggregationInterval=given["maxAggregationInterval"],
        )
        assert answer["Unsuccessful"] == []
        return {"id": answer["FlowLogIds"][0]}

    def _placement_group(self, given: dict[str, Any]) -> Made:
        self._ec2("CreatePlacementGroup", given, GroupName=given["name"], Strategy=given["strategy"])
        return {"id": given["name"]}

    def _launch_template(self, given: dict[str, Any]) -> Made:
        made = self._ec2(
            "CreateLaunchTemplate",
            given,
            LaunchTemplateName=given["name"],
            LaunchTemplateData=launch_template_data(given),
        )
        return {"id": made["LaunchTemplate"]["LaunchTemplateId"]}

    def _log_group(self, given: dict[str, Any]) -> Made:
        logs, name = self._clients["logs"], given["name"]
        logs("CreateLogGroup", logGroupName=name, tags=given["tags"])
        logs("PutRetentionPolicy", logGroupName=name, retentionInDays=given["retentionInDays"])
        (group,) = logs("DescribeLogGroups", logGroupNamePrefix=name)["logGroups"]
        return {"id": name, "arn": group["arn"].removesuffix(":*")}

    def _role(self, given: dict[str, Any]) -> Made:
        request = {"RoleName": given["name"], "AssumeRolePolicyDocument": given["assumeRolePolicy"]}
        answer = self._clients["iam"]("CreateRole", **request, Tags=_tags(given))
        return {"id": given["name"], "arn": answer["Role"]["Arn"]}

    def _role_policy(self, given: dict[str, Any]) -> Made:
        request = {"RoleName": given["role"], "PolicyName": given["name"], "PolicyDocument": given["policy"]}
        self._clients["iam"]("PutRolePolicy", **request)
        return {"id": f"{given['role']}:{given['name']}"}

    def _role_policy_attachment(self, given: dict[str, Any]) -> Made:
        self._clients["iam"]("AttachRolePolicy", RoleName=given["role"], PolicyArn=given["policyArn"])
        return {"id": f"{given['role']}/{given['policyArn']}"}

    def _key(self, given: dict[str, Any]) -> Made:
        tags = [{"TagKey": key, "TagValue": value} for key, value in given["tags"].items()]
        key = self._clients["kms"]("CreateKey", Description=given["description"], Tags=tags)["KeyMetadata"]
        if given["enableKeyRotation"]:
            self._clients["kms"]("EnableKeyRotation", KeyId=key["KeyId"])
        return {"id": key["KeyId"], "arn": key["Arn"]}

    def _cluster(self, given: dict[str, Any]) -> Made:
        made = self._clients["eks"]("CreateCluster", **create_cluster(given))["cluster"]
        # EKS makes this group; moto does not.
        (subnet, *_) = self._clients["ec2"]("DescribeSubnets", SubnetIds=given["vpcConfig"]["subnetIds"])["Subnets"]
        group = {
            "name": f"eks-cluster-sg-{made['name']}",
            "description": "EKS",
            "vpcId": subnet["VpcId"],
            "tags": given["tags"],
        }
        return {"id": made["name"], "arn": made["arn"], "sg-cluster": self._security_group(group)["id"]}

    def _node_group(self, given: dict[str, Any]) -> Made:
        template = {**given["launchTemplate"], "version": "1"}
        request = create_node_group({**given, "launchTemplate": template})
        made = self._clients["eks"]("CreateNodegroup", **request)["nodegroup"]
        return {"id": f"{given['clusterName']}:{made['nodegroupName']}", "arn": made["nodegroupArn"]}


def _tags(given: dict[str, Any]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in given["tags"].items()]


def _snake(words: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", words).lower()
