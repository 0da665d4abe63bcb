"""A workload kind of a company's own, registered by a setting, is treated like the platform's.

Only this finds something that settings or stacks do for sections that they know by name. Not proved here: that an API
server takes the CronJob; tests/engine does that for the pods that it shares with trainings.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from click.testing import CliRunner

from components.findings import Finding, Refused
from policies.objects import PlannedObject
from policies.pack import RULES, message
from settings.check import main
from settings.reader import from_file, model_from_file
from settings.schema import stack_file_schema
from stacks.outputs import team_rows, workload_row
from tests.support.settings import PREFIX, Deleted, merged, overlaid
from tests.support.whole_stack import recorded_stack

REPOSITORY = Path(__file__).parents[2]
KINDS = ["examples.kinds.batch"]
EMBEDDINGS: dict[str, Any] = {
    "team": "language",
    "pool": "l4-shared",
    "program": {
        "image": "ghcr.io/example/embed:1.0.0",
        "parts": 4,
        "accelerators": {"count": 1},
        "cpuMillis": 4000,
        "memoryGib": 16,
        "deadlineMinutes": 240,
    },
    "schedule": {"cron": "0 2 * * *"},
}


def text(overlay: dict[str, Any] | None = None, **sections: Any) -> str:
    return overlaid({"workloadKinds": KINDS, "batch": {"embeddings": merged(EMBEDDINGS, overlay or {})}, **sections})


def findings(settings: str) -> list[Finding]:
    with pytest.raises(Refused) as refused:
        from_file(settings)
    return list(refused.value.findings)


def paths(settings: str) -> list[str]:
    return [finding.path for finding in findings(settings)]


def test_without_the_setting_there_is_no_such_section() -> None:
    assert paths(overlaid({"batch": {"embeddings": EMBEDDINGS}})) == ["batch"]
    assert from_file(text()).batch["embeddings"].program["parts"] == 4  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"program": {"part": 4}}, "program.part"),
        ({"program": {"parts": Deleted()}}, "program.parts"),
        ({"program": {"parts": "4"}}, "program.parts"),
        ({"program": {"parts": 0}}, "program.parts"),
        ({"program": {"image": "ghcr.io/example/embed:latest"}}, "program.image"),
        ({"program": {"memoryGib": 9000}}, "program.memoryGib"),
        ({"program": {"accelerators": {"count": 64}}}, "program.accelerators.count"),
        ({"schedule": {"cron": "nightly"}}, "schedule.cron"),
        ({"pool": "l5"}, "pool"),
        ({"team": "visions"}, "team"),
        ({"pool": "v5e", "program": {"accelerators": {"count": 4}}}, "pool"),
    ],
)
def test_what_is_wrong_with_an_entry_is_found_where_it_is_written(wrong: dict[str, Any], path: str) -> None:
    assert paths(text(wrong)) == [f"batch.embeddings.{path}"]


def test_an_entry_of_a_wrong_shape_hides_nothing_else() -> None:
    resnet = {"resnet": {"job": {"image": "resnet:latest"}}}
    assert paths(text({"program": {"part": 4}}, training=resnet)) == [
        "batch.embeddings.program.part",
        "training.resnet.job.image",
    ]


def test_a_pool_that_is_wrong_takes_its_batches_out_of_what_is_checked() -> None:
    assert paths(text(cluster={"pools": {"l4-shared": {"nodesMax": 0}}})) == ["cluster.pools.l4-shared.nodesMax"]


def test_within_a_team_its_name_is_one_thing() -> None:
    assert paths(overlaid({"workloadKinds": KINDS, "batch": {"chat": EMBEDDINGS}})) == ["batch.chat"]


def test_its_devices_count_against_pool_and_quota() -> None:
    assert team_rows(from_file(text()))["language"]["l4-shared"] == {"quota": 16, "used": 10, "left": 6}
    [too_many] = findings(text({"program": {"parts": 11}}))
    assert (too_many.value, too_many.rule) == ("team language requests 17 of l4-shared", "its quota is 16")
    # A wrong number is one finding: it is not held against the quota as well.
    assert paths(text({"program": {"parts": 1000}})) == ["batch.embeddings.program.parts"]


def test_its_pods_count_against_the_quota_of_cpu() -> None:
    small = {"program": {"accelerators": Deleted(), "cpuMillis": 15000, "memoryGib": 1, "parts": 30}, "pool": "cpu"}
    without = from_file(text({"program": {"accelerators": Deleted()}, "pool": "cpu"}))
    [held] = [one for one in without.holdings() if one.path == "batch.embeddings"]
    assert (held.pods, held.cpu_millis, held.memory_gib) == (4, 16000, 64)
    assert paths(text(small)) == ["teams.language.cpu"]
    assert from_file(text({**small, "schedule": {"suspended": True}}))


def test_it_is_declared_after_its_team(tmp_path: Path) -> None:
    recording = recorded_stack(from_file(text()), tmp_path)
    cron, component = recording.one("CronJob", "embeddings"), recording.one("BatchJob", "embeddings")
    assert cron.parent == component.urn
    assert cron.inputs["metadata"]["namespace"] == "language"
    job = cron.inputs["spec"]["jobTemplate"]["spec"]
    assert (job["parallelism"], job["completionMode"]) == (4, "Indexed")
    container = job["template"]["spec"]["containers"][0]
    assert container["resources"]["limits"]["nvidia.com/gpu.shared"] == "1"
    team = recording.one("ServiceAccount", "team-language-training-account")
    assert team.urn in cron.dependencies


def test_policies_let_it_pass(tmp_path: Path) -> None:
    made = recorded_stack(from_file(text()), tmp_path).of("CronJob")
    objects = [PlannedObject(one.urn, one.type, one.name, one.inputs) for one in made]
    assert "embeddings-schedule" in [one.name for one in objects]
    assert [message(found) for rule in RULES if rule.of_one for one in objects for found in rule.of_one(one)] == []


def test_it_has_a_row_in_the_summary() -> None:
    settings = from_file(text())
    assert workload_row("embeddings", settings.batch["embeddings"], settings) == {  # type: ignore[attr-defined]
        "name": "embeddings",
        "team": "language",
        "namespace": "language",
        "pool": "l4-shared",
        "kind": "batch",
        "without_pods": "next: 0 2 * * *",
    }


def test_the_schema_has_its_section_with_every_key_described(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.own.yaml"
    file.write_text(text(), encoding="utf-8")
    printed = yaml.safe_load(CliRunner().invoke(main, ["--schema", str(file)]).output)
    assert printed == stack_file_schema(model_from_file(text()))
    assert [*stack_file_schema()["properties"]["config"]["properties"]] == [
        key for key in printed["properties"]["config"]["properties"] if key != f"{PREFIX}batch"
    ]
    for name in ("Batch", "BatchSpec"):
        described = printed["$defs"][name]["properties"]
        assert all(node.get("description") for node in described.values()), name
    validator = jsonschema.Draft202012Validator(printed)
    assert validator.is_valid(yaml.safe_load(text()))
    assert not validator.is_valid(yaml.safe_load(text({"program": {"part": 4}})))


def test_the_reference_has_its_keys(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.own.yaml"
    file.write_text(text(), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    page = subprocess.run(
        [sys.executable, REPOSITORY / "docs" / "settings_page.py", file],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    ).stdout
    section = page.partition("## batch\n")[2].partition("\n## ")[0]
    [row] = [line for line in section.splitlines() if line.startswith("| `batch.<name>.program.parts`")]
    assert "| whole number |" in row
    assert "`4`" in row
    assert "JOB_COMPLETION_INDEX" in row


def test_the_component_refuses_what_the_settings_refuse(tmp_path: Path) -> None:
    settings = from_file(text())
    entry = settings.batch["embeddings"]  # type: ignore[attr-defined]
    wrong = entry.model_copy(update={"program": {**entry.program, "parts": 0}})
    with pytest.raises(Refused, match=r"embeddings\.parts"):
        recorded_stack(settings.model_copy(update={"batch": {"embeddings": wrong}}), tmp_path)
