"""Where the charges of one page of a long list are, and how many the list has: told by rollups, not by reading it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from django.db import connection
from psycopg import sql

from apps.accounts.scope import Scope
from apps.core.periods import Period
from apps.core.sql import read_sql
from apps.costs.dimensions import Level
from apps.costs.queries.facts import daily_table, monthly_table
from apps.costs.selection import Filter, Placeholders, level_of, selected

MOST_CANDIDATES: Final = 5_000
"""With more, reading the whole period is faster than looking keys up one by one."""

_COUNT: Final = sql.SQL(
    "SELECT coalesce(sum({charges}), 0) AS charges FROM {table} f JOIN selected s ON s.id = f.{id}"
    " WHERE f.{day} BETWEEN {first} AND {last}"
)
_SUM: Final = sql.SQL("WITH selected AS MATERIALIZED ({selected}) SELECT sum(charges) FROM ({counts}) part")
_BY_MONTH: Final = sql.SQL(
    "WITH selected AS MATERIALIZED ({selected})"
    " SELECT f.month, sum(f.charge_count) FROM {table} f JOIN selected s ON s.id = f.{id}"
    " WHERE f.month BETWEEN {first} AND {last} GROUP BY 1 ORDER BY 1"
)


@dataclass(frozen=True, slots=True)
class Charges:
    """Which charges a list is of."""

    period: Period
    scope: Scope
    filters: tuple[Filter, ...]

    @property
    def level(self) -> Level:
        """The coarsest level that knows what is filtered by."""
        return level_of([], self.filters)

    def selected(self, level: Level, placeholders: Placeholders) -> sql.Composed:
        """What scope and filters let through."""
        return selected(level, placeholders, scope=self.scope, filters=self.filters)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days of one charge key."""

    key_id: int
    days: Period


def count_charges(asked: Charges) -> int:
    """How many there are, exactly: whole months from rollups."""
    placeholders = Placeholders()
    counts = list(_counts(asked, placeholders))
    if not counts:
        return 0
    statement = _SUM.format(
        selected=asked.selected(asked.level, placeholders), counts=sql.SQL(" UNION ALL ").join(counts)
    )
    ((count,),) = _read(statement, placeholders)
    return int(count)


def _counts(asked: Charges, placeholders: Placeholders) -> Iterator[sql.Composed]:
    counted = sql.SQL("f.charge_count")
    of_days = counted if asked.level is Level.GROUP else sql.SQL("1")
    months = asked.period.whole_months()
    stretches = [(monthly_table(asked.level), "month", months, counted)] if months else []
    stretches += [(daily_table(asked.level), "day", days, of_days) for days in asked.period.days_outside_months()]
    for table, day, days, charges in stretches:
        yield _COUNT.format(
            charges=charges,
            table=table,
            id=sql.Identifier(asked.level.value),
            day=sql.Identifier(day),
            first=placeholders.add(days.first),
            last=placeholders.add(days.last),
        )


def dearest(asked: Charges, many: int, *, cheapest: bool = False) -> list[Stretch] | None:
    """Where the `many` dearest (or cheapest) charges are, and some others; None where that is no short list."""
    placeholders = Placeholders()
    # without whole months a period in which no month is
    whole = asked.period.whole_months() or Period(asked.period.last + timedelta(1), asked.period.last + timedelta(1))
    statement = sql.SQL(read_sql("costs", "candidates")).format(
        selected=asked.selected(Level.KEY, placeholders),
        best=sql.SQL("-f.lowest_cost" if cheapest else "f.highest_cost"),
        first_whole=placeholders.add(whole.first),
        last_whole=placeholders.add(whole.last),
        first=placeholders.add(asked.period.first.replace(day=1)),
        last=placeholders.add(asked.period.last),
        many=placeholders.add(many),
        most=placeholders.add(MOST_CANDIDATES),
    )
    found = _read(statement, placeholders)
    if len(found) > MOST_CANDIDATES:
        return None
    return [Stretch(key_id, _days_of(month, asked.period)) for key_id, month in found]


def newest(asked: Charges, many: int, *, oldest: bool = False) -> Period:
    """The days of the period that hold the `many` newest (or oldest) charges, and some others."""
    whole = asked.period.whole_months()
    if whole is None:
        return asked.period
    placeholders = Placeholders()
    statement = _BY_MONTH.format(
        selected=asked.selected(asked.level, placeholders),
        table=monthly_table(asked.level),
        id=sql.Identifier(asked.level.value),
        first=placeholders.add(whole.first),
        last=placeholders.add(whole.last),
    )
    months = _read(statement, placeholders)
    for month, charges in months if oldest else reversed(months):
        many -= charges
        if many <= 0:
            days = _days_of(month, asked.period)
            return Period(asked.period.first, days.last) if oldest else Period(days.first, asked.period.last)
    return asked.period


def _days_of(month: date, period: Period) -> Period:
    """The days of a calendar month that the period has."""
    following = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    return Period(max(month, period.first), min(following - timedelta(1), period.last))


def _read(statement: sql.Composed, placeholders: Placeholders) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, placeholders.values)
        return list(cursor.fetchall())
