"""A public DNS zone in Cloud DNS, created or existing."""

from typing import Required, TypedDict

import pulumi_gcp as gcp
from pulumi import Input, Output, ResourceOptions

from components.base.component import Component, kept
from components.clouds.dns import DnsProvider, DnsZoneHandle
from components.clouds.dns_validation import check_cloud_dns_zone
from components.clouds.gke.data_spec import CloudDnsZoneSpec
from components.clouds.gke.workload_identity import GrantOn, WorkloadGrant
from components.clouds.names import GCP_LABELS, identifier
from components.findings import refuse

NAME_LENGTH = 63
"""Cloud DNS's limit (dns v1 discovery, ManagedZone.name)."""


class CloudDnsZoneArgs(TypedDict, total=False):
    """A zone and its project."""

    zone: Required[CloudDnsZoneSpec]
    """Settings of the zone."""
    project: Required[str]
    """Id of the project that it is in."""
    keep_data: bool
    """Required in stacks that are not simulated. A created zone is protected and kept when the stack is destroyed,
    because a new zone has other name servers. If false, it is deleted with all its records."""


class CloudDnsZone(Component):
    """A public zone, signed (DNSSEC). An existing zone is only referenced."""

    zone_name: Output[str]
    """Its name in the project."""
    name_servers: Output[list[str]]
    """Name servers that the parent zone must delegate to; empty for an existing zone, which is delegated already."""

    def __init__(self, name: str, args: CloudDnsZoneArgs, opts: ResourceOptions | None = None) -> None:
        spec, keep = args["zone"], bool(args.get("keep_data"))
        refuse(f"zone {name}", check_cloud_dns_zone("zone", spec))
        super().__init__(name, args, opts)
        if spec.get("zone"):
            self.zone_name, self.name_servers = Output.from_input(spec["zone"]), Output.from_input(list[str]())
        else:
            zone = gcp.dns.ManagedZone(
                f"{name}-zone",
                name=identifier(NAME_LENGTH, name, spec["domain"]),
                project=args["project"],
                dns_name=f"{spec['domain']}.",
                description=f"mlplatform {name}",
                visibility="public",
                dnssec_config=gcp.dns.ManagedZoneDnssecConfigArgs(state="on"),
                force_destroy=not keep,
                labels=GCP_LABELS,
                opts=kept(self.child, keep=keep),
            )
            self.zone_name, self.name_servers = zone.name, zone.name_servers.apply(lambda found: [*(found or ())])
        self.handle: DnsZoneHandle = DnsZoneHandle(
            provider=DnsProvider.CLOUD_DNS, domain=spec["domain"], zone=self.zone_name, account=args["project"]
        )
        """Handle for components that write records into it."""
        self.register_outputs({"zoneName": self.zone_name, "nameServers": self.name_servers})


def challenge_grants(zone: Input[str]) -> list[WorkloadGrant]:
    """Roles of cert-manager for DNS-01 challenges in one zone that it knows by name. Pure."""
    return [WorkloadGrant(purpose="records", role="roles/dns.admin", on=GrantOn.DNS_ZONE, resource=zone)]


def record_grants(zone: Input[str]) -> list[WorkloadGrant]:
    """Roles of external-dns on one zone. Pure.

    Source: kubernetes-sigs/external-dns docs/tutorials/gke.md (dns.reader on the project, dns.admin on the zone).
    """
    return [
        *challenge_grants(zone),
        WorkloadGrant(
            purpose="zones",
            role="roles/dns.reader",
            on=GrantOn.PROJECT,
            any_because="zones can only be listed by project",
        ),
    ]
