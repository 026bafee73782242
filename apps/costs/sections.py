"""A CostTable as pages show it: one section per currency, with labels, shares, bars and links that drill down."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Final

from apps.costs.address import Drill
from apps.costs.dimensions import Dimension
from apps.costs.labels import value_label
from apps.costs.queries import CostQuery, CostRow, CostTable, CostTotal, Granularity

SERIES: Final = 7
"""At most so many named colours; everything after is grey, as are "Other" and what has no value."""

Zoom = Callable[[date, date], str]
"""Where choosing the days from one to another leads."""


def nowhere(_dimensions: Sequence[Dimension], _keys: Sequence[str]) -> str:
    """A Drill that leads nowhere."""
    return ""


def never(_first: date, _last: date) -> str:
    """A Zoom that leads nowhere."""
    return ""


@dataclass(frozen=True, slots=True)
class Cell:
    """One key of a row: its name, and where choosing it leads (empty for the rest)."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Line:
    """One group over the whole period. `share` is of the section's total; None where that is not positive."""

    cells: tuple[Cell, ...]
    cost: Decimal
    previous: Decimal | None
    share: Decimal | None
    colour: str
    charges_url: str

    @property
    def bar(self) -> Decimal:
        """The share as the length of its bar in per cent: none for credits."""
        return min(max(self.share or Decimal(0), Decimal(0)), Decimal(1)) * 100


@dataclass(frozen=True, slots=True)
class Bucket:
    """One day, week or month: the cost of each line in it (None = no row), their sum, and its bar in per cent."""

    first: date
    costs: tuple[Decimal | None, ...]
    total: Decimal
    bar: Decimal
    is_partial: bool
    url: str


@dataclass(frozen=True, slots=True)
class Section:
    """Everything in one currency."""

    currency: str
    lines: tuple[Line, ...]
    buckets: tuple[Bucket, ...]
    total: CostTotal

    @property
    def peak(self) -> Bucket | None:
        """The dearest day, week or month; None without any."""
        return max(self.buckets, key=lambda bucket: bucket.total, default=None)

    def mean(self, days: int) -> Decimal | None:
        """The cost of a day, over so many; None over none."""
        return self.total.cost / days if days else None


@dataclass(frozen=True, slots=True)
class Links:
    """Where the parts of a table lead: a name, the charges behind a row, and a stretch of days."""

    drill: Drill = nowhere
    charges: Drill = nowhere
    zoom: Zoom = never


def sections(table: CostTable, *, today: date, links: Links) -> list[Section]:
    """The table's currencies, each with its lines in the table's order and its buckets in the order of time."""
    by_currency = {currency: list(rows) for currency, rows in groupby(table.rows, key=lambda row: row.currency)}
    return [
        _section(table.query, by_currency.get(total.currency, []), total, today=today, links=links)
        for total in table.totals
    ]


def _section(query: CostQuery, rows: Sequence[CostRow], total: CostTotal, *, today: date, links: Links) -> Section:
    by_keys: dict[tuple[str, ...] | None, list[CostRow]] = {}
    for row in rows:
        by_keys.setdefault(row.keys, []).append(row)
    lines = tuple(
        _line(query, keys, of_keys, total=total, place=place, links=links)
        for place, (keys, of_keys) in enumerate(by_keys.items())
    )
    by_time = query.granularity is not Granularity.NONE
    buckets = _buckets(query.granularity, list(by_keys.values()), today, links.zoom) if by_time else ()
    return Section(total.currency, lines, buckets, total)


def _line(
    query: CostQuery,
    keys: tuple[str, ...] | None,
    rows: Sequence[CostRow],
    *,
    total: CostTotal,
    place: int,
    links: Links,
) -> Line:
    cost = sum((row.cost for row in rows), Decimal(0))
    previous = sum((row.previous for row in rows if row.previous is not None), Decimal(0))
    has_colour = keys is not None and any(keys) and place < SERIES
    return Line(
        cells=_cells(query.group_by, keys, rows[0].groups, links.drill),
        cost=cost,
        previous=previous if query.compare else None,
        share=cost / total.cost if total.cost > 0 else None,
        colour=f"var(--c{place + 1})" if has_colour else "var(--c-other)",
        charges_url="" if keys is None else links.charges(query.group_by, keys),
    )


def _cells(group_by: Sequence[Dimension], keys: tuple[str, ...] | None, groups: int, drill: Drill) -> tuple[Cell, ...]:
    if keys is None:
        return (Cell(f"Other ({groups:,})", ""), *(Cell("", "") for _ in group_by[1:]))
    if not group_by:
        return (Cell("All charges", ""),)
    return tuple(
        Cell(value_label(dimension, key), drill([dimension], [key]))
        for dimension, key in zip(group_by, keys, strict=True)
    )


def _buckets(
    granularity: Granularity, lines: Sequence[Sequence[CostRow]], today: date, zoom: Zoom
) -> tuple[Bucket, ...]:
    costs = [{row.date: row.cost for row in rows if row.date} for rows in lines]
    dates = sorted({day for of_line in costs for day in of_line})
    totals = {day: sum((of_line.get(day, Decimal(0)) for of_line in costs), Decimal(0)) for day in dates}
    highest = max(totals.values(), default=Decimal(0))
    return tuple(
        Bucket(
            first=day,
            costs=tuple(of_line.get(day) for of_line in costs),
            total=totals[day],
            bar=_bar(totals[day], highest),
            is_partial=day <= today <= last,
            url=zoom(day, last),
        )
        for day, last in ((day, _last_day(day, granularity)) for day in dates)
    )


def _bar(amount: Decimal, highest: Decimal) -> Decimal:
    """The length of a bar in per cent of the longest; nothing for credits, which have no length."""
    return max(amount, Decimal(0)) * 100 / highest if highest > 0 else Decimal(0)


def _last_day(first: date, granularity: Granularity) -> date:
    if granularity is Granularity.MONTH:
        return (first.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return first + timedelta(days=6) if granularity is Granularity.WEEK else first
