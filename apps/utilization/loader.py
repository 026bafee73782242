"""Frames of UTILIZATION -> hours of devices, and their days: replaces what a source said of the same hours, by COPY."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Final

import polars as pl
from django.db import connection

from apps.core.copying import copy_frames
from apps.core.locks import hold
from apps.core.partitions import make_partitions
from apps.core.sql import run_sql
from apps.utilization.devices import Devices
from apps.utilization.retention import PARTITIONED, points_kept_from
from apps.utilization.rollups import roll_up_days, roll_up_resource_use, roll_up_use
from collectors.utilization import METRICS

PUSHED: Final = 0
"""In place of a delivery: what was pushed came with none."""

_NUMBERS: Final = ("minutes", "average", "p95", "maximum")
_STAGED: Final = {
    "place": "bigint",
    "device_no": "bigint",
    "metric": "smallint",
    "hour": "timestamptz",
    "signal": "text",
    **dict.fromkeys(_NUMBERS, "real"),
    "points": "real[]",
    "peaks": "real[]",
}
_NUMBER_OF: Final = {name: metric.number for name, metric in METRICS.items()}


def replace(
    frames: Iterable[pl.DataFrame],
    *,
    source: str,
    delivery_id: int,
    at: datetime,
    is_whole: bool = True,  # noqa: ARG001 - nothing is taken for gone because a file does not tell of it
) -> int:
    """Make the rows what the source knows of these devices, metrics and hours; returns how many there are.

    Of rows for the same hour the one of the newest delivery counts, in whatever order deliveries are loaded, and of
    one delivery the last. Points and peaks of hours that were long ago `at` that time are not kept. Runs in the
    caller's transaction, and may be repeated.
    """
    hold_source(source)
    devices, places, months, oldest = Devices(), 0, set[date](), points_kept_from(at)

    def staged() -> Iterator[pl.DataFrame]:
        nonlocal places
        for frame in devices.numbered(frames):
            months.update(frame["hour"].dt.date().dt.truncate("1mo").unique())
            yield _as_staged(frame, oldest).with_row_index("place", offset=places)
            places += frame.height

    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS staged_hour")
        columns = ", ".join(f"{name} {kind}" for name, kind in _STAGED.items())
        cursor.execute(f"CREATE TEMPORARY TABLE staged_hour ({columns}) ON COMMIT DROP")
    copy_frames("staged_hour", tuple(_STAGED), staged())
    make_partitions(PARTITIONED, months)
    devices.find(source)
    run_sql("utilization", "load_hours", {"delivery_id": delivery_id})
    roll_up_days()
    roll_up_use()
    roll_up_resource_use()
    return places


def hold_source(source: str) -> None:
    """Whoever changes what a source says of utilisation does so alone, until this transaction ends."""
    hold(f"utilization of {source}")


def _as_staged(frame: pl.DataFrame, oldest: datetime) -> pl.DataFrame:
    """Numbers in single precision, lists as arrays of the database."""
    return frame.with_columns(
        pl.col("metric").replace_strict(_NUMBER_OF, return_dtype=pl.Int16),
        pl.col("signal").fill_null(""),
        pl.col(_NUMBERS).cast(pl.Float32),
        *(pl.when(pl.col("hour") >= oldest).then(_as_array(name)).alias(name) for name in ("points", "peaks")),
    )


def _as_array(name: str) -> pl.Expr:
    texts = pl.col(name).cast(pl.List(pl.Float32)).cast(pl.List(pl.String))
    joined = texts.list.eval(pl.element().fill_null("NULL")).list.join(",")
    return pl.when(pl.col(name).is_not_null()).then(pl.concat_str(pl.lit("{"), joined, pl.lit("}"))).alias(name)
