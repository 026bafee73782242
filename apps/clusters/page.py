"""The answer as its page shows it: tiles, named rows with the way to what they consist of, and the chart."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from typing import Final
from urllib.parse import urlencode

from apps.clusters.charts import COLOURS, GREY, IDLE, colours, daily_figure
from apps.clusters.dimensions import NAMES, Key
from apps.clusters.queries import ClusterCosts, ClusterQuery, Idle, Only, add_up
from apps.clusters.table import Row, table
from apps.clusters.wording import NEXT, label, value_name
from apps.core.charts import Figure
from apps.costs.lists import joined_values
from apps.costs.views.controls import Choice, Stretch

PATH: Final = "/clusters/"
ROWS: Final = 50
MOST_IDLE: Final = 10
MOST_DAYS: Final = 92
"""With more, bars are too thin to be pointed at."""


class Address:
    """The parameters of the page; every change gives another address."""

    def __init__(self, parameters: Mapping[str, str]) -> None:
        self.parameters = {name: value for name, value in parameters.items() if value}

    def path(self, path: str = PATH, **changes: str) -> str:
        """The address with other values; an empty one leaves its parameter out."""
        return self.with_(changes, path)

    def with_(self, changes: Mapping[str, str], path: str = PATH) -> str:
        """The same for names that are no identifiers."""
        merged = {**self.parameters, **changes}
        query = urlencode({name: value for name, value in merged.items() if value}, safe="[],:/")
        return f"{path}?{query}" if query else path

    def besides(self, *names: str) -> list[tuple[str, str]]:
        """What a form carries along that decides the others."""
        return [(name, value) for name, value in self.parameters.items() if name not in names]


@dataclass(frozen=True, slots=True)
class ShownRow:
    """A row with its name, and where what it consists of is to be seen (empty for a pod, the rest and idle)."""

    row: Row
    name: str
    detail: str
    url: str
    colour: str
    share: Decimal | None

    @property
    def bar(self) -> Decimal:
        """The share as the length of its bar in per cent."""
        return min(max(self.share or Decimal(0), Decimal(0)), Decimal(1)) * 100

    @property
    def hours(self) -> list[Decimal]:
        """Core, GiB and GPU hours, to a tenth."""
        amounts = (self.row.cpu_core_hours, self.row.memory_gib_hours, self.row.gpu_hours)
        return [amount.quantize(Decimal("0.1"), ROUND_HALF_UP) for amount in amounts]


@dataclass(frozen=True)
class Shown:
    """The answer in one currency."""

    costs: ClusterCosts
    currency: str
    address: Address
    teams: Mapping[str, str]
    changes_from: date | None

    @property
    def has_unsettled(self) -> bool:
        """Whether a day of the chart may still change."""
        return self.changes_from is not None and self.costs.query.period.last >= self.changes_from

    @cached_property
    def total(self) -> Decimal:
        """The bills of the nodes, or the part that was asked for."""
        return self.costs.total(self.currency)

    @cached_property
    def allocated(self) -> Decimal:
        """What pods had of it."""
        return self.costs.total(self.currency, idle=False)

    @cached_property
    def idle(self) -> Decimal:
        """What nobody had of it."""
        return self.costs.total(self.currency, idle=True)

    @property
    def idle_share(self) -> Decimal | None:
        """Idle as a part of all; None without a positive bill."""
        return self.idle / self.total if self.total > 0 else None

    @cached_property
    def has_gpus(self) -> bool:
        """Whether any pod had a GPU."""
        return any(row.row.gpu_hours for row in self.rows)

    @cached_property
    def rows(self) -> list[ShownRow]:
        """The dearest groups, the rest, and idle."""
        own = _with_idle_in_short([row for row in table(self.costs, limit=ROWS) if row.currency == self.currency])
        named = colours([row.keys for row in own if not row.is_idle and not row.is_rest])
        return [self._shown(row, named) for row in own]

    @cached_property
    def figure(self) -> Figure | None:
        """The days; None where there is only one, or where they are too many."""
        period = self.costs.query.period
        if not 1 < period.days <= MOST_DAYS or not self.costs.lines:
            return None
        dearest = [row for row in self.rows if not row.row.is_idle and not row.row.is_rest][:COLOURS]
        by_day = [row for row in table(self.costs, limit=None, by_day=True) if row.currency == self.currency]
        names = {one.row.keys: one.name for one in dearest}
        return daily_figure(by_day, names, period, currency=self.currency, changes_from=self.changes_from)

    @property
    def chart_id(self) -> str:
        """The name of its figure on the page."""
        return f"chart-{self.currency}"

    @cached_property
    def days(self) -> list[tuple[date, Decimal, Decimal]]:
        """Each day with what pods had and what was idle."""
        found: dict[date, list[Decimal]] = {}
        for line in self.costs.lines:
            if line.currency == self.currency and line.day:
                found.setdefault(line.day, [Decimal(0), Decimal(0)])[line.is_idle] += line.cost
        return [(day, both[0], both[1]) for day, both in sorted(found.items())]

    def _shown(self, row: Row, named: Mapping[tuple[str | None, ...], str]) -> ShownRow:
        share = row.cost / self.total if self.total > 0 else None
        keys = self.costs.query.group_by
        if row.is_rest and not row.is_idle:
            return ShownRow(row, f"Other ({row.groups:,})", "", "", GREY, share)
        told = [
            value_name(key, value, self.teams) for key, value in zip(keys, row.keys, strict=True) if value is not None
        ]
        if row.is_idle:
            detail = f"of {row.groups:,} groups" if row.is_rest else ", ".join(told)
            return ShownRow(row, "Idle", detail, "", IDLE, share)
        name = told[0] if told else "All pods"
        return ShownRow(row, name, ", ".join(told[1:]), self._inside(row), named[row.keys], share)

    def _inside(self, row: Row) -> str:
        keys = self.costs.query.group_by
        following = NEXT.get(keys[-1].name, "workload" if keys[-1].label else "") if keys else "namespace"
        if not following:
            return ""
        filters = {
            f"filter[{key.name}]": joined_values([value or ""]) for key, value in zip(keys, row.keys, strict=True)
        }
        return self.address.with_({**filters, "group_by": following})


def _with_idle_in_short(rows: list[Row]) -> list[Row]:
    """The rows with idle as one, where it is told apart by more nodes or clusters than a page should list."""
    idle = [row for row in rows if row.is_idle]
    if len(idle) <= MOST_IDLE:
        return rows
    whole = replace(idle[0], keys=(None,) * len(idle[0].keys), cost=add_up(row.cost for row in idle), groups=len(idle))
    return [*(row for row in rows if not row.is_idle), whole]


@dataclass(frozen=True, slots=True)
class Controls:
    """What the page is steered with."""

    group_by: list[Choice]
    metric: list[Choice]
    idle: list[Choice]
    filters: list[Stretch]
    hidden: list[tuple[str, str]]


def controls(query: ClusterQuery, address: Address, labels: list[str], teams: Mapping[str, str]) -> Controls:
    """The controls as this question sets them."""
    now = joined_values(key.name for key in query.group_by)
    offered = [*NAMES, *(f"label:{name}" for name in labels)]
    groups = [(joined_values([name]), label(Key(name))) for name in offered]
    if query.group_by and now not in dict(groups):
        groups.append((now, ", ".join(map(label, query.group_by))))
    return Controls(
        group_by=_choices(groups, now),
        metric=_choices([("effective", "Amortised"), ("billed", "Billed")], query.metric),
        idle=_choices([(Idle.OWN, "On its own line"), (Idle.SHARED, "Borne by the pods")], query.idle),
        filters=[_chip(one, address, teams) for one in query.only],
        hidden=address.besides("group_by", "metric", "idle"),
    )


def _choices(options: list[tuple[str, str]], chosen: str) -> list[Choice]:
    return [Choice(value, text, value == chosen) for value, text in options]


def _chip(one: Only, address: Address, teams: Mapping[str, str]) -> Stretch:
    """A filter that is on, and the address without it, which groups by it again."""
    values = ", ".join(value_name(one.key, value, teams) for value in one.values)
    url = address.with_({f"filter[{one.key.name}]": "", "group_by": joined_values([one.key.name])})
    return Stretch(label(one.key), values, url, is_chosen=True)
