"""What the database's planner is told of the cost tables after a load."""

from datetime import date
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.costs import loader
from apps.costs.spool import Spool
from tests.costs.conftest import Ledger, owned
from tests.ledger import charge, spool_of


def analysed(new_keys: int, folder: Path) -> str:
    spool = Spool(folder)
    spool.new_keys = new_keys
    spool.months = {date(2026, 6, 1)}
    with CaptureQueriesContext(connection) as asked:
        loader.analyse(spool)
    (statement,) = (query["sql"] for query in asked if query["sql"].startswith("ANALYZE"))
    return statement


@pytest.mark.django_db
def test_keys_are_analysed_when_there_are_many_new_ones_and_only_then(ledger: Ledger, tmp_path: Path) -> None:
    ledger(*(owned(date(2026, 6, 3), "1", resource_id=f"i-{number}") for number in range(50)))
    loader.analyse_tables()

    few, many = analysed(2, tmp_path), analysed(3, tmp_path)

    assert "costs_chargekey" not in few
    assert "costs_monthlycost" in few
    assert "costs_chargekey" in many


@pytest.mark.django_db
def test_a_spool_knows_how_many_of_its_keys_nobody_knew(ledger: Ledger, tmp_path: Path) -> None:
    day = date(2026, 6, 3)
    ledger(owned(day, "1", resource_id="i-1"))
    spool = spool_of([charge(day, "1", resource_id=f"i-{number}") for number in (1, 2, 3, 2)], tmp_path)

    loader.prepare(spool)

    assert spool.new_keys == 2
