"""A cluster as a source: days of a real trace, and from the connection to the divided bill."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db.models import Sum

from apps.accounts.scope import Scope
from apps.clusters.dimensions import Key
from apps.clusters.models import NodeDay, PodDay
from apps.clusters.queries import ClusterQuery, cluster_costs
from apps.core.periods import Period
from apps.sources import connecting
from apps.sources.models import Run, Source
from collectors.connections import Window
from tests.kubernetes.cluster import Told, tell
from tests.kubernetes.test_usage import connect, rows_of
from tests.ledger import charge, load_charges
from tests.prometheus import History, backfill, running, with_history
from tests.shared import SHARED
from tests.sources.conftest import home, look_again, work
from tests.sources.test_net import HOME

__all__ = ["home"]
DAY = date(2026, 6, 3)
PODS = 158
"""Jobs of the trace that ran at one of the times, five minutes apart, at which it is told; it has 184."""


@pytest.fixture(scope="module")
def alex(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A university's GPU cluster as recorded: 184 jobs in four days."""
    folder = tmp_path_factory.mktemp("alex")
    tool = SHARED / "tools" / "gpu_trace_to_openmetrics.py"
    trace = SHARED / "data" / "gpu" / "alex_gpu_jobs.csv"
    words = [sys.executable, tool, "alex", trace, "--kube-state", "--step", "300", "-o", folder / "gpu.om"]
    subprocess.run(words, check=True, capture_output=True)
    backfill(folder / "gpu.om", folder / "data")
    with running(folder / "data") as url:
        yield url


def test_a_real_trace_has_the_gpu_hours_of_its_jobs(alex: str, tmp_path: Path) -> None:
    """2,739.3 by the seconds of its jobs; looked at every five minutes, a job's last look may reach beyond its end."""
    made = connect(alex, "alex", label="")
    days = [one.name for one in made.remote(Window(date(2023, 2, 1))) if one.name != "resources"]
    assert days == [f"2023-02-{day:02}" for day in range(7, 11)]

    rows = []
    for day in days:
        (tmp_path / day).mkdir()
        rows += rows_of(made, day, tmp_path / day)

    pods = [row for row in rows if row["pod"]]
    assert sum(Decimal(row["gpu_hours"]) for row in pods) == pytest.approx(Decimal("2739.3"), rel=Decimal("0.01"))
    nodes = {row["node"] for row in rows if not row["pod"]}
    assert (len(nodes), len({row["pod"] for row in pods})) == (21, PODS)
    assert {row["node"] for row in pods} <= nodes


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    history = History()
    tell(Told(history))
    with running(with_history(history, tmp_path_factory.mktemp("cluster"))) as url:
        yield url


@pytest.fixture
def source(server: str, home: Path, settings: Any, db: None) -> Source:
    """The cluster as a connected source, looked at once."""
    settings.ALLOWED_NETWORKS = HOME
    made = connecting.connect(
        name="prod",
        kind="kubernetes",
        settings={"url": server, "cluster": "prod"},
        secrets={},
        months=12,
        actor=None,
    )
    work(made)
    return made


def test_a_connected_cluster_divides_the_bills_of_its_nodes(source: Source) -> None:
    """The node's bill of a day is 0.031611 a core and 0.004237 a GiB times a thousand, for the hours it was seen: so
    each pod has what its hours are worth at these prices, and the rest is idle."""
    assert [(run.name, run.status) for run in source.runs.order_by("pk")] == [
        ("", "done"),
        ("resources", "done"),
        ("2026-06-03", "done"),
    ]
    worth = 88 * Decimal("31.611") + 352 * Decimal("4.237")
    load_charges(
        [charge(DAY, worth, resource_id="arn:aws:ec2:eu-central-1:111122223333:instance/i-0aaa")], source="bill"
    )

    found = cluster_costs(ClusterQuery(Period(DAY, DAY), (Key("pod"),)), scope=Scope.everything())

    parts = {line.keys[0]: line.cost for line in found.lines}
    assert parts["web-1"] == pytest.approx(Decimal("15.916666667") * Decimal("31.611") + 44 * Decimal("4.237"))
    assert parts["bare"] == 6 * Decimal("4.237")
    assert sum(parts.values()) == worth


def test_a_second_look_collects_nothing_that_is_over(source: Source) -> None:
    before = PodDay.objects.aggregate(hours=Sum("hours"), pods=Sum("gpu_hours"))

    runs = look_again(source)

    assert [(run.name, run.status) for run in runs] == [("", "done"), ("resources", "unchanged")]
    assert PodDay.objects.aggregate(hours=Sum("hours"), pods=Sum("gpu_hours")) == before


def test_a_day_that_is_collected_again_is_unchanged(source: Source) -> None:
    run = source.runs.get(name="2026-06-03")
    Run.objects.filter(pk=run.pk).update(status=Run.Status.QUEUED, sent_at=None)

    work(source)

    assert Run.objects.get(pk=run.pk).status == Run.Status.UNCHANGED
    assert NodeDay.objects.count() == 2
