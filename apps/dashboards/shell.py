"""What stands around every page: the menu that a role may see, the organisation's name and how fresh the costs are."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import cached_property
from typing import Final

from django.http import HttpRequest
from django.utils import timezone

from apps.accounts.models import Organisation
from apps.accounts.pages import SECTIONS
from apps.accounts.roles import Capability, may
from apps.accounts.scope import scope_of
from apps.core import money
from apps.costs.queries import Freshness
from apps.costs.views.fresh import freshness_of
from apps.dashboards.view_menu import ViewMenu, view_menu
from apps.sources.freshness import ProviderTrust, trust
from apps.sources.overlaps import doubts, may_overlap, overlaps
from apps.sources.runs import months_back
from apps.sources.states import State
from apps.sources.wording import doubt_sentence


@dataclass(frozen=True, slots=True)
class Entry:
    """A page in the menu; the empty group name stands first, without a head."""

    group: str
    name: str
    url: str
    icon: str
    needs: Capability


MONTHS: Final = 2
"""In which pages of money tell that costs may be counted twice: all months take too long to ask for on every page. Data
sources and `finops doctor` tell of all."""

MENU: Final = (
    Entry("", "Overview", "/", "home", Capability.SEE_COSTS),
    Entry("Costs", "Cost explorer", "/costs/", "bars", Capability.SEE_COSTS),
    Entry("Costs", "Resources", "/resources/", "server", Capability.SEE_COSTS),
    Entry("Costs", "Clusters", "/clusters/", "cluster", Capability.SEE_COSTS),
    Entry("Costs", "List prices", "/prices/", "wallet", Capability.SEE_COSTS),
    Entry("Workloads", "GPUs", "/gpus/", "chip", Capability.SEE_COSTS),
    Entry("Admin", "Data sources", "/sources/", "db", Capability.SEE_DELIVERIES),
    Entry("Admin", "Audit log", "/audit/", "list", Capability.SEE_AUDIT),
    Entry("Admin", "Settings", "/settings/", "gear", Capability.SEE_COSTS),
)


@dataclass(frozen=True, slots=True)
class Link:
    """A menu entry as this page shows it."""

    name: str
    url: str
    icon: str
    current: bool


@dataclass(frozen=True, slots=True)
class Group:
    """Menu entries under one head."""

    name: str
    pages: list[Link]


class Shell:
    """The frame of one request's page. Everything is read when it is first shown: error pages read nothing."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @cached_property
    def nav(self) -> list[Group]:
        """The menu, without what the user's role may not see."""
        groups: dict[str, list[Link]] = {}
        for entry in self._allowed():
            link = Link(entry.name, entry.url, entry.icon, self._is_current(entry))
            groups.setdefault(entry.group, []).append(link)
        return [Group(name, pages) for name, pages in groups.items()]

    @cached_property
    def may(self) -> dict[str, bool]:
        """What the user's role allows, by the capability's name in lower case: `shell.may.import_bills`."""
        return {capability.name.lower(): may(self._request.user, capability) for capability in Capability}

    @cached_property
    def organisation(self) -> str:
        """The organisation's name; empty while nobody has given it one."""
        return Organisation.current().name

    @cached_property
    def freshness(self) -> Freshness:
        """How far the costs that this user may see reach."""
        return freshness_of(self._request)

    @cached_property
    def trust(self) -> list[ProviderTrust]:
        """How far each provider's costs can be trusted, the worst first."""
        return trust(self.freshness, today=timezone.now().date(), scope=scope_of(self._request.user))

    @cached_property
    def doubled(self) -> list[str]:
        """What two sources both bring in the months that pages are mostly about, a sentence each."""
        if not may_overlap(one.source for one in self.freshness.sources):
            return []
        since = months_back(timezone.now().date(), MONTHS)
        return [doubt_sentence(one) for one in doubts(overlaps(scope=scope_of(self._request.user), since=since))]

    @property
    def age(self) -> str:
        """How long ago the newest complete day ended."""
        newest = self.freshness.day
        if newest is None:
            return ""
        return money.ago(datetime.combine(newest + timedelta(days=1), time(), UTC), timezone.now())

    @property
    def late(self) -> list[ProviderTrust]:
        """Providers that a source leaves without its newest costs: one is late, fails or is paused."""
        return [one for one in self.trust if one.state is not State.HEALTHY]

    @cached_property
    def saved_views(self) -> ViewMenu | None:
        """The menu of saved views of this page; None where a page's address is not kept."""
        return view_menu(self._request)

    def _allowed(self) -> Iterator[Entry]:
        return (entry for entry in MENU if may(self._request.user, entry.needs))

    def _is_current(self, entry: Entry) -> bool:
        path = self._request.path
        within = (entry.url, *(one.url for one in SECTIONS)) if entry.url == "/settings/" else (entry.url,)
        return path == entry.url or (entry.url != "/" and path.startswith(within))


def shell(request: HttpRequest) -> dict[str, Shell]:
    """Context processor: `shell` in every template."""
    return {"shell": Shell(request)}
