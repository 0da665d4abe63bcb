"""The JSON Schema for editors accepts what the reader accepts, and knows what people mistype."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from settings.schema import stack_file_schema
from tests.support.settings import GOOD, overlaid

REPOSITORY = Path(__file__).parents[2]
SCHEMA = stack_file_schema()


def errors(text: str) -> list[str]:
    found = jsonschema.Draft202012Validator(SCHEMA).iter_errors(yaml.safe_load(text))
    return sorted(f"{'.'.join(str(key) for key in error.absolute_path)}: {error.message}" for error in found)


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", [REPOSITORY / "Pulumi.dev.yaml", REPOSITORY / "Pulumi.prod.yaml", GOOD], ids=str)
def test_it_accepts_good_settings(path: Path) -> None:
    assert errors(path.read_text(encoding="utf-8")) == []


def test_every_stack_file_names_the_generated_schema() -> None:
    named = "docs/settings.schema.json"
    for path in REPOSITORY.glob("Pulumi.*.yaml"):
        assert path.read_text(encoding="utf-8").startswith(f"# yaml-language-server: $schema=./{named}\n")
    assert json.loads((REPOSITORY / named).read_text(encoding="utf-8")) == stack_file_schema(), "run: make docs"


@pytest.mark.parametrize(
    ("overlay", "said"),
    [
        ({"cluster": {"pools": {"h100": {"nodeMax": 2}}}}, "nodeMax"),
        ({"cluster": {"pools": {"GPU": {"nodesMax": 2}}}}, "GPU"),
        ({"cluster": {"pools": {"h100": {"nodesMax": "two"}}}}, "two"),
        ({"cluster": {"kind": "simulate"}}, "simulate"),
        ({"training": {"resnet": {"job": {"memoryGb": 1}}}}, "memoryGb"),
        ({"clusters": {}}, "clusters"),
    ],
)
def test_it_refuses_what_is_mistyped(overlay: dict[str, Any], said: str) -> None:
    found = errors(overlaid(overlay))
    assert found
    assert said in " ".join(found)


def test_other_keys_of_the_file_and_of_providers_are_let_through() -> None:
    text = GOOD.read_text(encoding="utf-8")
    assert errors(f"secretsprovider: passphrase\nencryptionsalt: v1:abc\n{text}  aws:region: eu-west-1\n") == []
    assert errors("environment: [x]") == [": 'config' is a required property"]


def test_any_text_may_stand_encrypted_and_numbers_may_not() -> None:
    store = {"kind": "s3", "bucket": "models", "region": "eu-west-1", "secretAccessKey": {"secure": "v1:abc"}}
    assert errors(overlaid({"objectStore": store})) == []
    assert errors(overlaid({"cluster": {"pools": {"cpu": {"nodesMax": {"secure": "v1:abc"}}}}})) != []


def test_every_setting_is_described() -> None:
    undescribed = [
        f"{name}.{key}"
        for name, definition in SCHEMA["$defs"].items()
        for key, value in definition.get("properties", {}).items()
        if name != "Secure" and not value.get("description")
    ]
    assert undescribed == []


def test_descriptions_name_keys_as_they_are_written_in_yaml() -> None:
    """They come from Python, whose fields have underscores; pg_dump is a program."""
    python = [
        f"{name}.{key}: {word}"
        for name, definition in SCHEMA["$defs"].items()
        for key, value in definition.get("properties", {}).items()
        for word in re.findall(r"(?<![\w/.-])[a-z]+(?:_[a-z]+)+\b", value.get("description", ""))
        if word != "pg_dump"
    ]
    assert python == []
