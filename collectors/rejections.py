"""Rows that are not accepted: each with its first fault, where it stands and what it says."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from collectors.charges import REJECTED_SCHEMA
from collectors.tables import ROW, LongRow, RawBatch
from collectors.values import as_text, without_nul


@dataclass(frozen=True, slots=True)
class Fault:
    """Rows that may not be loaded: where `reasons`, one a row of the batch, is not null."""

    position: int  # of the column in the header
    reasons: pl.Series


def reject(batch: RawBatch, header: Sequence[str], costs: pl.DataFrame, faults: Sequence[Fault]) -> pl.DataFrame:
    """The rows with a fault, each with its first one, in the order of the file; REJECTED_SCHEMA.

    `costs` says per row of the batch (ROW) what its `billed_cost` and `effective_cost` are.
    """
    found = [_faulty(costs, header, fault) for fault in faults]
    if not found:
        return _too_long(batch.long_rows, len(header))
    reasons = pl.concat(found).unique(ROW, keep="first", maintain_order=True)
    whole = batch.whole().filter(pl.col(ROW).is_in(reasons[ROW].implode()))
    content = _content(whole, header)
    known = costs.select(ROW, "billed_cost", "effective_cost")
    rejected = reasons.join(content, on=ROW).join(known, on=ROW).rename({ROW: "row"}).select(REJECTED_SCHEMA.names())
    return pl.concat([rejected, _too_long(batch.long_rows, len(header))]).sort("row")


def _faulty(rows: pl.DataFrame, header: Sequence[str], fault: Fault) -> pl.DataFrame:
    named = rows.select(ROW, pl.lit(header[fault.position]).alias("column"), fault.reasons.alias("reason"))
    return named.filter(pl.col("reason").is_not_null())


def _content(whole: pl.DataFrame, header: Sequence[str]) -> pl.DataFrame:
    """Each row as JSON text under the names of the file; names that come twice get their position."""
    names = [name if header.index(name) == at else f"{name} #{at + 1}" for at, name in enumerate(header)]
    texts = whole.select(ROW, *(as_text(whole[str(at)]).alias(str(at)) for at in range(len(names))))
    fields = [without_nul(pl.col(str(at))).alias(name) for at, name in enumerate(names)]
    return texts.select(ROW, pl.struct(fields).struct.json_encode().alias("content"))


def _too_long(long_rows: Sequence[LongRow], width: int) -> pl.DataFrame:
    return pl.DataFrame(
        [
            (
                long.row,
                "",
                f"has {len(long.fields)} fields, but the header names {width}",
                json.dumps([*long.fields], ensure_ascii=False),
                None,
                None,
            )
            for long in long_rows
        ],
        schema=REJECTED_SCHEMA,
        orient="row",
    )
