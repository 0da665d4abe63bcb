"""What policies see of a plan. Not proved here: that the engine hands over every resource (tests/engine)."""

import pytest
from google.protobuf import struct_pb2
from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy import EnforcementLevel
from pulumi_policy.policy import _PolicyAnalyzerServicer

from policies.pack import policies

GROUPS = {"CustomResourceDefinition": "apiextensions.k8s.io/v1"}


@pytest.mark.parametrize("kind", ["CustomResourceDefinition", "PrometheusRule", "ServiceMonitor", "PodMonitor"])
def test_an_object_without_a_name_is_found_whatever_its_kind(kind: str) -> None:
    """Definitions, rules and monitors were dropped before any policy: nameless ones passed."""
    api_version = GROUPS.get(kind, "monitoring.coreos.com/v1")
    body = struct_pb2.Struct()
    body.update({"apiVersion": api_version, "kind": kind, "metadata": {"generateName": "x-"}, "spec": {"a": 1}})
    servicer = _PolicyAnalyzerServicer("mlplatform", "0.0.1", policies(), EnforcementLevel.ADVISORY)  # type: ignore[no-untyped-call]
    token = f"kubernetes:{api_version}:{kind}"
    request = analyzer_pb2.AnalyzeRequest(type=token, urn="u", name="x", properties=body)
    assert "objects-have-names" in [found.policyName for found in servicer.Analyze(request, None).diagnostics]
