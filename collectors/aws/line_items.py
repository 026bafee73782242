"""What line item types mean: FOCUS's charge categories, and the measures of a row."""

from collections.abc import Callable, Mapping
from typing import Final

import polars as pl

from collectors.charges import MONEY

UNUSED: Final = ("RIFee", "SavingsPlanRecurringFee")
"""Fees of commitments, whose effective cost is the unused part alone: cost of nobody, to be shown as waste."""

CATEGORIES: Final = {
    "Usage": "Usage",
    "DiscountedUsage": "Usage",
    "SavingsPlanCoveredUsage": "Usage",
    "SavingsPlanNegation": "Usage",  # takes the billed cost of covered usage back, so it must stand beside it
    "Fee": "Purchase",
    "RIFee": "Purchase",
    "SavingsPlanRecurringFee": "Purchase",
    "SavingsPlanUpfrontFee": "Purchase",
    "Tax": "Tax",
    "Credit": "Credit",
    "Refund": "Credit",
    "Discount": "Credit",
    "BundledDiscount": "Credit",
    "EdpDiscount": "Credit",
    "PrivateRateDiscount": "Credit",
    "RiVolumeDiscount": "Credit",
    "SppDiscount": "Credit",
}
"""Line item type -> charge category; every other type is an Adjustment."""

_DECIDES: Final = {
    "savings_plan_savings_plan_effective_cost": "SavingsPlanCoveredUsage",
    "savings_plan_total_commitment_to_date": "SavingsPlanRecurringFee",
    "savings_plan_used_commitment": "SavingsPlanRecurringFee",
    "reservation_effective_cost": "DiscountedUsage",
    "reservation_unused_amortized_upfront_fee_for_billing_period": "RIFee",
    "reservation_unused_recurring_fee": "RIFee",
}
"""Amounts that make up the effective cost of one line item type."""

_NOTHING: Final = pl.lit(0, dtype=MONEY)
Amount = Callable[[str], pl.Expr]


def charge_category(line: pl.Expr) -> pl.Expr:
    """FOCUS's ChargeCategory of a line item type."""
    return line.replace_strict(CATEGORIES, default="Adjustment", return_dtype=pl.String)


def is_consumed(line: pl.Expr) -> pl.Expr:
    """The rows that say what was consumed: a negation's quantity is that of the usage which it takes back."""
    return (charge_category(line) == "Usage") & (line != "SavingsPlanNegation")


def has_quantity(line: pl.Expr) -> pl.Expr:
    """The rows with a quantity of something that has a price."""
    return is_consumed(line) | (charge_category(line) == "Purchase")


def decides(amount: str, line: pl.Expr) -> pl.Expr:
    """The rows whose effective cost is made of `amount`."""
    return line == _DECIDES.get(amount, "")


def measures(line: pl.Expr, reservation: pl.Expr, amount: Amount) -> Mapping[str, pl.Expr]:
    """FOCUS's measures of a row; `amount` gives a column of the report as a decimal, null where it is absent."""
    unblended, usage = amount("line_item_unblended_cost"), amount("line_item_usage_amount")
    on_demand = amount("pricing_public_on_demand_cost")
    return {
        "billed_cost": unblended,
        "effective_cost": _effective_cost(line, reservation, amount),
        "list_cost": on_demand,
        "contracted_cost": _case({"DiscountedUsage": on_demand, "SavingsPlanNegation": _NOTHING}, line, unblended),
        "pricing_quantity": pl.when(has_quantity(line)).then(usage),
        "consumed_quantity": pl.when(is_consumed(line)).then(usage),
        "commitment_discount_quantity": _commitment_quantity(line, amount),
        "pricing_currency_effective_cost": pl.lit(None, dtype=MONEY),
    }


def _effective_cost(line: pl.Expr, reservation: pl.Expr, amount: Amount) -> pl.Expr:
    """Cost with commitments spread over what they cover; only their unused part stays with the fee."""

    def known(name: str) -> pl.Expr:
        return amount(name).fill_null(_NOTHING)

    unused_plan = known("savings_plan_total_commitment_to_date") - known("savings_plan_used_commitment")
    unused_reservation = known("reservation_unused_amortized_upfront_fee_for_billing_period") + known(
        "reservation_unused_recurring_fee"
    )
    cases = {
        "SavingsPlanCoveredUsage": known("savings_plan_savings_plan_effective_cost"),
        "SavingsPlanRecurringFee": unused_plan,
        "SavingsPlanNegation": _NOTHING,
        "SavingsPlanUpfrontFee": _NOTHING,
        "DiscountedUsage": known("reservation_effective_cost"),
        "RIFee": unused_reservation,
    }
    fee = pl.when((line == "Fee") & (reservation.fill_null("") != "")).then(_NOTHING)
    return _case(cases, line, fee.otherwise(amount("line_item_unblended_cost")))


def _commitment_quantity(line: pl.Expr, amount: Amount) -> pl.Expr:
    """What was consumed or left unused of a commitment: hours of a reservation, money of a savings plan."""
    cases = {
        "DiscountedUsage": amount("line_item_usage_amount"),
        "RIFee": amount("reservation_unused_quantity"),
        "SavingsPlanCoveredUsage": amount("savings_plan_savings_plan_effective_cost"),
        "SavingsPlanRecurringFee": amount("savings_plan_total_commitment_to_date")
        - amount("savings_plan_used_commitment"),
    }
    return _case(cases, line, pl.lit(None, dtype=MONEY))


def _case(cases: Mapping[str, pl.Expr], line: pl.Expr, otherwise: pl.Expr) -> pl.Expr:
    """The expression of the row's line item type."""
    result = otherwise
    for line_type, value in cases.items():
        result = pl.when(line == line_type).then(value).otherwise(result)
    return result
