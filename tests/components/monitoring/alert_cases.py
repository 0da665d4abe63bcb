"""For every alert: series under which it fires, with the labels it then carries, and series under which it must not.

One sample a minute. `{}` stands for nothing; a series of `quiet` replaces the one of the same name in `fires`.
"""

from typing import NamedTuple

Series = dict[str, str]


class Case(NamedTuple):
    """One alert. `minutes` is when it is looked at; nothing may fire a minute before its `for` is over."""

    minutes: int
    fires: Series
    labels: dict[str, str]
    quiet: Series


def constant(value: float) -> str:
    """The same value for twelve hours."""
    return f"{value}+0x720"


def growing(each_minute: float, start: float = 0) -> str:
    """A counter."""
    return f"{start}+{each_minute}x720"


NODE = 'kube_node_labels{node="n1",label_mlplatform_dev_pool="h100",label_nvidia_com_gpu_present="true"}'
READY = 'kube_node_status_condition{node="n1",condition="Ready",status="true"}'
CAPACITY = 'kube_node_status_capacity{node="n1",resource="nvidia_com_gpu",unit="integer"}'
ALLOCATABLE = 'kube_node_status_allocatable{node="n1",resource="nvidia_com_gpu",unit="integer"}'
HELD = 'Hostname="n1",UUID="GPU-1",namespace="accelerators",pod="dcgm",exported_namespace="vision",exported_pod="t-0"'
ON_GPU = {"node": "n1", "pool": "h100", "UUID": "GPU-1", "namespace": "vision", "pod": "t-0"}
REQUESTED = (
    "kube_pod_container_resource_requests"
    '{namespace="vision",pod="t-0",container="main",node="",resource="nvidia_com_gpu",unit="integer"}'
)
PENDING = 'kube_pod_status_phase{namespace="vision",pod="t-0",phase="Pending"}'
QUOTA = 'namespace="vision",resourcequota="team",resource="requests.nvidia.com/gpu"'

JOB = 'namespace="vision",job_name="resnet"'
TRAINING = f'kube_job_labels{{{JOB},label_app_kubernetes_io_component="training"}}'
OTHER_JOB = f'kube_job_labels{{{JOB},label_app_kubernetes_io_component="backup"}}'
ACTIVE = f"kube_job_status_active{{{JOB}}}"
ON_JOB = {"namespace": "vision", "job_name": "resnet"}

CLUSTER = 'envoy_cluster_name="httproute/vision/resnet/rule/0",namespace="gateway"'
GOOD = f'envoy_cluster_upstream_rq_xx{{{CLUSTER},envoy_response_code_class="2"}}'
BAD = f'envoy_cluster_upstream_rq_xx{{{CLUSTER},envoy_response_code_class="5"}}'
TOTAL = f"envoy_cluster_upstream_rq_total{{{CLUSTER}}}"
ON_ROUTE = {"namespace": "vision", "route": "resnet"}
MODEL_SERVER = 'kube_deployment_labels{namespace="vision",deployment="s",label_app_kubernetes_io_component="serving"}'
AVAILABLE = 'kube_deployment_status_replicas_available{namespace="vision",deployment="s"}'
WANTED = 'kube_deployment_spec_replicas{namespace="vision",deployment="s"}'
ON_DEPLOYMENT = {"namespace": "vision", "deployment": "s"}
SCALER = '{namespace="vision",horizontalpodautoscaler="s"}'
MLFLOW = 'namespace="mlflow",deployment="mlflow"'
CERTIFICATE = 'exported_namespace="gateway",name="wildcard",namespace="cert-manager"'
CLAIM = 'namespace="vision",persistentvolumeclaim="checkpoints"'
BACKUP = 'namespace="mlflow",cronjob="mlflow-backup"'


def _latency(slow_each_minute: int) -> Series:
    buckets = {"1000": 60 - slow_each_minute, "10000": 60, "+Inf": 60}
    return {
        f'envoy_cluster_upstream_rq_time_bucket{{{CLUSTER},le="{bound}"}}': growing(count)
        for bound, count in buckets.items()
    }


CASES: dict[str, Case] = {
    "GpuIdle": Case(
        61,
        {NODE: constant(1), f"DCGM_FI_PROF_GR_ENGINE_ACTIVE{{{HELD}}}": constant(0.01)},
        ON_GPU,
        {f"DCGM_FI_PROF_GR_ENGINE_ACTIVE{{{HELD}}}": constant(0.4)},
    ),
    "GpuFatalXid": Case(
        1,
        {NODE: constant(1), f"DCGM_FI_DEV_XID_ERRORS{{{HELD}}}": constant(79)},
        ON_GPU,
        {f"DCGM_FI_DEV_XID_ERRORS{{{HELD}}}": constant(31)},
    ),
    "GpuRowRemapFailed": Case(
        1,
        {NODE: constant(1), f"DCGM_FI_DEV_ROW_REMAP_FAILURE{{{HELD}}}": constant(1)},
        ON_GPU,
        {f"DCGM_FI_DEV_ROW_REMAP_FAILURE{{{HELD}}}": constant(0)},
    ),
    "GpuMemoryErrors": Case(
        30,
        {NODE: constant(1), f"DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS{{{HELD}}}": "0+0x20 1+0x700"},
        ON_GPU,
        {f"DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS{{{HELD}}}": constant(2)},
    ),
    "GpuThermalThrottling": Case(
        25,
        # 15 of 60 seconds of each minute, in nanoseconds.
        {NODE: constant(1), f"DCGM_FI_DEV_THERMAL_VIOLATION{{{HELD}}}": growing(15e9)},
        ON_GPU,
        {f"DCGM_FI_DEV_THERMAL_VIOLATION{{{HELD}}}": growing(3e9)},
    ),
    "GpuMemoryNearlyFull": Case(
        16,
        {
            NODE: constant(1),
            f"DCGM_FI_DEV_FB_USED{{{HELD}}}": constant(79000),
            f"DCGM_FI_DEV_FB_FREE{{{HELD}}}": constant(1000),
        },
        ON_GPU,
        {f"DCGM_FI_DEV_FB_USED{{{HELD}}}": constant(70000), f"DCGM_FI_DEV_FB_FREE{{{HELD}}}": constant(10000)},
    ),
    "GpuMetricsMissing": Case(
        16,
        {NODE: constant(1), READY: constant(1), CAPACITY: constant(8)},
        {"node": "n1"},
        {f"DCGM_FI_DEV_GPU_UTIL{{{HELD}}}": constant(50)},
    ),
    "DevicePluginMissing": Case(16, {NODE: constant(1), READY: constant(1)}, {"node": "n1"}, {CAPACITY: constant(8)}),
    "AcceleratorsNotAllocatable": Case(
        11,
        {NODE: constant(1), CAPACITY: constant(8), ALLOCATABLE: constant(7)},
        {"node": "n1", "pool": "h100", "resource": "nvidia_com_gpu"},
        {ALLOCATABLE: constant(8)},
    ),
    "AcceleratorPodsPending": Case(
        31,
        {REQUESTED: constant(4), PENDING: constant(1)},
        {"namespace": "vision", "pod": "t-0", "resource": "nvidia_com_gpu"},
        {PENDING: constant(0)},
    ),
    "AcceleratorQuotaNearlyUsed": Case(
        61,
        {
            f'kube_resourcequota{{{QUOTA},type="hard"}}': constant(16),
            f'kube_resourcequota{{{QUOTA},type="used"}}': constant(15),
        },
        {"namespace": "vision", "resource": "requests.nvidia.com/gpu"},
        {f'kube_resourcequota{{{QUOTA},type="used"}}': constant(14)},
    ),
    "TrainingJobFailed": Case(
        1,
        {TRAINING: constant(1), f'kube_job_failed{{{JOB},condition="true"}}': constant(1)},
        {**ON_JOB, "condition": "true"},
        {TRAINING: "_x720", OTHER_JOB: constant(1)},
    ),
    "TrainingRestartsTooOften": Case(
        1,
        {
            TRAINING: constant(1),
            ACTIVE: constant(8),
            f"kube_job_spec_parallelism{{{JOB}}}": constant(8),
            f'kube_job_status_failed{{{JOB},reason=""}}': constant(24),
        },
        ON_JOB,
        {f'kube_job_status_failed{{{JOB},reason=""}}': constant(16)},
    ),
    "TrainingDeadlineNear": Case(
        95,
        {
            TRAINING: constant(1),
            ACTIVE: constant(1),
            f"kube_job_status_start_time{{{JOB}}}": constant(0),
            f"kube_job_spec_active_deadline_seconds{{{JOB}}}": constant(6000),
        },
        ON_JOB,
        {f"kube_job_spec_active_deadline_seconds{{{JOB}}}": constant(60000)},
    ),
    "TrainingGangWaiting": Case(
        31,
        {
            TRAINING: constant(1),
            ACTIVE: constant(8),
            f"kube_job_spec_parallelism{{{JOB}}}": constant(8),
            f"kube_job_status_ready{{{JOB}}}": constant(5),
            f"kube_job_status_succeeded{{{JOB}}}": constant(0),
        },
        ON_JOB,
        {f"kube_job_status_succeeded{{{JOB}}}": constant(3)},
    ),
    "ServingErrorBudgetBurnsFast": Case(
        70, {GOOD: growing(90), BAD: growing(10)}, ON_ROUTE, {GOOD: growing(99), BAD: growing(1)}
    ),
    "ServingErrorBudgetBurnsSlowly": Case(
        400, {GOOD: growing(96), BAD: growing(4)}, ON_ROUTE, {GOOD: growing(99), BAD: growing(1)}
    ),
    "ServingLatencyHigh": Case(20, {TOTAL: growing(60), **_latency(6)}, ON_ROUTE, _latency(0)),
    "ModelServerUnavailable": Case(
        6,
        {MODEL_SERVER: constant(1), AVAILABLE: constant(0), WANTED: constant(2)},
        ON_DEPLOYMENT,
        {AVAILABLE: constant(1)},
    ),
    "ModelServerReplicasMissing": Case(
        16,
        {MODEL_SERVER: constant(1), AVAILABLE: constant(1), WANTED: constant(2)},
        ON_DEPLOYMENT,
        {AVAILABLE: constant(2)},
    ),
    "ServingAtMaxReplicas": Case(
        31,
        {
            f"kube_horizontalpodautoscaler_status_current_replicas{SCALER}": constant(8),
            f"kube_horizontalpodautoscaler_spec_max_replicas{SCALER}": constant(8),
            f"kube_horizontalpodautoscaler_spec_min_replicas{SCALER}": constant(1),
        },
        {"namespace": "vision", "horizontalpodautoscaler": "s"},
        {f"kube_horizontalpodautoscaler_spec_min_replicas{SCALER}": constant(8)},
    ),
    "InferenceServiceNotReady": Case(
        16,
        {'kube_customresource_inferenceservice_condition{namespace="vision",name="m",type="Ready"}': constant(0)},
        {"namespace": "vision", "name": "m", "type": "Ready"},
        {'kube_customresource_inferenceservice_condition{namespace="vision",name="m",type="Ready"}': constant(1)},
    ),
    "MlflowDown": Case(
        6,
        {
            f"kube_deployment_status_replicas_available{{{MLFLOW}}}": constant(0),
            f"kube_deployment_spec_replicas{{{MLFLOW}}}": constant(2),
        },
        {"namespace": "mlflow", "deployment": "mlflow"},
        {f"kube_deployment_status_replicas_available{{{MLFLOW}}}": constant(1)},
    ),
    "MlflowErrors": Case(
        20,
        {
            'mlflow_http_request_total{namespace="mlflow",status="200"}': growing(90),
            'mlflow_http_request_total{namespace="mlflow",status="500"}': growing(10),
        },
        {},
        {'mlflow_http_request_total{namespace="mlflow",status="500"}': growing(1)},
    ),
    "CertificateExpiresSoon": Case(
        61,
        {f"certmanager_certificate_expiration_timestamp_seconds{{{CERTIFICATE}}}": constant(2 * 86400)},
        {"exported_namespace": "gateway", "name": "wildcard", "namespace": "cert-manager"},
        {f"certmanager_certificate_expiration_timestamp_seconds{{{CERTIFICATE}}}": constant(30 * 86400)},
    ),
    "CertificateNotReady": Case(
        31,
        {f'certmanager_certificate_ready_status{{{CERTIFICATE},condition="True"}}': constant(0)},
        {"exported_namespace": "gateway", "name": "wildcard", "namespace": "cert-manager", "condition": "True"},
        {f'certmanager_certificate_ready_status{{{CERTIFICATE},condition="True"}}': constant(1)},
    ),
    "VolumeNearlyFull": Case(
        16,
        {
            f"kubelet_volume_stats_available_bytes{{{CLAIM}}}": constant(5),
            f"kubelet_volume_stats_capacity_bytes{{{CLAIM}}}": constant(100),
        },
        {"namespace": "vision", "persistentvolumeclaim": "checkpoints"},
        {f'kube_persistentvolumeclaim_access_mode{{{CLAIM},access_mode="ReadOnlyMany"}}': constant(1)},
    ),
    "BackupTooOld": Case(
        # 27 hours after a last success at the beginning of time; one sample a minute would be much to write.
        27 * 60,
        {f"kube_cronjob_status_last_successful_time{{{BACKUP}}}": "0+0x1700"},
        {"namespace": "mlflow", "cronjob": "mlflow-backup"},
        {f"kube_cronjob_status_last_successful_time{{{BACKUP}}}": "36000+0x1700"},
    ),
}
