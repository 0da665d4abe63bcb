"""Serving runtimes. Not proved: that the images start (no kubelet, no GPU here); the schema is the bundled CRD's."""

from typing import Any

import pytest

from catalog.versions import CHARTS, IMAGES
from components.findings import Refused
from components.workloads.serving.runtime_table import RUNTIMES
from components.workloads.serving.runtimes import ServingRuntimes, ServingRuntimesArgs, runtime_spec
from tests.recorder import Recording, record


def recorded(args: ServingRuntimesArgs) -> Recording:
    return record(lambda: ServingRuntimes("runtimes", args) and None)


def test_there_is_one_cluster_serving_runtime_for_each_row_under_kserves_own_names() -> None:
    recording = recorded({})
    assert {r.inputs["metadata"]["name"] for r in recording.of("ClusterServingRuntime")} == {
        "kserve-sklearnserver",
        "kserve-xgbserver",
        "kserve-lgbserver",
        "kserve-mlserver",
        "kserve-huggingfaceserver",
        "kserve-vllmserver",
        "kserve-tritonserver",
    }
    assert len(recording.resources) == len(RUNTIMES) + 1


OWN: Any = {"image": "registry.example.com/pmml:1.2", "formats": [{"name": "pmml", "version": "4"}]}


def test_a_runtime_of_the_settings_is_added_under_its_own_name() -> None:
    recording = recorded({"own": {"pmml": {**OWN, "ready_path": "/up", "protocols": ["v2"]}}})
    assert len(recording.of("ClusterServingRuntime")) == len(RUNTIMES) + 1
    runtime = recording.one("ClusterServingRuntime", "pmml").inputs
    assert runtime["metadata"]["annotations"]["serving.kserve.io/server-type"] == "pmml"
    assert runtime["spec"]["protocolVersions"] == ["v2"]
    assert runtime["spec"]["supportedModelFormats"] == [
        {"name": "pmml", "version": "4", "autoSelect": True, "priority": 1}
    ]
    (server,) = runtime["spec"]["containers"]
    assert server["image"] == "registry.example.com/pmml:1.2"
    assert server["readinessProbe"]["httpGet"]["path"] == "/up"


@pytest.mark.parametrize("runtime", RUNTIMES.values(), ids=lambda runtime: runtime.name)
def test_every_runtime_says_its_server_type_and_where_its_metrics_are(runtime: Any) -> None:
    declared = recorded({}).one("ClusterServingRuntime", runtime.name).inputs
    assert declared["metadata"]["annotations"]["serving.kserve.io/server-type"] == runtime.server_type
    assert set(declared["spec"]["annotations"]) == {"prometheus.kserve.io/path", "prometheus.kserve.io/port"}


@pytest.mark.parametrize("runtime", RUNTIMES.values(), ids=lambda runtime: runtime.name)
def test_every_container_is_restricted_pinned_and_asks_for_no_device(runtime: Any) -> None:
    (server,) = runtime_spec(runtime)["containers"]
    assert server["name"] == "kserve-container"
    context = server["securityContext"]
    assert context["runAsNonRoot"] is True
    assert context["allowPrivilegeEscalation"] is False
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not server["image"].endswith(":latest")
    assert server["image"] in {image.reference for image in IMAGES.values()}
    assert set(server["resources"]["limits"]) == {"memory"}


@pytest.mark.parametrize("runtime", RUNTIMES.values(), ids=lambda runtime: runtime.name)
def test_kserve_can_put_another_tag_on_every_image(runtime: Any) -> None:
    """KServe leaves an image with a digest as it is (v0.20.0 UpdateImageTag): `runtimeVersion` would do nothing."""
    assert "@" not in runtime_spec(runtime)["containers"][0]["image"]


def test_servers_of_kserve_have_the_version_of_its_chart() -> None:
    ours = {image.tag for image in IMAGES.values() if image.repository.startswith("docker.io/kserve/")}
    assert ours == {CHARTS["kserve-resources"].version}


def test_images_without_a_user_of_their_own_get_one() -> None:
    users = {
        name: runtime_spec(runtime)["containers"][0]["securityContext"].get("runAsUser")
        for name, runtime in RUNTIMES.items()
    }
    assert {name for name, user in users.items() if user} == {"kserve-vllmserver", "kserve-tritonserver"}


def test_one_format_is_chosen_without_doubt_among_the_runtimes() -> None:
    claims: dict[tuple[str, str, int], list[str]] = {}
    for name, runtime in RUNTIMES.items():
        for row in runtime.formats:
            if row.auto_select:
                claims.setdefault((row.name, row.version, row.priority), []).append(name)
    assert {claim: names for claim, names in claims.items() if len(names) > 1} == {}


def test_a_large_model_has_half_an_hour_to_load() -> None:
    (server,) = runtime_spec(RUNTIMES["kserve-vllmserver"])["containers"]
    probe = server["startupProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] == 1800
    assert "startupProbe" not in runtime_spec(RUNTIMES["kserve-sklearnserver"])["containers"][0]


@pytest.mark.parametrize(
    ("own", "rule"),
    [
        ({"kserve-mlserver": OWN}, "the name must differ from the platform's runtimes"),
        ({"pmml": {**OWN, "image": "pmml:latest"}}, "latest"),
        ({"pmml": {**OWN, "formats": []}}, "at least one format"),
        ({"pmml": {**OWN, "ready_path": "up"}}, "an absolute HTTP path"),
        ({"pmml": {**OWN, "metrics_port": 70000}}, "1 to 65535"),
        ({"pmml": {**OWN, "environment": {"API_TOKEN": "x"}}}, "credential"),
        ({"mine": {**OWN, "formats": [{"name": "sklearn", "version": "1"}]}}, "KServe chooses by priority"),
        ({"one": OWN, "two": OWN}, "KServe chooses by priority"),
    ],
)
def test_a_runtime_that_cannot_serve_is_refused_and_registers_nothing(own: Any, rule: str) -> None:
    def program() -> None:
        with pytest.raises(Refused, match=rule):
            ServingRuntimes("runtimes", {"own": own})

    assert record(program).resources == []
