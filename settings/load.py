"""Settings from what is written: shapes and rules together.

Every problem is reported at once, each with its path, the value found, the rule and the remedy, before any resource is
registered.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from pydantic import ValidationError

from components.findings import Finding, refuse
from settings.errors import control_characters, problems_of
from settings.kinds.base import WorkloadKind
from settings.kinds.registry import Loaded, load_kinds
from settings.partial import Dropped, known_part
from settings.settings import Settings, with_sections
from settings.validation import validate


@cache
def settings_model(kinds: tuple[WorkloadKind[Any], ...]) -> type[Settings]:
    """The settings with the sections of further kinds."""
    return with_sections(kinds)(Settings) if kinds else Settings


def kinds_of(config: Mapping[str, Any]) -> Loaded:
    """The kinds that the setting `workloadKinds` names."""
    return load_kinds(config.get("workloadKinds", []), Settings)


def parse(config: Mapping[str, Any], findings: Sequence[Finding] = ()) -> Settings:
    """Settings from `key -> value` without the project prefix. Raises `Refused` with every problem.

    `findings`: what was wrong with the prefixes.
    """
    dropped: Dropped = {}
    invalid: list[Finding] = []
    loaded = kinds_of(config)
    model = settings_model(loaded.kinds)
    try:
        settings = model.model_validate(config)
    except ValidationError as error:
        invalid = [*problems_of(error, model)]
        if loaded.findings or any(one.path.startswith("workloadKinds") for one in invalid):
            # A key that is unknown may be the section of a kind that could not be imported.
            known = {field.alias for field in model.model_fields.values()}
            invalid = [one for one in invalid if one.path not in config or one.path in known]
        settings = known_part(model, config, [one["loc"] for one in error.errors()], dropped)
    texts = dict.fromkeys(control_characters(config))
    refuse("settings", [*findings, *invalid, *loaded.findings, *texts, *validate(settings, dropped)])
    return settings
