"""The cost explorer: one question about cost, held wholly in the address, and its answer."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache

from apps.accounts.models import Organisation
from apps.accounts.permissions import requires
from apps.accounts.roles import Capability
from apps.accounts.scope import Scope, scope_of
from apps.core import money
from apps.core.errors import UserError
from apps.costs.address import Address, charges_of, drill_down, exports_of
from apps.costs.bars import Bars, bars
from apps.costs.parameters import cost_query
from apps.costs.queries import CostQuery, CostTable, Granularity, MissingRateError, cost_table, freshness
from apps.costs.sections import Links, Section, sections
from apps.costs.views.controls import chips, controls, picker

ROWS: Final = "50"
SERIES: Final = "7"
START: Final = {"period": "last_30d", "granularity": "day", "group_by": "service"}


@dataclass(frozen=True, slots=True)
class Shown:
    """One currency of the answer, with its picture and the cost of a day."""

    section: Section
    bars: Bars | None
    mean: Decimal | None


@never_cache
@requires(Capability.SEE_COSTS)
def costs(request: HttpRequest) -> HttpResponse:
    """The page. What the address does not say is put into it, so that every view can be shared as it is seen."""
    scope, today = scope_of(request.user), timezone.now().date()
    if request.GET.get("pick") and request.GET.getlist("value"):
        return redirect(_with_picked(request).path())
    address = Address.of(request.GET)
    if not request.GET:
        return redirect(address.with_(_start(scope, today)).path())
    if "pick" not in request.GET and _is_untidy(request, address):
        return redirect(address.path())
    organisation = Organisation.current()
    query, address, ignored = _read(address, organisation, today)
    table, problems = _answer(query, scope)
    shown = _shown(table, address, today) if table else []
    context = {
        "title": "Cost explorer",
        "query": query,
        "address": address,
        "notices": [*ignored, *problems],
        "controls": controls(query, address, organisation, scope),
        "chips": chips(query, address),
        "picker": picker(request.GET.get("pick", ""), request.GET.get("search", ""), query, scope),
        "shown": shown,
        "newest": None if shown else freshness(today=today, scope=scope).day,
        "days": money.days(query.period.first, query.period.last, year=True)
        if query.period.days
        else "no complete day",
        "before": money.days(query.compare.first, query.compare.last) if query.compare and query.compare.days else "",
        "partial": today if query.period.first <= today <= query.period.last else None,
        "charges_url": charges_of(address)([], []),
        "exports": exports_of(address),
        "sort": _sort_links(address, query),
    }
    return render(request, "costs/explorer.html", context)


def _start(scope: Scope, today: date) -> dict[str, str]:
    """The first view: the last 30 days, or the newest month with cost where these days have none."""
    newest = freshness(today=today, scope=scope).day
    if newest is None or newest >= today - timedelta(days=30):
        return START
    month_end = (newest.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return START | {"period": "", "start": str(newest.replace(day=1)), "end": str(month_end)}


def _is_untidy(request: HttpRequest, address: Address) -> bool:
    """Whether a form sent the address otherwise than it would be shared: empty, repeated or superfluous parameters."""
    return dict(request.GET.lists()) != {name: [value] for name, value in address.as_dict().items()}


def _with_picked(request: HttpRequest) -> Address:
    """The address with the values that were picked in the form of one filter."""
    exclude = request.GET.get("how") == "exclude"
    return Address.of(request.GET).with_filter_named(request.GET["pick"], request.GET.getlist("value"), exclude=exclude)


def _read(address: Address, organisation: Organisation, today: date) -> tuple[CostQuery, Address, list[str]]:
    """The question; a parameter that cannot be used is left out, with a word about it."""
    ignored: list[str] = []
    while True:
        limit = ROWS if address.as_dict().get("granularity", "none") == "none" else SERIES
        asked = address.with_({"limit": address.as_dict().get("limit", limit)})
        try:
            return cost_query(asked.as_query(), today=today, organisation=organisation), address, ignored
        except UserError as error:
            smaller = address.without_family(error.field)
            if len(smaller.as_dict()) == len(address.as_dict()):
                raise
            ignored.append(f"{error.field} was ignored: {error}")
            address = smaller


def _answer(query: CostQuery, scope: Scope) -> tuple[CostTable | None, list[str]]:
    """The table; in the currencies billed where a rate is missing; None where the question is too large."""
    try:
        return cost_table(query, scope=scope), []
    except MissingRateError as error:
        table, problems = _answer(replace(query, currency=""), scope)
        return table, [f"{error} Amounts are shown as billed, each currency by itself.", *problems]
    except UserError as error:
        return None, [str(error)]


def _shown(table: CostTable, address: Address, today: date) -> list[Shown]:
    query = table.query
    zoom = lambda first, last: address.with_(  # noqa: E731
        {"period": "", "start": str(first), "end": str(last), "granularity": _finer(query.granularity)}
    ).path()
    links = Links(drill_down(address), charges_of(address), zoom)
    found = sections(table, today=today, links=links)
    return [Shown(section, bars(section), section.mean(query.period.days)) for section in found]


def _finer(granularity: Granularity) -> str:
    return "none" if granularity is Granularity.DAY else "day"


def _sort_links(address: Address, query: CostQuery) -> dict[str, str]:
    """Where the heads of the table lead: the other direction of the present order, else the usual one."""
    usual = {"cost": "-cost", "key": "key", "delta": "-delta"}
    present = query.order_by.value
    links = {}
    for name, order in usual.items():
        other = order.removeprefix("-") if order.startswith("-") else f"-{order}"
        links[name] = address.with_({"order_by": other if present == order else order}).path()
    return links
