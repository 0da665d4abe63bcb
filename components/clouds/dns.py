"""A DNS zone of a cloud, as the components that write records into it use it."""

from enum import StrEnum
from typing import TypedDict

from pulumi import Input


class DnsProvider(StrEnum):
    """The cloud that hosts the zone, by external-dns's name of the provider."""

    ROUTE53 = "aws"
    """Amazon Route 53."""
    CLOUD_DNS = "google"
    """Google Cloud DNS."""


class DnsZoneHandle(TypedDict):
    """A public zone."""

    provider: DnsProvider
    """Service that hosts the zone."""
    domain: str
    """Domain of the zone, without a trailing dot: `ml.example.com`."""
    zone: Input[str]
    """Route 53: its id, `Z…`; Cloud DNS: its name."""
    account: str
    """AWS account id or Google Cloud project id of the zone."""
