"""What the pages of this app and above share: who is signed in, and the sections of Settings that they may see."""

from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest

from apps.accounts.models import User
from apps.accounts.roles import Capability, may
from apps.core.requests import remote_address


@dataclass(frozen=True, slots=True)
class Section:
    """One page of Settings; it saves by itself."""

    name: str
    url: str
    needs: Capability


SECTIONS: Final = (
    Section("Profile", "/settings/", Capability.SEE_COSTS),
    Section("Saved views", "/views/", Capability.SEE_COSTS),
    Section("API tokens", "/settings/tokens/", Capability.MANAGE_OWN_TOKENS),
    Section("Teams", "/settings/teams/", Capability.SEE_TEAMS),
    Section("Users", "/settings/users/", Capability.SEE_PEOPLE),
    Section("Organisation", "/settings/organisation/", Capability.MANAGE_ORGANISATION),
    Section("Exchange rates", "/settings/exchange-rates/", Capability.SEE_DELIVERIES),
)


def person(request: HttpRequest) -> User:
    """Who is signed in; only for views behind `requires`."""
    if not isinstance(request.user, User):
        raise TypeError("This view needs a user who is signed in; decorate it with `requires`.")
    return request.user


def made_by(request: HttpRequest) -> dict[str, Any]:
    """The arguments of every service that say who made the change and from where."""
    return {"actor": person(request), "remote_address": remote_address(request)}


def settings_page(request: HttpRequest, name: str, **context: Any) -> dict[str, Any]:
    """The context of the section `name`: the tabs that this role may see, and what the page itself shows."""
    sections = [section for section in SECTIONS if may(request.user, section.needs)]
    return {"title": "Settings", "section": name, "sections": sections, **context}
