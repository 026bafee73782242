"""Credits, nested in the rows of the Cloud Billing export: which lower the price of usage, and which pay for it.

FOCUS wants discounts in the row that they apply to, and what is given on top (promotions, free tiers) as charges of the
category Credit. No amount is lost or counted twice: a row's cost and all its credits are its charges' billed costs.
"""

import json
import re
from dataclasses import dataclass
from decimal import Decimal, localcontext
from functools import lru_cache
from typing import Final

import polars as pl

from collectors.charges import MEASURE_COLUMNS, MONEY
from collectors.rows import ROWS
from collectors.tables import ROW
from collectors.values import LARGEST_AMOUNT, as_text, canonical_json, dump_json, read_decimal

GIVEN: Final = ("PROMOTION", "FREE_TIER")
"""Types of credits that pay for usage; all others are discounts on its price."""

COMMITTED: Final = ("COMMITTED_USAGE_DISCOUNT", "COMMITTED_USAGE_DISCOUNT_DOLLAR_BASE")

_LITERAL: Final = re.compile(r"""("(?:[^"\\]|\\.)*")|'((?:[^'\\]|\\.)*)'|\b(None|True|False)\b""", re.DOTALL)
_WORDS: Final = {"None": "null", "True": "true", "False": "false"}
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Credit:
    """One credit: what it is, without its amount, as JSON; its type; its amount as text."""

    identity: str | None
    type: str
    amount: str

    @property
    def is_given(self) -> bool:
        """Whether it pays for usage, rather than lowering its price."""
        return self.type in GIVEN


@lru_cache(maxsize=1 << 16)
def read_credits(text: str) -> tuple[Credit, ...]:
    """The credits of a row from JSON, or from how Python prints such a list. Raises ValueError where it is neither."""
    listed = _decode(text)
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        raise ValueError(text)
    return tuple(_credit(item) for item in listed)


def _decode(text: str) -> object:
    try:
        return json.loads(text, parse_float=str, parse_int=str)
    except ValueError:
        return json.loads(_LITERAL.sub(_as_json, text), parse_float=str, parse_int=str)


def _as_json(match: re.Match[str]) -> str:
    quoted, literal, word = match.groups()
    return quoted or (json.dumps(_ESCAPED.sub(r"\1", literal)) if word is None else _WORDS[word])


def _credit(item: dict[str, object]) -> Credit:
    known = {key: value for key, value in item.items() if key != "amount" and value not in (None, "")}
    return Credit(dump_json(known), str(item.get("type") or ""), str(item.get("amount") or "0"))


def total(values: pl.Series) -> pl.Series:
    """The sum of each row's credits as decimal text; what cannot be read stays, to be complained about."""
    text = as_text(values)
    nothing = pl.Series(["[]"], dtype=pl.String).new_from_index(0, text.len())
    return canonical_json(text.zip_with(text.is_not_null() & (text.str.strip_chars() != ""), nothing), _sum)


def _sum(text: str) -> str:
    try:
        amounts = [credit.amount for credit in read_credits(text)]
        if any(read_decimal(amount, (), LARGEST_AMOUNT)[0] is None for amount in amounts):
            return text
        with localcontext(prec=80):
            return f"{sum(map(Decimal, amounts), Decimal(0)):f}"
    except (ValueError, RecursionError):
        return text


def _discounts(text: str) -> str | None:
    """The identities of the credits that stay in the row as discounts, without their amounts."""
    if not text.strip():
        return None
    kept = sorted({credit.identity for credit in read_credits(text) if not credit.is_given and credit.identity})
    return f"[{','.join(kept)}]" if kept else None


def split_off(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    """Accepted rows, each without the credits that pay for it, and these as charges of their own.

    `column` holds the credits; afterwards it holds the identities of a row's discounts (a list) or of one credit.
    """
    given = rows.join(_given(rows[column]), left_on=column, right_on="credits", how="inner")
    sums = given.group_by(ROW).agg(pl.col("amount").sum())
    usage = rows.join(sums, on=ROW, how="left", maintain_order="left").with_columns(
        canonical_json(rows[column], _discounts).alias(column),
        *(pl.col(name) - pl.col("amount").fill_null(0) for name in ("billed_cost", "effective_cost")),
    )
    return pl.concat([usage.select(rows.columns), _paid(given, column).select(rows.columns)])


def _paid(given: pl.DataFrame, column: str) -> pl.DataFrame:
    """Charges of the category Credit: they are their amount, at list prices too where those are known."""
    amount = pl.col("amount")
    costs = {
        "billed_cost": amount,
        "effective_cost": amount,
        "contracted_cost": amount,
        "list_cost": pl.when(pl.col("list_cost").is_not_null()).then(amount),
    }
    others = {name: pl.lit(None, dtype=MONEY) for name in MEASURE_COLUMNS if name not in costs}
    return given.with_columns(
        pl.col("identity").alias(column), pl.lit(0, dtype=pl.Int64).alias(ROWS), **costs, **others
    )


def _given(texts: pl.Series) -> pl.DataFrame:
    """One line for every credit that pays for usage: text of the row's credits, identity, amount."""
    distinct = texts.unique().drop_nulls().to_list()
    found = [
        (text, credit.identity, read_decimal(credit.amount, (), LARGEST_AMOUNT)[0])
        for text in distinct
        if text.strip()
        for credit in read_credits(text)
        if credit.is_given
    ]
    return pl.DataFrame(found, schema={"credits": pl.String, "identity": pl.String, "amount": MONEY}, orient="row")
