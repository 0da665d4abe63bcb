"""Recording and alerting rules as tables: expressions, severities and runbooks.

Pure. `critical` pages the person on call, so each has a runbook under docs/runbooks; `warning` can wait for working
hours, `info` is only on dashboards. Every metric is in `components.monitoring.metrics`; promtool tests every alert.
"""

import math
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from components.base.schedules import longest_gap
from components.monitoring.accelerator_rules import accelerators
from components.monitoring.rule import BACKUP_HOURS, Alert, AlertSeverity, Recording, RuleGroup, RuleScope


def backup_age_hours(schedule: str) -> int:
    """Age at which the last good backup of a schedule (five fields of cron, UTC) is too old. Pure."""
    return math.ceil(longest_gap(schedule) / timedelta(hours=1)) + BACKUP_HOURS


TRAINING = 'kube_job_labels{label_app_kubernetes_io_component="training"}'
SERVING = (
    '(kube_deployment_labels{label_app_kubernetes_io_component="serving"} '
    'or kube_deployment_labels{label_serving_kserve_io_inferenceservice!=""})'
)
BURN_FAST, BURN_SLOW = 14.4, 6.0
"""Burn rates of a 30-day error budget: 2 % in 1 h, 5 % in 6 h. Source: Google SRE workbook, chapter 5."""
BURN_WINDOWS = ("5m", "30m", "1h", "6h")


def _on_route(metric: str, window: str, more: str = "") -> str:
    """Rate of an Envoy counter with labels of the HTTPRoute in the Envoy cluster's name: namespace, route."""
    rate = f'rate({metric}{{envoy_cluster_name=~"httproute/.+"{more}}}[{window}])'
    named = f'label_replace({rate}, "namespace", "$1", "envoy_cluster_name", "httproute/([^/]+)/.+")'
    return f'label_replace({named}, "route", "$1", "envoy_cluster_name", "httproute/[^/]+/([^/]+)/.+")'


def training(_: RuleScope) -> RuleGroup:
    """Training jobs: failed, restarting, late, waiting for their gang."""
    job = "on (namespace, job_name)"
    active = f"and {job} kube_job_status_active > 0 and {job} {TRAINING}"
    return RuleGroup(
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
                AlertSeverity.WARNING,
                0,
                f'kube_job_failed{{condition="true"}} == 1 and {job} {TRAINING}',
                "Training job {{ $labels.namespace }}/{{ $labels.job_name }} has failed",
                "It has used up its retries or its deadline, or its failure policy ended it.",
                "training.md#trainingjobfailed",
            ),
            Alert(
                "TrainingRestartsTooOften",
                AlertSeverity.WARNING,
                0,
                f'kube_job_status_failed{{reason=""}} / {job} kube_job_spec_parallelism >= 3 {active}',
                "Training job {{ $labels.namespace }}/{{ $labels.job_name }} keeps restarting",
                "It is on its fourth attempt or later; each one costs the time since the last checkpoint.",
                "training.md#trainingrestartstoooften",
            ),
            Alert(
                "TrainingDeadlineNear",
                AlertSeverity.WARNING,
                0,
                f"job:deadline_used:ratio > 0.9 and {job} {TRAINING}",
                "Training job {{ $labels.namespace }}/{{ $labels.job_name }} is about to run past its deadline",
                "{{ $value | humanizePercentage }} of its time is used; at the deadline it is ended, finished or not.",
                "training.md#trainingdeadlinenear",
            ),
            Alert(
                "TrainingGangWaiting",
                AlertSeverity.WARNING,
                30,
                f"kube_job_status_ready + {job} kube_job_status_succeeded < {job} kube_job_spec_parallelism {active}",
                "Training job {{ $labels.namespace }}/{{ $labels.job_name }} waits for its other workers",
                "Only {{ $value }} of its workers have been ready for half an hour: they hold devices for nothing.",
                "training.md#traininggangwaiting",
            ),
        ),
    )


def serving(scope: RuleScope) -> RuleGroup:
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

    return RuleGroup(
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
                AlertSeverity.CRITICAL,
                2,
                burning(BURN_FAST, "1h", "5m"),
                "Route {{ $labels.namespace }}/{{ $labels.route }} answers with errors",
                "{{ $value | humanizePercentage }} of the last hour's requests ended in 5xx: at this rate the monthly "
                "error budget is gone in two days.",
                "serving-errors.md",
            ),
            Alert(
                "ServingErrorBudgetBurnsSlowly",
                AlertSeverity.WARNING,
                15,
                burning(BURN_SLOW, "6h", "30m"),
                "Route {{ $labels.namespace }}/{{ $labels.route }} loses requests",
                "{{ $value | humanizePercentage }} of requests of the last six hours ended in 5xx.",
                "serving-errors.md",
            ),
            Alert(
                "ServingLatencyHigh",
                AlertSeverity.WARNING,
                10,
                f"route:latency_milliseconds:p99{{{not_models}}} > {int(scope.objectives['latency_milliseconds'])} "
                "and on (namespace, route) route:requests:rate5m > 0.1",
                "Route {{ $labels.namespace }}/{{ $labels.route }} is slow",
                "One request in a hundred takes {{ $value }} ms or more.",
                "serving.md#servinglatencyhigh",
            ),
            Alert(
                "ModelServerUnavailable",
                AlertSeverity.CRITICAL,
                5,
                f"kube_deployment_status_replicas_available == 0 and {deployment} kube_deployment_spec_replicas > 0 "
                f"and {deployment} {SERVING}",
                "Model server {{ $labels.namespace }}/{{ $labels.deployment }} has no replica that answers",
                "Every request to it fails.",
                "model-server-unavailable.md",
            ),
            Alert(
                "ModelServerReplicasMissing",
                AlertSeverity.WARNING,
                15,
                f"kube_deployment_status_replicas_available < {deployment} kube_deployment_spec_replicas "
                f"and {deployment} {SERVING}",
                "Model server {{ $labels.namespace }}/{{ $labels.deployment }} has fewer replicas than it should",
                "{{ $value }} answer; the others have not been ready for a quarter of an hour.",
                "serving.md#modelserverreplicasmissing",
            ),
            Alert(
                "ServingAtMaxReplicas",
                AlertSeverity.WARNING,
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
                AlertSeverity.WARNING,
                15,
                'kube_customresource_inferenceservice_condition{type="Ready"} == 0',
                "InferenceService {{ $labels.namespace }}/{{ $labels.name }} is not ready",
                "Its newest state could not be brought up; an older one may still answer.",
                "serving.md#inferenceservicenotready",
            ),
        ),
    )


def mlflow(scope: RuleScope) -> RuleGroup:
    """The tracking server."""
    here = f'namespace="{scope.mlflow_namespace}"'
    requests = f"rate(mlflow_http_request_total{{{here}}}[5m])"
    failed = f'rate(mlflow_http_request_total{{{here},status=~"5.."}}[5m])'
    return RuleGroup(
        "mlflow",
        (
            Recording("mlflow:requests:rate5m", f"sum ({requests})"),
            Recording("mlflow:request_errors:ratio_rate5m", f"sum ({failed}) / sum ({requests})"),
        ),
        (
            Alert(
                "MlflowDown",
                AlertSeverity.CRITICAL,
                5,
                f"kube_deployment_status_replicas_available{{{here}}} == 0 "
                "and on (namespace, deployment) kube_deployment_spec_replicas > 0",
                "MLflow ({{ $labels.namespace }}/{{ $labels.deployment }}) is down",
                "Training jobs cannot log; those without retries fail.",
                "mlflow-down.md",
            ),
            Alert(
                "MlflowErrors",
                AlertSeverity.WARNING,
                10,
                "mlflow:request_errors:ratio_rate5m > 0.05",
                "MLflow answers {{ $value | humanizePercentage }} of requests with errors",
                "The database or the object store is the usual reason.",
                "mlflow-down.md#errors",
            ),
        ),
    )


def platform(scope: RuleScope) -> RuleGroup:
    """Infrastructure: certificates, volumes, backups."""
    seconds = int(scope.backup_age_hours) * 3600
    backup = 'cronjob=~".*backup.*"'
    return RuleGroup(
        "platform",
        (),
        (
            Alert(
                "CertificateExpiresSoon",
                AlertSeverity.CRITICAL,
                60,
                "certmanager_certificate_expiration_timestamp_seconds - time() < 3 * 86400",
                "Certificate {{ $labels.exported_namespace }}/{{ $labels.name }} expires in "
                "{{ $value | humanizeDuration }}",
                "cert-manager should have renewed it weeks ago.",
                "certificate-expires-soon.md",
            ),
            Alert(
                "CertificateNotReady",
                AlertSeverity.WARNING,
                30,
                'certmanager_certificate_ready_status{condition="True"} == 0',
                "Certificate {{ $labels.exported_namespace }}/{{ $labels.name }} is not ready",
                "It could not be issued or renewed.",
                "certificate-expires-soon.md",
            ),
            Alert(
                "VolumeNearlyFull",
                AlertSeverity.CRITICAL,
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
                AlertSeverity.WARNING,
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


def groups(scope: RuleScope) -> Iterator[RuleGroup]:
    """All groups of one environment."""
    yield accelerators(scope)
    yield training(scope)
    yield serving(scope)
    if scope.mlflow_namespace:
        yield mlflow(scope)
    yield platform(scope)


def rule_group(group: RuleGroup, runbook_base_url: str) -> dict[str, Any]:
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
