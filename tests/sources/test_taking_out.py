"""Costs that a person took out of the books: brought back to the last digit, or not at all, by what is asked for."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client

from apps.accounts.models import AuditEvent, Role
from apps.core.errors import UserError
from apps.costs.models import Statement
from apps.sources import connecting, runs, taking_out
from apps.sources.models import Run, Source
from tests.aws import Bucket
from tests.sources.conftest import JULY, JUNE, connect, focus, look_again, work
from tests.sources.totals import stored
from tests.web.conftest import browser_of, person

__all__ = ["browser_of", "person"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("home")]


@pytest.fixture
def source(bucket: Bucket) -> Source:
    """A connection of which June, which was corrected once, and July are loaded."""
    bucket.legacy(JUNE, {"cur-1.csv": focus("1", "2")})
    bucket.legacy(JULY, {"cur-1.csv": focus("8", month="2026-07")})
    made = connect()
    work(made)
    bucket.legacy(JUNE, {"cur-1.csv": focus("1", "4")})
    look_again(made)
    return made


def books() -> list[Any]:
    """What counts, by day and what it is for."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT day, key_id, sum(effective_cost) FROM costs_dailycharge GROUP BY 1, 2 ORDER BY 1, 2")
        return cursor.fetchall()


def taken_out(source: Source, admin: Any) -> Source:
    """The same source, disconnected and with no costs."""
    connecting.disconnect(source, actor=admin)
    taking_out.take_out(source, actor=admin)
    return Source.objects.get(pk=source.pk)


def test_a_source_that_is_connected_again_brings_its_costs_back_exactly(source: Source, person: Any) -> None:
    admin, before = person(Role.ADMIN), books()
    assert stored() == 13
    taken_out(source, admin)
    assert (stored(), books()) == (0, [])

    work(connect())

    assert (stored(), books()) == (13, before)
    assert Statement.objects.filter(superseded_at=None).count() == 2
    assert [run.status for run in look_again(source)] == ["unchanged"]


def test_a_run_of_a_source_that_is_not_collected_is_not_repeated(source: Source, person: Any) -> None:
    admin, june = person(Role.ADMIN), source.runs.filter(name="2026-06").order_by("pk")[0]
    connecting.pause(source, actor=admin)
    with pytest.raises(UserError, match="aws is paused: resume it"):
        runs.queue_again(june, actor=admin)
    taken_out(source, admin)
    with pytest.raises(UserError, match="aws is disconnected: connect it"):
        runs.queue_again(june, actor=admin)
    assert not Run.objects.filter(status__in=Run.OPEN).exists()


def test_the_api_takes_costs_out_as_the_button_does(source: Source, browser_of: Any, person: Any) -> None:
    admin: Client = browser_of(Role.ADMIN)
    address = f"/api/v1/sources/{source.pk}/leave-out/"
    refused = admin.post(address)
    assert (refused.status_code, "disconnect it first" in refused.json()["detail"]) == (400, True)
    assert stored() == 13
    assert admin.delete(f"/api/v1/sources/{source.pk}/").status_code == 204

    told = admin.post(address)

    assert (told.status_code, told.json()["name"], stored()) == (200, "aws", 0)
    assert AuditEvent.objects.filter(action="source.taken_out").count() == 1
    assert "Nothing of aws counts as a cost." in admin.post(address).json()["detail"]
