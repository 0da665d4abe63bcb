"""Inputs of `pulumi_aws` resources as the requests that the provider makes of them."""

from collections.abc import Mapping
from typing import Any


def create_node_group(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs of `aws.eks.NodeGroup` as the request that the provider makes of them."""
    renamed = {"nodeGroupName": "nodegroupName", "nodeRoleArn": "nodeRole", "subnetIds": "subnets"}
    return {renamed.get(key, key): value for key, value in inputs.items()}


def create_cluster(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs of `aws.eks.Cluster` as the request that the provider makes of them."""
    request: dict[str, Any] = {key: value for key, value in inputs.items() if key != "enabledClusterLogTypes"}
    request["resourcesVpcConfig"] = request.pop("vpcConfig")
    request["encryptionConfig"] = [request["encryptionConfig"]]
    request["logging"] = {"clusterLogging": [{"types": inputs["enabledClusterLogTypes"], "enabled": True}]}
    return request


def launch_template_data(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs of `aws.ec2.LaunchTemplate` as EC2's RequestLaunchTemplateData."""
    outside = ("name", "description", "updateDefaultVersion", "tags")
    data: dict[str, Any] = _pascal({key: value for key, value in inputs.items() if key not in outside})
    for interface in data.get("NetworkInterfaces", []):
        interface["Groups"] = interface.pop("SecurityGroups")
        interface["DeleteOnTermination"] = interface["DeleteOnTermination"] == "true"
    for mapping in data["BlockDeviceMappings"]:
        mapping["Ebs"] |= {key: mapping["Ebs"][key] == "true" for key in ("Encrypted", "DeleteOnTermination")}
    for specification in data["TagSpecifications"]:
        specification["Tags"] = [{"Key": key, "Value": value} for key, value in specification["Tags"].items()]
    return data


def _pascal(value: Any) -> Any:
    if isinstance(value, list):
        return [_pascal(part) for part in value]
    if not isinstance(value, Mapping):
        return value
    return {key[0].upper() + key[1:]: dict(part) if key == "tags" else _pascal(part) for key, part in value.items()}
