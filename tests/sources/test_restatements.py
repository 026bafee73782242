"""Corrections of periods that are over: how much, where, and who is told."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import Role, User
from apps.accounts.scope import Scope
from apps.costs.models import Statement
from apps.sources.models import Source
from apps.sources.restatements import MOST_CHANGES, corrections, recent_corrections
from tests.costs.conftest import load, owned

pytestmark = pytest.mark.django_db
ALL = Scope.everything()
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def june(source: Source, *costs: str, account: str = "111", currency: str = "USD") -> None:
    """A bill of June, a service for each cost."""
    rows = [
        owned(
            date(2026, 6, 3),
            cost,
            service_name=f"Service {number}",
            sub_account_id="222",
            billing_account_id=account,
            billing_currency=currency,
        )
        for number, cost in enumerate(costs)
    ]
    load(rows, source=source.name)


@pytest.fixture
def source() -> Source:
    return Source.objects.create(name="aws")


@pytest.fixture
def viewer() -> Client:
    client = Client()
    client.force_login(User.objects.create_user("viewer", role=Role.VIEWER))
    return client


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def test_a_correction_says_what_changed_most_and_adds_up(source: Source) -> None:
    june(source, *(["10"] * 14))
    june(source, "10", *(str(10 + number) for number in range(1, 13)), "-30")

    (one,) = corrections(source, scope=ALL)

    assert one.before == 140
    assert one.after == 140 + 78 - 40
    assert (one.billing_period, one.currency) == (date(2026, 6, 1), "USD")
    assert [(change.service, f"{change.after - change.before:f}") for change in one.changes[:3]] == [
        ("Service 13", "-40.000000000000000000"),
        ("Service 12", "12.000000000000000000"),
        ("Service 11", "11.000000000000000000"),
    ]
    rest = one.changes[-1]
    assert (rest.service, rest.sub_account, rest.count) == (None, None, 4)
    assert sum(change.after - change.before for change in one.changes) == one.after - one.before


def test_as_many_changes_as_are_told_are_each_named(source: Source) -> None:
    june(source, *(["10"] * MOST_CHANGES))
    june(source, *(["11"] * MOST_CHANGES))

    (one,) = corrections(source, scope=ALL)

    named = {change.service for change in one.changes}
    assert None not in named
    assert len(named) == MOST_CHANGES


def test_accounts_and_deliveries_are_told_apart_the_newest_first(source: Source) -> None:
    june(source, "10")
    june(source, "11")
    june(source, "20", account="222")
    june(source, "20", account="222")  # the same again is no correction
    june(source, "12.5")
    found = corrections(source, scope=ALL)
    assert [one.before for one in found] == [Decimal(11), Decimal(10)]
    assert [one.after for one in found] == [Decimal("12.5"), Decimal(11)]


def test_a_bill_in_another_currency_is_no_correction_of_the_first(source: Source) -> None:
    june(source, "10")
    june(source, "9", currency="EUR")
    assert corrections(source, scope=ALL) == []


def test_costs_that_moved_between_services_are_told_with_their_sum(source: Source, viewer: Client) -> None:
    june(source, "10", "5")
    june(source, "8", "7")
    (one,) = corrections(source, scope=ALL)
    assert one.before == one.after
    assert len(one.changes) == 2
    assert "June 2026 was told otherwise on" in text(viewer.get(f"/sources/{source.pk}/"))
    assert recent_corrections(scope=ALL, since=LONG_AGO) == []


def test_the_open_period_is_never_corrected(source: Source) -> None:
    today = timezone.now().date()
    days: dict[str, Any] = {
        "billing_period_start": today.replace(day=1),
        "billing_period_end": today + timedelta(days=32),
    }
    load([owned(today.replace(day=1), "1", **days)], source="aws")
    load([owned(today.replace(day=1), "2", **days)], source="aws")
    assert corrections(source, scope=ALL) == []


def test_the_overview_tells_recent_corrections_and_no_older_ones(source: Source, viewer: Client) -> None:
    june(source, "100.50")
    june(source, "98.25")
    html = text(viewer.get("/"))
    assert "Corrected by providers in the last 14 days." in html
    assert "June 2026 changed by −$2.25 on" in html
    assert f'href="/sources/{source.pk}/#h-corrections"' in html
    page = text(viewer.get(f"/sources/{source.pk}/"))
    assert "June 2026 changed by −$2.25 on" in page
    assert "Service 0" in page
    Statement.objects.update(loaded_at=timezone.now() - timedelta(days=15))
    assert "Corrected by providers" not in text(viewer.get("/"))


def test_who_sees_some_teams_alone_is_told_of_no_correction(source: Source) -> None:
    june(source, "100")
    june(source, "98")
    lead = Scope(("ml",))
    assert corrections(source, scope=lead) == []
    assert recent_corrections(scope=lead, since=LONG_AGO) == []


def test_the_api_lists_corrections_as_exact_text(source: Source, viewer: Client) -> None:
    june(source, "100.5")
    june(source, "98.25")
    answer = viewer.get(f"/api/v1/sources/{source.pk}/corrections/").json()
    (one,) = answer["results"]
    assert (one["billing_period"], one["before"], one["after"]) == ("2026-06-01", "100.5", "98.25")
    assert one["changes"] == [
        {"service": "Service 0", "sub_account": "222", "before": "100.5", "after": "98.25", "count": 1}
    ]
    assert viewer.get("/api/v1/sources/4711/corrections/").status_code == 404
    assert viewer.get(f"/api/v1/sources/{source.pk}/corrections/?since=x").status_code == 400
