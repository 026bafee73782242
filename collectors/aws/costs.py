"""The Cost and Usage Report (legacy csv and Parquet, CUR 2.0) as charges.

Not kept: identity columns, blended and net amounts, discounts that are already in the unblended cost, and product
attributes that neither name, place nor price a charge.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import polars as pl

from collectors.aws.columns import (
    AMOUNTS,
    DESCRIPTIVE,
    EXTRAS,
    KEYS,
    PERIODS,
    PRICES,
    category_key,
    extra_name,
    find_columns,
    find_tags,
    present,
    tag_key,
)
from collectors.aws.describe import descriptions
from collectors.aws.details import ATTRIBUTES, read_details, read_product_name
from collectors.aws.line_items import decides, has_quantity, measures
from collectors.charges import MONEY
from collectors.rows import Layout, amount_column
from collectors.values import canonical_json, clean_text, dump_json, load_object, read_known

CUR_LEGACY: Final = "AWS CUR"
CUR_2: Final = "AWS CUR 2.0"


class CurCosts:
    """Reads the rows of one Cost and Usage Report table."""

    def __init__(self, header: Sequence[str]) -> None:
        found = find_columns(header)
        self._described = present({name: name for name in DESCRIPTIVE}, found)
        self._tags = find_tags(header)
        self._line = pl.col(str(self._described["line_item_line_item_type"]))
        self.layout = Layout(
            header=tuple(header),
            keys=present(KEYS, found),
            periods=present(PERIODS, found),
            amounts=present({name: name for name in AMOUNTS}, found),
            needed_amounts=("line_item_unblended_cost",),
            prices=present(PRICES, found),
            descriptive=sorted({*self._described.values(), *self._tags.values()}),
            nulls=(),
        )

    def matters(self, amount: str) -> pl.Expr:
        """An amount matters where it decides what a row costs; quantities and prices only explain."""
        return pl.lit(value=True) if amount == "line_item_unblended_cost" else decides(amount, self._line)

    def measures(self) -> Mapping[str, pl.Expr]:
        """FOCUS's measures of a row, by its line item type."""
        reservation = self._described.get("reservation_reservation_a_r_n")
        return measures(
            line=self._line,
            reservation=pl.lit("") if reservation is None else pl.col(str(reservation)),
            amount=self._amount,
        )

    def describe(self, groups: pl.DataFrame) -> pl.DataFrame:
        """FOCUS's descriptive columns by AWS's mapping."""
        read = self._read(groups)
        names = canonical_json(read["product"], read_product_name).alias("product_map_name")
        objects = (self._pack_tags(read), _pack_details(read), _pack_extras(read))
        return read.with_columns(names).select(**descriptions()).with_columns(*objects).hstack(self._prices(groups))

    def _prices(self, groups: pl.DataFrame) -> pl.DataFrame:
        """Prices where a quantity stands beside them; usage of a reservation is contracted at list price, not at 0."""
        on_demand = pl.col("list_unit_price") if "list_unit_price" in self.layout.prices else None
        reserved = pl.when(self._line == "DiscountedUsage").then(on_demand)
        return groups.select(
            pl.when(has_quantity(self._line)).then(reserved.otherwise(pl.col(name))).alias(name)
            for name in self.layout.prices
        )

    def _amount(self, name: str) -> pl.Expr:
        known = name in self.layout.amounts
        return pl.col(amount_column(name)) if known else pl.lit(None, dtype=MONEY)

    def _read(self, groups: pl.DataFrame) -> pl.DataFrame:
        """Every descriptive column by its CUR 2.0 name, null where the header lacks it."""
        missing = [name for name in DESCRIPTIVE if name not in self._described]
        return groups.select(
            "billing_currency",
            *(clean_text(str(position)).alias(name) for name, position in self._described.items()),
            *(clean_text(str(position)).alias(_tag(key)) for key, position in self._tags.items()),
            *(pl.lit(None, dtype=pl.String).alias(name) for name in missing),
        )

    def _pack_tags(self, read: pl.DataFrame) -> pl.Series:
        """Tags and cost categories from flat columns and maps, under the keys that people gave."""
        flat = {key: pl.col(_tag(key)) for key in self._tags}
        maps = {f"map {name}": pl.col(name) for name in ("tags", "resource_tags", "cost_category")}
        return _packed(read, {**maps, **flat}, _read_tags).alias("tags")


def _tag(key: str) -> str:
    return f"tag {key}"


def _pack_details(read: pl.DataFrame) -> pl.Series:
    columns = {"product": pl.col("product"), **{name: pl.col(f"product_{name}") for name in ATTRIBUTES}}
    return _packed(read, columns, read_details).alias("sku_price_details")


def _pack_extras(read: pl.DataFrame) -> pl.Series:
    return _packed(read, {extra_name(name): pl.col(name) for name in EXTRAS}, read_known).alias("x_columns")


def _packed(read: pl.DataFrame, columns: Mapping[str, pl.Expr], judge: Callable[[str], str | None]) -> pl.Series:
    """Several columns as one canonical JSON object, each distinct set judged once."""
    texts = read.select(pl.struct(value.alias(name) for name, value in columns.items()).struct.json_encode())
    return canonical_json(texts.to_series(), judge)


def _read_tags(text: str) -> str | None:
    """Flat tags and the maps of CUR 2.0 as one object; a key without a value has no tag on this charge.

    A tag without a key is left out, as `read_tags` does.
    """
    columns = load_object(text)
    tags: dict[str, object] = {}
    for name, key_of in (("map cost_category", category_key), ("map tags", tag_key), ("map resource_tags", tag_key)):
        if text_of_map := columns.pop(name):
            entries = load_object(str(text_of_map))
            tags |= {key_of(key): True if value in (None, "") else value for key, value in entries.items() if key}
    return dump_json(tags | {key: value for key, value in columns.items() if value is not None})
