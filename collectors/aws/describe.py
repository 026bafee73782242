"""FOCUS's descriptive columns of grouped CUR rows, by AWS's documented mapping. Columns go by their CUR 2.0 names."""

from collections.abc import Mapping
from typing import Final

import polars as pl

from collectors.aws.line_items import UNUSED, charge_category, has_quantity, is_consumed
from collectors.aws.services import SERVICE_CATEGORIES
from collectors.values import identity_text

PLAN_LINES: Final = ("SavingsPlanCoveredUsage", "SavingsPlanNegation")
RESOURCE_PREFIXES: Final = {
    "i-": "instance",
    "vol-": "volume",
    "snap-": "snapshot",
    "nat-": "natgateway",
    "eipalloc-": "elastic-ip",
    "vpce-": "vpc-endpoint",
    "ami-": "image",
    "fs-": "file-system",
}
TYPELESS_ARNS: Final = {"s3": "bucket", "sqs": "queue", "sns": "topic"}
FREQUENCIES: Final = {"Usage": "Usage-Based", "Purchase": "One-Time", "Tax": "One-Time"}

_LINE: Final = pl.col("line_item_line_item_type")
_CODE: Final = pl.col("line_item_product_code")
_CATEGORY: Final = charge_category(_LINE)


def descriptions() -> Mapping[str, pl.Expr]:
    """TEXT_COLUMNS that a CUR row says something about, but those that are keys of the bill."""
    return {**_parties(), **_charge(), **_service(), **_place(), **_commitment()}


def _parties() -> Mapping[str, pl.Expr]:
    return {
        "provider_name": pl.lit("AWS"),
        "publisher_name": pl.col("line_item_legal_entity"),
        "invoice_issuer_name": pl.coalesce("bill_invoicing_entity", "line_item_legal_entity"),
        "billing_account_name": pl.col("bill_payer_account_name"),
        "sub_account_id": identity_text("line_item_usage_account_id"),
        "sub_account_name": pl.col("line_item_usage_account_name"),
        "pricing_currency": pl.col("pricing_currency"),
    }


def _charge() -> Mapping[str, pl.Expr]:
    refund = (_LINE == "Refund") | (pl.col("bill_bill_type") == "Refund")
    spot = (pl.col("pricing_term") == "Spot") | pl.col("line_item_usage_type").str.contains("SpotUsage", literal=True)
    committed = (_LINE == "DiscountedUsage") | _LINE.is_in(PLAN_LINES)
    return {
        "charge_category": _CATEGORY,
        "charge_class": pl.when(refund).then(pl.lit("Correction")),
        "charge_description": pl.col("line_item_line_item_description"),
        "charge_frequency": pl.when(_LINE.is_in(UNUSED))
        .then(pl.lit("Recurring"))
        .otherwise(_CATEGORY.replace_strict(FREQUENCIES, default="One-Time")),
        "pricing_category": pl.when(committed)
        .then(pl.lit("Committed"))
        .when(spot)
        .then(pl.lit("Dynamic"))
        .when(_CATEGORY.is_in(["Usage", "Purchase"]))
        .then(pl.lit("Standard")),
        "pricing_unit": pl.when(has_quantity(_LINE)).then(pl.col("pricing_unit")),
        "consumed_unit": pl.when(is_consumed(_LINE)).then(pl.col("pricing_unit")),
    }


def _service() -> Mapping[str, pl.Expr]:
    return {
        "service_name": pl.coalesce("product_product_name", "product_map_name", "product_servicename", _CODE),
        "service_category": _CODE.replace_strict(SERVICE_CATEGORIES, default="Other", return_dtype=pl.String),
        "sku_id": pl.col("product_sku"),
        "sku_price_id": pl.coalesce("pricing_rate_code", "pricing_rate_id"),
        "sku_meter": pl.col("line_item_usage_type"),
    }


def _place() -> Mapping[str, pl.Expr]:
    region = pl.coalesce("product_region_code", "product_region")
    in_region = region.is_not_null() & (pl.col("product_location_type").fill_null("AWS Region") == "AWS Region")
    resource = pl.when(~_LINE.is_in(UNUSED)).then(pl.col("line_item_resource_id"))
    return {
        "region_id": region,
        "region_name": pl.when(in_region).then(pl.col("product_location")),
        "availability_zone": pl.col("line_item_availability_zone"),
        "resource_id": resource,
        "resource_type": _resource_type(resource),
    }


def _resource_type(resource: pl.Expr) -> pl.Expr:
    """From the ARN where it names a type, from the prefix of an id, or from the service."""
    last = resource.str.splitn(":", 6).struct.field("field_5")
    named = last.str.extract(r"^([A-Za-z][A-Za-z0-9_-]*)[/:]")
    typeless = resource.str.extract(r"^arn:[^:]*:([^:]*):").replace_strict(TYPELESS_ARNS, default=None)
    prefix = resource.str.extract(r"^([a-z]+-)").replace_strict(RESOURCE_PREFIXES, default=None)
    bucket = pl.when(resource.is_not_null() & (_CODE == "AmazonS3")).then(pl.lit("bucket"))
    in_arn = pl.when(resource.str.starts_with("arn:")).then(pl.coalesce(typeless, named))
    return pl.coalesce(in_arn, prefix, bucket)


def _commitment() -> Mapping[str, pl.Expr]:
    plan, reservation = pl.col("savings_plan_savings_plan_a_r_n"), pl.col("reservation_reservation_a_r_n")
    identity = pl.coalesce(plan, reservation)
    used = pl.when(_LINE.is_in(UNUSED)).then(pl.lit("Unused")).when(_CATEGORY == "Usage").then(pl.lit("Used"))
    measured = (_LINE == "DiscountedUsage") | (_LINE == "SavingsPlanCoveredUsage") | _LINE.is_in(UNUSED)
    return {
        "commitment_discount_id": identity,
        "commitment_discount_category": _by_kind(plan, reservation, pl.lit("Spend"), pl.lit("Usage")),
        "commitment_discount_type": _by_kind(plan, reservation, pl.lit("Savings Plan"), pl.lit("Reserved Instance")),
        "commitment_discount_status": pl.when(identity.is_not_null()).then(used),
        "commitment_discount_unit": pl.when(measured).then(
            _by_kind(plan, reservation, pl.col("billing_currency"), pl.col("pricing_unit"))
        ),
        "capacity_reservation_id": pl.col("capacity_reservation_capacity_reservation_arn"),
        "capacity_reservation_status": pl.col("capacity_reservation_capacity_reservation_status"),
    }


def _by_kind(plan: pl.Expr, reservation: pl.Expr, of_plan: pl.Expr, of_reservation: pl.Expr) -> pl.Expr:
    return pl.when(plan.is_not_null()).then(of_plan).when(reservation.is_not_null()).then(of_reservation)
