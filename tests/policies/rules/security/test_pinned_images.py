"""Images of planned objects. Not proved here: which tags move (tests/components/base/test_images.py)."""

from typing import Any

import pytest

from policies.objects import UNKNOWN
from policies.rules.security.pinned_images import images_name_one_version
from tests.policies.support import kubernetes

LATEST, FIXED = "ghcr.io/example/tool:latest", "ghcr.io/example/tool:1.2.0"


def pod(image: Any) -> dict[str, Any]:
    return {"containers": [{"name": "main", "image": FIXED}, {"name": "side", "image": image}]}


@pytest.mark.parametrize(
    ("kind", "spec", "path"),
    [
        ("Pod", pod(LATEST), "spec.containers[1].image"),
        ("Deployment", {"template": {"spec": pod(LATEST)}}, "spec.template.spec.containers[1].image"),
        ("Pod", {"initContainers": [{"image": LATEST}]}, "spec.initContainers[0].image"),
        (
            "Workflow",
            {"templates": [{"name": "a", "container": {"image": LATEST}}]},
            "spec.templates[0].container.image",
        ),
        ("InferenceService", {"predictor": {"model": {"image": LATEST}}}, "spec.predictor.model.image"),
        ("ClusterServingRuntime", {"containers": [{"image": LATEST}]}, "spec.containers[0].image"),
        ("Cluster", {"imageName": LATEST}, "spec.imageName"),
        ("Pod", {"volumes": [{"image": {"reference": LATEST}}]}, "spec.volumes[0].image"),
        ("TaskRun", {"taskSpec": {"steps": [{"image": LATEST}]}}, "spec.taskSpec.steps[0].image"),
        ("Alertmanager", {"image": LATEST}, "spec.image"),
        (
            "NIMService",
            {"image": {"repository": LATEST.removesuffix(":latest"), "tag": "latest"}},
            "spec.image",
        ),
        (
            "ClusterPolicy",
            {"driver": {"repository": "ghcr.io/example", "image": "tool", "version": "latest"}},
            "spec.driver.image",
        ),
    ],
)
def test_a_tag_that_moves_is_found_in_every_kind_of_object(kind: str, spec: Any, path: str) -> None:
    """An image `:latest` passed the policies in any object; only settings looked at images."""
    (finding,) = images_name_one_version(kubernetes(kind, "vision", "x", spec))
    assert (finding.path, finding.value) == (f"{kind} vision/x {path}", LATEST)


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("Pod", pod(FIXED)),
        ("Pod", pod(UNKNOWN)),
        ("InferenceService", {"predictor": {"model": {"modelFormat": {"name": "sklearn"}}}}),
        ("ConfigMap", None),
        ("ClusterPolicy", {"driver": {"repository": "nvcr.io/nvidia", "image": "driver", "version": ""}}),
        ("ClusterPolicy", {"toolkit": {"repository": "nvcr.io/nvidia", "image": "toolkit", "version": "v1.17.8"}}),
        ("ClusterPolicy", {"vgpuManager": {"enabled": False, "image": "vgpu-manager"}}),
        ("NIMService", {"image": {"repository": UNKNOWN, "tag": "latest"}}),
        ("Deployment", {"template": {"metadata": {"labels": {"image": "latest"}}, "spec": pod(FIXED)}}),
    ],
)
def test_fixed_images_and_those_not_known_in_a_preview_pass(kind: str, spec: Any) -> None:
    assert list(images_name_one_version(kubernetes(kind, "vision", "x", spec))) == []


def test_text_in_a_config_map_is_no_image() -> None:
    assert list(images_name_one_version(kubernetes("ConfigMap", "vision", "x", data={"image": LATEST}))) == []
