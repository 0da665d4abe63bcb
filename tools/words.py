"""Words that documentation and messages of this project do not use, and the field's term for each. Part of `make lint`.

`python -m tools.words` checks the Markdown files of the repository, the strings, comments and names of Python files,
and the comments of YAML, TOML, the Makefile and the CI script. Tests in Python, code in Markdown, targets of links,
generated pages, decision records and the changelog are omitted.
"""

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click

REPOSITORY = Path(__file__).parents[1]
LEFT_OUT = ("CHANGELOG.md", "docs/reference/", "docs/adr/")
PACKAGES = (
    "bench",
    "catalog",
    "components",
    "docs",
    "examples",
    "policies",
    "report",
    "settings",
    "simulator",
    "stacks",
    "tools",
)
COMMENTED = (
    "*.yaml",
    "*.yml",
    "*.toml",
    "Makefile",
    ".ci/run",
    ".github/**/*.yml",
    "examples/**/*.yaml",
    "tests/**/*.yaml",
)
COMMENT = re.compile(r"(?:^|\s)#.*")
FENCE = re.compile(r"^\s*(```|~~~)")
NOT_PROSE = re.compile(r"`[^`]*`|\]\([^)]*\)|<!--.*?-->|https?://\S+")


class Word(NamedTuple):
    """One word, in all its forms."""

    pattern: str
    instead: str


WORDS = (
    Word(r"judg(?:e|es|ed|ing|ement)", "check, validate, compare"),
    Word(r"laws?|lawless", "policies, rules"),
    Word(r"anew", "again"),
    Word(r"whoever", "the person or program that"),
    Word(r"nobody(?: else(?:'s)?)?", "no user, no program; or the passive"),
    Word(r"somebody(?: else(?:'s)?)?", "a person, another owner; or the passive"),
    Word(r"mend(?:s|ed|ing)?", "fix, correct, repair"),
    Word(r"told", "printed, reported, set"),
    Word(r"beside", "next to, with, in the same directory as"),
    Word(r"misshapen", "invalid"),
    Word(r"let(?:s|ting)? in", "grant access, allow"),
    Word(r"reckon(?:s|ed|ing)?", "compute, count"),
    Word(r"rooms? of the house", "packages"),
    Word(r"doors?(?: to the world)?", "access, exposure"),
    Word(r"way in", "exposure, access"),
    Word(r"dearest", "most expensive, highest"),
)


class Use(NamedTuple):
    """One use of a word."""

    file: str
    line: int
    text: str
    instead: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text!r}: write {self.instead}"


def in_markdown(file: str, text: str) -> Iterator[Use]:
    """Uses in the prose of a Markdown file. Pure."""
    fenced = False
    for number, line in enumerate(text.splitlines(), start=1):
        if FENCE.match(line):
            fenced = not fenced
        elif not fenced:
            yield from _in_line(file, number, NOT_PROSE.sub(" ", line))


def in_python(file: str, text: str) -> Iterator[Use]:
    """Uses in strings, comments and defined names of a Python file. Pure."""
    for number, line in _texts(text):
        yield from _in_line(file, number, line)


def in_comments(file: str, text: str) -> Iterator[Use]:
    """Uses in the comments of a file in which `#` starts one. Pure."""
    for number, line in enumerate(text.splitlines(), start=1):
        for comment in COMMENT.findall(line):
            yield from _in_line(file, number, comment)


def _texts(text: str) -> Iterator[tuple[int, str]]:
    """(line number, line) of each string, comment and defined name; a name with spaces between its words."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from enumerate(node.value.splitlines(), start=node.lineno)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.lineno, node.name.replace("_", " ")
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg.replace("_", " ")
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id.replace("_", " ")
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def _in_line(file: str, number: int, line: str) -> Iterator[Use]:
    for word in WORDS:
        for match in re.finditer(rf"\b(?:{word.pattern})\b", line, re.IGNORECASE):
            yield Use(file, number, match.group(), word.instead)


def checked_files(root: Path = REPOSITORY) -> Iterator[Path]:
    """The files that are checked: those of people, not those that commands write."""
    markdown = [*root.glob("*.md"), *(root / "docs").rglob("*.md")]
    code = [path for package in PACKAGES for path in (root / package).rglob("*.py")]
    commented = [path for pattern in COMMENTED for path in root.glob(pattern)]
    for path in sorted([*markdown, *code, *commented]):
        if not path.relative_to(root).as_posix().startswith(LEFT_OUT) and path != Path(__file__):
            yield path


def found_in(path: Path, root: Path = REPOSITORY) -> list[Use]:
    """Every use in one file."""
    read = {".py": in_python, ".md": in_markdown}.get(path.suffix, in_comments)
    return [*read(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8"))]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--list", "listed", is_flag=True, help="Print the words and stop.")
def main(listed: bool) -> None:
    """Check the words of documentation and messages."""
    if listed:
        for word in WORDS:
            click.echo(f"{word.pattern}: {word.instead}")
        return
    found = [use for path in checked_files() for use in found_in(path)]
    for use in found:
        click.echo(str(use), err=True)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
