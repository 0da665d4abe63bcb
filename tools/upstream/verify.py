"""`python -m tools verify-upstream`: upstream charts compared with the facts and a real API server."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click

from catalog.upstream import chart_file
from catalog.versions import CHARTS, CRDS
from simulator.cluster import Cluster
from tools.commands import ensure_showing_progress
from tools.errors import ToolError
from tools.toolchain import Toolchain
from tools.upstream.charts import documents, unpacked
from tools.upstream.commands import CRD_CHARTS, chart_facts_now, pinned, read_manifest, recorded_cases
from tools.upstream.facts import Case, chart_path, flattened
from tools.upstream.render import Helm
from tools.upstream.write import difference

WAIT = ("wait", "--for=condition=Established", "--timeout=60s", "crd", "--all")


@dataclass
class Result:
    """Result for one chart."""

    chart: str
    place: str = ""
    missing: str = ""
    """Why the chart is not available."""
    differences: list[str] = field(default_factory=list)
    """Lines of the facts that differ."""
    applied: int = 0
    """Objects that the API server accepted."""
    refused: list[str] = field(default_factory=list)
    """What the API server answered for the others."""

    @property
    def good(self) -> bool:
        return not (self.differences or self.refused)

    def line(self) -> str:
        """One row of the table that the command prints."""
        name = f"{self.chart} {CHARTS[self.chart].version}"
        if self.missing:
            return f"{name:<36} not available: {self.missing}"
        facts = "as upstream" if not self.differences else f"{len(self.differences)} lines differ"
        return f"{name:<36} facts: {facts}; API server: {self.applied} accepted, {len(self.refused)} refused"


@click.command("verify-upstream")
@click.argument("charts", nargs=-1)
@click.option(
    "--charts",
    "folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder with the charts: <chart>-<version>/ or .tgz. Default: helm pulls them from the publishers.",
)
@click.option(
    "--files",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder with the manifests of the CRD sets, as for upstream-crds. Default: downloads.",
)
@click.option("--cases", type=click.Path(path_type=Path, exists=True), help="Recorded values. Default: recorded again.")
def verify_upstream(charts: tuple[str, ...], folder: Path | None, files: Path | None, cases: Path | None) -> None:
    """Render upstream's CHARTS (default: all), compare them with catalog/upstream and with a real API server.

    The API server is the embedded cluster's, with the CRDs of every set as upstream publishes them. Each object that a
    chart renders with our values is applied as a server-side dry run under strict validation; nothing is kept.
    """
    unknown = sorted(set(charts) - set(CHARTS))
    if unknown:
        raise ToolError(f"there is no chart {', '.join(unknown)}. There are: {', '.join(CHARTS)}.")
    toolchain = ensure_showing_progress()
    recorded = recorded_cases(cases)
    with tempfile.TemporaryDirectory(prefix="verify-upstream-") as scratch:
        results = verified(charts or tuple(CHARTS), toolchain, recorded, folder, files, Path(scratch))
    for result in results:
        click.echo("\n".join([*result.differences, *result.refused]), nl=bool(result.differences or result.refused))
    click.echo("\n".join(result.line() for result in results))
    if all(result.missing for result in results):
        raise ToolError(
            "no chart is available. Name a folder that contains them (--charts), or run it where helm can pull them."
        )
    if not all(result.good for result in results):
        raise ToolError("upstream differs from the facts or the values (above); docs/upstream.md explains what to do.")


def verified(
    charts: Sequence[str],
    toolchain: Toolchain,
    recorded: Mapping[str, list[Case]],
    folder: Path | None,
    files: Path | None,
    scratch: Path,
) -> list[Result]:
    """Every chart, compared and applied. Raises ToolError if the CRDs are not available."""
    helm = Helm(toolchain.path("helm"))
    results, found = [], []
    for name in charts:
        result = Result(name)
        results.append(result)
        try:
            place = located(helm, name, folder, scratch)
        except ToolError as error:
            result.missing = error.message
            continue
        result.place = str(place)
        crd_chart = (
            located(helm, CRD_CHARTS[name], folder, scratch, CHARTS[name].version) if name in CRD_CHARTS else None
        )
        with unpacked(place) as chart:
            facts = chart_facts_now(helm, chart, recorded, crd_chart, pinned(chart, place))
            result.differences = difference(facts, chart_file(name, CHARTS[name].version))
        found.append((result, place))
    if found:
        with api_server(toolchain, files, scratch) as server:
            for result, place in found:
                apply_all(server, helm, result, place, recorded.get(result.chart, []))
    return results


def located(helm: Helm, name: str, folder: Path | None, scratch: Path, version: str = "") -> Path:
    """The chart in the folder, or pulled. Raises ToolError if it is not available."""
    version = version or CHARTS[name].version
    if folder is not None:
        place = chart_path(folder, name, version)
        if place is None:
            raise ToolError(f"{folder} has no {name}-{version}")
        return place
    needing = next((chart for chart, crds in CRD_CHARTS.items() if crds == name), name)
    location = CHARTS[needing].location.replace(needing, name)
    where = [location] if location.startswith("oci://") else [name, "--repo", location]
    answer = subprocess.run(
        [str(helm.program), "pull", *where, "--version", version, "--destination", str(scratch)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    place = chart_path(scratch, name, version)
    if answer.returncode or place is None:
        words = answer.stderr.strip().splitlines() or ["helm pull left no archive"]
        raise ToolError(words[-1][:200])
    return place


@dataclass(frozen=True)
class Server:
    """An API server, for kubectl."""

    program: Path
    kubeconfig: Path

    def kubectl(self, *arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.program), "--kubeconfig", str(self.kubeconfig), *arguments],
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )


@contextmanager
def api_server(toolchain: Toolchain, files: Path | None, scratch: Path) -> Iterator[Server]:
    """The embedded API server with upstream's CRDs; deleted afterwards."""
    manifests = [read_manifest(url, files, name, CRDS[name].version) for name in CRDS for url in CRDS[name].urls]
    cluster = Cluster("verify-upstream", home=scratch)
    try:
        cluster.start(toolchain)
        server = Server(toolchain.path("kubectl"), cluster.kubeconfig)
        answer = server.kubectl(
            "apply", "--server-side", "--force-conflicts", "-f", "-", text="\n---\n".join(manifests)
        )
        if answer.returncode:
            raise ToolError(f"the API server refuses CRDs of upstream: {answer.stderr.strip()}")
        server.kubectl(*WAIT)
        yield server
    finally:
        cluster.delete()


def apply_all(server: Server, helm: Helm, result: Result, place: Path, cases: Sequence[Case]) -> None:
    """Everything that the chart renders, in each case."""
    with unpacked(place) as chart:
        for case in cases:
            text = helm.render(chart.path, chart.name, case.namespace, case.values, "--skip-crds", "--no-hooks")
            objects = list(flattened(documents(text)))
            namespaces = {case.namespace, *(one["metadata"].get("namespace", case.namespace) for one in objects)}
            for namespace in sorted(namespaces):
                server.kubectl("create", "namespace", namespace)
            accepted, refused = dry_run(server, case.namespace, text)
            result.applied += accepted
            result.refused += [f"{result.chart} ({case.name}): {line}" for line in refused]


def dry_run(server: Server, namespace: str, text: str) -> tuple[int, list[str]]:
    """The number of objects that the API server accepts, and its messages about the others."""
    # Namespace from the context, not as a flag: with the flag kubectl refuses objects of other namespaces.
    server.kubectl("config", "set-context", "--current", f"--namespace={namespace}")
    options = ("--server-side", "--dry-run=server", "--validate=strict")
    answer = server.kubectl("apply", *options, "-f", "-", text=text)
    accepted = sum("serverside-applied" in line for line in answer.stdout.splitlines())
    refused = [line for line in answer.stderr.splitlines() if line.strip() and not line.startswith("Warning:")]
    return accepted, refused
