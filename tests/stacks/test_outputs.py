"""What a stack hands out, as far as it is decided before anything is declared."""

import functools
from pathlib import Path

import pytest
import yaml

from settings.clouds.existing import ExistingSettings
from settings.reader import from_file
from stacks.outputs import (
    cap_rows,
    capacity_rows,
    next_steps,
    served_endpoints,
    storage_rows,
    team_rows,
    workload_row,
)
from tests.support.settings import GOOD, overlaid

ROOT = Path(__file__).parents[2]
SETTINGS = from_file(GOOD.read_text(encoding="utf-8"))


def test_the_rows_of_capacity_are_the_ledger_s_by_accelerator() -> None:
    rows = capacity_rows(SETTINGS)
    assert [
        (r["accelerator"], r["key"], r["sharing"], r["nodes"], r["devices"], r["units"], r["used"]) for r in rows
    ] == [
        ("A100-80GB", "a100-mig/1g.10gb", "mig", 1, 8, 16, 1),
        ("A100-80GB", "a100-mig/2g.20gb", "mig", 1, 8, 8, 0),
        ("A100-80GB", "a100-mig/3g.40gb", "mig", 1, 8, 8, 0),
        ("H100", "h100", "exclusive", 2, 16, 16, 16),
        ("L4", "l4-shared", "time-slicing", 2, 8, 32, 7),
        ("L4", "spot", "exclusive", 1, 1, 1, 1),
        ("TPU-v5e", "v5e", "exclusive", 4, 16, 16, 16),
    ]
    assert {row["resource"] for row in rows if row["key"] == "l4-shared"} == {"nvidia.com/gpu.shared"}


def test_the_caps_are_printed_with_the_devices_that_the_pools_have_each_once() -> None:
    assert cap_rows(SETTINGS) == {
        "A100-80GB": {"cap": 8, "devices": 8},
        "H100": {"cap": 16, "devices": 16},
        "L4": {"cap": 9, "devices": 9},
        "TPU-v5e": {"cap": 16, "devices": 16},
    }
    unused = from_file(overlaid({"environment": {"deviceCaps": {"H200": 4}}}))
    assert cap_rows(unused)["H200"] == {"cap": 4, "devices": 0}


def test_the_rows_of_teams_say_what_is_left() -> None:
    assert team_rows(SETTINGS) == {
        "vision": {
            "h100": {"quota": 16, "used": 16, "left": 0},
            "l4-shared": {"quota": 8, "used": 1, "left": 7},
            "a100-mig/1g.10gb": {"quota": 8, "used": 1, "left": 7},
            "spot": {"quota": 1, "used": 1, "left": 0},
        },
        "language": {
            "v5e": {"quota": 16, "used": 16, "left": 0},
            "l4-shared": {"quota": 16, "used": 6, "left": 10},
        },
    }


def test_each_workload_is_one_row_with_its_kind_and_place() -> None:
    rows = {name: workload_row(name, one, SETTINGS) for _, name, one in SETTINGS.workloads()}
    assert {name: row["kind"] for name, row in rows.items()} == {
        "resnet": "training",
        "detector": "distributed training",
        "language-model": "distributed training",
        "nightly": "scheduled training",
        "chat": "KServe model",
        "detector-api": "model server",
    }
    assert rows["nightly"]["without_pods"] == "next: 0 3 * * *"
    assert rows["resnet"] == {
        "name": "resnet",
        "team": "vision",
        "namespace": "vision",
        "pool": "a100-mig",
        "kind": "training",
    }
    moved = from_file(overlaid({"teams": {"vision": {"namespace": "vision-lab"}}}))
    assert workload_row("resnet", moved.training["resnet"], moved)["namespace"] == "vision-lab"


def test_storage_is_reported_by_purpose() -> None:
    assert storage_rows(SETTINGS.storage_handles) == {
        "fast": "mlplatform-fast",
        "standard": "mlplatform-standard",
        "shared": "mlplatform-shared",
        "dataset": "mlplatform-dataset",
    }


def test_the_next_step_depends_on_where_it_runs() -> None:
    assert next_steps(SETTINGS)[-1] == "take it down: make down"
    real = from_file((ROOT / "Pulumi.prod.yaml").read_text(encoding="utf-8"))
    assert len(next_steps(real)) == 1
    assert "make preview" in next_steps(real)[0]


@pytest.mark.parametrize("stack", ["prod", "gke"])
def test_of_a_real_cluster_nothing_is_said_to_be_simulated(stack: str) -> None:
    """Finds words of the simulation that are in the rows of any stack, whatever its cluster."""
    settings = from_file((ROOT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))
    rows = [workload_row(name, one, settings) for _, name, one in settings.workloads()]
    assert rows
    assert "simulated" not in str([rows, served_endpoints(settings), next_steps(settings)])


def test_every_model_has_its_address_among_the_endpoints() -> None:
    """Finds a model without one. The form of the name is KServe's, as its chart says."""
    values = yaml.safe_load((ROOT / "simulator/charts/kserve-resources/values.yaml").read_text(encoding="utf-8"))
    form = values["kserve"]["controller"]["gateway"]["domainTemplate"]
    settings = from_file((ROOT / "Pulumi.prod.yaml").read_text(encoding="utf-8"))
    words = {"{{ .Name }}": "chat", "{{ .Namespace }}": "language", "{{ .IngressDomain }}": "ml.example.com"}
    host = functools.reduce(lambda text, word: text.replace(word, words[word]), words, form)
    assert served_endpoints(settings)["chat"] == f"https://{host}"
    published = {name for name, one in settings.model_servers.items() if "hostname" in one.server}
    assert published | {*settings.inference} == {*served_endpoints(settings)}


def test_the_address_of_a_model_behind_a_kserve_of_others_is_theirs_to_say() -> None:
    existing = {"kind": "existing", "existingAddons": {"kserve": "kserve"}, "pools": {}}
    settings = SETTINGS.model_copy(update={"cluster": ExistingSettings.model_validate(existing)})
    assert "chat" in served_endpoints(SETTINGS)
    assert "chat" not in served_endpoints(settings)
