"""What an older version made is not made anew: its state, previewed by the program of today.

The states are of the cluster layer (`python -m tests.engine.layers` recorded them), so no API server is asked. Not
proved here: objects of a cluster, whose names are promises that the contract test and the dev stack hold.
"""

import gzip
import json
from pathlib import Path

import pytest

from tests.engine.layers import PASSPHRASE, RECORDED, STATES, of_layer
from tools.rehearsal import Rehearsal


@pytest.mark.parametrize("name", RECORDED)
def test_the_first_cloud_layer_is_updated_in_place(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLPLATFORM_HOME", str(tmp_path))
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", PASSPHRASE)
    rehearsal = Rehearsal(RECORDED[name])
    with rehearsal._cloud() as (run, _):
        engine = of_layer(run, f"{RECORDED[name]}-cluster", "cluster")
        engine.create()
        state = tmp_path / "state.json"
        state.write_bytes(gzip.decompress((STATES / f"{name}.json.gz").read_bytes()))
        engine.restore(state)
        before = {resource["urn"] for resource in engine.resources()}
        assert len(before) > 20
        plan = engine.preview()
        assert plan.failures == ()
        lost = [step.urn for step in plan.steps if step.operation in ("replace", "delete", "delete-replaced")]
        assert lost == []
    rehearsal.end()


def test_the_recorded_states_hold_no_text_that_was_a_secret() -> None:
    for name in RECORDED:
        text = gzip.decompress((STATES / f"{name}.json.gz").read_bytes()).decode()
        resources = json.loads(text)["deployment"]["resources"]
        assert resources
        assert "certificate-authority-data" not in text
