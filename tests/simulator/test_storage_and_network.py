"""Claims and addresses on a simulated cluster."""

from typing import Any

import pytest

from .conftest import Client, Object

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module", autouse=True)
def classes(simulated: Client) -> None:
    def storage_class(name: str, provisioner: str, **fields: Any) -> Object:
        return {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {"name": name},
            "provisioner": f"simulated.mlplatform.dev/{provisioner}",
            **fields,
        }

    simulated.apply(
        storage_class("block", "block", volumeBindingMode="WaitForFirstConsumer", allowVolumeExpansion=True),
        storage_class("kept", "block", reclaimPolicy="Retain"),
        storage_class("file", "file"),
    )


def claim(name: str, storage_class: str, mode: str = "ReadWriteOnce", size: str = "10Gi") -> Object:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name},
        "spec": {
            "storageClassName": storage_class,
            "accessModes": [mode],
            "resources": {"requests": {"storage": size}},
        },
    }


def user(name: str) -> Object:
    mount = {"name": "data", "mountPath": "/data"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"uses-{name}"},
        "spec": {
            "containers": [{"name": "main", "image": "example/image:1", "volumeMounts": [mount]}],
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": name}}],
        },
    }


def bound(client: Client, name: str) -> Object:
    client("wait", "--for=jsonpath={.status.phase}=Bound", f"pvc/{name}", "--timeout=30s")
    found: Object = client.get("pv", client.get("pvc", name)["spec"]["volumeName"])
    return found


@pytest.mark.parametrize(
    ("provisioner", "mode"),
    [
        ("ebs.csi.aws.com", "ReadWriteOnce"),
        ("ebs.csi.eks.amazonaws.com", "ReadWriteOncePod"),
        ("rancher.io/local-path", "ReadWriteOnce"),
        ("pd.csi.storage.gke.io", "ReadOnlyMany"),
        ("efs.csi.aws.com", "ReadWriteMany"),
        ("filestore.csi.storage.gke.io", "ReadWriteMany"),
        ("nfs.csi.k8s.io", "ReadWriteMany"),
    ],
)
def test_the_drivers_of_clouds_are_played_too(client: Client, provisioner: str, mode: str) -> None:
    name = provisioner.replace("/", "-").replace(".", "-")
    client.apply(
        {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {"name": name},
            "provisioner": provisioner,
        },
        claim(name, name, mode),
    )
    assert bound(client, name)["metadata"]["annotations"]["pv.kubernetes.io/provisioned-by"] == provisioner


@pytest.mark.parametrize("provisioner", ["ebs.csi.aws.com", "pd.csi.storage.gke.io"])
def test_the_block_storage_of_clouds_is_not_for_many_writers(client: Client, provisioner: str) -> None:
    name = provisioner.partition(".")[0] + "-shared"
    client.apply(
        {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {"name": name},
            "provisioner": provisioner,
        },
        claim(name, name, "ReadWriteMany"),
    )
    events = ("get", "events", "--field-selector=reason=ProvisioningFailed", "--output=name")
    client.until("refused", lambda: client(*events))
    assert client.get("pvc", name)["status"]["phase"] == "Pending"


def test_a_claim_waits_for_its_first_consumer_and_is_bound_for_it(client: Client) -> None:
    client.apply(claim("data", "block"))
    events = ("get", "events", "--field-selector=reason=WaitForFirstConsumer", "--output=name")
    client.until("said to wait", lambda: client(*events))
    assert client.get("pvc", "data")["status"]["phase"] == "Pending"
    client.apply(user("data"))
    client.has("pod", "uses-data", "Ready")
    volume = bound(client, "data")
    assert volume["spec"]["capacity"] == {"storage": "10Gi"}
    assert volume["spec"]["accessModes"] == ["ReadWriteOnce"]
    assert volume["metadata"]["labels"] == {"simulated.mlplatform.dev/volume": "true"}


@pytest.mark.parametrize("mode", ["ReadWriteMany", "ReadOnlyMany", "ReadWriteOnce"])
def test_shared_files_are_bound_in_every_mode(client: Client, mode: str) -> None:
    name = mode.lower()
    client.apply(claim(name, "file", mode))
    assert bound(client, name)["spec"]["accessModes"] == [mode]


def test_a_block_volume_for_many_nodes_is_refused_and_says_why(client: Client) -> None:
    client.apply(claim("shared", "kept", "ReadWriteMany"))
    events = ("get", "events", "--field-selector=reason=ProvisioningFailed", "--output=jsonpath={.items[*].message}")
    said = client.until("said no", lambda: client(*events))
    assert "ReadWriteOnce or ReadWriteOncePod only" in said
    assert client.get("pvc", "shared")["status"]["phase"] == "Pending"


def test_a_bound_claim_grows_where_its_class_allows_it(client: Client) -> None:
    client.apply(claim("data", "block"), user("data"))
    bound(client, "data")
    client.apply(claim("data", "block", size="20Gi"))
    client("wait", "--for=jsonpath={.status.capacity.storage}=20Gi", "pvc/data", "--timeout=30s")
    assert bound(client, "data")["spec"]["capacity"] == {"storage": "20Gi"}

    client.apply(claim("fixed", "kept"))
    bound(client, "fixed")
    refused = client.run(
        "patch", "pvc", "fixed", "--patch", '{"spec": {"resources": {"requests": {"storage": "20Gi"}}}}'
    )
    assert "only dynamically provisioned pvc can be resized" in refused.stderr


def test_a_volume_outlives_its_claim_only_where_its_class_says_so(client: Client) -> None:
    client.apply(claim("gone", "file"), claim("stays", "kept"))
    gone, stays = bound(client, "gone"), bound(client, "stays")
    client("delete", "pvc", "gone", "stays", "--timeout=30s")
    client("wait", "--for=delete", f"pv/{gone['metadata']['name']}", "--timeout=30s")
    name = stays["metadata"]["name"]
    client("wait", "--for=jsonpath={.status.phase}=Released", f"pv/{name}", "--timeout=30s")
    assert stays["spec"]["persistentVolumeReclaimPolicy"] == "Retain"
    client("delete", "pv", name, "--timeout=30s")


def test_load_balancers_and_ingresses_get_addresses_that_are_said_to_be_simulated(client: Client) -> None:
    def service(name: str, kind: str) -> Object:
        spec = {"type": kind, "ports": [{"port": 80}]}
        return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}

    backend = {"service": {"name": "one", "port": {"number": 80}}}
    client.apply(
        service("one", "LoadBalancer"),
        service("two", "LoadBalancer"),
        service("inside", "ClusterIP"),
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {"name": "three"},
            "spec": {"defaultBackend": backend},
        },
    )
    addresses = set()
    for name in ("service/one", "service/two", "ingress/three"):
        client("wait", "--for=jsonpath={.status.loadBalancer.ingress[0].ip}", name, "--timeout=30s")
        addresses.add(client.get(*name.split("/"))["status"]["loadBalancer"]["ingress"][0]["ip"])
    assert len(addresses) == 3
    assert {address.partition(".")[0] for address in addresses} == {"198"}
    assert client.get("service", "inside")["status"]["loadBalancer"] == {}
    events = ("get", "events", "--field-selector=reason=SimulatedAddress", "--output=name")
    client.until("an event each", lambda: len(client(*events).split()) == 3)
