"""How fast utilisation comes in: a real Prometheus that knows made-up fleets, through the collector into tables."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import requests
from django.db.models import Count

from apps.utilization.models import HourFact, Tenancy
from tests.bench.databases import empty_database
from tests.bench.gpu_history import SERIES, Fleet, write_fleet
from tests.bench.home import BENCH, environment
from tests.prometheus import backfill, running

DATABASE = "bench_prometheus"
END = datetime(2026, 7, 1, tzinfo=UTC)
MONTH = Fleet(gpus=64, days=30, step=timedelta(minutes=5), end=END)
DAY = Fleet(gpus=1000, days=1, step=timedelta(minutes=1), end=END)
BUSY = "DCGM_FI_PROF_GR_ENGINE_ACTIVE"
METRICS = 4
"""Rows of an hour and GPU: busy, memory as a share and in MiB, power."""


def prometheus_64x30d() -> tuple[float, str]:
    """Seconds from "Connect" to the last commit, of 64 GPUs for 30 days at 5 minutes, with who held them."""
    return round(_collected(MONTH)[0], 2), "s"


def prometheus_bare() -> tuple[float, str]:
    """Seconds of nothing but queries for the same series, one each for the 30 days, parsed."""
    with _served(MONTH) as url:
        return round(_bare(url), 2), "s"


def gpus_1000x1d() -> tuple[float, str]:
    """The same as the first, of 1,000 GPUs for a day at 1 minute."""
    return round(_collected(DAY)[0], 2), "s"


def gpus_1000x1d_memory() -> tuple[float, str]:
    """The most memory of the process that collected and imported them."""
    return round(_collected(DAY)[1]), "MB"


@contextmanager
def _served(fleet: Fleet) -> Iterator[str]:
    """A Prometheus that knows the fleet; its blocks are kept for the next call."""
    folder = BENCH / f"prometheus-{fleet.gpus}x{fleet.days}d"
    if not (folder / "data").exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_fleet(fleet, folder / "history.om")
        backfill(folder / "history.om", folder / "draft")
        (folder / "history.om").unlink()
        (folder / "draft").rename(folder / "data")
    with running(folder / "data") as url:
        yield url


def _bare(url: str) -> float:
    """As one would ask by hand: how busy each GPU is by each series, and who holds it by one of them."""
    labels = "Hostname, UUID, GPU_I_ID"
    asked = [f"max by ({labels}) ({series})" for series in SERIES]
    asked.append(f"max by ({labels}, namespace, pod, container) ({BUSY})")
    began = time.perf_counter()
    for query in asked:
        span: dict[str, Any] = {"start": MONTH.start.timestamp(), "end": END.timestamp() - 1, "step": 300}
        plain = {"Accept-Encoding": "identity"}
        answer = requests.get(f"{url}/api/v1/query_range", {"query": query, **span}, headers=plain, timeout=600)
        if sum(len(one["values"]) for one in answer.json()["data"]["result"]) < MONTH.gpus * MONTH.days * 288:
            raise RuntimeError(f"{query} does not have every point")
    return time.perf_counter() - began


@cache
def _collected(fleet: Fleet) -> tuple[float, float]:
    """Seconds, and peak MB of the process."""
    minutes = f"{fleet.step / timedelta(minutes=1):g}"
    with empty_database(DATABASE), _served(fleet) as url:
        words = [sys.executable, "-m", "tests.bench.collect_prometheus", DATABASE, url, minutes]
        said = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True, env=environment()).stdout
        rows = HourFact.objects.aggregate(rows=Count("*"))["rows"]
        if rows != fleet.gpus * fleet.days * 24 * METRICS or not Tenancy.objects.exists():
            raise RuntimeError(f"{rows} hours are loaded")
    seconds, megabytes = map(float, said.splitlines()[-1].split())
    return seconds, megabytes
