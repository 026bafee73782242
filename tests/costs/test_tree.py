"""The cost tree: groups within groups, their rests, their dates and today's cost so far, each of them exact."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.accounts.scope import Scope
from apps.core.periods import Period
from apps.costs.dimensions import Dimension
from apps.costs.models import ExchangeRate
from apps.costs.queries import (
    CostNode,
    CostQuery,
    CostQueryError,
    CostRow,
    CostView,
    Granularity,
    Metric,
    MissingRateError,
    OrderBy,
    cost_table,
    cost_view,
)
from tests.costs.conftest import JULY, JUNE, Ledger, load, owned
from tests.costs.made_up import EXAMPLES, Sums, bills, by_currency, expected, questions, rolled_back

SERVICE, TEAM, REGION = Dimension("service"), Dimension("team"), Dimension("region")
EVERYTHING = Scope.everything()
LATER = date(2026, 12, 1)
Shown = list[tuple[str | None, str, list[Any]]]


def view(period: Period, *group_by: Dimension, children: int = 9, today: date = LATER, **more: Any) -> CostView:
    """The view of a question that may see everything."""
    return cost_view(CostQuery(period, group_by, **more), children=children, today=today, scope=EVERYTHING)


def shown(nodes: tuple[CostNode, ...]) -> Shown:
    """Key, cost and children of each node, in order."""
    return [(node.key, str(node.cost), shown(node.children)) for node in nodes]


def spread(ledger: Ledger, **amounts: str) -> None:
    """Charges of `team_service` on 3 June; `_` at the end is a charge without that value."""
    for name, amount in amounts.items():
        team, _, service = name.partition("_")
        ledger(owned(date(2026, 6, 3), amount, team=team, service_name=service or None))


def test_groups_hold_their_groups_dearest_first(ledger: Ledger) -> None:
    spread(ledger, ml_gpu="5", ml_disk="1", vision_gpu="2", vision_disk="7", search_="0.5")

    (tree,) = view(JUNE, TEAM, SERVICE).trees

    assert shown(tree.nodes) == [
        ("vision", "9", [("disk", "7", []), ("gpu", "2", [])]),
        ("ml", "6", [("gpu", "5", []), ("disk", "1", [])]),
        ("search", "0.5", [("", "0.5", [])]),
    ]
    assert (tree.currency, tree.total.cost, tree.total.groups) == ("USD", Decimal("15.5"), 3)


def test_each_level_has_a_rest_that_says_how_many_groups_it_holds(ledger: Ledger) -> None:
    spread(ledger, ml_a="9", ml_b="8", ml_c="7", ml_d="6", vision_a="5", search_a="4", search_b="3")

    (tree,) = view(JUNE, TEAM, SERVICE, limit=1, children=2).trees

    assert shown(tree.nodes) == [("ml", "30", [("a", "9", []), ("b", "8", []), (None, "13", [])]), (None, "12", [])]
    assert [node.groups for node in tree.nodes] == [1, 2]
    assert [node.groups for node in tree.nodes[0].children] == [1, 1, 2]


def test_three_levels_nest(ledger: Ledger) -> None:
    ledger(*(owned(date(2026, 6, 1), "1", team="ml", service_name="gpu", region_id=name) for name in ("eu", "us")))

    (tree,) = view(JUNE, TEAM, SERVICE, REGION).trees

    assert shown(tree.nodes) == [("ml", "2", [("gpu", "2", [("eu", "1", []), ("us", "1", [])])])]


@pytest.mark.parametrize(
    ("order_by", "expected_order"),
    [
        (OrderBy.DEAREST, [("b", "yx"), ("a", "yx")]),
        (OrderBy.DATE, [("b", "yx"), ("a", "yx")]),
        (OrderBy.CHEAPEST, [("a", "xy"), ("b", "xy")]),
        (OrderBy.KEY, [("a", "xy"), ("b", "xy")]),
        (OrderBy.KEY_DESCENDING, [("b", "yx"), ("a", "yx")]),
        (OrderBy.MOST_ADDED, [("a", "xy"), ("b", "xy")]),
        (OrderBy.MOST_SAVED, [("b", "yx"), ("a", "yx")]),
    ],
)
def test_every_level_is_sorted_as_asked(
    ledger: Ledger, order_by: OrderBy, expected_order: list[tuple[str, str]]
) -> None:
    now = {("a", "x"): "1", ("a", "y"): "2", ("b", "x"): "3", ("b", "y"): "4"}
    before = {("a", "y"): "9", ("b", "x"): "10", ("b", "y"): "20"}
    ledger(*(owned(date(2026, 7, 1), cost, team=team, service_name=name) for (team, name), cost in now.items()))
    ledger(*(owned(date(2026, 6, 1), cost, team=team, service_name=name) for (team, name), cost in before.items()))

    (tree,) = view(JULY, TEAM, SERVICE, order_by=order_by, compare=JUNE).trees

    assert [(node.key, "".join(str(one.key) for one in node.children)) for node in tree.nodes] == expected_order


def test_without_dimensions_there_is_a_total_and_its_dates(ledger: Ledger) -> None:
    ledger(owned(date(2026, 6, 1), "1"), owned(date(2026, 6, 2), "2"))

    found = view(JUNE, granularity=Granularity.DAY)

    assert (found.trees[0].nodes, found.trees[0].total.cost, found.trees[0].total.groups) == ((), Decimal(3), 1)
    assert [(row.keys, str(row.date), str(row.cost)) for row in found.dated] == [
        ((), "2026-06-01", "1"),
        ((), "2026-06-02", "2"),
    ]


def test_no_charges_at_all_are_no_tree(db: None) -> None:
    found = view(JUNE, TEAM, SERVICE, granularity=Granularity.DAY, today=date(2026, 7, 1))

    assert (found.trees, found.dated, found.so_far) == ((), (), ())


def test_dates_tell_the_outermost_groups_apart(ledger: Ledger) -> None:
    spread(ledger, ml_gpu="5", ml_disk="1", vision_gpu="2", search_gpu="3")
    ledger(owned(date(2026, 6, 4), "1", team="vision"))

    found = view(JUNE, TEAM, SERVICE, limit=1, granularity=Granularity.DAY)

    assert [(row.keys, str(row.date), str(row.cost), row.groups) for row in found.dated] == [
        (("ml",), "2026-06-03", "6", 1),
        (None, "2026-06-03", "5", 2),
        (None, "2026-06-04", "1", 2),
    ]


def test_a_comparison_of_another_length_is_the_trees_alone(ledger: Ledger) -> None:
    ledger(owned(date(2026, 6, 3), "5", team="ml"), owned(date(2026, 5, 3), "2", team="ml"))
    ledger(owned(date(2026, 5, 31), "1", team="gone"))

    found = view(JUNE, TEAM, granularity=Granularity.DAY, compare=Period(date(2026, 5, 1), date(2026, 5, 31)))

    (tree,) = found.trees
    assert [(node.key, str(node.cost), str(node.previous), str(node.delta)) for node in tree.nodes] == [
        ("ml", "5", "2", "3"),
        ("gone", "0", "1", "-1"),
    ]
    assert (tree.total.previous, tree.total.delta) == (Decimal(3), Decimal(2))
    assert [(row.keys, str(row.cost), row.previous, row.delta) for row in found.dated] == [(("ml",), "5", None, None)]


def test_unknown_prices_are_told_at_every_level(ledger: Ledger) -> None:
    ledger(owned(date(2026, 6, 3), "5", team="ml", list_cost=None), owned(date(2026, 6, 3), "2", team="ml"))

    (tree,) = view(JUNE, TEAM, SERVICE, metric=Metric.LIST).trees

    (node,) = tree.nodes
    assert [(one.cost, one.unpriced) for one in (node, node.children[0])] == [(Decimal(2), Decimal(5))] * 2
    assert tree.total.unpriced == Decimal(5)


def test_today_is_told_apart_and_in_no_total(ledger: Ledger) -> None:
    yesterday, today = date(2026, 6, 9), date(2026, 6, 10)
    ledger(owned(yesterday, "5", team="ml"), owned(yesterday, "3", team="vision"))
    ledger(owned(today, "2", team="ml"), owned(today, "1", team="vision"), owned(today, "4", team="new"))
    period = Period(date(2026, 6, 1), yesterday)

    found = view(period, TEAM, limit=1, granularity=Granularity.DAY, today=today)

    assert [(row.keys, row.date, str(row.cost), row.groups) for row in found.so_far] == [
        (("ml",), today, "2", 1),
        (None, today, "5", 2),
    ]
    assert found.trees[0].total.cost == sum(row.cost for row in found.dated) == Decimal(8)


def test_today_is_not_looked_at_unless_the_days_reach_it(ledger: Ledger) -> None:
    ledger(owned(date(2026, 6, 9), "5"), owned(date(2026, 6, 10), "2"))
    ends_yesterday, today = Period(date(2026, 6, 1), date(2026, 6, 9)), date(2026, 6, 10)

    assert view(ends_yesterday, granularity=Granularity.WEEK, today=today).so_far == ()
    assert view(ends_yesterday, granularity=Granularity.DAY, today=date(2026, 6, 11)).so_far == ()
    (row,) = view(ends_yesterday, granularity=Granularity.DAY, today=today).so_far
    assert (row.keys, row.cost) == ((), Decimal(2))


def test_a_rate_that_today_alone_lacks_leaves_the_period_standing(
    ledger: Ledger, rate: Callable[..., ExchangeRate]
) -> None:
    rate("EUR", date(2026, 6, 1), "1.1")
    ledger(owned(date(2026, 6, 30), "10", billing_currency="EUR"), owned(date(2026, 6, 30), "1"))
    ledger(owned(date(2026, 7, 1), "10", billing_currency="EUR"), owned(date(2026, 7, 1), "1"))

    found = view(JUNE, granularity=Granularity.DAY, currency="USD", today=date(2026, 7, 1))

    assert (found.trees[0].total.cost, found.so_far) == (Decimal(12), ())
    with pytest.raises(MissingRateError, match="EUR to USD for July 2026"):
        view(JULY, TEAM, currency="USD")


def test_every_currency_billed_has_a_tree_of_its_own(ledger: Ledger) -> None:
    ledger(owned(date(2026, 6, 3), "5", team="ml"), owned(date(2026, 6, 3), "2", team="ml", billing_currency="EUR"))

    trees = view(JUNE, TEAM, SERVICE).trees

    assert [(tree.currency, tree.total.cost, shown(tree.nodes)) for tree in trees] == [
        ("EUR", Decimal(2), [("ml", "2", [("Compute", "2", [])])]),
        ("USD", Decimal(5), [("ml", "5", [("Compute", "5", [])])]),
    ]


def test_a_view_that_is_too_long_is_refused_and_not_cut(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.costs.queries.answer.MAX_ROWS", 5)
    spread(ledger, ml_gpu="5", ml_disk="1", vision_gpu="2", search_gpu="3")

    with pytest.raises(CostQueryError, match="more than 5 rows"):
        view(JUNE, TEAM, SERVICE)
    assert view(JUNE, TEAM, SERVICE, limit=1, children=1).trees[0].total.cost == 11
    with pytest.raises(CostQueryError) as refused:
        view(JUNE, TEAM, children=0)
    assert refused.value.field == "children"


def test_a_view_is_one_statement(ledger: Ledger, django_assert_num_queries: Any) -> None:
    spread(ledger, ml_gpu="5")

    with django_assert_num_queries(1):
        view(JUNE, TEAM, SERVICE, REGION, granularity=Granularity.DAY, today=date(2026, 7, 1), compare=JULY)


def leaves(nodes: tuple[CostNode, ...], above: tuple[str | None, ...] = ()) -> dict[tuple[str | None, ...], Decimal]:
    """Cost by path of what has no children; a rest's path ends in None."""
    found: dict[tuple[str | None, ...], Decimal] = {}
    for node in nodes:
        path = (*above, node.key)
        found |= leaves(node.children, path) if node.children else {path: node.cost}
    return found


def subtotals_hold(node: CostNode) -> bool:
    """Whether children, if any, add up to their node in every amount, all the way down."""
    of_node = (node.cost, node.previous or Decimal(0), node.delta or Decimal(0), node.unpriced or Decimal(0))
    return not node.children or (of_node == added(node.children) and all(map(subtotals_hold, node.children)))


def added(rows: tuple[CostNode, ...]) -> tuple[Decimal, ...]:
    """The sums of cost, previous, delta and unpriced."""
    return tuple(
        sum((getattr(one, name) or Decimal(0) for one in rows), Decimal(0))
        for name in ("cost", "previous", "delta", "unpriced")
    )


@pytest.mark.django_db
@EXAMPLES
@given(bills, questions(), st.integers(1, 3), st.none() | st.integers(1, 70))
def test_every_tree_is_what_python_adds_up(
    bill: list[dict[str, Any]], asked: CostQuery, children: int, days_before: int | None
) -> None:
    first = asked.period.first
    compare = Period(first - timedelta(days_before), first - timedelta(1)) if days_before else None
    query, today = replace(asked, compare=compare), asked.period.last + timedelta(1)
    with rolled_back():
        load([dict(row) for row in bill])
        found = cost_view(query, children=children, today=today, scope=EVERYTHING)

    with localcontext() as exact:
        exact.prec = 200
        whole = replace(query, granularity=Granularity.NONE)
        now = expected(bill, whole, query.period, timedelta(0))
        before = expected(bill, whole, query.compare, timedelta(0)) if query.compare else {}
        totals = by_currency({**dict.fromkeys(before, Decimal(0)), **now})
        assert {tree.currency: tree.total.cost for tree in found.trees} == totals
        assert by_currency({(row.currency, place): row.cost for place, row in enumerate(found.dated)}) == (
            by_currency(now) if query.granularity is not Granularity.NONE else {}
        )
        for tree in found.trees:
            total = tree.total
            of_total = (total.cost, total.previous or 0, total.delta or 0, total.unpriced or 0)
            assert not query.group_by or added(tree.nodes) == of_total
            assert all(map(subtotals_hold, tree.nodes))
            told = {(tree.currency, keys, None): cost for keys, cost in leaves(tree.nodes).items() if None not in keys}
            assert told.items() <= {**dict.fromkeys(before, Decimal(0)), **now}.items()
        dates_hold(found, expected(bill, outermost(query), query.period, timedelta(0)))
        so_far_holds(found, expected(bill, outermost(query), Period(today, today), timedelta(0)))


def outermost(query: CostQuery) -> CostQuery:
    """The same question by its first dimension alone."""
    return replace(query, group_by=query.group_by[:1])


def dates_hold(found: CostView, sums: Sums) -> None:
    """Every dated group's cost is one of the sums."""
    told = {(row.currency, row.keys, row.date): row.cost for row in found.dated if row.keys is not None}
    assert told.items() <= sums.items()


def so_far_holds(found: CostView, sums: Sums) -> None:
    """Today's rows add up to today's sums, by currency; without days there are none."""
    rows = by_currency({(row.currency, place): row.cost for place, row in enumerate(found.so_far)})
    assert rows == (by_currency(sums) if found.query.granularity is Granularity.DAY else {})


@pytest.mark.django_db
@EXAMPLES
@given(bills, questions())
def test_one_level_is_what_the_table_says(bill: list[dict[str, Any]], asked: CostQuery) -> None:
    query = replace(asked, group_by=asked.group_by[:1] or (SERVICE,))
    with rolled_back():
        load([dict(row) for row in bill])
        found = cost_view(query, children=1, today=LATER, scope=EVERYTHING)
        table = cost_table(replace(query, granularity=Granularity.NONE), scope=EVERYTHING)
        by_date = cost_table(replace(query, compare=None), scope=EVERYTHING)

    assert tuple(tree.total for tree in found.trees) == table.totals
    assert [as_row(tree.currency, node) for tree in found.trees for node in tree.nodes] == list(table.rows)
    if query.compare is None and query.granularity is not Granularity.NONE:
        assert found.dated == by_date.rows


def as_row(currency: str, node: CostNode) -> CostRow:
    """The node as a table has it."""
    keys = None if node.key is None else (node.key,)
    return CostRow(keys, None, currency, node.cost, node.previous, node.delta, node.unpriced, node.groups)
