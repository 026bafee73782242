"""FOCUS Cost and Usage 1.0 to 1.4 as charges: columns by name, unknown ones kept under x_columns."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

import polars as pl

from collectors.charges import (
    IDENTITY_COLUMNS,
    JSON_COLUMNS,
    KEY_COLUMNS,
    MEASURE_COLUMNS,
    MONEY,
    PRICE_COLUMNS,
    TEXT_COLUMNS,
)
from collectors.errors import RefusedFileError
from collectors.rows import PERIODS, Layout, amount_column
from collectors.values import canonical_json, clean_text, identity_text, read_json, read_known, read_tags

FOCUS_REQUIRED: Final = (
    "BilledCost",  # what the invoice says
    "EffectiveCost",  # what the charge is worth: both sides of every report
    "BillingAccountId",  # whose bill it is: a newer delivery replaces the older one of the same account and period
    "BillingCurrency",  # amounts of different currencies are never added
    "BillingPeriodStart",  # which bill a row belongs to; never derived from the charge period
    "BillingPeriodEnd",
    "ChargePeriodStart",  # the day of the charge
    "ChargePeriodEnd",  # whether it reaches beyond that day
)
"""Columns without which, and rows without values of which, nothing can be loaded, and why. All else may be null."""

NULLS: Final = ("NULL",)
FACT_KEYS: Final = ("billing_account_id", "billing_currency", "invoice_id", "invoice_detail_id")
TAG_COLUMNS: Final = ("tags", "allocated_tags")
ENUMS: Final = {
    "charge_category": ("Usage", "Purchase", "Tax", "Credit", "Adjustment"),
    "charge_class": ("Correction",),
    "charge_frequency": ("One-Time", "Recurring", "Usage-Based"),
    "pricing_category": ("Standard", "Dynamic", "Committed", "Other"),
    "commitment_discount_category": ("Spend", "Usage"),
    "commitment_discount_status": ("Used", "Unused"),
    "capacity_reservation_status": ("Used", "Unused"),
}
"""Allowed values, whose case is put right; any other value is kept as it is."""

_COMMITTED: Final = (
    pl.when(
        pl.col("pricing_category").eq("Standard")
        & pl.col("charge_category").eq("Usage")
        & pl.col("commitment_discount_id").is_not_null()
    )
    .then(pl.lit("Committed"))
    .otherwise(pl.col("pricing_category"))
)
"""Usage that a commitment covers is priced by it, also where a file says Standard."""

_COLUMNS: Final = (*KEY_COLUMNS, *PERIODS, *FACT_KEYS, *PRICE_COLUMNS, *MEASURE_COLUMNS)
_NAMES: Final = {name.replace("_", ""): name for name in _COLUMNS if name != "x_columns"}


class FocusCosts:
    """Reads the rows of one FOCUS table."""

    left_out: ClassVar[tuple[str, ...]] = ()
    """Columns that FOCUS does not know, in small letters, which tell every row apart from the next and say no more."""

    def __init__(self, header: Sequence[str]) -> None:
        self._known, unknown = _sort_out(header)
        self._unknown = {name: at for name, at in unknown.items() if name.lower() not in self.left_out}
        self.layout = Layout(
            header=tuple(header),
            keys={name: self._known[name] for name in FACT_KEYS if name in self._known},
            periods={name: self._known[name] for name in PERIODS},
            amounts={name: self._known[name] for name in MEASURE_COLUMNS if name in self._known},
            needed_amounts=("billed_cost", "effective_cost"),
            prices={name: self._known[name] for name in PRICE_COLUMNS if name in self._known},
            descriptive=[*self._descriptive().values(), *self._unknown.values()],
            nulls=NULLS,
        )

    def matters(self, amount: str) -> pl.Expr:
        """Every number of FOCUS is one of the bill."""
        del amount
        return pl.lit(value=True)

    def measures(self) -> Mapping[str, pl.Expr]:
        """Each measure is a column of the file, but for two things that FOCUS forbids and files say nevertheless.

        What a commitment costs is in the usage that it covers: its purchase has no effective cost of its own. And usage
        that costs something has no list or contracted price of nothing: none was known.
        """
        nothing = pl.lit(None, dtype=MONEY)
        said = {
            name: pl.col(amount_column(name)) if name in self.layout.amounts else nothing for name in MEASURE_COLUMNS
        }
        covers = self._is("charge_category", "purchase") & self._has("commitment_discount_id")
        costs_something = self._is("charge_category", "usage") & (said["effective_cost"] > 0)
        without_price = {
            name: pl.when(costs_something & (said[name] == 0)).then(nothing).otherwise(said[name])
            for name in ("list_cost", "contracted_cost")
        }
        effective = pl.when(covers).then(pl.lit(0, dtype=MONEY)).otherwise(said["effective_cost"])
        return said | without_price | {"effective_cost": effective}

    def describe(self, groups: pl.DataFrame) -> pl.DataFrame:
        """Texts without words for null, enums in their own case, JSON in one spelling."""
        read = groups.select(
            (identity_text if name in IDENTITY_COLUMNS else clean_text)(str(position), NULLS).alias(name)
            for name, position in self._descriptive().items()
        )
        texts = read.select(_right_case(name) for name in TEXT_COLUMNS if name in read.columns)
        if {"pricing_category", "charge_category", "commitment_discount_id"} <= set(texts.columns):
            texts = texts.with_columns(pricing_category=_COMMITTED)
        objects = [
            canonical_json(read[name], read_tags if name in TAG_COLUMNS else read_json).alias(name)
            for name in JSON_COLUMNS
            if name in self._known
        ]
        return texts.with_columns(*objects, *self._x_columns(groups))

    def _descriptive(self) -> dict[str, int]:
        described = (*TEXT_COLUMNS, *JSON_COLUMNS)
        return {name: self._known[name] for name in described if name in self._known and name not in FACT_KEYS}

    def _is(self, name: str, value: str) -> pl.Expr:
        """Whether a column says this word in any case; where there is no such column, never."""
        if name not in self._known:
            return pl.lit(value=False)
        return (clean_text(str(self._known[name]), NULLS).str.to_lowercase() == value).fill_null(value=False)

    def _has(self, name: str) -> pl.Expr:
        """Whether a column says anything."""
        if name not in self._known:
            return pl.lit(value=False)
        return clean_text(str(self._known[name]), NULLS).is_not_null()

    def _x_columns(self, groups: pl.DataFrame) -> list[pl.Series]:
        """One object of all columns that FOCUS does not know."""
        if not self._unknown:
            return []
        fields = [clean_text(str(position), NULLS).alias(name) for name, position in self._unknown.items()]
        packed = groups.select(pl.struct(fields).struct.json_encode()).to_series()
        return [canonical_json(packed, read_known).alias("x_columns")]


def _sort_out(header: Sequence[str]) -> tuple[dict[str, int], dict[str, int]]:
    """Positions of the columns that FOCUS knows by our names, and of the others by theirs."""
    known: dict[str, int] = {}
    unknown: dict[str, int] = {}
    for position, column in enumerate(header):
        name = _NAMES.get(column.lower())
        if name in known:
            raise RefusedFileError(f"the header names {column} twice; which one counts cannot be told.")
        if name is None:
            unknown[column if column not in unknown else f"{column} #{position + 1}"] = position
        else:
            known[name] = position
    return known, unknown


def _right_case(name: str) -> pl.Expr:
    values = ENUMS.get(name, ())
    if not values:
        return pl.col(name)
    right = {value.lower(): value for value in values}
    return pl.coalesce(pl.col(name).str.to_lowercase().replace_strict(right, default=None), pl.col(name)).alias(name)
