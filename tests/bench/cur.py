"""A made-up AWS Cost and Usage Report of any size: the same rows every time, written in bounded memory."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

import polars as pl
from isal import igzip
from polars.io.plugins import register_io_source

LINES_AN_HOUR: Final = 7_000
MONTH: Final = datetime(2026, 6, 1)  # noqa: DTZ001 - Parquet reports carry times without a zone
HOURS_A_BATCH: Final = 12


class Product(NamedTuple):
    """What one kind of line looks like."""

    code: str
    name: str
    family: str
    usage_type: str
    operation: str
    unit: str
    rate: float
    details: dict[str, str]


PRODUCTS: Final = (
    Product("AmazonEC2", "Amazon Elastic Compute Cloud", "Compute Instance", "BoxUsage:m5.large", "RunInstances", "Hrs",
            0.096, {"instance_type": "m5.large", "vcpu": "2", "memory": "8 GiB", "operating_system": "Linux",
                    "instance_family": "General purpose", "tenancy": "Shared", "pre_installed_sw": "NA"}),
    Product("AmazonEC2", "Amazon Elastic Compute Cloud", "Compute Instance", "BoxUsage:p4d.24xlarge", "RunInstances",
            "Hrs", 32.7726, {"instance_type": "p4d.24xlarge", "vcpu": "96", "memory": "1152 GiB", "gpu": "8",
                             "operating_system": "Linux", "instance_family": "GPU instance", "tenancy": "Shared"}),
    Product("AmazonEC2", "Amazon Elastic Compute Cloud", "Storage", "EBS:VolumeUsage.gp3", "CreateVolume-Gp3", "GB-Mo",
            0.08, {"volume_type": "General Purpose", "storage_media": "SSD-backed", "max_volume_size": "16 TiB"}),
    Product("AmazonS3", "Amazon Simple Storage Service", "Storage", "TimedStorage-ByteHrs", "StandardStorage", "GB-Mo",
            0.023, {"storage_class": "General Purpose", "durability": "99.999999999%", "volume_type": "Standard"}),
    Product("AmazonRDS", "Amazon Relational Database Service", "Database Instance", "InstanceUsage:db.r6g.large",
            "CreateDBInstance:0014", "Hrs", 0.2153, {"database_engine": "PostgreSQL", "vcpu": "2",
                                                     "instance_type": "db.r6g.large", "memory": "16 GiB"}),
    Product("AWSLambda", "AWS Lambda", "Serverless", "Lambda-GB-Second", "Invoke", "Lambda-GB-Second", 0.0000166667,
            {"group": "AWS-Lambda-Duration"}),
    Product("AmazonCloudWatch", "AmazonCloudWatch", "Metric", "CW:Requests", "GetMetricData", "Requests", 0.00001,
            {"group": "Metric"}),
    Product("AmazonVPC", "Amazon Virtual Private Cloud", "NAT Gateway", "NatGateway-Bytes", "NatGateway", "GB", 0.045,
            {"group": "NGW:NatGateway", "from_location": "EU (Ireland)"}),
)  # fmt: skip

PRODUCT_COLUMNS: Final = (
    "availability", "availability_zone", "capacitystatus", "classicnetworkingsupport", "clock_speed", "content_type",
    "current_generation", "database_edition", "database_engine", "dedicated_ebs_throughput", "deployment_option",
    "description", "durability", "ecu", "edition", "engine_code", "enhanced_networking_supported", "event_type",
    "from_location", "from_location_type", "from_region_code", "gpu", "gpu_memory", "group", "group_description",
    "instance_family", "instance_type", "instance_type_family", "intel_turbo_available", "license_model", "location",
    "location_type", "marketoption", "max_iops_burst_performance", "max_iopsvolume", "max_throughputvolume",
    "max_volume_size", "memory", "network_performance", "normalization_size_factor", "operating_system", "operation",
    "physical_processor", "pre_installed_sw", "processor_architecture", "processor_features", "product_family",
    "region", "region_code", "servicecode", "servicename", "sku", "storage", "storage_class", "storage_media",
    "tenancy", "to_location", "usagetype", "vcpu", "volume_type",
)  # fmt: skip
TAG_COLUMNS: Final = tuple(
    f"resource_tags_user_{key}"
    for key in ("app", "cost_center", "environment", "name", "owner", "project", "team", "version")
)
REGIONS: Final = ("eu-west-1", "us-east-1", "eu-central-1", "ap-southeast-2")
LINE_TYPES: Final = (
    "Usage", "Usage", "Usage", "Usage", "Usage", "Usage", "SavingsPlanCoveredUsage", "SavingsPlanNegation",
    "DiscountedUsage", "Usage",
)  # fmt: skip


def write_parquet(path: Path, rows: int, *, month: datetime = MONTH, row_group_rows: int = 250_000) -> None:
    """Write a legacy CUR of `rows` rows, hourly and in time order, as snappy Parquet."""
    schema = next(_batches(1, month)).schema
    frames = register_io_source(lambda *_: _batches(rows, month), schema=schema, validate_schema=True)
    frames.sink_parquet(path, compression="snappy", row_group_size=row_group_rows)


def write_csv_gz(path: Path, rows: int) -> None:
    """Write the same rows as legacy CUR text, gzipped."""
    with igzip.open(path, "wb", compresslevel=2) as file:  # type: ignore[no-untyped-call]
        for number, batch in enumerate(_batches(rows, MONTH)):
            text = batch.rename(_csv_name).with_columns(
                pl.col(pl.Datetime).dt.strftime("%Y-%m-%dT%H:%M:%SZ"), pl.col(pl.Float64).cast(pl.String)
            )
            file.write(text.write_csv(include_header=number == 0).encode())


def _batches(rows: int, month: datetime) -> Iterator[pl.DataFrame]:
    """Frames of at most HOURS_A_BATCH hours in time order, `rows` rows of a month together."""
    lines = _lines(month)
    left = rows
    for hour in range(0, 1 + rows // LINES_AN_HOUR, HOURS_A_BATCH):
        batch = _hours(lines, month + timedelta(hours=hour)).head(left)
        left -= batch.height
        if batch.height:
            yield batch


def _lines(month: datetime) -> pl.DataFrame:
    """The lines that come again every hour of a month, all that does not depend on time."""
    lines = [_line(number) | _period(month) for number in range(LINES_AN_HOUR)]
    return pl.DataFrame(lines, infer_schema_length=None).with_columns(pl.col(pl.Null).cast(pl.String))


def _line(number: int) -> dict[str, object]:
    product = PRODUCTS[number % len(PRODUCTS)]
    line_type = LINE_TYPES[number // len(PRODUCTS) % len(LINE_TYPES)]
    region = REGIONS[number // 16 % len(REGIONS)]
    sku = f"SKU{number % len(PRODUCTS):04d}{number // 16 % len(REGIONS):04d}"
    account = f"{100_000_000_000 + number % 25:012d}"
    return {
        "identity_line_item_id": f"{number * 2654435761 % 2**64:020x}",
        **_bill(),
        "line_item_usage_account_id": account,
        "line_item_line_item_type": line_type,
        "line_item_product_code": product.code,
        "line_item_usage_type": product.usage_type,
        "line_item_operation": product.operation,
        "line_item_availability_zone": f"{region}a" if product.unit == "Hrs" else None,
        "line_item_resource_id": _resource(product, number, region, account),
        "line_item_currency_code": "USD",
        "line_item_unblended_rate": f"{product.rate:.10f}",
        "line_item_line_item_description": f"${product.rate} per {product.unit} {product.usage_type} in {region}",
        "line_item_tax_type": None,
        "line_item_legal_entity": "Amazon Web Services, Inc.",
        **_product(product, region, sku),
        "pricing_rate_code": f"{sku}.JRTCKXETXF.6YS6EN2CT7",
        "pricing_rate_id": str(10_000 + number % len(PRODUCTS)),
        "pricing_currency": "USD",
        "pricing_public_on_demand_rate": f"{product.rate:.10f}",
        "pricing_term": "OnDemand" if line_type == "Usage" else "Reserved",
        "pricing_unit": product.unit,
        **_commitments(line_type, account),
        **{name: _tag(name, number) for name in TAG_COLUMNS},
        "rate": product.rate,
        "seed": number,
    }


def _bill() -> dict[str, object]:
    return {
        "bill_invoice_id": None,
        "bill_invoicing_entity": "Amazon Web Services, Inc.",
        "bill_billing_entity": "AWS",
        "bill_bill_type": "Anniversary",
        "bill_payer_account_id": "100000000000",
    }


def _period(month: datetime) -> dict[str, object]:
    following = (month + timedelta(days=31)).replace(day=1)
    return {"bill_billing_period_start_date": month, "bill_billing_period_end_date": following}


def _resource(product: Product, number: int, region: str, account: str) -> str | None:
    if product.code == "AmazonCloudWatch":
        return None
    if product.family == "Compute Instance":
        return f"i-{number:017x}"
    return (
        f"arn:aws:{product.code[6:].lower()}:{region}:{account}:{product.family.split()[0].lower()}/item-{number:08d}"
    )


def _product(product: Product, region: str, sku: str) -> dict[str, object]:
    known: dict[str, object] = {
        "location": region,
        "location_type": "AWS Region",
        "operation": product.operation,
        "product_family": product.family,
        "region": region,
        "region_code": region,
        "servicecode": product.code,
        "servicename": product.name,
        "sku": sku,
        "usagetype": product.usage_type,
        **product.details,
    }
    return {"product_product_name": product.name} | {f"product_{name}": known.get(name) for name in PRODUCT_COLUMNS}


def _commitments(line_type: str, account: str) -> dict[str, object]:
    planned = line_type.startswith("SavingsPlan")
    return {
        "reservation_reservation_a_r_n": f"arn:aws:ec2:eu-west-1:{account}:reserved-instances/r-1"
        if line_type == "DiscountedUsage"
        else None,
        "savings_plan_savings_plan_a_r_n": f"arn:aws:savingsplans::{account}:savingsplan/s-1" if planned else None,
        "savings_plan_offering_type": "ComputeSavingsPlans" if planned else None,
    }


def _tag(name: str, number: int) -> str | None:
    return None if number % 7 == 0 else f"{name.rsplit('_', 1)[1]}-{number % 40}"


def _hours(lines: pl.DataFrame, first: datetime) -> pl.DataFrame:
    """The lines of HOURS_A_BATCH hours with their times, amounts and costs."""
    starts = pl.DataFrame({"start": [first + timedelta(hours=hour) for hour in range(HOURS_A_BATCH)]})
    start, line_type = pl.col("start").cast(pl.Datetime("ms")), pl.col("line_item_line_item_type")
    spread = (pl.col("seed") * 7919 + start.dt.hour().cast(pl.Int64) * 104_729) % 1000
    amount = pl.when(pl.col("pricing_unit") == "Hrs").then(1.0).otherwise(spread / 1000)
    cost = (pl.col("rate") * amount).round(10)
    sign = pl.when(line_type == "SavingsPlanNegation").then(-1.0).when(line_type == "DiscountedUsage").then(0.0)
    saved = (cost * 0.62).round(10)
    return (
        starts.join(lines, how="cross")
        .with_columns(
            pl.col("bill_billing_period_start_date", "bill_billing_period_end_date").cast(pl.Datetime("ms")),
            pl.format("{}/{}", start.dt.strftime("%FT%TZ"), start.dt.offset_by("1h").dt.strftime("%FT%TZ")).alias(
                "identity_time_interval"
            ),
            start.alias("line_item_usage_start_date"),
            start.dt.offset_by("1h").alias("line_item_usage_end_date"),
            amount.alias("line_item_usage_amount"),
            (cost * sign.otherwise(1.0)).alias("line_item_unblended_cost"),
            (cost * sign.otherwise(1.0)).alias("line_item_blended_cost"),
            cost.alias("pricing_public_on_demand_cost"),
            pl.when(line_type == "DiscountedUsage").then(saved).alias("reservation_effective_cost"),
            *(pl.when(line_type == "RIFee").then(saved).alias(f"reservation_{name}") for name in _FEES),
            pl.when(line_type == "SavingsPlanCoveredUsage")
            .then(saved)
            .otherwise(0.0)
            .alias("savings_plan_savings_plan_effective_cost"),
            pl.lit(0.0).alias("savings_plan_total_commitment_to_date"),
            pl.lit(0.0).alias("savings_plan_used_commitment"),
        )
        .drop("start", "rate", "seed")
    )


_FEES: Final = ("unused_amortized_upfront_fee_for_billing_period", "unused_recurring_fee", "recurring_fee_for_usage")
_PREFIXES: Final = {
    "identity_": "identity/",
    "bill_": "bill/",
    "line_item_": "lineItem/",
    "product_": "product/",
    "pricing_": "pricing/",
    "reservation_": "reservation/",
    "savings_plan_": "savingsPlan/",
}


def _csv_name(name: str) -> str:
    """The text report's name of a column: line_item_usage_amount -> lineItem/UsageAmount."""
    if name.startswith("resource_tags_user_"):
        return "resourceTags/user:" + name.removeprefix("resource_tags_user_")
    prefix = next(prefix for prefix in _PREFIXES if name.startswith(prefix))
    words = name.removeprefix(prefix).split("_")
    text = "".join(word.capitalize() for word in words).replace("SavingsPlanARN", "SavingsPlanARN")
    lower_first = prefix in ("product_", "pricing_") and name not in (
        "product_product_name",
        "pricing_rate_code",
        "pricing_rate_id",
    )
    return _PREFIXES[prefix] + (text[0].lower() + text[1:] if lower_first else text)
