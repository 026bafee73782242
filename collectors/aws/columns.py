"""Columns of the Cost and Usage Report by their CUR 2.0 names, found in all its shapes: lineItem/UsageType as well."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from collectors.aws.details import ATTRIBUTES
from collectors.errors import RefusedFileError

CUR_REQUIRED: Final = (
    "bill/PayerAccountId",  # whose bill it is: a newer delivery replaces the older one of the same account and period
    "bill/BillingPeriodStartDate",  # which bill a row belongs to
    "bill/BillingPeriodEndDate",
    "lineItem/UsageStartDate",  # the day of the charge
    "lineItem/UsageEndDate",  # whether it reaches beyond that day
    "lineItem/LineItemType",  # decides the effective cost
    "lineItem/CurrencyCode",  # amounts of different currencies are never added
    "lineItem/UnblendedCost",  # what the invoice says; blended cost differs row by row
)
"""Columns without which nothing can be loaded, and why; all but the type must have a value in every row."""

KEYS: Final = {
    "billing_account_id": "bill_payer_account_id",
    "billing_currency": "line_item_currency_code",
    "invoice_id": "bill_invoice_id",
}
PERIODS: Final = {
    "billing_period_start": "bill_billing_period_start_date",
    "billing_period_end": "bill_billing_period_end_date",
    "charge_period_start": "line_item_usage_start_date",
    "charge_period_end": "line_item_usage_end_date",
}
PRICES: Final = {
    "list_unit_price": "pricing_public_on_demand_rate",
    "contracted_unit_price": "line_item_unblended_rate",
}
AMOUNTS: Final = (
    "line_item_unblended_cost",
    "line_item_usage_amount",
    "pricing_public_on_demand_cost",
    "reservation_effective_cost",
    "reservation_unused_amortized_upfront_fee_for_billing_period",
    "reservation_unused_recurring_fee",
    "reservation_unused_quantity",
    "savings_plan_savings_plan_effective_cost",
    "savings_plan_total_commitment_to_date",
    "savings_plan_used_commitment",
)
EXTRAS: Final = (
    "bill_bill_type",
    "bill_billing_entity",
    "line_item_line_item_type",
    "line_item_product_code",
    "line_item_operation",
    "line_item_legal_entity",
    "line_item_tax_type",
    "product_product_family",
    "product_servicecode",
    "product_from_location",
    "product_to_location",
    "pricing_term",
    "pricing_purchase_option",
    "pricing_offering_class",
    "pricing_lease_contract_length",
    "reservation_subscription_id",
    "savings_plan_offering_type",
    "savings_plan_payment_option",
    "savings_plan_purchase_term",
    "split_line_item_parent_resource_id",
)
"""Kept under x_columns, see `extra_name`."""

MAPS: Final = ("product", "resource_tags", "cost_category", "tags")
TEXTS: Final = (
    "bill_invoicing_entity",
    "bill_payer_account_name",
    "capacity_reservation_capacity_reservation_arn",
    "capacity_reservation_capacity_reservation_status",
    "line_item_availability_zone",
    "line_item_line_item_description",
    "line_item_resource_id",
    "line_item_usage_account_id",
    "line_item_usage_account_name",
    "line_item_usage_type",
    "pricing_currency",
    "pricing_rate_code",
    "pricing_rate_id",
    "pricing_unit",
    "product_location",
    "product_location_type",
    "product_product_name",
    "product_region",
    "product_region_code",
    "product_servicename",
    "product_sku",
    "reservation_reservation_a_r_n",
    "savings_plan_savings_plan_a_r_n",
)
DESCRIPTIVE: Final = (*TEXTS, *EXTRAS, *MAPS, *(f"product_{name}" for name in ATTRIBUTES))
"""Every column that tells charges apart. `identity/` ones do not: they change with each delivery (and each hour)."""

_NOISE: Final = re.compile(r"[^a-z0-9]")
_TAG: Final = re.compile(r"resource(?:Tags/|_tags_)(.+)", re.IGNORECASE | re.DOTALL)
_CATEGORY: Final = re.compile(r"cost(?:Category/|_category_)(.+)", re.IGNORECASE | re.DOTALL)
_OWNER: Final = re.compile(r"(?:resourceTags/)?(user|aws)[:_](.+)", re.DOTALL)


def squashed(column: str) -> str:
    """A column's name without what differs between the shapes: case, slashes and underscores."""
    return _NOISE.sub("", column.lower())


_REQUIRED: Final = frozenset(squashed(column) for column in CUR_REQUIRED)


def find_columns(header: Sequence[str]) -> dict[str, int]:
    """Positions by squashed name; of columns that come twice, the first. Tags and cost categories are left out."""
    found: dict[str, int] = {}
    for position, column in enumerate(header):
        if squashed(column) in found and squashed(column) in _REQUIRED:
            raise RefusedFileError(f"the header names {column} twice; which one counts cannot be told.")
        if not (_TAG.fullmatch(column) or _CATEGORY.fullmatch(column)):
            found.setdefault(squashed(column), position)
    return found


def find_tags(header: Sequence[str]) -> dict[str, int]:
    """Positions of flat tag columns by tag key; keys that differ in case alone are two tags."""
    found: dict[str, int] = {}
    for key, position in _tag_columns(header):
        found[key if key not in found else header[position]] = position
    return found


def _tag_columns(header: Sequence[str]) -> Iterator[tuple[str, int]]:
    for position, column in enumerate(header):
        if match := _TAG.fullmatch(column):
            yield tag_key(match[1]), position
        elif match := _CATEGORY.fullmatch(column):
            yield category_key(match[1]), position


def tag_key(name: str) -> str:
    """The key that people gave: `user:app` -> `app`; what AWS gave keeps its prefix: `aws_created_by` -> `aws:...`."""
    match = _OWNER.fullmatch(name)
    if match is None:
        return name
    return match[2] if match[1] == "user" else f"aws:{match[2]}"


def category_key(name: str) -> str:
    """The tag key of a cost category."""
    return f"costCategory/{name}"


def extra_name(column: str) -> str:
    """`line_item_operation` -> `x_operation`."""
    group = next((group for group in ("line_item_", "bill_", "product_") if column.startswith(group)), "")
    return f"x_{column.removeprefix(group)}"


def present(wanted: Mapping[str, str], found: Mapping[str, int]) -> dict[str, int]:
    """Positions of those of `wanted` columns that the header has."""
    return {name: found[squashed(column)] for name, column in wanted.items() if squashed(column) in found}


def is_cur_2(header: Sequence[str]) -> bool:
    """Whether a CUR header is one of version 2.0: with MAP columns or account names."""
    new = {*MAPS, "discount", "bill_payer_account_name", "line_item_usage_account_name"}
    return bool(new & {column.lower() for column in header})
