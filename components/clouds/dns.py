"""A DNS zone of a cloud, as those see it who write records into it."""

from enum import StrEnum
from typing import TypedDict

from pulumi import Input


class DnsProvider(StrEnum):
    """Whose zone it is; as external-dns names it."""

    ROUTE53 = "aws"
    """Amazon Route 53."""
    CLOUD_DNS = "google"
    """Google Cloud DNS."""


class DnsZoneHandle(TypedDict):
    """A public zone."""

    provider: DnsProvider
    """Service that hosts the zone."""
    domain: str
    """What it is the zone of: `ml.example.com`, no dot at the end."""
    zone: Input[str]
    """Route 53: its id, `Z…`; Cloud DNS: its name."""
    account: str
    """AWS account id or Google Cloud project id of the zone."""
