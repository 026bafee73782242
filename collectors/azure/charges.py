"""What charge types and pricing models of Azure mean: FOCUS's categories, and the measures of a row."""

from collections.abc import Callable, Mapping
from typing import Final

import polars as pl

from collectors.charges import MONEY
from collectors.values import LARGEST_AMOUNT, LARGEST_QUANTITY, product

COMMITTED_MODELS: Final = ("reservation", "savingsplan")
UNUSED_TYPES: Final = ("unusedreservation", "unusedsavingsplan")
CATEGORIES: Final = {
    "usage": "Usage",
    "unusedreservation": "Usage",
    "unusedsavingsplan": "Usage",
    "purchase": "Purchase",
    "tax": "Tax",
    "credit": "Credit",
    "refund": "Credit",
}
"""Charge type, lower case -> charge category; no type is usage, every other one an Adjustment."""

Column = Callable[[str], pl.Expr]


def lower(text: pl.Expr) -> pl.Expr:
    """A word of Azure's without what differs from export to export: case, blanks and hyphens; never null."""
    return text.fill_null("").str.to_lowercase().str.replace_all(r"[\s_-]", "")


def charge_category(charge_type: pl.Expr) -> pl.Expr:
    """FOCUS's ChargeCategory of a `lower` charge type."""
    categories = {**CATEGORIES, "": "Usage"}
    return charge_type.replace_strict(categories, default="Adjustment", return_dtype=pl.String)


def is_committed(model: pl.Expr, reservation: pl.Expr) -> pl.Expr:
    """Rows of a reservation or savings plan; exports from before the pricing model name the reservation alone."""
    return model.is_in(COMMITTED_MODELS) | ((model == "") & (reservation.fill_null("") != ""))


def is_unused(charge_type: pl.Expr) -> pl.Expr:
    """Rows for the part of a commitment that nobody used."""
    return charge_type.is_in(UNUSED_TYPES)


def measures(text: Column, amount: Column, block: pl.Expr) -> Mapping[str, pl.Expr]:
    """FOCUS's measures of a row; `text` and `amount` give a column of the export, null where it has none.

    An amortised export spreads purchases over the usage that they cover: that cost is effective and was never billed.
    In an actual export covered usage costs nothing, so that the same rule holds for both.
    """
    charge_type, cost, quantity = lower(text("chargetype")), amount("cost"), amount("quantity")
    covered = (
        is_committed(lower(text("pricingmodel")), text("reservationid")) & (charge_category(charge_type) == "Usage")
    ) | is_unused(charge_type)
    used = (charge_category(charge_type) == "Usage") & ~is_unused(charge_type)
    at_contract = product(amount("unitprice"), quantity, largest=LARGEST_AMOUNT)
    return {
        "billed_cost": pl.when(covered).then(pl.lit(0, dtype=MONEY)).otherwise(cost),
        "effective_cost": cost,
        "list_cost": _known(pl.coalesce(amount("paygcostinbillingcurrency"), _at_list(amount)), cost),
        "contracted_cost": pl.when(covered).then(_known(at_contract, cost)).otherwise(cost),
        "pricing_quantity": pl.when(used | (charge_type == "purchase")).then(quantity),
        "consumed_quantity": pl.when(used).then(product(quantity, block, largest=LARGEST_QUANTITY)),
        "commitment_discount_quantity": pl.when(covered).then(pl.when(_is_plan(text)).then(cost).otherwise(quantity)),
        "pricing_currency_effective_cost": amount("costinpricingcurrency"),
    }


def _at_list(amount: Column) -> pl.Expr:
    return product(amount("paygprice"), amount("quantity"), largest=LARGEST_AMOUNT)


def _known(cost: pl.Expr, paid: pl.Expr) -> pl.Expr:
    """A list or contracted cost of 0 for something that was paid for is one that is not known."""
    return pl.when((cost != 0) | (paid == 0)).then(cost)


def _is_plan(text: Column) -> pl.Expr:
    return lower(text("pricingmodel")).eq("savingsplan") | lower(text("chargetype")).eq("unusedsavingsplan")
