"""Reads of the inventory: what exists now or existed on a day, one resource with its history, and its relations."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from django.db import connection
from django.db.models import F, Max, Q, QuerySet

from apps.accounts.scope import Scope
from apps.core.sql import read_sql
from apps.inventory.models import Listing, Resource, ResourceState

NOBODY: Final = "-"
"""The word for `team` that asks for what no team owns."""
EXACT: Final = {
    "provider": "resource__provider",
    "sub_account": "resource__sub_account_id",
    "region": "resource__region_id",
    "kind": "resource__kind",
    "state": "state",
    "team": "team",
    "source": "resource__source",
    "parent": "parent_id",
}
"""Filters by the name that the API and the page give them, and the column that has to be equal."""
ORDERS: Final = {
    "name": ("resource__name", "resource__resource_id"),
    "kind": ("resource__kind", "resource__resource_type"),
    "size": ("size",),
    "state": ("state",),
    "region": ("resource__region_id",),
    "sub_account": ("resource__sub_account_id",),
    "team": ("team",),
    "since": ("valid_from",),
}
SEARCHED: Final = ("resource__name", "resource__resource_id", "resource__resource_type", "size")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which resources are asked for; empty text asks for all. `tags` have a key, and a value unless any will do."""

    provider: str = ""
    sub_account: str = ""
    region: str = ""
    kind: str = ""
    state: str = ""
    team: str = ""
    source: str = ""
    parent: str = ""
    search: str = ""
    tags: tuple[tuple[str, str | None], ...] = ()
    closed: bool = False  # also what exists no more
    as_of: date | None = None
    order_by: str = "name"

    @property
    def is_filtered(self) -> bool:
        """Whether anything is left out."""
        return self not in (Wanted(order_by=self.order_by), Wanted(order_by=self.order_by, closed=True))


@dataclass(frozen=True, slots=True)
class Choices:
    """What the resources of now can be filtered by, in order."""

    provider: tuple[str, ...] = ()
    sub_account: tuple[str, ...] = ()
    region: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    state: tuple[str, ...] = ()
    team: tuple[str, ...] = ()


def resources(wanted: Wanted, *, scope: Scope) -> "QuerySet[ResourceState]":
    """What exists now, each with its `resource`; with `as_of` as it was at the end of that day (UTC)."""
    found = ResourceState.objects.select_related("resource").filter(_at(wanted), _owned(scope))
    for name, column in EXACT.items():
        if value := getattr(wanted, name):
            found = found.filter(**{column: "" if name == "team" and value == NOBODY else value})
    for word in wanted.search.split():
        found = found.filter(_mentions(word))
    for key, value in wanted.tags:
        found = found.filter(tags__has_key=key) if value is None else found.filter(tags__contains={key: value})
    return found.order_by(*_order(wanted.order_by))


def state_of(pk: int, *, scope: Scope, as_of: date | None = None) -> ResourceState:
    """What a resource is, or was last; with `as_of` what it was at the end of that day.

    Raises ResourceState.DoesNotExist where there is none, or where it is none of the scope's.
    """
    moment = _end_of(as_of) if as_of else None
    at = Q(is_latest=True) if moment is None else Q(valid_from__lt=moment)
    states = ResourceState.objects.select_related("resource").filter(at, _owned(scope), resource_id=pk)
    return states.order_by("valid_from").reverse()[:1].get()


def history(resource: Resource, *, scope: Scope) -> "QuerySet[ResourceState]":
    """Everything that a resource was, as far as it was the scope's, newest first."""
    return resource.states.filter(_owned(scope)).order_by("-valid_from", "-pk")


def by_ids(ids: Iterable[str], *, scope: Scope) -> dict[str, int]:
    """The resources that bills call by these ids, by id: those that exist before those that did."""
    wanted = sorted(set(ids) - {""})
    named = Q(resource__resource_id__in=wanted) | Q(resource__aliases__overlap=wanted)
    states = ResourceState.objects.filter(named, _owned(scope), is_latest=True).select_related("resource")
    found: dict[str, int] = {}
    for state in states.order_by(F("resource__closed_at").desc(nulls_first=True), "-resource_id"):
        for name in (state.resource.resource_id, *state.resource.aliases):
            found.setdefault(name, state.resource.pk)
    return {name: found[name] for name in wanted if name in found}


def children(resource: Resource, *, scope: Scope) -> "QuerySet[ResourceState]":
    """What belongs or is attached to a resource now."""
    names = [resource.resource_id, *resource.aliases]
    found = ResourceState.objects.select_related("resource").filter(_owned(scope), valid_to=None, parent_id__in=names)
    return found.filter(resource__provider=resource.provider).order_by("resource__kind", "resource__name", "pk")


def choices(*, scope: Scope) -> Choices:
    """The values that the filters of the page offer."""
    values: dict[str, list[str]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(read_sql("inventory", "choices"), {"teams": None if scope.teams is None else list(scope.teams)})
        for name, value in cursor.fetchall():
            values[name].append(value)
    return Choices(**{name: tuple(found) for name, found in values.items()})


def read_at(*, scope: Scope) -> datetime | None:
    """When the newest listing was read; None where there is no inventory. Says nothing of what is in it."""
    del scope
    newest: datetime | None = Listing.objects.aggregate(newest=Max("read_at"))["newest"]
    return newest


def _at(wanted: Wanted) -> Q:
    if wanted.as_of is None:
        return Q(is_latest=True) if wanted.closed else Q(valid_to=None)
    end = _end_of(wanted.as_of)
    return Q(valid_from__lt=end) & (Q(valid_to=None) | Q(valid_to__gte=end))


def _end_of(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), UTC)


def _owned(scope: Scope) -> Q:
    """What nobody owns is no team's."""
    return Q() if scope.teams is None else Q(team__in=[team for team in scope.teams if team])


def _mentions(word: str) -> Q:
    found = Q()
    for column in SEARCHED:
        found |= Q(**{f"{column}__icontains": word})
    return found


def _order(name: str) -> list[str]:
    sign, columns = ("-" if name.startswith("-") else ""), ORDERS.get(name.removeprefix("-"), ())
    return [*(f"{sign}{column}" for column in columns), *ORDERS["name"], "pk"]
