"""What GPUs cost, and how much of that was used: the bill of their machines, divided by who held them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from django.db import connection
from psycopg import sql

from apps.accounts.scope import Scope
from apps.core.periods import Period
from apps.core.sql import read_sql
from apps.costs.queries.question import MissingRateError
from apps.utilization.queries.seen import teams_of
from apps.utilization.queries.which import Gpus, devices

DEFINITION: Final = (
    "The effective cost of a machine on a day is divided over its GPUs by the time for which each was measured; a MIG"
    " slice counts as its part of the card. What a GPU cost while somebody held it is used cost as far as it computed,"
    " and idle cost for the rest. What it cost while nobody held it, or while a part of it was not cut into any slice,"
    " is unallocated. In a cluster that tells of no tenants, the owner of the machine holds its GPUs. Used, idle,"
    " unallocated and unmeasured cost add up to the bill exactly."
)
"""What idle cost is, as pages print it."""


GPUS: Final = sql.Identifier("spent")


class By(StrEnum):
    """What the cost of GPUs can be grouped by."""

    DAY = "day"
    TEAM = "team"
    MODEL = "model"
    CLUSTER = "cluster"
    NODE = "node"
    DEVICE = "device_id"
    MACHINE = "machine"


@dataclass(frozen=True, slots=True)
class Money:
    """Effective cost in one currency: `cost` is the sum of the others, to the last digit."""

    currency: str
    cost: Decimal
    used: Decimal
    idle: Decimal  # held by somebody, and not computed with
    unallocated: Decimal  # held by nobody
    unmeasured: Decimal  # of machines with GPUs on days without any measurement


@dataclass(frozen=True, slots=True)
class CostRow:
    """The cost of one group; `keys` are values of what it was grouped by, in that order."""

    keys: tuple[Any, ...]
    money: Money


class Reason(StrEnum):
    """Why something has no cost, or a cost nobody can divide."""

    NO_MACHINE = "no_machine"
    NOT_BILLED = "not_billed"
    COUNTED_ELSEWHERE = "counted_elsewhere"
    NOT_MEASURED = "not_measured"

    @property
    def sentence(self) -> str:
        """For people: what is missing, and what to do."""
        return _SENTENCES[self]


_SENTENCES: Final = {
    Reason.NO_MACHINE: "It is not known which machine it belongs to: its node names none. Connect the cluster as a"
    " source, or the inventory of its cloud.",
    Reason.NOT_BILLED: "No charge of this period names its machine. Import the bill of its account, or connect its"
    " inventory, which knows other names of the machine.",
    Reason.COUNTED_ELSEWHERE: "Another source tells of the same machine, with more of it: its cost is divided there.",
    Reason.NOT_MEASURED: "It has GPUs, and nothing measured them in this period. Connect the Prometheus that does, or"
    " install an exporter.",
}


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A device without cost, or a machine with GPUs that nobody measures; `cost` is the machine's, in `currency`."""

    reason: Reason
    name: str
    node: str = ""
    device_id: int | None = None
    currency: str = ""
    cost: Decimal | None = None


def gpu_costs(period: Period, which: Gpus, *, by: Sequence[By] = (), currency: str = "", scope: Scope) -> list[CostRow]:
    """What GPUs cost in a period, in groups, dearest first; without `by` one row for each currency.

    `currency` converts by the rates of each month; empty leaves amounts as billed. Raises MissingRateError. A reader
    with teams gets what their pods held, and what nobody held of their machines.
    """
    (found,) = gpu_costs_by(period, which, by=(by,), currency=currency, scope=scope)
    return found


def gpu_costs_by(
    period: Period, which: Gpus, *, by: Sequence[Sequence[By]], currency: str = "", scope: Scope
) -> list[list[CostRow]]:
    """The same in several ways to group, from one reading of the bills: the rows of each, in the order of `by`."""
    return costs_by(parameters(period, which, currency, scope), GPUS, by=by)


def costs_by(asked: Mapping[str, Any], of: sql.Composable, *, by: Sequence[Sequence[By]]) -> list[list[CostRow]]:
    """What `of` has, which has the columns of `spent`, grouped in several ways. Raises MissingRateError."""
    names = list(dict.fromkeys(one for group in by for one in group))
    keys = {one: sql.Identifier(one.value) for one in names}
    sets = [
        sql.SQL("({})").format(sql.SQL(", ").join([*(keys[one] for one in group), sql.SQL("told")])) for group in by
    ]
    absent = sql.SQL(", ").join(sql.SQL("grouping({})").format(key) for key in keys.values())
    columns = sql.SQL("").join(sql.SQL("{}, ").format(key) for key in keys.values())
    query = _ROWS.format(absent=absent, keys=columns, spent=of, sets=sql.SQL(", ").join(sets))
    with connection.cursor() as cursor:
        cursor.execute(spent_sql(query, others=of != GPUS), asked)
        found = cursor.fetchall()
    if missing := {(row[-2], row[-1]) for row in found if row[-1] is not None}:
        raise MissingRateError(sorted(missing), asked["currency"])
    return [_rows_of(group, names, found) for group in by]


def _rows_of(group: Sequence[By], names: Sequence[By], found: Sequence[tuple[Any, ...]]) -> list[CostRow]:
    """The rows that are grouped by `group` alone; each begins with what it is not grouped by, as ones of an array."""
    absent = [int(one not in group) for one in names]
    places = [1 + names.index(one) for one in group]
    amounts = slice(1 + len(names), -2)
    return [CostRow(tuple(row[place] for place in places), Money(*row[amounts])) for row in found if row[0] == absent]


def spent_sql(select: sql.Composable, *, others: bool = False) -> sql.Composed:
    """A statement that selects from the CTEs of sql/spent.sql, or also from those of sql/others.sql."""
    names = ("spent", "others") if others else ("spent",)
    return sql.SQL("{} {}").format(sql.SQL("").join(sql.SQL(read_sql("utilization", name)) for name in names), select)


def parameters(period: Period, which: Gpus, currency: str, scope: Scope) -> dict[str, Any]:
    """What the statement is told; null lists stand for no restriction."""
    places = {name: getattr(which, name) for name in ("cluster", "node", "model")}
    others = which.device or which.resource_id or which.search
    chosen = list(devices(which, scope=scope).values_list("pk", flat=True)) if others else None
    return {
        "first": period.first,
        "last": period.last,
        "teams": teams_of(which.team, scope),
        "devices": chosen,
        "currency": currency,
        "machines": None,
        **places,
    }


_ROWS: Final = sql.SQL(
    """
SELECT
    ARRAY[{absent}]::int[], {keys}told, sum(cost * factor), sum(used * factor), sum(idle * factor),
    sum(unallocated * factor), sum(unmeasured * factor), min(currency) FILTER (WHERE factor IS NULL),
    min(date_trunc('month', day)::date) FILTER (WHERE factor IS NULL)
FROM (
    SELECT
        spent.*, coalesce(nullif(%(currency)s, ''), spent.currency) AS told,
        CASE WHEN %(currency)s IN ('', spent.currency) THEN 1 ELSE rate.rate END AS factor
    FROM {spent} spent
    LEFT JOIN costs_exchangerate rate ON rate.currency = spent.currency
        AND rate.reporting_currency = %(currency)s AND rate.month = date_trunc('month', spent.day)::date
) spent
WHERE (%(teams)s::text[] IS NULL OR team = ANY(%(teams)s))
    AND (%(devices)s::bigint[] IS NULL OR device_id = ANY(%(devices)s))
    AND %(cluster)s IN ('', cluster) AND %(node)s IN ('', node) AND %(model)s IN ('', model)
GROUP BY GROUPING SETS ({sets})
ORDER BY sum(cost * factor) DESC NULLS FIRST, {keys}told
"""
)
