"""What a destroy would leave. Not proved here: that the engine and a cloud behave so (tests/engine)."""

from typing import Any

import pytest

from tools.leftovers import leaving, leftovers

CLUSTER = {"type": "aws:eks/cluster:Cluster", "urn": "urn:pulumi:prod::mlplatform::aws:eks/cluster:Cluster::control"}
BUCKET = {"type": "aws:s3/bucket:Bucket", "urn": "urn:pulumi:prod::mlplatform::aws:s3/bucket:Bucket::models"}
HOME = {
    "type": "kubernetes:core/v1:Namespace",
    "urn": "urn:pulumi:prod::mlplatform::kubernetes:core/v1:Namespace::vision",
    "outputs": {"metadata": {"name": "vision"}},
}

PROVISIONED = {"pv.kubernetes.io/provisioned-by": "ebs.csi.aws.com"}


def volume(namespace: str, policy: str = "Delete") -> dict[str, Any]:
    claim = {"namespace": namespace, "name": "data", "uid": f"uid-of-{namespace}"}
    spec = {"claimRef": claim, "csi": {"volumeHandle": "vol-1"}, "persistentVolumeReclaimPolicy": policy}
    return {"kind": "PersistentVolume", "metadata": {"name": "pv", "annotations": PROVISIONED}, "spec": spec}


def load_balancer(namespace: str) -> dict[str, Any]:
    return {
        "kind": "Service",
        "metadata": {"namespace": namespace, "name": "gateway"},
        "spec": {"type": "LoadBalancer"},
    }


def test_protected_and_kept_resources_are_named_apart() -> None:
    found = leftovers([{**BUCKET, "protect": True, "retainOnDelete": True}, {**HOME, "retainOnDelete": True}], [])
    assert (found.protected, found.kept) == (("Bucket models",), ("Namespace vision",))


def test_what_goes_with_a_namespace_of_the_stack_is_no_orphan() -> None:
    assert leftovers([CLUSTER, HOME], [volume("vision"), load_balancer("vision")]).orphaned == ()


def test_what_others_made_in_a_cluster_that_goes_is_an_orphan() -> None:
    assert leftovers([CLUSTER, HOME], [volume("stray"), load_balancer("stray")]).orphaned == (
        "load balancer of stray/gateway: no namespace of this stack",
        "volume vol-1 of stray/data: no namespace of this stack",
    )


def test_a_volume_that_its_class_keeps_stays_wherever_it_is() -> None:
    assert leftovers([CLUSTER, HOME], [volume("vision", "Retain")]).orphaned == (
        "volume vol-1 of vision/data: its class keeps volumes",
    )


def test_a_cluster_that_stays_leaves_no_orphan() -> None:
    assert leftovers([{**CLUSTER, "protect": True}, HOME], [volume("stray")]).orphaned == ()
    assert leftovers([HOME], [volume("stray")]).orphaned == ()


CLAIM: dict[str, Any] = {
    "kind": "PersistentVolumeClaim",
    "metadata": {"namespace": "vision", "name": "data", "uid": "uid-of-vision"},
}


def test_a_volume_is_leaving_from_the_end_of_its_claim_until_it_is_gone() -> None:
    assert leaving([volume("vision"), CLAIM]) == ()
    assert leaving([volume("vision")]) == ("volume vol-1 of vision/data",)
    assert leaving([]) == ()


def test_another_claim_of_the_same_name_does_not_hold_a_volume() -> None:
    again = {**CLAIM, "metadata": {**CLAIM["metadata"], "uid": "another"}}
    assert leaving([volume("vision"), again]) == ("volume vol-1 of vision/data",)


@pytest.mark.parametrize(
    "kept",
    [
        volume("vision", "Retain"),
        {**volume("vision"), "metadata": {"name": "by-hand"}},
        {"kind": "Service", "metadata": {"deletionTimestamp": "now"}, "spec": {"type": "ClusterIP"}},
        load_balancer("vision"),
    ],
    ids=["its class keeps it", "nobody provisioned it", "no load balancer", "nobody deletes it"],
)
def test_what_no_controller_is_about_to_delete_is_not_waited_for(kept: dict[str, Any]) -> None:
    assert leaving([kept]) == ()


def test_a_load_balancer_is_leaving_while_its_service_is() -> None:
    dying = load_balancer("vision")
    dying["metadata"]["deletionTimestamp"] = "2026-11-22T09:00:00Z"
    assert leaving([dying]) == ("load balancer of vision/gateway",)
