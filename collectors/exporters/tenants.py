"""A day's points -> rows of TENANCY: which container held which GPU, hour by hour."""

from datetime import timedelta
from typing import Final

import polars as pl

from collectors.charges import MONEY
from collectors.exporters.day import SECOND, Day
from collectors.kubernetes.workloads import Workloads, read_workloads
from collectors.values import dump_json

MINUTE: Final = timedelta(minutes=1)
_DIGITS: Final = 9
_TEXTS: Final = ("namespace", "pod", "container", "workload_kind", "workload", "labels")


def read_tenants(day: Day) -> pl.DataFrame:
    """Every GPU that was seen in an hour with those who held it; a row without a pod where nobody did."""
    gpus = [found for found in day.found if found.signal.metric == "gpu"]
    frames = [_held(points, day) for found in gpus for points in day.points(found)]
    if not frames:
        return pl.DataFrame()
    keys = ("device", "hour", "tenant")
    held = pl.concat(frames).group_by(keys).agg(pl.col("minutes", "took").sum())
    is_nobody = pl.col("tenant").is_null()
    alone = held.filter(~is_nobody | (is_nobody.all().over("device", "hour")))
    return _named(alone, day).sort("node", "device", "hour", "namespace", "pod", "container")


def _held(points: pl.DataFrame, day: Day) -> pl.DataFrame:
    """Minutes of each tenant, and those of the device that are its own: n at the same time have an nth each."""
    seen = points.select("device", "at", "tenant").unique()
    others = pl.col("tenant").count().over("device", "at")
    each = seen.with_columns(hour=pl.col("at").dt.truncate("1h"), part=1 / others)
    minutes = day.step / MINUTE
    return each.group_by("device", "hour", "tenant").agg(
        minutes=pl.len() * minutes, took=pl.col("part").fill_nan(0.0).sum() * minutes
    )


def _named(held: pl.DataFrame, day: Day) -> pl.DataFrame:
    """Devices and tenants in place of their numbers."""
    workloads = read_workloads(day.prometheus, day.cluster, at=day.end - SECOND, span=day.end - day.start)
    devices = pl.DataFrame(
        {
            "device": range(len(day.devices)),
            "node": [device.node or None for device in day.devices],
            "name": [device.device for device in day.devices],
        },
        schema={"device": pl.Int64, "node": pl.String, "name": pl.String},
    )
    whole = held.join(devices, on="device", how="left").join(_tenants(day, workloads), on="tenant", how="left")
    share = (pl.col("took") / pl.col("minutes")).round(_DIGITS).cast(MONEY)
    is_held = pl.col("tenant").is_not_null()
    return whole.with_columns(
        pl.lit(day.cluster.name or None, pl.String).alias("cluster"),
        pl.when(is_held).then("minutes").alias("minutes"),
        pl.when(is_held).then(share).alias("share"),
        device="name",
    ).select("cluster", "node", "device", "hour", *_TEXTS, "minutes", "share")


def _tenants(day: Day, workloads: Workloads) -> pl.DataFrame:
    rows = []
    for tenant, number in day.tenants.items():
        pod = (tenant.namespace, tenant.pod)
        labels = dump_json(workloads.pod_labels.get(pod, {}))
        rows.append((number, tenant.namespace, tenant.pod, tenant.container or None, *workloads.of(pod), labels))
    return pl.DataFrame(rows, schema={"tenant": pl.Int64, **dict.fromkeys(_TEXTS, pl.String)}, orient="row")
