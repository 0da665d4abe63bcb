"""Stacks of one layer on a simulated cloud, for the tests of split stacks and of upgrades.

`python -m tests.engine.layers` records the states that `test_upgrade.py` previews: those of the first commit that has
the cloud layers. Their secrets are of a simulated cloud, under a passphrase that stands here.
"""

import dataclasses
import gzip
import json
import os
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

import yaml

from tools.engine import Engine
from tools.facts import CHECKOUT
from tools.rehearsal import Rehearsal, rehearsal_settings
from tools.run import Run

STATES = Path(__file__).parent / "states"
RECORDED = {"eks": "prod", "gke": "gke"}
"""Name of a recorded state -> the stack that it is of."""
PASSPHRASE = "recorded"


def of_layer(
    run: Run, stack: str, layer: str, cluster_stack_reference: str = "", without: Collection[str] = ()
) -> Engine:
    """The engine of another stack beside a rehearsed one: the same settings, one layer of them.

    `without` names sections that are left out.
    """
    text = (CHECKOUT / f"Pulumi.{run.engine.stack}.yaml").read_text(encoding="utf-8")

    def edit(_: str) -> str:
        content: dict[str, Any] = yaml.safe_load(rehearsal_settings(text))
        for section in without:
            del content["config"][f"mlplatform:{section}"]
        content["config"]["mlplatform:scope"] = layer
        if cluster_stack_reference:
            content["config"]["mlplatform:clusterStackReference"] = cluster_stack_reference
        return yaml.safe_dump(content, sort_keys=False)

    return dataclasses.replace(run.engine, stack=stack, edit_settings=edit)


def record() -> None:
    """Writes the state of the cluster layer of each cloud."""
    os.environ["PULUMI_CONFIG_PASSPHRASE"] = PASSPHRASE
    STATES.mkdir(exist_ok=True)
    for name, stack in RECORDED.items():
        rehearsal = Rehearsal(stack)
        with rehearsal._cloud() as (run, _):
            engine = of_layer(run, f"{stack}-cluster", "cluster")
            engine.create()
            outcome = engine.up()
            assert outcome.succeeded, outcome.failures
            text = json.dumps(engine.export(), sort_keys=True)
            (STATES / f"{name}.json.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
        rehearsal.end()


if __name__ == "__main__":
    sys.exit(record())
