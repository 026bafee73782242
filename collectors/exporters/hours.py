"""A day's points -> rows of UTILIZATION: hours of every device and machine."""

from collections.abc import Iterator
from typing import Final

import polars as pl

from collectors.charges import MONEY
from collectors.exporters.day import Day, Found
from collectors.exporters.labels import Device
from collectors.utilization import METRICS, hourly

_OF_MEMORY: Final = "gpu_memory_mib"
_NUMBERS: Final = ("average", "p95", "maximum")
_LISTS: Final = ("points", "peaks")


def read_hours(day: Day) -> pl.DataFrame:
    """Every device, metric and hour that was seen. Of two signals in one hour the one that was seen longer counts."""
    frames = [frame for place, found in enumerate(day.found) for frame in _of_signal(day, found, place)]
    if not frames:
        return pl.DataFrame()
    ranked = pl.concat(frames).sort("minutes", "place", descending=[True, False], maintain_order=True)
    hours = ranked.unique(("device", "metric", "hour"), keep="first", maintain_order=True)
    return _named(hours, day.devices, day.cluster.name).sort("metric", "node", "device", "hour")


def _of_signal(day: Day, found: Found, place: int) -> Iterator[pl.DataFrame]:
    metric, capacities = found.signal.metric, day.capacities(found)
    is_ratio = METRICS[metric].is_ratio
    of_all = is_ratio and found.signal.capacity
    asked = (_shares(points, capacities) if of_all else points for points in day.points(found))
    hours = [_hours(points, is_ratio, day) for points in asked]
    if not hours:
        return
    told = pl.concat(hours).with_columns(metric=pl.lit(metric), signal=pl.lit(found.signal.shown), place=pl.lit(place))
    yield told
    if metric == _OF_MEMORY:
        yield _of_capacity(told, capacities)


def _shares(points: pl.DataFrame, capacities: pl.DataFrame) -> pl.DataFrame:
    """Points as parts of what their device has; one of which that is not told has none."""
    known = points.join(capacities, on="device", how="inner", maintain_order="left")
    return known.with_columns(pl.col("value") / pl.col("capacity")).drop("capacity")


def _hours(points: pl.DataFrame, is_ratio: bool, day: Day) -> pl.DataFrame:
    """Of pods that share a GPU each tells the whole GPU's number: of one instant the highest counts, once.

    A ratio may come as more than there is; it is all there is then.
    """
    value = pl.col("value").max()
    once = points.group_by("device", "at").agg(value.clip(0.0, 1.0) if is_ratio else value)
    return hourly(once, day.step.total_seconds())


def _of_capacity(hours: pl.DataFrame, capacities: pl.DataFrame) -> pl.DataFrame:
    """The share of memory in use: what is in use of what was seen to be there in all."""
    known = hours.join(capacities, on="device", how="inner", maintain_order="left")
    share = [(pl.col(name) / pl.col("capacity")).clip(0.0, 1.0).alias(name) for name in _NUMBERS]
    shares = [(pl.col(name) / pl.col("capacity")).list.eval(pl.element().clip(0.0, 1.0)).alias(name) for name in _LISTS]
    return known.with_columns(*share, *shares, metric=pl.lit("gpu_memory")).drop("capacity")


def _named(hours: pl.DataFrame, devices: list[Device], cluster: str) -> pl.DataFrame:
    """The devices in place of their numbers."""
    names = ("node", "resource_id", "device", "parent_device", "device_model")
    told = pl.DataFrame(
        {
            "number": range(len(devices)),
            "cluster": [cluster or None] * len(devices),
            **{name: [getattr(device, name) or None for device in devices] for name in names},
            "slices": [device.slices for device in devices],
        },
        schema={"number": pl.Int64, **dict.fromkeys(("cluster", *names), pl.String), "slices": MONEY},
    )
    numbered = hours.rename({"device": "number"}).join(told, on="number", how="left", maintain_order="left")
    return numbered.drop("number", "place")
