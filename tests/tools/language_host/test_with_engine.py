"""The stand-in under the real engine: programs, errors, secrets, packs, components, and what is left after a kill."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tools.toolchain import Toolchain, ensure

pytestmark = pytest.mark.engine

PROJECT = """name: {name}
runtime:
  name: python
  options:
    virtualenv: {environment}
"""

SLOW = "import time\nprint('started', flush=True)\ntime.sleep(300)\n"


class Workspace:
    """A project with a stack `dev` in a file backend of its own."""

    def __init__(self, directory: Path, toolchain: Toolchain) -> None:
        self.directory = directory
        self.state = directory.parent / "state"
        self.state.mkdir()
        directory.mkdir()
        self.environment = {
            **toolchain.environment(),
            "PULUMI_BACKEND_URL": f"file://{self.state}",
            "PULUMI_CONFIG_PASSPHRASE": "only for this test",
        }

    def write(self, program: str, *, project: str = "") -> None:
        text = PROJECT.format(name="tiny", environment=sys.prefix) + project
        (self.directory / "Pulumi.yaml").write_text(text)
        (self.directory / "__main__.py").write_text(program)
        if not (self.state / ".pulumi" / "stacks").exists():
            self.run("stack", "init", "dev")

    def run(self, *arguments: str, succeeds: bool = True) -> str:
        """Output and errors of a `pulumi` command, which must end as it is said."""
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=self.directory,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        assert (done.returncode == 0) == succeeds, done.stdout
        return done.stdout

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=self.directory,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )


@pytest.fixture(scope="session")
def real_toolchain() -> Toolchain:
    return ensure()


@pytest.fixture
def workspace(tmp_path: Path, real_toolchain: Toolchain) -> Iterator[Workspace]:
    yield Workspace(tmp_path / "project", real_toolchain)
    for process in ours(tmp_path):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def ours(directory: Path) -> list[psutil.Process]:
    """Every process that works in the test's directory: engine, host, program, pack."""
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()).is_relative_to(directory):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    return found


def left_over(workspace: Workspace) -> list[psutil.Process]:
    """What still runs there; a busy machine has 20 s to end it, no promise is made of the time."""
    deadline = time.monotonic() + 20
    while (found := ours(workspace.directory.parent)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def read_until(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if text in line:
            return
    raise AssertionError(f"the engine ended without {text!r}")


def test_a_program_is_previewed_deployed_and_destroyed_without_a_warning(workspace: Workspace) -> None:
    workspace.write("import pulumi\npulumi.export('where', pulumi.get_stack())\n")

    outputs = [workspace.run(*command, "--stack", "dev") for command in (["preview"], ["up", "--yes"])]
    exported = json.loads(workspace.run("stack", "output", "--json", "--stack", "dev"))
    outputs.append(workspace.run("up", "--yes", "--expect-no-changes", "--stack", "dev"))
    outputs.append(workspace.run("refresh", "--yes", "--expect-no-changes", "--stack", "dev"))
    outputs.append(workspace.run("destroy", "--yes", "--stack", "dev"))

    assert exported == {"where": "dev"}
    assert [text for text in outputs if "warning" in text] == []


def test_configuration_arrives_and_a_secret_stays_one(workspace: Workspace) -> None:
    workspace.write(
        "import pulumi\nconfig = pulumi.Config()\n"
        "pulumi.export('plain', config.get('plain'))\npulumi.export('hidden', config.require_secret('hidden'))\n"
    )
    workspace.run("config", "set", "plain", "a value", "--stack", "dev")
    workspace.run("config", "set", "--secret", "hidden", "c4nary-in-the-mine", "--stack", "dev")

    shown = workspace.run("up", "--yes", "--stack", "dev")

    assert "a value" in shown
    assert "hidden: [secret]" in shown
    assert "c4nary" not in shown
    outputs = json.loads(workspace.run("stack", "output", "--json", "--show-secrets", "--stack", "dev"))
    assert outputs == {"plain": "a value", "hidden": "c4nary-in-the-mine"}
    kept = b"".join(path.read_bytes() for path in workspace.state.rglob("*") if path.is_file())
    assert b"c4nary" not in kept


def test_a_secret_is_in_no_process_argument_and_in_no_environment(workspace: Workspace) -> None:
    workspace.write(SLOW)
    workspace.run("config", "set", "--secret", "hidden", "c4nary-in-the-mine", "--stack", "dev")
    engine = workspace.start("preview", "--stack", "dev")
    read_until(engine, "started")

    seen = [(process.cmdline(), process.environ()) for process in ours(workspace.directory.parent)]

    assert len(seen) >= 3  # engine, host, program
    assert "c4nary" not in repr(seen)


def test_the_program_may_stand_in_a_folder_or_be_a_file(workspace: Workspace) -> None:
    workspace.write("raise SystemExit('the wrong program')\n", project="main: inner/\n")
    inner = workspace.directory / "inner"
    inner.mkdir()
    (inner / "neighbour.py").write_text("WORD = 'found'\n")
    (inner / "__main__.py").write_text("import pulumi, neighbour\npulumi.export('word', neighbour.WORD)\n")
    assert "found" in workspace.run("preview", "--stack", "dev")

    workspace.write("raise SystemExit('the wrong program')\n", project="main: inner/app.py\n")
    (inner / "app.py").write_text("import pulumi, neighbour\npulumi.export('word', neighbour.WORD + ' again')\n")
    assert "found again" in workspace.run("preview", "--stack", "dev")


def diagnostics(shown: str) -> str:
    """What the engine shows at the end; before it, every message scrolled by already."""
    return shown.partition("Diagnostics:")[2]


def test_an_exception_is_shown_once_with_the_programs_own_frames(workspace: Workspace) -> None:
    workspace.write("def pool():\n    raise KeyError('gpu-pool')\n\npool()\n")

    shown = diagnostics(workspace.run("preview", "--stack", "dev", succeeds=False))

    assert shown.count("KeyError: 'gpu-pool'") == 1
    assert "Program failed with an unhandled exception:" in shown
    assert f'File "{workspace.directory}/__main__.py", line 4' in shown
    assert "child.py" not in shown
    assert "exited with" not in shown


def test_a_run_error_is_shown_once_without_a_traceback(workspace: Workspace) -> None:
    workspace.write("import pulumi\nraise pulumi.RunError('pools.gpu.count is 1.5; it must be whole; write 2')\n")

    shown = diagnostics(workspace.run("preview", "--stack", "dev", succeeds=False))

    assert shown.count("error: pools.gpu.count is 1.5; it must be whole; write 2") == 1
    assert shown.count("error:") == 1
    assert "Traceback" not in shown


def test_an_exit_code_without_a_message_is_printed(workspace: Workspace) -> None:
    workspace.write("import sys\nsys.exit(7)\n")

    assert "The program exited with code 7" in workspace.run("preview", "--stack", "dev", succeeds=False)


def test_an_error_in_an_apply_fails_the_run(workspace: Workspace) -> None:
    workspace.write(
        "import pulumi\npulumi.Output.from_input(1).apply(lambda _: (_ for _ in ()).throw(ValueError('in apply')))\n"
    )

    shown = diagnostics(workspace.run("preview", "--stack", "dev", succeeds=False))

    assert shown.count("ValueError: in apply") == 1


def test_a_project_without_its_virtual_environment_gets_the_command_that_creates_it(workspace: Workspace) -> None:
    workspace.write("import pulumi\n")
    (workspace.directory / "Pulumi.yaml").write_text(PROJECT.format(name="tiny", environment="gone"))

    shown = workspace.run("preview", "--stack", "dev", succeeds=False)

    assert f"The virtual environment {workspace.directory}/gone does not exist" in shown
    assert "Run `pulumi install`" in shown


PACK = """from pulumi_policy import EnforcementLevel, PolicyPack, StackValidationPolicy

def judge(stack, report):
    for resource in stack.resources:
        if resource.resource_type == "tiny:index:Thing":
            report(f"no {resource.name}")

PolicyPack("law", policies=[StackValidationPolicy(
    name="nothing", description="No things.", validate=judge, enforcement_level=EnforcementLevel.MANDATORY)])
"""


def write_pack(workspace: Workspace, program: str) -> Path:
    pack = workspace.directory.parent / "pack"
    pack.mkdir()
    runtime = f"runtime:\n  name: python\n  options:\n    virtualenv: {sys.prefix}\n"
    (pack / "PulumiPolicy.yaml").write_text(f"description: d\n{runtime}")
    (pack / "__main__.py").write_text(program)
    return pack


def test_a_policy_pack_checks_the_program(workspace: Workspace) -> None:
    pack = write_pack(workspace, PACK)
    workspace.write("import pulumi\npulumi.ComponentResource('tiny:index:Thing', 'first')\n")

    refused = workspace.run("preview", "--stack", "dev", "--policy-pack", str(pack), succeeds=False)
    workspace.write("import pulumi\n")
    allowed = workspace.run("preview", "--stack", "dev", "--policy-pack", str(pack))

    assert "no first" in refused
    assert "no first" not in allowed
    assert left_over(workspace) == []


def test_a_policy_pack_that_does_not_start_shows_its_own_traceback_and_fails_the_run(workspace: Workspace) -> None:
    pack = write_pack(workspace, "raise ValueError('broken pack')\n")
    workspace.write("import pulumi\n")

    shown = workspace.run("preview", "--stack", "dev", "--policy-pack", str(pack), succeeds=False)

    assert "ValueError: broken pack" in shown
    assert "failed to start" in shown
    assert "child.py" not in shown


COMPONENT = """from typing import Optional, TypedDict
import pulumi
from pulumi.provider.experimental import component_provider_host

class GreetingArgs(TypedDict):
    who: pulumi.Input[str]

class Greeting(pulumi.ComponentResource):
    text: pulumi.Output[str]

    def __init__(self, name: str, args: GreetingArgs, opts: Optional[pulumi.ResourceOptions] = None):
        super().__init__("greeter:index:Greeting", name, {}, opts)
        self.text = pulumi.Output.concat("hello ", args["who"])
        self.register_outputs({"text": self.text})

if __name__ == "__main__":
    component_provider_host(name="greeter", components=[Greeting])
"""


def test_a_component_plugin_serves_a_program_of_another_project(workspace: Workspace) -> None:
    plugin = workspace.directory.parent / "greeter"
    plugin.mkdir()
    runtime = f"runtime:\n  name: python\n  options:\n    virtualenv: {sys.prefix}\n"
    (plugin / "PulumiPlugin.yaml").write_text(runtime)
    (plugin / "__main__.py").write_text(COMPONENT)
    workspace.write(
        "import pulumi\n"
        "class Greeting(pulumi.ComponentResource):\n"
        "    text: pulumi.Output[str]\n"
        "    def __init__(self, name, who):\n"
        "        super().__init__('greeter:index:Greeting', name, {'who': who, 'text': None}, None, remote=True)\n"
        "pulumi.export('text', Greeting('first', 'world').text)\n",
        project=f"plugins:\n  providers:\n  - name: greeter\n    path: {plugin}\n",
    )

    shown = workspace.run("up", "--yes", "--stack", "dev")

    assert "hello world" in shown
    assert "greeter:index:Greeting first" in shown
    assert left_over(workspace) == []


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_to_the_engine_ends_the_program_and_leaves_no_process(
    workspace: Workspace, ending: signal.Signals
) -> None:
    workspace.write(SLOW)
    engine = workspace.start("up", "--yes", "--stack", "dev")
    read_until(engine, "started")

    engine.send_signal(ending)
    shown = engine.communicate(timeout=30)[0]

    assert engine.returncode != 0
    assert "Traceback" not in shown
    assert left_over(workspace) == []


def test_control_c_at_a_terminal_reaches_everybody_and_shows_no_traceback(workspace: Workspace) -> None:
    workspace.write(SLOW)
    engine = workspace.start("up", "--yes", "--stack", "dev")
    read_until(engine, "started")

    os.killpg(engine.pid, signal.SIGINT)
    shown = engine.communicate(timeout=30)[0]

    assert "Traceback" not in shown
    assert left_over(workspace) == []


def test_a_killed_engine_leaves_neither_host_nor_program(workspace: Workspace) -> None:
    workspace.write(SLOW)
    engine = workspace.start("up", "--yes", "--stack", "dev")
    read_until(engine, "started")
    assert len(ours(workspace.directory.parent)) >= 3

    engine.kill()

    assert left_over(workspace) == []


def test_a_killed_host_leaves_no_program_and_the_engine_ends(workspace: Workspace) -> None:
    workspace.write(SLOW)
    engine = workspace.start("up", "--yes", "--stack", "dev")
    read_until(engine, "started")
    (host,) = [p for p in psutil.Process(engine.pid).children() if "language_host" in " ".join(p.cmdline())]

    host.kill()
    engine.communicate(timeout=30)

    assert engine.returncode != 0
    assert left_over(workspace) == []


def test_a_killed_policy_packs_host_leaves_no_pack(workspace: Workspace) -> None:
    pack = write_pack(workspace, PACK)
    workspace.write(SLOW)
    engine = workspace.start("preview", "--stack", "dev", "--policy-pack", str(pack))
    read_until(engine, "started")
    assert len(ours(workspace.directory.parent)) >= 4  # engine, host, program, pack

    engine.kill()

    assert left_over(workspace) == []


def test_a_killed_engine_leaves_no_kubernetes_provider_either(workspace: Workspace) -> None:
    objects = (
        "from pulumi_kubernetes import Provider\nfrom pulumi_kubernetes.core.v1 import ConfigMap\nimport pulumi\n"
        f"files = Provider('files', render_yaml_to_directory='{workspace.directory.parent}/rendered')\n"
        "made = ConfigMap('c', metadata={'name': 'c'}, opts=pulumi.ResourceOptions(provider=files))\n"
        "made.id.apply(lambda _: print('made', flush=True))\n"
    )
    workspace.write(f"{objects}pulumi.Output.from_input(made.id).apply(lambda _: __import__('time').sleep(300))\n")
    engine = workspace.start("up", "--yes", "--stack", "dev")
    read_until(engine, "made")
    provider = [p for p in psutil.Process(engine.pid).children() if "pulumi-resource-kubernetes" in p.name()]
    names = [" ".join(p.cmdline()) for p in psutil.Process(engine.pid).children()]
    assert provider or any("pulumi-resource-kubernetes" in name for name in names), names

    engine.kill()

    assert left_over(workspace) == []
