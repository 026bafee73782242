"""Values of Azure exports as everything else writes them: ISO days, exclusive ends, unknown prices as null."""

import re
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

import polars as pl

from collectors.values import as_text, canonical_json

NO_CURRENCY: Final = "XXX"
"""ISO 4217 for "no currency": exports without a column for it are added to no other money."""

_MONTH_FIRST: Final = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(.*)", re.DOTALL)
_ISO_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")


def iso_days(values: pl.Series) -> pl.Series:
    """9/2/2023 -> 2023-09-02, months first; everything else as it is."""
    return canonical_json(as_text(values), _iso_day)


def following_days(values: pl.Series) -> pl.Series:
    """The day after: an end that was meant inclusive as an exclusive one."""
    return canonical_json(as_text(values), _following_day)


def without_zero(values: pl.Series) -> pl.Series:
    """A price of 0 is one that is not known."""
    return canonical_json(as_text(values), lambda text: None if _is_zero(text) else text)


def no_currency(values: pl.Series) -> pl.Series:
    """What stands for the currency of an export that states none."""
    return pl.Series([NO_CURRENCY], dtype=pl.String).new_from_index(0, values.len())


def _iso_day(text: str) -> str:
    match = _MONTH_FIRST.fullmatch(text.strip())
    if match is None:
        return text
    month, day, year, rest = match.groups()
    return f"{year}-{month:0>2}-{day:0>2}{rest}"


def _following_day(text: str) -> str:
    """What is no day stays, to be complained about."""
    iso = _iso_day(text)
    match = _ISO_DAY.match(iso.strip())
    try:
        return iso if match is None else (date.fromisoformat(match[0]) + timedelta(days=1)).isoformat()
    except (ValueError, OverflowError):
        return iso


def _is_zero(text: str) -> bool:
    try:
        return Decimal(text) == 0
    except InvalidOperation:
        return False
