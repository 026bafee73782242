"""What GPUs, machines and databases cost while they did nothing: the days of the overview beside those before."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final
from urllib.parse import urlencode

from apps.accounts.scope import Scope
from apps.core.periods import Period
from apps.costs.labels import Namer
from apps.costs.queries import MissingRateError
from apps.dashboards.overview import TEAM, Overview
from apps.inventory.queries import NOBODY
from apps.utilization.queries import By, CostRow, Gpus, gpu_costs, machine_costs

WIDTH: Final = 84
HEIGHT: Final = 20
_EDGE: Final = 2
_BY: Final = (By.DAY, By.TEAM)


@dataclass(frozen=True, slots=True)
class IdleRow:
    """A team's cost of what did nothing, in both periods; `trend` are the points of its line by day.

    `gpus` and `machines` add up to `cost`; each has its list of what that is at `gpus_url` and `machines_url`.
    """

    name: str
    url: str
    cost: Decimal
    gpus: Decimal
    machines: Decimal
    gpus_url: str
    machines_url: str
    previous: Decimal | None
    trend: str


@dataclass(frozen=True, slots=True)
class IdlePart:
    """All GPUs, or all that is measured by cpu: `cost` of these was idle, `measured` is what it is a part of."""

    cost: Decimal
    measured: Decimal
    unmeasured: Decimal
    url: str

    @property
    def share(self) -> Decimal | None:
        """The part of what was measured; None without any."""
        return self.cost / self.measured if self.measured > 0 else None


@dataclass(frozen=True, slots=True)
class IdleCost:
    """The same of all teams in one currency; a part is None where nothing measures what it is of.

    `previous` is None where not every day of that period was measured; `since` is then the first day that was.
    """

    cost: Decimal
    previous: Decimal | None
    since: date | None
    gpus: IdlePart | None
    machines: IdlePart | None
    rows: list[IdleRow]

    @property
    def parts(self) -> list[tuple[str, IdlePart]]:
        """What there is, with what it is called."""
        both = (("GPUs", self.gpus), ("Machines and databases", self.machines))
        return [(title, part) for title, part in both if part]

    @property
    def both(self) -> bool:
        """Whether there are two parts to tell apart."""
        return len(self.parts) > 1

    @property
    def url(self) -> str:
        """Where all of it is listed."""
        return next(part.url for part in (self.machines, self.gpus) if part)


@dataclass(frozen=True, slots=True)
class _Costs:
    """The costs of GPUs, or of the others, in one currency, by day and team."""

    rows: list[CostRow]
    shown: Overview

    def over(self, period: Period, team: str | None = None) -> list[CostRow]:
        """The rows of a period, of a team where it is given."""
        found = (row for row in self.rows if period.first <= row.keys[0] <= period.last)
        return [row for row in found if team is None or row.keys[1] == team]

    @property
    def measured(self) -> set[date]:
        """Days on which something was measured."""
        return {row.keys[0] for row in self.rows if row.money.cost != row.money.unmeasured}

    @property
    def is_known_before(self) -> bool:
        """Whether every day that is compared with was measured."""
        days = {row.keys[0] for row in self.over(self.shown.compare)}
        return len(days & self.measured) == self.shown.compare.days

    def part(self, url: str) -> IdlePart:
        """All of it in the period of the overview."""
        now = self.over(self.shown.period)
        unmeasured = sum((row.money.unmeasured for row in now), Decimal(0))
        return IdlePart(_lost(now), sum((row.money.cost for row in now), -unmeasured), unmeasured, url)


def idle_costs(shown: Overview, *, team: str, name: Namer, currency: str, scope: Scope) -> dict[str, IdleCost]:
    """By currency, where something is measured that has a bill; amounts as billed where the overview's are."""
    try:
        gpus, machines = _read(shown, team, "" if shown.note else currency, scope)
    except MissingRateError:
        gpus, machines = _read(shown, team, "", scope)
    found = {
        one: _of_currency(_Costs(gpus[one], shown), _Costs(machines[one], shown), team, name)
        for one in {*gpus, *machines}
    }
    return {one: idle for one, idle in found.items() if idle}


def _read(shown: Overview, team: str, currency: str, scope: Scope) -> tuple[dict[str, list[CostRow]], ...]:
    whole = Period(min(shown.compare.first, shown.period.first), shown.period.last)
    gpus = gpu_costs(whole, Gpus(team=team), by=_BY, currency=currency, scope=scope)
    return _by_currency(gpus), _by_currency(machine_costs(whole, by=_BY, team=team, currency=currency, scope=scope))


def _by_currency(rows: Iterable[CostRow]) -> dict[str, list[CostRow]]:
    found: dict[str, list[CostRow]] = defaultdict(list)
    for row in rows:
        found[row.money.currency].append(row)
    return found


def _of_currency(gpus: _Costs, machines: _Costs, team: str, name: Namer) -> IdleCost | None:
    shown = gpus.shown
    known = [one for one, is_there in ((gpus, gpus.rows), (machines, machines.measured)) if is_there]
    if not known:
        return None
    unknown = [min(one.measured, default=None) for one in known if not one.is_known_before]
    rows = [
        _row(one, gpus, machines, is_known=not unknown, name=name)
        for one in sorted({row.keys[1] for costs in known for row in costs.over(shown.period)})
    ]
    return IdleCost(
        cost=sum((_lost(one.over(shown.period)) for one in known), Decimal(0)),
        previous=None if unknown else sum((_lost(one.over(shown.compare)) for one in known), Decimal(0)),
        since=max((day for day in unknown if day), default=None),
        gpus=gpus.part(_gpus_url(shown.period, team)) if gpus in known else None,
        machines=machines.part(_machines_url(team)) if machines in known else None,
        rows=sorted((row for row in rows if row.cost), key=lambda row: (-row.cost, row.name)),
    )


def _row(team: str, gpus: _Costs, machines: _Costs, *, is_known: bool, name: Namer) -> IdleRow:
    period, compare = gpus.shown.period, gpus.shown.compare
    own_gpus, own = gpus.over(period, team), machines.over(period, team)
    machines_url, gpus_url = _machines_url(team or NOBODY), _gpus_url(period, team) if team else ""
    return IdleRow(
        name=name(TEAM, team) if team else "Nobody's",
        url=gpus_url if own_gpus else machines_url,
        cost=_lost(own_gpus) + _lost(own),
        gpus=_lost(own_gpus),
        machines=_lost(own),
        gpus_url=gpus_url,
        machines_url=machines_url,
        previous=_lost([*gpus.over(compare, team), *machines.over(compare, team)]) if is_known else None,
        trend=_trend([*own_gpus, *own], period),
    )


def _lost(rows: Iterable[CostRow]) -> Decimal:
    return sum((row.money.idle + row.money.unallocated for row in rows), Decimal(0))


def _trend(rows: Sequence[CostRow], period: Period) -> str:
    """A line through the days from zero up, as points of an SVG; empty for a single day."""
    costs: dict[date, Decimal] = defaultdict(Decimal)
    for row in rows:
        costs[row.keys[0]] += row.money.idle + row.money.unallocated
    days = [costs[period.first + timedelta(days=number)] for number in range(period.days)]
    highest = max(days, default=Decimal(0))
    if len(days) < 2 or highest <= 0:
        return ""
    step = Decimal(WIDTH - 2 * _EDGE) / (len(days) - 1)
    points = (
        (_EDGE + step * place, HEIGHT - _EDGE - (HEIGHT - 2 * _EDGE) * max(cost, Decimal(0)) / highest)
        for place, cost in enumerate(days)
    )
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _gpus_url(period: Period, team: str) -> str:
    given = {"start": str(period.first), "end": str(period.last)} | ({"team": team} if team else {})
    return f"/gpus/?{urlencode(given)}"


def _machines_url(team: str) -> str:
    return f"/resources/?{urlencode({'order_by': '-idle_cost'} | ({'team': team} if team else {}))}"
