"""How busy single devices were, hour by hour or day by day."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import groupby
from typing import Any

from django.db.models import F, QuerySet

from apps.accounts.scope import Scope
from apps.core.periods import Period
from apps.utilization.models import DayFact, Device, HourFact
from apps.utilization.queries.which import Gpus, devices, names_of, visible
from collectors.utilization import METRICS


class Granularity(StrEnum):
    """How finely time is told apart."""

    HOUR = "hour"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class Point:
    """A metric in an hour or on a day that begins `at` (UTC); `minutes` of it were observed."""

    at: datetime
    average: float
    p95: float
    maximum: float
    minutes: float


@dataclass(frozen=True, slots=True)
class Series:
    """A metric of a device by time; where there was no measurement there is no point."""

    device: Device
    metric: str
    unit: str
    signals: tuple[str, ...]  # the series of exporters that it rests on
    points: tuple[Point, ...]


def series(
    device_ids: Sequence[int],
    *,
    metrics: Iterable[str] = METRICS,
    period: Period,
    granularity: Granularity,
    scope: Scope,
) -> list[Series]:
    """The metrics of devices, in the order of METRICS, then of the ids; those without any point are left out.

    The 95th percentile of an hour is of all its measurements, that of a day the one of its hours' percentiles.
    """
    known = Device.objects.filter(visible(scope)).in_bulk(device_ids)
    numbers = {METRICS[name].number: name for name in metrics}
    facts = readings(granularity, period, scope=scope).filter(device__in=known, metric__in=numbers)
    rows = facts.order_by("metric", "device_id", "at").values_list(
        "metric", "device_id", "signal", "at", "average", "p95", "maximum", "minutes"
    )
    found = {key: list(group) for key, group in groupby(rows, key=lambda row: row[:2])}
    order = {key: (key[0], list(device_ids).index(key[1])) for key in found}
    return [_series(known[key[1]], numbers[key[0]], found[key]) for key in sorted(found, key=lambda key: order[key])]


def readings(granularity: Granularity, period: Period, *, scope: Scope) -> QuerySet[Any]:
    """Facts with their `device` and the moment or day `at` that they begin: HourFact or DayFact, oldest first."""
    time_column = granularity.value
    found: QuerySet[Any] = _facts(granularity, period).annotate(at=F(time_column))
    if scope.teams is not None:
        found = found.filter(device__in=devices(Gpus(), scope=scope))
    return found.select_related("device").order_by(time_column, "device_id", "metric")


def readings_of(
    granularity: Granularity, period: Period, *, resource_id: str, device: str, metric: str, scope: Scope
) -> QuerySet[Any]:
    """The readings of one resource, device or metric; empty text asks for all."""
    found = readings(granularity, period, scope=scope)
    if resource_id:
        found = found.filter(device__resource_id__in=names_of([resource_id]))
    if device:
        found = found.filter(device__device=device)
    return found.filter(metric=METRICS[metric].number) if metric else found


def _facts(granularity: Granularity, period: Period) -> QuerySet[HourFact] | QuerySet[DayFact]:
    if granularity is Granularity.DAY:
        return DayFact.objects.filter(day__range=(period.first, period.last))
    return HourFact.objects.filter(hour__gte=midnight(period.first), hour__lt=midnight(period.last + timedelta(days=1)))


def midnight(day: date) -> datetime:
    """The first moment of a day in UTC."""
    return datetime.combine(day, time(), UTC)


def _series(device: Device, metric: str, rows: Sequence[tuple[Any, ...]]) -> Series:
    signals = tuple(sorted({row[2] for row in rows} - {""}))
    points = tuple(Point(_moment(row[3]), *row[4:]) for row in rows)
    return Series(device, metric, METRICS[metric].unit, signals, points)


def _moment(at: date) -> datetime:
    return at if isinstance(at, datetime) else midnight(at)
