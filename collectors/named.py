"""Columns of a table under an adapter's own names: null where its header lacks them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import polars as pl

from collectors.charges import MONEY
from collectors.rows import amount_column
from collectors.values import clean_text


@dataclass(frozen=True, slots=True)
class Named:
    """Where texts and amounts of an adapter's names stand in one table."""

    texts: Mapping[str, int]
    amounts: Mapping[str, int]

    def text(self, name: str) -> pl.Expr:
        """A text of each row, as it stands in the file."""
        return pl.col(str(self.texts[name])) if name in self.texts else pl.lit(None, dtype=pl.String)

    def amount(self, name: str) -> pl.Expr:
        """A parsed amount of each row."""
        return pl.col(amount_column(name)) if name in self.amounts else pl.lit(None, dtype=MONEY)

    def read(self, groups: pl.DataFrame, names: Iterable[str], *kept: str) -> pl.DataFrame:
        """The texts of these names, cleaned, beside the columns to be kept as they are."""
        wanted = sorted({*names})
        return groups.select(
            *kept,
            *(clean_text(str(self.texts[name])).alias(name) for name in wanted if name in self.texts),
            *(pl.lit(None, dtype=pl.String).alias(name) for name in wanted if name not in self.texts),
        )
