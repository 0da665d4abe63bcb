"""What a cloud refuses beyond the types of its API: facts about one resource alone. Pure, apart from moto's validators.

Held by moto 5.2.5: IAM policy documents and trust policies. Everything else is ours; each rule names its source.
"""

import base64
import ipaddress
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from catalog.machines import MACHINES
from simulator.clouds.account import SIMULATED_PARTITION
from simulator.clouds.checks import Problem
from simulator.clouds.values import at, has_unknown, is_unknown

Inputs = Mapping[str, Any]
Rule = Callable[[Inputs], Iterator[Problem]]

_RETENTIONS = (
    1,
    3,
    5,
    7,
    14,
    30,
    60,
    90,
    120,
    150,
    180,
    365,
    400,
    545,
    731,
    1096,
    1827,
    2192,
    2557,
    2922,
    3288,
    3653,
    0,
)


def check_rules(token: str, inputs: Inputs) -> Iterator[Problem]:
    """All that the cloud would refuse in these inputs by themselves."""
    for rule in RULES.get(token, ()):
        yield from rule(inputs)


def unknown_machine(name: str) -> str:
    """What is said of a machine of which the size is not known."""
    return f"the simulated cloud does not know how large a machine {name!r} is (catalog/machines.py)"


def _known(inputs: Inputs, path: str) -> Any:
    value = at(inputs, path)
    return None if value is None or has_unknown(value) else value


def _policy(path: str, trust: bool = False) -> Rule:
    def rule(inputs: Inputs) -> Iterator[Problem]:
        text = _known(inputs, path)
        if isinstance(text, str):
            problem = policy_problem(text, trust)
            if problem:
                yield Problem(path, f"MalformedPolicyDocument: {problem}")

    return rule


def policy_problem(text: str, trust: bool) -> str:
    """What IAM says of a policy document; empty: it takes it."""
    from moto.core.exceptions import ServiceException  # noqa: PLC0415 - a second, which only policies have to pay
    from moto.iam.policy_validation import (  # noqa: PLC0415
        IAMPolicyDocumentValidator,
        IAMTrustPolicyDocumentValidator,
    )

    validator = IAMTrustPolicyDocumentValidator if trust else IAMPolicyDocumentValidator
    try:
        validator(text.replace(f"arn:{SIMULATED_PARTITION}:", "arn:aws:")).validate()  # it knows the real ones alone
    except ServiceException as error:
        return str(error.message)
    return ""


def _json(path: str) -> Rule:
    def rule(inputs: Inputs) -> Iterator[Problem]:
        text = _known(inputs, path)
        try:
            if isinstance(text, str) and not isinstance(json.loads(text), dict):
                yield Problem(path, "MalformedPolicy: a policy is a JSON object")
        except ValueError as error:
            yield Problem(path, f"MalformedPolicy: not JSON ({error})")

    return rule


def _cidr(path: str, shortest: int, longest: int) -> Rule:
    """EC2 user guide: a VPC and a subnet are /16 to /28. Google Cloud: a range is /29 at most."""

    def rule(inputs: Inputs) -> Iterator[Problem]:
        text = _known(inputs, path)
        if not isinstance(text, str):
            return
        try:
            network = ipaddress.ip_network(text)
        except ValueError as error:
            yield Problem(path, f"InvalidParameterValue: {text!r} is not a valid CIDR block ({error})")
            return
        if network.version == 4 and not shortest <= network.prefixlen <= longest:
            yield Problem(path, f"InvalidRange: {text!r} must be /{shortest} to /{longest}")

    return rule


def _retention(inputs: Inputs) -> Iterator[Problem]:
    """CloudWatch Logs API, PutRetentionPolicy."""
    days = _known(inputs, "retentionInDays")
    if days is not None and int(days) not in _RETENTIONS:
        yield Problem("retentionInDays", f"{days}: possible are {', '.join(map(str, sorted(_RETENTIONS)))}")


def _node_group(inputs: Inputs) -> Iterator[Problem]:
    """EKS user guide, managed node groups and launch templates."""
    sizes = [_known(inputs, f"scalingConfig.{name}Size") for name in ("min", "desired", "max")]
    numbers = [int(size) for size in sizes if size is not None]
    if numbers != sorted(numbers):
        yield Problem("scalingConfig", "minSize must be at most desiredSize, and that at most maxSize")
    if numbers and sizes[2] is not None and int(sizes[2]) < 1:
        yield Problem("scalingConfig.maxSize", "maxSize must be 1 or more")
    if "launchTemplate" in inputs and "diskSize" in inputs:
        yield Problem("diskSize", "Disk size must be specified within the launch template.")
    if "launchTemplate" in inputs and "remoteAccess" in inputs:
        yield Problem("remoteAccess", "Remote access configuration cannot be specified with a launch template.")
    ami = _known(inputs, "amiType") or ""
    for name in _known(inputs, "instanceTypes") or ():
        machine = MACHINES.get(name)
        if machine is None:
            yield Problem("instanceTypes", unknown_machine(name))
        elif ami and ami != "CUSTOM" and ("ARM" in ami) != (machine.architecture.value == "arm64"):
            yield Problem("instanceTypes", f"[{name}] is not a valid instance type for requested amiType {ami}")
    if _known(inputs, "capacityType") == "CAPACITY_BLOCK" and "launchTemplate" not in inputs:
        yield Problem(
            "launchTemplate", "capacityType CAPACITY_BLOCK needs a launch template that names the reservation"
        )


def _eks_cluster(inputs: Inputs) -> Iterator[Problem]:
    """EKS API, CreateCluster: Auto Mode is all of its three parts or none of them."""
    parts = {
        name: bool(_known(inputs, path))
        for name, path in (
            ("computeConfig", "computeConfig.enabled"),
            ("kubernetesNetworkConfig.elasticLoadBalancing", "kubernetesNetworkConfig.elasticLoadBalancing.enabled"),
            ("storageConfig.blockStorage", "storageConfig.blockStorage.enabled"),
        )
    }
    if len(set(parts.values())) > 1 and not has_unknown(dict(inputs)):
        yield Problem(
            "computeConfig",
            f"{', '.join(parts)} must be enabled together, or none of them; enabled here: "
            f"{', '.join(name for name, on in parts.items() if on)}",
        )
    config = at(inputs, "vpcConfig") or {}
    if (
        isinstance(config, dict)
        and config.get("endpointPublicAccess") is False
        and not config.get("endpointPrivateAccess")
    ):
        yield Problem("vpcConfig", "Private and public endpoint access cannot be false at the same time")


def _access_entry(inputs: Inputs) -> Iterator[Problem]:
    """EKS refuses a group that begins with `system:` (terraform-aws-modules/terraform-aws-eks#2915)."""
    for group in _known(inputs, "kubernetesGroups") or ():
        if str(group).startswith("system:"):
            yield Problem(
                "kubernetesGroups",
                f"InvalidParameterException: the group {group} is invalid, it cannot start with system:",
            )


def _identity_provider(inputs: Inputs) -> Iterator[Problem]:
    """CloudFormation reference, AWS::EKS::IdentityProviderConfig: https, and no prefix with `system:` in it."""
    issuer, prefix = _known(inputs, "oidc.issuerUrl"), _known(inputs, "oidc.groupsPrefix")
    if isinstance(issuer, str) and (not issuer.startswith("https://") or "?" in issuer):
        yield Problem("oidc.issuerUrl", f"{issuer!r}: must begin with https:// and have no query")
    if isinstance(prefix, str) and "system:" in prefix:
        yield Problem("oidc.groupsPrefix", f"{prefix!r}: can't contain system:")


def _database(inputs: Inputs) -> Iterator[Problem]:
    """RDS API, CreateDBInstance."""
    least = _known(inputs, "allocatedStorage")
    most = _known(inputs, "maxAllocatedStorage")
    if least and most and int(most) <= int(least):
        yield Problem("maxAllocatedStorage", f"{most}: must be more than allocatedStorage, {least}")
    if inputs.get("manageMasterUserPassword") and "password" in inputs:
        yield Problem("password", "cannot be specified when manageMasterUserPassword is on")
    name = _known(inputs, "identifier")
    if name and (name != name.lower() or "--" in name or name.endswith("-") or not name[0].isalpha() or len(name) > 63):
        yield Problem(
            "identifier", f"{name!r}: lower-case letters, digits and single hyphens, a letter first; 63 at most"
        )


def _bucket(inputs: Inputs) -> Iterator[Problem]:
    """S3 user guide and Cloud Storage documentation, rules for bucket names."""
    for path in ("bucket", "name"):
        name = _known(inputs, path)
        if isinstance(name, str) and not (
            3 <= len(name) <= 63
            and name == name.lower()
            and "_" not in name
            and name[0].isalnum()
            and name[-1].isalnum()
        ):
            yield Problem(path, f"InvalidBucketName: {name!r}: 3 to 63 lower-case letters, digits, dots and hyphens")


def _user_data(inputs: Inputs) -> Iterator[Problem]:
    """EC2 API, CreateLaunchTemplate: user data is base64."""
    text = _known(inputs, "userData")
    try:
        base64.b64decode(text or "", validate=True)
    except ValueError:
        yield Problem("userData", "InvalidUserData.Malformed: Invalid BASE64 encoding of user data.")


def _alias(inputs: Inputs) -> Iterator[Problem]:
    name = _known(inputs, "name")
    if isinstance(name, str) and not name.startswith("alias/"):
        yield Problem("name", f"{name!r}: must begin with alias/")


def _pool(inputs: Inputs) -> Iterator[Problem]:
    """GKE API, NodePool: Autoscaling counts by zone or in all, not both; a TPU slice has a placement policy."""
    machine = _known(inputs, "nodeConfig.machineType")
    if machine and machine not in MACHINES:
        yield Problem("nodeConfig.machineType", unknown_machine(machine))
    scaling = at(inputs, "autoscaling") or {}
    if not isinstance(scaling, dict):
        return
    by_zone = {"minNodeCount", "maxNodeCount"} & set(scaling)
    in_all = {"totalMinNodeCount", "totalMaxNodeCount"} & set(scaling)
    if by_zone and in_all:
        yield Problem(
            "autoscaling", f"{', '.join(sorted(by_zone | in_all))}: limits by zone and in all exclude each other"
        )
    for least, most in (("minNodeCount", "maxNodeCount"), ("totalMinNodeCount", "totalMaxNodeCount")):
        low, high = scaling.get(least), scaling.get(most)
        if not is_unknown(low) and not is_unknown(high) and low and high is not None and int(low) > int(high):
            yield Problem(f"autoscaling.{least}", f"{low} is more than {most}, {high}")


def _gke_cluster(inputs: Inputs) -> Iterator[Problem]:
    """The provider: a cluster has node pools of its own or lets the default one go."""
    if not inputs.get("enableAutopilot") and not inputs.get("initialNodeCount") and not inputs.get("nodePools"):
        yield Problem("initialNodeCount", "Error 400: Cluster.initial_node_count must be greater than zero")


def _account_name(inputs: Inputs) -> Iterator[Problem]:
    """IAM API, serviceAccounts.create: 6 to 30 characters."""
    name = _known(inputs, "accountId")
    if isinstance(name, str) and not (6 <= len(name) <= 30 and name[0].isalpha() and name == name.lower()):
        yield Problem("accountId", f"{name!r}: 6 to 30 lower-case letters, digits and hyphens, a letter first")


RULES: Mapping[str, tuple[Rule, ...]] = {
    "aws:ec2/vpc:Vpc": (_cidr("cidrBlock", 16, 28),),
    "aws:ec2/subnet:Subnet": (_cidr("cidrBlock", 16, 28),),
    "aws:ec2/launchTemplate:LaunchTemplate": (_user_data,),
    "aws:iam/role:Role": (_policy("assumeRolePolicy", trust=True),),
    "aws:iam/rolePolicy:RolePolicy": (_policy("policy"),),
    "aws:iam/policy:Policy": (_policy("policy"),),
    "aws:kms/key:Key": (_json("policy"),),
    "aws:kms/alias:Alias": (_alias,),
    "aws:sqs/queuePolicy:QueuePolicy": (_json("policy"),),
    "aws:s3/bucketPolicy:BucketPolicy": (_json("policy"),),
    "aws:efs/fileSystemPolicy:FileSystemPolicy": (_json("policy"),),
    "aws:s3/bucket:Bucket": (_bucket,),
    "aws:cloudwatch/logGroup:LogGroup": (_retention,),
    "aws:eks/cluster:Cluster": (_eks_cluster,),
    "aws:eks/nodeGroup:NodeGroup": (_node_group,),
    "aws:eks/accessEntry:AccessEntry": (_access_entry,),
    "aws:eks/identityProviderConfig:IdentityProviderConfig": (_identity_provider,),
    "aws:rds/instance:Instance": (_database,),
    "gcp:storage/bucket:Bucket": (_bucket,),
    "gcp:compute/subnetwork:Subnetwork": (_cidr("ipCidrRange", 4, 29),),
    "gcp:container/nodePool:NodePool": (_pool,),
    "gcp:container/cluster:Cluster": (_gke_cluster,),
    "gcp:serviceaccount/account:Account": (_account_name,),
}
