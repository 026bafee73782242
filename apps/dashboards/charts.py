"""The figures of the overview and what each says in a sentence."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import accumulate
from typing import Any, Final

from apps.core import money
from apps.core.charts import Figure, bar_trace, figure, line_trace, money_axis, with_note
from apps.dashboards.overview import DailyCost, InCurrency, Overview

COLOUR: Final = "var(--c1)"
BEFORE: Final = "var(--ink-3)"


def daily(shown: Overview, one: InCurrency) -> Figure:
    """Each day of the month as a bar, today and what may still change hatched; the month before as a line."""
    dates = _dates(shown)
    days = [day.cost for day in one.days]
    name = money.month(shown.month.first)
    bars = bar_trace(name, dates[: len(days)], days, currency=one.currency, colour=COLOUR, unsettled=shown.unsettled)
    data = [with_note(bars, shown.unsettled, "may still change")]
    if one.so_far is not None:
        today = shown.period.last + timedelta(days=1)
        data.append(
            bar_trace("Today so far", [today], [one.so_far], currency=one.currency, colour=COLOUR, partial=True)
        )
    before = [day.cost for day in one.before]
    data.append(_before(shown, one, before))
    amounts = [*days, *before, one.so_far or Decimal(0)]
    return figure(data, _layout(shown, money_axis(amounts, one.currency)), _narrow(shown))


def cumulative(shown: Overview, one: InCurrency) -> Figure:
    """What the complete days of the month add up to, beside the same of the month before."""
    days, before = running(one.days), running(one.before)
    name = money.month(shown.month.first)
    data = [
        line_trace(name, _dates(shown)[: len(days)], days, currency=one.currency, colour=COLOUR, width=2.5),
        _before(shown, one, before),
    ]
    layout = _layout(shown, money_axis([*days, *before], one.currency))
    return figure(data, layout | {"shapes": _shaded(shown)}, _narrow(shown))


def by_month(one: InCurrency, links: list[str]) -> Figure:
    """Thirteen months as bars, the newest hatched while it is not over."""
    dates = [month.first for month in one.months]
    costs = [month.cost for month in one.months]
    partial = bool(one.months) and one.months[-1].is_partial
    bars = bar_trace("Cost", dates, costs, currency=one.currency, colour=COLOUR, partial=partial, links=links)
    # bars of one width, although months have 28 to 31 days
    bars["width"] = 86_400_000 * 22
    axis = {"tickformat": "%b\n%Y", "hoverformat": "%B %Y", "tick0": str(dates[-1]), "dtick": "M1"}
    layout: Figure = {"xaxis": axis, "yaxis": money_axis(costs, one.currency), "margin": {"b": 44}}
    return figure([bars], layout, {"xaxis": {"dtick": "M3"}, "margin": {"b": 44}})


def daily_says(shown: Overview, one: InCurrency) -> str:
    """The chart of days in a sentence."""
    days = money.days(shown.period.first, shown.period.last)
    peak = f"The highest day is {money.day(one.peak.date)} with {money.money(one.peak.cost, one.currency)}."
    return f"Daily spend, {days}: {money.money(one.total.cost, one.currency)} in all. {peak}{_unsettled_says(shown)}"


def _unsettled_says(shown: Overview) -> str:
    count = sum(shown.unsettled)
    return f" The last {money.counted(count, 'day')} may still change." if count else ""


def cumulative_says(shown: Overview, one: InCurrency) -> str:
    """The cumulative chart in a sentence."""
    days = money.days(shown.period.first, shown.period.last)
    so_far, then = money.money(one.total.cost, one.currency), money.money(one.total.previous, one.currency)
    before = money.days(shown.compare.first, shown.compare.last)
    return f"Spend added up over {days} reaches {so_far}. It was {then} over {before}."


def by_month_says(one: InCurrency) -> str:
    """The chart of months in a sentence."""
    first, last = one.months[0], one.months[-1]
    so_far = " so far" if last.is_partial else ""
    return (
        f"Cost by month: {money.money(first.cost, one.currency)} in {money.month(first.first)},"
        f" {money.money(last.cost, one.currency)}{so_far} in {money.month(last.first)}."
    )


def running(days: tuple[DailyCost, ...]) -> list[Decimal]:
    """What the days add up to, day by day."""
    return list(accumulate(day.cost for day in days))


def _dates(shown: Overview) -> list[date]:
    return [shown.month.first + timedelta(days=number) for number in range(shown.month.days)]


def _before(shown: Overview, one: InCurrency, amounts: list[Decimal]) -> dict[str, Any]:
    """The month before, day below day; a 31st that this month has not is not drawn."""
    dates = _dates(shown)[: len(amounts)]
    name = money.month(shown.compare.first)
    return line_trace(name, dates, amounts[: len(dates)], currency=one.currency, colour=BEFORE, width=1.5)


def _layout(shown: Overview, axis: dict[str, Any]) -> Figure:
    ends = [f"{shown.month.first - timedelta(days=1)}T12:00", f"{shown.month.last}T12:00"]
    return {"xaxis": {"range": ends, "tickvals": _ticks(shown, 7)}, "yaxis": axis}


def _narrow(shown: Overview) -> Figure:
    return {"xaxis": {"tickvals": _ticks(shown, 14)}}


def _shaded(shown: Overview) -> list[dict[str, Any]]:
    """Behind a line: the days that may still change."""
    count = sum(shown.unsettled)
    ends = {
        "x0": f"{shown.period.last - timedelta(days=count)}T12:00",
        "x1": f"{shown.period.last}T12:00",
        "y0": 0,
        "y1": 1,
    }
    look = {"fillcolor": "var(--ink-3)", "opacity": 0.12, "line": {"width": 0}, "layer": "below"}
    return [{"type": "rect", "xref": "x", "yref": "paper", **ends, **look}] if count else []


def _ticks(shown: Overview, step: int) -> list[str]:
    return [str(day) for day in _dates(shown)[::step]]
