"""What a simulated cloud refuses before anything is made. No engine; the API models are those of the packages.

It does not prove that the real clouds take what passes here: they know more than their models say.
"""

import json
from typing import Any

import pytest

from simulator.clouds.account import SIMULATED_PARTITION
from simulator.clouds.rules import policy_problem
from simulator.clouds.values import UNKNOWN

from .conftest import Cloud

VPC, GROUP, CLUSTER = "aws:ec2/vpc:Vpc", "aws:eks/nodeGroup:NodeGroup", "aws:eks/cluster:Cluster"
POOL, GKE = "gcp:container/nodePool:NodePool", "gcp:container/cluster:Cluster"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def group(**changes: Any) -> dict[str, Any]:
    """The inputs of a good node group."""
    inputs = {
        "clusterName": "it",
        "nodeGroupName": "it",
        "nodeRoleArn": "arn:aws:iam::000000000000:role/it",
        "subnetIds": ["subnet-1"],
        "scalingConfig": {"minSize": 0, "desiredSize": 0, "maxSize": 2},
        "amiType": "AL2023_x86_64_NVIDIA",
        "instanceTypes": ["p5.48xlarge"],
        **changes,
    }
    return {name: value for name, value in inputs.items() if value is not None}


def test_a_good_node_group_passes_and_so_does_one_whose_inputs_are_not_known_yet(aws: Cloud) -> None:
    assert aws.check(GROUP, group()) == []
    unknown = group(clusterName=UNKNOWN, subnetIds=UNKNOWN, amiType=UNKNOWN, scalingConfig=UNKNOWN)
    assert aws.check(GROUP, unknown) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"nodeGroupNam": "it"}, "NodeGroup has no property 'nodeGroupNam'. Do you mean 'nodeGroupName'?"),
        ({"clusterName": None}, "NodeGroup: the property 'clusterName' is required"),
        ({"scalingConfig": {"minSize": 0, "desiredSize": 0}}, "NodeGroupScalingConfig: the property 'maxSize' is req"),
        ({"scalingConfig": {"minSize": 0, "desiredSize": 0, "maxSize": "many"}}, "maxSize: is a string ('many')"),
        ({"subnetIds": "subnet-1"}, "subnetIds: is a string ('subnet-1'), and must be a list"),
        ({"taints": [{"key": "a", "effect": "NO_SCHEDULE", "val": "b"}]}, "taints[0].val: NodeGroupTaint has no prop"),
        ({"taints": [{"key": "a", "effect": "NoSchedule"}]}, "NO_SCHEDULE, NO_EXECUTE, PREFER_NO_SCHEDULE"),
        ({"amiType": "AL2023_x86_64_NVIDA"}, "'AL2023_x86_64_NVIDA' is none of the values of AMITypes"),
        ({"instanceTypes": ["p5.49xlarge"]}, "there are, such as p5.4xlarge, p5.48xlarge"),
        ({"instanceTypes": ["g4ad.xlarge"]}, "does not know how large a machine 'g4ad.xlarge' is"),
        ({"amiType": "AL2023_ARM_64_NVIDIA"}, "[p5.48xlarge] is not a valid instance type for requested amiType"),
        ({"scalingConfig": {"minSize": 3, "desiredSize": 0, "maxSize": 2}}, "minSize must be at most desiredSize"),
        ({"diskSize": 100, "launchTemplate": {"id": "lt-1", "version": "1"}}, "Disk size must be specified within"),
        ({"capacityType": "CAPACITY_BLOCK"}, "needs a launch template that names the reservation"),
        ({"tags": {"aws:mine": "x"}}, "keys that begin with aws: are the cloud's own"),
    ],
)
def test_a_wrong_node_group_is_refused_in_the_words_of_the_cloud(
    aws: Cloud, changes: dict[str, Any], said: str
) -> None:
    reasons = aws.check(GROUP, group(**changes))
    assert any(said in reason for reason in reasons), reasons


def test_all_that_is_wrong_is_said_at_once(aws: Cloud) -> None:
    wrong = group(amiType="AL1", capacityType="CHEAP", updateConfig={"maxUnavailable": 0}, instanceTypes=["p9"])
    said = "\n".join(aws.check(GROUP, wrong))
    for path in ("amiType", "capacityType", "updateConfig.maxUnavailable", "instanceTypes"):
        assert f"{path}:" in said


@pytest.mark.parametrize(
    ("token", "inputs", "said"),
    [
        (VPC, {"cidrBlock": "10.0.0.0/8"}, "InvalidRange: '10.0.0.0/8' must be /16 to /28"),
        (VPC, {"cidrBlock": "10.0.0.1/16"}, "is not a valid CIDR block"),
        ("aws:iam/role:Role", {"name": "it", "assumeRolePolicy": "{}"}, "MalformedPolicyDocument"),
        (
            "aws:iam/rolePolicy:RolePolicy",
            {
                "role": "it",
                "policy": json.dumps(
                    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3", "Resource": "*"}]}
                ),
            },
            "must be prefaced by a vendor",
        ),
        (
            "aws:iam/role:Role",
            {"name": "no spaces", "assumeRolePolicy": json.dumps(TRUST)},
            "does not match the pattern",
        ),
        ("aws:cloudwatch/logGroup:LogGroup", {"name": "it", "retentionInDays": 10}, "possible are"),
        ("aws:s3/bucket:Bucket", {"bucket": "Not_A_Name"}, "InvalidBucketName"),
        ("aws:kms/alias:Alias", {"name": "mine", "targetKeyId": "1"}, "must begin with alias/"),
        ("aws:kms/key:Key", {"deletionWindowInDays": 400}, "more than PendingWindowInDaysType allows"),
        (
            "aws:ec2/launchTemplate:LaunchTemplate",
            {"name": "it", "metadataOptions": {"httpTokens": "maybe"}},
            "'maybe' is none of the values of LaunchTemplateHttpTokensState: optional, required",
        ),
        ("aws:ec2/launchTemplate:LaunchTemplate", {"name": "it", "userData": "#!/bin/sh"}, "Invalid BASE64"),
        (
            "aws:ec2/launchTemplate:LaunchTemplate",
            {"name": "it", "networkInterfaces": [{"interfaceType": "efa", "deviceIndex": "one"}]},
            "deviceIndex: is a string ('one'), and must be a whole number",
        ),
        ("aws:rds/instance:Instance", {"instanceClass": "db.m7g.large", "identifier": "It--"}, "single hyphens"),
        (
            CLUSTER,
            {
                "name": "it",
                "roleArn": "arn:aws:iam::000000000000:role/it",
                "vpcConfig": {"subnetIds": ["a"]},
                "enabledClusterLogTypes": ["everything"],
            },
            "none of the values of LogType",
        ),
        (
            CLUSTER,
            {
                "name": "it",
                "roleArn": "arn:aws:iam::000000000000:role/it",
                "vpcConfig": {"subnetIds": ["a"]},
                "computeConfig": {"enabled": True},
            },
            "must be enabled together",
        ),
    ],
)
def test_other_resources_of_aws_are_checked_as_well(aws: Cloud, token: str, inputs: dict[str, Any], said: str) -> None:
    reasons = aws.check(token, inputs)
    assert any(said in reason for reason in reasons), reasons


@pytest.mark.parametrize(
    ("token", "inputs", "said"),
    [
        (POOL, {"cluster": "it", "nodeConfig": {"machineTyp": "g2-standard-4"}}, "Do you mean 'machineType'?"),
        (POOL, {"cluster": "it", "nodeConfig": {"machineType": "g2-standard-5"}}, "does not know how large"),
        (POOL, {"cluster": "it", "placementPolicy": {"type": "TIGHT"}}, "none of the values of type"),
        (
            POOL,
            {
                "cluster": "it",
                "nodeConfig": {
                    "guestAccelerators": [
                        {
                            "type": "nvidia-l4",
                            "count": 1,
                            "gpuSharingConfig": {"gpuSharingStrategy": "SLICES", "maxSharedClientsPerGpu": 2},
                        }
                    ]
                },
            },
            "'SLICES' is none of the values of gpuSharingStrategy",
        ),
        (
            POOL,
            {"cluster": "it", "autoscaling": {"maxNodeCount": 1, "totalMaxNodeCount": 2}},
            "limits by zone and in all exclude each other",
        ),
        (
            POOL,
            {"cluster": "it", "nodeConfig": {"taints": [{"key": "a", "value": "b", "effect": "NoSchedule"}]}},
            "NO_S",
        ),
        (GKE, {"name": "it"}, "initial_node_count must be greater than zero"),
        (GKE, {"name": "it", "initialNodeCount": 1, "releaseChannel": {"channel": "FAST"}}, "'FAST' is none of"),
        (
            GKE,
            {"name": "it", "initialNodeCount": 1, "resourceLabels": {"Managed": "x"}},
            "a key is a lower-case letter",
        ),
        (GKE, {"name": "it", "initialNodeCount": 1, "tpuConfig": {"enabled": True}}, "finds no member of Cluster"),
        ("gcp:compute/network:Network", {"name": "it", "routingMode": "WORLD"}, "GLOBAL"),
        ("gcp:serviceaccount/account:Account", {"accountId": "it"}, "6 to 30"),
        (
            "gcp:storage/bucket:Bucket",
            {"name": "simulated", "location": "EU", "versioning": {"on": True}},
            "no property",
        ),
        ("gcp:sql/databaseInstance:DatabaseInstance", {"databaseVersion": "POSTGRES_1"}, "none of the values"),
    ],
)
def test_resources_of_google_cloud_are_checked_by_its_discovery_documents(
    gcp: Cloud, token: str, inputs: dict[str, Any], said: str
) -> None:
    reasons = gcp.check(token, inputs)
    assert any(said in reason for reason in reasons), reasons


def test_a_type_without_a_row_is_refused_by_name(aws: Cloud) -> None:
    said = aws.check("aws:sagemaker/model:Model", {})
    assert said == [
        "the simulated cloud does not know the resource type aws:sagemaker/model:Model (simulator/clouds/tables)"
    ]


def test_a_secret_is_not_in_what_is_said_of_it(aws: Cloud) -> None:
    inputs = {"instanceClass": "db.m7g.large", "identifier": "it", "engine": "postgres", "password": {"a": "canary"}}
    said = "\n".join(aws.check("aws:rds/instance:Instance", inputs))
    assert "password" in said
    assert "canary" not in said


def test_a_policy_may_name_what_the_simulated_cloud_made_and_no_other_partition_that_is_none() -> None:
    """Finds a rehearsal whose policies are refused for the ARNs that it was given itself."""

    def of(partition: str) -> str:
        statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:{partition}:s3:::models/*"}
        return policy_problem(json.dumps({"Version": "2012-10-17", "Statement": [statement]}), trust=False)

    assert of(SIMULATED_PARTITION) == of("aws") == ""
    assert 'Partition "nobodys" is not valid' in of("nobodys")
