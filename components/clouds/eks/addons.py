"""Managed add-ons of EKS. EKS installs and patches them; the platform selects them and their versions.

Add-ons that nodes need to become ready are declared with the cluster (`before_nodes`). Add-ons that run on nodes are
`EksAddons`: EKS reports them ready only when their pods run, so they are declared after the first pool
(`depends_on`). Auto Mode includes most of them.
"""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple, Required, TypedDict

import pulumi_aws as aws
from pulumi import Output, Resource, ResourceOptions

from components.base.component import Component
from components.clouds.eks.cluster_validation import check_addon_version
from components.clouds.eks.handles import EksHandle, NodeProvisioning
from components.clouds.eks.pod_identity import ROLE_NAME_LENGTH, policy_json, trust_document
from components.clouds.eks.tables import ADDONS, BEFORE_NODES, IN_AUTO_MODE
from components.clouds.names import aws_tags, deterministic_name, partition
from components.findings import refuse


class Identity(NamedTuple):
    """AWS permissions of an add-on."""

    service_account: str
    policy: str
    """Managed policy of AWS, with its path."""


IDENTITIES: dict[str, Identity] = {
    "vpc-cni": Identity("aws-node", "AmazonEKS_CNI_Policy"),
    "aws-ebs-csi-driver": Identity("ebs-csi-controller-sa", "service-role/AmazonEBSCSIDriverPolicy"),
    "aws-efs-csi-driver": Identity("efs-csi-controller-sa", "service-role/AmazonEFSCSIDriverPolicy"),
}
"""Add-on -> its identity (EKS user guide, add-ons-iam)."""

SETTINGS: dict[str, dict[str, Any]] = {"vpc-cni": {"enableNetworkPolicy": "true"}}
"""Add-on -> configuration values. The VPC CNI enforces NetworkPolicies, which the platform requires."""


class EksAddonsArgs(TypedDict, total=False):
    """Which add-ons run on the nodes of a cluster."""

    cluster: Required[EksHandle]
    """Where they run."""
    efs: bool
    """Whether shared file systems (EFS) can be mounted; default false."""
    versions: dict[str, str]
    """Version of an add-on by its name; default: EKS's own for the cluster's version at the time it is made."""


class EksAddons(Component):
    """Cluster DNS, volumes on EBS (and EFS), resource metrics. Declare it after the first pool."""

    installed: Output[list[str]]
    """Names of the add-ons, known once they are ready."""

    def __init__(self, name: str, args: EksAddonsArgs, opts: ResourceOptions | None = None) -> None:
        versions = args.get("versions") or {}
        chosen = addons_on_nodes(args["cluster"]["provisioning"], efs=bool(args.get("efs")))
        refuse(
            f"EKS add-ons {name}",
            [found for addon in versions for found in check_addon_version("versions", addon, versions[addon], chosen)],
        )
        super().__init__(name, args, opts)
        made = [declare_addon(self, name, addon, args["cluster"], versions.get(addon)) for addon in chosen]
        self.installed = Output.all(*(addon.addon_name for addon in made)).apply(list)
        self.register_outputs({"installed": self.installed})


def addons_on_nodes(provisioning: NodeProvisioning, *, efs: bool) -> list[str]:
    """The add-ons that `EksAddons` installs on such a cluster. Pure."""
    by_itself = IN_AUTO_MODE if provisioning is NodeProvisioning.AUTO_MODE else BEFORE_NODES
    return [addon for addon in ADDONS if addon not in by_itself and (efs or addon != "aws-efs-csi-driver")]


def declare_addon(
    component: Component,
    name: str,
    addon: str,
    cluster: EksHandle,
    version: str | None,
    after: Sequence[Resource] = (),
) -> "aws.eks.Addon":
    """One add-on with its identity and settings. Its values override manual changes."""
    identities, needed = [], list(after)
    if addon in IDENTITIES:
        role, attachment = addon_role(component, f"{name}-{addon}", cluster, IDENTITIES[addon])
        identities.append({"service_account": IDENTITIES[addon].service_account, "role_arn": role.arn})
        needed.append(attachment)
    chosen: Any = {
        "addon_version": version,
        "configuration_values": json.dumps(SETTINGS[addon]) if addon in SETTINGS else None,
        "pod_identity_associations": identities or None,
    }
    return aws.eks.Addon(
        f"{name}-addon-{addon}",
        cluster_name=cluster["name"],
        addon_name=addon,
        resolve_conflicts_on_create="OVERWRITE",
        resolve_conflicts_on_update="OVERWRITE",
        tags=aws_tags(name),
        **chosen,
        opts=ResourceOptions.merge(component.child, ResourceOptions(depends_on=needed)),
    )


def addon_role(
    component: Component, title: str, cluster: EksHandle, identity: Identity
) -> "tuple[aws.iam.Role, aws.iam.RolePolicyAttachment]":
    """A role that one service account of kube-system takes, with a managed policy that AWS keeps for that add-on."""
    role = aws.iam.Role(
        f"{title}-role",
        name=Output.from_input(cluster["name"]).apply(
            lambda of: deterministic_name(ROLE_NAME_LENGTH, of, cluster["region"], identity.service_account)
        ),
        assume_role_policy=policy_json(trust_document(cluster, "kube-system", identity.service_account)),
        tags=aws_tags(title),
        opts=component.child,
    )
    attachment = aws.iam.RolePolicyAttachment(
        f"{title}-policy",
        role=role.name,
        policy_arn=f"arn:{partition(cluster['region'])}:iam::aws:policy/{identity.policy}",
        opts=component.child,
    )
    return role, attachment
