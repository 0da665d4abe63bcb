"""What an older version made is not made anew: its state, previewed by the program of today.
And Kubernetes is upgraded as the runbook says.

The states are of the cluster layer (`python -m tests.engine.layers` recorded them), so no API server is asked. Not
proved here: objects of a cluster, whose names are promises that the contract test and the dev stack hold.
"""

import dataclasses
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.engine.layers import PASSPHRASE, RECORDED, STATES, of_layer
from tests.support.settings import merged
from tools.engine import Engine
from tools.rehearsal import Rehearsal

HELD = {"kubernetesVersion": "1.35"}
"""The control plane's version in Pulumi.prod.yaml."""


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


def test_a_pool_that_is_held_back_keeps_its_nodes_while_the_rest_is_upgraded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLPLATFORM_HOME", str(tmp_path))
    rehearsal = Rehearsal("prod")
    with rehearsal._cloud() as (run, _):
        engine = of_layer(run, "prod-cluster", "cluster")
        engine.create()
        assert engine.up().failures == ()
        groups = {r["urn"] for r in engine.resources() if r["type"] == "aws:eks/nodeGroup:NodeGroup"}
        (h100,) = (urn for urn in groups if urn.endswith("::h100-group"))
        held = with_cluster(engine, {"controlPlane": {"kubernetesVersion": "1.36"}, "pools": {"h100": HELD}})
        plan = held.preview()
        assert not {step.operation for step in plan.steps} & {"replace", "delete", "create"}
        assert {step.urn for step in plan.steps if step.operation == "update"} & groups == groups - {h100}
        assert held.up().failures == ()
        free = with_cluster(engine, {"controlPlane": {"kubernetesVersion": "1.36"}})
        last = free.up()
        assert last.failures == ()
        updated = [step for step in last.steps if step.operation == "update"]
        assert [step.urn for step in updated if step.type.startswith("aws:")] == [h100]
    rehearsal.end()


def with_cluster(engine: Engine, over: dict[str, Any]) -> Engine:
    """The same with other settings of the cluster."""

    def edit(text: str) -> str:
        content = yaml.safe_load(engine.edit_settings(text) if engine.edit_settings else text)
        content["config"]["mlplatform:cluster"] = merged(content["config"]["mlplatform:cluster"], over)
        return yaml.safe_dump(content, sort_keys=False)

    return dataclasses.replace(engine, edit_settings=edit)


def test_the_recorded_states_hold_no_text_that_was_a_secret() -> None:
    for name in RECORDED:
        text = gzip.decompress((STATES / f"{name}.json.gz").read_bytes()).decode()
        resources = json.loads(text)["deployment"]["resources"]
        assert resources
        assert "certificate-authority-data" not in text
