"""Prices through the API and on their page: the same filters, the same refusals, and where each price is from."""

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from apps.accounts.models import Role
from tests.costs.conftest import api
from tests.pricing.conftest import Load
from tests.web.conftest import browser_of, person

__all__ = ["api", "browser_of", "person"]
Api = Callable[..., APIClient]
Browser = Callable[..., Client]


def get(caller: APIClient, query: str = "", status: int = 200) -> Any:
    answer = caller.get(f"/api/v1/prices/?{query}")
    assert answer.status_code == status, answer.content
    return json.loads(answer.content, parse_float=lambda text: pytest.fail(f"{text} is a float"))


def page(client: Client, query: str = "") -> str:
    answer = client.get(f"/prices/?{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_api_says_what_a_price_is_and_where_it_is_from(listed: Load, api: Api) -> None:
    listed({"valid_from": date(2026, 5, 1), "sku_price_id": "M5.JRTC.6YS6", "description": "m5.large, Linux"})

    answer = get(api())

    assert (answer["count"], answer["next"]) == (1, None)
    price = answer["results"][0]
    assert price.pop("id") > 0
    assert price == {
        "source": "aws-prices",
        "listing": "ec2/eu-central-1",
        "read_at": "2026-07-01T12:00:00Z",
        "provider": "AWS",
        "service_name": "Amazon Elastic Compute Cloud",
        "sku_id": "M5",
        "sku_price_id": "M5.JRTC.6YS6",
        "description": "m5.large, Linux",
        "region_id": "eu-central-1",
        "size": "m5.large",
        "operating_system": "Linux",
        "pricing_category": "Standard",
        "term": "",
        "payment": "",
        "tier_start": "0",
        "list_unit_price": "0.115",
        "pricing_unit": "Hours",
        "pricing_currency": "USD",
        "valid_from": "2026-05-01",
        "seen_from": "2026-07-01T12:00:00Z",
        "seen_until": None,
    }


def test_the_api_filters_and_gives_page_after_page(listed: Load, api: Api) -> None:
    listed(*({"sku_id": f"S{number:02}", "size": f"m{number % 2}.large"} for number in range(10)))
    caller = api(Role.ENGINEERING_LEAD)  # prices are public: they are no team's

    first = get(caller, "size=m1.large&page_size=3")
    second = get(caller, "size=m1.large&page_size=3&page=2")

    assert first["count"] == 5
    assert [one["sku_id"] for one in first["results"] + second["results"]] == ["S01", "S03", "S05", "S07", "S09"]


def test_the_api_knows_what_a_price_was(listed: Load, api: Api) -> None:
    listed({})
    listed({"list_unit_price": "0.107"}, days=9)

    (then,) = get(api(), "as_of=2026-07-05")["results"]

    assert (then["list_unit_price"], then["seen_until"]) == ("0.115", "2026-07-10T12:00:00Z")


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("sku=M5", "'sku' is not a parameter."),
        ("as_of=yesterday", "'yesterday' is not a date. Write it as YYYY-MM-DD"),
    ],
)
def test_a_filter_that_cannot_be_read_is_refused_by_name(
    listed: Load, api: Api, browser_of: Browser, query: str, says: str
) -> None:
    listed({})

    (error,) = get(api(), query, status=400)["errors"]

    field, _, _ = query.partition("=")
    assert error["field"] == field
    assert error["detail"].startswith(says)
    shown = page(browser_of(Role.FINANCE), query)
    assert f"{field}: " in shown
    assert "m5.large" in shown


def test_the_page_shows_each_price_with_its_date_and_its_source(listed: Load, browser_of: Browser) -> None:
    listed({"valid_from": date(2026, 5, 1), "tier_start": "100"}, {"sku_id": "C5", "size": "c5.large"})
    shown = page(browser_of(Role.VIEWER))

    assert "$0.115" in shown
    assert "Hours, from 100 on" in shown
    assert "1 May 2026" in shown
    assert "first seen" in shown
    assert "aws-prices" in shown
    assert "1 list, the newest read" in shown


def test_the_pages_filters_stand_in_its_address(listed: Load, browser_of: Browser) -> None:
    listed({}, {"sku_id": "C5", "size": "c5.large", "region_id": "eu-west-3"})
    shown = page(browser_of(Role.VIEWER), "region=eu-west-3&search=c5")

    assert "c5.large" in shown
    assert "m5.large</th>" not in shown
    assert "<option selected>eu-west-3</option>" in shown
    assert 'value="c5"' in shown


def test_a_price_that_is_listed_no_more_is_found_by_its_day(listed: Load, browser_of: Browser) -> None:
    listed({})
    listed({"sku_id": "C5", "size": "c5.large"}, days=9)
    client = browser_of(Role.VIEWER)

    assert "m5.large<span" not in page(client)
    then = page(client, "as_of=2026-07-05")
    assert "m5.large<span" in then
    assert "no longer listed" in then
    assert "Prices are known from the day" in page(client, "as_of=2026-06-05")


def test_a_page_without_prices_says_where_they_come_from(db: None, browser_of: Browser) -> None:
    admin, viewer = page(browser_of(Role.ADMIN)), page(browser_of(Role.VIEWER))

    assert "No list prices yet" in admin
    assert "Connect a source" in admin
    assert "Import a CSV" in admin
    assert "No list prices yet" in viewer
    assert "Import a CSV" not in viewer


def test_many_prices_take_no_more_questions_than_few(listed: Load, api: Api, browser_of: Browser) -> None:
    caller, client = api(), browser_of(Role.ADMIN)

    def questions() -> tuple[int, int]:
        counts = []
        for ask in (lambda: get(caller, "page_size=200"), lambda: page(client)):
            with CaptureQueriesContext(connection) as asked:
                ask()
            counts.append(len(asked))
        return counts[0], counts[1]

    listed({})
    questions()  # the first one notes that the token was used
    few = questions()
    listed(*({"sku_id": f"S{number}", "listing": f"list {number % 7}"} for number in range(150)))

    assert questions() == few
