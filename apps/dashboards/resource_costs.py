"""What resources cost, and what of it was idle: charges joined to the inventory by the ids by which bills call them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from apps.accounts.models import Organisation
from apps.accounts.scope import Scope
from apps.core.periods import Period
from apps.costs.dimensions import RESOURCE, Dimension
from apps.costs.queries import CostQuery, CostTable, Granularity, MissingRateError, OrderBy, cost_table
from apps.costs.selection import Filter
from apps.inventory.models import Resource
from apps.utilization.queries import Money, ResourceCost, resource_costs

DAYS: Final = 30
BY_RESOURCE: Final = Dimension(RESOURCE)


Names = Mapping[int, Collection[str]]
"""By the key of a resource the ids by which bills may call it."""


@dataclass(frozen=True, slots=True)
class Amount:
    """A cost in one currency, and what of it was idle or nobody's; None where nothing measured the resource."""

    currency: str
    cost: Decimal
    idle: Decimal | None = None


@dataclass(frozen=True, slots=True)
class DailyCosts:
    """Cost of every day of a period in one currency, and their sum."""

    currency: str
    days: tuple[tuple[date, Decimal], ...]
    total: Decimal


def names_of(resource: Resource) -> list[str]:
    """The ids by which bills may call a resource."""
    return [resource.resource_id, *resource.aliases]


def days_until(last: date) -> Period:
    """The days up to and with `last` of which costs are told."""
    return Period(last - timedelta(days=DAYS - 1), last)


def amounts_of(resources: Names, period: Period, *, scope: Scope) -> dict[int, list[Amount]]:
    """What each resource costs in the period and what of it was idle, by its key: only what the scope may see.

    In the reporting currency; where a rate is missing, all of it as billed.
    """
    if not resources:
        return {}
    asked = {name for names in resources.values() for name in names}
    try:
        return _amounts(resources, asked, period, Organisation.current().reporting_currency, scope)
    except MissingRateError:
        return _amounts(resources, asked, period, "", scope)


def costs_of(resources: Names, period: Period, *, scope: Scope) -> dict[int, dict[str, Decimal]]:
    """The cost of each resource by currency, in one statement. Raises CostQueryError where there are too many."""
    table = _table(_by_resource(resources.values(), period), scope=scope)
    return _sums(resources, table)


def idle_of(resources: Names, period: Period, *, scope: Scope) -> dict[int, dict[str, Decimal]]:
    """What of it was idle or nobody's, of those that something measured, in one statement."""
    currency = Organisation.current().reporting_currency
    try:
        found = resource_costs(period, currency=currency, scope=scope)
    except MissingRateError:
        found = resource_costs(period, scope=scope)
    return _idle(resources, found)


def money_of(resource: Resource, period: Period, *, scope: Scope) -> list[Money]:
    """What one resource cost and what of it was used, in each currency; nothing of what cannot be measured."""
    names, currency = names_of(resource), Organisation.current().reporting_currency
    try:
        found = resource_costs(period, names=names, currency=currency, scope=scope)
    except MissingRateError:
        found = resource_costs(period, names=names, scope=scope)
    return [one.money for one in found if set(names) & set(one.names)]


def daily_costs(resource: Resource, period: Period, *, scope: Scope) -> list[DailyCosts]:
    """What a resource costs day by day, in each currency that it costs something in."""
    query = CostQuery(period, granularity=Granularity.DAY, filters=(_only(names_of(resource)),), order_by=OrderBy.DATE)
    table = _table(query, scope=scope)
    found: dict[str, dict[date, Decimal]] = defaultdict(dict)
    for row in table.rows:
        if row.date:
            found[row.currency][row.date] = row.cost
    dates = [period.first + timedelta(days=number) for number in range(period.days)]
    return [
        DailyCosts(
            total.currency, tuple((day, found[total.currency].get(day, Decimal(0))) for day in dates), total.cost
        )
        for total in table.totals
    ]


def _amounts(
    resources: Names, asked: Collection[str], period: Period, currency: str, scope: Scope
) -> dict[int, list[Amount]]:
    query = replace(_by_resource([asked], period), currency=currency)
    costs = _sums(resources, cost_table(query, scope=scope))
    idle = _idle(resources, resource_costs(period, names=asked, currency=currency, scope=scope))
    return {
        pk: [
            Amount(currency, costs.get(pk, {}).get(currency, Decimal(0)), idle.get(pk, {}).get(currency))
            for currency in sorted({*costs.get(pk, ()), *idle.get(pk, ())})
        ]
        for pk in {*costs, *idle}
    }


def _by_resource(names: Iterable[Collection[str]], period: Period) -> CostQuery:
    return CostQuery(period, (BY_RESOURCE,), filters=(_only(name for some in names for name in some),))


def _sums(resources: Names, table: CostTable) -> dict[int, dict[str, Decimal]]:
    called = _called(resources)
    sums: dict[int, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for row in table.rows:
        for pk in called[row.keys[0] or ""] if row.keys else ():
            sums[pk][row.currency] += row.cost
    return sums


def _idle(resources: Names, found: Iterable[ResourceCost]) -> dict[int, dict[str, Decimal]]:
    called = _called(resources)
    idle: dict[int, dict[str, Decimal]] = defaultdict(dict)
    for one in found:
        if is_measured(one.money):
            for pk in {pk for name in one.names for pk in called.get(name, ())}:
                idle[pk][one.money.currency] = one.money.idle + one.money.unallocated
    return idle


def is_measured(money: Money) -> bool:
    """Whether something measured what this is the cost of, on any day."""
    return money.cost != money.unmeasured


def _called(resources: Names) -> dict[str, list[int]]:
    """Who goes by a name: several where two sources tell of one resource."""
    called: dict[str, list[int]] = defaultdict(list)
    for pk, names in resources.items():
        for name in set(names):
            called[name].append(pk)
    return called


def _only(names: Iterable[str]) -> Filter:
    return Filter(BY_RESOURCE, tuple(sorted(set(names))))


def _table(query: CostQuery, *, scope: Scope) -> CostTable:
    """In the reporting currency; where a rate is missing, as billed."""
    currency = Organisation.current().reporting_currency
    try:
        return cost_table(replace(query, currency=currency), scope=scope)
    except MissingRateError:
        return cost_table(query, scope=scope)
