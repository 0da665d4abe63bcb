"""Every bad setting is refused where it is wrong, and nowhere else, with words that say what to do."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from components.findings import Refused
from settings.reader import from_file
from tests.support.settings import GOOD, PREFIX, BadSettings, bad_settings

CASES = bad_settings()
REPOSITORY = Path(__file__).parents[2]


def test_the_settings_that_they_are_laid_over_are_good() -> None:
    assert len(from_file(GOOD.read_text(encoding="utf-8")).cluster.pools) == 6


def test_there_are_enough_of_them() -> None:
    assert len(CASES) > 100


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_bad_setting_is_refused_at_its_path_and_nowhere_else(case: BadSettings) -> None:
    with pytest.raises(Refused) as refused:
        from_file(case.text)
    message = str(refused.value)
    assert {finding.path for finding in refused.value.findings} == case.paths, message
    assert len(set(refused.value.findings)) == len(refused.value.findings), message
    for finding in refused.value.findings:
        assert all(text.strip() for text in finding), message
    for words in case.says:
        assert words in message, f"{words!r} not in:\n{message}"
    assert "hunter2" not in message
    assert "{" not in re.sub(r"\{\w+\.\w+: \d\}", "", message), "a message shows code, not settings"


BESIDE = [case for case in CASES if not case.whole and not any("mlflow.backup" in path for path in case.paths)]


@pytest.mark.parametrize("case", BESIDE, ids=lambda case: case.name)
def test_no_bad_setting_hides_another_one(case: BadSettings) -> None:
    config = yaml.safe_load(case.text)["config"]
    mlflow = {**config.get(f"{PREFIX}mlflow", {}), "backup": {"schedule": "nightly"}}
    with pytest.raises(Refused) as refused:
        from_file(yaml.safe_dump({"config": {**config, f"{PREFIX}mlflow": mlflow}}))
    assert {finding.path for finding in refused.value.findings} == {*case.paths, "mlflow.backup.schedule"}


def test_people_read_the_same_without_a_traceback(tmp_path: Path) -> None:
    files = []
    for case in CASES:
        files.append(tmp_path / f"{case.name}.yaml")
        files[-1].write_text(case.text, encoding="utf-8")
    answer = subprocess.run(
        [sys.executable, "-m", "settings.check", *map(str, files)],
        capture_output=True,
        text=True,
        check=False,
        cwd=REPOSITORY,
    )
    assert answer.returncode == 1
    assert answer.stdout == ""
    assert "Traceback" not in answer.stderr
    for file, case in zip(files, CASES, strict=True):
        said = answer.stderr.split(f"{file}: settings: ")[1].split(f"{tmp_path}/")[0]
        assert "nothing was changed" in said
        for path in case.paths:
            assert f"  {path}: " in said
        assert said.count("rule:") == said.count("remedy:") >= len(case.paths)
