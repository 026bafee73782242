"""Writes: points that were pushed."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import polars as pl
from django.db import connection, transaction
from django.utils import timezone

from apps.accounts.audit import record
from apps.accounts.models import User
from apps.core.copying import copy_frames
from apps.core.sql import read_sql, run_sql
from apps.utilization.devices import Devices
from apps.utilization.loader import PUSHED, hold_source, replace
from apps.utilization.retention import points_kept_from
from collectors.pushed import read_points
from collectors.utilization import METRICS, hourly

SOURCE: Final = "push"
"""The source of pushed points, as others have the name of their connection."""

_STAGED: Final = {"device_no": "bigint", "metric": "smallint", "at": "timestamptz", "value": "double precision"}
_NUMBER_OF: Final = {name: metric.number for name, metric in METRICS.items()}
_NAME_OF: Final = {metric.number: name for name, metric in METRICS.items()}


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became of a batch: how many points it has, and how many hours of devices are made anew with them."""

    points: int
    hours: int


@transaction.atomic
def push(rows: Iterable[Any], *, actor: User | None, remote_address: str = "") -> Pushed:
    """Take a batch of points, all or none, and make the hours that they lie in anew from all points pushed for them.

    The same batch again changes nothing; another value for the same moment takes the place of the earlier one. Raises
    collectors.pushed.PointsRefusedError.
    """
    now = timezone.now()
    points = read_points(rows, now=now, oldest=points_kept_from(now))
    if points.is_empty():
        return Pushed(0, 0)
    hold_source(SOURCE)
    touched = _keep(points)
    hours = hourly(touched)
    replace([hours], source=SOURCE, delivery_id=PUSHED, at=now)
    record(
        actor=actor,
        action="utilization.pushed",
        target="utilization",
        after={"points": points.height, "hours": hours.height, "resources": points["resource_id"].n_unique()},
        remote_address=remote_address,
    )
    return Pushed(points.height, hours.height)


def _keep(points: pl.DataFrame) -> pl.DataFrame:
    """Store the points; all points of the hours that they lie in, with the columns of UTILIZATION that tell series."""
    devices = Devices()
    numbered = [
        frame.with_columns(pl.col("metric").replace_strict(_NUMBER_OF, return_dtype=pl.Int16))
        for frame in devices.numbered([points])
    ]
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS staged_point")
        columns = ", ".join(f"{name} {kind}" for name, kind in _STAGED.items())
        cursor.execute(f"CREATE TEMPORARY TABLE staged_point ({columns}) ON COMMIT DROP")
        copy_frames("staged_point", tuple(_STAGED), numbered)
        devices.find(SOURCE)
        run_sql("utilization", "keep_points", {})
        cursor.execute(read_sql("utilization", "points_of_hours"))
        rows = cursor.fetchall()
    schema: dict[str, pl.DataType] = {
        "resource_id": pl.String(),
        "device": pl.String(),
        "metric": pl.Int16(),
        "at": pl.Datetime("us", "UTC"),
        "value": pl.Float64(),
    }
    found = pl.DataFrame(rows, schema=schema, orient="row")
    return found.with_columns(
        pl.col("metric").replace_strict(_NAME_OF, return_dtype=pl.String), provider=pl.lit(""), signal=pl.lit(SOURCE)
    )
