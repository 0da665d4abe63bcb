"""Upstream's controllers as programs on this computer, on an embedded API server of their own.

`python -m tools verify-controllers` builds them and runs these tests; without it they are not collected. Each has the
CRDs that `catalog.versions` installs, read from the controller's own Go module, and none of the simulator's rules
for custom resources. Nodes and pods are simulated. Controllers run as administrator, so their roles are not proved.
"""

import copy
import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml

from catalog.versions import CONVERSIONS, CRDS
from simulator.behaviour import bundled
from simulator.cluster import Cluster
from tests.engine.conftest import LiveCluster
from tests.support.definitions import established
from tests.support.platforms import CHART, clear, manifests, recorded_platform
from tests.support.webhook import ADDRESS, certificate
from tools import toolchain as toolchains
from tools.controllers import ANSWERS_VARIABLE, CONTROLLER_BY_NAME, FOLDER_VARIABLE, module_directory
from tools.progress import Silent
from tools.toolchain import Toolchain

TESTED = [path.stem.removeprefix("test_").replace("_", "-") for path in Path(__file__).parent.glob("test_*.py")]
"""Controllers that a file states something about."""
collect_ignore_glob = [] if FOLDER_VARIABLE in os.environ else ["test_*.py"]

GATEWAY_API = "sigs.k8s.io/gateway-api"
_MODULES = {
    "https://github.com/cert-manager/cert-manager/": ("github.com/cert-manager/cert-manager", "deploy/crds"),
    "https://github.com/kubernetes-sigs/gateway-api/": (GATEWAY_API, "config/crd/standard"),
}
"""Release assets -> the module and the folder that they are made of."""
KUBECTL_SECONDS = 120.0
"""How long one command may take: deletions wait for finalizers that a controller has to remove."""
_answers: list[dict[str, str]] = []
_running: list["Program"] = []


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Every test is a statement about the controller that its file is named after."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if report.failed:
        report.sections += [(f"last words of {program.log.name}", program.last_words) for program in _running]
    if report.when == "call" or not report.passed:
        name = item.path.stem.removeprefix("test_").replace("_", "-")
        statement = item.name.removeprefix("test_").replace("_", " ")
        problem = "" if report.passed else _words(report)
        _answers.append({"controller": name, "statement": statement, "result": report.outcome, "problem": problem})


def _words(report: pytest.TestReport) -> str:
    """Why a test failed or was skipped, and what the controllers said last."""
    if report.skipped and isinstance(report.longrepr, tuple):
        return report.longrepr[2]
    heard = [f"{title}:\n{text}" for title, text in report.sections if title.startswith("last words")]
    return "\n".join([str(report.longrepr)[-1500:], *heard])


def pytest_keyboard_interrupt() -> None:
    """A run that is ended for its time tells what the controllers said last."""
    for program in _running:
        print(f"\nlast words of {program.log.name}:\n{program.last_words}")  # noqa: T201


def pytest_sessionfinish() -> None:
    """Writes the statements where `verify-controllers` reads them."""
    if target := os.environ.get(ANSWERS_VARIABLE):
        Path(target).write_text(json.dumps(_answers), encoding="utf-8")


@dataclass(eq=False)
class Program:
    """One running controller."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def said(self) -> str:
        """Everything that it has written."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    @property
    def last_words(self) -> str:
        """The last lines that it has written, and how it ended if it did."""
        ended = f"\n(ended with {self.process.returncode})" if self.ended else ""
        return "\n".join(line[:400] for line in self.said.splitlines()[-25:]) + ended

    def stop(self) -> None:
        """Ends it, by force where it takes longer than it should."""
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self in _running:
            _running.remove(self)

    def says(self, text: str, seconds: float = 60) -> None:
        """Returns once it has written that; fails with its last words when it ends or takes longer."""
        until(lambda: text in self.said or self.ended, seconds, lambda: f"never said {text!r} in {seconds:.0f} s")
        assert text in self.said, f"it ended before it said {text!r}"

    @property
    def ended(self) -> bool:
        """Whether it has stopped by itself."""
        return self.process.poll() is not None


def until(condition: Callable[[], Any], seconds: float = 60, problem: Callable[[], str] = str) -> Any:
    """The first true value of the condition. Fails with the problem after that time."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, problem()
        time.sleep(0.3)
    return value


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        return int(probe.getsockname()[1])


@dataclass
class Home:
    """An API server with what one controller needs."""

    cluster: LiveCluster
    folder: Path
    controller: str
    ca_bundle: str = ""
    programs: list[Program] = field(default_factory=list)

    def kubectl(self, *arguments: str, check: bool = True, text: str | None = None) -> str:
        """Runs kubectl; fails where it takes too long."""
        return self.cluster.kubectl(*arguments, check=check, text=text, seconds=KUBECTL_SECONDS)

    @property
    def module(self) -> Path:
        """The files of the controller's Go module."""
        built = CONTROLLER_BY_NAME[self.controller]
        return module_directory(built.module, built.version, os.environ)

    def run(self, *arguments: str, environment: Mapping[str, str] | None = None) -> Program:
        """Starts the controller."""
        log = self.folder / f"{self.controller}-{len(self.programs)}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [str(Path(os.environ[FOLDER_VARIABLE]) / self.controller), *arguments],
                cwd=self.folder,
                env={**os.environ, "KUBECONFIG": str(self.cluster.kubeconfig), **(environment or {})},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.programs.append(Program(process, log))
        _running.append(self.programs[-1])
        return self.programs[-1]

    def temporary_folder(self) -> dict[str, str]:
        """Environment with a folder for temporary files in which controller-runtime finds a certificate to serve."""
        folder = self.folder / "k8s-webhook-server" / "serving-certs"
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("tls.crt", "tls.key", "ca.crt"):
            (folder / name).write_bytes((self.folder / name).read_bytes())
        return {"TMPDIR": str(self.folder)}

    def apply(self, objects: Iterable[dict[str, Any]]) -> None:
        """Creates or changes objects, strictly validated."""
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        self.kubectl("apply", "--server-side", "--force-conflicts", "--validate=strict", "-f", "-", text=text)

    def get(self, kind: str, name: str, namespace: str = "") -> dict[str, Any]:
        """An object; empty when there is none."""
        where = ["-n", namespace] if namespace else []
        answer = self.kubectl("get", kind, name, *where, "-o", "json", "--ignore-not-found")
        return dict(json.loads(answer)) if answer else {}

    def listed(self, kind: str, namespace: str = "") -> list[dict[str, Any]]:
        """All objects of a kind, in one namespace or in all."""
        where = ["-n", namespace] if namespace else ["-A"]
        return list(json.loads(self.kubectl("get", kind, *where, "-o", "json"))["items"])

    def install(self, *sets: str) -> None:
        """The CRDs that the platform installs, as upstream's modules have them."""
        for name in sets:
            for path in definitions(name):
                self.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(path))
            for definition, added in CONVERSIONS.items():
                if added.crd_set == name:
                    patch = json.dumps({"spec": {"conversion": added.spec(added.namespace)}})
                    self.kubectl("patch", "crd", definition, "--type=merge", "-p", patch)
        established(self.kubectl, "crd", "--all")

    def rendered(self, chart: Path, namespace: str, values: dict[str, Any]) -> list[dict[str, Any]]:
        """The objects of upstream's chart with our values."""
        file = self.folder / "values.yaml"
        file.write_text(yaml.safe_dump(values), encoding="utf-8")
        helm = str(self.cluster.toolchain.path("helm"))
        arguments = [helm, "template", chart.name, str(chart), "--namespace", namespace, "--values", str(file)]
        answer = subprocess.run([*arguments, "--no-hooks"], capture_output=True, text=True, check=False)
        assert answer.returncode == 0, answer.stderr
        return documents(answer.stdout)

    def nodes_for(self, pods: Iterable[Mapping[str, Any]]) -> None:
        """A simulated node for each of these pod specs, on which it fits."""
        example = platform("dev").of("Node")[0]
        for number, pod in enumerate(pods):
            node = copy.deepcopy(example)
            node["metadata"]["name"] = f"fitting-{number}"
            node["metadata"]["labels"] |= pod.get("nodeSelector", {})
            asked = {name for one in pod.get("containers", ()) for name in one["resources"].get("limits", {})}
            size = {**dict.fromkeys(asked, "64"), "cpu": "96", "memory": "1152Gi", "ephemeral-storage": "1Ti"}
            node["metadata"]["annotations"]["simulated.mlplatform.dev/capacity"] = json.dumps({**size, "pods": "110"})
            node["spec"].pop("taints", None)
            self.apply([node])

    def webhooks(self, configurations: Iterable[dict[str, Any]], port: int) -> None:
        """Registers upstream's webhooks, answered by a program on this computer in place of their Service."""
        for one in configurations:
            for hook in one["webhooks"]:
                path = hook["clientConfig"]["service"]["path"]
                hook["clientConfig"] = {"url": f"https://{ADDRESS}:{port}{path}", "caBundle": self.ca_bundle}
            one.get("metadata", {}).pop("creationTimestamp", None)
            self.apply([one])


def definitions(crd_set: str) -> Iterator[Path]:
    """The files of a set of `catalog.versions.CRDS`, at the same paths of upstream's Go module."""
    for url in CRDS[crd_set].urls:
        for start, (module, folder) in _MODULES.items():
            if url.startswith(start):
                files = sorted((module_directory(module, CRDS[crd_set].version, os.environ) / folder).glob("*.yaml"))
                yield from (path for path in files if path.name != "kustomization.yaml")
                break
        else:
            repository, path = _raw(url, CRDS[crd_set].version)
            (module,) = {one.module for one in CONTROLLER_BY_NAME.values() if _repository(one.module) == repository}
            yield module_directory(module, CRDS[crd_set].version, os.environ) / path


def _raw(url: str, version: str) -> tuple[str, str]:
    """`owner/name` and the path of a raw file of GitHub."""
    place, _, path = url.removeprefix("https://raw.githubusercontent.com/").partition(f"/{version}/")
    assert path, f"{url} is no file of the tag {version}"
    return place, path


_HOSTS = {"go.universe.tf/metallb": "metallb/metallb", "sigs.k8s.io": "kubernetes-sigs"}


def _repository(module: str) -> str:
    """The repository of a Go module."""
    for host, owner in _HOSTS.items():
        if module.startswith(host):
            return module.replace(host, owner)
    return module.removeprefix("github.com/")


def documents(text: str) -> list[dict[str, Any]]:
    """The objects of a YAML text."""
    return [one for one in yaml.safe_load_all(text) if one]


@pytest.fixture(scope="session")
def toolchain() -> Toolchain:
    return toolchains.ensure(Silent())


@pytest.fixture(scope="module")
def home(
    request: pytest.FixtureRequest, toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Home]:
    """The API server for the controller that the test file is named after; both end with the file."""
    name = request.path.stem.removeprefix("test_").replace("_", "-")
    folder = tmp_path_factory.mktemp(name)
    cluster = Cluster(name, home=folder / "cluster")
    made = Home(LiveCluster(cluster.kubeconfig, toolchain), folder, name)
    try:
        cluster.start(toolchain)
        custom = [one["metadata"]["name"] for one in bundled() if one["kind"] == "Stage" and _of_custom_resource(one)]
        made.kubectl("delete", "stage", *custom)
        _, made.ca_bundle = certificate(folder)
        yield made
    finally:
        for program in made.programs:
            program.stop()
        cluster.delete()


def _of_custom_resource(stage: Mapping[str, Any]) -> bool:
    group = str(stage["spec"]["resourceRef"].get("apiGroup", ""))
    return "." in group and not group.startswith(("apps", "batch", "networking.k8s.io", "apiextensions.k8s.io"))


@dataclass(frozen=True)
class Platform:
    """What a shipped settings file declares."""

    objects: list[dict[str, Any]]
    values: dict[str, dict[str, Any]]
    """Values of each chart, by its name."""
    namespaces: dict[str, str]
    """Where each chart is installed, by its name."""

    def of(self, *kinds: str, namespace: str = "") -> list[dict[str, Any]]:
        """Objects of these kinds, in the order of the kinds, in one namespace or anywhere."""
        return [
            one
            for kind in kinds
            for one in self.objects
            if one["kind"] == kind and namespace in ("", one["metadata"].get("namespace"))
        ]


@cache
def platform(name: str) -> Platform:
    """What `Pulumi.<name>.yaml` declares."""
    with TemporaryDirectory() as folder:
        resources = recorded_platform(name, Path(folder)).resources
    charts = [one.inputs for one in resources if one.type == CHART]
    return Platform(
        list(manifests(resources)),
        {one["name"]: clear(one["values"]) for one in charts},
        {one["name"]: one["namespace"] for one in charts},
    )
