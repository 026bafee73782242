"""The list prices of the demo: what its bills were reckoned with, through the importer that everybody uses."""

from decimal import Decimal

import polars as pl
import pytest

from apps.demo.generator import bills
from apps.demo.prices import price_lists
from apps.pricing.models import Price, PriceList
from apps.sources.models import Delivery
from tests.demo.database import MONTHS, UNTIL

OFFER = ["ProviderName", "SkuId", "RegionId"]


@pytest.fixture(scope="module")
def usage() -> pl.DataFrame:
    """Every charge for something that ran, which support plans are not."""
    charges = pl.concat([bill.charges for bill in bills(UNTIL, MONTHS)])
    is_unused = pl.col("CommitmentDiscountStatus").eq_missing(pl.lit("Unused"))
    return charges.filter(pl.col("ChargeCategory") == "Usage", pl.col("ResourceId").is_not_null(), ~is_unused)


def listed(category: str) -> pl.DataFrame:
    """The newest prices of a category, by what charges call them."""
    *_, (_, rows) = price_lists(UNTIL)
    told = [
        (row["provider"], row["sku_id"], row["region_id"], row["description"], str(row["list_unit_price"]))
        for row in rows
        if row["pricing_category"] == category
    ]
    frame = pl.DataFrame(told, schema=dict.fromkeys([*OFFER, "what", "price"], pl.String()), orient="row")
    return frame.cast({"price": pl.Decimal(38, 18)})


def test_what_charges_would_have_cost_is_the_price_in_the_lists(usage: pl.DataFrame) -> None:
    asked = listed("Standard")
    priced = usage.join(asked, on=OFFER, how="left", nulls_equal=True)

    assert asked.select(OFFER).is_duplicated().sum() == 0
    assert priced.height == usage.height > 30_000
    assert priced.filter(pl.col("price").ne_missing(pl.col("ListUnitPrice"))).is_empty()


def test_what_commitments_paid_is_the_price_under_that_commitment(usage: pl.DataFrame) -> None:
    paid = usage.filter(pl.col("PricingCategory") == "Committed").with_columns(
        what=pl.format("{}, {}", "SkuId", "CommitmentDiscountType")
    )
    priced = paid.join(listed("Committed"), on=[*OFFER, "what"], how="left")

    assert priced.height == paid.height > 1000
    assert priced.filter((pl.col("PricingQuantity") * pl.col("price")).ne_missing(pl.col("EffectiveCost"))).is_empty()


def test_spot_costs_a_part_of_the_list_price_that_bills_ask_for_too(usage: pl.DataFrame) -> None:
    spot = usage.filter(pl.col("PricingCategory") == "Dynamic")
    both = listed("Dynamic").join(listed("Standard"), on=OFFER, suffix="_standard")
    shares = [Decimal(row["price"]) / Decimal(row["price_standard"]) for row in both.iter_rows(named=True)]

    assert set(spot.select(OFFER).iter_rows()) <= set(both.select(OFFER).iter_rows())
    paid = {Decimal(row["ContractedUnitPrice"]) / Decimal(row["ListUnitPrice"]) for row in spot.iter_rows(named=True)}
    assert min(paid) <= min(shares) <= max(shares) <= max(paid)


@pytest.mark.usefixtures("demo")
def test_lists_were_read_three_times_and_spot_alone_changed() -> None:
    entries = Delivery.objects.filter(format="List prices")
    assert {(one.status, one.rows_rejected, one.rounded_values) for one in entries} == {("loaded", 0, 0)}
    assert entries.count() == 3
    assert PriceList.objects.filter(source="demo", read_at__date=UNTIL).count() == PriceList.objects.count() > 40

    ended = Price.objects.exclude(seen_until=None)
    assert ended.exists()
    assert set(ended.values_list("pricing_category", flat=True)) == {"Dynamic"}
    now = Price.objects.filter(seen_until=None)
    assert now.filter(pricing_category="Dynamic").exists()
    assert now.filter(size="g6e.12xlarge", pricing_category="Standard").get().list_unit_price == Decimal("10.49264")
