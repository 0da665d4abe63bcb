"""What a rehearsal makes of the settings. Not proved here: the rehearsal itself (tests/engine/test_rehearsals.py)."""

from pathlib import Path

import pytest
import yaml

from tools.errors import ToolError
from tools.lifecycle import Lifecycle
from tools.rehearsal import Rehearsal, rehearsal_settings

TEXT = """
secretsprovider: awskms://alias/pulumi
encryptedkey: AAAA
config:
  mlplatform:environment: {name: prod, owner: ml-platform, domain: ml.example.com}
  mlplatform:cluster: {kind: eks}
  mlplatform:mlflow: {database: {kind: external, password: {secure: v1:abc}}}
  mlplatform:list: [{secure: v1:def}, plain]
"""


def test_the_copy_is_marked_as_a_rehearsal_and_the_rest_stays() -> None:
    config = yaml.safe_load(rehearsal_settings(TEXT))["config"]
    assert config["mlplatform:environment"] == {
        "name": "prod",
        "owner": "ml-platform",
        "domain": "ml.example.com",
        "rehearsal": True,
    }
    assert config["mlplatform:cluster"] == {"kind": "eks"}


def test_secrets_that_only_the_stacks_own_backend_can_read_become_others() -> None:
    copy = rehearsal_settings(TEXT)
    assert "secure" not in copy
    config = yaml.safe_load(copy)["config"]
    password, first = config["mlplatform:mlflow"]["database"]["password"], config["mlplatform:list"][0]
    assert password.startswith("rehearsed-")
    assert first != password
    assert config["mlplatform:list"][1] == "plain"


def test_the_stacks_own_secrets_provider_is_left_out() -> None:
    assert set(yaml.safe_load(rehearsal_settings(TEXT))) == {"config"}


def test_a_stack_without_a_cloud_is_not_rehearsed(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.dev.yaml").write_text("config: {'mlplatform:cluster': {kind: simulated}}", encoding="utf-8")
    with pytest.raises(ToolError, match=r"kind simulated: there is no cloud to rehearse\. `make up STACK=dev`"):
        Rehearsal("dev", Lifecycle(project=tmp_path)).run()
