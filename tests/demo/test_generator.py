"""The demo's bills: always the same, believable, and right by the rules of FOCUS."""

import hashlib
import json
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path

import polars as pl
import pytest

from apps.demo.focus import DECIMAL, SCHEMA, write
from apps.demo.generator import PROVIDERS, bills, months_until
from collectors.focus.versions import cost_and_usage_version
from tests.shared import BILLING

UNTIL = date(2026, 6, 17)
SUBCATEGORIES = BILLING / "focus-spec" / "focus_1_4_servicesubcategory.json"
NOTHING = pl.lit(0, DECIMAL)


@cache
def charges(months: int = 2) -> pl.DataFrame:
    """All bills as one frame."""
    return pl.concat(bill.charges for bill in bills(UNTIL, months))


def digests(folder: Path, until: date) -> list[str]:
    """The SHA-256 of each file of a month."""
    folder.mkdir()
    for bill in bills(until, 1):
        write(bill.charges, folder / bill.file_name)
    return [hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())]


def test_the_same_day_gives_the_same_bytes_and_another_day_others(tmp_path: Path) -> None:
    first = digests(tmp_path / "first", UNTIL)

    assert digests(tmp_path / "again", UNTIL) == first
    assert len(set(first)) == len(PROVIDERS)
    assert not set(digests(tmp_path / "other", UNTIL - timedelta(days=1))) & set(first)


@pytest.mark.parametrize("until", [date(2026, 6, 17), date(2027, 1, 1), date(2026, 11, 30), date(2028, 2, 29)])
def test_thirteen_months_are_about_300_000_rows_of_a_company_that_grows(until: date) -> None:
    months = [(bill.month, bill.charges.height, bill.charges["EffectiveCost"].sum()) for bill in bills(until)]
    by_month = {first: sum(cost for month, _, cost in months if month == first) for first, _, _ in months}

    assert sorted(by_month) == months_until(until)
    assert 270_000 < sum(rows for _, rows, _ in months) < 350_000
    assert 250_000 < by_month[min(by_month)] < 450_000
    assert 500_000 < by_month[months_until(until)[-2]] < 700_000


def test_no_charge_lies_after_the_last_day_but_those_of_the_whole_month() -> None:
    day = pl.col("ChargePeriodStart").dt.date()
    long = charges().filter(pl.col("ChargePeriodEnd") > pl.col("ChargePeriodStart").dt.offset_by("1d"))

    assert charges().select(day.max()).item() == UNTIL
    assert set(long["ChargeDescription"]) == {
        "Business support fee",
        "Enhanced support fee",
        "Professional Direct support fee",
        "Sales tax on the taxable part of the bill",
        "Four NC24ads for three years, recurring fee",
    }


def test_the_header_is_that_of_focus_1_2() -> None:
    assert len(SCHEMA) == 57
    assert cost_and_usage_version(SCHEMA.names()) == "1.2"


def test_costs_are_prices_times_quantities_to_the_last_digit() -> None:
    priced = charges().filter(pl.col("PricingQuantity").is_not_null())

    for kind in ("List", "Contracted"):
        product = pl.col(f"{kind}UnitPrice") * pl.col("PricingQuantity")
        assert priced.filter(pl.col(f"{kind}Cost") != product).is_empty()
    assert priced.filter(pl.col("ContractedCost") > pl.col("ListCost")).is_empty()


def test_every_row_keeps_the_rules_between_its_columns() -> None:
    usage, unused = pl.col("ChargeCategory") == "Usage", pl.col("CommitmentDiscountStatus") == "Unused"
    purchase, committed = pl.col("ChargeCategory") == "Purchase", pl.col("CommitmentDiscountId").is_not_null()
    rules = {
        "usage and purchases have a price": (usage | purchase) == pl.col("ListUnitPrice").is_not_null(),
        "and a SKU": (usage | purchase) == pl.col("SkuPriceId").is_not_null(),
        "usage that happened is consumed": (usage & ~unused.fill_null(value=False))
        == pl.col("ConsumedQuantity").is_not_null(),
        "usage of a commitment has a status": (usage & committed) == pl.col("CommitmentDiscountStatus").is_not_null(),
        "a commitment's purchase has no effective cost": ~purchase | (pl.col("EffectiveCost") == NOTHING),
        "what a commitment pays is not billed again": ~(usage & committed) | (pl.col("BilledCost") == NOTHING),
        "an on-demand charge costs what is billed": committed | (pl.col("BilledCost") == pl.col("EffectiveCost")),
        "a resource has a type": pl.col("ResourceId").is_null() == pl.col("ResourceType").is_null(),
        "a region has a name": pl.col("RegionId").is_null() == pl.col("RegionName").is_null(),
        "a sub account has a name": pl.col("SubAccountId").is_null() == pl.col("SubAccountName").is_null(),
        "an open month has a provisional invoice": pl.col("InvoiceId").str.ends_with("PROVISIONAL")
        == (pl.col("BillingPeriodEnd").dt.date() > pl.lit(UNTIL)),
        "a machine runs 24 hours a day": ~pl.col("SkuPriceDetails").is_not_null() | (pl.col("PricingQuantity") <= 24),
    }

    assert [name for name, rule in rules.items() if not charges().select(rule.all()).item()] == []


def test_what_a_commitment_cost_is_what_was_used_and_unused_of_it() -> None:
    over, committed = pl.col("BillingPeriodEnd").dt.date() <= UNTIL, pl.col("CommitmentDiscountId").is_not_null()
    whole = charges().filter(over, committed)
    sums = whole.group_by("CommitmentDiscountName").agg(pl.col("BilledCost").sum(), pl.col("EffectiveCost").sum())

    assert sums.height == 5
    assert sums.filter(pl.col("BilledCost") != pl.col("EffectiveCost")).is_empty()
    assert whole.filter(pl.col("EffectiveCost") < NOTHING).is_empty()


def test_a_service_has_one_category_and_a_subcategory_of_it() -> None:
    parents = json.loads(SUBCATEGORIES.read_text())
    services = charges().select("ProviderName", "ServiceName", "ServiceCategory", "ServiceSubcategory").unique()

    assert services.select("ProviderName", "ServiceName").is_unique().all()
    assert {sub for _, _, category, sub in services.iter_rows() if parents.get(sub) != category} == set()


def test_a_resource_id_names_one_resource() -> None:
    resources = charges().select("ProviderName", "ResourceId", "ResourceName", "ResourceType").drop_nulls().unique()

    assert resources.height > 800
    assert resources.select("ProviderName", "ResourceId").is_unique().all()
    assert resources.filter(pl.col("ResourceId") == pl.col("ResourceName")).is_empty()


def test_weekends_are_quieter_and_tokens_are_counted_one_by_one() -> None:
    tokens = charges().filter(pl.col("ConsumedUnit") == "Tokens")
    weekend = pl.col("ChargePeriodStart").dt.weekday() >= 6
    means = {day: tokens.filter(rule)["EffectiveCost"].mean() for day, rule in (("work", ~weekend), ("rest", weekend))}

    assert set(tokens["ProviderName"]) == {"OpenAI", "Anthropic"}
    assert set(tokens["ServiceSubcategory"]) == {"Generative AI"}
    assert all(quantity == int(quantity) for quantity in tokens["ConsumedQuantity"])
    assert means["rest"] < means["work"]


def test_every_kind_of_charge_occurs() -> None:
    assert set(charges(13)["ChargeCategory"]) == {"Usage", "Purchase", "Tax", "Credit", "Adjustment"}
    assert set(charges(13)["PricingCategory"].drop_nulls()) == {"Standard", "Dynamic", "Committed"}
    assert set(charges(13)["CommitmentDiscountStatus"].drop_nulls()) == {"Used", "Unused"}
    assert charges(13).filter(pl.col("ChargeClass") == "Correction")["BilledCost"].to_list() == [Decimal("-412.37")]
