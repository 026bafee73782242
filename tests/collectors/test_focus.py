"""FOCUS rows as charges: what is kept, what is rejected, what is put right."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from collectors.errors import RefusedFileError, UnknownFormatError
from collectors.focus.costs import FOCUS_REQUIRED
from collectors.formats import recognise
from tests.collectors.bills import FOCUS_ROW, focus, focus_bill, read, write_csv


def test_a_row_becomes_a_charge_with_every_digit(tmp_path: Path) -> None:
    """Quirk 44: account ids that start with 0 stay as they are."""
    charge = focus_bill(tmp_path, focus(BilledCost="1.123456789012345678", Tags='{"b":"2","a":"1"}')).charge
    expected = {
        "billed_cost": Decimal("1.123456789012345678"),
        "effective_cost": Decimal("1.25"),
        "list_cost": None,
        "billing_account_id": "000123",
        "billing_currency": "USD",
        "billing_period_start": date(2026, 6, 1),
        "billing_period_end": date(2026, 7, 1),
        "day": date(2026, 6, 2),
        "charge_period_start": None,
        "charge_period_end": None,
        "provider_name": "AWS",
        "service_name": "Compute",
        "tags": '{"a":"1","b":"2"}',
        "x_columns": None,
        "row_count": 1,
        "first_row": 1,
    }
    assert {name: charge[name] for name in expected} == expected


def test_hours_of_a_day_are_one_charge(tmp_path: Path) -> None:
    rows = [
        focus(ChargePeriodStart=f"2026-06-02T{hour:02}:00:00Z", ChargePeriodEnd=f"2026-06-02T{hour:02}:59:59Z")
        for hour in range(24)
    ]
    bill = focus_bill(tmp_path, *rows)
    assert bill.charge["billed_cost"] == Decimal(36)
    assert (bill.charge["row_count"], bill.charge["charge_period_end"]) == (24, None)


@pytest.mark.parametrize(
    ("end", "kept"),
    [
        ("2026-06-03T00:00:00Z", None),
        ("2026-06-02T23:59:59Z", None),
        ("2026-06-03T00:00:01Z", datetime(2026, 6, 3, 0, 0, 1, tzinfo=UTC)),
        ("2026-06-30T23:59:59Z", datetime(2026, 7, 1, tzinfo=UTC)),
        ("2026-07-01", datetime(2026, 7, 1, tzinfo=UTC)),
    ],
)
def test_a_charge_that_reaches_beyond_its_day_keeps_its_period(tmp_path: Path, end: str, kept: datetime | None) -> None:
    """Quirks 38, 39: long charges stay whole, on the day that they start; inclusive ends become exclusive."""
    charge = focus_bill(tmp_path, focus(ChargePeriodStart="2026-06-02", ChargePeriodEnd=end)).charge
    assert charge["charge_period_end"] == kept
    assert charge["day"] == date(2026, 6, 2)


@pytest.mark.parametrize("end", ["2026-07-01T00:00:00Z", "2026-06-30T23:59:59Z", "2026-07-01"])
def test_billing_periods_end_exclusively(tmp_path: Path, end: str) -> None:
    """Quirk 39."""
    assert focus_bill(tmp_path, focus(BillingPeriodEnd=end)).charge["billing_period_end"] == date(2026, 7, 1)


def test_times_with_offsets_count_for_their_utc_day(tmp_path: Path) -> None:
    """Quirk 40."""
    start, end = "2026-06-03T01:00:00+02:00", "2026-06-03T02:00:00+02:00"
    assert focus_bill(tmp_path, focus(ChargePeriodStart=start, ChargePeriodEnd=end)).charge["day"] == date(2026, 6, 2)


def test_billing_periods_are_the_stated_dates_whatever_their_offset(tmp_path: Path) -> None:
    tokyo = focus(BillingPeriodStart="2026-06-01T00:00:00+09:00", BillingPeriodEnd="2026-07-01T00:00:00+09:00")
    bill = focus_bill(tmp_path, tokyo, focus(), focus(BillingPeriodEnd="2026-06-30T23:59:59-08:00"))
    assert (bill.charge["billing_period_start"], bill.charge["billing_period_end"]) == (
        date(2026, 6, 1),
        date(2026, 7, 1),
    )
    assert bill.totals.height == 1


def test_blanks_around_identities_do_not_matter(tmp_path: Path) -> None:
    plain = {"BillingAccountId": "sp1", "BillingCurrency": "USD", "SubAccountId": "s1", "InvoiceId": "I1"}
    blank = {name: f" {value}\t" for name, value in plain.items()}
    bill = focus_bill(tmp_path, focus(**plain), focus(**blank))
    assert {name: bill.charge[name] for name in ("billing_account_id", "billing_currency")} == {
        "billing_account_id": "sp1",
        "billing_currency": "USD",
    }
    assert (bill.charge["sub_account_id"], bill.charge["invoice_id"], bill.totals.height) == ("s1", "I1", 1)


def test_an_account_of_blanks_is_empty_and_one_beyond_the_index_is_rejected(tmp_path: Path) -> None:
    assert focus_bill(tmp_path, focus(BillingAccountId="  ")).fault == (1, "BillingAccountId", "is empty")
    bill = focus_bill(tmp_path, focus(BillingAccountId="\u6c34" * 500), focus(BillingAccountId="x" * 501))
    assert bill.fault == (
        2,
        "BillingAccountId",
        "is longer than 500 characters: no account is called so",
    )
    assert bill.charges.height == 1


@pytest.mark.parametrize(
    ("mark", "called"), [(";", "semicolons"), ("\t", "tabs"), ('";"', "semicolons"), ("|", "vertical bars")]
)
def test_other_separators_than_commas_are_named(tmp_path: Path, mark: str, called: str) -> None:
    quote = '"' if '"' in mark else ""
    lines = (f"{quote}{mark.join(line)}{quote}" for line in (FOCUS_ROW.keys(), FOCUS_ROW.values()))
    path = tmp_path / "bill.csv"
    path.write_text("\n".join(lines))
    with pytest.raises(RefusedFileError, match=rf"bill\.csv is separated by {called}: save it with commas\."):
        read(path)


def test_a_correction_stays_in_the_period_that_bills_it(tmp_path: Path) -> None:
    """Quirk 5: the billing period is never derived from the charge period."""
    row = focus(ChargeClass="Correction", ChargePeriodStart="2026-03-05", ChargePeriodEnd="2026-03-06", InvoiceId="I2")
    charge = focus_bill(tmp_path, row).charge
    assert (charge["day"], charge["billing_period_start"]) == (date(2026, 3, 5), date(2026, 6, 1))
    assert (charge["charge_class"], charge["invoice_id"]) == ("Correction", "I2")


@pytest.mark.parametrize("null", ["", "NULL"])
@pytest.mark.parametrize("column", FOCUS_REQUIRED)
def test_rows_without_a_needed_value_are_rejected(tmp_path: Path, column: str, null: str) -> None:
    """Quirk 22."""
    bill = focus_bill(tmp_path, focus(), focus(**{column: null}))
    assert bill.fault == (2, column, "is empty")
    assert bill.charges["row_count"].sum() == bill.totals["row_count"].sum() == 1


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("BilledCost", "1,000.00", "is not a number: '1,000.00'"),
        ("EffectiveCost", "NaN", "is not a number: 'NaN'"),
        ("ListCost", "inf", "is not a number: 'inf'"),
        ("ListUnitPrice", "free", "is not a number: 'free'"),
        ("ConsumedQuantity", "1e25", "is too large: '1e25'"),
        ("ConsumedQuantity", "9e19", "is too large: '9e19'"),
        ("ListCost", "-9e19", "is too large: '-9e19'"),
        ("BilledCost", "1000000000000", "is too large: '1000000000000'"),
        ("ListUnitPrice", "1e12", "is too large: '1e12'"),
        ("ChargePeriodStart", "06/02/2026", "is not a time like 2026-06-01T00:00:00Z: '06/02/2026'"),
        ("BillingPeriodStart", "1970-01-01", "lies outside the years 2000 to 2100: '1970-01-01'"),
        ("BillingCurrency", "credits", "is not a currency code: credits"),
        ("BillingCurrency", "US$", "is not a currency code: US$"),
    ],
)
def test_values_that_cannot_be_read_reject_the_row(tmp_path: Path, column: str, value: str, reason: str) -> None:
    bill = focus_bill(tmp_path, focus(), focus(**{column: value}))
    assert bill.fault == (2, column, reason)


def test_periods_that_end_before_they_start_are_rejected(tmp_path: Path) -> None:
    bill = focus_bill(tmp_path, focus(ChargePeriodEnd="2026-06-01T00:00:00Z"))
    reason = "ends before it starts: 2026-06-01T00:00:00Z is before 2026-06-02T03:00:00Z"
    assert bill.fault == (1, "ChargePeriodEnd", reason)


def test_a_rejected_row_is_kept_with_its_costs_and_its_first_fault(tmp_path: Path) -> None:
    bill = focus_bill(tmp_path, focus(BillingCurrency="", EffectiveCost="x", Note="a\0b"))
    (row,) = bill.rejected.rows(named=True)
    assert (row["column"], row["billed_cost"], row["effective_cost"]) == ("BillingCurrency", Decimal("1.5"), None)
    content = json.loads(row["content"])
    assert content == {**FOCUS_ROW, "BillingCurrency": None, "EffectiveCost": "x", "Note": "a\ufffdb"}
    assert bill.totals.is_empty()


def test_mandatory_columns_may_be_null_where_the_sum_does_not_need_them(tmp_path: Path) -> None:
    """Quirks 22, 36: null is null, and a list cost of 0 stays 0 where nobody says that it is one of usage."""
    row = focus(ChargeCategory="NULL", ServiceName="", ProviderName="NULL", ContractedCost="NULL", ListCost="0")
    charge = focus_bill(tmp_path, row).charge
    assert charge["charge_category"] is charge["service_name"] is charge["contracted_cost"] is None
    assert charge["list_cost"] == 0


def test_the_purchase_of_a_commitment_has_no_effective_cost_beside_the_usage_that_it_covers(tmp_path: Path) -> None:
    """Quirk 33: what FOCUS rules, whatever the file says; a purchase of anything else keeps its own."""
    bought = focus(ChargeCategory="purchase", CommitmentDiscountId="sp-1", BilledCost="100", EffectiveCost="100")
    covered = focus(CommitmentDiscountId="sp-1", BilledCost="0", EffectiveCost="40")
    unused = focus(CommitmentDiscountId="sp-1", CommitmentDiscountStatus="Unused", BilledCost="0", EffectiveCost="60")
    other = focus(ChargeCategory="Purchase", CommitmentDiscountId="NULL", BilledCost="7", EffectiveCost="7")
    bill = focus_bill(tmp_path, bought, covered, unused, other)
    assert bill.summed("billed_cost") == bill.summed("effective_cost") == 107
    assert bill.totals["effective_cost"].sum() == 107


@pytest.mark.parametrize(
    ("changes", "category"),
    [
        ({"CommitmentDiscountId": "sp-1"}, "Committed"),
        ({"CommitmentDiscountId": "sp-1", "PricingCategory": "dynamic"}, "Dynamic"),
        ({"CommitmentDiscountId": "sp-1", "ChargeCategory": "Purchase"}, "Standard"),
        ({"CommitmentDiscountId": ""}, "Standard"),
        ({}, "Standard"),
    ],
)
def test_usage_that_a_commitment_covers_is_committed(tmp_path: Path, changes: dict[str, str], category: str) -> None:
    """Quirk 34."""
    row = focus(**{"PricingCategory": "Standard", **changes})
    assert focus_bill(tmp_path, row).charge["pricing_category"] == category


@pytest.mark.parametrize(
    ("changes", "known"),
    [
        ({"EffectiveCost": "1.25"}, False),
        ({"EffectiveCost": "0"}, True),
        ({"EffectiveCost": "-1"}, True),
        ({"EffectiveCost": "1.25", "ChargeCategory": "Tax"}, True),
    ],
)
def test_usage_that_costs_something_has_no_price_of_nothing(
    tmp_path: Path, changes: dict[str, str], known: bool
) -> None:
    """Quirk 35: zero means unknown, or savings would be negative."""
    charge = focus_bill(tmp_path, focus(ListCost="0", ContractedCost="0.00", **changes)).charge
    assert (charge["list_cost"] is not None) == (charge["contracted_cost"] is not None) == known


def test_rows_without_a_resource_and_rows_that_cost_nothing_are_charges(tmp_path: Path) -> None:
    """Quirk 46."""
    rows = [focus(ResourceId="", BilledCost="0", EffectiveCost="0", ConsumedQuantity="5"), focus(ResourceId="NULL")]
    bill = focus_bill(tmp_path, *rows)
    assert bill.rejected.is_empty()
    assert bill.charges["resource_id"].to_list() == [None] * bill.charges.height
    assert bill.charges["row_count"].sum() == 2


def test_unknown_and_misnamed_columns_are_kept(tmp_path: Path) -> None:
    """Quirks 12, 26."""
    charge = focus_bill(tmp_path, focus(Id="7", x_Team="ml", service_name="snake", day="Monday", x_Empty="")).charge
    assert json.loads(str(charge["x_columns"])) == {"Id": "7", "x_Team": "ml", "service_name": "snake", "day": "Monday"}
    assert (charge["service_name"], charge["day"]) == ("Compute", date(2026, 6, 2))


def test_columns_that_come_twice_are_kept_or_refused(tmp_path: Path) -> None:
    header, row = ",".join(FOCUS_ROW), ",".join(FOCUS_ROW.values())
    path = tmp_path / "twice.csv"
    path.write_text(f"{header},Note,Note\n{row},a,b\n")
    assert json.loads(str(read(path).charge["x_columns"])) == {"Note": "a", "Note #14": "b"}
    path.write_text(f"{header},billedcost\n{row},2\n")
    with pytest.raises(RefusedFileError, match=r"twice\.csv: the header names billedcost twice"):
        read(path)


def test_header_case_does_not_matter(tmp_path: Path) -> None:
    """Quirk 13."""
    lower = {name.lower(): value for name, value in focus(Tags="{}").items()}
    assert focus_bill(tmp_path, lower).charge["billed_cost"] == Decimal("1.5")


def test_enum_case_is_put_right_and_other_words_stay(tmp_path: Path) -> None:
    """Quirks 25, 27."""
    row = focus(ChargeFrequency="Usage-based", ChargeCategory="USAGE", PricingCategory="Standard", ChargeClass="Odd")
    charge = focus_bill(tmp_path, row).charge
    assert charge["charge_frequency"] == "Usage-Based"
    assert (charge["charge_category"], charge["pricing_category"], charge["charge_class"]) == (
        "Usage",
        "Standard",
        "Odd",
    )


def test_negative_rows_are_normal(tmp_path: Path) -> None:
    """Quirk 29."""
    bill = focus_bill(tmp_path, focus(BilledCost="-0.149", ChargeCategory="Credit"), focus())
    assert bill.rejected.is_empty()
    assert bill.summed("billed_cost") == Decimal("1.351")


def test_currencies_are_never_added(tmp_path: Path) -> None:
    """Quirk 41."""
    bill = focus_bill(tmp_path, focus(BillingCurrency="eur"), focus(BillingCurrency="EUR"), focus())
    assert dict(bill.totals.select("billing_currency", "billed_cost").iter_rows()) == {"EUR": 3, "USD": Decimal("1.5")}
    assert bill.charges.height == 2


def test_a_pricing_currency_may_be_virtual(tmp_path: Path) -> None:
    """Quirk 43."""
    charge = focus_bill(tmp_path, focus(PricingCurrency="Credits", PricingCurrencyEffectiveCost="12")).charge
    assert (charge["pricing_currency"], charge["pricing_currency_effective_cost"]) == ("Credits", 12)


def test_different_unit_prices_stay_apart(tmp_path: Path) -> None:
    bill = focus_bill(tmp_path, focus(ListUnitPrice="0.10"), focus(ListUnitPrice="0.1"), focus(ListUnitPrice="0.2"))
    assert sorted(bill.charges["row_count"]) == [1, 2]


def test_invoices_are_facts_and_stay_apart(tmp_path: Path) -> None:
    """Quirk 45."""
    bill = focus_bill(tmp_path, focus(InvoiceId=""), focus(InvoiceId="INV-1"))
    assert set(bill.charges["invoice_id"]) == {None, "INV-1"}


def test_unknown_measures_stay_unknown_when_rows_are_summed(tmp_path: Path) -> None:
    bill = focus_bill(tmp_path, focus(ListCost=""), focus(ListCost=""))
    assert bill.charge["list_cost"] is None


@pytest.mark.parametrize("column", ["ListCost", "ContractedCost"])
@pytest.mark.parametrize("batch_rows", [1, 1000])
def test_unknown_costs_are_never_summed_as_zero(tmp_path: Path, column: str, batch_rows: int) -> None:
    """Whether rows meet in one batch or when batches are merged."""
    rows = [focus(**{column: value}) for value in ("", "3", "", "4", "NULL")]
    rows.append(focus(**{column: "0", "EffectiveCost": "0"}))
    charges = read(write_csv(tmp_path / "focus.csv", *rows), batch_rows=batch_rows).charges
    name = "list_cost" if column == "ListCost" else "contracted_cost"
    found = charges.sort(name).select(name, "row_count", "billed_cost").rows()
    assert found == [(None, 3, Decimal("4.5")), (7, 3, Decimal("4.5"))]


def test_marketplace_purchases_may_cost_nothing(tmp_path: Path) -> None:
    """Quirk 51."""
    row = focus(
        BilledCost="0", EffectiveCost="0", ListCost="10", ChargeCategory="Purchase", PublisherName="Third Party"
    )
    assert focus_bill(tmp_path, row).charge["publisher_name"] == "Third Party"


def test_tags_as_maps_of_parquet(tmp_path: Path) -> None:
    """Quirk 18: AWS's FOCUS Parquet carries MAP columns; numbers are doubles, times timestamps."""
    frame = pl.DataFrame(
        {
            **{name: [value] for name, value in FOCUS_ROW.items() if "Cost" not in name and "Period" not in name},
            "BilledCost": [0.1],
            "EffectiveCost": [8e-07],
            **{name: [datetime.fromisoformat(value)] for name, value in FOCUS_ROW.items() if "Period" in name},
            "SubAccountId": [123456789012.0],
            "Tags": [[{"key": "app", "value": "x"}, {"key": "Team", "value": None}]],
            "x_Discounts": [[{"key": "edp", "value": 0.5}]],
        }
    )
    frame.write_parquet(tmp_path / "focus.parquet")
    charge = read(tmp_path / "focus.parquet").charge
    assert (charge["billed_cost"], charge["effective_cost"]) == (Decimal("0.1"), Decimal("0.0000008"))
    assert charge["tags"] == '{"Team":true,"app":"x"}'
    assert charge["sub_account_id"] == "123456789012"
    assert json.loads(str(charge["x_columns"])) == {"x_Discounts": '[{"key":"edp","value":0.5}]'}


def test_the_largest_amounts_add_up_exactly(tmp_path: Path) -> None:
    largest = "999999999999.999999999999999999"
    amounts = dict.fromkeys(("BilledCost", "EffectiveCost", "ListCost", "ConsumedQuantity"), largest)
    bill = focus_bill(tmp_path, *[focus(**amounts)] * 2000)
    for name in ("billed_cost", "effective_cost", "list_cost", "consumed_quantity"):
        assert bill.charge[name] == Decimal("1999999999999999.999999999999998")
    assert bill.totals["billed_cost"].sum() == bill.charge["billed_cost"]


@pytest.mark.parametrize(
    ("columns", "version"),
    [
        ((), "1.0"),
        (("SkuMeter",), "1.1"),
        (("SkuMeter", "InvoiceId"), "1.2"),
        (("InvoiceId", "ContractApplied", "ProviderName"), "1.3"),
        (("ServiceProviderName", "HostProviderName"), "1.4"),
        (("ServiceProviderName", "InvoiceDetailId"), "1.4"),
    ],
)
def test_versions_are_told_by_their_columns(columns: tuple[str, ...], version: str) -> None:
    assert recognise([*FOCUS_REQUIRED, *columns], "x").name == f"FOCUS {version}"


def test_an_unknown_header_is_refused_with_what_it_lacks(tmp_path: Path) -> None:
    row = {name: value for name, value in FOCUS_ROW.items() if name not in ("BilledCost", "ChargePeriodStart")}
    with pytest.raises(UnknownFormatError, match=r"looks most like FOCUS but misses BilledCost, ChargePeriodStart\.$"):
        read(write_csv(tmp_path / "x.csv", row))
    with pytest.raises(UnknownFormatError, match="has none of the columns of a known format"):
        read(write_csv(tmp_path / "x.csv", {"a": "1", "b": "2"}))
