"""A GKE cluster: regional, with private nodes, identities without keys, and Secrets encrypted with the
stack's own key.
"""

from typing import Any, Required, TypedDict

import pulumi_gcp as gcp
from pulumi import Input, Output, ResourceOptions

from components.base.component import Component
from components.clouds.gke.cluster_plan import (
    auto_provisioning,
    cluster_settings,
    kubeconfig,
    transient_node_config,
    uses_dns,
)
from components.clouds.gke.cluster_validation import check_gke_cluster
from components.clouds.gke.handles import GkeHandle, GkeNetworkHandle
from components.clouds.gke.place_validation import check_place
from components.clouds.gke.plan import bounded
from components.clouds.gke.spec import GkeClusterSpec, GkeMode
from components.clouds.gke.tables import MAX_ACCOUNT_ID
from components.clouds.gke.validation import check_pool_name
from components.clouds.names import GCP_LABELS
from components.findings import refuse

NODE_ROLES = {"nodes": "roles/container.defaultNodeServiceAccount", "images": "roles/artifactregistry.reader"}
"""Roles of nodes: logs, metrics, autoscaling metadata; pull images of the project (GKE documentation, hardening)."""
KEY_ROTATION = "7776000s"
"""90 days."""


class GkeClusterArgs(TypedDict, total=False):
    """A cluster, its location and its network."""

    cluster: Required[GkeClusterSpec]
    """Settings of the cluster."""
    network: Required[GkeNetworkHandle]
    """Network of the cluster."""
    project: Required[str]
    """Project id."""
    project_number: Required[Input[str]]
    """Number of the project: Google's agent that reads the key is named after it."""
    region: Required[str]
    """Region of control plane and nodes."""
    zones: Required[list[str]]
    """Zones of the nodes."""
    keep_data: bool
    """Required in stacks that are not simulated. Cluster and key are protected and kept when the stack is destroyed."""


class GkeCluster(Component):
    """A control plane, the identity of its nodes and the key of its Secrets."""

    kubeconfig: Output[str]
    """Kubeconfig, without a token. Secret."""
    endpoint: Output[str]
    """Address of the control plane, without scheme."""
    version: Output[str]
    """Version of the control plane."""

    def __init__(self, name: str, args: GkeClusterArgs, opts: ResourceOptions | None = None) -> None:
        spec, project = args["cluster"], args["project"]
        refuse(
            f"cluster {name}",
            [
                *check_pool_name(name, name),
                *check_place(name, project, args["region"], args["zones"]),
                *check_gke_cluster(f"{name}.cluster", spec),
            ],
        )
        super().__init__(name, args, opts)
        keep = bool(args.get("keep_data"))
        self._kept = ResourceOptions.merge(self.child, ResourceOptions(protect=keep, retain_on_delete=keep))
        account, grants = self._identity(name, project)
        key, access = self._key(name, args)
        cluster = self._cluster(name, args, account.email, key.id, [*grants, access])
        # Not in Output.all, which would pass the endpoints as a plain dict.
        names = cluster.control_plane_endpoints_config.apply(dns_name)
        self.endpoint = names if uses_dns(spec) else cluster.endpoint.apply(str)
        authority = Output.from_input("") if uses_dns(spec) else cluster.master_auth.apply(certificate_authority)
        self.kubeconfig = Output.secret(
            Output.all(cluster.name, self.endpoint, authority).apply(lambda parts: kubeconfig(*parts))
        )
        self.version = cluster.master_version.apply(str)
        self.handle: GkeHandle = GkeHandle(
            name=cluster.name,
            project=project,
            project_number=args["project_number"],
            region=args["region"],
            zones=list(args["zones"]),
            mode=GkeMode(spec.get("mode") or GkeMode.STANDARD),
            network=args["network"],
            node_service_account=account.email,
            workload_pool=f"{project}.svc.id.goog",
        )
        """Handle for node pools and services."""
        self.register_outputs({"kubeconfig": self.kubeconfig, "endpoint": self.endpoint, "version": self.version})

    def _identity(self, name: str, project: str) -> tuple[gcp.serviceaccount.Account, list[gcp.projects.IAMMember]]:
        account = gcp.serviceaccount.Account(
            f"{name}-node-account",
            account_id=bounded(f"{name}-nodes", MAX_ACCOUNT_ID),
            project=project,
            display_name=f"Nodes of {name}",
            opts=self.child,
        )
        grants = [
            gcp.projects.IAMMember(
                f"{name}-node-role-{role}",
                project=project,
                role=NODE_ROLES[role],
                member=account.member,
                opts=self.child,
            )
            for role in NODE_ROLES
        ]
        return account, grants

    def _key(self, name: str, args: GkeClusterArgs) -> tuple[gcp.kms.CryptoKey, gcp.kms.CryptoKeyIAMMember]:
        # Key rings and names of keys cannot be deleted: a stack that is created again after `destroy` imports both.
        ring = gcp.kms.KeyRing(
            f"{name}-key-ring", name=name, location=args["region"], project=args["project"], opts=self._kept
        )
        key = gcp.kms.CryptoKey(
            f"{name}-key",
            name=f"{name}-secrets",
            key_ring=ring.id,
            purpose="ENCRYPT_DECRYPT",
            rotation_period=KEY_ROTATION,
            labels=GCP_LABELS,
            opts=self._kept,
        )
        agent = Output.concat(
            "serviceAccount:service-", args["project_number"], "@container-engine-robot.iam.gserviceaccount.com"
        )
        access = gcp.kms.CryptoKeyIAMMember(
            f"{name}-key-access",
            crypto_key_id=key.id,
            role="roles/cloudkms.cryptoKeyEncrypterDecrypter",
            member=agent,
            opts=self._kept,
        )
        return key, access

    def _cluster(
        self, name: str, args: GkeClusterArgs, account: Output[str], key: Output[str], after: list[Any]
    ) -> gcp.container.Cluster:
        spec, network = args["cluster"], args["network"]
        standard = GkeMode(spec.get("mode") or GkeMode.STANDARD) is GkeMode.STANDARD
        settings: dict[str, Any] = cluster_settings(spec, args["zones"])
        settings |= {
            "ip_allocation_policy": {
                "cluster_secondary_range_name": network["pods_range_name"],
                "services_secondary_range_name": network["services_range_name"],
            },
            "database_encryption": {"state": "ENCRYPTED", "key_name": key},
            "cluster_autoscaling": auto_provisioning(spec, account),
        }
        if standard:
            settings |= {
                "node_config": transient_node_config(account),
                "workload_identity_config": {"workload_pool": f"{args['project']}.svc.id.goog"},
            }
        # The default pool is deleted in the first `up`: its settings have no meaning afterwards.
        ignored = ["initialNodeCount", "nodeConfig"] if standard else None
        return gcp.container.Cluster(
            f"{name}-cluster",
            name=name,
            project=args["project"],
            location=args["region"],
            network=network["network_id"],
            subnetwork=network["subnetwork_id"],
            networking_mode="VPC_NATIVE",
            deletion_protection=bool(args.get("keep_data")),
            **settings,
            opts=ResourceOptions.merge(self._kept, ResourceOptions(depends_on=after, ignore_changes=ignored)),
        )


def dns_name(endpoints: Any) -> str:
    """The DNS name of the control plane; empty if it has none. Pure."""
    config = getattr(endpoints, "dns_endpoint_config", None)
    return str(getattr(config, "endpoint", None) or "")


def certificate_authority(auth: Any) -> str:
    """The cluster's own certificate, base64. Pure."""
    return str(getattr(auth, "cluster_ca_certificate", None) or "")
