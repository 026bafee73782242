"""The usage cost export of Cloud Billing (standard and detailed) as charges.

Not kept: export times, which differ with every delivery, costs in US dollars and conversion rates.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Final

import polars as pl

from collectors.charges import MONEY
from collectors.gcp.columns import find_columns, present
from collectors.gcp.credits import split_off, total
from collectors.gcp.describe import charge_category, descriptions, read_machine, with_credits
from collectors.named import Named
from collectors.rows import Layout, amount_column
from collectors.values import as_text, canonical_json, dump_json, load_object, read_known

GCP: Final = "Google Cloud billing export"
KEYS: Final = {"billing_account_id": "billing_account_id", "billing_currency": "currency", "invoice_id": "invoice.id"}
PERIODS: Final = {
    "billing_period_start": "invoice.month",
    "billing_period_end": "invoice.month",
    "charge_period_start": "usage_start_time",
    "charge_period_end": "usage_end_time",
}
AMOUNTS: Final = {
    "cost": "cost",
    "credits": "credits",
    "cost_at_list": "cost_at_list",
    "usage_amount": "usage.amount",
    "pricing_quantity": "usage.amount_in_pricing_units",
}
PRICES: Final = {"list_unit_price": "price.list_price", "contracted_unit_price": "price.effective_price"}
TEXTS: Final = (
    "cost_type", "credits", "labels", "location.location", "location.region", "location.zone", "project.id",
    "project.labels", "project.name", "resource.global_name", "resource.name", "seller_name", "service.description",
    "sku.description", "sku.id", "system_labels", "tags", "usage.pricing_unit", "usage.unit",
)  # fmt: skip
TAGS: Final = ("project.labels", "tags", "system_labels", "labels")
"""Where keys and values come from; of equal keys, the later one counts: what is nearer to the resource."""

EXTRAS: Final = {
    "adjustment_info.description": "x_adjustment_description",
    "adjustment_info.id": "x_adjustment_id",
    "adjustment_info.mode": "x_adjustment_mode",
    "adjustment_info.type": "x_adjustment_type",
    "consumption_model.description": "x_consumption_model",
    "cost_type": "x_cost_type",
    "credits": "x_credits",
    "location.country": "x_country",
    "price.pricing_unit_quantity": "x_pricing_unit_quantity",
    "price.tier_start_amount": "x_tier_start_amount",
    "project.number": "x_project_number",
    "service.id": "x_service_id",
    "subscription.instance_id": "x_subscription_id",
    "transaction_type": "x_transaction_type",
}
"""Kept under x_columns; the credits without their amounts."""


class GcpCosts:
    """Reads the rows of one Cloud Billing export."""

    def __init__(self, header: Sequence[str]) -> None:
        found = find_columns(header)
        texts, amounts = present({name: name for name in (*TEXTS, *EXTRAS)}, found), present(AMOUNTS, found)
        self._named = Named(texts, amounts)
        self.layout = Layout(
            header=tuple(header),
            keys=present(KEYS, found),
            periods=present(PERIODS, found),
            amounts=amounts,
            needed_amounts=("cost",),
            prices=present(PRICES, found),
            descriptive=sorted({*texts.values()}),
            nulls=(),
            readings={
                "billing_period_start": partial(_month, months_on=0),
                "billing_period_end": partial(_month, months_on=1),
                amount_column("credits"): total,
            },
            part=pl.col("charge_period_start").dt.strftime("%Y-%m"),
            split=partial(split_off, column=str(texts["credits"])),
        )

    def matters(self, amount: str) -> pl.Expr:
        """Costs and credits are what is billed; quantities and prices only explain them."""
        return pl.lit(amount in ("cost", "credits"))

    def measures(self) -> Mapping[str, pl.Expr]:
        """FOCUS's measures of a row with all its credits; the export spreads no purchases, so effective is billed."""
        category = charge_category(self._named.text("cost_type"), self._named.text("sku.description"))
        cost, at_list = self._named.amount("cost"), self._named.amount("cost_at_list")
        net = cost + self._named.amount("credits")
        return {
            "billed_cost": net,
            "effective_cost": net,
            "list_cost": pl.when((at_list != 0) | (cost == 0)).then(at_list),
            "contracted_cost": cost,
            "pricing_quantity": pl.when(category.is_in(["Usage", "Purchase"])).then(
                self._named.amount("pricing_quantity")
            ),
            "consumed_quantity": pl.when(category == "Usage").then(self._named.amount("usage_amount")),
            "commitment_discount_quantity": pl.lit(None, dtype=MONEY),
            "pricing_currency_effective_cost": pl.lit(None, dtype=MONEY),
        }

    def describe(self, groups: pl.DataFrame) -> pl.DataFrame:
        """FOCUS's descriptive columns by the mapping in docs/importing.md."""
        read = with_credits(self._named.read(groups, (*TEXTS, *EXTRAS)))
        objects = (
            _packed(read, {name: name for name in TAGS}, _read_tags).alias("tags"),
            canonical_json(read["system_labels"], read_machine).alias("sku_price_details"),
            _packed(read, EXTRAS, read_known).alias("x_columns"),
        )
        return read.select(**descriptions()).with_columns(*objects)


def _month(values: pl.Series, *, months_on: int) -> pl.Series:
    """202606 -> 2026-06-01, or the first day of a month after it; what is no month stays, to be complained about."""
    return canonical_json(as_text(values), partial(_first_day, months_on=months_on))


def _first_day(text: str, *, months_on: int) -> str:
    word = text.strip()
    if not (len(word) == len("202606") and word.isascii() and word.isdigit() and 1 <= int(word[4:]) <= 12):
        return text
    months = int(word[:4]) * 12 + int(word[4:]) - 1 + months_on
    return date(months // 12, months % 12 + 1, 1).isoformat() if months >= 12 else text


def _packed(read: pl.DataFrame, columns: Mapping[str, str], judge: Callable[[str], str | None]) -> pl.Series:
    """Several columns as one canonical JSON object, each distinct set judged once."""
    fields = [pl.col(name).alias(kept) for name, kept in columns.items()]
    return canonical_json(read.select(pl.struct(fields).struct.json_encode()).to_series(), judge)


def _read_tags(text: str) -> str | None:
    """Labels and tags as one object; a resource has those of its project, unless it has its own of the same key."""
    columns = load_object(text)
    tags: dict[str, object] = {}
    for name in TAGS:
        entries = load_object(str(columns[name])) if columns.get(name) else {}
        tags |= {key: True if value in (None, "") else value for key, value in entries.items() if key}
    return dump_json(tags)
