"""Strict readers of what is measured, not billed: finite doubles that are not negative, and lists of them."""

import json
from typing import Final

import polars as pl

from collectors.values import LARGEST_QUANTITY, Parsed, as_text, shown

_LIST: Final = pl.List(pl.Float64)


def parse_numbers(raw: pl.Series) -> Parsed:
    """Float64 from text or numbers; blanks around a number do not matter, and empty text is null."""
    if raw.dtype.is_numeric():
        values, text = raw.cast(pl.Float64), raw.cast(pl.String)
    else:
        text = as_text(raw).str.strip_chars()
        values = text.cast(pl.Float64, strict=False)
    fault = (
        pl.when(values.is_null() & (text != "") | values.is_nan() | values.is_infinite())
        .then(pl.format("is not a number: {}", text.str.head(60)))
        .when(values < 0)
        .then(pl.lit("is negative"))
        .when(values >= LARGEST_QUANTITY)
        .then(pl.lit("is too large"))
    )
    reasons = pl.select(fault).to_series()
    return Parsed(values, reasons if reasons.null_count() < reasons.len() else None)


def parse_number_lists(raw: pl.Series) -> Parsed:
    """Lists of Float64 from JSON text or lists; null in a list stays null, and an empty one is null."""
    if raw.dtype.is_nested():
        return _judged(raw, raw.cast(_LIST, strict=False))
    text = pl.select(pl.when(as_text(raw).str.strip_chars() != "").then(as_text(raw))).to_series()
    return _judged(text, _decoded(text))


def _decoded(text: pl.Series) -> pl.Series:
    """The lists at once; where one of them is no JSON, each by itself, so that the others are not lost."""
    looks_right = text.is_null() | text.str.contains(r"^\s*\[[0-9.eE,\snul+-]*\]\s*$")
    if not looks_right.all():
        return _one_by_one(text)
    try:
        return text.str.json_decode(_LIST)
    except pl.exceptions.ComputeError:
        return _one_by_one(text)


def _one_by_one(text: pl.Series) -> pl.Series:
    return pl.Series([None if value is None else _read_list(value) for value in text], dtype=_LIST)


def _read_list(text: str) -> list[float | None] | None:
    """The numbers of one list; None where it is none."""
    try:
        value = json.loads(text)
        if not isinstance(value, list) or not all(map(_is_number, value)):
            return None
        return [None if item is None else float(item) for item in value]
    except (ValueError, OverflowError, RecursionError):
        return None


def _is_number(item: object) -> bool:
    return item is None or (isinstance(item, int | float) and not isinstance(item, bool))


def _judged(raw: pl.Series, values: pl.Series) -> Parsed:
    odd = values.list.eval(~pl.element().is_between(0, LARGEST_QUANTITY, closed="left")).list.any()
    broken = (values.is_null() & raw.is_not_null()) | odd.fill_null(value=False)
    if not broken.any():
        return Parsed(pl.select(pl.when(values.list.len() > 0).then(values)).to_series(), None)
    texts = as_text(raw)
    reasons = [
        f"is no JSON list of numbers that are not negative: {shown(text)}" if is_broken else None
        for text, is_broken in zip(texts, broken, strict=True)
    ]
    return Parsed(values, pl.Series(reasons, dtype=pl.String))
