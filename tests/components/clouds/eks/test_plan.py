"""Planners of EKS. Not proved here: that AWS accepts what they plan (its published models are asked in test_eks.py)."""

import json
from ipaddress import ip_network

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from catalog.accelerators import ClusterKind, DeviceAllocation, Owner, Purchase, Sharing
from catalog.machines import MACHINES
from components.clouds.eks.plan import (
    EfaInterface,
    EksPoolPlan,
    autoscaler_tags,
    efa_interfaces,
    group_name,
    karpenter_interfaces,
    kubeconfig,
    load_balancer_annotations,
    node_pool_spec,
    plan_eks_pool,
    plan_subnets,
)
from components.clouds.eks.spec import EksImage, EksPoolSpec, EksPurchase, NodeProvisioning
from components.clouds.eks.tables import (
    CAPACITY_TYPES,
    CONTROL_PLANE_LOGS,
    EKS_VERSIONS,
    LOG_RETENTION_DAYS,
    TAINT_EFFECTS,
)
from tests.support.aws_models import enumeration

ZONES = [f"eu-west-1{letter}" for letter in "abcdef"]
MANAGED, KARPENTER, AUTO = NodeProvisioning


def planned(provisioning: NodeProvisioning = MANAGED, **over: object) -> EksPoolPlan:
    spec = {"machines": ["p5.48xlarge"], "nodes_max": 2, **over}
    return plan_eks_pool("h100", EksPoolSpec(**spec), provisioning, ZONES[:2])  # type: ignore[typeddict-item]


@given(prefix=st.integers(16, 20), count=st.integers(2, 6), second=st.integers(0, 15))
def test_subnets_are_disjoint_inside_the_vpc_and_the_private_ones_are_large(
    prefix: int, count: int, second: int
) -> None:
    cidr = f"10.{second}.0.0/{prefix}"
    plan = plan_subnets(cidr, ZONES[:count])
    assert list(plan.private) == list(plan.public) == ZONES[:count]
    networks = [ip_network(each) for each in [*plan.private.values(), *plan.public.values()]]
    vpc = ip_network(cidr)
    assert all(network.subnet_of(vpc) for network in networks)  # type: ignore[arg-type]
    assert not any(a.overlaps(b) for index, a in enumerate(networks) for b in networks[index + 1 :])
    smallest = min(ip_network(each).num_addresses for each in plan.private.values())
    assert smallest >= vpc.num_addresses // 8
    # An application load balancer asks for a /27.
    assert all(ip_network(each).prefixlen <= 27 for each in plan.public.values())


@given(prefix=st.integers(16, 20), count=st.sampled_from([2, 4, 5]))
def test_a_zone_that_is_appended_moves_no_other(prefix: int, count: int) -> None:
    before = plan_subnets(f"10.0.0.0/{prefix}", ZONES[:count])
    after = plan_subnets(f"10.0.0.0/{prefix}", ZONES[: count + 1])
    assert before.private.items() <= after.private.items()
    assert before.public.items() <= after.public.items()


def test_the_facts_are_in_the_models_that_aws_publishes() -> None:
    assert set(CAPACITY_TYPES.values()) == enumeration("eks", "CapacityTypes")
    assert set(TAINT_EFFECTS.values()) == enumeration("eks", "TaintEffect")
    assert set(CONTROL_PLANE_LOGS) == enumeration("eks", "LogType")
    assert all(version.source for version in EKS_VERSIONS.values())
    assert min(LOG_RETENTION_DAYS) == 1


def test_the_name_of_a_group_changes_with_what_only_another_group_can_change_and_with_nothing_else() -> None:
    before = group_name("h100", planned())
    assert before.startswith("h100-")
    assert len(before) == len("h100-") + 8
    replaced = [
        planned(machines=["p5e.48xlarge"]),
        planned(image=EksImage.BOTTLEROCKET),
        planned(purchase=EksPurchase.SPOT),
        planned(zones=["eu-west-1a"]),
    ]
    assert len({before, *(group_name("h100", plan) for plan in replaced)}) == 5
    kept = [
        planned(nodes_max=9),
        planned(disk_gib=500),
        planned(local_nvme=True),
        planned(labels={"a": "b"}),
        planned(purchase=EksPurchase.RESERVED, reservation_id="cr-1"),
        planned(zones=["eu-west-1b", "eu-west-1a"]),
        planned(sharing={"strategy": Sharing.TIME_SLICING, "replicas": 4}),
    ]
    assert {group_name("h100", plan) for plan in kept} == {before}


def test_one_pool_is_the_same_to_workloads_whatever_creates_its_nodes() -> None:
    handles = [planned(provisioning).handle for provisioning in NodeProvisioning]
    assert handles[0]["placement"] == handles[1]["placement"] == handles[2]["placement"]
    assert handles[0]["capacity"] == handles[1]["capacity"] == handles[2]["capacity"]
    assert handles[0]["capacity"]["units_per_node"] == {"nvidia.com/gpu": 8}
    assert planned().taints == planned(KARPENTER).taints


@pytest.mark.parametrize(
    ("provisioning", "over", "plugin", "driver"),
    [
        (MANAGED, {}, Owner.PLATFORM, Owner.IMAGE),
        (MANAGED, {"image": EksImage.BOTTLEROCKET}, Owner.IMAGE, Owner.IMAGE),
        (MANAGED, {"image": EksImage.BOTTLEROCKET, "machines": ["trn1.32xlarge"]}, Owner.PLATFORM, Owner.IMAGE),
        (KARPENTER, {"image": EksImage.BOTTLEROCKET}, Owner.IMAGE, Owner.IMAGE),
        (AUTO, {}, Owner.CLOUD, Owner.CLOUD),
    ],
)
def test_exactly_one_brings_the_device_plugin(
    provisioning: NodeProvisioning, over: dict[str, object], plugin: Owner, driver: Owner
) -> None:
    software = planned(provisioning, **over).handle["software"]
    assert (software["device_plugin"], software["driver"]) == (plugin, driver)


def test_shares_and_partitions_are_offered_under_the_names_that_the_plugin_of_the_image_uses() -> None:
    shared = {"strategy": Sharing.TIME_SLICING, "replicas": 4}
    cut = {"strategy": Sharing.MIG, "mig_profiles": {"1g.10gb": 7}}
    for image in EksImage:
        units = planned(image=image, sharing=shared).handle["capacity"]["units_per_node"]
        assert units == {"nvidia.com/gpu.shared": 32}
    assert planned(sharing=cut).handle["capacity"]["units_per_node"] == {"nvidia.com/mig-1g.10gb": 56}
    bottlerocket = planned(sharing=cut, image=EksImage.BOTTLEROCKET)
    assert bottlerocket.handle["capacity"]["units_per_node"] == {"nvidia.com/gpu": 56}


def test_the_autoscaler_learns_every_label_taint_and_resource() -> None:
    plan = planned(efa=True, zones=["eu-west-1a"], disk_gib=200)
    tags = autoscaler_tags(plan)
    stem = "k8s.io/cluster-autoscaler/node-template"
    for key, value in plan.labels.items():
        assert tags[f"{stem}/label/{key}"] == value
    assert tags[f"{stem}/taint/nvidia.com/gpu"] == "present:NoSchedule"
    assert tags[f"{stem}/resources/nvidia.com/gpu"] == "8"
    assert tags[f"{stem}/resources/vpc.amazonaws.com/efa"] == "32"
    assert tags[f"{stem}/resources/ephemeral-storage"] == "160Gi"
    # EC2: tags have keys of 128 and values of 256 characters at most.
    assert all(len(key) <= 128 and len(value) <= 256 for key, value in tags.items())


def test_the_autoscaler_s_gpu_label_stands_only_where_whole_devices_are_offered() -> None:
    label = "k8s.amazonaws.com/accelerator"
    assert planned().labels[label] == "h100"
    assert label not in planned(sharing={"strategy": Sharing.TIME_SLICING, "replicas": 2}).labels
    assert label not in planned(sharing={"strategy": Sharing.MIG, "mig_profiles": {"1g.10gb": 7}}).labels
    assert label not in planned(device_allocation=DeviceAllocation.DRA).labels
    assert label not in planned(KARPENTER).labels
    assert label not in planned(machines=["m7i.2xlarge"]).labels
    assert label not in planned(machines=["trn1.32xlarge"]).labels


def test_efa_is_one_interface_on_each_card_and_the_first_carries_ip() -> None:
    assert efa_interfaces(0) == []
    assert efa_interfaces(3) == [
        EfaInterface(0, 0, "efa"),
        EfaInterface(1, 1, "efa-only"),
        EfaInterface(2, 1, "efa-only"),
    ]
    assert karpenter_interfaces(2) == [
        EfaInterface(0, 0, "interface"),
        EfaInterface(0, 1, "efa-only"),
        EfaInterface(1, 1, "efa-only"),
    ]
    assert planned(efa=True).handle["placement"]["fabric"] == {"vpc.amazonaws.com/efa": 32}
    assert planned().handle["placement"]["fabric"] == {}


def test_only_machines_without_a_reservation_need_a_placement_group() -> None:
    assert planned(efa=True).placed_together
    assert not planned().placed_together
    assert not planned(efa=True, purchase=EksPurchase.RESERVED).placed_together
    assert not planned(efa=True, purchase=EksPurchase.CAPACITY_BLOCK).placed_together


def test_a_pool_of_several_machines_promises_the_smallest() -> None:
    plan = planned(machines=["g6.4xlarge", "g6.xlarge"], purchase=EksPurchase.SPOT)
    assert (plan.handle["capacity"]["cpu_per_node"], plan.handle["capacity"]["memory_gib_per_node"]) == (4, 16)
    assert plan.handle["placement"]["purchase"] is Purchase.SPOT
    assert [taint["key"] for taint in plan.taints] == ["nvidia.com/gpu", "mlplatform.dev/spot"]


EKS_MACHINES = [machine.name for machine in MACHINES.values() if machine.kind is ClusterKind.EKS]


@given(machine=st.sampled_from(EKS_MACHINES), nodes=st.integers(1, 5000), purchase=st.sampled_from(EksPurchase))
def test_limits_hold_for_everything_that_costs(machine: str, nodes: int, purchase: EksPurchase) -> None:
    plan = planned(KARPENTER, machines=[machine], nodes_max=nodes, purchase=purchase)
    spec = node_pool_spec(plan, {"group": "g", "kind": "k", "name": "n"}, oldest="Never")
    row = MACHINES[machine]
    assert spec["limits"]["nodes"] == str(nodes)
    assert spec["limits"]["cpu"] == str(nodes * row.cpu)
    assert spec["limits"]["memory"] == f"{nodes * row.memory_gib}Gi"
    resources = plan.handle["capacity"]["units_per_node"]
    assert bool(resources) == bool(row.devices)
    assert all(spec["limits"][resource] == str(nodes * row.devices) for resource in resources)
    values = {each["key"]: each["values"] for each in spec["template"]["spec"]["requirements"]}
    assert values["node.kubernetes.io/instance-type"] == [machine]
    assert values["topology.kubernetes.io/zone"] == ZONES[:2]


NODE_CLASS = {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "h100"}


def test_a_node_with_accelerators_is_never_taken_from_a_program_that_runs_on_it() -> None:
    disruption = node_pool_spec(planned(KARPENTER), NODE_CLASS, oldest="Never")["disruption"]
    assert disruption["consolidationPolicy"] == "WhenEmpty"
    assert {"nodes": "0", "reasons": ["Drifted", "Underutilized"]} in disruption["budgets"]
    plain = node_pool_spec(planned(KARPENTER, machines=["m7i.2xlarge"]), NODE_CLASS, oldest="720h")["disruption"]
    assert plain["consolidationPolicy"] == "WhenEmptyOrUnderutilized"


ELB = "service.beta.kubernetes.io/aws-load-balancer"


@pytest.mark.parametrize("provisioning", [MANAGED, KARPENTER])
def test_a_load_balancer_that_aws_s_own_controller_makes_is_a_network_one_and_internal_unless_public(
    provisioning: NodeProvisioning,
) -> None:
    assert load_balancer_annotations(provisioning, public=True) == {f"{ELB}-type": "nlb"}
    internal = load_balancer_annotations(provisioning, public=False)
    assert internal == {f"{ELB}-type": "nlb", f"{ELB}-internal": "true"}


@pytest.mark.parametrize(("public", "scheme"), [(True, "internet-facing"), (False, "internal")])
def test_a_load_balancer_of_auto_mode_gets_its_scheme(public: bool, scheme: str) -> None:
    annotations = load_balancer_annotations(NodeProvisioning.AUTO_MODE, public=public)
    assert annotations == {f"{ELB}-scheme": scheme, f"{ELB}-nlb-target-type": "instance"}


def test_a_kubeconfig_fetches_its_token_and_holds_none() -> None:
    config = yaml.safe_load(kubeconfig("prod", "https://eks.test", "Y2E=", "eu-west-1"))
    (user,) = config["users"]
    assert set(user["user"]) == {"exec"}
    assert user["user"]["exec"]["apiVersion"] == "client.authentication.k8s.io/v1"
    assert user["user"]["exec"]["args"] == [
        *("eks", "get-token", "--cluster-name", "prod", "--region", "eu-west-1", "--output", "json")
    ]
    assert config["current-context"] == config["contexts"][0]["name"]
    assert "token:" not in json.dumps(config)
