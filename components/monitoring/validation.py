"""Rules on monitoring and its alerts."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from catalog.accelerators import HIDDEN_CONTROL_PLANES
from components.base.destinations import check_ranges
from components.base.grammar import DATA_KEY, HTTP_URL, LABEL, LINE, SUBDOMAIN, check_text
from components.findings import Finding, camel
from components.monitoring.spec import DEFAULT_STORAGE_GIB, ReceiverKind

SEVERITIES = ("critical", "warning", "info")
LARGEST_SHARE_PERCENT = 90
"""Share of the volume for blocks: the write-ahead log and compaction need the rest (Prometheus storage docs: 80 to
85 % is advised)."""


def check_monitoring(path: str, args: Mapping[str, Any]) -> Iterator[Finding]:
    """Rules on retention and its volume, on the source of Grafana's password, and on receivers."""
    storage, kept = int(args.get("storage_gib", DEFAULT_STORAGE_GIB)), args.get("retention_size_gib")
    if storage < 1:
        yield Finding(
            f"{path}.storageGib", str(storage), "at least 1 GiB", "write the size of Prometheus' volume, in GiB"
        )
    if kept is not None and storage > 0 and not 0 < int(kept) <= storage * LARGEST_SHARE_PERCENT / 100:
        yield Finding(
            f"{path}.retentionSizeGib",
            f"{int(kept)} of {storage} GiB",
            f"above 0 and at most {LARGEST_SHARE_PERCENT} % of the volume: the write-ahead log needs the rest",
            f"keep at most {storage * LARGEST_SHARE_PERCENT // 100} GiB, or enlarge storageGib",
        )
    if (days := args.get("retention_days")) is not None and int(days) < 1:
        yield Finding(f"{path}.retentionDays", str(args["retention_days"]), "at least 1 day", "15 days is usual")
    if "ReadWriteOnce" not in args["storage"]["access_modes"]:
        yield Finding(
            f"{path}.storage",
            args["storage"]["class_name"],
            "Prometheus needs a volume with access mode ReadWriteOnce",
            "use the storage class for fast or standard volumes",
        )
    if args.get("grafana_admin_secret_name") and "grafana_admin_password" in args:
        yield Finding(
            f"{path}.grafanaAdminPassword",
            "both grafanaAdminPassword and grafanaAdminSecretName",
            "Grafana's administrator has one source of the password, which is never the chart's default",
            "remove one of the two; without both a password is generated once",
        )
    if args.get("scrape_control_plane") and args["cluster_kind"] in HIDDEN_CONTROL_PLANES:
        yield Finding(
            f"{path}.scrapeControlPlane",
            f"true on {args['cluster_kind']}",
            "scheduler, controller manager and etcd of a managed or simulated control plane cannot be scraped",
            "leave it out",
        )
    gateway = args.get("gateway")
    if gateway and args.get("grafana_domain") not in gateway["domains"]:
        yield Finding(
            f"{path}.grafanaDomain",
            str(args.get("grafana_domain")),
            f"a domain that the gateway serves: {', '.join(gateway['domains'])}",
            "name one of them",
        )
    for key in ("prometheus_cpu_millis", "prometheus_memory_gib"):
        if int(args.get(key, 1)) < 1:
            yield Finding(f"{path}.{camel(key)}", str(args[key]), "1 or more", "leave it out for the default")
    for index, port in enumerate(args.get("more_scraped_ports") or []):
        if not 1 <= int(port) <= 65535:
            yield Finding(f"{path}.moreScrapedPorts[{index}]", str(port), "a TCP port: 1 to 65535", "correct the port")
    for key, grammar in (("grafana_admin_secret_name", SUBDOMAIN), ("namespace", LABEL)):
        yield from check_text(f"{path}.{camel(key)}", args[key], grammar) if args.get(key) else ()
    yield from check_ranges(f"{path}.controlPlaneRanges", args.get("control_plane_ranges") or [])
    yield from check_receivers(f"{path}.receivers", args.get("receivers") or [])


def check_receivers(path: str, receivers: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """Receivers have unique names, a Secret, and the keys that their kind needs."""
    names = [receiver["name"] for receiver in receivers]
    for index, receiver in enumerate(receivers):
        here = f"{path}[{index}]"
        yield from check_text(f"{here}.name", receiver["name"], LINE)
        if names.count(receiver["name"]) > 1 or receiver["name"] == "null":
            yield Finding(here, receiver["name"], "every receiver has a unique name, and not null", "rename it")
        if receiver["kind"] not in {*ReceiverKind}:
            yield Finding(f"{here}.kind", str(receiver["kind"]), f"one of {', '.join(ReceiverKind)}", "choose one")
        if not receiver.get("secret_name") or not receiver.get("secret_key"):
            yield Finding(
                f"{here}.secretName",
                "(none)",
                "the address or key of a receiver must be in a Secret: it allows posting",
                "set secretName and secretKey: a Secret of the monitoring namespace, and its key",
            )
        else:
            yield from check_text(f"{here}.secretName", receiver["secret_name"], SUBDOMAIN)
            yield from check_text(f"{here}.secretKey", receiver["secret_key"], DATA_KEY)
        for row, severity in enumerate(receiver.get("severities") or []):
            if severity not in SEVERITIES:
                rule = f"one of {', '.join(SEVERITIES)}"
                yield Finding(f"{here}.severities[{row}]", severity, rule, "choose one")
        if (receiver["kind"] == ReceiverKind.SLACK) != bool(receiver.get("channel")):
            yield Finding(
                f"{here}.channel",
                receiver.get("channel") or "(missing)",
                "a channel for Slack, and only for Slack",
                "write channel: '#alerts' with kind slack, and leave it out otherwise",
            )


def check_alert_rules(path: str, args: Mapping[str, Any]) -> Iterator[Finding]:
    """Objectives whose alerts can fire; a valid address of runbooks."""
    if args.get("runbook_base_url"):
        yield from check_text(f"{path}.runbookBaseUrl", args["runbook_base_url"], HTTP_URL)
    objectives = args.get("objectives")
    if objectives:
        promised = int(objectives["availability_per_mille"])
        # Below 931 the fast burn rate of 14.4 exceeds an error ratio of 1, so the alert could never fire.
        if not 931 <= promised <= 999:
            yield Finding(
                f"{path}.objectives.availabilityPerMille",
                str(promised),
                "from 931 to 999; 1,000 leaves no error budget, and below 931 the alert cannot fire",
                "995 is 3.6 hours of errors a month",
            )
        if int(objectives["latency_milliseconds"]) < 1:
            yield Finding(
                f"{path}.objectives.latencyMilliseconds",
                str(objectives["latency_milliseconds"]),
                "at least 1 ms",
                "write whole milliseconds",
            )
    if (hours := args.get("backup_age_hours")) is not None and int(hours) < 1:
        yield Finding(
            f"{path}.backupAgeHours", str(args["backup_age_hours"]), "at least 1 hour", "26 suits a daily one"
        )
