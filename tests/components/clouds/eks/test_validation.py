"""Rules on EKS: each is broken here once, and says what to do instead. Not proved here: that AWS agrees."""

from collections.abc import Iterable
from typing import Any

import pytest

from catalog.accelerators import DeviceAllocation, Sharing
from components.clouds.eks.spec import EksImage, EksPoolSpec, EksPurchase, NodeProvisioning
from components.clouds.eks.validation import check_eks_pool
from components.findings import Finding

MANAGED, KARPENTER, AUTO = NodeProvisioning
ZONES = ["eu-west-1a", "eu-west-1b"]
RESERVATION = "cr-0123456789abcdef0"
DEPLOY = "arn:aws:iam::012345678901:role/deploy"
HOURS = {"start": "0 7 * * 1-5", "end": "0 20 * * 1-5"}


def paths(findings: Iterable[Finding]) -> list[str]:
    found = list(findings)
    assert all(each.rule and each.remedy for each in found)
    return [each.path for each in found]


def pool(provisioning: NodeProvisioning = MANAGED, version: str = "1.35", **over: Any) -> list[Finding]:
    spec = EksPoolSpec(**{"machines": ["p5.48xlarge"], "nodes_max": 2, **over})  # type: ignore[typeddict-item]
    return list(check_eks_pool("pools.a", spec, provisioning, zones=ZONES, kubernetes_version=version))


@pytest.mark.parametrize("provisioning", NodeProvisioning)
def test_a_plain_pool_is_right_on_every_kind_of_cluster(provisioning: NodeProvisioning) -> None:
    assert pool(provisioning) == []
    assert pool(provisioning, machines=["m7i.2xlarge"]) == []


@pytest.mark.parametrize(
    ("over", "path"),
    [
        ({"machines": []}, "machines"),
        ({"machines": ["p5.48xlarg"]}, "machines[0]"),
        ({"machines": ["a3-highgpu-8g"]}, "machines[0]"),
        ({"machines": ["ct6e-standard-4t"]}, "machines[0]"),
        ({"machines": ["g6.xlarge", "g6.xlarge"]}, "machines[1]"),
        ({"machines": ["g6.xlarge", "g5.xlarge"], "purchase": EksPurchase.SPOT}, "machines"),
        ({"machines": ["g6.xlarge", "g6.12xlarge"], "purchase": EksPurchase.SPOT}, "machines"),
        ({"machines": ["m7i.2xlarge", "m7g.2xlarge"], "purchase": EksPurchase.SPOT}, "machines"),
        (
            {
                "machines": ["trn1.32xlarge", "trn1n.32xlarge"],
                "purchase": EksPurchase.RESERVED,
                "reservation_id": RESERVATION,
                "zones": ZONES[:1],
            },
            "machines",
        ),
        ({"nodes_max": 0}, "nodesMax"),
        ({"nodes_min": 3}, "nodesMin"),
        ({"nodes_max": 5001}, "nodesMax"),
        ({"disk_gib": 8}, "diskGib"),
        ({"disk_gib": 20000}, "diskGib"),
        ({"purchase": EksPurchase.RESERVED, "zones": ZONES[:1]}, "reservationId"),
        ({"purchase": EksPurchase.RESERVED, "zones": ZONES[:1], "reservation_id": "my-block"}, "reservationId"),
        ({"reservation_id": RESERVATION}, "reservationId"),
        ({"purchase": EksPurchase.RESERVED, "reservation_id": RESERVATION}, "zones"),
        ({"purchase": EksPurchase.RESERVED, "reservation_id": RESERVATION, "zones": ZONES}, "zones"),
        ({"efa": True}, "zones"),
        ({"zones": ["eu-west-1c"]}, "zones[0]"),
        ({"zones": ["eu-west-1"]}, "zones[0]"),
        ({"zones": ["eu-west-1a", "eu-west-1a"]}, "zones[1]"),
        ({"efa": True, "zones": ZONES[:1], "machines": ["g6.xlarge"]}, "efa"),
        ({"local_nvme": True, "machines": ["m7i.2xlarge"]}, "localNvme"),
        (
            {
                "machines": ["g6.12xlarge"],
                "purchase": EksPurchase.CAPACITY_BLOCK,
                "reservation_id": RESERVATION,
                "zones": ZONES[:1],
            },
            "purchase",
        ),
        ({"machines": ["p6e-gb200.36xlarge"], "image": EksImage.BOTTLEROCKET}, "image"),
        ({"machines": ["m7i.2xlarge"], "sharing": {"strategy": Sharing.MPS, "replicas": 2}}, "sharing"),
        ({"machines": ["m7i.2xlarge"], "device_allocation": DeviceAllocation.DRA, "nodes_min": 1}, "deviceAllocation"),
        ({"sharing": {"strategy": Sharing.TIME_SLICING}}, "sharing.replicas"),
        ({"machines": ["g6.xlarge"], "sharing": {"strategy": Sharing.MIG, "mig_profiles": {}}}, "sharing.strategy"),
        (
            {
                "image": EksImage.BOTTLEROCKET,
                "sharing": {"strategy": Sharing.MIG, "mig_profiles": {"1g.10gb": 2, "3g.40gb": 1}},
            },
            "sharing.migProfiles",
        ),
        (
            {"image": EksImage.BOTTLEROCKET, "sharing": {"strategy": Sharing.MIG, "mig_profiles": {"1g.10gb": 3}}},
            "sharing.migProfiles",
        ),
        (
            {
                "machines": ["g7e.2xlarge"],
                "image": EksImage.BOTTLEROCKET,
                "sharing": {"strategy": Sharing.MIG, "mig_profiles": {"1g.24gb": 4}},
            },
            "sharing.strategy",
        ),
        ({"device_allocation": DeviceAllocation.DRA}, "nodesMin"),
        (
            {"device_allocation": DeviceAllocation.DRA, "nodes_min": 1, "machines": ["trn1.32xlarge"]},
            "deviceAllocation",
        ),
        (
            {"device_allocation": DeviceAllocation.DRA, "nodes_min": 1, "image": EksImage.BOTTLEROCKET},
            "deviceAllocation",
        ),
        (
            {
                "device_allocation": DeviceAllocation.DRA,
                "nodes_min": 1,
                "sharing": {"strategy": Sharing.TIME_SLICING, "replicas": 2},
            },
            "sharing",
        ),
        ({"device_allocation": DeviceAllocation.DRA, "nodes_min": 1, "version": "1.33"}, "deviceAllocation"),
        ({"working_hours": {**HOURS, "start": "every morning"}}, "workingHours.start"),
        ({"working_hours": {**HOURS, "time_zone": "Mars/Base"}}, "workingHours.timeZone"),
        ({"working_hours": HOURS, "nodes_min": 1}, "workingHours"),
        ({"kubernetes_version": "1.36"}, "kubernetesVersion"),
        ({"kubernetes_version": "1.31"}, "kubernetesVersion"),
        ({"kubernetes_version": "1.35.2"}, "kubernetesVersion"),
        ({"kubernetes_version": "1.29", "version": "1.31"}, "kubernetesVersion"),
        ({"device_allocation": DeviceAllocation.DRA, "nodes_min": 1, "kubernetes_version": "1.33"}, "deviceAllocation"),
        ({"labels": {"no name": "a"}}, "labels.no name"),
        ({"labels": {"example.com/rack": "a b"}}, "labels.example.com/rack"),
        ({"labels": {f"example.com/{'a' * 60}.b": "a", "x" * 90: "b"}}, f"labels.{'x' * 90}"),
        ({"labels": {f"{'x' * 30}.example.com/{'a' * 50}": "a"}}, f"labels.{'x' * 30}.example.com/{'a' * 50}"),
        ({"labels": {"kubernetes.io/role": "gpu"}}, "labels.kubernetes.io/role"),
        ({"labels": {"node.kubernetes.io/role": "gpu"}}, "labels.node.kubernetes.io/role"),
        ({"taints": [{"key": "karpenter.sh/x", "value": "", "effect": "NoSchedule"}]}, "taints[0].key"),
        ({"taints": [{"key": "a", "value": "", "effect": "NO_SCHEDULE"}]}, "taints[0].effect"),
    ],
    ids=str,
)
def test_a_pool_that_cannot_be_is_refused(over: dict[str, Any], path: str) -> None:
    assert paths(pool(**over)) == [f"pools.a.{path}"]


ON_DEMAND: list[tuple[dict[str, Any], str]] = [
    ({"nodes_min": 1}, "nodesMin"),
    ({"sharing": {"strategy": Sharing.TIME_SLICING, "replicas": 2}}, "sharing.strategy"),
    ({"sharing": {"strategy": Sharing.MIG, "mig_profiles": {"1g.10gb": 7}}}, "sharing.strategy"),
    ({"device_allocation": DeviceAllocation.DRA, "nodes_min": 1}, "deviceAllocation"),
    ({"working_hours": HOURS}, "workingHours"),
    ({"kubernetes_version": "1.35"}, "kubernetesVersion"),
]


@pytest.mark.parametrize("provisioning", [KARPENTER, AUTO])
@pytest.mark.parametrize(("over", "path"), ON_DEMAND, ids=str)
def test_what_makers_of_single_nodes_cannot_do_is_refused(
    provisioning: NodeProvisioning, over: dict[str, Any], path: str
) -> None:
    assert f"pools.a.{path}" in paths(pool(provisioning, **over))
    assert paths(pool(MANAGED, **over)) == []


def test_a_capacity_block_holds_no_nodes_outside_of_its_days() -> None:
    block = {"purchase": EksPurchase.CAPACITY_BLOCK, "reservation_id": RESERVATION, "zones": ZONES[:1]}
    assert pool(**block) == []
    (found,) = pool(**block, nodes_min=1)
    assert (found.path, found.value) == ("pools.a.nodesMin", "1 with capacity-block")
    # DRA learns from a running node, which a block may not have: the remedy of both is device-plugin.
    for nodes in (0, 1):
        (found,) = pool(**block, device_allocation=DeviceAllocation.DRA, nodes_min=nodes)
        assert (found.path, "deviceAllocation device-plugin" in found.remedy) == ("pools.a.nodesMin", True)


def test_a_managed_group_is_spot_or_on_demand_and_its_remedy_is_two_of_them() -> None:
    (found,) = pool(MANAGED, purchase=EksPurchase.SPOT_OR_ON_DEMAND)
    assert (found.path, found.value) == ("pools.a.purchase", "spot-or-on-demand")
    assert found.remedy.startswith("make two pools, one of each")
    for provisioning in (KARPENTER, AUTO):
        assert pool(provisioning, purchase=EksPurchase.SPOT_OR_ON_DEMAND, machines=["g6.xlarge", "g6.2xlarge"]) == []


@pytest.mark.parametrize(
    ("over", "path"),
    [
        ({"image": EksImage.BOTTLEROCKET}, "image"),
        ({"image": EksImage.AL2023}, "image"),
        ({"efa": True, "zones": ZONES[:1]}, "efa"),
        ({"local_nvme": True}, "localNvme"),
    ],
    ids=str,
)
def test_what_auto_mode_decides_itself_is_refused_there_and_only_there(over: dict[str, Any], path: str) -> None:
    assert paths(pool(AUTO, **over)) == [f"pools.a.{path}"]
    assert pool(KARPENTER, **over) == []
    assert pool(MANAGED, **over) == []


@pytest.mark.parametrize("version", ["1.35", "1.34", "1.32"])
def test_a_pool_may_stay_behind_the_control_plane(version: str) -> None:
    assert pool(kubernetes_version=version) == []


def test_a_pool_out_of_step_is_reported_with_the_one_to_raise() -> None:
    ((ahead,), (behind,)) = pool(kubernetes_version="1.36"), pool(kubernetes_version="1.31")
    assert (ahead.remedy, behind.remedy) == (
        "raise the control plane first",
        "raise the pool first, one minor version at a time",
    )
    assert "1.35" in ahead.rule


def test_a_misspelt_machine_is_answered_with_the_nearest_and_another_cloud_s_with_ours() -> None:
    assert "did you mean p5.48xlarge?" in pool(machines=["p5.48xlarg"])[0].remedy
    assert "p5.48xlarge" in pool(machines=["a3-highgpu-8g"])[0].remedy


def test_all_that_is_wrong_is_said_at_once() -> None:
    found = paths(pool(AUTO, nodes_min=1, image=EksImage.AL2023, efa=True, zones=["us-east-1a"], disk_gib=1))
    assert {each.removeprefix("pools.a.") for each in found} == {"nodesMin", "image", "efa", "zones[0]", "diskGib"}
