"""The stories of the demo: what each plot amounts to in the bills, added up while they are written."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

import polars as pl

from apps.core import money
from apps.demo.focus import total
from apps.demo.generator import Bill
from apps.demo.lines import CURRENCY
from apps.demo.plots import PLOTS, Plot
from apps.demo.tables import find

CENT: Final = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Story:
    """Something to be found in the data: the effective cost of `resource_ids` from `start` to `end`, both inclusive.

    `usual` is their cost from `usual_start` to `usual_end`; all three are None where there is nothing to compare with.
    """

    slug: str
    kind: str
    provider: str
    team: str  # slug; empty = unallocated
    service: str  # empty = several
    resource_ids: tuple[str, ...]
    start: date
    end: date
    total: Decimal
    usual_start: date | None
    usual_end: date | None
    usual: Decimal | None
    sentence: str

    @property
    def amount_per_day(self) -> Decimal:
        """The mean of a day, to the cent."""
        return (self.total / ((self.end - self.start).days + 1)).quantize(CENT)

    def as_json(self) -> dict[str, Any]:
        """As JSON knows it: dates in ISO, amounts as exact decimal text."""
        values = asdict(self) | {"resource_ids": list(self.resource_ids), "amount_per_day": self.amount_per_day}
        return {name: _plain(value) for name, value in values.items()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Story":
        """The story that `as_json` wrote down."""
        known = {name: value for name, value in values.items() if name != "amount_per_day"}
        for name in ("start", "end", "usual_start", "usual_end"):
            known[name] = known[name] and date.fromisoformat(known[name])
        for name in ("total", "usual"):
            known[name] = None if known[name] is None else Decimal(known[name])
        return cls(**known | {"resource_ids": tuple(known["resource_ids"])})


@dataclass
class StoryBook:
    """Takes bills one by one; knows the stories when it has seen all of them."""

    first: date  # day of the data
    until: date  # the last one
    _parts: dict[str, list[pl.DataFrame]] = field(default_factory=dict)

    def add(self, bill: Bill) -> None:
        """Note what of the stories stands in this bill."""
        day = pl.col("ChargePeriodStart").dt.date()
        charges = bill.charges.with_columns(
            provider=pl.lit(bill.provider), day=day, age=(pl.lit(self.until) - day).dt.total_days()
        )
        for plot in PLOTS:
            part = charges.filter(plot.matches()).select("ResourceId", "EffectiveCost", "day", "age")
            if part.height:
                self._parts.setdefault(plot.slug, []).append(part)

    def stories(self) -> Iterator[Story]:
        """The stories, in the order in which they are told; without those that began before the data."""
        return (self._story(plot, pl.concat(self._parts[plot.slug])) for plot in PLOTS if self._is_told(plot))

    def _is_told(self, plot: Plot) -> bool:
        """A shorter demo tells what has gone on for long from its first day on, and comparisons only whole."""
        oldest = plot.first_age + plot.usual_before if plot.usual_before else plot.last_age
        return plot.slug in self._parts and self.until - timedelta(days=oldest) >= self.first

    def _story(self, plot: Plot, charges: pl.DataFrame) -> Story:
        happens = charges.filter(plot.in_window())
        start, end = self._day(plot.first_age), self._day(plot.last_age)
        cost, usual = total(happens, "EffectiveCost"), None
        if plot.usual_before:
            usual = total(charges.filter(plot.in_usual_window()), "EffectiveCost")
        amounts = {"total": money.money(cost, CURRENCY), "usual": money.money(usual, CURRENCY)}
        return Story(
            slug=plot.slug,
            kind=plot.kind,
            provider=find("providers", slug=plot.provider)["name"],
            team=plot.team,
            service=plot.service,
            resource_ids=tuple(happens["ResourceId"].unique().sort()),
            start=start,
            end=end,
            total=cost,
            usual_start=self._day(plot.first_age + plot.usual_before) if plot.usual_before else None,
            usual_end=self._day(plot.last_age + plot.usual_before) if plot.usual_before else None,
            usual=usual,
            sentence=plot.sentence.format(days=(end - start).days + 1, **amounts),
        )

    def _day(self, age: int) -> date:
        return max(self.until - timedelta(days=age), self.first)


def _plain(value: object) -> Any:
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, date) else value
