"""The kind as people meet it: what its test says, days that are over and today, and servers that refuse or falter."""

import shutil
import socket
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError

from collectors import patience
from collectors.connections import Allowed, Window
from collectors.errors import NotReadyError, ProviderUnavailableError
from collectors.exporters.connection import Exporters, Settings
from collectors.prometheus import session
from collectors.prometheus.access import PrometheusSecrets
from tests.exporters.test_exporters import UTIL, gpu, pod
from tests.prometheus import MINUTE, History, running, with_history
from tests.sources.test_net import HOME

GPUS = 12
LONG_AGO = Window(date(2026, 1, 1))


def connect(url: str) -> Exporters:
    """The kind."""
    given = Settings.model_validate({"url": url, "cluster": "prod"})
    return Exporters(given, PrometheusSecrets.model_validate({}), Allowed(networks=HOME))


def this_minute() -> datetime:
    """The clock, of which the server has one of its own."""
    return datetime.now(UTC).replace(second=0, microsecond=0)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """GPUs and a machine from some three hours before yesterday's end until three minutes ago."""
    history, until = History(), this_minute() - 3 * MINUTE
    start = until.replace(hour=0, minute=0) - timedelta(hours=3)
    for number in range(GPUS):
        labels = gpu(f"GPU-{number}", **(pod(f"p-{number}") if number else {}))
        history.add(UTIL, labels, 50, start, until)
    history.add("node_memory_MemAvailable_bytes", {"instance": "n9:9100"}, 1, start, until)
    history.add("node_memory_MemTotal_bytes", {"instance": "n9:9100"}, 4, start, until)
    history.add("kube_node_info", {"node": "n1", "provider_id": "aws:///a/i-0123456789abcdef0"}, 1, start, until)
    return with_history(history, tmp_path_factory.mktemp("today"))


@pytest.fixture(scope="module")
def server(data: Path) -> Iterator[str]:
    with running(data) as url:
        yield url


def copy_of(data: Path, folder: Path) -> Path:
    """The same for another server: two do not share one."""
    copied: Path = shutil.copytree(data, folder / "copy", ignore=shutil.ignore_patterns("lock"))
    return copied


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PAUSE", 0.0)


def test_the_test_of_a_connection_says_what_it_found(server: str) -> None:
    checks = {check.step: check.says for check in connect(server).check()}

    assert checks["Find exporters"] == f"of the last day: {UTIL}, node_memory_MemAvailable_bytes"
    assert checks["Find devices"] == f"GPUs and MIG instances now: {GPUS}; pods on them now: {GPUS - 1}"
    assert checks["Find the machines behind them"] == ("known as bills name them: 1 of 2, such as i-0123456789abcdef0")


def test_a_prometheus_without_exporters_is_told_what_to_scrape(tmp_path: Path) -> None:
    with running(tmp_path / "empty") as url:
        *_, last = connect(url).check()
        assert list(connect(url).remote(LONG_AGO)) == []

    assert not last.ok
    assert "nothing of the last day" in last.says
    assert "dcgm-exporter" in last.says


def test_a_day_that_is_over_stays_and_today_changes_with_the_hour(server: str) -> None:
    found = {one.name: one for one in connect(server).remote(LONG_AGO)}

    now = datetime.now(UTC)
    today, yesterday = now.date(), now.date() - timedelta(days=1)
    assert f"{yesterday} tenancy" in found
    if now.hour:  # by then yesterday's last samples are in
        assert found[f"{yesterday} utilisation"].fingerprint == "complete"
        assert found[f"{today} utilisation"].fingerprint.endswith(f"T{now:%H}:00Z")
    assert found[f"{yesterday} utilisation"].billing_period == yesterday.replace(day=1)


def test_of_a_day_the_hours_that_are_over_are_fetched(server: str, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    if not now.hour:
        with pytest.raises(NotReadyError, match="has no full hour yet"):
            connect(server).fetch(f"prometheus://prod/{now.date()}/utilisation", tmp_path, lambda *_: None)
        return
    path = connect(server).fetch(f"prometheus://prod/{now.date()}/utilisation", tmp_path, lambda *_: None)
    hours = pl.read_parquet(path)["hour"].unique().sort()
    assert [hour.hour for hour in hours] == list(range(now.hour))


def test_a_day_that_prometheus_has_forgotten_is_not_ready(server: str, tmp_path: Path) -> None:
    for name in ("utilisation", "tenancy"):
        with pytest.raises(NotReadyError, match="has nothing of prod on 2026-01-01 any more"):
            connect(server).fetch(f"prometheus://prod/2026-01-01/{name}", tmp_path, lambda *_: None)


def test_a_server_that_answers_little_at_once_is_asked_for_less(data: Path, server: str, tmp_path: Path) -> None:
    """It says 422: too many samples. The rows are the same."""
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    address = f"prometheus://prod/{yesterday}/utilisation"
    whole = pl.read_parquet(connect(server).fetch(address, tmp_path, lambda *_: None))
    with running(copy_of(data, tmp_path), "--query.max-samples=700") as url:
        made = connect(url)
        parts = pl.read_parquet(made.fetch(address, tmp_path, lambda *_: None))

    assert parts.equals(whole)
    assert made.calls > 20


def test_a_server_that_is_too_slow_is_asked_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes the question and does not answer. It is left alone for a minute."""
    monkeypatch.setattr(session, "READ_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        made = connect(f"http://127.0.0.1:{listening.getsockname()[1]}")
        with pytest.raises(ProviderUnavailableError, match="did not answer in time") as told:
            list(made.remote(LONG_AGO))
    assert (made.calls, told.value.retry_after) == (1, 60)


def test_a_server_that_is_down_is_asked_again_later(data: Path, tmp_path: Path) -> None:
    with running(copy_of(data, tmp_path)) as url:
        made = connect(url)
        made.fetch(
            f"prometheus://prod/{datetime.now(UTC).date() - timedelta(days=1)}/tenancy", tmp_path, lambda *_: None
        )
    with pytest.raises(ProviderUnavailableError, match="cannot be reached"):
        list(made.remote(LONG_AGO))


def test_whoever_cancels_is_heard_between_two_questions(server: str, tmp_path: Path) -> None:
    def stop(*_: int) -> None:
        raise InterruptedError

    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    with pytest.raises(InterruptedError):
        connect(server).fetch(f"prometheus://prod/{yesterday}/utilisation", tmp_path, stop)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("cluster", "", "Cluster is needed"),
        ("step", "10", "Write one of 0.25, 0.5, 1, 2.5, 5 minutes"),
        ("url", "prometheus", "no web address"),
    ],
)
def test_settings_that_cannot_be_right_are_refused_by_field(field: str, value: str, says: str) -> None:
    given: dict[str, Any] = {"url": "https://prometheus.example.com", "cluster": "prod", field: value}
    with pytest.raises(ValidationError, match=says) as told:
        Settings.model_validate(given)
    assert told.value.errors()[0]["loc"] == (field,)
