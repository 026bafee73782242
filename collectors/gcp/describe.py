"""FOCUS's descriptive columns of grouped rows of a Cloud Billing export. Columns go by their dotted names."""

import json
from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from collectors.gcp.credits import COMMITTED
from collectors.gcp.services import SERVICE_CATEGORIES
from collectors.values import canonical_json, dump_json, identity_text, load_object

CATEGORIES: Final = {"regular": "Usage", "": "Usage", "tax": "Tax"}
"""Cost type -> charge category; every other type (adjustment, rounding_error) is an Adjustment."""

FREQUENCIES: Final = {"Usage": "Usage-Based", "Purchase": "Recurring"}
COMMITMENT_SKU: Final = "Commitment"
"""What the descriptions of the SKUs begin with under which commitments are bought."""

SPOT: Final = r"(?i)\b(spot|preemptible)\b"
MACHINES: Final = {
    "compute.googleapis.com/machine_spec": "InstanceType",
    "compute.googleapis.com/cores": "CoreCount",
    "compute.googleapis.com/memory": "MemorySize",
}
"""System labels -> SkuPriceDetails; Google counts memory in MiB, FOCUS in GiB."""

_IS_CREDIT: Final = pl.col("credits").str.starts_with("{").fill_null(value=False)


def charge_category(cost_type: pl.Expr, sku: pl.Expr) -> pl.Expr:
    """FOCUS's ChargeCategory of what is no credit."""
    kind = cost_type.fill_null("").str.to_lowercase()
    category = kind.replace_strict(CATEGORIES, default="Adjustment", return_dtype=pl.String)
    bought = (category == "Usage") & sku.str.starts_with(COMMITMENT_SKU).fill_null(value=False)
    return pl.when(bought).then(pl.lit("Purchase")).otherwise(category)


_CATEGORY: Final = (
    pl.when(_IS_CREDIT)
    .then(pl.lit("Credit"))
    .otherwise(charge_category(pl.col("cost_type"), pl.col("sku.description")))
)


def with_credits(read: pl.DataFrame) -> pl.DataFrame:
    """`read` with what is told of a row's credit, or of the commitment that lowered its price."""
    columns = {"credit name": _credit_name, "commitment id": _commitment_id, "commitment type": _commitment_type}
    return read.with_columns(canonical_json(read["credits"], told).alias(name) for name, told in columns.items())


def descriptions() -> Mapping[str, pl.Expr]:
    """TEXT_COLUMNS that a row says something about, but those that are keys of the bill."""
    return {**_parties(), **_charge(), **_service(), **_place(), **_commitment()}


def _parties() -> Mapping[str, pl.Expr]:
    project = identity_text("project.id")
    return {
        "provider_name": pl.lit("Google Cloud"),
        "publisher_name": pl.coalesce("seller_name", pl.lit("Google Cloud")),
        "invoice_issuer_name": pl.lit("Google Cloud"),
        "sub_account_id": project,
        "sub_account_name": pl.when(project.is_not_null()).then(pl.col("project.name")),
        "sub_account_type": pl.when(project.is_not_null()).then(pl.lit("Project")),
    }


def _charge() -> Mapping[str, pl.Expr]:
    usage, priced = _CATEGORY == "Usage", _CATEGORY.is_in(["Usage", "Purchase"])
    return {
        "charge_category": _CATEGORY,
        "charge_class": pl.when(pl.col("cost_type").str.to_lowercase() == "adjustment").then(pl.lit("Correction")),
        "charge_description": pl.coalesce("credit name", "sku.description"),
        "charge_frequency": _CATEGORY.replace_strict(FREQUENCIES, default="One-Time", return_dtype=pl.String),
        "pricing_category": pl.when(usage & pl.col("commitment id").is_not_null())
        .then(pl.lit("Committed"))
        .when(usage & pl.col("sku.description").str.contains(SPOT))
        .then(pl.lit("Dynamic"))
        .when(priced)
        .then(pl.lit("Standard")),
        "pricing_unit": pl.when(priced).then(pl.col("usage.pricing_unit")),
        "consumed_unit": pl.when(usage).then(pl.col("usage.unit")),
    }


def _service() -> Mapping[str, pl.Expr]:
    service = pl.col("service.description")
    category = service.str.to_lowercase().replace_strict(SERVICE_CATEGORIES, default="Other", return_dtype=pl.String)
    return {
        "service_name": service,
        "service_category": pl.when(service.is_not_null()).then(category),
        "sku_id": pl.col("sku.id"),
        "sku_meter": pl.col("sku.description"),
    }


def _place() -> Mapping[str, pl.Expr]:
    place = pl.coalesce("location.region", "location.location")
    region = pl.when(place != "global").then(place)
    resource = pl.coalesce("resource.global_name", "resource.name")
    named = pl.col("resource.name") != resource
    return {
        "region_id": region,
        "region_name": region,
        "availability_zone": pl.col("location.zone"),
        "resource_id": resource,
        "resource_name": pl.when(named).then(pl.col("resource.name")),
        "resource_type": resource.str.extract(r"/([^/]+)/[^/]+$"),
    }


def _commitment() -> Mapping[str, pl.Expr]:
    """The export says that a commitment lowered the price, and by how much, but not which part of which purchase."""
    related = (_CATEGORY == "Usage") & pl.col("commitment id").is_not_null()
    spend = pl.col("commitment type") == "COMMITTED_USAGE_DISCOUNT_DOLLAR_BASE"
    columns = {
        "id": pl.col("commitment id"),
        "category": pl.when(spend).then(pl.lit("Spend")).otherwise(pl.lit("Usage")),
        "type": pl.lit("Committed Use Discount"),
        "status": pl.lit("Used"),
    }
    return {f"commitment_discount_{name}": pl.when(related).then(value) for name, value in columns.items()}


def _credit_name(text: str) -> str | None:
    """What a split-off credit is called."""
    credit = json.loads(text)
    return _called(credit, "full_name", "name", "id", "type") if isinstance(credit, dict) else None


def _commitment_id(text: str) -> str | None:
    return _called(_committed(text), "id", "full_name", "name")


def _commitment_type(text: str) -> str | None:
    return _called(_committed(text), "type")


def _committed(text: str) -> dict[str, Any]:
    """The discount that comes from a commitment; empty where there is none."""
    listed = json.loads(text)
    return next((one for one in listed if one.get("type") in COMMITTED), {}) if isinstance(listed, list) else {}


def _called(credit: Mapping[str, object], *names: str) -> str | None:
    return next((str(credit[name]) for name in names if name in credit), None)


def read_machine(text: str) -> str | None:
    """What system labels say of a machine."""
    labels = load_object(text)
    details = {MACHINES[key]: _number(MACHINES[key], value) for key, value in labels.items() if key in MACHINES}
    return dump_json({name: value for name, value in details.items() if value not in (None, "")})


def _number(name: str, value: object) -> object:
    text = str(value)
    if name == "InstanceType" or not (text.isascii() and text.isdigit()):
        return value
    if name == "CoreCount":
        return int(text)
    gibibytes = int(text) / 1024
    return int(gibibytes) if gibibytes.is_integer() else gibibytes
