"""`verify-controllers`: builds upstream controllers from their Go modules and runs them on the platform's objects.

Each is built in a copy of its module, with the dependencies of its go.sum; the checksum of the module is pinned here.
Then `tests/controllers` starts it against an embedded API server and reports its reaction to our objects. The result is
a table and, with `--json`, a file. The service accounts of charts are not used: controllers run as administrator.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import click

from catalog.versions import CHARTS, IMAGES
from tools.build import LINKER_FLAGS, check_go, go_environment
from tools.commands import ensure_showing_progress
from tools.errors import ToolError
from tools.progress import Silent
from tools.store import Store, cache_root, this_platform
from tools.toolchain import ROOT

FOLDER_VARIABLE = "MLPLATFORM_CONTROLLERS"
"""Variable with the folder of the built controllers, for the tests; without it they are not collected."""
ANSWERS_VARIABLE = "MLPLATFORM_CONTROLLERS_ANSWERS"
"""Variable with the file that the tests write their results into."""
TESTS = ROOT / "tests" / "controllers"


@dataclass(frozen=True)
class UpstreamController:
    """One program and the Go module of its source."""

    name: str
    chart: str
    """The chart of `catalog.versions.CHARTS` that installs it."""
    module: str
    package: str
    nested: tuple[str, ...] = ()
    """Folders that go.mod replaces by modules of the same repository: Go omits them from the module, so they are
    added."""
    pinned: str = field(default="", repr=False)
    """Version of the module, if neither chart nor image name it."""
    tags: tuple[str, ...] = field(default=(), repr=False)
    """Build tags."""
    absent: tuple[str, ...] = field(default=(), repr=False)
    """Files that the package embeds and that the module does not have: built at a release. They are empty."""

    @property
    def version(self) -> str:
        """The version to build."""
        if self.pinned:
            return self.pinned
        # The image that the values name, else the chart's default.
        image = IMAGES.get(self.name)
        installed = f"v{(image.tag if image else CHARTS[self.chart].app_version).removeprefix('v')}"
        return NEAREST.get(f"{self.module}@{installed}", installed)


PROMTOOL = UpstreamController(
    "promtool",
    "kube-prometheus-stack",
    "github.com/prometheus/prometheus",
    "./cmd/promtool",
    # Prometheus 3.14.0, which the chart runs: the number of a Go module is 0.3<minor, two digits>.<patch>.
    pinned="v0.314.0",
    # Clients of clouds that our configurations never use: 700 packages fewer to compile.
    tags=("remove_all_sd", "enable_kubernetes_sd"),
)
OPERATOR = UpstreamController(
    "prometheus-operator",
    "kube-prometheus-stack",
    "github.com/prometheus-operator/prometheus-operator",
    "./cmd/operator",
    nested=("pkg/apis/monitoring", "pkg/client"),
)
CONTROLLERS: tuple[UpstreamController, ...] = (
    UpstreamController("cloudnative-pg", "cloudnative-pg", "github.com/cloudnative-pg/cloudnative-pg", "./cmd/manager"),
    UpstreamController("kserve", "kserve-resources", "github.com/kserve/kserve", "./cmd/manager"),
    OPERATOR,
    # The module of promtool: what both need is compiled once.
    replace(PROMTOOL, name="prometheus", package="./cmd/prometheus"),
    UpstreamController("metallb", "metallb", "go.universe.tf/metallb", "./controller"),
    UpstreamController("envoy-gateway", "gateway-helm", "github.com/envoyproxy/gateway", "./cmd/envoy-gateway"),
    UpstreamController(
        "node-feature-discovery",
        "node-feature-discovery",
        "sigs.k8s.io/node-feature-discovery",
        "./cmd/nfd-master",
        nested=("api/nfd",),
    ),
)

HELPERS: Mapping[str, tuple[UpstreamController, ...]] = {
    OPERATOR.name: (PROMTOOL,),
    "prometheus": (
        OPERATOR,
        replace(OPERATOR, name="prometheus-config-reloader", package="./cmd/prometheus-config-reloader"),
        UpstreamController(
            "alertmanager",
            "kube-prometheus-stack",
            "github.com/prometheus/alertmanager",
            "./cmd/alertmanager",
            pinned="v0.34.0",
            absent=("ui/app/dist/index.html",),
        ),
        UpstreamController(
            "kube-state-metrics", "kube-prometheus-stack", "k8s.io/kube-state-metrics/v2", ".", pinned="v2.20.0"
        ),
    ),
}
"""Controller -> programs that validate its output, or that run with it. A statement that needs one is skipped if it
cannot be built."""

NEAREST: Mapping[str, str] = {
    # Its dependencies github.com/cloudnative-pg/machinery and barman-cloud v0.6.0: 403 (2026-11-30).
    "github.com/cloudnative-pg/cloudnative-pg@v1.30.1": "v1.30.0",
    # Its dependency github.com/metallb/frr-k8s v0.0.27: the same.
    "go.universe.tf/metallb@v0.16.2": "v0.16.1",
}
"""`module@version` that cannot be built from the Go module proxy -> the nearest version that can."""

SUMS: Mapping[str, str] = {
    "github.com/cloudnative-pg/cloudnative-pg@v1.30.0": "h1:fnhVq44xXx97MNiuvJsPrX1vSjYbgdyBK5MSGfdHdp0=",
    "github.com/cloudnative-pg/cloudnative-pg@v1.30.1": "h1:d1jxp0jQi7/3zrEhsv9ycD+G5ssmkNvDvTmogaGccCw=",
    "github.com/kserve/kserve@v0.20.0": "h1:Bs7HxmGV4KFqqptDcWseKv+mwD4YOYHJWcuVgPG2Gug=",
    "github.com/prometheus-operator/prometheus-operator@v0.93.1": "h1:4Juk8v93RdG1DSGD/mGp+SeQKPmnlLIj2iq3blLZgFY=",
    "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring@v0.93.1": "h1:RP+/GISMkna7VpDx3wa52oYIyIjNU+iQxV6sDnY2uCA=",  # noqa: E501
    "github.com/prometheus-operator/prometheus-operator/pkg/client@v0.93.1": "h1:7YkYgCkIGPSy7gTuua0CUQ5M5bOhBKL59GhhUQwZyhY=",  # noqa: E501
    "go.universe.tf/metallb@v0.16.1": "h1:iVtjCslcUFMOEvuNeAyW2ygZxyW+6YjnNcEuCTOZezc=",
    "go.universe.tf/metallb@v0.16.2": "h1:RCSAGoZmqcvTg0e56+Okbwz8iTuQVX30JpKX5mYEPUM=",
    "github.com/prometheus/alertmanager@v0.34.0": "h1:z75n0NoypggESmt3HD4JlTXOaOZj1EBz1ACHO4Z6EUk=",
    "k8s.io/kube-state-metrics/v2@v2.20.0": "h1:edO7hyGs1MqZhbUbzWW1YRTV3afZOIbvHNvOCaJjuU4=",
    "github.com/prometheus/prometheus@v0.314.0": "h1:YjsimqsIi6/mOtzZcrPEYUALO6zpfaht9O5sXqDz2vg=",
    "github.com/envoyproxy/gateway@v1.9.1": "h1:vAVp6/AlBXJ1aOhp1mxL7fNEzVEfjADUguUhm2wzxQY=",
    "sigs.k8s.io/node-feature-discovery@v0.19.0": "h1:9CYm16vjSIbNO5Z1Y67rcrfy51YWmy3+6wjiWzJbrC4=",
    "sigs.k8s.io/node-feature-discovery/api/nfd@v0.19.0": "h1:728XlQVoIxz/3ONPXSRyxiTmrptZ6olZU7OLERUBCp4=",
    "sigs.k8s.io/gateway-api@v1.6.1": "h1:mock6phZbI6rvZerwrVNk7hVNymQgHo+6sJ81Ia7ftY=",
    "github.com/cert-manager/cert-manager@v1.21.2": "h1:UWgoYM+KLNtRlqmoWOKjKBOBUPVHeepQ6/ac3ERJW68=",
}
"""`module@version` -> checksum of the module (`go mod download -json` prints it)."""

STATEMENTS_SECONDS = 900.0
"""Time limit for the tests of one controller; on two busy cores the slowest take two minutes. Every wait in them has a
limit too, so this one applies only to a program that they do not watch."""
ENDING_SECONDS = 90.0
"""Time for interrupted tests to end their programs and to write their results."""

CONTROLLER_BY_NAME = {controller.name: controller for controller in CONTROLLERS}


@dataclass(frozen=True)
class Built:
    """Result of building one controller."""

    name: str
    module: str
    seconds: float
    """0 if it was built before."""
    problem: str = ""
    """Why the build failed, as the failed program printed it."""

    @property
    def outcome(self) -> str:
        """In words."""
        if self.problem:
            return f"not built: {self.problem}"
        return f"built in {self.seconds:.0f} s" if self.seconds else "there"


def module_directory(module: str, version: str, environment: Mapping[str, str]) -> Path:
    """Directory of the module's files, downloaded if they are missing. Raises ToolError."""
    wanted = f"{module}@{version}"
    if wanted not in SUMS:
        raise ToolError(f"{wanted}: its checksum is not pinned. Add the `Sum` of `go mod download -json {wanted}`.")
    answer = subprocess.run(
        ["go", "mod", "download", "-json", wanted],
        env={**go_environment(environment), "GOFLAGS": "-mod=mod"},
        cwd=ROOT / "tools" / "go" / "kubernetes",
        capture_output=True,
        text=True,
        check=False,
    )
    found = json.loads(answer.stdout or "{}")
    if "Dir" not in found:
        raise ToolError(f"{wanted}: {found.get('Error') or answer.stderr.strip()}")
    if found["Sum"] != SUMS[wanted]:
        raise ToolError(f"{wanted}: its checksum is {found['Sum']}, the pinned one is {SUMS[wanted]}")
    return Path(found["Dir"])


def build(controller: UpstreamController, store: Store, environment: Mapping[str, str]) -> Built:
    """Builds one controller into the cache, if it is missing."""
    module = f"{controller.module}@{controller.version}"
    target = directory(controller, store)
    began = time.monotonic()
    try:
        if not (target / controller.name).is_file():
            with store.becoming(target) as (finished, scratch):
                _build(controller, finished, scratch, environment)
            return Built(controller.name, module, round(time.monotonic() - began, 1))
    except ToolError as error:
        return Built(controller.name, module, round(time.monotonic() - began, 1), error.message)
    return Built(controller.name, module, 0)


def directory(controller: UpstreamController, store: Store) -> Path:
    """Directory of a controller in the cache."""
    sums = sorted(value for module, value in SUMS.items() if module.startswith(controller.module))
    here, facts = this_platform(), repr((controller, controller.version, sums, LINKER_FLAGS, *controller.tags))
    recipe = hashlib.sha256(facts.encode()).hexdigest()[:12]
    name = f"{controller.name}-{controller.version}-{here.system}-{here.architecture}-built-{recipe}"
    return store.root / "controllers" / name


def _build(controller: UpstreamController, finished: Path, scratch: Path, environment: Mapping[str, str]) -> None:
    sources = scratch / "module"
    _copy(module_directory(controller.module, controller.version, environment), sources)
    for folder in controller.nested:
        _copy(module_directory(f"{controller.module}/{folder}", controller.version, environment), sources / folder)
    for name in controller.absent:
        (sources / name).parent.mkdir(parents=True, exist_ok=True)
        (sources / name).touch()
    command = ["go", "build", "-trimpath", f"-ldflags={LINKER_FLAGS}", "-gcflags=all=-dwarf=false"]
    command += [f"-tags={','.join(controller.tags)}"] if controller.tags else []
    answer = subprocess.run(
        ["nice", *command, "-o", str(finished / controller.name), controller.package],
        cwd=sources,
        # The pinned toolchain: a module may name a newer one, which would be downloaded.
        env={**go_environment(environment), "GOTOOLCHAIN": "local", "GOTMPDIR": str(scratch)},
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode:
        said = [line for line in answer.stderr.splitlines() if not line.startswith("go: downloading")]
        raise ToolError("\n".join(said)[-1500:] or f"go build ended with {answer.returncode}")


def _copy(source: Path, target: Path) -> None:
    """Copies a module: Go keeps its files read-only."""
    shutil.copytree(source, target, dirs_exist_ok=True, copy_function=shutil.copyfile)
    for folder in (target, *(path for path in target.rglob("*") if path.is_dir())):
        folder.chmod(0o755)


def build_all(names: Sequence[str], environment: Mapping[str, str]) -> tuple[Path, list[Built]]:
    """Builds these controllers and their helpers, and links the built ones into one folder."""
    check_go(environment)
    store = Store(cache_root(environment))
    wanted = dict.fromkeys(one for name in names for one in (CONTROLLER_BY_NAME[name], *HELPERS.get(name, ())))
    built = []
    with store.installing(Silent()):
        for program in wanted:
            click.echo(f"{program.name} {program.version}: building from {program.module}", err=True)
            built.append(build(program, store, environment))
            click.echo(f"{program.name} {program.version}: {built[-1].outcome}", err=True)
    folder = store.root / "controllers" / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    for program in (*CONTROLLERS, *(one for helpers in HELPERS.values() for one in helpers)):
        file, entry = directory(program, store) / program.name, folder / program.name
        entry.unlink(missing_ok=True)
        if file.is_file():
            entry.symlink_to(file)
    return folder, built


def programs(
    wanted: Sequence[UpstreamController], environment: Mapping[str, str], report: Callable[[str], None]
) -> dict[str, Path]:
    """Programs by name, built where they are missing. Raises ToolError."""
    store = Store(cache_root(environment))
    files = {one.name: directory(one, store) / one.name for one in wanted}
    missing = [one for one in wanted if not files[one.name].is_file()]
    if not missing:
        return files
    check_go(environment)
    with store.installing(Silent()):
        for number, one in enumerate(missing, 1):
            report(f"building {one.name} {one.version} from its Go module ({number} of {len(missing)})")
            if (answer := build(one, store, environment)).problem:
                raise ToolError(f"{one.name} {one.version} could not be built: {answer.problem}")
    return files


def statements(
    folder: Path, names: Sequence[str], answers: Path, environment: Mapping[str, str]
) -> list[dict[str, str]]:
    """Runs the tests of each controller. Results: controller, statement, result, problem."""
    found = []
    for number, name in enumerate(names, 1):
        click.echo(f"{name} ({number} of {len(names)}): testing with the platform's objects", err=True)
        answers.unlink(missing_ok=True)
        began = time.monotonic()
        problem = _run_tests(name, {**environment, FOLDER_VARIABLE: str(folder), ANSWERS_VARIABLE: str(answers)})
        rows: list[dict[str, str]] = json.loads(answers.read_text(encoding="utf-8")) if answers.exists() else []
        if problem or not rows:
            problem = problem or "its tests ended without a statement"
            rows.append({"controller": name, "statement": "its tests end", "result": "failed", "problem": problem})
        found += rows
        failed = sum(row["result"] == "failed" for row in rows)
        click.echo(f"{name}: {len(rows)} statements, {failed} failed, {time.monotonic() - began:.0f} s", err=True)
    return found


def _run_tests(name: str, environment: Mapping[str, str]) -> str:
    """Runs one controller's tests. Returns why they did not end, or an empty text."""
    command = [sys.executable, "-m", "pytest", "-p", "no:xdist", "-vv", "--no-header"]
    # A command in the background of a shell ignores SIGINT, and so would pytest if it inherited that.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(
            [*command, str(TESTS / f"test_{name.replace('-', '_')}.py")], cwd=ROOT, env=environment
        )
    finally:
        signal.signal(signal.SIGINT, before)
    try:
        process.wait(STATEMENTS_SECONDS)
    except subprocess.TimeoutExpired:
        # Like Ctrl-C: pytest prints its position, ends the cluster and writes the results.
        process.send_signal(signal.SIGINT)
        try:
            process.wait(ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        return f"not done after {STATEMENTS_SECONDS:.0f} s: see the output above for where"
    return ""


def table(built: Sequence[Built], found: Sequence[Mapping[str, str]]) -> str:
    """Both as text: one line for each controller and for each statement about it. Pure."""
    lines = []
    for one in built:
        lines.append(f"{one.name:<24} {one.module}: {one.outcome}")
        lines += [
            f"    {row['result']:<8} {row['statement']}"
            + (f"\n             {row['problem']}" if row["problem"] else "")
            for row in found
            if row["controller"] == one.name
        ]
    return "\n".join(lines)


@click.command("verify-controllers")
@click.argument("names", nargs=-1, type=click.Choice(list(CONTROLLER_BY_NAME)))
@click.option("--json", "file", type=click.Path(dir_okay=False, path_type=Path), help="Write the answer there as JSON.")
def verify_controllers(names: Sequence[str], file: Path | None) -> None:
    """Build upstream's controllers and run them on the platform's objects. Takes up to an hour the first time."""
    ensure_showing_progress()
    chosen = names or tuple(CONTROLLER_BY_NAME)
    folder, built = build_all(chosen, os.environ)
    ready = [one.name for one in built if not one.problem and one.name in chosen]
    found = statements(folder, ready, folder / "answers.json", os.environ)
    click.echo(table(built, found))
    if file:
        answer = {"built": [asdict(one) for one in built], "statements": found}
        file.write_text(json.dumps(answer, indent=1), encoding="utf-8")
    if any(one.problem for one in built) or not found or any(row["result"] == "failed" for row in found):
        raise ToolError("not every controller could be built and takes what the platform declares: see above")
