"""The dated rows of a cost view as its chart and its table by date: a few series over days, weeks or months."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from apps.core.periods import Period
from apps.costs.labels import Namer
from apps.costs.queries import CostNode, CostQuery, CostRow, CostTree, CostView, Granularity

SERIES: Final = 7
"""At most so many named colours; everything after is grey, as are "Other" and what has no value."""
MOST_BUCKETS: Final = 92
"""A quarter of days: with more, bars are too thin to be pointed at and a figure is heavier than 30 kB."""
GREY: Final = "var(--c-other)"

Key = str | None
Zoom = Callable[[Period, Granularity], str]
"""Where choosing a bar's days leads."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bar's days; `is_partial` when some are left out or not over, `may_change` when whole but not yet settled."""

    first: date
    last: date
    total: Decimal
    is_partial: bool
    is_so_far: bool
    url: str
    may_change: bool = False


@dataclass(frozen=True, slots=True)
class Series:
    """One group, or several summed as Other, over the buckets; `keys` are the groups in it.

    `total` is that of the period: today so far is not in it.
    """

    name: str
    colour: str
    keys: frozenset[Key]
    amounts: tuple[Decimal | None, ...]

    total: Decimal


@dataclass(frozen=True, slots=True)
class Dates:
    """Cost over time in one currency, as `granularity` says, which is coarser than asked when there were too many days.

    `by_key` has each outermost group's cost by counted bucket.
    """

    granularity: Granularity
    is_coarser: bool
    buckets: tuple[Bucket, ...]
    series: tuple[Series, ...]
    by_key: Mapping[Key, tuple[Decimal, ...]]

    @property
    def whole(self) -> list[Bucket]:
        """The buckets that may be compared with each other: whole ones, or all when none is."""
        return [bucket for bucket in self.buckets if not bucket.is_partial] or list(self.counted)

    @property
    def counted(self) -> list[Bucket]:
        """The buckets that are in the totals."""
        return [bucket for bucket in self.buckets if not bucket.is_so_far]

    @property
    def peak(self) -> Bucket | None:
        """The dearest whole day, week or month; None without any."""
        return max(self.whole, key=lambda bucket: bucket.total, default=None)

    @property
    def lines(self) -> Iterable[tuple[Bucket, tuple[Decimal | None, ...]]]:
        """Each bucket with the amounts of the series in it."""
        return zip(self.buckets, zip(*(one.amounts for one in self.series), strict=True), strict=True)

    @property
    def has_partial(self) -> bool:
        """Whether a bucket is not whole."""
        return any(bucket.is_partial for bucket in self.buckets)

    @property
    def has_unsettled(self) -> bool:
        """Whether a whole bucket may still change."""
        return any(bucket.may_change for bucket in self.buckets)

    @property
    def has_today_apart(self) -> bool:
        """Whether today's cost so far is shown, which no total holds."""
        return any(bucket.is_so_far for bucket in self.buckets)


def dates(
    view: CostView, tree: CostTree, *, today: date, zoom: Zoom, name: Namer, changes_from: date | None = None
) -> Dates | None:
    """The view's dated rows in the tree's currency; None where the question has no granularity.

    Costs of `changes_from` and later days may still change.
    """
    query, currency = view.query, tree.currency
    if query.granularity is Granularity.NONE or not query.period.days:
        return None
    grid = _Grid.of(query)
    amounts = _amounts(grid, (row for row in view.dated if row.currency == currency))
    so_far = _amounts(grid, (row for row in view.so_far if row.currency == currency))
    ends = list(grid.ends())
    buckets = [_bucket(query, grid, *end, amounts, today=today, zoom=zoom) for end in ends]
    buckets = [replace(one, may_change=_may_change(one, changes_from)) for one in buckets]
    if so_far:
        buckets.append(_today(so_far, today, zoom))
        for key, by_date in so_far.items():
            amounts[key] |= by_date
    return Dates(
        granularity=grid.granularity,
        is_coarser=grid.granularity is not query.granularity,
        buckets=tuple(buckets),
        series=tuple(_series(query, tree.nodes, amounts, buckets, name)),
        by_key={key: tuple(of_key.get(first, Decimal(0)) for first, _ in ends) for key, of_key in amounts.items()},
    )


@dataclass(frozen=True, slots=True)
class _Grid:
    """How a period is cut into buckets."""

    period: Period
    granularity: Granularity
    week_start: int

    @classmethod
    def of(cls, query: CostQuery) -> "_Grid":
        """As asked, or coarser until the bars can be told apart."""
        days, granularity = query.period.days, query.granularity
        if granularity is Granularity.DAY and days > MOST_BUCKETS:
            granularity = Granularity.WEEK
        if granularity is Granularity.WEEK and days > 7 * MOST_BUCKETS:
            granularity = Granularity.MONTH
        return cls(query.period, granularity, query.week_start)

    def first(self, day: date) -> date:
        """The first day of the bucket that holds the day."""
        if self.granularity is Granularity.MONTH:
            return day.replace(day=1)
        if self.granularity is Granularity.WEEK:
            return day - timedelta(days=(day.isoweekday() - self.week_start) % 7)
        return day

    def ends(self) -> Iterable[tuple[date, date]]:
        """The first and the last day of each bucket, in the order of time."""
        first = self.first(self.period.first)
        while first <= self.period.last:
            last = self.first(first + timedelta(days=_LONGEST[self.granularity])) - timedelta(days=1)
            yield first, last
            first = last + timedelta(days=1)


_LONGEST: Final = {Granularity.DAY: 1, Granularity.WEEK: 7, Granularity.MONTH: 31}

_Amounts = dict[Key, dict[date, Decimal]]


def _amounts(grid: _Grid, rows: Iterable[CostRow]) -> _Amounts:
    """Cost by group and first day of the bucket."""
    found: _Amounts = defaultdict(dict)
    for row in rows:
        if row.date is not None:
            of_key, first = found[_key(row)], grid.first(row.date)
            of_key[first] = of_key.get(first, Decimal(0)) + row.cost
    return found


def _key(row: CostRow) -> Key:
    """The outermost group of a row; where nothing is grouped by, everything is one without a name."""
    if row.keys is None:
        return None
    return row.keys[0] if row.keys else ""


def _bucket(
    query: CostQuery, grid: _Grid, first: date, last: date, amounts: _Amounts, *, today: date, zoom: Zoom
) -> Bucket:
    shown = Period(max(first, query.period.first), min(last, query.period.last))
    total = sum((by_date.get(first, Decimal(0)) for by_date in amounts.values()), Decimal(0))
    is_partial = last >= today or (shown.first, shown.last) != (first, last)
    finer = Granularity.NONE if grid.granularity is Granularity.DAY else Granularity.DAY
    return Bucket(first, last, total, is_partial, is_so_far=False, url=zoom(shown, finer))


def _may_change(bucket: Bucket, changes_from: date | None) -> bool:
    return changes_from is not None and bucket.last >= changes_from and not bucket.is_partial


def _today(so_far: _Amounts, today: date, zoom: Zoom) -> Bucket:
    total = sum((by_date.get(today, Decimal(0)) for by_date in so_far.values()), Decimal(0))
    return Bucket(today, today, total, True, is_so_far=True, url=zoom(Period(today, today), Granularity.NONE))


def _series(
    query: CostQuery, nodes: Sequence[CostNode], amounts: _Amounts, buckets: Sequence[Bucket], name: Namer
) -> Iterable[Series]:
    """The dearest groups in colours, then what has no value, then all others as one."""

    def series(called: str, colour: str, keys: Iterable[Key]) -> Series:
        held = frozenset(keys)
        columns = [
            [amounts[key][bucket.first] for key in held if bucket.first in amounts.get(key, {})] for bucket in buckets
        ]
        summed = [sum(column, Decimal(0)) if column else None for column in columns]
        counted = [one for one, bucket in zip(summed, buckets, strict=True) if one and not bucket.is_so_far]
        return Series(called, colour, held, tuple(summed), sum(counted, Decimal(0)))

    if not nodes:
        yield series("Cost", "var(--c1)", [""])
        return
    dimension = query.group_by[0]
    named = sorted((node for node in nodes if node.key), key=lambda node: -node.cost)
    for place, node in enumerate(named[:SERIES], start=1):
        yield series(name(dimension, node.key or ""), f"var(--c{place})", [node.key])
    if any(node.key == "" for node in nodes):
        yield series(name(dimension, ""), GREY, [""])
    others = [*named[SERIES:], *(node for node in nodes if node.key is None)]
    if others or None in amounts:  # what only today has is in the rest, which the period itself may not have
        yield series(_rest_name(others, lambda key: name(dimension, key)), GREY, [None, *(node.key for node in others)])


def _rest_name(others: Sequence[CostNode], name: Callable[[str], str]) -> str:
    """`Other (12)`; a single group keeps its name."""
    count = sum(node.groups for node in others)
    if count == 1 and others[0].key:
        return name(others[0].key)
    return f"Other ({count:,})" if count else "Other"
