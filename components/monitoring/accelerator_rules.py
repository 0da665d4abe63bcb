"""Alerts and recording rules of accelerators and their nodes. Pure."""

import re
from collections.abc import Iterable

from catalog.accelerators import ACCELERATORS, DRIVER_RESOURCES, SHARED_SUFFIX
from components.monitoring.metrics import NODE_LABELS, label_metric
from components.monitoring.rule import Alert, AlertSeverity, Recording, RuleGroup, RuleScope

FATAL_XIDS: dict[int, str] = {
    48: "double-bit ECC error",
    62: "internal micro-controller halted",
    64: "row remapping failed",
    74: "NVLink error",
    79: "fallen off the bus",
    95: "uncontained memory error",
    119: "GSP firmware does not answer",
    120: "GSP firmware error",
    140: "unrecovered ECC error",
}
"""XIDs after which the GPU needs a reset or a replacement. Source: docs.nvidia.com/deploy/xid-errors.

XIDs that applications cause (13, 31, 43, 45 …) are omitted: they are in the job's log.
"""


def resource_pattern(custom: Iterable[str] = ()) -> str:
    """Regular expression for accelerators as kube-state-metrics names them: `nvidia_com_gpu`, `nvidia_com_mig_…`."""
    plain = sorted({*DRIVER_RESOURCES, *custom})
    names = [name + suffix for name in plain for suffix in ("", SHARED_SUFFIX)]
    return "|".join([*(re.sub(r"[^a-zA-Z0-9_]", "_", name) for name in names), "nvidia_com_mig_.+"])


def quota_pattern(custom: Iterable[str] = ()) -> str:
    """Regular expression for accelerators in a ResourceQuota, which kube-state-metrics names as Kubernetes does."""
    plain = sorted({*DRIVER_RESOURCES, *custom})
    names = [re.sub(r"[.]", "[.]", name + suffix) for name in plain for suffix in ("", SHARED_SUFFIX)]
    return "requests[.](" + "|".join([*names, "nvidia[.]com/mig-.+"]) + ")"


def accelerator_node_labels() -> list[str]:
    """Labels of nodes in accelerator pools, among those that kube-state-metrics exports."""
    used = {label for row in ACCELERATORS.values() for labels in row.node_labels.values() for label in labels}
    return sorted(used & set(NODE_LABELS))


def _on_gpu(expression: str) -> str:
    """DCGM's labels renamed to Kubernetes' names, with the pool of the node: node, pool, UUID, GPU_I_ID, namespace,
    pod.
    """
    renamed = f'label_replace({expression}, "node", "$1", "Hostname", "(.+)")'
    renamed = f'label_replace({renamed}, "namespace", "$1", "exported_namespace", "(.*)")'
    renamed = f'label_replace({renamed}, "pod", "$1", "exported_pod", "(.*)")'
    return (
        f"max by (node, pool, UUID, GPU_I_ID, namespace, pod) ({renamed} * on (node) group_left (pool) node:pool:info)"
    )


def accelerators(scope: RuleScope) -> RuleGroup:
    """GPUs and other accelerators: in use, idle, faulty, requested."""
    devices = f'resource=~"{resource_pattern(scope.extended_resources)}"'
    quota = f'resource=~"{quota_pattern(scope.extended_resources)}"'
    by_pool = "on (node) group_left (pool) node:pool:info"
    fatal = " or ".join(f"DCGM_FI_DEV_XID_ERRORS == {xid}" for xid in FATAL_XIDS)
    carries = " or ".join(f'kube_node_labels{{{label_metric(label)}!=""}}' for label in accelerator_node_labels())
    ready = 'kube_node_status_condition{condition="Ready",status="true"} == 1'
    running = 'max by (namespace, pod) (kube_pod_status_phase{phase=~"Pending|Running"} == 1)'
    recordings = (
        Recording(
            "node:pool:info",
            'max by (node, pool) (label_replace(label_replace(kube_node_labels, "pool", "none", "", ""), '
            f'"pool", "$1", "{label_metric("mlplatform.dev/pool")}", "(.+)"))',
        ),
        Recording("gpu:utilisation:ratio", _on_gpu("(DCGM_FI_PROF_GR_ENGINE_ACTIVE or DCGM_FI_DEV_GPU_UTIL / 100)")),
        Recording(
            "gpu:memory_used:ratio", _on_gpu("(DCGM_FI_DEV_FB_USED / (DCGM_FI_DEV_FB_USED + DCGM_FI_DEV_FB_FREE))")
        ),
        Recording("pool:gpu_utilisation:avg", "avg by (pool) (gpu:utilisation:ratio)"),
        Recording("namespace:gpu_utilisation:avg", 'avg by (namespace) (gpu:utilisation:ratio{namespace!=""})'),
        Recording(
            "pool:accelerators_capacity:sum",
            f"sum by (pool, resource) (kube_node_status_capacity{{{devices}}} * {by_pool})",
        ),
        Recording(
            "pool:accelerators_allocatable:sum",
            f"sum by (pool, resource) (kube_node_status_allocatable{{{devices}}} * {by_pool})",
        ),
        Recording(
            "pod:accelerators_requested:sum",
            f"sum by (namespace, pod, node, resource) (kube_pod_container_resource_requests{{{devices}}}) "
            f"* on (namespace, pod) group_left () {running}",
        ),
        Recording(
            "pool:accelerators_requested:sum",
            f'sum by (pool, resource) (pod:accelerators_requested:sum{{node!=""}} * {by_pool})',
        ),
        Recording(
            "namespace:accelerators_requested:sum",
            "sum by (namespace, resource) (pod:accelerators_requested:sum)",
        ),
        Recording(
            "namespace:accelerator_quota_used:ratio",
            f'max by (namespace, resource) (kube_resourcequota{{type="used",{quota}}} '
            f'/ ignoring (type) (kube_resourcequota{{type="hard",{quota}}} > 0))',
        ),
    )
    alerts = (
        Alert(
            "GpuIdle",
            AlertSeverity.WARNING,
            60,
            'avg_over_time(gpu:utilisation:ratio{namespace!=""}[30m]) < 0.05',
            "{{ $labels.namespace }}/{{ $labels.pod }} holds a GPU and does not use it",
            "GPU {{ $labels.UUID }} of pool {{ $labels.pool }} has been below 5 % for an hour and a half "
            "({{ $value | humanizePercentage }}).",
            "accelerators.md#gpuidle",
        ),
        Alert(
            "GpuFatalXid",
            AlertSeverity.CRITICAL,
            0,
            _on_gpu(f"({fatal})"),
            "GPU {{ $labels.UUID }} on {{ $labels.node }} reported XID {{ $value }}",
            "It needs a reset or a replacement; what runs on it ({{ $labels.namespace }}/{{ $labels.pod }}) is lost.",
            "gpu-fatal-xid.md",
        ),
        Alert(
            "GpuRowRemapFailed",
            AlertSeverity.WARNING,
            0,
            _on_gpu("DCGM_FI_DEV_ROW_REMAP_FAILURE") + " > 0",
            "GPU {{ $labels.UUID }} on {{ $labels.node }} has no spare memory rows left",
            "The next memory error cannot be repaired: have the GPU of pool {{ $labels.pool }} replaced.",
            "accelerators.md#gpumemoryerrors",
        ),
        Alert(
            "GpuMemoryErrors",
            AlertSeverity.WARNING,
            0,
            _on_gpu("increase(DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS[1h])") + " > 0",
            "GPU {{ $labels.UUID }} on {{ $labels.node }} had an uncorrectable memory error",
            "Rows were remapped within the last hour; the remapping takes effect with the next GPU reset.",
            "accelerators.md#gpumemoryerrors",
        ),
        Alert(
            "GpuThermalThrottling",
            AlertSeverity.WARNING,
            10,
            _on_gpu("(rate(DCGM_FI_DEV_THERMAL_VIOLATION[10m]) / 1e9)") + " > 0.1",
            "GPU {{ $labels.UUID }} on {{ $labels.node }} is slowed down by heat",
            "Throttled {{ $value | humanizePercentage }} of the time; a job runs as slowly as its slowest GPU.",
            "accelerators.md#gputhermalthrottling",
        ),
        Alert(
            "GpuMemoryNearlyFull",
            AlertSeverity.INFO,
            15,
            'gpu:memory_used:ratio{namespace!=""} > 0.97',
            "{{ $labels.namespace }}/{{ $labels.pod }} uses nearly all memory of its GPU",
            "{{ $value | humanizePercentage }} of GPU {{ $labels.UUID }}: usual with vLLM; else a batch may not fit.",
            "accelerators.md#gpumemorynearlyfull",
        ),
        Alert(
            "GpuMetricsMissing",
            AlertSeverity.WARNING,
            15,
            '(max by (node) (kube_node_status_capacity{resource=~"nvidia_com_.+"}) > 0) '
            f"and on (node) ({ready}) unless on (node) gpu:utilisation:ratio",
            "No GPU metrics from {{ $labels.node }}",
            "The node offers NVIDIA devices, but the DCGM exporter does not report them.",
            "accelerators.md#gpumetricsmissing",
        ),
        Alert(
            "DevicePluginMissing",
            AlertSeverity.WARNING,
            15,
            f"(count by (node) ({carries}) and on (node) ({ready})) "
            f"unless on (node) (kube_node_status_capacity{{{devices}}} > 0)",
            "{{ $labels.node }} carries accelerators and offers none",
            "Its labels say that it has devices, but no device plugin has registered them: no pod can use them.",
            "accelerators.md#devicepluginmissing",
        ),
        Alert(
            "AcceleratorsNotAllocatable",
            AlertSeverity.WARNING,
            10,
            "sum by (node, pool, resource) ("
            f"(kube_node_status_capacity{{{devices}}} - kube_node_status_allocatable{{{devices}}}) * {by_pool}) > 0",
            "{{ $value }} {{ $labels.resource }} of {{ $labels.node }} are out of service",
            "The device plugin of pool {{ $labels.pool }} reports them as unhealthy.",
            "accelerators.md#acceleratorsnotallocatable",
        ),
        Alert(
            "AcceleratorPodsPending",
            AlertSeverity.WARNING,
            30,
            'pod:accelerators_requested:sum{node=""} > 0',
            "{{ $labels.namespace }}/{{ $labels.pod }} has been waiting for {{ $value }} {{ $labels.resource }}",
            "No node has had room for half an hour.",
            "accelerators.md#acceleratorpodspending",
        ),
        Alert(
            "AcceleratorQuotaNearlyUsed",
            AlertSeverity.INFO,
            60,
            "namespace:accelerator_quota_used:ratio >= 0.9",
            "{{ $labels.namespace }} has used {{ $value | humanizePercentage }} of its {{ $labels.resource }}",
            "What it starts next may be refused.",
            "accelerators.md#acceleratorquotanearlyused",
        ),
    )
    return RuleGroup("accelerators", recordings, alerts)
