"""An EKS control plane: its roles, key, logs, access and the add-ons that nodes need to become ready.

Pods get AWS identities by EKS Pod Identity (`PodIdentity`), so IAM has no OIDC provider for the cluster. People log in
by access entries (`admin_role_arns`, `group_role_arns`) or by `identity_provider`; the creator of the cluster is not
granted admin.

The VPC CNI's own controller enforces NetworkPolicies, which the platform requires; it is enabled here. Add-ons that run
on nodes are `EksAddons`, declared after the first pool: EKS reports them ready only when they run on nodes.
"""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple, Required, TypedDict

import pulumi_aws as aws
from pulumi import CustomResource, Output, ResourceOptions

from components.base.component import Component
from components.clouds.eks.addons import declare_addon
from components.clouds.eks.cluster_validation import check_eks_cluster, check_place
from components.clouds.eks.handles import EksHandle, EksNetworkHandle
from components.clouds.eks.network import trust_of
from components.clouds.eks.plan import kubeconfig
from components.clouds.eks.pod_identity import ROLE_NAME_LENGTH
from components.clouds.eks.spec import (
    DEFAULT_GROUPS_CLAIM,
    DEFAULT_LOG_DAYS,
    DEFAULT_OIDC_PREFIX,
    EksClusterSpec,
    EksSupport,
    NodeProvisioning,
    OidcProviderSpec,
)
from components.clouds.eks.tables import BEFORE_NODES, CONTROL_PLANE_LOGS
from components.clouds.names import aws_tags, deterministic_name, partition
from components.findings import refuse

CLUSTER_POLICIES = ("AmazonEKSClusterPolicy",)
AUTO_MODE_CLUSTER_POLICIES = (
    *CLUSTER_POLICIES,
    "AmazonEKSBlockStoragePolicy",
    "AmazonEKSComputePolicy",
    "AmazonEKSLoadBalancingPolicy",
    "AmazonEKSNetworkingPolicy",
)
NODE_POLICIES = ("AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly", "AmazonSSMManagedInstanceCore")
"""The last policy allows administrators to open a session on a broken node without SSH. The CNI has a separate role."""
AUTO_MODE_NODE_POLICIES = ("AmazonEKSWorkerNodeMinimalPolicy", "AmazonEC2ContainerRegistryPullOnly")
ADMIN_POLICY = "AmazonEKSClusterAdminPolicy"


class EksClusterArgs(TypedDict, total=False):
    """A control plane in a VPC."""

    region: Required[str]
    """Region of AWS, `eu-west-1`."""
    account_id: Required[str]
    """Account, twelve digits."""
    network: Required[EksNetworkHandle]
    """Network of the cluster: `EksNetwork.handle`."""
    cluster: Required[EksClusterSpec]
    """Settings of the cluster."""
    keep_data: bool
    """Required in stacks that are not simulated. The cluster and its key are protected, also against deletion in AWS,
    and are kept when the stack is destroyed. Default false."""


class EksCluster(Component):
    """A control plane with encrypted secrets, kept logs, a private endpoint, and named administrators."""

    kubeconfig: Output[str]
    """Secret. For the Kubernetes provider, and for people with the AWS CLI and one of the administrators' roles."""
    endpoint: Output[str]
    """URL of the API server."""
    version: Output[str]
    """Version of Kubernetes as EKS reports it."""

    def __init__(self, name: str, args: EksClusterArgs, opts: ResourceOptions | None = None) -> None:
        spec, region = args["cluster"], args["region"]
        refuse(
            f"EKS cluster {name}",
            [*check_place("cluster", region, args["account_id"]), *check_eks_cluster("cluster", spec)],
        )
        super().__init__(name, args, opts)
        self.tags, self.region = aws_tags(name), region
        self.attached: list[CustomResource] = []
        keep = bool(args.get("keep_data"))
        provisioning = NodeProvisioning(spec.get("provisioning", NodeProvisioning.MANAGED_GROUPS))
        auto = provisioning is NodeProvisioning.AUTO_MODE
        role = self._role(
            name, "cluster", "eks.amazonaws.com", AUTO_MODE_CLUSTER_POLICIES if auto else CLUSTER_POLICIES
        )
        nodes = self._role(name, "node", "ec2.amazonaws.com", AUTO_MODE_NODE_POLICIES if auto else NODE_POLICIES)
        key = self._key(name, keep)
        logs = aws.cloudwatch.LogGroup(
            f"{name}-logs",
            name=f"/aws/eks/{name}/cluster",
            retention_in_days=int(spec.get("log_days", DEFAULT_LOG_DAYS)),
            tags=self.tags,
            opts=self.child,
        )
        kept = ResourceOptions(depends_on=[logs, *self.attached], protect=keep, retain_on_delete=keep)
        cluster = aws.eks.Cluster(
            f"{name}-cluster",
            name=name,
            role_arn=role.arn,
            encryption_config={"provider": {"key_arn": key.arn}, "resources": ["secrets"]},
            deletion_protection=keep,
            tags=self.tags,
            **control_plane(spec, args["network"]),
            **(auto_mode(nodes.arn) if auto else {}),
            opts=ResourceOptions.merge(self.child, kept),
        )
        admins = self._admit(name, cluster, spec)
        if provider := spec.get("identity_provider"):
            self._identity_provider(name, cluster, provider)
        self.handle = EksHandle(
            name=cluster.name.apply(str),
            region=region,
            account_id=args["account_id"],
            kubernetes_version=spec["kubernetes_version"],
            provisioning=provisioning,
            network=args["network"],
            security_group_id=cluster.vpc_config.cluster_security_group_id.apply(str),
            node_role_arn=nodes.arn,
            key_arn=key.arn,
        )
        """For pools, services and add-ons."""
        versions = spec.get("addon_versions") or {}
        addons = [
            declare_addon(self, name, addon, self.handle, versions.get(addon), self.attached)
            for addon in (() if auto else BEFORE_NODES)
        ]
        # Nodes are created after the network add-on and the permissions of their role, and deleted before them.
        self.handle["node_role_arn"] = known_after(nodes.arn, [*self.attached, *addons])
        self.endpoint, self.version = cluster.endpoint, cluster.version
        # Users of the cluster depend on the administrators' access: created after it, and deleted before it.
        facts = Output.all(cluster.name, cluster.endpoint, cluster.certificate_authority.data, *(a.id for a in admins))
        self.kubeconfig = Output.secret(facts.apply(lambda known: kubeconfig(known[0], known[1], known[2], region)))
        self.register_outputs({"kubeconfig": self.kubeconfig, "endpoint": self.endpoint, "version": self.version})

    def _role(self, name: str, kind: str, service: str, policies: tuple[str, ...]) -> "aws.iam.Role":
        """A role of the cluster with managed policies. Only Auto Mode needs `sts:TagSession`; other modes do not use
        it.
        """
        role = aws.iam.Role(
            f"{name}-{kind}-role",
            name=deterministic_name(ROLE_NAME_LENGTH, name, self.region, kind),
            assume_role_policy=json.dumps(trust_of(service, *_TRUSTED[service])),
            tags=self.tags,
            opts=self.child,
        )
        for policy in policies:
            attachment = aws.iam.RolePolicyAttachment(
                f"{name}-{kind}-{policy}",
                role=role.name,
                policy_arn=f"arn:{partition(self.region)}:iam::aws:policy/{policy}",
                opts=self.child,
            )
            self.attached.append(attachment)
        return role

    def _key(self, name: str, keep: bool) -> "aws.kms.Key":
        key = aws.kms.Key(
            f"{name}-key",
            description=f"Secrets of EKS cluster {name}",
            enable_key_rotation=True,
            deletion_window_in_days=30,
            tags=self.tags,
            opts=ResourceOptions.merge(self.child, ResourceOptions(protect=keep, retain_on_delete=keep)),
        )
        aws.kms.Alias(f"{name}-key-alias", name=f"alias/mlplatform/{name}", target_key_id=key.key_id, opts=self.child)
        return key

    def _admit(self, name: str, cluster: "aws.eks.Cluster", spec: EksClusterSpec) -> list[CustomResource]:
        """Access entries: returns what the administrators' access consists of."""
        admitted: list[CustomResource] = []
        for access in access_entries(spec):
            title = f"{name}-{'admin' if access.admin else 'access'}-{principal(access.role_arn)}"
            entry = aws.eks.AccessEntry(
                title,
                cluster_name=cluster.name,
                principal_arn=access.role_arn,
                type="STANDARD",
                kubernetes_groups=list(access.groups) or None,
                tags=self.tags,
                opts=self.child,
            )
            if access.admin:
                granted = aws.eks.AccessPolicyAssociation(
                    f"{title}-policy",
                    cluster_name=cluster.name,
                    principal_arn=entry.principal_arn,
                    policy_arn=f"arn:{partition(self.region)}:eks::aws:cluster-access-policy/{ADMIN_POLICY}",
                    access_scope={"type": "cluster"},
                    opts=self.child,
                )
                admitted.append(granted)
        return admitted

    def _identity_provider(self, name: str, cluster: "aws.eks.Cluster", provider: OidcProviderSpec) -> None:
        aws.eks.IdentityProviderConfig(
            f"{name}-identity-provider",
            cluster_name=cluster.name,
            oidc=oidc(name, provider),
            tags=self.tags,
            # A cluster has at most one identity provider, and every change of it is a replacement.
            opts=ResourceOptions.merge(self.child, ResourceOptions(delete_before_replace=True)),
        )


class ClusterAccess(NamedTuple):
    """One access entry: AWS allows one for each role."""

    role_arn: str
    admin: bool
    groups: tuple[str, ...]
    """Kubernetes groups of its sessions."""


def access_entries(spec: EksClusterSpec) -> list[ClusterAccess]:
    """Each role once, administrators first, with the groups that name it. Pure."""
    by_group = spec.get("group_role_arns") or {}
    admins = spec["admin_role_arns"]
    others = [arn for arns in by_group.values() for arn in arns if arn not in admins]
    return [
        ClusterAccess(arn, arn in admins, tuple(sorted(group for group, arns in by_group.items() if arn in arns)))
        for arn in dict.fromkeys([*admins, *others])
    ]


def oidc(name: str, spec: OidcProviderSpec) -> "aws.eks.IdentityProviderConfigOidcArgsDict":
    """The `oidc` of an identity provider config, with its defaults. Pure."""
    config: aws.eks.IdentityProviderConfigOidcArgsDict = {
        "identity_provider_config_name": name,
        "issuer_url": spec["issuer_url"],
        "client_id": spec["client_id"],
        "groups_claim": spec.get("groups_claim") or DEFAULT_GROUPS_CLAIM,
        "groups_prefix": spec.get("groups_prefix") or DEFAULT_OIDC_PREFIX,
        "username_claim": spec.get("username_claim") or "sub",
        "username_prefix": spec.get("username_prefix") or DEFAULT_OIDC_PREFIX,
    }
    if spec.get("required_claims"):
        config["required_claims"] = dict(spec["required_claims"])
    return config


_TRUSTED = {
    "eks.amazonaws.com": ("sts:AssumeRole", "sts:TagSession"),
    "ec2.amazonaws.com": ("sts:AssumeRole",),
}
"""Service -> actions that let it assume a role (EKS user guide, auto-cluster-iam-role)."""


def control_plane(spec: EksClusterSpec, network: EksNetworkHandle) -> dict[str, Any]:
    """The inputs of the cluster that its spec decides. Pure.

    EKS installs no add-on by itself: each is declared, managed, and updated by us.
    """
    public = bool(spec.get("public_endpoint"))
    support = EksSupport(spec.get("support", EksSupport.STANDARD))
    return {
        "version": spec["kubernetes_version"],
        "bootstrap_self_managed_addons": False,
        "enabled_cluster_log_types": list(CONTROL_PLANE_LOGS),
        "access_config": {"authentication_mode": "API", "bootstrap_cluster_creator_admin_permissions": False},
        "upgrade_policy": {"support_type": support.value.upper()},
        "vpc_config": {
            "subnet_ids": list(network["private_subnet_ids"].values()),
            "endpoint_private_access": True,
            "endpoint_public_access": public,
            **({"public_access_cidrs": list(spec["public_ranges"])} if public else {}),
        },
    }


def auto_mode(node_role_arn: Output[str]) -> dict[str, Any]:
    """What makes a cluster an Auto Mode cluster: all three together, or EKS refuses. Pure.

    The built-in pool `system` runs add-ons only; with it EKS creates the access entry of the node role, which the
    platform's pools use too. The built-in pool `general-purpose` has no limit, so it is not enabled.
    """
    return {
        "compute_config": {"enabled": True, "node_pools": ["system"], "node_role_arn": node_role_arn},
        "kubernetes_network_config": {"elastic_load_balancing": {"enabled": True}},
        "storage_config": {"block_storage": {"enabled": True}},
    }


def known_after(value: Output[str], resources: Sequence[CustomResource]) -> Output[str]:
    """The value, known once these resources exist."""
    return Output.all(value, *(resource.id for resource in resources)).apply(lambda known: str(known[0]))


def principal(role_arn: str) -> str:
    """Account and name of a role, for the name of a child. Pure."""
    account, _, path = role_arn.split(":", 4)[4].partition(":")
    return f"{account}-{path.rsplit('/', 1)[-1]}"
