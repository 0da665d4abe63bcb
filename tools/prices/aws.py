"""AWS prices: the Price List Query API for list prices, DescribeSpotPriceHistory for spot."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median
from typing import Any

from catalog.accelerators import ClusterKind, Purchase
from catalog.machines import MACHINES
from tools.errors import ToolError
from tools.prices.changes import Answer, Asked
from tools.prices.optional import optional

WHAT = "AWS Price List Query API and EC2 DescribeSpotPriceHistory"
PRICE_LIST_REGION = "us-east-1"
"""The Price List Query API serves all regions from a few endpoints; this one is in every account."""


@dataclass(frozen=True)
class Question:
    """A query for one product of the price list: exact fields, and the suffix of its usage type."""

    service: str
    fields: Mapping[str, str]
    usage_type: str = ""
    """Suffix of the usage type: before it is the region's prefix, or in us-east-1 nothing."""
    units: tuple[str, ...] = ("Hrs", "Hours")

    def means(self, usage_type: str) -> bool:
        """Whether a product with that usage type matches."""
        return not self.usage_type or usage_type == self.usage_type or usage_type.endswith(f"-{self.usage_type}")


_GB_MONTH = ("GB-Mo",)
_STORAGE = {"productFamily": "Storage"}
_DATABASE = {"productFamily": "Database Instance", "databaseEngine": "PostgreSQL", "deploymentOption": "Single-AZ"}

# Fields of products: as aws/karpenter-provider-aws and infracost/infracost query them (2026).
ITEM_QUESTIONS: dict[str, Question] = {
    "eks-cluster": Question("AmazonEKS", {"productFamily": "Compute"}, "AmazonEKS-Hours:perCluster"),
    "ebs-gp3": Question("AmazonEC2", {**_STORAGE, "volumeApiName": "gp3"}, units=_GB_MONTH),
    "ebs-io2": Question("AmazonEC2", {**_STORAGE, "volumeApiName": "io2"}, "EBS:VolumeUsage.io2", units=_GB_MONTH),
    "efs-standard": Question(
        "AmazonEFS", {**_STORAGE, "storageClass": "General Purpose"}, "TimedStorage-ByteHrs", units=_GB_MONTH
    ),
    "s3-standard": Question(
        "AmazonS3", {**_STORAGE, "volumeType": "Standard"}, "TimedStorage-ByteHrs", units=_GB_MONTH
    ),
    "nat-gateway": Question("AmazonEC2", {"productFamily": "NAT Gateway"}, "NatGateway-Hours"),
    "nat-gateway-data": Question("AmazonEC2", {"productFamily": "NAT Gateway"}, "NatGateway-Bytes", units=("GB",)),
    "rds-gp3": Question(
        "AmazonRDS",
        {"productFamily": "Database Storage", "databaseEngine": "Any", "deploymentOption": "Single-AZ"},
        "RDS:GP3-Storage",
        units=_GB_MONTH,
    ),
    **{
        f"rds-{size}": Question("AmazonRDS", {**_DATABASE, "instanceType": size})
        for size in ("db.t4g.small", "db.t4g.medium", "db.m7g.large")
    },
}
"""Items that are queried.

Not included: EKS extended support. No source states whether its product (`AmazonEKS-Hours:extendedSupport`) is the
whole price or a surcharge.
"""


def machine_question(machine: str) -> Question:
    """Linux, shared hardware, no licence, bought by the hour: neither reserved nor a Capacity Block."""
    fields = {
        "instanceType": machine,
        "operatingSystem": "Linux",
        "tenancy": "Shared",
        "preInstalledSw": "NA",
        "capacitystatus": "Used",
        "marketoption": "OnDemand",
    }
    return Question("AmazonEC2", fields)


def machines() -> list[str]:
    """Every EC2 machine of the catalogue."""
    return [machine.name for machine in MACHINES.values() if machine.kind is ClusterKind.EKS]


def asked() -> set[Asked]:
    """Everything that `ask` queries."""
    spot = {(name, Purchase.SPOT) for name in machines()}
    return spot | {(name, Purchase.ON_DEMAND) for name in (*machines(), *ITEM_QUESTIONS)}


def clients(region: str) -> tuple[Any, Any]:
    """The price list and EC2 in that region, with the credentials that boto3 finds."""
    boto3 = optional("boto3")
    return boto3.client("pricing", region_name=PRICE_LIST_REGION), boto3.client("ec2", region_name=region)


def ask(pricing: Any, ec2: Any, region: str, tell: Callable[[str], None]) -> Answer:
    """Every price that AWS returns for that region. Raises ToolError if it does not answer."""
    errors = optional("botocore.exceptions")
    questions = {name: machine_question(name) for name in machines()} | ITEM_QUESTIONS
    found: dict[Asked, float] = {}
    try:
        for number, (name, question) in enumerate(questions.items(), 1):
            tell(f"list price {number} of {len(questions)}: {name}")
            usd = list_price(products(pricing, question, region), question, name)
            if usd is not None:
                found[name, Purchase.ON_DEMAND] = usd
        tell(f"spot prices of {len(machines())} machines")
        zones = {(name, Purchase.SPOT): amounts for name, amounts in spot_prices(ec2).items()}
    except (errors.NoCredentialsError, errors.PartialCredentialsError) as error:
        raise ToolError(f"no AWS credentials ({error}); run `aws sso login`, or set AWS_PROFILE") from error
    except errors.ClientError as error:
        what = f"{error.operation_name}: {error.response['Error']['Message']}"
        raise ToolError(
            f"AWS refuses {what}; pricing:GetProducts and ec2:DescribeSpotPriceHistory are needed"
        ) from error
    except errors.BotoCoreError as error:
        raise ToolError(f"AWS does not answer: {error}") from error
    spot = {name: median(amounts) for name, amounts in zones.items()}
    return Answer(found | spot, {name: (min(amounts), max(amounts)) for name, amounts in zones.items()})


def products(pricing: Any, question: Question, region: str) -> Iterator[dict[str, Any]]:
    """The products of the price list that match."""
    wanted = {**question.fields, "regionCode": region}
    filters = [{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in wanted.items()]
    pages = pricing.get_paginator("get_products").paginate(ServiceCode=question.service, Filters=filters)
    for page in pages:
        for text in page["PriceList"]:
            product = json.loads(text)
            if question.means(product["product"]["attributes"].get("usagetype", "")):
                yield product


def list_price(found: Iterator[dict[str, Any]], question: Question, name: str) -> float | None:
    """The amount that all those products have in their first tier; None if there is none."""
    amounts = {usd for product in found for usd in _amounts(product, question.units) if usd}
    if len(amounts) > 1:
        raise ToolError(f"the price list has several prices of {name}: {', '.join(map(str, sorted(amounts)))}")
    return amounts.pop() if amounts else None


def _amounts(product: dict[str, Any], units: tuple[str, ...]) -> Iterator[float]:
    for term in product.get("terms", {}).get("OnDemand", {}).values():
        for dimension in term["priceDimensions"].values():
            if dimension["unit"] in units and float(dimension.get("beginRange", 0)) == 0:
                yield float(dimension["pricePerUnit"]["USD"])


def spot_prices(ec2: Any) -> dict[str, list[float]]:
    """Current spot price of each machine, Linux, in each zone."""
    now = datetime.now(UTC)
    pages = ec2.get_paginator("describe_spot_price_history").paginate(
        InstanceTypes=machines(), ProductDescriptions=["Linux/UNIX"], StartTime=now, EndTime=now
    )
    zones: dict[str, dict[str, tuple[datetime, float]]] = {}
    for page in pages:
        for row in page["SpotPriceHistory"]:
            latest = zones.setdefault(row["InstanceType"], {})
            seen = row["Timestamp"], float(row["SpotPrice"])
            latest[row["AvailabilityZone"]] = max(latest.get(row["AvailabilityZone"], seen), seen)
    return {machine: [usd for _, usd in latest.values()] for machine, latest in zones.items()}
