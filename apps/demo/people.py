"""The people and teams of the demo: making them, and seeing to it that nobody gets in with their password any more."""

import secrets
from dataclasses import dataclass
from typing import Final

from django.db.models import Q

from apps.accounts import services
from apps.accounts.audit import record
from apps.accounts.models import ApiToken, Organisation, Role, Team, User
from apps.accounts.tokens import revoke_token
from apps.demo.tables import Row, rows

PASSWORD: Final = "demo"  # noqa: S105 - told to everybody on the sign-in page
NAME: Final = "Northwind AI"
REASON: Final = "the demo was removed"


@dataclass(frozen=True, slots=True)
class Login:
    """One of the demo's people; `can` is what the sign-in page says of them."""

    username: str
    first_name: str
    last_name: str
    role: Role
    can: str
    teams: tuple[str, ...] = ()


LOGINS: Final = (
    Login("admin", "Jonas", "Weber", Role.ADMIN, "may do everything"),
    Login("finance", "Anna", "Kovács", Role.FINANCE, "sees everything, imports bills"),
    Login("ml-lead", "Priya", "Nair", Role.ENGINEERING_LEAD, "sees the team ml-platform alone", ("ml-platform",)),
    Login("viewer", "Omar", "Haddad", Role.VIEWER, "sees every cost, changes nothing"),
)
NAMES: Final = tuple(login.username for login in LOGINS)


def make_organisation() -> None:
    """Name the organisation and make its teams and people; runs in the caller's transaction."""
    services.update_organisation(actor=None, name=NAME)
    for team in rows("teams"):
        services.create_team(
            actor=None,
            slug=team["slug"],
            name=team["name"],
            tag_values=_tag_values(team),
            sub_account_ids=_sub_accounts(team),
        )
    for login in LOGINS:
        _make_user(login)


def unmake_organisation() -> None:
    """Take the name and the teams away again, but for what somebody has changed since."""
    if Organisation.current().name == NAME:
        services.update_organisation(actor=None, name="")
    strangers = User.objects.exclude(username__in=NAMES)
    for row in rows("teams"):
        as_made = {"tag_values": _tag_values(row), "sub_account_ids": _sub_accounts(row)}
        team = Team.objects.filter(slug=row["slug"], name=row["name"], **as_made).first()
        if team and not strangers.filter(teams=team).exists():
            services.delete_team(team=team, actor=None, reason=REASON)


def lock_out(*, actor: User | None, remote_address: str) -> tuple[User, str] | None:
    """End the access of the demo's people who still have its password; runs in the caller's transaction.

    They are deactivated, but for one admin where there would be none left: who is removing the demo, else the demo's
    own. That one gets a one-time password. Returns them with it.
    """
    known = [user for user in User.objects.filter(username__in=NAMES) if user.check_password(PASSWORD)]
    keeper = _keeper(known, actor)
    for user in known:
        for token in ApiToken.objects.filter(user=user, revoked_at=None):
            revoke_token(token=token, actor=actor, reason=REASON, remote_address=remote_address)
        if user != keeper:  # also one that is deactivated already: they could be let in again
            services.deactivate_user(user=user, actor=actor, reason=REASON, remote_address=remote_address)
            user.set_unusable_password()
            user.save(update_fields=["password"])
    if keeper is None:
        return None
    password = secrets.token_urlsafe(12)
    services.set_password(user=keeper, password=password, actor=None, remote_address=remote_address)
    return keeper, password


def _keeper(known: list[User], actor: User | None) -> User | None:
    if actor in known:
        return actor
    others = User.objects.filter(~Q(pk__in=[user.pk for user in known]), role=Role.ADMIN, is_active=True)
    return (
        None if others.exists() else next((user for user in known if user.role == Role.ADMIN and user.is_active), None)
    )


def _make_user(login: Login) -> None:
    user = User.objects.create_user(
        login.username,
        f"{login.username}@northwind.example",
        PASSWORD,  # too short for the services' rules, as a password that everybody knows may be
        first_name=login.first_name,
        last_name=login.last_name,
        role=login.role,
    )
    user.teams.set(Team.objects.filter(slug__in=login.teams))
    after = {"username": login.username, "role": login.role, "teams": login.teams}
    record(actor=None, action="user.created", target=f"user:{user.pk}", after=after, reason="demo")


def _tag_values(team: Row) -> list[str]:
    return team["tag_values"].split(";")


def _sub_accounts(team: Row) -> list[str]:
    return [account["id"] for account in rows("accounts") if account["team"] == team["slug"]]
