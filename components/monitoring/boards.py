"""Panels of the dashboards, as rows. Pure.

`python -m components.monitoring.grafana` turns the rows into the JSON that Grafana loads; `$pool` and `$namespace` are
the variables at the top of a dashboard, `$__rate_interval` is Grafana's own.
"""

from enum import StrEnum
from typing import NamedTuple


class Look(StrEnum):
    """Visualization of a panel."""

    LINES = "lines"
    NUMBER = "number"
    BARS = "bars"


class Panel(NamedTuple):
    """One panel. Units are Grafana's: `percentunit` is 0 to 1, `short` a plain number."""

    title: str
    unit: str
    queries: tuple[tuple[str, str], ...]
    """PromQL, and the legend over its labels."""
    look: Look = Look.LINES
    width: int = 12
    """Of 24 columns."""
    description: str = ""


class DashboardVariable(NamedTuple):
    """A variable at the top of a dashboard; the default selects everything."""

    name: str
    query: str


class Board(NamedTuple):
    """One dashboard."""

    uid: str
    title: str
    choices: tuple[DashboardVariable, ...]
    panels: tuple[Panel, ...]


POOL = DashboardVariable("pool", "label_values(node:pool:info, pool)")
NAMESPACE = DashboardVariable("namespace", "label_values(namespace:accelerators_requested:sum, namespace)")
ROUTE_NAMESPACE = DashboardVariable("namespace", "label_values(route:requests:rate5m, namespace)")
JOB_NAMESPACE = DashboardVariable(
    "namespace", 'label_values(kube_job_labels{label_app_kubernetes_io_component="training"}, namespace)'
)

_GPU = 'pool=~"$pool",namespace=~"$namespace|"'
_OURS = 'namespace=~"$namespace"'
_TRAINING = f'kube_job_labels{{label_app_kubernetes_io_component="training",{_OURS}}}'
_AND_TRAINING = f"and on (namespace, job_name) {_TRAINING}"
_DCGM = 'exported_namespace=~"$namespace|"'

ACCELERATORS = Board(
    "mlplatform-accelerators",
    "Accelerators",
    (POOL, NAMESPACE),
    (
        Panel(
            "Utilisation",
            "percentunit",
            ((f"avg(gpu:utilisation:ratio{{{_GPU}}})", "now"),),
            Look.NUMBER,
            6,
            "Average over all GPUs, used or not.",
        ),
        Panel(
            "GPUs held and idle",
            "short",
            (
                (
                    'count(gpu:utilisation:ratio{pool=~"$pool",namespace=~"$namespace",namespace!=""} < 0.05) '
                    "or vector(0)",
                    "",
                ),
            ),
            Look.NUMBER,
            6,
            "Given to a pod and below 5 %.",
        ),
        Panel(
            "Devices out of service",
            "short",
            (
                (
                    'sum(pool:accelerators_capacity:sum{pool=~"$pool"}) '
                    '- sum(pool:accelerators_allocatable:sum{pool=~"$pool"})',
                    "",
                ),
            ),
            Look.NUMBER,
            6,
        ),
        Panel(
            "Units waited for",
            "short",
            ((f'sum(pod:accelerators_requested:sum{{node="",{_OURS}}}) or vector(0)', ""),),
            Look.NUMBER,
            6,
        ),
        Panel("Utilisation by pool", "percentunit", (('pool:gpu_utilisation:avg{pool=~"$pool"}', "{{pool}}"),)),
        Panel("Utilisation by team", "percentunit", ((f"namespace:gpu_utilisation:avg{{{_OURS}}}", "{{namespace}}"),)),
        Panel(
            "Units requested and allocatable by pool",
            "short",
            (
                ('pool:accelerators_requested:sum{pool=~"$pool"}', "{{pool}} {{resource}} requested"),
                ('pool:accelerators_allocatable:sum{pool=~"$pool"}', "{{pool}} {{resource}} allocatable"),
            ),
        ),
        Panel(
            "GPU memory used",
            "percentunit",
            ((f"max by (namespace, pod) (gpu:memory_used:ratio{{{_GPU}}})", "{{namespace}}/{{pod}}"),),
        ),
        Panel(
            "Hottest GPU of each node",
            "celsius",
            ((f"max by (Hostname) (DCGM_FI_DEV_GPU_TEMP{{{_DCGM}}})", "{{Hostname}}"),),
        ),
        Panel("Power", "watt", ((f"sum by (Hostname) (DCGM_FI_DEV_POWER_USAGE{{{_DCGM}}})", "{{Hostname}}"),)),
        Panel(
            "Last XID",
            "short",
            ((f"max by (Hostname, UUID) (DCGM_FI_DEV_XID_ERRORS{{{_DCGM}}} > 0)", "{{Hostname}} {{UUID}}"),),
            Look.BARS,
        ),
        Panel(
            "Slowed down by heat",
            "percentunit",
            (
                (
                    f"max by (Hostname) (rate(DCGM_FI_DEV_THERMAL_VIOLATION{{{_DCGM}}}[$__rate_interval])) / 1e9",
                    "{{Hostname}}",
                ),
            ),
        ),
    ),
)

TRAINING = Board(
    "mlplatform-training",
    "Training",
    (JOB_NAMESPACE,),
    (
        Panel(
            "Running",
            "short",
            ((f"count(kube_job_status_active > 0 {_AND_TRAINING}) or vector(0)", ""),),
            Look.NUMBER,
            8,
        ),
        Panel(
            "Failed",
            "short",
            ((f'count(kube_job_failed{{condition="true"}} == 1 {_AND_TRAINING}) or vector(0)', ""),),
            Look.NUMBER,
            8,
        ),
        Panel(
            "Waiting for workers",
            "short",
            (
                (
                    "count(kube_job_status_ready + on (namespace, job_name) kube_job_status_succeeded "
                    "< on (namespace, job_name) kube_job_spec_parallelism "
                    f"and on (namespace, job_name) kube_job_status_active > 0 {_AND_TRAINING}) or vector(0)",
                    "",
                ),
            ),
            Look.NUMBER,
            8,
        ),
        Panel(
            "Workers ready",
            "percentunit",
            (
                (
                    "kube_job_status_ready / on (namespace, job_name) kube_job_spec_parallelism "
                    f"and on (namespace, job_name) kube_job_status_active > 0 {_AND_TRAINING}",
                    "{{namespace}}/{{job_name}}",
                ),
            ),
        ),
        Panel(
            "Share of the deadline used",
            "percentunit",
            ((f"job:deadline_used:ratio {_AND_TRAINING}", "{{namespace}}/{{job_name}}"),),
            Look.BARS,
        ),
        Panel(
            "Failed workers",
            "short",
            ((f'kube_job_status_failed{{reason=""}} {_AND_TRAINING}', "{{namespace}}/{{job_name}}"),),
        ),
        Panel(
            "Utilisation of its GPUs by pod",
            "percentunit",
            ((f'avg by (namespace, pod) (gpu:utilisation:ratio{{{_OURS},namespace!=""}})', "{{namespace}}/{{pod}}"),),
        ),
    ),
)

_ROUTE = f"{{{_OURS}}}"
SERVING = Board(
    "mlplatform-serving",
    "Serving",
    (ROUTE_NAMESPACE,),
    (
        Panel("Requests", "reqps", ((f"route:requests:rate5m{_ROUTE}", "{{namespace}}/{{route}}"),)),
        Panel(
            "Requests that ended in 5xx",
            "percentunit",
            ((f"route:request_errors:ratio_rate5m{_ROUTE}", "{{namespace}}/{{route}}"),),
        ),
        Panel(
            "Latency",
            "ms",
            (
                (f"route:latency_milliseconds:p50{_ROUTE}", "{{namespace}}/{{route}} half"),
                (f"route:latency_milliseconds:p99{_ROUTE}", "{{namespace}}/{{route}} 99 of 100"),
            ),
        ),
        Panel(
            "Prediction alone, 99 of 100",
            "s",
            (
                (
                    "histogram_quantile(0.99, sum by (namespace, model_name, le) "
                    f"(rate(request_predict_seconds_bucket{_ROUTE}[$__rate_interval])))",
                    "{{namespace}}/{{model_name}}",
                ),
            ),
            description="Inside KServe's model servers, without network, queue and transformer.",
        ),
        Panel(
            "Predictions",
            "reqps",
            (
                (
                    f"sum by (namespace, model_name) (rate(request_predict_seconds_count{_ROUTE}[$__rate_interval]))",
                    "{{namespace}}/{{model_name}}",
                ),
            ),
        ),
        Panel(
            "Replicas",
            "short",
            (
                (f"kube_deployment_status_replicas_available{_ROUTE}", "{{namespace}}/{{deployment}} available"),
                (f"kube_deployment_spec_replicas{_ROUTE}", "{{namespace}}/{{deployment}} wanted"),
            ),
        ),
        Panel(
            "Share of the most replicas",
            "percentunit",
            (
                (
                    f"kube_horizontalpodautoscaler_status_current_replicas{_ROUTE} "
                    "/ on (namespace, horizontalpodautoscaler) kube_horizontalpodautoscaler_spec_max_replicas",
                    "{{namespace}}/{{horizontalpodautoscaler}}",
                ),
            ),
        ),
        Panel(
            "InferenceServices that are not ready",
            "short",
            (
                (
                    f'kube_customresource_inferenceservice_condition{{type="Ready",{_OURS}}} == 0',
                    "{{namespace}}/{{name}}",
                ),
            ),
            Look.BARS,
        ),
    ),
)

MLFLOW = Board(
    "mlplatform-mlflow",
    "MLflow",
    (),
    (
        Panel("Requests", "reqps", (("mlflow:requests:rate5m", "all"),)),
        Panel("Requests that ended in 5xx", "percentunit", (("mlflow:request_errors:ratio_rate5m", "all"),)),
        Panel(
            "Latency, 99 of 100",
            "s",
            (
                (
                    "histogram_quantile(0.99, sum by (method, le) "
                    "(rate(mlflow_http_request_duration_seconds_bucket[$__rate_interval])))",
                    "{{method}}",
                ),
            ),
        ),
        Panel(
            "Time since the last good backup",
            "s",
            (
                (
                    'time() - kube_cronjob_status_last_successful_time{cronjob=~".*backup.*"}',
                    "{{namespace}}/{{cronjob}}",
                ),
            ),
            Look.BARS,
        ),
    ),
)

CAPACITY = Board(
    "mlplatform-capacity",
    "Capacity and quotas",
    (NAMESPACE,),
    (
        Panel(
            "Quota used by team",
            "percentunit",
            ((f"namespace:accelerator_quota_used:ratio{{{_OURS}}}", "{{namespace}} {{resource}}"),),
            Look.BARS,
        ),
        Panel(
            "Units requested by team",
            "short",
            ((f"namespace:accelerators_requested:sum{{{_OURS}}}", "{{namespace}} {{resource}}"),),
        ),
        Panel(
            "Share of each pool that is given out",
            "percentunit",
            (
                (
                    "pool:accelerators_requested:sum / on (pool, resource) pool:accelerators_allocatable:sum",
                    "{{pool}} {{resource}}",
                ),
            ),
        ),
        Panel(
            "Fullest volumes",
            "percentunit",
            (
                (
                    "topk(10, 1 - kubelet_volume_stats_available_bytes / kubelet_volume_stats_capacity_bytes)",
                    "{{namespace}}/{{persistentvolumeclaim}}",
                ),
            ),
            Look.BARS,
        ),
        Panel(
            "Certificates: time left",
            "s",
            (
                (
                    "sort(certmanager_certificate_expiration_timestamp_seconds - time())",
                    "{{exported_namespace}}/{{name}}",
                ),
            ),
            Look.BARS,
        ),
    ),
)

BOARDS: tuple[Board, ...] = (ACCELERATORS, TRAINING, SERVING, MLFLOW, CAPACITY)


def plain(expression: str) -> str:
    """An expression for Prometheus: Grafana's variables are replaced by values that select everything."""
    return expression.replace("$__rate_interval", "5m").replace("$pool", ".*").replace("$namespace", ".*")


def expressions() -> list[str]:
    """Every expression of every dashboard."""
    return [plain(query) for board in BOARDS for panel in board.panels for query, _ in panel.queries]
