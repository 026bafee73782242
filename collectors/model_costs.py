"""Costs of language models as charges: one shape for every vendor's cost API, with the tokens of its usage API."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import polars as pl

from collectors.answers import COSTS, Bucket, CostApi, Page, Result
from collectors.charges import MONEY
from collectors.rows import Layout, amount_column
from collectors.tables import ROW, RawBatch
from collectors.tokens import TOKENS, Spent, Used, count_tokens
from collectors.values import canonical_json, clean_text, identity_text, read_known

COLUMNS: Final = (
    "starts",
    "ends",
    "account",
    "account_name",
    "sub_account",
    "sub_account_name",
    "amount",
    "currency",
    "description",
    "sku",
    "token_type",
    "model",
    "quantity",
    "unit",
    "others",  # JSON of what the vendor says besides
)
"""A line of an answer in every vendor's words made one; texts, or null where it says nothing."""

_POSITIONS: Final = {name: position for position, name in enumerate(COLUMNS)}
_DESCRIPTIVE: Final = ("account_name", "sub_account", "sub_account_name", "description", "sku", "token_type", "model")


def cost_tables(pages: Sequence[Page], answers: Mapping[str, int], api: CostApi) -> list["ModelCostTable"]:
    """The costs that pages state as a table for each of `answers`, which are named and have a size."""
    costs = [(page, bucket, result) for page, bucket, result in _results(pages) if page.kind == COSTS]
    lines = [(page.name, _line(bucket, api.cost(result))) for page, bucket, result in costs]
    spent = [
        Spent(bucket.start.date(), api.by(result), line["token_type"])
        for (_, bucket, result), (_, line) in zip(costs, lines, strict=True)
    ]
    used = [
        Used(bucket.start.date(), api.by(result), api.tokens(result))
        for page, bucket, result in _results(pages)
        if page.kind != COSTS
    ]
    for (_, line), tokens in zip(lines, count_tokens(spent, used, api.dimensions), strict=True):
        if line["quantity"] is None and tokens is not None:
            line |= {"quantity": str(tokens), "unit": TOKENS}
    return [
        ModelCostTable(name, [line for place, line in lines if place == name], size) for name, size in answers.items()
    ]


def _results(pages: Iterable[Page]) -> Iterator[tuple[Page, Bucket, Result]]:
    for page in pages:
        for bucket in page.buckets:
            for result in bucket.results:
                yield page, bucket, result


def _line(bucket: Bucket, cost: Mapping[str, str | None]) -> dict[str, str | None]:
    return {**cost, "starts": bucket.start.isoformat(), "ends": bucket.end.isoformat()}


class ModelCostTable:
    """The lines of one answer as a table with COLUMNS."""

    header = COLUMNS

    def __init__(self, name: str, lines: Sequence[Mapping[str, str | None]], size: int) -> None:
        self.name = name
        self._size = size
        columns = {str(at): [line.get(column) for line in lines] for column, at in _POSITIONS.items()}
        numbers = {ROW: range(1, len(lines) + 1)}
        schema = {**dict.fromkeys(columns, pl.String()), ROW: pl.Int64()}
        self._frame = pl.DataFrame({**columns, **numbers}, schema=schema)

    def first_row(self) -> tuple[str, ...]:
        """The first line."""
        return tuple(value or "" for value in self._frame.drop(ROW).head(1).row(0)) if self._frame.height else ()

    def batches(self, wanted: Sequence[int], rows: int) -> Iterator[RawBatch]:
        """Everything is in memory already."""
        for part in self._frame.iter_slices(rows):
            kept = part.select(ROW, *(str(position) for position in wanted))
            yield RawBatch(kept, lambda: self._frame, (), self._size)


class ModelCosts:
    """Reads the lines of an answer; each day of an account is a part of its month, replaced by itself."""

    def __init__(self, provider: str, sub_account_type: str) -> None:
        self._provider, self._sub_account_type = provider, sub_account_type
        self.layout = Layout(
            header=COLUMNS,
            keys={"billing_account_id": _POSITIONS["account"], "billing_currency": _POSITIONS["currency"]},
            periods={"charge_period_start": _POSITIONS["starts"], "charge_period_end": _POSITIONS["ends"]},
            amounts={"amount": _POSITIONS["amount"], "quantity": _POSITIONS["quantity"]},
            needed_amounts=("amount",),
            prices={},
            descriptive=[_POSITIONS[name] for name in (*_DESCRIPTIVE, "unit", "others")],
            nulls=(),
            part=pl.col("charge_period_start").dt.strftime("%Y-%m-%d"),
        )

    def matters(self, amount: str) -> pl.Expr:
        """A quantity only explains."""
        return pl.lit(value=amount == "amount")

    def measures(self) -> Mapping[str, pl.Expr]:
        """The vendor says what it charges, and no price."""
        amount, nothing = pl.col(amount_column("amount")), pl.lit(None, dtype=MONEY)
        return {
            "billed_cost": amount,
            "effective_cost": amount,
            "list_cost": nothing,
            "contracted_cost": nothing,
            "pricing_quantity": nothing,
            "consumed_quantity": pl.col(amount_column("quantity")),
            "commitment_discount_quantity": nothing,
            "pricing_currency_effective_cost": nothing,
        }

    def describe(self, groups: pl.DataFrame) -> pl.DataFrame:
        """FOCUS's descriptive columns."""
        read = groups.select(clean_text(str(_POSITIONS[name])).alias(name) for name in (*_DESCRIPTIVE, "unit"))
        others = canonical_json(groups[str(_POSITIONS["others"])], read_known).alias("x_columns")
        return read.select(**self._parties(), **self._charge()).with_columns(others)

    def _parties(self) -> Mapping[str, pl.Expr]:
        in_project = pl.col("sub_account").is_not_null()
        return {
            "provider_name": pl.lit(self._provider),
            "publisher_name": pl.lit(self._provider),
            "invoice_issuer_name": pl.lit(self._provider),
            "billing_account_name": pl.col("account_name"),
            "billing_account_type": pl.lit("Organization"),
            "sub_account_id": identity_text("sub_account"),
            "sub_account_name": pl.when(in_project).then(pl.col("sub_account_name")),
            "sub_account_type": pl.when(in_project).then(pl.lit(self._sub_account_type)),
        }

    def _charge(self) -> Mapping[str, pl.Expr]:
        return {
            "charge_category": pl.lit("Usage"),
            "charge_frequency": pl.lit("Usage-Based"),
            "charge_description": pl.col("description"),
            "consumed_unit": pl.col("unit"),
            "service_name": pl.lit(f"{self._provider} API"),
            "service_category": pl.lit("AI and Machine Learning"),
            "service_subcategory": pl.lit("Generative AI"),
            "sku_id": pl.col("sku"),
            "sku_meter": pl.col("token_type"),
            "resource_id": pl.col("model"),
            "resource_type": pl.when(pl.col("model").is_not_null()).then(pl.lit("Model")),
        }
