"""What teams are given by the stack beyond what the component takes as written."""

import json
from types import SimpleNamespace
from typing import Any

import pulumi_kubernetes
import pytest
from pulumi.runtime import rpc

from components.findings import Refused
from settings.reader import from_file
from settings.settings import Settings
from stacks.cluster import DeclaredCluster, cloud_of
from stacks.tenants import declare_tenants
from tests.components.platform_handles import GATEWAY, MONITORING, STORE, TRACKING
from tests.recorder import Recording, record
from tests.support.settings import overlaid

REGISTRY = {"server": "registry.example.com", "username": "puller", "password": "hunter2"}


def settings_with(registry: Any) -> Settings:
    return from_file(overlaid({"teams": {"vision": {"registry": registry}}}))


def tenants(settings: Settings) -> Recording:
    addons: Any = SimpleNamespace(monitoring_handle=MONITORING, gateway_handle=GATEWAY)
    data: Any = SimpleNamespace(tracking=TRACKING, store=STORE, keys=None)

    def program() -> None:
        on = DeclaredCluster(pulumi_kubernetes.Provider("cluster"), dict(settings.pools), [], cloud_of(settings))
        declare_tenants(settings, on, addons, data)

    return record(program)


def test_a_team_pulls_with_the_registry_of_its_settings_and_others_do_not() -> None:
    recording = tenants(settings_with(REGISTRY))
    secret = recording.one("Secret").inputs
    assert (secret["metadata"]["name"], secret["metadata"]["namespace"]) == ("registry-credentials", "vision")
    text = rpc.unwrap_rpc_secret(secret["stringData"])[".dockerconfigjson"]
    assert json.loads(text) == {"auths": {"registry.example.com": {"username": "puller", "password": "hunter2"}}}
    pulling = [
        one.inputs["metadata"]["namespace"]
        for one in recording.of("ServiceAccount")
        if "imagePullSecrets" in one.inputs
    ]
    assert pulling == ["vision", "vision"]


def test_the_password_is_nowhere_in_plain_text() -> None:
    settings = settings_with(REGISTRY)
    assert "hunter2" not in repr(settings)
    for resource in tenants(settings).resources:
        plain = {key: value for key, value in resource.inputs.items() if not rpc.is_rpc_secret(value)}
        assert "hunter2" not in str(plain), resource.name


@pytest.mark.parametrize("registry", ["hunter2", {**REGISTRY, "pasword": "hunter2"}, {**REGISTRY, "password": 5}])
def test_a_registry_that_is_wrong_shows_no_password(registry: Any) -> None:
    with pytest.raises(Refused) as refused:
        settings_with(registry)
    assert "hunter2" not in str(refused.value)
    assert all(finding.path.startswith("teams.vision.registry") for finding in refused.value.findings)
