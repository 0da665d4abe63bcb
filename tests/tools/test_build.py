"""Builds, with a `go` that only writes down what it is asked for."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.tools.support import MakeTool
from tools import build
from tools.errors import ToolError
from tools.pins import KUBERNETES_PROVIDER, PULUMI, TOOL_BY_NAME
from tools.progress import Silent

APISERVER = TOOL_BY_NAME["kube-apiserver"]


class Told(Silent):
    """Keeps what was reported."""

    def __init__(self) -> None:
        self.updates: list[str] = []

    def update(self, tool: str, doing: str) -> None:
        self.updates.append(f"{tool}: {doing}")


def fake_go(make_tool: MakeTool, script: str, version: str = "go1.26.8") -> Path:
    """A `go` that answers `go env GOVERSION`, names a module directory, and runs `script` for `go build`."""
    go = make_tool("go", "")
    go.write_text(
        f"""#!/bin/sh
case "$1" in
env) echo {version};;
mod) echo '{{"Dir": "{go.parent / "module"}"}}';;
build) {script};;
esac
"""
    )
    return go


# The output file is the argument after -o.
WRITE_OUTPUT = 'while [ "$1" != -o ]; do shift; done; echo program > "$2"'


def run_build(name: str, environment: dict[str, str], tmp_path: Path, progress: Silent | None = None) -> Path:
    output, scratch = tmp_path / "output", tmp_path / "scratch"
    output.mkdir()
    scratch.mkdir()
    build.build(TOOL_BY_NAME[name], output, scratch, environment, progress or Silent())
    return output


def test_the_command_strips_trims_and_tells_the_version() -> None:
    command = build.command(PULUMI, Path("/out/pulumi"))

    assert command[:2] == ["go", "build"]
    assert "-trimpath" in command
    assert f"-ldflags=-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{PULUMI.version}" in command
    assert command[-3:] == ["-o", "/out/pulumi", "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"]


def test_the_api_server_is_built_with_its_version_in_the_three_values_that_kubectl_parses() -> None:
    flags = next(flag for flag in build.command(APISERVER, Path("x")) if flag.startswith("-ldflags"))

    values = {name: value for name, _, value in (word.partition("=") for word in flags.split() if "version." in word)}
    assert values == {
        "k8s.io/component-base/version.gitVersion": "v1.36.3",
        "k8s.io/component-base/version.gitMajor": "1",
        "k8s.io/component-base/version.gitMinor": "36",
    }


def test_tools_of_one_module_differ_in_linker_flags_only_so_that_they_share_compilations() -> None:
    commands = [build.command(TOOL_BY_NAME[name], Path("x")) for name in ("kubectl", "kwok", "etcd")]

    assert len({tuple(word for word in c[:-1] if not word.startswith("-ldflags")) for c in commands}) == 1


def test_the_build_is_the_pinned_one_whatever_the_user_has_set() -> None:
    environment = build.go_environment(
        {"GOFLAGS": "-mod=mod", "GOOS": "windows", "GOWORK": "/my/go.work", "GOPROXY": "https://mirror", "HOME": "/h"}
    )

    assert environment == {
        "GOFLAGS": "-mod=readonly",
        "GOWORK": "off",
        "CGO_ENABLED": "0",
        "GOPROXY": "https://mirror",
        "HOME": "/h",
    }


def test_the_recipe_changes_with_the_module_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = build.recipe(APISERVER)
    shutil.copytree(build.MODULES, tmp_path / "go")
    monkeypatch.setattr(build, "MODULES", tmp_path / "go")
    build._module_digest.cache_clear()
    unchanged = build.recipe(APISERVER)
    (tmp_path / "go" / "kubernetes" / "go.sum").write_text("changed")
    build._module_digest.cache_clear()
    changed, other_module = build.recipe(APISERVER), build.recipe(PULUMI)
    monkeypatch.undo()
    build._module_digest.cache_clear()

    assert unchanged == before
    assert changed != before
    assert other_module == build.recipe(PULUMI)


def test_a_tool_is_built_in_a_copy_of_its_module(
    make_tool: MakeTool, environment: dict[str, str], tmp_path: Path
) -> None:
    fake_go(make_tool, f"pwd > {tmp_path}/where; ls > {tmp_path}/files; {WRITE_OUTPUT}")

    output = run_build("etcd", environment, tmp_path)

    assert (output / "etcd").read_text() == "program\n"
    assert (tmp_path / "where").read_text().strip() == str(tmp_path / "scratch" / "kubernetes")
    assert (tmp_path / "files").read_text().split() == ["go.mod", "go.sum"]


def test_the_provider_is_built_with_the_files_that_it_embeds(
    make_tool: MakeTool, environment: dict[str, str], tmp_path: Path
) -> None:
    fake_go(make_tool, f"ls provider > {tmp_path}/files; cat provider/schema.json > {tmp_path}/schema; {WRITE_OUTPUT}")
    module = tmp_path / "bin" / "module" / "cmd" / "pulumi-resource-kubernetes"
    module.mkdir(parents=True)
    (module / "schema.json").write_text("the schema")
    (module / "terraform-mapping.json").write_text("{}")

    run_build(KUBERNETES_PROVIDER.name, environment, tmp_path)

    assert (tmp_path / "files").read_text().split() == ["main.go", "schema.json", "terraform-mapping.json"]
    assert (tmp_path / "schema").read_text() == "the schema"


def test_progress_counts_modules_and_packages(make_tool: MakeTool, environment: dict[str, str], tmp_path: Path) -> None:
    lines = "go: downloading k8s.io/api v0.36.3\\nk8s.io/api/core/v1\\ngolang.org/x/net/http2\\n"
    fake_go(make_tool, f"printf '{lines}' >&2; {WRITE_OUTPUT}")
    told = Told()

    run_build("etcd", environment, tmp_path, told)

    assert told.updates[-1] == "etcd: building: 1 modules fetched, 2 packages compiled"


def test_a_failed_build_shows_the_compilers_last_words_and_how_to_go_on(
    make_tool: MakeTool, environment: dict[str, str], tmp_path: Path
) -> None:
    fake_go(make_tool, "echo 'main.go:3:1: syntax error: everything' >&2; exit 1")

    with pytest.raises(ToolError) as failed:
        run_build("etcd", environment, tmp_path)

    assert "etcd 3.6.8 could not be built from go.etcd.io/etcd/server/v3 v3.6.8" in failed.value.message
    assert "    main.go:3:1: syntax error: everything" in failed.value.message
    assert "GOPROXY" in failed.value.message


def test_an_interrupted_build_leaves_no_compiler_running(
    make_tool: MakeTool, environment: dict[str, str], tmp_path: Path
) -> None:
    fake_go(make_tool, f"sleep 300 & echo $! > {tmp_path}/compiler; echo started >&2; wait")

    class Interrupt(Silent):
        def update(self, tool: str, doing: str) -> None:
            if (tmp_path / "compiler").exists():
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_build("etcd", environment, tmp_path, Interrupt())

    compiler = int((tmp_path / "compiler").read_text())
    deadline = time.monotonic() + 20
    while is_running(compiler) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(compiler)


def is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


def test_no_go_is_an_error_that_names_all_three_remedies(environment: dict[str, str], tmp_path: Path) -> None:
    environment["PATH"] = str(tmp_path / "bin")

    with pytest.raises(ToolError) as missing:
        build.check_go(environment)

    for remedy in ("Install Go 1.26 or newer", "put the tools themselves on PATH", "MLPLATFORM_DOWNLOAD_BASE"):
        assert remedy in missing.value.message


def test_an_old_go_is_an_error_that_names_both_versions(make_tool: MakeTool, environment: dict[str, str]) -> None:
    go = fake_go(make_tool, "", version="go1.22.1")

    with pytest.raises(ToolError, match=rf"{go} is go1\.22\.1; the build needs Go 1\.26\."):
        build.check_go(environment)


def test_a_newer_go_will_do(make_tool: MakeTool, environment: dict[str, str]) -> None:
    fake_go(make_tool, "", version="go1.27")

    assert build.check_go(environment) == "1.27"


@pytest.mark.engine
def test_the_real_go_resolves_both_modules_from_their_go_sum_alone(tmp_path: Path) -> None:
    for module in ("pulumi", "kubernetes"):
        shutil.copytree(build.MODULES / module, tmp_path / module)
        environment = build.go_environment({**os.environ, "GOSUMDB": "sum.example.invalid"})
        packages = [tool.build.package for tool in TOOL_BY_NAME.values() if tool.build.module == module]
        listed = subprocess.run(
            ["go", "list", "-deps", *(package for package in packages if not package.startswith("./"))],
            cwd=tmp_path / module,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (listed.returncode, listed.stderr) == (0, "")


def test_lines_come_as_they_are_written_and_an_empty_one_in_each_second_without_any() -> None:
    process = subprocess.Popen(["sh", "-c", "echo one >&2; sleep 1.4; echo two >&2"], stderr=subprocess.PIPE, text=True)

    assert list(build._lines(process)) == ["one", "", "two"]
    assert process.wait() == 0
