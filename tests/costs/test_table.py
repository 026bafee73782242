"""The cost table: groups, dates, filters, limits and comparisons, each of them exact."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from apps.accounts.scope import Scope
from apps.core.periods import Period
from apps.costs.dimensions import Dimension, DimensionError
from apps.costs.queries import CostQuery, CostQueryError, CostTable, Granularity, Metric, OrderBy, cost_table
from apps.costs.selection import Filter
from tests.costs.conftest import JULY, JUNE, Ledger, load, owned

EVERYTHING = Scope.everything()
SERVICE, TEAM, RESOURCE = Dimension("service"), Dimension("team"), Dimension("resource")


def ask(period: Period, *group_by: Dimension, **more: object) -> CostTable:
    """The table of a question that may see everything."""
    return cost_table(CostQuery(period, group_by, **more), scope=EVERYTHING)  # type: ignore[arg-type]


def costs(table: CostTable) -> list[tuple[tuple[str, ...] | None, str]]:
    """Keys and cost of each row, in order."""
    return [(row.keys, str(row.cost)) for row in table.rows]


def test_costs_are_grouped_dearest_first_and_add_up(ledger: Ledger) -> None:
    ledger(
        owned(date(2026, 6, 3), "1.25", service_name="EC2"),
        owned(date(2026, 6, 9), "2.000000000000000001", service_name="S3"),
        owned(date(2026, 6, 30), "-0.25", service_name="EC2"),
        owned(date(2026, 7, 1), "99", service_name="EC2"),
    )

    table = ask(JUNE, SERVICE)

    assert costs(table) == [(("S3",), "2.000000000000000001"), (("EC2",), "1")]
    assert (table.total, table.currency) == (Decimal("3.000000000000000001"), "USD")


def test_without_a_dimension_there_is_one_row(ledger: Ledger) -> None:
    ledger(owned(date(2026, 6, 3), "1"), owned(date(2026, 6, 4), "2", service_name="S3"))

    assert costs(ask(JUNE)) == [((), "3")]


def test_no_charges_at_all_cost_nothing(db: None) -> None:
    table = ask(JUNE, SERVICE)

    assert (table.rows, table.totals, table.total, table.currency) == ((), (), Decimal(0), None)


def test_a_period_without_a_complete_day_costs_nothing(ledger: Ledger) -> None:
    ledger(owned(date(2026, 6, 1), "1"))

    table = ask(Period.named("mtd", today=date(2026, 6, 1)), SERVICE, compare=JUNE.previous())

    assert (table.rows, table.total) == ((), Decimal(0))


@pytest.mark.parametrize("dimension", [SERVICE, RESOURCE, Dimension("tag:env")])
def test_partial_months_and_whole_ones_meet_without_gap_or_overlap(ledger: Ledger, dimension: Dimension) -> None:
    days = [
        date(2026, 4, 29),
        date(2026, 4, 30),
        date(2026, 5, 1),
        date(2026, 5, 31),
        date(2026, 6, 1),
        date(2026, 6, 2),
    ]
    ledger(*(owned(day, str(10**place)) for place, day in enumerate(days)))

    assert ask(Period(days[1], days[4]), dimension).total == Decimal(11110)


@pytest.mark.parametrize(
    ("granularity", "expected"),
    [
        (Granularity.DAY, {"2026-06-28": 1, "2026-06-29": 2, "2026-07-01": 4, "2026-07-06": 8}),
        (Granularity.WEEK, {"2026-06-22": 1, "2026-06-29": 6, "2026-07-06": 8}),
        (Granularity.MONTH, {"2026-06-01": 3, "2026-07-01": 12}),
    ],
)
@pytest.mark.parametrize("group_by", [(), (RESOURCE,)])
def test_dates_are_the_first_day_of_their_bucket(
    ledger: Ledger, granularity: Granularity, expected: dict[str, int], group_by: tuple[Dimension, ...]
) -> None:
    days = [date(2026, 6, 28), date(2026, 6, 29), date(2026, 7, 1), date(2026, 7, 6)]  # a Sunday, a Monday ...
    ledger(*(owned(day, str(2**place)) for place, day in enumerate(days)))

    table = ask(Period(date(2026, 6, 20), date(2026, 7, 31)), *group_by, granularity=granularity)

    assert {str(row.date): int(row.cost) for row in table.rows} == expected
    assert table.total == Decimal(15)


def test_a_week_begins_on_the_day_that_the_organisation_says(ledger: Ledger) -> None:
    ledger(owned(date(2026, 6, 27), "1"), owned(date(2026, 6, 28), "2"), owned(date(2026, 7, 4), "4"))

    table = ask(Period(date(2026, 6, 20), date(2026, 7, 5)), granularity=Granularity.WEEK, week_start=7)

    assert [(str(row.date), int(row.cost)) for row in table.rows] == [("2026-06-21", 1), ("2026-06-28", 6)]


def test_what_has_no_value_can_be_kept_and_left_out(ledger: Ledger) -> None:
    ledger(
        owned(date(2026, 6, 1), "1", team="ml"),
        owned(date(2026, 6, 1), "2", team="vision"),
        owned(date(2026, 6, 1), "4"),
    )

    def total(*values: str, exclude: bool = False) -> Decimal | None:
        return ask(JUNE, filters=(Filter(TEAM, values, exclude),)).total

    assert total("") == 4
    assert total("ml", "") == 5
    assert total("", exclude=True) == 3
    assert total("ml", "vision", exclude=True) == 4
    assert total("nobody") == 0


@pytest.mark.parametrize("period", [JUNE, Period(date(2026, 6, 2), date(2026, 6, 30))])
def test_tags_and_resources_are_dimensions_for_grouping_and_filtering(ledger: Ledger, period: Period) -> None:
    ledger(
        owned(date(2026, 6, 2), "1", resource_id="i-1", tags={"env": "prod", 'it\'s "odd" %s': "50%"}),
        owned(date(2026, 6, 2), "2", resource_id="i-2", tags={"env": "test"}),
        owned(date(2026, 6, 2), "4"),
    )
    env, odd = Dimension("tag:env"), Dimension('tag:it\'s "odd" %s')

    assert costs(ask(period, env)) == [(("",), "4"), (("test",), "2"), (("prod",), "1")]
    assert costs(ask(period, RESOURCE, env)) == [(("", ""), "4"), (("i-2", "test"), "2"), (("i-1", "prod"), "1")]
    assert costs(ask(period, odd, filters=(Filter(odd, ("50%",)),))) == [(("50%",), "1")]
    assert ask(period, filters=(Filter(env, ("",)), Filter(RESOURCE, ("i-1",), exclude=True))).total == 4


def test_words_of_sql_in_values_and_tag_keys_are_only_words(ledger: Ledger) -> None:
    evil = "x'); DROP TABLE costs_chargekey; --"
    ledger(owned(date(2026, 6, 2), "1", service_name=evil, tags={evil: evil}))

    assert costs(ask(JUNE, SERVICE, Dimension(f"tag:{evil}"), filters=(Filter(SERVICE, (evil,)),))) == [
        ((evil, evil), "1")
    ]


def test_the_rest_beyond_a_limit_is_one_row_that_says_how_many_it_holds(ledger: Ledger) -> None:
    ledger(*(owned(date(2026, 6, 1), str(amount), service_name=f"s{amount}") for amount in (5, 4, 3, 2, 1)))

    table = ask(JUNE, SERVICE, limit=2)

    assert [(row.keys, int(row.cost), row.groups) for row in table.rows] == [
        (("s5",), 5, 1),
        (("s4",), 4, 1),
        (None, 6, 3),
    ]
    assert (table.total, table.totals[0].groups) == (Decimal(15), 5)


def test_a_limit_tells_apart_what_is_dearest_over_the_whole_period(ledger: Ledger) -> None:
    ledger(
        owned(date(2026, 6, 1), "10", service_name="steady"),
        owned(date(2026, 6, 2), "10", service_name="steady"),
        owned(date(2026, 6, 1), "15", service_name="spike"),
        owned(date(2026, 6, 2), "1", service_name="small"),
    )

    table = ask(JUNE, SERVICE, limit=1, granularity=Granularity.DAY, order_by=OrderBy.DATE)

    assert [(str(row.date), row.keys, int(row.cost)) for row in table.rows] == [
        ("2026-06-01", ("steady",), 10),
        ("2026-06-01", None, 15),
        ("2026-06-02", ("steady",), 10),
        ("2026-06-02", None, 1),
    ]


@pytest.mark.parametrize(
    ("order_by", "expected"),
    [
        (OrderBy.DEAREST, ["b", "c", "a"]),
        (OrderBy.CHEAPEST, ["a", "c", "b"]),
        (OrderBy.KEY, ["a", "b", "c"]),
        (OrderBy.KEY_DESCENDING, ["c", "b", "a"]),
        (OrderBy.MOST_ADDED, ["a", "c", "b"]),
        (OrderBy.MOST_SAVED, ["b", "c", "a"]),
    ],
)
def test_groups_are_sorted_as_asked(ledger: Ledger, order_by: OrderBy, expected: list[str]) -> None:
    now, before = {"a": "1", "b": "9", "c": "5"}, {"b": "20", "c": "6"}
    ledger(*(owned(date(2026, 7, 1), cost, service_name=name) for name, cost in now.items()))
    ledger(*(owned(date(2026, 6, 10), cost, service_name=name) for name, cost in before.items()))

    table = ask(JULY, SERVICE, order_by=order_by, compare=JUNE)

    assert [row.keys[0] for row in table.rows if row.keys] == expected


def test_newest_dates_can_come_first(ledger: Ledger) -> None:
    ledger(owned(date(2026, 6, 1), "1"), owned(date(2026, 6, 2), "2"))

    table = ask(JUNE, granularity=Granularity.DAY, order_by=OrderBy.NEWEST)

    assert [str(row.date) for row in table.rows] == ["2026-06-02", "2026-06-01"]


def test_a_comparison_has_what_came_and_what_went(ledger: Ledger) -> None:
    ledger(owned(date(2026, 7, 5), "7", service_name="new"), owned(date(2026, 7, 5), "3", service_name="both"))
    ledger(owned(date(2026, 6, 5), "2", service_name="both"), owned(date(2026, 6, 5), "1.5", service_name="gone"))

    table = ask(JULY, SERVICE, compare=JUNE)

    assert {row.keys: (str(row.cost), str(row.previous), str(row.delta)) for row in table.rows} == {
        ("new",): ("7", "0", "7"),
        ("both",): ("3", "2", "1"),
        ("gone",): ("0", "1.5", "-1.5"),
    }
    assert (table.totals[0].previous, table.totals[0].delta) == (Decimal("3.5"), Decimal("6.5"))


@pytest.mark.parametrize("dimension", [SERVICE, RESOURCE])
def test_with_a_granularity_each_day_is_compared_with_the_day_as_long_before(
    ledger: Ledger, dimension: Dimension
) -> None:
    ledger(owned(date(2026, 7, 8), "5"), owned(date(2026, 7, 1), "3"), owned(date(2026, 7, 2), "1"))

    week = Period(date(2026, 7, 8), date(2026, 7, 14))
    table = ask(week, dimension, granularity=Granularity.DAY, compare=week.previous())

    assert [(str(row.date), str(row.cost), str(row.previous)) for row in table.rows] == [
        ("2026-07-08", "5", "3"),
        ("2026-07-09", "0", "1"),
    ]


def test_months_are_compared_day_by_day_too(ledger: Ledger) -> None:
    ledger(owned(date(2026, 7, 1), "5"), owned(date(2026, 5, 31), "3"), owned(date(2026, 6, 30), "1"))

    table = ask(JULY, granularity=Granularity.MONTH, compare=JULY.previous())

    assert [(str(row.date), str(row.cost), str(row.previous)) for row in table.rows] == [("2026-07-01", "5", "4")]


def test_every_metric_has_its_own_sum_and_unknown_prices_are_told(ledger: Ledger) -> None:
    ledger(
        owned(date(2026, 6, 1), "1", billed_cost=Decimal(2), list_cost=Decimal(4), contracted_cost=Decimal(3)),
        owned(date(2026, 6, 2), "8", list_cost=None, contracted_cost=None),
    )

    answers = {metric: ask(JUNE, metric=metric).totals[0] for metric in Metric}

    assert {metric: str(total.cost) for metric, total in answers.items()} == {
        Metric.EFFECTIVE: "9",
        Metric.BILLED: "10",
        Metric.LIST: "4",
        Metric.CONTRACTED: "3",
    }
    assert (answers[Metric.LIST].unpriced, answers[Metric.CONTRACTED].unpriced) == (Decimal(8), Decimal(8))
    assert (answers[Metric.EFFECTIVE].unpriced, answers[Metric.BILLED].unpriced) == (None, None)


@pytest.mark.parametrize("period", [JUNE, Period(date(2026, 6, 1), date(2026, 6, 20))])
@pytest.mark.parametrize("dimension", [SERVICE, RESOURCE])
def test_unknown_prices_are_told_where_known_ones_are_beside_them(
    ledger: Ledger, period: Period, dimension: Dimension
) -> None:
    ledger(
        owned(date(2026, 6, 1), "1", resource_id="i-1"),
        owned(date(2026, 6, 1), "2", resource_id="i-2", list_cost=None),
        owned(date(2026, 6, 1), "4", resource_id="i-1", list_cost=None, invoice_id="another"),
    )

    (total,) = ask(period, dimension, metric=Metric.LIST).totals

    assert (total.cost, total.unpriced) == (Decimal(1), Decimal(6))


@pytest.mark.parametrize("period", [JUNE, Period(date(2026, 6, 1), date(2026, 6, 20))])
@pytest.mark.parametrize("dimension", [SERVICE, RESOURCE])
def test_charges_that_reach_beyond_their_day_are_told(ledger: Ledger, period: Period, dimension: Dimension) -> None:
    whole_month = {
        "charge_period_start": datetime(2026, 6, 1, tzinfo=UTC),
        "charge_period_end": datetime(2026, 7, 1, tzinfo=UTC),
    }
    ledger(owned(date(2026, 6, 1), "30", **whole_month), owned(date(2026, 6, 1), "1"))

    (total,) = ask(period, dimension).totals

    assert (total.cost, total.long) == (Decimal(31), Decimal(30))


def test_questions_that_make_no_sense_are_refused_by_parameter() -> None:
    refused = {
        "group_by": {"group_by": (SERVICE, SERVICE)},
        "limit": {"limit": 0},
        "order_by": {"order_by": OrderBy.MOST_ADDED},
    }
    for field, more in refused.items():
        with pytest.raises(CostQueryError) as error:
            CostQuery(JUNE, **more)  # type: ignore[arg-type]
        assert error.value.field == field
    with pytest.raises(CostQueryError, match="at most 3"):
        CostQuery(JUNE, (SERVICE, TEAM, RESOURCE, Dimension("tag:a")))
    with pytest.raises(CostQueryError, match="has 2 days and the period 30") as error:
        ask(JUNE, compare=Period(date(2026, 5, 1), date(2026, 5, 2)), granularity=Granularity.DAY)
    assert error.value.field == "compare_end"


@pytest.mark.parametrize("name", ["", "Service", "billing_currency", "digest", "id", "tag:", "tag:\0", "g.team"])
def test_what_is_no_dimension_is_refused_with_those_that_are(name: str) -> None:
    with pytest.raises(DimensionError, match="service_category"):
        Dimension(name)


def test_an_answer_that_is_too_long_is_refused_and_not_cut(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.costs.queries.answer.MAX_ROWS", 2)
    ledger(*(owned(date(2026, 6, 1), "1", service_name=f"s{place}") for place in range(3)))

    with pytest.raises(CostQueryError, match="Set a limit") as refused:
        ask(JUNE, SERVICE)
    assert refused.value.field == "limit"
    assert ask(JUNE, SERVICE, limit=1).total == 3


def test_a_newer_delivery_replaces_the_numbers_of_the_older(db: None) -> None:
    load([owned(date(2026, 6, 1), "1")])
    load([owned(date(2026, 6, 1), "2")])

    assert ask(JUNE).total == 2
