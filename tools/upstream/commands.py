"""`python -m tools upstream` and `upstream-crds`: write the facts of upstream charts and CRDs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime, timezone
from operator import itemgetter
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import click

from catalog.upstream import chart_file, crds_file
from catalog.upstream.crd_schemas import kinds_of, schemas_file
from catalog.upstream.objects import crd_facts
from catalog.versions import CHARTS, CRDS
from simulator.crds import KINDS
from tools.commands import ensure_showing_progress
from tools.errors import ToolError
from tools.toolchain import ROOT
from tools.upstream.charts import ChartFolder, documents, unpacked
from tools.upstream.facts import Case, chart_path, crds_of, facts_of
from tools.upstream.render import Helm
from tools.upstream.write import difference, text_of, with_old_date

CRD_CHARTS = {"kserve-resources": "kserve-crd"}
"""Charts whose CRDs upstream publishes as a separate chart, in the same place and version."""

RECORDER = "tests.upstream.cases"


@click.command()
@click.argument("charts", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Write nothing; print what differs and exit with 1.")
@click.option(
    "--source", default="", help="Repository and tag that the chart was read from. Default: the pin's source."
)
@click.option("--helm", "program", type=click.Path(path_type=Path), help="The helm to use. Default: the toolchain's.")
@click.option("--cases", type=click.Path(path_type=Path, exists=True), help="Recorded values. Default: recorded again.")
def upstream(charts: tuple[Path, ...], check: bool, source: str, program: Path | None, cases: Path | None) -> None:
    """Write the facts of upstream charts into catalog/upstream.

    CHARTS are folders or .tgz files of the versions that catalog/versions.py pins. Each is rendered with the values
    that the four stack files and the complete case of each component set in it, without hooks, as the Kubernetes
    provider does. A chart of CRDs (kserve-crd) must be next to the chart that needs it.
    """
    helm = Helm(program or ensure_showing_progress().path("helm"))
    recorded = recorded_cases(cases)
    differs = [path for path in charts if not _one(helm, path, recorded, source, check)]
    if differs:
        raise ToolError(f"{len(differs)} of {len(charts)} differ from catalog/upstream; write them without --check.")


def _one(helm: Helm, path: Path, recorded: Mapping[str, list[Case]], source: str, check: bool) -> bool:
    with unpacked(path) as chart:
        pin = pinned(chart, path)
        crd_chart = chart_path(path.parent, CRD_CHARTS[chart.name], chart.version) if chart.name in CRD_CHARTS else None
        facts = chart_facts_now(helm, chart, recorded, crd_chart, source or pin)
    return settled(facts, chart_file(chart.name, chart.version), check)


def chart_facts_now(
    helm: Helm, chart: ChartFolder, recorded: Mapping[str, list[Case]], crd_chart: Path | None, source: str
) -> Mapping[str, Any]:
    """The facts of a chart on disk."""
    crds = crds_of(helm, chart)
    if chart.name in CRD_CHARTS:
        if crd_chart is None:
            raise ToolError(f"{chart.name} needs {CRD_CHARTS[chart.name]} {chart.version} next to it, for its CRDs.")
        with unpacked(crd_chart) as companion:
            crds = [*crds, *crds_of(helm, companion)]
    return facts_of(helm, chart, recorded.get(chart.name, []), crds, source, today())


def pinned(chart: ChartFolder, path: Path) -> str:
    """The source of the pin. Raises ToolError if the chart or its version is not the pinned one."""
    if chart.name not in CHARTS:
        raise ToolError(
            f"{path} is the chart {chart.name!r}, which the platform does not install (catalog/versions.py)."
        )
    pin = CHARTS[chart.name]
    if chart.version.removeprefix("v") != pin.version.removeprefix("v"):
        raise ToolError(
            f"{path} is {chart.name} {chart.version}, but catalog/versions.py pins {pin.version}. "
            "Fetch the pinned version, or change the pin first."
        )
    return pin.source


def settled(facts: Mapping[str, Any], path: Path, check: bool) -> bool:
    """Write the file, or compare with it. Returns whether it was right already, or is now."""
    lines = difference(facts, path)
    if check:
        click.echo("\n".join(lines) if lines else f"{path.name}: as upstream")
        return not lines
    path.write_text(text_of(with_old_date(facts, path)), encoding="utf-8")
    click.echo(f"{path.relative_to(ROOT)}: {f'{len(lines)} lines changed' if lines else 'unchanged'}")
    return True


def recorded_cases(path: Path | None) -> dict[str, list[Case]]:
    """The values that our code sets, by chart; recorded again (20 s) unless a file with them is given."""
    if path is None:
        command = [sys.executable, "-m", RECORDER]
        answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if answer.returncode:
            raise ToolError(
                f"the values of the stacks cannot be recorded ({' '.join(command)}): {answer.stderr[-1500:]}"
            )
        text = answer.stdout
    else:
        text = path.read_text(encoding="utf-8")
    found: dict[str, list[Case]] = {}
    for one in json.loads(text):
        found.setdefault(one["chart"], []).append(Case(one["case"], one["namespace"], one["values"]))
    return found


def today() -> str:
    return datetime.now(tz=timezone.utc).date().isoformat()


@click.command("upstream-crds")
@click.argument("sets", nargs=-1, required=True)
@click.option("--check", is_flag=True, help="Write nothing; print what differs and exit with 1.")
@click.option(
    "--files",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder with the manifests, each at the end of its address or in <set>-<version>/. Default: downloads.",
)
@click.option("--source", default="", help="Repository and tag that they were read from. Default: the pin's source.")
def upstream_crds(sets: tuple[str, ...], check: bool, files: Path | None, source: str) -> None:
    """Write which CRDs the manifests of the SETS define, and the fields of the kinds that simulator/crds.py names.

    SETS are keys of catalog.versions.CRDS, or `all`.
    """
    names = list(CRDS) if sets == ("all",) else sets
    differs = []
    for name in names:
        if name not in CRDS:
            raise ToolError(f"there is no CRD set {name!r}. There are: {', '.join(CRDS)}.")
        pin = CRDS[name]
        manifests = {url: _crds(read_manifest(url, files, name, pin.version)) for url in pin.urls}
        head = {"set": name, "version": pin.version, "source": source or pin.source, "date": today()}
        defined = {url: sorted(map(crd_facts, crds), key=itemgetter("name")) for url, crds in manifests.items()}
        served = [crd for crds in manifests.values() for crd in crds if crd["spec"]["names"]["kind"] in _served(name)]
        kinds, shapes = kinds_of(served)
        settled_both = (
            settled({**head, "files": defined}, crds_file(name, pin.version), check),
            settled({**head, "kinds": kinds, "shapes": shapes}, schemas_file(name, pin.version), check),
        )
        if not all(settled_both):
            differs.append(name)
    if differs:
        raise ToolError(f"{', '.join(differs)}: differ from catalog/upstream; write them without --check.")


def _served(name: str) -> list[str]:
    return KINDS.get(name, "").split()


def _crds(text: str) -> list[dict[str, Any]]:
    return [one for one in documents(text) if one["kind"] == "CustomResourceDefinition"]


def read_manifest(url: str, files: Path | None, name: str, version: str) -> str:
    """The manifest at an address, from a folder or from the internet. Raises ToolError if it is not available."""
    if files is None:
        try:
            with urlopen(url, timeout=30) as answer:  # noqa: S310 - addresses of the table of versions
                return str(answer.read().decode())
        except (URLError, OSError) as error:
            raise ToolError(f"{url} cannot be read: {error}. Name a folder that contains it with --files.") from None
    tail = url.split("/")[3:]
    for start in range(len(tail)):
        place = files.joinpath(*tail[start:])
        if place.is_file():
            return place.read_text(encoding="utf-8")
    whole = files / f"{name}-{version}"
    for one in sorted(whole.rglob(tail[-1])):
        return one.read_text(encoding="utf-8")
    if whole.is_dir() and len(CRDS[name].urls) == 1:
        return "\n---\n".join(one.read_text(encoding="utf-8") for one in sorted(whole.rglob("*.yaml")))
    raise ToolError(f"{files} has no file for {url}: {place.name}, or the manifests of the set in {whole.name}/.")
