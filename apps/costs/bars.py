"""Stacked bars of cost over time as plain rectangles, for a picture that needs no script."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

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


def bars(section: Section) -> Bars | None:
    """The section's buckets as stacked bars; None where there are too few or too many to be read."""
    if not 2 <= len(section.buckets) <= MOST_BARS:
        return None
    step, lowest, highest = _scale(section.buckets)
    span = highest - lowest
    place = lambda amount: ((highest - amount) * 100 / span).quantize(ROUND)  # noqa: E731
    colours = [line.colour for line in section.lines]
    rectangles = []
    for index, bucket in enumerate(section.buckets):
        up = down = Decimal(0)
        for cost, colour in zip(bucket.costs, colours, strict=True):
            if not cost:
                continue
            start = up if cost > 0 else down
            rectangles.append(_rectangle(index, place(start), place(start + cost), colour))
            up, down = (up + cost, down) if cost > 0 else (up, down + cost)
    count = int(span / step)
    ticks = [
        Tick(place(lowest + step * number), money.axis_money(lowest + step * number, section.currency))
        for number in range(count + 1)
    ]
    partial = next((index for index, bucket in enumerate(section.buckets) if bucket.is_partial), None)
    return Bars(
        width=WIDTH * len(section.buckets),
        rectangles=rectangles,
        ticks=ticks,
        partial_x=None if partial is None else partial * WIDTH,
        labels=_labels(section.buckets),
    )


def _rectangle(index: int, start: Decimal, end: Decimal, colour: str) -> Rectangle:
    return Rectangle(index * WIDTH + 1, min(start, end), abs(end - start), colour)


def _scale(buckets: tuple[Bucket, ...]) -> tuple[Decimal, Decimal, Decimal]:
    """A round step, and the lowest and highest line of the axis; zero is always on it."""
    highest = max(sum((cost for cost in bucket.costs if cost and cost > 0), Decimal(0)) for bucket in buckets)
    lowest = min(sum((cost for cost in bucket.costs if cost and cost < 0), Decimal(0)) for bucket in buckets)
    rough = (highest - lowest) / 4 or Decimal(1)
    unit = Decimal(1).scaleb(rough.adjusted())
    step = next(unit * one for one in STEPS if unit * one >= rough)
    return step, -(-lowest // step) * step, -(-highest // step) * step or step


def _labels(buckets: tuple[Bucket, ...]) -> list[str]:
    """Words under the first, the middle and the last bar."""
    chosen = (buckets[0], buckets[(len(buckets) - 1) // 2], buckets[-1])
    return [money.day(bucket.first, year=bucket.first.year != buckets[-1].first.year) for bucket in chosen]
