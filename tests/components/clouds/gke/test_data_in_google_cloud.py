"""What the data services declare, held to Google's discovery documents.

The requests are those that the provider makes from these resources. Not proved here: that the provider makes them so;
prices, quotas, tiers of a region; whether a role is enough for its client (the documents know no roles).
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import googleapiclient
import pytest

from catalog.versions import POSTGRESQL
from components.clouds.gke.bucket import GcsBucket
from components.clouds.gke.database import CloudSqlDatabase
from components.clouds.gke.dns import CloudDnsZone
from tests.components.cloud_handles import GKE
from tests.recorder import record

DOCUMENTS = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents"
TYPES = {"string": str, "boolean": bool, "integer": int, "object": dict, "array": list, "number": float}


@cache
def schemas(api: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DOCUMENTS / f"{api}.json").read_text())["schemas"]
    return found


def problems(api: str, schema: Mapping[str, Any], value: Any, path: str) -> Iterator[str]:
    """Everything in a value that the document does not allow."""
    if "$ref" in schema:
        schema = schemas(api)[schema["$ref"]]
    # int64 travels as text.
    wanted = TYPES[schema["type"]] if not str(schema.get("format", "")).endswith("int64") else (int, str)
    if not isinstance(value, wanted):  # type: ignore[arg-type]
        yield f"{path}: {value!r} is no {schema['type']}"
    elif schema.get("enum") and value not in schema["enum"]:
        yield f"{path}: {value!r} is none of {schema['enum']}"
    elif isinstance(value, list):
        for item in value:
            yield from problems(api, schema["items"], item, path)
    elif isinstance(value, dict):
        for name, item in value.items():
            inner = schema.get("properties", {}).get(name, schema.get("additionalProperties"))
            if inner is None:
                yield f"{path}.{name}: unknown"
            else:
                yield from problems(api, inner, item, f"{path}.{name}")


def held(api: str, schema: str, value: Any) -> None:
    assert list(problems(api, schemas(api)[schema], value, schema)) == []


SETTINGS = {
    "diskType": "dataDiskType",
    "diskSize": "dataDiskSizeGb",
    "diskAutoresize": "storageAutoResize",
    "diskAutoresizeLimit": "storageAutoResizeLimit",
    "retainBackupsOnDelete": "retainBackupsOnDelete",
}


@pytest.mark.parametrize("version", POSTGRESQL)
@pytest.mark.parametrize("tier", ["db-custom-2-7680", "db-perf-optimized-N-4", "db-f1-micro"])
def test_cloud_sql_knows_every_value_of_the_instance(version: str, tier: str) -> None:
    recording = record(
        lambda: (
            CloudSqlDatabase(
                "it",
                {
                    "cluster": GKE,
                    "database": {
                        "tier": tier,
                        "postgresql": version,
                        "storage_gib": 50,
                        "storage_max_gib": 200,
                        "highly_available": True,
                    },
                    "keep_data": True,
                },
            )
            and None
        )
    )
    given = recording.one("DatabaseInstance").inputs
    settings = {SETTINGS.get(key, key): value for key, value in given["settings"].items()}
    backups = settings["backupConfiguration"]
    held(
        "sqladmin.v1",
        "DatabaseInstance",
        {
            "name": given["name"],
            "project": given["project"],
            "region": given["region"],
            "databaseVersion": given["databaseVersion"],
            "settings": settings,
        },
    )
    database, user = recording.one("Database").inputs, recording.one("User").inputs
    held("sqladmin.v1", "Database", {key: database[key] for key in ("name", "instance", "project")})
    held("sqladmin.v1", "User", {key: user[key] for key in ("name", "instance", "project")})
    assert 1 <= backups["transactionLogRetentionDays"] <= 7


def test_cloud_storage_knows_every_value_of_the_bucket() -> None:
    recording = record(
        lambda: (
            GcsBucket(
                "it",
                {"project": "ml", "region": "europe-west4", "bucket": {"bucket": "example-models"}, "keep_data": True},
            )
            and None
        )
    )
    given = recording.one("Bucket").inputs
    conditions = {"withState": lambda state: ("isLive", state != "ARCHIVED")}
    rules = [
        {
            "action": rule["action"],
            "condition": dict(
                conditions[key](value) if key in conditions else (key, value)
                for key, value in rule["condition"].items()
            ),
        }
        for rule in given["lifecycleRules"]
    ]
    held(
        "storage.v1",
        "Bucket",
        {
            "name": given["name"],
            "location": given["location"],
            "labels": given["labels"],
            "versioning": given["versioning"],
            "softDeletePolicy": given["softDeletePolicy"],
            "iamConfiguration": {
                "publicAccessPrevention": given["publicAccessPrevention"],
                "uniformBucketLevelAccess": {"enabled": given["uniformBucketLevelAccess"]},
            },
            "lifecycle": {"rule": rules},
        },
    )
    kinds = schemas("storage.v1")["Bucket"]["properties"]["lifecycle"]["properties"]["rule"]["items"]["properties"]
    named = kinds["action"]["properties"]["type"]["description"]
    assert all(rule["action"]["type"] in named for rule in rules)


def test_cloud_dns_knows_every_value_of_the_zone() -> None:
    recording = record(lambda: CloudDnsZone("it", {"zone": {"domain": "ml.example.com"}, "project": "ml"}) and None)
    given = recording.one("ManagedZone").inputs
    held(
        "dns.v1",
        "ManagedZone",
        {key: given[key] for key in ("name", "dnsName", "description", "visibility", "labels", "dnssecConfig")},
    )
    assert re.fullmatch(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?", given["name"])
    assert given["dnsName"] == "ml.example.com."


def test_what_the_document_does_not_know_is_found() -> None:
    wrong = {"settings": {"availabilityType": "BOTH", "disk": 1, "storageAutoResize": "yes"}}
    found = list(problems("sqladmin.v1", schemas("sqladmin.v1")["DatabaseInstance"], wrong, ""))
    assert [line.split(":")[0] for line in found] == [
        ".settings.availabilityType",
        ".settings.disk",
        ".settings.storageAutoResize",
    ]
