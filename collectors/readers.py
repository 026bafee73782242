"""Opens billing files whatever they are packed in: csv or JSON lines, gzipped or not, zip of these, parquet."""

import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from shutil import copyfileobj
from typing import IO, BinaryIO, Final

from isal import igzip

from collectors.csv_table import CsvTable
from collectors.errors import RefusedFileError
from collectors.json_table import JsonTable, Rewindable
from collectors.parquet_table import ParquetTable
from collectors.peek import BOM, DAMAGED, GZIP
from collectors.tables import Table

ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
PARQUET: Final = b"PAR1"
HIGHEST_RATIO: Final = 300
"""Unpacked over packed bytes; billing text packs 10 to 60 times, a bomb about 1,000 times."""
HARMLESS_BYTES: Final = 256 << 20
"""Up to this size the ratio does not matter."""
DATA_SUFFIXES: Final = (".csv", ".csv.gz", ".parquet")
_PEEKED: Final = 64


@contextmanager
def open_tables(path: Path) -> Iterator[Iterator[Table]]:
    """The tables of a file, one after the other; what it is packed in is told by its first bytes, not by its name."""
    try:
        with path.open("rb") as file:
            yield _tables(path, file)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        raise RefusedFileError(f"{path} is a damaged or truncated zip archive: {error}.") from error
    except FileNotFoundError as error:
        raise RefusedFileError(f"{path} does not exist.") from error


def _tables(path: Path, file: BinaryIO) -> Iterator[Table]:
    magic = file.read(4)
    file.seek(0)
    if magic == PARQUET:
        yield ParquetTable(str(path), path, path.stat().st_size)
    elif magic in ZIP:
        yield from _zip_tables(path, file)
    else:
        yield _text(str(path), file, file, path.stat().st_size)


def _text(name: str, stream: IO[bytes], packed: IO[bytes], packed_size: int) -> Table:
    """CSV or JSON lines, unpacked on the way when they are gzipped."""
    magic = stream.read(2)
    stream.seek(0)
    unpacked: Rewindable = stream
    if magic == GZIP:
        unpacked = igzip.IGzipFile(fileobj=stream, mode="rb")  # type: ignore[no-untyped-call]
    guarded = _Guarded(name, unpacked, packed_size)
    return (JsonTable if _starts_with_object(unpacked) else CsvTable)(name, guarded, packed.tell)


def _starts_with_object(stream: Rewindable) -> bool:
    """What cannot be unpacked is none; whoever reads it says why."""
    try:
        return stream.read(_PEEKED).removeprefix(BOM).lstrip().startswith(b"{")
    except DAMAGED:
        return False
    finally:
        stream.seek(0)


def _zip_tables(path: Path, file: BinaryIO) -> Iterator[Table]:
    with zipfile.ZipFile(file) as archive:
        members = [member for member in archive.infolist() if _is_data(member)]
        if not members:
            raise RefusedFileError(f"{path} holds no CSV or Parquet file.")
        for member in members:
            yield from _member_tables(path, archive, member, file)


def _is_data(member: zipfile.ZipInfo) -> bool:
    name = PurePosixPath(member.filename)
    hidden = name.name.startswith(".") or "__MACOSX" in name.parts
    return not member.is_dir() and not hidden and member.filename.lower().endswith(DATA_SUFFIXES)


def _member_tables(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo, file: BinaryIO) -> Iterator[Table]:
    """One member; its name is used in messages only and never as a place to write to."""
    name = f"{path}: {member.filename}"
    if member.flag_bits & 1:
        raise RefusedFileError(f"{name} is encrypted; unpack it first.")
    with archive.open(member) as packed:
        if member.filename.lower().endswith(".parquet"):
            yield from _unpacked_parquet(name, packed, member)
        else:
            yield _text(name, packed, file, member.compress_size)


def _unpacked_parquet(name: str, packed: IO[bytes], member: zipfile.ZipInfo) -> Iterator[Table]:
    """Parquet is read from its end, so a packed one is written to a temporary file first."""
    with tempfile.NamedTemporaryFile(prefix="billing-", suffix=".parquet") as file:
        copyfileobj(_Guarded(name, packed, member.compress_size), file, 1 << 20)
        file.flush()
        yield ParquetTable(name, Path(file.name), member.compress_size)


class _Guarded:
    """A stream that refuses to unpack a bomb."""

    def __init__(self, name: str, stream: Rewindable, packed_size: int) -> None:
        self._name, self._stream, self._unpacked = name, stream, 0
        self._limit = max(packed_size * HIGHEST_RATIO, HARMLESS_BYTES)

    def read(self, size: int = -1, /) -> bytes:
        data = self._stream.read(size)
        self._unpacked += len(data)
        if self._unpacked > self._limit:
            raise RefusedFileError(
                f"{self._name} unpacks to more than {HIGHEST_RATIO} times its size: refused as a possible zip bomb."
            )
        return data

    def seek(self, position: int, /) -> int:
        self._unpacked = 0
        return self._stream.seek(position)
