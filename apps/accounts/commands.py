"""Commands for API tokens and users; whoever may run them on the machine is the system, not a user."""

import json
import secrets
from datetime import timedelta

import click
from django.utils import timezone

from apps.accounts import services, tokens
from apps.accounts.models import ApiToken, Role, Team, TokenScope, User
from apps.core.errors import UserError


@click.group()
def token() -> None:
    """API tokens."""


@token.command("create")
@click.argument("username", metavar="USER")
@click.option("--name", required=True, help="What the token is for.")
@click.option("--scope", type=click.Choice(TokenScope.values), default=TokenScope.READ.value, show_default=True)
@click.option(
    "--expires-in", "days", type=click.IntRange(min=1, max=36_500), help="Days; without it, it never expires."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def create_token(username: str, name: str, scope: str, days: int | None, as_json: bool) -> None:
    """Make a token for USER and print it, this once."""
    expires_at = timezone.now() + timedelta(days=days) if days else None
    issued = tokens.issue_token(
        user=_user(username), name=name, scope=TokenScope(scope), expires_at=expires_at, actor=None
    )
    if not as_json:
        click.echo(issued.text)
        return
    made = issued.token
    expiry = expires_at.isoformat() if expires_at else None
    shown = {"id": made.pk, "user": username, "name": made.name, "scope": scope, "expires_at": expiry}
    click.echo(json.dumps(shown | {"token": issued.text}))


@token.command("revoke")
@click.argument("prefix")
@click.option("--reason", default="", help="Why, for the audit log.")
def revoke_token(prefix: str, reason: str) -> None:
    """Make the token that begins with PREFIX (finops_ and 12 characters) good for nothing."""
    found = ApiToken.objects.filter(prefix=prefix).first()
    if found is None:
        raise UserError(f"There is no token that begins with {prefix!r}; the list of tokens in Settings shows them.")
    tokens.revoke_token(token=found, actor=None, reason=reason)


@click.group()
def user() -> None:
    """Users."""


@user.command("create")
@click.argument("username")
@click.option("--role", type=click.Choice(Role.values), default=Role.VIEWER.value, show_default=True)
@click.option("--email", default="")
@click.option("--team", "slugs", multiple=True, help="Slug of a team; repeat it for more.")
def create_user(username: str, role: str, email: str, slugs: tuple[str, ...]) -> None:
    """Make a user and print their one-time password, this once."""
    teams = [_team(slug) for slug in slugs]
    password = secrets.token_urlsafe(12)
    services.create_user(username=username, password=password, role=Role(role), email=email, teams=teams, actor=None)
    click.echo(password)


@user.command("password")
@click.argument("username")
def reset_password(username: str) -> None:
    """Give a user a new one-time password and print it, this once."""
    password = secrets.token_urlsafe(12)
    services.set_password(user=_user(username), password=password, actor=None)
    click.echo(password)


def _user(username: str) -> User:
    found = User.objects.filter(username=username).first()
    if found is None:
        raise UserError(f"There is no user {username!r}; the users are {_names(User, 'username')}.")
    return found


def _team(slug: str) -> Team:
    found = Team.objects.filter(slug=slug).first()
    if found is None:
        raise UserError(f"There is no team {slug!r}; the teams are {_names(Team, 'slug')}.")
    return found


def _names(model: type[User] | type[Team], field: str) -> str:
    """The first few names there are, for who has mistyped one."""
    names = list(model.objects.order_by(field).values_list(field, flat=True)[:11])
    return ", ".join(names[:10]) + (" and more" if len(names) > 10 else "") if names else "none yet"
