"""Reads of users, teams, tokens and the audit log."""

from datetime import datetime

from django.db.models import QuerySet

from apps.accounts.models import ApiToken, AuditEvent, Team, User
from apps.accounts.roles import Capability, may
from apps.accounts.scope import Scope


def users() -> QuerySet[User]:
    """Everybody, active or not, with their teams, by user name."""
    return User.objects.prefetch_related("teams").order_by("username")


def teams(*, scope: Scope) -> QuerySet[Team]:
    """The teams whose costs may be seen, with their members, by slug."""
    everyone = Team.objects.prefetch_related("members").order_by("slug")
    return everyone if scope.teams is None else everyone.filter(slug__in=scope.teams)


def tokens_for(user: User) -> QuerySet[ApiToken]:
    """The tokens that `user` may see and revoke, newest first: an admin everybody's, others their own."""
    tokens = ApiToken.objects.select_related("user").order_by("-created_at", "-id")
    return tokens if may(user, Capability.MANAGE_ALL_TOKENS) else tokens.filter(user=user)


def audit_events(
    *,
    actor: str = "",
    action: str = "",
    target: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
) -> QuerySet[AuditEvent]:
    """Events of the audit log, newest first; empty = any.

    `actor` is a user name; `action` and `target` match whole or up to a dot or colon (`token` finds `token.created`,
    `user` finds `user:12`); `since` is inclusive, `until` exclusive.
    """
    events = AuditEvent.objects.order_by("-id")
    if actor:
        events = events.filter(actor_name=actor)
    if action:
        events = events.filter(action=action) | events.filter(action__startswith=f"{action}.")
    if target:
        events = events.filter(target=target) | events.filter(target__startswith=f"{target}:")
    if since:
        events = events.filter(at__gte=since)
    if until:
        events = events.filter(at__lt=until)
    return events
