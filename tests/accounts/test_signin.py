"""Signing in: who comes in, what is logged, and how guessing is slowed down."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.contrib.auth import authenticate
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.utils import timezone
from pytest_django import Settings

from apps.accounts import signin
from apps.accounts.middleware import OneTimePasswordMiddleware
from apps.accounts.models import AuditEvent, Role, SignInAttempt, User
from apps.core.requests import remote_address
from tests.accounts.conftest import PASSWORD

pytestmark = pytest.mark.django_db


def request_from(address: str) -> HttpRequest:
    """A request of somebody."""
    return RequestFactory().post("/login/", REMOTE_ADDR=address)


def sign_in(username: str, password: str, address: str = "192.0.2.1") -> object:
    """The user that Django takes the person for."""
    return authenticate(request_from(address), username=username, password=password)


def errors(username: str, password: str, address: str = "192.0.2.1") -> list[str]:
    """What the sign-in form says."""
    form = signin.SignInForm(request_from(address), {"username": username, "password": password})
    return [] if form.is_valid() else [str(error) for error in form.non_field_errors()]


def test_the_right_password_lets_in_and_is_logged(person: Callable[..., User], client: Client) -> None:
    user = person(username="ada")

    assert sign_in("ada", PASSWORD) == user
    client.force_login(user)
    client.logout()

    assert [event.action for event in AuditEvent.objects.order_by("id")] == ["user.signed_in", "user.signed_out"]
    assert not SignInAttempt.objects.exists()


def test_a_wrong_password_is_logged_with_whose_it_was_and_from_where(person: Callable[..., User]) -> None:
    user = person(username="ada")

    assert sign_in("ada", "wrong", "192.0.2.7") is None

    event = AuditEvent.objects.get()
    assert (event.action, event.target, event.remote_address) == ("user.sign_in_failed", f"user:{user.pk}", "192.0.2.7")


def test_a_name_that_is_nobodys_is_not_kept_in_the_log_as_it_may_be_a_password() -> None:
    assert sign_in("hunter2", "") is None

    assert "hunter2" not in str(AuditEvent.objects.values_list())
    assert AuditEvent.objects.get().target == "user:unknown"


def test_a_deactivated_user_does_not_come_in(person: Callable[..., User]) -> None:
    person(username="ada")
    User.objects.update(is_active=False)

    assert sign_in("ada", PASSWORD) is None


def test_after_five_wrong_passwords_even_the_right_one_has_to_wait(person: Callable[..., User]) -> None:
    user = person(username="ada")
    for _ in range(4):
        assert "Too many" not in errors("ada", "wrong")[0]

    assert "Too many wrong passwords. Wait 15 minutes" in errors("ADA", "wrong")[0]
    assert "Too many" in errors("ada", PASSWORD)[0]
    assert sign_in("ada", PASSWORD) is None
    assert AuditEvent.objects.filter(action="user.sign_in_failed").count() == 5

    assert sign_in("ada", PASSWORD, "192.0.2.2") == user  # a stranger's guesses do not lock the person out

    SignInAttempt.objects.update(at=timezone.now() - timedelta(minutes=16))
    assert sign_in("ada", PASSWORD) == user


def test_the_right_password_in_time_forgets_the_wrong_ones(person: Callable[..., User]) -> None:
    person(username="ada")
    for _ in range(3):
        for _ in range(4):
            assert sign_in("ada", "wrong") is None
        assert sign_in("ada", PASSWORD) is not None


def test_one_address_cannot_try_one_password_on_everybody(person: Callable[..., User]) -> None:
    person(username="ada")
    SignInAttempt.objects.bulk_create(SignInAttempt(username=f"u{n}", address="192.0.2.1") for n in range(50))

    assert sign_in("ada", PASSWORD) is None
    assert sign_in("ada", PASSWORD, "192.0.2.2") is not None


def test_many_addresses_cannot_guess_at_one_person_for_ever(person: Callable[..., User]) -> None:
    person(username="ada")
    SignInAttempt.objects.bulk_create(SignInAttempt(username="ada", address=f"192.0.2.{n}") for n in range(100))

    assert sign_in("ada", PASSWORD, "198.51.100.1") is None


def test_what_is_refused_unseen_does_not_make_the_wait_longer(person: Callable[..., User]) -> None:
    person(username="ada")
    for _ in range(9):
        sign_in("ada", "wrong")

    assert SignInAttempt.objects.count() == 5


def test_attempts_of_yesterday_are_forgotten(person: Callable[..., User]) -> None:
    person(username="ada")
    old = SignInAttempt.objects.create(username="x", address="y")
    SignInAttempt.objects.update(at=timezone.now() - timedelta(days=2))

    sign_in("ada", "wrong")

    assert not SignInAttempt.objects.filter(pk=old.pk).exists()


@pytest.mark.django_db(transaction=True)
def test_guesses_made_at_the_same_time_are_counted_too(
    person: Callable[..., User], monkeypatch: pytest.MonkeyPatch
) -> None:
    person(username="ada")
    looked_at: list[str] = []

    def note_and_refuse(_: User, password: str) -> bool:
        looked_at.append(password)
        return False

    monkeypatch.setattr(User, "check_password", note_and_refuse)

    def guess(number: int) -> None:
        try:
            sign_in("ada", f"guess {number}")
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as guessers:
        list(guessers.map(guess, range(24)))

    assert len(looked_at) <= signin.WRONG_FROM_ONE_ADDRESS


@pytest.fixture
def proxies(settings: Settings) -> Callable[[int, str], str]:
    """The address that is believed, with so many proxies in front and such a header."""

    def believed(count: int, forwarded: str) -> str:
        settings.TRUSTED_PROXIES = count
        return remote_address(RequestFactory().get("/", REMOTE_ADDR="10.0.0.1", headers={"X-Forwarded-For": forwarded}))

    return believed


def test_a_forwarded_address_is_believed_from_as_many_proxies_as_there_are(proxies: Callable[[int, str], str]) -> None:
    claimed = "6.6.6.6, 192.0.2.1, 10.0.0.2"

    assert proxies(0, claimed) == "10.0.0.1"
    assert proxies(1, claimed) == "10.0.0.2"
    assert proxies(2, claimed) == "192.0.2.1"
    assert proxies(1, "") == "10.0.0.1"


@pytest.mark.parametrize(
    ("path", "sent_to_change_it"),
    [("/", True), ("/settings/", True), ("/password/", False), ("/logout/", False), ("/static/app.css", False)],
)
def test_a_one_time_password_leads_to_the_page_that_changes_it(path: str, sent_to_change_it: bool) -> None:
    request = RequestFactory().get(path)
    request.user = User(role=Role.ADMIN, must_change_password=True)
    page = OneTimePasswordMiddleware(lambda _: HttpResponse("page"))

    answer = page(request)

    assert (answer.status_code == 302) == sent_to_change_it
    assert not sent_to_change_it or answer.headers["Location"] == "/password/"


@pytest.mark.parametrize("path", ["/password/", "/settings/password/"])
def test_the_old_password_is_guessed_no_faster_than_on_the_sign_in_page(
    path: str, person: Callable[..., User], client: Client
) -> None:
    """Who holds a session that somebody left open must not find out the password that it was opened with."""
    user = person(username="ada")
    client.force_login(user)
    new = dict.fromkeys(("new_password1", "new_password2"), "another battery staple")

    said = [client.post(path, {"old_password": "wrong", **new}).content.decode() for _ in range(5)]
    assert "old password was entered incorrectly" in said[0]
    assert "Too many wrong passwords. Wait 15 minutes" in said[-1]
    assert client.post(path, {"old_password": PASSWORD, **new}).status_code == 200
    assert AuditEvent.objects.filter(action="user.sign_in_failed", target=f"user:{user.pk}").count() == 5
    SignInAttempt.objects.all().delete()
    assert client.post(path, {"old_password": PASSWORD, **new}).status_code == 302
    user.refresh_from_db()
    assert user.check_password("another battery staple")
