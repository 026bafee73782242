"""The explorer's address is its state: controls, filters, time ranges, links."""

from datetime import date, timedelta
from decimal import Decimal
from urllib.parse import urlsplit

import pytest
from django.utils import timezone

from apps.accounts.models import Organisation, Role
from tests.web.explorer import JUNE, shown, texts

D = date(2026, 6, 3)


def test_a_form_sends_one_address_however_it_was_filled(browser_of, services):
    client = browser_of(Role.VIEWER)
    answer = client.get(
        "/costs/?period=last_30d&start=2026-06-01&end=&group_by=service&group_by=region&group_by=service"
        "&currency=&metric=billed"
    )
    assert answer.status_code == 302
    assert answer.url == "/costs/?period=last_30d&group_by=service,region&metric=billed"
    assert client.get(answer.url).status_code == 200


def test_the_first_visit_shows_the_newest_month_where_thirty_days_have_nothing(browser_of, services):
    answer = browser_of(Role.VIEWER).get("/costs/")
    state = "granularity=day&group_by=service&compare=previous"
    assert answer.url == f"/costs/?start=2026-06-01&end=2026-06-30&{state}"


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


def test_the_saved_view_stays_in_the_address_and_out_of_the_question(browser_of, services):
    answer = browser_of(Role.VIEWER).get(f"/costs/?{JUNE}&group_by=service&view=7")
    assert not [text for text in answer.context["notices"] if text.startswith("view was")]
    assert ("view", "7") in answer.context["controls"].hidden
    assert "view=7" in answer.context["sort"]["key"]
    assert "view" not in answer.context["link"]
    assert all("view" not in url for _, url in answer.context["exports"])


def test_the_link_to_copy_holds_dates_whatever_today_is(browser_of, spend):
    yesterday = timezone.now().date() - timedelta(days=1)
    spend((yesterday, "5", {}))
    client = browser_of(Role.VIEWER)
    link = urlsplit(client.get("/costs/?period=last_7d&group_by=service").context["link"])
    assert f"start={yesterday - timedelta(days=6)}&end={yesterday}" in link.query
    assert shown(client, f"{link.path}?{link.query}").total.cost == 5


def test_time_ranges_show_their_dates_and_typed_ones_are_carried_by_a_form_of_their_own(browser_of, services):
    Organisation.objects.create(fiscal_year_start_month=4)
    menu = browser_of(Role.VIEWER).get(f"/costs/?{JUNE}&group_by=service").context["controls"].period
    assert (menu.chosen, menu.days) == ("", "1–30 Jun 2026")
    assert [one.text for one in menu.ready if "quarter" in one.text] == ["This quarter", "Last quarter"]
    assert menu.ready[-1].text == "This fiscal year"
    assert all(one.days for one in menu.ready)
    assert menu.hidden == [("group_by", "service")]


def test_every_sort_leads_back_and_forth(browser_of, spend):
    spend((D, "3", {"service_name": "B"}), (D, "5", {"service_name": "A"}), (date(2026, 5, 5), "9", {}))
    client = browser_of(Role.VIEWER)
    answer = client.get(f"/costs/?{JUNE}&group_by=service&compare=last_month")
    assert [row.text for row in answer.context["shown"][0].rows] == ["A", "B", "Compute"]
    by_change = client.get(answer.context["sort"]["delta"])
    assert [row.text for row in by_change.context["shown"][0].rows] == ["A", "B", "Compute"]
    reverse = shown(client, by_change.context["sort"]["delta"])
    assert [row.text for row in reverse.rows] == ["Compute", "B", "A"]
    assert 'aria-sort="descending"' in by_change.content.decode()


def test_a_filter_is_picked_from_the_values_that_there_are(browser_of, services):
    client = browser_of(Role.VIEWER)
    picker = client.get(f"/costs/?{JUNE}&group_by=region&pick=service").context["picker"]
    assert [one.value for one in picker.values][:2] == ["Service 01", "Service 02"]
    picked = "pick=service&search=&how=exclude&value=Service+01&value=Service+02"
    answer = client.get(f"/costs/?{JUNE}&group_by=region&{picked}")
    assert answer.url == f"/costs/?{JUNE}&group_by=region&exclude[service]=Service+01,Service+02"
    page = client.get(answer.url)
    assert [(chip.text, chip.values) for chip in page.context["chips"]] == [
        ("Service is not", "Service 01, Service 02")
    ]
    assert client.get(page.context["chips"][0].url).context["chips"] == []
    assert client.get(page.context["clear_url"]).context["chips"] == []


def test_a_filter_can_be_changed_and_turned_around(browser_of, services):
    client = browser_of(Role.VIEWER)
    page = client.get(f"/costs/?{JUNE}&exclude[service]=Service+05")
    picker = client.get(page.context["chips"][0].change_url).context["picker"]
    assert picker.excludes
    assert [(one.value, one.is_chosen) for one in picker.values][:2] == [
        ("Service 05", True),
        ("Service 01", False),
    ]
    answer = client.get(f"/costs/?{JUNE}&exclude[service]=Service+05&pick=service&how=filter&value=Service+05")
    assert answer.url == f"/costs/?{JUNE}&filter[service]=Service+05"
    assert client.get(f"{answer.url}&pick=service&how=filter").url == f"/costs/?{JUNE}"


def test_searching_for_a_value_keeps_what_is_picked(browser_of, services):
    client = browser_of(Role.VIEWER)
    searched = f"/costs/?{JUNE}&pick=service&how=exclude&value=Service+02&search=SERVICE+1&find=1"
    picker = client.get(searched).context["picker"]
    assert [(one.value, one.is_chosen) for one in picker.values] == [
        ("Service 02", True),
        ("Service 10", False),
        ("Service 11", False),
        ("Service 12", False),
    ]
    assert picker.excludes


def test_a_filter_that_matches_nothing_offers_to_be_removed(browser_of, services):
    answer = browser_of(Role.VIEWER).get(f"/costs/?{JUNE}&group_by=service&filter[region]=mars")
    assert "No cost matches these filters" in answer.content.decode()
    assert "Remove “Region is mars”" in answer.content.decode()


@pytest.mark.parametrize("pick", ["zzz", "tag:", "a]=b", "["])
def test_a_filter_on_what_is_no_dimension_is_ignored_with_a_word_about_it(browser_of, services, pick):
    page = browser_of(Role.VIEWER).get(
        "/costs/",
        {"start": "2026-06-01", "end": "2026-06-30", "pick": pick, "how": "filter", "value": "1"},
        follow=True,
    )
    assert page.status_code == 200
    assert any(f"filter[{pick}] was ignored" in text for text in page.context["notices"])


def test_a_tag_key_is_offered_whatever_it_is_called_and_an_empty_one_is_not(browser_of, spend):
    spend((D, "2.5", {"tags": {"": "x", "a,b": "one", " c ": "y"}}), (D, "1", {}))
    client = browser_of(Role.VIEWER)
    page = client.get(f"/costs/?{JUNE}&group_by=service")
    offered = [choice.value for choice in page.context["controls"].group_by[0]]
    assert [value for value in offered if "tag:" in value] == ["tag: c ", '"tag:a,b"']
    asked = client.get(
        "/costs/", {"start": "2026-06-01", "end": "2026-06-30", "group_by": ['"tag:a,b"', "tag: c "]}, follow=True
    )
    (one,) = asked.context["shown"]
    assert texts(one) == ["one", "  y", "No tag a,b", "  No tag  c "]
    levels = asked.context["controls"].group_by
    assert [choice.value for level in levels for choice in level if choice.is_chosen] == [
        '"tag:a,b"',
        "tag: c ",
        "",
    ]
    assert shown(client, one.rows[1].url).total.cost == Decimal("2.5")
