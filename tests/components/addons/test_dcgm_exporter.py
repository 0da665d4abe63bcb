"""What DcgmExporter registers. Not proved here: that a real exporter accepts the counters file."""

import pytest

from components.addons.accelerator_nodes import GKE_DRIVER_ROOT
from components.addons.dcgm_exporter import COUNTERS, DcgmExporter, DcgmExporterArgs, counters_file
from components.findings import Refused
from components.monitoring.metrics import DCGM_COUNTERS, METRICS
from tests.components.addons.pools import ALL, CPU, H100, MIG, STUB
from tests.recorder import Recording, record


def exporter(**changes: object) -> Recording:
    args: DcgmExporterArgs = {"pools": ALL, "source": STUB, **changes}  # type: ignore[typeddict-item]
    return record(lambda: DcgmExporter("dcgm", args) and None)


def test_it_is_a_chart_in_a_namespace_of_its_own() -> None:
    recording = exporter()
    assert recording.kinds() == [
        "AddonChart dcgm-chart",
        "Chart dcgm-chart-chart",
        "DcgmExporter dcgm",
        "IsolatedNamespace dcgm-namespace",
        "Namespace dcgm-namespace-namespace",
        "NetworkPolicy dcgm-namespace-allow-api-server",
        "NetworkPolicy dcgm-namespace-allow-dns",
        "NetworkPolicy dcgm-namespace-default-deny",
    ]
    assert recording.one("Chart").inputs["chart"] == "/mirror/charts/dcgm-exporter"
    assert exporter(namespace="gpu-metrics").one("Namespace").inputs["metadata"]["name"] == "gpu-metrics"


def test_without_monitoring_there_is_no_monitor_and_no_opening() -> None:
    assert exporter().one("Chart").inputs["values"]["serviceMonitor"] == {"enabled": False}
    watched = exporter(monitoring_namespace="monitoring")
    assert watched.one("Chart").inputs["values"]["serviceMonitor"] == {"enabled": True}
    policy = watched.one("NetworkPolicy", "allow-metrics").inputs["spec"]["ingress"][0]
    assert policy["ports"] == [{"protocol": "TCP", "port": 9400}]


def test_it_exports_every_metric_of_dcgm_that_a_rule_or_dashboard_uses() -> None:
    exported = {line.split(",")[0] for line in counters_file(profiling=True).splitlines()}
    assert {name for name in METRICS if name.startswith("DCGM_")} <= exported


def test_each_counter_stands_once_in_the_file_in_the_form_that_the_exporter_reads() -> None:
    lines = exporter().one("Chart").inputs["values"]["customMetrics"].splitlines()
    assert len(lines) == len({line.split(",")[0] for line in lines}) == len(COUNTERS) + len(DCGM_COUNTERS)
    for line in lines:
        field, kind, text = line.split(", ", 2)
        assert field.startswith("DCGM_FI_")
        assert kind in ("gauge", "counter")
        assert text.endswith(".")


def test_without_profiling_neither_the_metrics_nor_the_capability_are_there() -> None:
    values = exporter(profiling=False).one("Chart").inputs["values"]
    assert "DCGM_FI_PROF_" not in values["customMetrics"]
    assert values["securityContext"]["capabilities"] == {"drop": ["ALL"], "add": []}
    capabilities = exporter().one("Chart").inputs["values"]["securityContext"]["capabilities"]
    assert capabilities == {"drop": ["ALL"], "add": ["SYS_ADMIN"]}


def test_pods_are_named_also_where_they_share_a_device() -> None:
    values = exporter().one("Chart").inputs["values"]
    assert values["extraEnv"] == [{"name": "KUBERNETES_VIRTUAL_GPUS", "value": "true"}]
    assert values["kubernetes"] == {"enablePodLabels": True, "podLabelAllowlistRegex": ["^mlplatform\\.dev/"]}
    assert exporter(pools=[H100, MIG]).one("Chart").inputs["values"]["extraEnv"] == []


def test_where_no_runtime_mounts_the_driver_the_exporter_mounts_it_and_gets_the_devices() -> None:
    """On GKE the exporter found no NVML and exported nothing (NVIDIA/dcgm-exporter issues 484, 523, 530)."""
    values = exporter(driver_root=GKE_DRIVER_ROOT).one("Chart").inputs["values"]
    (volume,), (mount,) = values["extraHostVolumes"], values["extraVolumeMounts"]
    assert (volume["name"], volume["hostPath"]) == (mount["name"], "/home/kubernetes/bin/nvidia")
    assert {"name": "LD_LIBRARY_PATH", "value": f"{mount['mountPath']}/lib64"} in values["extraEnv"]
    assert values["securityContext"] == {"privileged": True, "allowPrivilegeEscalation": True}
    assert not {"extraHostVolumes", "extraVolumeMounts"} & exporter().one("Chart").inputs["values"].keys()


def test_it_runs_on_nodes_with_nvidia_devices_alone_and_tolerates_their_taints() -> None:
    values = exporter().one("Chart").inputs["values"]
    terms = values["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert [expression["values"] for expression in terms[0]["matchExpressions"]] == [["h100", "l4", "mig", "t4"]]
    assert [toleration["key"] for toleration in values["tolerations"]] == ["mlplatform.dev/spot", "nvidia.com/gpu"]
    assert values["resources"]["requests"]["memory"] == values["resources"]["limits"]["memory"]
    assert exporter(runtime_class="nvidia").one("Chart").inputs["values"]["runtimeClassName"] == "nvidia"


def test_a_cluster_without_nvidia_devices_is_refused() -> None:
    def program() -> None:
        with pytest.raises(Refused, match="no pool with NVIDIA devices"):
            DcgmExporter("dcgm", {"pools": [CPU], "source": STUB})

    assert record(program).resources == []
