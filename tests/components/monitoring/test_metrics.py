"""The table of metrics. Not proved: that each exporter really exports them (no exporter runs here)."""

import re

import pytest

from catalog.accelerators import ACCELERATORS
from components.base.labels import ROLE_LABEL, Role
from components.capacity.placement import POOL_LABEL, PURCHASE_LABEL, SIMULATED_LABEL
from components.monitoring.accelerator_rules import accelerator_node_labels
from components.monitoring.metrics import (
    CUSTOM_RESOURCE_METRICS,
    DCGM_COUNTERS,
    METRICS,
    NODE_LABELS,
    WORKLOAD_LABELS,
    label_metric,
)
from components.monitoring.rules import SERVING, TRAINING


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda metric: metric.name)
def test_every_metric_names_the_repository_or_page_it_was_read_from(metric: object) -> None:
    source = getattr(metric, "source")  # noqa: B009
    assert re.search(r"\w+/[\w.-]+|CUSTOM_RESOURCE_METRICS", source)


def test_the_labels_of_pools_are_among_those_that_kube_state_metrics_exports() -> None:
    assert {POOL_LABEL, PURCHASE_LABEL, SIMULATED_LABEL} <= set(NODE_LABELS)


def test_every_accelerator_of_the_catalogue_is_identified_by_an_exported_node_label_on_every_kind_of_cluster() -> None:
    exported = set(accelerator_node_labels())
    blind = [
        (row.name, kind.value)
        for row in ACCELERATORS.values()
        for kind, labels in row.node_labels.items()
        if not exported & set(labels)
    ]
    assert blind == []


def test_kubernetes_labels_are_named_as_kube_state_metrics_exports_them() -> None:
    assert label_metric("app.kubernetes.io/component") == "label_app_kubernetes_io_component"
    assert label_metric("nvidia.com/gpu.present") == "label_nvidia_com_gpu_present"


def test_labels_that_rules_select_by_are_exported() -> None:
    assert {label_metric(label) for label in WORKLOAD_LABELS} == {
        "label_app_kubernetes_io_component",
        "label_serving_kserve_io_inferenceservice",
    }


def test_workloads_are_distinguished_by_their_label() -> None:
    assert ROLE_LABEL in WORKLOAD_LABELS
    assert f'{label_metric(ROLE_LABEL)}="{Role.TRAINING}"' in TRAINING
    assert f'{label_metric(ROLE_LABEL)}="{Role.SERVING}"' in SERVING


def test_the_condition_of_inference_services_is_read_under_the_name_of_the_table() -> None:
    (resource,) = CUSTOM_RESOURCE_METRICS["spec"]["resources"]
    (metric,) = resource["metrics"]
    assert f"kube_customresource_{metric['name']}" in METRICS


def test_counters_that_dcgm_leaves_out_by_default_are_asked_for() -> None:
    assert {counter.field for counter in DCGM_COUNTERS} == {"DCGM_FI_DEV_THERMAL_VIOLATION"}
    assert all(counter.field in METRICS for counter in DCGM_COUNTERS)
