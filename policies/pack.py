"""The policies of the pack: each rule is wrapped once, with a name, a level and exemptions, and fails closed."""

import datetime
import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pulumi_policy
from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyConfigSchema,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)

from components.findings import Finding
from policies import rules as subjects
from policies.charts import rendered_objects
from policies.objects import PlannedObject
from policies.rule import Rule, Severity
from policies.view import planned


def rules() -> Iterator[Rule]:
    """The policies of each module in a folder of `policies/rules`: `RULES` is all that a new one needs."""
    modules = [one.name for one in pkgutil.walk_packages(subjects.__path__, f"{subjects.__name__}.") if not one.ispkg]
    for module in sorted(modules):
        group = module.split(".")[-2]
        yield from (rule._replace(group=group) for rule in importlib.import_module(module).RULES)


RULES = tuple(rules())

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
                    "object": {"type": "string", "description": "`Kind namespace/name`, as in findings"},
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
    """The findings of a rule, without exempted objects. A rule that raises an error is a finding: it fails closed."""
    exempt = {item["object"]: item for item in config.get("exemptions") or []}
    try:
        found = list(rule.of_all(objects)) if rule.of_all else [f for o in objects for f in (rule.of_one or _none)(o)]
    except Exception as error:
        yield Finding(
            objects[0].title if len(objects) == 1 else "the stack",
            f"the rule itself failed: {type(error).__name__}",
            f"policy {rule.name} must be checked before anything is created",
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
    """A finding as the engine prints it: object, rule and remedy."""
    return f"{finding.path}: {finding.value}. Rule: {finding.rule}. Remedy: {finding.remedy}."


def policies() -> list[Policy]:
    """The SDK's policies for `RULES`, and two on charts that a preview does not render."""
    return [
        *(_policy(rule) for rule in RULES),
        StackValidationPolicy(
            name="charts-keep-the-policies",
            description="Objects of charts that a preview does not render comply with the policies for single objects.",
            enforcement_level=EnforcementLevel.MANDATORY,
            config_schema=EXEMPTIONS,
            severity=pulumi_policy.Severity(Severity.HIGH),
            validate=_objects_of_charts,
        ),
        StackValidationPolicy(
            name="charts-are-visible",
            description="Every chart can be rendered before anything is created, so that policies check its objects.",
            enforcement_level=EnforcementLevel.ADVISORY,
            severity=pulumi_policy.Severity(Severity.MEDIUM),
            validate=_visible_charts,
        ),
    ]


def _objects_of_charts(args: StackValidationArgs, report: ReportViolation) -> None:
    objects, _ = rendered_objects(args.resources)
    for rule in (rule for rule in RULES if rule.of_one):
        for one in objects:
            for finding in findings_of(rule, [one], args.get_config(), _today()):
                report(f"{rule.name}: {message(finding)}", one.urn)


def _visible_charts(args: StackValidationArgs, report: ReportViolation) -> None:
    _, unseen = rendered_objects(args.resources)
    for chart in unseen:
        report(
            f"chart {chart.chart}: {chart.reason}. Rule: policies check every object before it is created. Remedy: "
            "make the chart's source reachable from here; else its objects are checked while `up` creates them.",
            chart.urn,
        )


def _policy(rule: Rule) -> Policy:
    def of_one(args: ResourceValidationArgs, report: ReportViolation) -> None:
        for finding in findings_of(rule, planned([args]), args.get_config(), _today()):
            report(message(finding), None)

    def of_all(args: StackValidationArgs, report: ReportViolation) -> None:
        objects = [*planned(args.resources), *rendered_objects(args.resources)[0]]
        for finding in findings_of(rule, objects, args.get_config(), _today()):
            report(message(finding), _urn_of(finding, objects))

    common: dict[str, Any] = {
        "name": rule.name,
        "description": rule.description,
        "enforcement_level": EnforcementLevel.MANDATORY,
        "config_schema": EXEMPTIONS,
        "severity": pulumi_policy.Severity(rule.severity),
    }
    if rule.of_one:
        return ResourceValidationPolicy(validate=of_one, **common)
    return StackValidationPolicy(validate=of_all, **common)


def _urn_of(finding: Finding, objects: list[PlannedObject]) -> str | None:
    return next((o.urn for o in objects if _is_about(finding, o.title)), None)


def _today() -> datetime.date:
    return datetime.datetime.now(datetime.timezone.utc).date()
