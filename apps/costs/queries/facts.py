"""Which tables a period is read from: rollups wherever they know enough, facts where they do not."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

from psycopg import sql

from apps.core.periods import Period
from apps.costs.dimensions import Level
from apps.costs.selection import Placeholders


class Granularity(StrEnum):
    """How finely an answer tells dates apart."""

    NONE = "none"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class Metric(StrEnum):
    """Which cost: as spread over its use (effective), as invoiced, at list price, at contracted price."""

    EFFECTIVE = "effective"
    BILLED = "billed"
    LIST = "list"
    CONTRACTED = "contracted"

    @property
    def column(self) -> sql.Identifier:
        """The column of facts and rollups that holds it."""
        return sql.Identifier(f"{self.value}_cost")

    @property
    def may_be_unknown(self) -> bool:
        """Whether bills may leave it out; unknown is not zero."""
        return self in (Metric.LIST, Metric.CONTRACTED)


@dataclass(frozen=True, slots=True)
class Reading:
    """How facts are to be summed: at which level, of which cost, per which date, and per month for exchange rates."""

    level: Level
    metric: Metric
    granularity: Granularity
    week_start: int
    by_month: bool

    @property
    def is_long(self) -> sql.SQL:
        """Whether a row reaches beyond its day; at the level of keys, daily rows alone know."""
        return sql.SQL("f.is_long" if self.level is Level.GROUP else "f.charge_period_end IS NOT NULL")


@dataclass(frozen=True, slots=True)
class _Part:
    """A stretch of days from one table, into some of the columns that facts have."""

    table: sql.Identifier
    day: str
    days: Period
    sums: dict[str, sql.Composable]
    shift: timedelta = timedelta(0)
    condition: sql.Composable | None = None


def daily_table(level: Level) -> sql.Identifier:
    """What tells single days apart at this level."""
    return sql.Identifier("costs_dailycost" if level is Level.GROUP else "costs_dailycharge")


def monthly_table(level: Level) -> sql.Identifier:
    """What holds whole calendar months at this level."""
    return sql.Identifier("costs_monthlygroupcost" if level is Level.GROUP else "costs_monthlycost")


def facts_sql(
    reading: Reading,
    period: Period,
    compare: Period | None,
    placeholders: Placeholders,
    *,
    source: str = "selected",
    compare_dates: bool = True,
    by_outer: bool = False,
) -> sql.Composed:
    """SELECT of `slice date month cost previous unpriced long`, summed over the ids and slices of the CTE `source`.

    Amounts of `compare` are in `previous`, with `compare_dates` on the dates of the period that they are compared with
    and else without a date. With `by_outer`, rows of a slice have no date; others, without a slice, are by date and by
    the column `outermost` of the source: there a single day has no month.
    """
    before = reading if compare_dates else replace(reading, granularity=Granularity.NONE)
    parts = [(reading, part) for whole in _current(reading, period) for part in _cut(reading, whole)]
    earlier = _previous(before, period, compare) if compare else ()
    parts += [(before, part) for whole in earlier for part in _cut(before, whole)]
    template = (_BOTH_BY_DAY if reading.granularity is Granularity.DAY else _BOTH) if by_outer else _BY_SLICE
    selects: list[sql.Composable] = [_part_sql(template, *part, source, placeholders) for part in parts]
    selects = selects or [NOTHING]
    return sql.SQL("\n    UNION ALL\n    ").join(selects)


def _current(reading: Reading, period: Period) -> Iterator[_Part]:
    months, days = _split(period, by_days=reading.granularity in (Granularity.DAY, Granularity.WEEK))
    sums = {"cost": _sum(reading.metric.column), **_unpriced(reading.metric)}
    long = {"long": _sum(reading.metric.column, where=reading.is_long)}
    if months and reading.level is Level.GROUP:
        yield _Part(monthly_table(reading.level), "month", months, sums | long)
    elif months:
        yield _Part(monthly_table(reading.level), "month", months, sums)
        yield _Part(daily_table(reading.level), "day", months, long, condition=reading.is_long)
    for stretch in days:
        yield _Part(daily_table(reading.level), "day", stretch, sums | long)


def _previous(reading: Reading, period: Period, compare: Period) -> Iterator[_Part]:
    months, days = _split(compare, by_days=reading.granularity is not Granularity.NONE)
    sums = {"previous": _sum(reading.metric.column)}
    shift = period.first - compare.first
    if months:
        yield _Part(monthly_table(reading.level), "month", months, sums)
    for stretch in days:
        yield _Part(daily_table(reading.level), "day", stretch, sums, shift)


def _cut(reading: Reading, part: _Part) -> Iterator[_Part]:
    """The part month by month where rows have to know theirs: a fixed month is much cheaper than one for each row."""
    if reading.by_month and part.day == "day":
        yield from (replace(part, days=days) for days in part.days.by_month())
    else:
        yield part


def _split(period: Period, *, by_days: bool) -> tuple[Period | None, tuple[Period, ...]]:
    """The whole months to read from the monthly rollup, and the stretches to read day by day."""
    if by_days:
        return None, (period,) if period.days else ()
    return period.whole_months(), period.days_outside_months()


def _part_sql(
    template: sql.SQL, reading: Reading, part: _Part, source: str, placeholders: Placeholders
) -> sql.Composed:
    day = sql.SQL("f.{}").format(sql.Identifier(part.day))
    sums = [sql.SQL("{} AS {}").format(part.sums.get(name, _UNKNOWN), sql.Identifier(name)) for name in _SUMS]
    return template.format(
        date=_date_sql(reading, part, day, placeholders),
        month=_month_of(part, day, placeholders) if reading.by_month else _NO_DATE,
        sums=sql.SQL(", ").join(sums),
        table=part.table,
        source=sql.Identifier(source),
        id=sql.Identifier(reading.level.value),
        day=day,
        first=placeholders.add(part.days.first),
        last=placeholders.add(part.days.last),
        condition=part.condition or sql.SQL("TRUE"),
    )


def _date_sql(reading: Reading, part: _Part, day: sql.Composable, placeholders: Placeholders) -> sql.Composable:
    """The first day of the bucket that the day falls into, after the shift to the day it is compared with."""
    if part.shift:
        day = sql.SQL("({} + {})").format(day, placeholders.add(part.shift.days))
    if reading.granularity is Granularity.DAY:
        return day
    if reading.granularity is Granularity.WEEK:
        # days since the week began: 0 on `week_start` itself; extract() would be several times slower
        some_start = _A_MONDAY + timedelta(reading.week_start - 1)
        return sql.SQL("({day} - ({day} - {start}) %% 7)").format(day=day, start=placeholders.add(some_start))
    return _month_sql(part, day) if reading.granularity is Granularity.MONTH else _NO_DATE


def _month_of(part: _Part, day: sql.Composable, placeholders: Placeholders) -> sql.Composable:
    """The month of a row; single days are cut so that they are all of one."""
    if part.day == "month":
        return day
    return sql.SQL("{}::date").format(placeholders.add(part.days.first.replace(day=1)))


def _month_sql(part: _Part, day: sql.Composable) -> sql.Composable:
    if part.day == "month" and not part.shift:
        return day
    return sql.SQL("date_trunc('month', {}::timestamp)::date").format(day)


def _sum(column: sql.Composable, *, where: sql.Composable | None = None) -> sql.Composable:
    summed = sql.SQL("sum(f.{})").format(column)
    return sql.SQL("{} FILTER (WHERE {})").format(summed, where) if where else summed


def _unpriced(metric: Metric) -> dict[str, sql.Composable]:
    if not metric.may_be_unknown:
        return {}
    return {"unpriced": _sum(sql.Identifier("effective_cost"), where=sql.SQL("f.{} IS NULL").format(metric.column))}


_READ = (
    "{date} AS date, {month} AS month, {sums} FROM {table} f JOIN {source} s ON s.id = f.{id}"
    " WHERE {day} BETWEEN {first} AND {last} AND {condition} GROUP BY"
)
_BY_SLICE = sql.SQL(f"SELECT s.slice, {_READ} 1, 2, 3")
_BOTH = sql.SQL(f"SELECT s.slice, s.outermost, {_READ} GROUPING SETS ((1, 4), (2, 3, 4))")
_BOTH_BY_DAY = sql.SQL(f"SELECT s.slice, s.outermost, {_READ} GROUPING SETS ((1, 4), (2, 3))")
"""A day knows its month: grouping by both as well makes the planner expect so many groups that it sorts all rows."""
_A_MONDAY = date(1900, 1, 1)
_SUMS = ("cost", "previous", "unpriced", "long")
_UNKNOWN = sql.SQL("NULL::numeric")
_NO_DATE = sql.SQL("NULL::date")
NOTHING = sql.SQL(
    "SELECT slice, NULL::date AS date, NULL::date AS month, NULL::numeric AS cost, NULL::numeric AS previous,"
    " NULL::numeric AS unpriced, NULL::numeric AS long FROM selected WHERE FALSE"
)
