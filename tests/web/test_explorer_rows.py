"""Nested rows of the cost explorer, their order, and where they lead."""

from datetime import date
from urllib.parse import parse_qs, urlsplit

import pytest

from apps.accounts.models import Role
from tests.web.explorer import JUNE, outermost, shown, texts

D = date(2026, 6, 3)


@pytest.fixture
def nested(spend):
    """Two teams, three services, two regions; one value with a comma in it."""
    spend(
        (D, "50", {"team": "ml", "service_name": "Compute", "region_id": "eu"}),
        (D, "30", {"team": "ml", "service_name": "Compute", "region_id": "us"}),
        (D, "5", {"team": "ml", "service_name": "Disk, fast", "region_id": "eu"}),
        (D, "7", {"team": "web", "service_name": "Compute", "region_id": "eu"}),
        (D, "1", {"service_name": "Tax"}),
    )


def test_few_groups_are_open_and_their_rows_add_up_to_them(browser_of, nested):
    one = shown(browser_of(Role.VIEWER), f"/costs/?{JUNE}&group_by=team,service,region")
    assert texts(one) == [
        "ml",
        "  Compute",
        "  Disk, fast",
        "web",
        "  Compute",
        "Unallocated",
        "  Tax",
    ]
    assert sum(row.cost for row in outermost(one)) == one.total.cost == 93
    assert [row.cost for row in one.rows[:3]] == [85, 80, 5]
    assert one.rows[0].is_open
    assert one.rows[1].is_open is False


def test_a_row_opens_and_closes_by_its_link_and_the_address_holds_it(browser_of, nested):
    client = browser_of(Role.VIEWER)
    one = shown(client, f"/costs/?{JUNE}&group_by=team,service,region")
    opened = shown(client, one.rows[1].toggle_url)
    assert texts(opened)[:5] == ["ml", "  Compute", "    eu", "    us", "  Disk, fast"]
    comma = shown(client, opened.rows[4].toggle_url)
    assert texts(comma)[4:6] == ["  Disk, fast", "    eu"]
    closed = shown(client, comma.rows[0].toggle_url)
    assert texts(closed) == ["ml", "web", "  Compute", "Unallocated", "  Tax"]
    again = shown(client, closed.rows[0].toggle_url)
    assert texts(again) == texts(comma)


def test_a_nested_row_leads_to_what_it_consists_of(browser_of, nested):
    client = browser_of(Role.VIEWER)
    row = shown(client, f"/costs/?{JUNE}&group_by=team,service").rows[1]
    drilled = parse_qs(urlsplit(row.url).query)
    assert (drilled["filter[team]"], drilled["filter[service]"]) == (["ml"], ["Compute"])
    assert shown(client, row.url).total.cost == row.cost == 80


def test_many_groups_are_closed(browser_of, spend):
    spend(*((D, "1", {"service_name": f"S{number}", "region_id": "eu"}) for number in range(40)))
    one = shown(browser_of(Role.VIEWER), f"/costs/?{JUNE}&group_by=service,region")
    assert {row.is_open for row in one.rows} == {False}


@pytest.mark.parametrize("toggled", ['"', "mars", '"a,b",c', ",,"])
def test_rows_that_are_not_there_cannot_be_opened(browser_of, nested, toggled):
    one = shown(browser_of(Role.VIEWER), f"/costs/?{JUNE}&group_by=team,service&toggled={toggled}")
    assert len(outermost(one)) == 3


@pytest.mark.parametrize(
    ("asked", "before", "previous"),
    [
        ("compare=previous", "22–31 May", 20),
        ("compare=last_month", "1–10 May", 8),
        ("compare=last_year", "1–10 Jun", 6),
        ("compare_start=2026-05-05&compare_end=2026-05-05", "5 May", 8),
    ],
)
def test_each_comparison_names_its_days(browser_of, spend, asked, before, previous):
    spend(
        (date(2026, 6, 3), "30", {}),
        (date(2026, 5, 30), "20", {}),
        (date(2026, 5, 5), "8", {}),
        (date(2025, 6, 5), "6", {}),
    )
    client = browser_of(Role.VIEWER)
    answer = client.get(f"/costs/?start=2026-06-01&end=2026-06-10&granularity=day&group_by=service&{asked}")
    assert answer.context["before"] == before
    assert answer.context["shown"][0].total.previous == previous
    assert f"vs {before}" in answer.content.decode()


def test_a_change_has_its_sign_and_no_per_cent_without_a_base(browser_of, spend):
    spend((date(2026, 6, 3), "30", {}), (date(2026, 5, 30), "20", {}), (D, "5", {"service_name": "New"}))
    client = browser_of(Role.VIEWER)
    html = client.get("/costs/?start=2026-06-01&end=2026-06-10&compare=previous&group_by=service").content.decode()
    assert "+$10.00" in html
    assert "+50.0%" in html
    assert '>+$5.00</span></td><td class="num o1"></td>' in html


def test_nothing_compared_drops_the_order_by_change(browser_of, services):
    answer = browser_of(Role.VIEWER).get(f"/costs/?{JUNE}&group_by=service&compare=previous&order_by=-delta")
    nothing = answer.context["controls"].compare.ready[-1]
    assert nothing.text == "Nothing"
    assert "order_by" not in nothing.url


def test_the_charges_lead_back_to_the_view_that_they_were_opened_from(browser_of, services):
    client = browser_of(Role.VIEWER)
    state = f"{JUNE}&granularity=week&group_by=service,region&metric=billed&compare=previous"
    row = shown(client, f"/costs/?{state}").rows[0]
    page = client.get(row.charges_url)
    back = parse_qs(urlsplit(page.context["explorer_url"]).query)
    assert back == parse_qs(state) | {"filter[service]": ["Service 12"]}
    exports = dict(page.context["exports"])
    assert parse_qs(urlsplit(exports["FOCUS 1.2, CSV"]).query) == parse_qs(
        f"{JUNE}&filter[service]=Service 12&format=csv"
    )
