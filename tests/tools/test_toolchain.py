"""The whole of it: which way is taken, what it leaves, what others get to use."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest

from tests.tools.support import MakeTool, Mirror, archive, only, printed_version
from tools import build, toolchain
from tools.errors import ToolError
from tools.pins import KUBERNETES_PROVIDER, LANGUAGE_HOST, PULUMI, TOOL_BY_NAME, TOOLS, Tool, parse_version
from tools.progress import Silent
from tools.search import RejectedTool, plugin_directory, read_version
from tools.selection import SelectedTool
from tools.store import HostPlatform, Store, Way
from tools.toolchain import STAND_IN, Mode, ensure, look, mode

FAKE_GO = """#!/bin/sh
case "$1" in
env) echo go1.26.8;;
mod) echo '{{"Dir": "{module}"}}';;
build) {before}
  echo x >> {builds}
  while [ "$1" != -o ]; do shift; done
  printf '#!/bin/sh\\necho built\\n' > "$2"; chmod +x "$2";;
esac
"""


class Told(Silent):
    """Remembers notes and results."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.results: dict[str, str] = {}

    def note(self, text: str) -> None:
        self.notes.append(text)

    def done(self, tool: str, result: str) -> None:
        self.results[tool] = result


@pytest.fixture(autouse=True)
def linux(monkeypatch: pytest.MonkeyPatch) -> None:
    """The releases on the mirror are for this platform, whatever the tests run on."""
    here = HostPlatform("linux", "amd64")
    monkeypatch.setattr("tools.toolchain.this_platform", lambda: here)
    monkeypatch.setattr("tools.store.this_platform", lambda: here)


@pytest.fixture
def go(make_tool: MakeTool, tmp_path: Path) -> Path:
    """A `go` that builds every tool in no time, and counts its builds in the file it returns."""
    module = tmp_path / "module" / "cmd" / "pulumi-resource-kubernetes"
    module.mkdir(parents=True)
    for name in ("schema.json", "terraform-mapping.json"):
        (module / name).write_text("{}")
    program, builds = make_tool("go", ""), tmp_path / "builds"
    program.write_text(FAKE_GO.format(module=tmp_path / "module", builds=builds, before=""))
    builds.write_text("")
    return builds


def unreachable(environment: Mapping[str, str]) -> dict[str, str]:
    """Downloads are refused at once."""
    return {**environment, "MLPLATFORM_DOWNLOAD_BASE": "http://127.0.0.1:9"}


# --- on PATH ---------------------------------------------------------------------------------------------------------


def test_good_versions_on_path_are_used_as_they_are(
    every_tool: Mapping[str, Path], environment: dict[str, str], tmp_path: Path
) -> None:
    told = Told()

    ready = ensure(told, environment)

    assert [(row.tool, row.program, row.way) for row in ready.report() if row.tool != STAND_IN] == [
        (tool.name, str(every_tool[tool.name]), Way.PATH) for tool in TOOLS
    ]
    assert told.notes == []
    assert not (tmp_path / "cache" / "tools").exists()


def test_only_path_is_looked_at_when_it_is_asked_for_and_what_is_missing_is_named_with_the_reason(
    every_tool: Mapping[str, Path], make_tool: MakeTool, environment: dict[str, str], tmp_path: Path
) -> None:
    make_tool("kubectl", printed_version(TOOL_BY_NAME["kubectl"], "1.32.4"))
    every_tool["etcd"].unlink()

    with pytest.raises(ToolError) as missing:
        ensure(environment={**only(environment, tmp_path), "MLPLATFORM_TOOLCHAIN": "path"})

    assert f"kubectl: {every_tool['kubectl']}: version 1.32.4 is installed, required is Kubernetes 1.36.x" in (
        missing.value.message
    )
    assert "etcd: not installed; required is etcd 3.6.x" in missing.value.message
    assert "pulumi:" not in missing.value.message
    assert not (tmp_path / "cache" / "tools").exists()


def test_an_unknown_word_for_the_way_is_refused_with_the_words_there_are() -> None:
    with pytest.raises(ToolError, match=r"'source'.*auto, path, download, build"):
        mode({"MLPLATFORM_TOOLCHAIN": "source"})
    assert mode({"MLPLATFORM_TOOLCHAIN": ""}) is Mode.AUTO


# --- by download -----------------------------------------------------------------------------------------------------


def test_what_is_not_on_path_is_downloaded(mirror: Mirror, environment: dict[str, str], tmp_path: Path) -> None:
    mirror.publish_everything()
    told = Told()

    ready = ensure(told, {**only(environment, tmp_path), "MLPLATFORM_DOWNLOAD_BASE": mirror.base})

    assert {row.way for row in ready.report() if row.tool != STAND_IN} == {Way.DOWNLOAD}
    assert subprocess.run([ready.path("etcd")], capture_output=True, text=True, check=True).stdout.startswith("etcd V")
    assert told.notes[0].startswith("Not on PATH: pulumi 3.246.0, pulumi-resource-kubernetes 4.25.0")
    assert told.results["etcd"] == f"3.6.8 downloaded from {mirror.base.removeprefix('http://')}, verified"


def test_an_official_release_brings_its_own_language_host_and_the_stand_in_stays_away(
    mirror: Mirror, environment: dict[str, str], tmp_path: Path
) -> None:
    mirror.publish_everything()
    mirror.publish(PULUMI, archive(PULUMI, b"#!/bin/sh\n", companions=(LANGUAGE_HOST,)))

    ready = ensure(environment={**only(environment, tmp_path), "MLPLATFORM_DOWNLOAD_BASE": mirror.base})

    assert (ready.bin_directory / LANGUAGE_HOST).read_bytes() == b"companion"
    assert STAND_IN not in [row.tool for row in ready.report()]


def test_a_bad_checksum_stops_everything_and_is_not_built_around(
    mirror: Mirror, go: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    mirror.publish_everything()
    mirror.publish(TOOL_BY_NAME["kube-apiserver"], b"evil", digest="00" * 32)
    settings = {**only(environment, tmp_path), "MLPLATFORM_DOWNLOAD_BASE": mirror.base}

    with pytest.raises(ToolError, match="nothing was installed"):
        ensure(environment=settings)

    assert go.read_text() == ""
    there = {name for name, at in look(Store(tmp_path / "cache"), settings).items() if isinstance(at, SelectedTool)}
    assert there == {"pulumi", KUBERNETES_PROVIDER.name, "helm"}  # what was finished before it


def test_a_forced_download_that_cannot_be_had_is_an_error_and_nothing_is_built(
    go: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    with pytest.raises(ToolError, match=r"cannot be downloaded: 127\.0\.0\.1:9: cannot be reached"):
        ensure(environment={**unreachable(only(environment, tmp_path)), "MLPLATFORM_TOOLCHAIN": "download"})

    assert go.read_text() == ""


# --- by a build ------------------------------------------------------------------------------------------------------


def test_what_can_neither_be_found_nor_downloaded_is_built_and_both_reasons_are_printed_once(
    go: Path, make_tool: MakeTool, environment: dict[str, str], tmp_path: Path
) -> None:
    make_tool("kubectl", printed_version(TOOL_BY_NAME["kubectl"], "1.32.4"))
    told = Told()

    ready = ensure(told, unreachable(only(environment, tmp_path)))

    assert {row.way for row in ready.report()} == {Way.BUILD}
    assert go.read_text().count("x") == len(TOOLS)
    assert "kubectl: version 1.32.4 is installed, required is Kubernetes 1.36.x" in told.notes[0]
    assert (
        f"Building {len(TOOLS)} tools from pinned Go modules with Go 1.26.8 (no download: 127.0.0.1:9: cannot"
        in told.notes[1]
    )
    assert len(told.notes) == 2
    assert told.results["pulumi"] == "3.246.0 built"


def test_what_has_a_checksum_and_is_refused_is_built_and_the_rest_is_downloaded(
    mirror: Mirror, go: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    mirror.publish_everything()
    etcd = TOOL_BY_NAME["etcd"]
    del mirror.files[mirror.publish(etcd, archive(etcd, b"any"))]
    told = Told()

    ready = ensure(told, {**only(environment, tmp_path), "MLPLATFORM_DOWNLOAD_BASE": mirror.base})

    assert {row.tool for row in ready.report() if row.way is Way.BUILD} == {"etcd", STAND_IN}
    host = mirror.base.removeprefix("http://")
    assert (
        f"etcd 3.6.8 cannot be downloaded ({host}: answers 404 Not Found for etcd-v3.6.8-linux-amd64.tar.gz)"
        in (told.notes[1])
    )
    assert told.notes[2].startswith("Building 1 tools from pinned Go modules with Go 1.26.8 (no download: ")
    assert told.results["etcd"] == "3.6.8 built"


def test_a_host_that_gives_checksums_and_no_files_is_given_up_after_one_tool_and_all_is_built(
    mirror: Mirror, go: Path, environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror.publish_everything()
    asked: list[str] = []

    def blocked(tool: Tool, *_: object) -> None:
        asked.append(tool.name)
        raise ConnectionResetError(104, "Connection reset by peer")

    monkeypatch.setattr("tools.download._fetch_resumed", blocked)
    told = Told()

    ready = ensure(told, {**only(environment, tmp_path), "MLPLATFORM_DOWNLOAD_BASE": mirror.base})

    assert {row.way for row in ready.report()} == {Way.BUILD}
    assert asked == [TOOLS[0].name]
    assert "cannot be reached (Connection reset by peer)); it is built instead" in told.notes[1]
    assert len(told.notes) == 3


def test_a_forced_download_that_is_refused_is_an_error_and_nothing_is_built(
    mirror: Mirror, go: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    mirror.publish_everything()
    del mirror.files[mirror.publish(PULUMI, archive(PULUMI, b"any"))]
    settings = {"MLPLATFORM_TOOLCHAIN": "download", "MLPLATFORM_DOWNLOAD_BASE": mirror.base}

    with pytest.raises(ToolError, match=r"404: Not Found\. Run the same .* leave out MLPLATFORM_TOOLCHAIN=download"):
        ensure(environment={**only(environment, tmp_path), **settings})

    assert go.read_text() == ""


def test_a_forced_build_looks_at_nothing_else(
    go: Path, every_tool: Mapping[str, Path], mirror: Mirror, environment: dict[str, str]
) -> None:
    settings = {"MLPLATFORM_TOOLCHAIN": "build", "MLPLATFORM_DOWNLOAD_BASE": mirror.base}

    ready = ensure(environment={**environment, **settings})

    assert {row.way for row in ready.report()} == {Way.BUILD}
    assert mirror.requests == []


def test_what_was_built_before_an_interruption_is_not_built_again(
    go: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    settings = unreachable(only(environment, tmp_path))

    class Interrupt(Silent):
        def done(self, tool: str, result: str) -> None:
            if tool == "kube-apiserver":
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ensure(Interrupt(), settings)
    assert go.read_text().count("x") == [tool.name for tool in TOOLS].index("kube-apiserver") + 1

    ready = ensure(environment=settings)

    assert go.read_text().count("x") == len(TOOLS)
    assert all(ready.path(tool.name).is_file() for tool in TOOLS)


def test_a_changed_recipe_is_built_next_to_the_old_one(
    go: Path, environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = unreachable(only(environment, tmp_path))
    ensure(environment=settings)
    monkeypatch.setattr(build, "LINKER_FLAGS", "-s")

    ensure(environment=settings)

    assert go.read_text().count("x") == 2 * len(TOOLS)
    assert len(list((tmp_path / "cache" / "tools").iterdir())) == 2 * len(TOOLS)


def test_too_little_disk_is_reported_before_the_build_begins(
    go: Path, environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=10**9))

    with pytest.raises(ToolError, match=r"has 1\.0 GB left"):
        ensure(environment=unreachable(only(environment, tmp_path)))

    assert go.read_text() == ""


def start_install(settings: Mapping[str, str]) -> subprocess.Popen[bytes]:
    root = Path(__file__).parents[2]
    # A test run in the background of a shell ignores Ctrl-C, and its children inherit that; a user's command does not.
    return subprocess.Popen(
        [sys.executable, "-m", "tools", "install"],
        cwd=root,
        env=dict(settings),
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no other thread runs here
    )


def test_two_installations_at_once_build_each_tool_once(go: Path, environment: dict[str, str], tmp_path: Path) -> None:
    settings = unreachable(only(environment, tmp_path))

    processes = [start_install(settings) for _ in range(2)]

    assert [process.wait(60) for process in processes] == [0, 0]
    assert go.read_text().count("x") == len(TOOLS)


@pytest.mark.parametrize(
    "ending", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name
)
def test_an_installation_that_is_killed_leaves_nothing_half_installed_and_goes_on(
    go: Path, make_tool: MakeTool, environment: dict[str, str], tmp_path: Path, ending: signal.Signals
) -> None:
    settings = unreachable(only(environment, tmp_path))
    slow = f'case "$*" in *cmd/kubectl*) echo $$ > {tmp_path}/compiler; exec sleep 300;; esac'
    program = tmp_path / "bin" / "go"
    quick = program.read_text()
    program.write_text(FAKE_GO.format(module=tmp_path / "module", builds=go, before=slow))
    process = start_install(settings)
    deadline = time.monotonic() + 30
    compiler = tmp_path / "compiler"
    while not (compiler.exists() and compiler.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, ending)
    process.wait(30)
    if ending is signal.SIGKILL:  # it could not end its compiler, which in life ends by itself
        os.kill(int(compiler.read_text()), signal.SIGKILL)
    else:
        assert not psutil.pid_exists(int(compiler.read_text()))
    program.write_text(quick)

    tools = tmp_path / "cache" / "tools"
    assert {
        directory.name.partition("-1.")[0].partition("-3.")[0].partition("-4.")[0] for directory in tools.iterdir()
    } == {
        "pulumi",
        "pulumi-resource-kubernetes",
        "helm",
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
    }
    ensure(environment=settings)
    assert go.read_text().count("x") == len(TOOLS)
    assert not (tmp_path / "cache" / "staging").exists() or not any((tmp_path / "cache" / "staging").iterdir())


# --- the second time -------------------------------------------------------------------------------------------------


def test_the_second_time_no_program_is_asked_for_its_version(
    every_tool: Mapping[str, Path], environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ensure(environment=environment)
    monkeypatch.setattr("tools.search.read_version", lambda *_: pytest.fail("asked again"))

    second = ensure(environment=environment)

    assert second.report() == first.report()
    assert second.bin_directory == first.bin_directory


def test_the_second_time_takes_less_than_a_tenth_of_a_second(
    every_tool: Mapping[str, Path], environment: dict[str, str]
) -> None:
    ensure(environment=environment)

    began = time.process_time()
    ensure(environment=environment)

    assert time.process_time() - began < 0.1


def test_a_tool_that_was_replaced_or_removed_is_looked_at_again(
    every_tool: Mapping[str, Path], make_tool: MakeTool, environment: dict[str, str], tmp_path: Path
) -> None:
    settings = {**only(environment, tmp_path), "MLPLATFORM_TOOLCHAIN": "path"}
    ensure(environment=settings)

    make_tool("kubectl", printed_version(TOOL_BY_NAME["kubectl"], "1.36.99"))
    assert {row.tool: row.version for row in ensure(environment=settings).report()}["kubectl"] == "1.36.99"

    every_tool["etcd"].unlink()
    with pytest.raises(ToolError, match="etcd: not installed"):
        ensure(environment=settings)


def test_a_damaged_stamp_is_replaced(
    every_tool: Mapping[str, Path], environment: dict[str, str], tmp_path: Path
) -> None:
    first = ensure(environment=environment)
    (stamp,) = (tmp_path / "cache" / "stamps").iterdir()
    stamp.write_text('[{"chosen": {}}]')

    assert ensure(environment=environment).report() == first.report()


# --- what others use -------------------------------------------------------------------------------------------------


def test_every_tool_is_first_on_path_under_its_own_name_and_the_base_is_not_changed(
    go: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    settings = unreachable(only(environment, tmp_path))
    ready = ensure(environment=settings)
    base = {"PATH": "/usr/bin:/bin", "HOME": "/home/somebody", "OWN": "value"}

    used = ready.environment(base)

    assert used["PATH"] == f"{ready.bin_directory}:/usr/bin:/bin"
    assert used["OWN"] == "value"
    assert used["PULUMI_SKIP_UPDATE_CHECK"] == "true"
    assert base == {"PATH": "/usr/bin:/bin", "HOME": "/home/somebody", "OWN": "value"}
    programs = {path.name for path in ready.bin_directory.iterdir()}
    assert programs == {tool.name for tool in TOOLS} - {KUBERNETES_PROVIDER.name} | {LANGUAGE_HOST}
    assert ready.environment(used)["PATH"] == used["PATH"]


def test_the_provider_stands_in_a_pulumi_home_of_ours_because_on_path_the_engine_warns(
    go: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    ready = ensure(environment=unreachable(only(environment, tmp_path)))

    used = ready.environment({"PATH": "/bin"})

    assert used["PULUMI_HOME"] == str(tmp_path / "cache" / "pulumi-home")
    assert used["PULUMI_CREDENTIALS_PATH"] == str(tmp_path / "home" / ".pulumi")
    provider = plugin_directory(Path(used["PULUMI_HOME"])) / KUBERNETES_PROVIDER.name
    assert provider.resolve() == ready.path(KUBERNETES_PROVIDER.name)
    assert plugin_directory(Path(used["PULUMI_HOME"])).name == "resource-kubernetes-v4.25.0"


def test_a_pulumi_home_of_the_users_own_is_kept_and_the_provider_is_on_path_then(
    go: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    ready = ensure(environment=unreachable(only(environment, tmp_path)))

    used = ready.environment({"PATH": "/bin", "PULUMI_HOME": str(tmp_path / "own")})

    assert used["PULUMI_HOME"] == str(tmp_path / "own")
    assert "PULUMI_CREDENTIALS_PATH" not in used
    assert shutil.which(KUBERNETES_PROVIDER.name, path=used["PATH"]) is not None
    assert ready.environment(ready.environment({"PATH": "/bin"})) == ready.environment({"PATH": "/bin"})


def test_the_engine_finds_the_stand_in_in_its_directory_and_not_behind_a_symbolic_link(
    go: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    ready = ensure(environment=unreachable(only(environment, tmp_path)))

    assert not ready.path("pulumi").is_symlink()
    assert ready.path("pulumi").resolve().parent == ready.path(LANGUAGE_HOST).resolve().parent
    row = ready.report()[-1]
    assert (row.tool, row.program) == (STAND_IN, str(ready.bin_directory / LANGUAGE_HOST))


def test_the_stand_in_runs_the_interpreter_of_its_own_checkout_and_says_so_when_that_is_gone(
    go: Path, environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = unreachable(only(environment, tmp_path))
    here = ensure(environment=settings)
    other = tmp_path / "other checkout"
    other.mkdir()
    monkeypatch.setattr(toolchain, "ROOT", other)
    there = ensure(environment=settings)

    assert here.bin_directory != there.bin_directory
    assert go.read_text().count("x") == len(TOOLS)  # the tools themselves are shared
    said = subprocess.run([there.bin_directory / LANGUAGE_HOST], capture_output=True, text=True, check=False)
    assert said.returncode == 1
    assert f"the checkout {other} is gone. Run `make up`" in said.stderr


def test_what_was_made_for_a_checkout_that_is_gone_is_removed(
    go: Path, environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = unreachable(only(environment, tmp_path))
    gone = tmp_path / "gone"
    gone.mkdir()
    with monkeypatch.context() as patched:
        patched.setattr(toolchain, "ROOT", gone)
        lost = ensure(environment=settings).bin_directory
    gone.rmdir()

    kept = ensure(environment=settings).bin_directory

    assert kept.is_dir()
    assert not lost.exists()


def test_a_tool_without_a_name_in_the_table_is_a_key_error(
    every_tool: Mapping[str, Path], environment: dict[str, str]
) -> None:
    with pytest.raises(KeyError):
        ensure(environment=environment).path("terraform")


def test_looking_installs_nothing(environment: dict[str, str], make_tool: MakeTool, tmp_path: Path) -> None:
    make_tool("kubectl", printed_version(TOOL_BY_NAME["kubectl"], "1.32.4"))

    found = look(Store(tmp_path / "cache"), only(environment, tmp_path))

    assert isinstance(found["kubectl"], RejectedTool)
    assert {name for name, at in found.items() if at is None} == {tool.name for tool in TOOLS} - {"kubectl"}
    assert not (tmp_path / "cache").exists()


@pytest.mark.engine
def test_the_real_provider_tells_its_version_over_grpc() -> None:
    assert read_version(KUBERNETES_PROVIDER, ensure().path(KUBERNETES_PROVIDER.name)) == KUBERNETES_PROVIDER.version


@pytest.mark.engine
@pytest.mark.parametrize("tool", [tool for tool in TOOLS if tool.version_command], ids=lambda tool: tool.name)
def test_a_real_tool_tells_a_version_that_the_table_accepts(tool: Tool) -> None:
    assert tool.accepts(parse_version(read_version(tool, ensure().path(tool.name))))
