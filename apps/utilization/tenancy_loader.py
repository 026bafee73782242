"""Frames of TENANCY -> who held which device: replaces what a source said of the same devices and hours, by COPY."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Final

import polars as pl
from django.db import connection

from apps.clusters.models import Pod
from apps.clusters.owners import LOCK as PODS
from apps.clusters.owners import decide_owners
from apps.core.copying import copy_frames
from apps.core.locks import hold
from apps.core.partitions import make_partitions
from apps.core.sql import run_sql
from apps.utilization.devices import Devices
from apps.utilization.loader import hold_source
from apps.utilization.retention import PARTITIONED
from apps.utilization.rollups import roll_up_use

_TEXTS: Final = ("namespace", "workload_kind", "workload", "pod", "container")
_STAGED: Final = {
    "place": "bigint",
    "device_no": "bigint",
    "hour": "timestamptz",
    **dict.fromkeys(_TEXTS, "text"),
    "cluster": "text",
    "labels": "jsonb",
    "minutes": "real",
    "share": "numeric",
}


def replace(
    frames: Iterable[pl.DataFrame],
    *,
    source: str,
    delivery_id: int,
    at: datetime,  # noqa: ARG001
    is_whole: bool = True,  # noqa: ARG001 - hours of which no row could be read stay as they were
) -> int:
    """Make the rows what the source knows of who held these devices in these hours; returns how many there are.

    Of a device's hour the rows of the newest delivery count, in whatever order deliveries are loaded. Runs in the
    caller's transaction, and may be repeated.
    """
    hold_source(source)
    devices, places, months = Devices(), 0, set[date]()

    def staged() -> Iterator[pl.DataFrame]:
        nonlocal places
        for frame in devices.numbered(frames):
            months.update(frame["hour"].dt.date().dt.truncate("1mo").unique())
            yield frame.with_columns(pl.col(_TEXTS).fill_null("")).with_row_index("place", offset=places)
            places += frame.height

    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS staged_tenancy")
        columns = ", ".join(f"{name} {kind}" for name, kind in _STAGED.items())
        cursor.execute(f"CREATE TEMPORARY TABLE staged_tenancy ({columns}) ON COMMIT DROP")
    copy_frames("staged_tenancy", tuple(_STAGED), staged())
    hold(PODS)
    make_partitions(PARTITIONED, months)
    devices.find(source)
    run_sql("utilization", "load_tenancy", {"delivery_id": delivery_id}, columns=Pod.DESCRIBED)
    decide_owners(only_new=True)
    roll_up_use()
    return places
