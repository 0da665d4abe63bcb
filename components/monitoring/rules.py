"""Recording and alerting rules as tables: expressions, severities and runbooks.

Pure. `critical` pages the person on call, so each has a runbook under docs/runbooks; `warning` can wait for working
hours, `info` is only on dashboards. Every metric is in `components.monitoring.metrics`; promtool tests every alert.
"""

import math
import re
from collections.abc import Iterable, Iterator
from datetime import timedelta
from enum import StrEnum
from typing import Any, NamedTuple, TypedDict

from catalog.accelerators import ACCELERATORS, DRIVER_RESOURCES, SHARED_SUFFIX
from components.base.schedules import longest_gap
from components.monitoring.metrics import NODE_LABELS, label_metric


class Severity(StrEnum):
    """Who hears of an alert, and when."""

    CRITICAL = "critical"
    """Pages the person on call: users have no service, or work is being lost."""
    WARNING = "warning"
    """Handled in working hours."""
    INFO = "info"
    """No notification; on dashboards only."""


class Recording(NamedTuple):
    """A series that Prometheus computes ahead of time: `level:metric:operation`."""

    name: str
    expression: str


class Alert(NamedTuple):
    """One alert. Texts are Prometheus templates over the labels of the expression."""

    name: str
    severity: Severity
    for_minutes: int
    expression: str
    summary: str
    description: str
    runbook: str
    """File below docs/runbooks, with an anchor where the file has several."""


class Group(NamedTuple):
    """Rules that are evaluated together, in order: an alert sees what the group recorded in the same round."""

    name: str
    recordings: tuple[Recording, ...]
    alerts: tuple[Alert, ...]


class ServingObjectives(TypedDict):
    """What the endpoints behind the gateway promise."""

    availability_per_mille: int
    """Requests of 1,000 that must not end in a 5xx answer."""
    latency_milliseconds: int
    """What 99 of 100 requests must stay below."""


BACKUP_HOURS = 2
"""For a backup to run, and to be seen."""


def backup_age_hours(schedule: str) -> int:
    """Age at which the last good backup of a schedule (five fields of cron, UTC) is too old. Pure."""
    return math.ceil(longest_gap(schedule) / timedelta(hours=1)) + BACKUP_HOURS


class RuleScope(NamedTuple):
    """What the rules of one environment depend on."""

    monitoring_namespace: str = "monitoring"
    mlflow_namespace: str = "mlflow"
    """Empty: there is no MLflow, and no rule about it."""
    backup_age_hours: int = 24 + BACKUP_HOURS
    """A daily backup, and the time for it to run."""
    objectives: ServingObjectives = ServingObjectives(availability_per_mille=995, latency_milliseconds=2000)
    extended_resources: tuple[str, ...] = ()
    """Extended resources of accelerators that the catalogue does not know: `vendor.example/device`."""


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

XIDs of the application's own making (13, 31, 43, 45 …) are left out: they reach the user in the job's log.
"""

TRAINING = 'kube_job_labels{label_app_kubernetes_io_component="training"}'
SERVING = (
    '(kube_deployment_labels{label_app_kubernetes_io_component="serving"} '
    'or kube_deployment_labels{label_serving_kserve_io_inferenceservice!=""})'
)
BURN_FAST, BURN_SLOW = 14.4, 6.0
"""Share of a 30-day error budget burnt: 2 % in 1 h, 5 % in 6 h. Source: Google SRE workbook, chapter 5."""
BURN_WINDOWS = ("5m", "30m", "1h", "6h")


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
    """Labels that a node of an accelerator pool carries, of those that kube-state-metrics exports."""
    used = {label for row in ACCELERATORS.values() for labels in row.node_labels.values() for label in labels}
    return sorted(used & set(NODE_LABELS))


def _on_gpu(expression: str) -> str:
    """DCGM's labels in Kubernetes' words, with the pool of the node: node, pool, UUID, GPU_I_ID, namespace, pod."""
    renamed = f'label_replace({expression}, "node", "$1", "Hostname", "(.+)")'
    renamed = f'label_replace({renamed}, "namespace", "$1", "exported_namespace", "(.*)")'
    renamed = f'label_replace({renamed}, "pod", "$1", "exported_pod", "(.*)")'
    return (
        f"max by (node, pool, UUID, GPU_I_ID, namespace, pod) ({renamed} * on (node) group_left (pool) node:pool:info)"
    )


def _on_route(metric: str, window: str, more: str = "") -> str:
    """Rate of an Envoy counter with the HTTPRoute that the cluster name holds: namespace, route."""
    rate = f'rate({metric}{{envoy_cluster_name=~"httproute/.+"{more}}}[{window}])'
    named = f'label_replace({rate}, "namespace", "$1", "envoy_cluster_name", "httproute/([^/]+)/.+")'
    return f'label_replace({named}, "route", "$1", "envoy_cluster_name", "httproute/[^/]+/([^/]+)/.+")'


def accelerators(scope: RuleScope) -> Group:
    """GPUs and other accelerators: used, idle, broken, wanted."""
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
            Severity.WARNING,
            60,
            'avg_over_time(gpu:utilisation:ratio{namespace!=""}[30m]) < 0.05',
            "{{ $labels.namespace }}/{{ $labels.pod }} holds a GPU and does not use it",
            "GPU {{ $labels.UUID }} of pool {{ $labels.pool }} has been below 5 % for an hour and a half "
            "({{ $value | humanizePercentage }}).",
            "accelerators.md#gpuidle",
        ),
        Alert(
            "GpuFatalXid",
            Severity.CRITICAL,
            0,
            _on_gpu(f"({fatal})"),
            "GPU {{ $labels.UUID }} on {{ $labels.node }} reported XID {{ $value }}",
            "It needs a reset or a replacement; what runs on it ({{ $labels.namespace }}/{{ $labels.pod }}) is lost.",
            "gpu-fatal-xid.md",
        ),
        Alert(
            "GpuRowRemapFailed",
            Severity.WARNING,
            0,
            _on_gpu("DCGM_FI_DEV_ROW_REMAP_FAILURE") + " > 0",
            "GPU {{ $labels.UUID }} on {{ $labels.node }} has no spare memory rows left",
            "The next memory error cannot be repaired: have the GPU of pool {{ $labels.pool }} replaced.",
            "accelerators.md#gpumemoryerrors",
        ),
        Alert(
            "GpuMemoryErrors",
            Severity.WARNING,
            0,
            _on_gpu("increase(DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS[1h])") + " > 0",
            "GPU {{ $labels.UUID }} on {{ $labels.node }} had an uncorrectable memory error",
            "Rows were remapped within the last hour; the remapping takes effect with the next GPU reset.",
            "accelerators.md#gpumemoryerrors",
        ),
        Alert(
            "GpuThermalThrottling",
            Severity.WARNING,
            10,
            _on_gpu("(rate(DCGM_FI_DEV_THERMAL_VIOLATION[10m]) / 1e9)") + " > 0.1",
            "GPU {{ $labels.UUID }} on {{ $labels.node }} is slowed down by heat",
            "Throttled {{ $value | humanizePercentage }} of the time; a job runs as slowly as its slowest GPU.",
            "accelerators.md#gputhermalthrottling",
        ),
        Alert(
            "GpuMemoryNearlyFull",
            Severity.INFO,
            15,
            'gpu:memory_used:ratio{namespace!=""} > 0.97',
            "{{ $labels.namespace }}/{{ $labels.pod }} uses nearly all memory of its GPU",
            "{{ $value | humanizePercentage }} of GPU {{ $labels.UUID }}: usual with vLLM; else a batch may not fit.",
            "accelerators.md#gpumemorynearlyfull",
        ),
        Alert(
            "GpuMetricsMissing",
            Severity.WARNING,
            15,
            '(max by (node) (kube_node_status_capacity{resource=~"nvidia_com_.+"}) > 0) '
            f"and on (node) ({ready}) unless on (node) gpu:utilisation:ratio",
            "No GPU metrics from {{ $labels.node }}",
            "The node offers NVIDIA devices, but the DCGM exporter does not report them.",
            "accelerators.md#gpumetricsmissing",
        ),
        Alert(
            "DevicePluginMissing",
            Severity.WARNING,
            15,
            f"(count by (node) ({carries}) and on (node) ({ready})) "
            f"unless on (node) (kube_node_status_capacity{{{devices}}} > 0)",
            "{{ $labels.node }} carries accelerators and offers none",
            "Its labels say that it has devices, but no device plugin has registered them: no pod can use them.",
            "accelerators.md#devicepluginmissing",
        ),
        Alert(
            "AcceleratorsNotAllocatable",
            Severity.WARNING,
            10,
            "sum by (node, pool, resource) ("
            f"(kube_node_status_capacity{{{devices}}} - kube_node_status_allocatable{{{devices}}}) * {by_pool}) > 0",
            "{{ $value }} {{ $labels.resource }} of {{ $labels.node }} are out of service",
            "The device plugin of pool {{ $labels.pool }} reports them as unhealthy.",
            "accelerators.md#acceleratorsnotallocatable",
        ),
        Alert(
            "AcceleratorPodsPending",
            Severity.WARNING,
            30,
            'pod:accelerators_requested:sum{node=""} > 0',
            "{{ $labels.namespace }}/{{ $labels.pod }} has been waiting for {{ $value }} {{ $labels.resource }}",
            "No node has had room for half an hour.",
            "accelerators.md#acceleratorpodspending",
        ),
        Alert(
            "AcceleratorQuotaNearlyUsed",
            Severity.INFO,
            60,
            "namespace:accelerator_quota_used:ratio >= 0.9",
            "{{ $labels.namespace }} has used {{ $value | humanizePercentage }} of its {{ $labels.resource }}",
            "What it starts next may be refused.",
            "accelerators.md#acceleratorquotanearlyused",
        ),
    )
    return Group("accelerators", recordings, alerts)


def training(_: RuleScope) -> Group:
    """Training jobs: failed, restarting, late, waiting for their gang."""
    job = "on (namespace, job_name)"
    active = f"and {job} kube_job_status_active > 0 and {job} {TRAINING}"
    return Group(
        "training",
        (
            Recording(
                "job:deadline_used:ratio",
                f"(time() - kube_job_status_start_time) / {job} kube_job_spec_active_deadline_seconds "
                f"and {job} kube_job_status_active > 0",
            ),
        ),
        (
            Alert(
                "TrainingJobFailed",
                Severity.WARNING,
                0,
                f'kube_job_failed{{condition="true"}} == 1 and {job} {TRAINING}',
                "Training job {{ $labels.namespace }}/{{ $labels.job_name }} has failed",
                "It has used up its retries or its deadline, or its failure policy ended it.",
                "training.md#trainingjobfailed",
            ),
            Alert(
                "TrainingRestartsTooOften",
                Severity.WARNING,
                0,
                f'kube_job_status_failed{{reason=""}} / {job} kube_job_spec_parallelism >= 3 {active}',
                "Training job {{ $labels.namespace }}/{{ $labels.job_name }} keeps restarting",
                "It is on its fourth attempt or later; each one costs the time since the last checkpoint.",
                "training.md#trainingrestartstoooften",
            ),
            Alert(
                "TrainingDeadlineNear",
                Severity.WARNING,
                0,
                f"job:deadline_used:ratio > 0.9 and {job} {TRAINING}",
                "Training job {{ $labels.namespace }}/{{ $labels.job_name }} is about to run past its deadline",
                "{{ $value | humanizePercentage }} of its time is used; at the deadline it is ended, finished or not.",
                "training.md#trainingdeadlinenear",
            ),
            Alert(
                "TrainingGangWaiting",
                Severity.WARNING,
                30,
                f"kube_job_status_ready + {job} kube_job_status_succeeded < {job} kube_job_spec_parallelism {active}",
                "Training job {{ $labels.namespace }}/{{ $labels.job_name }} waits for its other workers",
                "Only {{ $value }} of its workers have been ready for half an hour: they hold devices for nothing.",
                "training.md#traininggangwaiting",
            ),
        ),
    )


def serving(scope: RuleScope) -> Group:
    """Endpoints behind the gateway: errors, latency, replicas."""
    budget = 1 - int(scope.objectives["availability_per_mille"]) / 1000
    deployment = "on (namespace, deployment)"
    autoscaler = "on (namespace, horizontalpodautoscaler)"
    not_models = f'namespace!~"{scope.monitoring_namespace}|{scope.mlflow_namespace or "none"}"'

    def errors(window: str) -> Recording:
        failed = _on_route("envoy_cluster_upstream_rq_xx", window, ',envoy_response_code_class="5"')
        every = _on_route("envoy_cluster_upstream_rq_xx", window)
        return Recording(
            f"route:request_errors:ratio_rate{window}",
            f"sum by (namespace, route) ({failed}) / sum by (namespace, route) ({every})",
        )

    def burning(factor: float, long: str, short: str) -> str:
        limit = f"{factor * budget:.4g}"
        return f"route:request_errors:ratio_rate{long} > {limit} and route:request_errors:ratio_rate{short} > {limit}"

    def latency(quantile: float) -> Recording:
        buckets = _on_route("envoy_cluster_upstream_rq_time_bucket", "5m")
        return Recording(
            f"route:latency_milliseconds:p{int(quantile * 100)}",
            f"histogram_quantile({quantile}, sum by (namespace, route, le) ({buckets}))",
        )

    return Group(
        "serving",
        (
            Recording(
                "route:requests:rate5m",
                f"sum by (namespace, route) ({_on_route('envoy_cluster_upstream_rq_total', '5m')})",
            ),
            *(errors(window) for window in BURN_WINDOWS),
            latency(0.5),
            latency(0.99),
        ),
        (
            Alert(
                "ServingErrorBudgetBurnsFast",
                Severity.CRITICAL,
                2,
                burning(BURN_FAST, "1h", "5m"),
                "Route {{ $labels.namespace }}/{{ $labels.route }} answers with errors",
                "{{ $value | humanizePercentage }} of the last hour's requests ended in 5xx: at this rate the monthly "
                "error budget is gone in two days.",
                "serving-errors.md",
            ),
            Alert(
                "ServingErrorBudgetBurnsSlowly",
                Severity.WARNING,
                15,
                burning(BURN_SLOW, "6h", "30m"),
                "Route {{ $labels.namespace }}/{{ $labels.route }} loses requests",
                "{{ $value | humanizePercentage }} of requests of the last six hours ended in 5xx.",
                "serving-errors.md",
            ),
            Alert(
                "ServingLatencyHigh",
                Severity.WARNING,
                10,
                f"route:latency_milliseconds:p99{{{not_models}}} > {int(scope.objectives['latency_milliseconds'])} "
                "and on (namespace, route) route:requests:rate5m > 0.1",
                "Route {{ $labels.namespace }}/{{ $labels.route }} is slow",
                "One request in a hundred takes {{ $value }} ms or more.",
                "serving.md#servinglatencyhigh",
            ),
            Alert(
                "ModelServerUnavailable",
                Severity.CRITICAL,
                5,
                f"kube_deployment_status_replicas_available == 0 and {deployment} kube_deployment_spec_replicas > 0 "
                f"and {deployment} {SERVING}",
                "Model server {{ $labels.namespace }}/{{ $labels.deployment }} has no replica that answers",
                "Every request to it fails.",
                "model-server-unavailable.md",
            ),
            Alert(
                "ModelServerReplicasMissing",
                Severity.WARNING,
                15,
                f"kube_deployment_status_replicas_available < {deployment} kube_deployment_spec_replicas "
                f"and {deployment} {SERVING}",
                "Model server {{ $labels.namespace }}/{{ $labels.deployment }} has fewer replicas than it should",
                "{{ $value }} answer; the others have not been ready for a quarter of an hour.",
                "serving.md#modelserverreplicasmissing",
            ),
            Alert(
                "ServingAtMaxReplicas",
                Severity.WARNING,
                30,
                "kube_horizontalpodautoscaler_status_current_replicas "
                f">= {autoscaler} kube_horizontalpodautoscaler_spec_max_replicas "
                f"and {autoscaler} (kube_horizontalpodautoscaler_spec_max_replicas "
                f"> {autoscaler} kube_horizontalpodautoscaler_spec_min_replicas)",
                "{{ $labels.namespace }}/{{ $labels.horizontalpodautoscaler }} cannot scale any further",
                "It has run with its most replicas ({{ $value }}) for half an hour.",
                "serving.md#servingatmaxreplicas",
            ),
            Alert(
                "InferenceServiceNotReady",
                Severity.WARNING,
                15,
                'kube_customresource_inferenceservice_condition{type="Ready"} == 0',
                "InferenceService {{ $labels.namespace }}/{{ $labels.name }} is not ready",
                "Its newest state could not be brought up; an older one may still answer.",
                "serving.md#inferenceservicenotready",
            ),
        ),
    )


def mlflow(scope: RuleScope) -> Group:
    """The tracking server."""
    here = f'namespace="{scope.mlflow_namespace}"'
    requests = f"rate(mlflow_http_request_total{{{here}}}[5m])"
    failed = f'rate(mlflow_http_request_total{{{here},status=~"5.."}}[5m])'
    return Group(
        "mlflow",
        (
            Recording("mlflow:requests:rate5m", f"sum ({requests})"),
            Recording("mlflow:request_errors:ratio_rate5m", f"sum ({failed}) / sum ({requests})"),
        ),
        (
            Alert(
                "MlflowDown",
                Severity.CRITICAL,
                5,
                f"kube_deployment_status_replicas_available{{{here}}} == 0 "
                "and on (namespace, deployment) kube_deployment_spec_replicas > 0",
                "MLflow ({{ $labels.namespace }}/{{ $labels.deployment }}) is down",
                "Training jobs cannot log; those without retries fail.",
                "mlflow-down.md",
            ),
            Alert(
                "MlflowErrors",
                Severity.WARNING,
                10,
                "mlflow:request_errors:ratio_rate5m > 0.05",
                "MLflow answers {{ $value | humanizePercentage }} of requests with errors",
                "The database or the object store is the usual reason.",
                "mlflow-down.md#errors",
            ),
        ),
    )


def platform(scope: RuleScope) -> Group:
    """What everything else stands on: certificates, volumes, backups."""
    seconds = int(scope.backup_age_hours) * 3600
    backup = 'cronjob=~".*backup.*"'
    return Group(
        "platform",
        (),
        (
            Alert(
                "CertificateExpiresSoon",
                Severity.CRITICAL,
                60,
                "certmanager_certificate_expiration_timestamp_seconds - time() < 3 * 86400",
                "Certificate {{ $labels.exported_namespace }}/{{ $labels.name }} expires in "
                "{{ $value | humanizeDuration }}",
                "cert-manager should have renewed it weeks ago.",
                "certificate-expires-soon.md",
            ),
            Alert(
                "CertificateNotReady",
                Severity.WARNING,
                30,
                'certmanager_certificate_ready_status{condition="True"} == 0',
                "Certificate {{ $labels.exported_namespace }}/{{ $labels.name }} is not ready",
                "It could not be issued or renewed.",
                "certificate-expires-soon.md",
            ),
            Alert(
                "VolumeNearlyFull",
                Severity.CRITICAL,
                15,
                "kubelet_volume_stats_available_bytes / kubelet_volume_stats_capacity_bytes < 0.08 "
                "unless on (namespace, persistentvolumeclaim) "
                '(kube_persistentvolumeclaim_access_mode{access_mode="ReadOnlyMany"} == 1)',
                "Volume {{ $labels.namespace }}/{{ $labels.persistentvolumeclaim }} is nearly full",
                "{{ $value | humanizePercentage }} is left; a checkpoint or a database that cannot write stops.",
                "volume-nearly-full.md",
            ),
            Alert(
                "BackupTooOld",
                Severity.WARNING,
                0,
                f"time() - kube_cronjob_status_last_successful_time{{{backup}}} > {seconds} or "
                f"(time() - kube_cronjob_created{{{backup}}} > {seconds} "
                f"unless on (namespace, cronjob) kube_cronjob_status_last_successful_time{{{backup}}})",
                "The last good run of {{ $labels.namespace }}/{{ $labels.cronjob }} is "
                "{{ $value | humanizeDuration }} ago, or there was none",
                "What was written since cannot be restored.",
                "backup-too-old.md",
            ),
        ),
    )


def groups(scope: RuleScope) -> Iterator[Group]:
    """All groups of one environment."""
    yield accelerators(scope)
    yield training(scope)
    yield serving(scope)
    if scope.mlflow_namespace:
        yield mlflow(scope)
    yield platform(scope)


def rule_group(group: Group, runbook_base_url: str) -> dict[str, Any]:
    """One group as a PrometheusRule and promtool write it."""
    recordings = [{"record": row.name, "expr": row.expression} for row in group.recordings]
    return {
        "name": f"mlplatform-{group.name}",
        "rules": [*recordings, *(_alert(row, runbook_base_url) for row in group.alerts)],
    }


def _alert(row: Alert, runbook_base_url: str) -> dict[str, Any]:
    base = runbook_base_url.rstrip("/") or "docs/runbooks"
    return {
        "alert": row.name,
        "expr": row.expression,
        **({"for": f"{row.for_minutes}m"} if row.for_minutes else {}),
        "labels": {"severity": row.severity.value},
        "annotations": {
            "summary": row.summary,
            "description": row.description,
            "runbook_url": f"{base}/{row.runbook}",
        },
    }
