"""Answers of price APIs in their recorded shapes, and what checks that they have them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import boto3
from botocore.stub import Stubber
from googleapiclient.discovery import build_from_document
from googleapiclient.http import HttpMockSequence
from jsonschema import Draft202012Validator

from catalog.accelerators import Purchase
from catalog.machines import MACHINES
from catalog.prices import HOURS_PER_MONTH
from tools.prices import aws, google


def product(usage_type: str, usd: float, unit: str = "Hrs", begin: str = "0") -> str:
    """One product as GetProducts answers it: JSON in a string (AWS Price List, format aws_v1)."""
    dimension = {
        "unit": unit,
        "beginRange": begin,
        "endRange": "Inf",
        "description": f"${usd} per {unit}",
        "appliesTo": [],
        "rateCode": "SKU.JRTCKXETXF.6YS6EN2CT7",
        "pricePerUnit": {"USD": f"{usd:.10f}"},
    }
    offer = {
        "priceDimensions": {"SKU.JRTCKXETXF.6YS6EN2CT7": dimension},
        "sku": "SKU",
        "effectiveDate": "2026-11-01T00:00:00Z",
        "offerTermCode": "JRTCKXETXF",
        "termAttributes": {},
    }
    whole = {
        "product": {"productFamily": "Any", "attributes": {"usagetype": usage_type}, "sku": "SKU"},
        "serviceCode": "Any",
        "terms": {"OnDemand": {"SKU.JRTCKXETXF": offer}, "Reserved": {}},
        "version": "20261101000000",
        "publicationDate": "2026-11-01T00:00:00Z",
    }
    return json.dumps(whole)


def stubbed(service: str, region: str = "us-east-1") -> tuple[Any, Stubber]:
    """A client without a network; its stubber checks questions and answers against botocore's API model."""
    client = boto3.client(service, region_name=region, aws_access_key_id="x", aws_secret_access_key="x")
    return client, Stubber(client)


def questions() -> dict[str, aws.Question]:
    """All that is asked of the price list, in order."""
    return {name: aws.machine_question(name) for name in aws.machines()} | aws.ITEM_QUESTIONS


def expected(question: aws.Question, region: str) -> dict[str, Any]:
    """The parameters of the call."""
    fields = {**question.fields, "regionCode": region}
    filters = [{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in fields.items()]
    return {"ServiceCode": question.service, "Filters": filters}


@cache
def discovery() -> dict[str, Any]:
    """Google's description of the catalogue's API, as its client carries it."""
    documents = resources.files("googleapiclient") / "discovery_cache" / "documents"
    document: dict[str, Any] = json.loads(Path(str(documents / "cloudbilling.v1.json")).read_text())
    return document


def check(answer: dict[str, Any], schema: str) -> dict[str, Any]:
    """The answer, if it is what the API may answer."""
    schemas = {name: _json_schema(body) for name, body in discovery()["schemas"].items()}
    Draft202012Validator({"$ref": f"#/schemas/{schema}", "schemas": schemas}).validate(answer)
    return answer


def _json_schema(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return {"$ref": f"#/schemas/{node['$ref']}"}
    kept = {key: node[key] for key in ("type", "enum") if key in node}
    if "properties" in node:
        kept |= {
            "properties": {k: _json_schema(v) for k, v in node["properties"].items()},
            "additionalProperties": False,
        }
    if "items" in node:
        kept["items"] = _json_schema(node["items"])
    return kept


def sku(description: str, usd: float, usage: str = "OnDemand", group: str = "CPU", region: str = "us-central1") -> Any:
    """One SKU of the catalogue."""
    units, nanos = divmod(round(usd * 1e9), 10**9)
    rate = {"startUsageAmount": 0, "unitPrice": {"currencyCode": "USD", "units": str(units), "nanos": nanos}}
    return {
        "name": "services/6F81-5844-456A/skus/0000-0000-0000",
        "skuId": "0000-0000-0000",
        "description": description,
        "category": {
            "serviceDisplayName": "Any",
            "resourceFamily": "Compute",
            "resourceGroup": group,
            "usageType": usage,
        },
        "serviceRegions": [region],
        "pricingInfo": [
            {
                "summary": "",
                "effectiveTime": "2026-11-01T00:00:00Z",
                "currencyConversionRate": 1,
                "pricingExpression": {"usageUnit": "h", "displayQuantity": 1, "tieredRates": [rate]},
            }
        ],
        "serviceProviderName": "Google",
    }


def catalogue_skus() -> dict[str, list[Any]]:
    """SKUs that make every machine cost 0.01 USD a vCPU, 0.001 a GiB, 2 a GPU; on spot half of it."""
    compute: dict[str, Any] = {}
    for machine in google.machines():
        for purchase, (usage, factor) in PURCHASES.items():
            for (description, _), usd in zip(google.parts(machine, purchase), unit_prices(machine), strict=True):
                compute[description] = sku(f"{description} Americas", usd * factor, usage)
    compute["free"] = sku("A2 Instance Core running in Belgium", 9.0, region="europe-west1")
    found: dict[str, list[Any]] = {google.COMPUTE: list(compute.values())}
    for name, (service, description) in google.ITEM_SKUS.items():
        group = google.RESOURCE_GROUPS.get(name, "SSD")
        found.setdefault(service, []).append(sku(f"{description} Iowa", 0.1, group=group))
    return found


def unit_prices(machine: Any) -> Iterator[float]:
    """What the parts of a machine cost, in the order of `google.parts`."""
    yield from (0.01, 0.001)
    if machine.accelerator:
        yield 2.0
    if machine.local_ssds:
        yield 0.08


PURCHASES = {Purchase.ON_DEMAND: ("OnDemand", 1.0), Purchase.SPOT: ("Preemptible", 0.5)}


def sum_of_parts(name: str) -> float:
    """What `catalogue_skus` makes a machine cost."""
    machine = MACHINES[name]
    ssd = machine.local_ssds * google.LOCAL_SSD_GB * 0.08 / HOURS_PER_MONTH
    return machine.cpu * 0.01 + machine.memory_gib * 0.001 + machine.devices * 2 + ssd


def catalogue(skus: dict[str, list[Any]], hidden: str = "") -> Any:
    """A client of the catalogue that answers with those SKUs, in two pages each, as its API model allows."""
    services = [
        {"name": f"services/{number}", "serviceId": str(number), "displayName": name, "businessEntityName": "be/Google"}
        for number, name in enumerate(skus)
        if name != hidden
    ]
    answers: list[tuple[dict[str, str], str]] = [_http(check({"services": services}, "ListServicesResponse"))]
    for service in sorted({service for service, _ in google.ITEM_SKUS.values()}):
        half = len(skus[service]) // 2
        first = {"skus": skus[service][:half], "nextPageToken": "more"}
        answers += [_http(check(page, "ListSkusResponse")) for page in (first, {"skus": skus[service][half:]})]
    return build_from_document(discovery(), http=HttpMockSequence(answers))


def _http(body: dict[str, Any], status: int = 200) -> tuple[dict[str, str], str]:
    return {"status": str(status)}, json.dumps(body)


def refusing(status: int, message: str) -> Any:
    """A client whose every call is refused."""
    body = {"error": {"code": status, "message": message, "status": "PERMISSION_DENIED"}}
    return build_from_document(discovery(), http=HttpMockSequence([_http(body, status)]))
