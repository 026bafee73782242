"""What clouds measure of their own resources, made into hours: which days are read, and how series become a metric."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Final

import polars as pl

from collectors.connections import Progress
from collectors.records import write_frame
from collectors.utilization import METRICS, UTILIZATION, hourly

DAY: Final = timedelta(days=1)
HOUR: Final = timedelta(hours=1)
PERIOD: Final = timedelta(minutes=5)
"""How far apart the points are that clouds are asked for."""

KEYS: Final = ("provider", "cluster", "node", "resource_id", "device", "device_model", "metric", "signal")
POINTS: Final = pl.Schema(
    {
        **dict.fromkeys(KEYS, pl.Categorical()),
        "part": pl.Categorical(),  # the cloud's name of what was measured; parts add up
        "is_whole": pl.Boolean(),  # what the sum of all other parts is divided by
        "at": pl.Datetime("us", "UTC"),  # where the five minutes begin
        "value": pl.Float64(),  # their mean
        "peak": pl.Float64(),  # the largest number in them; the mean, where no more is known
    }
)
"""Points as collectors hand them to `hours_of`: a metric may have several parts, and a part several series."""

_RATIOS: Final = [name for name, metric in METRICS.items() if metric.is_ratio]


def days(first: date, now: datetime, *, kept: timedelta, settled: timedelta) -> Iterator[tuple[date, str]]:
    """The days (UTC) that can be read, oldest first, each with its state: `complete`, or the hour up to which it is.

    `kept` is how long the cloud keeps points of five minutes, `settled` how long after a day's end its last ones come.
    """
    day = max(first, (now - kept).date() + DAY)
    while midnight(day) + HOUR <= now:
        is_over = now >= midnight(day) + DAY + settled
        yield day, "complete" if is_over else f"until {now:%Y-%m-%dT%H}:00Z"
        day += DAY


def stretch(day: date, now: datetime) -> tuple[datetime, datetime]:
    """From when to when a day is read: up to the last full hour."""
    start = midnight(day)
    return start, min(start + DAY, max(start, now.replace(minute=0, second=0, microsecond=0)))


def midnight(day: date) -> datetime:
    """The first moment of a day in UTC."""
    return datetime.combine(day, time(), UTC)


def hours_of(points: pl.DataFrame) -> pl.DataFrame:
    """Hours of UTILIZATION from frames of POINTS.

    At each instant the parts of a series are added up and divided by its wholes, if it has some. Where one of its
    parts is missing, the instant is a gap: half a sum would look like rest. Of several series of one part, rates (per
    second) add up and all others are averaged. Ratios are cut off at 0 and 1.
    """
    known = points.filter(pl.col("value").is_finite())
    is_rate = pl.col("metric").cat.ends_with("_per_second")
    of_parts = known.group_by(*KEYS, "part", "is_whole", "at", maintain_order=True).agg(
        pl.when(is_rate.first()).then(pl.col(name).sum()).otherwise(pl.col(name).mean()) for name in ("value", "peak")
    )
    expected = of_parts.group_by(KEYS).agg(parts=pl.struct("part", "is_whole").n_unique())
    summed = of_parts.group_by(*KEYS, "at", maintain_order=True).agg(
        pl.col("value", "peak").filter(~pl.col("is_whole")).sum(),
        whole=pl.when(pl.col("is_whole").any()).then(pl.col("value").filter(pl.col("is_whole")).sum()).otherwise(1.0),
        seen=pl.len(),
    )
    whole = summed.join(expected, on=KEYS, nulls_equal=True, maintain_order="left").filter(seen=pl.col("parts"))
    shares = whole.select(*KEYS, "at", pl.col("value", "peak") / pl.col("whole")).filter(pl.col("value").is_finite())
    is_ratio = pl.col("metric").cast(pl.String).is_in(_RATIOS)
    cut = [pl.when(is_ratio).then(pl.col(name).clip(0, 1)).otherwise(name).alias(name) for name in ("value", "peak")]
    return hourly(shares.with_columns(cut))


def write_hours(frames: Iterable[pl.DataFrame], folder: Path, progress: Progress) -> Path:
    """Hours of UTILIZATION as a file, also where there are none."""
    path = write_frame(UTILIZATION, pl.concat([hours_of(pl.DataFrame(schema=POINTS)), *frames]), folder)
    size = path.stat().st_size
    progress(size, size)
    return path
