"""Points that somebody pushes, as JSON objects or OpenMetrics text: read strictly, each fault with its row."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import polars as pl

from collectors.errors import RefusedFileError
from collectors.records import LONGEST_TEXT
from collectors.utilization import METRICS

POINTS: Final = pl.Schema(
    {
        "resource_id": pl.String(),
        "device": pl.String(),
        "metric": pl.String(),
        "at": pl.Datetime("us", "UTC"),
        "value": pl.Float64(),
    }
)
MOST_POINTS: Final = 10_000
MOST_FAULTS: Final = 20
"""Faults that are told: whoever gets one row wrong gets most of them wrong."""

_LATEST: Final = timedelta(minutes=5)  # clocks differ
_LARGEST: Final = 1e18
_FIELDS: Final = frozenset(POINTS)


@dataclass(frozen=True, slots=True)
class PointFault:
    """What is wrong with a row; 0 is the first one."""

    row: int
    field: str
    reason: str


class PointsRefusedError(Exception):
    """Some rows cannot be taken, so none was."""

    def __init__(self, faults: list[PointFault]) -> None:
        super().__init__(f"{len(faults)} of the points cannot be taken.")
        self.faults = faults


def read_points(rows: Iterable[Mapping[str, Any]], *, now: datetime, oldest: datetime) -> pl.DataFrame:
    """POINTS from objects with `resource_id device metric at value`; `device` may be left out.

    Times have a zone and lie from `oldest` to `now`. Of points of the same moment the last counts. Raises
    PointsRefusedError with the first faults.
    """
    good, faults = [], []
    for number, row in enumerate(rows):
        try:
            good.append(_point(row, now, oldest))
        except _Fault as fault:
            faults.append(PointFault(number, fault.field, str(fault)))
    if faults:
        raise PointsRefusedError(faults[:MOST_FAULTS])
    frame = pl.DataFrame(good, schema=POINTS, orient="row")
    return frame.unique([name for name in POINTS if name != "value"], keep="last", maintain_order=True)


def read_openmetrics(text: str) -> Iterator[dict[str, Any]]:
    """The samples of an OpenMetrics exposition as rows for `read_points`: names are metrics, labels the other fields.

    Raises RefusedFileError for text that is none.
    """
    from prometheus_client.openmetrics.parser import text_string_to_metric_families  # noqa: PLC0415

    try:
        for family in text_string_to_metric_families(text):  # type: ignore[no-untyped-call]
            for sample in family.samples:
                at = None if sample.timestamp is None else datetime.fromtimestamp(float(sample.timestamp), UTC)
                told = {"metric": sample.name, "at": at and at.isoformat(), "value": sample.value}
                yield {**sample.labels, **told}
    except (ValueError, KeyError, IndexError, OverflowError) as error:
        raise RefusedFileError(f"This is no OpenMetrics text: {error}.") from error


class _Fault(Exception):  # noqa: N818 - never leaves this module
    """A row cannot be taken because of this field."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


def _point(row: object, now: datetime, oldest: datetime) -> tuple[str, str, str, datetime, float]:
    if not isinstance(row, Mapping):
        raise _Fault("", "is no object.")
    if unknown := sorted(set(row) - _FIELDS):
        raise _Fault(str(unknown[0]), f"is no field of a point; there are {', '.join(POINTS)}.")
    metric = _text(row, "metric")
    if metric not in METRICS:
        raise _Fault("metric", f"is none of {', '.join(METRICS)}.")
    device = _text(row, "device") if row.get("device") else ""
    return _text(row, "resource_id"), device, metric, _moment(row, now, oldest), _value(row, metric)


def _text(row: Mapping[str, Any], field: str) -> str:
    text = row.get(field)
    if not isinstance(text, str) or not text.strip():
        raise _Fault(field, "has to be a text that is not empty.")
    if len(text) > LONGEST_TEXT:
        raise _Fault(field, f"is longer than {LONGEST_TEXT} characters.")
    if not text.isprintable():
        raise _Fault(field, "has characters that cannot be printed.")
    return text.strip()


def _moment(row: Mapping[str, Any], now: datetime, oldest: datetime) -> datetime:
    text = row.get("at")
    try:
        at = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise _Fault("at", "has to be a time with its zone, like 2026-06-01T12:05:00Z.")
    if at > now + _LATEST:
        raise _Fault("at", "lies in the future.")
    if at < oldest:
        raise _Fault("at", f"lies before {oldest:%Y-%m-%d}, which is too long ago: import older hours as a file.")
    return at.astimezone(UTC)


def _value(row: Mapping[str, Any], metric: str) -> float:
    value = row.get("value")
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(float(min(value, _LARGEST))):
        raise _Fault("value", "has to be a number.")
    if not 0 <= value < _LARGEST:
        raise _Fault("value", "has to be 0 or more, and below 10^18.")
    if METRICS[metric].is_ratio and value > 1:
        raise _Fault("value", f"is above 1, but {metric} is a ratio: 85 % is 0.85.")
    return float(value)
