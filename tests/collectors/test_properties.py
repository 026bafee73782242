"""What must hold whatever the bill: no cost is lost or made up by batches, chunks or the order of rows."""

import random
from collections.abc import Sequence
from decimal import Decimal, localcontext
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors import billing, csv_table
from collectors.charges import GRAIN_COLUMNS, MEASURE_COLUMNS, OPTIONAL_COSTS, condense
from tests.collectors.bills import Bill, cur, focus, read, write_csv

COSTS = st.one_of(
    st.decimals(-1000, 1000, places=18).map(str),
    st.sampled_from(["0", "1e-18", "-1E-7", " 5 ", "NULL", "", "x", "1,0", "12345678901234567890"]),
)
FOCUS_ROWS = st.builds(
    focus,
    BilledCost=COSTS,
    EffectiveCost=COSTS,
    ListCost=COSTS,
    ResourceId=st.sampled_from(["i-1", "i-2", "NULL", ""]),
    BillingCurrency=st.sampled_from(["USD", "EUR", "eur", ""]),
    InvoiceId=st.sampled_from(["", "I1"]),
    ChargePeriodStart=st.integers(1, 4).map(lambda day: f"2026-06-{day:02}T00:00:00Z"),
    ChargePeriodEnd=st.sampled_from(["2026-06-04T12:00:00Z", "2026-06-05"]),
    Tags=st.sampled_from(['{"a":"1","b":"2"}', '{"b":"2", "a":"1"}', "", "junk"]),
    x_Note=st.sampled_from(["", "n"]),
)
CUR_ROWS = st.builds(
    lambda line, cost, hour, more: cur(
        {
            "lineItem/LineItemType": line,
            "lineItem/UnblendedCost": cost,
            "lineItem/UsageStartDate": f"2026-06-02T{hour:02}:00:00Z",
            "lineItem/UsageEndDate": f"2026-06-02T{hour:02}:59:59Z",
            "savingsPlan/SavingsPlanEffectiveCost": more,
            "reservation/EffectiveCost": more,
        }
    ),
    st.sampled_from(["Usage", "SavingsPlanCoveredUsage", "SavingsPlanNegation", "DiscountedUsage", "Tax"]),
    COSTS,
    st.integers(0, 23),
    COSTS,
)


def of_grain(bill: Bill) -> pl.DataFrame:
    """Everything that is said about each grain, without what names rows."""
    return condense(bill.charges).drop("first_row").sort(*GRAIN_COLUMNS, *OPTIONAL_COSTS)


def read_in(folder: str, chunks: Sequence[Sequence[dict[str, str]]], *, batch_rows: int, held: int, block: int) -> Bill:
    files = [write_csv(Path(folder) / f"bill-{number:05}.csv", *chunk) for number, chunk in enumerate(chunks, start=1)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(billing, "HELD_GROUPS", held)
        patch.setattr(csv_table, "BLOCK_BYTES", block)
        return read(*files, batch_rows=batch_rows)


@given(
    st.one_of(st.lists(FOCUS_ROWS, min_size=1, max_size=25), st.lists(CUR_ROWS, min_size=1, max_size=25)),
    st.integers(0, 25),
    st.randoms(),
    st.fixed_dictionaries(
        {"batch_rows": st.integers(1, 30), "held": st.integers(1, 20), "block": st.integers(64, 4096)}
    ),
)
@settings(max_examples=40, deadline=None)
def test_order_batches_and_chunks_change_nothing(
    rows: list[dict[str, str]], cut: int, chance: random.Random, sizes: dict[str, int]
) -> None:
    with TemporaryDirectory() as folder:
        whole = read_in(folder, [rows], batch_rows=1000, held=1000, block=1 << 20)
    shuffled = rows.copy()
    chance.shuffle(shuffled)
    chunks = [chunk for chunk in (shuffled[:cut], shuffled[cut:]) if chunk]
    with TemporaryDirectory() as folder:
        parts = read_in(folder, chunks, **sizes)
    assert of_grain(parts).equals(of_grain(whole))
    assert parts.rows_read == whole.rows_read == len(rows)
    assert parts.rejected.height == whole.rejected.height
    assert sorted(parts.rejected["reason"]) == sorted(whole.rejected["reason"])


@given(st.lists(FOCUS_ROWS, min_size=1, max_size=25), st.integers(1, 10))
@settings(max_examples=40, deadline=None)
def test_accepted_and_rejected_rows_are_all_rows(rows: list[dict[str, str]], batch_rows: int) -> None:
    with TemporaryDirectory() as folder:
        bill = read_in(folder, [rows], batch_rows=batch_rows, held=5, block=1 << 20)
    accepted = int(bill.charges["row_count"].sum())
    assert accepted + bill.rejected.height == len(rows) == bill.rows_read
    assert bill.totals["row_count"].sum() == accepted
    assert bill.rejected["row"].is_unique().all()


@given(st.lists(FOCUS_ROWS, min_size=1, max_size=25), st.integers(1, 10))
@settings(max_examples=40, deadline=None)
def test_costs_are_what_python_adds_up(rows: list[dict[str, str]], batch_rows: int) -> None:
    with TemporaryDirectory() as folder:
        bill = read_in(folder, [rows], batch_rows=batch_rows, held=5, block=1 << 20)
    rejected = set(bill.rejected["row"])
    accepted = [row for number, row in enumerate(rows, start=1) if number not in rejected]
    for column, name in (("billed_cost", "BilledCost"), ("effective_cost", "EffectiveCost")):
        with localcontext(prec=60):
            expected = sum((Decimal(row[name].strip()) for row in accepted), Decimal(0))
        assert bill.charges[column].sum() == bill.totals[column].sum() == expected


@given(st.lists(FOCUS_ROWS, min_size=1, max_size=25))
@settings(max_examples=30, deadline=None)
def test_charges_are_condensed_already(rows: list[dict[str, str]]) -> None:
    with TemporaryDirectory() as folder:
        bill = read_in(folder, [rows], batch_rows=1000, held=1000, block=1 << 20)
    known = (pl.col(name).is_not_null() for name in OPTIONAL_COSTS)
    assert bill.charges.select(*GRAIN_COLUMNS, *known).is_unique().all()
    again = condense(bill.charges)
    assert again.height == bill.charges.height
    for name in MEASURE_COLUMNS:
        assert again[name].null_count() == bill.charges[name].null_count()
