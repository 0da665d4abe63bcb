"""What a destroy would leave. Not proved here: that the engine and a cloud behave so (tests/engine)."""

from typing import Any

from tools.remains import remains

CLUSTER = {"type": "aws:eks/cluster:Cluster", "urn": "urn:pulumi:prod::mlplatform::aws:eks/cluster:Cluster::control"}
BUCKET = {"type": "aws:s3/bucket:Bucket", "urn": "urn:pulumi:prod::mlplatform::aws:s3/bucket:Bucket::models"}
HOME = {
    "type": "kubernetes:core/v1:Namespace",
    "urn": "urn:pulumi:prod::mlplatform::kubernetes:core/v1:Namespace::vision",
    "outputs": {"metadata": {"name": "vision"}},
}


def volume(namespace: str, policy: str = "Delete") -> dict[str, Any]:
    claim = {"namespace": namespace, "name": "data"}
    spec = {"claimRef": claim, "csi": {"volumeHandle": "vol-1"}, "persistentVolumeReclaimPolicy": policy}
    return {"kind": "PersistentVolume", "metadata": {"name": "pv"}, "spec": spec}


def load_balancer(namespace: str) -> dict[str, Any]:
    return {
        "kind": "Service",
        "metadata": {"namespace": namespace, "name": "gateway"},
        "spec": {"type": "LoadBalancer"},
    }


def test_protected_and_kept_resources_are_named_apart() -> None:
    found = remains([{**BUCKET, "protect": True, "retainOnDelete": True}, {**HOME, "retainOnDelete": True}], [])
    assert (found.protected, found.kept) == (("Bucket models",), ("Namespace vision",))


def test_what_goes_with_a_namespace_of_the_stack_is_no_orphan() -> None:
    assert remains([CLUSTER, HOME], [volume("vision"), load_balancer("vision")]).orphaned == ()


def test_what_others_made_in_a_cluster_that_goes_is_an_orphan() -> None:
    assert remains([CLUSTER, HOME], [volume("stray"), load_balancer("stray")]).orphaned == (
        "load balancer of stray/gateway: no namespace of this stack",
        "volume vol-1 of stray/data: no namespace of this stack",
    )


def test_a_volume_that_its_class_keeps_stays_wherever_it_is() -> None:
    assert remains([CLUSTER, HOME], [volume("vision", "Retain")]).orphaned == (
        "volume vol-1 of vision/data: its class keeps volumes",
    )


def test_a_cluster_that_stays_leaves_no_orphan() -> None:
    assert remains([{**CLUSTER, "protect": True}, HOME], [volume("stray")]).orphaned == ()
    assert remains([HOME], [volume("stray")]).orphaned == ()
