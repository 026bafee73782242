"""Strict readers of single columns: exact decimals, UTC times, canonical JSON. Each distinct text is judged once."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from typing import Final

import polars as pl

from collectors.charges import MONEY

UTC_TIME: Final = pl.Datetime("us", "UTC")
FIRST_TIME: Final = datetime(2000, 1, 1, tzinfo=UTC)
LAST_TIME: Final = datetime(2101, 1, 1, tzinfo=UTC)

LARGEST_AMOUNT: Final = 10**12
LARGEST_QUANTITY: Final = 10**18  # byte-seconds are many
"""Amounts, quantities and prices of a row lie below it: whatever the file, their sums keep within 38 digits."""

_DECIMAL: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,9})?", re.ASCII | re.IGNORECASE)
_TIME: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,9}))?)? ?(Z|UTC|[+-]\d\d:?\d\d)?(?: UTC)?", re.ASCII
)
_CONTEXT: Final = Context(prec=80, rounding=ROUND_HALF_EVEN, Emin=-(10**9), Emax=10**9)
_SMALLEST: Final = Decimal("1e-18")
_SHOWN_CHARACTERS: Final = 60
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
_ESCAPED_NUL: Final = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


def _finite(text: str) -> float | str:
    return number if abs(number := float(text)) != float("inf") else text


_DECODER: Final = json.JSONDecoder(parse_float=_finite, parse_constant=str)
_ENCODER: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Parsed:
    """A column after reading; `reasons` says per row why a value could not be read, None when all could."""

    values: pl.Series
    reasons: pl.Series | None
    rounded: int = 0


def parse_decimals(raw: pl.Series, nulls: Sequence[str], *, largest: int = LARGEST_AMOUNT) -> Parsed:
    """Decimal(38,18) from text or numbers, rounded half to even; doubles by their shortest text, never their bits.

    What reaches `largest`, whatever its sign, is too large.
    `nulls` are words that mean null, besides the empty text. Blanks around a number do not matter.
    """
    if raw.null_count() == raw.len():
        return Parsed(pl.Series(raw.name, [None], dtype=MONEY).new_from_index(0, raw.len()), None)
    text = as_text(raw)
    values = _small(text.cast(MONEY, strict=False), largest)
    rounded = _count_rounded(text)
    if values.null_count() == text.null_count():
        return Parsed(values, None, rounded)
    failed = text.filter(values.is_null() & text.is_not_null()).unique()
    known = {word: read_decimal(word, nulls, largest) for word in failed.to_list()}
    return Parsed(_patched(values, text, known), _reasons(text, known), rounded)


def _small(values: pl.Series, largest: int) -> pl.Series:
    """`values` without those that are too large."""
    large = ~values.is_between(-largest, largest, closed="none")
    return pl.select(pl.when(~large).then(values).alias(values.name)).to_series() if large.any() else values


def _count_rounded(text: pl.Series) -> int:
    """How many values have more than 18 decimals that are not zero; short plain texts cannot."""
    suspects = text.filter((text.str.len_bytes() > 18) | text.str.contains("[eE]-"))
    if suspects.is_empty():
        return 0
    counts = suspects.value_counts()
    return sum(count for word, count in counts.iter_rows() if _is_rounded(word))


def _is_rounded(text: str) -> bool:
    if not _DECIMAL.fullmatch(text.strip()):
        return False
    exponent = Decimal(text.strip()).normalize(_CONTEXT).as_tuple().exponent
    return isinstance(exponent, int) and exponent < -18


def read_decimal(text: str, nulls: Sequence[str], largest: int) -> tuple[Decimal | None, str | None]:
    """A decimal as it is kept, and why it cannot be read; neither where the text means null."""
    word = text.strip()
    if word == "" or word in nulls:
        return None, None
    if not _DECIMAL.fullmatch(word):
        return None, f"is not a number: {shown(word)}"
    try:
        value = Decimal(word).quantize(_SMALLEST, context=_CONTEXT)
    except InvalidOperation:
        return None, f"is too large: {shown(word)}"
    if abs(value) >= largest:
        return None, f"is too large: {shown(word)}"
    return value, None


def parse_times(raw: pl.Series, nulls: Sequence[str], *, as_stated: bool = False) -> Parsed:
    """UTC times from ISO text, dates or timestamps; times without a zone are UTC; years 2000 to 2100 only.

    `as_stated` leaves the offset away instead: the calendar date that the bill names, wherever it was written.
    """
    if isinstance(raw.dtype, pl.Datetime | pl.Date):
        return _parse_timestamps(raw, as_stated=as_stated)
    text = as_text(raw)
    known = {word: _read_time(word, nulls, as_stated=as_stated) for word in text.unique().drop_nulls().to_list()}
    values = _looked_up(text, {word: value for word, (value, _) in known.items()}, UTC_TIME)
    return Parsed(values, _reasons(text, known))


def _parse_timestamps(raw: pl.Series, *, as_stated: bool) -> Parsed:
    values = raw.cast(pl.Datetime("us", raw.dtype.time_zone if isinstance(raw.dtype, pl.Datetime) else None))
    zoned = isinstance(raw.dtype, pl.Datetime) and raw.dtype.time_zone is not None and not as_stated
    values = values.dt.convert_time_zone("UTC") if zoned else values.dt.replace_time_zone("UTC")
    odd = (values < FIRST_TIME) | (values >= LAST_TIME)
    if not odd.any():
        return Parsed(values, None)
    reasons = pl.select(pl.when(odd).then(pl.format("lies outside the years 2000 to 2100: {}", values))).to_series()
    return Parsed(pl.select(pl.when(~odd).then(values)).to_series(), reasons)


def _read_time(text: str, nulls: Sequence[str], *, as_stated: bool) -> tuple[datetime | None, str | None]:
    word = text.strip()
    if word == "" or word in nulls:
        return None, None
    match = _TIME.fullmatch(word)
    if match is None:
        return None, f"is not a time like 2026-06-01T00:00:00Z: {shown(word)}"
    day, clock, fraction, zone = match.groups()
    try:
        time = datetime.fromisoformat(f"{day}T{clock or '00:00'}{_offset(None if as_stated else zone)}")
        time = time.astimezone(UTC) + timedelta(microseconds=int((fraction or "0").ljust(6, "0")[:6]))
    except (ValueError, OverflowError):
        return None, f"is not a time that exists: {shown(word)}"
    if not FIRST_TIME <= time < LAST_TIME:
        return None, f"lies outside the years 2000 to 2100: {shown(word)}"
    return time, None


def _offset(zone: str | None) -> str:
    return "+00:00" if zone in (None, "Z", "UTC") else str(zone)


def canonical_json(texts: pl.Series, read: Callable[[str], str | None]) -> pl.Series:
    """`read` applied to every distinct text; null stays null."""
    distinct = texts.unique().drop_nulls().to_list()
    return _looked_up(texts, {text: read(text) for text in distinct}, pl.String())


def read_json(text: str) -> str | None:
    """An object as compact JSON with sorted keys, None when it is empty. What is no JSON is kept under `x_text`."""
    return dump_json(load_object(text))


def read_tags(text: str) -> str | None:
    """Tags as a flat object: from an object, a list of key and value, or an object without braces; no value = true.

    A tag without a key is left out: nothing could ask for it.
    """
    return dump_json({key: True if value in (None, "") else value for key, value in load_object(text).items() if key})


def read_known(text: str) -> str | None:
    """An object without the keys whose value is null."""
    return dump_json({key: value for key, value in load_object(text).items() if value not in (None, "")})


def load_object(text: str) -> dict[str, object]:
    """The object that a JSON column holds in whatever shape."""
    for candidate in (text, "{" + text + "}"):
        try:
            value = _DECODER.decode(candidate)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, list) and all(isinstance(item, dict) and "key" in item for item in value):
            return {str(item["key"]): item.get("value") for item in value}
        return value if isinstance(value, dict) else {} if value is None else {"x_text": text}
    return {"x_text": text}


def dump_json(value: Mapping[str, object]) -> str | None:
    """Compact JSON with sorted keys and without what no database can store (NUL, half a character)."""
    if not value:
        return None
    text = _ENCODER.encode(value)
    return _UNSTORABLE.sub("\ufffd", _ESCAPED_NUL.sub("\\1\ufffd", text) if "\\u0000" in text else text)


def as_text(raw: pl.Series) -> pl.Series:
    """A column as text: numbers by their shortest form (an id that became a double as digits), nested ones as JSON."""
    if raw.dtype == pl.String:
        return raw
    if raw.dtype.is_nested():
        wrapped = pl.select(pl.struct(raw.alias("v")).struct.json_encode()).to_series()
        text = wrapped.str.slice(len('{"v":')).str.head(-1)
        return pl.select(pl.when(raw.is_not_null()).then(text).alias(raw.name)).to_series()
    text = raw.cast(pl.String, strict=False)
    return text.str.strip_suffix(".0") if raw.dtype.is_float() else text


def without_nul(text: pl.Expr) -> pl.Expr:
    """Text without NUL characters, which no database can store; what was there stays visible."""
    return text.str.replace_all("\x00", "\ufffd", literal=True)


def shown(text: str) -> str:
    """A value for a message, cut when it is long."""
    return repr(text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "...")


def _patched(values: pl.Series, text: pl.Series, known: Mapping[str, tuple[Decimal | None, str | None]]) -> pl.Series:
    """`values` with what only the careful reader could read."""
    extra = {word: value for word, (value, _) in known.items() if value is not None}
    return values.zip_with(values.is_not_null(), _looked_up(text, extra, MONEY)) if extra else values


def _reasons(text: pl.Series, known: Mapping[str, tuple[object, str | None]]) -> pl.Series | None:
    reasons = {word: reason for word, (_, reason) in known.items() if reason is not None}
    return _looked_up(text, reasons, pl.String()) if reasons else None


def product(left: pl.Expr, right: pl.Expr, *, largest: int) -> pl.Expr:
    """The exact product of two decimals, null where it would reach `largest`: an overflow would end the import."""
    fits = (left.cast(pl.Float64) * right.cast(pl.Float64)).abs() < largest
    return pl.when(fits).then(left) * pl.when(fits).then(right)


def _looked_up(text: pl.Series, found: Mapping[str, object], dtype: pl.DataType) -> pl.Series:
    """The value of each text, null where there is none."""
    keys: Iterable[str] = found.keys()
    old, new = pl.Series(list(keys), dtype=pl.String), pl.Series(list(found.values()), dtype=dtype)
    return text.replace_strict(old, new, default=None, return_dtype=dtype)


def clean_text(column: str, nulls: Sequence[str] = ()) -> pl.Expr:
    """A text column without words that mean null."""
    return _without_nulls(pl.col(column), nulls)


def identity_text(column: str, nulls: Sequence[str] = ()) -> pl.Expr:
    """The same for IDENTITY_COLUMNS: without blanks around it."""
    return _without_nulls(pl.col(column).str.strip_chars(), nulls)


def _without_nulls(text: pl.Expr, nulls: Sequence[str]) -> pl.Expr:
    return pl.when(~text.is_in(["", *nulls])).then(without_nul(text))


def last_day_end(times: pl.Expr) -> pl.Expr:
    """An end as an exclusive one: 23:59:59 is meant inclusive, so the next midnight."""
    last_second = times.dt.time() >= pl.time(23, 59, 59)
    return pl.when(last_second).then(times.dt.truncate("1d").dt.offset_by("1d")).otherwise(times)


def as_date_end(times: pl.Expr) -> pl.Expr:
    """An exclusive end as a date: the day after the last one that it touches."""
    day: pl.Expr = times.dt.date()
    return pl.when(times.dt.time() == pl.time(0, 0, 0)).then(day).otherwise(day.dt.offset_by("1d"))
