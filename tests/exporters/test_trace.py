"""A real trace, from a real Prometheus to the numbers of pages: GPU-hours and utilisation as its README has them."""

import csv
import socket
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from apps.accounts.scope import Scope
from apps.core.periods import Period
from apps.sources import connecting
from apps.sources.models import Run, Source
from apps.utilization.models import HourFact, Tenancy
from apps.utilization.queries import Gpus, fleet
from collectors import patience
from tests.exporters.trace import GPU_HOURS, TRACE, UTILISATION, replay
from tests.prometheus import running
from tests.sources.conftest import home, look_again, try_again, work
from tests.sources.test_net import HOME

__all__ = ["home"]
PERIOD = Period(date(2026, 6, 7), date(2026, 6, 10))
GPUS = 153
"""Of the 154 names that the trace has one is no GPU: a job of two seconds has a host and no address of a card."""

WHOLE = 10_608.0
"""Hours that all of these have from the trace's first job to its last."""

WAYS = {
    "as its exporter writes it": ((), GPU_HOURS),
    "with labels as Prometheus renames them": (("--label-style", "exported"), GPU_HOURS),
    "with the host's label of newer exporters": (("--host-label", "hostname"), GPU_HOURS),
    "with zeros while nothing runs": (("--idle", "zero"), WHOLE),
    "with all of these": (("--label-style", "exported", "--host-label", "hostname", "--idle", "zero"), WHOLE),
}


def connect(url: str) -> Source:
    """The Prometheus as a source that has looked at nothing yet."""
    words: dict[str, Any] = {"settings": {"url": url, "cluster": "alex"}, "secrets": {}, "months": 12, "actor": None}
    return connecting.connect(name="alex", kind="prometheus", **words)


@pytest.fixture(autouse=True)
def _may_reach_this_machine(settings: Any, home: Path, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.ALLOWED_NETWORKS = HOME
    monkeypatch.setattr(patience, "PAUSE", 0.0)


@dataclass(frozen=True, slots=True)
class Known:
    """What pages say of the whole trace, in hours of GPUs."""

    observed: float
    allocated: float
    busy: float
    gpus: int


def known() -> Known:
    gpus = fleet(PERIOD, Gpus(), scope=Scope.everything())
    return Known(
        observed=sum(gpu.hours for gpu in gpus),
        allocated=sum(gpu.allocated_hours for gpu in gpus),
        busy=sum(gpu.gpu * gpu.hours for gpu in gpus),
        gpus=len(gpus),
    )


def test_one_name_of_the_trace_is_no_gpu_since_no_exporter_could_have_told_of_it() -> None:
    """154 names, 153 GPUs: the job on the other one was over before it could have been scraped, and did nothing."""
    with TRACE.open(newline="") as lines:
        jobs = list(csv.DictReader(lines))
    names = {name for job in jobs for name in job["gpu_list"].split()}
    nameless = {name for name in names if not name.partition("/")[2]}
    without = [job for job in jobs if nameless & set(job["gpu_list"].split())]

    assert (len(names), len(names - nameless), nameless) == (154, GPUS, {"a0932/"})
    assert [(job["gpu_list"], job["duration_s"], job["gpu_util_avg_pct"]) for job in without] == [("a0932/", "2", "0")]


@pytest.mark.parametrize(("options", "observed"), WAYS.values(), ids=WAYS)
def test_a_trace_has_its_gpu_hours_and_its_utilisation(
    tmp_path: Path, options: tuple[str, ...], observed: float
) -> None:
    """However labels are written. GPUs without a job are seen where the exporter tells of them, and held by nobody;
    where it does not, it is not known whether they were idle. 7 seconds: up to 600,000 samples are written and read."""
    with running(replay(tmp_path, *options)) as url:
        source = connect(url)
        work(source)

    found = known()
    assert {run.status for run in source.runs.all()} == {"done"}
    assert found.gpus == GPUS
    assert found.observed == pytest.approx(observed, abs=0.05)
    assert found.allocated == pytest.approx(GPU_HOURS, abs=0.05)
    assert found.busy / found.allocated == pytest.approx(UTILISATION, abs=0.00005)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def test_a_prometheus_that_goes_away_half_way_is_collected_to_the_end_once(tmp_path: Path) -> None:
    """4 seconds: 160,000 samples are written, and two servers started."""
    data, port = replay(tmp_path), _free_port()
    with ExitStack() as stack:
        source = connect(stack.enter_context(running(data, port=port)))
        work(source, most=4)  # the look, and three of eight files
        rows = (HourFact.objects.count(), Tenancy.objects.count())
        assert 0 < known().allocated < GPU_HOURS - 100
    work(source)
    waits = source.runs.exclude(status__in=("done", "queued")).get()
    assert (waits.status, (HourFact.objects.count(), Tenancy.objects.count())) == ("waiting", rows)
    assert "cannot be reached" in waits.error

    with running(data, port=port):
        try_again(source)
        assert {run.status for run in source.runs.all()} == {"done"}
        assert [(run.name, run.status) for run in look_again(source)] == [("", "unchanged")]

    assert known().allocated == pytest.approx(GPU_HOURS, abs=0.05)
    assert known().busy / known().allocated == pytest.approx(UTILISATION, abs=0.00005)
    assert Run.objects.exclude(name="").count() == 8


def test_a_gap_is_a_gap_and_no_zero(tmp_path: Path, settings: Any) -> None:
    """From 02:10 to 05:40 of its busiest day nothing was scraped: three and a half hours of every GPU are missing.

    6 seconds: 600,000 samples are written and read.
    """
    settings.POINTS_DAYS = 10_000
    first, last = datetime(2026, 6, 9, 2, 10, tzinfo=UTC), datetime(2026, 6, 9, 5, 40, tzinfo=UTC)
    with running(replay(tmp_path, "--idle", "zero", without=(first, last))) as url:
        work(connect(url))

    assert known().observed == pytest.approx(WHOLE - GPUS * 3.5, abs=0.05)
    in_gap = HourFact.objects.filter(hour__gte=first, hour__lt=last - timedelta(minutes=40))
    assert not in_gap.exists()
    begun = list(HourFact.objects.filter(hour=first.replace(minute=0)))
    assert {fact.minutes for fact in begun} == {10.0}
    gaps = {tuple(value is None for value in fact.points or ()) for fact in begun}
    assert gaps == {(False, False, *(True,) * 10)}
