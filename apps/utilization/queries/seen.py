"""What readers see of measurements: those with teams all of what is theirs, and else the hours that their pods held."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, Final, overload

from django.db import connection

from apps.accounts.scope import Scope
from apps.core.periods import Period
from apps.core.sql import read_sql
from apps.utilization.models import Device
from apps.utilization.queries.which import owned
from collectors.utilization import METRICS

_DAY: Final = timedelta(days=1)


class Granularity(StrEnum):
    """How finely time is told apart."""

    HOUR = "hour"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class Facts:
    """A table of measurements, or the part of it that teams see, as what SQL selects from, and its parameters."""

    table: str
    parameters: dict[str, Any]


def facts(
    granularity: Granularity,
    period: Period,
    device_ids: Sequence[int],
    *,
    metrics: Iterable[str] = METRICS,
    teams: Sequence[str] | None,
) -> Facts:
    """The measurements of devices in a period, whatever the teams; null stands for all of them.

    Whoever selects from it says again which devices, metrics and times: %(devices)s, %(metrics)s, %(first)s, %(end)s.
    """
    asked: dict[str, Any] = {
        "devices": list(device_ids),
        "metrics": [METRICS[name].number for name in metrics],
        "first": period.first,
        "end": period.last + _DAY,
    }
    if teams is None:
        return Facts(f"utilization_{granularity}", asked)
    theirs = {"teams": list(teams), "owned": list(owned(teams).filter(pk__in=device_ids).values_list("pk", flat=True))}
    return Facts(f"({read_sql('utilization', f'seen_{granularity}s')})", asked | theirs)


@dataclass(frozen=True, slots=True)
class Reading:
    """A metric of a device in an hour or on a day that begins `at`."""

    device: Device
    metric: int
    at: date
    signal: str
    minutes: float
    average: float
    p95: float
    maximum: float


class Readings(Sequence[Reading]):
    """What teams see of the measurements of devices, oldest first; read as far as it is asked for."""

    def __init__(self, granularity: Granularity, told: Facts) -> None:
        self._time = granularity.value
        self._told = told

    def __len__(self) -> int:
        return int(self._rows("count(*)")[0][0])

    @overload
    def __getitem__(self, place: int) -> Reading: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Reading]: ...
    def __getitem__(self, place: int | slice) -> Reading | Sequence[Reading]:
        if isinstance(place, int):
            return self[place : place + 1][0]
        first, last = place.start or 0, place.stop
        order = f"ORDER BY {self._time}, device_id, metric OFFSET {first:d}"
        limit = "" if last is None else f" LIMIT {max(last - first, 0):d}"
        rows = self._rows(f"device_id, metric, {self._time}, signal, minutes, average, p95, maximum", order + limit)
        devices = Device.objects.in_bulk({row[0] for row in rows})
        return [Reading(devices[row[0]], *row[1:]) for row in rows]

    def __iter__(self) -> Iterator[Reading]:
        return iter(self[:])

    def _rows(self, columns: str, order: str = "") -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {columns} FROM {self._told.table} seen {order}", self._told.parameters)
            return list(cursor.fetchall())


def midnight(day: date) -> datetime:
    """The first moment of a day in UTC."""
    return datetime.combine(day, time(), UTC)


def teams_of(team: str, scope: Scope) -> list[str] | None:
    """The teams whose part is asked for: those of the reader, or one of them; None is everybody's."""
    if not team:
        return None if scope.teams is None else list(scope.teams)
    return [team] if scope.teams is None or team in scope.teams else []
