"""Stacked bars of cost over time as plain rectangles, for a picture that needs no script."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final, Self

from apps.core import money
from apps.costs.sections import Bucket, Section

WIDTH: Final = 10  # of one bar with its gap; heights are in per cent of the whole
MOST_BARS: Final = 130
STEPS: Final = tuple(Decimal(step) for step in ("1", "2", "2.5", "5", "10"))
ROUND: Final = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A part of a bar: one line's cost in one bucket. `y` and `height` in per cent from the top."""

    x: int
    y: Decimal
    height: Decimal
    colour: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A grid line and its amount; `top` in per cent."""

    top: Decimal
    text: str


@dataclass(frozen=True, slots=True)
class Bars:
    """The picture: `width` units wide, 100 high."""

    width: int
    rectangles: list[Rectangle]
    ticks: list[Tick]
    partial_x: int | None
    labels: list[str]


@dataclass(frozen=True, slots=True)
class Scale:
    """The axis: from `lowest` to `highest`, a line every `step`; zero is always on it."""

    step: Decimal
    lowest: Decimal
    highest: Decimal

    @classmethod
    def of(cls, buckets: Sequence[Bucket]) -> Self:
        """Round numbers around everything that is stacked, in about four steps."""
        highest = max(sum((cost for cost in bucket.costs if cost and cost > 0), Decimal(0)) for bucket in buckets)
        lowest = min(sum((cost for cost in bucket.costs if cost and cost < 0), Decimal(0)) for bucket in buckets)
        rough = (highest - lowest) / 4 or Decimal(1)
        unit = Decimal(1).scaleb(rough.adjusted())
        step = next(unit * one for one in STEPS if unit * one >= rough)
        below = (lowest / step).to_integral_value(ROUND_FLOOR)
        above = (highest / step).to_integral_value(ROUND_CEILING)
        return cls(step, below * step, above * step or step)

    def top(self, amount: Decimal) -> Decimal:
        """Where the amount is, in per cent from the top."""
        return ((self.highest - amount) * 100 / (self.highest - self.lowest)).quantize(ROUND)

    def ticks(self, currency: str) -> list[Tick]:
        """The lines with their amounts, from the lowest."""
        count = int((self.highest - self.lowest) / self.step)
        amounts = [self.lowest + self.step * number for number in range(count + 1)]
        return [Tick(self.top(amount), money.axis_money(amount, currency)) for amount in amounts]


def bars(section: Section) -> Bars | None:
    """The section's buckets as stacked bars; None where there are too few or too many to be read."""
    if not 2 <= len(section.buckets) <= MOST_BARS:
        return None
    scale = Scale.of(section.buckets)
    colours = [line.colour for line in section.lines]
    partial = next((index for index, bucket in enumerate(section.buckets) if bucket.is_partial), None)
    return Bars(
        width=WIDTH * len(section.buckets),
        rectangles=[
            rectangle
            for index, bucket in enumerate(section.buckets)
            for rectangle in _stack(bucket, colours, index * WIDTH + 1, scale)
        ],
        ticks=scale.ticks(section.currency),
        partial_x=None if partial is None else partial * WIDTH,
        labels=_labels(section.buckets),
    )


def _stack(bucket: Bucket, colours: Sequence[str], x: int, scale: Scale) -> Iterator[Rectangle]:
    """Costs on top of each other from zero up, credits from zero down."""
    up = down = Decimal(0)
    for cost, colour in zip(bucket.costs, colours, strict=True):
        if not cost:
            continue
        start = up if cost > 0 else down
        tops = scale.top(start), scale.top(start + cost)
        yield Rectangle(x, min(tops), abs(tops[0] - tops[1]), colour)
        if cost > 0:
            up += cost
        else:
            down += cost


def _labels(buckets: Sequence[Bucket]) -> list[str]:
    """Words under the first, the middle and the last bar."""
    chosen = (buckets[0], buckets[(len(buckets) - 1) // 2], buckets[-1])
    return [money.day(bucket.first, year=bucket.first.year != buckets[-1].first.year) for bucket in chosen]
