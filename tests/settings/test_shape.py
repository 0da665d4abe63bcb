"""The mirror of a TypedDict: every field with its description, its type in YAML, and nothing else."""

from typing import Any, Required, TypedDict

import pytest
from pydantic import ValidationError

from catalog.accelerators import Purchase
from components.addons.device_plugin_spec import DevicePluginSpec
from components.addons.gateway_spec import DomainArgs, GatewaySpec
from components.addons.metallb_spec import MetalLbSpec
from components.capacity.placement import AcceleratorRequest, CustomAcceleratorArgs, PoolArgs, Taint
from components.capacity.sharing import SharingArgs
from components.monitoring.spec import AlertReceiverArgs, AlertRulesSpec, MonitoringSpec
from components.storage.plan import DeclaredClassArgs, StorageClassesSpec
from components.tenants.spec import EgressSpec, TeamSpec
from components.tracking.spec import TrackingServerSpec
from components.workloads.serving.spec import CanarySpec, InferenceSpec, ModelServerSpec, TransformerSpec
from components.workloads.training.spec import CheckpointSpec, ScheduleSpec, TrainingSpec, WorkersSpec
from settings.models.descriptions import descriptions
from settings.models.shape import Shape, mirror

WHOLE = [
    AcceleratorRequest,
    AlertReceiverArgs,
    AlertRulesSpec,
    CanarySpec,
    CheckpointSpec,
    CustomAcceleratorArgs,
    DeclaredClassArgs,
    DevicePluginSpec,
    DomainArgs,
    EgressSpec,
    GatewaySpec,
    InferenceSpec,
    MetalLbSpec,
    ModelServerSpec,
    MonitoringSpec,
    PoolArgs,
    ScheduleSpec,
    SharingArgs,
    StorageClassesSpec,
    Taint,
    TeamSpec,
    TrackingServerSpec,
    TrainingSpec,
    TransformerSpec,
    WorkersSpec,
]


class Plain(TypedDict):
    """A thing."""

    size_gib: int
    """How large."""


class Thing(TypedDict, total=False):
    """A thing with more to it."""

    size_gib: Required[int]
    """How large.

    In GiB."""
    name: Required[str]
    """Its name."""
    kind: Required[Purchase]
    """How it is paid for."""
    parts: list[Plain]
    """What it is made of."""
    by_name: dict[str, Plain]
    """The same, by name."""
    undescribed: bool


def validated(value: dict[str, Any]) -> Any:
    return mirror(Thing).model_validate(value)


@pytest.mark.parametrize("typed", WHOLE, ids=lambda typed: typed.__name__)
def test_every_field_of_a_shape_is_a_setting_with_a_description(typed: type) -> None:
    fields = mirror(typed).model_fields
    assert list(fields) == list(typed.__annotations__)
    assert descriptions(mirror(typed)).keys() == fields.keys()
    assert mirror(typed).__doc__ == typed.__doc__


@pytest.mark.parametrize("typed", WHOLE, ids=lambda typed: typed.__name__)
def test_what_people_write_has_no_handle_of_another_component(typed: type) -> None:
    assert [name for name, hint in typed.__annotations__.items() if "Handle" in str(hint) or "Chart" in str(hint)] == []


def test_required_is_what_the_type_requires() -> None:
    fields = mirror(Thing).model_fields
    assert {name for name, field in fields.items() if field.is_required()} == {"size_gib", "name", "kind"}
    assert mirror(Plain).model_fields["size_gib"].is_required()


def test_descriptions_are_the_text_below_the_field() -> None:
    texts = descriptions(mirror(Thing))
    assert texts["size_gib"] == "How large.\n\nIn GiB."
    assert texts["parts"] == "What it is made of."
    assert "undescribed" not in texts


def test_camel_case_goes_in_and_the_plain_dict_of_what_was_written_comes_out() -> None:
    written = {
        "sizeGib": 1,
        "name": "a",
        "kind": "spot",
        "parts": [{"sizeGib": 2}],
        "byName": {"camelCase": {"sizeGib": 3}},
    }
    expected = {
        "size_gib": 1,
        "name": "a",
        "kind": Purchase.SPOT,
        "parts": [{"size_gib": 2}],
        "by_name": {"camelCase": {"size_gib": 3}},
    }
    assert validated(written).args() == expected


def test_a_key_without_a_value_is_refused_and_one_that_is_left_out_is_not_there() -> None:
    small = {"sizeGib": 1, "name": "a", "kind": "spot"}
    assert validated(small).args() == {"size_gib": 1, "name": "a", "kind": Purchase.SPOT}
    with pytest.raises(ValidationError, match="valid list"):
        validated({**small, "parts": None})


@pytest.mark.parametrize("number", ["1", True, 1.0, None])
def test_a_number_is_written_as_one(number: Any) -> None:
    with pytest.raises(ValidationError, match="sizeGib"):
        validated({"sizeGib": number, "name": "a", "kind": "spot"})


def test_text_stays_as_it_was_written() -> None:
    assert validated({"sizeGib": 1, "name": " a ", "kind": "spot"}).args()["name"] == " a "


@pytest.mark.parametrize(
    "wrong",
    [{"size_gib": 1}, {"more": 1}, {"sizeGib": "1Gi"}, {"sizeGib": 1.5}, {"kind": "free"}, {"parts": [{"more": 1}]}],
)
def test_the_mirror_is_closed(wrong: dict[str, Any]) -> None:
    good = {"name": "a", "kind": "spot", "sizeGib": 1}
    assert validated(good)
    with pytest.raises(ValidationError):
        validated(good | wrong)


def test_a_mirror_is_made_once() -> None:
    assert Shape(TeamSpec).model is Shape(TeamSpec).model
