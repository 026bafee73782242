"""The cost explorer's chart: stacked bars of cost by day, week or month."""

from typing import Final

from apps.core.charts import (
    Figure,
    bar_trace,
    figure,
    money_axis,
    month_lines,
    stack_ends,
    total_trace,
    week_starts,
    with_note,
)
from apps.costs.dates import Dates
from apps.costs.queries import Granularity

TITLES: Final = {
    Granularity.DAY: "Daily cost",
    Granularity.WEEK: "Weekly cost",
    Granularity.MONTH: "Monthly cost",
}
_AXES: Final = {
    Granularity.DAY: {"hoverformat": "%a %-d %b %Y"},
    Granularity.WEEK: {"hoverformat": "Week from %-d %b %Y"},
    Granularity.MONTH: {"hoverformat": "%B %Y", "tickformat": "%b %Y", "dtick": "M1"},
}
_MOST_MONTHS: Final = 14
_MOST_WEEKS: Final = 9
"""Weeks with a date under each of them."""


def cost_figure(dates: Dates, currency: str) -> Figure:
    """The bars of all series, hatched where a day, week or month is not whole or may still change.

    A bar leads to its days.
    """
    firsts = [bucket.first for bucket in dates.buckets]
    partial = [bucket.is_partial for bucket in dates.buckets]
    unsettled = [bucket.may_change for bucket in dates.buckets]
    bars = [
        bar_trace(
            one.name,
            firsts,
            one.amounts,
            currency=currency,
            colour=one.colour,
            partial=partial,
            unsettled=unsettled,
        )
        for one in dates.series
    ]
    total = total_trace(
        firsts,
        [bucket.total for bucket in dates.buckets],
        currency=currency,
        links=[bucket.url for bucket in dates.buckets],
    )
    total = with_note(total, unsettled, "may still change")
    return figure([*bars, total], _layout(dates, currency), {"xaxis": {"nticks": 4}})


def _layout(dates: Dates, currency: str) -> Figure:
    axis: Figure = {**_AXES[dates.granularity]}
    if dates.granularity is Granularity.MONTH and len(dates.buckets) > _MOST_MONTHS:
        axis |= {"dtick": "M6"}
    if dates.granularity is Granularity.WEEK:
        axis |= week_starts([bucket.first for bucket in dates.buckets], _MOST_WEEKS)
    layout: Figure = {"xaxis": axis, "yaxis": money_axis(stack_ends(one.amounts for one in dates.series), currency)}
    if dates.granularity is Granularity.DAY:
        layout["shapes"] = month_lines(dates.buckets[0].first, dates.buckets[-1].last)
    return layout
