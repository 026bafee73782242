"""The pages of what exists: the list of resources, and one resource with its costs and its history."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.core.paginator import Page
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from apps.accounts.permissions import requires
from apps.accounts.roles import Capability
from apps.accounts.scope import Scope, scope_of
from apps.core import money
from apps.core.charts import Figure, bar_trace, figure, money_axis, with_note
from apps.core.errors import UserError
from apps.core.pages import page_of, parameters_besides
from apps.core.periods import Period, PeriodError, parse_day
from apps.costs.address import Address
from apps.costs.dimensions import Dimension
from apps.costs.labels import namer
from apps.costs.views.fresh import freshness_of
from apps.dashboards.resource_costs import BY_RESOURCE, Amount, DailyCosts, daily_costs, days_until, names_of
from apps.dashboards.resource_idle import used_and_idle
from apps.dashboards.resource_list import Ranked, amounts_on, days_of, listed, without_money, yesterday
from apps.dashboards.resource_use import SOURCES, use_of
from apps.dashboards.resource_wording import Pill, details_of, history_lines, kind_of, pill_of
from apps.inventory import queries
from apps.inventory.models import ResourceState
from apps.inventory.parameters import MONEY_ORDERS, wanted
from apps.inventory.queries import NOBODY, Choices, Wanted

TEAM: Final = Dimension("team")
TITLES: Final = {
    "provider": "Provider",
    "sub_account": "Account",
    "region": "Region",
    "kind": "Kind",
    "state": "State",
    "team": "Team",
}
"""Filters with a list to choose from."""
COLUMNS: Final = (
    ("name", "Resource", ""),
    ("state", "State", ""),
    ("cost", "Cost", "num"),
    ("idle_cost", "Idle", "num opt"),
    ("team", "Team", "opt"),
    ("size", "Size", "opt"),
    ("sub_account", "Account", "opt"),
    ("since", "Since", "opt"),
)
MOST_CHILDREN: Final = 50
MOST_STATES: Final = 200


@dataclass(frozen=True, slots=True)
class Line:
    """A resource as the list shows it."""

    state: ResourceState
    pill: Pill
    kind: str
    team: str
    amounts: list[Amount]

    @property
    def short_id(self) -> str:
        """What comes last in its id, which may be a path or an ARN; empty where that is its name."""
        last = re.split(r"[/:]", self.state.resource.resource_id)[-1]
        return "" if last == (self.state.resource.name or last) else last


@dataclass(frozen=True, slots=True)
class Column:
    """The head of a column, and where sorting by it leads; `sorted` is the value of aria-sort."""

    title: str
    css: str
    url: str
    sorted: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Cost per day in one currency: the figure and what it says."""

    name: str
    costs: DailyCosts
    figure: Figure
    says: str


@never_cache
@requires(Capability.SEE_COSTS)
def resources(request: HttpRequest) -> HttpResponse:
    """What exists now or existed on a day; what an address says wrongly is told and left out."""
    scope = scope_of(request.user)
    asked, found, problem = _asked(request, scope)
    page = page_of(request, found)
    period = days_of(asked)
    context = {
        "title": "Resources",
        "page": page,
        "lines": _lines(page, period, scope),
        "wanted": asked,
        "tags": list(filter(str.strip, request.GET.getlist("tag"))) or [""],
        "filters": _filters(queries.choices(scope=scope), asked),
        "columns": [_column(request, asked, *column) for column in COLUMNS],
        "read_at": queries.read_at(scope=scope),
        "period": period,
        "problem": problem,
        "query": parameters_besides(request, "page"),
    }
    return render(request, "dashboards/resources.html", context)


@never_cache
@requires(Capability.SEE_COSTS)
def resource(request: HttpRequest, pk: int) -> HttpResponse:
    """One resource as it is, or was at the end of a day: facts, tags, cost, history, and what belongs to it."""
    scope = scope_of(request.user)
    as_of, problem = _day(request)
    try:
        state = queries.state_of(pk, scope=scope, as_of=as_of)
    except ResourceState.DoesNotExist:
        raise Http404(f"There is no resource {pk} that you may see{' on that day' if as_of else ''}.") from None
    found = state.resource
    period = days_until(as_of or yesterday())
    changes_from = freshness_of(request).changes_from()
    children = queries.children(found, scope=scope)
    use = use_of(found, period, scope=scope)
    context: dict[str, Any] = {
        "title": str(found),
        "state": state,
        "resource": found,
        "kind": kind_of(found.kind),
        "pill": pill_of(state),
        "team": namer()(TEAM, state.team or ""),
        "as_of": as_of,
        "problem": problem,
        "period": period,
        "details": details_of(state),
        "charts": [_chart(one, changes_from) for one in daily_costs(found, period, scope=scope)],
        "changes_from": changes_from,
        "use": use,
        "used": used_and_idle(found, period, has_gpus=use.is_of_gpus, scope=scope) if use else {},
        "measured_by": SOURCES.get(found.kind, ""),
        "explorer_url": _explorer(period).with_filter(BY_RESOURCE, names_of(found)).path(),
        "history": history_lines(queries.history(found, scope=scope)[:MOST_STATES]),
        "parent": queries.by_ids([state.parent_id], scope=scope).get(state.parent_id),
        "children": [(child, pill_of(child), kind_of(child.resource.kind)) for child in children[:MOST_CHILDREN]],
        "child_count": children.count(),
    }
    return render(request, "dashboards/resource.html", context)


def _asked(request: HttpRequest, scope: Scope) -> tuple[Wanted, "QuerySet[ResourceState] | Ranked", str]:
    """What an address asks for, what is found, and what is wrong with it: then all, or in the order of names."""
    asked = Wanted()
    try:
        asked = wanted(request.GET, besides=("page",))
        return asked, listed(asked, scope=scope), ""
    except UserError as error:
        asked = without_money(asked)
        return asked, listed(asked, scope=scope), f"{error.field}: {error}"


def _day(request: HttpRequest) -> tuple[date | None, str]:
    text = request.GET.get("as_of", "")
    try:
        return (parse_day(text, "as_of") if text else None), ""
    except PeriodError as error:
        return None, str(error)


def _lines(page: "Page[ResourceState]", period: Period, scope: Scope) -> list[Line]:
    states = list(page)
    amounts = amounts_on(states, period, scope=scope)
    name = namer()
    return [
        Line(
            state,
            pill_of(state),
            kind_of(state.resource.kind),
            name(TEAM, state.team or ""),
            amounts.get(state.resource.pk, []),
        )
        for state in states
    ]


def _filters(choices: Choices, asked: Wanted) -> list[tuple[str, str, str, list[tuple[str, str]]]]:
    """Name, title, what is chosen, and what there is to choose from with what it is called."""
    name = namer()
    found = []
    for filter_, title in TITLES.items():
        chosen: str = getattr(asked, filter_)
        values = list(getattr(choices, filter_))
        if chosen and chosen not in values and chosen != NOBODY:
            values.insert(0, chosen)
        offered = [(value, name(TEAM, value) if filter_ == "team" else value) for value in values]
        if filter_ == "kind":
            offered = [(value, kind_of(value)) for value in values]
        if filter_ == "team":
            offered.append((NOBODY, "Nobody's"))
        found.append((filter_, title, chosen, offered))
    return found


def _column(request: HttpRequest, asked: Wanted, name: str, title: str, css: str) -> Column:
    """Choosing a head sorts by it, by money the dearest first, and choosing it again turns the order round."""
    now = asked.order_by.removeprefix("-") == name
    descending = asked.order_by.startswith("-")
    is_ascending_next = descending if now else name not in MONEY_ORDERS
    turned = name if is_ascending_next else f"-{name}"
    word = ("descending" if descending else "ascending") if now else ""
    return Column(title, css, f"?{parameters_besides(request, 'page', 'order_by')}order_by={turned}", word)


def _chart(costs: DailyCosts, changes_from: date | None) -> Chart:
    amounts = [cost for _, cost in costs.days]
    dates = [day for day, _ in costs.days]
    unsettled = [changes_from is not None and day >= changes_from for day in dates]
    bars = bar_trace("Cost", dates, amounts, currency=costs.currency, colour="var(--c1)", unsettled=unsettled)
    says = f"Cost per day, {money.days(dates[0], dates[-1])}: {money.money(costs.total, costs.currency)} in all."
    layout: Figure = {"yaxis": money_axis(amounts, costs.currency)}
    drawn = figure([with_note(bars, unsettled, "may still change")], layout, {"xaxis": {"nticks": 4}})
    return Chart(f"chart-{costs.currency}", costs, drawn, says)


def _explorer(period: Period) -> Address:
    return Address({"granularity": "day", "group_by": "sku"}).over(period)
