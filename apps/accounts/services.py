"""Changes to users, teams and the organisation: one transaction each, with its audit event in it.

`actor` is who makes the change, None the system or the command line. Every refusal is a UserError. API tokens are
issued and revoked in tokens.py; signing in is in signin.py.
"""

import secrets
from collections.abc import Collection, Sequence

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import models, transaction

from apps.accounts import audit
from apps.accounts.models import ApiToken, Organisation, Role, Team, User
from apps.accounts.signals import allocation_changed
from apps.accounts.tokens import revoke_token
from apps.core.currencies import CURRENCIES
from apps.core.errors import UserError
from apps.core.locks import hold
from apps.core.saving import save_checked

TAG_KEYS = ("team_tag_keys", "environment_tag_keys", "workload_tag_keys")
LOCK = "accounts"  # changes here are few: one at a time, so that "the last admin" and "nobody else's tag" stay true


@transaction.atomic
def create_user(
    *,
    username: str,
    password: str,
    role: Role,
    actor: User | None,
    email: str = "",
    first_name: str = "",
    last_name: str = "",
    teams: Collection[Team] = (),
    one_time: bool = True,
    remote_address: str = "",
) -> User:
    """Make a user. With `one_time`, the password has to be changed at the first sign-in."""
    hold(LOCK)
    user = User(username=username, role=role, email=email, first_name=first_name, last_name=last_name)
    user.must_change_password = one_time
    _set_valid_password(user, password)
    save_checked(user, unchecked=["password"])
    user.teams.set(teams)
    after = _user_state(user)
    audit.record(
        actor=actor, action="user.created", target=f"user:{user.pk}", after=after, remote_address=remote_address
    )
    return user


@transaction.atomic
def update_user(
    *,
    user: User,
    actor: User | None,
    role: Role | None = None,
    email: str | None = None,
    first_name: str | None = None,
    last_name: str | None = None,
    remote_address: str = "",
) -> User:
    """Change what is given, leave what is None. The last active admin stays one."""
    hold(LOCK)
    user.refresh_from_db()
    before = _user_state(user)
    if role not in (None, Role.ADMIN):
        _keep_an_admin(without=user)
    _assign(user, role=role, email=email, first_name=first_name, last_name=last_name)
    audit.record_change(
        f"user:{user.pk}", actor=actor, before=before, after=_user_state(user), remote_address=remote_address
    )
    return user


@transaction.atomic
def set_membership(*, user: User, teams: Collection[Team], actor: User | None, remote_address: str = "") -> None:
    """Make `teams` the teams of `user`: those whose costs an engineering lead sees."""
    hold(LOCK)
    before = _user_state(user)
    user.teams.set(teams)
    audit.record_change(
        f"user:{user.pk}", actor=actor, before=before, after=_user_state(user), remote_address=remote_address
    )


@transaction.atomic
def set_members(*, team: Team, members: Collection[User], actor: User | None, remote_address: str = "") -> None:
    """Make `members` the members of `team`; each of them keeps their other teams."""
    hold(LOCK)
    before, after = set(team.members.all()), set(members)
    for user in sorted(before ^ after, key=lambda one: one.username):
        teams = set(user.teams.all()) ^ {team}
        set_membership(user=user, teams=teams, actor=actor, remote_address=remote_address)


@transaction.atomic
def deactivate_user(*, user: User, actor: User | None, reason: str = "", remote_address: str = "") -> None:
    """Lock a user out at once: sessions end, tokens are revoked for good. The last active admin stays."""
    hold(LOCK)
    _keep_an_admin(without=user)
    if not User.objects.filter(pk=user.pk, is_active=True).update(is_active=False):
        return
    user.is_active = False
    _revoke_tokens(user, reason="user deactivated", actor=actor, remote_address=remote_address)
    audit.record(
        actor=actor,
        action="user.deactivated",
        target=f"user:{user.pk}",
        reason=reason,
        remote_address=remote_address,
    )


@transaction.atomic
def reactivate_user(*, user: User, actor: User | None, remote_address: str = "") -> None:
    """Let a deactivated user sign in again; their tokens stay revoked."""
    if not User.objects.filter(pk=user.pk, is_active=False).update(is_active=True):
        return
    user.is_active = True
    audit.record(actor=actor, action="user.reactivated", target=f"user:{user.pk}", remote_address=remote_address)


@transaction.atomic
def set_password(*, user: User, password: str, actor: User | None, remote_address: str = "") -> None:
    """Set a password, which ends the user's sessions.

    One that somebody else sets has to be changed at next sign-in and revokes the user's tokens: it is what is done when
    an account has fallen into other hands.

    A page that changes the own password calls `update_session_auth_hash` after it to stay signed in.
    """
    one_time = actor is None or actor.pk != user.pk
    if user.must_change_password and not one_time and user.check_password(password):
        raise UserError("Choose a password other than the one-time password.", field="password")
    user.must_change_password = one_time
    _set_valid_password(user, password)
    user.save(update_fields=["password", "must_change_password"])
    if one_time:
        _revoke_tokens(user, reason="password reset", actor=actor, remote_address=remote_address)
    audit.record(
        actor=actor,
        action="user.password_set",
        target=f"user:{user.pk}",
        after={"must_change_password": one_time},
        remote_address=remote_address,
    )


@transaction.atomic
def ensure_first_admin() -> str | None:
    """Where no admin is active, make (or restore) the user "admin"; returns the one-time password, this once."""
    hold(LOCK)
    if User.objects.filter(role=Role.ADMIN, is_active=True).exists():
        return None
    password = secrets.token_urlsafe(12)
    user = User.objects.filter(username="admin").first() or User(username="admin")
    user.role, user.is_active, user.must_change_password = Role.ADMIN, True, True
    user.set_password(password)
    user.save()
    audit.record(actor=None, action="user.first_admin", target=f"user:{user.pk}", after=_user_state(user))
    return password


@transaction.atomic
def create_team(
    *,
    slug: str,
    name: str,
    actor: User | None,
    tag_values: Sequence[str] = (),
    sub_account_ids: Sequence[str] = (),
    remote_address: str = "",
) -> Team:
    """Make a team. No two teams may claim the same tag value or sub account."""
    hold(LOCK)
    team = Team(slug=slug, name=name.strip(), tag_values=_words(tag_values), sub_account_ids=_words(sub_account_ids))
    _refuse_claims_of_others(team)
    save_checked(team)
    audit.record(
        actor=actor,
        action="team.created",
        target=f"team:{team.slug}",
        after=_state(team),
        remote_address=remote_address,
    )
    _announce(Team)
    return team


@transaction.atomic
def update_team(
    *,
    team: Team,
    actor: User | None,
    name: str | None = None,
    tag_values: Sequence[str] | None = None,
    sub_account_ids: Sequence[str] | None = None,
    remote_address: str = "",
) -> Team:
    """Change what is given, leave what is None; the slug never changes, as costs are filed under it."""
    hold(LOCK)
    team.refresh_from_db()
    before = _state(team)
    _assign(
        team,
        name=None if name is None else name.strip(),
        tag_values=None if tag_values is None else _words(tag_values),
        sub_account_ids=None if sub_account_ids is None else _words(sub_account_ids),
    )
    _refuse_claims_of_others(team)
    if audit.record_change(
        f"team:{team.slug}", actor=actor, before=before, after=_state(team), remote_address=remote_address
    ):
        _announce(Team)
    return team


@transaction.atomic
def delete_team(*, team: Team, actor: User | None, reason: str = "", remote_address: str = "") -> None:
    """Remove a team; its costs become unallocated, or another's whose claims match them."""
    hold(LOCK)
    before = _state(team) | {"members": sorted(team.members.values_list("username", flat=True))}
    team.delete()
    audit.record(
        actor=actor,
        action="team.deleted",
        target=f"team:{team.slug}",
        before=before,
        reason=reason,
        remote_address=remote_address,
    )
    _announce(Team)


@transaction.atomic
def update_organisation(
    *,
    actor: User | None,
    name: str | None = None,
    reporting_currency: str | None = None,
    week_start: int | None = None,
    fiscal_year_start_month: int | None = None,
    team_tag_keys: Sequence[str] | None = None,
    environment_tag_keys: Sequence[str] | None = None,
    workload_tag_keys: Sequence[str] | None = None,
    remote_address: str = "",
) -> Organisation:
    """Change what is given, leave what is None. Other tag keys make costs being allocated again."""
    hold(LOCK)
    if reporting_currency and reporting_currency not in CURRENCIES:
        message = f"{reporting_currency!r} is not a currency of ISO 4217. Use three letters, for example USD."
        raise UserError(message, field="reporting_currency")
    organisation = Organisation.current()
    before = _state(organisation)
    _assign(
        organisation,
        name=name,
        reporting_currency=reporting_currency,
        week_start=week_start,
        fiscal_year_start_month=fiscal_year_start_month,
        team_tag_keys=None if team_tag_keys is None else _words(team_tag_keys),
        environment_tag_keys=None if environment_tag_keys is None else _words(environment_tag_keys),
        workload_tag_keys=None if workload_tag_keys is None else _words(workload_tag_keys),
    )
    after = _state(organisation)
    audit.record_change("organisation:1", actor=actor, before=before, after=after, remote_address=remote_address)
    if any(before[key] != after[key] for key in TAG_KEYS):
        _announce(Organisation)
    return organisation


def _announce(what: type[models.Model]) -> None:
    transaction.on_commit(lambda: allocation_changed.send(sender=what))


def _assign(target: models.Model, **values: object) -> None:
    """Set and save the fields whose value is given, and no others."""
    given = {name: value for name, value in values.items() if value is not None}
    for name, value in given.items():
        setattr(target, name, value)
    save_checked(target, fields=None if target._state.adding else list(given), unchecked=["password"])


def _set_valid_password(user: User, password: str) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise UserError(" ".join(error.messages), field="password") from error
    user.set_password(password)


def _keep_an_admin(*, without: User) -> None:
    admins = list(User.objects.filter(role=Role.ADMIN, is_active=True)[:2])
    if admins == [without]:
        raise UserError(f"{without.username} is the only active admin; make another user an admin first.")


def _refuse_claims_of_others(team: Team) -> None:
    """One tag value or sub account cannot be two teams'. Tag values are compared as allocation does, without case."""
    for other in Team.objects.exclude(pk=team.pk):
        shared_tags = _tags(team) & _tags(other)
        shared_accounts = set(team.sub_account_ids) & set(other.sub_account_ids)
        if shared_tags:
            raise UserError(
                f"The team {other.slug} has the tag value {min(shared_tags)!r} already.", field="tag_values"
            )
        if shared_accounts:
            message = f"The team {other.slug} owns the sub account {min(shared_accounts)!r} already."
            raise UserError(message, field="sub_account_ids")


def _tags(team: Team) -> set[str]:
    return {value.casefold() for value in (team.slug, team.name, *team.tag_values)}


def _words(values: Sequence[str]) -> list[str]:
    """Without surrounding blanks, empty ones and repetitions, in the order given."""
    return list(dict.fromkeys(value.strip() for value in values if value.strip()))


def _state(target: models.Model) -> dict[str, object]:
    return {field.name: getattr(target, field.name) for field in target._meta.concrete_fields if field.name != "id"}


def _user_state(user: User) -> dict[str, object]:
    names = ("username", "email", "first_name", "last_name", "role", "is_active", "must_change_password")
    return {name: getattr(user, name) for name in names} | {
        "teams": sorted(user.teams.values_list("slug", flat=True)),
    }


def _revoke_tokens(user: User, *, reason: str, actor: User | None, remote_address: str) -> None:
    for token in ApiToken.objects.filter(user=user, revoked_at=None):
        revoke_token(token=token, actor=actor, reason=reason, remote_address=remote_address)
