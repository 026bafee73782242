"""How busy things are: the record set of devices' hours, the metrics that it knows, and raw points made into hours."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from collectors.charges import MONEY
from collectors.records import RecordSet, Rule

BUCKETS: Final = 12
"""Five-minute buckets of an hour."""

_BUCKET_US: Final = 300_000_000
_HOUR_US: Final = BUCKETS * _BUCKET_US


@dataclass(frozen=True, slots=True)
class Metric:
    """What a number of UTILIZATION means; `number` is how the database calls it, and never changes."""

    number: int
    unit: str  # "ratio" is 0 to 1
    help: str

    @property
    def is_ratio(self) -> bool:
        """Whether it is a share of what there is, and never above 1."""
        return self.unit == "ratio"


METRICS: Final[Mapping[str, Metric]] = {
    "gpu": Metric(1, "ratio", "share of the time, or of the cores, that a GPU computes; `signal` says which"),
    "gpu_memory": Metric(2, "ratio", "memory in use of all that the GPU has"),
    "gpu_memory_mib": Metric(3, "MiB", "memory of the GPU in use"),
    "power_watts": Metric(4, "W", "power that the GPU draws"),
    "tensor": Metric(5, "ratio", "share of the time that the tensor cores compute"),
    "cpu": Metric(6, "ratio", "processors in use of all that there are"),
    "memory": Metric(7, "ratio", "memory in use of all that there is"),
    "network_bytes_per_second": Metric(8, "B/s", "bytes sent and received over the network"),
    "disk_bytes_per_second": Metric(9, "B/s", "bytes read from disks and written to them"),
    "requests_per_second": Metric(10, "1/s", "requests answered"),
}
"""The only place that names metrics."""

_RATIOS: Final = [name for name, metric in METRICS.items() if metric.is_ratio]
_NUMBERS: Final = pl.List(pl.Float64)

UTILIZATION: Final = RecordSet(
    name="utilization",
    format="Utilisation",
    schema=pl.Schema(
        {
            "provider": pl.String(),
            "cluster": pl.String(),
            "node": pl.String(),
            "resource_id": pl.String(),  # of the machine, database ... as bills name it
            "device": pl.String(),  # UUID of the GPU, "UUID/7" of its MIG instance 7; empty: the resource itself
            "parent_device": pl.String(),  # UUID of the card that a MIG instance is a slice of
            "device_model": pl.String(),
            "slices": MONEY,  # share of the card that a MIG instance is; 1 else
            "metric": pl.String(),
            "signal": pl.String(),  # the series that it rests on, as DCGM_FI_PROF_SM_ACTIVE
            "hour": pl.Datetime("us", "UTC"),  # its first moment
            "minutes": pl.Float64(),  # observed, above 0 and up to 60
            "average": pl.Float64(),
            "p95": pl.Float64(),
            "maximum": pl.Float64(),
            "points": _NUMBERS,  # means of the 12 five-minute buckets; null where there is a gap
            "peaks": _NUMBERS,  # their maxima
        }
    ),
    required=("resource_id", "metric", "hour", "minutes", "average", "p95", "maximum"),
    filled=("metric", "hour", "minutes", "average", "p95", "maximum"),
    allowed={"metric": tuple(METRICS)},
    rules=(
        Rule("resource_id", pl.coalesce("resource_id", "node", "device").is_null(), "names nothing, nor does node"),
        Rule("hour", pl.col("hour").dt.truncate("1h") != pl.col("hour"), "is no full hour"),
        Rule("minutes", ~pl.col("minutes").is_between(0, 60, closed="right"), "is not above 0 and up to 60"),
        Rule("slices", ~pl.col("slices").is_between(0, 1, closed="right"), "is not above 0 and up to 1"),
        Rule("maximum", pl.col("metric").is_in(_RATIOS) & (pl.col("maximum") > 1), "is a ratio and above 1"),
        Rule("maximum", pl.max_horizontal("average", "p95") > pl.col("maximum") * (1 + 1e-9), "is below what it tops"),
        *(
            Rule(name, pl.col(name).list.len() != BUCKETS, "has not 12 numbers, one for each five minutes")
            for name in ("points", "peaks")
        ),
    ),
)
"""One row for each device, metric and hour (UTC). What a file says of (source, device, metric, hour) replaces what was
known; an hour without a row is a gap, never zero."""


def hourly(points: pl.DataFrame, step_seconds: float | None = None) -> pl.DataFrame:
    """Hours of UTILIZATION from raw points: `at` (Datetime in UTC), `value` (Float64), and columns that tell series.

    Where a point is itself a mean of what was measured, `peak` may say the largest number in it: maxima are of these.

    Returns those columns, and `hour minutes average p95 maximum points peaks`, sorted by series in the order in which
    they come, and hour. Average, p95 and maximum are of all points of the hour, which are at most five minutes apart;
    p95 is interpolated between the two nearest ranks, as quantile_over_time of Prometheus does. A series has one point
    an instant; null and NaN are gaps. `minutes` are points times `step_seconds`, at most 60; without a step, five for
    each bucket that has a point.
    """
    keys = [name for name in points.columns if name not in ("at", "value", "peak")]
    series, numbered = _numbered(points, keys)
    hours = numbered.group_by(place=pl.col("bucket") // BUCKETS).agg(
        minutes=pl.len().cast(pl.Float64) * ((step_seconds or 0) / 60),
        average=pl.col("value").mean(),
        p95=pl.col("value").quantile(0.95, "linear"),
        maximum=pl.col("peak").max(),
    )
    hours = hours.sort("place")
    buckets = numbered.group_by("bucket").agg(mean=pl.col("value").mean(), peak=pl.col("peak").max())
    hours = hours.hstack(_lists(hours["place"], buckets))
    if step_seconds is None:
        hours = hours.with_columns(minutes=pl.col("points").list.drop_nulls().list.len() * 5.0)
    return _named(hours, series, keys).with_columns(pl.col("minutes").clip(upper_bound=60.0))


_HOURS: Final = 1 << 22
"""More hours than there are in 400 years: a series' number and an hour are one integer, quick to group by."""


def _numbered(points: pl.DataFrame, keys: list[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The series with their numbers; of points `value`, `peak` and `bucket`, which counts through series and time."""
    series = points.select(keys).unique(maintain_order=True).with_row_index("series") if keys else pl.DataFrame()
    seen = points.filter(pl.col("value").is_not_nan())
    numbers = seen.join(series, on=keys, how="left", nulls_equal=True, maintain_order="left") if keys else seen
    series_of = pl.col("series").cast(pl.Int64) if keys else pl.lit(0, pl.Int64)
    since = pl.col("at").dt.epoch("us") // _BUCKET_US
    peak = pl.max_horizontal("value", "peak") if "peak" in points.columns else pl.col("value")
    return series, numbers.select("value", peak=peak, bucket=series_of * (_HOURS * BUCKETS) + since)


def _lists(places: pl.Series, buckets: pl.DataFrame) -> pl.DataFrame:
    """Twelve means and twelve maxima for each hour of `places`, which is sorted; null where a bucket has no point."""
    slots = (places.to_frame().select(pl.col("place") * BUCKETS).to_series().alias("bucket")).to_frame()
    grid = slots.select(pl.int_ranges("bucket", pl.col("bucket") + BUCKETS).alias("bucket")).explode("bucket")
    dense = grid.join(buckets, on="bucket", how="left", maintain_order="left")
    shape = (places.len(), BUCKETS)
    return pl.DataFrame(
        [dense[name].reshape(shape).arr.to_list().alias(to) for name, to in (("mean", "points"), ("peak", "peaks"))]
    )


def _named(hours: pl.DataFrame, series: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """The hours with the columns of their series in place of numbers."""
    hour = (pl.col("place") % _HOURS * _HOUR_US).cast(pl.Datetime("us", "UTC")).alias("hour")
    told = ["hour", "minutes", "average", "p95", "maximum", "points", "peaks"]
    if not keys:
        return hours.with_columns(hour).select(told)
    number = (pl.col("place") // _HOURS).cast(pl.UInt32).alias("series")
    named = hours.with_columns(hour, number).join(series, on="series", how="left", maintain_order="left")
    return named.select(*keys, *told)
