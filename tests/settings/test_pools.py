"""Pools of every kind of cluster before there are any. Not proved here: that components hand out the same."""

from typing import Any

import pytest
import yaml

from components.clouds.eks.handles import NodeProvisioning
from components.clouds.quotas import check_quotas, quota_needs
from settings.clouds.eks import EksSettings
from settings.clouds.existing import described_pool
from settings.clouds.gke import GkeSettings
from settings.reader import from_file
from settings.settings import Settings
from stacks.addons import crd_sets
from tests.support.settings import HERE, overlaid


def settings(cloud: str, **over: Any) -> Settings:
    return from_file(overlaid(over, HERE / f"good-{cloud}.yaml"))


def eks(**over: Any) -> EksSettings:
    cluster = settings("eks", **over).cluster
    assert isinstance(cluster, EksSettings)
    return cluster


KARPENTER: dict[str, Any] = {
    "cluster": {
        "controlPlane": {"provisioning": "karpenter"},
        "pools": {
            "l4": {"machines": ["g6.12xlarge"], "nodesMax": 4, "sharing": {}},
            "mig": {"machines": ["p4de.24xlarge"], "nodesMax": 1, "sharing": {"strategy": "exclusive"}},
        },
    },
}


def test_karpenter_itself_runs_on_a_group_that_it_did_not_make() -> None:
    text = overlaid(KARPENTER, HERE / "good-eks.yaml")
    config = yaml.safe_load(text)["config"]["mlplatform:cluster"]
    for name in ("l4", "mig"):
        config["pools"][name].pop("sharing")
    cluster = EksSettings.model_validate(config)
    assert {name: cluster.is_managed_group(pool) for name, pool in cluster.pools.items()} == {
        "cpu": True,
        "h100": False,
        "mig": False,
        "l4": False,
        "spot": False,
    }
    assert cluster.provisioning_of(cluster.pools["cpu"]) is NodeProvisioning.MANAGED_GROUPS
    assert cluster.provisioning_of(cluster.pools["spot"]) is NodeProvisioning.KARPENTER


def test_quotas_count_the_largest_of_several_machines() -> None:
    pools = {pool.name: pool for pool in eks().quota_pools()}
    assert pools["spot"].machine == "g6.4xlarge"
    assert (pools["spot"].nodes_max, pools["spot"].purchase) == (8, "spot")
    assert pools["h100"].purchase == "reserved"


def test_quotas_count_a_pool_that_may_be_spot_or_on_demand_under_both() -> None:
    cluster = eks()
    either = {**cluster.pools["spot"], "purchase": "spot-or-on-demand"}
    mixed = cluster.model_copy(update={"pools": {"either": either}})
    assert [(pool.purchase, pool.nodes_max) for pool in mixed.quota_pools()] == [("spot", 8), ("on-demand", 8)]


def test_quotas_of_google_count_each_way_to_buy_a_class() -> None:
    cluster = settings("gke").cluster
    assert isinstance(cluster, GkeSettings)
    one = {"machine": "a3-highgpu-8g", "nodes_max": 2, "purchases": ["spot", "on-demand"]}
    classes = cluster.model_copy(update={"compute_classes": {"burst": one}})
    assert [pool.purchase for pool in classes.quota_pools() if pool.name == "burst"] == ["spot", "on-demand"]


def test_quotas_of_google_count_what_auto_provisioning_may_make_beyond_pools_and_classes() -> None:
    cluster = settings("gke").cluster
    assert isinstance(cluster, GkeSettings)
    # Of 25 L4 the pool and the class, bought one way or the other, take 18; 7 H200 are not one machine.
    limits = {
        "cpu_max": 2000,
        "memory_gib_max": 20000,
        "accelerators_max": {"L4": 25, "H100": 16, "H200": 7, "B200": 9},
    }
    one = {"machine": "g2-standard-8", "nodes_max": 2, "purchases": ["spot", "on-demand"]}
    more = cluster.model_copy(
        update={"compute_classes": {"burst": one}, "control_plane": {"auto_provisioning": limits}},
    )
    path = "cluster.controlPlane.autoProvisioning.acceleratorsMax"
    beyond = [pool for pool in more.quota_pools() if pool.name.startswith(path)]
    assert [(pool.name, pool.machine, pool.nodes_max, pool.purchase) for pool in beyond] == [
        (f"{path}.L4", "g2-standard-4", 7, "on-demand"),
        (f"{path}.B200", "a4-highgpu-8g", 1, "on-demand"),
    ]
    need = next(need for need in quota_needs(beyond) if need.quota_code.startswith("NVIDIA-L4"))
    (finding,) = check_quotas([need], {need.key: 6}, "europe-west4")
    assert (finding.path, finding.value) == (f"{path}.L4", "7 GPUs at most")


def test_a_pool_that_is_there_is_cut_into_its_nodes_and_who_brings_what_to_them() -> None:
    written = {"accelerator": "H100", "nodes_max": 2, "driver": "operator", "device_plugin": "operator"}
    assert described_pool(written) == {
        "pool": {"accelerator": "H100", "nodes_max": 2},
        "driver": "operator",
        "device_plugin": "operator",
    }


@pytest.mark.parametrize(("cloud", "more"), [("eks", set()), ("gke", set())])
def test_crds_of_what_an_environment_does_not_have_are_not_installed(cloud: str, more: set[str]) -> None:
    found = set(crd_sets(settings(cloud)))
    assert not {"karpenter", "metallb", "gpu-operator", "dra-driver-nvidia-gpu"} & found - more
