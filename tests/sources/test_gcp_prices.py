"""The Cloud Billing Catalog as list prices, and the billing accounts that the bill's connection names."""

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from werkzeug.wrappers import Response

from apps.core.errors import UserError
from apps.sources.connections import connection
from collectors.connections import Window
from collectors.errors import CollectorError, ProviderRefusedError, ProviderUnavailableError
from collectors.files import find_deliveries
from collectors.prices import PRICES
from collectors.records import read_records
from tests.gcp import EMAIL, GoogleServer, google, google_for_all, key
from tests.gcp_apis import COMPUTE, api_error

__all__ = ["google", "google_for_all", "key"]

STORAGE = "95FF-2EF5-5EA1"
NOW = Window(datetime.now(UTC).date())


def rate(units: str, nanos: int, start: float = 0, currency: str = "USD") -> dict[str, Any]:
    """A tier; Google leaves out what is nothing."""
    price = {"currencyCode": currency, **({"units": units} if units else {}), "nanos": nanos}
    return {"startUsageAmount": start, "unitPrice": price}


def sku(number: str, description: str, *rates: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A SKU as the catalog lists it."""
    usage = more.pop("usage", "OnDemand")
    expression = {
        "usageUnit": "h",
        "usageUnitDescription": "hour",
        "baseUnit": "s",
        "baseUnitDescription": "second",
        "baseUnitConversionFactor": 3600,
        "displayQuantity": 1,
        "tieredRates": list(rates),
    }
    return {
        "name": f"services/{COMPUTE}/skus/{number}",
        "skuId": number,
        "description": description,
        "category": {
            "serviceDisplayName": "Compute Engine",
            "resourceFamily": "Compute",
            "resourceGroup": "CPU",
            "usageType": usage,
        },
        "serviceRegions": ["europe-west3"],
        "pricingInfo": [
            {
                "effectiveTime": "2026-06-04T03:00:00.123456Z",
                "currencyConversionRate": 1,
                "pricingExpression": expression,
            }
        ],
        "serviceProviderName": "Google",
        **more,
    }


CORE = sku("AAAA-1", "N2 Instance Core running in Frankfurt", rate("0", 40_723_000))
SPOT = sku("BBBB-2", "Spot Preemptible N2 Instance Core running in Frankfurt", rate("", 9_785_000), usage="Preemptible")
YEAR = sku("CCCC-3", "Commitment v1: N2 Cpu in Frankfurt for 1 Year", rate("", 25_655_123), usage="Commit1Yr")
THREE = sku("DDDD-4", "Commitment v1: N2 Cpu in Frankfurt for 3 Year", rate("", 18_325_000), usage="Commit3Yr")
ODD = sku("EEEE-5", "Something that is consumed in a new way", rate("12", 1), usage="Commit1Mo")
TIERS = sku(
    "FFFF-6", "Network Internet Egress", rate("0", 0), rate("0", 120_000_000, 1), rate("0", 80_000_000, 10240.5),
    serviceRegions=["europe-west3", "us-central1"],
)  # fmt: skip
EVERYWHERE = sku("GGGG-7", "Licensing fee", rate("1", 500_000_000), serviceRegions=["global"])


@pytest.fixture
def catalog(google: GoogleServer) -> GoogleServer:
    """A catalog of two services."""
    google.shelves.services = {COMPUTE: "Compute Engine", STORAGE: "Cloud Storage", "X": "Another"}
    google.shelves.skus = {COMPUTE: [ODD, THREE, YEAR, SPOT, CORE, TIERS, EVERYWHERE], STORAGE: []}
    return google


def fetched(key: str, folder: Path, **settings: str) -> pl.DataFrame:
    """The prices of the first service, read as the importer reads them."""
    made = connection("gcp-prices", settings, {"key": key})
    path = made.fetch(next(iter(made.remote(NOW))).address, folder, lambda *_: None)
    (found,) = find_deliveries([path], root=folder)
    batches = list(read_records(found, PRICES))
    assert not any(len(batch.rejected) for batch in batches)
    assert not any(batch.rounded_values for batch in batches)
    return pl.concat(batch.records for batch in batches)


def test_prices_are_exact_and_say_how_they_are_bought(catalog: GoogleServer, key: str, tmp_path: Path) -> None:
    columns = ("sku_id", "pricing_category", "term", "list_unit_price", "pricing_unit", "pricing_currency")
    rows = fetched(key, tmp_path).drop_nulls("sku_id").filter(pl.col("sku_id") < "F").select(columns).rows()
    assert rows == [
        ("AAAA-1", "Standard", None, Decimal("0.040723"), "hour", "USD"),
        ("BBBB-2", "Dynamic", None, Decimal("0.009785"), "hour", "USD"),
        ("CCCC-3", "Committed", "1 year", Decimal("0.025655123"), "hour", "USD"),
        ("DDDD-4", "Committed", "3 years", Decimal("0.018325"), "hour", "USD"),
        ("EEEE-5", "Other", None, Decimal("12.000000001"), "hour", "USD"),
    ]


def test_each_region_and_each_tier_has_its_price(catalog: GoogleServer, key: str, tmp_path: Path) -> None:
    rows = fetched(key, tmp_path).filter(pl.col("sku_id") == "FFFF-6")
    assert rows.select("region_id", "tier_start", "list_unit_price").rows() == [
        (region, tier, price)
        for region in ("europe-west3", "us-central1")
        for tier, price in (
            (Decimal(0), Decimal(0)),
            (Decimal(1), Decimal("0.12")),
            (Decimal("10240.5"), Decimal("0.08")),
        )
    ]


def test_a_choice_of_regions_keeps_what_holds_everywhere(catalog: GoogleServer, key: str, tmp_path: Path) -> None:
    rows = fetched(key, tmp_path, regions="us-central1").drop_nulls("sku_id")
    assert rows.select("sku_id", "region_id").unique(maintain_order=True).rows() == [
        ("FFFF-6", "us-central1"),
        ("GGGG-7", None),
    ]


def test_a_time_that_is_only_that_of_the_question_is_not_a_day_of_effect(
    catalog: GoogleServer, key: str, tmp_path: Path
) -> None:
    assert fetched(key, tmp_path)["valid_from"].null_count() == fetched(key, tmp_path).height


def test_each_service_is_a_delivery_and_an_empty_one_says_that_it_was_read(
    catalog: GoogleServer, key: str, tmp_path: Path
) -> None:
    made = connection("gcp-prices", {"services": "cloud storage, Compute Engine, Nonsense"}, {"key": key})
    remote = list(made.remote(NOW))

    assert [one.name for one in remote] == ["Cloud Storage", "Compute Engine"]
    assert list(made.warnings) == ["The Cloud Billing Catalog has no service called Nonsense: check how it is spelt."]
    said = made.fetch(remote[0].address, tmp_path, lambda *_: None).read_text().splitlines()
    assert said[1].startswith("Google Cloud,Cloud Storage,,")
    assert said[1].endswith(f",services/{STORAGE}")
    assert len(said) == 2


def test_prices_are_asked_for_in_the_currency_of_the_form(catalog: GoogleServer, key: str, tmp_path: Path) -> None:
    fetched(key, tmp_path, currency="eur")
    assert [path for path in catalog.asked if "/skus" in path and "currencyCode=EUR" in path]
    assert not [path for path in catalog.asked if "currencyCode=USD" in path]


def test_a_connection_test_says_each_step(catalog: GoogleServer, key: str) -> None:
    found = connection("gcp-prices", {"services": "Compute Engine"}, {"key": key}).check()
    assert [(step.step, step.ok, step.says) for step in found] == [
        ("Sign in to Google Cloud", True, EMAIL),
        ("Find the services", True, "Compute Engine"),
        ("Read prices", True, "Compute Engine: 2 SKUs on the first page"),
    ]
    found = connection("gcp-prices", {"services": "Compute"}, {"key": key}).check()
    assert [(step.ok, step.says) for step in found][1] == (
        False,
        "The Cloud Billing Catalog has no service called Compute: check how it is spelt.",
    )


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (
            api_error(
                403, "PERMISSION_DENIED", "Cloud Billing API has not been used", "SERVICE_DISABLED",
                service="cloudbilling.googleapis.com", consumer="projects/77",
            ),
            (ProviderRefusedError, "enable it (gcloud services enable cloudbilling.googleapis.com --project=77)"),
        ),
        (api_error(401, "UNAUTHENTICATED", "no"), (ProviderRefusedError, "does not take the credentials")),
        (api_error(400, "INVALID_ARGUMENT", "currency"), (ProviderRefusedError, "Check services and currency.")),
        (api_error(429, "RESOURCE_EXHAUSTED", "slow"), (ProviderUnavailableError, "asks for fewer requests (429)")),
        (api_error(503, "UNAVAILABLE", "later"), (ProviderUnavailableError, "asks for fewer requests (503)")),
        (api_error(500, "INTERNAL", "oh"), (ProviderUnavailableError, "has a fault of its own (500)")),
        (Response('{"skus": [{', 200), (ProviderUnavailableError, "failed or broke off")),
    ],
)  # fmt: skip
def test_what_fails_is_told_apart(
    catalog: GoogleServer, key: str, tmp_path: Path, answer: Response, expected: tuple[type[CollectorError], str]
) -> None:
    catalog.spoil(times=9, path="/skus", answer=lambda _: answer)
    with pytest.raises(expected[0], match=re.escape(expected[1])):
        fetched(key, tmp_path)


@pytest.mark.parametrize(
    ("typed", "field", "said"),
    [
        ({"services": " , "}, "services", "Name at least one service"),
        ({"regions": "Frankfurt am Main"}, "regions", "is no region"),
        ({"currency": "euros"}, "currency", "three letters"),
    ],
)
def test_what_is_typed_wrong_is_named(typed: dict[str, str], field: str, said: str) -> None:
    with pytest.raises(UserError, match=said) as told:
        connection("gcp-prices", typed, {})
    assert told.value.field == field


def test_the_same_prices_in_another_order_are_the_same_file(catalog: GoogleServer, key: str, tmp_path: Path) -> None:
    fetched(key, tmp_path)
    first = (tmp_path / "prices.csv").read_bytes()
    catalog.shelves.skus[COMPUTE].reverse()
    fetched(key, tmp_path)
    assert (tmp_path / "prices.csv").read_bytes() == first
    assert json.dumps(first.decode()).count("AAAA-1") == 1
