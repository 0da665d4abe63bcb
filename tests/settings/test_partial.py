"""Valid settings are checked even if others are invalid, and what is missing is no further finding."""

from typing import Any

import pytest

from components.findings import Refused
from settings.models.base import UnknownSetting
from settings.partial import Dropped, is_known, known_part, without
from settings.reader import from_file
from settings.settings import Settings
from tests.support.settings import HERE, SMALL, Deleted, overlaid

EKS, GKE = HERE / "good-eks.yaml", HERE / "good-gke.yaml"


def paths(overlay: dict[str, Any], base: Any = HERE / "good.yaml") -> set[str]:
    with pytest.raises(Refused) as refused:
        from_file(overlaid(overlay, base))
    return {finding.path for finding in refused.value.findings}


def test_wrong_entries_of_mappings_are_left_out_and_named() -> None:
    written = {**SMALL, "cluster": {"kind": "simulated", "pools": {"cpu": {"nodesMax": 2}, "h100": {"nodeMax": 1}}}}
    dropped: Dropped = {}
    part = known_part(Settings, written, [("cluster", "simulated", "pools", "h100", "nodeMax")], dropped)
    assert [*part.cluster.pools] == ["cpu"]
    assert dropped == {"pools": {"h100"}}
    assert part.environment.domain == "ml.example.com"


def test_wrong_fields_are_unknown_and_the_others_are_not() -> None:
    written = {**SMALL, "environment": {**SMALL["environment"], "domain": "UPPER"}, "acme": {"server": 1}}
    part = known_part(Settings, written, [("environment", "domain"), ("acme", "server"), ("acme", "email")], {})
    assert part.environment.owner == "ml-platform"
    with pytest.raises(UnknownSetting, match="domain"):
        _ = part.environment.domain
    assert not is_known(part, "acme")
    assert is_known(part, "gateway")
    assert part.gateway is None


def test_what_was_meant_by_a_misspelt_key_is_unknown_and_not_its_default() -> None:
    part = known_part(Settings, {**SMALL, "team": {}, "unheardOf": 1}, [("team",), ("unheardOf",)], {})
    assert not is_known(part, "teams")
    assert part.training == {}


def test_without_takes_fields_away_from_a_copy() -> None:
    whole = Settings.model_validate(SMALL)
    assert not is_known(without(whole, "cluster"), "cluster")
    assert whole.cluster.kind == "simulated"


@pytest.mark.parametrize(
    ("shape", "path"),
    [
        ({"teams": {"vision": {"owner": 5}}}, {"teams.vision.owner"}),
        ({"teams": Deleted(), "team": {"vision": {}}}, {"team"}),
        ({"cluster": {"pools": {"h100": {"nodesMax": "two"}}}}, {"cluster.pools.h100.nodesMax"}),
        ({"cluster": {"kind": "simulate"}}, {"cluster.kind"}),
        ({"cluster": {"pools": []}}, {"cluster.pools"}),
        ({"environment": {"domain": "UPPER"}}, {"environment.domain"}),
        ({"environment": []}, {"environment"}),
        ({"training": []}, {"training"}),
        ({"gateway": {"namespace": 1}}, {"gateway.namespace"}),
        ({"storage": {"defaultPurpose": "none"}}, {"storage.defaultPurpose"}),
    ],
)
def test_no_finding_names_an_omitted_key(shape: dict[str, Any], path: set[str]) -> None:
    assert paths(shape) == path
    assert paths({**shape, "mlflow": {"server": {"workers": 0}}}) == path | {"mlflow.server.workers"}


def test_the_workloads_of_an_invalid_team_are_validated() -> None:
    overlay = {"teams": {"vision": {"cpu": "many"}}, "training": {"resnet": {"job": {"image": "resnet:latest"}}}}
    assert paths(overlay) == {"teams.vision.cpu", "training.resnet.job.image"}


@pytest.mark.parametrize("field", ["accountId", "region", "network", "controlPlane", "pools"])
def test_a_field_of_a_cluster_on_eks_hides_nothing_that_does_not_need_it(field: str) -> None:
    overlay = {"cluster": {field: 5}, "objectStore": {"s3": {"bucket": "UPPER"}}}
    assert paths(overlay, EKS) == {f"cluster.{field}", "objectStore.s3.bucket"}


@pytest.mark.parametrize("field", ["project", "region", "zones", "network", "controlPlane", "pools", "computeClasses"])
def test_a_field_of_a_cluster_on_gke_hides_nothing_that_does_not_need_it(field: str) -> None:
    overlay = {"cluster": {field: 5}, "objectStore": {"gcs": {"bucket": "UPPER"}}}
    assert paths(overlay, GKE) == {f"cluster.{field}", "objectStore.gcs.bucket"}
