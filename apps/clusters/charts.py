"""The chart of clusters: what their nodes cost day by day, by group, with idle on top."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from apps.clusters.table import Row
from apps.core.charts import Figure, bar_trace, figure, money_axis, month_lines, stack_ends, total_trace, with_note
from apps.core.periods import Period

COLOURS: Final = 7
GREY: Final = "var(--c-other)"
IDLE: Final = "var(--axis)"
_DAY: Final = timedelta(days=1)


def colours(keys: Sequence[tuple[str | None, ...]]) -> dict[tuple[str | None, ...], str]:
    """The colour of each group, the dearest first; those beyond the last colour are grey."""
    return {key: f"var(--c{place})" if place <= COLOURS else GREY for place, key in enumerate(keys, start=1)}


def daily_figure(
    rows: Sequence[Row],
    names: dict[tuple[str | None, ...], str],
    period: Period,
    *,
    currency: str,
    changes_from: date | None,
) -> Figure:
    """Stacked bars of the named groups, of all others as Other, and of what nobody had as Idle.

    Costs of `changes_from` and later days may still change.
    """
    days = [period.first + _DAY * number for number in range(period.days)]
    unsettled = [changes_from is not None and day >= changes_from for day in days]
    groups = {keys: [row for row in rows if row.keys == keys and not row.is_idle] for keys in names}
    other = [row for row in rows if row.keys not in names and not row.is_idle]
    colour = colours(list(names))
    series = [(names[keys], colour[keys], some) for keys, some in groups.items()]
    series += [("Other", GREY, other)] if other else []
    series += [("Idle", IDLE, idle)] if (idle := [row for row in rows if row.is_idle]) else []
    amounts = [_by_day(some, days) for _, _, some in series]
    bars = [
        bar_trace(name, days, costs, currency=currency, colour=shade, unsettled=unsettled)
        for (name, shade, _), costs in zip(series, amounts, strict=True)
    ]
    totals = [sum((cost or Decimal(0) for cost in one), Decimal(0)) for one in zip(*amounts, strict=True)]
    layout = {
        "xaxis": {"hoverformat": "%a %-d %b %Y"},
        "yaxis": money_axis(stack_ends(amounts), currency),
        "shapes": month_lines(period.first, period.last),
    }
    total = with_note(total_trace(days, totals, currency=currency), unsettled, "may still change")
    return figure([*bars, total], layout, {"xaxis": {"nticks": 4}})


def _by_day(rows: Sequence[Row], days: Sequence[date]) -> list[Decimal | None]:
    costs: dict[date | None, Decimal] = {}
    for row in rows:
        costs[row.day] = costs.get(row.day, Decimal(0)) + row.cost
    return [costs.get(day) for day in days]
