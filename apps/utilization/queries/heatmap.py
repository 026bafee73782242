"""A metric of every GPU or node by time, as the cells of a heatmap."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final, Literal

from django.db import connection

from apps.accounts.scope import Scope
from apps.core.periods import Period
from apps.utilization.models import Device
from apps.utilization.queries.seen import Facts, Granularity, facts, teams_of
from apps.utilization.queries.which import Gpus, devices
from collectors.utilization import METRICS

HOURS_UP_TO: Final = 3
"""Days of a period that is told by hour; a longer one is by day."""


@dataclass(frozen=True, slots=True)
class HeatmapRow:
    """A GPU, or a node with the average of its GPUs; `values` are one for each column, None where there is no data."""

    cluster: str
    node: str
    resource_id: str
    device: str  # empty where the row is a node
    model: str
    device_id: int | None
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Heatmap:
    """Averages of one metric; columns are the first moments of hours or days (UTC), without a break."""

    metric: str
    unit: str
    granularity: Granularity
    columns: tuple[datetime, ...]
    rows: tuple[HeatmapRow, ...]


def heatmap(metric: str, period: Period, which: Gpus, *, by: Literal["gpu", "node"] = "gpu", scope: Scope) -> Heatmap:
    """The devices that have the metric in the period, by cluster, node and device, each with its average by time.

    A node has the average of its devices, weighted by the time for which each was observed. Of devices that are not the
    reader's teams', or not those of the team that is asked for, the hours in which their pods held them count.
    """
    granularity = Granularity.HOUR if period.days <= HOURS_UP_TO else Granularity.DAY
    columns = _columns(period, granularity)
    found = {one.pk: one for one in devices(which, scope=scope)}
    rows: dict[HeatmapRow, list[tuple[list[int], list[float], list[float]]]] = {}
    told = facts(granularity, period, list(found), metrics=[metric], teams=teams_of(which.team, scope))
    for pk, places, averages, minutes in _cells(granularity, told):
        rows.setdefault(_row(found[pk], by), []).append((places, averages, minutes))
    named = (replace(row, values=_values(parts, len(columns))) for row, parts in rows.items())
    return Heatmap(metric, METRICS[metric].unit, granularity, columns, tuple(sorted(named, key=_order)))


def _cells(granularity: Granularity, told: Facts) -> list[tuple[Any, ...]]:
    """Of each device the places of its columns, averages and minutes: lists, since a row for each cell takes long."""
    with connection.cursor() as cursor:
        cursor.execute(_CELLS[granularity].format(facts=told.table), told.parameters)
        return list(cursor.fetchall())


def _row(device: Device, by: str) -> HeatmapRow:
    if by == "node":
        return HeatmapRow(device.cluster, device.node, device.resource_id, "", "", None, ())
    return HeatmapRow(device.cluster, device.node, device.resource_id, device.device, device.model, device.pk, ())


def _values(parts: Sequence[tuple[list[int], list[float], list[float]]], count: int) -> tuple[float | None, ...]:
    """The averages of all devices of a row, weighted by minutes."""
    if len(parts) == 1:
        values: list[float | None] = [None] * count
        for place, average in zip(parts[0][0], parts[0][1], strict=True):
            values[place] = average
        return tuple(values)
    sums, minutes = [0.0] * count, [0.0] * count
    for places, averages, observed in parts:
        for place, average, weight in zip(places, averages, observed, strict=True):
            sums[place] += average * weight
            minutes[place] += weight
    return tuple(total / weight if weight else None for total, weight in zip(sums, minutes, strict=True))


def _order(row: HeatmapRow) -> tuple[str, str, str, str, int]:
    return row.cluster, row.node, row.resource_id, row.device, row.device_id or 0


def _columns(period: Period, granularity: Granularity) -> tuple[datetime, ...]:
    first = datetime.combine(period.first, time(), UTC)
    step = timedelta(hours=1) if granularity is Granularity.HOUR else timedelta(days=1)
    return tuple(first + place * step for place in range(period.days * (timedelta(days=1) // step)))


_CELLS: Final = {
    Granularity.HOUR: """
        SELECT device_id,
            array_agg((date_part('epoch', hour - %(first)s::date::timestamptz) / 3600)::int),
            array_agg(average), array_agg(minutes)
        FROM {facts} facts
        WHERE metric = ANY(%(metrics)s) AND hour >= %(first)s AND hour < %(end)s AND device_id = ANY(%(devices)s)
        GROUP BY 1
    """,
    Granularity.DAY: """
        SELECT device_id, array_agg(day - %(first)s::date), array_agg(average), array_agg(minutes)
        FROM {facts} facts
        WHERE metric = ANY(%(metrics)s) AND day >= %(first)s AND day < %(end)s AND device_id = ANY(%(devices)s)
        GROUP BY 1
    """,
}
