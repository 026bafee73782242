"""Charges on disk between reading and loading: numbers keys and statements, merges days, in bounded memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl

from collectors.charges import KEY_COLUMNS, MEASURE_COLUMNS, PRICE_COLUMNS, SCHEMA, TOTALS_SCHEMA, add_up

ROWS_A_PART = 400_000
STATEMENT_KEYS = ["billing_account_id", "billing_period_start", "billing_currency", "bill_part"]
FACT_GRAIN = [
    "day",
    "charge_period_start",
    "charge_period_end",
    "invoice_id",
    "invoice_detail_id",
    *PRICE_COLUMNS,
]
FACT_COLUMNS = [*FACT_GRAIN, *MEASURE_COLUMNS, "row_count", "first_row"]
HASH_SEEDS = (11, 23)  # two independent 64-bit hashes: within one import 128 bits tell charge keys apart


@dataclass(frozen=True, slots=True)
class SpooledStatement:
    """What the accepted rows of one (billing account, period, currency, part) add up to in the files."""

    billing_account_id: str
    billing_period_start: date
    billing_period_end: date
    billing_currency: str
    bill_part: str
    row_count: int
    billed_cost: Decimal
    effective_cost: Decimal


def key_text(columns: Sequence[str]) -> pl.Expr:
    """One text for the texts of `columns`: different ones never become the same, whatever characters they hold."""
    lengths = pl.concat_str(
        [pl.col(name).str.len_bytes().cast(pl.Int64).fill_null(-1) for name in columns], separator=","
    )
    return pl.concat_str([lengths, pl.lit(" "), *(pl.col(name).fill_null("") for name in columns)])


class Spool:
    """Takes condensed charges batch by batch; gives keys once each and facts merged across batches.

    Memory holds the hashes of the keys and one part of the facts at a time, never the whole file.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.fact_rows = 0
        self.key_count = 0
        self.new_keys = 0  # of which nobody knew before; counted when they are loaded
        self.months: set[date] = set()
        self._batches = 0
        self._known = pl.DataFrame(schema={"h0": pl.UInt64, "h1": pl.UInt64, "key_no": pl.Int64})
        self._totals = pl.DataFrame(schema=TOTALS_SCHEMA)

    def add(self, charges: pl.DataFrame, totals: pl.DataFrame, *, rows_before: int) -> None:
        """Keep one batch of SCHEMA and TOTALS_SCHEMA; `rows_before`: rows of the delivery's earlier files."""
        self._totals = _add_up(pl.concat([self._totals, totals]))
        if charges.is_empty():
            return
        numbered = self._number_keys(charges.select(SCHEMA.names()))
        facts = numbered.with_columns(pl.col("first_row") + rows_before).select(
            *STATEMENT_KEYS, "key_no", *FACT_COLUMNS
        )
        facts.write_ipc(self.folder / f"facts-{self._batches:05}.arrow", compression="lz4")
        self.months.update(facts["day"].dt.truncate("1mo").unique().to_list())
        self.fact_rows += facts.height
        self._batches += 1

    def _number_keys(self, charges: pl.DataFrame) -> pl.DataFrame:
        """Add `key_no`: the same number for the same charge key in every batch; new keys go to disk."""
        hashes = [key_text(KEY_COLUMNS).hash(seed).alias(f"h{place}") for place, seed in enumerate(HASH_SEEDS)]
        charges = charges.with_columns(hashes)
        new = charges.unique(["h0", "h1"], keep="first", maintain_order=True)
        new = new.join(self._known, on=["h0", "h1"], how="anti", maintain_order="left")
        new = new.with_columns(key_no=pl.int_range(pl.len(), dtype=pl.Int64) + self.key_count)
        new.select("key_no", *KEY_COLUMNS).write_ipc(self.folder / f"keys-{self._batches:05}.arrow", compression="lz4")
        self._known = pl.concat([self._known, new.select("h0", "h1", "key_no")])
        self.key_count += new.height
        return charges.join(self._known, on=["h0", "h1"], how="left")

    def statements(self) -> list[SpooledStatement]:
        """The statements of the delivery, in a fixed order, so that two imports lock in the same order."""
        return [SpooledStatement(**row) for row in self._totals.sort(STATEMENT_KEYS).iter_rows(named=True)]

    def keys(self) -> Iterator[pl.DataFrame]:
        """Frames of `key_no` and KEY_COLUMNS; every charge key once."""
        for path in sorted(self.folder.glob("keys-*.arrow")):
            yield pl.read_ipc(path)

    def facts(self, *, key_ids: pl.DataFrame, statement_ids: pl.DataFrame) -> Iterator[pl.DataFrame]:
        """Merged facts, part by part, sorted by key and day, with `statement_id` and `key_id` first.

        `key_ids`: key_no, key_id. `statement_ids`: STATEMENT_KEYS, statement_id.
        """
        parts = -(-self.fact_rows // ROWS_A_PART)
        grain = ["statement_id", "key_id", *FACT_GRAIN]
        for part in range(parts):
            yield (
                self._part(part, parts)
                .join(statement_ids, on=STATEMENT_KEYS, how="left")
                .join(key_ids, on="key_no", how="left")
                .pipe(add_up, grain, pl.col("row_count").sum(), pl.col("first_row").min())
                .sort("key_id", "day")
            )

    def _part(self, part: int, parts: int) -> pl.DataFrame:
        mine = pl.col("key_no") % parts == part
        frames = (pl.read_ipc(path).filter(mine) for path in sorted(self.folder.glob("facts-*.arrow")))
        return pl.concat(frames)


def _add_up(totals: pl.DataFrame) -> pl.DataFrame:
    return (
        totals.group_by(STATEMENT_KEYS)
        .agg(pl.col("billing_period_end").max(), pl.col("row_count", "billed_cost", "effective_cost").sum())
        .select(TOTALS_SCHEMA.names())
    )
