"""A real Prometheus on a free port, with history that a test writes; where it is not installed, only CI minds."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from collectors.prometheus.access import PrometheusSecrets, PrometheusSettings
from collectors.prometheus.client import Prometheus
from tests.sources.test_net import HOME

MINUTE = timedelta(minutes=1)
STARTS_WITHIN = 30.0  # seconds


def utc(day: int, hour: int = 0, minute: int = 0) -> datetime:
    """A time of June 2026."""
    return datetime(2026, 6, day, hour, minute, tzinfo=UTC)


@dataclass
class History:
    """Samples of the past, in the form in which promtool takes them."""

    families: dict[str, list[str]] = field(default_factory=dict)

    def add(
        self,
        metric: str,
        labels: Mapping[str, str],
        value: float,
        first: datetime,
        last: datetime,
        *,
        growth: float = 0.0,
        every: timedelta = MINUTE,
    ) -> None:
        """Samples from `first` to `last`, both included; each is `growth` more than the one before."""
        lines = self.families.setdefault(metric, [])
        name = metric + "{" + ",".join(f'{key}="{text}"' for key, text in labels.items()) + "}"
        for number in range((last - first) // every + 1):
            lines.append(f"{name} {value + growth * number!r} {(first + number * every).timestamp():.0f}")

    def text(self) -> str:
        """As OpenMetrics."""
        parts = [line for metric, lines in sorted(self.families.items()) for line in (_type(metric), *lines)]
        return "\n".join([*parts, "# EOF", ""])


def _type(metric: str) -> str:
    return f"# TYPE {metric.removesuffix('_total')} {'counter' if metric.endswith('_total') else 'gauge'}"


def backfill(history: Path, data: Path) -> None:
    """Turn OpenMetrics text into blocks of a database; without the hidden flag it is read anew for every two hours."""
    _installed()
    command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=744h", history, data]
    subprocess.run(command, check=True, capture_output=True)


@contextmanager
def running(data: Path, *flags: str, port: int = 0) -> Iterator[str]:
    """A Prometheus over the database in `data`; its address, on a free port unless one is given."""
    _installed()
    data.mkdir(parents=True, exist_ok=True)
    config, log = data.parent / f"{data.name}.yml", data.parent / f"{data.name}.log"
    config.write_text("global: {}\n")
    command = [
        "prometheus",
        f"--storage.tsdb.path={data}",
        "--storage.tsdb.retention.time=30y",
        f"--config.file={config}",
        f"--web.listen-address=127.0.0.1:{port}",
        *flags,
    ]
    with log.open("w") as out, subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT) as process:
        try:
            yield _address(process, log)
        finally:
            process.terminate()


def _address(process: "subprocess.Popen[bytes]", log: Path) -> str:
    until = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < until and process.poll() is None:
        said = log.read_text()
        found = re.search(r'msg="Listening on" address=(\S+)', said)
        if found and "Server is ready" in said:
            return f"http://{found[1]}"
        time.sleep(0.05)
    raise RuntimeError(f"Prometheus did not start: {log.read_text()[-2000:]}")


def _installed() -> None:
    if shutil.which("prometheus") is None or shutil.which("promtool") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("prometheus is not installed: see deploy/debian-packages.sh")
        pytest.skip("prometheus is not installed")


def with_history(history: History, folder: Path) -> Path:
    """A database in `folder` that holds the history."""
    text = folder / "history.om"
    text.write_text(history.text())
    backfill(text, folder / "data")
    return folder / "data"


def asking(url: str, *, secrets: Mapping[str, str] | None = None, **settings: str) -> Prometheus:
    """A client of it, that may reach this machine."""
    given = PrometheusSecrets.model_validate(dict(secrets or {}))
    return Prometheus(PrometheusSettings(url=url, **settings), given, HOME)
