"""Rules on the tracking server's database, schedule and address."""

import math
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from catalog.addresses import POSTGRESQL_PORT
from components.base.grammar import (
    ANNOTATION_KEY,
    LABEL,
    LINE,
    PEM,
    SUBDOMAIN,
    address_range,
    check_keys,
    check_text,
    is_address,
)
from components.base.names import check_database_name, check_hostname
from components.base.schedules import cron_problem, longest_gap
from components.findings import Finding, camel

SSL_MODES = ("verify-full", "verify-ca", "require")


def check_range(path: str, cidr: str) -> Iterator[Finding]:
    """A range of addresses that does not include the internet."""
    try:
        narrow = address_range(cidr).prefixlen > 0
    except ValueError:
        narrow = False
    if not narrow:
        yield Finding(path, cidr, "a CIDR, its host bits zero, not the whole internet", "write it like 10.0.0.0/16")


def check_external_database(path: str, database: Mapping[str, Any]) -> Iterator[Finding]:
    """An external database that is reachable, with encrypted traffic. Unknown values are not validated."""
    host = database["host"]
    # No route and no certificate of the platform has its name: it may be an IPv4 address.
    if isinstance(host, str) and (":" in host or not is_address(host)):
        yield from check_hostname(f"{path}.host", host)
    if isinstance(database.get("address_range"), str) and database["address_range"]:
        yield from check_range(f"{path}.addressRange", database["address_range"])
    yield from check_database_name(f"{path}.database", database["database"])
    yield from check_text(f"{path}.username", database["username"], LINE)
    if database.get("ca_certificate"):
        yield from check_text(f"{path}.caCertificate", database["ca_certificate"], PEM)
    mode = database.get("ssl_mode") or "verify-full"
    if mode not in SSL_MODES:
        yield Finding(
            f"{path}.sslMode",
            mode,
            f"the password is sent over the network: {', '.join(SSL_MODES)}",
            "use verify-full with the authority's certificate, or require where there is none",
        )
    if not 1 <= int(database.get("port") or POSTGRESQL_PORT) <= 65535:
        yield Finding(f"{path}.port", f"{database['port']}", "1 to 65535", "correct the port")


def check_backup(path: str, schedule: str, retention_days: int) -> Iterator[Finding]:
    """A backup runs, and retention never deletes the last one."""
    problem = cron_problem(schedule)
    if problem:
        rule = f"five fields of cron: {problem}"
        yield Finding(f"{path}.schedule", schedule, rule, "02:17 UTC daily is `17 2 * * *`")
    if int(retention_days) < 2:
        yield Finding(
            f"{path}.retentionDays",
            f"{retention_days}",
            "2 days or more: an older copy must remain after a bad backup",
            "raise it",
        )
    elif not problem and int(retention_days) < 2 * (gap := longest_gap(schedule)) / timedelta(days=1):
        days = -(-2 * gap // timedelta(days=1))
        yield Finding(
            f"{path}.retentionDays",
            f"{retention_days} days, and up to {math.ceil(gap / timedelta(days=1))} days between two backups",
            "twice the longest time between two backups: an older copy must remain after a bad one",
            f"use {days} or more, or a schedule that runs more often",
        )


def check_backup_name(path: str, name: str) -> Iterator[Finding]:
    """Alerts identify a backup by its name, and its restore, which never succeeds by itself, by another name."""
    if name != "backup" and not name.endswith("-backup"):
        yield Finding(path, name, "a backup is called `backup` or `<what>-backup`", f"call it {name}-backup")


def check_tracking_server(path: str, args: Mapping[str, Any]) -> Iterator[Finding]:
    """A tracking server that clients can reach and that survives the loss of a pod if required."""
    route, ingress = args.get("route") or {}, args.get("ingress") or {}
    if route:
        domains = route["gateway"]["domains"]
        if route["domain"] not in domains:
            yield Finding(
                f"{path}.route.domain",
                route["domain"],
                f"a domain of the gateway: {', '.join(sorted(domains))}",
                "correct the name, or add the domain to the gateway",
            )
        else:
            yield from check_hostname(f"{path}.route.host", f"{route['host']}.{domains[route['domain']]}")
    yield from check_keys(
        f"{path}.serviceAccountAnnotations", args.get("service_account_annotations") or {}, ANNOTATION_KEY
    )
    if ingress:
        yield from check_keys(f"{path}.ingress.annotations", ingress.get("annotations") or {}, ANNOTATION_KEY)
        for key in ("class_name", "tls_secret_name"):
            yield from check_text(f"{path}.ingress.{camel(key)}", ingress[key], SUBDOMAIN)
        yield from check_text(f"{path}.ingress.controllerNamespace", ingress["controller_namespace"], LABEL)
        yield from check_hostname(f"{path}.ingress.hostname", ingress.get("hostname", ""))
    if route and ingress:
        yield Finding(
            f"{path}.ingress",
            "route and ingress",
            "only one of route and ingress",
            "keep the route; ingress is for clusters without a gateway",
        )
    if args.get("login"):
        yield from check_text(f"{path}.login.usersSecretName", args["login"]["users_secret_name"], SUBDOMAIN)
        if not route:
            remedy = "remove login; configure authentication of the Ingress controller by annotations of the Ingress"
            yield Finding(f"{path}.login", "without route", "a login needs a route of the gateway", remedy)
    for field in ("workers", "cpu_millis", "memory_mib", "upload_gib"):
        if int(args.get(field, 1)) < 1:
            yield Finding(
                f"{path}.{camel(field)}",
                f"{args[field]}",
                "1 or more",
                "use 1 or more, or omit it for the default",
            )
