"""Azure cost exports in every spelling: names of columns, dates, byte order marks, what a header may lack."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.azure.columns import AZURE_REQUIRED, find_columns, plain_name
from collectors.azure.readings import NO_CURRENCY
from collectors.errors import RefusedFileError, UnknownFormatError
from collectors.peek import BOM
from tests.collectors.bills import AZURE_ROW, azure, azure_bill, csv_text, read


def spelt(row: Mapping[str, str], names: Mapping[str, str]) -> dict[str, str]:
    """A row under other column names."""
    return {names.get(column, column): value for column, value in row.items()}


SPELLINGS = {
    "camel": {name: name[0].lower() + name[1:] for name in AZURE_ROW},
    "lower": {name: name.lower() for name in AZURE_ROW},
    "spaced": {"SubscriptionId": "Subscription ID", "MeterCategory": "Meter Category"},
    "german": {
        "SubscriptionId": "Abonnement-GUID (SubscriptionGuid)",
        "Date": "Datum (Date)",
        "Cost": "Kosten (Cost)",
        "MeterCategory": "Kategorie der Verbrauchseinheit (MeterCategory)",
        "BillingCurrency": "Währung (BillingCurrencyCode)",
        "ResourceLocation": "Ressourcenstandort (ResourceLocation)",
    },
    "new": {"Cost": "CostInBillingCurrency", "BillingCurrency": "BillingCurrencyCode", "Product": "ProductName"},
    "old": {
        "SubscriptionId": "SubscriptionGuid",
        "Date": "UsageDateTime",
        "Cost": "PreTaxCost",
        "BillingCurrency": "Currency",
        "Quantity": "UsageQuantity",
        "ResourceId": "InstanceId",
    },
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_headers_in_other_words_say_the_same(tmp_path: Path, spelling: str) -> None:
    """Quirk 13: case, language, agreement and age of an export change the names of its columns."""
    row = spelt(azure(), SPELLINGS[spelling])
    assert azure_bill(tmp_path, row).charges.equals(azure_bill(tmp_path, azure()).charges)


def test_the_cost_in_the_billing_currency_counts_wherever_it_stands() -> None:
    """Quirk 13."""
    for header in (["Cost", "CostInBillingCurrency"], ["costInBillingCurrency", "PreTaxCost", "Cost"]):
        assert header[find_columns(header)["cost"]].lower() == "costinbillingcurrency"


def test_a_needed_column_that_comes_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedFileError, match="the header names cost twice; which one counts cannot be told"):
        azure_bill(tmp_path, {**azure(), "cost": "5"})


@pytest.mark.parametrize("column", AZURE_REQUIRED)
def test_an_incomplete_header_is_refused_with_what_it_lacks(tmp_path: Path, column: str) -> None:
    row = {name: value for name, value in azure().items() if name != column}
    with pytest.raises(UnknownFormatError, match=rf"looks most like Azure cost export but misses {column}\.$"):
        azure_bill(tmp_path, row)


@pytest.mark.parametrize("column", ["BillingAccountId", "BillingPeriodStartDate", "BillingCurrency", "Date", "Cost"])
def test_rows_without_a_needed_value_are_rejected(tmp_path: Path, column: str) -> None:
    assert azure_bill(tmp_path, azure(**{column: ""})).fault == (1, column, "is empty")


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("06/02/2026", date(2026, 6, 2)),
        ("6/2/2026", date(2026, 6, 2)),
        ("12/31/2026", date(2026, 12, 31)),
        ("2026-06-02", date(2026, 6, 2)),
        ("2026-06-02T00:00:00Z", date(2026, 6, 2)),
        ("2026-06-02T00:00:00.000", date(2026, 6, 2)),
    ],
)
def test_dates_are_months_first_or_iso(tmp_path: Path, written: str, day: date) -> None:
    """Quirk 40."""
    charge = azure_bill(tmp_path, azure(Date=written)).charge
    assert (charge["day"], charge["charge_period_end"]) == (day, None)


@pytest.mark.parametrize("written", ["13/02/2026", "02.06.2026", "soon", "02/30/2026"])
def test_days_that_are_none_are_rejected(tmp_path: Path, written: str) -> None:
    """Quirk 40: a file with days first is told by its 13th, not misread up to its 12th and loaded."""
    row, column, reason = azure_bill(tmp_path, azure(Date=written)).fault
    assert (row, column) == (1, "Date")
    assert reason.startswith("is not a time")


@pytest.mark.parametrize("end", ["06/30/2026", "6/30/2026", "2026-06-30", "2026-06-30T23:59:59Z"])
def test_the_last_day_of_the_billing_period_belongs_to_it(tmp_path: Path, end: str) -> None:
    """Quirk 39."""
    assert azure_bill(tmp_path, azure(BillingPeriodEndDate=end)).charge["billing_period_end"] == date(2026, 7, 1)


def test_an_export_without_billing_period_and_account_is_of_the_month_and_the_subscription(tmp_path: Path) -> None:
    """Pay-as-you-go exports state neither."""
    row = {name: value for name, value in azure().items() if not name.startswith("Billing")} | {"Currency": "EUR"}
    charge = azure_bill(tmp_path, row).charge
    assert (charge["billing_period_start"], charge["billing_period_end"]) == (date(2026, 6, 1), date(2026, 7, 1))
    assert charge["billing_account_id"] == azure()["SubscriptionId"]


def test_an_export_without_currency_is_added_to_no_other_money(tmp_path: Path) -> None:
    """Quirk 41: XXX is what ISO 4217 calls no currency."""
    row = {name: value for name, value in azure().items() if name != "BillingCurrency"}
    assert azure_bill(tmp_path, row).charge["billing_currency"] == NO_CURRENCY == "XXX"


@pytest.mark.parametrize("boms", [1, 2])
def test_byte_order_marks_before_the_header_and_the_first_row_do_not_matter(tmp_path: Path, boms: int) -> None:
    """Quirk 14."""
    path = tmp_path / "export.csv"
    header, row = csv_text([azure()]).encode().split(b"\n", 1)
    path.write_bytes(BOM * boms + header + b"\n" + BOM + row)
    assert read(path).charges.equals(azure_bill(tmp_path, azure()).charges)


def test_rows_may_be_shorter_than_the_header(tmp_path: Path) -> None:
    """Quirk 15."""
    path = tmp_path / "export.csv"
    path.write_text(csv_text([azure()]).replace("\n", ",LastColumn\n", 1))
    assert read(path).charges.equals(azure_bill(tmp_path, azure()).charges)


@settings(deadline=None)
@given(st.text(max_size=12), st.sampled_from(["SubscriptionGuid", "Cost", "Date"]))
def test_whatever_a_language_puts_before_the_english_name_it_is_found(word: str, name: str) -> None:
    """Quirk 13."""
    assert plain_name(f"{word} ({name})") == plain_name(name)
