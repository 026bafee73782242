"""The search of the shell: pages, teams, saved views, services, accounts and resources by part of their name.

A new kind of thing is one function from Asked to hits, and its line in KINDS.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Final

from django.db.models import Q

from apps.accounts.models import Team, User
from apps.accounts.pages import SECTIONS
from apps.accounts.roles import Capability, may
from apps.accounts.scope import Scope, scope_of
from apps.costs.address import Address
from apps.costs.dimensions import RESOURCE, Dimension
from apps.costs.labels import dimension_label, next_dimension
from apps.costs.queries import find_values
from apps.dashboards.addresses import link
from apps.dashboards.queries import saved_views
from apps.dashboards.shell import MENU
from apps.inventory.queries import Wanted
from apps.inventory.queries import resources as existing

MOST_HITS: Final = 5
SHORTEST: Final = 2
"""Characters from which on more than pages is looked for: a single letter is in everything."""
LONGEST: Final = 200
EXPLORER: Final = Address({"period": "last_30d", "granularity": "day"})
OTHER_PAGES: Final = (
    ("Import a bill", "/sources/upload/", Capability.IMPORT_BILLS),
    ("Help", "/help/", Capability.SEE_COSTS),
    ("API documentation", "/api/docs/", Capability.SEE_COSTS),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is looked for, and what who asks may see."""

    text: str
    user: User
    scope: Scope


@dataclass(frozen=True, slots=True)
class Hit:
    """Something that was found: what it is called, what else there is to say, and where it leads."""

    name: str
    detail: str
    url: str


@dataclass(frozen=True, slots=True)
class Group:
    """Hits of one kind, the best first."""

    name: str
    icon: str
    hits: list[Hit]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of thing that can be found."""

    name: str
    icon: str
    find: Callable[[Asked], Iterable[Hit]]
    shortest: int = SHORTEST


def search(text: str, *, user: User) -> list[Group]:
    """What there is of each kind within what the user may see, at most a few of each; kinds without any are left out.

    Without a text it is the pages of the menu.
    """
    asked = Asked(text.strip()[:LONGEST], user, scope_of(user))
    most = MOST_HITS if asked.text else len(MENU)
    kinds = (kind for kind in KINDS if len(asked.text) >= kind.shortest)
    groups = (Group(kind.name, kind.icon, list(islice(kind.find(asked), most))) for kind in kinds)
    return [group for group in groups if group.hits]


def pages(asked: Asked) -> Iterator[Hit]:
    """Pages of the menu, of Settings and the others, by name."""
    menu = ((page.name, "", page.url, page.needs) for page in MENU)
    sections = ((section.name, "Settings", section.url, section.needs) for section in SECTIONS)
    others = ((name, "", url, needs) for name, url, needs in OTHER_PAGES)
    for name, detail, url, needs in chain(menu, sections, others):
        if asked.text.lower() in f"{name} {detail}".lower() and may(asked.user, needs):
            yield Hit(name, detail, url)


def views(asked: Asked) -> Iterator[Hit]:
    """Saved views, one's own and those that are shared."""
    for view in saved_views(user=asked.user).filter(name__icontains=asked.text)[:MOST_HITS]:
        owner = "Yours" if view.owner == asked.user else f"Shared by {view.owner.username}"
        yield Hit(view.name, owner, link(view.path, view.query, view=view.pk))


def teams(asked: Asked) -> Iterator[Hit]:
    """Teams, as far as the scope reaches."""
    found = Team.objects.filter(Q(name__icontains=asked.text) | Q(slug__icontains=asked.text))
    if asked.scope.teams is not None:
        found = found.filter(slug__in=asked.scope.teams)
    for team in found.order_by("name")[:MOST_HITS]:
        yield _costs_of(Dimension("team"), team.slug, team.name)


def services(asked: Asked) -> Iterator[Hit]:
    """Services of all providers."""
    return _values(Dimension("service"), asked)


def accounts(asked: Asked) -> Iterator[Hit]:
    """Sub accounts, then billing accounts, by their number or name."""
    return chain(_values(Dimension("sub_account"), asked), _values(Dimension("billing_account"), asked))


def resources(asked: Asked) -> Iterator[Hit]:
    """Resources by their identifier or name."""
    return _values(Dimension(RESOURCE), asked)


def inventory(asked: Asked) -> Iterator[Hit]:
    """What exists or existed, by its name, id, type or size."""
    for state in existing(Wanted(search=asked.text, closed=True), scope=asked.scope)[:MOST_HITS]:
        one = state.resource
        yield Hit(str(one), one.resource_type or one.kind, f"/resources/{one.pk}/")


KINDS: Final = (
    Kind("Pages", "right", pages, shortest=0),
    Kind("Saved views", "view", views),
    Kind("Teams", "team", teams),
    Kind("Services", "bars", services),
    Kind("Accounts", "wallet", accounts),
    Kind("Resources", "db", resources),
    Kind("Inventory", "server", inventory),
)


def _values(dimension: Dimension, asked: Asked) -> Iterator[Hit]:
    for found in find_values(dimension, asked.text, limit=MOST_HITS, scope=asked.scope):
        yield _costs_of(dimension, found.value, found.name)


def _costs_of(dimension: Dimension, value: str, name: str) -> Hit:
    """A value with the way to its costs. What it is filtered by is told beside its name."""
    group_by = next_dimension(dimension) or "sku"
    detail = value if name and name != value else dimension_label(dimension)
    return Hit(name or value, detail, EXPLORER.with_filter(dimension, [value]).with_({"group_by": group_by}).path())
