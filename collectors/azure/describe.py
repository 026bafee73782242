"""FOCUS's descriptive columns of grouped rows of an Azure export. Columns go by their plain names."""

from collections.abc import Mapping
from typing import Final

import polars as pl

from collectors.azure.charges import charge_category, is_committed, is_unused, lower
from collectors.azure.services import SERVICE_CATEGORIES
from collectors.values import identity_text

FREQUENCIES: Final = {"usagebased": "Usage-Based", "recurring": "Recurring", "onetime": "One-Time"}
PRICING: Final = {"spot": "Dynamic", "ondemand": "Standard", "": "Standard"}
PUBLISHERS: Final = ("", "azure", "microsoft")

_TYPE: Final = lower(pl.col("chargetype"))
_MODEL: Final = lower(pl.col("pricingmodel"))
_CATEGORY: Final = charge_category(_TYPE)
_UNUSED: Final = is_unused(_TYPE)
_COMMITTED: Final = is_committed(_MODEL, pl.col("reservationid")) | _UNUSED
_PLAN: Final = (_MODEL == "savingsplan") | (_TYPE == "unusedsavingsplan")


def descriptions() -> Mapping[str, pl.Expr]:
    """TEXT_COLUMNS that a row says something about, but those that are keys of the bill."""
    return {**_parties(), **_charge(), **_service(), **_place(), **_commitment()}


def _parties() -> Mapping[str, pl.Expr]:
    own = lower(pl.col("publishertype")).is_in(PUBLISHERS)
    return {
        "provider_name": pl.lit("Microsoft"),
        "publisher_name": pl.when(own).then(pl.lit("Microsoft")).otherwise(pl.col("publishername")),
        "invoice_issuer_name": pl.coalesce("resellername", pl.lit("Microsoft")),
        "billing_account_name": pl.col("billingaccountname"),
        "sub_account_id": identity_text("subscriptionid"),
        "sub_account_name": pl.col("subscriptionname"),
        "sub_account_type": pl.when(pl.col("subscriptionid").is_not_null()).then(pl.lit("Subscription")),
        "pricing_currency": pl.col("pricingcurrency"),
    }


def _charge() -> Mapping[str, pl.Expr]:
    meter = pl.concat_str("metercategory", "metersubcategory", "metername", separator=" - ", ignore_nulls=True)
    priced = (_CATEGORY == "Usage") | (_CATEGORY == "Purchase")
    frequency = lower(pl.col("frequency")).replace_strict(FREQUENCIES, default=None, return_dtype=pl.String)
    return {
        "charge_category": _CATEGORY,
        "charge_class": pl.when(_TYPE == "refund").then(pl.lit("Correction")),
        "charge_description": pl.coalesce("productname", pl.when(meter != "").then(meter)),
        "charge_frequency": pl.coalesce(
            frequency, pl.when(_CATEGORY == "Usage").then(pl.lit("Usage-Based")).otherwise(pl.lit("One-Time"))
        ),
        "pricing_category": pl.when(_COMMITTED & (_CATEGORY == "Usage"))
        .then(pl.lit("Committed"))
        .when(priced)
        .then(_MODEL.replace_strict(PRICING, default="Standard", return_dtype=pl.String)),
        "pricing_unit": pl.when(priced & ~_UNUSED).then(pl.col("pricing unit")),
        "consumed_unit": pl.when((_CATEGORY == "Usage") & ~_UNUSED).then(pl.col("consumed unit")),
    }


def _service() -> Mapping[str, pl.Expr]:
    service = pl.coalesce("metercategory", "servicename", "consumedservice")
    category = service.str.to_lowercase().replace_strict(SERVICE_CATEGORIES, default="Other", return_dtype=pl.String)
    return {
        "service_name": service,
        "service_category": pl.when(service.is_not_null()).then(category),
        "sku_id": pl.col("meterid"),
        "sku_price_id": pl.coalesce("partnumber", "productid"),
        "sku_meter": pl.col("metername"),
    }


def _place() -> Mapping[str, pl.Expr]:
    """Azure's ids mean the same in upper and lower case. What nobody used belongs to no resource."""
    region = pl.col("resourcelocation")
    resource = pl.when(~_UNUSED).then(identity_text("resourceid").str.to_lowercase())
    last = resource.str.extract(r"([^/]+)$")
    return {
        "region_id": region.str.to_lowercase().str.replace_all(" ", "", literal=True),
        "region_name": region,
        "availability_zone": pl.col("availabilityzone"),
        "resource_id": resource,
        "resource_name": pl.when(resource.is_not_null()).then(pl.coalesce("resourcename", last)),
        "resource_type": _resource_type(resource),
    }


def _resource_type(resource: pl.Expr) -> pl.Expr:
    """.../providers/microsoft.sql/servers/a/databases/b -> microsoft.sql/servers/databases."""
    path = resource.str.strip_chars("/").str.extract(r"(?:^|.*/)providers/(.+/.+)$")
    return path.str.replace_all(r"(/[^/]+)/[^/]+", "$1")


def _commitment() -> Mapping[str, pl.Expr]:
    related = _COMMITTED & pl.coalesce("benefitid", "reservationid").is_not_null()
    status = pl.when(_UNUSED).then(pl.lit("Unused")).when(_CATEGORY == "Usage").then(pl.lit("Used"))
    unit = pl.when(_PLAN).then(pl.col("billing_currency")).otherwise(pl.col("consumed unit"))
    columns = {
        "id": pl.coalesce("benefitid", "reservationid"),
        "name": pl.coalesce("benefitname", "reservationname"),
        "category": pl.when(_PLAN).then(pl.lit("Spend")).otherwise(pl.lit("Usage")),
        "type": pl.when(_PLAN).then(pl.lit("Savings Plan")).otherwise(pl.lit("Reservation")),
        "status": status,
        "unit": pl.when(_CATEGORY == "Usage").then(unit),
    }
    return {f"commitment_discount_{name}": pl.when(related).then(value) for name, value in columns.items()}
