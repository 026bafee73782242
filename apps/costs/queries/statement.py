"""One statement for every question about cost: sql/cost.sql with its slots filled."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from psycopg import sql

from apps.accounts.scope import Scope
from apps.core.periods import Period
from apps.core.sql import read_sql
from apps.costs.dimensions import Dimension
from apps.costs.queries.facts import NOTHING, Granularity, Reading, facts_sql
from apps.costs.queries.question import CostQuery, OrderBy
from apps.costs.selection import Placeholders, level_of, selected

_NO_LIMIT: Final = 2**40
_MANY_VALUED: Final = Dimension("resource")


@dataclass(frozen=True, slots=True)
class Shape:
    """What of the answer is wanted.

    `levels` says how many of the keys make a group, level by level from the outside: (1, 2) is the second dimension
    within the first, (2,) is one level of both together. `children` cuts all levels but the first. `compare_dates`
    also compares date by date. `so_far` is the day after the period, to look at beside it. `dated_levels` says how
    many levels, from the outside, dates tell apart.
    """

    levels: tuple[int, ...]
    children: int | None = None
    compare_dates: bool = False
    so_far: date | None = None
    dated_levels: int = 1


def compose(query: CostQuery, shape: Shape, *, most_rows: int, scope: Scope) -> tuple[sql.Composed, Placeholders]:
    """The statement and its values; it finds at most one row of a kind more than `most_rows`."""
    placeholders = Placeholders()
    level = level_of(query.group_by, query.filters)
    reading = Reading(level, query.metric, query.granularity, query.week_start, by_month=bool(query.currency))
    conversion = _conversion(query.currency, placeholders)
    limit = placeholders.add(query.limit or _NO_LIMIT)
    statement = sql.SQL(read_sql("costs", "cost")).format(
        selected=selected(level, placeholders, scope=scope, filters=query.filters, keys=query.group_by),
        **_way_to_read(query, shape)(query, shape, reading, placeholders),
        limit=limit,
        date_order=_DATE_ORDER.get(query.order_by, sql.SQL("level, parent, place, date")),
        most_rows=placeholders.add(most_rows),
        **_levels(query, shape, limit, placeholders, conversion["currency"]),
        **conversion,
    )
    return statement, placeholders


def _way_to_read(query: CostQuery, shape: Shape) -> Callable[..., dict[str, sql.Composable]]:
    """Once, where the dates are in the very rows that the groups are weighed by; whole months may know no days.

    Of very many groups only those that are left after the cut are summed by date, which takes a second pass.
    """
    if query.granularity is Granularity.NONE or not query.period.days or shape.dated_levels > 1:
        return _read_twice
    if query.group_by[:1] == (_MANY_VALUED,) or (query.compare and shape.compare_dates):
        return _read_twice
    if query.granularity is not Granularity.MONTH and query.period.whole_months():
        return _read_twice
    return _read_by_date if shape.levels in ((0,), (1,)) else _read_once


def _read_by_date(
    query: CostQuery, shape: Shape, reading: Reading, placeholders: Placeholders
) -> dict[str, sql.Composable]:
    """Facts by slice and date, also the day beside the period: for slices that are outermost groups already."""
    days = Period(query.period.first, shape.so_far or query.period.last)
    facts = facts_sql(reading, days, query.compare, placeholders, compare_dates=False)
    last = placeholders.add(query.period.last)
    slots = {"facts": _READ_BY_DATE, "by_date": _OF_PERIOD, "on_today": _OF_TODAY}
    return {name: template.format(facts=facts, last=last) for name, template in slots.items()}


def _read_once(
    query: CostQuery, shape: Shape, reading: Reading, placeholders: Placeholders
) -> dict[str, sql.Composable]:
    """Facts by slice, and in the same pass by date and the outermost group, which stand as one of its slices."""
    facts = facts_sql(
        reading, query.period, query.compare, placeholders, source="outermost", compare_dates=False, by_outer=True
    )
    return {
        "facts": _READ_ONCE.format(facts=facts),
        "by_date": _OF_OUTERMOST,
        "on_today": _on_today(shape, reading, placeholders),
    }


def _read_twice(
    query: CostQuery, shape: Shape, reading: Reading, placeholders: Placeholders
) -> dict[str, sql.Composable]:
    """Facts by slice, from rollups where they can be, and those by date of what is left after the cut."""
    of_period = replace(reading, granularity=Granularity.NONE)
    whole = facts_sql(of_period, query.period, query.compare, placeholders)
    compare = query.compare if shape.compare_dates else None
    by_date = facts_sql(reading, query.period, compare, placeholders, source="cells")
    return {
        "facts": sql.SQL("whole AS ({})").format(whole),
        "by_date": by_date if query.granularity is not Granularity.NONE else NOTHING,
        "on_today": _on_today(shape, reading, placeholders),
    }


def _on_today(shape: Shape, reading: Reading, placeholders: Placeholders) -> sql.Composable:
    if shape.so_far is None:
        return NOTHING
    today = Period(shape.so_far, shape.so_far)
    return facts_sql(replace(reading, granularity=Granularity.DAY), today, None, placeholders)


def _levels(
    query: CostQuery, shape: Shape, limit: sql.Composable, placeholders: Placeholders, currency: sql.Composable
) -> dict[str, sql.Composable]:
    """The slots that depend on how many levels there are."""
    names = [sql.Identifier(f"n{level}") for level in range(len(shape.levels) + 1)]
    keys = [_prefix(currency, many) for many in (0, *shape.levels)]
    levels = [
        _Level(
            place,
            names[place],
            names[place - 1],
            limit if place == 1 else placeholders.add(shape.children or _NO_LIMIT),
        )
        for place in range(1, len(names))
    ]
    dated = levels[: shape.dated_levels]
    return {
        "nodes": _COMMA.join(_NODE.format(keys=of, name=name) for of, name in zip(keys, names, strict=True)),
        "node_names": _COMMA.join(names),
        "levels": _COMMA.join(
            _LEVEL.format(
                order=_ORDER[query.order_by],
                nodes=(_INNERMOST if level is levels[-1] else _OUTER).format(**level.slots),
                **level.slots,
            )
            for level in levels
        ),
        "every_level": _UNION.join(sql.SQL("SELECT * FROM {table}").format(**level.slots) for level in levels),
        "placed": _UNION.join(
            _PLACED.format(is_last=sql.Literal(level is dated[-1]), **level.slots) for level in dated
        ),
    }


@dataclass(frozen=True, slots=True)
class _Level:
    """One level of nodes: its number from 1, the columns of its nodes and of theirs, and how many of them are kept."""

    place: int
    node: sql.Composable
    parent: sql.Composable
    cut: sql.Composable

    @property
    def slots(self) -> dict[str, sql.Composable]:
        above = sql.Identifier(f"level_{self.place - 1}")
        return {
            "table": sql.Identifier(f"level_{self.place}"),
            "level": sql.Literal(self.place),
            "node": self.node,
            "parent": self.parent,
            "cut": self.cut,
            "within": _WITHIN.format(above=above, parent=self.parent) if self.place > 1 else sql.SQL(""),
        }


def _prefix(currency: sql.Composable, keys: int) -> sql.Composable:
    """What tells nodes of a level apart: the currency and the first so many keys."""
    return _COMMA.join([currency, *(sql.SQL("keys[{}]").format(sql.Literal(place + 1)) for place in range(keys))])


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


_COMMA: Final = sql.SQL(", ")
_READ_ONCE: Final = sql.SQL(
    "outermost AS ("
    " SELECT selected.id, selected.slice, one.outermost FROM selected JOIN ("
    "SELECT slice, min(slice) OVER (PARTITION BY billing_currency, n1) AS outermost FROM slices) one USING (slice)"
    "), read AS MATERIALIZED ({facts}), whole AS (SELECT * FROM read WHERE slice IS NOT NULL)"
)
_OF_OUTERMOST: Final = sql.SQL(
    "SELECT outermost AS slice, date, coalesce(month, date_trunc('month', date::timestamp)::date) AS month,"
    " cost, previous, unpriced, long FROM read WHERE date IS NOT NULL"
)
_READ_BY_DATE: Final = sql.SQL(
    "read AS MATERIALIZED ({facts}), whole AS ("
    "SELECT slice, month, sum(cost) AS cost, sum(previous) AS previous, sum(unpriced) AS unpriced, sum(long) AS long"
    " FROM read WHERE date IS NULL OR date <= {last} GROUP BY slice, month)"
)
_OF_PERIOD: Final = sql.SQL("SELECT * FROM read WHERE date <= {last}")
_OF_TODAY: Final = sql.SQL("SELECT * FROM read WHERE date > {last}")
_NODE: Final = sql.SQL("dense_rank() OVER (ORDER BY {keys}) AS {name}")
_UNION: Final = sql.SQL("\n    UNION ALL\n    ")
_WITHIN: Final = sql.SQL("JOIN {above} above ON above.node = slices.{parent} AND above.place <= above.cut")
_LEVEL: Final = sql.SQL(
    "{table} AS MATERIALIZED (SELECT {level} AS level, *, {cut} AS cut,"
    " row_number() OVER (PARTITION BY parent ORDER BY {order}, node) AS place FROM ({nodes}) node)"
)
_INNERMOST: Final = sql.SQL(
    "SELECT slices.{parent} AS parent, slices.{node} AS node, slices.currency, slices.keys, slices.cost,"
    " slices.previous, slices.cost - slices.previous AS delta, slices.unpriced, slices.long FROM summed slices {within}"
)
_OUTER: Final = sql.SQL(
    "SELECT slices.{parent} AS parent, slices.{node} AS node,"
    " min(slices.currency) AS currency, min(slices.keys) AS keys, sum(slices.cost) AS cost,"
    " sum(slices.previous) AS previous, sum(slices.cost) - sum(slices.previous) AS delta,"
    " sum(slices.unpriced) AS unpriced, sum(slices.long) AS long FROM summed slices {within} GROUP BY 1, 2"
)
_PLACED: Final = sql.SQL(
    "SELECT slices.*, {level} AS level, slices.{parent} AS parent,"
    " coalesce(least(here.place, {cut} + 1), {cut} + 1) AS place"
    " FROM slices {within} LEFT JOIN {table} here ON here.node = slices.{node}"
    " WHERE {is_last} OR here.place IS NULL OR here.place > {cut}"
)
_ORDER: Final = {
    OrderBy.DEAREST: sql.SQL("cost DESC"),
    OrderBy.CHEAPEST: sql.SQL("cost"),
    OrderBy.KEY: sql.SQL("node"),
    OrderBy.KEY_DESCENDING: sql.SQL("node DESC"),
    OrderBy.MOST_ADDED: sql.SQL("delta DESC"),
    OrderBy.MOST_SAVED: sql.SQL("delta"),
    OrderBy.DATE: sql.SQL("cost DESC"),
    OrderBy.NEWEST: sql.SQL("cost DESC"),
}
_DATE_ORDER: Final = {
    OrderBy.DATE: sql.SQL("parent, date, place"),
    OrderBy.NEWEST: sql.SQL("parent, date DESC, place"),
}
