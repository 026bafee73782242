"""The overview: the month beside the same days of the month before, honest when there is little to show."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from apps.accounts.models import Role
from apps.accounts.scope import Scope
from apps.core.periods import Period
from apps.dashboards.overview import overview

ALL = Scope.everything()
TODAY = date(2026, 7, 10)


def test_without_costs_there_is_one_thing_to_do(browser_of):
    html = browser_of(Role.FINANCE).get("/").content.decode()
    assert html.count("btn primary") == 1
    assert 'href="/sources/upload/"' in html


def test_who_cannot_import_is_told_who_can(browser_of):
    assert "finance" in browser_of(Role.VIEWER).get("/").content.decode()
    assert "You are in no team yet" in browser_of(Role.ENGINEERING_LEAD).get("/").content.decode()


def test_this_month_stands_beside_the_same_days_of_the_last(spend):
    spend(
        (date(2026, 6, 9), "10", {}),
        (date(2026, 6, 10), "70", {}),
        (date(2026, 7, 9), "30", {}),
        (date(2026, 7, 10), "500", {}),
    )
    shown = overview(month=None, currency="", scope=ALL, today=TODAY)
    assert shown.period == Period(date(2026, 7, 1), date(2026, 7, 9))
    assert shown.compare == Period(date(2026, 6, 1), date(2026, 6, 9))
    (services,) = shown.services
    assert (services.total.cost, services.total.previous) == (30, 10)
    assert [bucket.is_partial for bucket in shown.months[0].buckets] == [False, True]


@pytest.mark.parametrize(
    ("today", "month", "period", "compare"),
    [
        (date(2026, 7, 1), None, ("2026-06-01", "2026-06-30"), ("2026-05-01", "2026-05-31")),
        (TODAY, date(2026, 6, 1), ("2026-06-01", "2026-06-30"), ("2026-05-01", "2026-05-31")),
        (date(2026, 3, 31), date(2026, 3, 1), ("2026-03-01", "2026-03-30"), ("2026-02-01", "2026-02-28")),
        (date(2027, 1, 20), date(2027, 1, 1), ("2027-01-01", "2027-01-19"), ("2026-12-01", "2026-12-19")),
    ],
)
def test_a_month_is_compared_with_days_that_exist(spend, today, month, period, compare):
    spend((date(2026, 1, 2), "1", {}), (today, "1", {}))
    shown = overview(month=month, currency="", scope=ALL, today=today)
    assert (str(shown.period.first), str(shown.period.last)) == period
    assert (str(shown.compare.first), str(shown.compare.last)) == compare


def test_old_bills_are_found_and_shown_with_their_own_year(spend):
    spend((date(2023, 11, 13), "4.5", {}), (date(2023, 10, 2), "2", {}))
    shown = overview(month=None, currency="", scope=ALL, today=TODAY)
    assert shown.period == Period(date(2023, 11, 1), date(2023, 11, 30))
    assert [bucket.total for bucket in shown.months[0].buckets] == [2, Decimal("4.5")]


def test_tiles_months_services_and_teams_add_up(browser_of, spend, monkeypatch):
    spend(*((date(2026, 6, day), f"{day}.333", {"service_name": f"S{day}", "team": f"t{day}"}) for day in range(1, 21)))
    monkeypatch.setattr("django.utils.timezone.now", lambda: datetime(2026, 7, 10, tzinfo=UTC))
    answer = browser_of(Role.VIEWER).get("/")
    shown = answer.context["shown"]
    total = Decimal("216.66")
    for sections in (shown.services, shown.teams):
        assert sections[0].total.cost == sum(line.cost for line in sections[0].lines) == total
        assert sections[0].lines[-1].cells[0].text == "Other (10)"
    assert shown.months[0].buckets[-1].total == total
    assert 'value="216.66' in answer.content.decode()


def test_a_month_that_is_none_is_ignored_with_a_word_about_it(browser_of, spend):
    spend((date(2026, 6, 3), "1", {}))
    answer = browser_of(Role.VIEWER).get("/?month=soon")
    assert "is not a month and was ignored" in answer.content.decode()


def test_a_lead_sees_their_own_costs_alone(browser_of, spend):
    spend((date(2026, 6, 3), "10", {"team": "ml"}), (date(2026, 6, 3), "90", {"team": "web"}))
    shown = browser_of(Role.ENGINEERING_LEAD, "ml").get("/?month=2026-06").context["shown"]
    assert shown.services[0].total.cost == 10
