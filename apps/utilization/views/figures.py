"""What GPUs cost as their page shows it: totals that add up to the bill, days as a chart, and teams."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from apps.core.charts import Figure, bar_trace, figure, money_axis, month_lines, stack_ends, total_trace, with_note
from apps.core.periods import Period
from apps.costs.dimensions import Dimension
from apps.costs.labels import namer
from apps.utilization.queries import CostRow, Money
from apps.utilization.views.controls import Asked, PageAddress

MOST_DAYS: Final = 92
"""With more, bars are too thin to be pointed at."""
FEW_DAYS: Final = 10
PARTS: Final = (
    ("used", "Used", "var(--c1)"),
    ("idle", "Idle", "var(--c2)"),
    ("unallocated", "Unallocated", "var(--c-other)"),
    ("unmeasured", "Not measured", "var(--axis)"),
)
TEAM: Final = Dimension("team")
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class TeamRow:
    """A team with what its GPUs cost; without a url where choosing it leads nowhere."""

    name: str
    url: str
    money: Money
    share: Decimal | None  # of its cost: idle and unallocated

    @property
    def bar(self) -> Decimal:
        """The share as the length of its bar in per cent."""
        return min(max(self.share or Decimal(0), Decimal(0)), Decimal(1)) * 100


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the bill: its name, colour, amount and share."""

    name: str
    title: str
    colour: str
    amount: Decimal
    share: Decimal | None


@dataclass(frozen=True, slots=True)
class Shown:
    """The answer in one currency."""

    currency: str
    money: Money
    days: list[tuple[date, Money]]
    teams: list[TeamRow]
    figure: Figure | None
    mean_day: Decimal

    @property
    def allocated(self) -> Decimal:
        """What GPUs cost while somebody held them."""
        return self.money.used + self.money.idle

    @property
    def parts(self) -> list[Part]:
        """The parts that add up to the bill; one that is nothing is left out, but for the first three."""
        whole = self.money.cost
        return [
            Part(name, title, colour, amount, amount / whole if whole > 0 else None)
            for name, title, colour in PARTS
            if (amount := getattr(self.money, name)) or name != "unmeasured"
        ]

    @property
    def chart_id(self) -> str:
        """The name of its figure on the page."""
        return f"gpus-{self.currency}"


def shown(costs: list[CostRow], asked: Asked, address: PageAddress, changes_from: date | None) -> list[Shown]:
    """The costs by day and team, currency by currency, the dearest first."""
    by_currency: dict[str, list[CostRow]] = defaultdict(list)
    for row in costs:
        by_currency[row.money.currency].append(row)
    name = namer()
    found = []
    for currency, rows in by_currency.items():
        days = _by_day(rows, asked.period, currency)
        whole = added(currency, (row.money for row in rows))
        teams = [
            TeamRow(
                name(TEAM, team) if team else "Nobody's",
                address.path(team=team, page="", list="") if team else "",
                money,
                (money.idle + money.unallocated) / money.cost if money.cost > 0 else None,
            )
            for team, money in _by_team(rows, currency)
        ]
        drawn = _figure(days, asked.period, currency, changes_from) if 1 < asked.period.days <= MOST_DAYS else None
        found.append(Shown(currency, whole, days, teams, drawn, whole.cost / max(asked.period.days, 1)))
    return sorted(found, key=lambda one: -one.money.cost)


def added(currency: str, parts: Iterable[Money]) -> Money:
    """Amounts of one currency, added up part by part."""
    amounts = [[getattr(part, field.name) for field in fields(Money)[1:]] for part in parts]
    return Money(currency, *(sum(column, Decimal(0)) for column in zip(*amounts, strict=True)))


def _by_day(rows: Sequence[CostRow], period: Period, currency: str) -> list[tuple[date, Money]]:
    """Every day of the period, those without cost too."""
    by_day: dict[date, list[Money]] = defaultdict(list)
    for row in rows:
        by_day[row.keys[0]].append(row.money)
    nothing = Money(currency, *[Decimal(0)] * 5)
    days = (period.first + _DAY * number for number in range(period.days))
    return [(day, added(currency, by_day[day]) if day in by_day else nothing) for day in days]


def _by_team(rows: Sequence[CostRow], currency: str) -> list[tuple[str, Money]]:
    """Teams, those with most idle and unallocated cost first."""
    by_team: dict[str, list[Money]] = defaultdict(list)
    for row in rows:
        by_team[row.keys[1]].append(row.money)
    found = [(team, added(currency, money)) for team, money in by_team.items()]
    return sorted(found, key=lambda one: (-(one[1].idle + one[1].unallocated), one[0]))


def _figure(days: Sequence[tuple[date, Money]], period: Period, currency: str, changes_from: date | None) -> Figure:
    """Stacked bars by day: used, idle, unallocated, and not measured where there is any."""
    dates = [day for day, _ in days]
    unsettled = [changes_from is not None and day >= changes_from for day in dates]
    series = [(title, colour, [getattr(money, name) for _, money in days]) for name, title, colour in PARTS]
    series = [one for one in series if any(one[2])]
    bars = [
        bar_trace(title, dates, amounts, currency=currency, colour=colour, unsettled=unsettled)
        for title, colour, amounts in series
    ]
    amounts = [one[2] for one in series]
    total = total_trace(dates, [money.cost for _, money in days], currency=currency)
    axis: Figure = {"hoverformat": "%a %-d %b %Y"}
    if len(dates) <= FEW_DAYS:
        axis["tickvals"] = [str(day) for day in dates]  # by itself the axis would name the middle of days too
    layout: Figure = {
        "xaxis": axis,
        "yaxis": money_axis(stack_ends(amounts), currency),
        "shapes": month_lines(period.first, period.last),
    }
    return figure(
        [*bars, with_note(total, unsettled, "may still change")],
        layout,
        {} if "tickvals" in axis else {"xaxis": {"nticks": 4}},
    )
