"""Changes to saved views: one transaction each, with its audit event in it. `actor` makes the change."""

from typing import Final

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from apps.accounts import audit
from apps.accounts.models import Team, User
from apps.accounts.roles import Capability, may
from apps.core.errors import UserError
from apps.core.locks import hold
from apps.core.saving import save_checked
from apps.dashboards.addresses import checked
from apps.dashboards.models import OverviewTeam, SavedView

LOCK: Final = "saved views"
MOST: Final = 500
"""Views that one person may keep: more than anybody names, and few enough for every list."""


@transaction.atomic
def save_view(
    *, actor: User, name: str, path: str, query: str, is_shared: bool = False, remote_address: str = ""
) -> SavedView:
    """Keep an address under a name, as the actor's own."""
    hold(LOCK)
    query = checked(path, query, today=timezone.now().date())
    if SavedView.objects.filter(owner=actor).count() >= MOST:
        raise UserError(f"You have {MOST} saved views. Delete one that you no longer need.")
    view = SavedView(owner=actor, name=name.strip(), path=path, query=query, is_shared=is_shared)
    _save(view)
    audit.record(
        actor=actor, action="view.created", target=f"view:{view.pk}", after=_state(view), remote_address=remote_address
    )
    return view


@transaction.atomic
def update_view(
    *,
    view: SavedView,
    actor: User,
    name: str | None = None,
    query: str | None = None,
    is_shared: bool | None = None,
    remote_address: str = "",
) -> SavedView:
    """Change what is given of the actor's own view, leave what is None. Raises PermissionDenied for another's."""
    hold(LOCK)
    view.refresh_from_db()
    if view.owner != actor:
        raise PermissionDenied(f"This view is {view.owner.username}'s. Save it under a name of your own to change it.")
    before = _state(view)
    view.name = view.name if name is None else name.strip()
    view.query = view.query if query is None else checked(view.path, query, today=timezone.now().date())
    view.is_shared = view.is_shared if is_shared is None else is_shared
    _save(view)
    target = f"view:{view.pk}"
    audit.record_change(target, actor=actor, before=before, after=_state(view), remote_address=remote_address)
    return view


@transaction.atomic
def delete_view(*, view: SavedView, actor: User, remote_address: str = "") -> None:
    """Delete the actor's own view; whoever may manage shared views, anybody's shared one."""
    hold(LOCK)
    if not may_delete(view, actor):
        raise PermissionDenied(f"This view is {view.owner.username}'s. Its owner or an admin can delete it.")
    target, before = f"view:{view.pk}", _state(view)
    view.delete()
    audit.record(actor=actor, action="view.deleted", target=target, before=before, remote_address=remote_address)


def remember_team(*, user: User, team: Team | None) -> None:
    """Keep whose overview `user` wants to see, None for all. Nobody else sees it, so it is not audited."""
    if team is None:
        OverviewTeam.objects.filter(user=user).delete()
    else:
        OverviewTeam.objects.update_or_create(user=user, defaults={"team": team})


def may_delete(view: SavedView, user: User) -> bool:
    """Whether `user` may delete the view."""
    return view.owner == user or (view.is_shared and may(user, Capability.MANAGE_SHARED_VIEWS))


def _save(view: SavedView) -> None:
    taken = SavedView.objects.filter(owner=view.owner, path=view.path, name=view.name).exclude(pk=view.pk)
    if taken.exists():
        raise UserError(f"You have a view named {view.name!r} here already. Choose another name.", field="name")
    save_checked(view)


def _state(view: SavedView) -> dict[str, object]:
    names = ("name", "path", "query", "is_shared")
    return {"owner": view.owner.username} | {name: getattr(view, name) for name in names}
