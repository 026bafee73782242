"""The page of list prices."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from apps.accounts.permissions import requires
from apps.accounts.roles import Capability
from apps.accounts.scope import scope_of
from apps.core.errors import UserError
from apps.core.pages import page_of, parameters_besides
from apps.pricing import queries
from apps.pricing.parameters import wanted
from apps.pricing.queries import Choices, Wanted

SHOWN = {
    "provider": "Provider",
    "service": "Service",
    "region": "Region",
    "pricing_category": "Pricing",
    "operating_system": "Operating system",
}
"""Filters with a list to choose from."""


@never_cache
@requires(Capability.SEE_COSTS)
def prices(request: HttpRequest) -> HttpResponse:
    """What stands in the price lists, or stood there on a day; what an address says wrongly is told and left out."""
    scope = scope_of(request.user)
    asked, problem = _asked(request)
    choices = queries.choices(scope=scope)
    context = {
        "title": "List prices",
        "page": page_of(request, queries.prices(asked, scope=scope)),
        "wanted": asked,
        "filters": [
            (name, title, getattr(asked, name), _offered(choices, asked, name)) for name, title in SHOWN.items()
        ],
        "coverage": queries.coverage(scope=scope),
        "problem": problem,
        "query": parameters_besides(request, "page"),
    }
    return render(request, "pricing/prices.html", context)


def _asked(request: HttpRequest) -> tuple[Wanted, str]:
    try:
        return wanted(request.GET, besides=("page",)), ""
    except UserError as error:
        return Wanted(), f"{error.field}: {error}"


def _offered(choices: Choices, asked: Wanted, name: str) -> tuple[str, ...]:
    """The values of now, and the one that is asked for where no list has it any more."""
    values: tuple[str, ...] = getattr(choices, name)
    chosen: str = getattr(asked, name)
    return values if not chosen or chosen in values else (chosen, *values)
