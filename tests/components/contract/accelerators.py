"""The software of accelerators."""

from components.addons.dcgm_exporter import DcgmExporter
from components.addons.device_plugin import DevicePlugin
from components.addons.node_feature_discovery import NodeFeatureDiscovery
from components.addons.nvidia_device_plugin import NvidiaDevicePlugin
from tests.components.contract.case import Case
from tests.components.platform_handles import CPU, H100, MIG, NETWORK, SHARED_L4, SOURCE, pool

_ONE_CHART = "its chart is installed once in a cluster: objects of a chart are named after it"
_DEVICE = {
    "name": "U250",
    "resource_name": "fpga.example.com/u250",
    "node_labels": {"example.com/fpga": "u250"},
    "taint_key": "example.com/fpga",
}
_FPGA, _MORE_FPGA = (pool(name, accelerator=None, custom_accelerator=_DEVICE) for name in ("fpga", "more"))

CASES = [
    Case(
        NodeFeatureDiscovery,
        {
            "network": NETWORK,
            "pools": [H100, MIG],
            "source": SOURCE,
            "namespace": "features",
            "monitoring_namespace": "monitoring",
            "highly_available": False,
        },
        variants={"pools": [CPU]},
        second={"namespace": "other"},
        single=_ONE_CHART,
    ),
    Case(
        NvidiaDevicePlugin,
        {
            "network": NETWORK,
            "pools": [H100, MIG],
            "source": SOURCE,
            "namespace": "devices",
            "runtime_class": "nvidia",
            "driver_root": "/run/nvidia/driver",
        },
        variants={"pools": [SHARED_L4]},
        refused={"pools": [CPU]},
        second={"namespace": "other"},
        single=_ONE_CHART,
    ),
    Case(
        DcgmExporter,
        {
            "network": NETWORK,
            "pools": [H100, MIG],
            "source": SOURCE,
            "namespace": "dcgm",
            "monitoring_namespace": "monitoring",
            "profiling": True,
            "runtime_class": "nvidia",
            "driver_root": "/run/nvidia/driver",
        },
        variants={"pools": [SHARED_L4], "profiling": False, "driver_root": ""},
        refused={"pools": [CPU]},
        second={"namespace": "other"},
        single=_ONE_CHART,
    ),
    Case(
        DevicePlugin,
        {
            "network": NETWORK,
            "image": "registry.example.com/fpga-plugin:1.2.0",
            "resource_name": "fpga.example.com/u250",
            "pools": [_FPGA],
            "namespace": "fpga",
            "command": ["plugin"],
            "arguments": ["--verbose"],
            "environment": {"LEVEL": "info"},
            "socket_directory": "/var/lib/kubelet/device-plugins",
            "host_paths": [{"path": "/dev/xclmgmt", "writable": False}],
            "privileged": False,
            "reads_nodes": True,
            "api_rules": [{"resources": ["pods"], "verbs": ["get"]}],
            "node_name_variable": "NODE_NAME",
            "cpu_millis": 100,
            "memory_mib": 256,
        },
        contexts={"resource_name": {"pools": [MIG], "resource_name": "nvidia.com/mig-1g.10gb"}},
        variants={"pools": [_FPGA, _MORE_FPGA], "resource_name": "nvidia.com/mig-3g.40gb"},
        refused={"image": "registry.example.com/fpga-plugin:latest"},
        second={"namespace": "more"},
    ),
]
