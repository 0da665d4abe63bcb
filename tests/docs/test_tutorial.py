"""The tutorial, followed: each block of YAML laid over `Pulumi.dev.yaml` and over the blocks before it.

The comment before a block says what it is: `step` is YAML that people add, `answer` is all that `settings.check` prints
after that step, `capacity` and `quota` are rows of the summary after it.

Not proved here: what `make up` and kubectl do.
"""

import re
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from click.testing import CliRunner
from rich.console import Console

from components.findings import Refused
from report import summary
from settings.check import main
from settings.reader import from_file
from settings.settings import Settings
from stacks.outputs import capacity_rows, team_rows
from tests.support.settings import PREFIX, merged, overlaid

REPOSITORY = Path(__file__).parents[2]
PAGE = (REPOSITORY / "docs" / "tutorial.md").read_text(encoding="utf-8")
DEV = REPOSITORY / "Pulumi.dev.yaml"
MARKED = re.compile(r"^<!-- (\w+): (\w+) -->\n```\w*\n(.*?)^```$", re.DOTALL | re.MULTILINE)
MISTAKE = "mistake"


class Block(NamedTuple):
    """One marked block."""

    purpose: str
    step: str
    text: str


BLOCKS = [Block(*found.groups()) for found in MARKED.finditer(PAGE)]
STEPS = [block.step for block in BLOCKS if block.purpose == "step"]


def file_after(step: str) -> str:
    """`Pulumi.dev.yaml` as it is for a reader who has followed the page up to that step."""
    sections: dict[str, object] = {}
    for name in STEPS[: STEPS.index(step) + 1]:
        (text,) = (block.text for block in BLOCKS if (block.purpose, block.step) == ("step", name))
        sections = merged(sections, {key.removeprefix(PREFIX): value for key, value in yaml.safe_load(text).items()})
    return overlaid(sections, DEV)


def settings_after(step: str) -> Settings:
    return from_file(file_after(step))


def blocks(purpose: str) -> list[Block]:
    return [block for block in BLOCKS if block.purpose == purpose]


def printed(table: object) -> list[str]:
    """The lines of a table of the summary, without the one below its head."""
    console = Console(width=summary.LEAST_WIDTH, highlight=False)
    with console.capture() as capture:
        console.print(table)
    return [line.rstrip() for line in capture.get().splitlines() if "──" not in line]


def test_every_yaml_block_of_the_page_is_a_step_and_no_mark_is_misspelt() -> None:
    assert STEPS == ["pool", "team", "training", "model", MISTAKE, "repair"]
    assert PAGE.count("```yaml") == len(STEPS)
    assert PAGE.count("<!-- ") == len(BLOCKS)
    assert {block.purpose for block in BLOCKS} == {"step", "answer", "capacity", "quota"}


@pytest.mark.parametrize("step", [step for step in STEPS if step != MISTAKE])
def test_the_file_after_each_step_is_accepted(step: str) -> None:
    settings_after(step)


def test_the_mistake_is_refused() -> None:
    with pytest.raises(Refused):
        settings_after(MISTAKE)


@pytest.mark.parametrize("block", blocks("answer"), ids=lambda block: block.step)
def test_the_check_prints_what_the_page_shows_and_nothing_else(
    block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(DEV.name).write_text(file_after(block.step), encoding="utf-8")
    result = CliRunner().invoke(main, [DEV.name])
    assert result.output == block.text
    assert result.exit_code == (1 if block.step == MISTAKE else 0)


@pytest.mark.parametrize("block", blocks("capacity"), ids=lambda block: block.step)
def test_rows_of_capacity_are_those_of_the_summary(block: Block) -> None:
    lines = printed(summary.capacity(capacity_rows(settings_after(block.step))))
    assert set(block.text.splitlines()) <= set(lines)


@pytest.mark.parametrize("block", blocks("quota"), ids=lambda block: block.step)
def test_rows_of_quotas_are_those_of_the_summary(block: Block) -> None:
    lines = printed(summary.quotas(team_rows(settings_after(block.step))))
    assert set(block.text.splitlines()) <= set(lines)
