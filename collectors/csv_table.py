"""CSV as a table: text columns, cut into blocks at record boundaries so that memory does not grow with the file."""

import csv
import io
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO, Final

import polars as pl
from isal.igzip_lib import IsalError

from collectors.errors import RefusedFileError
from collectors.tables import ROW, LongRow, RawBatch

BLOCK_BYTES: Final = 8 << 20
LONGEST_RECORD: Final = 64 << 20
BOM: Final = b"\xef\xbb\xbf"
UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
DAMAGED: Final[tuple[type[Exception], ...]] = (EOFError, OSError, zlib.error, IsalError)


class CsvTable:
    """A CSV file read from a stream; `packed_position` says how far the underlying file has been read."""

    def __init__(self, name: str, stream: BinaryIO, packed_position: Callable[[], int]) -> None:
        self.name = name
        self._stream = stream
        self._packed_position = packed_position
        self._rest = b""
        self._row = 0
        self.header = self._read_header()

    def batches(self, wanted: Sequence[int], rows: int) -> Iterator[RawBatch]:
        """Every column is read, so that a row with too many fields is noticed."""
        del wanted
        for block in self._blocks():
            frame, long_rows = self._parse(block)
            self._row += frame.height + len(long_rows)
            for start in range(0, max(frame.height, 1), rows):
                part = frame.slice(start, rows)
                yield RawBatch(part, part.clone, long_rows if start == 0 else (), self._packed_position())

    def _read_header(self) -> tuple[str, ...]:
        self._rest = self._read().removeprefix(BOM).lstrip(b"\r\n")
        if self._rest.startswith(UTF_16):
            raise RefusedFileError(f"{self.name} is UTF-16 text; save it as UTF-8 CSV.")
        while (end := _first_record_end(self._rest)) < 0 and (more := self._read()):
            self._rest += more
        if not self._rest.strip():
            raise RefusedFileError(f"{self.name} is empty: it has not even a header.")
        end = len(self._rest) if end < 0 else end
        line, self._rest = self._rest[:end], self._rest[end:].removeprefix(BOM)
        return tuple(name.strip() for name in self._read_slowly(line)[0])

    def _read(self) -> bytes:
        try:
            return self._stream.read(BLOCK_BYTES)
        except DAMAGED as error:
            raise RefusedFileError(
                f"{self.name} is damaged or truncated: unpacking stopped after row {self._row:,} ({error})."
            ) from error

    def _blocks(self) -> Iterator[bytes]:
        """Pieces of the file that end where a record ends."""
        while chunk := self._read():
            self._rest += chunk
            end = _last_record_end(self._rest)
            if end:
                block, self._rest = self._rest[:end], self._rest[end:]
                yield block
            elif len(self._rest) > LONGEST_RECORD:
                raise RefusedFileError(
                    f"{self.name}: row {self._row + 1:,} is longer than {LONGEST_RECORD >> 20} MB; "
                    "look for a quotation mark that is never closed."
                )
        if self._rest.count(b'"') % 2:
            raise RefusedFileError(
                f"{self.name} ends inside a quoted value after row {self._row:,}: the file is truncated, "
                "or a quotation mark is not doubled."
            )
        if self._rest:
            yield self._rest
            self._rest = b""

    def _parse(self, block: bytes) -> tuple[pl.DataFrame, list[LongRow]]:
        """The records of a block; blank lines are no rows."""
        names = [str(position) for position in range(len(self.header))]
        try:
            frame = pl.read_csv(
                ",".join(names).encode() + b"\n" + block, infer_schema=False, null_values=[""], raise_if_empty=False
            )
        except pl.exceptions.PolarsError:
            return self._parse_slowly(block)
        if frame.select(pl.all_horizontal(pl.all().is_null()).any()).item():
            return self._parse_slowly(block)
        return frame.with_columns(_numbers(self._row + 1, frame.height)), []

    def _parse_slowly(self, block: bytes) -> tuple[pl.DataFrame, list[LongRow]]:
        """The same record by record: for blocks with rows that are too long, blank lines or broken quotes."""
        width = len(self.header)
        records = list(enumerate(filter(None, self._read_slowly(block)), start=self._row + 1))
        long_rows = [LongRow(row, tuple(fields)) for row, fields in records if len(fields) > width]
        kept = [(row, fields) for row, fields in records if len(fields) <= width]
        columns = {
            str(position): [fields[position] or None if position < len(fields) else None for _, fields in kept]
            for position in range(width)
        }
        frame = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))
        return frame.with_columns(pl.Series(ROW, [row for row, _ in kept], pl.Int64)), long_rows

    def _read_slowly(self, block: bytes) -> list[list[str]]:
        try:
            return list(csv.reader(io.StringIO(block.decode(), newline="")))
        except UnicodeDecodeError as error:
            row = self._row + 1 + block.count(b"\n", 0, error.start)
            raise RefusedFileError(
                f"{self.name} is not UTF-8 text: byte {block[error.start]:#04x} near row {row:,}; save it as UTF-8."
            ) from error
        except csv.Error as error:
            raise RefusedFileError(f"{self.name} is not CSV after row {self._row:,}: {error}.") from error


def _numbers(first: int, count: int) -> pl.Series:
    return pl.int_range(first, first + count, dtype=pl.Int64, eager=True).alias(ROW)


def _last_record_end(text: bytes) -> int:
    """Where the last whole record ends: after the last newline with an even number of quotation marks before it."""
    quotes, end = text.count(b'"'), len(text)
    while (newline := text.rfind(b"\n", 0, end)) >= 0:
        quotes -= text.count(b'"', newline, end)
        if quotes % 2 == 0:
            return newline + 1
        end = newline
    return 0


def _first_record_end(text: bytes) -> int:
    """Where the first record ends, -1 when it does not end in `text`."""
    newline = text.find(b"\n")
    while newline >= 0 and text.count(b'"', 0, newline) % 2:
        newline = text.find(b"\n", newline + 1)
    return newline + 1 if newline >= 0 else -1


csv.field_size_limit(LONGEST_RECORD)
