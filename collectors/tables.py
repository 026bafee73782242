"""What every reader gives: tables of rows, batch by batch, whatever the file is packed in."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import polars as pl

from collectors.errors import RefusedFileError

ROW: Final = "row"
"""The column of a raw frame with the row's number; 1 is the first data row of the table."""

MOST_COLUMNS: Final = 5_000
"""Of a table. Bills have some hundred; each column takes memory for every row, whether it says something or not."""


def refuse_wide(name: str, count: int) -> None:
    """Raise RefusedFileError for a table with more columns than any bill."""
    if count > MOST_COLUMNS:
        raise RefusedFileError(
            f"{name} has more than {MOST_COLUMNS:,} columns: this is no bill, or a line break is missing in its header."
        )


@dataclass(frozen=True, slots=True)
class LongRow:
    """A row with more fields than the header has names."""

    row: int
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RawBatch:
    """Some rows as the file has them.

    `frame` has a column "0", "1" ... for each wanted position of the header, and ROW. `whole` reads the same rows (and
    maybe their neighbours) again, with every column of the file. `bytes_read` counts packed bytes of the file so far.
    """

    frame: pl.DataFrame
    whole: Callable[[], pl.DataFrame]
    long_rows: Sequence[LongRow]
    bytes_read: int


class Table(Protocol):
    """One table with one header: a CSV or Parquet file, or one member of a zip archive."""

    @property
    def name(self) -> str:
        """How messages call it: the path, with the member for archives."""

    @property
    def header(self) -> tuple[str, ...]:
        """Column names exactly as in the file, in its order."""

    def first_row(self) -> tuple[str, ...]:
        """The fields of the first row, () where there is none; to be asked before any batch is."""

    def batches(self, wanted: Sequence[int], rows: int) -> Iterator[RawBatch]:
        """The rows in order, about `rows` at a time; raises RefusedFileError when the file is damaged."""
