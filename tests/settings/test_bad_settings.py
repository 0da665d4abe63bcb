"""Every bad setting is refused where it is wrong, and nowhere else, with words that say what to do."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from components.findings import Refused
from settings.reader import from_file
from tests.settings.test_named_keys import names_only_keys_that_exist
from tests.support.settings import GOOD, PREFIX, BadSettings, bad_settings

CASES = bad_settings()
REPOSITORY = Path(__file__).parents[2]


def test_the_settings_that_they_are_laid_over_are_good() -> None:
    assert len(from_file(GOOD.read_text(encoding="utf-8")).cluster.pools) == 6


def test_there_are_enough_of_them() -> None:
    assert len(CASES) > 100


BACKUP = "mlflow.backup.schedule"


def with_another(case: BadSettings) -> str:
    """The same settings with a bad schedule of backups as well."""
    config = yaml.safe_load(case.text)["config"]
    mlflow = {**config.get(f"{PREFIX}mlflow", {}), "backup": {"schedule": "nightly"}}
    return yaml.safe_dump({"config": {**config, f"{PREFIX}mlflow": mlflow}})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_bad_setting_is_refused_at_its_path_and_nowhere_else_and_hides_no_other_one(case: BadSettings) -> None:
    """Alone it is read by the test of what people read; here where it is about the number of problems."""
    counted = any("problem" in words for words in case.says)
    alone = case.whole or counted or any("mlflow.backup" in path for path in case.paths)
    with pytest.raises(Refused) as refused:
        from_file(case.text if alone else with_another(case))
    message = str(refused.value)
    paths = {finding.path for finding in refused.value.findings}
    assert paths == (case.paths if alone else {*case.paths, BACKUP}), message
    names_only_keys_that_exist(case, refused.value.findings)
    assert len(set(refused.value.findings)) == len(refused.value.findings), message
    for finding in refused.value.findings:
        assert all(text.strip() for text in finding), message
    for words in case.says:
        assert words in message, f"{words!r} not in:\n{message}"
    assert "hunter2" not in message
    assert "{" not in re.sub(r"\{\w+\.\w+: \d\}", "", message), "a message shows code, not settings"


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
