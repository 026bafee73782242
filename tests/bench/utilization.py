"""How fast hours of GPUs come in, and the page that draws them: made-up GPUs, eight a machine, each held by a pod."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from hashlib import sha256
from pathlib import Path

import polars as pl
from django.db import transaction
from django.test import Client

from apps.accounts.models import Role, User
from apps.core.sql import read_sql
from apps.utilization import loader, tenancy_loader
from collectors.records import RecordSet, write_frame
from collectors.tenancy import TENANCY
from collectors.utilization import METRICS, UTILIZATION, hourly
from finops.assets import gather_static_files
from finops.progress import Progress
from tests.bench.databases import kept_database
from tests.bench.explorer import elapsed, p95
from tests.bench.home import BENCH
from tests.bench.imports import run_import
from tests.ledger import charge, load_charges

FIRST = datetime(2026, 6, 1, tzinfo=UTC)
DAYS = 30
GPUS = 1_000
PAGES = ["/gpus/?start=2026-06-01&end=2026-06-30", "/gpus/?start=2026-06-28&end=2026-06-30"]


def utilization_64x30d() -> tuple[float, str]:
    """Seconds of `finops import` for five metrics of 64 GPUs over the last 30 days, interpreter start included."""
    folder = BENCH / "utilization"
    folder.mkdir(parents=True, exist_ok=True)
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    days = [_hours(64, today - timedelta(days=back), list(METRICS)[:5]) for back in range(DAYS - 1, -1, -1)]
    path = write_frame(UTILIZATION, pl.concat(days), folder)
    seconds, _ = run_import(path, "--force")
    return round(seconds, 2), "s"


def heatmap_1000x30d() -> tuple[float, str]:
    """95th percentile of the server's time for the page of 1,000 GPUs, over 30 days and over three, hour by hour."""
    gather_static_files(Progress(errors=True))
    with kept_database("bench_gpus", made_by=_made_by(), fill=_fill):
        client = Client()
        client.force_login(User.objects.get_or_create(username="bench", defaults={"role": Role.VIEWER})[0])
        return p95(partial(_ask, client), PAGES, clock=elapsed), "ms"


def _ask(client: Client, page: str) -> None:
    answer = client.get(page)
    if answer.status_code != 200 or b"node-124" not in answer.content:
        raise AssertionError(f"{page}: {answer.status_code}")


def _made_by() -> str:
    sources = (Path(__file__).read_text(), *(read_sql("utilization", name) for name in ("tables", "roll_up_use")))
    return sha256("".join(sources).encode()).hexdigest()


def _fill() -> None:
    for number in range(DAYS):
        day = FIRST + timedelta(days=number)
        hours = _hours(GPUS, day, ["gpu", "gpu_memory", "power_watts"])
        with transaction.atomic():
            tenancy_loader.replace([_whole(TENANCY, _held(hours))], source="bench", delivery_id=1 + number, at=day)
        with transaction.atomic():
            loader.replace([_whole(UTILIZATION, hours)], source="bench", delivery_id=1 + number, at=day)
    load_charges(_bill())


def _bill() -> Iterator[dict[str, object]]:
    for machine in range(GPUS // 8):
        for number in range(DAYS):
            yield charge(_day(number), Decimal("786.432") + machine, resource_id=f"i-{machine}")


def _day(number: int) -> date:
    return (FIRST + timedelta(days=number)).date()


def _hours(gpus: int, day: datetime, metrics: list[str]) -> pl.DataFrame:
    """A day at a step of five minutes."""
    at = pl.datetime_range(day, day + timedelta(days=1), "5m", closed="left", time_unit="us", eager=True)
    devices = pl.DataFrame({"gpu": range(gpus)}).select(
        cluster=pl.lit("bench"),
        node=pl.format("node-{}", pl.col("gpu") // 8),
        resource_id=pl.format("i-{}", pl.col("gpu") // 8),
        device=pl.format("GPU-{}", "gpu"),
        device_model=pl.lit("NVIDIA A100-SXM4-80GB"),
    )
    series = devices.join(pl.DataFrame({"metric": metrics}), how="cross").with_columns(pl.all().cast(pl.Categorical))
    points = series.join(at.alias("at").to_frame(), how="cross")
    noise = (pl.int_range(pl.len()).hash(day.toordinal()) % 1_009) / 1_009
    return hourly(points.with_columns(value=noise), 300)


def _held(hours: pl.DataFrame) -> pl.DataFrame:
    """Two of three GPUs, each by a pod of one of 50 jobs."""
    busy = hours.filter((pl.col("metric") == "gpu") & (pl.col("device").cast(pl.String).hash(7) % 3 > 0))
    return busy.select("cluster", "node", "device", "hour").with_columns(
        namespace=pl.lit("ml"),
        pod=pl.format("train-{}", pl.col("device").cast(pl.String).hash(11) % 50),
        minutes=pl.lit(60.0),
        share=pl.lit(Decimal(1)),
    )


def _whole(records: RecordSet, frame: pl.DataFrame) -> pl.DataFrame:
    columns = [pl.col(name) if name in frame.columns else pl.lit(None).alias(name) for name in records.schema]
    return frame.select(columns).cast(dict(records.schema))
