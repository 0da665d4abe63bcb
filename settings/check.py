"""`python -m settings.check Pulumi.dev.yaml`: validate settings, without an engine; `--schema`: for editors."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from components.findings import Finding, Refused
from settings.reader import from_file, model_from_file
from settings.schema import stack_file_schema
from settings.settings import Settings


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--schema",
    is_flag=True,
    help="Print the JSON Schema of a Pulumi.<stack>.yaml, with the sections of the workloadKinds in FILES, and stop.",
)
def main(files: tuple[Path, ...], schema: bool) -> None:
    """Validate stack settings: print every problem with its path, rule and remedy. Changes nothing."""
    if schema:
        click.echo(json.dumps(_schema(*files), indent=2))
        return
    if not files:
        raise click.UsageError("name a settings file, such as Pulumi.dev.yaml")
    valid = [_is_valid(path) for path in files]  # all of them, even after an invalid one
    sys.exit(0 if all(valid) else 1)


def _schema(*files: Path) -> dict[str, Any]:
    if len(files) > 1:
        raise click.UsageError("a schema is of one settings file")
    try:
        return stack_file_schema(*(model_from_file(path.read_text(encoding="utf-8")) for path in files))
    except (Refused, UnicodeDecodeError) as error:
        raise click.ClickException(f"{files[0]}: {error}") from None


def _is_valid(path: Path) -> bool:
    try:
        settings = from_file(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        found = Finding("the file", "bytes that are no UTF-8", "text in UTF-8", "name a settings file, saved as UTF-8")
        click.echo(f"{path}: {Refused('settings', [found])}", err=True)
        return False
    except Refused as refused:
        click.echo(f"{path}: {refused}", err=True)
        return False
    click.echo(f"{path}: good. {_in_one_line(settings)}")
    return True


def _in_one_line(settings: Settings) -> str:
    devices = settings.ledger.devices_by_accelerator()
    hardware = ", ".join(f"{count} {name}" for name, count in sorted(devices.items())) or "no accelerators"
    return (
        f"{settings.cluster.kind} cluster, {len(settings.cluster.pools)} pools, {hardware}, {len(settings.teams)} teams"
    )


if __name__ == "__main__":
    main()
