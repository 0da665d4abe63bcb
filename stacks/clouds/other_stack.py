"""Outputs that a stack with scope platform reads from its cluster's stack, because no settings contain them."""

from typing import Any

import pulumi

from catalog.addresses import POSTGRESQL_PORT
from components.clouds.dns import DnsProvider, DnsZoneHandle
from components.storage.postgresql import ManagedDatabaseHandle


def read_database(found: Any, database: str, ssl_mode: str) -> ManagedDatabaseHandle:
    """The handle of a database of the other stack. `found`: its part of the output `cloud`."""
    return ManagedDatabaseHandle(
        host=found["host"],
        port=POSTGRESQL_PORT,
        database=database,
        username=found["username"],
        password=pulumi.Output.secret(found["password"]),
        ssl_mode=ssl_mode,
        ca_certificate=found["ca_certificate"],
        address_range=found["address_range"],
    )


def read_zone(found: Any, provider: DnsProvider, domain: str, account: str) -> DnsZoneHandle:
    """The handle of a DNS zone that the other stack created or references."""
    return DnsZoneHandle(provider=provider, domain=domain, zone=found["zone"], account=account)
