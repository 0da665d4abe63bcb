"""Inputs of the Google Cloud SDK against Google's own API models: the discovery documents of google-api-python-client.

The provider renames, flattens and invents some fields; those are listed below, each one. Whatever is not listed must
have the API's name, type and enumeration. It does not prove that the API accepts a combination of values.
"""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import googleapiclient

DOCUMENTS = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents"

PROVIDER_ONLY = ""
"""No field of the API: the provider's own, or part of the address of the resource."""

RENAMED: dict[tuple[str, str], str] = {
    ("NodePool", "cluster"): PROVIDER_ONLY,
    ("NodePool", "project"): PROVIDER_ONLY,
    ("NodePool", "location"): PROVIDER_ONLY,
    ("NodePool", "nodeLocations"): "locations",
    ("NodePool", "nodeConfig"): "config",
    ("NodeConfig", "guestAccelerators"): "accelerators",
    ("AcceleratorConfig", "type"): "acceleratorType",
    ("AcceleratorConfig", "count"): "acceleratorCount",
    ("Cluster", "project"): PROVIDER_ONLY,
    ("Cluster", "networkingMode"): PROVIDER_ONLY,
    ("Cluster", "deletionProtection"): PROVIDER_ONLY,
    ("Cluster", "removeDefaultNodePool"): PROVIDER_ONLY,
    ("Cluster", "nodeLocations"): "locations",
    ("Cluster", "minMasterVersion"): "initialClusterVersion",
    ("Cluster", "enableAutopilot"): "autopilot.enabled",
    ("Cluster", "enableShieldedNodes"): "shieldedNodes.enabled",
    ("Cluster", "datapathProvider"): "networkConfig.datapathProvider",
    ("Cluster", "gatewayApiConfig"): "networkConfig.gatewayApiConfig",
    ("Cluster", "clusterAutoscaling"): "autoscaling",
    ("ClusterAutoscaling", "enabled"): "enableNodeAutoprovisioning",
    ("ClusterAutoscaling", "autoProvisioningDefaults"): "autoprovisioningNodePoolDefaults",
    ("LoggingConfig", "enableComponents"): "componentConfig.enableComponents",
    ("MonitoringConfig", "enableComponents"): "componentConfig.enableComponents",
    ("MonitoringConfig", "managedPrometheus"): "managedPrometheusConfig",
    ("MaintenancePolicy", "recurringWindow"): "window.recurringWindow",
    ("MaintenancePolicy", "maintenanceExclusions"): "window.maintenanceExclusions",
    ("RecurringTimeWindow", "startTime"): "window.startTime",
    ("RecurringTimeWindow", "endTime"): "window.endTime",
    ("TimeWindow", "exclusionName"): PROVIDER_ONLY,
    ("TimeWindow", "exclusionOptions"): "maintenanceExclusionOptions",
    ("Network", "project"): PROVIDER_ONLY,
    ("Network", "routingMode"): "routingConfig.routingMode",
    ("Subnetwork", "project"): PROVIDER_ONLY,
    ("SubnetworkLogConfig", "aggregationInterval"): "aggregationInterval",
    ("Router", "project"): PROVIDER_ONLY,
    ("RouterNat", "project"): PROVIDER_ONLY,
    ("RouterNat", "region"): PROVIDER_ONLY,
    ("RouterNat", "router"): PROVIDER_ONLY,
    ("RouterNatSubnetworkToNat", "sourceIpRangesToNats"): "sourceIpRangesToNat",
    ("Address", "project"): PROVIDER_ONLY,
    ("ResourcePolicy", "project"): PROVIDER_ONLY,
    ("Job", "project"): PROVIDER_ONLY,
    ("Job", "region"): PROVIDER_ONLY,
    ("CryptoKey", "keyRing"): PROVIDER_ONLY,
}
"""(schema of the API, name in the SDK) -> path in that schema."""
TEXT_FOR_BOOLEAN = frozenset({("NodeKubeletConfig", "insecureKubeletReadonlyPortEnabled")})
"""Where the SDK writes TRUE and FALSE."""


@cache
def schemas(document: str) -> dict[str, Any]:
    """The schemas of one API, `container.v1`."""
    found: dict[str, Any] = json.loads((DOCUMENTS / f"{document}.json").read_text())["schemas"]
    return found


def departures(document: str, schema: str, value: Mapping[str, Any], path: str = "") -> list[str]:
    """Where the inputs of a resource depart from the API: unknown fields, wrong types, values outside enumerations."""
    return list(_object(document, schema, value, path or schema))


def untranslated(value: Any, path: str = "") -> list[str]:
    """Names that the SDK did not translate, and so does not know. Maps with free keys are left out."""
    if isinstance(value, list):
        return [found for index, item in enumerate(value) for found in untranslated(item, f"{path}[{index}]")]
    if not isinstance(value, Mapping):
        return []
    found = [f"{path}.{key}" for key in value if "_" in key]
    for key, part in value.items():
        found += untranslated(part, f"{path}.{key}") if key not in FREE_KEYS else []
    return found


FREE_KEYS = frozenset({"labels", "resourceLabels", "metadata", "headers"})


def camel(key: str) -> str:
    """A name as the API writes it."""
    head, *tail = key.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in tail)


def _object(document: str, schema: str, value: Mapping[str, Any], path: str) -> Iterator[str]:
    for written, part in value.items():
        key = camel(written)
        target = RENAMED.get((schema, key), key)
        if target == PROVIDER_ONLY or part is None:
            continue
        owner, field = schema, None
        for step in target.split("."):
            field = schemas(document)[owner]["properties"].get(step)
            if field is None:
                yield f"{path}.{key}: {owner} has no {step}"
                break
            owner = field.get("$ref", owner)
        if field is not None:
            told = {"TRUE": True, "FALSE": False}.get(part, part) if (schema, key) in TEXT_FOR_BOOLEAN else part
            yield from _value(document, field, told, f"{path}.{key}")


def _value(document: str, field: Mapping[str, Any], value: Any, path: str) -> Iterator[str]:
    extra = field.get("additionalProperties")
    if isinstance(value, list) and extra:
        # The API has them by name, the SDK in a list.
        for index, item in enumerate(value):
            yield from _value(document, extra, item, f"{path}[{index}]")
    elif "$ref" in field:
        if isinstance(value, Mapping):
            yield from _object(document, field["$ref"], value, path)
        else:
            yield f"{path}: {value!r} is no {field['$ref']}"
    elif field.get("type") == "array":
        if not isinstance(value, list):
            yield f"{path}: {value!r} is no list"
            return
        for index, item in enumerate(value):
            yield from _value(document, field["items"], item, f"{path}[{index}]")
    elif field.get("type") == "object":
        for key, item in value.items():
            yield from _value(document, extra or {}, item, f"{path}.{key}")
    else:
        yield from _scalar(field, value, path)


def _scalar(field: Mapping[str, Any], value: Any, path: str) -> Iterator[str]:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    fits = {
        "string": isinstance(value, str) or (number and field.get("format") in ("int64", "uint64")),
        "integer": number and float(value).is_integer(),
        "number": number,
        "boolean": isinstance(value, bool),
    }.get(field.get("type", "any"), True)
    if not fits:
        yield f"{path}: {value!r} is no {field.get('type')}"
    elif "enum" in field and value not in field["enum"]:
        yield f"{path}: {value!r} is none of {', '.join(field['enum'])}"
