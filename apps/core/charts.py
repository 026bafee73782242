"""Figures of charts: plain dicts in Plotly's form, with colours by token name and texts by the one formatter."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from itertools import pairwise
from os.path import commonprefix
from typing import Any, Final, Self

from apps.core import money

Figure = dict[str, Any]
"""`data`, `layout`, and in `narrow` what the layout has otherwise on a narrow screen."""

Trace = dict[str, Any]

MOST_ROWS: Final = 10
"""Rows in the box that a chart shows for one day: what is beyond has to be summed in an "Other" first."""

LAYOUT: Final = {"barmode": "relative", "bargap": 0.22, "legend": {"traceorder": "normal"}}
NARROW: Final = {"bargap": 0.15, "margin": {"l": 44, "r": 8}}
SHARE_AXIS: Final = {
    "range": [0, 1.03],
    "tickvals": [0, 0.25, 0.5, 0.75, 1],
    "ticktext": ["0%", "25%", "50%", "75%", "100%"],
}
_STEPS: Final = tuple(Decimal(step) for step in ("1", "2", "2.5", "5", "10"))
_DAY: Final = timedelta(days=1)
_DAY_IN_MS: Final = 86_400_000
_HEADROOM: Final = Decimal("0.03")
_SPARSE: Final = 0.35
_DENSE: Final = 0.7
"""How much of a hatched bar is ink: of one that is not whole, and of one that is and may still change."""


@dataclass(frozen=True, slots=True)
class Scale:
    """A money axis: from `lowest` to `highest`, a line every `step`; zero is always on it."""

    step: Decimal
    lowest: Decimal
    highest: Decimal

    @classmethod
    def of(cls, amounts: Iterable[Decimal]) -> Self:
        """Round numbers around all amounts, in about four steps."""
        ends = [Decimal(0), *amounts]
        rough = (max(ends) - min(ends)) / 4 or Decimal(1)
        unit = Decimal(1).scaleb(rough.adjusted())
        step = next(unit * one for one in _STEPS if unit * one >= rough)
        below = (min(ends) / step).to_integral_value(ROUND_FLOOR)
        above = (max(ends) / step).to_integral_value(ROUND_CEILING)
        return cls(step, below * step, above * step or step)

    @property
    def lines(self) -> list[Decimal]:
        """The amounts at which there is a line, from the lowest."""
        count = int((self.highest - self.lowest) / self.step)
        return [self.lowest + self.step * number for number in range(count + 1)]


def figure(data: Sequence[Trace], layout: Figure | None = None, narrow: Figure | None = None) -> Figure:
    """A chart of these traces, stacked from the bottom; `layout` and `narrow` add to what all charts share."""
    rows = [trace for trace in data if trace.get("hoverinfo") != "skip"]
    if len(rows) > MOST_ROWS:
        raise ValueError(f"{len(rows)} traces are too many to read at once. Sum all but {MOST_ROWS - 1} as Other.")
    return {"data": list(data), "layout": {**LAYOUT, **(layout or {})}, "narrow": {**NARROW, **(narrow or {})}}


def bar_trace(
    name: str,
    dates: Sequence[date],
    amounts: Sequence[Decimal | None],
    *,
    currency: str,
    colour: str,
    partial: bool | Sequence[bool] = False,
    unsettled: Sequence[bool] = (),
    links: Sequence[str] | None = None,
) -> Trace:
    """Bars of amounts, stacked on those of the traces before; nothing is drawn or said where there is none or zero.

    `partial` hatches bars whose day, week or month is not over or not whole: the last one, or those that it says.
    `unsettled` bars, whose costs may still change, are hatched more densely. `links` are where the bars lead.
    """
    marker: dict[str, Any] = {"color": colour, "line": {"color": "var(--surface)", "width": 0.75}}
    hatched = [False] * (len(dates) - 1) + [partial] if isinstance(partial, bool) else partial
    shaded = unsettled or [False] * len(dates)
    if any(hatched) or any(shaded):
        both = list(zip(hatched, shaded, strict=True))
        marker["pattern"] = {
            "shape": ["/" if one or other else "" for one, other in both],
            "fillmode": "replace",
            "size": 5,
            "solidity": [_SPARSE if one else _DENSE for one, _ in both],
        }
    shown = [amount or None for amount in amounts]
    return {"type": "bar", **_points(name, dates, shown, currency, links), "marker": marker}


def line_trace(
    name: str,
    dates: Sequence[date],
    amounts: Sequence[Decimal | None],
    *,
    currency: str,
    colour: str,
    width: float = 2,
    dash: str = "solid",
    links: Sequence[str] | None = None,
) -> Trace:
    """A line through amounts, broken where there is none. `dash` is for what is not measured, such as a forecast."""
    line = {"color": colour, "width": width, "dash": dash}
    return {"type": "scatter", "mode": "lines", **_points(name, dates, amounts, currency, links), "line": line}


def share_trace(
    name: str,
    dates: Sequence[date],
    shares: Sequence[float | None],
    *,
    colour: str,
    width: float = 2,
    dash: str = "solid",
) -> Trace:
    """A line through shares of 0 to 1, broken where there is none; it goes with SHARE_AXIS."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": _literal(name),
        **_dates(dates),
        "y": [None if share is None else round(share, 4) for share in shares],
        "hovertext": ["" if share is None else f"{share:.0%}" for share in shares],
        "hovertemplate": "%{hovertext}",
        "line": {"color": colour, "width": width, "dash": dash},
    }


def total_trace(
    dates: Sequence[date],
    amounts: Sequence[Decimal | None],
    *,
    currency: str,
    links: Sequence[str] | None = None,
) -> Trace:
    """What the bars of a date add up to: drawn as nothing, the last row of the box. It goes behind the other traces."""
    return {"type": "scatter", "mode": "none", **_points("Total", dates, amounts, currency, links)}


def money_axis(amounts: Iterable[Decimal], currency: str) -> dict[str, Any]:
    """An axis with room for all amounts (of stacked bars: their `stack_ends`) and round amounts beside its lines."""
    scale = Scale.of(amounts)
    room = (scale.highest - scale.lowest) * _HEADROOM
    return {
        "range": [_place(scale.lowest - (room if scale.lowest else 0)), _place(scale.highest + room)],
        "tickvals": [_place(line) for line in scale.lines],
        "ticktext": [money.axis_money(line, currency) for line in scale.lines],
    }


def stack_ends(series: Iterable[Sequence[Decimal | None]]) -> list[Decimal]:
    """How far each stack of bars reaches above zero, and below it with credits."""
    stacks = [[amount for amount in stack if amount] for stack in zip(*series, strict=True)]
    above = [sum((amount for amount in stack if amount > 0), Decimal(0)) for stack in stacks]
    below = [sum((amount for amount in stack if amount < 0), Decimal(0)) for stack in stacks]
    return above + below


def with_note(trace: Trace, noted: Sequence[bool], note: str) -> Trace:
    """The trace with `note` behind its words where `noted` says so."""
    texts = zip(trace["hovertext"], noted, strict=True)
    return trace | {"hovertext": [f"{text}, {note}" if text and one else text for text, one in texts]}


def month_lines(first: date, last: date) -> list[dict[str, Any]]:
    """Fine lines between the calendar months of a chart by day: between its bars, half a day before each 1st."""
    days = (first + _DAY * number for number in range(1, (last - first).days + 1))
    starts = [f"{day - _DAY}T12:00" for day in days if day.day == 1]
    line = {"color": "var(--axis)", "width": 1}
    return [
        {"type": "line", "xref": "x", "yref": "paper", "x0": start, "x1": start, "y0": 0, "y1": 1, "line": line}
        for start in starts
    ]


def week_starts(firsts: Sequence[date], most: int) -> dict[str, Any]:
    """An axis whose dates are first days of weeks, at most so many of them: by itself it would name other days."""
    return {"tick0": str(firsts[0]), "dtick": 7 * _DAY_IN_MS * -(-len(firsts) // most)}


def _points(
    name: str, dates: Sequence[date], amounts: Sequence[Decimal | None], currency: str, links: Sequence[str] | None
) -> Trace:
    trace: Trace = {
        "name": _literal(name),
        **_dates(dates),
        "y": [None if amount is None else _place(amount) for amount in amounts],
        "hovertext": ["" if amount is None else money.money(amount, currency) for amount in amounts],
        "hovertemplate": "%{hovertext}",
    }
    return trace | {"meta": _links(links)} if links else trace


def _links(links: Sequence[str]) -> dict[str, Any]:
    """The links without the text that all of them begin and end with, which is written once."""
    start = commonprefix(links)  # noqa: RUF071 - character by character, as texts
    rest = [link.removeprefix(start) for link in links]
    end = commonprefix([link[::-1] for link in rest])[::-1]  # noqa: RUF071
    return {"links": [link.removesuffix(end) for link in rest], "around": [start, end]}


def _literal(name: str) -> str:
    """A name that somebody else wrote: Plotly takes what stands between angle brackets for HTML."""
    return name.replace("&", "&amp;").replace("<", "&lt;")


def _dates(dates: Sequence[date]) -> Trace:
    """The dates, or when they are evenly spaced only the first and the step: a third of the figure's size."""
    steps = {later - earlier for earlier, later in pairwise(dates)}
    if len(dates) > 2 and len(steps) == 1:
        return {"x0": str(dates[0]), "dx": steps.pop().days * _DAY_IN_MS}
    return {"x": [str(day) for day in dates]}


def _place(amount: Decimal) -> float:
    """Where an amount is drawn: the one use of a float, with more digits than a screen has pixels."""
    return float(f"{amount:.6g}")
