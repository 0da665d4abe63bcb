"""What Crds registers. Not proved here: that the provider reads the files, and protects what is in them (engine)."""

from typing import Any

import pytest
from pulumi import ResourceOptions, ResourceTransformArgs

from catalog.versions import CRDS
from components.addons.crds import CRD_TYPE, Crds, CrdsArgs, conversions, crd_files
from components.base.chart_source import ChartOrigin, ChartSource
from components.findings import Refused
from tests.components.addons.pools import STUB
from tests.recorder import Recording, record

UPSTREAM = ChartSource(origin=ChartOrigin.UPSTREAM, location="")
REGISTRY = ChartSource(origin=ChartOrigin.MIRROR, location="oci://registry.example.com/charts")
FILES = ChartSource(origin=ChartOrigin.MIRROR, location="https://files.example.com/ml/")


def crds(**changes: object) -> Recording:
    args: CrdsArgs = {"sets": ["cert-manager", "gateway-api"], "source": STUB, **changes}  # type: ignore[typeddict-item]
    return record(lambda: Crds("crds", args) and None)


def refusal(**changes: object) -> str:
    message = ""

    def program() -> None:
        nonlocal message
        args: CrdsArgs = {"sets": ["cert-manager"], "source": STUB, **changes}  # type: ignore[typeddict-item]
        with pytest.raises(Refused) as refused:
            Crds("crds", args)
        message = str(refused.value)

    assert record(program).resources == []
    return message


def test_each_set_is_one_group_of_files_and_there_is_nothing_else() -> None:
    recording = crds()
    assert recording.kinds() == ["ConfigGroup crds-cert-manager", "ConfigGroup crds-gateway-api", "Crds crds"]
    assert recording.one("ConfigGroup", "crds-gateway-api").inputs["files"] == ["/mirror/crds/gateway-api.yaml"]


def converted(type_: str, name: str, **converters: str) -> dict[str, Any] | None:
    """The spec that comes out of the transform; None: it is left as it is."""
    props = {"metadata": {"name": name}, "spec": {"group": "metallb.io"}}
    result = conversions(converters)(ResourceTransformArgs(True, type_, "a", props, ResourceOptions()))
    return result and dict(result.props)["spec"]  # type: ignore[union-attr,return-value]


def test_bgppeers_name_their_conversion_webhook_in_metallbs_namespace_and_nothing_else_is_changed() -> None:
    service = {"name": "metallb-webhook-service", "path": "/convert"}
    for namespace, converters in (("metallb-system", {}), ("edge", {"metallb": "edge"})):
        spec = converted(CRD_TYPE, "bgppeers.metallb.io", **converters)
        assert spec == {
            "group": "metallb.io",
            "conversion": {
                "strategy": "Webhook",
                "webhook": {
                    "clientConfig": {"service": {**service, "namespace": namespace}},
                    "conversionReviewVersions": ["v1beta1", "v1beta2"],
                },
            },
        }
    assert converted(CRD_TYPE, "ipaddresspools.metallb.io") is None
    assert converted("kubernetes:core/v1:ConfigMap", "bgppeers.metallb.io") is None


def test_the_files_of_every_set_are_converted_with_the_given_namespaces(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Any] = []

    def noted(converters: Any) -> Any:
        given.append(converters)
        return conversions(converters)

    monkeypatch.setattr("components.addons.crds.conversions", noted)
    crds(converters={"metallb": "edge"})
    crds()
    assert given == [{"metallb": "edge"}, {}]


def test_groups_that_hold_data_are_protected_and_outlive_the_stack_and_others_do_not() -> None:
    assert {(group.protect, group.retain_on_delete) for group in crds(keep_data=True).of("ConfigGroup")} == {
        (True, True)
    }
    assert {(group.protect, group.retain_on_delete) for group in crds().of("ConfigGroup")} == {(False, False)}


@pytest.mark.parametrize("name", CRDS)
def test_upstream_files_are_the_pinned_ones(name: str) -> None:
    files = crd_files(name, UPSTREAM)
    assert files == list(CRDS[name].urls)
    assert all(url.startswith("https://") and CRDS[name].version in url for url in files)


def test_a_mirror_of_files_serves_a_set_by_its_version() -> None:
    assert crd_files("kserve", FILES) == [f"https://files.example.com/ml/crds/kserve/{CRDS['kserve'].version}.yaml"]


def test_a_registry_holds_no_files_so_a_place_for_them_is_asked_for() -> None:
    assert "a registry (oci://) contains charts, not files" in refusal(source=REGISTRY)
    assert "oci://other" in refusal(source=REGISTRY, mirror="oci://other")
    files = crds(source=REGISTRY, mirror="./vendored", sets=["kserve"]).one("ConfigGroup").inputs["files"]
    assert files == [f"./vendored/crds/kserve/{CRDS['kserve'].version}.yaml"]


def test_unknown_repeated_and_missing_sets_are_refused_together() -> None:
    message = refusal(sets=["cert-manager", "cert-manger", "cert-manager"])
    assert "2 problems" in message
    assert "cert-manager 2 times" in message
    assert "cert-manger" in message
    assert "at least one of" in refusal(sets=[])
