"""Bad settings under the real engine: the program says what `python -m settings.check` says, and registers nothing."""

from typing import Any

import pytest
import yaml

from components.findings import Refused
from settings.reader import from_file
from tests.engine.conftest import REPOSITORY
from tests.support.settings import GOOD, bad_settings
from tools.events import STACK_TYPE

CHOSEN = (
    "cluster.pools.h100.devicesPerNode--fractional-gpu",  # wrong by its shape
    "teams.ANY.quota.h100--beyond-capacity",  # wrong by a rule on everything together
    "mlflow.database.pasword+mlflow.database.password--misspelt-secret",
)


def test_a_preview_of_bad_settings_says_what_is_wrong_and_registers_nothing(workspace: Any) -> None:
    good = yaml.safe_load(GOOD.read_text(encoding="utf-8"))["config"]
    engine = workspace(REPOSITORY / "stacks", config=good)
    chosen = [case for case in bad_settings() if case.name in CHOSEN]
    assert len(chosen) == len(CHOSEN)
    for case in chosen:
        with pytest.raises(Refused) as refused:
            from_file(case.text)
        (engine.project / "Pulumi.test.yaml").write_text(case.text, encoding="utf-8")
        plan = engine.preview()
        assert not plan.succeeded
        said = "\n".join(failure.message for failure in plan.failures)
        for finding in refused.value.findings:
            assert str(finding) in said
        assert "Traceback" not in said
        assert "hunter2" not in said
        # The engine's language host registers the stack itself before it runs the program.
        assert [step.urn for step in plan.steps if step.type != STACK_TYPE] == []
    assert engine.resources() == []
