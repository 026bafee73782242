"""Inventories for tests: rows in the shape of collectors.resources, loaded as a delivery of them is."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import polars as pl
import pytest
from django.db import transaction

from apps.inventory import loader
from collectors.resources import RESOURCES

Snapshot = Callable[..., int]
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
MACHINE = {
    "provider": "AWS",
    "sub_account_id": "111122223333",
    "region_id": "eu-central-1",
    "kind": "machine",
    "resource_type": "EC2 instance",
    "size": "m5.large",
    "state": "running",
}
DELIVERIES = count(1)


def after(days: float) -> datetime:
    """So many days after the first of July, noon."""
    return NOON + timedelta(days=days)


def machine(resource_id: str, **columns: Any) -> dict[str, Any]:
    """A machine that differs from MACHINE in what is given."""
    return {**MACHINE, "resource_id": resource_id, "resource_name": resource_id, **columns}


def frame(*rows: Mapping[str, Any]) -> pl.DataFrame:
    """Rows of RESOURCES; objects and lists as JSON."""
    texts = [{name: _text(value) for name, value in row.items()} for row in rows]
    return pl.DataFrame(texts, schema=RESOURCES.schema)


def _text(value: Any) -> Any:
    return json.dumps(value, sort_keys=True, separators=(",", ":")) if isinstance(value, dict | list) else value


def load(
    *rows: Mapping[str, Any],
    at: datetime,
    source: str = "aws-inventory",
    delivery: int | None = None,
    is_whole: bool = True,
) -> int:
    """Load rows as one delivery that was received then."""
    with transaction.atomic():
        number = next(DELIVERIES) if delivery is None else delivery
        return loader.replace([frame(*rows)], source=source, delivery_id=number, at=at, is_whole=is_whole)


@pytest.fixture
def snapshot(db: None) -> Snapshot:
    """Loads a snapshot of one listing, `days` after the first of July."""

    def write(*rows: Mapping[str, Any], days: float = 0, **options: Any) -> int:
        return load(*(rows or [{"provider": "AWS", "listing": ""}]), at=after(days), **options)

    return write
