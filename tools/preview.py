"""`make preview`: what `up` would change, as a report that a reviewer can decide from. Changes nothing."""

import dataclasses
import datetime
import json
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import click
from rich.console import Console

from catalog.accelerators import ClusterKind
from components.findings import Refused
from report.comparison import Comparison, Exemption, Side
from report.document import Report, report
from report.plan import Plan
from report.render.html import as_html
from report.render.json import as_json
from report.render.markdown import as_markdown
from report.render.sarif import as_sarif
from report.render.text import as_text
from report.sections.verdict import Decision
from report.stream import read_plan
from settings.reader import from_file
from tools.backend import settings_file
from tools.engine import policy_config_file
from tools.errors import ToolError
from tools.events import Outcome
from tools.lifecycle import Lifecycle
from tools.run import Run
from tools.screen import Screen

PIPED_WIDTH = 120
"""Columns of a report that is printed into a pipe or a file."""
RENDERERS: dict[str, tuple[str, Callable[[Report], str]]] = {
    "text": ("report.txt", as_text),
    "markdown": ("report.md", as_markdown),
    "json": ("report.json", as_json),
    "sarif": ("report.sarif", as_sarif),
    "html": ("report.html", as_html),
}
"""Format -> name of its file, and what writes it."""


def plan_of(outcome: Outcome, stack: str) -> Plan:
    """The plan in the log of a preview."""
    with open(outcome.log, encoding="utf-8", errors="replace") as lines:
        plan = read_plan(lines, stack, outcome.exit_code)
    if outcome.interruptions:
        return dataclasses.replace(plan, problem="the preview was interrupted")
    return plan


def failed(stack: str, problem: str, today: datetime.date) -> Comparison:
    """A comparison that could not be made."""
    return Comparison(stack, Plan(stack, problem=problem), Side(), Side(), f"the state of stack {stack}", today)


def side(text: str, label: str) -> Side:
    """The settings of one side; none, with the findings, where the text is refused."""
    try:
        return Side(text, from_file(text), label=label)
    except Refused as refused:
        return Side(text, None, tuple(refused.findings), label)


def settings_at(project: Path, reference: str, stack: str) -> str:
    """The text of the settings file in a commit; empty if the commit or the file is not there."""
    command = ["git", "-C", str(project), "show", f"{reference}:./{settings_file(project, stack).name}"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=False, errors="replace")
    except FileNotFoundError:
        return ""
    return answer.stdout if answer.returncode == 0 else ""


def exemptions_of(project: Path, stack: str) -> tuple[Exemption, ...]:
    """The exemptions in policies/config.<stack>.json. What cannot be read there is reported by the engine."""
    path = policy_config_file(project, stack)
    try:
        content = json.loads(path.read_text(encoding="utf-8")) if path else {}
        return tuple(
            Exemption(policy, str(one["object"]), str(one["owner"]), datetime.date.fromisoformat(one["expires"]))
            for policy, config in content.items()
            if isinstance(config, dict)
            for one in config.get("exemptions") or ()
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return ()


@dataclasses.dataclass(frozen=True)
class Previews:
    """Previews of stacks against their state."""

    lifecycle: Lifecycle
    base: str = "HEAD"
    """The commit whose settings are those before the change."""
    look_first: bool = True
    """Whether an existing cluster is first asked what it already has."""

    def comparison(self, stack: str, today: datetime.date) -> Comparison:
        """The preview of one stack. What cannot be previewed is a comparison with a problem."""
        try:
            return self._comparison(stack, today)
        except ToolError as error:
            return failed(stack, error.format_message(), today)

    def _comparison(self, stack: str, today: datetime.date) -> Comparison:
        life = self.lifecycle
        with life.ready(stack) as (run, _):
            facts, plan = run.facts, plan_of(run.watched_preview(), stack)
            if self.look_first and facts.cluster_kind == ClusterKind.EXISTING and plan.first and not plan.problem:
                self._refuse_second_installs(run)
        before = "" if plan.first else settings_at(life.project, self.base, stack)
        after = settings_file(life.project, stack).read_text(encoding="utf-8")
        against = f"the state of stack {stack}"
        sides = side(before, self.base), side(after, "the working tree")
        exemptions = exemptions_of(life.project, stack)
        return Comparison(stack, plan, *sides, against, today, exemptions=exemptions, simulated=facts.simulated)

    def _refuse_second_installs(self, run: Run) -> None:
        if not run.engine.resources():
            self.lifecycle._refuse_second_installs(run)


def chosen_formats(_: click.Context, __: click.Parameter, value: str) -> tuple[str, ...]:
    """The names between commas. Raises BadParameter for one that is not known."""
    names = tuple(name.strip() for name in value.split(",") if name.strip())
    for name in names:
        if name not in RENDERERS:
            raise click.BadParameter(f"{name!r} is none of {', '.join(RENDERERS)}")
    return names or ("text",)


def stack_names(_: click.Context, __: click.Parameter, value: str) -> tuple[str, ...]:
    """The names between commas or spaces."""
    return tuple(dict.fromkeys(value.replace(",", " ").split()))


def written(made: Report, formats: Sequence[str], folder: Path) -> Iterable[Path]:
    """Writes each format into the folder; yields the files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in formats:
        file, render = RENDERERS[name]
        path = folder / file
        path.write_text(render(made), encoding="utf-8")
        yield path


def show(made: Report, formats: Sequence[str], folder: Path | None) -> None:
    """Prints the report, or writes its formats into a folder and prints it for the terminal too."""
    console = Console()
    width = console.width if console.is_terminal else PIPED_WIDTH
    if folder is None and formats != ("text",):
        for name in formats:
            click.echo(RENDERERS[name][1](made), nl=False)
        return
    click.echo(as_text(made, width=width, colours=console.is_terminal), nl=False, color=console.is_terminal)
    for path in written(made, formats, folder) if folder else ():
        click.echo(f"written    {path}")


def reporting(make: Callable[[], Report], formats: Sequence[str], folder: Path | None, *, allow_look: bool) -> None:
    """Makes and shows a report, and ends with the exit code of its decision; 3 too if the report itself fails.

    `allow_look`: end with 0 where a person must look. A caller that takes 1 for this verdict would also take it for a
    Python that cannot start.
    """
    failed = Decision.FAILED.exit_code
    try:
        made = make()
        show(made, formats, folder)
    except click.ClickException as error:
        error.show()
        sys.exit(failed)
    except (Exception, KeyboardInterrupt):
        traceback.print_exc()
        sys.exit(failed)
    sys.exit(0 if allow_look and made.decision is Decision.LOOK else made.decision.exit_code)


def today() -> datetime.date:
    """Of the world's clock."""
    return datetime.datetime.now(datetime.timezone.utc).date()


format_option = click.option(
    "--format",
    "formats",
    default="text",
    callback=chosen_formats,
    help=f"Formats between commas: {', '.join(RENDERERS)}.",
)
out_option = click.option(
    "--out",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write the formats into this folder. Without it they are printed.",
)


look_option = click.option("--allow-look", is_flag=True, help="End with 0, not 1, if a person must look.")


@click.command()
@click.option(
    "--stack", "stacks", default="dev", show_default=True, callback=stack_names, help="Stacks between commas."
)
@click.option("--base", default="HEAD", show_default=True, help="Commit whose settings are those before the change.")
@click.option("--no-detect", is_flag=True, help="Do not first detect what an existing cluster already has.")
@format_option
@out_option
@look_option
def preview(
    stacks: tuple[str, ...],
    base: str,
    no_detect: bool,
    formats: tuple[str, ...],
    folder: Path | None,
    allow_look: bool,
) -> None:
    """Show what `up` would change, checked by the policies; change nothing.

    Exit codes: 0 nothing to decide, 1 look, 2 blocked by a policy, 3 could not preview.
    """
    life = Lifecycle(screen=Screen(Console(stderr=True)))
    previews, now = Previews(life, base, look_first=not no_detect), today()
    reporting(
        lambda: report([previews.comparison(stack, now) for stack in stacks]), formats, folder, allow_look=allow_look
    )
