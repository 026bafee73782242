"""Every FOCUS, AWS, Azure and Google Cloud sample bill of the shared data adds up to what others computed for it."""

from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from collectors.azure.readings import NO_CURRENCY
from collectors.billing import detect
from collectors.charges import SCHEMA, condense
from collectors.errors import RefusedFileError
from collectors.files import find_deliveries
from tests.collectors.bills import Bill, read, read_found
from tests.shared import BILLING, expected_totals

NO_BILL = ("azure-variants/BOM.csv", "nise/azure/costreport_empty.csv")  # a row without cost or currency; a header
BILLS = [
    name
    for name, expected in expected_totals().items()
    if expected["kind"] in ("azure", "cur", "focus", "gcp") and name not in NO_BILL
]
AMORTISED = "azure/EA_AmortizedCost_Small.csv"
OTHER_DATASETS = [name for name in expected_totals() if name.startswith("focus-1.") and name not in BILLS]


@pytest.fixture(scope="module", params=BILLS)
def sample(request: pytest.FixtureRequest) -> tuple[str, Bill]:
    (found,) = find_deliveries([BILLING / request.param])
    return request.param, read_found(found, batch_rows=5000)


def test_a_sample_adds_up_to_the_last_digit(sample: tuple[str, Bill]) -> None:
    """Quirks 21, 23, 30, 31: doubles by shortest text, rows of more than 18 decimals each rounded to 18; negations,
    reservations and credits as the expected totals count them."""
    name, bill = sample
    expected = expected_totals()[name]
    allowed = Decimal("1e-9") if name.endswith(".parquet") else bill.rounded_values * Decimal("0.5e-18")
    for column, total in _sums(name).items():
        if expected.get(total) is not None:
            assert abs(bill.summed(column) - Decimal(expected[total])) <= allowed, column
    assert bill.charges["row_count"].sum() == bill.rows_read == expected["rows"]
    assert bill.rejected.is_empty()


def _sums(name: str) -> dict[str, str]:
    """Which of the expected sums a cost is. That of an amortised file is not billed; what Google's cost before credits
    is called there is no list cost."""
    if name == AMORTISED:
        return {"effective_cost": "billed"}
    costs = {"billed_cost": "billed", "effective_cost": "effective"}
    return costs if name.startswith("nise/gcp") else {**costs, "list_cost": "list"}


def test_the_totals_of_a_sample_agree_with_its_charges(sample: tuple[str, Bill]) -> None:
    _, bill = sample
    for column in ("billed_cost", "effective_cost", "row_count"):
        assert bill.totals[column].sum() == bill.charges[column].sum()


def test_condensing_a_sample_again_keeps_its_sums(sample: tuple[str, Bill]) -> None:
    _, bill = sample
    again = condense(bill.charges)
    assert again.height <= bill.charges.height
    assert again.schema == bill.charges.schema == SCHEMA
    for column in ("billed_cost", "effective_cost", "list_cost", "row_count"):
        assert again[column].sum() == bill.charges[column].sum()


def test_a_sample_has_its_accounts_regions_and_charge_types(sample: tuple[str, Bill]) -> None:
    name, bill = sample
    expected = expected_totals()[name]
    assert bill.charges["sub_account_id"].n_unique() == expected["accounts"]
    assert bill.charges["region_id"].drop_nulls().n_unique() == expected["regions"]
    assert bill.charges["billing_currency"].unique().to_list() == [expected["currency"] or NO_CURRENCY]
    allowed = bill.rounded_values * Decimal("0.5e-18")
    for key, rows, *costs in expected["by"]:
        part = bill.charges.filter(_charge_type(expected["kind"]).eq_missing(key))
        assert part["row_count"].sum() == rows
        if not name.endswith(".parquet"):
            sums = _broken_down(name, part)
            assert all(abs(got - Decimal(cost)) <= allowed for got, cost in zip(sums, costs, strict=False))


def _charge_type(kind: str) -> pl.Expr:
    """What the expected totals are broken down by: charge category, line item type, charge type, invoice month."""
    said = {"cur": "$.x_line_item_type", "azure": "$.x_charge_type", "gcp": "$.x_cost_type"}
    if kind == "focus":
        return pl.col("charge_category")
    word = pl.col("x_columns").str.json_path_match(said[kind])
    month = pl.col("billing_period_start").dt.strftime("%Y%m")
    return pl.concat_str(month, word, separator=" ") if kind == "gcp" else word


def _broken_down(name: str, part: pl.DataFrame) -> tuple[Decimal, Decimal]:
    """What of a part stands first in the expected totals, and its effective cost. Of Google: cost before credits."""
    first = "effective_cost" if name == AMORTISED else "billed_cost"
    paid = part.filter(pl.col("charge_category") != "Credit") if name.startswith("nise/gcp") else part
    return Decimal(paid[first].sum()), Decimal(part["effective_cost"].sum())


def test_the_formats_of_the_samples_are_told_by_their_headers() -> None:
    found = {name: detect(find_deliveries([BILLING / name])[0]).name for name in BILLS}
    assert found == {name: _format(name) for name in found}


def _format(name: str) -> str:
    kind = expected_totals()[name]["kind"]
    formats = {"azure": "Azure cost export", "cur": "AWS CUR", "gcp": "Google Cloud billing export"}
    return f"FOCUS {name[6:9]}" if kind == "focus" else formats[kind]


def test_a_header_alone_is_no_row_and_a_row_without_cost_and_account_is_rejected() -> None:
    """Quirks 14, 52."""
    empty, row = (read(BILLING / name) for name in reversed(NO_BILL))
    assert (empty.format, empty.rows_read, empty.rejected.height) == ("Azure cost export", 0, 0)
    assert (row.rows_read, row.fault) == (1, (1, "SubscriptionGuid", "is empty"))


@pytest.mark.parametrize("name", OTHER_DATASETS)
def test_other_focus_datasets_are_refused_by_their_names(name: str) -> None:
    words = Path(name).stem.removesuffix(".csv").rsplit("_", 3)
    dataset = " ".join(words[-3:-1]).title()
    with pytest.raises(RefusedFileError, match=f"is a FOCUS {name[6:9]} {dataset} file; only Cost and Usage"):
        read(BILLING / name)


def test_a_month_to_date_delivery_is_restated_by_the_full_month() -> None:
    """Quirks 1, 2, 3: the same rows come again with other ids and other costs; nothing of the ids is kept."""
    (early,) = find_deliveries([BILLING / "nise/aws-s3-layout-mtd"])
    (late,) = find_deliveries([BILLING / "nise/aws/June-2026.csv.gz"])
    first, second = read_found(early), read_found(late)
    assert (
        first.totals.select("billing_account_id", "billing_period_start")
        .unique()
        .equals(second.totals.select("billing_account_id", "billing_period_start").unique())
    )
    assert "line_item_id" not in "".join(second.charges["x_columns"].drop_nulls())


def test_an_invoice_number_changes_no_key() -> None:
    """Quirk 45: the finalised month differs from the open one in invoice_id alone."""
    opened, final = read(BILLING / "nise/aws/June-2026.csv.gz"), read(BILLING / "nise/aws/June-2026-finalized.csv.gz")
    assert opened.charges["invoice_id"].null_count() == opened.charges.height
    assert final.charges["invoice_id"].null_count() == 0
    key = [name for name in SCHEMA if name not in ("invoice_id", "first_row")]
    assert opened.charges.select(key).sort(key).equals(final.charges.select(key).sort(key))


def test_unused_commitments_stay_visible_as_cost_of_nobody() -> None:
    """Quirk 32: the unused part of the reservations of October 2018."""
    bill = read(BILLING / "aws-cur-2018/Oct2018-WorkshopCUR-00001.snappy.parquet", batch_rows=50_000)
    unused = bill.charges.filter(pl.col("commitment_discount_status") == "Unused")
    assert abs(Decimal(unused["effective_cost"].sum()) - Decimal("48.99556079")) < Decimal("1e-9")
    assert unused["resource_id"].null_count() == unused.height > 0
    assert unused["charge_category"].unique().to_list() == ["Purchase"]
    assert unused["commitment_discount_type"].unique().to_list() == ["Reserved Instance"]


def test_month_long_fees_keep_their_period() -> None:
    """Quirks 38, 39: a fee that ends at 23:59:59 on the last day lasts until the next midnight."""
    bill = read(BILLING / "aws-cur-2018/Oct2018-WorkshopCUR-00001.snappy.parquet", batch_rows=50_000)
    long = bill.charges.filter(pl.col("charge_period_end").is_not_null())
    assert long["row_count"].sum() == 9
    assert {str(end) for end in long["charge_period_end"]} == {"2018-11-01 00:00:00+00:00"}


def test_tax_rows_have_no_sku_and_no_resource_and_last_a_month() -> None:
    """Quirk 37."""
    bill = read(BILLING / "aws-cur-2023/aws_cur_2023-11-01_10.csv")
    tax = bill.charges.filter(pl.col("charge_category") == "Tax")
    assert tax["row_count"].sum() == 12
    assert tax["billed_cost"].sum() == Decimal("0.08")
    assert tax["sku_id"].null_count() == tax["resource_id"].null_count() == tax.height
    assert tax["charge_period_end"].null_count() == 0


def test_what_real_focus_files_get_wrong_is_kept_as_it_is() -> None:
    """Quirks 24, 25, 26, 27, 28, 29, 36: rounded effective costs, prices in AvailabilityZone, Id, Oracle's nulls."""
    bill = read(BILLING / "focus-1.0-real/focus_sample_2024-09_part1.csv")
    microsoft = bill.charges.filter(pl.col("provider_name") == "Microsoft")
    oracle = bill.charges.filter(pl.col("provider_name").str.contains("Oracle"))
    assert microsoft["availability_zone"].cast(pl.Float64, strict=False).null_count() < microsoft.height
    assert (microsoft["billed_cost"] < 0).any()
    assert set(oracle["charge_frequency"].drop_nulls()) <= {"One-Time", "Recurring", "Usage-Based"}
    assert bill.charges["x_columns"].str.contains('"Id":').all()
    assert bill.charges["contracted_cost"].null_count() > 0
    aws = bill.charges.filter(pl.col("provider_name") == "AWS")
    assert aws["invoice_issuer_name"].n_unique() > 1
    assert (aws["effective_cost"] == aws["effective_cost"].round(0)).all()
