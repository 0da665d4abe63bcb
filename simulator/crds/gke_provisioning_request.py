"""Cluster Autoscaler's ProvisioningRequest, which every GKE cluster brings with it."""

from typing import Any

from simulator.crds.schema import Kind, array, integer, mapping, obj, string

_NAME = string(maxLength=253, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
_POD_SET = obj(
    {"count": integer(minimum=1), "podTemplateRef": obj({"name": _NAME}, "name")},
    "count podTemplateRef",
)
_FIXED: dict[str, Any] = {"x-kubernetes-validations": [{"message": "Value is immutable", "rule": "self == oldSelf"}]}

KINDS = (
    Kind(
        "autoscaling.x-k8s.io",
        "ProvisioningRequest",
        "provisioningrequests",
        "Nodes that are asked for together, before the pods that run on them.",
        obj(
            {
                "provisioningClassName": {**_NAME, **_FIXED},
                "parameters": mapping(string(maxLength=255), maxProperties=100, **_FIXED),
                "podSets": array(_POD_SET, minItems=1, maxItems=32, **_FIXED),
            },
            "podSets provisioningClassName",
        ),
        versions=("v1", "v1beta1"),
        short_names=("provreq", "provreqs"),
    ),
)
