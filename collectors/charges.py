"""The declared schema of charges: FOCUS Cost and Usage 1.4 as a superset of 1.0 to 1.3, in snake_case, for polars.

A charges frame is already *condensed*: rows of one charge key on one day, with the same unit prices and invoice, are
one row. `row_count` says how many rows of the file it stands for and `first_row` where the first of them is.
"""

from collections.abc import Iterable
from typing import Final

import polars as pl

MONEY: Final = pl.Decimal(38, 18)

TEXT_COLUMNS: Final = (
    "provider_name",
    "publisher_name",
    "invoice_issuer_name",
    "service_provider_name",
    "host_provider_name",
    "billing_account_id",
    "billing_account_name",
    "billing_account_type",
    "sub_account_id",
    "sub_account_name",
    "sub_account_type",
    "billing_currency",
    "pricing_currency",
    "charge_category",
    "charge_class",
    "charge_description",
    "charge_frequency",
    "pricing_category",
    "pricing_unit",
    "consumed_unit",
    "service_name",
    "service_category",
    "service_subcategory",
    "sku_id",
    "sku_price_id",
    "sku_meter",
    "region_id",
    "region_name",
    "availability_zone",
    "resource_id",
    "resource_name",
    "resource_type",
    "commitment_discount_id",
    "commitment_discount_name",
    "commitment_discount_category",
    "commitment_discount_type",
    "commitment_discount_status",
    "commitment_discount_unit",
    "capacity_reservation_id",
    "capacity_reservation_status",
    "allocated_method_id",
    "allocated_resource_id",
    "allocated_resource_name",
)
"""What describes a charge as text; null where the file says nothing."""

JSON_COLUMNS: Final = (
    "tags",
    "sku_price_details",
    "allocated_method_details",
    "allocated_tags",
    "contract_applied",
    "commitment_program_eligibility_details",
    "x_columns",
)
"""JSON objects as text, compact and with sorted keys, so that equal objects are equal texts; null where empty.

`x_columns` holds every column that FOCUS does not know, by its name in the file (`x_` ones and misnamed ones)."""

KEY_COLUMNS: Final = TEXT_COLUMNS + JSON_COLUMNS
"""A charge key is one distinct set of these."""

PRICE_COLUMNS: Final = (
    "list_unit_price",
    "contracted_unit_price",
    "pricing_currency_list_unit_price",
    "pricing_currency_contracted_unit_price",
)
"""Never summed: rows with different unit prices stay apart."""

MEASURE_COLUMNS: Final = (
    "billed_cost",
    "effective_cost",
    "list_cost",
    "contracted_cost",
    "pricing_quantity",
    "consumed_quantity",
    "commitment_discount_quantity",
    "pricing_currency_effective_cost",
)
"""Summed when rows are condensed. `billed_cost` and `effective_cost` are never null."""

SCHEMA: Final = pl.Schema(
    {
        **{name: pl.String() for name in KEY_COLUMNS},
        "billing_period_start": pl.Date(),
        "billing_period_end": pl.Date(),  # exclusive
        "bill_part": pl.String(),  # see TOTAL_KEYS; never null
        "day": pl.Date(),  # the UTC day on which the charge period starts
        "charge_period_start": pl.Datetime("us", "UTC"),  # only for a charge that reaches beyond `day`, else null
        "charge_period_end": pl.Datetime("us", "UTC"),  # exclusive; likewise
        "invoice_id": pl.String(),
        "invoice_detail_id": pl.String(),
        **dict.fromkeys(PRICE_COLUMNS, MONEY),
        **dict.fromkeys(MEASURE_COLUMNS, MONEY),
        "row_count": pl.Int64(),
        "first_row": pl.Int64(),  # 1 is the first data row of the file
    }
)
"""Every charges frame has these columns, in this order. `billing_account_id` and `billing_currency` are never null."""

GRAIN_COLUMNS: Final = tuple(
    name for name in SCHEMA if name not in MEASURE_COLUMNS and name not in ("row_count", "first_row")
)
"""Rows that agree in these, and in which of OPTIONAL_COSTS they know, are one condensed row."""

OPTIONAL_COSTS: Final = ("list_cost", "contracted_cost")
"""Costs that a bill may leave out. Rows that know one and rows that do not stay apart: unknown is not zero."""

IDENTITY_COLUMNS: Final = (
    "billing_account_id",
    "billing_currency",
    "invoice_id",
    "invoice_detail_id",
    "sub_account_id",
)
"""Blanks around these do not count, so that one account is not taken for two."""

TOTAL_KEYS: Final = (
    "billing_account_id",
    "billing_period_start",
    "billing_period_end",
    "billing_currency",
    "bill_part",
)
"""What a newer delivery replaces: a bill, or that part of one of which deliveries of its format speak (else "")."""

TOTALS_SCHEMA: Final = pl.Schema(
    {
        "billing_account_id": pl.String(),
        "billing_period_start": pl.Date(),
        "billing_period_end": pl.Date(),
        "billing_currency": pl.String(),
        "bill_part": pl.String(),
        "row_count": pl.Int64(),
        "billed_cost": MONEY,
        "effective_cost": MONEY,
    }
)
"""What the accepted rows of a file add up to, summed row by row before anything is condensed."""

REJECTED_SCHEMA: Final = pl.Schema(
    {
        "row": pl.Int64(),
        "column": pl.String(),
        "reason": pl.String(),
        "content": pl.String(),  # the row as JSON text, column names as in the file
        "billed_cost": MONEY,  # null where it cannot be read
        "effective_cost": MONEY,
    }
)
"""Rows that were not accepted; the first fault of each row."""


def add_up(rows: pl.DataFrame, grain: Iterable[str], *others: pl.Expr) -> pl.DataFrame:
    """Sum MEASURE_COLUMNS of rows that agree in `grain` and in which OPTIONAL_COSTS they know; `others` beside them.

    A measure that is null in every row stays null.
    """
    known = [pl.col(name).is_not_null().name.suffix(" is known") for name in OPTIONAL_COSTS]
    sums = rows.group_by(*grain, *known).agg(*_measure_sums(), *others)
    return sums.drop(f"{name} is known" for name in OPTIONAL_COSTS)


def _measure_sums() -> list[pl.Expr]:
    return [pl.when(pl.col(name).is_not_null().any()).then(pl.col(name).sum()).alias(name) for name in MEASURE_COLUMNS]


def condense(charges: pl.DataFrame) -> pl.DataFrame:
    """Sum rows of one grain (see GRAIN_COLUMNS); input and output have SCHEMA, measure sums are equal exactly."""
    counts = (pl.col("row_count").sum(), pl.col("first_row").min())
    return add_up(charges, GRAIN_COLUMNS, *counts).select(SCHEMA.names())
