"""The page of clusters: what their nodes' bills are made of."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Final, cast

from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from apps.accounts.models import Organisation, Team, User
from apps.accounts.permissions import requires
from apps.accounts.roles import Capability
from apps.accounts.scope import Scope, scope_of
from apps.clusters.forms import PricesForm
from apps.clusters.models import Prices
from apps.clusters.page import Address, Shown, controls
from apps.clusters.parameters import Asked, asked
from apps.clusters.queries import (
    ClusterCosts,
    NoRateError,
    TooManyRowsError,
    cluster_costs,
    has_usage,
    label_keys,
    newest_usage,
    node_matches,
)
from apps.clusters.services import set_prices
from apps.clusters.table import table
from apps.clusters.wording import REASONS, label
from apps.core.downloads import csv_download
from apps.core.errors import UserError
from apps.core.exact import exact_text
from apps.core.pages import save
from apps.core.periods import Period
from apps.core.requests import remote_address
from apps.costs.parameters import DEFAULT_PERIOD, PERIOD_PARAMETERS
from apps.costs.views.controls import DayMenu, day_menu, range_in_words
from apps.costs.views.fresh import freshness_of

MOST_UNMATCHED: Final = 100
START: Final = {"period": DEFAULT_PERIOD, "group_by": "namespace"}


@never_cache
@requires(Capability.SEE_COSTS)
def clusters(request: HttpRequest) -> HttpResponse:
    """The page; what its address says wrongly is told and left out."""
    if not request.GET:
        return redirect(Address(START).path())
    return _page(request, PricesForm(initial=_prices()))


@require_POST
@requires(Capability.MANAGE_RATES)
def prices(request: HttpRequest) -> HttpResponse:
    """Divide every day anew by other prices."""
    form = PricesForm(request.POST)
    actor = cast("User", request.user)
    if save(form, set_prices, actor=actor, remote_address=remote_address(request)):
        return redirect(f"{Address(request.GET.dict()).path()}#prices")
    return _page(request, form)


@never_cache
@requires(Capability.SEE_COSTS)
def download(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """The table as csv: every group, idle, and the day of each where days are asked for; they add up to the bills."""
    try:
        question = asked(request.GET, today=timezone.now().date(), organisation=Organisation.current())
        costs = cluster_costs(question.query, scope=scope_of(request.user))
    except UserError:
        return redirect(Address(request.GET.dict()).path())  # the page says what is wrong
    query = question.query
    names = [key.name for key in query.group_by]
    columns = ("row", *names, *(["date"] if query.by_day else []), "currency", "cost", "cpu_core_hours")
    name = f"clusters_{query.period.first}_{query.period.last}.csv"
    return csv_download((*columns, "memory_gib_hours", "gpu_hours"), _csv_rows(costs, question), name=name)


def _csv_rows(costs: ClusterCosts, question: Asked) -> Iterator[list[object]]:
    by_day = question.query.by_day
    for row in table(costs, limit=question.limit, by_day=by_day):
        kind = "idle" if row.is_idle else "other" if row.is_rest else "group"
        hours = (row.cpu_core_hours, row.memory_gib_hours, row.gpu_hours)
        yield [kind, *row.keys, *([row.day] if by_day else []), row.currency, row.cost, *hours]


def _page(request: HttpRequest, form: PricesForm) -> HttpResponse:
    scope, today, organisation = scope_of(request.user), timezone.now().date(), Organisation.current()
    question, address, problems = _read(request, today, organisation)
    costs = _answer(question, problems, scope)
    query = costs.query
    teams = dict(Team.objects.values_list("slug", "name"))
    fresh = freshness_of(request)
    matches = node_matches(query, newest=fresh.day, scope=scope)
    used = newest_usage() if has_usage() else None
    context = {
        "title": "Clusters",
        "problems": problems,
        "shown": [Shown(costs, currency, address, teams, fresh.changes_from()) for currency in costs.currencies],
        "controls": controls(query, address, label_keys(query.period, scope=scope), teams),
        "periods": _periods(query.period, address, organisation, today),
        "days": range_in_words(query.period, year=True),
        "by": " and ".join(label(key).lower() for key in query.group_by),
        "matches": matches,
        "unmatched": [(one, REASONS[one.reason]) for one in matches.unmatched[:MOST_UNMATCHED]],
        "more_unmatched": max(len(matches.unmatched) - MOST_UNMATCHED, 0),
        "newest_usage": used,
        "month_url": _month_of(address, used) if used else "",
        "is_part": scope.teams is not None or any(not one.key.is_of_nodes for one in query.only),
        "csv_url": address.path("/clusters/table.csv"),
        "csv_by_day_url": address.path("/clusters/table.csv", granularity="day"),
        "form": form,
        "prices": Prices.current(),
        "prices_url": address.path("/clusters/prices/"),
    }
    return render(request, "clusters/clusters.html", context)


def _prices() -> dict[str, str]:
    known = Prices.current()
    return {name: exact_text(getattr(known, name)) for name in Prices.NAMES}


def _read(request: HttpRequest, today: date, organisation: Organisation) -> tuple[Asked, Address, list[str]]:
    """The question; a parameter that cannot be used is left out, with a word about it."""
    given, problems = request.GET.dict(), list[str]()
    while True:
        address = Address({str(name): str(value) for name, value in given.items() if name != "granularity"})
        asked_for = QueryDict(address.path(granularity="day").partition("?")[2])
        try:
            return asked(asked_for, today=today, organisation=organisation), address, problems
        except UserError as error:
            left = {
                name: value
                for name, value in given.items()
                if name != error.field and not _goes_with(error.field, name)
            }
            if len(left) == len(given):
                raise
            problems.append(f"{error.field} was ignored: {error}")
            given = left


def _goes_with(field: str, name: str) -> bool:
    return field in PERIOD_PARAMETERS and name in PERIOD_PARAMETERS


def _answer(question: Asked, problems: list[str], scope: Scope) -> ClusterCosts:
    """The costs by day; as billed where a rate is missing, and not told apart where there are too many groups."""
    query = question.query
    while True:
        try:
            return cluster_costs(query, scope=scope)
        except NoRateError as error:
            problems.append(f"{error} Amounts are shown as billed, each currency by itself.")
            query = replace(query, currency="")
        except TooManyRowsError as error:
            problems.append(f"{error} Shown is the whole.")
            query = replace(query, group_by=())


def _periods(period: Period, address: Address, organisation: Organisation, today: date) -> DayMenu:
    def url(name: str) -> str:
        return address.path(period=name, start="", end="")

    named = "" if address.parameters.get("start") else address.parameters.get("period", DEFAULT_PERIOD)
    hidden = address.besides(*PERIOD_PARAMETERS)
    return day_menu(period, named, url, hidden, organisation=organisation, today=today)


def _month_of(address: Address, day: date) -> str:
    """The page with the month of a day."""
    month = Period.parse(str(day.replace(day=1)), str(day))
    return address.path(period="", start=str(month.first), end=str(month.last))
