"""How busy one resource was, day by day: its own measurements, or those of its GPUs taken together."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from apps.accounts.scope import Scope
from apps.core import money
from apps.core.charts import SHARE_AXIS, Figure, figure, share_trace
from apps.core.periods import Period
from apps.dashboards.resource_costs import names_of
from apps.inventory.models import Resource
from apps.utilization.queries import Granularity, Point, Series, devices_of, series
from collectors.utilization import METRICS

TITLES: Final = {
    "gpu": "GPU",
    "gpu_memory": "GPU memory",
    "gpu_memory_mib": "GPU memory in use",
    "power_watts": "Power",
    "tensor": "Tensor cores",
    "cpu": "CPU",
    "memory": "Memory",
    "network_bytes_per_second": "Network",
    "disk_bytes_per_second": "Disk",
    "requests_per_second": "Requests",
}
DRAWN: Final = ("gpu", "cpu", "memory", "gpu_memory")
"""Which metric is drawn: the first of these that there is."""
SOURCES: Final = {
    "machine": "the Prometheus of its exporters, or the monitoring of its cloud",
    "node": "the Prometheus of its cluster",
    "gpu": "the Prometheus that dcgm-exporter writes to",
    "database": "the monitoring of its cloud",
    "endpoint": "the monitoring of its cloud",
    "notebook": "the monitoring of its cloud",
}
"""Kinds of resources that can be measured, and by what."""


@dataclass(frozen=True, slots=True)
class UseDay:
    """A day of a metric; None where nothing was measured."""

    day: date
    average: float | None
    p95: float | None
    maximum: float | None


@dataclass(frozen=True, slots=True)
class UseRow:
    """A metric over the whole period, in words."""

    title: str
    average: str
    p95: str
    maximum: str
    signals: str


@dataclass(frozen=True, slots=True)
class Use:
    """What is known of a resource: the metric that is drawn, and all of them in a table."""

    title: str
    days: list[tuple[date, str, str, str]]
    figure: Figure
    says: str
    rows: list[UseRow]
    device_count: int  # GPUs, where it has any that are told apart
    is_of_gpus: bool


def use_of(found: Resource, period: Period, *, scope: Scope) -> Use | None:
    """How busy the resource was in the period; None where nothing measured it."""
    devices = devices_of(names_of(found), scope=scope)
    told = series([one.pk for one in devices], period=period, granularity=Granularity.DAY, scope=scope)
    by_metric: dict[str, list[Series]] = defaultdict(list)
    for one in told:
        by_metric[one.metric].append(one)
    drawn = next((name for name in DRAWN if name in by_metric), "")
    if not drawn:
        return None
    days = _days(by_metric[drawn], period)
    return Use(
        title=TITLES[drawn],
        days=[(one.day, _text(one.average, drawn), _text(one.p95, drawn), _text(one.maximum, drawn)) for one in days],
        figure=_figure(days),
        says=_says(TITLES[drawn], days, period),
        rows=[_row(name, some) for name, some in by_metric.items()],
        device_count=len({one.device.pk for one in by_metric.get("gpu", []) if one.device.device}),
        is_of_gpus="gpu" in by_metric,
    )


def _days(told: Iterable[Series], period: Period) -> list[UseDay]:
    """All devices as one: averages weighted by time, the highest 95th percentile and maximum of any."""
    points: dict[date, list[Point]] = defaultdict(list)
    for one in told:
        for point in one.points:
            points[point.at.date()].append(point)
    days = (period.first + timedelta(days=number) for number in range(period.days))
    return [UseDay(day, *_joined(points[day])) if day in points else UseDay(day, None, None, None) for day in days]


def _joined(points: Sequence[Point]) -> tuple[float, float, float]:
    minutes = sum(point.minutes for point in points)
    average = sum(point.average * point.minutes for point in points) / minutes
    return average, max(point.p95 for point in points), max(point.maximum for point in points)


def _row(name: str, told: Sequence[Series]) -> UseRow:
    average, p95, maximum = _joined([point for one in told for point in one.points])
    signals = ", ".join(sorted({signal for one in told for signal in one.signals}))
    return UseRow(TITLES[name], _text(average, name), _text(p95, name), _text(maximum, name), signals)


def _text(value: float | None, metric: str) -> str:
    if value is None:
        return money.NO_DATA
    if METRICS[metric].is_ratio:
        return f"{value:.0%}"
    return f"{value:,.0f} {METRICS[metric].unit}" if value >= 10 else f"{value:,.1f} {METRICS[metric].unit}"


def _figure(days: Sequence[UseDay]) -> Figure:
    dates = [one.day for one in days]
    traces = [
        share_trace("Maximum", dates, [one.maximum for one in days], colour="var(--c-other)", width=1),
        share_trace("95th percentile", dates, [one.p95 for one in days], colour="var(--c2)", width=1.5),
        share_trace("Average", dates, [one.average for one in days], colour="var(--c1)", width=2.5),
    ]
    layout: Figure = {"xaxis": {"hoverformat": "%a %-d %b %Y"}, "yaxis": SHARE_AXIS}
    return figure(traces, layout, {"xaxis": {"nticks": 4}})


def _says(title: str, days: Sequence[UseDay], period: Period) -> str:
    averages = [one.average for one in days if one.average is not None]
    measured = f"measured on {money.counted(len(averages), 'day')} of {period.days}"
    mean, highest = sum(averages) / len(averages), max(one.maximum for one in days if one.maximum is not None)
    span = money.days(period.first, period.last)
    return f"{title} by day, {span}, {measured}: {mean:.0%} on average, {highest:.0%} at most."
