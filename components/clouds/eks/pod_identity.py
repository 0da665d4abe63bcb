"""The AWS identity of one service account: an IAM role that only its pods can assume, through EKS Pod Identity.

The agent passes session tags when it assumes the role. The role's trust policy requires three of them, so that no other
cluster, namespace or service account can assume it (EKS User Guide, pod-id-role and pod-id-abac). Pods read the
association at admission, so components that start pods depend on this component.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Required, TypedDict

import pulumi_aws as aws
from pulumi import Input, Output, ResourceOptions

from components.base.component import Component
from components.clouds.data_validation import check_pod_identity
from components.clouds.eks.handles import EksHandle
from components.clouds.names import aws_tags, deterministic_name, partition
from components.findings import refuse

ROLE_NAME_LENGTH = 64
"""IAM's limit (botocore iam, roleNameType)."""


class PolicyStatement(TypedDict, total=False):
    """Permissions of a service account. Everything else is denied."""

    actions: Required[list[str]]
    """Actions: `s3:GetObject`. A wildcard (`s3:Get*`) needs `any_because`."""
    resources: Required[list[Input[str]]]
    """ARNs. Every resource of a service (`*`, `arn:aws:s3:::*`) needs `any_because`."""
    condition: dict[str, dict[str, Any]]
    """IAM's own form: operator -> key -> value or values. Default: none."""
    any_because: str
    """Reason for a wildcard action or resource: `ListHostedZones has no resource`."""


class PodIdentityArgs(TypedDict):
    """One service account and its permissions."""

    cluster: EksHandle
    """Its cluster. Auto Mode includes the agent; other clusters need the add-on eks-pod-identity-agent."""
    namespace: Input[str]
    """Of the service account."""
    service_account: str
    """Its name; the service account may be created later."""
    statements: list[PolicyStatement]
    """Its permissions."""


class PodIdentity(Component):
    """An IAM role with one inline policy, for one service account of one cluster."""

    role_arn: Output[str]
    """The role that its pods run as."""

    def __init__(self, name: str, args: PodIdentityArgs, opts: ResourceOptions | None = None) -> None:
        refuse(f"pod identity {name}", check_pod_identity(name, args))
        super().__init__(name, args, opts)
        cluster = args["cluster"]
        tags = aws_tags(name)
        role_name = Output.from_input(cluster["name"]).apply(
            lambda of: deterministic_name(ROLE_NAME_LENGTH, of, cluster["region"], name)
        )
        role = aws.iam.Role(
            f"{name}-role",
            name=role_name,
            description=Output.format(
                "Pods of service account {0} in namespace {1}", args["service_account"], args["namespace"]
            ),
            assume_role_policy=policy_json(trust_document(cluster, args["namespace"], args["service_account"])),
            tags=tags,
            opts=self.child,
        )
        policy = aws.iam.RolePolicy(
            f"{name}-policy",
            name="access",
            role=role.name,
            policy=policy_json(policy_document(args["statements"])),
            opts=self.child,
        )
        aws.eks.PodIdentityAssociation(
            f"{name}-association",
            cluster_name=cluster["name"],
            namespace=args["namespace"],
            service_account=args["service_account"],
            role_arn=role.arn,
            tags=tags,
            opts=ResourceOptions.merge(self.child, ResourceOptions(depends_on=[policy])),
        )
        self.role_arn = role.arn
        self.register_outputs({"roleArn": self.role_arn})


def trust_document(cluster: EksHandle, namespace: Input[str], service_account: str) -> dict[str, Any]:
    """The trust policy: EKS may assume the role for pods of that service account of that cluster. Pure.

    By the session tags that EKS sets (EKS user guide, pod-id-abac)."""
    cluster_arn = Output.format(
        "arn:{0}:eks:{1}:{2}:cluster/{3}",
        partition(cluster["region"]),
        cluster["region"],
        cluster["account_id"],
        cluster["name"],
    )
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "pods.eks.amazonaws.com"},
                "Action": ["sts:AssumeRole", "sts:TagSession"],
                "Condition": {
                    "StringEquals": {
                        "aws:RequestTag/eks-cluster-arn": cluster_arn,
                        "aws:RequestTag/kubernetes-namespace": namespace,
                        "aws:RequestTag/kubernetes-service-account": service_account,
                    }
                },
            }
        ],
    }


def policy_document(statements: Iterable[PolicyStatement]) -> dict[str, Any]:
    """The IAM policy of the statements. Pure."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": list(one["actions"]),
                "Resource": list(one["resources"]),
                **({"Condition": one["condition"]} if one.get("condition") else {}),
            }
            for one in statements
        ],
    }


def policy_json(document: Mapping[str, Any]) -> Output[str]:
    """The document as JSON without spaces, which count towards IAM's size limits."""
    return Output.json_dumps(dict(document), separators=(",", ":"))
