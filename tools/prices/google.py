"""Google prices: the SKUs of the Cloud Billing Catalog API. The price of a machine is the sum of its parts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from catalog.accelerators import ClusterKind, Purchase
from catalog.machines import MACHINES, Machine
from catalog.prices import HOURS_PER_MONTH
from tools.errors import ToolError
from tools.prices.changes import Asked
from tools.prices.optional import optional

WHAT = "Google Cloud Billing Catalog API"
API_KEY = "GOOGLE_API_KEY"
"""Environment variable with an API key for the catalogue; without it, application default credentials."""
LOCAL_SSD_GB = 375
COMPUTE = "Compute Engine"


@dataclass(frozen=True)
class Series:
    """Prefixes of the SKUs of a machine series."""

    instance: str
    gpu: str = ""


# Prefixes of SKU descriptions: Cyclenerd/google-cloud-pricing-cost-calculator build/mapping.csv, 2026-08-20.
SERIES: dict[str, Series] = {
    "a2-highgpu": Series("A2 Instance", "Nvidia Tesla A100 GPU"),
    "a2-megagpu": Series("A2 Instance", "Nvidia Tesla A100 GPU"),
    "a2-ultragpu": Series("A2 Instance", "Nvidia Tesla A100 80GB GPU"),
    "a3-highgpu": Series("A3 Instance", "Nvidia H100 80GB GPU"),
    "g2-standard": Series("G2 Instance", "Nvidia L4 GPU"),
    "g4-standard": Series("G4 Instance", "RTX 6000 96GB"),
    "e2-standard": Series("E2 Instance"),
    "n2-standard": Series("N2 Instance"),
    "n4-standard": Series("N4 Instance"),
    "c4a-standard": Series("C4A Arm Instance"),
}
"""Machine series -> its SKUs. The others (H200, B200, GB200, TPUs) are not refreshed: no source names their SKUs."""
LOCAL_SSD = {
    Purchase.ON_DEMAND: "SSD backed Local Storage",
    Purchase.SPOT: "SSD backed Local Storage attached to Spot Preemptible",
}
ITEM_SKUS: dict[str, tuple[str, str]] = {
    "pd-balanced": (COMPUTE, "Balanced PD Capacity"),
    "pd-ssd": (COMPUTE, "SSD backed PD Capacity"),
    "pd-standard": (COMPUTE, "Storage PD Capacity"),
    "hyperdisk-balanced": (COMPUTE, "Hyperdisk Balanced Capacity in"),
    "gke-cluster": ("Kubernetes Engine", "Regional Kubernetes Clusters"),
    "gcs-standard": ("Cloud Storage", "Standard Storage"),
}
"""Item -> its service and the prefix of its SKU's description."""
RESOURCE_GROUPS = {"gcs-standard": "RegionalStorage"}
"""Item -> the resource group, which distinguishes its SKU from others with the same description."""
Sku = dict[str, Any]


def machines() -> list[Machine]:
    """The Google machines whose SKUs are known."""
    return [m for m in MACHINES.values() if m.kind is ClusterKind.GKE and _series(m) in SERIES]


def _series(machine: Machine) -> str:
    return machine.name.rsplit("-", 1)[0]


def asked() -> set[Asked]:
    """Everything that `ask` queries."""
    both = {(machine.name, purchase) for machine in machines() for purchase in (Purchase.ON_DEMAND, Purchase.SPOT)}
    return both | {(name, Purchase.ON_DEMAND) for name in ITEM_SKUS}


def client() -> Any:
    """The catalogue, with an API key or with the credentials of this computer."""
    discovery, auth = optional("googleapiclient.discovery"), optional("google.auth.exceptions")
    try:
        return discovery.build("cloudbilling", "v1", developerKey=os.environ.get(API_KEY), cache_discovery=False)
    except auth.DefaultCredentialsError as error:
        raise ToolError(
            f"no Google credentials; run `gcloud auth application-default login`, or set {API_KEY}"
        ) from error


def ask(catalogue: Any, region: str, tell: Callable[[str], None]) -> dict[Asked, float]:
    """Every price that Google returns for that region. Raises ToolError if it does not answer."""
    errors, auth = optional("googleapiclient.errors"), optional("google.auth.exceptions")
    try:
        skus = dict(_skus_by_service(catalogue, tell))
    except errors.HttpError as error:
        raise ToolError(f"Google refuses ({error.resp.status}): {error.reason}") from error
    except (auth.GoogleAuthError, OSError) as error:
        raise ToolError(f"Google does not answer: {error}") from error
    return answer(skus, region)


def _skus_by_service(catalogue: Any, tell: Callable[[str], None]) -> Iterator[tuple[str, list[Sku]]]:
    wanted = sorted({service for service, _ in ITEM_SKUS.values()})
    tell("list of services")
    services = {row["displayName"]: row["name"] for row in pages(catalogue.services(), "services", {})}
    for service in wanted:
        if service not in services:
            raise ToolError(f"Google's catalogue has no service {service}")
        found: list[Sku] = []
        for sku in pages(catalogue.services().skus(), "skus", {"parent": services[service], "currencyCode": "USD"}):
            found.append(sku)
            if len(found) % 5000 == 0:
                tell(f"{service}: {len(found)} SKUs")
        tell(f"{service}: {len(found)} SKUs")
        yield service, found


def pages(resource: Any, key: str, question: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """All rows of a paged list."""
    request = resource.list(pageSize=5000, **question)
    while request is not None:
        page = request.execute()
        yield from page.get(key, [])
        request = resource.list_next(request, page)


def answer(skus: Mapping[str, list[Sku]], region: str) -> dict[Asked, float]:
    """Prices of that region from the SKUs, by service. Pure."""
    here = {service: [s for s in rows if _sold_in(s, region)] for service, rows in skus.items()}
    found: dict[Asked, float] = {}
    for machine in machines():
        for purchase in (Purchase.ON_DEMAND, Purchase.SPOT):
            usd = machine_price(machine, purchase, here[COMPUTE])
            if usd is not None:
                found[machine.name, purchase] = usd
    for name, (service, begin) in ITEM_SKUS.items():
        group = RESOURCE_GROUPS.get(name)
        usd = unit_price(
            s for s in here[service] if group in (None, s["category"].get("resourceGroup")) if begins(s, begin)
        )
        if usd is not None:
            found[name, Purchase.ON_DEMAND] = usd
    return found


def _sold_in(sku: Sku, region: str) -> bool:
    usage = sku["category"].get("usageType")
    return usage in {"OnDemand", "Preemptible"} and bool({region, "global"} & set(sku.get("serviceRegions", [])))


def begins(sku: Sku, description: str) -> bool:
    """Whether its description has that prefix."""
    return str(sku["description"]).startswith(description)


def parts(machine: Machine, purchase: Purchase) -> Iterator[tuple[str, float]]:
    """Prefix of the description of each part's SKU, and the units of it in an hour of the machine."""
    series, spot = SERIES[_series(machine)], purchase is Purchase.SPOT
    front = "Spot Preemptible " if spot else ""
    yield f"{front}{series.instance} Core running in", machine.cpu
    yield f"{front}{series.instance} Ram running in", machine.memory_gib
    if series.gpu:
        yield f"{series.gpu} {'attached to Spot' if spot else 'running in'}", machine.devices
    if machine.local_ssds:
        yield LOCAL_SSD[purchase], machine.local_ssds * LOCAL_SSD_GB / HOURS_PER_MONTH


def machine_price(machine: Machine, purchase: Purchase, skus: list[Sku]) -> float | None:
    """Price per hour; None if the price of a part is unknown: a sum without it would be wrong."""
    usage = "Preemptible" if purchase is Purchase.SPOT else "OnDemand"
    sold = [sku for sku in skus if sku["category"]["usageType"] == usage]
    total = 0.0
    for description, amount in parts(machine, purchase):
        usd = unit_price(sku for sku in sold if begins(sku, description))
        if usd is None:
            return None
        total += usd * amount
    return total


def unit_price(skus: Iterable[Sku]) -> float | None:
    """The amount that all those SKUs have in their first paid tier; None if there is none, or several."""
    amounts = {usd for sku in skus for usd in _first_paid(sku)}
    return amounts.pop() if len(amounts) == 1 else None


def _first_paid(sku: Sku) -> Iterator[float]:
    for info in sku.get("pricingInfo", [])[-1:]:
        for rate in info["pricingExpression"]["tieredRates"]:
            price = rate["unitPrice"]
            usd = int(price.get("units", 0)) + price.get("nanos", 0) / 1e9
            if usd:
                yield usd
                return
