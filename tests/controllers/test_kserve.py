"""KServe on the configuration that upstream's chart renders with our values, and on the models of the environments.

Only this finds what KServe's merge, its webhooks and its controllers make of our runtimes and InferenceServices: the
request above a limit that prod and gke had was refused nowhere else. Not proved here: images, downloads, the gateway.
"""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from tests.controllers.conftest import Home, Program, free_port, platform, until
from tests.support.served import STACKS, stack_settings

WEBHOOKS = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
FIRST = (
    *("Namespace", "PriorityClass", "LimitRange", "ResourceQuota", "ServiceAccount", "Secret"),
    *("GatewayClass", "Gateway"),
)
MODELS = [name for name in STACKS if stack_settings(name).inference]


def chart(home: Home, name: str) -> list[dict[str, Any]]:
    """What upstream's chart renders with the values of an environment."""
    return home.rendered(
        home.module / "charts" / "kserve-resources", "kserve", platform(name).values["kserve-resources"]
    )


@pytest.fixture(scope="module")
def kserve(home):
    home.install("kserve", "gateway-api", "cert-manager", "envoy-gateway")
    rendered = chart(home, "prod")
    home.apply(platform("prod").of("Namespace"))
    home.apply(one for one in rendered if one["kind"] in ("ConfigMap", "ClusterStorageContainer", "Secret"))
    port = free_port()
    program = home.run(
        f"--webhook-port={port}",
        f"--metrics-addr=127.0.0.1:{free_port()}",
        f"--health-probe-addr=127.0.0.1:{free_port()}",
        environment={"POD_NAMESPACE": "kserve", **home.temporary_folder()},
    )
    program.says("Serving webhook server")
    home.webhooks((one for one in rendered if one["kind"] in WEBHOOKS), port)
    return program


def test_the_controller_starts_on_our_configuration_and_crds(kserve):
    kserve.says("Starting workers")
    assert not kserve.ended, kserve.said[-2000:]


def test_our_runtimes_are_admitted_by_its_webhooks(kserve, home):
    for name in STACKS:
        home.apply(platform(name).of("ClusterServingRuntime"))


@pytest.mark.parametrize("name", MODELS)
def test_the_models_of_an_environment_become_pods_autoscalers_and_routes(kserve, home, name):
    declared = platform(name)
    home.kubectl("delete", "inferenceservices", "--all", "--all-namespaces", "--cascade=foreground")
    home.kubectl("delete", "resourcequotas,limitranges", "--all", "--all-namespaces")
    home.kubectl("delete", "nodes", "--all")
    home.apply(one for one in chart(home, name) if one["kind"] == "ConfigMap")
    home.apply(declared.of(*FIRST, "ClusterServingRuntime"))
    home.apply(declared.of("InferenceService"))
    for model in declared.of("InferenceService"):
        check_model(Model(home, kserve, model), declared.values["kserve-resources"]["kserve"]["controller"]["gateway"])


@dataclass(frozen=True)
class Model:
    """One InferenceService and what KServe made of it."""

    home: Home
    kserve: Program
    manifest: dict[str, Any]

    @property
    def namespace(self) -> str:
        return str(self.manifest["metadata"]["namespace"])

    @property
    def deployments(self) -> list[dict[str, Any]]:
        selector = f"serving.kserve.io/inferenceservice={self.manifest['metadata']['name']}"
        listed = self.home.kubectl("get", "deployments", "-n", self.namespace, "-l", selector, "-o", "json")
        return list(json.loads(listed)["items"])

    @property
    def available(self) -> bool:
        return all(one.get("status", {}).get("availableReplicas") for one in self.deployments)

    @property
    def problem(self) -> str:
        return self.home.kubectl("get", "events", "-n", self.namespace) + self.kserve.said[-3000:]

    def has(self, kind: str) -> list[dict[str, Any]]:
        """Objects of a kind in its namespace, once there are any."""
        found = until(lambda: self.home.listed(kind, self.namespace), 30, lambda: self.problem)
        return list(found)


def check_model(model: Model, gateway: dict[str, Any]) -> None:
    parts = {"predictor", *({"transformer"} & model.manifest["spec"].keys())}
    until(lambda: len(model.deployments) >= len(parts), 60, lambda: model.problem)
    model.home.nodes_for(one["spec"]["template"]["spec"] for one in model.deployments)
    until(lambda: model.available, 90, lambda: model.problem)
    events = model.home.listed("events", model.namespace)
    assert [event["message"] for event in events if event["reason"] == "FailedCreate"] == []
    scaled = {one["metadata"]["name"]: one["spec"] for one in model.has("hpa")}
    assert scaled.keys() == {one["metadata"]["name"] for one in model.deployments}
    assert all(spec["maxReplicas"] >= spec["minReplicas"] >= 1 for spec in scaled.values())
    hosts = {host for route in model.has("httproutes") for host in route["spec"]["hostnames"]}
    assert f"{model.manifest['metadata']['name']}-{model.namespace}.{gateway['domain']}" in hosts
