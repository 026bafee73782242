"""Made-up bills and questions for property tests, and the sums that Python alone makes of them."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from apps.core.periods import Period
from apps.costs.dimensions import Dimension
from apps.costs.models import ExchangeRate
from apps.costs.queries import CostQuery, Granularity, Metric, OrderBy
from apps.costs.selection import Filter
from tests.costs.conftest import owned

# every example loads bills and reads them back, and the database fixture is rolled back by hand; making a failing
# example small would take minutes of that
EXAMPLES = settings(
    max_examples=25,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
FIRST, LAST = date(2026, 4, 28), date(2026, 7, 3)
TODAY = date(2026, 7, 2)
TEAMS = ("", "ml", "vision")
RATES = {"USD": Decimal(1), "EUR": Decimal("1.083217650000000001")}
COLUMN = {"service": "service_name", "region": "region_id", "resource": "resource_id", "sub_account": "sub_account_id"}
DIMENSIONS = [*map(Dimension, COLUMN), Dimension("team"), Dimension("tag:env")]

days = st.dates(FIRST, LAST)
periods = st.tuples(days, days).map(lambda pair: Period(min(pair), max(pair)))
amounts = st.decimals(Decimal(-(10**9)), Decimal(10**12), places=18)
charges = st.builds(
    lambda day, amount, team, currency, env, columns, listed: owned(
        day,
        amount,
        team=team,
        billing_currency=currency,
        tags={"env": env} if env else {},
        list_cost=amount if listed else None,
        **columns,
    ),
    days,
    amounts,
    st.sampled_from(TEAMS),
    st.sampled_from(["USD", "USD", "EUR"]),
    st.sampled_from(["", "prod", "test"]),
    st.fixed_dictionaries({column: st.sampled_from([None, "a", "b"]) for column in COLUMN.values()}),
    st.booleans(),
)
bills = st.lists(charges, min_size=1, max_size=25)
filters = st.builds(
    Filter, st.sampled_from(DIMENSIONS), st.sampled_from([("a",), ("", "b"), ("ml", "prod"), ("",)]), st.booleans()
)


@st.composite
def questions(draw: st.DrawFn) -> CostQuery:
    """Any question about the days that charges are on; in a currency or in those billed."""
    period = draw(periods)
    query = CostQuery(
        period,
        tuple(draw(st.lists(st.sampled_from(DIMENSIONS), max_size=3, unique=True))),
        draw(st.sampled_from(Granularity)),
        filters=tuple(draw(st.lists(filters, max_size=2))),
        metric=draw(st.sampled_from(Metric)),
        currency=draw(st.sampled_from(["", "USD"])),
        limit=draw(st.none() | st.integers(1, 3)),
        order_by=draw(st.sampled_from([OrderBy.DEAREST, OrderBy.CHEAPEST, OrderBy.KEY, OrderBy.DATE, OrderBy.NEWEST])),
        week_start=draw(st.integers(1, 7)),
    )
    compare = draw(st.none() | st.just(period.previous()))
    return replace(query, compare=compare)


@contextmanager
def rolled_back() -> Iterator[None]:
    """A transaction that leaves nothing behind, for one example."""
    with transaction.atomic():
        for month in (4, 3, 2, 5, 6, 7):
            ExchangeRate.objects.create(
                currency="EUR", reporting_currency="USD", month=date(2026, month, 1), rate=RATES["EUR"]
            )
        yield
        transaction.set_rollback(True)


def value_of(row: dict[str, Any], dimension: Dimension) -> str:
    """A charge's value of a dimension, by Python alone."""
    if dimension.name == "team":
        return str(row["team"])
    if dimension.tag_key:
        return (
            "prod"
            if '"env": "prod"' in (row["tags"] or "")
            else "test"
            if '"env": "test"' in (row["tags"] or "")
            else ""
        )
    return row[COLUMN[dimension.name]] or ""


def is_asked_for(row: dict[str, Any], query: CostQuery, period: Period) -> bool:
    """Whether a question about `period` counts this charge."""
    if not period.first <= row["day"] <= period.last:
        return False
    return all((value_of(row, one.dimension) in one.values) is not one.exclude for one in query.filters)


def bucket(day: date, query: CostQuery) -> date | None:
    """The date that a day's row carries."""
    match query.granularity:
        case Granularity.DAY:
            return day
        case Granularity.WEEK:
            return day - timedelta(days=(day.isoweekday() - query.week_start) % 7)
        case Granularity.MONTH:
            return day.replace(day=1)
    return None


def amount_of(row: dict[str, Any], query: CostQuery) -> tuple[str, Decimal]:
    """The currency and amount that a charge adds; nothing where its price is not known."""
    amount = row[f"{query.metric.value}_cost"] or Decimal(0)
    return (
        (query.currency, amount * RATES[row["billing_currency"]])
        if query.currency
        else (row["billing_currency"], amount)
    )


Sums = dict[tuple[Any, ...], Decimal]


def expected(rows: list[dict[str, Any]], query: CostQuery, period: Period, shift: timedelta) -> Sums:
    """Sums by (currency, keys, date), as Python adds them up."""
    sums: Sums = defaultdict(Decimal)
    for row in rows:
        if is_asked_for(row, query, period):
            currency, amount = amount_of(row, query)
            keys = tuple(value_of(row, dimension) for dimension in query.group_by)
            sums[currency, keys, bucket(row["day"] + shift, query)] += amount
    return sums


def by_currency(sums: Sums) -> dict[str, Decimal]:
    """Sums by their first key alone."""
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for (currency, *_), amount in sums.items():
        totals[currency] += amount
    return dict(totals)
