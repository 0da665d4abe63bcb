"""Stand-in CRDs: the kinds that the platform declares or awaits, so that the simulated cluster needs no internet.

A row names the kinds of a set. Names, versions, scope, subresources and fields are upstream's: the facts in
`catalog/upstream/schemas`. A schema is closed down to the level of `LEVELS` and open below that, because the API server
and its clients read all schemas again after each new CRD. What components declare is held against every field of the
facts before it is sent (`custom_resource`).
"""

import json
from collections.abc import Mapping
from typing import Any

from catalog.upstream.crd_schemas import FIXED, KindFacts, Schema, VersionFacts, kinds_of_set

STAND_IN_LABEL = "mlplatform.dev/stand-in"
"""Marks what is ours and simulated, on CRDs as on charts."""

LEVELS: Mapping[str, int] = {
    "EnvoyProxy": 4,
    "Gateway": 3,
    "InferenceService": 3,
    "NodePool": 4,
    "ProvisioningRequest": 4,
    "ServiceMonitor": 3,
}
"""How far down the schema of a kind is closed; 2, for the others, are the fields of the spec."""

KINDS: Mapping[str, str] = {
    "cert-manager": "Certificate CertificateRequest Challenge ClusterIssuer Issuer Order",
    "cilium": "CiliumNetworkPolicy",
    "cloudnative-pg": "Backup Cluster Database DatabaseRole Pooler ScheduledBackup",
    "dra-driver-nvidia-gpu": "ComputeDomain",
    "envoy-gateway": "EnvoyProxy SecurityPolicy",
    "gateway-api": "Gateway GatewayClass HTTPRoute ReferenceGrant",
    "gke-compute-class": "ComputeClass",
    "gke-provisioning-request": "ProvisioningRequest",
    "gpu-operator": "ClusterPolicy",
    "karpenter": "EC2NodeClass NodeClaim NodePool",
    "kserve": (
        "ClusterServingRuntime ClusterStorageContainer InferenceGraph InferenceService ServingRuntime TrainedModel"
    ),
    "metallb": "BGPAdvertisement BGPPeer IPAddressPool L2Advertisement",
    "node-feature-discovery": "NodeFeature NodeFeatureRule",
    "prometheus-operator": (
        "Alertmanager AlertmanagerConfig PodMonitor Probe Prometheus PrometheusRule ServiceMonitor"
    ),
}
"""Sets of `catalog.versions.CRDS` and `CLOUD_CRDS`."""

_OPEN: Schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
EVERY_LEVEL = 99


def definitions(name: str, level: int | None = None) -> list[dict[str, Any]]:
    """The CRDs of a set, closed down to that level; default: that of `LEVELS`."""
    facts = kinds_of_set(name)
    return [_definition(facts[kind], level or LEVELS.get(kind, 2)) for kind in KINDS[name].split()]


def text_of_set(name: str) -> str:
    """A file with the CRDs of a set. JSON is YAML as well, and quicker to write and to read."""
    return "---\n".join(f"{json.dumps(one)}\n" for one in definitions(name))


def _definition(facts: KindFacts, level: int) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "name": f"{facts['names']['plural']}.{facts['group']}",
        "labels": {STAND_IN_LABEL: "true"},
    }
    if facts["group"].endswith(".k8s.io"):
        # The API server takes CRDs of the community's groups only with this annotation.
        metadata["annotations"] = {"api-approved.kubernetes.io": "unapproved, simulated stand-in"}
    versions = [
        _version(name, version, level, stored=at == 0) for at, (name, version) in enumerate(facts["versions"].items())
    ]
    spec = {"group": facts["group"], "names": facts["names"], "scope": facts["scope"], "versions": versions}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": metadata,
        "spec": spec,
    }


def _version(name: str, facts: VersionFacts, level: int, *, stored: bool) -> dict[str, Any]:
    schema = _opened_below(facts["schema"], level)
    properties = {**schema["properties"], "metadata": {"type": "object"}, "status": _OPEN}
    version: dict[str, Any] = {
        "name": name,
        "served": True,
        "storage": stored,
        "schema": {"openAPIV3Schema": {**schema, "description": "Simulated stand-in.", "properties": properties}},
    }
    if "subresources" in facts:
        version["subresources"] = facts["subresources"]
    if columns := facts.get("columns"):
        version["additionalPrinterColumns"] = [
            {"name": title, "type": type_, "jsonPath": path} for title, type_, path in columns
        ]
    return version


def _opened_below(schema: Schema, level: int, *, repeated: bool = False) -> Schema:
    """The schema with open objects below a level of fields."""
    if "properties" in schema and not level:
        return _OPEN
    opened = {key: value for key, value in schema.items() if key != FIXED}
    if schema.get(FIXED) and not repeated:
        # In a list such a rule costs more than the API server allows.
        opened["x-kubernetes-validations"] = [{"message": "Value is immutable", "rule": "self == oldSelf"}]
    inner: dict[str, Schema] = {
        name: _opened_below(one, level - 1, repeated=repeated) for name, one in schema.get("properties", {}).items()
    }
    if inner:
        opened["properties"] = inner
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            opened[key] = inner[key + "[]"] = _opened_below(schema[key], level, repeated=True)
    if any(one is _OPEN for one in inner.values()):
        # Rules and keys of lists may name only fields that the schema declares.
        for key in ("allOf", "anyOf", "not", "oneOf", "x-kubernetes-list-type", "x-kubernetes-list-map-keys"):
            opened.pop(key, None)
    return opened
