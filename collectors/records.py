"""Record sets: rows that are no charges (what exists, list prices, usage of clusters) as files, written and read."""

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

import polars as pl

from collectors.charges import MONEY
from collectors.errors import RefusedFileError
from collectors.files import FoundDelivery
from collectors.numbers import parse_number_lists, parse_numbers
from collectors.readers import open_tables
from collectors.rejections import Fault, reject
from collectors.tables import ROW, RawBatch, Table
from collectors.values import LARGEST_QUANTITY, as_text, clean_text, dump_json, parse_decimals, parse_times, shown

BATCH_ROWS: Final = 30_000
LONGEST_TEXT: Final = 600
"""Characters of a text: what an index of the database can hold in any alphabet."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What no row may say: `is_broken` is true, `reason` ends a sentence that begins with the column's name."""

    column: str
    is_broken: pl.Expr
    reason: str


@dataclass(frozen=True, slots=True)
class RecordSet:
    """Rows that are no charges: what their file looks like and what each column holds."""

    name: str  # "resources"
    format: str  # as the ledger says: "Resources"
    schema: pl.Schema  # String, Date, Datetime in UTC, Decimal(38, 18), Float64 or a list of Float64
    required: tuple[str, ...]  # columns that a header must have to be recognised
    filled: tuple[str, ...]  # columns that no row may leave empty
    json: tuple[str, ...] = ()  # columns with a JSON object, as compact text with sorted keys; null when it is empty
    lists: tuple[str, ...] = ()  # columns with a JSON list of texts; likewise
    allowed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # the only values of a column, besides none
    rules: tuple[Rule, ...] = ()
    end_of_listing: tuple[str, ...] = ()
    """Columns that a row may fill which names no record: its last one, `listing`, was read to its end.

    Such a row fills nothing else, and the first of `filled` that is not among these columns is null in the frame."""


@dataclass(frozen=True, slots=True)
class RecordBatch:
    """Some rows of a delivery of records; `bytes_read` counts the delivery's bytes so far."""

    file_index: int
    records: pl.DataFrame  # the schema of the set; numbers are never negative
    rejected: pl.DataFrame  # REJECTED_SCHEMA; records cost nothing
    rows_read: int
    bytes_read: int
    rounded_values: int
    ends: int = 0  # of the rows that were read, those that name no record: see `end_of_listing`


@dataclass(frozen=True, slots=True)
class _Values:
    """What a column of the set says in every row, and why it cannot be read where it cannot."""

    values: pl.Series
    reasons: pl.Series | None = None
    rounded: int = 0


def spell(column: str) -> str:
    """A column's name as the sets have it; people write "Resource ID" for `resource_id`."""
    return re.sub(r"[ -]", "_", column.strip()).lower()


def write_records(records: RecordSet, rows: Iterable[Mapping[str, object]], folder: Path) -> Path:
    """Write rows as the set's csv into `folder` and return the file; None, and a column that is left out, is empty.

    Dictionaries and lists become JSON with sorted keys, datetimes UTC. The same rows in the same order are the same
    bytes: a snapshot that is told twice is told apart from a new one. Raises ValueError for a column there is not.
    """
    path = folder / f"{records.name}.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, records.schema.names(), lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: _written(value) for name, value in row.items()} for row in rows)
    return path


def write_frame(records: RecordSet, frame: pl.DataFrame, folder: Path) -> Path:
    """The same for many rows, which a frame holds: the set's Parquet, with the columns that the frame has."""
    if unknown := [name for name in frame.columns if name not in records.schema]:
        raise ValueError(f"{records.format} have no column {unknown[0]}.")
    path = folder / f"{records.name}.parquet"
    frame.cast({name: records.schema[name] for name in frame.columns}).write_parquet(path)
    return path


def _written(value: object) -> str:
    match value:
        case None:
            return ""
        case dict() | list() | tuple():
            return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case Decimal():
            return f"{value:f}"
    return str(value)


def read_records(found: FoundDelivery, records: RecordSet) -> Iterator[RecordBatch]:
    """Everything that a delivery says: typed rows, and rejected ones with the column and the reason.

    Raises RefusedFileError when a file is damaged, or has a column that the set does not know: nothing that was given
    out before may be kept then.
    """
    bytes_before = 0
    for index, path in enumerate(found.files):
        rows = 0
        with open_tables(path) as tables:
            for table in tables:
                header = _Header.of(table, records)
                for raw in table.batches(range(len(table.header)), BATCH_ROWS):
                    batch = _judge(raw, header, index, rows, bytes_before)
                    yield batch
                    rows += batch.rows_read
        bytes_before += path.stat().st_size


@dataclass(frozen=True, slots=True)
class _Header:
    """Where a table has which column of the set."""

    records: RecordSet
    names: tuple[str, ...]  # as in the file
    columns: Mapping[str, int]
    keys: Mapping[str, Mapping[str, int]]  # of objects that stand in columns of their own, as `tags.team`

    @classmethod
    def of(cls, table: Table, records: RecordSet) -> "_Header":
        columns: dict[str, int] = {}
        keys: dict[str, dict[str, int]] = {}
        for position, name in enumerate(table.header):
            column, _, key = name.strip().partition(".")
            if key and spell(column) in records.json:
                keys.setdefault(spell(column), {})[key] = position
            elif spell(name) in columns:
                raise RefusedFileError(f"{table.name}: the header names {name} twice; which one counts cannot be told.")
            else:
                columns[spell(name)] = position
        header = cls(records, table.header, columns, keys)
        header.refuse_odd_columns(table.name)
        return header

    def refuse_odd_columns(self, name: str) -> None:
        """A column that nobody reads may be a misspelt one: what it says would be lost."""
        schema = self.records.schema
        if unknown := [self.names[at] for column, at in self.columns.items() if column not in schema]:
            raise RefusedFileError(
                f"{name}: {self.records.format} have no column {shown(unknown[0])}: leave it out."
                f" There are {', '.join(schema)}."
            )
        if missing := [column for column in self.records.required if column not in self.columns]:
            raise RefusedFileError(f"{name} misses {', '.join(missing)}, which {self.records.format} need.")

    def position(self, column: str) -> int:
        """Where a fault of a column is."""
        return self.columns[column] if column in self.columns else next(iter(self.keys[column].values()))


def _judge(raw: RawBatch, header: _Header, index: int, rows_before: int, bytes_before: int) -> RecordBatch:
    """Read every value of every row strictly; a row with a fault is rejected whole, with the first of its faults."""
    frame = raw.frame
    read = {name: _read(frame, header, name) for name in header.records.schema}
    values = frame.select(ROW).hstack([one.values.alias(name) for name, one in read.items()])
    faults = [
        *(Fault(header.position(name), one.reasons) for name, one in read.items() if one.reasons is not None),
        *_empty(values, header),
        *_broken(values, header),
    ]
    nothing = pl.lit(0, dtype=MONEY)
    costs = frame.select(ROW, nothing.alias("billed_cost"), nothing.alias("effective_cost"))
    rejected = reject(raw, header.names, costs, faults)
    records = values.filter(~pl.col(ROW).is_in(rejected["row"].implode())).drop(ROW)
    free = rejected.with_columns(nothing.alias("billed_cost"), nothing.alias("effective_cost"))
    return RecordBatch(
        file_index=index,
        records=records,
        rejected=free.with_columns(pl.col("row") + rows_before),
        rows_read=frame.height + len(raw.long_rows),
        bytes_read=bytes_before + raw.bytes_read,
        rounded_values=sum(one.rounded for one in read.values()),
        ends=records.filter(_is_end(header.records)).height,
    )


def _read(frame: pl.DataFrame, header: _Header, name: str) -> _Values:
    """A column of the set in every row; null where the file does not have it."""
    if name in header.keys:
        return _gathered(frame, header, name)
    if name in header.columns:
        return _parsed(frame[str(header.columns[name])], header.records, name)
    dtype = header.records.schema[name]
    return _Values(pl.Series(name, [None], dtype=dtype).new_from_index(0, frame.height))


def _parsed(raw: pl.Series, records: RecordSet, name: str) -> _Values:
    dtype = records.schema[name]
    if name in records.json or name in records.lists:
        return _each(raw, _read_object if name in records.json else _read_list)
    if isinstance(dtype, pl.Float64 | pl.List):
        found = parse_number_lists(raw) if isinstance(dtype, pl.List) else parse_numbers(raw)
        return _Values(found.values, found.reasons)
    if isinstance(dtype, pl.Decimal):
        parsed = parse_decimals(raw, (), largest=LARGEST_QUANTITY)
        return _not_negative(_Values(parsed.values, parsed.reasons, parsed.rounded))
    if isinstance(dtype, pl.Date | pl.Datetime):
        times = parse_times(raw, (), as_stated=isinstance(dtype, pl.Date))
        return _Values(times.values.cast(dtype), times.reasons)
    return _chosen(_text(raw), allowed) if (allowed := records.allowed.get(name)) else _short(_text(raw))


def _text(raw: pl.Series) -> pl.Series:
    stripped = as_text(raw).str.strip_chars().alias("text")
    return stripped.to_frame().select(clean_text("text")).to_series()


def _chosen(text: pl.Series, allowed: Sequence[str]) -> _Values:
    right = {value.lower(): value for value in allowed}
    known = text.str.to_lowercase().replace_strict(right, default=None, return_dtype=pl.String)
    told = pl.format("is none of {}: {}", pl.lit(", ".join(allowed)), text.str.head(60))
    return _Values(known, _some(pl.select(pl.when(text.is_not_null() & known.is_null()).then(told)).to_series()))


def _short(text: pl.Series) -> _Values:
    told = pl.lit(f"is longer than {LONGEST_TEXT} characters")
    return _Values(text, _some(pl.select(pl.when(text.str.len_chars() > LONGEST_TEXT).then(told)).to_series()))


def _not_negative(read: _Values) -> _Values:
    negative = pl.when(read.values < 0).then(pl.lit("is negative"))
    reasons = pl.select(negative).to_series()
    if read.reasons is not None:
        reasons = read.reasons.zip_with(read.reasons.is_not_null(), reasons)
    return _Values(read.values, _some(reasons), read.rounded)


def _some(reasons: pl.Series) -> pl.Series | None:
    return reasons if reasons.null_count() < reasons.len() else None


def _gathered(frame: pl.DataFrame, header: _Header, name: str) -> _Values:
    """An object whose keys are columns of their own; a value that is empty is none."""
    keys = header.keys[name]
    if name in header.columns:
        column, key = header.names[header.columns[name]], next(iter(keys))
        raise RefusedFileError(f"The header has both {column} and {name}.{key}; keep one of them.")
    columns = [as_text(frame[str(at)]).alias(key) for key, at in keys.items()]
    rows = pl.DataFrame(columns).iter_rows(named=True)
    texts = [dump_json({key: value for key, value in row.items() if value not in (None, "")}) for row in rows]
    return _Values(pl.Series(name, texts, dtype=pl.String))


def _each(raw: pl.Series, read: Callable[[str], tuple[str | None, str | None]]) -> _Values:
    """Each distinct text is read once."""
    texts = as_text(raw)
    found = {text: read(text) for text in texts.unique().drop_nulls().to_list()}
    values = [None if text is None else found[text][0] for text in texts]
    reasons = pl.Series([None if text is None else found[text][1] for text in texts], dtype=pl.String)
    return _Values(pl.Series(raw.name, values, dtype=pl.String), _some(reasons))


def _read_object(text: str) -> tuple[str | None, str | None]:
    value = _decoded(text)
    if value is None or value == {}:
        return None, None
    if not isinstance(value, dict):
        return None, f'is no JSON object like {{"team": "search"}}: {shown(text)}'
    return dump_json(value), None


def _read_list(text: str) -> tuple[str | None, str | None]:
    value = _decoded(text)
    if value is None or value == []:
        return None, None
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        return None, f'is no JSON list of texts like ["a", "b"]: {shown(text)}'
    wrapped = dump_json({"": sorted(set(value))}) or ""
    return wrapped.removeprefix('{"":').removesuffix("}"), None


def _decoded(text: str) -> object:
    """The JSON value of a text, None where it is blank; the text itself where it is no JSON."""
    if not text.strip():
        return None
    try:
        return json.loads(text, parse_constant=str)
    except (ValueError, RecursionError):
        return text


def _empty(values: pl.DataFrame, header: _Header) -> Iterator[Fault]:
    """What rows leave empty that must be filled; the end of a listing names no record."""
    for name in header.records.filled:
        missing = pl.col(name).is_null() & ~_is_end(header.records)
        reasons = values.select(pl.when(missing).then(pl.lit("is empty"))).to_series()
        if (some := _some(reasons)) is not None:
            yield Fault(header.position(name), some)


def _is_end(records: RecordSet) -> pl.Expr:
    """Whether a row says that its listing was read to the end, and no more."""
    if not records.end_of_listing:
        return pl.lit(value=False)
    others = [name for name in records.schema if name not in records.end_of_listing]
    nothing = pl.all_horizontal(pl.col(name).is_null() for name in others)
    return nothing & pl.col(records.end_of_listing[-1]).is_not_null()


def _broken(values: pl.DataFrame, header: _Header) -> Iterator[Fault]:
    """What rows say against the rules of the set."""
    for rule in header.records.rules:
        if (some := _some(values.select(pl.when(rule.is_broken).then(pl.lit(rule.reason))).to_series())) is not None:
            yield Fault(header.position(rule.column), some)
