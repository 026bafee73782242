"""Savings plans and reservations: what was bought, and what of it nobody used."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

import polars as pl

from apps.demo.focus import from_rows, midnight, next_month
from apps.demo.lines import account_columns, common_columns, region_columns, service_columns
from apps.demo.tables import Row, find, rows

COMMITMENTS: Final = rows("commitments")
COLUMNS: Final = ("Id", "Name", "Category", "Type", "Unit")


def commitment_charges(provider: str, usage: pl.DataFrame, first: date, last: date) -> pl.DataFrame:
    """Purchases and unused parts of the provider's commitments from `first` to `last`, within one month.

    Per commitment, what is bought costs as much as what is used and unused together.
    """
    taken = _taken(usage)
    made: list[dict[str, Any]] = []
    for commitment in COMMITMENTS:
        if commitment["provider"] == provider:
            made += _purchases(commitment, first, last)
            made += _unused(commitment, taken, first, last)
    return from_rows(made)


def _taken(usage: pl.DataFrame) -> dict[tuple[str, date], Decimal]:
    """Units that each commitment paid for on each day."""
    paid = usage.filter(pl.col("commitment_units").is_not_null())
    units = (pl.col("used") * pl.col("commitment_units")).sum()
    return {(slug, day): total for slug, day, total in paid.group_by("pricing", "day").agg(units).iter_rows()}


def _purchases(commitment: Row, first: date, last: date) -> Iterator[dict[str, Any]]:
    quantity = Decimal(commitment["daily_quantity"])
    if commitment["billing"] == "monthly":
        if first.day == 1:
            yield _purchase(commitment, first, next_month(first), quantity * (next_month(first) - first).days)
        return
    for day in _days(first, last):
        yield _purchase(commitment, day, day + timedelta(days=1), quantity)


def _purchase(commitment: Row, start: date, end: date, quantity: Decimal) -> dict[str, Any]:
    cost = quantity * Decimal(commitment["unit_cost"])
    return _charge(commitment, start, end, quantity) | {
        "ChargeCategory": "Purchase",
        "ChargeFrequency": "Recurring",
        "ChargeDescription": f"{commitment['name']}, recurring fee",
        "PricingCategory": "Standard",
        "BilledCost": cost,
        "EffectiveCost": Decimal(0),
    }


def _unused(
    commitment: Row, taken: dict[tuple[str, date], Decimal], first: date, last: date
) -> Iterator[dict[str, Any]]:
    for day in _days(first, last):
        quantity = Decimal(commitment["daily_quantity"]) - taken.get((commitment["slug"], day), Decimal(0))
        if quantity < 0:
            raise ValueError(f"{commitment['slug']} pays for more than was bought on {day}: raise daily_quantity.")
        if quantity:
            yield _charge(commitment, day, day + timedelta(days=1), quantity) | {
                "ChargeCategory": "Usage",
                "ChargeFrequency": "Usage-Based",
                "ChargeDescription": f"{commitment['name']}, unused",
                "PricingCategory": "Committed",
                "CommitmentDiscountStatus": "Unused",
                "BilledCost": Decimal(0),
                "EffectiveCost": quantity * Decimal(commitment["unit_cost"]),
            }


def _charge(commitment: Row, start: date, end: date, quantity: Decimal) -> dict[str, Any]:
    month = start.replace(day=1)
    cost = Decimal(commitment["unit_cost"])
    return {
        **common_columns(find("providers", slug=commitment["provider"])),
        **account_columns(commitment["provider"], commitment["account"]),
        **service_columns(commitment["provider"], commitment["service"]),
        **region_columns(commitment["provider"], commitment["region"]),
        "BillingPeriodStart": midnight(month),
        "BillingPeriodEnd": midnight(next_month(month)),
        "ChargePeriodStart": midnight(start),
        "ChargePeriodEnd": midnight(end),
        "PricingQuantity": quantity,
        "PricingUnit": commitment["unit"],
        "ListUnitPrice": cost,
        "ContractedUnitPrice": cost,
        "ListCost": quantity * cost,
        "ContractedCost": quantity * cost,
        "SkuId": commitment["sku"],
        "SkuMeter": "Commitment",
        "SkuPriceId": f"{commitment['sku']}/no-upfront",
        "ResourceId": commitment["id"],
        "ResourceName": commitment["name"],
        "ResourceType": commitment["type"],
        **{f"CommitmentDiscount{name}": commitment[name.lower()] for name in COLUMNS},
        "CommitmentDiscountQuantity": quantity,
    }


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=place) for place in range((last - first).days + 1))
