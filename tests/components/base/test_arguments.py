"""Arguments against their TypedDict. Not proved here: the values, which each component's own rules check."""

from typing import Any, Required, TypedDict

import pytest

from components.base.arguments import check_arguments
from components.clouds.existing.described_pool import DescribedNodePool
from components.findings import Refused
from tests.recorder import record


class Part(TypedDict, total=False):
    """A part."""

    size_gib: Required[int]
    colour: str


class Whole(TypedDict, total=False):
    """A whole."""

    name: Required[str]
    part: Part
    parts: list[Part]
    maybe: Part | None


def told(args: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(f.path, f.value, f.remedy) for f in check_arguments("it", args, Whole)]


def test_arguments_that_fit_are_not_talked_about() -> None:
    whole = {"name": "a", "part": {"size_gib": 1}, "parts": [{"size_gib": 1, "colour": "red"}], "maybe": None}
    assert told(whole) == []


def test_everything_that_is_missing_or_unknown_is_said_at_once_and_where() -> None:
    wrong = {"part": {}, "parts": [{"size_gib": 1}, {"color": "red"}], "maybe": {"colour": "red"}, "sixe": 1}
    assert told(wrong) == [
        ("it.name", "(missing)", "add name"),
        ("it.part.size_gib", "(missing)", "add size_gib"),
        ("it.parts.1.size_gib", "(missing)", "add size_gib"),
        ("it.parts.1.color", "unknown key", "write colour"),
        ("it.maybe.size_gib", "(missing)", "add size_gib"),
        ("it.sixe", "unknown key", "remove it"),
    ]


def test_a_component_refuses_them_before_its_own_rules_meet_them_and_registers_nothing() -> None:
    def misspelt() -> None:
        DescribedNodePool("h100", {"pool": {"accelerator": "H100", "node_max": 2}})  # type: ignore[typeddict-unknown-key,typeddict-item]

    with pytest.raises(Refused) as refused:
        record(misspelt)
    assert [f.path for f in refused.value.findings] == ["h100.pool.nodes_max", "h100.pool.node_max"]
    assert "write nodes_max" in str(refused.value)
