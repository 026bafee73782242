"""Raw points become hours: as plain Python makes them, with gaps as gaps."""

import math
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.utilization import BUCKETS, hourly

START = datetime(2026, 6, 1, 22, tzinfo=UTC)
SCHEMA = {"device": pl.String, "metric": pl.String, "at": pl.Datetime("us", "UTC"), "value": pl.Float64}

values = st.none() | st.floats(0, 1e6, allow_nan=False) | st.just(math.nan)
moments = st.integers(0, 4 * 3600 - 1)  # seconds after START: across midnight
series = st.tuples(st.sampled_from(["GPU-1", "GPU-2", None]), st.sampled_from(["gpu", "cpu"]))
points = st.dictionaries(st.tuples(series, moments), values, max_size=120)


def as_frame(given_points: dict[Any, float | None]) -> pl.DataFrame:
    rows = [
        (device, metric, START + timedelta(seconds=at), value) for ((device, metric), at), value in given_points.items()
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def percentile(ordered: list[float]) -> float:
    """Between the two nearest ranks."""
    place = 0.95 * (len(ordered) - 1)
    low = ordered[math.floor(place)]
    return low + (ordered[math.ceil(place)] - low) * (place - math.floor(place))


def plainly(given_points: dict[Any, float | None]) -> dict[Any, dict[str, Any]]:
    """The same hours by Python alone."""
    found: dict[Any, list[tuple[int, float]]] = defaultdict(list)
    for (key, at), value in given_points.items():
        if value is not None and not math.isnan(value):
            found[(*key, START + timedelta(hours=at // 3600))].append((at % 3600 // 300, value))
    return {key: _one(told) for key, told in found.items()}


def _one(told: list[tuple[int, float]]) -> dict[str, Any]:
    buckets: dict[int, list[float]] = defaultdict(list)
    for bucket, value in told:
        buckets[bucket].append(value)
    everything = sorted(value for _, value in told)
    return {
        "minutes": min(60.0, len(told) * 0.5),
        "average": sum(everything) / len(everything),
        "p95": percentile(everything),
        "maximum": everything[-1],
        "points": [sum(buckets[at]) / len(buckets[at]) if at in buckets else None for at in range(BUCKETS)],
        "peaks": [max(buckets[at]) if at in buckets else None for at in range(BUCKETS)],
    }


def numbers(value: float | list[float | None]) -> list[float]:
    """Gaps as a number that is none."""
    return [-1.0 if one is None else one for one in (value if isinstance(value, list) else [value])]


@settings(deadline=None)
@given(points)
def test_hours_are_what_plain_python_makes_of_the_points(given_points: dict[Any, float | None]) -> None:
    made = hourly(as_frame(given_points), step_seconds=30)

    expected = plainly(given_points)
    assert made.height == len(expected)
    for row in made.iter_rows(named=True):
        wanted = expected[row["device"], row["metric"], row["hour"]]
        for name, value in wanted.items():
            assert numbers(row[name]) == pytest.approx(numbers(value), rel=1e-9, abs=1e-9), name


@settings(deadline=None)
@given(points)
def test_the_order_of_points_does_not_matter(given_points: dict[Any, float | None]) -> None:
    keys = ["device", "metric", "hour"]
    frame = as_frame(given_points)
    turned = hourly(frame.reverse(), 30).sort(keys)
    assert turned.select(*keys, "minutes", "p95", "maximum", "peaks").equals(
        hourly(frame, 30).sort(keys).select(*keys, "minutes", "p95", "maximum", "peaks")
    )


def test_a_gap_is_no_zero_and_an_hour_without_points_is_no_row() -> None:
    frame = as_frame({(("GPU-1", "gpu"), 0): 0.5, (("GPU-1", "gpu"), 3 * 3600): 0.0})
    made = hourly(frame, 300)

    assert made["hour"].to_list() == [START, START + timedelta(hours=3)]
    assert made["points"].to_list() == [[0.5, *[None] * 11], [0.0, *[None] * 11]]
    assert made["minutes"].to_list() == [5, 5]


def test_without_a_step_every_bucket_with_a_point_was_observed() -> None:
    frame = as_frame({(("GPU-1", "gpu"), at): 0.5 for at in (0, 10, 20, 300, 3599)})
    assert hourly(frame)["minutes"].to_list() == [15]


def test_columns_that_tell_series_stay_as_they_are_whatever_their_type() -> None:
    frame = as_frame({(("GPU-1", "gpu"), 0): 0.5, (("GPU-2", "gpu"), 0): 0.7})
    frame = frame.with_columns(pl.col("device").cast(pl.Categorical), slices=pl.lit("0.5").cast(pl.Decimal(38, 18)))
    made = hourly(frame, 60)

    assert made.columns[:3] == ["device", "metric", "slices"]
    assert made["device"].dtype == pl.Categorical
    assert made["average"].to_list() == [0.5, 0.7]


def test_no_points_are_no_hours() -> None:
    made = hourly(as_frame({}), 60)
    assert made.is_empty()
    assert made["points"].dtype == pl.List(pl.Float64)


def test_where_points_are_means_themselves_maxima_are_of_what_they_say_was_largest() -> None:
    at = [datetime(2026, 6, 1, 10, minute, tzinfo=UTC) for minute in (0, 5, 10)]
    points = pl.DataFrame({"at": at, "value": [0.2, 0.4, 0.6], "peak": [0.9, None, 0.5], "metric": ["cpu"] * 3})

    (hour,) = hourly(points.with_columns(pl.col("at").dt.cast_time_unit("us"))).rows(named=True)

    assert (hour["average"], hour["maximum"]) == (pytest.approx(0.4), 0.9)
    assert hour["points"][:3] == [0.2, 0.4, 0.6]
    assert hour["peaks"] == [0.9, 0.4, 0.6, *[None] * 9]  # never below the mean
