"""CSV as a table: text columns, cut into blocks at record boundaries so that memory does not grow with the file."""

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Final, Protocol

import polars as pl

from collectors.errors import RefusedFileError
from collectors.peek import BOM, DAMAGED
from collectors.tables import ROW, LongRow, RawBatch, refuse_wide

BLOCK_BYTES: Final = 8 << 20
PIECE_BYTES: Final = 1 << 18
LONGEST_RECORD: Final = 1 << 20
"""Bytes. Tags and other JSON of a charge have some hundred kB at most, and each is in memory many times over."""
MOST_CELLS: Final = 16 << 20
"""Of a block. A row takes room for every column, also where it ends after the first."""
_BLANK_LINES: Final = re.compile(rb"\n[\r\n]+")
UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
PACKED: Final = {b"PK\x03\x04": "a zip archive", b"\x1f\x8b": "gzip", b"PAR1": "Parquet"}


@dataclass(frozen=True, slots=True)
class _Parsed:
    """A block of whole records, and what it says."""

    block: bytes
    first_row: int
    frame: pl.DataFrame
    long_rows: Sequence[LongRow]


class Stream(Protocol):
    """What CSV is read from."""

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes, none at the end."""


class CsvTable:
    """A CSV file read from a stream; `packed_position` says how far the underlying file has been read."""

    def __init__(self, name: str, stream: Stream, packed_position: Callable[[], int]) -> None:
        self.name = name
        self._stream = stream
        self._packed_position = packed_position
        self._rest = b""
        self._row = 0
        self._damage: Exception | None = None
        self.header = self._read_header()

    def first_row(self) -> tuple[str, ...]:
        """Read on until the first row is whole; batches start with it all the same."""
        while (end := _first_record_end(self._rest)) < 0 and (more := self._read()):
            self._rest += more
            self._refuse_endless_record()
        line = self._rest if end < 0 else self._rest[:end]
        return tuple(next(iter(self._read_slowly(line)), ()))

    def batches(self, wanted: Sequence[int], rows: int) -> Iterator[RawBatch]:
        """Every column is parsed, so that a row with too many fields is noticed, but only the wanted ones are kept."""
        kept: list[_Parsed] = []
        for block in chain.from_iterable(map(self._pieces, self._blocks())):
            parsed = self._parse(block, self._row + 1)
            self._refuse_long_record(parsed)
            self._row += parsed.frame.height + len(parsed.long_rows)
            columns = [ROW, *(str(position) for position in wanted)]
            if parsed.frame.height or parsed.long_rows:
                kept.append(replace(parsed, frame=parsed.frame.select(columns)))
            if sum(one.frame.height + len(one.long_rows) for one in kept) >= rows:
                yield from self._batches_of(kept, rows)
                kept = []
        if kept:
            yield from self._batches_of(kept, rows)

    def _batches_of(self, kept: Sequence[_Parsed], rows: int) -> Iterator[RawBatch]:
        frame = pl.concat([one.frame for one in kept])
        long_rows = [long for one in kept for long in one.long_rows]
        whole = partial(self._parse_again, kept)
        for start in range(0, max(frame.height, 1), rows):
            part = frame.slice(start, rows)
            yield RawBatch(part, whole, long_rows if start == 0 else (), self._packed_position())

    def _parse_again(self, kept: Sequence[_Parsed]) -> pl.DataFrame:
        return pl.concat([self._parse(one.block, one.first_row).frame for one in kept])

    def _read_header(self) -> tuple[str, ...]:
        self._rest = self._read()
        while self._rest.startswith(BOM):
            self._rest = self._rest.removeprefix(BOM)
        self._rest = self._rest.lstrip(b"\r\n")
        if self._rest.startswith(UTF_16):
            raise RefusedFileError(f"{self.name} is UTF-16 text; save it as UTF-8 CSV.")
        for magic, kind in PACKED.items():
            if self._rest.startswith(magic):
                raise RefusedFileError(f"{self.name} holds {kind} where CSV should be: unpack it once and try again.")
        while (end := _first_record_end(self._rest)) < 0 and (more := self._read()):
            self._rest += more
            self._refuse_endless_record()
        if not self._rest.strip():
            raise RefusedFileError(f"{self.name} is empty: it has not even a header.")
        end = len(self._rest) if end < 0 else end
        line, self._rest = self._rest[:end], self._rest[end:].removeprefix(BOM)
        header, *others = self._read_slowly(line)
        if others:
            raise RefusedFileError(f"{self.name} ends its lines with CR alone; save it with LF or CRLF.")
        refuse_wide(self.name, len(header))
        return tuple(name.strip().replace("\0", "\ufffd") for name in header)

    def _read(self) -> bytes:
        """The next piece; what was unpacked before the damage is given out first, so that the message says how far."""
        pieces: list[bytes] = []
        try:
            while self._damage is None and (piece := self._stream.read(PIECE_BYTES)):
                pieces.append(piece)
                if len(pieces) * PIECE_BYTES >= BLOCK_BYTES:
                    break
        except DAMAGED as error:
            self._damage = error
        if self._damage is not None and not pieces:
            raise RefusedFileError(
                f"{self.name} is damaged or truncated: unpacking stopped after row {self._row:,} ({self._damage})."
            ) from self._damage
        return b"".join(pieces)

    def _blocks(self) -> Iterator[bytes]:
        """Pieces of the file that end where a record ends."""
        while True:
            end = _last_record_end(self._rest)
            if end:
                block, self._rest = self._rest[:end], self._rest[end:]
                yield block
            self._refuse_endless_record()
            chunk = self._read()
            if not chunk:
                break
            self._rest += chunk
        if self._rest.count(b'"') % 2:
            raise RefusedFileError(
                f"{self.name} ends inside a quoted value after row {self._row:,}: the file is truncated, "
                "or a quotation mark is not doubled."
            )
        if self._rest:
            yield self._rest
            self._rest = b""

    def _pieces(self, block: bytes) -> Iterator[bytes]:
        """The block, in parts where it has more rows than its length would let one expect: blank or short ones."""
        is_dense = block.count(b"\n") * len(self.header) > MOST_CELLS
        if is_dense and b'"' not in block:
            block = _BLANK_LINES.sub(b"\n", block).lstrip(b"\r\n")
        if is_dense and (middle := _last_record_end(block[: len(block) // 2])):
            yield from self._pieces(block[:middle])
            yield from self._pieces(block[middle:])
        else:
            yield block

    def _refuse_endless_record(self) -> None:
        if len(self._rest) > LONGEST_RECORD:
            raise self._too_long(self._row + 1)

    def _refuse_long_record(self, parsed: _Parsed) -> None:
        """Whether a record is refused must not depend on where in a block it lies."""
        lengths = pl.all().exclude(ROW).str.len_bytes()
        frame = parsed.frame
        if frame.height and (frame.select(pl.sum_horizontal(lengths.max())).item() or 0) > LONGEST_RECORD:
            for row in frame.filter(pl.sum_horizontal(lengths) > LONGEST_RECORD)[ROW].head(1):
                raise self._too_long(row)

    def _too_long(self, row: int) -> RefusedFileError:
        return RefusedFileError(
            f"{self.name}: row {row:,} is longer than {LONGEST_RECORD >> 20} MB; "
            "look for a quotation mark that is never closed, or a column that holds more than a charge says."
        )

    def _parse(self, block: bytes, first_row: int) -> _Parsed:
        """The records of a block; blank lines are no rows."""
        names = ",".join(str(position) for position in range(len(self.header))).encode()
        try:
            frame = pl.read_csv(names + b"\n" + block, infer_schema=False, null_values=[""], raise_if_empty=False)
        except pl.exceptions.PolarsError:
            return self._parse_slowly(block, first_row)
        if frame.select(pl.all_horizontal(pl.all().is_null()).any()).item():
            return self._parse_slowly(block, first_row)
        numbers = pl.int_range(first_row, first_row + frame.height, dtype=pl.Int64).alias(ROW)
        return _Parsed(block, first_row, frame.with_columns(numbers), ())

    def _parse_slowly(self, block: bytes, first_row: int) -> _Parsed:
        """The same record by record: for blocks with rows that are too long, blank lines or broken quotes."""
        width = len(self.header)
        records = list(enumerate(self._read_slowly(block), start=first_row))
        long_rows = [LongRow(row, tuple(fields)) for row, fields in records if len(fields) > width]
        kept = [(row, fields) for row, fields in records if len(fields) <= width]
        columns = {
            str(position): [fields[position] or None if position < len(fields) else None for _, fields in kept]
            for position in range(width)
        }
        frame = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))
        numbers = pl.Series(ROW, [row for row, _ in kept], pl.Int64)
        return _Parsed(block, first_row, frame.with_columns(numbers), long_rows)

    def _read_slowly(self, block: bytes) -> list[list[str]]:
        """Records without blank lines."""
        try:
            return list(filter(None, csv.reader(io.StringIO(block.decode(), newline=""))))
        except UnicodeDecodeError as error:
            row = self._row + 1 + block.count(b"\n", 0, error.start)
            raise RefusedFileError(
                f"{self.name} is not UTF-8 text: byte {block[error.start]:#04x} near row {row:,}; save it as UTF-8."
            ) from error
        except csv.Error as error:
            raise RefusedFileError(f"{self.name} is not CSV after row {self._row:,}: {error}.") from error


def _last_record_end(text: bytes) -> int:
    """Where the last whole record ends: after the last newline with an even number of quotation marks before it."""
    inside, end = text.count(b'"') % 2 == 1, len(text)
    while True:
        quote = text.rfind(b'"', 0, end)
        newline = -1 if inside else text.rfind(b"\n", quote + 1, end)
        if newline >= 0:
            return newline + 1
        if quote < 0:
            return 0
        inside, end = not inside, quote


def _first_record_end(text: bytes) -> int:
    """Where the first record ends, -1 when it does not end in `text`."""
    start = 0
    while True:
        quote = text.find(b'"', start)
        newline = text.find(b"\n", start, quote if quote >= 0 else len(text))
        if newline >= 0:
            return newline + 1
        closing = text.find(b'"', quote + 1) if quote >= 0 else -1
        if closing < 0:
            return -1
        start = closing + 1


csv.field_size_limit(LONGEST_RECORD)
