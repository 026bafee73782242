"""FOCUS 1.2 Cost and Usage as the demo's bills write it: columns, their types, and the file."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import polars as pl

DECIMAL: Final = pl.Decimal(38, 18)
TIME: Final = pl.Datetime("us", "UTC")
DECIMALS: Final = (
    "BilledCost",
    "EffectiveCost",
    "ListCost",
    "ContractedCost",
    "ListUnitPrice",
    "ContractedUnitPrice",
    "PricingQuantity",
    "PricingCurrencyContractedUnitPrice",
    "PricingCurrencyEffectiveCost",
    "PricingCurrencyListUnitPrice",
    "ConsumedQuantity",
    "CommitmentDiscountQuantity",
)
TIMES: Final = ("BillingPeriodStart", "BillingPeriodEnd", "ChargePeriodStart", "ChargePeriodEnd")
TEXTS: Final = (
    "ProviderName",
    "PublisherName",
    "InvoiceIssuerName",
    "InvoiceId",
    "BillingAccountId",
    "BillingAccountName",
    "BillingAccountType",
    "SubAccountId",
    "SubAccountName",
    "SubAccountType",
    "BillingCurrency",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargeFrequency",
    "PricingCategory",
    "PricingUnit",
    "PricingCurrency",
    "ConsumedUnit",
    "ServiceName",
    "ServiceCategory",
    "ServiceSubcategory",
    "SkuId",
    "SkuMeter",
    "SkuPriceId",
    "SkuPriceDetails",
    "RegionId",
    "RegionName",
    "AvailabilityZone",
    "ResourceId",
    "ResourceName",
    "ResourceType",
    "CommitmentDiscountId",
    "CommitmentDiscountName",
    "CommitmentDiscountCategory",
    "CommitmentDiscountType",
    "CommitmentDiscountStatus",
    "CommitmentDiscountUnit",
    "CapacityReservationId",
    "CapacityReservationStatus",
    "Tags",
)
SCHEMA: Final = pl.Schema(
    {
        **dict.fromkeys(TEXTS, pl.String()),
        **dict.fromkeys(TIMES, TIME),
        **dict.fromkeys(DECIMALS, DECIMAL),
    }
)
"""The 57 columns of FOCUS 1.2."""


def as_focus(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with exactly SCHEMA: further columns go, missing ones are null, prices in the billing currency."""
    same = {
        f"PricingCurrency{name}": pl.col(name)
        for name in ("ListUnitPrice", "ContractedUnitPrice", "EffectiveCost")
        if name in frame.columns
    }
    known = frame.with_columns(**same)
    missing = [pl.lit(None, dtype=dtype).alias(name) for name, dtype in SCHEMA.items() if name not in known.columns]
    return known.with_columns(missing).select(pl.col(name).cast(dtype) for name, dtype in SCHEMA.items())


def from_rows(rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
    """Charges written down one by one, with SCHEMA."""
    if not rows:
        return SCHEMA.to_frame()
    given = {name: dtype for name, dtype in SCHEMA.items() if any(name in row for row in rows)}
    return as_focus(pl.DataFrame(rows, schema=given))


def total(frame: pl.DataFrame, column: str) -> Decimal:
    """The sum of a column of money; zero where there is no row."""
    return Decimal(frame[column].sum())


def midnight(day: date) -> datetime:
    """The first moment of a UTC day."""
    return datetime.combine(day, time(), UTC)


def next_month(month: date) -> date:
    """The first day of the month after."""
    return (month.replace(day=1) + timedelta(days=31)).replace(day=1)


def write(bill: pl.DataFrame, path: Path) -> None:
    """Write a bill as Parquet: the same bytes for the same rows."""
    bill.write_parquet(path, compression="zstd", statistics=False)
