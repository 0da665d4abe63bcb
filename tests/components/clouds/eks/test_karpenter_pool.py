"""What pools of Karpenter and of Auto Mode register. Not proved here: that Karpenter makes nodes (a cloud is needed);
the schema of Auto Mode's NodeClass, which AWS does not publish."""

from typing import Any

import pytest

from components.clouds.eks.auto_mode import AutoModeNetworkPolicies, AutoModeNodePool, role_name
from components.clouds.eks.karpenter_pool import KarpenterNodePool
from components.clouds.eks.spec import EksImage, EksPurchase
from components.findings import Refused
from tests.components.contract.eks import AUTO, KARPENTER, MANAGED, NODES, RESERVATION
from tests.recorder import Recording, record

ZONE = ["eu-west-1a"]


def by_karpenter(**over: Any) -> Recording:
    spec = {"machines": ["p5.48xlarge"], "nodes_max": 2, **over}
    args = {"cluster": KARPENTER, "karpenter": NODES, "pool": spec}
    return record(lambda: KarpenterNodePool("h100", args) and None)  # type: ignore[arg-type]


def by_auto_mode(**over: Any) -> Recording:
    spec = {"machines": ["p5.48xlarge"], "nodes_max": 2, **over}
    return record(lambda: AutoModeNodePool("h100", {"cluster": AUTO, "pool": spec}) and None)  # type: ignore[typeddict-item]


def test_a_pool_of_karpenter_is_a_node_class_and_a_limited_node_pool() -> None:
    recording = by_karpenter()
    assert recording.kinds() == [
        "EC2NodeClass h100-node-class",
        "KarpenterNodePool h100",
        "NodePool h100-node-pool",
    ]
    assert recording.one("EC2NodeClass").urn in recording.one("NodePool").dependencies
    pool = recording.one("NodePool").inputs["spec"]
    assert pool["limits"] == {"nodes": "2", "cpu": "384", "memory": "4096Gi", "nvidia.com/gpu": "16"}
    assert pool["template"]["spec"]["nodeClassRef"]["kind"] == "EC2NodeClass"
    assert pool["template"]["spec"]["expireAfter"] == "Never"
    node_class = recording.one("EC2NodeClass").inputs["spec"]
    assert node_class["role"] == NODES["node_role_name"]
    assert node_class["metadataOptions"]["httpTokens"] == "required"
    assert node_class["metadataOptions"]["httpPutResponseHopLimit"] == 1
    assert [each["ebs"]["encrypted"] for each in node_class["blockDeviceMappings"]] == [True]
    assert "instanceStorePolicy" not in node_class
    assert "capacityReservationSelectorTerms" not in node_class
    assert "networkInterfaces" not in node_class


def test_a_pool_of_plain_machines_is_renewed_every_month() -> None:
    pool = by_karpenter(machines=["m7i.2xlarge"]).one("NodePool").inputs["spec"]
    assert pool["template"]["spec"]["expireAfter"] == "720h"
    assert set(pool["limits"]) == {"nodes", "cpu", "memory"}


def test_karpenter_gets_reservations_disks_images_and_efa() -> None:
    recording = by_karpenter(
        purchase=EksPurchase.RESERVED,
        reservation_id=RESERVATION,
        zones=ZONE,
        efa=True,
        local_nvme=True,
        image=EksImage.BOTTLEROCKET,
    )
    node_class = recording.one("EC2NodeClass").inputs["spec"]
    assert node_class["capacityReservationSelectorTerms"] == [{"id": RESERVATION}]
    assert node_class["instanceStorePolicy"] == "RAID0"
    assert node_class["amiSelectorTerms"] == [{"alias": "bottlerocket@latest"}]
    assert [each["deviceName"] for each in node_class["blockDeviceMappings"]] == ["/dev/xvda", "/dev/xvdb"]
    kinds = [each["interfaceType"] for each in node_class["networkInterfaces"]]
    assert kinds == ["interface", *["efa-only"] * 32]
    assert len(node_class["securityGroupSelectorTerms"]) == 2
    assert "placementGroupSelector" not in node_class
    requirements = recording.one("NodePool").inputs["spec"]["template"]["spec"]["requirements"]
    assert {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["reserved"]} in requirements


def test_karpenter_puts_nodes_with_efa_together() -> None:
    recording = by_karpenter(efa=True, zones=ZONE)
    selector = recording.one("EC2NodeClass").inputs["spec"]["placementGroupSelector"]
    assert selector == {"name": recording.one("PlacementGroup").inputs["name"]}


def test_a_pool_of_auto_mode_enforces_network_policies_and_lives_three_weeks_at_most() -> None:
    recording = by_auto_mode()
    assert recording.kinds() == ["AutoModeNodePool h100", "NodeClass h100-node-class", "NodePool h100-node-pool"]
    node_class = recording.one("NodeClass").inputs
    assert node_class["apiVersion"] == "eks.amazonaws.com/v1"
    assert node_class["spec"] == {
        "role": "prod-node",
        "subnetSelectorTerms": [{"id": "subnet-0123456789abcdefa"}, {"id": "subnet-0123456789abcdefb"}],
        "securityGroupSelectorTerms": [{"id": MANAGED["security_group_id"]}],
        "networkPolicy": "DefaultAllow",
        "networkPolicyEventLogs": "Enabled",
        "ephemeralStorage": {"size": "200Gi"},
    }
    template = recording.one("NodePool").inputs["spec"]["template"]["spec"]
    assert template["nodeClassRef"] == {"group": "eks.amazonaws.com", "kind": "NodeClass", "name": "h100"}
    assert template["expireAfter"] == "504h"


def test_auto_mode_takes_reservations() -> None:
    recording = by_auto_mode(purchase=EksPurchase.CAPACITY_BLOCK, reservation_id=RESERVATION, zones=ZONE)
    assert recording.one("NodeClass").inputs["spec"]["capacityReservationSelectorTerms"] == [{"id": RESERVATION}]


def test_a_pool_belongs_to_the_maker_of_nodes_of_its_cluster() -> None:
    spec = {"machines": ["p5.48xlarge"], "nodes_max": 2}
    with pytest.raises(Refused, match="a cluster has one node provisioner"):
        record(lambda: AutoModeNodePool("h100", {"cluster": MANAGED, "pool": spec}) and None)  # type: ignore[typeddict-item]
    args = {"cluster": MANAGED, "karpenter": NODES, "pool": spec}
    with pytest.raises(Refused, match="a cluster has one node provisioner"):
        record(lambda: KarpenterNodePool("h100", args) and None)  # type: ignore[arg-type]


def test_auto_mode_is_configured_to_enforce_network_policies() -> None:
    recording = record(lambda: AutoModeNetworkPolicies("policies", {"cluster": AUTO}) and None)
    config = recording.one("ConfigMap").inputs
    assert (config["metadata"]["namespace"], config["metadata"]["name"]) == ("kube-system", "amazon-vpc-cni")
    assert config["data"] == {"enable-network-policy-controller": "true"}


def test_a_role_s_name_is_the_end_of_its_arn() -> None:
    assert role_name("arn:aws:iam::012345678901:role/a/path/prod-node") == "prod-node"
