"""Who opens which door: every page and every call of the API, with the roles that it lets in."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import URLPattern, URLResolver

from apps.accounts.models import Role
from finops import api_urls, pages

ADMIN = frozenset({Role.ADMIN})
FINANCE = ADMIN | {Role.FINANCE}
READERS = FINANCE | {Role.VIEWER}
ALL = frozenset(Role)
NOBODY: frozenset[Role] = frozenset()


@dataclass(frozen=True)
class Door:
    """An address, who may look in, and who may change something there; None = there is no such request."""

    path: str
    see: frozenset[Role] | None
    change: frozenset[Role] | None = None
    public: bool = False


PAGES = {
    "": Door("/", ALL),
    "overview/team/": Door("/overview/team/", None, ALL),
    "search/": Door("/search/?q=team", ALL),
    "help/": Door("/help/", ALL),
    "login/": Door("/login/", ALL, public=True),
    "logout/": Door("/logout/", None, ALL, public=True),
    "password/": Door("/password/", ALL, ALL),
    "demo/remove/": Door("/demo/remove/", ADMIN, ADMIN),
    "demo/remove/progress/": Door("/demo/remove/progress/", ALL, public=True),
    "costs/": Door("/costs/", ALL),
    "costs/charges/": Door("/costs/charges/", ALL),
    "resources/": Door("/resources/", ALL),
    "resources/<int:pk>/": Door("/resources/{resource}/", ALL),
    "prices/": Door("/prices/", ALL),
    "clusters/": Door("/clusters/", ALL),
    "clusters/table.csv": Door("/clusters/table.csv", ALL),
    "clusters/prices/": Door("/clusters/prices/", None, FINANCE),
    "gpus/": Door("/gpus/", ALL),
    "gpus/table.csv": Door("/gpus/table.csv", ALL),
    "sources/": Door("/sources/", READERS),
    "sources/connect/": Door("/sources/connect/", ADMIN),
    "sources/connect/<slug:kind>/": Door("/sources/connect/aws-exports/", ADMIN, ADMIN),
    "sources/connect/<slug:kind>/policy/": Door("/sources/connect/aws-exports/policy/", ADMIN),
    "sources/connect/<slug:kind>/template/": Door("/sources/connect/aws-exports/template/", ADMIN),
    "sources/<int:pk>/": Door("/sources/{source}/", READERS),
    "sources/<int:pk>/live/": Door("/sources/{source}/live/", READERS),
    "sources/<int:pk>/edit/": Door("/sources/{source}/edit/", ADMIN, ADMIN),
    "sources/<int:pk>/run/": Door("/sources/{source}/run/", None, ADMIN),
    "sources/<int:pk>/backfill/": Door("/sources/{source}/backfill/", None, ADMIN),
    "sources/<int:pk>/pause/": Door("/sources/{source}/pause/", None, ADMIN),
    "sources/<int:pk>/resume/": Door("/sources/{source}/resume/", None, ADMIN),
    "sources/<int:pk>/disconnect/": Door("/sources/{source}/disconnect/", None, ADMIN),
    "sources/<int:pk>/leave-out/": Door("/sources/{source}/leave-out/", None, ADMIN),
    "sources/<int:pk>/runs/<int:run>/cancel/": Door("/sources/{source}/runs/1/cancel/", None, ADMIN),
    "sources/<int:pk>/runs/<int:run>/again/": Door("/sources/{source}/runs/1/again/", None, ADMIN),
    "sources/deliveries/": Door("/sources/deliveries/", READERS),
    "sources/upload/": Door("/sources/upload/", FINANCE, FINANCE),
    "sources/deliveries/<int:pk>/": Door("/sources/deliveries/{delivery}/", READERS),
    "sources/deliveries/<int:pk>/progress/": Door("/sources/deliveries/{delivery}/progress/", READERS),
    "sources/deliveries/<int:pk>/rejected.csv": Door("/sources/deliveries/{delivery}/rejected.csv", READERS),
    "audit/": Door("/audit/", FINANCE),
    "audit/events.csv": Door("/audit/events.csv", FINANCE),
    "views/": Door("/views/", ALL),
    "views/save/": Door("/views/save/", None, ALL),
    "views/<int:pk>/": Door("/views/{view}/", ALL, ALL),
    "views/<int:pk>/change/": Door("/views/{view}/change/", None, ALL),
    "views/<int:pk>/delete/": Door("/views/{view}/delete/", None, ALL),
    "settings/": Door("/settings/", ALL, ALL),
    "settings/password/": Door("/settings/password/", None, ALL),
    "settings/tokens/": Door("/settings/tokens/", ALL, ALL),
    "settings/tokens/<int:pk>/revoke/": Door("/settings/tokens/{token}/revoke/", None, ALL),
    "settings/teams/": Door("/settings/teams/", ALL, ADMIN),
    "settings/teams/<slug:slug>/": Door("/settings/teams/{team}/", ADMIN, ADMIN),
    "settings/teams/<slug:slug>/members/": Door("/settings/teams/{team}/members/", None, ADMIN),
    "settings/teams/<slug:slug>/delete/": Door("/settings/teams/{team}/delete/", None, ADMIN),
    "settings/users/": Door("/settings/users/", FINANCE, ADMIN),
    "settings/users/<int:pk>/": Door("/settings/users/{user}/", ADMIN, ADMIN),
    "settings/users/<int:pk>/password/": Door("/settings/users/{user}/password/", None, ADMIN),
    "settings/users/<int:pk>/deactivate/": Door("/settings/users/{user}/deactivate/", None, ADMIN),
    "settings/users/<int:pk>/reactivate/": Door("/settings/users/{user}/reactivate/", None, ADMIN),
    "settings/organisation/": Door("/settings/organisation/", ADMIN, ADMIN),
    "settings/organisation/tags/": Door("/settings/organisation/tags/", None, ADMIN),
    "settings/exchange-rates/": Door("/settings/exchange-rates/", READERS, FINANCE),
    "settings/exchange-rates/import/": Door("/settings/exchange-rates/import/", None, FINANCE),
    "settings/exchange-rates/<int:pk>/delete/": Door("/settings/exchange-rates/{rate}/delete/", None, FINANCE),
}

CALLS = {
    "get users/": ("users/", FINANCE),
    "post users/": ("users/", ADMIN),
    "get users/me/": ("users/me/", ALL),
    "get users/{pk}/": ("users/{user}/", FINANCE),
    "patch users/{pk}/": ("users/{user}/", ADMIN),
    "post users/{pk}/password/": ("users/{user}/password/", ADMIN),
    "get teams/": ("teams/", ALL),
    "post teams/": ("teams/", ADMIN),
    "get teams/{slug}/": ("teams/{team}/", ALL),
    "patch teams/{slug}/": ("teams/{team}/", ADMIN),
    "delete teams/{slug}/": ("teams/{team}/", ADMIN),
    "get tokens/": ("tokens/", ALL),
    "post tokens/": ("tokens/", ALL),
    "get tokens/{pk}/": ("tokens/{token}/", ALL),
    "delete tokens/{pk}/": ("tokens/{token}/", ALL),
    "get audit/": ("audit/", FINANCE),
    "get audit/verify/": ("audit/verify/", FINANCE),
    "get audit/{pk}/": ("audit/{event}/", FINANCE),
    "get costs/": ("costs/", ALL),
    "get costs/table/": ("costs/table/", ALL),
    "get costs/export/": ("costs/export/", ALL),
    "get costs/charges/": ("costs/charges/", ALL),
    "get exchange-rates/": ("exchange-rates/", ALL),
    "post exchange-rates/": ("exchange-rates/", FINANCE),
    "get exchange-rates/{pk}/": ("exchange-rates/{rate}/", ALL),
    "delete exchange-rates/{pk}/": ("exchange-rates/{rate}/", FINANCE),
    "get utilization/": ("utilization/", ALL),
    "post utilization/": ("utilization/", ADMIN),
    "get gpus/": ("gpus/", ALL),
    "get saved-views/": ("saved-views/", ALL),
    "post saved-views/": ("saved-views/", ALL),
    "get saved-views/{pk}/": ("saved-views/{view}/", ALL),
    "patch saved-views/{pk}/": ("saved-views/{view}/", ALL),
    "delete saved-views/{pk}/": ("saved-views/{view}/", ALL),
    "get resources/": ("resources/", ALL),
    "get resources/<int:pk>/": ("resources/{resource}/", ALL),
    "get prices/": ("prices/", ALL),
    "get clusters/": ("clusters/", ALL),
    "get clusters/prices/": ("clusters/prices/", ALL),
    "put clusters/prices/": ("clusters/prices/", FINANCE),
    "get sources/": ("sources/", READERS),
    "post sources/": ("sources/", ADMIN),
    "get sources/{pk}/": ("sources/{source}/", READERS),
    "patch sources/{pk}/": ("sources/{source}/", ADMIN),
    "delete sources/{pk}/": ("sources/{source}/", ADMIN),
    "get sources/{pk}/runs/": ("sources/{source}/runs/", READERS),
    "get sources/{pk}/corrections/": ("sources/{source}/corrections/", READERS),
    "get sources/{pk}/gaps/": ("sources/{source}/gaps/", READERS),
    "post sources/{pk}/runs/{run}/cancel/": ("sources/{source}/runs/1/cancel/", ADMIN),
    "post sources/{pk}/run/": ("sources/{source}/run/", ADMIN),
    "post sources/{pk}/backfill/": ("sources/{source}/backfill/", ADMIN),
    "post sources/{pk}/pause/": ("sources/{source}/pause/", ADMIN),
    "post sources/{pk}/resume/": ("sources/{source}/resume/", ADMIN),
    "post sources/{pk}/leave-out/": ("sources/{source}/leave-out/", ADMIN),
    "post sources/{pk}/test/": ("sources/{source}/test/", ADMIN),
    "get deliveries/": ("deliveries/", READERS),
    "post deliveries/": ("deliveries/", FINANCE),
    "get deliveries/{pk}/": ("deliveries/{delivery}/", READERS),
    "get deliveries/{pk}/rejected/": ("deliveries/{delivery}/rejected/", READERS),
    "get deliveries/{pk}/rejected.csv/": ("deliveries/{delivery}/rejected.csv/", READERS),
}
OPEN_CALLS = {"get schema/": "/api/schema/", "get docs/": "/api/docs/"}
VERBS = ("get", "post", "put", "patch", "delete")


def pages_of_the_product() -> set[str]:
    """The route of every page."""
    return {str(pattern.pattern) for pattern in pages.urlpatterns}


def calls_of_the_product() -> set[str]:
    """Every method and route of the API, like "get users/{pk}/"."""
    return {call.removeprefix("v1/") for call in _calls(api_urls.urlpatterns, "")}


def _calls(patterns: "list[URLPattern | URLResolver]", before: str) -> Iterator[str]:
    for pattern in patterns:
        route = before + re.sub(r"\(\?P<(\w+)>[^)]*\)", r"{\1}", str(pattern.pattern)).strip("^$").replace("\\", "")
        if isinstance(pattern, URLResolver):
            yield from _calls(pattern.url_patterns, route)
        else:
            yield from (f"{verb} {route.replace('v1/', '')}" for verb in _verbs(pattern))


def _verbs(pattern: URLPattern) -> list[str]:
    view = pattern.callback
    actions = getattr(view, "actions", None)
    kind = getattr(view, "cls", None) or getattr(view, "view_class", None)
    return [verb for verb in VERBS if (verb in actions if actions else hasattr(kind, verb))]
