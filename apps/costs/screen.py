"""The table of a page as a file: its rows, what they add up to, and what was asked, as csv or Parquet."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext
from itertools import islice
from typing import Final
from urllib.parse import urlencode

import polars as pl
from django.utils.datastructures import MultiValueDict

from apps.core.downloads import harmless
from apps.core.exact import exact_text
from apps.core.parquet import parquet_chunks
from apps.costs.export import Format
from apps.costs.parameters import PERIOD_PARAMETERS
from apps.costs.queries import CostLeaf, CostLeaves, CostQuery, CostTotal, Granularity, are_comparable
from apps.costs.selection import Filter
from collectors.charges import MONEY

CHUNK_ROWS: Final = 500
FRAME_ROWS: Final = 2_000
OTHER: Final = "Other"
DIGITS: Final = 80  # more than an amount times a rate has
SCALE: Final = Decimal(1).scaleb(-18)

Cell = str | int | date | Decimal | None


@dataclass(frozen=True, slots=True)
class ScreenExport:
    """A page's rows on their way into a file.

    `row` in a file says what a line is: `group`; `other`, the rest of the group that it stands in; `total`. Lines of
    the first two add up to the totals exactly.
    """

    found: CostLeaves
    as_of: date | None
    given: MultiValueDict[str, str]

    def file_name(self, format_: Format) -> str:
        """What to call the file: dimensions, granularity, days, and the newest complete day with data at the time."""
        query = self.found.query
        names = "-".join(_slug(dimension.name) for dimension in query.group_by)
        parts = [
            "costs",
            f"by-{names}" if names else "",
            "" if query.granularity is Granularity.NONE else query.granularity.value,
            f"{query.period.first}_{query.period.last}",
            f"as-of-{self.as_of}" if self.as_of else "",
        ]
        return f"{'_'.join(filter(None, parts))}.{format_}"

    @property
    def header(self) -> tuple[str, ...]:
        """The columns of the file."""
        query = self.found.query
        by_date = () if query.granularity is Granularity.NONE else ("date",)
        compared = ("previous_cost", "delta") if are_comparable(query) else ()
        unpriced = ("unpriced_cost",) if query.metric.may_be_unknown else ()
        names = (dimension.name for dimension in query.group_by)
        return ("row", *names, *by_date, "currency", "cost", *compared, *unpriced, "groups")

    def chunks(self, format_: Format, *, comments: bool = True) -> Iterator[bytes]:
        """The bytes of the file. In csv, `comments` come first: what was asked, how fresh it is, the totals."""
        if format_ is Format.PARQUET:
            yield from parquet_chunks(self._frames(), self._schema())
            return
        if comments:
            yield "".join(f"# {line}\r\n" for line in self._comments()).encode()
        yield _csv([self.header])
        rows = iter(self.found.rows)
        while some := list(islice(rows, CHUNK_ROWS)):
            yield _csv(self._line(row, OTHER) for row in some)
        yield _csv(map(self._total_line, self.found.totals))

    def _line(self, row: CostLeaf, other: str | None) -> list[Cell]:
        """The cells of a row; `other` is the word for the dimension that a rest does not tell apart."""
        keys: list[Cell] = list(row.keys)
        if row.is_rest:
            keys[row.keys.index(None)] = other
        return ["other" if row.is_rest else "group", *keys, *self._cells(row, row.date)]

    def _total_line(self, total: CostTotal) -> list[Cell]:
        keys = [None] * len(self.found.query.group_by)
        return ["total", *keys, *self._cells(total, None)]

    def _cells(self, of: CostLeaf | CostTotal, day: date | None) -> list[Cell]:
        """What comes after the keys, as `header` has it."""
        values = {
            "date": day,
            "currency": of.currency,
            "cost": of.cost,
            "previous_cost": of.previous,
            "delta": of.delta,
            "unpriced_cost": of.unpriced,
            "groups": of.groups,
        }
        return [values[name] for name in self.header[1 + len(self.found.query.group_by) :]]

    def _comments(self) -> Iterator[str]:
        yield f"Question: {_in_words(self.found.query)}"
        yield f"Query: {self._query_string()}"
        yield f"As of: {self.as_of or 'no data yet'}"
        for total in self.found.totals:
            yield f"Total: {exact_text(total.cost)} {total.currency}"

    def _query_string(self) -> str:
        """The parameters of the API that give these rows again, on whatever day."""
        period = self.found.query.period
        left = [
            (name, value) for name, values in self.given.lists() for value in values if name not in PERIOD_PARAMETERS
        ]
        return urlencode([("start", str(period.first)), ("end", str(period.last)), *left])

    def _schema(self) -> pl.Schema:
        kinds: dict[str, pl.DataType] = {"date": pl.Date(), "groups": pl.Int64()}
        amounts = dict.fromkeys(("cost", "previous_cost", "delta", "unpriced_cost"), MONEY)
        return pl.Schema({name: {**kinds, **amounts}.get(name, pl.String()) for name in self.header})

    def _frames(self) -> Iterator[pl.DataFrame]:
        """Rows without totals, so that a sum over the file is right; a rest's keys are null."""
        schema, rows = self._schema(), iter(self.found.rows)
        while some := list(islice(rows, FRAME_ROWS)):
            lines = [[_rounded(cell) for cell in self._line(row, None)] for row in some]
            yield pl.DataFrame(lines, schema=schema, orient="row")


def _csv(lines: Iterable[Iterable[Cell]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([_written(cell) for cell in line] for line in lines)
    return text.getvalue().encode()


def _written(cell: Cell) -> object:
    """Amounts with every digit that counts; text that somebody else wrote is no formula."""
    return exact_text(cell) if isinstance(cell, Decimal) else harmless(cell)


def _rounded(cell: Cell) -> Cell:
    """Converted amounts have more decimals than a Parquet file's numbers hold."""
    if not isinstance(cell, Decimal):
        return cell
    with localcontext() as exact:
        exact.prec = DIGITS
        return cell.quantize(SCALE)


def _in_words(query: CostQuery) -> str:
    """The question as a sentence, on one line and without a mark that would split a line of csv."""
    by = " and ".join(dimension.name for dimension in query.group_by)
    words = [
        f"{query.metric.value} cost from {query.period.first} to {query.period.last}",
        f"by {by}" if by else "",
        "" if query.granularity is Granularity.NONE else f"per {query.granularity.value}",
        f"compared with {query.compare.first} to {query.compare.last}" if query.compare else "",
        *map(_filter_in_words, query.filters),
    ]
    return re.sub(r"""[\s,;"']+""", " ", " ".join(filter(None, words)))


def _filter_in_words(one: Filter) -> str:
    values = " or ".join(value or "none" for value in one.values)
    return f"where {one.dimension.name} is {'not ' if one.exclude else ''}{values}"


def _slug(name: str) -> str:
    """A dimension's name as a part of a file's: letters and digits that every system allows."""
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")
