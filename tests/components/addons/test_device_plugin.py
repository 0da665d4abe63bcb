"""What DevicePlugin registers. Not proved here: that a given plugin finds its devices with what it is given."""

from typing import Any

import pytest

from components.addons.device_plugin import DevicePlugin, DevicePluginArgs
from components.findings import Refused
from tests.components.addons.pools import CPU, FPGA
from tests.recorder import Recording, record

REQUIRED: DevicePluginArgs = {
    "image": "registry.example.com/fpga-plugin:2.1",
    "resource_name": "xilinx.com/fpga",
    "pools": [FPGA],
}


def plugin(**changes: object) -> Recording:
    args: DevicePluginArgs = {**REQUIRED, **changes}  # type: ignore[typeddict-item]
    return record(lambda: DevicePlugin("fpga", args) and None)


def pod(recording: Recording) -> dict[str, Any]:
    found: dict[str, Any] = recording.one("DaemonSet").inputs["spec"]["template"]["spec"]
    return found


def test_it_is_a_daemon_set_on_its_pools_without_traffic() -> None:
    recording = plugin()
    assert recording.kinds() == [
        "DaemonSet fpga-daemon-set",
        "DevicePlugin fpga",
        "IsolatedNamespace fpga-namespace",
        "Namespace fpga-namespace-namespace",
        "NetworkPolicy fpga-namespace-allow-dns",
        "NetworkPolicy fpga-namespace-default-deny",
        "ServiceAccount fpga-account",
    ]
    spec = pod(recording)
    terms = spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert len(terms) == 1
    assert spec["tolerations"] == [{"key": "xilinx.com/fpga", "operator": "Exists", "effect": "NoSchedule"}]
    assert spec["automountServiceAccountToken"] is False
    assert spec["serviceAccountName"] == "fpga"
    namespace = recording.one("Namespace").inputs["metadata"]
    assert namespace["name"] == "fpga"
    assert namespace["annotations"] == {"mlplatform.dev/resource-name": "xilinx.com/fpga"}
    assert plugin(namespace="devices").one("Namespace").inputs["metadata"]["name"] == "devices"


def test_selector_and_pods_carry_the_same_labels() -> None:
    spec = plugin().one("DaemonSet").inputs["spec"]
    selected = spec["selector"]["matchLabels"]
    assert selected.items() <= spec["template"]["metadata"]["labels"].items()
    assert selected["app.kubernetes.io/instance"] == "fpga"


def test_the_kubelets_sockets_are_writable_and_other_paths_of_the_node_only_when_said_so() -> None:
    spec = pod(plugin(host_paths=[{"path": "/sys"}, {"path": "/dev/fpga", "writable": True}]))
    paths = [volume["hostPath"]["path"] for volume in spec["volumes"]]
    assert paths == ["/var/lib/kubelet/device-plugins", "/sys", "/dev/fpga"]
    mounts = spec["containers"][0]["volumeMounts"]
    assert [mount["mountPath"] for mount in mounts] == paths
    assert [mount["readOnly"] for mount in mounts] == [False, True, False]
    elsewhere = pod(plugin(socket_directory="/var/snap/kubelet/device-plugins"))["volumes"]
    assert elsewhere[0]["hostPath"]["path"] == "/var/snap/kubelet/device-plugins"


def test_everything_about_the_container_is_a_setting() -> None:
    container = pod(
        plugin(
            command=["/plugin"], arguments=["-v", "2"], environment={"B": "2", "A": "1"}, cpu_millis=20, memory_mib=64
        )
    )["containers"][0]
    assert container["image"] == "registry.example.com/fpga-plugin:2.1"
    assert (container["command"], container["args"]) == (["/plugin"], ["-v", "2"])
    assert container["env"] == [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    assert container["resources"]["requests"]["cpu"] == "20m"
    assert container["resources"]["requests"]["memory"] == container["resources"]["limits"]["memory"] == "64Mi"
    assert not {"command", "args", "env"} & set(pod(plugin())["containers"][0])


def test_it_is_privileged_only_when_it_must_be() -> None:
    assert pod(plugin())["containers"][0]["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "runAsUser": 0,
        "readOnlyRootFilesystem": True,
    }
    assert pod(plugin(privileged=True))["containers"][0]["securityContext"]["privileged"] is True


def test_only_one_that_reads_nodes_gets_credentials_a_role_and_the_way_to_the_api_server() -> None:
    recording = plugin(reads_nodes=True)
    assert set(recording.kinds()) - set(plugin().kinds()) == {
        "ClusterRole fpga-role",
        "ClusterRoleBinding fpga-role-binding",
        "NetworkPolicy fpga-namespace-allow-api-server",
    }
    assert pod(recording)["automountServiceAccountToken"] is True
    assert recording.one("ClusterRole").inputs["rules"] == [
        {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list", "watch"]}
    ]
    binding = recording.one("ClusterRoleBinding").inputs
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "fpga", "namespace": "fpga"}]
    assert binding["roleRef"]["name"] == recording.one("ClusterRole").inputs["metadata"]["name"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image": "registry.example.com/fpga-plugin"}, "never latest"),
        ({"image": "registry.example.com:5000/fpga-plugin:latest"}, "never latest"),
        ({"resource_name": "fpga"}, "vendor.example/device"),
        ({"pools": []}, "at least one pool"),
        ({"pools": [FPGA, CPU]}, "cpu offers no devices"),
        ({"resource_name": "amd.com/gpu"}, "fpga offers xilinx.com/fpga"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_registered(changes: dict[str, object], message: str) -> None:
    def program() -> None:
        with pytest.raises(Refused, match=message):
            DevicePlugin("fpga", {**REQUIRED, **changes})  # type: ignore[typeddict-item]

    assert record(program).resources == []
