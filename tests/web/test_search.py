"""The search: what it finds of each kind, that it finds nothing that one may not see, and what it costs."""

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Role, Team
from apps.accounts.scope import Scope
from apps.costs.dimensions import Dimension
from apps.costs.queries import find_values
from apps.dashboards.models import SavedView
from apps.dashboards.search import search

JUNE = date(2026, 6, 3)
ALL = Scope.everything()
ML = {
    "team": "ml",
    "service_name": "Vision API",
    "sub_account_id": "3344",
    "sub_account_name": "northwind-vision",
    "billing_account_name": "Vision payer",
    "resource_id": "arn:aws:ec2:vision/i-1",
    "resource_name": "vision-serve-01",
}
WEB = {"team": "web", "service_name": "Visionary CDN", "resource_id": "vision-web", "sub_account_id": "vision-9"}


@pytest.fixture
def vision(spend):
    """Things of two teams with the word in them."""
    spend((JUNE, "10", dict(ML)), (JUNE, "20", dict(WEB)), (JUNE, "5", {"service_name": "S3"}))
    Team.objects.create(slug="cv", name="Vision")


def found(text, user):
    """Names by kind."""
    return {group.name: [hit.name for hit in group.hits] for group in search(text, user=user)}


def test_each_kind_is_found_by_a_part_of_its_name_in_any_case(vision, person):
    admin = person(Role.ADMIN)
    SavedView.objects.create(owner=admin, name="Vision by day", path="/costs/", query="period=mtd")
    assert found("VISION", admin) == {
        "Saved views": ["Vision by day"],
        "Teams": ["Vision"],
        "Services": ["Vision API", "Visionary CDN"],
        "Accounts": ["vision-9", "northwind-vision", "Vision payer"],
        "Resources": ["vision-web", "vision-serve-01"],
    }


def test_a_resource_is_found_by_its_identifier_and_shown_by_its_name(vision, person):
    (group,) = search("EC2:vision/i-", user=person(Role.VIEWER))
    (hit,) = group.hits
    assert (hit.name, hit.detail) == ("vision-serve-01", "arn:aws:ec2:vision/i-1")
    assert "filter[resource]=arn:aws:ec2:vision%2Fi-1" in hit.url


def test_a_lead_finds_what_their_team_has_and_nothing_else(vision, person):
    lead = person(Role.ENGINEERING_LEAD, "ml")
    assert found("vision", lead) == {
        "Services": ["Vision API"],
        "Accounts": ["northwind-vision", "Vision payer"],
        "Resources": ["vision-serve-01"],
    }
    assert found("web", lead) == {}
    assert found("vision", person(Role.ENGINEERING_LEAD, username="nobody")) == {}


def test_cost_that_has_become_another_teams_is_no_longer_found(vision, person):
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE costs_chargekey SET group_id = (SELECT max(id) FROM costs_chargegroup WHERE team = 'web')"
        )
    assert found("vision api", person(Role.ENGINEERING_LEAD, "ml")) == {}


@pytest.mark.parametrize("text", ["%%", "__", "100%", "\\\\", "a_b", "'; --"])
def test_signs_of_patterns_are_signs_like_others(vision, person, text):
    assert found(text, person(Role.ADMIN)) == {}


def test_signs_of_patterns_are_found_where_they_stand(spend, person):
    spend((JUNE, "1", {"service_name": "100% Cotton_s3"}), (JUNE, "1", {"service_name": "100 Cotton s3"}))
    assert found("0% c", person(Role.ADMIN)) == {"Services": ["100% Cotton_s3"]}
    assert found("n_s", person(Role.ADMIN, username="b")) == {"Services": ["100% Cotton_s3"]}


def test_pages_are_those_that_the_role_may_open(person):
    assert found("audit", person(Role.FINANCE)) == {"Pages": ["Audit log"]}
    assert found("audit", person(Role.VIEWER)) == {}
    assert "Overview" in found("", person(Role.VIEWER, username="v"))["Pages"]


def test_a_saved_view_of_somebody_else_is_found_when_it_is_shared(person):
    owner, reader = person(Role.FINANCE), person(Role.VIEWER)
    SavedView.objects.create(owner=owner, name="Month end", path="/costs/", query="", is_shared=True)
    SavedView.objects.create(owner=owner, name="Month end, draft", path="/costs/", query="")
    assert found("month end", reader) == {"Saved views": ["Month end"]}


def test_at_most_five_of_a_kind_the_best_first(spend, person):
    spend(
        *((JUNE, "1", {"service_name": f"My Storage {number:02}"}) for number in range(9)),
        (JUNE, "1", {"service_name": "Storage of the longest name"}),
    )
    names = found("storage", person(Role.ADMIN))["Services"]
    assert names == ["Storage of the longest name", *(f"My Storage {number:02}" for number in range(4))]


def test_values_without_a_name_and_their_absence_are_no_trouble(spend):
    spend((JUNE, "1", {"resource_id": None}), (JUNE, "1", {"resource_id": "disk", "resource_name": None}))
    (disk,) = find_values(Dimension("resource"), "disk", limit=5, scope=ALL)
    assert (disk.value, disk.name) == ("disk", "")


def test_the_field_gets_a_list_and_a_browser_without_script_a_page(vision, browser_of):
    client = browser_of(Role.VIEWER)
    page, part = client.get("/search/?q=vision"), client.get("/search/?q=vision", headers={"HX-Request": "true"})
    assert "<html" in page.content.decode()
    assert "<html" not in part.content.decode()
    assert part.content.decode().count('role="option"') == page.content.decode().count('class="hit"') == 8
    assert "HX-Request" in part.headers["Vary"]
    assert "no-store" in part.headers["Cache-Control"]


def test_every_result_leads_somewhere(vision, browser_of):
    client = browser_of(Role.ADMIN)
    for text in ("vision", "sett", "help", "import"):
        for group in client.get(f"/search/?q={text}").context["groups"]:
            for hit in group.hits:
                assert client.get(hit.url, follow=True).status_code == 200, hit.url


@pytest.mark.parametrize("text", ["q", "nothing like this", "<script>", "x" * 5000])
def test_finding_nothing_is_said(vision, browser_of, text):
    answer = browser_of(Role.VIEWER).get("/search/", {"q": text}, headers={"HX-Request": "true"})
    html = answer.content.decode()
    assert 'class="none"' in html
    assert "<script>" not in html
    assert ("Type 2 characters" in html) == (text == "q")


def test_a_search_takes_few_queries_however_much_is_found(spend, browser_of):
    client = browser_of(Role.ADMIN)

    def queries():
        with CaptureQueriesContext(connection) as made:
            assert client.get("/search/?q=vision", headers={"HX-Request": "true"}).status_code == 200
        return len(made)

    spend((JUNE, "1", {"service_name": "Vision"}))
    few = queries()
    spend(*((JUNE, "1", {"service_name": f"Vision {n}", "resource_id": f"vision-{n}"}) for n in range(60)), source="b")
    assert queries() <= few <= 10


def test_who_is_not_signed_in_finds_nothing(client, db):
    assert client.get("/search/?q=vision").url.startswith("/login/")
