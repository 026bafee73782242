"""API tokens: where they are good, where not, and that their text is kept nowhere."""

import logging
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from apps.accounts.models import ApiToken, Role, TokenScope, User
from apps.accounts.services import deactivate_user
from apps.accounts.tokens import issue_token, recognise, revoke_token
from apps.core.errors import UserError

pytestmark = pytest.mark.django_db
ME = "/api/v1/users/me/"


def calling_with(header: str) -> APIClient:
    """A client that sends this Authorization header."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=header)
    return client


def refusal(header: str) -> str:
    """Why the API refuses it; always a 401 with a challenge."""
    answer = calling_with(header).get(ME)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="FinOps"'
    assert answer.headers["Content-Type"] == "application/problem+json"
    return str(answer.json()["detail"])


def test_a_token_speaks_for_its_user(person: Callable[..., User]) -> None:
    issued = issue_token(user=person(Role.ENGINEERING_LEAD, "search"), name="nightly", actor=None)

    answer = calling_with(f"bearer {issued.text}").get(ME)

    assert answer.json() == {
        "id": issued.token.user_id,
        "username": "engineering_lead",
        "role": "engineering_lead",
        "teams": ["search"],
        "capabilities": ["manage one's own API tokens", "see costs", "see teams"],
        "token_scope": "read",
    }


@pytest.mark.parametrize("text", ["", "x", "finops_0123456789ab_x", "finops__", "\xe9_\xe9", "a b c", "_" * 5_000])
def test_what_is_no_token_is_refused(text: str) -> None:
    assert refusal(f"Bearer {text}") == "There is no such token."


def test_the_public_beginning_of_a_token_does_not_open_anything(person: Callable[..., User]) -> None:
    issued = issue_token(user=person(), name="t", actor=None)

    for text in (issued.token.prefix, f"{issued.token.prefix}_", issued.text[:-1], issued.text + "0"):
        assert refusal(f"Bearer {text}") == "There is no such token."


def test_without_a_token_or_with_another_kind_of_header_the_api_asks_for_one() -> None:
    for header in ("", "Basic YWRtaW46ZGVtbw==", "Token x"):
        assert refusal(header) == "Authentication credentials were not provided."


def test_a_revoked_token_is_refused_and_stays_revoked(person: Callable[..., User]) -> None:
    issued = issue_token(user=person(), name="t", actor=None)
    revoke_token(token=issued.token, actor=None)
    first = ApiToken.objects.get().revoked_at

    revoke_token(token=issued.token, actor=None)

    assert refusal(f"Bearer {issued.text}") == "This token was revoked."
    assert ApiToken.objects.get().revoked_at == first


def test_an_expired_token_is_refused(person: Callable[..., User]) -> None:
    issued = issue_token(user=person(), name="t", expires_at=timezone.now() + timedelta(days=1), actor=None)
    assert calling_with(f"Bearer {issued.text}").get(ME).status_code == 200

    ApiToken.objects.update(expires_at=timezone.now())

    assert refusal(f"Bearer {issued.text}") == "This token has expired."


def test_the_token_of_a_deactivated_user_is_refused(person: Callable[..., User]) -> None:
    issued = issue_token(user=person(), name="t", actor=None)
    User.objects.update(is_active=False)

    assert refusal(f"Bearer {issued.text}") == "The user of this token is deactivated."


def test_a_read_token_reads_and_a_write_token_writes(person: Callable[..., User]) -> None:
    user = person(Role.VIEWER)
    reading = calling_with(f"Bearer {issue_token(user=user, name='r', actor=None).text}")
    writing = calling_with(f"Bearer {issue_token(user=user, name='w', scope=TokenScope.WRITE, actor=None).text}")

    assert reading.get("/api/v1/tokens/").status_code == reading.options("/api/v1/tokens/").status_code == 200
    refused = reading.post("/api/v1/tokens/", {"name": "n"})
    assert (refused.status_code, refused.json()["detail"][:25]) == (403, "This token may only read;")
    assert writing.post("/api/v1/tokens/", {"name": "n"}).status_code == 201


def test_a_token_can_do_no_more_than_its_user(api: Callable[..., APIClient]) -> None:
    assert api(Role.VIEWER).get("/api/v1/users/").status_code == 403


def test_the_text_of_a_token_is_neither_stored_nor_shown_again_nor_logged(
    person: Callable[..., User], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    admin = person(Role.ADMIN)
    issued = issue_token(user=admin, name="t", scope=TokenScope.WRITE, actor=admin)
    secret = issued.text.rpartition("_")[2]
    caller = calling_with(f"Bearer {issued.text}")

    shown = caller.get("/api/v1/tokens/").content + caller.get("/api/v1/audit/").content
    calling_with(f"Bearer {issued.text}0").get(ME)

    assert secret not in shown.decode() + repr(issued) + caplog.text
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT string_agg("{table}"::text, \' \') FROM "{table}"')
            assert secret not in str(cursor.fetchone())


def test_use_is_noted_once_an_hour(
    person: Callable[..., User], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    issued = issue_token(user=person(), name="t", actor=None)
    recognise(issued.text)
    assert ApiToken.objects.get().last_used_at is not None

    with django_assert_num_queries(1):
        recognise(issued.text)

    an_hour_ago = timezone.now() - timedelta(hours=1)
    ApiToken.objects.update(last_used_at=an_hour_ago)
    recognise(issued.text)
    assert ApiToken.objects.filter(last_used_at__gt=an_hour_ago).exists()


def test_a_token_needs_a_name_a_future_and_an_active_user(person: Callable[..., User]) -> None:
    person(Role.ADMIN)
    user = person()

    with pytest.raises(UserError, match="name"):
        issue_token(user=user, name=" ", actor=None)
    with pytest.raises(UserError, match="in the future"):
        issue_token(user=user, name="t", expires_at=timezone.now(), actor=None)
    deactivate_user(user=user, actor=None)
    with pytest.raises(UserError, match="deactivated"):
        issue_token(user=user, name="t", actor=None)


def test_a_session_reads_without_and_writes_only_with_the_csrf_token(person: Callable[..., User]) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(person(Role.VIEWER))
    browser.cookies["csrftoken"] = "c" * 32
    place, data, kind = "/api/v1/tokens/", {"name": "t"}, "application/json"

    assert browser.get(ME).json()["token_scope"] is None
    refused = browser.post(place, data, content_type=kind)
    assert (refused.status_code, refused.headers["Content-Type"]) == (403, "application/problem+json")
    assert "CSRF" in refused.json()["detail"]
    assert browser.post(place, data, content_type=kind, headers={"X-CSRFToken": "c" * 32}).status_code == 201


def test_a_session_with_a_one_time_password_does_not_open_the_api(person: Callable[..., User], client: Client) -> None:
    user = person()
    User.objects.update(must_change_password=True)
    client.force_login(user)

    assert client.get(ME).json()["detail"] == "Change the one-time password first."
