"""Settings that runbooks tell people to paste: laid over the file that they name, they are good.

A block of YAML counts when `<!-- settings over Pulumi.prod.yaml -->` stands before it; `, in place of a.b, c.d` removes
what is there at these paths first. That what stands around the blocks is right is not proved here.
"""

import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from settings.reader import from_file
from tests.support.settings import PREFIX, overlaid

REPOSITORY = Path(__file__).parents[2]
MARKED = re.compile(r"<!-- settings over (\S+?)(?:, in place of ([^>]+?))? -->\s*```yaml\n(.*?)```", re.DOTALL)
OPENING = re.compile(r"^<!-- settings over", re.MULTILINE)


class Pasted(NamedTuple):
    """One block."""

    where: str
    base: str
    removed: tuple[str, ...]
    text: str


def pages() -> list[Path]:
    return [*sorted((REPOSITORY / "docs").rglob("*.md")), REPOSITORY / "README.md"]


def blocks() -> list[Pasted]:
    return [
        Pasted(
            f"{page.stem}-{index}",
            found.group(1),
            tuple(path.strip() for path in (found.group(2) or "").split(",") if path.strip()),
            found.group(3),
        )
        for page in pages()
        for index, found in enumerate(MARKED.finditer(page.read_text(encoding="utf-8")))
    ]


def without(config: dict[str, Any], path: str) -> None:
    """Remove what stands at that path, which must be there."""
    *parents, last = path.split(".")
    parents[:1] = [f"{PREFIX}{head}" for head in parents[:1]]
    for key in parents:
        config = config[key]
    del config[last if parents else f"{PREFIX}{last}"]


def test_every_mark_stands_before_a_block() -> None:
    marks = sum(len(OPENING.findall(page.read_text(encoding="utf-8"))) for page in pages())
    assert marks == len(blocks()) > 5


@pytest.mark.parametrize("pasted", blocks(), ids=lambda pasted: pasted.where)
def test_settings_of_runbooks_are_good(pasted: Pasted, tmp_path: Path) -> None:
    content = yaml.safe_load((REPOSITORY / pasted.base).read_text(encoding="utf-8"))
    for path in pasted.removed:
        without(content["config"], path)
    base = tmp_path / pasted.base
    base.write_text(yaml.safe_dump(content), encoding="utf-8")
    sections = {key.removeprefix(PREFIX): value for key, value in yaml.safe_load(pasted.text).items()}
    from_file(overlaid(sections, base))
