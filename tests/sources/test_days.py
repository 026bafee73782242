"""The calendar of a source: what is loaded, what may still change, what is missing, in a picture, in words, by API."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Role, User
from apps.accounts.scope import Scope
from apps.costs.models import Statement
from apps.sources.days import Calendar, calendar
from apps.sources.models import Delivery, Run, Source
from tests.costs.conftest import load, owned

pytestmark = pytest.mark.django_db
TODAY = date(2026, 6, 20)
ALL = Scope.everything()


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: datetime(2026, 6, 20, 9, tzinfo=UTC))


@pytest.fixture
def source() -> Source:
    """Days of April to June, without 30 April to 2 May and without 10 June; a fee that is no day's cost."""
    found = Source.objects.create(name="aws")
    month: dict[str, Any] = {
        "charge_period_start": datetime(2026, 6, 10, tzinfo=UTC),
        "charge_period_end": datetime(2026, 7, 10, tzinfo=UTC),
    }
    days = [
        *(date(2026, 4, number) for number in range(3, 30)),
        *(date(2026, 5, number) for number in range(3, 32)),
        *(date(2026, 6, number) for number in range(1, 20) if number != 10),
    ]
    load([*(owned(day, "1") for day in days), owned(date(2026, 6, 10), "9", **month)], source="aws")
    Statement.objects.update(loaded_at=datetime(2026, 6, 20, 6, tzinfo=UTC))
    return found


def of(source: Source, scope: Scope = ALL) -> Calendar:
    return calendar(source, today=TODAY, changes_from=date(2026, 6, 18), scope=scope)


def browser(role: Role = Role.VIEWER) -> Client:
    client = Client()
    client.force_login(User.objects.create_user("somebody", role=role))
    return client


def page(source: Source) -> str:
    return " ".join(browser().get(f"/sources/{source.pk}/").content.decode().split())


def test_days_without_costs_between_others_are_missing_also_across_months(source: Source) -> None:
    found = of(source)
    assert [(str(one.first), str(one.last)) for one in found.missing] == [
        ("2026-04-30", "2026-05-02"),
        ("2026-06-10", "2026-06-10"),
    ]
    assert (found.first, found.last) == (date(2026, 4, 3), date(2026, 6, 19))


def test_a_month_has_a_mark_for_each_of_its_days_the_newest_month_first(source: Source) -> None:
    june, may, april = of(source).months
    marks = "".join(mark.value[0] for mark in june.marks)
    assert marks == "l" * 9 + "m" + "l" * 7 + "oo" + "n" * 11
    assert "".join(mark.value[0] for mark in may.marks) == "mm" + "l" * 29
    assert "".join(mark.value[0] for mark in april.marks) == "nn" + "l" * 27 + "m"
    assert [(one.first.day, one.last.day) for one in may.missing] == [(1, 2)]


def test_the_page_says_in_words_what_the_picture_shows(source: Source) -> None:
    html = page(source)
    assert "4 days are missing: 30 Apr – 2 May 2026, 10 Jun 2026." in html
    assert "18 of 30 days, 2 of them may still change; 10 Jun missing" in html
    assert "29 of 31 days; 1–2 May missing" in html
    assert html.count('<i class="day missing">') == 5  # and one in the legend
    assert html.count('<div class="days" aria-hidden="true">') == 3


def test_a_whole_source_says_so(source: Source) -> None:
    Statement.objects.filter(billing_period_start__lt=date(2026, 6, 1)).update(superseded_at=datetime.now(UTC))
    load([owned(date(2026, 6, number), "1") for number in range(1, 20)], source="aws")
    assert "No day is missing between 1 Jun 2026 and 19 Jun 2026." in page(source)


def test_rejected_rows_and_a_run_that_failed_stand_at_their_month(source: Source) -> None:
    delivery = Delivery.objects.create(source=source, path="a", sha256="1", status="loaded", rows_rejected=12)
    Statement.objects.filter(billing_period_start=date(2026, 5, 1)).update(delivery_id=delivery.pk)
    Run.objects.create(source=source, name="2026-04", billing_period=date(2026, 4, 1), status="failed", error="Old.")
    Run.objects.create(source=source, name="2026-04", billing_period=date(2026, 4, 1), status="done")
    Run.objects.create(
        source=source, name="2026-06", billing_period=date(2026, 6, 1), status="refused", error="No access."
    )
    june, may, april = of(source).months
    assert (june.failure, may.failure, april.failure) == ("No access.", "", "")
    assert (june.rejected_rows, may.rejected_rows) == (0, 12)
    html = page(source)
    assert "1–2 May missing; 12 rows rejected" in html
    assert "the newest run failed: No access." in html


def test_a_source_without_costs_by_the_day_has_no_calendar(source: Source) -> None:
    empty = Source.objects.create(name="new")
    assert of(empty) == Calendar((), None, None, ())
    assert 'id="h-days"' not in page(empty)


def test_who_sees_some_teams_alone_has_no_calendar(source: Source) -> None:
    assert of(source, Scope(("ml",))).months == ()


def test_the_api_lists_the_days_that_are_missing(source: Source) -> None:
    assert browser().get(f"/api/v1/sources/{source.pk}/gaps/").json() == {
        "start": "2026-04-03",
        "end": "2026-06-19",
        "may_change_from": "2026-06-18",
        "missing": [
            {"start": "2026-04-30", "end": "2026-05-02", "days": 3},
            {"start": "2026-06-10", "end": "2026-06-10", "days": 1},
        ],
    }


def test_a_longer_calendar_takes_no_more_queries(source: Source, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(4):
        of(source)
    load([owned(date(2025, month, 3), "1") for month in range(7, 13)], source="aws")
    with django_assert_num_queries(4):
        assert len(of(source).months) == 12
