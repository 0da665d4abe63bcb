"""Envoy Gateway: our GatewayClass, Gateway and routes are accepted, and its proxies are admitted where they run.

It reads its certificate from `/certs`, which no option moves: the test needs to write there. Not proved here: traffic.
"""

import base64
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.controllers.conftest import Home, platform, until

NAMESPACE, CERTIFICATES = "gateway", Path("/certs")


@contextmanager
def certificates(folder: Path) -> Iterator[None]:
    if CERTIFICATES.exists() or not os.access("/", os.W_OK):
        pytest.skip(f"{CERTIFICATES} cannot be made on this computer")
    CERTIFICATES.symlink_to(folder)
    try:
        yield
    finally:
        CERTIFICATES.unlink()


def secret(home: Home, name: str, *files: str) -> dict[str, Any]:
    data = {file: base64.b64encode((home.folder / file).read_bytes()).decode() for file in files}
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "kubernetes.io/tls", "data": data}


@pytest.fixture(scope="module")
def gateway(home):
    home.install("gateway-api", "envoy-gateway")
    home.apply(platform("prod").of("Namespace", "ConfigMap", "Secret"))
    home.nodes_for([{}, {}])
    home.apply(secret(home, name, "tls.crt", "tls.key", "ca.crt") for name in ("envoy-gateway", "envoy", "public-tls"))
    config = {
        "apiVersion": "gateway.envoyproxy.io/v1alpha1",
        "kind": "EnvoyGateway",
        "gateway": {"controllerName": platform("prod").of("GatewayClass")[0]["spec"]["controllerName"]},
        "provider": {"type": "Kubernetes", "kubernetes": {"leaderElection": {"disable": True}}},
    }
    file = home.folder / "envoy-gateway.json"
    file.write_text(json.dumps(config), encoding="utf-8")
    with certificates(home.folder):
        program = home.run(
            *("server", "--config-path", str(file)),
            environment={"ENVOY_GATEWAY_NAMESPACE": NAMESPACE, "KUBERNETES_CLUSTER_DOMAIN": "cluster.local"},
        )
        yield program


def condition(manifest: dict[str, Any], kind: str) -> str:
    conditions = manifest.get("status", {}).get("conditions", [])
    return next((one["status"] for one in conditions if one["type"] == kind), "")


def test_it_starts_on_the_crds_that_the_platform_installs(gateway):
    gateway.says("Starting workers")
    assert not gateway.ended, gateway.said[-2000:]


def test_our_gateway_is_programmed_and_every_route_is_accepted(gateway, home):
    declared = platform("prod").of("EnvoyProxy", "GatewayClass", "Gateway", "Service", "HTTPRoute")
    home.apply(declared)
    (cls,) = platform("prod").of("GatewayClass")
    accepted = lambda: condition(home.get("gatewayclass", cls["metadata"]["name"]), "Accepted") == "True"  # noqa: E731
    until(accepted, 60, lambda: gateway.said[-3000:])
    programmed = lambda: all(condition(one, "Programmed") == "True" for one in home.listed("gateways"))  # noqa: E731
    state = lambda: home.kubectl("get", "gateways,pods,events", "-n", NAMESPACE, "-o", "wide")  # noqa: E731
    until(programmed, 120, lambda: state() + gateway.said[-3000:])
    events = home.listed("events", NAMESPACE)
    assert [event["message"] for event in events if event["reason"] == "FailedCreate"] == []
    routes = home.listed("httproutes")
    assert len(routes) == len(platform("prod").of("HTTPRoute"))
    for route in routes:
        parents = route.get("status", {}).get("parents", [])
        assert [condition({"status": parent}, "Accepted") for parent in parents] == ["True"], route
