"""The SDK's analyzer decodes each resource once for all policies. Proved with its own servicer and messages."""

import threading
from typing import Any

import pytest
from google.protobuf import json_format, struct_pb2
from pulumi_policy import EnforcementLevel, ResourceValidationPolicy, StackValidationPolicy, policy

from policies import decoding
from policies.view import planned

BODY = {"kind": "Pod", "metadata": {"name": "it"}, "spec": {"containers": [{"name": "main"}]}}


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The SDK with our functions; the messages that it has decoded."""
    decoded: list[Any] = []
    real = json_format.MessageToDict

    def counted(message: Any, *rest: Any) -> Any:
        decoded.append(message)
        return real(message, *rest)

    monkeypatch.setattr(json_format, "MessageToDict", counted)
    servicer = policy._PolicyAnalyzerServicer  # type: ignore[attr-defined]
    for name in ("json_format", "deserialize_properties"):
        monkeypatch.setattr(policy, name, getattr(policy, name))
    for name in ("Analyze", "AnalyzeStack"):
        monkeypatch.setattr(servicer, name, getattr(servicer, name))
    decoding.install()
    return decoded


def analyzer(policies: list[Any]) -> Any:
    servicer = policy._PolicyAnalyzerServicer  # type: ignore[attr-defined]
    return servicer("test", "0.1.0", policies, EnforcementLevel.MANDATORY, None)


def request(kind: str, *bodies: dict[str, Any]) -> Any:
    proto = policy.proto  # type: ignore[attr-defined]
    resources = []
    for index, body in enumerate(bodies):
        properties = struct_pb2.Struct()
        properties.update(body)
        named = {"urn": f"urn:{index}", "type": "kubernetes:core/v1:Pod", "name": f"it-{index}"}
        message = proto.AnalyzeRequest if kind == "one" else proto.AnalyzerResource
        resources.append(message(**named, properties=properties))
    return resources[0] if kind == "one" else proto.AnalyzeStackRequest(resources=resources)


def test_a_resource_is_decoded_once_for_all_policies_and_again_for_the_next_request(installed: list[Any]) -> None:
    seen: list[Any] = []
    pack = [
        ResourceValidationPolicy(name=f"p{n}", description="d", validate=lambda args, _: seen.append(planned([args])))
        for n in range(5)
    ]
    asked = analyzer(pack)
    asked.Analyze(request("one", BODY), None)
    assert len(installed) == 1
    assert [one.body for (one,) in seen] == [BODY] * 5
    changed = {**BODY, "metadata": {"name": "other"}}
    asked.Analyze(request("one", changed), None)
    assert len(installed) == 2
    assert [one.body for (one,) in seen[5:]] == [changed] * 5


def test_a_stack_is_decoded_once_for_all_policies(installed: list[Any]) -> None:
    seen: list[Any] = []
    pack = [
        StackValidationPolicy(
            name=f"p{n}", description="d", validate=lambda args, _: seen.append(planned(args.resources))
        )
        for n in range(4)
    ]
    bodies = [{**BODY, "metadata": {"name": f"it-{index}"}} for index in range(3)]
    analyzer(pack).AnalyzeStack(request("stack", *bodies), None)
    assert len(installed) == 3
    assert [[one.body for one in objects] for objects in seen] == [bodies] * 4


def test_nothing_is_remembered_outside_of_a_request_nor_for_another_thread() -> None:
    calls: list[Any] = []
    counted = decoding.once(calls.append)
    argument = object()
    counted(argument)
    counted(argument)
    assert len(calls) == 2

    def both() -> None:
        counted(argument)
        counted(argument)
        other = threading.Thread(target=counted, args=(argument,))
        other.start()
        other.join()

    decoding.in_one_request(both)()
    assert len(calls) == 4


def test_an_sdk_with_other_parts_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(policy, "deserialize_properties")
    before = policy.json_format  # type: ignore[attr-defined]
    decoding.install()
    assert policy.json_format is before  # type: ignore[attr-defined]
