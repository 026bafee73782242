"""The menu of saved views on a page: which there are, which one is open, and whether the page differs from it."""

from dataclasses import dataclass
from typing import Final, Self

from django.http import HttpRequest
from django.utils import timezone

from apps.accounts.models import User
from apps.dashboards.addresses import PAGES, canonical, is_same, link
from apps.dashboards.models import SavedView
from apps.dashboards.queries import saved_views

SHOWN: Final = 40
"""Views in the menu; the page of all views has the rest."""


@dataclass(frozen=True, slots=True)
class Item:
    """A view in the menu; `owner` is empty for one's own."""

    name: str
    url: str
    owner: str
    is_open: bool
    is_shared: bool


@dataclass(frozen=True, slots=True)
class ViewMenu:
    """The menu of one page in one state, `query` in its kept form; `problem` says why the asked view is not open."""

    path: str
    query: str
    own: list[Item]
    shared: list[Item]
    more: int
    open: SavedView | None
    is_own: bool
    problem: str

    @classmethod
    def of(cls, request: HttpRequest, user: User) -> Self:
        """The menu for what the request asks of its page."""
        visible = saved_views(user=user, path=request.path)
        asked = request.GET.get("view", "")
        opened = visible.filter(pk=asked).first() if asked.isdecimal() and len(asked) < 19 else None
        shown = [_item(view, opened, user) for view in visible[:SHOWN]]
        return cls(
            path=request.path,
            query=canonical(request.GET.urlencode()),
            own=[item for item in shown if not item.owner],
            shared=[item for item in shown if item.owner],
            more=visible.count() - SHOWN if len(shown) == SHOWN else 0,
            open=opened,
            is_own=opened is not None and opened.owner == user,
            problem=f"There is no saved view {asked} that you can open. It may be deleted, or no longer shared."
            if asked and opened is None
            else "",
        )

    @property
    def open_url(self) -> str:
        """The open view as it was saved."""
        return link(self.open.path, self.open.query, view=self.open.pk) if self.open else ""

    @property
    def is_edited(self) -> bool:
        """Whether the page shows something else than the open view."""
        return self.open is not None and not is_same(self.open.query, self.query, today=timezone.now().date())


def view_menu(request: HttpRequest) -> ViewMenu | None:
    """The menu of the request's page; None where views are not kept or nobody is signed in."""
    return ViewMenu.of(request, request.user) if request.path in PAGES and isinstance(request.user, User) else None


def _item(view: SavedView, opened: SavedView | None, user: User) -> Item:
    owner = "" if view.owner == user else view.owner.get_full_name() or view.owner.username
    return Item(view.name, link(view.path, view.query, view=view.pk), owner, view == opened, view.is_shared)
