"""What the facts about a cluster mean for its declaration.

The snapshots have the shape that `python -m tools detect --snapshot` prints. They are written after what these
distributions install by default, not recorded from running ones: nothing here proves that a release still does so.
"""

import json
from pathlib import Path

import pytest

from catalog.accelerators import ClusterKind, DeviceAllocation, Owner
from catalog.addons import ADDONS, ExistingAddon
from catalog.versions import CRDS
from components.capacity.placement import NodeSoftware, PoolArgs, PoolHandle, plan_pool
from components.clouds.existing.advice import Advice
from components.clouds.existing.cluster_advice import advice
from components.clouds.existing.inspection import ClusterSnapshot, accelerator_on, devices_of, software_of
from components.clouds.existing.suggestions import suggested_classes, suggested_existing, suggested_pools

FOLDER = Path(__file__).parent / "snapshots"
NAMES = ("aks", "kind", "minikube", "rke2")


def snapshot(name: str) -> ClusterSnapshot:
    read: ClusterSnapshot = json.loads((FOLDER / f"{name}.json").read_text())
    return read


def pool(name: str, plugin: Owner = Owner.PLATFORM, driver: Owner = Owner.FOUND, **args: object) -> PoolHandle:
    software = NodeSoftware(driver=driver, device_plugin=plugin, device_allocation=DeviceAllocation.DEVICE_PLUGIN)
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
        "storage.defaultPurpose: standard is the default class already; mlplatform-standard would be a second default"
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


def test_missing_and_strange_taints_are_distinguished() -> None:
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
        "feature discovery sets it, or run: kubectl label node aks-a100-0 nvidia.com/gpu.present=true",
        "feature discovery sets it, or run: kubectl label node aks-a100-0 nvidia.com/gpu.product=NVIDIA-A100-SXM4-80GB",
    ]


def test_a_wrong_number_of_devices_and_too_many_nodes_are_seen() -> None:
    read = labelled("rke2", "h100", "gpu-0", "gpu-1")
    rows = advice(read, [pool("h100", Owner.FOUND, nodes_max=1, devices_per_node=4)])
    assert {row.path for row in rows if "h100" in row.path} == {
        "cluster.pools.h100.nodesMax",
        "cluster.pools.h100.devicesPerNode",
    }


def test_crds_of_others_are_left_to_them_and_another_release_stands_in_the_way() -> None:
    rows = advice(snapshot("rke2"), crd_sets=sorted(CRDS))
    said = {row.found.split(" are there")[0]: row for row in rows if row.path == "cluster.existingCrds"}
    assert sorted(said) == ["1 CRDs of cert-manager.io", "1 CRDs of monitoring.coreos.com", "1 CRDs of nvidia.com"]
    assert said["1 CRDs of cert-manager.io"].blocks
    assert "managed by Helm release cert-manager; ours are v1.21.2" in said["1 CRDs of cert-manager.io"].found
    assert not said["1 CRDs of monitoring.coreos.com"].blocks
    assert said["1 CRDs of monitoring.coreos.com"].advice.startswith(
        "write `- prometheus-operator` under cluster.existingCrds"
    )
    assert all(row.twice for row in said.values())
    declared = advice(snapshot("rke2"), crd_sets=["prometheus-operator"], existing_crds=["prometheus-operator"])
    assert [row for row in declared if row.twice] == []


def test_every_set_of_crds_is_known_by_a_group_of_its_own() -> None:
    groups = [row.group for row in CRDS.values()]
    assert all(groups)
    assert len({*groups}) == len(groups)


def test_every_add_on_that_a_cluster_may_bring_has_a_row_that_identifies_it() -> None:
    assert {*ExistingAddon} == {name for name, row in ADDONS.items() if name in {*ExistingAddon} and row.image}


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
    software = NodeSoftware(driver=Owner.FOUND, device_plugin=Owner.PLATFORM, device_allocation=DeviceAllocation.DRA)
    claims = plan_pool("h100", PoolArgs(accelerator="H100", nodes_max=1), ClusterKind.EXISTING, software)[0]
    assert "cluster.pools.h100.deviceAllocation" in [row.path for row in advice(snapshot("minikube"), [claims])]
    assert "cluster.pools.h100.deviceAllocation" not in [row.path for row in advice(snapshot("aks"), [claims])]


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
            software = NodeSoftware(
                driver=Owner.FOUND, device_plugin=plugin, device_allocation=DeviceAllocation.DEVICE_PLUGIN
            )
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


def test_unlabelled_devices_are_suggested_as_custom_devices() -> None:
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


def with_workloads(**images: str) -> ClusterSnapshot:
    """A new cluster with a Deployment in a namespace of its own for each image."""
    read = snapshot("kind")
    read["deployments"] = [{"namespace": name, "name": "it", "images": [image]} for name, image in images.items()]
    read["namespaces"] = [*read["namespaces"], *images]
    return read


ADDON_IMAGES = {
    ExistingAddon.CERT_MANAGER: "quay.io/jetstack/cert-manager-controller:v1.21.1",
    ExistingAddon.CLOUDNATIVE_PG: "ghcr.io/cloudnative-pg/cloudnative-pg:1.30.0",
    ExistingAddon.CSI_DRIVER_NFS: "registry.k8s.io/sig-storage/nfsplugin:v4.13.4",
    ExistingAddon.DCGM_EXPORTER: "nvcr.io/nvidia/k8s/dcgm-exporter:4.5.3-4.8.2-distroless",
    ExistingAddon.KSERVE: "kserve/kserve-controller:v0.20.0",
    ExistingAddon.NODE_EXPORTER: "quay.io/prometheus/node-exporter:v1.10.2",
    ExistingAddon.NODE_FEATURE_DISCOVERY: "registry.k8s.io/nfd/node-feature-discovery:v0.19.0",
    ExistingAddon.PROMETHEUS_OPERATOR: "quay.io/prometheus-operator/prometheus-operator:v0.93.0",
}


@pytest.mark.parametrize("addon", ExistingAddon)
def test_an_add_on_that_runs_is_named_with_the_line_to_write_and_is_quiet_once_it_is_written(
    addon: ExistingAddon,
) -> None:
    read, pools = with_workloads(theirs=ADDON_IMAGES[addon]), [pool("h100")]
    (row,) = (row for row in advice(read, pools, found={}, brings=["nfs"]) if row.twice)
    assert (row.path, row.blocks) == ("cluster.existingAddons", True)
    assert row.advice.startswith(f"write `{addon}: theirs` under cluster.existingAddons")
    assert row.found.endswith("Deployment theirs/it")
    written = advice(read, pools, found={addon: "theirs"}, brings=["nfs"])
    assert [row for row in written if row.twice] == []
    elsewhere = advice(read, pools, found={addon: "default"}, brings=["nfs"])
    assert (f"cluster.existingAddons.{addon}", f"write `{addon}: theirs`") in [
        (row.path, row.advice) for row in elsewhere
    ]
    read["ours"] = ["theirs"]
    assert [row for row in advice(read, pools, found={}, brings=["nfs"]) if row.twice] == []


def test_what_the_settings_would_not_install_is_no_clash() -> None:
    read = with_workloads(a=ADDON_IMAGES[ExistingAddon.DCGM_EXPORTER], b=ADDON_IMAGES[ExistingAddon.CSI_DRIVER_NFS])
    assert [row for row in advice(read, found={}) if row.twice] == []


def test_addresses_and_volumes_that_the_cluster_has_are_not_brought_again() -> None:
    images = {"a": "quay.io/metallb/controller:v0.16.1", "b": "docker.io/rancher/local-path-provisioner:v0.0.37"}
    brings = ["metallb", "nfs", "localPath"]
    read = with_workloads(**images)
    read["csi_drivers"] = ["nfs.csi.k8s.io"]
    rows = {row.path: row for row in advice(read, found={}, brings=brings) if row.twice}
    assert sorted(rows) == ["cluster.existingAddons", "cluster.localPath", "cluster.metallb"]
    assert rows["cluster.metallb"].advice.startswith("remove metallb")
    assert "`csi-driver-nfs: <its namespace>`" in rows["cluster.existingAddons"].advice
    assert (
        "`- {purpose: standard, className: standard, provisioner: rancher.io/local-path, "
        "encryption: <parameter, provider, storage-system or node-disk>}`" in rows["cluster.localPath"].advice
    )
    assert [row for row in advice(read) if row.twice] == []
    ours = with_workloads(**images, c=ADDON_IMAGES[ExistingAddon.CSI_DRIVER_NFS])
    ours |= {"ours": ["a", "b", "c"], "csi_drivers": ["nfs.csi.k8s.io"]}
    assert [row for row in advice(ours, found={}, brings=brings) if row.twice] == []


def test_a_class_of_the_local_path_provisioner_is_enough_where_its_pods_are_out_of_sight() -> None:
    (row,) = (row for row in advice(snapshot("kind"), brings=["localPath"]) if row.twice)
    assert row.found == "storage class standard: provisioner rancher.io/local-path"


def test_an_envoy_gateway_that_is_there_serves_our_gateway() -> None:
    read = with_workloads(edge="docker.io/envoyproxy/gateway:v1.9.0")
    read["gateway_classes"] = [{"name": "eg", "controller": "gateway.envoyproxy.io/gatewayclass-controller"}]
    (row,) = (row for row in advice(read, gateway="envoy") if row.twice)
    assert row.advice.startswith("write `{implementation: existing, className: eg}`")
    assert [row for row in advice(read, gateway="existing") if row.twice] == []


def test_a_gpu_operator_that_is_there_is_not_asked_for_again() -> None:
    read = with_workloads(operator="nvcr.io/nvidia/gpu-operator:v26.7.0")
    (row,) = (row for row in advice(read, [pool("h100", Owner.OPERATOR, Owner.OPERATOR)]) if row.twice)
    assert row.path == "cluster.pools.h100.devicePlugin"
    assert [row for row in advice(read, [pool("h100", Owner.FOUND)]) if row.twice] == []


def test_what_is_declared_and_is_not_there_or_too_old_blocks() -> None:
    read = snapshot("kind")
    read["crds"] = [
        {"name": "gateways.gateway.networking.k8s.io", "versions": ["v1beta1"], "bundle": "v0.8.0", "owner": ""}
    ]
    rows = advice(read, found={"cert-manager": "security"}, existing_crds=["gateway-api"])
    assert [row for row in rows if row.blocks] == [
        Advice("cluster.existingAddons.cert-manager", "no namespace security", "correct it, or remove it", True),
        Advice(
            "cluster.existingAddons.cert-manager",
            "no CRD of cert-manager.io",
            "remove cert-manager: the platform installs it",
            True,
        ),
        Advice(
            "cluster.existingCrds",
            "gateway.networking.k8s.io serves v1beta1",
            "upgrade it: objects of the platform are v1",
            True,
        ),
    ]


def test_a_namespace_that_is_there_is_not_taken_over_unless_it_was_given_to_the_platform() -> None:
    read = snapshot("kind")
    read["namespaces"] = ["default", "monitoring", "vision"]
    (row,) = (row for row in advice(read, namespaces=["mlflow", "monitoring"]) if row.twice)
    assert (row.path, row.found) == ("namespaces", "namespace monitoring is there")
    assert row.advice.endswith("kubectl label namespace monitoring app.kubernetes.io/managed-by=mlplatform")
    read["ours"] = ["monitoring"]
    assert [row for row in advice(read, namespaces=["mlflow", "monitoring"]) if row.twice] == []


def test_a_release_of_the_monitoring_chart_under_our_name_is_in_the_way() -> None:
    read = with_workloads(watch=ADDON_IMAGES[ExistingAddon.PROMETHEUS_OPERATOR])
    read["deployments"][0]["name"] = "kube-prometheus-stack-operator"
    (row,) = (row for row in advice(read, found={"prometheus-operator": "watch"}) if row.twice)
    assert "install it under another name" in row.advice


def test_found_add_ons_and_sets_are_suggested() -> None:
    read = with_workloads(
        security=ADDON_IMAGES[ExistingAddon.CERT_MANAGER], dcgm=ADDON_IMAGES[ExistingAddon.DCGM_EXPORTER]
    )
    groups = ("cert-manager.io", "gateway.networking.k8s.io", "metallb.io")
    read["crds"] = [{"name": f"things.{group}", "versions": ["v1"], "bundle": "", "owner": ""} for group in groups]
    assert suggested_existing(read) == ({"cert-manager": "security"}, ["gateway-api"])
