"""The runtime that we foresee for a model is the one that KServe chooses, by its own algorithm on the true objects.

Only these tests find a format that no runtime serves over the protocol that our InferenceService says (KServe assumes
v1 where it says none). Not proved: that the images load the formats.
"""

from itertools import product
from typing import Any

import pytest

from components.capacity.placement import PoolHandle
from components.findings import Finding
from components.workloads.serving.runtime_table import RUNTIMES, choose_runtime, known_runtimes, metrics_port
from components.workloads.serving.runtime_validation import check_runtimes
from components.workloads.serving.spec import Protocol
from components.workloads.serving.validation import check_inference
from tests.components.platform_handles import CPU, H100
from tests.support.kserve_merge import NoRuntime, Object, select_runtime
from tests.support.served import inference_object, runtime_objects

OBJECTS = runtime_objects()
FORMATS = sorted(
    {(row.name, version) for one in RUNTIMES.values() for row in one.formats for version in ("", row.version)}
)
SMALL: dict[str, Any] = {"storage_uri": "s3://models/a", "cpu_millis": 500, "memory_gib": 1}


def written(name: str, version: str, protocol: str, runtime: str) -> dict[str, Any]:
    given = {"model_format": name, "model_format_version": version, "protocol_version": protocol, "runtime": runtime}
    return {**SMALL, **{key: value for key, value in given.items() if value}}


def as_model(service: dict[str, Any]) -> Object:
    """What a user would write without us: only what the settings say."""
    version = service.get("model_format_version")
    named = {"runtime": service["runtime"]} if "runtime" in service else {}
    spoken = {"protocolVersion": service["protocol_version"]} if "protocol_version" in service else {}
    return {
        "modelFormat": {"name": service["model_format"]} | ({"version": version} if version else {}),
        **named,
        **spoken,
    }


@pytest.mark.parametrize("format_", FORMATS, ids="-".join)
def test_kserve_chooses_the_runtime_that_is_foreseen_for_every_protocol_and_name(format_: tuple[str, str]) -> None:
    served = 0
    for protocol, runtime in product(("", *Protocol), ("", *RUNTIMES)):
        service = written(*format_, protocol, runtime)
        choice = choose_runtime(service, RUNTIMES)  # type: ignore[arg-type]
        if choice is None:
            with pytest.raises(NoRuntime):
                select_runtime(as_model(service), OBJECTS)
            continue
        said = as_model(service) | ({"protocolVersion": choice.protocol.value} if choice.protocol else {})
        assert select_runtime(said, OBJECTS)["metadata"]["name"] == choice.runtime.name
        served += 1
    assert served > 1


@pytest.mark.parametrize("format_", FORMATS, ids="-".join)
def test_the_inference_service_of_every_format_finds_the_foreseen_runtime(format_: tuple[str, str]) -> None:
    runtime = "kserve-tritonserver" if format_[0] == "pytorch" else ""
    service = written(*format_, "", runtime) | {"accelerators": {"count": 1}}
    model = inference_object(service, H100)["spec"]["predictor"]["model"]
    choice = choose_runtime(service, RUNTIMES)  # type: ignore[arg-type]
    assert choice
    assert select_runtime(model, OBJECTS)["metadata"]["name"] == choice.runtime.name


@pytest.mark.parametrize("name", ["onnx", "tensorflow", "mlflow"])
def test_without_a_protocol_kserve_would_find_none(name: str) -> None:
    """The defect as it was: upstream assumes v1, and these are served over v2 alone."""
    with pytest.raises(NoRuntime):
        select_runtime({"modelFormat": {"name": name}}, OBJECTS)


def test_metrics_are_read_where_the_chosen_runtime_has_them() -> None:
    ports = {
        name: metrics_port(written(name, "", "", ""), RUNTIMES)  # type: ignore[arg-type]
        for name in ("sklearn", "onnx", "mlflow", "vLLM")
    }
    assert ports == {"sklearn": 8080, "onnx": 8002, "mlflow": 8082, "vLLM": 8080}


LATER_ROW = [{"name": "sklearn", "version": "9", "auto_select": False}, {"name": "sklearn", "version": "1"}]


@pytest.mark.parametrize(
    "rows",
    [
        [{**LATER_ROW[0], "priority": 7}, {**LATER_ROW[1], "priority": 8}],
        [LATER_ROW[0], {**LATER_ROW[1], "priority": 7}],
        [{**LATER_ROW[1], "priority": 7}, LATER_ROW[0]],
    ],
)
def test_kserve_chooses_the_foreseen_runtime_of_the_settings_too(rows: list[Any]) -> None:
    """Only this finds a priority read from another row than KServe reads: it renders none without `autoSelect`."""
    own: Any = {"mine": {"image": "example.com/x:1", "formats": rows, "protocols": ["v1"]}}
    assert not [*check_runtimes("servingRuntimes", own)]
    service = written("sklearn", "", "", "")
    choice = choose_runtime(service, known_runtimes(own))  # type: ignore[arg-type]
    assert choice
    chosen = select_runtime(as_model(service), runtime_objects(own))
    assert choice.runtime.name == chosen["metadata"]["name"]


def test_a_runtime_of_the_settings_is_chosen_by_its_priority() -> None:
    own: Any = {"mine": {"image": "x:1", "formats": [{"name": "sklearn", "priority": 5}], "protocols": ["v1"]}}
    choice = choose_runtime(written("sklearn", "", "", ""), known_runtimes(own))  # type: ignore[arg-type]
    assert choice
    assert choice.runtime.name == "mine"


def findings(service: dict[str, Any], pool: PoolHandle = CPU) -> list[Finding]:
    return [*check_inference("x", {**SMALL, **service}, pool)]  # type: ignore[typeddict-item]


@pytest.mark.parametrize(
    ("service", "path", "remedy"),
    [
        ({"model_format": "onxx"}, "x.modelFormat", "did you mean onnx?"),
        ({"model_format": "sklearn", "model_format_version": "7"}, "x.modelFormatVersion", "omit it"),
        ({"model_format": "onnx", "runtime": "triton"}, "x.runtime", "did you mean kserve-tritonserver?"),
        ({"model_format": "onnx", "runtime": "kserve-mlserver"}, "x.runtime", "name another"),
        ({"model_format": "pytorch"}, "x.runtime", "name the runtime"),
        ({"model_format": "onnx", "protocol_version": "v1"}, "x.protocolVersion", "omit it"),
        ({"model_format": "triton", "protocol_version": "grpc-v2"}, "x.protocolVersion", "use v2"),
        ({"model_format": "tensorrt"}, "x.modelFormat", "choose a pool"),
    ],
)
def test_a_model_without_a_runtime_is_refused_once_with_its_remedy(
    service: dict[str, Any], path: str, remedy: str
) -> None:
    (finding,) = findings(service)
    assert finding.path == path
    assert remedy in finding.remedy
