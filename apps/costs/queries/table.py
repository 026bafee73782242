"""Cost by dimension and date: the question (CostQuery), the answer (CostTable) and how one becomes the other."""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from django.db import connection
from psycopg import sql

from apps.accounts.scope import Scope
from apps.core.errors import UserError
from apps.core.periods import Period
from apps.core.sql import read_sql
from apps.costs.dimensions import Dimension
from apps.costs.queries.facts import Granularity, Metric, Reading, facts_sql
from apps.costs.selection import Filter, Placeholders, level_of, selected

MAX_DIMENSIONS: Final = 3
MAX_ROWS: Final = 50_000
_NO_LIMIT: Final = 2**40


class CostQueryError(UserError):
    """A question that cannot be answered; `field` is the parameter to change and the text says how."""


class MissingRateError(CostQueryError):
    """Amounts cannot be converted, because nobody has set the exchange rates that it takes."""

    def __init__(self, missing: list[tuple[str, date]], currency: str) -> None:
        months: dict[str, list[date]] = {}
        for billing_currency, month in sorted(missing):
            months.setdefault(billing_currency, []).append(month)
        sentences = [
            f"No exchange rate {billing_currency} to {currency} for {_in_words(days)}."
            for billing_currency, days in months.items()
        ]
        super().__init__(" ".join(sentences), field="currency")


class OrderBy(StrEnum):
    """What rows are sorted by. A group's rows stay together, except where dates come first."""

    DEAREST = "-cost"
    CHEAPEST = "cost"
    KEY = "key"
    KEY_DESCENDING = "-key"
    MOST_ADDED = "-delta"
    MOST_SAVED = "delta"
    DATE = "date"
    NEWEST = "-date"


@dataclass(frozen=True, slots=True)
class CostQuery:
    """A question about cost.

    `currency` converts every amount by the exchange rate of its calendar month; empty leaves amounts as billed, apart
    per currency. `limit` keeps the first groups in the order asked, per currency, and sums the rest in one row.
    `compare` is put beside the period day by day: with a granularity it has as many days. `week_start` is an ISO
    weekday.
    """

    period: Period
    group_by: tuple[Dimension, ...] = ()
    granularity: Granularity = Granularity.NONE
    filters: tuple[Filter, ...] = ()
    metric: Metric = Metric.EFFECTIVE
    currency: str = ""
    compare: Period | None = None
    limit: int | None = None
    order_by: OrderBy = OrderBy.DEAREST
    week_start: int = 1

    def __post_init__(self) -> None:
        if len(self.group_by) > MAX_DIMENSIONS:
            raise CostQueryError(
                f"Group by at most {MAX_DIMENSIONS} dimensions, not {len(self.group_by)}.", field="group_by"
            )
        if len(set(self.group_by)) < len(self.group_by):
            raise CostQueryError("Each dimension can be grouped by once.", field="group_by")
        if self.compare and self.granularity is not Granularity.NONE and self.compare.days != self.period.days:
            message = (
                f"has {self.compare.days} days and the period {self.period.days}; with a granularity they must agree."
            )
            raise CostQueryError(f"The comparison {message}", field="compare_end")
        if self.limit is not None and self.limit < 1:
            raise CostQueryError("The limit is a whole number from 1.", field="limit")
        if self.compare is None and self.order_by in (OrderBy.MOST_ADDED, OrderBy.MOST_SAVED):
            raise CostQueryError(f"Sorting by {self.order_by.value} takes a comparison.", field="order_by")


@dataclass(frozen=True, slots=True)
class CostRow:
    """One group's cost (of one date). `keys` in the order of `group_by`, empty text = has none; None = all the rest.

    `groups` says how many groups the rest holds (1 otherwise). `previous` and `delta` come with a comparison;
    `unpriced` is the effective cost of charges whose list (contracted) price is not known, with these metrics.
    """

    keys: tuple[str, ...] | None
    date: date | None
    currency: str
    cost: Decimal
    previous: Decimal | None
    delta: Decimal | None
    unpriced: Decimal | None
    groups: int


@dataclass(frozen=True, slots=True)
class CostTotal:
    """What all rows of one currency add up to, exactly. `long` is the part of charges that reach beyond their day."""

    currency: str
    cost: Decimal
    previous: Decimal | None
    delta: Decimal | None
    unpriced: Decimal | None
    long: Decimal
    groups: int


@dataclass(frozen=True, slots=True)
class CostTable:
    """The answer: rows, and their totals from the same statement, one for each currency in it."""

    query: CostQuery
    rows: tuple[CostRow, ...]
    totals: tuple[CostTotal, ...]

    @property
    def currency(self) -> str | None:
        """The currency of every amount; None when there are several, or no amount at all."""
        return self.totals[0].currency if len(self.totals) == 1 else self.query.currency or None

    @property
    def total(self) -> Decimal | None:
        """What the rows add up to; None when they are in several currencies, 0 when there are none."""
        if len(self.totals) > 1:
            return None
        return self.totals[0].cost if self.totals else Decimal(0)


def cost_table(query: CostQuery, *, scope: Scope) -> CostTable:
    """Cost as the query asks, of what the scope lets through.

    Raises MissingRateError, and CostQueryError when the answer would have more than MAX_ROWS rows.
    """
    statement, placeholders = _compose(query, scope)
    with connection.cursor() as cursor:
        cursor.execute(statement, placeholders.values)
        found = cursor.fetchall()
    missing = [(currency, month) for kind, currency, _, month, *_ in found if kind == "no rate"]
    if missing:
        raise MissingRateError(missing, query.currency)
    rows = tuple(_row(query, *values) for kind, *values in found if kind == "row")
    if len(rows) > MAX_ROWS:
        message = f"The answer has more than {MAX_ROWS:,} rows. Set a limit, a coarser granularity or more filters."
        raise CostQueryError(message, field="limit")
    return CostTable(query, rows, tuple(_total(query, *values) for kind, *values in found if kind == "total"))


def _compose(query: CostQuery, scope: Scope) -> tuple[sql.Composed, Placeholders]:
    placeholders = Placeholders()
    level = level_of(query.group_by, query.filters)
    reading = Reading(level, query.metric, query.granularity, query.week_start, by_month=bool(query.currency))
    statement = sql.SQL(read_sql("costs", "cost_table")).format(
        selected=selected(level, placeholders, scope=scope, filters=query.filters, keys=query.group_by),
        whole=facts_sql(replace(reading, granularity=Granularity.NONE), query.period, query.compare, placeholders),
        facts=_dated_facts(query, reading, placeholders),
        order=_ORDER[query.order_by],
        row_order=_ROW_ORDER.get(query.order_by, sql.SQL("currency, place, date")),
        limit=placeholders.add(query.limit or _NO_LIMIT),
        most_rows=placeholders.add(MAX_ROWS),
        **_conversion(query.currency, placeholders),
    )
    return statement, placeholders


def _dated_facts(query: CostQuery, reading: Reading, placeholders: Placeholders) -> sql.Composable:
    """Facts by date; without a granularity those that the weighing has read already."""
    if query.granularity is Granularity.NONE:
        return sql.SQL("SELECT * FROM whole")
    return facts_sql(reading, query.period, query.compare, placeholders, source="cells")


def _conversion(currency: str, placeholders: Placeholders) -> dict[str, sql.Composable]:
    """The slots that turn billing currencies into `currency`, or leave them as they are."""
    if not currency:
        return {"currency": sql.SQL("currency"), "factor": sql.SQL("1"), "rates": sql.SQL("")}
    wanted = placeholders.add(currency)
    rates = sql.SQL(
        "LEFT JOIN costs_exchangerate rate ON rate.currency = slices.billing_currency AND rate.month = facts.month"
        " AND rate.reporting_currency = {}"
    )
    return {
        "currency": sql.SQL("{}::text").format(wanted),
        "factor": sql.SQL("CASE WHEN slices.billing_currency = {} THEN 1 ELSE rate.rate END").format(wanted),
        "rates": rates.format(wanted),
    }


_ORDER: Final = {
    OrderBy.DEAREST: sql.SQL("cost DESC"),
    OrderBy.CHEAPEST: sql.SQL("cost"),
    OrderBy.KEY: sql.SQL("set"),
    OrderBy.KEY_DESCENDING: sql.SQL("set DESC"),
    OrderBy.MOST_ADDED: sql.SQL("delta DESC"),
    OrderBy.MOST_SAVED: sql.SQL("delta"),
    OrderBy.DATE: sql.SQL("cost DESC"),
    OrderBy.NEWEST: sql.SQL("cost DESC"),
}
_ROW_ORDER: Final = {
    OrderBy.DATE: sql.SQL("currency, date, place"),
    OrderBy.NEWEST: sql.SQL("currency, date DESC, place"),
}


def _row(query: CostQuery, *values: Any) -> CostRow:
    currency, keys, day, groups, cost, previous, delta, unpriced, _ = values
    return CostRow(
        None if keys is None else tuple(keys),
        day,
        currency,
        cost,
        *_compared(query, previous, delta),
        _unpriced(query, unpriced),
        groups,
    )


def _total(query: CostQuery, *values: Any) -> CostTotal:
    currency, _, _, groups, cost, previous, delta, unpriced, long = values
    return CostTotal(currency, cost, *_compared(query, previous, delta), _unpriced(query, unpriced), long, groups)


def _compared(query: CostQuery, previous: Decimal, delta: Decimal) -> tuple[Decimal | None, Decimal | None]:
    return (previous, delta) if query.compare else (None, None)


def _unpriced(query: CostQuery, unpriced: Decimal) -> Decimal | None:
    return unpriced if query.metric.may_be_unknown else None


def _in_words(months: list[date]) -> str:
    return ", ".join(f"{month:%B %Y}" for month in months)
