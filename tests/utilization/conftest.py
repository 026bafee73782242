"""Hours of devices for tests: rows in the shape of the record sets, loaded as a delivery of them is."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import polars as pl
import pytest
from django.db import transaction

from apps.utilization import loader, tenancy_loader
from collectors.records import RecordSet
from collectors.tenancy import TENANCY
from collectors.utilization import UTILIZATION
from tests.costs.conftest import api  # noqa: F401 - a fixture of these tests too

DAY = datetime(2026, 6, 1, tzinfo=UTC)
AT = DAY + timedelta(days=2)
DELIVERIES = count(1)
CARD = "GPU-1"
GPU_HOUR = {
    "provider": "AWS",
    "cluster": "c",
    "node": "n1",
    "resource_id": "i-1",
    "device": CARD,
    "device_model": "A100",
    "metric": "gpu",
    "signal": "DCGM_FI_PROF_SM_ACTIVE",
    "hour": DAY,
    "minutes": 60.0,
    "average": 0.5,
}
HELD = {
    "cluster": "c",
    "node": "n1",
    "device": CARD,
    "hour": DAY,
    "namespace": "ml",
    "workload": "train",
    "pod": "train-0",
    "container": "main",
    "minutes": 60.0,
    "share": Decimal(1),
}

Load = Callable[..., int]


def hour(at: int = 0, **told: Any) -> dict[str, Any]:
    """A row of UTILIZATION, `at` so many hours after DAY; p95 and maximum are the average unless told otherwise."""
    row = GPU_HOUR | {"hour": DAY + timedelta(hours=at)} | told
    return {"p95": row["average"], "maximum": row["average"]} | row


def held(at: int = 0, **told: Any) -> dict[str, Any]:
    """A row of TENANCY."""
    return HELD | {"hour": DAY + timedelta(hours=at)} | told


def frame(records: RecordSet, rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Rows of a record set."""
    return pl.DataFrame([dict(row) for row in rows], schema=dict(records.schema))


def load_hours(*rows: Mapping[str, Any], source: str = "prom", delivery: int | None = None, at: datetime = AT) -> int:
    """Load rows of UTILIZATION as one delivery."""
    number = next(DELIVERIES) if delivery is None else delivery
    with transaction.atomic():
        return loader.replace([frame(UTILIZATION, rows)], source=source, delivery_id=number, at=at)


def load_tenancy(*rows: Mapping[str, Any], source: str = "prom", delivery: int | None = None) -> int:
    """Load rows of TENANCY as one delivery."""
    number = next(DELIVERIES) if delivery is None else delivery
    with transaction.atomic():
        return tenancy_loader.replace([frame(TENANCY, rows)], source=source, delivery_id=number, at=AT)


@pytest.fixture
def hours(db: None) -> Load:
    """Loads rows made by `hour`."""
    return load_hours


@pytest.fixture
def tenancy(db: None) -> Load:
    """Loads rows made by `held`."""
    return load_tenancy
