"""The language host over real gRPC, with the test in the engine's place."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path

import grpc
import psutil
import pytest
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import language_pb2, language_pb2_grpc

from tools.language_host.children import Children
from tools.language_host.host import LanguageHost, program_result, program_task
from tools.language_host.python import PythonError


@pytest.fixture
def children() -> Iterator[Children]:
    started = Children()
    yield started
    started.end_all()


@pytest.fixture
def host(children: Children) -> Iterator[language_pb2_grpc.LanguageRuntimeStub]:
    """A client of a host that serves in this process."""
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(LanguageHost("127.0.0.1:1", children), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield language_pb2_grpc.LanguageRuntimeStub(channel)
    server.stop(0).wait()


def info(directory: Path, entry: str = ".", **options: str) -> language_pb2.ProgramInfo:
    settings = struct_pb2.Struct()
    settings.update(options)
    return language_pb2.ProgramInfo(
        root_directory=str(directory), program_directory=str(directory), entry_point=entry, options=settings
    )


def run_plugin(
    host: language_pb2_grpc.LanguageRuntimeStub, directory: Path, *arguments: str, **environment: str
) -> list[language_pb2.RunPluginResponse]:
    request = language_pb2.RunPluginRequest(
        pwd=str(directory), info=info(directory), args=arguments, env=[f"{k}={v}" for k, v in environment.items()]
    )
    return list(host.RunPlugin(request))


def test_it_tells_its_version_and_its_interpreter(host: language_pb2_grpc.LanguageRuntimeStub, tmp_path: Path) -> None:
    about = host.About(language_pb2.AboutRequest(info=info(tmp_path)))

    assert about.executable == sys.executable
    assert about.version == ".".join(map(str, sys.version_info[:3]))
    assert about.metadata == {"languageHost": "mlplatform stand-in"}
    assert host.GetPluginInfo(empty_pb2.Empty()).version.count(".") == 2


def test_it_asks_for_no_plugin_in_advance(host: language_pb2_grpc.LanguageRuntimeStub, tmp_path: Path) -> None:
    packages = host.GetRequiredPackages(language_pb2.GetRequiredPackagesRequest(info=info(tmp_path)))
    plugins = host.GetRequiredPlugins(language_pb2.GetRequiredPluginsRequest(info=info(tmp_path)))

    assert (len(packages.packages), len(packages.specs), len(plugins.plugins)) == (0, 0, 0)


def test_it_lists_the_projects_packages_without_those_that_another_one_requires(
    host: language_pb2_grpc.LanguageRuntimeStub, tmp_path: Path
) -> None:
    def listed(transitive: bool) -> set[str]:
        request = language_pb2.GetProgramDependenciesRequest(info=info(tmp_path), transitiveDependencies=transitive)
        return {dependency.name for dependency in host.GetProgramDependencies(request).dependencies}

    assert {"grpcio", "pulumi", "pulumi_kubernetes"} <= listed(True)
    assert "pulumi_kubernetes" in listed(False)
    assert "grpcio" not in listed(False)


@pytest.mark.parametrize(
    "method", ["Template", "Link", "GenerateProgram", "GenerateProject", "GeneratePackage", "Pack"]
)
def test_what_it_does_not_do_it_refuses_by_name(host: language_pb2_grpc.LanguageRuntimeStub, method: str) -> None:
    request = getattr(language_pb2, f"{method}Request")()

    with pytest.raises(grpc.RpcError) as refused:
        getattr(host, method)(request)

    assert refused.value.code() == grpc.StatusCode.UNIMPLEMENTED
    assert str(refused.value.details()).startswith(f"{method} is not in mlplatform's stand-in")


def test_a_plugin_gets_its_arguments_and_environment_and_its_output_and_exit_code_come_back(
    host: language_pb2_grpc.LanguageRuntimeStub, tmp_path: Path
) -> None:
    (tmp_path / "beside.py").write_text("WORD = 'beside'\n")
    (tmp_path / "__main__.py").write_text(
        "import os, sys, beside\n"
        "print(sys.argv[1:], os.environ['MARK'], beside.WORD)\n"
        "print('to stderr', file=sys.stderr)\n"
        "sys.exit(3)\n"
    )

    answers = run_plugin(host, tmp_path, "127.0.0.1:1", "-v", PATH="/bin", MARK="marked")

    assert b"".join(a.stdout for a in answers).decode() == "['127.0.0.1:1', '-v'] marked beside\n"
    assert b"".join(a.stderr for a in answers).decode() == "to stderr\n"
    assert answers[-1].exitcode == 3


def test_a_plugin_that_fails_shows_its_own_frames_only(
    host: language_pb2_grpc.LanguageRuntimeStub, tmp_path: Path
) -> None:
    (tmp_path / "__main__.py").write_text("def rule():\n    raise ValueError('broken rule')\n\nrule()\n")

    answers = run_plugin(host, tmp_path)
    shown = b"".join(a.stderr for a in answers).decode()

    assert "ValueError: broken rule" in shown
    assert f'File "{tmp_path}/__main__.py", line 4' in shown
    assert "child.py" not in shown
    assert answers[-1].exitcode == 1


def test_a_plugin_whose_call_is_cancelled_ends(
    host: language_pb2_grpc.LanguageRuntimeStub, children: Children, tmp_path: Path
) -> None:
    (tmp_path / "__main__.py").write_text("import os, time\nprint(os.getpid())\ntime.sleep(300)\n")
    call = host.RunPlugin(language_pb2.RunPluginRequest(pwd=str(tmp_path), info=info(tmp_path)))
    process = int(next(iter(call)).stdout)

    call.cancel()

    assert_ends(process)


def test_a_plugin_that_ignores_the_request_to_end_is_killed(
    host: language_pb2_grpc.LanguageRuntimeStub, children: Children, tmp_path: Path
) -> None:
    stubborn = "import os, signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint(os.getpid())\n"
    (tmp_path / "__main__.py").write_text(stubborn + "time.sleep(300)\n")
    call = host.RunPlugin(language_pb2.RunPluginRequest(pwd=str(tmp_path), info=info(tmp_path)))
    process = int(next(iter(call)).stdout)

    children.end_all()

    assert_ends(process)


def assert_ends(process: int) -> None:
    deadline = time.monotonic() + 20
    with contextlib.suppress(psutil.NoSuchProcess):
        while psutil.Process(process).status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < deadline, f"process {process} is still there"
            time.sleep(0.05)


def test_a_plugin_without_a_main_is_refused(host: language_pb2_grpc.LanguageRuntimeStub, tmp_path: Path) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        run_plugin(host, tmp_path)

    assert refused.value.details() == f"{tmp_path} has no __main__.py, which a Python plugin is started by."


def test_a_plugin_with_a_missing_virtual_environment_is_refused_with_the_remedy(
    host: language_pb2_grpc.LanguageRuntimeStub, tmp_path: Path
) -> None:
    request = language_pb2.RunPluginRequest(pwd=str(tmp_path), info=info(tmp_path, virtualenv="gone"))

    with pytest.raises(grpc.RpcError) as refused:
        list(host.RunPlugin(request))

    assert "Run `pulumi install`" in str(refused.value.details())


def test_a_program_whose_call_is_cancelled_ends(host: language_pb2_grpc.LanguageRuntimeStub, tmp_path: Path) -> None:
    written = tmp_path / "process"
    (tmp_path / "__main__.py").write_text("")
    python = tmp_path / "venv" / "bin" / "python"  # the real one would ask the engine first, which is not here
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\necho $$ > {written}\nexec sleep 300\n")
    python.chmod(0o755)
    request = language_pb2.RunRequest(pwd=str(tmp_path), info=info(tmp_path, virtualenv="venv"))
    call = host.Run.future(request)
    deadline = time.monotonic() + 20
    while not (written.exists() and written.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)

    call.cancel()

    assert_ends(int(written.read_text()))


def test_a_program_that_is_not_there_is_the_answers_error(
    host: language_pb2_grpc.LanguageRuntimeStub, tmp_path: Path
) -> None:
    answer = host.Run(language_pb2.RunRequest(pwd=str(tmp_path), info=info(tmp_path)))

    assert answer.error.startswith(f"There is no Python program at {tmp_path}")
    assert not answer.bail


def test_a_program_with_a_missing_virtual_environment_is_the_answers_error(
    host: language_pb2_grpc.LanguageRuntimeStub, tmp_path: Path
) -> None:
    answer = host.Run(language_pb2.RunRequest(pwd=str(tmp_path), info=info(tmp_path, virtualenv="gone")))

    assert f"{tmp_path}/gone does not exist" in answer.error


@pytest.mark.parametrize(
    ("exit_code", "error", "bail"),
    [
        (0, "", False),
        (32, "", True),
        (7, "The program exited with code 7, without an error message.", False),
        (-9, "The program was ended by the signal SIGKILL.", False),
    ],
)
def test_an_exit_code_becomes_an_answer(exit_code: int, error: str, bail: bool) -> None:
    answer = program_result(exit_code)

    assert (answer.error, answer.bail) == (error, bail)


def test_the_task_of_a_program_holds_what_the_engine_said(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("")
    request = language_pb2.RunRequest(
        project="p",
        stack="s",
        organization="o",
        monitor_address="127.0.0.1:2",
        parallel=16,
        dryRun=True,
        args=["--flag"],
        config={"p:key": "value"},
        configSecretKeys=["p:key"],
        info=info(tmp_path, "app.py"),
    )

    assert program_task(request, "127.0.0.1:1") == {
        "kind": "program",
        "path": str(tmp_path / "app.py"),
        "import_from": str(tmp_path),
        "arguments": ["--flag"],
        "config": {"p:key": "value"},
        "secret_keys": ["p:key"],
        "settings": {
            "project": "p",
            "stack": "s",
            "organization": "o",
            "root_directory": str(tmp_path),
            "monitor": "127.0.0.1:2",
            "engine": "127.0.0.1:1",
            "parallel": 16,
            "dry_run": True,
        },
    }


def test_a_handshake_names_the_engine_to_a_host_that_was_attached_to(
    host: language_pb2_grpc.LanguageRuntimeStub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engines: list[str] = []

    def refuse(_: language_pb2.RunRequest, engine: str) -> dict[str, object]:
        engines.append(engine)
        raise PythonError("not in this test")

    monkeypatch.setattr("tools.language_host.host.program_task", refuse)
    host.Handshake(language_pb2.LanguageHandshakeRequest(engine_address="127.0.0.1:77"))
    host.Run(language_pb2.RunRequest(info=info(tmp_path)))

    assert engines == ["127.0.0.1:77"]


def test_an_installation_streams_what_it_does_and_fails_with_the_command(
    host: language_pb2_grpc.LanguageRuntimeStub, tmp_path: Path
) -> None:
    (tmp_path / "requirements.txt").write_text("./no-such-package\n")
    pip = tmp_path / "venv" / "bin" / "python"
    pip.parent.mkdir(parents=True)
    pip.write_text("#!/bin/sh\necho looking; echo 'no such package' >&2; exit 1\n")
    pip.chmod(0o755)
    request = language_pb2.InstallDependenciesRequest(directory=str(tmp_path), info=info(tmp_path, virtualenv="venv"))
    stdout, stderr = b"", b""

    with pytest.raises(grpc.RpcError) as failed:  # noqa: PT012 - what came before the failure is looked at, too
        for answer in host.InstallDependencies(request):
            stdout, stderr = stdout + answer.stdout, stderr + answer.stderr

    assert stdout.decode().splitlines()[0].startswith(f"$ {pip} -m pip install")
    assert stdout.decode().splitlines()[1] == "looking"
    assert stderr == b"no such package\n"
    assert "failed; its output above says why" in str(failed.value.details())
