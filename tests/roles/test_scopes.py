"""What each person sees of three teams and 10,000 resources, page by page: their teams' costs and nothing else.

Every name in the data tells whose it is, so one word in an answer is enough to give a leak away.
"""

import csv
import io
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from django.test import Client

from apps.accounts.models import User
from apps.dashboards.services import save_view
from tests.roles.conftest import JUNE, OWNERS, SEES, TOTALS

Browser = Callable[[str], Client]
pytestmark = pytest.mark.usefixtures("company")

RESOURCES = "&group_by=resource"
NAMING = ("service", "sub_account", "region", "sku", "environment", "workload")
"""Dimensions of which every owner has a value of their own."""
COSTS = [
    *(f"group_by={name}" for name in (*NAMING, "team", "tag:team")),
    "group_by=resource&limit=100",
    "group_by=team,service,resource&limit=20",
    "group_by=service&granularity=day&compare=previous",
    "group_by=resource&metric=list&order_by=key&limit=100",
]
PAGES = [
    "/",
    "/?month=2026-06",
    "/help/",
    "/views/",
    "/settings/",
    "/settings/teams/",
    "/settings/tokens/",
    f"/costs/charges/?{JUNE}",
    f"/costs/charges/?{JUNE}&page=3&order_by=cost",
    *(f"/costs/?{JUNE}&{asked}" for asked in COSTS),
    *(f"/costs/?{JUNE}&pick={name}" for name in (*NAMING, "resource", "team", "tag:team")),
    f"/costs/?{JUNE}&pick=resource&search=-00007",
    "/search/?q=-00007",
    "/search/?q=account",
    "/search/?q=team",
    "/search/?q=service",
]
CALLS = [
    "/api/v1/teams/",
    "/api/v1/saved-views/",
    f"/api/v1/costs/charges/?{JUNE}&page_size=1000",
    *(f"/api/v1/costs/?{JUNE}&{asked}" for asked in COSTS),
    *(f"/api/v1/costs/table/?{JUNE}&{asked}" for asked in COSTS),
]
NAME_EVERYBODY = [
    *(f"/costs/?{JUNE}&group_by={name}" for name in NAMING),
    *(f"/costs/?{JUNE}&pick={name}" for name in NAMING),
    f"/costs/?{JUNE}&pick=resource&search=-00007",
    "/search/?q=-00007",
    "/search/?q=service",
    *(f"/api/v1/costs/?{JUNE}&group_by={name}" for name in NAMING),
]


LEADS = [name for name in SEES if SEES[name] != set(OWNERS)]
"""Who does not see everything; finance and viewers see what an admin does."""


def body(answer: Any) -> bytes:
    """All of an answer, streamed or not."""
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def words(answer: Any) -> str:
    """An answer as text in lower case."""
    return body(answer).decode().lower()


def owners_in(text: str) -> set[str]:
    return {owner for owner in OWNERS if owner in text}


def total_of(owners: set[str]) -> Decimal:
    return sum((TOTALS[owner] for owner in owners), Decimal(0))


def count_of(owners: set[str]) -> int:
    return sum(OWNERS[owner][0] for owner in owners)


def shown(amount: Decimal) -> str:
    """An amount of some hundreds and more as pages write it."""
    return f"${amount:,.0f}"


@pytest.mark.parametrize("name", ["admin", *LEADS])
@pytest.mark.parametrize("address", [*PAGES, *CALLS])
def test_no_answer_names_what_is_another_team_s(address: str, name: str, browser: Browser) -> None:
    answer = browser(name).get(address, follow=True)

    assert answer.status_code == 200
    text = words(answer)
    assert owners_in(text) <= SEES[name]
    if address in NAME_EVERYBODY:
        assert owners_in(text) == SEES[name]
    foreign = [TOTALS[owner] for owner in OWNERS if owner not in SEES[name]]
    hidden = [*foreign, total_of(set(OWNERS)), sum(foreign)] if foreign else []
    assert [amount for amount in hidden if amount and shown(amount) in text] == []


@pytest.mark.parametrize("name", SEES)
def test_the_total_is_that_of_what_one_sees_wherever_it_is_asked(name: str, browser: Browser) -> None:
    client, total = browser(name), total_of(SEES[name])

    costs = client.get(f"/api/v1/costs/?{JUNE}&group_by=service").json()
    assert [Decimal(one["cost"]) for one in costs["totals"]] == ([total] if total else [])
    assert sum(Decimal(row["cost"]) for row in costs["rows"]) == total
    assert client.get(f"/api/v1/costs/charges/?{JUNE}").json()["count"] == count_of(SEES[name])
    table = client.get(f"/api/v1/costs/table/?{JUNE}&group_by=team&header=no")
    rows = [line for line in csv.DictReader(io.StringIO(body(table).decode())) if line["row"] != "total"]
    assert sum(Decimal(row["cost"]) for row in rows) == total
    page = client.get(f"/costs/?{JUNE}&group_by=service").content.decode()
    assert (shown(total) in page) == bool(total)
    assert (shown(total) in client.get("/?month=2026-06").content.decode()) == bool(total)


@pytest.mark.parametrize("name", ["admin", *LEADS])
def test_the_exports_hold_each_resource_that_one_sees_and_no_other(name: str, browser: Browser) -> None:
    client = browser(name)
    mine = {f"{owner}-{number:05}" for owner in SEES[name] for number in range(OWNERS[owner][0])}

    lines = csv.DictReader(io.StringIO(body(client.get(f"/api/v1/costs/export/?{JUNE}")).decode()))
    costs = {line["ResourceId"]: Decimal(line["BilledCost"]) for line in lines}
    assert (set(costs), sum(costs.values())) == (mine, total_of(SEES[name]))
    for path in ("export/", "table/"):
        file = body(client.get(f"/api/v1/costs/{path}?{JUNE}&format=parquet{RESOURCES if path == 'table/' else ''}"))
        frame = pl.read_parquet(io.BytesIO(file))
        assert set(frame["ResourceId" if path == "export/" else "resource"]) == mine


@pytest.mark.parametrize("name", ["admin", *LEADS])
def test_a_tag_of_one_team_alone_has_no_values_for_another(name: str, browser: Browser) -> None:
    for owner in OWNERS:
        rows = browser(name).get(f"/api/v1/costs/?{JUNE}&group_by=tag:{owner}-key").json()["rows"]
        values = {row["keys"][f"tag:{owner}-key"] for row in rows} - {""}
        assert values == ({f"{owner}-value"} if owner in SEES[name] else set())


@pytest.mark.parametrize("name", LEADS)
@pytest.mark.parametrize(
    "chosen", ["filter[team]=cetus", "filter[resource]=cetus-00007", "filter[service]=Service of cetus"]
)
def test_a_filter_by_what_is_another_team_s_finds_nothing(name: str, chosen: str, browser: Browser) -> None:
    client = browser(name)

    assert client.get(f"/api/v1/costs/?{JUNE}&{chosen}").json()["rows"] == []
    assert client.get(f"/api/v1/costs/charges/?{JUNE}&{chosen}").json()["count"] == 0
    assert len(body(client.get(f"/api/v1/costs/export/?{JUNE}&{chosen}")).splitlines()) == 1
    page = client.get(f"/costs/?{JUNE}&group_by=resource&{chosen}").content.decode()
    assert shown(TOTALS["cetus"]) not in page
    assert "$4.07" not in page
    assert "cetus-00008" not in page


@pytest.mark.parametrize("name", LEADS)
def test_what_is_excluded_tells_nothing_of_what_is_another_team_s(name: str, browser: Browser) -> None:
    answer = browser(name).get(f"/api/v1/costs/?{JUNE}&group_by=service&exclude[team]=atlas").json()

    assert {row["keys"]["service"] for row in answer["rows"]} == {
        f"Service of {owner}" for owner in SEES[name] - {"atlas"}
    }


@pytest.mark.parametrize("name", SEES)
def test_a_shared_view_shows_everybody_their_own_costs_and_a_private_one_nobody(
    name: str, browser: Browser, company: dict[str, User]
) -> None:
    admin = company["admin"]
    shared = save_view(actor=admin, name="Ours", path="/costs/", query=f"{JUNE}&group_by=service", is_shared=True)
    save_view(actor=admin, name="Secret", path="/costs/", query=f"{JUNE}&filter[team]=cetus")
    client = browser(name)

    page = client.get(f"/costs/?{JUNE}&group_by=service&view={shared.pk}").content.decode()
    listed = {view["name"] for view in client.get("/api/v1/saved-views/").json()["results"]}

    assert owners_in(page.lower()) == SEES[name] | ({"cetus"} if name == "admin" else set())
    assert "Ours" in page
    assert listed == ({"Ours", "Secret"} if name == "admin" else {"Ours"})
    assert ("Secret" in page) == (name == "admin")


@pytest.mark.parametrize("name", LEADS)
def test_a_team_that_is_another_s_cannot_be_named_to_be_seen(name: str, browser: Browser) -> None:
    client = browser(name)

    assert client.get("/api/v1/teams/cetus/").status_code == 404
    assert client.post("/overview/team/", {"team": "cetus"}).status_code == 404
    assert shown(TOTALS["cetus"]) not in client.get("/?team=cetus").content.decode()
    assert client.get("/sources/deliveries/").status_code == 403
    charges = client.get(f"/api/v1/costs/charges/?{JUNE}").json()["results"]
    assert {charge["delivery_id"] for charge in charges} <= {None}
