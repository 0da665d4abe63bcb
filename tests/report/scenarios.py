"""Recorded previews with the settings that they are of."""

from functools import cache
from typing import Any

import yaml

from report.comparison import Comparison, Side
from tests.report import record
from tests.report.recorded import NO_SETTINGS, compared, side, stack_text

EDITS: dict[str, record.Edit] = {
    "prod-grown": record.grown,
    "prod-shrunk": record.shrunk,
    "gke-spot-removed": record.spot_removed,
    "dev-changed": record.dev_changed,
}


def settings_text(stack: str, edit: record.Edit, before: record.Edit = lambda _: None) -> str:
    """The settings of a stack, edited, in the form that PyYAML writes."""
    content = yaml.safe_load(stack_text(stack))
    sections: dict[str, Any] = {key.removeprefix("mlplatform:"): value for key, value in content["config"].items()}
    before(sections)
    edit(sections)
    return yaml.safe_dump({"config": {f"mlplatform:{key}": part for key, part in sections.items()}}, sort_keys=False)


@cache
def scenario(name: str, before: record.Edit = lambda _: None) -> Comparison:
    """The comparison of a recorded preview. `before`: an edit of both sides, such as another region."""
    stack = name.partition("-")[0]
    head = side(settings_text(stack, EDITS.get(name, lambda _: None), before), "the working tree")
    base: Side = NO_SETTINGS if name.endswith("first") else side(settings_text(stack, lambda _: None, before), "HEAD")
    return compared(name, base, head)


def line_of(comparison: Comparison, text: str) -> int:
    """The line of the new settings with that text."""
    return next(n for n, line in enumerate(comparison.head.text.splitlines(), start=1) if text in line)
