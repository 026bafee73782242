"""The overview: the month beside the same days of the month before, honest when there is little to show."""

import json
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise

import plotly.graph_objects as go
import pytest

from apps.accounts.models import Organisation, Role, Team
from apps.accounts.scope import Scope
from apps.core.periods import Period
from apps.costs.models import ExchangeRate, Statement
from apps.dashboards import charts
from apps.dashboards.models import OverviewTeam
from apps.dashboards.overview import WORKLOAD, overview

ALL = Scope.everything()
TODAY = date(2026, 7, 10)
JULY, JUNE = date(2026, 7, 1), date(2026, 6, 1)


def shown(month=JULY, newest=date(2026, 7, 9), *, team="", currency="", today=TODAY, scope=ALL):
    """The overview as on 10 July 2026, complete to the day before."""
    return overview(month=month, team=team, currency=currency, newest=newest, today=today, scope=scope)


@pytest.fixture
def on_10_july(monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: datetime(2026, 7, 10, 8, tzinfo=UTC))


def test_days_that_may_still_change_are_hatched_and_named_and_in_the_spend(browser_of, spend, on_10_july):
    spend(*((date(2026, 7, day), "10", {}) for day in range(1, 10)), (date(2026, 6, 3), "4", {}))
    Statement.objects.update(loaded_at=datetime(2026, 7, 10, 6, tzinfo=UTC))
    client = browser_of(Role.VIEWER)
    answer = client.get("/")
    found, (block,) = answer.context["shown"], answer.context["page"].blocks
    assert found.unsettled == (False,) * 7 + (True,) * 2
    assert block.numbers.total.cost == 90
    bar = block.daily.figure["data"][0]
    assert bar["marker"]["pattern"]["shape"] == [""] * 7 + ["/"] * 2
    assert bar["hovertext"][-1] == "$10.00, may still change"
    (shade,) = block.cumulative.figure["layout"]["shapes"]
    assert (shade["x0"], shade["x1"]) == ("2026-07-07T12:00", "2026-07-09T12:00")
    go.Figure({"data": block.cumulative.figure["data"], "layout": block.cumulative.figure["layout"]})
    html = answer.content.decode()
    assert "The last 2 days may still change." in block.daily.says
    assert html.count('<span class="sub">may still change</span>') == 2
    before = client.get("/?month=2026-06")
    assert not any(before.context["shown"].unsettled)
    assert "may still change</span>" not in before.content.decode().partition('id="main"')[2].partition("<figure")[2]


def test_without_costs_there_is_one_thing_to_do(browser_of):
    html = browser_of(Role.FINANCE).get("/").content.decode()
    assert html.count("btn primary") == 1
    assert 'href="/sources/upload/"' in html
    assert "plotly" not in html.replace("plotly.js-style-global", "")


def test_who_cannot_import_is_told_who_can(browser_of):
    assert "finance" in browser_of(Role.VIEWER).get("/").content.decode()
    assert "You are in no team yet" in browser_of(Role.ENGINEERING_LEAD).get("/").content.decode()


def test_a_lead_of_a_team_without_costs_is_told_so(browser_of, spend, on_10_july):
    spend((date(2026, 7, 3), "90", {"team": "web"}))
    html = browser_of(Role.ENGINEERING_LEAD, "ml").get("/").content.decode()
    assert "Nothing is allocated to ml yet" in html
    assert "90" not in re.sub(r"<head>.*</head>|/static/[^\"]*", "", html, flags=re.DOTALL)


def test_this_month_stands_beside_the_same_days_of_the_last(spend):
    spend(
        (date(2026, 6, 9), "10", {}),
        (date(2026, 6, 10), "70", {}),
        (date(2026, 7, 9), "30", {}),
        (date(2026, 7, 10), "500", {}),
    )
    found = shown()
    assert found.period == Period(JULY, date(2026, 7, 9))
    assert found.compare == Period(JUNE, date(2026, 6, 9))
    (one,) = found.currencies
    assert (one.total.cost, one.total.previous) == (30, 10)
    assert one.so_far == 500
    assert [(month.cost, month.is_partial) for month in one.months] == [(80, False), (30, True)]
    assert (one.mean, one.peak.date) == (Decimal(30) / 9, date(2026, 7, 9))


def test_days_that_no_provider_has_sent_yet_are_compared_with_nothing(spend):
    spend((date(2026, 6, 5), "10", {}), (date(2026, 6, 8), "70", {}), (date(2026, 7, 6), "30", {}))
    (one,) = shown(newest=date(2026, 7, 6)).currencies
    assert (one.total.cost, one.total.previous, len(one.days)) == (30, 10, 6)
    assert one.so_far is None


def test_on_the_first_of_a_month_today_is_not_drawn_in_the_month_before(spend):
    spend((date(2026, 6, 30), "10", {}), (JULY, "3", {}))
    (one,) = shown(JUNE, date(2026, 6, 30), today=JULY).currencies
    assert one.so_far is None


@pytest.mark.parametrize(
    ("newest", "month", "period", "compare"),
    [
        (date(2026, 7, 9), JUNE, ("2026-06-01", "2026-06-30"), ("2026-05-01", "2026-05-31")),
        (date(2026, 3, 30), date(2026, 3, 1), ("2026-03-01", "2026-03-30"), ("2026-02-01", "2026-02-28")),
        (date(2027, 1, 19), date(2027, 1, 1), ("2027-01-01", "2027-01-19"), ("2026-12-01", "2026-12-19")),
    ],
)
def test_a_month_is_compared_with_days_that_exist(db, newest, month, period, compare):
    found = shown(month, newest)
    assert (str(found.period.first), str(found.period.last)) == period
    assert (str(found.compare.first), str(found.compare.last)) == compare


def test_old_bills_are_found_and_shown_with_their_own_year(browser_of, spend):
    spend((date(2023, 11, 13), "4.5", {}), (date(2023, 10, 2), "2", {}))
    page = browser_of(Role.VIEWER).get("/").context["page"]
    assert page.shown.period == Period(date(2023, 11, 1), date(2023, 11, 13))
    assert [month.cost for month in page.blocks[0].months] == [2, Decimal("4.5")]


def test_movers_are_those_that_changed_most_up_or_down(spend):
    spend(
        *((JUNE, f"{100 + number}", {"service_name": f"S{number}", "team": "a"}) for number in range(8)),
        *((JULY, "100", {"service_name": f"S{number}", "team": "a"}) for number in range(7)),
        (JULY, "3", {"service_name": "New"}),
    )
    (one,) = shown().currencies
    changes = [(mover.part, mover.service, mover.cost - mover.previous) for mover in one.movers]
    assert changes[:3] == [("a", "S7", -107), ("a", "S6", -6), ("a", "S5", -5)]
    assert len(changes) == 6
    assert all(abs(first[2]) >= abs(second[2]) for first, second in pairwise(changes))
    assert one.movers[0].drawn == 50


def test_one_team_is_split_by_its_workloads(spend):
    spend((JULY, "10", {"team": "ml"}), (JULY, "90", {"team": "web"}), (JULY, "7", {}))
    for found in (shown(team="ml"), shown(scope=Scope(("ml",)))):
        assert found.by == WORKLOAD
        assert found.currencies[0].total.cost == 10
        assert found.currencies[0].unallocated is None
    assert shown().currencies[0].unallocated == 7


def test_currencies_stay_apart_and_a_missing_rate_is_told(browser_of, spend, on_10_july):
    spend((JULY, "10", {}), (JULY, "90", {"billing_currency": "EUR"}))
    Organisation.objects.create(reporting_currency="USD")
    client = browser_of(Role.FINANCE)
    answer = client.get("/")
    assert [block.numbers.currency for block in answer.context["page"].blocks] == ["EUR", "USD"]
    assert "No exchange rate EUR to USD" in answer.content.decode()
    for month in ("2026-06-01", "2026-07-01"):
        ExchangeRate.objects.create(currency="EUR", reporting_currency="USD", month=month, rate="2")
    (block,) = client.get("/").context["page"].blocks
    assert block.numbers.total.cost == 190


def test_tiles_table_chart_and_groups_add_up(browser_of, spend, on_10_july):
    spend(*((date(2026, 6, day), f"{day}.333", {"service_name": f"S{day}", "team": f"t{day}"}) for day in range(1, 21)))
    answer = browser_of(Role.VIEWER).get("/?month=2026-06")
    (block,) = answer.context["page"].blocks
    total = Decimal("216.66")
    assert block.numbers.total.cost == total
    for rows in (block.parts, block.services):
        assert sum(row.cost for row in rows) == total
        assert rows[-1].name == "Other (13)"
        assert abs(sum(row.share for row in rows) - 1) < Decimal("1e-20")
    assert sum(day.cost for day in block.numbers.days) == block.days[19].to_date == total
    figures = re.findall(r'<script id="daily-USD"[^>]*>(.*?)</script>', answer.content.decode())
    assert sum(json.loads(figures[0])["data"][0]["y"]) == pytest.approx(float(total))


def test_every_tile_leads_to_an_explorer_with_the_same_number(browser_of, spend, on_10_july):
    spend(
        *((date(2026, 6, day), f"{day}.11", {"team": "ml", "service_name": "S3"}) for day in range(1, 31)),
        *((date(2026, 7, day), f"{day}.07", {"team": "ml", "service_name": f"S{day}"}) for day in range(1, 11)),
        (date(2026, 7, 2), "3.5", {}),
    )
    client = browser_of(Role.FINANCE)
    page = client.get("/").context["page"]
    numbers, links = page.blocks[0].numbers, page.links
    expected = {
        links.spend: numbers.total.cost,
        links.mean: numbers.total.cost,
        links.parts: numbers.total.cost,
        links.movers: numbers.total.cost,
        links.unallocated: numbers.unallocated,
        links.months: sum(month.cost for month in numbers.months),
        page.blocks[0].parts[0].url: page.blocks[0].parts[0].cost,
        page.blocks[0].movers[0].url: page.blocks[0].movers[0].cost,
    }
    for url, cost in expected.items():
        answer = client.get(url.replace("/costs/", "/api/v1/costs/", 1)).json()
        assert Decimal(answer["total"]) == cost, url
        assert f'value="{cost:f}"' in client.get(url).content.decode(), url
    compared = client.get(links.compared.replace("/costs/", "/api/v1/costs/", 1)).json()
    assert Decimal(compared["totals"][0]["previous"]) == numbers.total.previous
    assert all(client.get(url).status_code == 200 for _, url in links.exports)


def test_figures_are_what_plotly_understands(spend):
    spend(*((date(2026, month, 1), "1.5", {}) for month in range(1, 8)), (date(2026, 7, 10), "2", {}))
    found = shown()
    (one,) = found.currencies
    links = [f"/?month={month.first:%Y-%m}" for month in one.months]
    for figure in (charts.daily(found, one), charts.cumulative(found, one), charts.by_month(one, links)):
        go.Figure({"data": figure["data"], "layout": figure["layout"]})
        go.Figure({"layout": figure["narrow"]})
    meta = charts.by_month(one, links)["data"][0]["meta"]
    assert [link.join(meta["around"]) for link in meta["links"]] == links
    assert charts.daily(found, one)["data"][1]["name"] == "Today so far"


@pytest.mark.parametrize(
    ("asked", "said"),
    [("soon", "is not a month and was ignored"), ("2027-01", "January 2027 has no complete day with costs yet")],
)
def test_a_month_that_cannot_be_shown_is_ignored_with_a_word_about_it(browser_of, spend, on_10_july, asked, said):
    spend((date(2026, 6, 3), "1", {}))
    answer = browser_of(Role.VIEWER).get(f"/?month={asked}")
    assert said in answer.content.decode()
    assert answer.context["shown"].month.first == JUNE


def test_a_month_without_cost_says_so_and_offers_others(browser_of, spend, on_10_july):
    spend((date(2026, 6, 3), "1", {}))
    html = browser_of(Role.VIEWER).get("/?month=2026-04").content.decode()
    assert "No cost in 1–30 Apr" in html
    assert '<option value="2026-06">' in html


def test_a_lead_sees_their_own_costs_alone(browser_of, spend, on_10_july):
    spend((date(2026, 6, 3), "10", {"team": "ml"}), (date(2026, 6, 3), "90", {"team": "web"}))
    client = browser_of(Role.ENGINEERING_LEAD, "ml")
    assert client.get("/?month=2026-06").context["page"].blocks[0].numbers.total.cost == 10
    answer = client.get("/?team=web")
    assert answer.context["page"].blocks[0].numbers.total.cost == 10
    assert "There is no team &#x27;web&#x27; whose costs you may see" in answer.content.decode()


def test_the_team_that_was_chosen_is_remembered_and_the_address_wins(browser_of, spend, on_10_july):
    spend((date(2026, 7, 3), "10", {"team": "ml"}), (date(2026, 7, 3), "90", {"team": "web"}))
    client = browser_of(Role.VIEWER)
    assert client.post("/overview/team/", {"team": "ml", "month": "2026-07"}).url == "/?month=2026-07&team=ml"
    assert client.get("/?month=2026-06").url == "/?month=2026-06&team=ml"
    assert client.get("/?team=web").context["page"].blocks[0].numbers.total.cost == 90
    assert client.get("/?team=").context["page"].blocks[0].numbers.total.cost == 100
    assert client.post("/overview/team/", {"team": ""}).url == "/"
    assert client.get("/").status_code == 200


def test_a_team_outside_of_the_scope_is_neither_chosen_nor_remembered(browser_of, spend):
    Team.objects.create(slug="web", name="Web")
    client = browser_of(Role.ENGINEERING_LEAD, "ml")
    assert client.post("/overview/team/", {"team": "web"}).status_code == 404
    assert not OverviewTeam.objects.exists()


def test_a_remembered_team_that_one_may_no_longer_see_is_not_followed(browser_of, spend, person, on_10_july):
    spend((date(2026, 7, 3), "10", {"team": "ml"}))
    client = browser_of(Role.ENGINEERING_LEAD, "ml", "web")
    client.post("/overview/team/", {"team": "web"})
    Team.objects.get(slug="web").members.clear()
    assert client.get("/").status_code == 200


def test_a_provider_that_lags_is_named_and_one_that_ended_is_not(browser_of, spend, on_10_july):
    spend(
        (date(2026, 7, 9), "10", {"provider_name": "AWS"}),
        (date(2026, 7, 4), "20", {"provider_name": "Google Cloud"}),
        (date(2026, 1, 4), "20", {"provider_name": "Old Host"}),
    )
    html = browser_of(Role.VIEWER).get("/").content.decode()
    assert "Google Cloud is late." in html.replace("\n", " ")
    assert "Its costs stop at 4 Jul." in html
    assert "Old Host is late" not in html
    assert "1 of 3 providers late" in html
    assert "8 hours ago" in html
