"""The inventory through the API and on its pages: filters, days before, history, costs, and nobody else's resources."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from apps.accounts.models import Role, Team
from apps.accounts.scope import Scope
from apps.inventory import queries
from apps.inventory.models import Resource
from tests.costs.conftest import api
from tests.inventory.conftest import Snapshot, machine
from tests.web.conftest import browser_of, person, spend

__all__ = ["api", "browser_of", "person", "spend"]
Api = Callable[..., APIClient]
Browser = Callable[..., Client]
Spend = Callable[..., None]


@pytest.fixture
def fleet(snapshot: Snapshot) -> None:
    """Two days: a machine of "search" with a disk, one that was closed, and a database of "ads"."""
    for slug in ("search", "ads"):
        Team.objects.create(slug=slug, name=slug.title())
    web = machine("i-web", resource_name="web", tags={"team": "search", "env": "prod"}, aliases=["arn:web"])
    old = machine("i-old", resource_name="old", tags={"team": "search"})
    disk = machine("vol-1", kind="disk", state="attached", parent_id="i-web", size="100 GiB", tags={"team": "search"})
    base = machine("db-1", resource_name="orders", kind="database", region_id="us-east-1", tags={"team": "ads"})
    snapshot(web, old, disk, base)
    snapshot(web | {"state": "stopped", "tags": {"team": "search", "env": "dev"}}, disk, base, days=1)


def found(caller: APIClient, query: str = "") -> list[str]:
    answer = caller.get(f"/api/v1/resources/?{query}")
    assert answer.status_code == 200, answer.content
    return [one["resource_id"] for one in answer.json()["results"]]


def page(client: Client, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, answer.content
    return str(answer.content.decode())


def pk(resource_id: str) -> int:
    return int(Resource.objects.get(resource_id=resource_id).pk)


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", ["db-1", "vol-1", "i-web"]),
        ("closed=yes", ["i-old", "db-1", "vol-1", "i-web"]),
        ("kind=machine", ["i-web"]),
        ("state=stopped", ["i-web"]),
        ("region=us-east-1", ["db-1"]),
        ("team=ads", ["db-1"]),
        ("team=-", []),
        ("parent=i-web", ["vol-1"]),
        ("search=100+GIB", ["vol-1"]),
        ("search=orders", ["db-1"]),
        ("tag=env%3Ddev", ["i-web"]),
        ("tag=env%3Dprod", []),
        ("tag=env&tag=team%3Dsearch", ["i-web"]),
        ("as_of=2026-07-01", ["i-old", "db-1", "vol-1", "i-web"]),
        ("as_of=2026-07-01&tag=env%3Dprod", ["i-web"]),
        ("as_of=2026-06-30", []),
        ("order_by=-name", ["i-web", "vol-1", "db-1"]),
        ("order_by=kind", ["db-1", "vol-1", "i-web"]),
        ("provider=AWS&sub_account=111122223333&source=aws-inventory&page_size=1", ["db-1"]),
    ],
)
def test_what_is_asked_for_is_listed_and_nothing_else(fleet: None, api: Api, query: str, ids: list[str]) -> None:
    names = {"vol-1": "vol-1", "db-1": "orders", "i-web": "web", "i-old": "old"}
    if "order_by" not in query:
        ids = sorted(ids, key=names.__getitem__)
    assert found(api(), query) == ids


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("kindd=machine", "kindd"),
        ("closed=maybe", "closed"),
        ("closed=yes&as_of=2026-07-01", "closed"),
        ("as_of=July", "as_of"),
        ("order_by=colour", "order_by"),
        ("tag=%3Dx", "tag"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name_and_told_on_the_page(
    fleet: None, api: Api, browser_of: Browser, query: str, field: str
) -> None:
    answer = api().get(f"/api/v1/resources/?{query}")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == field
    assert f"{field}: " in page(browser_of(Role.FINANCE), f"/resources/?{query}")


def test_one_resource_has_its_history(fleet: None, api: Api) -> None:
    caller = api()
    one = caller.get(f"/api/v1/resources/{pk('i-web')}/").json()
    assert (one["state"], one["team"], one["aliases"], one["closed_at"]) == ("stopped", "search", ["arn:web"], None)
    assert [(state["state"], state["tags"]["env"]) for state in one["history"]] == [
        ("stopped", "dev"), ("running", "prod"),
    ]  # fmt: skip
    assert one["history"][1]["valid_to"] == one["history"][0]["valid_from"] == "2026-07-02T12:00:00Z"
    before = caller.get(f"/api/v1/resources/{pk('i-web')}/?as_of=2026-07-01").json()
    assert (before["state"], before["tags"]["env"]) == ("running", "prod")


@pytest.mark.parametrize("address", ["/api/v1/resources/{}/", "/resources/{}/"])
def test_what_there_is_not_is_told(fleet: None, api: Api, browser_of: Browser, address: str) -> None:
    caller = api() if "api" in address else browser_of(Role.VIEWER)
    assert caller.get(address.format(999_999_999)).status_code == 404
    assert caller.get(address.format(10**30)).status_code == 404
    assert caller.get(address.format(pk("i-web")) + "?as_of=2026-06-01").status_code == 404


def test_a_lead_sees_what_their_teams_own_and_nothing_else(fleet: None, api: Api, browser_of: Browser) -> None:
    caller, client = api(Role.ENGINEERING_LEAD, "search"), browser_of(Role.ENGINEERING_LEAD, "search", username="b")
    assert found(caller, "closed=yes") == ["i-old", "vol-1", "i-web"]
    assert found(caller, "team=ads") == []
    assert "orders" not in page(client, "/resources/?closed=yes")
    assert "us-east-1" not in page(client, "/resources/")
    assert caller.get(f"/api/v1/resources/{pk('db-1')}/").status_code == 404
    page(client, f"/resources/{pk('db-1')}/", status=404)
    page(client, f"/resources/{pk('i-web')}/")
    assert found(api(Role.ENGINEERING_LEAD)) == []


def test_a_day_ends_at_midnight(snapshot: Snapshot, api: Api) -> None:
    snapshot(machine("i-1"))
    snapshot(machine("i-1", state="stopped"), days=0.5)  # the first moment of 2 July
    caller = api()

    first, second = (caller.get(f"/api/v1/resources/?as_of=2026-07-0{day}").json()["results"] for day in (1, 2))
    assert [one["state"] for one in (*first, *second)] == ["running", "stopped"]


def test_of_what_belongs_to_a_resource_a_lead_sees_what_is_theirs_and_still_there(
    fleet: None, snapshot: Snapshot, browser_of: Browser
) -> None:
    web = machine("i-web", tags={"team": "search"})
    disks = [
        machine(name, kind="disk", parent_id="i-web", tags={"team": team})
        for name, team in (("vol-mine", "search"), ("vol-theirs", "ads"), ("vol-gone", "search"))
    ]
    snapshot(web, *disks, machine("vol-far", provider="Azure", parent_id="i-web", tags={"team": "search"}), days=2)
    snapshot(web, *disks[:2], machine("vol-far", provider="Azure", parent_id="i-web", tags={"team": "search"}), days=3)

    belongs = page(browser_of(Role.ENGINEERING_LEAD, "search"), f"/resources/{pk('i-web')}/")

    assert [name for name in ("vol-mine", "vol-theirs", "vol-gone", "vol-far") if name in belongs] == ["vol-mine"]


def test_what_a_resource_was_while_it_was_another_team_s_is_not_told(snapshot: Snapshot, api: Api) -> None:
    for slug in ("search", "ads"):
        Team.objects.create(slug=slug, name=slug)
    snapshot(machine("i-1", tags={"team": "ads"}))
    snapshot(machine("i-1", tags={"team": "search"}), days=1)
    caller = api(Role.ENGINEERING_LEAD, "search")
    assert [one["team"] for one in caller.get(f"/api/v1/resources/{pk('i-1')}/").json()["history"]] == ["search"]
    assert caller.get(f"/api/v1/resources/{pk('i-1')}/?as_of=2026-07-01").status_code == 404


def test_costs_are_joined_by_every_id_of_a_resource(fleet: None, spend: Spend, browser_of: Browser) -> None:
    yesterday = timezone.now().date() - timedelta(days=1)
    spend(
        (yesterday, "10.25", {"resource_id": "i-web"}),
        (yesterday - timedelta(days=1), "5.5", {"resource_id": "arn:web"}),
        (yesterday - timedelta(days=45), "99", {"resource_id": "i-web"}),
        (yesterday, "7", {"resource_id": "i-other"}),
    )
    client = browser_of(Role.FINANCE)
    listed = page(client, "/resources/?kind=machine")
    assert ">$15.75<" in listed
    one = page(client, f"/resources/{pk('i-web')}/")
    assert ">$15.75<" in one
    assert ">$10.25<" in one
    assert "filter[resource]=i-web,arn:web" in one
    assert "No charges" in page(client, f"/resources/{pk('db-1')}/")


def test_a_lead_sees_no_costs_that_are_another_team_s(fleet: None, spend: Spend, browser_of: Browser) -> None:
    yesterday = timezone.now().date() - timedelta(days=1)
    spend((yesterday, "10.25", {"resource_id": "i-web", "team": "ads"}))
    client = browser_of(Role.ENGINEERING_LEAD, "search")
    assert "$10.25" not in page(client, "/resources/")
    assert "$10.25" not in page(client, f"/resources/{pk('i-web')}/")


def test_the_page_of_a_resource_tells_what_changed_and_what_belongs_to_it(fleet: None, browser_of: Browser) -> None:
    client = browser_of(Role.VIEWER)
    one = page(client, f"/resources/{pk('i-web')}/")
    assert "State: running → stopped." in one
    assert "Tag env: prod → dev." in one
    assert f'href="/resources/{pk("vol-1")}/"' in one
    assert f'href="/resources/{pk("i-web")}/"' in page(client, f"/resources/{pk('vol-1')}/")
    assert "It exists no more." in page(client, f"/resources/{pk('i-old')}/")
    assert "As of 1 Jul 2026" in page(client, f"/resources/{pk('i-web')}/?as_of=2026-07-01")


def test_an_account_goes_by_its_name_beside_its_id(snapshot: Snapshot, api: Api, browser_of: Browser) -> None:
    snapshot(machine("i-1", sub_account_name="Forschung & Früh"), machine("i-2", sub_account_id="444455556666"))

    client = browser_of(Role.VIEWER)
    (named, bare) = api(Role.FINANCE).get("/api/v1/resources/").json()["results"]
    table, one = (page(client, path) for path in ("/resources/", f"/resources/{pk('i-1')}/"))

    assert (named["sub_account_id"], named["sub_account_name"]) == ("111122223333", "Forschung & Früh")
    assert (bare["sub_account_id"], bare["sub_account_name"]) == ("444455556666", "")
    assert 'title="111122223333">Forschung &amp; Früh<span class="sub">AWS' in table
    assert '444455556666<span class="sub">AWS' in table
    assert 'Forschung &amp; Früh <span class="muted break">111122223333</span>' in one


def test_charges_lead_to_their_resource(fleet: None, spend: Spend, browser_of: Browser) -> None:
    spend((date(2026, 6, 3), "1", {"resource_id": "arn:web"}), (date(2026, 6, 3), "1", {"resource_id": "unknown"}))
    charges = page(browser_of(Role.FINANCE), "/costs/charges/?start=2026-06-01&end=2026-06-30")
    assert charges.count(f'href="/resources/{pk("i-web")}/"') == 1


def test_the_search_finds_resources(fleet: None, browser_of: Browser) -> None:
    answer = page(browser_of(Role.VIEWER), "/search/?q=orders")
    assert f'href="/resources/{pk("db-1")}/"' in answer


def test_the_list_takes_the_same_queries_whatever_its_length(
    snapshot: Snapshot, spend: Spend, browser_of: Browser
) -> None:
    client = browser_of(Role.FINANCE)
    spend((date(2026, 6, 3), "1", {"resource_id": "i-1"}))
    counts = []
    for day, many in enumerate((1, 60)):
        snapshot(*(machine(f"i-{number}") for number in range(many)), days=day)
        with CaptureQueriesContext(
            connection,
        ) as asked:
            page(client, "/resources/")
        counts.append(len(asked))
    assert counts[0] == counts[1] <= 25
    assert "1–50 of 60" in page(client, "/resources/")
    assert "51–60 of 60" in page(client, "/resources/?page=2")


def test_without_an_inventory_the_page_says_how_to_get_one(browser_of: Browser) -> None:
    assert "No inventory yet" in page(browser_of(Role.ADMIN), "/resources/")


def test_resources_are_found_by_any_id_those_that_exist_first(snapshot: Snapshot) -> None:
    snapshot(machine("i-1"), source="old")
    snapshot(days=1, source="old")
    snapshot(machine("i-1", aliases=["arn:1"]), days=2, source="new")
    new = Resource.objects.get(source="new").pk
    assert queries.by_ids(["i-1", "arn:1", "none", ""], scope=Scope.everything()) == {"i-1": new, "arn:1": new}
    assert queries.by_ids(["i-1"], scope=Scope(())) == {}


def test_the_document_of_the_api_names_the_filters(api: Api) -> None:
    document: Any = api().get("/api/schema/", HTTP_ACCEPT="application/json").json()
    names = {one["name"] for one in document["paths"]["/api/v1/resources/"]["get"]["parameters"]}
    assert {"kind", "state", "team", "tag", "as_of", "closed", "search", "order_by", "page"} <= names
