"""A public DNS zone in Route 53, created or existing."""

from typing import Required, TypedDict

import pulumi_aws as aws
from pulumi import Input, Output, ResourceOptions

from components.base.component import Component, kept
from components.clouds.dns import DnsProvider, DnsZoneHandle
from components.clouds.dns_validation import check_route53_zone
from components.clouds.eks.data_spec import Route53ZoneSpec
from components.clouds.eks.pod_identity import PolicyStatement
from components.clouds.names import aws_tags, partition
from components.findings import refuse


class Route53ZoneArgs(TypedDict, total=False):
    """A zone and its account."""

    zone: Required[Route53ZoneSpec]
    """Settings of the zone."""
    account_id: Required[str]
    """AWS account that it is in."""
    keep_data: bool
    """Required in stacks that are not simulated. A created zone is protected and kept when the stack is destroyed,
    because a new zone has other name servers. If false, it is deleted with all its records."""


class Route53Zone(Component):
    """A public zone. An existing zone is only referenced."""

    zone_id: Output[str]
    """`Z…`."""
    name_servers: Output[list[str]]
    """Name servers that the parent zone must delegate to; empty for an existing zone, which is delegated already."""

    def __init__(self, name: str, args: Route53ZoneArgs, opts: ResourceOptions | None = None) -> None:
        spec, keep = args["zone"], bool(args.get("keep_data"))
        refuse(f"zone {name}", check_route53_zone("zone", args))
        super().__init__(name, args, opts)
        if spec.get("zone_id"):
            self.zone_id, self.name_servers = Output.from_input(spec["zone_id"]), Output.from_input(list[str]())
        else:
            zone = aws.route53.Zone(
                f"{name}-zone",
                name=spec["domain"],
                comment=f"mlplatform {name}",
                force_destroy=not keep,
                tags=aws_tags(name),
                opts=kept(self.child, keep=keep),
            )
            self.zone_id, self.name_servers = zone.zone_id, zone.name_servers.apply(lambda found: [*(found or ())])
        self.handle: DnsZoneHandle = DnsZoneHandle(
            provider=DnsProvider.ROUTE53, domain=spec["domain"], zone=self.zone_id, account=args["account_id"]
        )
        """Handle for components that write records into it."""
        self.register_outputs({"zoneId": self.zone_id, "nameServers": self.name_servers})


def record_statements(zone_id: Input[str], region: str) -> list[PolicyStatement]:
    """IAM permissions of external-dns on one zone. Pure.

    Source: kubernetes-sigs/external-dns docs/tutorials/aws.md, restricted to the zone.
    """
    zone = Output.format("arn:{0}:route53:::hostedzone/{1}", partition(region), zone_id)
    return [
        PolicyStatement(
            actions=[
                "route53:ChangeResourceRecordSets",
                "route53:ListResourceRecordSets",
                "route53:ListTagsForResources",
            ],
            resources=[zone],
        ),
        PolicyStatement(
            actions=["route53:ListHostedZones"], resources=["*"], any_because="zones can only be listed by account"
        ),
    ]


def challenge_statements(zone_id: Input[str], region: str) -> list[PolicyStatement]:
    """IAM permissions of cert-manager for DNS-01 challenges in one zone (cert-manager docs, dns01/route53). Pure."""
    at = partition(region)
    return [
        PolicyStatement(
            actions=["route53:ChangeResourceRecordSets", "route53:ListResourceRecordSets"],
            resources=[Output.format("arn:{0}:route53:::hostedzone/{1}", at, zone_id)],
            condition={"ForAllValues:StringEquals": {"route53:ChangeResourceRecordSetsRecordTypes": ["TXT"]}},
        ),
        PolicyStatement(actions=["route53:GetChange"], resources=[f"arn:{at}:route53:::change/*"]),
    ]
