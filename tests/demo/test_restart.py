"""A load that dies half-way: the next one finishes it, and nothing is loaded twice."""

from datetime import date
from typing import Any

import pytest

from apps.accounts.models import AuditEvent, User
from apps.accounts.scope import Scope
from apps.costs import loader
from apps.demo.generator import PROVIDERS
from apps.demo.models import DemoOrganisation
from apps.demo.queries import demo_loaded, stories, wants_demo
from apps.demo.services import Progress, load_demo
from apps.sources.models import Delivery
from apps.sources.queries import deliveries, reports
from finops import demo as at_the_start
from finops.progress import Progress as Steps

pytestmark = pytest.mark.django_db

UNTIL = date(2026, 6, 3)
DIES_AT = 3


def load(tell: Any = lambda _: None) -> DemoOrganisation:
    """Three days of the demo."""
    return load_demo(until=UNTIL, progress=tell, months=1)


def test_a_killed_load_is_finished_by_the_next_with_the_day_that_it_began_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    replace, calls = loader.replace, iter(range(100))

    def dies(*words: Any, **named: Any) -> Any:
        if next(calls) == DIES_AT:
            raise SystemExit("killed")
        return replace(*words, **named)

    with monkeypatch.context() as patched:
        patched.setattr(loader, "replace", dies)
        with pytest.raises(SystemExit):
            load()
    assert demo_loaded()
    assert wants_demo()
    assert stories() == []
    assert Delivery.objects.filter(status=Delivery.Status.LOADED).count() == DIES_AT

    done = load_demo(until=date(2026, 9, 1), progress=lambda _: None, months=1)

    assert done.until == UNTIL
    assert not wants_demo()
    bills = deliveries(scope=Scope.everything(), search="-2026-06.parquet")
    entries = reports(bills, scope=Scope.everything())
    assert sum(entry.is_reconciled for entry in entries) == len(PROVIDERS)
    assert [entry.delivery.status for entry in entries if not entry.is_reconciled] == [Delivery.Status.FAILED]
    assert User.objects.count() == 4
    assert AuditEvent.objects.filter(action="demo.loaded").count() == 1
    assert "unattached-disks" in {story.slug for story in stories()}


def test_progress_counts_bills_and_rows() -> None:
    told: list[Progress] = []
    load(told.append)

    assert [now.bills for now in told] == [1, 2, 3, 4, 5]
    assert {now.of for now in told} == {5}
    assert told[-1].rows > 2_000
    assert told[-1].seconds_left == 0


def test_a_start_loads_it_into_an_empty_database_and_not_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(at_the_start, "load_demo", lambda progress, **_: load(progress))
    assert at_the_start.demo_logins() == ""

    at_the_start.load_where_wanted(Steps())
    assert "5 of 5 bills" in capsys.readouterr().out
    assert at_the_start.demo_logins() == 'Sign in as admin, finance, ml-lead or viewer with the password "demo".'

    at_the_start.load_where_wanted(Steps())
    assert capsys.readouterr().out == ""


def test_a_start_leaves_a_database_alone_that_has_a_user() -> None:
    User.objects.create_user("somebody")

    at_the_start.load_where_wanted(Steps())

    assert not demo_loaded()
