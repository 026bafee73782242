"""What is not used but billed: support fees, taxes, credits and a correction."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

import polars as pl

from apps.demo.focus import from_rows, midnight, next_month
from apps.demo.lines import account_columns, common_columns, region_columns, service_columns
from apps.demo.tables import find

CENT: Final = Decimal("0.01")
SUPPORT: Final = {"aws": "support-business", "gcp": "support-enhanced", "azure": "support-prodirect"}
CREDITS: Final = {"aws": ("Migration programme credit", 3000), "gcp": ("Research credit", 1500)}
CREDITS_END: Final = 120  # days before the last day: the programmes are over since then
REFUND: Final = Decimal("-412.37")


def fee_charges(provider: str, month: date, *, until: date, billed: Decimal) -> pl.DataFrame:
    """The fees of a provider in a month; `billed` is what its usage and commitments cost in it so far."""
    made = [*_support(provider, month), *_tax(provider, month, billed), *_credit(provider, month, until)]
    if provider == "aws" and next_month(month) > until:
        made += _refund(month)
    return from_rows(made)


def _support(provider: str, month: date) -> Iterator[dict[str, Any]]:
    if provider not in SUPPORT:
        return
    sku = find("skus", provider=provider, sku=SUPPORT[provider])
    fee = Decimal(sku["price"])
    yield _charge(provider, month, sku["service"]) | {
        **account_columns(provider, "shared"),
        "ChargeCategory": "Usage",
        "ChargeFrequency": "Recurring",
        "ChargeDescription": sku["meter"],
        "PricingCategory": "Standard",
        "PricingQuantity": Decimal(1),
        "PricingUnit": sku["unit"],
        "ConsumedQuantity": Decimal(1),
        "ConsumedUnit": sku["unit"],
        "ListUnitPrice": fee,
        "ContractedUnitPrice": fee,
        "SkuId": sku["sku"],
        "SkuMeter": sku["meter"],
        "SkuPriceId": f"{sku['sku']}/monthly",
        **_costs(fee),
    }


def _tax(provider: str, month: date, billed: Decimal) -> Iterator[dict[str, Any]]:
    tax = (billed * Decimal(find("providers", slug=provider)["tax"])).quantize(CENT)
    if tax:
        yield _charge(provider, month, "Tax") | {
            "ChargeCategory": "Tax",
            "ChargeFrequency": "Recurring",
            "ChargeDescription": "Sales tax on the taxable part of the bill",
            **_costs(tax),
        }


def _credit(provider: str, month: date, until: date) -> Iterator[dict[str, Any]]:
    if provider in CREDITS and month < until - timedelta(days=CREDITS_END):
        name, amount = CREDITS[provider]
        yield _charge(provider, month, {"aws": "Amazon EC2", "gcp": "Compute Engine"}[provider]) | {
            **account_columns(provider, "research"),
            "ChargePeriodEnd": midnight(month + timedelta(days=1)),
            "ChargeCategory": "Credit",
            "ChargeFrequency": "One-Time",
            "ChargeDescription": name,
            **_costs(Decimal(-amount)),
        }


def _refund(month: date) -> Iterator[dict[str, Any]]:
    """A correction of the month before, which was invoiced already."""
    day = (month - timedelta(days=1)).replace(day=20)
    yield _charge("aws", month, "AWS Data Transfer") | {
        **account_columns("aws", "platform"),
        **region_columns("aws", "us-east-1"),
        "ChargePeriodStart": midnight(day),
        "ChargePeriodEnd": midnight(day + timedelta(days=1)),
        "ChargeCategory": "Adjustment",
        "ChargeClass": "Correction",
        "ChargeFrequency": "One-Time",
        "ChargeDescription": "Refund for data transfer that was billed twice",
        **_costs(REFUND),
    }


def _charge(provider: str, month: date, service: str) -> dict[str, Any]:
    """A charge for the whole month."""
    period = {"PeriodStart": midnight(month), "PeriodEnd": midnight(next_month(month))}
    return {
        **common_columns(find("providers", slug=provider)),
        **service_columns(provider, service),
        **{f"{kind}{bound}": at for kind in ("Billing", "Charge") for bound, at in period.items()},
    }


def _costs(amount: Decimal) -> dict[str, Decimal]:
    return dict.fromkeys(("BilledCost", "EffectiveCost", "ListCost", "ContractedCost"), amount)
