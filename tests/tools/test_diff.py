"""Two commits: only here a commit that is not found, or an option in its place, is found. The comparison itself:
tests/engine/test_diff.py."""

import subprocess
from pathlib import Path

import pytest

from tests.report.recorded import TODAY
from tools.diff import Diff, checked_out
from tools.errors import ToolError
from tools.lifecycle import Lifecycle
from tools.preview import exemptions_of
from tools.rehearsal import rehearsal_settings


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    project = tmp_path / "project"
    project.mkdir()

    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
        subprocess.run(["git", "-C", str(project), *identity, *arguments], check=True, capture_output=True)

    git("init", "--initial-branch=main")
    text = "config:\n  mlplatform:cluster: {kind: existing}\n"
    (project / "Pulumi.onprem.yaml").write_text(text, encoding="utf-8")
    git("add", ".")
    git("commit", "-m", "base")
    (project / "Pulumi.onprem.yaml").write_text(f"{text}# changed\n", encoding="utf-8")
    return project


def test_a_commit_is_written_as_it_is_and_the_working_tree_is_left_alone(repository, tmp_path):
    folder = tmp_path / "base"
    folder.mkdir()
    commit = checked_out(repository, "main", folder)
    assert len(commit) >= 7
    assert "# changed" not in (folder / "Pulumi.onprem.yaml").read_text(encoding="utf-8")
    assert "# changed" in (repository / "Pulumi.onprem.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["no-such-branch", "--help", "", "main:Pulumi.onprem.yaml"])
def test_what_is_no_commit_is_refused_by_name(repository, tmp_path, name):
    with pytest.raises(ToolError, match="is no commit of"):
        checked_out(repository, name, tmp_path)


def test_a_cluster_that_exists_is_not_simulated_and_says_what_to_run_instead(repository):
    comparison = Diff(Lifecycle(project=repository), "main").comparison("onprem", TODAY)
    assert "`make preview STACK=onprem` compares with it" in comparison.plan.problem


def test_one_secret_is_the_same_in_both_rehearsals():
    text = "config: {'mlplatform:mlflow': {password: {secure: v1:one}, other: {secure: v1:two}}}"
    assert rehearsal_settings(text) == rehearsal_settings(text)
    assert rehearsal_settings(text) != rehearsal_settings(text.replace("v1:one", "v1:new"))


def test_exemptions_are_read_with_their_last_day(tmp_path):
    (tmp_path / "policies").mkdir()
    path = tmp_path / "policies" / "config.prod.json"
    path.write_text(
        '{"objects-have-names": {"exemptions": [{"object": "Job a/b", "reason": "a reason here", "owner": "c", '
        '"expires": "2026-12-31"}]}}',
        encoding="utf-8",
    )
    (found,) = exemptions_of(tmp_path, "prod")
    assert (found.policy, found.object, found.owner, str(found.expires)) == (
        "objects-have-names",
        "Job a/b",
        "c",
        "2026-12-31",
    )
    path.write_text("[", encoding="utf-8")
    assert exemptions_of(tmp_path, "prod") == ()
