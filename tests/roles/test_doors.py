"""Every page and every call of the API lets in the roles that it should, and nobody else."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import transaction
from django.test import Client

from apps.accounts.models import Role, TokenScope, User
from apps.accounts.tokens import issue_token
from tests.roles.doors import CALLS, OPEN_CALLS, PAGES, calls_of_the_product, pages_of_the_product

BY_ROLE = {Role.ADMIN: "admin", Role.FINANCE: "finance", Role.VIEWER: "viewer", Role.ENGINEERING_LEAD: "lead"}
REFUSED = 403


def answers_to(name: str, path: str) -> set[int]:
    """What somebody who may come in gets: the page or the way on; nothing, where the thing is the admin's own, or a
    source that people bring bills to and no connection."""
    is_own = "{view}" in path or "{token}" in path
    return {200, 302} | ({404} if (is_own and name != "admin") or "{source}" in path else set())


@contextmanager
def taken_back() -> Iterator[None]:
    """What one request changes is not there for the next."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def test_every_page_says_whom_it_lets_in() -> None:
    assert set(PAGES) == pages_of_the_product()


def test_every_call_of_the_api_says_whom_it_lets_in() -> None:
    assert set(CALLS) | set(OPEN_CALLS) == calls_of_the_product()


@pytest.mark.parametrize("route", PAGES)
def test_a_page_opens_for_its_roles_alone(
    route: str, browser: Callable[[str], Client], things: dict[str, object]
) -> None:
    door = PAGES[route]
    path = door.path.format(**things)
    for role, name in BY_ROLE.items():
        answer = browser(name).get(path)
        if door.see is None:
            assert answer.status_code == 405, name
        elif role in door.see:
            assert answer.status_code in answers_to(name, door.path), name
            assert "/login/" not in answer.headers.get("Location", "")
        else:
            assert answer.status_code == REFUSED, name


@pytest.mark.parametrize("route", [route for route, door in PAGES.items() if door.change is not None])
def test_a_page_takes_changes_from_its_roles_alone(
    route: str, browser: Callable[[str], Client], things: dict[str, object]
) -> None:
    door = PAGES[route]
    assert door.change is not None
    for role, name in BY_ROLE.items():
        client = browser(name)
        with taken_back():
            answer = client.post(door.path.format(**things))
        if role in door.change:
            assert answer.status_code in answers_to(name, door.path) | {400}, name
        else:
            assert answer.status_code == REFUSED, name


@pytest.mark.parametrize("route", PAGES)
def test_who_is_not_signed_in_is_sent_to_sign_in(route: str, things: dict[str, object]) -> None:
    door = PAGES[route]
    client = Client()
    ask = client.post if door.see is None else client.get
    answer = ask(door.path.format(**things))
    if door.public:
        assert answer.status_code in (200, 301, 302)
        assert "next=" not in answer.headers.get("Location", "")
    else:
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/login/?next=")


@pytest.mark.parametrize("call", CALLS)
def test_a_call_is_answered_to_its_roles_alone(
    call: str, browser: Callable[[str], Client], people: dict[str, User], things: dict[str, object]
) -> None:
    path, allowed = CALLS[call]
    verb = call.partition(" ")[0]
    for role, name in BY_ROLE.items():
        client = browser(name)
        with taken_back():
            answer = getattr(client, verb)(f"/api/v1/{path.format(**things)}", content_type="application/json")
        if role in allowed:
            assert answer.status_code in answers_to(name, path) | {201, 204, 400, 415}, name
        else:
            assert answer.status_code == REFUSED, name
            assert answer.json()["detail"].startswith("Your role may not")
    nobody = getattr(Client(), verb)(f"/api/v1/{path.format(**things)}", content_type="application/json")
    assert nobody.status_code == 401


@pytest.mark.parametrize("call", [call for call in CALLS if not call.startswith("get ")])
def test_a_token_that_may_read_changes_nothing_whoever_owns_it(
    call: str, people: dict[str, User], things: dict[str, object]
) -> None:
    path, _ = CALLS[call]
    text = issue_token(user=people["admin"], name="r", scope=TokenScope.READ, actor=None).text
    ask = getattr(Client(headers={"Authorization": f"Bearer {text}"}), call.partition(" ")[0])
    answer = ask(f"/api/v1/{path.format(**things)}", content_type="application/json")
    assert answer.status_code == REFUSED
    assert "may only read" in answer.json()["detail"]


@pytest.mark.parametrize("path", OPEN_CALLS.values())
def test_the_description_of_the_api_is_open_to_all(path: str, db: None) -> None:
    assert Client().get(path).status_code == 200
