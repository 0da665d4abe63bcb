"""What the facts about a cluster mean for its declaration.

The snapshots have the shape that `python -m tools detect --snapshot` prints. They are written after what these
distributions install by default, not recorded from running ones: nothing here proves that a release still does so.
"""

import json
from pathlib import Path

import pytest

from components.catalog import ClusterKind, DeviceMechanism, Owner
from components.existing import (
    GROUP_OF_SET,
    Advice,
    ClusterSnapshot,
    accelerator_on,
    advice,
    devices_of,
    software_of,
    suggested_classes,
    suggested_pools,
)
from components.placement import NodeSoftware, PoolArgs, PoolHandle, plan_pool
from components.versions import CRDS

FOLDER = Path(__file__).parent / "snapshots"
NAMES = ("aks", "kind", "minikube", "rke2")


def snapshot(name: str) -> ClusterSnapshot:
    read: ClusterSnapshot = json.loads((FOLDER / f"{name}.json").read_text())
    return read


def pool(name: str, plugin: Owner = Owner.PLATFORM, driver: Owner = Owner.FOUND, **args: object) -> PoolHandle:
    software = NodeSoftware(driver=driver, device_plugin=plugin, mechanism=DeviceMechanism.DEVICE_PLUGIN)
    shape = {"accelerator": "H100", "nodes_max": 2, **args}
    return plan_pool(name, PoolArgs(**shape), ClusterKind.EXISTING, software)[0]  # type: ignore[typeddict-item]


def labelled(name: str, pool_name: str, *nodes: str) -> ClusterSnapshot:
    read = snapshot(name)
    for node in read["nodes"]:
        if node["name"] in nodes:
            node["labels"]["mlplatform.dev/pool"] = pool_name
    return read


def clashes(rows: list[Advice]) -> list[str]:
    return [f"{row.path}: {row.found}" for row in rows if row.blocks]


def test_a_new_kind_cluster_clashes_with_nothing_but_a_second_default_class() -> None:
    rows = advice(snapshot("kind"), default_class="mlplatform-standard", crd_sets=sorted(CRDS), gateway="envoy")
    assert clashes(rows) == [
        "storage.defaultPurpose: standard is the default class already, and mlplatform-standard would be a second one"
    ]
    assert advice(snapshot("kind"), default_class="") == []


def test_a_declared_pool_without_nodes_is_named_with_the_command_that_labels_them() -> None:
    (row,) = advice(snapshot("kind"), [pool("h100", nodes_min=1)])
    assert row == Advice(
        "cluster.pools.h100",
        "no node with the label mlplatform.dev/pool=h100",
        "kubectl label node <node> mlplatform.dev/pool=h100",
        True,
    )
    assert not advice(snapshot("kind"), [pool("h100", nodes_min=0)])[0].blocks


def test_nodes_that_fit_and_say_who_owns_what_need_no_advice() -> None:
    read = labelled("rke2", "h100", "gpu-0", "gpu-1")
    rows = advice(read, [pool("h100", Owner.FOUND)])
    assert [row for row in rows if row.path.startswith("cluster")] == []


def test_a_device_plugin_that_is_there_is_declared_or_removed() -> None:
    read = labelled("rke2", "h100", "gpu-0", "gpu-1")
    assert [row for row in clashes(advice(read, [pool("h100")])) if "h100" in row] == [
        "cluster.pools.h100.devicePlugin: NVIDIA device plugin: DaemonSet gpu-operator/nvidia-device-plugin-daemonset"
    ]


def test_a_driver_that_is_there_is_not_installed_again() -> None:
    rows = advice(snapshot("rke2"), [pool("h100", Owner.OPERATOR, Owner.OPERATOR)])
    assert "write driver: found" in [row.advice for row in rows if row.path == "cluster.pools.h100.driver"]


def test_what_the_platform_installed_itself_is_no_clash() -> None:
    read = labelled("rke2", "h100", "gpu-0", "gpu-1")
    read["ours"] = ["gpu-operator"]
    rows = advice(read, [pool("h100", Owner.OPERATOR, Owner.OPERATOR)])
    assert not [row for row in rows if "DaemonSet" in row.found]


def test_missing_and_strange_taints_are_told_apart() -> None:
    read = labelled("aks", "a100", "aks-a100-0")
    rows = advice(read, [pool("a100", Owner.FOUND, accelerator="A100-80GB", devices_per_node=1, nodes_max=1)])
    found = {row.found: row for row in rows if row.path.endswith("taints")}
    assert not found["node aks-a100-0 has no taint nvidia.com/gpu:NoSchedule"].blocks
    strange = found["node aks-a100-0 has the taint sku:NoSchedule, which pods of the pool do not tolerate"]
    assert strange.blocks
    assert strange.advice == "add it to the pool: taints: [{key: sku, value: '', effect: NoSchedule}]"


def test_labels_that_pods_look_for_and_nodes_lack_block() -> None:
    read = labelled("aks", "a100", "aks-a100-0")
    rows = advice(read, [pool("a100", Owner.FOUND, accelerator="A100-80GB", devices_per_node=1, nodes_max=1)])
    assert [row.advice for row in rows if row.path == "cluster.pools.a100"] == [
        "feature discovery writes it; without it: kubectl label node aks-a100-0 nvidia.com/gpu.present=true",
        "feature discovery writes it; without it: "
        "kubectl label node aks-a100-0 nvidia.com/gpu.product=NVIDIA-A100-SXM4-80GB",
    ]


def test_a_wrong_number_of_devices_and_too_many_nodes_are_seen() -> None:
    read = labelled("rke2", "h100", "gpu-0", "gpu-1")
    rows = advice(read, [pool("h100", Owner.FOUND, nodes_max=1, devices_per_node=4)])
    assert {row.path for row in rows if "h100" in row.path} == {
        "cluster.pools.h100.nodesMax",
        "cluster.pools.h100.devicesPerNode",
    }


def test_crds_of_others_are_left_to_them_and_another_release_stands_in_the_way() -> None:
    rows = advice(snapshot("rke2"), crd_sets=sorted(name for name in CRDS if name in GROUP_OF_SET))
    said = {row.found.split(" are there")[0]: row for row in rows if row.path == "charts.crds"}
    assert sorted(said) == ["1 CRDs of cert-manager.io", "1 CRDs of monitoring.coreos.com", "1 CRDs of nvidia.com"]
    assert said["1 CRDs of cert-manager.io"].blocks
    assert "managed by Helm release cert-manager; ours are v1.21.1" in said["1 CRDs of cert-manager.io"].found
    assert not said["1 CRDs of monitoring.coreos.com"].blocks
    assert said["1 CRDs of monitoring.coreos.com"].advice.startswith("leave the set prometheus-operator out")


def test_every_set_of_crds_is_known_by_its_group() -> None:
    assert sorted(GROUP_OF_SET) == sorted(CRDS)


def test_ways_in_that_are_there_are_named() -> None:
    rows = [row for row in advice(snapshot("aks"), gateway="envoy") if row.path.startswith("gateway")]
    assert [row.found for row in rows] == [
        "GatewayClass istio of istio.io/gateway-controller",
        "IngressClass webapprouting.kubernetes.azure.com of webapprouting.kubernetes.azure.com/nginx",
    ]
    assert rows[0].advice == "to use it: implementation: existing, className: istio"


def test_two_defaults_and_unknown_provisioners_are_named() -> None:
    found = [row.found for row in advice(snapshot("rke2")) if row.path == "storage.declared"]
    assert found == [
        "two default classes: local-path, ceph-rbd",
        "class ceph-rbd: provisioner rook-ceph.rbd.csi.ceph.com is not known here",
    ]


def test_dra_needs_a_cluster_that_serves_it() -> None:
    software = NodeSoftware(driver=Owner.FOUND, device_plugin=Owner.PLATFORM, mechanism=DeviceMechanism.DRA)
    claims = plan_pool("h100", PoolArgs(accelerator="H100", nodes_max=1), ClusterKind.EXISTING, software)[0]
    assert "cluster.pools.h100.mechanism" in [row.path for row in advice(snapshot("minikube"), [claims])]
    assert "cluster.pools.h100.mechanism" not in [row.path for row in advice(snapshot("aks"), [claims])]


@pytest.mark.parametrize("name", NAMES)
def test_who_follows_the_suggestion_gets_no_clash_from_its_pools(name: str) -> None:
    read = snapshot(name)
    for suggested in suggested_pools(read):
        if "customAccelerator" in suggested.settings:
            continue
        for node in read["nodes"]:
            if node["name"] in suggested.nodes:
                node["labels"]["mlplatform.dev/pool"] = suggested.name
    handles = []
    for suggested in suggested_pools(read):
        settings = suggested.settings
        args = PoolArgs(nodes_max=settings["nodesMax"], taints=list(settings.get("taints", [])))
        if "accelerator" in settings:
            args |= PoolArgs(accelerator=settings["accelerator"], devices_per_node=settings["devicesPerNode"])  # type: ignore[typeddict-item]
        if "customAccelerator" not in settings:
            plugin = Owner(settings.get("devicePlugin", "platform"))
            software = NodeSoftware(driver=Owner.FOUND, device_plugin=plugin, mechanism=DeviceMechanism.DEVICE_PLUGIN)
            handles.append(plan_pool(suggested.name, args, ClusterKind.EXISTING, software)[0])
    assert [row for row in clashes(advice(read, handles)) if row.startswith("cluster")] == []


def test_suggested_pools_join_nodes_that_look_alike_and_leave_the_control_plane_alone() -> None:
    pools = {pool.name: pool for pool in suggested_pools(snapshot("rke2"))}
    assert {name: pool.nodes for name, pool in pools.items()} == {
        "cpu": ("worker-0", "worker-1"),
        "h100": ("gpu-0", "gpu-1"),
    }
    assert pools["h100"].settings == {
        "accelerator": "H100",
        "devicesPerNode": 8,
        "devicePlugin": "found",
        "nodesMin": 2,
        "nodesMax": 2,
    }
    assert pools["h100"].commands == (
        "kubectl label node gpu-0 mlplatform.dev/pool=h100",
        "kubectl label node gpu-1 mlplatform.dev/pool=h100",
    )


def test_devices_that_nobody_labelled_are_suggested_as_devices_of_their_own() -> None:
    pools = {pool.name: pool.settings for pool in suggested_pools(snapshot("aks"))}
    assert pools["devices"]["customAccelerator"] == {
        "name": "gpu",
        "resourceName": "nvidia.com/gpu",
        "nodeLabels": {},
        "taintKey": "sku",
    }


def test_suggested_classes_serve_each_purpose_once_by_provisioners_that_are_known() -> None:
    assert [
        (one["purpose"], one["className"], one.get("isDefault")) for one in suggested_classes(snapshot("rke2"))
    ] == [
        ("standard", "local-path", True),
        ("fast", "local-path", None),
        ("shared", "nfs-shared", None),
        ("dataset", "nfs-shared", None),
    ]
    assert suggested_classes(snapshot("aks")) == []


def test_software_is_known_by_its_image() -> None:
    def what(image: str) -> str:
        row = software_of({"namespace": "any", "name": "any", "images": [image]})
        return row.what if row else ""

    assert what("docker.io/rocm/k8s-device-plugin:1.31.0.9") == "AMD device plugin"
    assert what("nvcr.io/nvidia/k8s-device-plugin:v0.20.0") == "NVIDIA device plugin"
    assert what("registry.k8s.io/dra-driver-nvidia/dra-driver-nvidia-gpu:v0.4.1") == "NVIDIA DRA driver"
    assert what("registry.k8s.io/kube-proxy:v1.35.0") == ""


def test_devices_are_extended_resources_that_there_are_some_of() -> None:
    node = snapshot("rke2")["nodes"][1]
    assert devices_of({**node, "allocatable": {"cpu": "8", "nvidia.com/gpu": "0", "hugepages-2Mi": "0"}}) == {}
    assert devices_of(node) == {"nvidia.com/gpu": 8}
    accelerator = accelerator_on(node)
    assert accelerator
    assert accelerator.name == "H100"
