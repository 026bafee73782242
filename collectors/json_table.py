"""JSON lines as a table: one object a line, nested ones as dotted columns, numbers as the text that the file has."""

import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final, Protocol

import polars as pl

from collectors.csv_table import LONGEST_RECORD, Stream
from collectors.errors import RefusedFileError
from collectors.peek import BOM, DAMAGED
from collectors.tables import ROW, RawBatch, refuse_wide

BLOCK_BYTES: Final = 1 << 20
Cells = dict[str, str]


class Rewindable(Stream, Protocol):
    """What can be read from its start again."""

    def seek(self, position: int, /) -> int:
        """Go on at `position`."""


class JsonTable:
    """A file of JSON lines. Objects leave out what is null, so that the columns are known after reading all of them.

    `packed_position` says how far the underlying file has been read.
    """

    def __init__(self, name: str, stream: Rewindable, packed_position: Callable[[], int]) -> None:
        self.name = name
        self._stream = stream
        self._packed_position = packed_position
        columns: dict[str, None] = {}
        for cells in self._rows():
            columns |= dict.fromkeys(cells)
            refuse_wide(name, len(columns))
        self.header = tuple(columns)

    def first_row(self) -> tuple[str, ...]:
        """The fields of the first row."""
        first = next(self._rows(), {})
        return tuple(first.get(column, "") for column in self.header)

    def batches(self, wanted: Sequence[int], rows: int) -> Iterator[RawBatch]:
        """`rows` lines at a time."""
        kept: list[Cells] = []
        first_row = 1
        for cells in self._rows():
            kept.append(cells)
            if len(kept) == rows:
                yield self._batch(kept, first_row, wanted)
                first_row, kept = first_row + len(kept), []
        if kept:
            yield self._batch(kept, first_row, wanted)

    def _batch(self, kept: Sequence[Cells], first_row: int, wanted: Sequence[int]) -> RawBatch:
        whole = partial(self._frame, kept, first_row, range(len(self.header)))
        return RawBatch(self._frame(kept, first_row, wanted), whole, (), self._packed_position())

    def _frame(self, kept: Sequence[Cells], first_row: int, wanted: Sequence[int]) -> pl.DataFrame:
        columns = {str(at): [cells.get(self.header[at]) for cells in kept] for at in wanted}
        numbers = pl.int_range(first_row, first_row + len(kept), dtype=pl.Int64, eager=True).alias(ROW)
        return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String)).with_columns(numbers)

    def _rows(self) -> Iterator[Cells]:
        self._stream.seek(0)
        for row, line in enumerate(filter(bytes.strip, self._lines()), start=1):
            try:
                value = json.loads(line, parse_float=str, parse_int=str)
            except (ValueError, RecursionError) as error:
                raise RefusedFileError(
                    f"{self.name}: row {row:,} is not JSON: the file is truncated, or has more than a row in a line."
                ) from error
            if not isinstance(value, dict):
                raise RefusedFileError(f"{self.name}: row {row:,} is no JSON object with column names.")
            yield dict(_cells(value, ""))

    def _lines(self) -> Iterator[bytes]:
        rest, is_start = b"", True
        while block := self._read():
            *lines, rest = (rest + block).split(b"\n")
            if is_start and lines:
                lines[0], is_start = lines[0].removeprefix(BOM), False
            yield from lines
            if len(rest) > LONGEST_RECORD:
                raise RefusedFileError(f"{self.name} has a line longer than {LONGEST_RECORD >> 20} MB.")
        yield rest.removeprefix(BOM)

    def _read(self) -> bytes:
        try:
            return self._stream.read(BLOCK_BYTES)
        except DAMAGED as error:
            raise RefusedFileError(f"{self.name} is damaged or truncated: unpacking stopped ({error}).") from error


def _cells(value: dict[str, object], prefix: str) -> Iterator[tuple[str, str]]:
    """`{"service": {"id": "a"}}` -> ("service.id", "a"); lists stay JSON, null is no cell."""
    for key, item in value.items():
        if isinstance(item, dict):
            yield from _cells(item, f"{prefix}{key}.")
        elif isinstance(item, list):
            yield f"{prefix}{key}", json.dumps(item, ensure_ascii=False)
        elif isinstance(item, bool):
            yield f"{prefix}{key}", str(item).lower()
        elif item is not None:
            yield f"{prefix}{key}", str(item)
