"""Which days may still change, told from what newer deliveries changed of older ones."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.accounts.models import Role
from apps.accounts.scope import Scope
from apps.costs.models import Restatement, Statement
from apps.costs.queries import Freshness, freshness
from tests.costs.conftest import load, owned

EVERYTHING = Scope.everything()
pytestmark = pytest.mark.django_db
Deliver = Callable[..., None]


@pytest.fixture
def deliver() -> Deliver:
    """Loads June from its first day to the day before `on`, as a delivery of that day; `changed` days cost one more."""

    def load_june(on: date, changed: dict[date, str] | None = None, source: str = "aws", provider: str = "AWS") -> None:
        first = date(2026, 6, 1)
        days = [first + timedelta(days=number) for number in range((min(on, date(2026, 7, 1)) - first).days)]
        costs = dict.fromkeys(days, "1") | (changed or {})
        load([owned(day, costs[day], provider_name=provider) for day in days], source=source)
        # it is always today in a test's database
        newest = Statement.objects.filter(source=source).latest("pk")
        at = datetime.combine(on, datetime.min.time(), UTC) + timedelta(hours=6)
        Statement.objects.filter(pk=newest.pk).update(loaded_at=at)

    return load_june


def fresh(today: date, scope: Scope = EVERYTHING) -> Freshness:
    return freshness(today=today, scope=scope)


def test_without_history_two_complete_days_may_still_change(deliver: Deliver) -> None:
    deliver(date(2026, 6, 10))
    (one,) = fresh(date(2026, 6, 10)).sources
    assert (one.day, one.changes_from, one.days_may_change) == (date(2026, 6, 9), date(2026, 6, 8), 2)
    assert fresh(date(2026, 6, 10)).changes_from() == date(2026, 6, 8)


def test_a_bill_that_was_loaded_long_after_its_days_does_not_change_any_more(deliver: Deliver) -> None:
    deliver(date(2026, 7, 20))
    (one,) = fresh(date(2026, 7, 21)).sources
    assert one.day == date(2026, 6, 30)
    assert one.days_may_change == 0
    assert fresh(date(2026, 7, 21)).changes_from() is None


def test_a_delivery_notes_how_old_the_oldest_day_was_that_it_changed() -> None:
    today = datetime.now(UTC).date()
    days = [today - timedelta(days=number) for number in range(6)]
    bill: dict[str, Any] = {
        "billing_period_start": days[-1],
        "billing_period_end": today + timedelta(days=20),
        "service_name": "Compute",
    }
    load([owned(day, "1", **bill) for day in days[2:]])
    yesterday = datetime.now(UTC) - timedelta(days=1)
    Statement.objects.update(loaded_at=yesterday)
    load([owned(day, "2" if day == days[4] else "1", **bill) for day in days[1:]])
    load([owned(day, "2" if day == days[4] else "1", **bill) for day in days])

    first, second, third = Statement.objects.order_by("pk")

    assert first.restated_days is None
    assert second.restated_days == 4
    assert third.restated_days == 0
    assert not Restatement.objects.exists()  # the period is open: these are its usual changes


def test_a_day_that_was_not_over_and_a_fee_of_a_month_are_no_restatement() -> None:
    today = datetime.now(UTC).date()
    yesterday = today - timedelta(days=1)
    bill: dict[str, Any] = {"billing_period_start": yesterday, "billing_period_end": today + timedelta(days=20)}
    month: dict[str, Any] = {
        "charge_period_start": datetime.combine(yesterday, datetime.min.time(), UTC),
        "charge_period_end": datetime.combine(yesterday + timedelta(days=30), datetime.min.time(), UTC),
    }
    load([owned(yesterday, "1", **bill), owned(today, "1", **bill), owned(yesterday, "9", **bill, **month)])
    load([owned(yesterday, "1", **bill), owned(today, "5", **bill), owned(yesterday, "11", **bill, **month)])

    assert [one.restated_days for one in Statement.objects.order_by("pk")] == [None, 0]


def test_what_nine_of_ten_deliveries_changed_is_what_may_still_change(deliver: Deliver) -> None:
    for number in range(11):
        deliver(date(2026, 6, 10) + timedelta(days=number))
    ages = [None, 0, 3, 3, 3, 3, 3, 3, 3, 3, 19]  # once the whole month was changed
    for statement, age in zip(Statement.objects.order_by("pk"), ages, strict=True):
        Statement.objects.filter(pk=statement.pk).update(restated_days=age)

    (one,) = fresh(date(2026, 6, 20)).sources

    assert one.settles == 3
    assert one.changes_from == date(2026, 6, 17)
    assert one.days_may_change == 3
    assert one.usual_lag == 1


def test_a_few_deliveries_are_no_habit(deliver: Deliver) -> None:
    for number in range(4):
        deliver(date(2026, 6, 10) + timedelta(days=number))
    Statement.objects.update(restated_days=7)
    assert fresh(date(2026, 6, 13)).sources[0].settles == 2


def test_each_source_of_a_provider_is_told_apart_and_who_is_far_behind_shades_nothing(deliver: Deliver) -> None:
    deliver(date(2026, 6, 20))
    deliver(date(2026, 6, 4), source="aws-2")
    deliver(date(2026, 6, 19), source="gcp", provider="Google Cloud")

    found = fresh(date(2026, 6, 20))

    assert [(one.provider, one.source, one.day.day) for one in found.sources] == [
        ("Google Cloud", "gcp", 18),
        ("AWS", "aws", 19),
        ("AWS", "aws-2", 3),
    ]
    assert found.changes_from() == date(2026, 6, 17)
    assert found.changes_from(["AWS"]) == date(2026, 6, 18)
    assert found.of_source("aws-2") == date(2026, 6, 2)
    assert found.of_source("nothing") is None


def test_a_correction_of_a_period_that_is_over_keeps_what_it_changed_by_service() -> None:
    def june(compute: str, storage: str) -> None:
        load(
            [
                owned(date(2026, 6, 3), compute, service_name="Compute", sub_account_id="1"),
                owned(date(2026, 6, 4), storage, service_name="Storage", sub_account_id="1"),
                owned(date(2026, 6, 5), "5", service_name="Network"),
            ]
        )

    june("100.5", "20")
    june("90.25", "20.000000000000000001")

    changes = Restatement.objects.order_by("service").values_list("service", "sub_account", "before", "after")
    assert list(changes) == [
        ("Compute", "1", Decimal("100.5"), Decimal("90.25")),
        ("Storage", "1", Decimal(20), Decimal("20.000000000000000001")),
    ]


def test_the_api_says_which_days_may_still_change_and_names_sources_only_to_who_may_see_them(
    api: Callable[..., APIClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: datetime(2026, 6, 10, 8, tzinfo=UTC))
    load([owned(date(2026, 6, 9), "1", "ml", provider_name="AWS")], source="northwind-prod")
    at = datetime(2026, 6, 10, 6, 10, tzinfo=UTC)
    Statement.objects.update(loaded_at=at)
    told = {
        "name": "northwind-prod",
        "provider": "AWS",
        "as_of": "2026-06-09",
        "loaded_at": "2026-06-10T06:10:00Z",
        "days_may_change": 2,
    }
    address = "/api/v1/costs/?start=2026-06-01&end=2026-06-09"

    meta = api(Role.VIEWER).get(address).json()["meta"]
    lead = api(Role.ENGINEERING_LEAD, "ml").get(address).json()["meta"]
    other = api(Role.ENGINEERING_LEAD, "web").get(address).json()["meta"]

    assert meta["sources"] == [told]
    assert meta["may_change_from"] == "2026-06-08"
    assert lead["sources"] == [told | {"name": None}]
    assert other["sources"] == []
    assert other["may_change_from"] is None
