"""How fast live sources are collected: 40 months of a bill from S3 (moto's server) through real Celery workers."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from uuid import uuid4

import psutil
from django.db.models import Sum

from apps.costs.models import Statement
from apps.sources import connecting
from apps.sources.models import Run, Source
from apps.sources.runs import MOST_MONTHS
from finops.celery import app
from finops.children import OF_PROCESSES
from tests.aws import BUCKET, PREFIX, AwsServer, Bucket, aws_server
from tests.bench import cur
from tests.bench.databases import empty_database
from tests.bench.home import BENCH, environment

DATABASE = "bench_collect"
PERIODS = 40
ROWS = 250_000
SECRETS = {"access_key_id": "AKIAEXAMPLEEXAMPLE00", "secret_access_key": "a-secret-that-nobody-may-see"}
LONGEST = 3600.0  # seconds


def collect_1_worker() -> tuple[float, str]:
    """Rows a second through one worker process, from "Connect" to the last commit."""
    return round(_collected(1).rows_a_second), "rows/s"


def collect_2_workers() -> tuple[float, str]:
    """The same through two worker processes."""
    return round(_collected(2).rows_a_second), "rows/s"


def collect_speedup() -> tuple[float, str]:
    """How much faster two processes are than one."""
    return round(_collected(2).rows_a_second / _collected(1).rows_a_second, 2), "x"


def collect_memory() -> tuple[float, str]:
    """The most memory that a worker process had."""
    return round(max(_collected(2).peak_mb, _collected(1).peak_mb)), "MB"


@dataclass(frozen=True, slots=True)
class Collected:
    """What came of a collection of so many months by so many processes."""

    rows_a_second: float
    peak_mb: float


@cache
def _collected(processes: int, periods: int = PERIODS) -> Collected:
    files = {month: _file(month) for month in _months(periods)}
    with empty_database(DATABASE), aws_server() as server:
        _deliver(server, files)
        surroundings = (
            OF_PROCESSES | environment() | {"AWS_ENDPOINT_URL_S3": server.url, "AWS_ENDPOINT_URL_STS": server.url}
        )
        with _worker(processes, surroundings) as worker:
            began = time.perf_counter()
            _connect()
            peak = _wait(worker, periods)
            seconds = time.perf_counter() - began
    return Collected(periods * ROWS / seconds, peak)


def _months(periods: int) -> list[datetime]:
    """The months up to the one that is going on, the newest first."""
    now = datetime.now(UTC)
    places = [now.year * 12 + now.month - 1 - back for back in range(periods)]
    return [datetime(place // 12, place % 12 + 1, 1) for place in places]  # noqa: DTZ001 - as the reports have it


def _file(month: datetime) -> Path:
    path = BENCH / "collect" / f"cur-{month:%Y-%m}-{ROWS}.parquet"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        draft = path.with_suffix(".draft")
        cur.write_parquet(draft, ROWS, month=month)
        draft.rename(path)
    return path


def _deliver(server: AwsServer, files: dict[datetime, Path]) -> None:
    bucket = Bucket(server)
    for month, path in files.items():
        following = datetime(month.year + month.month // 12, month.month % 12 + 1, 1)  # noqa: DTZ001
        bucket.legacy(f"{month:%Y%m%d}-{following:%Y%m%d}", {"cur-00001.snappy.parquet": path.read_bytes()})


@contextmanager
def _worker(processes: int, surroundings: dict[str, str]) -> Iterator[psutil.Process]:
    """A worker with so many processes on a queue of its own, as `finops up` starts it."""
    before, queue = app.conf.task_default_queue, f"bench-{uuid4().hex}"
    app.conf.task_default_queue = queue
    words = [sys.executable, "-m", "tests.bench.collect_worker", DATABASE, queue, str(processes)]
    with (BENCH / "collect" / "worker.log").open("w") as log:
        child = subprocess.Popen(words, env=surroundings, stdout=log, stderr=log)
    try:
        while not app.control.ping(destination=[f"{queue}@{os.uname().nodename}"], timeout=0.5):
            if child.poll() is not None:
                raise RuntimeError("the worker did not start")
        yield psutil.Process(child.pid)
    finally:
        app.conf.task_default_queue = before
        child.terminate()
        child.wait()


def _connect() -> Source:
    return connecting.connect(
        name="bench",
        kind="aws-exports",
        settings={"bucket": BUCKET, "prefix": PREFIX},
        secrets=SECRETS,
        months=MOST_MONTHS,
        actor=None,
    )


def _wait(worker: psutil.Process, periods: int) -> float:
    """Return when every month is loaded: the most megabytes that one of the worker's processes ever had."""
    end = time.monotonic() + LONGEST
    while Run.objects.exclude(name="").filter(status=Run.Status.DONE).count() < periods:
        if bad := Run.objects.exclude(error="").first():
            raise RuntimeError(f"{bad.name}: {bad.error}")
        if time.monotonic() > end:
            raise RuntimeError("the collection takes too long")
        time.sleep(0.2)
    peak = max(map(_peak_mb, worker.children()))
    if (rows := Statement.objects.aggregate(rows=Sum("row_count"))["rows"]) != periods * ROWS:
        raise RuntimeError(f"{rows} rows are loaded")
    return peak


def _peak_mb(process: psutil.Process) -> float:
    """As the kernel kept it; where it does not say, what the process has now."""
    status = Path(f"/proc/{process.pid}/status")
    if not status.exists():
        return process.memory_info().rss / 2**20
    (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024
