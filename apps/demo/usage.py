"""What the lines use day by day, and what it costs: integer arithmetic and decimals, so that every run is the same."""

from datetime import date, timedelta
from typing import Final

import polars as pl

from apps.demo.commitments import COLUMNS, COMMITMENTS
from apps.demo.focus import DECIMAL, as_focus
from apps.demo.lines import DAYS, lines
from apps.demo.plots import PLOTS

WORDS: Final = 1 << 32
SPOT_FROM, SPOT_SPREAD = 340, 110  # thousandths of the list price
TRAINING_BLOCK: Final = 5  # days

_weekend = pl.col("weekday") >= 6
_noise = pl.col("noise")
RHYTHMS: Final = {
    "always": pl.lit(1000),
    "busy": pl.when(_weekend).then(780).otherwise(1000) + _noise * 80 // 1000 - 40,
    "office": pl.when(_weekend).then(90).otherwise(900) + _noise * 200 // 1000 - 80,
    "batch": pl.when((pl.col("day_of_month") > 28) | (pl.col("day_of_month") == 1)).then(1250).otherwise(820)
    + _noise * 160 // 1000
    - 80,
    "training": pl.when(pl.col("block_noise") < 720).then(970 + _noise * 30 // 1000).otherwise(0),
    "notebook": pl.when(_noise < pl.when(_weekend).then(150).otherwise(220))
    .then(1000)
    .when(_weekend)
    .then(0)
    .otherwise(250 + _noise * 260 // 1000),
    "tokens": pl.when(_weekend).then(560).otherwise(1000) + _noise * 180 // 1000 - 90,
}
"""Thousandths of the daily quantity; batch is heavier where months end, notebooks are left running now and then."""


def used(provider: str, first: date, last: date, *, until: date) -> pl.DataFrame:
    """Lines of the provider with what each used on each day from `first` to `last`: `day`, `age`, `used`."""
    days = _calendar(first, last, until)
    return (
        lines()
        .filter(pl.col("provider") == provider)
        .join(days, how="cross")
        .filter(pl.col("age").is_between(pl.col("to_age"), pl.col("from_age")))
        .with_columns(_random("ordinal").alias("noise"), _random("block").alias("block_noise"))
        .with_columns(used=_quantity())
        .filter(pl.col("used") > 0)
        .with_columns((pl.col("used").cast(DECIMAL) * pl.lit("0.001").cast(DECIMAL)).alias("used"))
        .sort("day", "line_id")
    )


def usage_charges(usage: pl.DataFrame) -> pl.DataFrame:
    """Charges for what was used: on demand, spot, or paid by a commitment."""
    spot, committed = pl.col("pricing") == "spot", pl.col("commitment_units").is_not_null()
    share = (SPOT_FROM + pl.col("noise") * SPOT_SPREAD // 1000).cast(DECIMAL) * pl.lit("0.001").cast(DECIMAL)
    priced = usage.with_columns(
        price=pl.when(spot).then(pl.col("list_price") * share).otherwise(pl.col("contracted_price")),
        taken=pl.col("used") * pl.col("commitment_units"),
    ).with_columns(cost=pl.col("used") * pl.col("price"))
    return as_focus(
        priced.with_columns(
            ChargeCategory=pl.lit("Usage"),
            ChargeFrequency=pl.lit("Usage-Based"),
            PricingCategory=pl.when(committed)
            .then(pl.lit("Committed"))
            .otherwise(pl.when(spot).then(pl.lit("Dynamic")).otherwise(pl.lit("Standard"))),
            PricingQuantity=pl.col("used"),
            ConsumedQuantity=pl.col("used"),
            ListUnitPrice=pl.col("list_price"),
            ContractedUnitPrice=pl.col("price"),
            ListCost=pl.col("used") * pl.col("list_price"),
            ContractedCost=pl.col("cost"),
            BilledCost=pl.when(committed).then(pl.lit(0).cast(DECIMAL)).otherwise(pl.col("cost")),
            EffectiveCost=pl.when(committed)
            .then(pl.col("taken") * pl.col("commitment_unit_cost"))
            .otherwise(pl.col("cost")),
            CommitmentDiscountStatus=pl.when(committed).then(pl.lit("Used")),
            CommitmentDiscountQuantity=pl.col("taken"),
            **_commitment_columns(),
            **day_columns(),
        )
    )


def day_columns() -> dict[str, pl.Expr]:
    """Charge and billing period of a charge within its `day`."""
    start = pl.col("day").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    month = start.dt.truncate("1mo")
    return {
        "ChargePeriodStart": start,
        "ChargePeriodEnd": start.dt.offset_by("1d"),
        "BillingPeriodStart": month,
        "BillingPeriodEnd": month.dt.offset_by("1mo"),
    }


def _commitment_columns() -> dict[str, pl.Expr]:
    return {
        f"CommitmentDiscount{column}": pl.col("pricing").replace_strict(
            {one["slug"]: one[column.lower()] for one in COMMITMENTS}, default=None, return_dtype=pl.String
        )
        for column in COLUMNS
    }


def _calendar(first: date, last: date, until: date) -> pl.DataFrame:
    days = pl.DataFrame({"day": pl.date_range(first, last, timedelta(days=1), eager=True)})
    ordinal = pl.col("day").cast(pl.Int32).cast(pl.UInt64)
    return days.with_columns(
        age=(pl.lit(until) - pl.col("day")).dt.total_days(),
        weekday=pl.col("day").dt.weekday().cast(pl.Int64),
        day_of_month=pl.col("day").dt.day().cast(pl.Int64),
        ordinal=ordinal,
        block=ordinal // TRAINING_BLOCK + 1_000_000,
    )


def mixed(word: pl.Expr) -> pl.Expr:
    """0 to 999, spread evenly, decided by 32 bits of the word: a mixer that needs no library."""
    bits = word % WORDS
    for factor in (2_246_822_519, 3_266_489_917):
        bits = bits.xor(bits // 32_768) * factor % WORDS
    return (bits.xor(bits // 65_536) % 1000).cast(pl.Int64)


def _random(by: str) -> pl.Expr:
    """0 to 999, decided by the line and `by`."""
    return mixed(pl.col("line_id") + pl.col(by) * 2_654_435_761 % WORDS)


def _quantity() -> pl.Expr:
    """Thousandths of a unit: the line's quantity, grown, in its rhythm, changed by the plots."""
    growth = 1000 - pl.col("growth") * pl.min_horizontal(pl.col("age"), DAYS) // DAYS
    rhythm = pl.coalesce(pl.when(pl.col("rhythm") == name).then(share) for name, share in RHYTHMS.items())
    quantity = pl.col("quantity") * growth // 1000 * rhythm // 1000 * _plotted() // 1000
    whole = quantity // 1000 * 1000
    return pl.min_horizontal(pl.when(pl.col("whole")).then(whole).otherwise(quantity), pl.col("limit"))


def _plotted() -> pl.Expr:
    factor = pl.lit(1000)
    for plot in PLOTS:
        if plot.factor != 1000:
            factor = pl.when(plot.matches() & plot.in_window()).then(plot.factor).otherwise(factor)
    return factor
