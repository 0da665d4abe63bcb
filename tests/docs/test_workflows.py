"""The workflows: only here an action that can change under its name, or a job that may write and runs foreign code, is
found."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

WORKFLOWS = Path(__file__).parents[2] / ".github" / "workflows"
PREVIEW = WORKFLOWS / "preview.yml"


def jobs(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]
    return found


def writes(job: dict[str, Any]) -> bool:
    return any(value == "write" for value in job.get("permissions", {}).values())


def test_every_action_of_the_preview_is_pinned_by_commit_and_names_its_version():
    uses = re.findall(r"uses: (.*)", PREVIEW.read_text(encoding="utf-8"))
    assert uses
    assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one) for one in uses), uses


def test_no_job_that_may_write_checks_out_the_pull_request_or_runs_its_code():
    found = jobs(PREVIEW)
    assert [name for name, job in found.items() if writes(job)] == ["publish"]
    text = str(found["publish"]["steps"])
    assert "checkout" not in text
    assert ".venv" not in text
    assert "make" not in text.replace("mkdir", "")
    assert "head.repo.full_name == github.repository" in found["publish"]["if"]


def test_no_text_of_a_pull_request_is_part_of_a_command():
    for job in jobs(PREVIEW).values():
        for step in job["steps"]:
            assert "${{" not in step.get("run", "")


@pytest.mark.parametrize("job", ["preview", "comment", "publish"])
def test_no_job_has_a_secret(job):
    assert "secrets." not in str(jobs(PREVIEW)[job])
