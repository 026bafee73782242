"""FOCUS files of what is stored: the right columns and values, and nothing lost when they are imported again."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from django.db import connection

from apps.costs import export_file
from apps.costs.export import FocusExport, Format
from apps.costs.focus import COLUMNS, VERSIONS, Kind, columns_of
from collectors.charges import MONEY
from tests.costs.conftest import JULY, JUNE, Ledger, owned
from tests.costs.focus_files import (
    EVERYTHING,
    FORMATS,
    WHOLE_YEARS,
    exported,
    import_bill,
    specification,
    written,
)
from tests.shared import BILLING

FOCUS_1_2 = BILLING / "focus-1.2-generated/focus_1_2_cost_and_usage_aws.csv.gz"
FOCUS_1_4 = BILLING / "focus-1.4-generated/synthetic_focus_1_4_cost_and_usage_azure.csv.gz"
FOCUS_1_0 = BILLING / "focus-1.0-real/focus_sample_2024-09_part1.csv"
CUR = BILLING / "aws-cur-2023/aws_cur_2023-11-01_10.csv"
# without amounts in the pricing currency, which an export fills in where it is the billing currency; list and
# contracted costs that are unknown come last, because an export fills some of them in as well
FACTS = (
    "SELECT billing_account_id, billing_period_start, billing_period_end, billing_currency, day, charge_period_start,"
    " charge_period_end, invoice_id, list_unit_price, contracted_unit_price, sum(f.billed_cost), sum(f.effective_cost),"
    " sum(pricing_quantity), sum(consumed_quantity), sum(commitment_discount_quantity), sum(list_cost),"
    " sum(contracted_cost)"
    " FROM costs_dailycharge f JOIN costs_statement st ON st.id = f.statement_id WHERE st.source = %s"
    " GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 ORDER BY 1, 2, 4, 5, 6, 7, 8, 9, 10"
)
COSTS = -2
"""Where the costs that a bill may leave out begin."""


def facts_of(source: str) -> list[Any]:
    """What is stored of a source, by all that tells amounts apart."""
    with connection.cursor() as cursor:
        cursor.execute(FACTS, [source])
        return list(cursor.fetchall())


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_has_the_columns_and_types_that_the_specification_lists(version: str) -> None:
    listed = {
        row["column"]: {"Decimal": Kind.AMOUNT, "Date/Time": Kind.TIME}.get(row["data_type"], Kind.TEXT)
        for row in specification()
        if row[f"in_{version.replace('.', '_')}"] == "1"
    }

    assert {column.name: column.kind for column in columns_of(version)} == listed
    assert [column.name for column in COLUMNS] == sorted(column.name for column in COLUMNS)


@pytest.mark.django_db
@pytest.mark.parametrize("path", [FOCUS_1_2, FOCUS_1_4, FOCUS_1_0], ids=lambda path: path.parent.name)
def test_a_parquet_file_keeps_the_rules_of_focus_1_2(path: Path) -> None:
    import_bill(path, "files")

    rows = written(FocusExport(period=WHOLE_YEARS, scope=EVERYTHING), Format.PARQUET)

    assert rows.height > 500
    names = [row["column"] for row in specification() if row["in_1_2"] == "1"]
    assert rows.columns[:57] == sorted(names)
    assert all(name.startswith("x_") for name in rows.columns[57:])
    types = {"Decimal": MONEY, "Date/Time": pl.Datetime("us", "UTC")}
    for row in specification():
        if row["in_1_2"] == "1":
            column = rows[row["column"]]
            assert column.dtype == types.get(row["data_type"], pl.String), row["column"]
            allowed = row["allowed_values"].split("|") if row["allowed_values"] else None
            if allowed and row["column"] != "ServiceSubcategory":
                assert set(column.drop_nulls()) <= set(allowed), row["column"]
    required = {row["column"] for row in specification() if row["in_1_2"] == "1" and row["nulls_1_2"] == "False"}
    # what the real 1.0 file leaves unsaid and nothing says instead: account types
    unsaid = {"BillingAccountType"} if path is FOCUS_1_0 else set()
    assert {name for name in required if rows[name].null_count()} == unsaid
    for cost in ("List", "Contracted"):
        product = pl.col(f"{cost}UnitPrice").cast(pl.Float64) * pl.col("PricingQuantity").cast(pl.Float64)
        off = (product - pl.col(f"{cost}Cost").cast(pl.Float64)).abs()
        odd = rows.filter(off > 1e-7, pl.col("ChargeCategory") == "Usage")
        assert path is FOCUS_1_0 or odd.is_empty()


@pytest.mark.django_db
@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("path", [FOCUS_1_2, FOCUS_1_4, FOCUS_1_0], ids=lambda path: path.parent.name)
def test_a_focus_bill_is_the_same_after_being_exported_and_imported_again(
    path: Path, format_: Format, tmp_path: Path
) -> None:
    assert_round_trip(path, format_, tmp_path)


@pytest.mark.django_db
@pytest.mark.parametrize("format_", FORMATS)
def test_a_report_of_aws_with_long_charges_and_two_currencies_is_the_same_after_a_round_trip(
    format_: Format, tmp_path: Path
) -> None:
    lines = CUR.read_text().splitlines(keepends=True)
    in_euros = [line.replace(",USD,", ",EUR,") if place % 3 == 0 else line for place, line in enumerate(lines)]
    report = tmp_path / "report.csv"
    report.write_text("".join(in_euros))

    facts = assert_round_trip(report, format_, tmp_path)

    assert {fact[3] for fact in facts} == {"USD", "EUR"}
    assert [fact for fact in facts if fact[6] and fact[6] - fact[5] > timedelta(days=2)]


def assert_round_trip(bill: Path, format_: Format, folder: Path) -> list[Any]:
    """Import, export, import again as another source: the facts agree to the last digit. Gives them."""
    import_bill(bill, "first")
    again = folder / f"again.{format_}"
    export_file.write_file(FocusExport(period=WHOLE_YEARS, scope=EVERYTHING).chunks(format_), again)

    import_bill(again, "again")

    first, second = facts_of("first"), facts_of("again")
    assert first
    assert [fact[:COSTS] for fact in second] == [fact[:COSTS] for fact in first]
    for before, after in zip(first, second, strict=True):
        assert all(cost in (None, now) for cost, now in zip(before[COSTS:], after[COSTS:], strict=True))
    return second


def test_a_charge_is_written_as_the_specification_says(ledger: Ledger) -> None:
    ledger(
        owned(
            date(2026, 6, 3),
            "0.000000000000000001",
            effective_cost=Decimal("1234567.5"),
            list_cost=None,
            provider_name="AWS",
            publisher_name="Red Hat",
            service_category="Compute",
            sub_account_id="007",
            invoice_id="INV-7",
            sku_price_details={"CoreCount": 2, "x_Engine": "PostgreSQL"},
            tags={"env": "prod", "spot": True},
        )
    )

    (row,) = exported().iter_rows(named=True)

    assert {name: value for name, value in row.items() if value is not None} == {
        "BilledCost": "0.000000000000000001",
        "BillingAccountId": "111",
        "BillingCurrency": "USD",
        "BillingPeriodEnd": "2026-07-01T00:00:00Z",
        "BillingPeriodStart": "2026-06-01T00:00:00Z",
        "ChargeCategory": "Usage",
        "ChargePeriodEnd": "2026-06-04T00:00:00Z",
        "ChargePeriodStart": "2026-06-03T00:00:00Z",
        "ContractedCost": "0.000000000000000001",
        "EffectiveCost": "1234567.5",
        "InvoiceId": "INV-7",
        "PricingCurrency": "USD",
        "PricingCurrencyEffectiveCost": "1234567.5",
        "ProviderName": "AWS",
        "PublisherName": "Red Hat",
        "ServiceCategory": "Compute",
        "ServiceName": "Compute",
        "ServiceSubcategory": "Other (Compute)",
        "SkuPriceDetails": '{"x_Engine": "PostgreSQL", "CoreCount": 2}',
        "SubAccountId": "007",
        "Tags": '{"env": "prod", "spot": true}',
    }


def test_a_long_charge_keeps_its_own_period_and_is_exported_with_the_day_it_starts_on(ledger: Ledger) -> None:
    start, end = datetime(2026, 6, 10, 5, tzinfo=UTC), datetime(2027, 6, 10, 5, tzinfo=UTC)
    ledger(owned(date(2026, 6, 10), "365", charge_period_start=start, charge_period_end=end))

    rows = exported()

    assert rows.select("ChargePeriodStart", "ChargePeriodEnd").row(0) == (
        "2026-06-10T05:00:00Z",
        "2027-06-10T05:00:00Z",
    )
    assert exported(JULY).is_empty()


def test_names_of_newer_versions_stand_in_for_those_that_1_2_needs(ledger: Ledger) -> None:
    ledger(
        owned(date(2026, 6, 3), "1", service_provider_name="Azure", host_provider_name="OpenAI"),
        owned(date(2026, 6, 4), "1", provider_name="AWS", publisher_name="Red Hat"),
    )

    rows = exported().sort("ChargePeriodStart")

    names = ("ProviderName", "PublisherName", "x_ServiceProviderName", "x_HostProviderName")
    assert rows.select(names).rows() == [("Azure", "Azure", "Azure", "OpenAI"), ("AWS", "Red Hat", None, None)]


def test_what_was_not_said_in_another_pricing_currency_stays_unsaid(ledger: Ledger) -> None:
    ledger(
        owned(date(2026, 6, 3), "2", billing_currency="EUR", pricing_currency="USD", list_unit_price=Decimal(1)),
        owned(date(2026, 6, 4), "2", billing_currency="EUR", list_unit_price=Decimal(1)),
    )

    rows = exported().sort("ChargePeriodStart")

    names = ("PricingCurrency", "PricingCurrencyEffectiveCost", "PricingCurrencyListUnitPrice")
    assert rows.select(names).rows() == [("USD", None, None), ("EUR", "2", "1")]


def test_columns_besides_focus_are_kept_under_names_that_focus_allows(ledger: Ledger) -> None:
    extras = {"x_Team": "a", "Id": "1", 'x_50% "off", or more': "b", "x_id": "2", "line item/type": "Usage"}
    ledger(
        owned(date(2026, 6, 3), "1", x_columns=extras, contract_applied={"Elements": []}, invoice_detail_id="d-1"),
        owned(date(2026, 6, 4), "1", x_columns={"x_ContractApplied": "kept by an earlier export"}),
        owned(date(2026, 7, 1), "1", x_columns={"x_NotInJune": "c"}),
    )

    for format_ in FORMATS:
        rows = written(FocusExport(period=JUNE, scope=EVERYTHING), format_).sort("ChargePeriodStart")
        custom = rows.select(pl.selectors.starts_with("x_"))
        assert len({name.lower() for name in custom.columns}) == len(custom.columns)
        first, second = custom.iter_rows(named=True)
        assert first == {
            "x_ContractApplied": '{"Elements": []}',
            "x_InvoiceDetailId": "d-1",
            "x_Id": "1",
            "x_line item/type": "Usage",
            'x_50% "off", or more': "b",
            "x_Team": "a",
            "x_id_2": "2",
        }
        assert {name: value for name, value in second.items() if value} == {
            "x_ContractApplied": "kept by an earlier export"
        }


TEXTS = ('say "hi"', "a,b", "two\nlines\r\n", "\\.", " padded ", "=1+1", "naïve 数", "{}", "''", "tab\t", "NaN", "-")


def test_any_text_survives_both_formats(ledger: Ledger) -> None:
    ledger(*(owned(date(2026, 6, 1), str(place), charge_description=text) for place, text in enumerate(TEXTS)))

    for format_ in FORMATS:
        rows = written(FocusExport(period=JUNE, scope=EVERYTHING), format_)
        assert sorted(rows["ChargeDescription"]) == sorted(TEXTS)
