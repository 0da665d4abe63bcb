"""AWS's answers become prices. Questions and answers are checked against botocore's API models.

Not proved here: that these fields find the products in today's price list.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY

from catalog.accelerators import Purchase
from catalog.prices.items import ITEMS
from tests.tools.prices.support import expected, product, questions, stubbed
from tools.errors import ToolError
from tools.prices import aws
from tools.prices.changes import Answer

NOW = datetime(2026, 11, 21, tzinfo=UTC)
NOT_ASKED = {"eks-cluster-extended"}
"""Items whose product no source explains."""


def spot(machine: str, zone: str, usd: float, minutes_ago: int = 0) -> dict[str, Any]:
    return {
        "InstanceType": machine,
        "AvailabilityZone": zone,
        "ProductDescription": "Linux/UNIX",
        "SpotPrice": f"{usd:.6f}",
        "Timestamp": NOW - timedelta(minutes=minutes_ago),
    }


def asked(lists: dict[str, list[str]], spots: list[dict[str, Any]], region: str = "us-east-1") -> Answer:
    """What `ask` makes of those answers, every question being answered in turn."""
    pricing, lists_stub = stubbed("pricing")
    ec2, spot_stub = stubbed("ec2", region)
    for name, question in questions().items():
        answer = {"FormatVersion": "aws_v1", "PriceList": lists.get(name, [])}
        lists_stub.add_response("get_products", answer, expected(question, region))
    wanted = {
        "InstanceTypes": aws.machines(),
        "ProductDescriptions": ["Linux/UNIX"],
        "StartTime": ANY,
        "EndTime": ANY,
    }
    spot_stub.add_response("describe_spot_price_history", {"SpotPriceHistory": spots}, wanted)
    with lists_stub, spot_stub:
        found = aws.ask(pricing, ec2, region, lambda text: None)
    lists_stub.assert_no_pending_responses()
    spot_stub.assert_no_pending_responses()
    return found


def test_list_and_spot_prices_are_asked_for_every_machine_and_item() -> None:
    lists = {name: [product("Any", 1 + n)] for n, name in enumerate(aws.machines())}
    lists["eks-cluster"] = [product("USE1-AmazonEKS-Hours:perCluster", 0.1, "Hours")]
    found = asked(lists, [spot("p5.48xlarge", "us-east-1a", 20)]).usd
    assert found["g4dn.xlarge", Purchase.ON_DEMAND] == 1
    assert found["eks-cluster", Purchase.ON_DEMAND] == 0.1
    assert found["p5.48xlarge", Purchase.SPOT] == 20
    assert len(found) == len(aws.machines()) + 2
    assert set(found) <= aws.asked()


def test_every_item_of_aws_is_asked_for_or_known_not_to_be() -> None:
    assert set(aws.ITEM_QUESTIONS) | NOT_ASKED == {item.name for item in ITEMS.values() if item.cloud == "aws"}


def test_another_product_of_the_same_fields_is_distinguished_by_its_usage_type() -> None:
    lists = {
        "eks-cluster": [
            product("USE1-AmazonEKS-Hours:perCluster", 0.1, "Hours"),
            product("USE1-AmazonEKS-Hours:extendedSupport", 0.5, "Hours"),
        ],
        "nat-gateway": [product("NatGateway-Hours", 0.045), product("NatGateway-Bytes", 0.045, "GB")],
        "nat-gateway-data": [product("NatGateway-Hours", 0.045), product("NatGateway-Bytes", 0.044, "GB")],
    }
    found = asked(lists, []).usd
    assert {name: usd for (name, _), usd in found.items()} == {
        "eks-cluster": 0.1,
        "nat-gateway": 0.045,
        "nat-gateway-data": 0.044,
    }


def test_only_the_first_tier_counts_and_what_is_free_is_no_price() -> None:
    tiers = [
        product("TimedStorage-ByteHrs", 0.023, "GB-Mo"),
        product("TimedStorage-ByteHrs", 0.022, "GB-Mo", begin="51200"),
    ]
    found = asked({"s3-standard": tiers, "p5.48xlarge": [product("Any", 0)]}, [])
    assert found.usd == {("s3-standard", Purchase.ON_DEMAND): 0.023}


def test_two_prices_for_one_machine_are_refused_by_name() -> None:
    pricing, stub = stubbed("pricing")
    answer = {"FormatVersion": "aws_v1", "PriceList": [product("Any", 1), product("Any", 2)]}
    stub.add_response("get_products", answer)
    with stub, pytest.raises(ToolError, match=r"several prices of p5.48xlarge: 1.0, 2.0"):
        aws.list_price(
            aws.products(pricing, aws.machine_question("p5.48xlarge"), "us-east-1"),
            aws.machine_question("p5.48xlarge"),
            "p5.48xlarge",
        )


def test_the_spot_price_is_the_median_of_the_zones_with_the_lowest_and_the_highest() -> None:
    rows = [
        spot("p5.48xlarge", "us-east-1a", 10),
        spot("p5.48xlarge", "us-east-1b", 20),
        spot("p5.48xlarge", "us-east-1c", 90),
        spot("p5.48xlarge", "us-east-1c", 1, minutes_ago=60),
    ]
    p5_spot = ("p5.48xlarge", Purchase.SPOT)
    assert asked({}, rows) == Answer({p5_spot: 20}, {p5_spot: (10, 90)})


def test_a_refusal_is_one_line_that_says_which_right_is_missing() -> None:
    pricing, stub = stubbed("pricing")
    stub.add_client_error("get_products", "AccessDeniedException", "not authorized to perform pricing:GetProducts", 400)
    with stub, pytest.raises(ToolError, match="AWS refuses GetProducts: not authorized") as refused:
        aws.ask(pricing, stubbed("ec2")[0], "us-east-1", lambda text: None)
    assert isinstance(refused.value.__cause__, ClientError)
    assert "\n" not in refused.value.message
