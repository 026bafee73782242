"""What of a resource's cost was used and what was idle, as its page says it beside the cost."""

from dataclasses import dataclass
from decimal import Decimal

from apps.accounts.scope import Scope
from apps.core.periods import Period
from apps.dashboards.resource_costs import is_measured, money_of, names_of
from apps.inventory.models import Resource
from apps.utilization.queries import DEFINITION, RESOURCE_DEFINITION, Money, devices_of, idle_hours


@dataclass(frozen=True, slots=True)
class UsedAndIdle:
    """The cost in one currency as parts that add up to it; hours are None where GPUs tell of use."""

    money: Money
    parts: list[tuple[str, Decimal]]
    definition: str
    idle_hours: float | None
    hours: float | None


def used_and_idle(found: Resource, period: Period, *, has_gpus: bool, scope: Scope) -> dict[str, UsedAndIdle]:
    """By currency, as far as the scope may see it; nothing where nothing measured the resource in the period."""
    told = {one.currency: one for one in money_of(found, period, scope=scope) if is_measured(one)}
    if not told:
        return {}
    idle, hours = (None, None) if has_gpus else idle_hours(devices_of(names_of(found), scope=scope), period)
    definition = DEFINITION if has_gpus else RESOURCE_DEFINITION
    return {currency: UsedAndIdle(one, _parts(one), definition, idle, hours) for currency, one in told.items()}


def _parts(money: Money) -> list[tuple[str, Decimal]]:
    """What is always said, and what is there."""
    rare = [("unallocated", money.unallocated), ("unmeasured", money.unmeasured)]
    return [("Used", money.used), ("idle", money.idle), *((name, amount) for name, amount in rare if amount)]
