"""What resources cost and how much of that was used: machines, databases and the like by their cpu, others by GPUs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from psycopg import sql

from apps.accounts.scope import Scope
from apps.core.periods import Period
from apps.utilization.models import Device, ResourceUse
from apps.utilization.queries.money import By, CostRow, Money, costs_by, parameters
from apps.utilization.queries.which import Gpus, names_of

MEASURABLE: Final = ("machine", "node", "database", "endpoint", "notebook")
"""Kinds of resources whose cpu can be measured: what they cost counts, measured or not."""
RESOURCE_DEFINITION: Final = (
    "The effective cost of a machine, database, endpoint or notebook on a day is spread over the time of that day for"
    " which its CPU was measured. Used is as much of it as its CPU or its memory was used, whichever was larger in the"
    " hour; of a database its CPU alone, because it fills memory with what it may need again. Idle is the rest."
    " Unmeasured is what they cost on days on which nothing measured them, those included that nothing ever measures."
    " What has GPUs is counted by its GPUs instead. Used, idle and unmeasured cost add up to the bill exactly."
)
"""What idle cost of resources without GPUs is, as pages print it."""

OTHERS: Final = sql.Identifier("others")
_EVERY: Final = sql.SQL(
    """(
    SELECT
        every.day, every.device_id, every.cluster, every.node, every.model, every.team, every.currency, every.cost,
        every.used, every.idle, every.unallocated, every.unmeasured, named.names AS machine
    FROM (SELECT * FROM spent UNION ALL SELECT * FROM others) every
    JOIN (
        SELECT machine, array_agg(DISTINCT name ORDER BY name) AS names
        FROM (
            SELECT m.machine, c.name FROM called c JOIN machine m USING (named)
            UNION
            SELECT machine, name FROM other_called
        ) called
        GROUP BY 1
    ) named USING (machine)
)"""
)
"""Of both, by all names of a resource."""


@dataclass(frozen=True, slots=True)
class ResourceCost:
    """What one resource cost in one currency; `names` are all by which bills may call it."""

    names: tuple[str, ...]
    money: Money


def machine_costs(
    period: Period, *, by: Sequence[By] = (), team: str = "", currency: str = "", scope: Scope
) -> list[CostRow]:
    """What resources without GPUs cost, in groups, dearest first; nothing of it is unallocated, or in gpu_costs.

    `by` takes DAY, TEAM and MACHINE. `currency` converts by the rates of each month; empty leaves amounts as billed.
    Raises MissingRateError. A reader with teams gets the charges of these teams.
    """
    asked = _parameters(period, team, currency, scope)
    (found,) = costs_by(asked, OTHERS, by=(by,))
    return found


def resource_costs(
    period: Period, *, names: Iterable[str] | None = None, currency: str = "", scope: Scope
) -> list[ResourceCost]:
    """What each resource cost and what of it was used, with GPUs or without; those called by `names`, or all.

    Resources that nothing measures are there where their cpu could be measured. Raises MissingRateError.
    """
    asked = _parameters(period, "", currency, scope)
    if names is not None:
        asked["machines"] = sorted(names_of(list(names)))
    (found,) = costs_by(asked, _EVERY, by=((By.MACHINE,),))
    return [ResourceCost(tuple(row.keys[0]), row.money) for row in found]


def idle_hours(devices: Iterable[Device], period: Period) -> tuple[float, float]:
    """Hours in which the cpu of a resource did nothing, and those in which it was measured, by who saw most of it."""
    seen: dict[str, tuple[float, float]] = {}
    uses = ResourceUse.objects.filter(device__in=list(devices), day__range=(period.first, period.last))
    for source, weight, idle in uses.values_list("device__source", "weight", "idle_minutes"):
        hours, idle_so_far = seen.get(source, (0.0, 0.0))
        seen[source] = (hours + float(weight) / 60, idle_so_far + idle / 60)
    hours, idle_so_far = max(seen.values(), default=(0.0, 0.0))
    return idle_so_far, hours


def _parameters(period: Period, team: str, currency: str, scope: Scope) -> dict[str, Any]:
    return parameters(period, Gpus(team=team), currency, scope) | {"kinds": list(MEASURABLE)}
