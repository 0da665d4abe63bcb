"""Rules on settings beyond the cases of bad_settings/: one mistake is one finding and hides no other."""

from typing import Any

import pytest
import yaml

from components.findings import Finding, Refused
from settings.reader import from_file
from settings.validation import validate
from settings.validation.namespaces import platform_namespaces
from settings.validation.pools import without_pools
from tests.support.settings import GOOD, HERE, PREFIX, Deleted, overlaid

SETTINGS = from_file(GOOD.read_text(encoding="utf-8"))
DETECTOR = yaml.safe_load(GOOD.read_text(encoding="utf-8"))["config"][f"{PREFIX}training"]["detector"]


def findings(overlay: dict[str, Any]) -> list[Finding]:
    with pytest.raises(Refused) as refused:
        from_file(overlaid(overlay))
    return list(refused.value.findings)


def paths(overlay: dict[str, Any]) -> list[str]:
    return [finding.path for finding in findings(overlay)]


def test_good_settings_have_no_finding() -> None:
    assert list(validate(SETTINGS)) == []


def test_a_broken_pool_does_not_hide_what_else_is_wrong_nor_make_its_users_wrong() -> None:
    found = paths(
        {
            "cluster": {"pools": {"h100": {"devicesPerNode": 16}}},
            "teams": {"language": {"quota": {"spot": 1}}},
            "training": {"resnet": {"job": {"memoryGib": 0}}},
        }
    )
    assert found == ["cluster.pools.h100.devicesPerNode", "training.resnet.job.memoryGib", "teams.*.quota.spot"]


def test_without_pools_takes_away_what_names_them_and_keeps_the_rest() -> None:
    reduced = without_pools(SETTINGS, {"a100-mig", "h100"})
    assert list(reduced.cluster.pools) == ["cpu", "l4-shared", "spot", "v5e"]
    assert reduced.teams["vision"]["quota"] == {"l4-shared": 8, "spot": 1}
    assert list(reduced.training) == ["language-model", "nightly"]
    assert list(reduced.inference) == ["chat"]
    assert without_pools(SETTINGS, set()) is SETTINGS


def test_a_workload_of_a_wrong_size_is_not_held_against_pools_and_quotas_as_well() -> None:
    assert paths({"training": {"detector": {"job": {"accelerators": {"count": 64}}, "workers": {"count": 9}}}}) == [
        "training.detector.job.accelerators.count",
    ]
    # Something else about it does not hide that it takes too much.
    both = {"training": {"detector": {"job": {"image": "a/b:latest"}}}, "teams": {"vision": {"quota": {"h100": 8}}}}
    assert paths(both) == ["training.detector.job.image", "training.detector"]


def test_a_quota_for_a_pool_that_is_not_there_is_said_once() -> None:
    assert paths({"teams": {"vision": {"quota": {"h200": 1}}}}) == ["teams.vision.quota.h200"]


def test_modules_next_to_a_program_are_importable() -> None:
    assert paths({"training": {"detector": {"workers": {"port": 80}}}}) == ["training.detector.workers.port"]
    assert paths({"training": {"nightly": {"schedule": {"keepFailed": 99}}}}) == [
        "training.nightly.schedule.keepFailed"
    ]


def test_every_namespace_of_the_platform_is_known() -> None:
    assert platform_namespaces(SETTINGS).keys() == {
        "cert-manager",
        "cnpg-system",
        "dcgm-exporter",
        "gateway",
        "kserve",
        "mlflow",
        "monitoring",
        "monitoring-nodes",
        "node-feature-discovery",
        "nvidia-device-plugin",
        "object-store",
    }
    moved = from_file(overlaid({"gateway": {"namespace": "edge"}, "monitoring": {"namespace": "watch"}}))
    assert {"edge", "watch", "watch-nodes"} < platform_namespaces(moved).keys()
    assert "gateway" not in platform_namespaces(moved)


MOVED = ("gateway", "monitoring")


@pytest.mark.parametrize("section", MOVED)
def test_what_a_setting_moves_goes_to_no_namespace_of_something_else(section: str) -> None:
    others = platform_namespaces(SETTINGS).keys() - {"gateway", "monitoring", "monitoring-nodes"}
    assert len(others) > 7
    for namespace in {*others, "kube-system", "default"}:
        assert paths({section: {"namespace": namespace}}) == [f"{section}.namespace"], namespace
    # Its own name, written, is no other's; nor is that of the other one, which moved away.
    own = from_file(overlaid({section: {"namespace": section}}))
    swapped = from_file(overlaid({"gateway": {"namespace": "monitoring"}, "monitoring": {"namespace": "gateway"}}))
    assert platform_namespaces(own) == platform_namespaces(SETTINGS)
    assert platform_namespaces(swapped)["monitoring"] == "the gateway"


def test_the_namespaces_of_what_only_some_clusters_get_are_known() -> None:
    shared = yaml.safe_load((HERE / "good-eks.yaml").read_text(encoding="utf-8"))["config"]
    known = platform_namespaces(from_file(yaml.safe_dump({"config": shared})))
    assert {"efa-device-plugin", "cluster-autoscaler"} <= known.keys()
    teams = shared[f"{PREFIX}teams"]
    teams["efa-device-plugin"] = {**teams["vision"], "quota": {}}
    with pytest.raises(Refused) as refused:
        from_file(yaml.safe_dump({"config": shared}))
    assert [one.path for one in refused.value.findings] == ["teams.efa-device-plugin.namespace"]


def test_a_store_with_both_halves_of_a_key_is_good_and_one_half_is_asked_for_by_name() -> None:
    store = {"kind": "s3-compatible", "bucket": "models", "endpoint": "https://s3.example.com"}
    key = {"accessKeyId": {"secure": "v1:a"}, "secretAccessKey": {"secure": "v1:b"}}
    assert from_file(overlaid({"objectStore": {**store, **key}})).object_store.kind == "s3-compatible"
    half = findings({"objectStore": {**store, "secretAccessKey": {"secure": "v1:b"}}})
    assert [(finding.path, finding.value) for finding in half] == [("objectStore.accessKeyId", "(missing)")]
    identity = findings({"objectStore": {"kind": "gcs", "bucket": "models", **key}})
    assert [(finding.path, finding.value) for finding in identity] == [("objectStore.accessKeyId", "[secret]")]
    assert identity[0].remedy.startswith("remove accessKeyId and secretAccessKey and bind the service accounts")


def test_public_certificates_need_an_account_and_have_one() -> None:
    domain = {"name": "public", "domain": "ml.example.com", "certificate": "acme", "hosts": ["mlflow", "grafana"]}
    account = {"server": "https://acme.example.com/directory", "email": "ops@example.com"}
    assert from_file(overlaid({"gateway": {"domains": [domain]}, "acme": account})).acme is not None
    assert paths({"gateway": {"domains": [domain]}}) == ["gateway.domains[0].certificate"]
    assert paths({"acme": {**account, "email": "ops"}}) == ["acme.email"]


def test_a_mirror_in_a_registry_needs_another_place_for_crds() -> None:
    mirror = {"origin": "mirror", "location": "oci://registry.example.com/charts"}
    assert from_file(overlaid({"charts": {**mirror, "crdLocation": "./vendored"}})).charts.crd_location == "./vendored"
    assert paths({"charts": {**mirror, "crdLocation": "oci://other.example.com"}}) == ["charts.crdLocation"]
    assert paths({"charts": {"crdLocation": "./vendored"}}) == ["charts.crdLocation"]


def test_a_cap_may_name_a_device_that_only_a_pool_describes() -> None:
    custom = {
        "name": "fpga",
        "resourceName": "vendor.example/fpga",
        "nodeLabels": {},
        "taintKey": "vendor.example/fpga",
    }
    pool = {"customAccelerator": custom, "devicesPerNode": 2, "nodesMax": 2}
    good = overlaid({"cluster": {"pools": {"fpga": pool}}, "environment": {"deviceCaps": {"fpga": 4}}})
    assert from_file(good).ledger.devices_by_accelerator()["fpga"] == 4
    assert paths({"cluster": {"pools": {"fpga": pool}}, "environment": {"deviceCaps": {"fpga": 3}}}) == [
        "environment.deviceCaps.fpga"
    ]


def test_the_name_of_a_workload_says_nothing_about_its_size() -> None:
    overlay = {
        "training": {"detector": Deleted(), "pool": {**DETECTOR, "job": {**DETECTOR["job"], "image": "a/b:latest"}}},
        "teams": {"vision": {"quota": {"h100": 8}}},
    }
    assert paths(overlay) == ["training.pool.job.image", "training.pool"]


N4 = {"cluster": {"pools": {"cpu": {"machine": "n4-standard-16"}}}}
THERE = {
    "purpose": "standard",
    "className": "made-by-others",
    "provisioner": "pd.csi.storage.gke.io",
    "encryption": "provider",
    "isDefault": True,
}


def on_gke(*overlays: dict[str, Any]) -> list[str]:
    text = overlaid({key: value for overlay in overlays for key, value in overlay.items()}, HERE / "good-gke.yaml")
    try:
        from_file(text)
    except Refused as refused:
        return [finding.path for finding in refused.findings]
    return []


@pytest.mark.parametrize(
    "storage",
    [
        {"parameters": {"standard": {"type": "hyperdisk-balanced"}}},
        {"parameters": {"standard": {"type": "dynamic"}}},
        {"declared": [THERE]},
    ],
    ids=["a disk that it takes", "a type that nobody knows", "a class whose disk nobody knows"],
)
def test_the_platform_runs_on_machines_that_take_its_disks(storage: dict[str, Any]) -> None:
    assert on_gke(N4) == ["cluster.pools.cpu.machine"]
    assert on_gke(N4, {"storage": storage}) == []


def test_a_machine_that_takes_no_disk_of_the_platform_is_good_where_only_those_run_who_mean_it() -> None:
    pool = {"machine": "n4-standard-16", "nodesMin": 0, "nodesMax": 2}
    assert on_gke({"cluster": {"pools": {"more": pool}}}) == ["cluster.pools.more.machine"]
    tainted = {**pool, "taints": [{"key": "acme.dev/own", "value": "x", "effect": "NoSchedule"}]}
    assert on_gke({"cluster": {"pools": {"more": tainted}}}) == []


def test_a_checkpoint_is_on_a_disk_that_the_machine_of_a_class_takes_or_on_a_file_system() -> None:
    job = {"run": "1", "image": "ghcr.io/example/tune:1", "command": ["python"], "accelerators": {"count": 8}}
    job |= {"cpuMillis": 8000, "memoryGib": 64, "deadlineMinutes": 60, "checkpoint": {"sizeGib": 10}}
    training = {"team": "vision", "pool": "burst", "job": job}
    limits = {"cpuMax": 2000, "memoryGibMax": 10000, "acceleratorsMax": {"B200": 8}}
    burst = {"machine": "a4-highgpu-8g", "nodesMax": 1, "purchases": ["on-demand"]}
    classes = {
        "cluster": {"controlPlane": {"autoProvisioning": limits}, "computeClasses": {"burst": burst}},
        "teams": {"vision": {"quota": {"burst": 8}}},
    }
    assert on_gke(classes, {"training": {"tune": training}}) == ["training.tune.job.checkpoint"]
    for purpose in ("fast", "shared"):
        assert on_gke(classes, {"training": {"tune": {**training, "checkpointStorage": purpose}}}) == []
