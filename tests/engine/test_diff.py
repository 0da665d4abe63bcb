"""`make diff`: two commits compared on the simulated cloud by the real engine, without any credential."""

import io
import shutil
import subprocess
from pathlib import Path

import pytest
from rich.console import Console

from report.document import stack_report
from tests.engine.conftest import REPOSITORY
from tests.report.recorded import TODAY
from tools.diff import Diff
from tools.lifecycle import Lifecycle
from tools.screen import Screen


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose one commit has the tracked files of this checkout."""
    monkeypatch.setenv("MLPLATFORM_HOME", str(tmp_path / "home"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    made = tmp_path / "project"
    made.mkdir()
    listed = subprocess.run(["git", "-C", str(REPOSITORY), "ls-files"], capture_output=True, text=True, check=True)
    for name in listed.stdout.splitlines():
        if not name.startswith(("tests/", "docs/")) and (REPOSITORY / name).is_file():
            (made / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, made / name)
    git = ["git", "-C", str(made), "-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
    for command in (["init", "--initial-branch=main"], ["add", "."], ["commit", "-m", "base"]):
        subprocess.run([*git, *command], check=True, capture_output=True)
    (made / ".venv").symlink_to((REPOSITORY / ".venv").resolve(), target_is_directory=True)
    return made


def test_a_machine_that_changes_is_a_replaced_pool_and_the_line_of_the_setting_is_named(project, toolchain):
    path = project / "Pulumi.prod.yaml"
    text = path.read_text(encoding="utf-8").replace("machines: [g6.12xlarge]", "machines: [g6.24xlarge]")
    path.write_text(text, encoding="utf-8")
    life = Lifecycle(project=project, screen=Screen(Console(file=io.StringIO())), tools=lambda: toolchain)
    made = stack_report(Diff(life, "main").comparison("prod", TODAY))
    assert made.verdict.decision == "look", made.verdict.text
    (pool,) = [one for one in made.loss.items if one.operation == "replace"]
    line = next(n for n, one in enumerate(text.splitlines(), start=1) if "g6.24xlarge" in one)
    assert (pool.title, pool.line) == ("NodeGroup l4-group", line)
    assert {one.name for one in made.changes.components} == {"EksNodePool l4"}
    assert made.against.endswith("deployed on a simulated cloud")
    assert not [*(life.state / "rehearsals").glob("*/*")]
