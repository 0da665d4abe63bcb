"""Records streams of the pinned engine for the tests: `python tests/report/record.py prod gke dev onprem blocked`.

Each is a preview of this checkout: cloud stacks on the simulated cloud, the others on the simulated cluster of dev,
which must be up. What no report reads is left out: debug lines, results of policies that passed, outputs, and the
inputs of what stays the same. Everything else is as the engine wrote it.
"""

import dataclasses
import json
import lzma
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from simulator.cluster import Cluster
from tools.backend import Backend, cluster_name
from tools.engine import RUN_VARIABLE, Engine
from tools.facts import CHECKOUT
from tools.lifecycle import Lifecycle
from tools.recovery import new_run
from tools.rehearsal import Rehearsal, rehearsal_settings

STREAMS = Path(__file__).parent / "streams"
KEPT = ("resourcePreEvent", "resOutputsEvent", "diagnosticEvent", "errorEvent", "policyEvent", "summaryEvent")
Edit = Callable[[dict[str, Any]], None]


def reduced(line: str) -> str:
    """The event without what no report reads; empty if nothing is left. Text that is no event stays as it is."""
    try:
        event = json.loads(line)
    except ValueError:
        return line
    if not any(kind in event for kind in KEPT) or event.get("diagnosticEvent", {}).get("severity") == "debug":
        return ""
    for kind in ("resourcePreEvent", "resOutputsEvent"):
        metadata = event.get(kind, {}).get("metadata", {})
        for state in (metadata.get("old"), metadata.get("new")):
            if state:
                state.pop("outputs", None)
                if metadata["op"] == "same":
                    state.pop("inputs", None)
    return json.dumps(event, separators=(",", ":")).replace(str(CHECKOUT), "/checkout") + "\n"


def keep(name: str, log: str) -> None:
    """Writes one stream."""
    text = "".join(reduced(line) for line in Path(log).read_text(encoding="utf-8").splitlines(keepends=True))
    (STREAMS / f"{name}.jsonl.xz").write_bytes(lzma.compress(text.encode(), preset=9))
    print(name, len(text.splitlines()), "events")  # noqa: T201 - a command


def edited(edit: Edit) -> Callable[[str], str]:
    """The settings of a rehearsal after an edit of their sections."""

    def change(text: str) -> str:
        content = yaml.safe_load(text)
        sections = {key.removeprefix("mlplatform:"): value for key, value in content["config"].items()}
        edit(sections)
        content["config"] = {f"mlplatform:{key}": value for key, value in sections.items()}
        return rehearsal_settings(yaml.safe_dump(content, sort_keys=False))

    return change


def grown(sections: dict[str, Any]) -> None:
    """More of everything: a larger machine, a wider range, a larger database, another image, one more team."""
    cluster, teams = sections["cluster"], sections["teams"]
    cluster["pools"]["l4"]["machines"] = ["g6.24xlarge"]
    cluster["controlPlane"]["publicRanges"] = ["203.0.113.0/24", "198.51.100.0/24"]
    sections["mlflow"]["database"]["rds"] |= {"instanceClass": "db.m7g.xlarge", "storageGib": 200}
    sections["inference"]["chat"]["service"]["maxReplicas"] = 4
    sections["training"]["detector"]["job"] |= {"run": "2", "image": "ghcr.io/example/detector:2.1.0"}
    teams["vision"]["quota"]["l4-spot"] = 8
    teams["robots"] = {"owner": "robot-leads", "costCenter": "cc-1003", "quota": {"l4-spot": 8}}


def shrunk(sections: dict[str, Any]) -> None:
    """Less: a pool, a model and the rights of a team are gone."""
    del sections["cluster"]["pools"]["a100-mig"]
    del sections["environment"]["deviceCaps"]["A100-80GB"]
    del sections["teams"]["vision"]["quota"]["a100-mig/1g.10gb"]
    del sections["teams"]["language"]["editors"]
    del sections["inference"]["chat"]


def spot_removed(sections: dict[str, Any]) -> None:
    """GKE: a machine type changes, a pool is gone."""
    del sections["cluster"]["pools"]["l4-spot"]
    sections["teams"]["vision"]["quota"].pop("l4-spot", None)
    sections["teams"]["language"]["quota"].pop("l4-spot", None)
    for kind in ("training", "inference", "modelServers"):
        for name in [name for name, row in sections.get(kind, {}).items() if row["pool"] == "l4-spot"]:
            del sections[kind][name]
    sections["cluster"]["pools"]["l4"]["machine"] = "g2-standard-24"
    for row in sections["teams"].values():
        row["quota"] = {key: min(units, 24) if key == "l4" else units for key, units in row["quota"].items()}


def dev_changed(sections: dict[str, Any]) -> None:
    """dev: a pool grows, a training runs again, an image changes, a team is renamed."""
    sections["training"]["resnet"]["job"] |= {"run": "2", "image": "ghcr.io/example/resnet:1.5.0"}
    sections["inference"]["chat"]["service"]["canary"]["trafficPercent"] = 50
    sections["modelServers"]["detector-api"]["server"]["image"] = "ghcr.io/example/detector-server:2.1.0"
    sections["environment"]["deviceCaps"]["L4"] = 13
    sections["cluster"]["pools"]["l4-shared"]["nodesMax"] = 3


CLOUDS: dict[str, dict[str, Edit]] = {
    "prod": {"grown": grown, "shrunk": shrunk, "same": lambda _: None},
    "gke": {"spot-removed": spot_removed},
}


def record_cloud(stack: str) -> None:
    """The first preview, then previews of edited settings over the deployed stack."""
    rehearsal = Rehearsal(stack)
    with rehearsal._cloud() as (run, cloud):
        run.engine.create()
        keep(f"{stack}-first", run.engine.preview().log)
        up = run.engine.up()
        assert up.succeeded, up.failures
        for name, edit in CLOUDS[stack].items():
            outcome = dataclasses.replace(run.engine, edit_settings=edited(edit)).preview()
            assert outcome.succeeded, outcome.failures
            keep(f"{stack}-{name}", outcome.log)
        rehearsal._leave(cloud)


def record_dev() -> None:
    """A change of dev over the stack that is up, and settings that the program refuses."""
    life = Lifecycle()
    engine = life._begin(life.facts(CHECKOUT, "dev"), start_cluster=False).engine

    def plain(edit: Edit) -> Callable[[str], str]:
        return lambda text: edited(edit)(text).replace("    rehearsal: true\n", "")

    keep("dev-changed", dataclasses.replace(engine, edit_settings=plain(dev_changed)).preview().log)
    refused = dataclasses.replace(
        engine, edit_settings=plain(lambda s: s["cluster"]["pools"]["h100"].update(nodesMax=9))
    )
    keep("dev-refused", refused.preview().log)


def on_dev_cluster(project: Path, stack: str, state: Path, **fields: Any) -> Engine:
    """An engine of another project, on the cluster of dev."""
    life = Lifecycle()
    kubeconfig = Cluster(cluster_name(CHECKOUT, "dev")).kubeconfig
    environment = {RUN_VARIABLE: new_run(), "KUBECONFIG": str(kubeconfig), "PYTHONPATH": str(CHECKOUT)}
    engine = Engine(
        tools=life.tools(),
        project=project,
        stack=stack,
        state=state,
        backend=Backend(f"file://{state}/backend", "recording"),
        policy_pack=CHECKOUT / "policies",
        environment={**environment, "MLPLATFORM_REHEARSAL": "1"},
        **fields,
    )
    engine.create()
    return engine


def record_onprem(state: Path) -> None:
    """The first preview of onprem, on a cluster that exists."""
    kubeconfig = Cluster(cluster_name(CHECKOUT, "dev")).kubeconfig

    def here(sections: dict[str, Any]) -> None:
        sections["cluster"] |= {"kubeconfig": str(kubeconfig)}
        sections["cluster"].pop("context", None)

    engine = on_dev_cluster(CHECKOUT, "onprem", state, edit_settings=edited(here))
    keep("onprem-first", engine.preview().log)


def record_blocked(state: Path) -> None:
    """The program of tests/engine that violates mandatory policies."""
    project = state / "project"
    project.mkdir()
    (project / ".venv").symlink_to(CHECKOUT / ".venv", target_is_directory=True)
    program = CHECKOUT / "tests" / "engine" / "programs" / "violations"
    (project / "program").symlink_to(program, target_is_directory=True)
    text = "name: mlplatform\nruntime: {name: python, options: {virtualenv: .venv}}\nmain: program/\n"
    (project / "Pulumi.yaml").write_text(text, encoding="utf-8")
    keep("blocked", on_dev_cluster(project, "test", state).preview().log)


def main() -> None:
    """Records the named streams."""

    STREAMS.mkdir(exist_ok=True)
    for name in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as state:
            if name in CLOUDS:
                record_cloud(name)
            elif name == "dev":
                record_dev()
            else:
                {"onprem": record_onprem, "blocked": record_blocked}[name](Path(state))


if __name__ == "__main__":
    main()
