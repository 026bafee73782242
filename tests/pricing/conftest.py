"""Price lists for tests: rows in the shape of collectors.prices, loaded as a delivery of them is."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from django.db import transaction

from apps.pricing import loader
from collectors.prices import PRICES

Load = Callable[..., int]
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
MACHINE = {
    "provider": "AWS",
    "service_name": "Amazon Elastic Compute Cloud",
    "sku_id": "M5",
    "size": "m5.large",
    "region_id": "eu-central-1",
    "operating_system": "Linux",
    "pricing_category": "Standard",
    "list_unit_price": "0.115",
    "pricing_unit": "Hours",
    "pricing_currency": "USD",
    "listing": "ec2/eu-central-1",
}


def frame(*rows: Mapping[str, Any]) -> pl.DataFrame:
    """Rows of PRICES; amounts are text."""
    texts = {name: pl.String() if isinstance(kind, pl.Decimal) else kind for name, kind in PRICES.schema.items()}
    return pl.DataFrame([dict(row) for row in rows], schema=texts).cast(dict(PRICES.schema))


@pytest.fixture
def listed(db: None) -> Load:
    """Loads a list, `days` after the first of July: machines that differ from MACHINE in what is given."""

    def load(*rows: Mapping[str, Any], days: float = 0, source: str = "aws-prices", delivery: int = 1) -> int:
        machines = [{**MACHINE, **row} for row in rows]
        with transaction.atomic():
            return loader.replace(
                [frame(*machines)], source=source, delivery_id=delivery, at=NOON + timedelta(days=days)
            )

    return load
