"""The DCGM exporter: metrics of every NVIDIA device, with the pod that uses it.

Metrics name the pod on the device (namespace, pod, container) and carry the pod's `mlplatform.dev/…` labels. A device
that several pods share is reported once for each of them: utilisation and memory are the device's, not the pod's.
"""

from typing import Any, Required, TypedDict

from pulumi import Output, ResourceOptions

from catalog.accelerators import Sharing
from catalog.addons import ADDONS
from components.addons.accelerator_nodes import affinity_to, exporter_pools
from components.addons.accelerator_validation import check_nvidia_pools
from components.base.chart_source import ChartSource
from components.base.charts import AddonChart
from components.base.cluster_network import USUAL_NETWORK, ClusterNetworkHandle
from components.base.component import Component
from components.base.namespaces import IsolatedNamespace, PodSecurity
from components.base.traffic import scraped, to_api_server
from components.capacity.placement import PoolHandle, tolerations_of_all
from components.findings import refuse
from components.monitoring.metrics import DCGM_COUNTERS, DcgmCounter

DEFAULT_NAMESPACE = ADDONS["dcgm-exporter"].namespace
METRICS_PORT = ADDONS["dcgm-exporter"].metrics_port
DRIVER_MOUNT = "/usr/local/nvidia"
PRIVILEGED = {"privileged": True, "allowPrivilegeEscalation": True}
"""The chart's default allowPrivilegeEscalation: false would be refused with privileged (chart 4.8.2, values.yaml)."""
PROFILING_PREFIX = "DCGM_FI_PROF_"

COUNTERS: tuple[DcgmCounter, ...] = tuple(
    DcgmCounter(*row)
    for row in (
        ("DCGM_FI_DEV_GPU_UTIL", "gauge", "GPU utilization (in %)."),
        ("DCGM_FI_DEV_MEM_COPY_UTIL", "gauge", "Memory utilization (in %)."),
        ("DCGM_FI_PROF_GR_ENGINE_ACTIVE", "gauge", "Ratio of time the graphics engine is active."),
        ("DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", "gauge", "Ratio of cycles the tensor pipe is active."),
        ("DCGM_FI_PROF_DRAM_ACTIVE", "gauge", "Ratio of cycles the device memory interface is active."),
        ("DCGM_FI_PROF_PCIE_TX_BYTES", "gauge", "Rate of data sent over PCIe (in bytes per second)."),
        ("DCGM_FI_PROF_PCIE_RX_BYTES", "gauge", "Rate of data received over PCIe (in bytes per second)."),
        ("DCGM_FI_DEV_FB_FREE", "gauge", "Framebuffer memory free (in MiB)."),
        ("DCGM_FI_DEV_FB_USED", "gauge", "Framebuffer memory used (in MiB)."),
        ("DCGM_FI_DEV_SM_CLOCK", "gauge", "SM clock frequency (in MHz)."),
        ("DCGM_FI_DEV_MEM_CLOCK", "gauge", "Memory clock frequency (in MHz)."),
        ("DCGM_FI_DEV_GPU_TEMP", "gauge", "GPU temperature (in C)."),
        ("DCGM_FI_DEV_MEMORY_TEMP", "gauge", "Memory temperature (in C)."),
        ("DCGM_FI_DEV_POWER_USAGE", "gauge", "Power draw (in W)."),
        ("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", "counter", "Total energy consumption since boot (in mJ)."),
        ("DCGM_FI_DEV_XID_ERRORS", "gauge", "Value of the last XID error encountered."),
        ("DCGM_FI_DEV_PCIE_REPLAY_COUNTER", "counter", "Total number of PCIe retries."),
        ("DCGM_FI_DEV_ECC_SBE_VOL_TOTAL", "counter", "Total number of single-bit volatile ECC errors."),
        ("DCGM_FI_DEV_ECC_DBE_VOL_TOTAL", "counter", "Total number of double-bit volatile ECC errors."),
        ("DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS", "counter", "Number of remapped rows for uncorrectable errors."),
        ("DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS", "counter", "Number of remapped rows for correctable errors."),
        ("DCGM_FI_DEV_ROW_REMAP_FAILURE", "gauge", "Whether remapping of rows has failed."),
        ("DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL", "counter", "Total number of NVLink bandwidth counters for all lanes."),
        ("DCGM_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL", "counter", "Total number of NVLink flow-control CRC errors."),
        ("DCGM_FI_DEV_NVLINK_CRC_DATA_ERROR_COUNT_TOTAL", "counter", "Total number of NVLink data CRC errors."),
        ("DCGM_FI_DEV_NVLINK_REPLAY_ERROR_COUNT_TOTAL", "counter", "Total number of NVLink retries."),
        ("DCGM_FI_DEV_NVLINK_RECOVERY_ERROR_COUNT_TOTAL", "counter", "Total number of NVLink recovery errors."),
    )
)
"""Exported in addition to `DCGM_COUNTERS`, the counters that rules need (names: NVIDIA/dcgm-exporter 4.5.3-4.8.2)."""


class DcgmExporterArgs(TypedDict, total=False):
    """Its pools, and the Prometheus that scrapes it."""

    pools: Required[list[PoolHandle]]
    """Pools of the cluster. It runs on those with NVIDIA devices that the GPU Operator does not manage; one is
    required."""
    source: Required[ChartSource]
    """Source of charts."""
    namespace: str
    """Default: dcgm-exporter."""
    monitoring_namespace: str
    """Namespace whose Prometheus scrapes it (needs the CRDs of prometheus-operator); default: none."""
    profiling: bool
    """Profiling metrics (`DCGM_FI_PROF_…`), the only ones that see MIG partitions. Default true.

    They need the capability SYS_ADMIN, and no other profiler can use the device at the same time.
    """
    runtime_class: str
    """Runtime class of its pods, `nvidia` where that is not the nodes' default runtime; default: the node's."""
    driver_root: str
    """Folder of the nodes that holds the driver, where the container runtime does not mount it: `GKE_DRIVER_ROOT` on
    GKE. The exporter then runs privileged, since nothing else gives it the devices. Default: the runtime mounts it."""
    network: ClusterNetworkHandle
    """How names are resolved and policies are evaluated. Default: `USUAL_NETWORK`."""


def counters_file(*, profiling: bool) -> str:
    """The exporter's counters file: a line for each metric."""
    rows = [row for row in (*COUNTERS, *DCGM_COUNTERS) if profiling or not row.field.startswith(PROFILING_PREFIX)]
    return "".join(f"{row.field}, {row.kind}, {row.help}\n" for row in rows)


def dcgm_exporter_values(
    pools: list[PoolHandle], *, monitored: bool, profiling: bool = True, runtime_class: str = "", driver_root: str = ""
) -> dict[str, Any]:
    """Values of the chart for these pools, all of them with NVIDIA devices. Pure."""
    shared = any(pool["capacity"]["sharing"] in (Sharing.TIME_SLICING, Sharing.MPS) for pool in pools)
    capabilities = {"drop": ["ALL"], "add": ["SYS_ADMIN"] if profiling else []}
    environment = {"KUBERNETES_VIRTUAL_GPUS": "true"} if shared else {}
    if driver_root:
        environment["LD_LIBRARY_PATH"] = f"{DRIVER_MOUNT}/lib64"
    return {
        "customMetrics": counters_file(profiling=profiling),
        "serviceMonitor": {"enabled": monitored},
        "affinity": affinity_to(pools),
        "tolerations": tolerations_of_all(pools),
        "resources": {"requests": {"cpu": "100m", "memory": "512Mi"}, "limits": {"cpu": "200m", "memory": "512Mi"}},
        "securityContext": PRIVILEGED if driver_root else {"capabilities": capabilities},
        "kubernetes": {"enablePodLabels": True, "podLabelAllowlistRegex": [r"^mlplatform\.dev/"]},
        "extraEnv": [{"name": name, "value": value} for name, value in environment.items()],
        "runtimeClassName": runtime_class or None,
        **_driver_volume(driver_root),
    }


def _driver_volume(driver_root: str) -> dict[str, Any]:
    """The node's driver, mounted read-only; nothing where the container runtime mounts it."""
    if not driver_root:
        return {}
    return {
        "extraHostVolumes": [{"name": "driver", "hostPath": driver_root}],
        "extraVolumeMounts": [{"name": "driver", "mountPath": DRIVER_MOUNT, "readOnly": True}],
    }


class DcgmExporter(Component):
    """Metrics of every NVIDIA device of the cluster, with the pod that uses it.

    Not on GKE Autopilot, which admits no pod that mounts the kubelet's sockets, and collects these metrics itself.
    """

    namespace: Output[str]
    """Namespace in which it runs."""

    def __init__(self, name: str, args: DcgmExporterArgs, opts: ResourceOptions | None = None) -> None:
        pools = exporter_pools(args["pools"])
        refuse(f"DCGM exporter {name}", check_nvidia_pools(name, pools, "the DCGM exporter"))
        super().__init__(name, args, opts)
        monitoring = args.get("monitoring_namespace", "")
        home = IsolatedNamespace(
            f"{name}-namespace",
            {
                "namespace": args.get("namespace") or DEFAULT_NAMESPACE,
                # It reads the assignment of devices to pods from the kubelet, through a host path.
                "pod_security": PodSecurity.PRIVILEGED,
                "exceptions": [to_api_server(), *scraped(monitoring, [METRICS_PORT])],
                "network": args.get("network") or USUAL_NETWORK,
            },
            opts=self.child,
        )
        AddonChart(
            f"{name}-chart",
            {
                "chart": "dcgm-exporter",
                "namespace": home.namespace,
                "values": dcgm_exporter_values(
                    pools,
                    monitored=bool(monitoring),
                    profiling=bool(args.get("profiling", True)),
                    runtime_class=args.get("runtime_class", ""),
                    driver_root=args.get("driver_root", ""),
                ),
                "source": args["source"],
            },
            opts=self.child,
        )
        self.namespace = home.namespace
        self.register_outputs({"namespace": self.namespace})


BY_ROW = {"dcgm-exporter": DcgmExporter}
"""The stack declares this component by its row of `catalog.addons`."""
