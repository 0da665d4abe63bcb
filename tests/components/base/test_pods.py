"""What the shared parts of pods look like. Not proved here: that Pod Security admission takes them (engine tests)."""

from pulumi import Output

from catalog.accelerators import ClusterKind, Sharing
from components.base.pods import (
    claimed,
    container,
    environment,
    environment_from_secret,
    from_secret,
    http_probe,
    pod_spec,
    resources,
    scratch,
    spread,
    startup_probe,
)
from components.capacity.placement import AcceleratorRequest, PoolArgs, PoolHandle, plan_pool, pod_needs


def h100() -> PoolHandle:
    return plan_pool("h100", PoolArgs(accelerator="H100", nodes_max=2), ClusterKind.SIMULATED)[0]


def test_a_pod_is_restricted_without_being_asked() -> None:
    small = resources(cpu_millis=100, memory_mib=128)
    spec = pod_spec(
        containers=[container(name="main", image="busybox:1.37", resources=small)], service_account="runner"
    )
    assert spec == {
        "serviceAccountName": "runner",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "runAsGroup": 10001,
            "fsGroup": 10001,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": "main",
                "image": "busybox:1.37",
                "resources": small,
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "capabilities": {"drop": ["ALL"]},
                    "privileged": False,
                    "readOnlyRootFilesystem": True,
                    "runAsNonRoot": True,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
            }
        ],
    }


def test_memory_storage_and_devices_are_requested_as_they_are_limited_and_cpu_is_not_throttled() -> None:
    needs = pod_needs(h100(), AcceleratorRequest(count=4))
    assert resources(cpu_millis=1500, memory_mib=65536, ephemeral_storage_mib=512, units=needs["units"]) == {
        "requests": {"cpu": "1500m", "memory": "64Gi", "ephemeral-storage": "512Mi", "nvidia.com/gpu": "4"},
        "limits": {"memory": "64Gi", "ephemeral-storage": "512Mi", "nvidia.com/gpu": "4"},
    }


def test_a_cpu_limit_is_written_only_when_it_is_asked_for() -> None:
    limited = resources(cpu_millis=1000, memory_mib=1536, cpu_limit_millis=2000)
    assert limited["limits"]["cpu"] == "2"
    assert limited["requests"] == {"cpu": "1", "memory": "1536Mi", "ephemeral-storage": "1Gi"}


def test_a_pool_decides_selector_and_tolerations() -> None:
    spec = pod_spec(containers=[], service_account="runner", pool=h100())
    assert spec["nodeSelector"]["mlplatform.dev/pool"] == "h100"
    assert spec["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]


def test_a_cpu_pool_adds_no_tolerations() -> None:
    pool, _, _ = plan_pool("cpu", PoolArgs(nodes_max=1), ClusterKind.SIMULATED)
    assert "tolerations" not in pod_spec(containers=[], service_account="runner", pool=pool)


def test_a_volume_mounted_by_two_containers_is_declared_once() -> None:
    tmp, weights = scratch("tmp", "/tmp", 512), claimed("weights", "/weights", "weights-0", read_only=True)
    spec = pod_spec(containers=[], service_account="runner", mounts=[tmp, weights, tmp])
    assert spec["volumes"] == [
        {"name": "tmp", "emptyDir": {"sizeLimit": "512Mi"}},
        {"name": "weights", "persistentVolumeClaim": {"claimName": "weights-0", "readOnly": True}},
    ]


def test_files_of_a_secret_are_not_readable_by_everybody() -> None:
    assert from_secret("key", "/key", "store").volume["secret"] == {"secretName": "store", "defaultMode": 0o440}


def test_the_environment_is_sorted_so_that_its_order_is_no_change() -> None:
    assert environment({"B": "2", "A": "1"}) == [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    assert environment_from_secret("store", {"KEY": "key"}) == [
        {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "store", "key": "key"}}}
    ]


def test_a_startup_probe_waits_as_long_as_configured() -> None:
    probe = startup_probe("/ready", 8080, within_seconds=605)
    assert probe["periodSeconds"] * probe["failureThreshold"] == 610
    assert http_probe("/ready", "http")["httpGet"] == {"path": "/ready", "port": "http", "scheme": "HTTP"}


def test_spreading_is_a_wish_unless_it_is_required() -> None:
    assert spread({"app": "x"})["whenUnsatisfiable"] == "ScheduleAnyway"
    assert spread({"app": "x"}, required=True)["whenUnsatisfiable"] == "DoNotSchedule"


def test_outputs_and_empty_fields_may_be_handed_in() -> None:
    account = Output.from_input("runner")
    spec = pod_spec(containers=[], service_account=account, priorityClassName=account, affinity={}, hostname=None)
    assert spec["serviceAccountName"] is account
    assert spec["priorityClassName"] is account
    assert "affinity" not in spec
    assert "hostname" not in spec


def test_a_share_of_a_device_is_asked_for_by_its_own_name() -> None:
    sharing = {"strategy": Sharing.TIME_SLICING, "replicas": 4}
    pool, _, _ = plan_pool("l4", PoolArgs(accelerator="L4", nodes_max=1, sharing=sharing), ClusterKind.SIMULATED)
    assert pod_needs(pool, AcceleratorRequest(count=1))["units"] == {"nvidia.com/gpu.shared": "1"}
