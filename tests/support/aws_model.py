"""AWS's published API models (botocore): does a request fit them? Names, types, enumerations, required members.

Not proved by it: what AWS checks beyond its model (quotas, combinations, whether an id exists).
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int, float),
    "long": (int, float),
    "boolean": (bool,),
    "blob": (str, bytes),
}


@cache
def service(name: str) -> ServiceModel:
    """The model of one service."""
    return ServiceModel(Loader().load_service_model(name, "service-2"))


def enumeration(name: str, shape: str) -> set[str]:
    """The values that an enumeration of a service allows."""
    return set(service(name).shape_for(shape).enum)  # type: ignore[attr-defined]


def departures(name: str, shape: str, request: Mapping[str, Any]) -> list[str]:
    """Where a request departs from a shape of a service; empty: nowhere."""
    return list(_departures(service(name).shape_for(shape), request, shape))


def _departures(shape: Shape, value: Any, path: str) -> Iterator[str]:
    kind = shape.type_name
    if kind == "structure":
        yield from _structure(shape, value, path)
    elif kind == "list":
        for index, part in enumerate(value):
            yield from _departures(shape.member, part, f"{path}[{index}]")  # type: ignore[attr-defined]
    elif kind == "map":
        for key, part in value.items():
            yield from _departures(shape.value, part, f"{path}.{key}")  # type: ignore[attr-defined]
    elif not isinstance(value, _TYPES.get(kind, (object,))) or (kind != "boolean" and isinstance(value, bool)):
        yield f"{path}: {value!r} is no {kind}"
    elif getattr(shape, "enum", None) and value not in shape.enum:
        yield f"{path}: {value!r} is not one of {shape.enum}"


def _structure(shape: Any, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"{path}: not a structure: {value!r}"
        return
    for required in shape.required_members:
        if value.get(required) is None:
            yield f"{path}.{required}: required"
    for key, part in value.items():
        if key not in shape.members:
            yield f"{path}.{key}: no such member"
        else:
            yield from _departures(shape.members[key], part, f"{path}.{key}")


def create_node_group(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs of `aws.eks.NodeGroup` as the request that the provider makes of them."""
    renamed = {"nodeGroupName": "nodegroupName", "nodeRoleArn": "nodeRole", "subnetIds": "subnets"}
    return {renamed.get(key, key): value for key, value in inputs.items()}


def create_cluster(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs of `aws.eks.Cluster` as the request that the provider makes of them."""
    request = {key: value for key, value in inputs.items() if key != "enabledClusterLogTypes"}
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
