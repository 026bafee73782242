"""Usage of clusters for tests, loaded the way that files are."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count
from typing import Any

import polars as pl
from django.db import transaction

from apps.clusters import loader
from collectors.kubernetes_usage import KUBERNETES_USAGE

DAY = date(2026, 6, 3)
DELIVERY_IDS = count(1)
AMOUNTS = ("cpu_core_hours", "memory_gib_hours", "gpu_hours")


def node(name: str = "n1", cpu: Any = 0, memory: Any = 0, gpu: Any = 0, **columns: Any) -> dict[str, Any]:
    """A node's row: what is allocatable of it."""
    return row(node=name, amounts=(cpu, memory, gpu), **{"resource_id": f"i-{name}", "hours": 24, **columns})


def pod(name: str, cpu: Any = 0, memory: Any = 0, gpu: Any = 0, **columns: Any) -> dict[str, Any]:
    """A pod's row: what it had of its node."""
    given = {"node": "n1", "namespace": "shop", "workload_kind": "Deployment", "workload": "web", "hours": 24}
    return row(pod=name, amounts=(cpu, memory, gpu), **{**given, **columns})


def row(*, amounts: tuple[Any, ...], labels: Mapping[str, str] | None = None, **columns: Any) -> dict[str, Any]:
    """A row of KUBERNETES_USAGE."""
    values = {"cluster": "prod", "day": DAY, **dict(zip(AMOUNTS, amounts, strict=True)), **columns}
    typed = {
        name: Decimal(value) if KUBERNETES_USAGE.schema[name].is_numeric() else value for name, value in values.items()
    }
    return typed | ({"labels": json.dumps(dict(labels))} if labels else {})


def load(rows: Iterable[Mapping[str, Any]], *, source: str = "prometheus") -> int:
    """What the importer does with a delivery."""
    frame = pl.DataFrame(list(rows), schema=KUBERNETES_USAGE.schema, orient="row")
    with transaction.atomic():
        return loader.replace(
            frame.iter_slices(1000), source=source, delivery_id=next(DELIVERY_IDS), at=datetime.now(UTC)
        )
