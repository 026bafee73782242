"""The spool: charge keys are told apart whatever they hold, unknown costs stay unknown."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
from hypothesis import example, given
from hypothesis import strategies as st

from apps.costs.spool import STATEMENT_KEYS, Spool, key_text
from collectors.charges import SCHEMA, TOTALS_SCHEMA
from tests.ledger import charge

TEXTS = st.one_of(st.none(), st.text(alphabet="\x1f\x00,- 01a\u6c34", max_size=4))
KEYS = st.tuples(TEXTS, TEXTS, TEXTS)
DAY = date(2026, 6, 2)


def spooled(folder: Path, *batches: Mapping[str, object]) -> Spool:
    """A spool of one charge a batch."""
    spool = Spool(folder)
    for row in batches:
        frame = pl.DataFrame([{**row, "first_row": 1}], schema=SCHEMA, orient="row")
        spool.add(frame, frame.select(pl.col(name).cast(dtype) for name, dtype in TOTALS_SCHEMA.items()), rows_before=0)
    return spool


def facts(spool: Spool) -> pl.DataFrame:
    numbers = pl.concat(spool.keys()).select("key_no", key_id=pl.col("key_no") + 100)
    statements = pl.DataFrame([{name: getattr(one, name) for name in STATEMENT_KEYS} for one in spool.statements()])
    return pl.concat(spool.facts(key_ids=numbers, statement_ids=statements.with_row_index("statement_id")))


@given(KEYS, KEYS)
@example(("a\x1fb", "c", ""), ("a", "b\x1fc", ""))
@example((None, "", "a"), ("", None, "a"))
@example(("\x00", None, ""), (None, "\x00", ""))
def test_different_keys_never_become_one_text(one: tuple[str | None, ...], other: tuple[str | None, ...]) -> None:
    names = ("a", "b", "c")
    frame = pl.DataFrame([one, other], schema=dict.fromkeys(names, pl.String), orient="row")
    first, second = frame.select(key_text(names)).to_series()
    assert (first == second) == (one == other)


def test_keys_that_differ_in_where_a_separator_stands_are_two(tmp_path: Path) -> None:
    one = charge(DAY, "1", provider_name="a\x1fb", publisher_name="c")
    other = charge(DAY, "2", provider_name="a", publisher_name="b\x1fc")
    spool = spooled(tmp_path, one, other, one)
    assert spool.key_count == 2
    assert sorted(facts(spool)["billed_cost"]) == [2, 2]


def test_unknown_costs_of_later_batches_are_never_summed_as_zero(tmp_path: Path) -> None:
    unknown = charge(DAY, "1", list_cost=None, contracted_cost=None)
    found = facts(spooled(tmp_path, unknown, charge(DAY, "2"), unknown, charge(DAY, "3"))).sort("list_cost")
    assert found.select("billed_cost", "list_cost", "contracted_cost", "row_count").rows() == [
        (Decimal(2), None, None, 2),
        (Decimal(5), Decimal(5), Decimal(5), 2),
    ]
