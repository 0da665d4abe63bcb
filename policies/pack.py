"""The policies of the pack: each rule wrapped once, named, levelled, with exemptions, failing closed."""

import datetime
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyConfigSchema,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
    StackValidationArgs,
    StackValidationPolicy,
)

from policies.rules import network, quota
from policies.rules.finding import Finding
from policies.rules.objects import PlannedObject
from policies.view import planned


class Rule(NamedTuple):
    """One policy: a pure rule over one object, or over all of them."""

    name: str
    description: str
    severity: Severity
    of_one: Callable[[PlannedObject], Iterable[Finding]] | None = None
    of_all: Callable[[list[PlannedObject]], Iterable[Finding]] | None = None


RULES = (
    Rule(
        "accelerators-within-quota",
        "Device caps, pools, team quotas and what all pods take at their largest agree: in sum, per team and per pool.",
        Severity.HIGH,
        of_all=quota.accelerators_within_quota,
    ),
    Rule(
        "accelerator-namespaces-have-quota",
        "A namespace that takes accelerators has a ResourceQuota that names them and is large enough.",
        Severity.HIGH,
        of_all=quota.namespaces_that_take_accelerators_have_a_quota,
    ),
    Rule(
        "accelerator-requests-are-whole",
        "Extended resources are whole numbers, equal in requests and limits, under a name that a device plugin offers.",
        Severity.HIGH,
        of_one=quota.accelerator_requests_are_whole,
    ),
    Rule(
        "namespaces-deny-by-default",
        "Every namespace that runs pods denies all ingress and all egress that is not named.",
        Severity.HIGH,
        of_all=network.namespaces_deny_by_default,
    ),
    Rule(
        "network-policies-open-no-door-to-the-world",
        "No NetworkPolicy lets everybody in or lets pods reach everything.",
        Severity.HIGH,
        of_one=network.network_policy_opens_no_door_to_the_world,
    ),
)

EXEMPTIONS = PolicyConfigSchema(
    properties={
        "exemptions": {
            "type": "array",
            "default": [],
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["object", "reason", "owner", "expires"],
                "properties": {
                    "object": {"type": "string", "description": "`Kind namespace/name`, as findings print it"},
                    "reason": {"type": "string", "minLength": 10},
                    "owner": {"type": "string"},
                    "expires": {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"},
                },
            },
        }
    }
)


def findings_of(
    rule: Rule, objects: list[PlannedObject], config: Mapping[str, Any], today: datetime.date
) -> Iterator[Finding]:
    """What a rule finds, exempted objects left out. A rule that breaks is itself a finding: it fails closed."""
    exempt = {item["object"]: item for item in config.get("exemptions") or []}
    try:
        found = list(rule.of_all(objects)) if rule.of_all else [f for o in objects for f in (rule.of_one or _none)(o)]
    except Exception as error:
        yield Finding(
            objects[0].title if len(objects) == 1 else "the stack",
            f"the rule itself failed: {type(error).__name__}",
            f"policy {rule.name} must be decided before anything is created",
            "report this with the log of the run; nothing was created",
        )
        return
    for finding in found:
        exemption = next((item for title, item in exempt.items() if _is_about(finding, title)), None)
        if exemption is None:
            yield finding
        elif datetime.date.fromisoformat(exemption["expires"]) < today:
            yield finding._replace(
                value=f"{finding.value}; its exemption ended on {exemption['expires']} (owner {exemption['owner']})"
            )


def _is_about(finding: Finding, title: str) -> bool:
    return finding.path == title or finding.path.startswith(f"{title} ")


def _none(_: PlannedObject) -> Iterable[Finding]:
    return ()


def message(finding: Finding) -> str:
    """A finding as the engine prints it, on one line each for what, rule and remedy."""
    return f"{finding.path}: {finding.value}. Rule: {finding.rule}. Remedy: {finding.remedy}."


def policies() -> list[Policy]:
    """The SDK's policies for `RULES`."""
    return [_policy(rule) for rule in RULES]


def _policy(rule: Rule) -> Policy:
    def of_one(args: ResourceValidationArgs, report: ReportViolation) -> None:
        for finding in findings_of(rule, planned([args]), args.get_config(), _today()):
            report(message(finding), None)

    def of_all(args: StackValidationArgs, report: ReportViolation) -> None:
        objects = planned(args.resources)
        for finding in findings_of(rule, objects, args.get_config(), _today()):
            report(message(finding), _urn_of(finding, objects))

    common: dict[str, Any] = {
        "name": rule.name,
        "description": rule.description,
        "enforcement_level": EnforcementLevel.MANDATORY,
        "config_schema": EXEMPTIONS,
        "severity": rule.severity,
    }
    if rule.of_one:
        return ResourceValidationPolicy(validate=of_one, **common)
    return StackValidationPolicy(validate=of_all, **common)


def _urn_of(finding: Finding, objects: list[PlannedObject]) -> str | None:
    return next((o.urn for o in objects if _is_about(finding, o.title)), None)


def _today() -> datetime.date:
    return datetime.datetime.now(datetime.timezone.utc).date()
