"""Where pod templates are inside objects of each kind.

Only this finds a kind whose pods are never seen: a path that upstream's CRD lacks, or a template that is missed.
"""

from typing import Any

import pytest

from policies.objects import UNKNOWN, PlannedObject
from policies.pod_sources import POD_SOURCES
from policies.pod_templates import _WORKFLOWS, MORE_SPECS, _paths, containers, pod_templates
from tests.support.definitions import upstream_crd
from tests.support.upstream_crds import ABSENT
from tests.support.upstream_crds import FOLDER as CRDS

KINDS = sorted({*POD_SOURCES, *MORE_SPECS})
SPEC = {"containers": [{"name": "main", "image": "a:1"}]}


def planned(key: tuple[str, str], **body: Any) -> PlannedObject:
    group, kind = key
    version = f"{group}/v1" if group else "v1"
    full = {"apiVersion": version, "kind": kind, "metadata": {"namespace": "team", "name": "it"}, **body}
    return PlannedObject("urn:it", f"kubernetes:{version}:{kind}", "it", full)


def nested(path: str, value: Any) -> dict[str, Any]:
    """An object with the value at a path; a list of one where the path has `[]`."""
    first, _, rest = path.partition(".")
    inner = nested(rest, value) if rest else value
    return {first.removesuffix("[]"): [inner]} if first.endswith("[]") else {first: inner}


@pytest.mark.parametrize(("group", "kind"), KINDS)
def test_the_pods_of_each_kind_are_found_at_each_of_its_paths(group: str, kind: str) -> None:
    paths = _paths((group, kind))
    assert paths
    for path in paths:
        (found,) = pod_templates(planned((group, kind), **nested(path, SPEC)))
        assert found.path == path.replace("[]", "[0]")
        assert [one.path for one in containers(found.spec)] == ["containers[main]"]
        assert found.where("x") == f"{kind} team/it {found.path}.x"


@pytest.mark.parametrize(("group", "kind"), sorted(_WORKFLOWS))
def test_each_template_of_a_workflow_with_a_program_is_a_pod_with_the_fields_of_the_workflow(
    group: str, kind: str
) -> None:
    spec = {
        "hostNetwork": True,
        "volumes": [{"name": "all"}],
        "templates": [
            {"steps": []},
            {
                "name": "one",
                "container": {"image": "a:1"},
                "sidecars": [{"name": "side"}],
                "volumes": [{"name": "own"}],
            },
            {"script": {"image": "b:1"}, "initContainers": [{"name": "first"}]},
            {"containerSet": {"containers": [{"name": "x"}, {"name": "y"}]}},
        ],
    }
    body = {"spec": {"workflowSpec": spec}} if kind == "CronWorkflow" else {"spec": spec}
    found = [*pod_templates(planned((group, kind), **body))]
    start = "spec.workflowSpec" if kind == "CronWorkflow" else "spec"
    assert [one.path for one in found] == [f"{start}.templates[{index}]" for index in (1, 2, 3)]
    assert [[c.path for c in containers(one.spec)] for one in found] == [
        ["containers[container]", "containers[side]"],
        ["initContainers[first]", "containers[script]"],
        ["containers[x]", "containers[y]"],
    ]
    assert found[0].spec["volumes"] == [{"name": "all"}, {"name": "own"}]
    assert all(one.spec["hostNetwork"] for one in found)


def test_a_model_is_a_container_of_its_pod() -> None:
    key = ("serving.kserve.io", "InferenceService")
    predictor = {"model": {"image": "a:1"}, "containers": [{"name": "side"}]}
    (found,) = pod_templates(planned(key, spec={"predictor": predictor}))
    assert [one.path for one in containers(found.spec)] == ["containers[side]", "containers[model]"]


def test_annotations_are_those_of_the_pods() -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "it", "annotations": {"a": "1"}}, "spec": SPEC}
    template = {"spec": {"template": {"metadata": {"annotations": {"a": "2"}}, "spec": SPEC}}}
    (alone,) = pod_templates(PlannedObject("urn:it", "kubernetes:core/v1:Pod", "it", pod))
    (scaled,) = pod_templates(planned(("apps", "Deployment"), **template))
    assert (alone.annotations, scaled.annotations) == ({"a": "1"}, {"a": "2"})


@pytest.mark.parametrize("value", [UNKNOWN, None, "text", [], {"template": UNKNOWN}, {"template": {"spec": UNKNOWN}}])
def test_what_is_not_known_or_has_another_shape_is_no_template(value: Any) -> None:
    assert [*pod_templates(planned(("apps", "Deployment"), spec=value))] == []


def test_an_object_of_another_group_with_the_same_kind_has_no_template() -> None:
    assert [*pod_templates(planned(("example.com", "Deployment"), **nested("spec.template.spec", SPEC)))] == []
    assert [*pod_templates(planned(("batch", "Service"), **nested("spec.template.spec", SPEC)))] == []


def schemas(value: dict[str, Any], steps: list[str]) -> list[dict[str, Any]]:
    """The schemas at a path; none where there is no such field."""
    if not steps:
        return [value]
    inner = value.get("properties", {}).get(steps[0].removesuffix("[]"))
    if inner is None:
        return []
    if steps[0].endswith("[]"):
        inner = inner.get("items") or inner.get("additionalProperties") or {}
    return schemas(inner, steps[1:])


def has_containers(schema: dict[str, Any]) -> bool:
    """Whether it is a pod spec; Seldon Core says only that any field is kept."""
    kept = schema.get("x-kubernetes-preserve-unknown-fields") is True
    return kept or "containers" in schema.get("properties", {})


WITHOUT_CRD = {
    *(key for key in KINDS if key[0] in ("", "apps", "batch")),
    ("argoproj.io", "Rollout"),
    ("batch.volcano.sh", "Job"),
    ("kubeflow.org", "Notebook"),
    ("kubeflow.org", "PaddleJob"),
    ("kubeflow.org", "XGBoostJob"),
}
"""Of Kubernetes itself, or in no CRD of the collection."""


@pytest.mark.skipif(not CRDS.is_dir(), reason=ABSENT)
@pytest.mark.parametrize(("group", "kind"), [key for key in KINDS if key not in WITHOUT_CRD])
def test_each_path_leads_to_a_pod_spec_in_a_version_of_upstreams_definition(group: str, kind: str) -> None:
    crd = upstream_crd(group, kind)
    assert crd is not None, "upstream's CRD is not collected"
    versions = [one["schema"]["openAPIV3Schema"] for one in crd["spec"]["versions"]]
    for path in _paths((group, kind)):
        found = [one for version in versions for one in schemas(version, path.split("."))]
        assert any(has_containers(one) for one in found), path
