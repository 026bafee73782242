"""The numbers of the overview: a month beside the same days of the one before, what moved, and where it went."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from apps.accounts.scope import Scope
from apps.core.periods import Period
from apps.costs.dimensions import Dimension
from apps.costs.queries import (
    CostNode,
    CostQuery,
    CostRow,
    CostTotal,
    CostTree,
    CostView,
    Granularity,
    MissingRateError,
    cost_table,
    cost_view,
)
from apps.costs.selection import Filter

MONTHS: Final = 13
DEAREST: Final = 7
MOVERS: Final = 6
MOST: Final = 200
"""Parts, and services in each, that are told apart: all of them, but for the largest organisations."""
TEAM: Final = Dimension("team")
SERVICE: Final = Dimension("service")
WORKLOAD: Final = Dimension("workload")


@dataclass(frozen=True, slots=True)
class DailyCost:
    """What one complete day cost."""

    date: date
    cost: Decimal


@dataclass(frozen=True, slots=True)
class MonthlyCost:
    """What one calendar month cost; so far, while it is not over."""

    first: date
    cost: Decimal
    is_partial: bool


@dataclass(frozen=True, slots=True)
class Group:
    """What one value of a dimension cost; `key` None is the rest, of so many `groups` (0 where nobody knows)."""

    key: str | None
    cost: Decimal
    previous: Decimal
    groups: int = 1


@dataclass(frozen=True, slots=True)
class Mover:
    """A part's cost of a service and how it changed. `drawn` is the change in per cent of half the drawing."""

    part: str
    service: str
    cost: Decimal
    previous: Decimal
    drawn: Decimal


@dataclass(frozen=True, slots=True)
class InCurrency:
    """Everything in one currency. Days of both months are complete; `so_far` is of today and in no other number."""

    currency: str
    total: CostTotal
    days: tuple[DailyCost, ...]
    before: tuple[DailyCost, ...]
    so_far: Decimal | None
    unallocated: Decimal | None
    movers: tuple[Mover, ...]
    parts: tuple[Group, ...]
    services: tuple[Group, ...]
    months: tuple[MonthlyCost, ...]

    @property
    def mean(self) -> Decimal:
        """The cost of a day."""
        return self.total.cost / len(self.days)

    @property
    def peak(self) -> DailyCost:
        """The dearest day."""
        return max(self.days, key=lambda day: day.cost)


@dataclass(frozen=True, slots=True)
class Overview:
    """The month, its complete days and those that they are compared with; `note` says what is not as it was asked.

    `by` is what the cost is split by beside services: teams, or the workloads of the only one. Costs of `changes_from`
    and later days may still change.
    """

    month: Period
    period: Period
    compare: Period
    by: Dimension
    currencies: tuple[InCurrency, ...]
    choices: tuple[date, ...]
    note: str
    changes_from: date | None = None

    @property
    def unsettled(self) -> tuple[bool, ...]:
        """Of each day of the period, whether its costs may still change."""
        days = (self.period.first + timedelta(days=number) for number in range(self.period.days))
        return tuple(self.changes_from is not None and day >= self.changes_from for day in days)

    @property
    def is_whole_month(self) -> bool:
        """Whether all days of the month are complete."""
        return self.period == self.month


@dataclass(frozen=True, slots=True)
class _Asked:
    """What every read of one overview has in common."""

    query: CostQuery
    compare: Period
    by: Dimension
    newest: date
    today: date
    scope: Scope


def overview(*, month: date, team: str, currency: str, newest: date, today: date, scope: Scope) -> Overview:
    """The overview of the month that begins with `month`, of one team where it is given.

    `newest` is the newest complete day. Amounts are converted to `currency` where it is given and all rates are known.
    """
    filters = (Filter(TEAM, (team,)),) if team else ()
    period = Period(month, min(month_end(month), newest))
    query = CostQuery(period, filters=filters, currency=currency, compare=same_days_before(period))
    by = WORKLOAD if team or len(scope.teams or ()) == 1 else TEAM
    asked = _Asked(query, same_days_before(period), by, newest, today, scope)
    try:
        return _overview(asked, note="")
    except MissingRateError as error:
        return _overview(replace(asked, query=replace(query, currency="")), note=str(error))


def same_days_before(period: Period) -> Period:
    """The same days of the month before; all of it where the period is a whole month or longer than it."""
    end = period.first - timedelta(days=1)
    whole = period.last == month_end(period.last)
    first = end.replace(day=1)
    return Period(first, end if whole else min(end, first + timedelta(days=period.days - 1)))


def month_end(day: date) -> date:
    """The last day of the day's month."""
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def last_months(day: date) -> Period:
    """The thirteen calendar months that end with the day's own, up to the day."""
    index = day.year * 12 + day.month - MONTHS
    return Period(date(index // 12, index % 12 + 1, 1), day)


def _overview(asked: _Asked, *, note: str) -> Overview:
    query = asked.query
    months = _by_month(asked)
    choices = {month.first for of_currency in months.values() for month in of_currency} | {query.period.first}
    return Overview(
        month=Period(query.period.first, month_end(query.period.first)),
        period=query.period,
        compare=asked.compare,
        by=asked.by,
        currencies=_currencies(asked, months),
        choices=tuple(sorted(choices, reverse=True)),
        note=note,
    )


def _currencies(asked: _Asked, months: dict[str, tuple[MonthlyCost, ...]]) -> tuple[InCurrency, ...]:
    """All that there is in each currency of the period: but for the months around it from one snapshot."""
    query = replace(asked.query, group_by=(asked.by, SERVICE), granularity=Granularity.DAY, limit=MOST)
    view = cost_view(query, children=MOST, today=asked.today, scope=asked.scope)
    days, before, so_far = _by_currency(view.dated), _days_before(asked), _so_far(view, asked)
    return tuple(
        InCurrency(
            currency=tree.currency,
            total=tree.total,
            days=_every_day(query.period, days[tree.currency]),
            before=_every_day(_month_before(query.period), before[tree.currency]),
            so_far=so_far.get(tree.currency),
            unallocated=_unallocated(tree, asked),
            movers=_movers(tree),
            parts=_dearest(_group(node) for node in tree.nodes),
            services=_dearest(_services(tree)),
            months=months[tree.currency],
        )
        for tree in view.trees
    )


def _group(node: CostNode) -> Group:
    return Group(node.key, node.cost, node.previous or Decimal(0), node.groups)


def _services(tree: CostTree) -> list[Group]:
    """Services of all parts; those of parts that are not told apart are a rest."""
    sums: dict[str | None, Group] = {}
    for one in (child for node in tree.nodes for child in node.children or (replace(node, key=None),)):
        known = sums.get(one.key) or Group(one.key, Decimal(0), Decimal(0), 0 if one.key is None else 1)
        sums[one.key] = replace(known, cost=known.cost + one.cost, previous=known.previous + (one.previous or 0))
    return list(sums.values())


def _dearest(groups: Iterable[Group]) -> tuple[Group, ...]:
    """The dearest few, and all others as one; they add up to what all add up to."""
    ranked = sorted(groups, key=lambda one: (one.key is None, -one.cost, one.key))
    named = [one for one in ranked if one.key is not None]
    if len(ranked) <= DEAREST + 1:
        return tuple(ranked)
    rest = [*named[DEAREST:], *ranked[len(named) :]]
    count = sum(one.groups for one in rest) if all(one.groups for one in rest) else 0
    cost = sum((one.cost for one in rest), Decimal(0))
    previous = sum((one.previous for one in rest), Decimal(0))
    return (*named[:DEAREST], Group(None, cost, previous, count))


def _by_month(asked: _Asked) -> dict[str, tuple[MonthlyCost, ...]]:
    """The last thirteen months with cost, by currency."""
    period = last_months(asked.newest)
    table = cost_table(
        replace(asked.query, period=period, compare=None, granularity=Granularity.MONTH), scope=asked.scope
    )
    months: dict[str, tuple[MonthlyCost, ...]] = defaultdict(tuple)
    for row in table.rows:
        if row.date:
            partial = period.last < month_end(row.date)
            months[row.currency] += (MonthlyCost(row.date, row.cost, partial),)
    return months


def _days_before(asked: _Asked) -> dict[str, list[CostRow]]:
    """The month before day by day, whole: by currency."""
    month = _month_before(asked.query.period)
    daily = replace(asked.query, period=month, compare=None, granularity=Granularity.DAY)
    return _by_currency(cost_table(daily, scope=asked.scope).rows)


def _unallocated(tree: CostTree, asked: _Asked) -> Decimal | None:
    """What is no team's; None where one team is asked for or may be seen, and where it is somewhere in a rest."""
    if asked.by != TEAM or asked.scope.teams is not None:
        return None
    costs = {node.key: node.cost for node in tree.nodes}
    return costs.get("", None if None in costs else Decimal(0))


def _movers(tree: CostTree) -> tuple[Mover, ...]:
    """What changed most, up or down."""
    changes = [
        (abs(child.delta), node.key, child.key, child)
        for node in tree.nodes
        for child in node.children
        if node.key is not None and child.key is not None and child.delta
    ]
    largest = sorted(changes, key=lambda one: (-one[0], one[1:3]))[:MOVERS]
    return tuple(
        Mover(part, service, child.cost, child.previous or Decimal(0), 50 * change / largest[0][0])
        for change, part, service, child in largest
    )


def _so_far(view: CostView, asked: _Asked) -> dict[str, Decimal]:
    """What today has cost so far, by currency: only beside the other days of its own month."""
    if asked.today > month_end(asked.query.period.last):
        return {}
    return {currency: _sum(rows) for currency, rows in _by_currency(view.so_far).items()}


def _every_day(period: Period, rows: Iterable[CostRow]) -> tuple[DailyCost, ...]:
    """Each day of the period with what its groups add up to; a day without charges cost nothing."""
    costs: dict[date, Decimal] = defaultdict(Decimal)
    for row in rows:
        if row.date:
            costs[row.date] += row.cost
    days = (period.first + timedelta(days=number) for number in range(period.days))
    return tuple(DailyCost(day, costs[day]) for day in days)


def _month_before(period: Period) -> Period:
    end = period.first - timedelta(days=1)
    return Period(end.replace(day=1), end)


def _by_currency(rows: Iterable[CostRow]) -> dict[str, list[CostRow]]:
    found: dict[str, list[CostRow]] = defaultdict(list)
    for row in rows:
        found[row.currency].append(row)
    return found


def _sum(rows: Sequence[CostRow]) -> Decimal:
    return sum((row.cost for row in rows), Decimal(0))
