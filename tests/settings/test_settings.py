"""One environment: frozen, closed, checked whole, read the same however it is written."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from catalog.accelerators import ClusterKind
from components.findings import Refused
from components.storage.plan import StoragePurpose
from settings.load import parse
from settings.reader import from_file
from settings.settings import Settings
from tests.support.settings import GOOD, PREFIX, SMALL

REPOSITORY = Path(__file__).parents[2]
TEXT = GOOD.read_text(encoding="utf-8")


def good() -> Settings:
    return from_file(TEXT)


@pytest.mark.parametrize("name", ["Pulumi.dev.yaml", "Pulumi.prod.yaml"])
def test_the_settings_of_the_repository_are_good(name: str) -> None:
    assert from_file((REPOSITORY / name).read_text(encoding="utf-8")).cluster.pools


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        good().environment = good().environment  # type: ignore[misc]
    with pytest.raises(ValidationError, match="frozen"):
        good().environment.name = "other"  # type: ignore[misc]


def test_the_smallest_settings_have_defaults_for_all_the_rest() -> None:
    small = parse(SMALL)
    assert small.domains == [{"name": "platform", "domain": "ml.example.com", "certificate": "internal"}]
    assert small.monitoring_args == {"storage_gib": 100}
    assert (small.monitoring_namespace, small.gateway_namespace) == ("monitoring", "gateway")
    assert small.object_store.kind == "in-cluster"
    assert small.mlflow.database.kind == "in-cluster"
    assert list(small.workloads()) == []
    assert small.keep_data is False


def test_what_is_written_replaces_the_defaults() -> None:
    domain = {"name": "own", "domain": "own.example.com", "certificate": "internal"}
    written = {
        **SMALL,
        "gateway": {"namespace": "edge", "domains": [domain]},
        "monitoring": {"namespace": "watch", "storageGib": 7},
    }
    own = parse(written)
    assert own.domains == [domain]
    assert (own.monitoring_namespace, own.gateway_namespace) == ("watch", "edge")
    assert own.monitoring_args == {"namespace": "watch", "storage_gib": 7}


def test_data_outlives_every_stack_but_a_simulated_one() -> None:
    declared = [
        {
            "purpose": "standard",
            "className": "gp3",
            "provisioner": "ebs.csi.aws.com",
            "encryption": "provider",
            "isDefault": True,
        }
    ]
    real = {
        **SMALL,
        "cluster": {"kind": "existing", "pools": {"cpu": {"nodesMax": 2}}},
        "charts": {"origin": "upstream"},
        "mlflow": {"login": {"kind": "none"}},
        "storage": {"declared": declared},
    }
    assert parse(real).keep_data is True
    assert parse(real).storage_args["cluster_kind"] == ClusterKind.EXISTING


def test_shapes_that_are_wrong_and_rules_that_are_broken_are_each_said_all_at_once() -> None:
    with pytest.raises(Refused) as shapes:
        parse({"cluster": {"kind": "simulated", "pools": {"Bad": {}, "cpu": {"nodesMax": "two"}}}, "team": {}})
    assert {finding.path for finding in shapes.value.findings} == {
        "environment",
        "cluster.pools.Bad",
        "cluster.pools.Bad.nodesMax",
        "cluster.pools.cpu.nodesMax",
        "team",
    }
    config = {key.removeprefix(PREFIX): value for key, value in yaml.safe_load(TEXT)["config"].items()}
    config["cluster"]["pools"]["v5e"]["topology"] = "3x5"
    config["teams"]["vision"]["quota"]["h200"] = 1
    config["training"]["resnet"]["job"]["image"] = "resnet:latest"
    config["mlflow"] = {"backup": {"schedule": "nightly"}}
    with pytest.raises(Refused, match="4 problems, nothing was changed") as rules:
        parse(config)
    assert {finding.path for finding in rules.value.findings} == {
        "cluster.pools.v5e.topology",
        "teams.vision.quota.h200",
        "training.resnet.job.image",
        "mlflow.backup.schedule",
    }


def test_workloads_are_reported_by_path_name_and_kind() -> None:
    told = [(path, name, type(one).__name__) for path, name, one in good().workloads()]
    assert told == [
        ("training.detector", "detector", "Training"),
        ("training.language-model", "language-model", "Training"),
        ("training.nightly", "nightly", "Training"),
        ("training.resnet", "resnet", "Training"),
        ("inference.chat", "chat", "Inference"),
        ("modelServers.detector-api", "detector-api", "ModelServerEntry"),
    ]


def test_checkpoints_of_several_nodes_are_shared_and_others_are_not() -> None:
    trainings = good().training
    assert trainings["detector"].checkpoint_purpose is StoragePurpose.SHARED
    assert trainings["nightly"].checkpoint_purpose is StoragePurpose.STANDARD
    chosen = trainings["nightly"].model_copy(update={"checkpoint_storage": StoragePurpose.FAST})
    assert chosen.checkpoint_purpose is StoragePurpose.FAST


def test_the_ledger_joins_pools_caps_quotas_and_workloads() -> None:
    ledger = good().ledger
    assert {supply.key: supply.units for supply in ledger.supplies} == {
        "h100": 16,
        "l4-shared": 32,
        "a100-mig/1g.10gb": 16,
        "a100-mig/2g.20gb": 8,
        "a100-mig/3g.40gb": 8,
        "v5e": 16,
        "spot": 1,
    }
    assert ledger.devices_by_accelerator() == {"H100": 16, "L4": 9, "A100-80GB": 8, "TPU-v5e": 16}
    assert ledger.device_caps == {"H100": 16, "A100-80GB": 8, "L4": 9, "TPU-v5e": 16}
    assert {(d.team, d.key): d.units for d in ledger.demands if d.key != "l4-shared"} == {
        ("vision", "a100-mig/1g.10gb"): 1,
        ("vision", "h100"): 16,
        ("language", "v5e"): 16,
        ("vision", "spot"): 1,
    }
    assert (ledger.used("l4-shared", "language"), ledger.used("l4-shared", "vision")) == (6, 1)
    assert (ledger.left("vision", "h100"), ledger.left("language", "l4-shared")) == (0, 10)


pools = st.dictionaries(
    st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True),
    st.fixed_dictionaries(
        {"nodesMax": st.integers(1, 50)},
        optional={
            "nodesMin": st.just(0),
            "accelerator": st.sampled_from(["L4", "H100", "MI300X", "Trainium2"]),
            "purchase": st.sampled_from(["on-demand", "spot", "reserved"]),
            "labels": st.dictionaries(st.sampled_from(["a", "b"]), st.sampled_from(["1", "x"])),
        },
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=60, deadline=None)
@given(pools=pools, available=st.booleans(), owner=st.from_regex(r"[a-z]{3,12}", fullmatch=True))
def test_good_settings_come_back_as_they_were_written(pools: dict[str, Any], available: bool, owner: str) -> None:
    environment = {**SMALL["environment"], "owner": owner, "highlyAvailable": available}
    written = {"environment": environment, "cluster": {"kind": "simulated", "pools": pools}}
    read = parse(written)
    assert read.environment.model_dump(by_alias=True, exclude_unset=True) == environment
    assert {name: _camel(pool) for name, pool in read.cluster.pools.items()} == pools
    text = yaml.safe_dump({"config": {f"{PREFIX}{section}": value for section, value in written.items()}})
    assert from_file(text) == read
    assert {name: handle["capacity"]["nodes_max"] for name, handle in read.pools.items()} == {
        name: pool["nodesMax"] for name, pool in pools.items()
    }


def _camel(pool: Any) -> dict[str, Any]:
    return {{"nodes_max": "nodesMax", "nodes_min": "nodesMin"}.get(key, key): value for key, value in pool.items()}
