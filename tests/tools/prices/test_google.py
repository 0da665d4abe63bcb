"""Google's SKUs become prices. Answers are checked against the discovery document of the Cloud Billing API.

Not proved here: that descriptions of SKUs begin so today.
"""

from __future__ import annotations

import copy

import pytest

from catalog.accelerators import ClusterKind, Purchase
from catalog.machines import MACHINES
from catalog.prices.items import ITEMS
from tests.tools.prices.support import catalogue, catalogue_skus, refusing, sku, sum_of_parts
from tools.errors import ToolError
from tools.prices import google

NOT_ASKED = {
    *("a3-ultragpu-8g", "a4-highgpu-8g", "a4x-highgpu-4g", "ct4p-hightpu-4t", "ct5lp-hightpu-1t", "ct5lp-hightpu-4t"),
    *("ct5lp-hightpu-8t", "ct5p-hightpu-4t", "ct6e-standard-1t", "ct6e-standard-4t", "ct6e-standard-8t"),
    *("tpu7x-standard-1t", "tpu7x-standard-4t", "filestore-zonal", "cloud-nat-vm", "cloud-nat-data"),
    *("cloud-sql-vcpu", "cloud-sql-memory", "cloud-sql-ssd"),
}
"""Machines and items whose SKUs no source names: `refresh` leaves them as they are."""


def test_every_machine_and_item_of_google_is_asked_for_or_known_not_to_be() -> None:
    machines = {m.name for m in MACHINES.values() if m.kind is ClusterKind.GKE}
    items = {item.name for item in ITEMS.values() if item.cloud == "gcp"}
    assert {name for name, _ in google.asked()} | NOT_ASKED == machines | items
    assert not {name for name, _ in google.asked()} & NOT_ASKED


def test_a_machine_costs_the_sum_of_its_parts_in_its_region() -> None:
    found = google.ask(catalogue(catalogue_skus()), "us-central1", lambda text: None)
    assert set(found) == google.asked()
    for machine in google.machines():
        assert found[machine.name, Purchase.ON_DEMAND] == pytest.approx(sum_of_parts(machine.name))
        assert found[machine.name, Purchase.SPOT] == pytest.approx(sum_of_parts(machine.name) / 2)
    assert found["pd-balanced", Purchase.ON_DEMAND] == pytest.approx(0.1)


def test_without_the_price_of_a_part_the_machine_has_none() -> None:
    skus = catalogue_skus()
    skus[google.COMPUTE] = [s for s in skus[google.COMPUTE] if "Nvidia L4" not in s["description"]]
    found = google.answer(skus, "us-central1")
    assert not [name for name, _ in found if name.startswith("g2-")]
    assert ("n2-standard-8", Purchase.ON_DEMAND) in found


def test_two_amounts_for_one_part_are_no_answer() -> None:
    skus = catalogue_skus()
    skus[google.COMPUTE].append(sku("E2 Instance Core running in Americas", 7))
    assert ("e2-standard-8", Purchase.ON_DEMAND) not in google.answer(skus, "us-central1")


def test_reservations_commitments_and_flex_start_are_not_taken_for_the_list_price() -> None:
    skus = catalogue_skus()
    gpu = "Nvidia H100 80GB GPU"
    skus[google.COMPUTE] += [
        sku("Commitment v1: A3 Cpu in Americas for 1 Year", 0.5, "Commit1Yr"),
        sku(f"{gpu} attached to DWS Defined Duration in Americas", 1, group="GPU"),
        sku("A3 Instance Core attached to DWS Defined Duration in Americas", 1),
    ]
    assert google.answer(skus, "us-central1") == google.answer(catalogue_skus(), "us-central1")


def test_a_tier_that_is_free_is_passed_over() -> None:
    paid = sku("Standard Storage Iowa", 0.02)
    free = copy.deepcopy(paid["pricingInfo"][0]["pricingExpression"]["tieredRates"][0])
    free["unitPrice"] = {"currencyCode": "USD", "units": "0", "nanos": 0}
    paid["pricingInfo"][0]["pricingExpression"]["tieredRates"].insert(0, free)
    assert google.unit_price([paid]) == 0.02


def test_a_refusal_is_one_line() -> None:
    with pytest.raises(ToolError, match=r"Google refuses \(403\): Cloud Billing API has not been used") as refused:
        google.ask(refusing(403, "Cloud Billing API has not been used in project 1"), "us-central1", lambda text: None)
    assert "\n" not in refused.value.message


def test_a_service_that_is_gone_is_named() -> None:
    client = catalogue(catalogue_skus(), hidden="Kubernetes Engine")
    with pytest.raises(ToolError, match="no service Kubernetes Engine"):
        google.ask(client, "us-central1", lambda text: None)
