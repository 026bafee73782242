"""Reads of what clusters cost: the bills of their nodes divided among pods, and nodes whose bill is not known."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal, localcontext
from enum import StrEnum
from functools import cached_property
from typing import Any, Final

from django.db import connection
from psycopg import sql

from apps.accounts.scope import Scope
from apps.clusters.dimensions import Key
from apps.core.errors import UserError
from apps.core.periods import Period
from apps.core.sql import read_sql
from apps.costs.queries import Metric
from apps.costs.selection import Placeholders

MOST_ROWS: Final = 100_000
DIGITS: Final = 80


_HAS_POD: Final = (
    "EXISTS (SELECT FROM clusters_podday d JOIN clusters_pod p ON p.id = d.pod_id"
    " WHERE d.node_day_id = b.id AND {of_pod})"
)


class TooManyRowsError(UserError):
    """More groups than can be told at once."""


class NoRateError(UserError):
    """A bill is in a currency for which a month has no exchange rate."""


class Reason(StrEnum):
    """Why a node's day has no bill."""

    NO_MACHINE = "no_machine"
    NEVER_BILLED = "never_billed"
    NOT_YET = "not_yet"
    NOT_BILLED = "not_billed"


class Idle(StrEnum):
    """What becomes of what nobody had: a line of its own, or parts in proportion to what pods had of the same node."""

    OWN = "own"
    SHARED = "shared"


@dataclass(frozen=True, slots=True)
class Only:
    """Only what has one of these values; the empty text means "has none"."""

    key: Key
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClusterQuery:
    """What is asked. `currency` is converted to; empty leaves amounts as billed."""

    period: Period
    group_by: tuple[Key, ...] = ()
    by_day: bool = False
    only: tuple[Only, ...] = ()
    metric: Metric = Metric.EFFECTIVE
    currency: str = ""
    idle: Idle = Idle.OWN


@dataclass(frozen=True, slots=True)
class ClusterLine:
    """One group's part of the bills, or with `is_idle` what nobody had; keys that only pods have are None there.

    The hours are those for which pods had cores, GiB and GPUs of nodes with a bill.
    """

    keys: tuple[str | None, ...]
    day: date | None
    currency: str
    cost: Decimal
    is_idle: bool
    cpu_core_hours: Decimal
    memory_gib_hours: Decimal
    gpu_hours: Decimal


@dataclass(frozen=True)
class ClusterCosts:
    """The answer: lines that add up exactly to the nodes' bills (or to the part that was asked for), dearest first."""

    query: ClusterQuery
    lines: Sequence[ClusterLine] = field(default=())

    @cached_property
    def currencies(self) -> list[str]:
        """The currencies of the lines; amounts of different ones are never added up."""
        return sorted({line.currency for line in self.lines})

    def total(self, currency: str, *, idle: bool | None = None) -> Decimal:
        """What lines of a currency add up to: all, or those that are idle or that are not."""
        return add_up(one.cost for one in self.lines if one.currency == currency and idle in (None, one.is_idle))


@dataclass(frozen=True, slots=True)
class UnmatchedNode:
    """A node of which days have no bill, and why."""

    cluster: str
    node: str
    resource_id: str
    reason: Reason
    days: int
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class NodeMatches:
    """How many nodes have a bill on some day, and those that have days without one."""

    matched: int
    unmatched: tuple[UnmatchedNode, ...]

    @property
    def unmatched_nodes(self) -> int:
        """How many nodes have a day without a bill."""
        return len({(one.cluster, one.node) for one in self.unmatched})


def add_up(amounts: Iterable[Decimal]) -> Decimal:
    """Their sum to the last digit: converted amounts have more digits than Decimal keeps by itself."""
    with localcontext() as exact:
        exact.prec = DIGITS
        return sum(amounts, Decimal(0))


def cluster_costs(query: ClusterQuery, *, scope: Scope) -> ClusterCosts:
    """The nodes' bills of a period, divided. Idle is nobody's: a scope of teams has none, nor has part of the pods.

    Raises NoRateError where a bill cannot be converted, TooManyRowsError for more than MOST_ROWS groups.
    """
    if not query.period.days:
        return ClusterCosts(query)
    placeholders = Placeholders()
    statement = sql.SQL(read_sql("clusters", "costs")).format(
        bills=_bills(query, placeholders),
        divided=sql.SQL(read_sql("clusters", f"divided_{query.idle}")),
        pod_keys=sql.SQL(", ").join(key.of_pod(placeholders) for key in query.group_by),
        node_keys=sql.SQL(", ").join(key.of_node() for key in query.group_by),
        day=sql.SQL("n.day") if query.by_day else sql.SQL("NULL::date"),
        of_pod=_where(query.only, placeholders, scope=scope),
        of_idle=_where(query.only, placeholders) if _has_idle(query, scope) else sql.SQL("FALSE"),
        with_idle=sql.SQL("TRUE") if query.idle is Idle.OWN else sql.SQL("sum(cost) <> 0"),
        most_rows=placeholders.add(MOST_ROWS + 1),
    )
    _refuse_missing_rate(query, scope=scope)
    with connection.cursor() as cursor:
        cursor.execute(statement, placeholders.values)
        rows = cursor.fetchall()
    if len(rows) > MOST_ROWS:
        raise TooManyRowsError(f"There are more than {MOST_ROWS:,} rows: ask for fewer days, or group by less.")
    return ClusterCosts(query, [_line(*row) for row in rows])


def node_matches(query: ClusterQuery, *, newest: date | None, scope: Scope) -> NodeMatches:
    """Which nodes have a bill; days after `newest` are not there yet. A scope of teams sees no nodes."""
    if scope.teams is not None or not query.period.days:
        return NodeMatches(0, ())
    placeholders = Placeholders()
    only = [one for one in query.only if one.key.is_of_nodes]
    statement = sql.SQL(read_sql("clusters", "unmatched")).format(
        bills=_bills(query, placeholders),
        newest=placeholders.add(newest or query.period.first - timedelta(days=1)),
        first=placeholders.add(query.period.first),
        last=placeholders.add(query.period.last),
        of_node=_where(only, placeholders),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, placeholders.values)
        rows = cursor.fetchall()
    matched = {row[:2] for row in rows if not row[3]}
    unmatched = [
        UnmatchedNode(cluster, node, machine, Reason(reason), count, first, last)
        for cluster, node, machine, reason, count, first, last in rows
        if reason
    ]
    return NodeMatches(len(matched), tuple(unmatched))


def has_usage() -> bool:
    """Whether any cluster has told of itself."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM clusters_nodeday)")
        return bool(cursor.fetchone()[0])


def newest_usage() -> date | None:
    """The newest day that any cluster has told of."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(day) FROM clusters_nodeday")
        found: date | None = cursor.fetchone()[0]
        return found


def label_keys(period: Period, *, scope: Scope) -> list[str]:
    """The labels that pods of the period have, by name."""
    placeholders = Placeholders()
    statement = sql.SQL(
        "SELECT DISTINCT key FROM clusters_pod p, jsonb_object_keys(p.labels) key WHERE {of_pod} AND EXISTS ("
        "SELECT FROM clusters_podday d JOIN clusters_nodeday n ON n.id = d.node_day_id"
        " WHERE d.pod_id = p.id AND n.day BETWEEN {first} AND {last}) ORDER BY key"
    ).format(
        of_pod=_where((), placeholders, scope=scope),
        first=placeholders.add(period.first),
        last=placeholders.add(period.last),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, placeholders.values)
        return [row[0] for row in cursor.fetchall()]


def _has_idle(query: ClusterQuery, scope: Scope) -> bool:
    return scope.teams is None and all(one.key.is_of_nodes for one in query.only)


def _where(only: Sequence[Only], placeholders: Placeholders, *, scope: Scope | None = None) -> sql.Composable:
    wanted: list[sql.Composable] = [sql.SQL("TRUE")]
    if scope is not None and scope.teams is not None:
        wanted.append(sql.SQL("p.team <> '' AND p.team = ANY({})").format(placeholders.add(list(scope.teams))))
    for one in only:
        value = one.key.of_pod(placeholders)
        wanted.append(sql.SQL("{} = ANY({})").format(value, placeholders.add(list(one.values))))
    return sql.SQL(" AND ").join(wanted)


def _bills(query: ClusterQuery, placeholders: Placeholders) -> sql.Composed:
    converted = bool(query.currency)
    wanted = placeholders.add(query.currency)
    rates = sql.SQL(
        "LEFT JOIN costs_exchangerate rate ON rate.currency = k.billing_currency AND rate.reporting_currency = {}"
        " AND rate.month = date_trunc('month', f.day::timestamp)::date"
    ).format(wanted)
    factor = sql.SQL("CASE WHEN k.billing_currency = {} THEN 1 ELSE rate.rate END").format(wanted)
    return sql.SQL(read_sql("clusters", "bills")).format(
        first=placeholders.add(query.period.first),
        last=placeholders.add(query.period.last),
        cost=query.metric.column,
        currency=sql.SQL("{}::text").format(wanted) if converted else sql.SQL("k.billing_currency"),
        factor=factor if converted else sql.SQL("1"),
        no_rate=sql.SQL("({}) IS NULL").format(factor) if converted else sql.SQL("FALSE"),
        rates=rates if converted else sql.SQL(""),
    )


def _refuse_missing_rate(query: ClusterQuery, *, scope: Scope) -> None:
    """A bill that cannot be converted is not left out: the question cannot be answered. That of a node on which a scope
    of teams has no pod is none of its business."""
    if not query.currency:
        return
    placeholders = Placeholders()
    statement = sql.SQL("WITH {} SELECT min(day) FROM {} WHERE no_rate AND {}").format(
        _bills(query, placeholders),
        sql.SQL("bill" if scope.teams is None else "node_bill b"),
        sql.SQL("TRUE" if scope.teams is None else _HAS_POD).format(of_pod=_where((), placeholders, scope=scope)),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, placeholders.values)
        day = cursor.fetchone()[0]
    if day is not None:
        raise NoRateError(
            f"A node is billed in a currency without an exchange rate to {query.currency} in {day:%B %Y}: enter it"
            " under Settings, or ask for currency=billing.",
            field="currency",
        )


def _line(*row: Any) -> ClusterLine:
    currency, keys, day, is_idle, cost, cpu, memory, gpu = row
    return ClusterLine(tuple(keys), day, currency, cost, is_idle, cpu, memory, gpu)
