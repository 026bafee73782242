"""Whatever the charges and whatever the question: sums are exact, and nobody sees what is not theirs."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal, localcontext
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from apps.accounts.scope import Scope
from apps.core.periods import Period
from apps.costs.queries import (
    ChargeList,
    ChargeOrder,
    CostQuery,
    CostTable,
    CostView,
    Metric,
    candidates,
    cost_table,
    cost_view,
    dimension_values,
    freshness,
    tag_keys,
)
from apps.costs.selection import Filter
from tests.costs.conftest import load
from tests.costs.made_up import (
    DIMENSIONS,
    EXAMPLES,
    TODAY,
    bills,
    by_currency,
    expected,
    filters,
    is_asked_for,
    periods,
    questions,
    rolled_back,
)

pytestmark = pytest.mark.django_db


@EXAMPLES
@given(bills, questions())
def test_every_answer_is_what_python_adds_up(bill: list[dict[str, Any]], query: CostQuery) -> None:
    rows = [dict(row) for row in bill]
    with rolled_back():
        load([dict(row) for row in bill])
        table = cost_table(query, scope=Scope.everything())

    with localcontext() as exact:
        exact.prec = 200
        now = expected(rows, query, query.period, timedelta(0))
        before = expected(rows, query, query.compare, query.period.first - query.compare.first) if query.compare else {}
        totals = by_currency({**{key: Decimal(0) for key in before}, **now})
        assert {total.currency: total.cost for total in table.totals} == totals
        assert by_currency({(row.currency, place): row.cost for place, row in enumerate(table.rows)}) == totals
        assert {total.currency: total.previous or 0 for total in table.totals} == {
            **dict.fromkeys(totals, 0),
            **by_currency(before),
        }
        assert all(row.delta == row.cost - (row.previous or 0) for row in table.rows if row.delta is not None)
        told = {(row.currency, row.keys, row.date): row.cost for row in table.rows if row.keys is not None}
        assert told.items() <= {**{key: Decimal(0) for key in before}, **now}.items()
        if query.limit is None:
            assert told.keys() == now.keys() | before.keys()


def everything_seen(query: CostQuery, scope: Scope) -> tuple[CostTable, CostView, Any, Any, Any, Any]:
    """All that a reader can learn by this question and around it."""
    shown = [
        replace(charge, statement_id=0)
        for charge in ChargeList(period=query.period, scope=scope, filters=query.filters)
    ]
    values = [dimension_values(dimension, period=query.period, scope=scope) for dimension in DIMENSIONS]
    view = cost_view(query, children=2, today=query.period.last + timedelta(days=1), scope=scope)
    known = tag_keys(scope=scope), freshness(today=TODAY, scope=scope)
    return cost_table(query, scope=scope), view, shown, values, *known


@EXAMPLES
@given(bills, bills, questions(), st.sampled_from([(), ("ml",), ("ml", "vision"), ("nobody",), ("",)]))
def test_charges_of_others_change_nothing_that_a_reader_sees(
    own: list[dict[str, Any]], others: list[dict[str, Any]], query: CostQuery, teams: tuple[str, ...]
) -> None:
    scope = Scope(teams)
    visible = [row for row in own if row["team"] and row["team"] in teams]
    hidden = [row for row in own + others if not row["team"] or row["team"] not in teams]
    for row in hidden:  # what a reader may not even know the name of
        row["service_name"], row["billing_currency"] = "secret", "XXX"
    with rolled_back():
        load([dict(row) for row in visible], source="own") if visible else None
        alone = everything_seen(query, scope)
        load([dict(row) for row in hidden], source="others") if hidden else None
        together = everything_seen(query, scope)

    assert together == alone
    if not visible:
        assert (together[0].rows, together[0].totals, together[2], together[4]) == ((), (), [], ())
        assert (together[1].trees, together[1].dated, together[1].so_far) == ((), (), ())


@EXAMPLES
@given(bills, questions())
def test_the_charges_behind_a_number_add_up_to_it(bill: list[dict[str, Any]], query: CostQuery) -> None:
    plain = replace(query, currency="", metric=Metric.EFFECTIVE, limit=None)
    with rolled_back():
        load([dict(row) for row in bill])
        table = cost_table(plain, scope=Scope.everything())
        behind = list(ChargeList(period=query.period, scope=Scope.everything(), filters=query.filters))

    with localcontext() as exact:
        exact.prec = 200
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for charge in behind:
            sums[charge.currency] += charge.effective_cost
        assert {total.currency: total.cost for total in table.totals if total.groups and total.currency in sums} == sums
        assert sum(charge.row_count for charge in behind) == sum(is_asked_for(row, query, query.period) for row in bill)


def stored(period: Period) -> list[tuple[date, Decimal, int, int]]:
    """Day, cost, statement and row of every charge of the period, as the table has them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT day, effective_cost, statement_id, first_row FROM costs_dailycharge WHERE day BETWEEN %s AND %s",
            [period.first, period.last],
        )
        return list(cursor.fetchall())


SORTED_BY: dict[ChargeOrder, Callable[[tuple[date, Decimal, int, int]], Any]] = {
    ChargeOrder.DEAREST: lambda row: (-row[1], *row[2:]),
    ChargeOrder.CHEAPEST: lambda row: (row[1], *row[2:]),
    ChargeOrder.NEWEST: lambda row: (-row[0].toordinal(), *row[2:]),
    ChargeOrder.OLDEST: lambda row: (row[0], *row[2:]),
}


@EXAMPLES
@given(
    st.lists(bills, min_size=1, max_size=2),
    periods,
    st.sampled_from(ChargeOrder),
    st.tuples(st.integers(0, 12), st.integers(1, 5)),
    st.sampled_from([0, 3, 5_000]),
)
def test_every_page_of_charges_is_that_of_the_whole_list(
    parts: list[list[dict[str, Any]]], period: Period, order_by: ChargeOrder, window: tuple[int, int], most: int
) -> None:
    with rolled_back(), patch.object(candidates, "MOST_CANDIDATES", most):
        for place, bill in enumerate(parts):
            load([dict(row) for row in bill], source=f"source-{place}")
        whole = sorted(stored(period), key=SORTED_BY[order_by])
        found = ChargeList(period=period, scope=Scope.everything(), order_by=order_by)
        page = found[window[0] : sum(window)]

        assert len(found) == len(whole)
        shown = [(one.day, one.effective_cost, one.statement_id, one.first_row) for one in page]
        assert shown == whole[window[0] : sum(window)]


@EXAMPLES
@given(bills, periods, filters, st.sampled_from(ChargeOrder))
def test_charges_that_are_filtered_are_counted_and_listed_alike(
    bill: list[dict[str, Any]], period: Period, one: Filter, order_by: ChargeOrder
) -> None:
    with rolled_back():
        load([dict(row) for row in bill])
        found = ChargeList(period=period, scope=Scope.everything(), filters=[one], order_by=order_by)

        assert len(found) == len({(charge.statement_id, charge.first_row) for charge in found[:]})
        query = CostQuery(period, filters=(one,))
        assert sum(charge.row_count for charge in found) == sum(is_asked_for(row, query, period) for row in bill)
