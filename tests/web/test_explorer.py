"""The cost explorer: the address is the state, and tile, chart, rows and dates add up."""

from datetime import UTC, date, datetime
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest

from apps.accounts.models import Organisation, Role
from apps.costs.models import ExchangeRate

JUNE = "start=2026-06-01&end=2026-06-30"
D = date(2026, 6, 3)


@pytest.fixture
def services(spend):
    """Twelve services over two days, one with a credit."""
    spend(
        *((date(2026, 6, 3), f"{number}.005", {"service_name": f"Service {number:02}"}) for number in range(1, 13)),
        *((date(2026, 6, 9), "1.1", {"service_name": f"Service {number:02}"}) for number in range(1, 13)),
        (date(2026, 6, 9), "-0.5", {"service_name": "Service 01", "charge_category": "Credit"}),
    )


def shown(client, address):
    """The first section that the page at the address shows."""
    answer = client.get(address)
    assert answer.status_code == 200, answer.headers.get("Location")
    return answer.context["shown"][0].section


@pytest.mark.parametrize("granularity", ["none", "day", "week", "month"])
@pytest.mark.parametrize("limit", [1, 5, 50])
def test_rows_dates_and_the_rest_add_up_to_the_total(browser_of, services, granularity, limit):
    section = shown(browser_of(Role.VIEWER), f"/costs/?{JUNE}&granularity={granularity}&group_by=service&limit={limit}")
    total = Decimal("78.06") + Decimal("13.2") - Decimal("0.5")
    assert section.total.cost == total
    assert sum(line.cost for line in section.lines) == total
    assert len(section.lines) == min(limit + 1, 12)
    if granularity != "none":
        assert sum(bucket.total for bucket in section.buckets) == total
        for index, line in enumerate(section.lines):
            assert sum(bucket.costs[index] or 0 for bucket in section.buckets) == line.cost
    assert sum(line.share for line in section.lines) == pytest.approx(1)


def test_the_rest_is_named_other_with_its_number_and_leads_nowhere(browser_of, services):
    other = shown(browser_of(Role.VIEWER), f"/costs/?{JUNE}&group_by=service&limit=5").lines[-1]
    assert [cell.text for cell in other.cells] == ["Other (7)"]
    assert other.cells[0].url == other.charges_url == ""
    assert other.colour == "var(--c-other)"


def test_choosing_a_row_adds_a_filter_and_goes_one_step_deeper(browser_of, services):
    client = browser_of(Role.VIEWER)
    line = shown(client, f"/costs/?{JUNE}&group_by=service").lines[0]
    drilled = parse_qs(urlsplit(line.cells[0].url).query)
    assert drilled["filter[service]"] == ["Service 12"]
    assert drilled["group_by"] == ["sku"]
    assert shown(client, line.cells[0].url).total.cost == line.cost


def test_the_charges_behind_a_row_add_up_to_it_and_name_their_delivery_and_row(browser_of, services):
    client = browser_of(Role.VIEWER)
    line = shown(client, f"/costs/?{JUNE}&group_by=service").lines[0]
    page = client.get(line.charges_url).context["page"]
    assert sum(charge.effective_cost for charge in page) == line.cost == Decimal("13.105")
    assert [charge.first_row for charge in page] == [12, 24]


@pytest.mark.parametrize("value", ["", 'cold, "archive"', "a,b", "R&D = 50%", "größe/λ"])
def test_any_value_survives_the_address(browser_of, spend, value):
    spend((D, "2.5", {"tags": {"env": value} if value else None}), (D, "1", {"tags": {"env": "other"}}))
    client = browser_of(Role.VIEWER)
    line = shown(client, f"/costs/?{JUNE}&group_by=tag:env").lines[0]
    assert line.cost == Decimal("2.5")
    assert shown(client, line.cells[0].url).total.cost == Decimal("2.5")


def test_a_form_sends_one_address_however_it_was_filled(browser_of, services):
    client = browser_of(Role.VIEWER)
    answer = client.get(
        "/costs/?period=last_30d&start=2026-06-01&end=&group_by=service&group_by=region&currency=&metric=billed"
    )
    assert answer.status_code == 302
    assert answer.url == "/costs/?period=last_30d&group_by=service,region&metric=billed"
    assert client.get(answer.url).status_code == 200


def test_the_first_visit_shows_the_newest_month_where_thirty_days_have_nothing(browser_of, services):
    answer = browser_of(Role.VIEWER).get("/costs/")
    assert answer.url == "/costs/?start=2026-06-01&end=2026-06-30&granularity=day&group_by=service"


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ("group_by=colour", "group_by"),
        ("metric=love", "metric"),
        ("limit=0", "limit"),
        ("compare=yesterday", "compare"),
        ("start=2026-06-31&end=2026-07-01", "start"),
        ("end=2026-06-30", "start"),
        ("filter[colour]=red", "filter[colour]"),
        ("currency=dollar", "currency"),
        ("order_by=-delta", "order_by"),
        ('filter[service]="a', "filter[service]"),
    ],
)
def test_what_cannot_be_used_is_ignored_with_a_word_about_it(browser_of, services, wrong, named):
    answer = browser_of(Role.VIEWER).get(f"/costs/?{wrong}")
    assert answer.status_code == 200
    assert [text for text in answer.context["notices"] if text.startswith(f"{named} was ignored: ")]


def test_currencies_stand_apart_and_are_never_added(browser_of, spend):
    spend((D, "10", {}), (D, "7", {"billing_currency": "EUR"}))
    sections = browser_of(Role.VIEWER).get(f"/costs/?{JUNE}&group_by=service").context["shown"]
    assert [(one.section.currency, one.section.total.cost) for one in sections] == [("EUR", 7), ("USD", 10)]


def test_a_missing_rate_is_said_and_amounts_stay_as_billed(browser_of, spend):
    spend((D, "10", {}), (D, "7", {"billing_currency": "EUR"}))
    Organisation.objects.create(reporting_currency="USD")
    client = browser_of(Role.ADMIN)
    answer = client.get(f"/costs/?{JUNE}")
    assert "No exchange rate EUR to USD for June 2026." in answer.content.decode()
    assert [one.section.currency for one in answer.context["shown"]] == ["EUR", "USD"]
    assert "No exchange rate EUR to USD for June 2026." in client.get("/settings/exchange-rates/").content.decode()
    ExchangeRate.objects.create(currency="EUR", reporting_currency="USD", month=date(2026, 6, 1), rate=Decimal("1.1"))
    (converted,) = client.get(f"/costs/?{JUNE}").context["shown"]
    assert converted.section.total.cost == Decimal("17.7")
    assert "No exchange rate" not in client.get("/settings/exchange-rates/").content.decode()


def test_a_filter_is_picked_from_the_values_that_there_are(browser_of, services):
    client = browser_of(Role.VIEWER)
    picker = client.get(f"/costs/?{JUNE}&group_by=region&pick=service").context["picker"]
    assert [one.value for one in picker.values][:2] == ["Service 01", "Service 02"]
    answer = client.get(f"/costs/?{JUNE}&group_by=region&pick=service&how=exclude&value=Service+01&value=Service+02")
    assert answer.url == f"/costs/?{JUNE}&group_by=region&exclude[service]=Service+01,Service+02"
    page = client.get(answer.url)
    assert [(chip.text, chip.values) for chip in page.context["chips"]] == [
        ("Service is not", "Service 01, Service 02")
    ]
    assert client.get(page.context["chips"][0].url).context["chips"] == []


def test_a_filter_that_matches_nothing_offers_to_be_removed(browser_of, services):
    answer = browser_of(Role.VIEWER).get(f"/costs/?{JUNE}&group_by=service&filter[region]=mars")
    assert "No cost matches these filters" in answer.content.decode()
    assert "Remove “Region is mars”" in answer.content.decode()


def test_a_change_is_against_the_days_before_and_has_no_per_cent_without_a_base(browser_of, spend):
    spend((date(2026, 6, 3), "30", {}), (date(2026, 5, 30), "20", {}))
    client = browser_of(Role.VIEWER)
    html = client.get("/costs/?start=2026-06-01&end=2026-06-10&compare=previous&group_by=service").content.decode()
    assert "+$10.00" in html
    assert "+50.0%" in html
    assert "22–31 May" in html


def test_charges_for_longer_than_a_day_and_unpriced_ones_are_pointed_out(browser_of, spend):
    month = {
        "charge_period_start": datetime(2026, 6, 1, tzinfo=UTC),
        "charge_period_end": datetime(2026, 7, 1, tzinfo=UTC),
    }
    spend((date(2026, 6, 1), "30", month), (D, "5", {"list_cost": None}))
    client = browser_of(Role.VIEWER)
    assert "charges for longer than a day" in client.get(f"/costs/?{JUNE}&granularity=day").content.decode()
    assert "have no such price" in client.get(f"/costs/?{JUNE}&metric=list").content.decode()


def test_an_engineering_lead_sees_their_teams_alone(browser_of, spend):
    spend((D, "10", {"team": "ml"}), (D, "99", {"team": "web"}), (D, "5", {}))
    client = browser_of(Role.ENGINEERING_LEAD, "ml")
    assert shown(client, f"/costs/?{JUNE}&group_by=team").total.cost == 10
    charges = client.get(f"/costs/charges/?{JUNE}").context["page"]
    assert [charge.effective_cost for charge in charges] == [10]
    picker = client.get(f"/costs/?{JUNE}&pick=team").context["picker"]
    assert [one.value for one in picker.values] == ["ml"]


def test_a_tag_key_is_offered_whatever_it_is_called_and_an_empty_one_is_not(browser_of, spend):
    spend((D, "2.5", {"tags": {"": "x", "a,b": "one", " c ": "y"}}), (D, "1", {}))
    client = browser_of(Role.VIEWER)
    page = client.get(f"/costs/?{JUNE}&group_by=service")
    offered = [choice.value for choice in page.context["controls"].group_by]
    assert [value for value in offered if "tag:" in value] == ["tag: c ", '"tag:a,b"']
    asked = client.get(
        "/costs/", {"start": "2026-06-01", "end": "2026-06-30", "group_by": ['"tag:a,b"', "tag: c "]}, follow=True
    )
    (section,) = [shown.section for shown in asked.context["shown"]]
    assert [[cell.text for cell in line.cells] for line in section.lines] == [
        ["one", "y"],
        ["No tag a,b", "No tag  c "],
    ]
    assert [choice.value for choice in asked.context["controls"].group_by if choice.is_chosen] == ['"tag:a,b"']
    drilled = shown(client, section.lines[0].cells[1].url)
    assert drilled.total.cost == Decimal("2.5")


@pytest.mark.parametrize("pick", ["zzz", "tag:", "a]=b", "["])
def test_a_filter_on_what_is_no_dimension_is_ignored_with_a_word_about_it(browser_of, services, pick):
    page = browser_of(Role.VIEWER).get(
        "/costs/", {"start": "2026-06-01", "end": "2026-06-30", "pick": pick, "value": "1"}, follow=True
    )
    assert page.status_code == 200
    assert any(f"filter[{pick}] was ignored" in text for text in page.context["notices"])


def test_charges_tell_who_sees_some_teams_alone_nothing_of_deliveries(browser_of, spend):
    spend((D, "1", {"team": "ml"}), source="secret-stream")
    path = f"/costs/charges/?{JUNE}"
    assert "secret-stream" in browser_of(Role.VIEWER).get(path).content.decode()
    page = browser_of(Role.ENGINEERING_LEAD, "ml").get(path)
    assert [charge.effective_cost for charge in page.context["page"]] == [1]
    assert "secret-stream" not in page.content.decode()
    assert "Delivery" not in page.content.decode()
