"""Parquet as a table: only the wanted columns, in slices, so that memory does not grow with file or row group."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import polars as pl

from collectors.errors import RefusedFileError
from collectors.tables import ROW, RawBatch, refuse_wide
from collectors.values import as_text

DAMAGED: Final = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)
MOST_TEXT: Final = 256 << 20
"""Bytes of text in a slice. A text that is repeated is kept once in the file, and as often as it stands there by us."""


class ParquetTable:
    """A Parquet file; columns keep the file's types."""

    def __init__(self, name: str, path: Path, packed_bytes: int) -> None:
        self.name = name
        self._packed_bytes = packed_bytes
        try:
            # folder names like BILLING_PERIOD=2026-05 are no columns, and file names no patterns
            self._scan = pl.scan_parquet(path, hive_partitioning=False, glob=False)
            self.header = tuple(self._scan.collect_schema().names())
            self.rows = int(self._scan.select(pl.len()).collect().item())
        except DAMAGED as error:
            raise RefusedFileError(f"{name} is not a whole Parquet file: {_first_line(error)}.") from error
        refuse_wide(name, len(self.header))

    def first_row(self) -> tuple[str, ...]:
        """The first row as text, empty where the file has null."""
        if self.rows == 0:
            return ()
        first = self._slice(range(len(self.header)), 0, 1).drop(ROW)
        return tuple(as_text(column).fill_null("").item() for column in first)

    def batches(self, wanted: Sequence[int], rows: int) -> Iterator[RawBatch]:
        """Slices of `rows` rows."""
        for start in range(0, self.rows, rows):
            frame = self._slice(wanted, start, rows)
            done = self._packed_bytes * (start + frame.height) // self.rows
            everything = partial(self._slice, range(len(self.header)), start, rows)
            yield RawBatch(frame, everything, (), done)

    def _slice(self, wanted: Sequence[int], start: int, rows: int) -> pl.DataFrame:
        columns = [pl.col(self.header[position]).alias(str(position)) for position in wanted]
        count = min(rows, self.rows - start)
        try:
            frame = self._scan.select(columns).slice(start, count).collect()
        except DAMAGED as error:
            raise RefusedFileError(f"{self.name} is damaged after row {start:,}: {_first_line(error)}.") from error
        self._refuse_bomb(frame, start)
        return frame.with_columns(pl.int_range(start + 1, start + 1 + count, dtype=pl.Int64).alias(ROW))

    def _refuse_bomb(self, frame: pl.DataFrame, start: int) -> None:
        texts = frame.select(pl.col(pl.String).str.len_bytes().sum())
        if texts.width and sum(texts.row(0)) > MOST_TEXT:
            raise RefusedFileError(
                f"{self.name} unpacks to more than {MOST_TEXT >> 20} MB of text in the {frame.height:,} rows after row"
                f" {start:,}: refused as a possible bomb."
            )


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0].rstrip(".")
