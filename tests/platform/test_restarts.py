"""Servers that end in the middle of a collection and come back: the whole product, real servers, a real worker."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from signal import SIGINT
from typing import Any

import psycopg
import pytest
from werkzeug.wrappers import Request

from tests.aws import BUCKET, PREFIX, Bucket, aws_server
from tests.platform.product import PATIENCE, Product
from tests.sources.conftest import SECRETS, focus

MONTHS = {"2026-05": "5", "2026-06": "60", "2026-07": "700", "2026-08": "8000"}
ALL_COSTS = (4, Decimal(8765), 4)
"""Bills that are current, what they add up to, and how many were ever loaded."""

IN_THE_PRODUCT = """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "finops.settings"
import django
django.setup()
from apps.sources import connecting, tasks
"""
CONNECT = f"""{IN_THE_PRODUCT}
connecting.connect(name="aws", kind="aws-exports", settings={{"bucket": {BUCKET!r}, "prefix": {PREFIX!r}}},
    secrets={SECRETS!r}, months=13, actor=None)
"""
A_MINUTE_LATER = f"{IN_THE_PRODUCT}\ntasks.tend_ledger()\ntasks.run_due()\n"
"""What the beat has workers do every minute; nobody wants to wait for it."""

pytestmark = pytest.mark.timeout(180)


class Site:
    """The product at work on a bucket of four months, whose files do not come before they may."""

    def __init__(self, product: Product, bucket: Bucket) -> None:
        self.product = product
        self.files_may_come = threading.Event()
        self._asked = threading.Semaphore(0)
        for month, cost in MONTHS.items():
            number = int(month[5:])
            bucket.legacy(f"2026{number:02}01-2026{number + 1:02}01", {f"{month}.csv": focus(cost, month=month)})
        bucket.server.spoil(times=100, path=".csv", answer=self._hold)
        product.environment |= {"AWS_ENDPOINT_URL": bucket.server.url, "AWS_EC2_METADATA_DISABLED": "true"}

    def _hold(self, _: Request) -> None:
        self._asked.release()
        self.files_may_come.wait(90)

    def wait_until_both_processes_read(self) -> None:
        """The two newest months are being fetched, the two others wait."""
        for _ in range(2):
            assert self._asked.acquire(timeout=60)

    def run(self, program: str) -> None:
        subprocess.run([sys.executable, "-c", program], env=self.product.environment, check=True, timeout=60)

    @contextmanager
    def database(self) -> Iterator["psycopg.Connection[Any]"]:
        """A connection of our own."""
        place = str((self.product.home / "server" / "run").resolve())
        with psycopg.connect(host=place, user="finops", dbname="finops", autocommit=True) as connection:
            yield connection

    def loaded(self) -> tuple[int, Decimal, int]:
        """As ALL_COSTS."""
        with self.database() as connection:
            costs = connection.execute("SELECT coalesce(sum(effective_cost), 0) FROM costs_dailycharge").fetchone()
            current = connection.execute("SELECT count(*) FROM costs_statement WHERE superseded_at IS NULL").fetchone()
            ever = connection.execute("SELECT count(*) FROM sources_delivery WHERE status = 'loaded'").fetchone()
        assert costs
        assert current
        assert ever
        return current[0], costs[0], ever[0]

    def open_runs(self) -> int:
        with self.database() as connection:
            left = connection.execute(
                "SELECT count(*) FROM sources_run WHERE status IN ('queued', 'running', 'waiting')"
            ).fetchone()
        assert left
        return int(left[0])

    def wait_until(self, holds: Any, seconds: float = 60) -> None:
        """Wait until it holds; a server that is not there yet has not."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                if holds():
                    return
            except psycopg.OperationalError:
                pass
            time.sleep(0.1)
        raise AssertionError(self.product.output.read_text())


@pytest.fixture
def site(product: Product) -> Iterator[Site]:
    with aws_server() as server:
        made = Site(product, Bucket(server))
        product.up()
        yield made
        made.files_may_come.set()
        product.end()


# over 5 s: the whole product is started, and a server of it once more
def test_a_broker_that_is_killed_and_comes_back_loses_no_run_and_doubles_none(site: Site) -> None:
    site.run(CONNECT)
    site.wait_until_both_processes_read()

    broker = site.product.process("redis-server")
    broker.kill()
    broker.wait(10)
    site.files_may_come.set()

    site.wait_until(lambda: site.product.processes(["redis-server"]))
    site.wait_until(lambda: is_over(site))
    assert site.loaded() == ALL_COSTS


# over 5 s: the whole product is started, and a server of it once more
def test_a_database_that_is_stopped_in_the_middle_of_a_load_and_comes_back_has_exact_totals(site: Site) -> None:
    site.files_may_come.set()
    with suppress(psycopg.OperationalError), site.database() as holder:  # which ends with its server
        holder.execute("BEGIN; LOCK TABLE costs_monthlycost IN ACCESS EXCLUSIVE MODE")
        site.run(CONNECT)
        site.wait_until(lambda: is_loading(site))
        postgres = site.product.process("postgres", "-D")
        postgres.send_signal(SIGINT)
        postgres.wait(PATIENCE)

    site.wait_until(lambda: site.loaded() == (0, Decimal(0), 0))
    site.wait_until(lambda: is_over(site))
    assert site.loaded() == ALL_COSTS


def is_loading(site: Site) -> bool:
    """Whether facts are copied that nobody can see yet."""
    with site.database() as connection:
        waiting = connection.execute(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'costs_monthlycost'::regclass"
        ).fetchone()
    return bool(waiting and waiting[0])


def is_over(site: Site) -> bool:
    """Whether nothing is left to do; what waits for its time, or was sent to a broker that died, need not wait on."""
    if site.open_runs():
        with site.database() as connection:
            connection.execute("UPDATE sources_run SET next_attempt_at = now() WHERE next_attempt_at IS NOT NULL")
            connection.execute("UPDATE sources_run SET sent_at = sent_at - interval '11 minutes'")
            connection.execute("UPDATE sources_source SET rests_until = NULL")
        site.run(A_MINUTE_LATER)
    return site.open_runs() == 0
