"""The API of users, teams, tokens and the audit log, and the one shape of its errors."""

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.core.exceptions import ValidationError as DjangoValidationError
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from apps.accounts import queries, tokens
from apps.accounts.models import ApiToken, AuditEvent, Role, Team, TokenScope, User
from apps.core.errors import UserError
from tests.accounts.conftest import PASSWORD

pytestmark = pytest.mark.django_db
Api = Callable[..., APIClient]


def names(answer: Any, key: str) -> list[str]:
    """One field of every row of a list."""
    return [row[key] for row in answer.json()["results"]]


def test_an_admin_makes_changes_and_deactivates_a_user(api: Api) -> None:
    Team.objects.create(slug="search", name="Search")
    admin = api(Role.ADMIN)
    wanted = {"username": "ada", "password": PASSWORD, "role": "engineering_lead", "teams": ["search"]}

    made = admin.post("/api/v1/users/", wanted)

    assert made.status_code == 201
    assert PASSWORD not in made.content.decode()
    assert (made.json()["teams"], made.json()["must_change_password"]) == (["search"], True)
    place = f"/api/v1/users/{made.json()['id']}/"

    changed = admin.patch(place, {"role": "finance", "teams": [], "username": "other", "is_active": False})

    assert changed.json() == admin.get(place).json()
    ada = User.objects.get(username="ada")
    assert (ada.role, ada.is_active, ada.teams.count()) == ("finance", False, 0)
    assert admin.patch(place, {"is_active": True}).json()["is_active"] is True
    assert admin.delete(place).status_code == 405
    assert names(admin.get("/api/v1/audit/?target=user&actor=admin"), "action") == [
        "user.reactivated",
        "user.deactivated",
        "user.updated",
        "user.updated",
        "user.created",
    ]


def test_half_a_change_of_a_user_is_none(api: Api, person: Callable[..., User]) -> None:
    admin = api(Role.ADMIN)
    user = User.objects.get()
    person(username="ada")

    answer = admin.patch(f"/api/v1/users/{user.pk}/", {"first_name": "Eve", "is_active": False})

    assert (answer.status_code, User.objects.get(pk=user.pk).first_name) == (400, "")
    assert not AuditEvent.objects.filter(action="user.updated").exists()


def test_an_admin_resets_the_password_of_somebody_else_only(api: Api, person: Callable[..., User]) -> None:
    admin, user = api(Role.ADMIN), person()

    answer = admin.post(f"/api/v1/users/{user.pk}/password/", {"password": "a new one-time password"})

    user.refresh_from_db()
    assert (answer.status_code, user.must_change_password) == (204, True)
    assert user.check_password("a new one-time password")
    own = admin.post(f"/api/v1/users/{User.objects.get(role='admin').pk}/password/", {"password": PASSWORD})
    assert own.status_code == 400


def test_an_admin_makes_changes_and_deletes_a_team(api: Api) -> None:
    admin = api(Role.ADMIN)

    made = admin.post("/api/v1/teams/", {"slug": "search", "name": "Search", "tag_values": ["srch"]})
    assert (made.status_code, made.json()["sub_account_ids"]) == (201, [])

    changed = admin.patch("/api/v1/teams/search/", {"name": "Find", "slug": "find", "sub_account_ids": ["1"]})
    assert changed.json() == {
        "slug": "search",
        "name": "Find",
        "tag_values": ["srch"],
        "sub_account_ids": ["1"],
        "members": [],
    }
    assert admin.delete("/api/v1/teams/search/").status_code == 204
    assert admin.get("/api/v1/teams/search/").status_code == 404


def test_an_engineering_lead_sees_their_teams_and_changes_none(api: Api, person: Callable[..., User]) -> None:
    Team.objects.create(slug="other", name="Other")
    lead = api(person(Role.ENGINEERING_LEAD, "search"))

    assert names(lead.get("/api/v1/teams/"), "slug") == ["search"]
    assert lead.get("/api/v1/teams/other/").status_code == 404
    assert lead.patch("/api/v1/teams/search/", {"name": "Mine"}).status_code == 403


def test_a_user_manages_their_own_tokens_and_an_admin_sees_all(api: Api, person: Callable[..., User]) -> None:
    viewer, other = api(Role.VIEWER), person(Role.FINANCE)
    theirs = tokens.issue_token(user=other, name="theirs", actor=None).token

    made = viewer.post("/api/v1/tokens/", {"name": "mine", "scope": "write", "expires_at": "2999-01-01T00:00:00Z"})

    assert (made.status_code, made.json()["user"], made.json()["scope"]) == (201, "viewer", "write")
    assert tokens.recognise(made.json()["token"]).pk == made.json()["id"]
    assert set(names(viewer.get("/api/v1/tokens/"), "name")) == {"test", "mine"}
    assert viewer.delete(f"/api/v1/tokens/{theirs.pk}/").status_code == 404
    assert viewer.delete(f"/api/v1/tokens/{made.json()['id']}/").status_code == 204
    assert ApiToken.objects.get(name="mine").revoked_at is not None
    admin = api(Role.ADMIN)
    assert set(names(admin.get("/api/v1/tokens/"), "user")) == {"admin", "viewer", "finance"}
    assert admin.delete(f"/api/v1/tokens/{theirs.pk}/").status_code == 204


def test_a_token_cannot_make_one_that_outlives_it(api: Api) -> None:
    caller = api(Role.VIEWER)
    ApiToken.objects.update(expires_at="2999-01-01T00:00:00Z")

    for expiry in (None, "2999-01-02T00:00:00Z"):
        answer = caller.post("/api/v1/tokens/", {"name": "t", "expires_at": expiry})
        assert answer.json()["errors"] == [
            {"field": "expires_at", "detail": "A token cannot make one that outlives it."}
        ]
    assert caller.post("/api/v1/tokens/", {"name": "t", "expires_at": "2998-01-01T00:00:00Z"}).status_code == 201


def test_the_audit_log_is_filtered_and_cut_into_pages(api: Api) -> None:
    finance = api(Role.FINANCE)
    queries_before = AuditEvent.objects.count()
    admin = api(Role.ADMIN)
    for slug in ("a", "b", "c"):
        admin.post("/api/v1/teams/", {"slug": slug, "name": slug})

    page = finance.get("/api/v1/audit/?action=team&actor=admin&page=2&page_size=2").json()
    assert (page["count"], page["next"], len(page["results"])) == (3, None, 1)
    assert page["results"][0]["target"] == "team:a"
    assert "page=1" in page["previous"] or "page=" not in page["previous"]
    assert names(finance.get("/api/v1/audit/?target=team:b"), "action") == ["team.created"]
    assert finance.get("/api/v1/audit/?action=te").json()["count"] == 0
    at = page["results"][0]["at"].replace("+", "%2B")
    assert finance.get(f"/api/v1/audit/?since={at}").json()["count"] == 3
    assert finance.get(f"/api/v1/audit/?until={at}").json()["count"] == queries_before + 1
    assert finance.get("/api/v1/audit/?page_size=5000").json()["next"] is None
    assert finance.get("/api/v1/audit/?since=yesterday").json()["errors"][0]["field"] == "since"
    one = finance.get(f"/api/v1/audit/{page['results'][0]['id']}/").json()
    assert one == page["results"][0]


def test_the_audit_log_refuses_a_filter_that_it_does_not_know(api: Api) -> None:
    answer = api(Role.ADMIN).get("/api/v1/audit/?actr=ada")

    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    (error,) = answer.json()["errors"]
    assert error["field"] == "actr"
    assert "actor, action, target, since, until, page, page_size" in error["detail"]


def test_the_chain_is_verified_on_request(api: Api) -> None:
    answer = api(Role.FINANCE).get("/api/v1/audit/verify/")

    assert answer.json() == {"intact": True, "events": 1, "first_broken": None, "why": ""}


READS = {
    "/api/v1/users/": {"admin", "finance"},
    "/api/v1/teams/": {"admin", "finance", "engineering_lead", "viewer"},
    "/api/v1/tokens/": {"admin", "finance", "engineering_lead", "viewer"},
    "/api/v1/audit/": {"admin", "finance"},
    "/api/v1/audit/verify/": {"admin", "finance"},
}
WRITES = {
    "/api/v1/users/": {"admin"},
    "/api/v1/teams/": {"admin"},
    "/api/v1/tokens/": {"admin", "finance", "engineering_lead", "viewer"},
}


@pytest.mark.parametrize("role", Role)
def test_each_role_reaches_what_it_may_and_nothing_else(role: Role, api: Api) -> None:
    caller = api(role)

    for place, who in READS.items():
        assert (caller.get(place).status_code == 200) == (role in who), place
    for place, who in WRITES.items():  # an empty body: what gets past the door is found wanting
        assert caller.post(place, {}).status_code == (400 if role in who else 403), place


@pytest.mark.parametrize("place", [*READS, "/api/v1/users/me/"])
def test_nobody_reaches_anything_without_signing_in(place: str, client: Client) -> None:
    assert client.get(place).status_code == 401


@pytest.mark.parametrize("place", ["users", "teams", "tokens", "audit"])
def test_a_longer_list_takes_no_more_queries(
    place: str, api: Api, person: Callable[..., User], django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    caller = api(Role.ADMIN)
    for number in range(20):
        user = person(Role.VIEWER, f"team-{number}", "everybody", username=f"user-{number}")
        tokens.issue_token(user=user, name="t", actor=user, scope=TokenScope.READ)

    caller.get("/api/v1/users/me/")  # notes the use of the token
    with django_assert_max_num_queries(4):
        assert caller.get(f"/api/v1/{place}/").json()["count"] >= 20


def problem_of(answer: Any, status: int) -> dict[str, Any]:
    """The problem that an answer is."""
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert set(body) == {"type", "title", "status", "detail", "errors"}
    assert (body["type"], body["status"]) == ("about:blank", status)
    return body


def test_wrong_fields_are_named_one_by_one(api: Api) -> None:
    answer = api(Role.ADMIN).post("/api/v1/teams/", {"name": "x", "tag_values": ["fine", ["nested"]]})

    assert problem_of(answer, 400) == {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": "slug: This field is required. tag_values.1: Not a valid string.",
        "errors": [
            {"field": "slug", "detail": "This field is required."},
            {"field": "tag_values.1", "detail": "Not a valid string."},
        ],
    }


def test_a_refusal_of_a_service_is_a_problem_of_its_field(api: Api) -> None:
    admin = api(Role.ADMIN)
    admin.post("/api/v1/teams/", {"slug": "search", "name": "Search"})

    answer = admin.post("/api/v1/teams/", {"slug": "find", "name": "Search"})

    assert problem_of(answer, 400)["errors"] == [
        {"field": "tag_values", "detail": "The team search has the tag value 'search' already."}
    ]


def test_an_address_that_is_not_there_is_a_problem(client: Client, api: Api) -> None:
    assert problem_of(client.get("/api/v1/nothing/"), 404)["detail"] == "There is nothing at /api/v1/nothing/."
    assert problem_of(client.get("/api/nothing"), 404)["title"] == "Not Found"
    assert "No User" in problem_of(api(Role.ADMIN).get("/api/v1/users/999/"), 404)["detail"]
    assert problem_of(api(User.objects.get()).get("/api/v1/audit/?page=9"), 404)


@pytest.mark.parametrize("place", ["users/9%00", "users/99999999999999999999", "teams/a%00", "tokens/x", "audit/-1"])
def test_an_id_that_cannot_be_one_is_not_found(place: str, api: Api) -> None:
    assert problem_of(api(Role.ADMIN).get(f"/api/v1/{place}/"), 404)


def test_a_team_that_cannot_be_one_is_refused(api: Api) -> None:
    wanted = {"username": "ada", "password": PASSWORD, "role": "viewer", "teams": ["\x00"]}

    assert problem_of(api(Role.ADMIN).post("/api/v1/users/", wanted), 400)["errors"][0]["field"].startswith("teams")


def test_other_methods_bodies_and_formats_are_problems(api: Api) -> None:
    admin = api(Role.ADMIN)

    assert problem_of(admin.put("/api/v1/teams/", {}), 405)["detail"] == 'Method "PUT" not allowed.'
    assert (
        "JSON parse error"
        in problem_of(admin.generic("POST", "/api/v1/teams/", "{", "application/json"), 400)["detail"]
    )
    assert problem_of(admin.generic("POST", "/api/v1/teams/", "x", "text/plain"), 415)
    assert problem_of(admin.get("/api/v1/teams/", headers={"Accept": "text/csv"}), 406)


@pytest.mark.parametrize(
    ("error", "status", "says"),
    [
        (UserError("The file is empty."), 400, "The file is empty."),
        (DjangoValidationError({"name": ["Too long."]}), 400, "name: Too long."),
        (DjangoValidationError("Too long."), 400, "Too long."),
        (SuspiciousOperation("inside"), 400, "Malformed request."),
        (RequestDataTooBig("inside"), 413, "The request is too large."),
        (KeyError("inside"), 500, "Something went wrong here; the log of the server says what."),
    ],
)
def test_whatever_a_view_raises_is_a_problem_that_leaks_nothing(
    error: Exception,
    status: int,
    says: str,
    *,
    api: Api,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(**_: object) -> None:
        raise error

    caller = api(Role.ADMIN)
    caller.raise_request_exception = False

    with patch.object(queries, "teams", fail):
        answer = caller.get("/api/v1/teams/")

    assert problem_of(answer, status)["detail"] == says
    assert "inside" not in answer.content.decode()
    assert ("KeyError" in caplog.text) == (status == 500)


@pytest.mark.parametrize("path", ["/api/v1/saved-views/", "/api/v1/utilization/"])
def test_json_that_is_nested_without_end_is_a_bad_request(path: str, api: Api) -> None:
    caller = api(Role.ADMIN)
    caller.raise_request_exception = False
    answer = caller.post(path, b"[" * 100_000 + b"]" * 100_000, content_type="application/json")
    assert problem_of(answer, 400)["detail"] == "The JSON is nested too deeply."
