"""Importers that die or meet: afterwards the old numbers or the new ones, whole, never a mix."""

import random
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from apps.costs import loader
from apps.costs.models import Statement
from apps.costs.rollups import roll_up
from apps.sources.models import Delivery
from apps.sources.services import note_interrupted
from tests.shared import BILLING
from tests.sources.conftest import Bill, Import
from tests.sources.totals import stored

MONTH_TO_DATE = BILLING / "nise/aws-s3-layout-mtd/finops/cur/20260601-20260701/cur-Manifest.json"
WHOLE_MONTH = BILLING / "nise/aws/June-2026.csv.gz"
OLD, NEW = Decimal("12530.4610666368"), Decimal("25954.9884")
KILLS = 20

pytestmark = pytest.mark.django_db(transaction=True)


def start_import(path: Path) -> "subprocess.Popen[str]":
    """Import in a process of its own; returns when it is about to begin."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.sources.import_in_child", connection.settings_dict["NAME"], str(path)],
        cwd=settings.BASE_DIR,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "importing\n"
    return child


# 20 processes, a second or two each to start and to import 13,224 rows: about 40 s
@pytest.mark.timeout(300)
def test_an_importer_killed_at_any_moment_leaves_the_old_numbers_or_the_new_ones(import_bills: Import) -> None:
    import_bills(MONTH_TO_DATE)
    child = start_import(WHOLE_MONTH)
    began = time.monotonic()
    assert child.wait() == 0
    takes = time.monotonic() - began
    chance = random.Random(20260601)
    seen = set()
    for _ in range(KILLS):
        if stored() != OLD:
            import_bills(MONTH_TO_DATE, "--force")
        _forget(WHOLE_MONTH.name)
        before = _sessions()
        child = start_import(WHOLE_MONTH)
        time.sleep(chance.uniform(0, takes))
        child.kill()
        child.wait()
        _wait_for_the_servers_rollback(before)
        total = stored()
        seen.add(total)
        assert total in (OLD, NEW)
        assert Statement.objects.filter(superseded_at=None).count() == 1
        assert Statement.objects.get(superseded_at=None).billed_cost == total
        note_interrupted()
        assert not Delivery.objects.filter(status=Delivery.Status.LOADING).exists()
    assert OLD in seen

    (line,) = import_bills(WHOLE_MONTH)

    assert line["status"] in ("loaded", "unchanged")
    assert stored() == NEW


def test_two_imports_of_one_period_at_once_leave_one_of_them_whole(import_bills: Import) -> None:
    children = [start_import(MONTH_TO_DATE), start_import(WHOLE_MONTH)]

    assert [child.wait() for child in children] == [0, 0]

    assert stored() in (OLD, NEW)
    assert Statement.objects.filter(superseded_at=None).count() == 1


def test_the_same_bill_imported_twice_at_once_is_loaded_once(import_bills: Import) -> None:
    children = [start_import(WHOLE_MONTH), start_import(WHOLE_MONTH)]

    assert [child.wait() for child in children] == [0, 0]

    assert stored() == NEW
    assert Delivery.objects.count() == 1


def test_a_full_disk_leaves_the_old_numbers_and_says_so(
    import_bills: Import, bill: Bill, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_bills(bill("old.csv", [{"BilledCost": "1"}]))

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(loader, "copy_frames", full)
    (line,) = import_bills(bill("new.csv", [{"BilledCost": "2"}]), exit_code=1)

    assert stored() == 1
    assert line["status"] == Delivery.objects.latest("pk").status == "failed"
    assert "disk is full" in line["error"]
    assert "disk is full" in Delivery.objects.latest("pk").error


def test_a_lost_database_connection_leaves_the_old_numbers_and_says_so(
    import_bills: Import, bill: Bill, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_bills(bill("old.csv", [{"BilledCost": "1"}]))

    def roll_up_and_lose_the_connection(statements: list[int]) -> None:
        roll_up(statements)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    monkeypatch.setattr(loader, "roll_up", roll_up_and_lose_the_connection)
    (line,) = import_bills(bill("new.csv", [{"BilledCost": "2"}]), exit_code=1)

    assert stored() == 1
    assert line["status"] == Delivery.objects.latest("pk").status == "failed"
    assert "connection to the database was lost" in Delivery.objects.latest("pk").error


def _forget(name: str) -> None:
    """Let the ledger take the bill for a new one."""
    Delivery.objects.filter(path__endswith=name).update(sha256="")


def _sessions() -> set[int]:
    """The server's processes, one for everybody who is connected to this database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'"
        )
        return {pid for (pid,) in cursor.fetchall()}


def _wait_for_the_servers_rollback(before: set[int]) -> None:
    """A killed client's session ends when the server notices; its locks and its transaction with it.

    Sessions of `before` are other tests' (a worker's thread keeps one) or the server's own, and may stay.
    """
    for _ in range(600):  # a minute: an import runs for a second, but the machine may be busy
        if _sessions() <= before:
            return
        time.sleep(0.1)
    raise AssertionError("the server has not ended the killed import's session")
