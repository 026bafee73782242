"""Costs as FOCUS files: what is stored, streamed as csv or Parquet; docs/focus-export.md says what columns hold."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import islice
from typing import Any, Final

import polars as pl
from django.db import connection
from psycopg import sql

from apps.accounts.scope import Scope
from apps.core.errors import UserError
from apps.core.parquet import parquet_chunks
from apps.core.periods import Period
from apps.core.sql import read_sql
from apps.costs.corrections import ORIGINAL, Correction, corrections_of
from apps.costs.dimensions import Level
from apps.costs.focus import Column, Kind, Version, columns_of, columns_outside
from apps.costs.selection import Filter, Placeholders, selected
from apps.costs.wording import Wording
from collectors.charges import MONEY
from collectors.values import UTC_TIME

CUSTOM: Final = "x_"
MOST_COLUMNS: Final = 1_000  # PostgreSQL selects at most 1,664 columns
FRAME_ROWS: Final = 2_000
CHUNK_ROWS: Final = 500

Tell = Callable[[int], object]
"""Called with the number of rows written so far."""

Expression = Callable[[Placeholders], sql.Composable]


class Format(StrEnum):
    """How a file is written; also its ending."""

    CSV = "csv"
    PARQUET = "parquet"

    @property
    def media_type(self) -> str:
        """For HTTP."""
        return "text/csv; charset=utf-8" if self is Format.CSV else "application/vnd.apache.parquet"


@dataclass(frozen=True, slots=True)
class _Written:
    """One column of the file."""

    name: str
    kind: Kind
    expression: Expression


class FocusExport:
    """The FOCUS rows of a period that filters and scope let through: counted when made, read when streamed.

    One row is one stored charge, so rows of a bill that agree in everything but their hour are one. Rows come in no
    particular order. Amounts are as billed, each row in its own currency.
    """

    def __init__(
        self, *, period: Period, scope: Scope, filters: Sequence[Filter] = (), version: Version = Version.V1_2
    ) -> None:
        self._version, self._period, self._scope, self._filters = version, period, scope, tuple(filters)
        outside = columns_outside(version)
        self.rows, unitless, filled = self._size([column for column in outside if not column.is_of_the_key])
        focus, kept = self._custom([column for column in outside if column.is_of_the_key])
        corrections = corrections_of(self._wordings(), unitless=unitless)
        originals = [_original_column(one) for one in corrections.values() if one.has_original]
        others = [_outside_column(column) for column in outside if column.name in {*filled, *focus}]
        self._columns = [
            *(_focus_column(column, corrections.get(column.name)) for column in columns_of(version)),
            *sorted(_custom_columns([*originals, *others], kept), key=lambda column: column.name),
        ]
        if len(self._columns) > MOST_COLUMNS:
            raise UserError(
                f"These charges have {len(self._columns):,} columns, counting those that bills had besides FOCUS; at"
                f" most {MOST_COLUMNS:,} fit in one file. Export them by provider or by month."
            )

    def file_name(self, format_: Format, as_of: date | None) -> str:
        """What to call the file: version, days, and the newest complete day with data at the time."""
        fresh = f"_as-of-{as_of}" if as_of else ""
        return f"focus-{self._version}_{self._period.first}_{self._period.last}{fresh}.{format_}"

    @property
    def header(self) -> tuple[str, ...]:
        """The columns of the file: FOCUS's in alphabetical order, then custom ones likewise."""
        return tuple(column.name for column in self._columns)

    @property
    def schema(self) -> pl.Schema:
        """The columns of a Parquet file."""
        return pl.Schema({column.name: _PARQUET[column.kind] for column in self._columns})

    def chunks(self, format_: Format, tell: Tell = lambda _: None) -> Iterator[bytes]:
        """The bytes of the file, read from the database as they are asked for.

        Keeps the present thread's connection busy until it is read to its end or closed.
        """
        placeholders = Placeholders()
        columns = sql.SQL(", ").join(column.expression(placeholders) for column in self._columns)
        select = self._compose("export", placeholders, columns=columns)
        # COPY: the server sends rows as it finds them and keeps none
        statement = sql.SQL("COPY ({}) TO STDOUT (FORMAT csv)").format(select)
        with connection.cursor() as cursor, cursor.copy(statement, placeholders.values) as lines:
            if format_ is Format.CSV:
                yield from self._csv(lines, tell)
            else:
                yield from parquet_chunks(self._frames(lines, tell), self.schema)

    def _csv(self, lines: Iterable[memoryview], tell: Tell) -> Iterator[bytes]:
        """Null is an empty field; amounts are plain decimals, times `2026-06-01T00:00:00Z`."""
        head = io.StringIO()
        csv.writer(head, lineterminator="\n").writerow(self.header)
        yield head.getvalue().encode()
        yield from _joined(lines, CHUNK_ROWS, tell)

    def _frames(self, lines: Iterable[memoryview], tell: Tell) -> Iterator[pl.DataFrame]:
        texts = dict.fromkeys(self.header, pl.String)
        times = [column.name for column in self._columns if column.kind is Kind.TIME]
        amounts = [column.name for column in self._columns if column.kind is Kind.AMOUNT]
        for some in _joined(lines, FRAME_ROWS, tell):
            yield pl.read_csv(some, has_header=False, schema=texts).with_columns(
                pl.col(amounts).cast(MONEY), pl.col(times).str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_zone="UTC")
            )

    def _size(self, others: Sequence[Column]) -> tuple[int, bool, set[str]]:
        """How many rows there are, whether any has a unit for no quantity, and which of the facts' columns are used."""
        counts = sql.SQL("").join(sql.SQL(f", count({column.value})") for column in others)
        ((rows, unitless, *filled),) = self._read("export_size", others=counts)
        return rows, unitless > 0, {column.name for column, count in zip(others, filled, strict=True) if count}

    def _wordings(self) -> list[Wording]:
        return [Wording(*row) for row in self._read("export_wordings")]

    def _custom(self, others: Sequence[Column]) -> tuple[set[str], list[str]]:
        """Which of the keys' columns have a value, and the names of columns that bills had besides FOCUS."""
        pairs = sql.SQL(", ").join(sql.SQL(f"'{column.name}', {column.value}") for column in others)
        found = self._read("export_custom", others=sql.SQL("jsonb_build_object({})").format(pairs))
        return {name for is_focus, name in found if is_focus}, [name for is_focus, name in found if not is_focus]

    def _read(self, name: str, **slots: sql.Composable) -> list[Any]:
        placeholders = Placeholders()
        statement = self._compose(name, placeholders, **slots)
        with connection.cursor() as cursor:
            cursor.execute(statement, placeholders.values)
            return list(cursor.fetchall())

    def _compose(self, name: str, placeholders: Placeholders, **slots: sql.Composable) -> sql.Composed:
        return sql.SQL(read_sql("costs", name)).format(
            selected=selected(Level.KEY, placeholders, scope=self._scope, filters=self._filters),
            first=placeholders.add(self._period.first),
            last=placeholders.add(self._period.last),
            **slots,
        )


_PARQUET: Final[dict[Kind, pl.DataType]] = {Kind.TEXT: pl.String(), Kind.AMOUNT: MONEY, Kind.TIME: UTC_TIME}


def _joined(lines: Iterable[memoryview], most: int, tell: Tell) -> Iterator[bytes]:
    """At most `most` rows at a time; COPY gives them one by one."""
    rest, done = iter(lines), 0
    while some := list(islice(rest, most)):
        done += len(some)
        yield b"".join(some)
        tell(done)


def _focus_column(column: Column, correction: Correction | None) -> _Written:
    if correction:
        return _Written(column.name, column.kind, correction.written)
    return _Written(column.name, column.kind, lambda _: sql.SQL(column.written_text))


def _outside_column(column: Column) -> _Written:
    return _Written(CUSTOM + column.name, column.kind, lambda _: sql.SQL(column.stored_text))


def _original_column(correction: Correction) -> _Written:
    return _Written(ORIGINAL + correction.column.name, Kind.TEXT, correction.original)


def _custom_columns(others: Sequence[_Written], kept: Sequence[str]) -> Iterator[_Written]:
    """Ours and columns that bills had besides FOCUS; names start with x_ and come once each.

    What an earlier export has put under the name of one of ours goes with it again.
    """
    left = dict.fromkeys(kept)
    taken: set[str] = set()
    for column in others:
        again = column.name in left
        left.pop(column.name, None)
        taken.add(column.name.lower())
        yield _with_kept(column) if again else column
    for key in left:
        name = _unique(key if key.startswith(CUSTOM) else CUSTOM + key, taken)
        yield _Written(name, Kind.TEXT, _kept(key))


def _unique(name: str, taken: set[str]) -> str:
    """A name that differs from the others in more than case."""
    found, number = name, 1
    while found.lower() in taken:
        number += 1
        found = f"{name}_{number}"
    taken.add(found.lower())
    return found


def _kept(key: str) -> Expression:
    return lambda placeholders: sql.SQL("k.x_columns ->> {}").format(placeholders.add(key))


def _with_kept(column: _Written) -> _Written:
    """The column with what an earlier export kept under its name, which comes first: it is what a bill said."""

    def either(placeholders: Placeholders) -> sql.Composed:
        kept, now = _kept(column.name)(placeholders), column.expression(placeholders)
        return sql.SQL("coalesce({}, ({})::text)").format(kept, now)

    return _Written(column.name, Kind.TEXT, either)
