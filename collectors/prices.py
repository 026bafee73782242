"""What can be bought for how much: the record set of list prices, from any provider or a csv."""

from typing import Final

import polars as pl

from collectors.charges import MONEY
from collectors.records import RecordSet

PRICING_CATEGORIES: Final = ("Standard", "Committed", "Dynamic", "Other")
"""FOCUS's: Dynamic is spot."""
TERMS: Final = ("1 year", "3 years", "5 years")
PAYMENTS: Final = ("No Upfront", "Partial Upfront", "All Upfront")

PRICES: Final = RecordSet(
    name="prices",
    format="List prices",
    schema=pl.Schema(
        {
            "provider": pl.String(),
            "service_name": pl.String(),
            "sku_id": pl.String(),
            "sku_price_id": pl.String(),
            "description": pl.String(),
            "region_id": pl.String(),
            "size": pl.String(),  # instance type, or empty
            "operating_system": pl.String(),
            "pricing_category": pl.String(),
            "term": pl.String(),  # of a commitment
            "payment": pl.String(),  # of a commitment
            "tier_start": MONEY,  # the quantity from which it holds; empty = 0
            "list_unit_price": MONEY,
            "pricing_unit": pl.String(),
            "pricing_currency": pl.String(),
            "valid_from": pl.Date(),
            "listing": pl.String(),  # one complete listing; what a file says of it replaces it
        }
    ),
    required=("provider", "sku_id", "list_unit_price", "pricing_unit", "pricing_currency"),
    filled=("provider", "sku_id", "list_unit_price", "pricing_unit", "pricing_currency"),
    allowed={"pricing_category": PRICING_CATEGORIES, "term": TERMS, "payment": PAYMENTS},
    end_of_listing=("provider", "service_name", "region_id", "pricing_currency", "listing"),
)
