"""Every metric that a rule or a dashboard may use, with its exporter and the source of that fact.

A rule on a metric that no exporter exports never fires; a test compares rules and dashboards with this table.

Exporters of metrics about other objects (DCGM, cert-manager) are scraped with their charts' default, `honorLabels:
false`: their labels `namespace` and `pod` are renamed to `exported_namespace` and `exported_pod`. kube-state-metrics
is scraped with `honorLabels: true`, as kube-prometheus-stack sets it.
"""

from typing import Any, NamedTuple


class Metric(NamedTuple):
    """One metric: the labels that rules use, and the source of both."""

    name: str
    labels: tuple[str, ...]
    source: str


class DcgmCounter(NamedTuple):
    """One line of the DCGM exporter's counters file."""

    field: str
    kind: str
    help: str


_DCGM = "NVIDIA/dcgm-exporter 4.5.3-4.8.2 etc/default-counters.csv; labels: internal/pkg/rendermetrics"
_KSM = "kubernetes/kube-state-metrics v2.19.1 docs/metrics/"
_CUSTOM = (
    "CUSTOM_RESOURCE_METRICS below, read by kube-state-metrics (docs/metrics/extend/customresourcestate-metrics.md)"
)
_KUBELET = "kubernetes/kubernetes v1.36 pkg/kubelet/metrics/collectors/volume_stats.go"
_CERT_MANAGER = "cert-manager/cert-manager v1.21.2 internal/collectors/certificate_collector.go"
_ENVOY = "envoyproxy/gateway v1.9.1 charts/gateway-addons-helm/dashboards/envoy-clusters.json"
_KSERVE = "kserve/kserve v0.20.0 python/kserve/kserve/metrics.py"
_MLFLOW = "mlflow/mlflow mlflow/server/prometheus_exporter.py (prometheus_flask_exporter, prefix mlflow)"

_ON_GPU = ("Hostname", "UUID", "GPU_I_ID", "exported_namespace", "exported_pod")
_ON_NODE_RESOURCE = ("node", "resource", "unit")
_ON_JOB = ("namespace", "job_name")
_ON_DEPLOYMENT = ("namespace", "deployment")
_ON_AUTOSCALER = ("namespace", "horizontalpodautoscaler")
_ON_CLAIM = ("namespace", "persistentvolumeclaim")
_ON_CERTIFICATE = ("exported_namespace", "name")

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("DCGM_FI_PROF_GR_ENGINE_ACTIVE", _ON_GPU, _DCGM + "; 0 to 1, also on MIG partitions, from Volta on"),
        Metric("DCGM_FI_DEV_GPU_UTIL", _ON_GPU, _DCGM + "; percent, not on MIG partitions"),
        Metric("DCGM_FI_DEV_XID_ERRORS", _ON_GPU, _DCGM + "; the last XID seen, until the driver is loaded again"),
        Metric("DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS", _ON_GPU, _DCGM),
        Metric("DCGM_FI_DEV_ROW_REMAP_FAILURE", _ON_GPU, _DCGM),
        Metric("DCGM_FI_DEV_THERMAL_VIOLATION", _ON_GPU, _DCGM + "; nanoseconds; off by default, see DCGM_COUNTERS"),
        Metric("DCGM_FI_DEV_FB_USED", _ON_GPU, _DCGM + "; MiB"),
        Metric("DCGM_FI_DEV_FB_FREE", _ON_GPU, _DCGM + "; MiB"),
        Metric("DCGM_FI_DEV_GPU_TEMP", _ON_GPU, _DCGM + "; degrees Celsius"),
        Metric("DCGM_FI_DEV_POWER_USAGE", _ON_GPU, _DCGM + "; watts"),
        Metric("kube_node_labels", ("node",), _KSM + "cluster/node-metrics.md; labels: NODE_LABELS below"),
        Metric("kube_node_status_capacity", _ON_NODE_RESOURCE, _KSM + "cluster/node-metrics.md"),
        Metric("kube_node_status_allocatable", _ON_NODE_RESOURCE, _KSM + "cluster/node-metrics.md"),
        Metric("kube_node_status_condition", ("node", "condition", "status"), _KSM + "cluster/node-metrics.md"),
        Metric(
            "kube_pod_container_resource_requests",
            ("namespace", "pod", "container", "node", "resource", "unit"),
            _KSM + "workload/pod-metrics.md; extended resources with `.` and `/` as `_`",
        ),
        Metric("kube_pod_status_phase", ("namespace", "pod", "phase"), _KSM + "workload/pod-metrics.md"),
        Metric(
            "kube_resourcequota",
            ("namespace", "resourcequota", "resource", "type"),
            _KSM + "policy/resourcequota-metrics.md; the resource as Kubernetes writes it",
        ),
        Metric("kube_job_labels", _ON_JOB, _KSM + "workload/job-metrics.md; labels: WORKLOAD_LABELS below"),
        Metric("kube_job_failed", (*_ON_JOB, "condition"), _KSM + "workload/job-metrics.md"),
        Metric(
            "kube_job_status_failed",
            (*_ON_JOB, "reason"),
            _KSM
            + "workload/job-metrics.md; failed pods, with an empty reason as long as the Job itself has not failed",
        ),
        Metric("kube_job_status_active", _ON_JOB, _KSM + "workload/job-metrics.md"),
        Metric("kube_job_status_ready", _ON_JOB, _KSM + "workload/job-metrics.md (experimental)"),
        Metric("kube_job_status_succeeded", _ON_JOB, _KSM + "workload/job-metrics.md"),
        Metric("kube_job_status_start_time", _ON_JOB, _KSM + "workload/job-metrics.md; seconds since 1970"),
        Metric("kube_job_spec_active_deadline_seconds", _ON_JOB, _KSM + "workload/job-metrics.md"),
        Metric("kube_job_spec_parallelism", _ON_JOB, _KSM + "workload/job-metrics.md"),
        Metric(
            "kube_cronjob_status_last_successful_time",
            ("namespace", "cronjob"),
            _KSM + "workload/cronjob-metrics.md; seconds since 1970",
        ),
        Metric(
            "kube_cronjob_created", ("namespace", "cronjob"), _KSM + "workload/cronjob-metrics.md; seconds since 1970"
        ),
        Metric(
            "kube_deployment_labels",
            _ON_DEPLOYMENT,
            _KSM + "workload/deployment-metrics.md; labels: WORKLOAD_LABELS below",
        ),
        Metric("kube_deployment_spec_replicas", _ON_DEPLOYMENT, _KSM + "workload/deployment-metrics.md"),
        Metric("kube_deployment_status_replicas_available", _ON_DEPLOYMENT, _KSM + "workload/deployment-metrics.md"),
        Metric(
            "kube_horizontalpodautoscaler_status_current_replicas",
            _ON_AUTOSCALER,
            _KSM + "workload/horizontalpodautoscaler-metrics.md",
        ),
        Metric(
            "kube_horizontalpodautoscaler_spec_max_replicas",
            _ON_AUTOSCALER,
            _KSM + "workload/horizontalpodautoscaler-metrics.md",
        ),
        Metric(
            "kube_horizontalpodautoscaler_spec_min_replicas",
            _ON_AUTOSCALER,
            _KSM + "workload/horizontalpodautoscaler-metrics.md",
        ),
        Metric(
            "kube_persistentvolumeclaim_access_mode",
            (*_ON_CLAIM, "access_mode"),
            _KSM + "storage/persistentvolumeclaim-metrics.md",
        ),
        Metric("kube_customresource_inferenceservice_condition", ("namespace", "name", "type"), _CUSTOM),
        Metric("kubelet_volume_stats_available_bytes", _ON_CLAIM, _KUBELET),
        Metric("kubelet_volume_stats_capacity_bytes", _ON_CLAIM, _KUBELET),
        Metric("certmanager_certificate_expiration_timestamp_seconds", _ON_CERTIFICATE, _CERT_MANAGER + "; since 1970"),
        Metric("certmanager_certificate_ready_status", (*_ON_CERTIFICATE, "condition"), _CERT_MANAGER),
        Metric("envoy_cluster_upstream_rq_xx", ("envoy_cluster_name", "envoy_response_code_class"), _ENVOY),
        Metric("envoy_cluster_upstream_rq_total", ("envoy_cluster_name",), _ENVOY),
        Metric(
            "envoy_cluster_upstream_rq_time_bucket",
            ("envoy_cluster_name", "le"),
            _ENVOY + "; milliseconds; the cluster is httproute/<namespace>/<route>/rule/<number>",
        ),
        Metric("request_predict_seconds_bucket", ("namespace", "model_name", "le"), _KSERVE),
        Metric("request_predict_seconds_count", ("namespace", "model_name"), _KSERVE),
        Metric("mlflow_http_request_total", ("namespace", "method", "status"), _MLFLOW),
        Metric("mlflow_http_request_duration_seconds_bucket", ("namespace", "method", "status", "le"), _MLFLOW),
    )
}
"""Metrics by name. Recorded series are in `components.monitoring.rules`."""

DCGM_COUNTERS: tuple[DcgmCounter, ...] = (
    DcgmCounter("DCGM_FI_DEV_THERMAL_VIOLATION", "counter", "Throttling duration due to thermal constraints (in ns)."),
)
"""Counters that the DCGM exporter must export beyond its own default list."""

NODE_LABELS: tuple[str, ...] = (
    "mlplatform.dev/pool",
    "mlplatform.dev/purchase",
    "mlplatform.dev/simulated",
    "mlplatform.dev/accelerator",
    "nvidia.com/gpu.present",
    "amd.com/gpu.product-name",
    "cloud.google.com/gke-accelerator",
    "cloud.google.com/gke-tpu-accelerator",
)
"""Node labels that kube-state-metrics copies into `kube_node_labels`; it exports none by default."""

WORKLOAD_LABELS: tuple[str, ...] = ("app.kubernetes.io/component", "serving.kserve.io/inferenceservice")
"""Labels of Jobs and Deployments that kube-state-metrics copies into `kube_job_labels` and `kube_deployment_labels`."""

CUSTOM_RESOURCE_METRICS: dict[str, Any] = {
    "kind": "CustomResourceStateMetrics",
    "spec": {
        "resources": [
            {
                "groupVersionKind": {"group": "serving.kserve.io", "version": "v1beta1", "kind": "InferenceService"},
                "labelsFromPath": {"name": ["metadata", "name"], "namespace": ["metadata", "namespace"]},
                "metrics": [
                    {
                        "name": "inferenceservice_condition",
                        "help": "Status conditions of an InferenceService: 1 true, 0 false.",
                        "each": {
                            "type": "Gauge",
                            "gauge": {
                                "path": ["status", "conditions"],
                                "labelsFromPath": {"type": ["type"]},
                                "valueFrom": ["status"],
                            },
                        },
                    }
                ],
            }
        ]
    },
}
"""KServe exports no metric about its services' readiness; kube-state-metrics reads it from their status."""


def label_metric(label: str) -> str:
    """The name under which kube-state-metrics exports a Kubernetes label: `a.b/c` as `label_a_b_c`."""
    return "label_" + "".join(character if character.isalnum() else "_" for character in label)
