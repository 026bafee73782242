"""What an export puts right so that FOCUS's rules hold: in FOCUS's words or by its definitions, never by guessing."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.costs import export_file
from apps.costs.export import FocusExport, Format
from apps.costs.wording import is_its_own_issuer, is_unit
from tests.costs.conftest import JUNE, Ledger, load, owned
from tests.costs.focus_files import EVERYTHING, FORMATS, WHOLE_YEARS, exported, import_bill, written
from tests.costs.made_up import EXAMPLES, rolled_back
from tests.shared import BILLING

SAMPLES = [*BILLING.glob("focus-1.*/*cost_and_usage_gcp.csv.gz"), *BILLING.glob("focus-1.0-real/*.csv")]
COUNTS = "SELECT count(*), sum(billed_cost), sum(effective_cost) FROM costs_dailycharge"


def assert_rules(rows: pl.DataFrame) -> None:
    """The rules of FOCUS 1.2 that bills break and an export can keep."""
    own = pl.struct("ProviderName", "InvoiceIssuerName").map_elements(
        lambda row: is_its_own_issuer(*row.values()), return_dtype=pl.Boolean
    )
    assert rows.filter(pl.col("ProviderName") != pl.col("InvoiceIssuerName")).filter(own).is_empty()
    assert rows.filter(pl.col("PricingQuantity").is_null(), pl.col("PricingUnit").is_not_null()).is_empty()
    for name in ("ServiceCategory", "ServiceSubcategory"):
        assert (
            rows.filter(pl.col(name).is_not_null())
            .group_by("ServiceName")
            .agg(pl.col(name).n_unique())
            .filter(pl.col(name) > 1)
            .is_empty()
        )


def day_of(name: str, **columns: Any) -> dict[str, Any]:
    """A charge in June that is described as `name`."""
    return owned(date(2026, 6, 3), columns.pop("amount", "1"), charge_description=name, **columns)


def by_description(*names: str) -> dict[str, tuple[Any, ...]]:
    """Columns of June's export by description."""
    rows = exported().select("ChargeDescription", *names).iter_rows()
    return {name: values for name, *values in rows}  # type: ignore[misc]


def test_an_invoice_of_the_provider_under_another_name_is_no_third_partys(ledger: Ledger) -> None:
    ledger(
        day_of("own", provider_name="AWS", invoice_issuer_name="Amazon Web Services EMEA SARL"),
        day_of("reseller", provider_name="AWS", invoice_issuer_name="Cloud Reseller GmbH"),
        day_of("newer", service_provider_name="Google Cloud", invoice_issuer_name="Google LLC"),
        day_of("same", provider_name="OpenAI", invoice_issuer_name="OpenAI"),
        day_of("unsaid", provider_name="AWS"),
    )

    assert by_description("ProviderName", "InvoiceIssuerName", "x_OriginalInvoiceIssuerName") == {
        "own": ["AWS", "AWS", "Amazon Web Services EMEA SARL"],
        "reseller": ["AWS", "Cloud Reseller GmbH", None],
        "newer": ["Google Cloud", "Google Cloud", "Google LLC"],
        "same": ["OpenAI", "OpenAI", None],
        "unsaid": ["AWS", None, None],
    }


def test_units_are_written_as_focus_wants_and_only_beside_a_quantity(ledger: Ledger) -> None:
    two = {"pricing_quantity": Decimal(2)}
    ledger(
        day_of("storage", pricing_unit="GB-Mo", consumed_unit="GB-Mo", **two),
        day_of("unknown", pricing_unit="10K/Month", **two),
        day_of("right", pricing_unit="Requests", **two),
        day_of("no quantity", pricing_unit="Hrs"),
        day_of("right, no quantity", pricing_unit="Hours"),
    )

    names = ("PricingQuantity", "PricingUnit", "x_OriginalPricingUnit", "ConsumedUnit", "x_OriginalConsumedUnit")
    assert by_description(*names) == {
        "storage": ["2", "GB-Months", "GB-Mo", "GB-Months", "GB-Mo"],
        "unknown": ["2", "10K/Month", None, None, None],
        "right": ["2", "Requests", None, None, None],
        "no quantity": [None, None, "Hrs", None, None],
        "right, no quantity": [None, None, "Hours", None, None],
    }


def test_a_service_is_in_one_category_and_the_bills_is_kept(ledger: Ledger) -> None:
    ledger(
        day_of("vm", service_name="EC2", service_category="Compute", resource_id="i-1"),
        day_of("vm 2", service_name="EC2", service_category="Compute", resource_id="i-2"),
        day_of("disk", service_name="EC2", service_category="Storage", service_subcategory="Block Storage"),
        day_of("bucket", service_name="S3", service_category="Storage"),
    )

    names = ("ServiceCategory", "ServiceSubcategory", "x_OriginalServiceCategory", "x_OriginalServiceSubcategory")
    assert by_description(*names) == {
        "vm": ["Compute", "Other (Compute)", None, None],
        "vm 2": ["Compute", "Other (Compute)", None, None],
        "disk": ["Compute", "Other (Compute)", "Storage", "Block Storage"],
        "bucket": ["Storage", "Other (Storage)", None, None],
    }


def test_costs_that_a_bill_leaves_out_are_written_only_where_focus_defines_them(ledger: Ledger) -> None:
    unsaid: dict[str, Any] = {"list_cost": None, "contracted_cost": None}
    price = {"contracted_unit_price": Decimal("0.25"), "list_unit_price": Decimal("0.5")}
    ledger(
        day_of("prices", pricing_quantity=Decimal(3), **price, **unsaid),
        day_of("correction", charge_class="Correction", pricing_quantity=Decimal(3), **price, **unsaid),
        day_of("price of nothing", **price, **unsaid),
        day_of("credit", amount="-7", charge_category="Credit", **unsaid),
        day_of("tax", charge_category="Tax", **unsaid),
        day_of("usage", **unsaid),
        day_of("at list price", list_cost=Decimal(1), contracted_cost=None),
        day_of("below list price", list_cost=Decimal(2), contracted_cost=None),
        day_of("absurd", pricing_quantity=Decimal(10**15), **{**price, "list_unit_price": Decimal(10**9)}, **unsaid),
    )

    assert by_description("ListCost", "ContractedCost") == {
        "prices": ["1.5", "0.75"],
        "correction": [None, None],
        "price of nothing": [None, None],
        "credit": ["-7", "-7"],
        "tax": [None, None],
        "usage": [None, None],
        "at list price": ["1", "1"],
        "below list price": ["2", None],
        "absurd": [None, None],
    }


@pytest.mark.django_db
@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.parent.name)
def test_what_was_exported_and_imported_is_exported_the_same(path: Path, format_: Format, tmp_path: Path) -> None:
    with rolled_back():
        import_bill(path, "first")
        first = written(FocusExport(period=WHOLE_YEARS, scope=EVERYTHING))
        again = tmp_path / f"again.{format_}"
        export_file.write_file(FocusExport(period=WHOLE_YEARS, scope=EVERYTHING).chunks(format_), again)
        before = counts()
    import_bill(again, "again")

    second = written(FocusExport(period=WHOLE_YEARS, scope=EVERYTHING))

    assert counts() == before
    assert second.columns == first.columns
    assert sorted_rows(second) == sorted_rows(first)
    assert_rules(second)
    assert all(map(is_unit, second["PricingUnit"].drop_nulls()))


charges = st.lists(
    st.fixed_dictionaries(
        {
            "amount": st.decimals(-9, 9, places=3).map(str),
            "provider_name": st.sampled_from(["AWS", "Google Cloud"]),
            "invoice_issuer_name": st.sampled_from(["AWS", "Amazon Web Services, Inc.", "Reseller", None]),
            "pricing_unit": st.sampled_from(["GB-Mo", "GB-Months", "10K/Month", None]),
            "pricing_quantity": st.sampled_from([Decimal(2), None]),
            "contracted_cost": st.sampled_from([Decimal(1), None]),
            "contracted_unit_price": st.sampled_from([Decimal("0.5"), None]),
            "charge_category": st.sampled_from(["Usage", "Credit", "Tax"]),
            "service_name": st.sampled_from(["EC2", "S3"]),
            "service_category": st.sampled_from(["Compute", "Storage", "Other"]),
            "service_subcategory": st.sampled_from(["Virtual Machines", "Other (Compute)", None]),
        }
    ),
    min_size=1,
    max_size=6,
)


# over 5 s: an example is two imports and three exports
@pytest.mark.django_db
@settings(EXAMPLES, max_examples=12)
@given(charges)
def test_whatever_bills_say_totals_and_rows_survive_and_nothing_changes_twice(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]
) -> None:
    again = tmp_path_factory.mktemp("export") / "again.csv"
    with rolled_back():
        load([day_of(f"row {place}", **row) for place, row in enumerate(rows)])
        first, before = written(FocusExport(period=JUNE, scope=EVERYTHING)), counts()
        export_file.write_file(FocusExport(period=JUNE, scope=EVERYTHING).chunks(Format.CSV), again)
    with rolled_back():
        import_bill(again, "again")
        second, after = written(FocusExport(period=JUNE, scope=EVERYTHING)), counts()

    assert after == before
    assert second.columns == first.columns
    assert sorted_rows(second) == sorted_rows(first)
    assert_rules(first)


def counts() -> Any:
    """Rows, billed and effective cost of everything that is stored."""
    with connection.cursor() as cursor:
        cursor.execute(COUNTS)
        return cursor.fetchone()


def sorted_rows(rows: pl.DataFrame) -> Iterable[tuple[Any, ...]]:
    """The rows in one order, whatever they hold."""
    return sorted(rows.rows(), key=str)
