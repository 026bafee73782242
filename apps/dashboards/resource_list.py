"""The list of resources in any order, by their money too, and the money of those that are on a page."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final, overload

from django.db.models import QuerySet
from django.utils import timezone

from apps.accounts.models import Organisation
from apps.accounts.scope import Scope
from apps.core.errors import UserError
from apps.core.periods import Period
from apps.costs.queries import MAX_ROWS, CostQueryError
from apps.dashboards.resource_costs import Amount, amounts_of, costs_of, days_until, idle_of, names_of
from apps.inventory import queries
from apps.inventory.models import ResourceState
from apps.inventory.parameters import MONEY_ORDERS
from apps.inventory.queries import Wanted

RANKINGS: Final = dict(zip(MONEY_ORDERS, (costs_of, idle_of), strict=True))


class Ranked(Sequence[ResourceState]):
    """States in an order that their table does not know; only those that are looked at are read."""

    def __init__(self, found: "QuerySet[ResourceState]", keys: Sequence[int]) -> None:
        self.found, self.keys = found, keys

    def __len__(self) -> int:
        return len(self.keys)

    @overload
    def __getitem__(self, place: int) -> ResourceState: ...

    @overload
    def __getitem__(self, place: slice) -> list[ResourceState]: ...

    def __getitem__(self, place: int | slice) -> ResourceState | list[ResourceState]:
        if isinstance(place, int):
            return self.found.get(pk=self.keys[place])
        wanted = self.keys[place]
        states = self.found.in_bulk(wanted)
        return [states[key] for key in wanted if key in states]


def listed(asked: Wanted, *, scope: Scope) -> "QuerySet[ResourceState] | Ranked":
    """The resources that are asked for, in the order asked for; by money those without any come last.

    Equal amounts are in the order of names. Raises UserError where there are too many to be sorted by cost.
    """
    found = queries.resources(asked, scope=scope)
    ranking = RANKINGS.get(asked.order_by.removeprefix("-"))
    if ranking is None:
        return found
    rows = list(found.values_list("pk", "resource_id", "resource__resource_id", "resource__aliases"))
    names = {resource: [name, *aliases] for _, resource, name, aliases in rows}
    try:
        amounts = ranking(names, days_of(asked), scope=scope) if names else {}
    except CostQueryError:
        message = (
            f"More than {MAX_ROWS:,} resources with cost cannot be sorted by it. Use more filters, or sort by name."
        )
        raise UserError(message, field="order_by") from None
    place = _order(amounts, descending=asked.order_by.startswith("-"))
    return Ranked(found, [row[0] for row in sorted(rows, key=lambda row: place(row[1]))])


def amounts_on(states: Iterable[ResourceState], period: Period, *, scope: Scope) -> dict[int, list[Amount]]:
    """Cost and idle cost of the resources of a page, by their keys."""
    return amounts_of({state.resource_id: names_of(state.resource) for state in states}, period, scope=scope)


def days_of(asked: Wanted) -> Period:
    """The days that costs are of: the last thirty complete ones, or those up to the day that is asked for."""
    return days_until(asked.as_of or yesterday())


def yesterday() -> date:
    """The newest complete day (UTC)."""
    return timezone.now().date() - timedelta(days=1)


def without_money(asked: Wanted) -> Wanted:
    """The same in the order of names."""
    return replace(asked, order_by="name")


def _order(amounts: Mapping[int, Mapping[str, Decimal]], *, descending: bool) -> Any:
    """The place of a resource: amounts in different currencies do not compare, those in the reporting one are first."""
    reporting, sign = Organisation.current().reporting_currency, -1 if descending else 1

    def place(resource: int) -> tuple[bool, bool, str, Decimal]:
        told = amounts.get(resource, {}).items()
        ranked = [(currency != reporting, currency, sign * amount) for currency, amount in told]
        return (False, *min(ranked)) if ranked else (True, True, "", Decimal(0))

    return place
