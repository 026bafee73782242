"""Reads of what people keep: saved views, and whose overview they want. They hold no numbers: no scope is needed."""

from django.db.models import Case, IntegerField, Q, QuerySet, Value, When

from apps.accounts.models import User
from apps.dashboards.models import OverviewTeam, SavedView


def saved_views(*, user: User, path: str = "") -> QuerySet[SavedView]:
    """The views that `user` may open, of the page at `path` or of all: their own first, then shared ones, by name."""
    visible = SavedView.objects.filter(Q(owner=user) | Q(is_shared=True)).select_related("owner")
    own_first = Case(When(owner=user, then=Value(0)), default=Value(1), output_field=IntegerField())
    ordered = visible.order_by(own_first, "path", "name", "id")
    return ordered.filter(path=path) if path else ordered


def overview_team(*, user: User) -> str:
    """The slug of the team whose overview `user` asked for last; empty for all."""
    return OverviewTeam.objects.filter(user=user).values_list("team__slug", flat=True).first() or ""
