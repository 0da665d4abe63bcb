"""Other ways to make the nodes of a cloud stack, and what a cloud refuses, as previews with the policy pack.

Not proved here: an `up` with them. The simulated clouds make no nodes for Karpenter, Auto Mode and Autopilot.
"""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.events import Outcome
from tools.facts import CHECKOUT
from tools.rehearsal import Rehearsal, rehearsal_settings

Change = Callable[[dict[str, Any]], None]


def previewed(stack: str, change: Change, quotas: dict[str, Any] | None = None) -> Outcome:
    """The preview of a stack with other settings, on an empty simulated cloud."""
    content = yaml.safe_load(rehearsal_settings((CHECKOUT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8")))
    sections = {key.removeprefix("mlplatform:"): value for key, value in content["config"].items()}
    change(sections)
    content["config"] = {f"mlplatform:{key}": value for key, value in sections.items()}
    text = yaml.safe_dump(content, sort_keys=False)
    rehearsal = Rehearsal(stack)
    with rehearsal._cloud() as (run, cloud):
        if quotas is not None:
            (cloud.directory / "quotas.json").write_text(json.dumps(quotas), encoding="utf-8")
        engine = dataclasses.replace(run.engine, edit_settings=lambda _: text)
        engine.create()
        outcome = engine.preview()
    rehearsal.end()
    return outcome


@pytest.fixture(autouse=True)
def _in_a_home_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLPLATFORM_HOME", str(tmp_path))


def whole_devices(sections: dict[str, Any]) -> None:
    """What Karpenter and Auto Mode can make: whole devices, no node before it is needed."""
    pools = sections["cluster"]["pools"]
    for name in ("a100-mig", "l4"):
        del pools[name]["sharing"]
    del pools["a100-mig"]["workingHours"], pools["l4"]["nodesMin"], pools["h100"]["nodesMin"]
    sections["teams"]["vision"]["quota"] = {"h100": 32, "l4": 16}
    sections["teams"]["language"]["quota"] = {"h100": 32, "l4": 16}
    del sections["training"]["nightly"], sections["environment"]["deviceCaps"]


LOW = {"aws": {"ec2": {"L-DB2E81BA": ["Running On-Demand G and VT instances", 64]}}}
"""A quota that the pools of prod outgrow."""


def karpenter(sections: dict[str, Any]) -> None:
    """On an account whose quotas are not asked for."""
    whole_devices(sections)
    sections["cluster"]["checkQuotas"] = False
    sections["cluster"]["controlPlane"]["provisioning"] = "karpenter"


def auto_mode(sections: dict[str, Any]) -> None:
    whole_devices(sections)
    sections["cluster"]["controlPlane"]["provisioning"] = "auto-mode"
    pools = sections["cluster"]["pools"]
    del pools["cpu"]["nodesMin"], pools["h100"]["efa"], pools["h100"]["localNvme"]


def autopilot(sections: dict[str, Any]) -> None:
    sections["cluster"]["controlPlane"]["mode"] = "autopilot"
    del sections["cluster"]["pools"], sections["training"], sections["environment"]["deviceCaps"]
    sections["cluster"]["computeClasses"] = {
        "l4": {"machine": "g2-standard-48", "nodesMax": 6, "purchases": ["on-demand"]},
    }
    sections["teams"] = {"vision": {"owner": "vision-leads", "costCenter": "c-1", "quota": {"l4": 24}}}
    sections["inference"]["chat"]["team"] = "vision"


@pytest.mark.parametrize(
    ("stack", "change", "there", "absent"),
    [
        ("prod", karpenter, {"Karpenter", "KarpenterNodePool", "EksNodePool"}, {"ClusterAutoscaler"}),
        (
            "prod",
            auto_mode,
            {"AutoModeNodePool", "AutoModeNetworkPolicies"},
            {"EksNodePool", "Karpenter", "ClusterAutoscaler", "NvidiaDevicePlugin"},
        ),
        (
            "gke",
            autopilot,
            {"ComputeClass"},
            {"GkeNodePool", "NvidiaDevicePlugin", "NodeFeatureDiscovery", "DcgmExporter"},
        ),
    ],
)
def test_the_platform_stands_on_every_way_to_make_nodes(
    stack: str, change: Change, there: set[str], absent: set[str]
) -> None:
    plan = previewed(stack, change, LOW if change is karpenter else None)
    assert plan.failures == ()
    assert plan.violations == ()
    components = {step.type.rsplit(":", 1)[-1] for step in plan.steps if step.type.startswith("mlplatform:")}
    assert there <= components
    assert not absent & components


def queued(sections: dict[str, Any]) -> None:
    pool = sections["cluster"]["pools"]["h100"]
    pool |= {"purchase": "queued", "nodesMin": 0}
    del pool["reservation"]


def test_a_training_on_queued_nodes_is_planned_with_its_request_for_them() -> None:
    plan = previewed("gke", queued)
    assert plan.failures == ()
    assert plan.violations == ()
    made = {step.urn.rsplit("::", 1)[-1]: step.type for step in plan.steps if step.operation == "create"}
    assert made["detector-pods-1"] == "kubernetes:core/v1:PodTemplate"
    assert made["detector-nodes-1"] == "kubernetes:autoscaling.x-k8s.io/v1:ProvisioningRequest"
    assert made["detector-run-1"] == "kubernetes:batch/v1:Job"


def test_a_quota_that_the_pools_outgrow_is_said_before_anything_is_made() -> None:
    """Where the settings do not switch it off: the preview with Karpenter has the same quotas."""
    plan = previewed("prod", lambda _: None, LOW)
    assert not plan.succeeded
    (said,) = [failure.message for failure in plan.failures]
    assert "L-DB2E81BA" in said
    assert "nodesMax" in said
