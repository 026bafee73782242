"""What resources cost: charges joined to the inventory by the ids by which bills call a resource."""

from collections import defaultdict
from collections.abc import Iterable
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

DAYS: Final = 30
BY_RESOURCE: Final = Dimension(RESOURCE)


@dataclass(frozen=True, slots=True)
class Amount:
    """A cost in one currency."""

    currency: str
    cost: Decimal


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


def costs_of(resources: Iterable[Resource], period: Period, *, scope: Scope) -> dict[int, list[Amount]]:
    """What each resource costs in the period, by its key; in one statement, and only what the scope may see."""
    called = {name: resource.pk for resource in resources for name in names_of(resource)}
    if not called:
        return {}
    table = _table(CostQuery(period, (BY_RESOURCE,), filters=(_only(called),)), scope=scope)
    sums: dict[int, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for row in table.rows:
        if row.keys:
            sums[called[row.keys[0]]][row.currency] += row.cost
    return {pk: [Amount(currency, cost) for currency, cost in sorted(of.items())] for pk, of in sums.items()}


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


def _only(names: Iterable[str]) -> Filter:
    return Filter(BY_RESOURCE, tuple(sorted(set(names))))


def _table(query: CostQuery, *, scope: Scope) -> CostTable:
    """In the reporting currency; where a rate is missing, as billed."""
    currency = Organisation.current().reporting_currency
    try:
        return cost_table(replace(query, currency=currency), scope=scope)
    except MissingRateError:
        return cost_table(query, scope=scope)
