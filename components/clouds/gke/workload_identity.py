"""The Google Cloud identity of one service account: roles bound to its principal, without a Google service account.

Workload Identity Federation for GKE identifies a Kubernetes service account by `principal://…`, which is a member in
IAM. No key, impersonation or annotation is needed (GKE docs, how-to/workload-identity).
"""

from enum import StrEnum
from typing import Required, TypedDict

import pulumi_gcp as gcp
from pulumi import Input, Output, ResourceOptions

from components.base.component import Component
from components.clouds.data_validation import check_workload_identity
from components.clouds.gke.handles import GkeHandle
from components.findings import refuse


class GrantOn(StrEnum):
    """Kind of resource that a role is granted on."""

    BUCKET = "bucket"
    """A bucket, by its name."""
    DNS_ZONE = "dns-zone"
    """A managed zone, by its name."""
    PROJECT = "project"
    """The whole project."""


class WorkloadGrant(TypedDict, total=False):
    """One role on one resource."""

    purpose: Required[str]
    """Part of the binding's name: `artifacts`. If it changes, the binding is deleted and created in no defined
    order."""
    role: Required[str]
    """`roles/storage.objectUser`, or a custom role by its full name."""
    on: Required[GrantOn]
    """bucket, dns-zone or project."""
    resource: Input[str]
    """Name of the bucket or zone. Required, except on project."""
    any_because: str
    """Reason to grant the role on the whole project: `zones can only be listed by project`."""


class WorkloadIdentityArgs(TypedDict):
    """One service account and its roles."""

    cluster: GkeHandle
    """Its cluster."""
    namespace: Input[str]
    """Of the service account."""
    service_account: str
    """Its name; the service account may be created later."""
    grants: list[WorkloadGrant]
    """Its roles."""


class WorkloadIdentity(Component):
    """IAM bindings of one Kubernetes service account. Clusters of one project share its pool of identities: a service
    account of the same name in the same namespace of another cluster of the project is the same principal."""

    principal: Output[str]
    """The member of its bindings."""

    def __init__(self, name: str, args: WorkloadIdentityArgs, opts: ResourceOptions | None = None) -> None:
        refuse(f"workload identity {name}", check_workload_identity(name, args))
        super().__init__(name, args, opts)
        self.principal = principal(args["cluster"], args["namespace"], args["service_account"])
        for grant in args["grants"]:
            self._bind(f"{name}-{grant['purpose']}", args["cluster"]["project"], grant)
        self.register_outputs({"principal": self.principal})

    def _bind(self, resource_name: str, project: str, grant: WorkloadGrant) -> None:
        match GrantOn(grant["on"]):
            case GrantOn.BUCKET:
                gcp.storage.BucketIAMMember(
                    resource_name,
                    bucket=grant["resource"],
                    role=grant["role"],
                    member=self.principal,
                    opts=self.child,
                )
            case GrantOn.DNS_ZONE:
                gcp.dns.DnsManagedZoneIamMember(
                    resource_name,
                    project=project,
                    managed_zone=grant["resource"],
                    role=grant["role"],
                    member=self.principal,
                    opts=self.child,
                )
            case GrantOn.PROJECT:
                gcp.projects.IAMMember(
                    resource_name, project=project, role=grant["role"], member=self.principal, opts=self.child
                )


def principal(cluster: GkeHandle, namespace: Input[str], service_account: str) -> Output[str]:
    """The name of a Kubernetes service account in IAM. Pure."""
    return Output.format(
        "principal://iam.googleapis.com/projects/{0}/locations/global/workloadIdentityPools/{1}/subject/ns/{2}/sa/{3}",
        cluster["project_number"],
        cluster["workload_pool"],
        namespace,
        service_account,
    )
