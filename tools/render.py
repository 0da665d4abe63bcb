"""`python -m tools render report.json …`: one report of several, in any format, without a preview."""

from pathlib import Path

import click
from pydantic import ValidationError

from report.document import VERSION, Report, StackReport
from tools.errors import ToolError
from tools.preview import format_option, look_option, out_option, reporting


def combined(files: tuple[Path, ...]) -> Report:
    """The stacks of all documents, by name; of a stack that is in several, the last. Raises ToolError for a file that
    is no report of this version."""
    stacks: dict[str, StackReport] = {}
    for path in files:
        try:
            made = Report.model_validate_json(path.read_bytes())
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, first["loc"])) or "the file"
            raise ToolError(f"{path}: no report of version {VERSION}: {place}: {first['msg']}") from None
        stacks |= {one.stack: one for one in made.stacks}
    return Report(stacks=tuple(stacks[name] for name in sorted(stacks)))


@click.command()
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
)
@format_option
@out_option
@look_option
def render(files: tuple[Path, ...], formats: tuple[str, ...], folder: Path | None, allow_look: bool) -> None:
    """Combine the JSON documents of previews into one report; exit codes as of preview."""
    reporting(lambda: combined(files), formats, folder, allow_look=allow_look)
