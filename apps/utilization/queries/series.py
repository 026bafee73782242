"""How busy single devices were, hour by hour or day by day."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

from django.db import connection
from django.db.models import F, QuerySet

from apps.accounts.scope import Scope
from apps.core.periods import Period
from apps.utilization.models import DayFact, Device, HourFact
from apps.utilization.queries.seen import Facts, Granularity, Readings, facts, midnight
from apps.utilization.queries.which import Gpus, devices, visible
from collectors.utilization import METRICS


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

    Readers with teams see all of what these own, and of other devices the hours in which their pods held them.

    The 95th percentile of an hour is of all its measurements, that of a day the one of its hours' percentiles.
    """
    known = Device.objects.filter(visible(scope)).in_bulk(device_ids)
    numbers = {METRICS[name].number: name for name in metrics}
    told = facts(granularity, period, list(known), metrics=numbers.values(), teams=scope.teams)
    rows = _rows(granularity, told)
    found = {key: list(group) for key, group in groupby(rows, key=lambda row: row[:2])}
    order = {key: (key[0], list(device_ids).index(key[1])) for key in found}
    return [_series(known[key[1]], numbers[key[0]], found[key]) for key in sorted(found, key=lambda key: order[key])]


def _rows(granularity: Granularity, told: Facts) -> list[tuple[Any, ...]]:
    query = f"""
        SELECT metric, device_id, signal, {granularity}, average, p95, maximum, minutes
        FROM {told.table} facts
        WHERE {granularity} >= %(first)s AND {granularity} < %(end)s
            AND metric = ANY(%(metrics)s) AND device_id = ANY(%(devices)s)
        ORDER BY metric, device_id, {granularity}
    """
    with connection.cursor() as cursor:
        cursor.execute(query, told.parameters)
        return list(cursor.fetchall())


def readings_of(
    granularity: Granularity, period: Period, *, resource_id: str, device: str, metric: str, scope: Scope
) -> QuerySet[Any] | Sequence[Any]:
    """The readings of one resource, device or metric, oldest first; empty text asks for all.

    Each has a `device`, the moment or day `at` that it begins, and its numbers. Of devices that are not the reader's
    teams', those of the hours in which their pods held them.
    """
    which = devices(Gpus(resource_id=resource_id, device=device), scope=scope)
    metrics = [metric] if metric else list(METRICS)
    if scope.teams is not None:
        ids = list(which.values_list("pk", flat=True))
        return Readings(granularity, facts(granularity, period, ids, metrics=metrics, teams=scope.teams))
    found: QuerySet[Any] = _facts(granularity, period).annotate(at=F(granularity.value))
    if resource_id or device:
        found = found.filter(device__in=which)
    found = found.select_related("device").order_by(granularity.value, "device_id", "metric")
    return found.filter(metric=METRICS[metric].number) if metric else found


def _facts(granularity: Granularity, period: Period) -> QuerySet[HourFact] | QuerySet[DayFact]:
    if granularity is Granularity.DAY:
        return DayFact.objects.filter(day__range=(period.first, period.last))
    return HourFact.objects.filter(hour__gte=midnight(period.first), hour__lt=midnight(period.last + timedelta(days=1)))


def _series(device: Device, metric: str, rows: Sequence[tuple[Any, ...]]) -> Series:
    signals = tuple(sorted({row[2] for row in rows} - {""}))
    points = tuple(Point(_moment(row[3]), *row[4:]) for row in rows)
    return Series(device, metric, METRICS[metric].unit, signals, points)


def _moment(at: date) -> datetime:
    return at if isinstance(at, datetime) else midnight(at)
