"""The commands for tokens and users."""

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from apps.accounts import commands
from apps.accounts.models import ApiToken, AuditEvent, Role, Team, User
from apps.accounts.tokens import recognise
from apps.core.errors import UserError

pytestmark = pytest.mark.django_db


def run(group: object, *arguments: str) -> Result:
    """The command, as typed."""
    result = CliRunner().invoke(group, arguments)  # type: ignore[arg-type]
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_a_new_token_is_printed_and_nothing_else(person: Callable[..., User]) -> None:
    person(username="ada")

    printed = run(commands.token, "create", "ada", "--name", "nightly").stdout

    token = recognise(printed.removesuffix("\n"))
    assert (token.user.username, token.name, token.scope, token.expires_at) == ("ada", "nightly", "read", None)
    assert AuditEvent.objects.get().actor_name == "system"


def test_a_new_token_as_json_says_what_it_is_for_and_how_long(person: Callable[..., User]) -> None:
    person(username="ada")

    arguments = ["create", "ada", "--name", "n", "--scope", "write", "--expires-in", "30", "--json"]
    printed = json.loads(run(commands.token, *arguments).stdout)

    token = recognise(printed["token"])
    assert printed["expires_at"] == ApiToken.objects.get().expires_at.isoformat()  # type: ignore[union-attr]
    assert (printed["id"], printed["user"], printed["name"], printed["scope"]) == (token.pk, "ada", "n", "write")


def test_a_token_is_revoked_by_its_beginning(person: Callable[..., User]) -> None:
    person(username="ada")
    text = run(commands.token, "create", "ada", "--name", "n").stdout.strip()

    run(commands.token, "revoke", text.rpartition("_")[0], "--reason", "leaked")

    assert ApiToken.objects.get().revoked_at is not None
    assert AuditEvent.objects.latest("id").reason == "leaked"
    with pytest.raises(UserError, match="no token that begins with 'finops_0'"):
        run(commands.token, "revoke", "finops_0")


def test_an_unknown_user_is_told_with_those_there_are(person: Callable[..., User]) -> None:
    with pytest.raises(UserError, match="There is no user 'ada'; the users are none yet"):
        run(commands.token, "create", "ada", "--name", "n")

    person(username="grace")

    with pytest.raises(UserError, match="the users are grace"):
        run(commands.user, "password", "ada")


def test_a_user_is_made_with_a_password_that_is_printed_once() -> None:
    team = Team.objects.create(slug="search", name="Search")

    password = run(commands.user, "create", "ada", "--role", "engineering_lead", "--team", "search").stdout.strip()

    ada = User.objects.get()
    assert ada.check_password(password)
    assert (ada.role, list(ada.teams.all()), ada.must_change_password) == (Role.ENGINEERING_LEAD, [team], True)
    with pytest.raises(UserError, match="There is no team 'other'; the teams are search"):
        run(commands.user, "create", "eve", "--team", "other")


def test_a_forgotten_password_is_replaced_by_a_one_time_password(person: Callable[..., User]) -> None:
    person(username="ada")

    password = run(commands.user, "password", "ada").stdout.strip()

    ada = User.objects.get()
    assert ada.check_password(password)
    assert ada.must_change_password
