"""What KServe makes of the platform's models, by its merge rules, before a real API server under strict validation.

Only this test finds what the API server refuses of merged objects, such as a request above a limit. Not proved: that
the running controller merges as `tests/support/kserve_merge.py` says.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.engine.conftest import LiveCluster
from tests.support.kserve_merge import merged_autoscalers, merged_deployments, merged_services
from tests.support.served import (
    STACKS,
    case_inference,
    chart_values,
    runtime_objects,
    stack_inference,
    stack_settings,
)


def refusals(cluster: LiveCluster, objects: list[dict[str, Any]]) -> dict[str, str]:
    """`Kind namespace/name` -> what the API server says, of those that it refuses; nothing is created."""
    found = {}
    for one in objects:
        answer = cluster.kubectl(
            "create", "--dry-run=server", "--validate=strict", "-f", "-", text=json.dumps(one), check=False
        )
        if "created (server dry run)" not in answer:
            found[f"{one['kind']} {one['metadata']['namespace']}/{one['metadata']['name']}"] = answer
    return found


@pytest.fixture
def namespaces(cluster: LiveCluster) -> Iterator[Callable[[set[str]], None]]:
    """Makes namespaces, and deletes them: other tests of the session count what they find."""
    made: set[str] = set()

    def make(names: set[str]) -> None:
        made.update(names)
        for name in names:
            text = json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
            cluster.kubectl("apply", "-f", "-", text=text)

    yield make
    cluster.kubectl("delete", "namespace", *sorted(made))


def test_what_kserve_makes_of_every_model_is_accepted(
    cluster: LiveCluster, namespaces: Callable[[set[str]], None]
) -> None:
    services = [one for name in STACKS for one in stack_inference(stack_settings(name))] + case_inference()
    objects, values = [*services, *runtime_objects()], chart_values()
    namespaces({one["metadata"]["namespace"] for one in services})
    deployments = merged_deployments(objects, values)
    made = [*deployments, *merged_autoscalers(objects, values), *merged_services(objects, values)]
    assert {one["metadata"]["name"] for one in made} >= {"chat-v1-predictor", "chat-v3-predictor", "chat-transformer"}
    assert refusals(cluster, made) == {}

    # The test can fail: the CPU limit of upstream's runtimes is below the request of the same model.
    server = deployments[0]["spec"]["template"]["spec"]["containers"][0]
    server["resources"]["limits"]["cpu"] = "1"
    assert "must be less than or equal to cpu limit" in "".join(refusals(cluster, deployments[:1]).values())
