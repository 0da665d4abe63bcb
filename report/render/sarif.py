"""The report as SARIF 2.1.0: each reason is a result on the line of the settings file, for code scanning.

Source of the format: OASIS, Static Analysis Results Interchange Format (SARIF) 2.1.0; what GitHub reads of it: SARIF
support for code scanning.
"""

import hashlib
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from report.document import Report, StackReport
from report.sections.base import Level, Reason

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {Level.BLOCKED: "error", Level.DANGER: "error", Level.LOOK: "warning", Level.NOTE: "note"}
_LEFT_OUT = ("changes/", "preview/")
"""Reasons that are no finding on a line: that something changes at all, and lines of an error."""


def as_sarif(report: Report) -> str:
    """One log with one run for each stack: code scanning tells runs apart by their category."""
    runs = [_run(stack) for stack in report.stacks]
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": runs}, indent=2, ensure_ascii=False) + "\n"


def _run(stack: StackReport) -> dict[str, Any]:
    reasons = [one for section in stack.sections() for one in section.reasons]
    found = list(dict.fromkeys(one for one in reasons if not one.rule.startswith(_LEFT_OUT)))
    rules = sorted({one.rule for one in found})
    return {
        "tool": {
            "driver": {
                "name": "mlplatform-report",
                "rules": [{"id": rule, "shortDescription": {"text": rule}} for rule in rules],
            }
        },
        "automationDetails": {"id": f"preview/{stack.stack}/"},
        "invocations": [{"executionSuccessful": stack.changes is not None}],
        "results": [*_results(stack, found, rules)],
    }


def _results(stack: StackReport, reasons: list[Reason], rules: list[str]) -> Iterator[dict[str, Any]]:
    for one in reasons:
        identity = "\n".join((stack.stack, one.rule, one.resource, one.text))
        yield {
            "ruleId": one.rule,
            "ruleIndex": rules.index(one.rule),
            "level": _LEVELS[one.level],
            "message": {"text": f"{stack.stack}: {one.text}"},
            "locations": [_location(one.file or f"Pulumi.{stack.stack}.yaml", one.line or 1)],
            "partialFingerprints": {"reason/v1": hashlib.sha256(identity.encode()).hexdigest()},
        }


def _location(file: str, line: int) -> dict[str, Any]:
    place = {"uri": quote(file), "uriBaseId": "%SRCROOT%"}
    return {"physicalLocation": {"artifactLocation": place, "region": {"startLine": line}}}
