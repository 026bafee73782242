"""The one door for whoever loads bills: a found delivery in, batches of condensed charges out."""

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from collectors.answers import COSTS, read_json, read_pages
from collectors.charges import SCHEMA
from collectors.errors import RefusedFileError
from collectors.files import FoundDelivery
from collectors.formats import APIS, Format, format_of_answers, recognise
from collectors.model_costs import cost_tables
from collectors.peek import provider_of_answer
from collectors.readers import open_tables
from collectors.rows import NOTHING_JUDGED, Adapter, Judged, judge, merge, to_charges
from collectors.tables import Table

BATCH_ROWS: Final = 30_000
HELD_GROUPS: Final = 30_000
"""Grouped rows that are held back to be merged with later ones before they are described: the bound on memory."""


@dataclass(frozen=True, slots=True)
class ChargeBatch:
    """Some rows of a delivery. Charges may lag behind the rows that were read; at the end all have been given out.

    `rows_read` counts this batch's rows, accepted and rejected; `bytes_read` the delivery's bytes so far.
    """

    file_index: int
    charges: pl.DataFrame  # SCHEMA, condensed within the batch
    totals: pl.DataFrame  # TOTALS_SCHEMA, of the accepted rows of this batch
    rejected: pl.DataFrame  # REJECTED_SCHEMA
    rows_read: int
    bytes_read: int
    bytes_total: int
    rounded_values: int  # amounts with more than 18 decimals


def detect(found: FoundDelivery) -> Format:
    """The delivery's format, by the header of its first file.

    Raises UnknownFormatError or RefusedFileError with the sentence to show.
    """
    _refuse_problems(found)
    with closing(_tables(found)) as tables:
        _, table, format_ = next(tables)
        if format_.records is None:
            _adapter(format_, table)
        return format_


def read_delivery(found: FoundDelivery, *, batch_rows: int = BATCH_ROWS) -> Iterator[ChargeBatch]:
    """Everything that a delivery says, `batch_rows` rows at a time; every file must have the format of the first.

    Raises RefusedFileError when a file turns out to be damaged, wherever that is: nothing that was given out before
    may be kept then.
    """
    expected = detect(found)
    sizes = [file.stat().st_size for file in found.files]
    rows = [0] * len(sizes)
    for index, table, format_ in _tables(found):
        place = _Place(index, sum(sizes[:index]), sum(sizes), rows[index])
        for batch in _read_table(table, _same_format(table, format_, expected), place, batch_rows):
            rows[index] += batch.rows_read
            yield batch


def days_without_costs(found: FoundDelivery) -> frozenset[str]:
    """The days of which the answers of a cost API say, beside others that have some, that they have no costs: parts of
    a bill. Empty for every other delivery: a file with rows does not say what it lacks."""
    provider = provider_of_answer(found.files[0])
    api = next((api for api in APIS if api.provider == provider), None)
    if api is None:
        return frozenset()
    pages = read_pages(((str(path), read_json(path)) for path in found.files), api)
    buckets = (bucket for page in pages if page.kind == COSTS for bucket in page.buckets)
    return frozenset(bucket.start.date().isoformat() for bucket in buckets if not bucket.results)


def _tables(found: FoundDelivery) -> Generator[tuple[int, Table, Format]]:
    """Every table of a delivery with the file that it stands in; answers of an API explain each other."""
    provider = provider_of_answer(found.files[0])
    for api in APIS:
        if api.provider == provider:
            sizes = {str(path): path.stat().st_size for path in found.files}
            pages = read_pages(((name, read_json(Path(name))) for name in sizes), api)
            yield from (
                (index, table, format_of_answers(api)) for index, table in enumerate(cost_tables(pages, sizes, api))
            )
            return
    for index, path in enumerate(found.files):
        with open_tables(path) as tables:
            for table in tables:
                yield index, table, recognise(table.header, table.name)


def _refuse_problems(found: FoundDelivery) -> None:
    if found.problem:
        raise RefusedFileError(found.problem)
    if not found.files:
        raise RefusedFileError(f"{found.path} has no files.")


def _same_format(table: Table, format_: Format, expected: Format) -> Adapter:
    if format_.name != expected.name:
        raise RefusedFileError(f"{table.name} is {format_.name}, but the delivery starts with {expected.name}.")
    return _adapter(format_, table)


def _adapter(format_: Format, table: Table) -> Adapter:
    if format_.adapter is None:
        raise RefusedFileError(f"{table.name} holds {format_.name}, which are no charges.")
    try:
        return format_.adapter(table.header, *([table.first_row()] if format_.needs_first_row else []))
    except RefusedFileError as error:
        raise RefusedFileError(f"{table.name}: {error}") from error


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the delivery a table stands."""

    file_index: int
    bytes_before: int
    bytes_total: int
    rows_before: int  # in earlier members of the same archive

    def batch(self, charges: pl.DataFrame, judged: Judged, rows: int, bytes_read: int) -> ChargeBatch:
        """A batch with rows numbered through the whole file."""
        return ChargeBatch(
            file_index=self.file_index,
            charges=charges.with_columns(pl.col("first_row") + self.rows_before),
            totals=judged.totals,
            rejected=judged.rejected.with_columns(pl.col("row") + self.rows_before),
            rows_read=rows,
            bytes_read=self.bytes_before + bytes_read,
            bytes_total=self.bytes_total,
            rounded_values=judged.rounded,
        )


def _read_table(table: Table, adapter: Adapter, place: _Place, batch_rows: int) -> Iterator[ChargeBatch]:
    """The batches of one table; the last one gives out the charges that were held back."""
    held: list[pl.DataFrame] = []
    bytes_read = 0
    for raw in table.batches(adapter.layout.wanted, batch_rows):
        judged, bytes_read = judge(raw, adapter), raw.bytes_read
        held, charges = _hold([*held, judged.groups], adapter)
        yield place.batch(charges, judged, raw.frame.height + len(raw.long_rows), bytes_read)
    charges = to_charges(merge(held, adapter.layout), adapter) if held else SCHEMA.to_frame()
    yield place.batch(charges, NOTHING_JUDGED, 0, bytes_read)


def _hold(held: list[pl.DataFrame], adapter: Adapter) -> tuple[list[pl.DataFrame], pl.DataFrame]:
    """Hold groups back while they still shrink when merged; what is given out is described."""
    if sum(groups.height for groups in held) <= HELD_GROUPS:
        return held, SCHEMA.to_frame()
    merged = merge(held, adapter.layout)
    if merged.height <= HELD_GROUPS // 2:
        return [merged], SCHEMA.to_frame()
    return [], to_charges(merged, adapter)
