"""What GPUs cost while nobody computed with them: the days of the overview beside those that it compares with."""

from collections import defaultdict
from collections.abc import Iterable
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
from apps.utilization.queries import By, CostRow, Gpus, gpu_costs

WIDTH: Final = 84
HEIGHT: Final = 20
_EDGE: Final = 2


@dataclass(frozen=True, slots=True)
class IdleRow:
    """A team's cost of GPUs that did not compute, in both periods; `trend` are the points of its line by day."""

    name: str
    url: str
    cost: Decimal
    previous: Decimal | None
    trend: str


@dataclass(frozen=True, slots=True)
class IdleCost:
    """The same of all teams in one currency. `cost` is idle and unallocated; `whole` is the bill of the GPUs.

    `previous` is None where not every day of that period was measured; `since` is then the first day that was.
    """

    cost: Decimal
    previous: Decimal | None
    since: date | None
    idle: Decimal
    unallocated: Decimal
    whole: Decimal
    rows: list[IdleRow]
    url: str

    @property
    def share(self) -> Decimal | None:
        """The part of the bill; None without one."""
        return self.cost / self.whole if self.whole > 0 else None


def idle_costs(shown: Overview, *, team: str, name: Namer, currency: str, scope: Scope) -> dict[str, IdleCost]:
    """By currency, where there are GPUs with a bill; amounts as billed where the overview's are."""
    whole = Period(min(shown.compare.first, shown.period.first), shown.period.last)
    wanted = "" if shown.note else currency
    try:
        rows = gpu_costs(whole, Gpus(team=team), by=(By.DAY, By.TEAM), currency=wanted, scope=scope)
    except MissingRateError:
        rows = gpu_costs(whole, Gpus(team=team), by=(By.DAY, By.TEAM), scope=scope)
    by_currency: dict[str, list[CostRow]] = defaultdict(list)
    for row in rows:
        by_currency[row.money.currency].append(row)
    return {one: _of_currency(some, shown, team, name) for one, some in by_currency.items()}


def _of_currency(rows: list[CostRow], shown: Overview, team: str, name: Namer) -> IdleCost:
    now = [row for row in rows if _is_in(row, shown.period)]
    before = [row for row in rows if _is_in(row, shown.compare)]
    measured = {row.keys[0] for row in rows if row.money.cost != row.money.unmeasured}
    is_known = len({row.keys[0] for row in before} & measured) == shown.compare.days
    teams = sorted({row.keys[1] for row in now})
    told = [_row(one, now, before if is_known else None, shown.period, name) for one in teams]
    return IdleCost(
        cost=_lost(now),
        previous=_lost(before) if is_known else None,
        since=None if is_known else min(measured, default=None),
        idle=sum((row.money.idle for row in now), Decimal(0)),
        unallocated=sum((row.money.unallocated for row in now), Decimal(0)),
        whole=sum((row.money.cost for row in now), Decimal(0)),
        rows=sorted((row for row in told if row.cost), key=lambda row: (-row.cost, row.name)),
        url=_url(shown.period, team),
    )


def _row(team: str, now: list[CostRow], before: list[CostRow] | None, period: Period, name: Namer) -> IdleRow:
    own = [row for row in now if row.keys[1] == team]
    return IdleRow(
        name=name(TEAM, team) if team else "Nobody's",
        url=_url(period, team) if team else "",
        cost=_lost(own),
        previous=None if before is None else _lost(row for row in before if row.keys[1] == team),
        trend=_trend(own, period),
    )


def _lost(rows: Iterable[CostRow]) -> Decimal:
    return sum((row.money.idle + row.money.unallocated for row in rows), Decimal(0))


def _is_in(row: CostRow, period: Period) -> bool:
    day: date = row.keys[0]
    return period.first <= day <= period.last


def _trend(rows: list[CostRow], period: Period) -> str:
    """A line through the days from zero up, as points of an SVG; empty for a single day."""
    costs = {row.keys[0]: row.money.idle + row.money.unallocated for row in rows}
    days = [costs.get(period.first + timedelta(days=number), Decimal(0)) for number in range(period.days)]
    highest = max(days, default=Decimal(0))
    if len(days) < 2 or highest <= 0:
        return ""
    step = Decimal(WIDTH - 2 * _EDGE) / (len(days) - 1)
    points = (
        (_EDGE + step * place, HEIGHT - _EDGE - (HEIGHT - 2 * _EDGE) * max(cost, Decimal(0)) / highest)
        for place, cost in enumerate(days)
    )
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _url(period: Period, team: str) -> str:
    given = {"start": str(period.first), "end": str(period.last)} | ({"team": team} if team else {})
    return f"/gpus/?{urlencode(given)}"
