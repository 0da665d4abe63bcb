"""The how-to pages against the tree: every path that they name exists, every name is in one of the files of its row.

A part in angle brackets (`components/addons/<name>.py`) stands for any name. Only this finds a page that was not
updated when files moved. Not proved here: that the lists are complete.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

REPOSITORY = Path(__file__).parents[2]
PAGES = sorted((REPOSITORY / "docs" / "how-to").glob("*.md"))
QUOTED = re.compile(r"`([^`]+)`")
FILE = re.compile(r"^[\w./<>-]+/[\w./<>-]*$|^\.importlinter$")
SYMBOL = re.compile(r"^(_?[A-Z][A-Z0-9_]+|_\w+|[a-z_]+\(\))$")


class Row(NamedTuple):
    """One line of a table whose second column names files."""

    page: str
    files: tuple[str, ...]
    symbols: tuple[str, ...]


def files_of(text: str) -> list[str]:
    return [token for token in QUOTED.findall(text) if FILE.match(token)]


def found(name: str) -> list[Path]:
    """What a path of a page stands for."""
    return list(REPOSITORY.glob(re.sub(r"<[^>]+>", "*", name.rstrip("/"))))


def rows() -> Iterator[Row]:
    for page in PAGES:
        for line in page.read_text(encoding="utf-8").splitlines():
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if line.startswith("|") and len(cells) > 2 and files_of(cells[1]):
                symbols = [token for token in QUOTED.findall(cells[2]) if SYMBOL.match(token)]
                yield Row(page.stem, tuple(files_of(line)), tuple(symbols))


def test_there_is_a_page_for_each_kind_of_change() -> None:
    assert [page.stem for page in PAGES] == [
        "add-a-cluster-kind",
        "add-a-machine",
        "add-a-policy",
        "add-a-workload-kind",
        "add-an-add-on",
        "bump-a-chart",
    ]
    assert len([*rows()]) > 40


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    missing = [name for name in files_of(page.read_text(encoding="utf-8")) if not found(name)]
    assert missing == []


@pytest.mark.parametrize("row", [row for row in rows() if row.symbols], ids=lambda row: f"{row.page}-{row.files[0]}")
def test_every_name_that_a_row_gives_is_in_one_of_its_files(row: Row) -> None:
    texts = [path.read_text(encoding="utf-8") for name in row.files for path in found(name) if path.is_file()]
    for symbol in row.symbols:
        assert any(re.search(rf"\b{symbol.removesuffix('()')}\b", text) for text in texts), (symbol, row.files)
