"""The overview as its page shows it: names, links to the explorer, figures, and the tables below them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import zip_longest
from typing import Final, Self

from apps.core.charts import Figure
from apps.core.periods import Period
from apps.costs.address import Address, drill_down, exports_of
from apps.costs.dimensions import Dimension
from apps.costs.labels import Namer, dimension_label
from apps.dashboards import charts
from apps.dashboards.idle import IdleCost
from apps.dashboards.overview import SERVICE, TEAM, DailyCost, Group, InCurrency, Mover, Overview

CHILDREN: Final = 50
"""Services of each team in the exported table; the rest is in its Other."""


@dataclass(frozen=True, slots=True)
class Row:
    """A group with the way to what it consists of (empty for the rest). `share` is None without a positive total."""

    name: str
    detail: str
    url: str
    cost: Decimal
    previous: Decimal | None
    share: Decimal | None
    drawn: Decimal

    @property
    def bar(self) -> Decimal:
        """The share as the length of its bar in per cent: none for credits."""
        return min(max(self.share or Decimal(0), Decimal(0)), Decimal(1)) * 100


@dataclass(frozen=True, slots=True)
class DayRow:
    """A day of the month beside the one with its number in the month before."""

    now: DailyCost | None
    to_date: Decimal | None
    before: DailyCost | None
    before_to_date: Decimal | None


@dataclass(frozen=True, slots=True)
class MonthRow:
    """A month and the way to its own overview."""

    first: date
    cost: Decimal
    is_partial: bool
    url: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A figure under its name in the page, and what it says."""

    name: str
    figure: Figure
    says: str


@dataclass(frozen=True, slots=True)
class Block:
    """Everything that the page shows in one currency."""

    numbers: InCurrency
    daily: Chart
    cumulative: Chart
    by_month: Chart | None
    days: list[DayRow]
    months: list[MonthRow]
    parts: list[Row]
    services: list[Row]
    movers: list[Row]
    idle: IdleCost | None

    @property
    def before_total(self) -> Decimal:
        """What the whole month before cost."""
        return sum((day.cost for day in self.numbers.before), Decimal(0))

    @property
    def unallocated_share(self) -> Decimal | None:
        """The part of the total that is no team's; None without a positive total."""
        total, part = self.numbers.total.cost, self.numbers.unallocated
        return part / total if part is not None and total > 0 else None

    @property
    def is_partial(self) -> bool:
        """Whether the newest month is not over."""
        return bool(self.months) and self.months[-1].is_partial


@dataclass(frozen=True, slots=True)
class Links:
    """Where tiles and heads lead: always the days that their numbers are of."""

    spend: str
    compared: str
    mean: str
    unallocated: str
    movers: str
    parts: str
    months: str
    exports: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class OverviewPage:
    """The page of an overview. `part` is what cost is split by beside services."""

    shown: Overview
    blocks: list[Block]
    links: Links
    part: str

    @classmethod
    def of(cls, shown: Overview, *, team: str, name: Namer, idle: Mapping[str, IdleCost]) -> Self:
        """The page of `shown`; `idle` is what GPUs cost for nothing, by currency."""
        address = Address({"granularity": "day"}).over(shown.period)
        if team:
            address = address.with_filter(TEAM, [team])
        maker = _Maker(shown, address, name, team, idle)
        return cls(shown, [maker.block(one) for one in shown.currencies], maker.links(), dimension_label(shown.by))


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes the parts of one page."""

    shown: Overview
    address: Address
    name: Namer
    team: str
    idle: Mapping[str, IdleCost]

    def links(self) -> Links:
        by_service = self.address.with_({"group_by": "service"})
        compared = by_service.with_(self._comparison())
        table = compared.with_({"granularity": "none", "group_by": f"{self.shown.by.name},service"})
        months = Period(min(self.shown.choices), self.shown.period.last)
        return Links(
            spend=by_service.path(),
            compared=compared.path(),
            mean=self.address.path(),
            unallocated=by_service.with_filter(TEAM, [""]).path(),
            movers=table.with_({"order_by": "-delta"}).path(),
            parts=self.address.with_({"group_by": self.shown.by.name}).path(),
            months=by_service.over(months).with_({"granularity": "month"}).path(),
            exports=exports_of(table, CHILDREN, called=f"{dimension_label(self.shown.by)} by service"),
        )

    def block(self, one: InCurrency) -> Block:
        months = [self._month(month.first, month.cost, month.is_partial) for month in one.months]
        by_month = charts.by_month(one, [month.url for month in months]) if months else None
        return Block(
            numbers=one,
            daily=Chart(f"daily-{one.currency}", charts.daily(self.shown, one), charts.daily_says(self.shown, one)),
            cumulative=Chart(
                f"cumulative-{one.currency}",
                charts.cumulative(self.shown, one),
                charts.cumulative_says(self.shown, one),
            ),
            by_month=Chart(f"months-{one.currency}", by_month, charts.by_month_says(one)) if by_month else None,
            days=_days(one),
            months=months,
            parts=self._rows(self.shown.by, one.parts, one.total.cost),
            services=self._rows(SERVICE, one.services, one.total.cost),
            movers=[self._mover(mover) for mover in one.movers],
            idle=self.idle.get(one.currency),
        )

    def _rows(self, by: Dimension, groups: Iterable[Group], total: Decimal) -> list[Row]:
        drill = drill_down(self.address.with_(self._comparison()))
        return [
            Row(
                name=_other(one.groups) if one.key is None else self.name(by, one.key),
                detail="",
                url="" if one.key is None else drill([by], [one.key]),
                cost=one.cost,
                previous=one.previous,
                share=one.cost / total if total > 0 else None,
                drawn=Decimal(0),
            )
            for one in groups
        ]

    def _mover(self, mover: Mover) -> Row:
        drill = drill_down(self.address.with_(self._comparison()))
        return Row(
            name=self.name(self.shown.by, mover.part),
            detail=self.name(SERVICE, mover.service),
            url=drill([self.shown.by, SERVICE], [mover.part, mover.service]),
            cost=mover.cost,
            previous=mover.previous,
            share=None,
            drawn=mover.drawn,
        )

    def _comparison(self) -> dict[str, str]:
        return {"compare_start": str(self.shown.compare.first), "compare_end": str(self.shown.compare.last)}

    def _month(self, first: date, cost: Decimal, is_partial: bool) -> MonthRow:
        return MonthRow(first, cost, is_partial, f"/?month={first:%Y-%m}{f'&team={self.team}' if self.team else ''}")


def _days(one: InCurrency) -> list[DayRow]:
    """Both months day below day, each with what it adds up to."""
    days: Sequence[tuple[DailyCost, Decimal]] = list(zip(one.days, charts.running(one.days), strict=True))
    before = list(zip(one.before, charts.running(one.before), strict=True))
    return [DayRow(*now, *then) for now, then in zip_longest(days, before, fillvalue=(None, None))]


def _other(groups: int) -> str:
    return f"Other ({groups:,})" if groups else "Other"
