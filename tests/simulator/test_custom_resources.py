"""Custom resources that become ready although no controller of theirs runs, and whose kinds come after kwok."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from simulator import stand_ins
from simulator.cluster import Cluster
from tests.support.definitions import Loader, established
from tests.support.upstream_crds import ABSENT
from tests.support.upstream_crds import FOLDER as UPSTREAM
from tools.toolchain import Toolchain

from .conftest import NODES, Client, Object

pytestmark = pytest.mark.engine

REPOSITORY = Path(__file__).parents[2]
SOURCES = {
    # The definitions that the stacks install.
    "stub": stand_ins.folder() / "crds",
    # The real ones, next to the checkout, where they exist: what the simulator writes must fit them as well.
    "upstream": UPSTREAM,
}


KINDS = (
    "gateway.networking.k8s.io/v1 GatewayClass",
    "gateway.networking.k8s.io/v1 Gateway",
    "gateway.networking.k8s.io/v1 HTTPRoute",
    "cert-manager.io/v1 ClusterIssuer",
    "cert-manager.io/v1 Issuer",
    "cert-manager.io/v1 Certificate",
    "cert-manager.io/v1 CertificateRequest",
    "serving.kserve.io/v1beta1 InferenceService",
    "postgresql.cnpg.io/v1 Cluster",
    "postgresql.cnpg.io/v1 Backup",
    "postgresql.cnpg.io/v1 ScheduledBackup",
    "monitoring.coreos.com/v1 Prometheus",
    "monitoring.coreos.com/v1 Alertmanager",
    "karpenter.sh/v1 NodePool",
    "karpenter.k8s.aws/v1 EC2NodeClass",
)


def definitions(folder: Path) -> dict[str, Object]:
    """The CRDs of `KINDS` below a folder, by API version and kind."""
    found: dict[str, Object] = {}
    groups = {kind.partition("/")[0] for kind in KINDS}
    for path in folder.rglob("*.yaml"):
        if not any(group in path.read_text() for group in groups):
            continue
        for document in yaml.load_all(path.read_text(), Loader):
            if document and document["kind"] == "CustomResourceDefinition":
                for version in document["spec"]["versions"]:
                    name = f"{document['spec']['group']}/{version['name']} {document['spec']['names']['kind']}"
                    found |= {name: document} if name in KINDS else {}
    return found


class Kinds(Client):
    """A cluster that learned of some kinds after it was ready."""

    known: frozenset[str] = frozenset()

    def make(self, kind: str, name: str, spec: Object, annotations: dict[str, str] | None = None) -> None:
        """Creates a custom resource; skips the test where the kind is not among the definitions."""
        if kind not in self.known:
            pytest.skip(f"{kind} is not among these definitions")
        api_version, _, kind_name = kind.partition(" ")
        metadata = {"name": name, "annotations": annotations or {}}
        self.apply({"apiVersion": api_version, "kind": kind_name, "metadata": metadata, "spec": spec})

    def until_status(self, kind: str, name: str, **fields: Any) -> Object:
        """Waits until the status has these fields, and returns it."""

        def status() -> Object | None:
            found: Object = self.get(kind, name).get("status", {})
            return found if fields.items() <= found.items() else None

        reached: Object = self.until(f"{kind}/{name}: {fields}", status)
        return reached


@pytest.fixture(scope="module", params=SOURCES)
def kinds(
    request: pytest.FixtureRequest, toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Kinds]:
    folder = SOURCES[request.param]
    if not folder.exists():
        pytest.skip(ABSENT)
    found = definitions(folder)
    cluster = Cluster(request.param, home=tmp_path_factory.mktemp("home"))
    try:
        cluster.start(toolchain)
        client = Kinds(cluster, toolchain)
        client.known = frozenset(found)
        client.apply(*NODES, *{crd["metadata"]["name"]: crd for crd in found.values()}.values())
        established(client, "crd", "--all")
        yield client
    finally:
        cluster.delete()


def test_gateways_and_routes_are_accepted(kinds: Kinds) -> None:
    kinds.make("gateway.networking.k8s.io/v1 GatewayClass", "simulated", {"controllerName": "example.com/gateway"})
    listeners = [{"name": "http", "port": 80, "protocol": "HTTP"}, {"name": "alt", "port": 8080, "protocol": "HTTP"}]
    gateway = {"gatewayClassName": "simulated", "listeners": listeners}
    kinds.make("gateway.networking.k8s.io/v1 Gateway", "public", gateway)
    route = {"parentRefs": [{"name": "public"}], "rules": [{"backendRefs": [{"name": "web", "port": 80}]}]}
    kinds.make("gateway.networking.k8s.io/v1 HTTPRoute", "web", route)

    kinds.has("gatewayclass", "simulated", "Accepted")
    status = kinds.has("gateway", "public", "Programmed")["status"]
    assert status["addresses"][0]["value"].startswith("198.1")
    assert [listener["name"] for listener in status["listeners"]] == ["http", "alt"]
    (parent,) = kinds.until_status(
        "httproute",
        "web",
        parents=kinds.until("parents", lambda: kinds.get("httproute", "web").get("status", {}).get("parents")),
    )["parents"]
    assert parent["parentRef"]["name"] == "public"
    assert {condition["type"]: condition["status"] for condition in parent["conditions"]} == {
        "Accepted": "True",
        "ResolvedRefs": "True",
    }

    kinds.make("gateway.networking.k8s.io/v1 Gateway", "public", gateway | {"listeners": listeners[:1]})
    kinds.until("changed", lambda: len(kinds.get("gateway", "public")["status"]["listeners"]) == 1)


def test_karpenters_pools_and_classes_are_ready(kinds: Kinds) -> None:
    subnets = {"subnetSelectorTerms": [{"id": "subnet-1"}], "securityGroupSelectorTerms": [{"id": "sg-1"}]}
    images = {"amiSelectorTerms": [{"alias": "al2023@latest"}], "role": "nodes"}
    kinds.make("karpenter.k8s.aws/v1 EC2NodeClass", "gpu", subnets | images)
    reference = {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "gpu"}
    node = {"nodeClassRef": reference, "requirements": [{"key": "kubernetes.io/arch", "operator": "Exists"}]}
    kinds.make("karpenter.sh/v1 NodePool", "gpu", {"template": {"spec": node}})
    kinds.has("ec2nodeclass", "gpu", "Ready")
    kinds.has("nodepools.karpenter.sh", "gpu", "Ready")


def test_certificates_are_issued_into_their_secret(kinds: Kinds) -> None:
    kinds.make("cert-manager.io/v1 ClusterIssuer", "everyone", {"selfSigned": {}})
    kinds.make("cert-manager.io/v1 Issuer", "here", {"selfSigned": {}})
    issuer = {"name": "everyone", "kind": "ClusterIssuer"}
    certificate = {"secretName": "web-tls", "dnsNames": ["web.example.com"], "issuerRef": issuer}
    kinds.make("cert-manager.io/v1 Certificate", "web", certificate)
    kinds.has("clusterissuer", "everyone", "Ready")
    kinds.has("issuer", "here", "Ready")
    kinds.has("certificate", "web", "Ready")
    secret = kinds.get("secret", "web-tls")
    assert secret["type"] == "kubernetes.io/tls"
    assert set(secret["data"]) == {"ca.crt", "tls.crt", "tls.key"}
    kinds("delete", "certificate", "web")
    # The garbage collector looks for new kinds twice a minute, and deletes nothing of a kind that it does not know yet.
    kinds("wait", "--for=delete", "secret/web-tls", "--timeout=120s")


def test_certificate_requests_are_answered(kinds: Kinds) -> None:
    issuer = {"name": "everyone", "kind": "ClusterIssuer"}
    kinds.make("cert-manager.io/v1 CertificateRequest", "web", {"request": "c2ltdWxhdGVk", "issuerRef": issuer})
    kinds.has("certificaterequest", "web", "Ready")


def test_an_inference_service_is_ready_when_its_pods_are_placed(kinds: Kinds) -> None:
    def service(devices: int) -> Object:
        resources = {"nvidia.com/gpu": str(devices)}
        model = {
            "modelFormat": {"name": "huggingface"},
            "storageUri": "s3://models/llm",
            "resources": {"requests": resources, "limits": resources},
        }
        tolerations = [{"key": "accelerator", "operator": "Exists"}]
        transformer = {"containers": [{"name": "kserve-container", "image": "example/transformer:1"}]}
        return {"predictor": {"minReplicas": 2, "tolerations": tolerations, "model": model}, "transformer": transformer}

    kinds.make("serving.kserve.io/v1beta1 InferenceService", "llm", service(4))
    status = kinds.has("inferenceservice", "llm", "Ready")["status"]
    conditions = {condition["type"]: condition["status"] for condition in status["conditions"]}
    assert conditions == dict.fromkeys(("PredictorReady", "TransformerReady", "IngressReady", "Ready"), "True")
    assert "url" not in status, "no configuration of KServe says the domain"
    assert status["modelStatus"]["copies"] == {"totalCopies": 2, "failedCopies": 0}
    pods = kinds.items("pods", "--selector=component=predictor")
    assert {pod["spec"]["nodeName"] for pod in pods} == {"gpu"}

    kinds.make("serving.kserve.io/v1beta1 InferenceService", "huge", service(16))  # more than any node has
    status = kinds.has("inferenceservice", "huge", "TransformerReady")["status"]
    conditions = {condition["type"]: condition["status"] for condition in status["conditions"]}
    assert (conditions["PredictorReady"], conditions["Ready"]) == ("False", "False")
    kinds("delete", "inferenceservice", "llm", "huge")
    kinds.until("collected", lambda: kinds.items("deployments") == [])


def test_a_canary_has_pods_traffic_and_a_status_of_its_own_and_leaves_with_its_entry(kinds: Kinds) -> None:
    """Finds a canary that takes no device and is in no message. Not proved: that requests are split so."""

    def service(*canaries: Object) -> Object:
        resources = {"nvidia.com/gpu": "1"}
        model = {
            "modelFormat": {"name": "huggingface"},
            "storageUri": "s3://models/v1",
            "args": ["--eager"],
            "resources": {"requests": resources, "limits": resources},
        }
        tolerations = [{"key": "accelerator", "operator": "Exists"}]
        predictor = {"minReplicas": 2, "tolerations": tolerations, "labels": {"team": "vision"}, "model": model}
        return {"predictor": predictor} | ({"canary": [*canaries]} if canaries else {})

    def canary(version: str) -> Object:
        uri = f"s3://models/{version}"
        model = {"name": "kserve-container", "modelFormat": {"name": "huggingface"}, "storageUri": uri}
        return {"trafficPercent": 10, "predictor": {"name": version, "minReplicas": 1, "model": model}}

    def deployments() -> list[str]:
        return sorted(one["metadata"]["name"] for one in kinds.items("deployments"))

    def conditions() -> list[str]:
        return [one["type"] for one in kinds.get("inferenceservice", "llm")["status"]["conditions"]]

    kind = "serving.kserve.io/v1beta1 InferenceService"
    kinds.make(kind, "llm", service(canary("v2")))
    status = kinds.has("inferenceservice", "llm", "CanaryPredictorReady")["status"]
    assert status["canaryStatuses"] == [{"name": "v2", "ready": True, "trafficPercent": 10}]
    pods = kinds.items("pods", "--selector=serving.kserve.io/inferenceservice=llm")
    assert sorted((pod["metadata"]["labels"]["app"], pod["spec"]["nodeName"]) for pod in pods) == [
        ("isvc.llm-predictor", "gpu"),
        ("isvc.llm-predictor", "gpu"),
        ("isvc.llm-v2-predictor", "gpu"),
    ]
    # What the entry does not say is the predictor's: size, placement, labels.
    assert {pod["metadata"]["labels"]["team"] for pod in pods} == {"vision"}

    kinds.make(kind, "llm", service(canary("v3")))
    kinds.until("another canary took its place", lambda: deployments() == ["llm-predictor", "llm-v3-predictor"])
    kinds.make(kind, "llm", service())
    kinds.until("it left", lambda: deployments() == ["llm-predictor"])
    kinds.until("nothing is said of it", lambda: "CanaryPredictorReady" not in conditions())
    assert "Ready" in conditions()
    kinds("delete", "inferenceservice", "llm")
    kinds.until("collected", lambda: kinds.items("deployments") == [])


def test_the_address_of_a_model_follows_from_the_configuration_of_kserve(kinds: Kinds) -> None:
    """Finds an address that the platform's domain is not in. The configuration is as KServe's chart writes it."""

    def configure(domain: str) -> None:
        ingress = {
            "domainTemplate": "{{ .Name }}-{{ .Namespace }}.{{ .IngressDomain }}",
            "ingressDomain": domain,
            "urlScheme": "https",
        }
        metadata = {"name": "inferenceservice-config", "namespace": "default"}
        data = {"ingress": json.dumps(ingress)}
        kinds.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})

    def address() -> str | None:
        url: str | None = kinds.get("inferenceservice", "small").get("status", {}).get("url")
        return url

    configure("ml.example.org")
    kinds.until("read", lambda: "ml.example.org" in json.dumps(kinds.get("stage", "inferenceservice-url")))
    model = {"modelFormat": {"name": "sklearn"}, "storageUri": "s3://models/small"}
    kinds.make("serving.kserve.io/v1beta1 InferenceService", "small", {"predictor": {"model": model}})
    kinds.until("addressed", lambda: address() == "https://small-default.ml.example.org")
    kinds("delete", "inferenceservice", "small")
    kinds("delete", "configmap", "inferenceservice-config")


def test_a_postgresql_cluster_is_healthy_and_backed_up(kinds: Kinds) -> None:
    cluster = {"instances": 3, "storage": {"size": "10Gi"}}
    kinds.make("postgresql.cnpg.io/v1 Cluster", "mlflow", cluster)
    kinds.has("clusters.postgresql.cnpg.io", "mlflow", "Ready")
    kinds.until_status("clusters.postgresql.cnpg.io", "mlflow", phase="Cluster in healthy state", readyInstances=3)
    kinds.make(
        "postgresql.cnpg.io/v1 ScheduledBackup", "daily", {"schedule": "0 0 0 * * *", "cluster": {"name": "mlflow"}}
    )
    kinds.until("taken up", lambda: kinds.get("scheduledbackup", "daily").get("status", {}).get("lastCheckTime"))
    kinds.make("postgresql.cnpg.io/v1 Backup", "now", {"cluster": {"name": "mlflow"}})
    kinds.until_status("backups.postgresql.cnpg.io", "now", phase="completed")


@pytest.mark.parametrize("kind", ["Prometheus", "Alertmanager"])
def test_monitoring_is_available(kinds: Kinds, kind: str) -> None:
    kinds.make(f"monitoring.coreos.com/v1 {kind}", "main", {"replicas": 2})
    status = kinds.has(kind.lower(), "main", "Reconciled")["status"]
    assert status["availableReplicas"] == 2
    assert {condition["type"]: condition["status"] for condition in status["conditions"]} == {
        "Available": "True",
        "Reconciled": "True",
    }


def test_the_rules_refuse_nothing_that_they_write(kinds: Kinds) -> None:
    """Runs last: what kwok could not write is in its log, and nowhere else."""
    log = (kinds.cluster.kubeconfig.parent / "logs" / "kwok-controller.log").read_text()
    failures = [line for line in log.splitlines() if "failed to apply stage" in line and "not found" not in line]
    assert failures == []
