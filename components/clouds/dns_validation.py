"""Rules on DNS zones of the clouds, and on what writes their records."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from components.base.names import check_hostname, check_object_name
from components.findings import Finding

_HOSTED_ZONE = re.compile(r"Z[A-Z0-9]{1,31}")
_MANAGED_ZONE = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")


def check_route53_zone(path: str, args: Mapping[str, Any]) -> Iterator[Finding]:
    """A zone that can be created or referenced."""
    spec = args["zone"]
    yield from _check_domain(f"{path}.domain", spec["domain"])
    if spec.get("zone_id") and not _HOSTED_ZONE.fullmatch(spec["zone_id"]):
        yield Finding(f"{path}.zoneId", spec["zone_id"], "the id of a hosted zone", "write Z…, without /hostedzone/")
    if not re.fullmatch(r"[0-9]{12}", args["account_id"]):
        yield Finding(f"{path}.accountId", args["account_id"] or "(missing)", "12 digits", "write the account's id")


def check_cloud_dns_zone(path: str, spec: Mapping[str, Any]) -> Iterator[Finding]:
    """A zone that can be created or referenced."""
    yield from _check_domain(f"{path}.domain", spec["domain"])
    if spec.get("zone") and not _MANAGED_ZONE.fullmatch(spec["zone"]):
        yield Finding(
            f"{path}.zone",
            spec["zone"],
            "the name of a managed zone, not its domain",
            "a-z, 0-9 and '-', a letter first",
        )


def _check_domain(path: str, domain: str) -> Iterator[Finding]:
    problems = list(check_hostname(path, domain))
    yield from problems
    if not problems and "." not in domain:
        yield Finding(path, domain, "a domain below a public one", "write it like ml.example.com")


def check_external_dns(path: str, args: Mapping[str, Any]) -> Iterator[Finding]:
    """An identity in the cloud that hosts the zone, and valid names."""
    yield from check_zone_identity(path, args["zone"], args)
    yield from check_object_name(f"{path}.namespace", args.get("namespace") or "external-dns")
    yield from check_object_name(f"{path}.owner", args["owner"])


ZONE_CLUSTERS: Mapping[str, str] = {"aws": "eks", "google": "gke"}
"""Provider of a DNS zone -> the argument for the cluster whose pods can write to it."""


def check_zone_identity(path: str, zone: Mapping[str, Any], args: Mapping[str, Any]) -> Iterator[Finding]:
    """The zone and the cluster whose pods write to it must be in the same cloud."""
    provider = str(zone["provider"])
    wanted = ZONE_CLUSTERS[provider]
    (other,) = {*ZONE_CLUSTERS.values()} - {wanted}
    if not args.get(wanted):
        yield Finding(
            f"{path}.{wanted}", "(missing)", f"a zone of {provider} is written by an identity there", "give the cluster"
        )
    if args.get(other):
        yield Finding(f"{path}.{other}", "given", f"the zone is one of {provider}", f"remove {other}")
