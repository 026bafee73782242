"""Devices that files name: numbered while frames go by, then found or made in the table, all at once."""

from collections.abc import Iterable, Iterator
from typing import Final

import polars as pl
from django.db import connection

from apps.core.copying import copy_frames
from apps.core.sql import run_sql

NAME: Final = ("cluster", "node", "resource_id", "device")
DESCRIBED: Final = {"provider": "text", "parent_device": "text", "device_model": "text", "slices": "numeric"}
_STAGED: Final = ("device_no", *NAME, *DESCRIBED, "parent_no")


class Devices:
    """Takes frames whose rows name devices, and gives each name a number; memory holds the names alone."""

    def __init__(self) -> None:
        self._known = pl.DataFrame(schema={**dict.fromkeys(NAME, pl.String), "device_no": pl.Int64})
        self._described: list[pl.DataFrame] = []

    def numbered(self, frames: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """The frames with `device_no`; columns of a name or a description that they lack are empty."""
        for frame in frames:
            yield self._number(frame)

    def find(self, source: str) -> None:
        """Leave the temporary table `named_device` (device_no, device_id); runs in the caller's transaction.

        What a name says of its device is kept; what it leaves out stays as it was. A card that only its slices name is
        a device too. Where a node is named but not its machine, the device is the one known by that node.
        """
        columns = ", ".join(f"{name} {DESCRIBED.get(name, 'text' if name in NAME else 'bigint')}" for name in _STAGED)
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS staged_device, named_device")
            cursor.execute(f"CREATE TEMPORARY TABLE staged_device ({columns}) ON COMMIT DROP")
        copy_frames("staged_device", _STAGED, [self._with_cards()])
        run_sql("utilization", "find_devices", {"source": source})

    def _number(self, frame: pl.DataFrame) -> pl.DataFrame:
        missing = [name for name in (*NAME, *DESCRIBED) if name not in frame.columns]
        whole = frame.with_columns(pl.lit(None, pl.String).alias(name) for name in missing)
        whole = whole.with_columns(pl.col(NAME).fill_null(""))
        described = whole.group_by(NAME, maintain_order=True).agg(pl.col(DESCRIBED).drop_nulls().last())
        self._described.append(described.with_columns(pl.col("slices").cast(pl.String)))
        self._add(described.select(NAME))
        return whole.join(self._known, on=NAME, how="left", maintain_order="left")

    def _add(self, names: pl.DataFrame) -> None:
        new = names.unique(maintain_order=True).join(self._known, on=NAME, how="anti", maintain_order="left")
        numbers = pl.int_range(pl.len(), dtype=pl.Int64) + self._known.height
        self._known = pl.concat([self._known, new.with_columns(device_no=numbers)])

    def _with_cards(self) -> pl.DataFrame:
        """Every name once, described as it was last; a slice with the number of its card."""
        empty = pl.DataFrame(schema=dict.fromkeys((*NAME, *DESCRIBED), pl.String))
        all_described = pl.concat([empty, *self._described])
        cards = all_described.filter(pl.col("parent_device") != pl.col("device"))
        self._add(cards.select("cluster", "node", "resource_id", device="parent_device"))
        described = all_described.group_by(NAME).agg(pl.col(DESCRIBED).drop_nulls().last())
        parents = self._known.rename({"device": "parent_device", "device_no": "parent_no"})
        whole = self._known.join(described, on=NAME, how="left", maintain_order="left")
        own = pl.when(pl.col("parent_device") != pl.col("device")).then("parent_device").alias("parent_device")
        return whole.with_columns(own).join(
            parents, on=["cluster", "node", "resource_id", "parent_device"], how="left", maintain_order="left"
        )
