"""Charges for tests, loaded the way that files are."""

import json
import tempfile
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import polars as pl
from django.db import transaction

from apps.costs import loader
from apps.costs.spool import Spool
from collectors.charges import JSON_COLUMNS, MONEY, SCHEMA, TOTAL_KEYS, TOTALS_SCHEMA, condense

DELIVERY_IDS = count(1)


def charge(day: date, amount: str | Decimal, **columns: Any) -> dict[str, Any]:
    """One row of a charges frame: `amount` is each of the four costs for which `columns` say nothing else."""
    first = day.replace(day=1)
    costs = dict.fromkeys(("billed_cost", "effective_cost", "list_cost", "contracted_cost"), Decimal(amount))
    row = {
        "billing_account_id": "111",
        "billing_currency": "USD",
        "service_name": "Compute",
        "charge_category": "Usage",
        "billing_period_start": first,
        "billing_period_end": date(first.year + first.month // 12, first.month % 12 + 1, 1),
        "bill_part": "",
        "day": day,
        "row_count": 1,
        **costs,
        **columns,
    }
    return {name: json.dumps(value, sort_keys=True) if _is_json(name, value) else value for name, value in row.items()}


def load_charges(rows: Iterable[Mapping[str, Any]], *, source: str = "files", batch_rows: int = 1000) -> loader.Loaded:
    """Load the rows as one delivery, in batches of `batch_rows`."""
    with tempfile.TemporaryDirectory() as folder:
        spool = spool_of(rows, Path(folder), batch_rows=batch_rows)
        key_ids = loader.prepare(spool)
        with transaction.atomic():
            return loader.replace(spool, key_ids, source=source, delivery_id=next(DELIVERY_IDS))


def spool_of(rows: Iterable[Mapping[str, Any]], folder: Path, *, batch_rows: int = 1000) -> Spool:
    """The rows as they wait to be loaded."""
    frame = pl.DataFrame(
        [{"first_row": place, **row} for place, row in enumerate(rows, start=1)], schema=SCHEMA, orient="row"
    )
    spool = Spool(folder)
    for batch in frame.iter_slices(batch_rows):
        spool.add(condense(batch), _totals(batch), rows_before=0)
    return spool


def _totals(rows: pl.DataFrame) -> pl.DataFrame:
    sums = pl.col("row_count", "billed_cost", "effective_cost").sum()
    return rows.group_by(TOTAL_KEYS).agg(sums).select(TOTALS_SCHEMA.names()).cast({"billed_cost": MONEY})


def _is_json(name: str, value: object) -> bool:
    return name in JSON_COLUMNS and value is not None and not isinstance(value, str)
