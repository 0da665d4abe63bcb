"""KServe on the configuration that upstream's chart renders with our values, and on the models of the environments.

Only this finds what KServe's merge, its webhooks and its controllers make of our runtimes and InferenceServices: the
request above a limit that prod and gke had was refused nowhere else. What it makes is compared, field by field, with
what `tests/support/kserve_merge.py` says, so that the tests that stand on that are true of the running controller.
Not proved here: images, downloads, the gateway.
"""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from catalog.versions import CHARTS
from tests.controllers.conftest import Home, Platform, free_port, platform, until
from tests.support.kserve_merge import (
    admitted_pod,
    merged_autoscalers,
    merged_deployments,
    merged_services,
    predictor_name,
    published_names,
    quantity,
)
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


@pytest.fixture(scope="module", params=MODELS)
def served(request, kserve, home):
    """An environment with its models, and one node for each of their pods; nothing of it is left afterwards."""
    declared = platform(request.param)
    rendered = chart(home, request.param)
    home.kubectl("delete", "nodes", "--all")
    home.apply(one for one in rendered if one["kind"] == "ConfigMap")
    home.apply(declared.of(*FIRST, "ClusterServingRuntime"))
    home.apply(declared.of("InferenceService"))
    yield Environment(home, declared, rendered)
    home.kubectl("delete", "inferenceservices", "--all", "--all-namespaces", "--cascade=foreground")
    home.kubectl("delete", "hpa,resourcequotas,limitranges", "--all", "--all-namespaces")


@dataclass(frozen=True)
class Environment:
    """What an environment declares, what we say that KServe makes of it, and what it made."""

    home: Home
    declared: Platform
    rendered: list[dict[str, Any]]

    @property
    def models(self) -> list[dict[str, Any]]:
        return self.declared.of("InferenceService")

    @property
    def namespaces(self) -> set[str]:
        return {one["metadata"]["namespace"] for one in self.models}

    @property
    def _given(self) -> list[dict[str, Any]]:
        return [*self.models, *self.declared.of("ClusterServingRuntime"), *self.rendered]

    @property
    def deployments(self) -> list[dict[str, Any]]:
        """As we say that they are."""
        return merged_deployments(self._given)

    @property
    def predicted(self) -> list[dict[str, Any]]:
        return [*self.deployments, *merged_autoscalers(self._given), *merged_services(self._given)]

    def live(self, one: dict[str, Any]) -> dict[str, Any]:
        """The object of that kind and name; empty when there is none."""
        return self.home.get(one["kind"], one["metadata"]["name"], one["metadata"]["namespace"])

    def made(self, kind: str) -> set[str]:
        """Names of all objects of a kind in the namespaces of the models."""
        return {one["metadata"]["name"] for space in self.namespaces for one in self.home.listed(kind, space)}

    def defaulted(self, one: dict[str, Any]) -> dict[str, Any]:
        """As the API server would store it."""
        # Another name: its own is taken.
        text = json.dumps({**one, "metadata": {**one["metadata"], "name": f"{one['metadata']['name']}-x"}})
        stored = self.home.kubectl(
            "create", "--dry-run=server", "--validate=strict", "-o", "json", "-f", "-", text=text
        )
        return dict(json.loads(stored))

    def pods(self, deployment: dict[str, Any]) -> list[dict[str, Any]]:
        """Those of a Deployment."""
        metadata = deployment["metadata"]
        where = ("-n", metadata["namespace"], "-l", f"app={metadata['labels']['app']}", "-o", "json")
        return list(json.loads(self.home.kubectl("get", "pods", *where))["items"])

    def events(self) -> str:
        return "".join(self.home.kubectl("get", "events", "-n", space) for space in self.namespaces)


OF_THE_CLUSTER = {
    "Deployment": ("replicas",),
    "Service": ("clusterIP", "clusterIPs"),
    "HorizontalPodAutoscaler": ("behavior",),
}
"""Fields of a spec that the API server or another controller gives: autoscalers set the replicas."""


def compared(one: dict[str, Any]) -> dict[str, Any]:
    """What of an object is ours or KServe's."""
    metadata = {key: dict(one["metadata"].get(key) or {}) for key in ("labels", "annotations")}
    metadata["annotations"].pop("deployment.kubernetes.io/revision", None)
    spec = {key: value for key, value in one["spec"].items() if key not in OF_THE_CLUSTER[one["kind"]]}
    return {**metadata, "spec": spec}


def assert_same(expected: Any, found: Any, what: str) -> None:
    """Fails with every place where what we say and what KServe made differ."""
    different = differences(expected, found)
    assert not different, "\n".join([what, *different])


def differences(expected: Any, found: Any, path: str = "") -> list[str]:
    """Where two values differ."""
    if isinstance(expected, dict) and isinstance(found, dict):
        names = sorted({*expected, *found})
        return [one for name in names for one in differences(expected.get(name), found.get(name), f"{path}.{name}")]
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        pairs = enumerate(zip(expected, found, strict=True))
        return [one for number, (a, b) in pairs for one in differences(a, b, f"{path}[{number}]")]
    return [] if expected == found else [f"{path}: expected {expected!r}, KServe made {found!r}"]


def test_its_models_become_the_deployments_autoscalers_and_services_that_we_say(served):
    for one in served.predicted:
        what = f"{one['kind']} {one['metadata']['name']}"
        live = until(lambda one=one: served.live(one), 60, lambda what=what: f"no {what}\n{served.events()}")
        assert_same(compared(served.defaulted(one)), compared(live), what)
    for kind in ("Deployment", "HorizontalPodAutoscaler"):
        assert served.made(kind) == {one["metadata"]["name"] for one in served.predicted if one["kind"] == kind}


def test_what_it_made_belongs_to_the_model_but_for_the_autoscalers_of_canaries(served):
    """KServe 0.20 leaves those behind when a canary or its model ends (docs/runbooks/serving.md)."""
    unowned = {
        (one["kind"], one["metadata"]["name"])
        for one in served.predicted
        if not served.live(one)["metadata"].get("ownerReferences")
    }
    assert unowned == {
        ("HorizontalPodAutoscaler", predictor_name(model["metadata"]["name"], canary["predictor"]["name"]))
        for model in served.models
        for canary in model["spec"].get("canary", ())
    }


def test_their_pods_are_admitted_as_we_say_and_available(served):
    """With the container that fetches the model, and the defaults of our LimitRange."""
    home = served.home
    home.nodes_for(one["spec"]["template"]["spec"] for one in served.deployments)
    (initializer,) = [one["spec"]["container"] for one in served.rendered if one["kind"] == "ClusterStorageContainer"]
    for one in served.deployments:
        available = lambda one=one: served.live(one)["status"].get("availableReplicas")  # noqa: E731
        until(available, 90, lambda one=one: f"{one['metadata']['name']} has no pods\n{served.events()}")
        space = one["metadata"]["namespace"]
        limits = next(iter(served.declared.of("LimitRange", namespace=space)), {"spec": {}})["spec"]
        said = containers(admitted_pod(one, initializer, limits))
        for pod in served.pods(one):
            assert_same(said, containers(pod), f"Pod {pod['metadata']['name']}")
    refused = [one for space in served.namespaces for one in home.listed("events", space)]
    assert [event["message"] for event in refused if event["reason"] == "FailedCreate"] == []


def containers(pod: dict[str, Any]) -> dict[str, Any]:
    """What a pod runs, asks for and mounts, without the keys of what fetches the model."""
    keys = {"containers": (*_CONTAINER, "env"), "initContainers": _CONTAINER}
    rows = {
        group: [
            {key: one.get(key) for key in keys[group]} | {"resources": sizes(one.get("resources") or {})}
            for one in pod["spec"].get(group, ())
        ]
        for group in keys
    }
    return {**rows, "volumes": {one["name"] for one in pod["spec"].get("volumes", ())}}


_CONTAINER = ("name", "image", "args", "volumeMounts", "securityContext")


def sizes(resources: dict[str, Any]) -> dict[str, Any]:
    return {side: {name: quantity(size) for name, size in resources.get(side, {}).items()} for side in resources}


def test_what_fetches_a_model_has_the_address_and_keys_of_its_team_and_none_where_an_identity_lets_it_in(served):
    """By the Secret that the service account names, and its annotations."""
    pods = [pod for one in served.deployments for pod in served.pods(one) if pod["spec"].get("initContainers")]
    assert pods
    for pod in pods:
        (fetches,) = pod["spec"]["initContainers"]
        space, account = pod["metadata"]["namespace"], pod["spec"]["serviceAccountName"]
        (declared,) = [
            one for one in served.declared.of("ServiceAccount", namespace=space) if one["metadata"]["name"] == account
        ]
        named = {row["name"] for row in declared.get("secrets") or ()}
        (keys,) = [
            one for one in served.declared.of("Secret", namespace=space) if one["metadata"]["name"] in named
        ] or [{"metadata": {}}]
        told = {one["name"]: one.get("value") for one in fetches["env"] if not one["name"].startswith("HF_")}
        read = {one["valueFrom"]["secretKeyRef"]["name"] for one in fetches["env"] if "valueFrom" in one}
        assert read == named
        address = keys["metadata"].get("annotations", {}).get("serving.kserve.io/s3-endpoint")
        assert told.get("S3_ENDPOINT") == address
        assert bool(told) == bool(named)


def test_their_routes_have_the_names_that_we_publish_and_lead_to_their_services(served):
    gateway = served.declared.values["kserve-resources"]["kserve"]["controller"]["gateway"]
    version = CHARTS["kserve-resources"].version
    published = {name for one in served.models for name in published_names(one, gateway["domain"], version)}
    until(lambda: names(served) >= published, 60, lambda: f"{names(served)} of {published}\n{served.events()}")
    assert names(served) == published
    services = {one["metadata"]["name"]: one for one in served.predicted if one["kind"] == "Service"}
    for route in routes(served):
        (parent,) = route["spec"]["parentRefs"]
        assert f"{parent['namespace']}/{parent['name']}" == gateway["ingressGateway"]["kserveGateway"]
        for backend in (one for rule in route["spec"]["rules"] for one in rule["backendRefs"]):
            ports = {port["port"] for port in services[backend["name"]]["spec"]["ports"]}
            assert backend["port"] in ports, backend


def routes(served) -> list[dict[str, Any]]:
    """HTTPRoutes that KServe made."""
    return [one for space in served.namespaces for one in served.home.listed("httproutes", space)]


def names(served) -> set[str]:
    return {host for route in routes(served) for host in route["spec"]["hostnames"]}


def test_its_models_are_ready_once_a_gateway_accepts_their_routes(served):
    """What `pulumi up` waits for."""
    home = served.home
    for route in routes(served):
        condition = {"type": "Accepted", "status": "True", "reason": "Accepted", "message": ""}
        condition |= {"lastTransitionTime": "2026-01-01T00:00:00Z"}
        (parent,) = route["spec"]["parentRefs"]
        status = {"parentRef": parent, "controllerName": "example.com/none", "conditions": [condition]}
        patch = json.dumps({"status": {"parents": [status]}})
        where = ("-n", route["metadata"]["namespace"], "--subresource=status", "--type=merge", "-p", patch)
        home.kubectl("patch", "httproute", route["metadata"]["name"], *where)
    for model in served.models:
        until(lambda model=model: ready(served.live(model)), 60, lambda model=model: json.dumps(served.live(model)))


def ready(model: dict[str, Any]) -> bool:
    conditions = model.get("status", {}).get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
