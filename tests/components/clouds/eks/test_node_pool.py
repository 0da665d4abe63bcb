"""What a pool of a managed node group registers, and that AWS's published models accept it, for every machine.

Not proved here: that a region offers a machine; that instances join (a cloud is needed); what EKS checks beyond its
model.
"""

import base64
from typing import Any

import pytest

from catalog.accelerators import ClusterKind, Sharing
from catalog.machines import MACHINES, Machine
from components.clouds.eks.handles import EksHandle
from components.clouds.eks.node_pool import EksNodePool
from components.clouds.eks.spec import EksImage, EksPurchase
from components.clouds.eks.tables import CAPACITY_TYPES
from components.findings import Refused
from simulator.clouds.inputs import refused as refused_by_the_simulation
from tests.components.contract.eks import HOURS, MANAGED, RESERVATION
from tests.recorder import Recording, record
from tests.support.aws_models import departures
from tests.support.aws_requests import create_node_group, launch_template_data

EC2 = [machine for machine in MACHINES.values() if machine.kind is ClusterKind.EKS]
ZONE = ["eu-west-1a"]


def declared(cluster: EksHandle = MANAGED, **over: Any) -> Recording:
    spec = {"machines": ["p5.48xlarge"], "nodes_max": 2, **over}
    return record(lambda: EksNodePool("h100", {"cluster": cluster, "pool": spec}) and None)  # type: ignore[typeddict-item]


def accepted(recording: Recording) -> list[str]:
    group, template = recording.one("NodeGroup").inputs, recording.one("LaunchTemplate").inputs
    return [
        *departures("eks", "CreateNodegroupRequest", create_node_group(group)),
        *departures("ec2", "RequestLaunchTemplateData", launch_template_data(template)),
    ]


def others(recording: Recording) -> list[str]:
    return [each for each in recording.kinds() if not each.startswith("Tag ")]


def test_a_pool_is_a_group_a_template_and_the_tags_that_the_autoscaler_reads() -> None:
    recording = declared()
    assert others(recording) == ["EksNodePool h100", "LaunchTemplate h100-template", "NodeGroup h100-group"]
    stem = "k8s.io/cluster-autoscaler/node-template/"
    tags = {each.inputs["tag"]["key"]: each.inputs for each in recording.of("Tag")}
    assert {each["autoscalingGroupName"] for each in tags.values()} == {"eks-group"}
    assert tags[f"{stem}resources/nvidia.com/gpu"]["tag"] == {
        "key": f"{stem}resources/nvidia.com/gpu",
        "value": "8",
        "propagateAtLaunch": False,
    }


def test_nodes_have_the_labels_of_their_pool_and_those_that_its_pods_select() -> None:
    pools: list[EksNodePool] = []
    spec: Any = {"machines": ["p5.48xlarge"], "nodes_max": 2, "labels": {"example.com/rack": "a"}}
    recording = record(lambda: pools.append(EksNodePool("h100", {"cluster": MANAGED, "pool": spec})))
    labels = recording.one("NodeGroup").inputs["labels"]
    assert labels["example.com/rack"] == "a"
    assert pools[0].handle["placement"]["node_selector"].items() <= labels.items()


def test_a_group_starts_its_nodes_from_the_template_and_follows_its_versions() -> None:
    recording = declared()
    group, template = recording.one("NodeGroup"), recording.one("LaunchTemplate")
    assert group.inputs["launchTemplate"]["id"] == f"{template.name}-id"
    assert "version" in group.inputs["launchTemplate"]
    assert template.urn in group.dependencies


@pytest.mark.parametrize("machine", EC2, ids=lambda machine: machine.name)
@pytest.mark.parametrize("image", EksImage)
def test_every_machine_makes_a_group_that_the_api_model_accepts_or_is_refused_with_a_remedy(
    machine: Machine, image: EksImage
) -> None:
    over: dict[str, Any] = {"machines": [machine.name], "image": image, "local_nvme": bool(machine.nvme_gb)}
    if machine.efa_interfaces:
        over |= {"efa": True, "zones": ZONE}
    if machine.accelerator == "GB200" and image is EksImage.BOTTLEROCKET:
        with pytest.raises(Refused, match="use image al2023"):
            declared(**over)
        return
    recording = declared(**over)
    assert accepted(recording) == []
    made = [each for each in recording.resources if each.type.startswith("aws:")]
    assert [said for each in made for said in refused_by_the_simulation(each.type, each.inputs)] == []
    assert recording.one("NodeGroup").inputs["instanceTypes"] == [machine.name]
    assert len(recording.one("LaunchTemplate").inputs.get("networkInterfaces", [])) == machine.efa_interfaces


@pytest.mark.parametrize("purchase", CAPACITY_TYPES)
def test_every_way_to_pay_is_one_that_the_api_model_accepts(purchase: EksPurchase) -> None:
    reserved = purchase in (EksPurchase.RESERVED, EksPurchase.CAPACITY_BLOCK)
    over: dict[str, Any] = {"reservation_id": RESERVATION, "zones": ZONE} if reserved else {}
    recording = declared(purchase=purchase, **over)
    assert accepted(recording) == []
    group, template = recording.one("NodeGroup").inputs, recording.one("LaunchTemplate").inputs
    block = purchase is EksPurchase.CAPACITY_BLOCK
    # EKS takes the machine from the group or from the template, never from both.
    assert ("instanceTypes" in group) != ("instanceType" in template) == block
    assert template.get("instanceMarketOptions") == ({"marketType": "capacity-block"} if block else None)
    assert group["updateConfig"]["updateStrategy"] == ("MINIMAL" if reserved else "DEFAULT")
    specification = template.get("capacityReservationSpecification")
    assert bool(specification) == reserved
    if reserved:
        assert specification == {
            "capacityReservationPreference": "capacity-reservations-only",
            "capacityReservationTarget": {"capacityReservationId": RESERVATION},
        }


def test_nodes_ask_for_their_credentials_by_token_and_keep_them_from_pods() -> None:
    template = declared().one("LaunchTemplate").inputs
    assert template["metadataOptions"] == {
        "httpEndpoint": "enabled",
        "httpTokens": "required",
        "httpPutResponseHopLimit": 1,
    }
    assert "imageId" not in template
    assert "keyName" not in template


@pytest.mark.parametrize(
    ("image", "devices"), [("al2023", ["/dev/xvda"]), ("bottlerocket", ["/dev/xvda", "/dev/xvdb"])]
)
def test_every_volume_is_encrypted_and_the_last_has_the_size_that_was_asked_for(image: str, devices: list[str]) -> None:
    mappings = declared(image=EksImage(image), disk_gib=300).one("LaunchTemplate").inputs["blockDeviceMappings"]
    assert [each["deviceName"] for each in mappings] == devices
    assert {each["ebs"]["encrypted"] for each in mappings} == {"true"}
    assert mappings[-1]["ebs"]["volumeSize"] == 300


def test_nodes_with_efa_stand_together_and_talk_to_each_other_freely() -> None:
    recording = declared(efa=True, zones=ZONE)
    assert others(recording) == [
        "EksNodePool h100",
        "LaunchTemplate h100-template",
        "NodeGroup h100-group",
        "PlacementGroup h100-placement",
        "SecurityGroup h100-fabric",
        "SecurityGroupEgressRule h100-fabric-out",
        "SecurityGroupIngressRule h100-fabric-in",
    ]
    placement = recording.one("PlacementGroup").inputs
    assert (placement["name"], placement["strategy"]) == ("prod-h100-eu-west-1a", "cluster")
    template = recording.one("LaunchTemplate").inputs
    assert template["placement"] == {"groupName": "prod-h100-eu-west-1a"}
    assert template["networkInterfaces"][0]["securityGroups"] == [MANAGED["security_group_id"], "h100-fabric-id"]
    for rule in (recording.one("SecurityGroupIngressRule"), recording.one("SecurityGroupEgressRule")):
        assert rule.inputs["referencedSecurityGroupId"] == rule.inputs["securityGroupId"]
    assert recording.one("NodeGroup").inputs["subnetIds"] == ["subnet-0123456789abcdefa"]


def test_machines_of_a_reservation_stand_where_it_was_made() -> None:
    recording = declared(efa=True, zones=ZONE, purchase=EksPurchase.RESERVED, reservation_id=RESERVATION)
    assert recording.of("PlacementGroup") == []
    assert "placement" not in recording.one("LaunchTemplate").inputs
    assert recording.one("LaunchTemplate").inputs["networkInterfaces"]


def test_user_data_is_encoded_and_absent_where_there_is_none() -> None:
    assert "userData" not in declared().one("LaunchTemplate").inputs
    encoded = declared(local_nvme=True).one("LaunchTemplate").inputs["userData"]
    assert b"RAID0" in base64.b64decode(encoded)


def test_a_pool_with_hours_has_no_node_outside_them() -> None:
    recording = declared(working_hours=HOURS)
    end, start = (recording.one("Schedule", f"h100-hours-{role}").inputs for role in ("end", "start"))
    assert (end["recurrence"], end["timeZone"]) == ("0 20 * * 1-5", "Europe/Paris")
    assert (end["minSize"], end["maxSize"], end["desiredCapacity"]) == (0, 0, 0)
    assert (start["recurrence"], start["minSize"], start["maxSize"]) == ("0 7 * * 1-5", 0, 2)
    assert declared().of("Schedule") == []


def test_a_group_follows_the_version_of_its_cluster() -> None:
    newer: EksHandle = {**MANAGED, "kubernetes_version": "1.36"}
    assert declared(newer).one("NodeGroup").inputs["version"] == "1.36"
    names = {declared(each).one("NodeGroup").inputs["nodeGroupName"] for each in (MANAGED, newer)}
    assert len(names) == 1


def test_a_pool_that_is_held_back_stays_when_its_control_plane_moves_on() -> None:
    newer: EksHandle = {**MANAGED, "kubernetes_version": "1.36"}
    before, after = (declared(each, kubernetes_version="1.35").one("NodeGroup").inputs for each in (MANAGED, newer))
    assert (before, before["version"]) == (after, "1.35")


SHARINGS: list[dict[str, Any]] = [
    {"strategy": Sharing.EXCLUSIVE},
    {"strategy": Sharing.TIME_SLICING, "replicas": 4},
    {"strategy": Sharing.MPS, "replicas": 4},
    {"strategy": Sharing.MIG, "mig_profiles": {"1g.10gb": 7}},
    {"strategy": Sharing.MIG, "mig_profiles": {"1g.10gb": 1, "3g.40gb": 1}},
]


@pytest.mark.parametrize("machine", ["g6.xlarge", "p5.48xlarge", "trn1.32xlarge", "m7i.2xlarge"])
@pytest.mark.parametrize("sharing", SHARINGS, ids=lambda sharing: "-".join(str(part) for part in sharing.values()))
@pytest.mark.parametrize("image", EksImage)
def test_each_way_to_share_is_registered_or_refused_with_what_to_change(
    machine: str, sharing: dict[str, Any], image: EksImage
) -> None:
    cut, shared = sharing["strategy"] == Sharing.MIG, sharing["strategy"] != Sharing.EXCLUSIVE
    mixed = len(sharing.get("mig_profiles", {})) > 1
    impossible = (
        machine == "m7i.2xlarge"
        or (shared and machine == "trn1.32xlarge")
        or (cut and machine == "g6.xlarge")
        or (mixed and image is EksImage.BOTTLEROCKET)
    )
    if not impossible:
        assert accepted(declared(machines=[machine], sharing=sharing, image=image)) == []
        return
    with pytest.raises(Refused) as refused:
        declared(machines=[machine], sharing=sharing, image=image)
    assert all(finding.remedy and finding.rule for finding in refused.value.findings)
