"""Pod Security Standards: our verdict on each pod is that of the real API server's admission, for both standards.

Only this finds a control that upstream reads in another way. Not proved here: pods inside other kinds (their paths are
held against the CRDs in tests/policies/test_pod_templates.py).
"""

import json
import re

import pytest

from policies.objects import PlannedObject
from policies.rules.security.pod_security import CONTROLS, ENFORCE, RULES
from tests.engine.conftest import LiveCluster
from tests.support.pod_cases import CASES, Case


def pod(case: Case, namespace: str) -> dict[str, object]:
    metadata = {"name": case.name, "namespace": namespace, "annotations": case.annotations}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": case.spec}


def ours(case: Case, standard: str) -> bool:
    """Whether our rules admit the pod in a namespace that enforces this standard."""
    labels = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": standard, "labels": {ENFORCE: standard}}}
    objects = [
        PlannedObject("urn:a", "kubernetes:core/v1:Namespace", standard, labels),
        PlannedObject("urn:b", "kubernetes:core/v1:Pod", case.name, pod(case, standard)),
    ]
    return not any(found for rule in RULES if rule.of_all for found in rule.of_all(objects))


@pytest.mark.parametrize("standard", ["baseline", "restricted"])
def test_the_api_server_admits_what_the_policies_admit_and_nothing_else(cluster: LiveCluster, standard: str) -> None:
    labels = {ENFORCE: standard, f"{ENFORCE}-version": "latest"}
    home = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": standard, "labels": labels}}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": standard}}
    cluster.kubectl("apply", "-f", "-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": [home]}))
    cluster.kubectl("apply", "-f", "-", text=json.dumps(account))
    try:
        pods = {"apiVersion": "v1", "kind": "List", "items": [pod(case, standard) for case in CASES]}
        said = cluster.kubectl(
            "create", "--dry-run=server", "--validate=false", "-f", "-", text=json.dumps(pods), check=False
        )
    finally:
        cluster.kubectl("delete", "namespace", standard, "--wait=false")
    errors = [line for line in said.splitlines() if not line.startswith("Warning")]
    refused = [re.search(r'pods "([^"]+)" is forbidden: violates PodSecurity', line) for line in errors]
    assert all(refused), said
    assert len(refused) > len(CASES) / 4
    admitted = {case.name for case in CASES} - {found[1] for found in refused if found}
    assert {case.name for case in CASES if ours(case, standard)} == admitted


def test_each_control_is_broken_by_a_case_that_the_api_server_is_asked_about() -> None:
    # procMount of a pod without a user namespace is refused by the API's validation itself, before admission.
    assert {control.name for control in CONTROLS} - {name for case in CASES for name in case.breaks} == {
        "default-proc-mount"
    }
