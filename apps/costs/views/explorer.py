"""The cost explorer: one question about cost, held wholly in the address, and its answer."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache

from apps.accounts.models import Organisation
from apps.accounts.permissions import requires
from apps.accounts.roles import Capability
from apps.accounts.scope import Scope, scope_of
from apps.core.charts import Figure
from apps.core.errors import UserError
from apps.core.pages import ROWS_PER_PAGE, parameters_besides
from apps.costs.address import Address, charges_of, exports_of
from apps.costs.charts import TITLES, cost_figure
from apps.costs.dates import Dates, dates
from apps.costs.labels import Namer, dimension_noun, namer
from apps.costs.parameters import cost_query
from apps.costs.queries import (
    CostNode,
    CostQuery,
    CostTotal,
    CostTree,
    CostView,
    MissingRateError,
    cost_view,
)
from apps.costs.rows import Row, Table
from apps.costs.views.controls import controls, range_in_words
from apps.costs.views.filters import chips, is_picked, picker, with_picked
from apps.costs.views.fresh import freshness_of

ROWS: Final = 50
MORE_ROWS: Final = (50, 200, 1000)
CHILDREN: Final = 5
START: Final = {"period": "last_30d", "granularity": "day", "group_by": "service", "compare": "previous"}


@dataclass(frozen=True, slots=True)
class Shown:
    """One currency of the answer: its totals, a page of its rows, and cost over time where dates are asked for."""

    total: CostTotal
    page: Page[CostNode]
    rows: list[Row]
    dates: Dates | None
    figure: Figure | None
    title: str
    mean: Decimal | None
    noun: str
    more: int | None
    more_url: str
    highest: CostNode | None
    highest_name: str

    @property
    def currency(self) -> str:
        """The currency of every amount."""
        return self.total.currency

    @property
    def chart_id(self) -> str:
        """The name of its figure on the page."""
        return f"chart-{self.currency}"

    @property
    def trend_name(self) -> str:
        """What the small lines in the table show."""
        return f"{TITLES[self.dates.granularity].split()[0]} trend" if self.dates else ""

    @property
    def listed(self) -> int:
        """How many of the outermost groups have a row of their own, on whichever page."""
        return sum(1 for node in self.page.paginator.object_list if node.key is not None)


@never_cache
@requires(Capability.SEE_COSTS)
def costs(request: HttpRequest) -> HttpResponse:
    """The page. What the address does not say is put into it, so that every view can be shared as it is seen."""
    scope, today = scope_of(request.user), timezone.now().date()
    if is_picked(request.GET):
        return redirect(with_picked(request.GET).path())
    address = Address.of(request.GET)
    if not request.GET:
        return redirect(address.with_(_start(freshness_of(request).day, today)).path())
    if "pick" not in request.GET and _is_untidy(request, address):
        return redirect(address.path())
    organisation = Organisation.current()
    query, address, ignored = _read(address, organisation, today)
    view, problems = _answer(query, today, scope)
    name = namer()
    asked = _Asked(address, today, name, freshness_of(request).changes_from(_providers(query)))
    shown = [_shown(view, tree, asked) for tree in view.trees] if view else []
    context = {
        "title": "Cost explorer",
        "query": query,
        "address": address,
        "notices": [*ignored, *problems],
        "controls": controls(query, address, organisation, scope, today),
        "chips": chips(query, address, name),
        "clear_url": address.without_filters().path(),
        "picker": picker(request.GET, address, query, scope, name),
        "shown": shown,
        "failed": view is None,
        "newest": None if shown else freshness_of(request).day,
        "days": range_in_words(query.period, year=True),
        "before": range_in_words(query.compare, year=False) if query.compare else "",
        "by": " and ".join(dimension_noun(one) for one in query.group_by),
        "noun": dimension_noun(query.group_by[0]) if query.group_by else "",
        "partial": today if query.period.first <= today <= query.period.last else None,
        "charges_url": charges_of(address)([], []),
        "exports": exports_of(address.with_({"limit": str(query.limit)}), CHILDREN),
        "link": request.build_absolute_uri(_to_share(address, query)),
        "page_query": parameters_besides(request, "page"),
        "sort": _sort_links(address, query),
    }
    return render(request, "costs/explorer.html", context)


def _start(newest: date | None, today: date) -> dict[str, str]:
    """The first view: the last 30 days, or the newest month with cost where these days have none."""
    if newest is None or newest >= today - timedelta(days=30):
        return START
    month_end = (newest.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return START | {"period": "", "start": str(newest.replace(day=1)), "end": str(month_end)}


def _to_share(address: Address, query: CostQuery) -> str:
    """The view as it is seen now, on whatever day it is opened."""
    return address.without("view").over(query.period).with_({"page": address.get("page")}).path()


def _providers(query: CostQuery) -> tuple[str, ...]:
    """The providers that are asked about; all of them where none is named."""
    wanted = (one.values for one in query.filters if one.dimension.name == "provider" and not one.exclude)
    return next(wanted, ())


def _is_untidy(request: HttpRequest, address: Address) -> bool:
    """Whether a form sent the address otherwise than it would be shared: empty, repeated or superfluous parameters."""
    return dict(request.GET.lists()) != {name: [value] for name, value in address.as_dict().items()}


def _read(address: Address, organisation: Organisation, today: date) -> tuple[CostQuery, Address, list[str]]:
    """The question; a parameter that cannot be used is left out, with a word about it."""
    ignored: list[str] = []
    while True:
        asked = address.with_({"limit": address.get("limit") or str(ROWS)})
        try:
            return cost_query(asked.as_query(), today=today, organisation=organisation), address, ignored
        except UserError as error:
            smaller = address.without_family(error.field)
            if len(smaller.as_dict()) == len(address.as_dict()):
                raise
            ignored.append(f"{error.field} was ignored: {error}")
            address = smaller


def _answer(query: CostQuery, today: date, scope: Scope) -> tuple[CostView | None, list[str]]:
    """The view; in the currencies billed where a rate is missing; None where the question is too large."""
    try:
        return cost_view(query, children=CHILDREN, today=today, scope=scope), []
    except MissingRateError as error:
        view, problems = _answer(replace(query, currency=""), today, scope)
        return view, [f"{error} Amounts are shown as billed, each currency by itself.", *problems]
    except UserError as error:
        return None, [str(error)]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What showing an answer takes besides it."""

    address: Address
    today: date
    name: Namer
    changes_from: date | None


def _shown(view: CostView, tree: CostTree, asked: _Asked) -> Shown:
    query, total = view.query, tree.total
    address, today, name = asked.address, asked.today, asked.name
    by_date = dates(
        view,
        tree,
        today=today,
        zoom=lambda period, granularity: address.over(period).with_({"granularity": granularity.value}).path(),
        name=name,
        changes_from=asked.changes_from,
    )
    title = TITLES[by_date.granularity] if by_date else "Cost"
    days = (min(query.period.last, today) - query.period.first).days + 1
    more = next((count for count in MORE_ROWS if query.limit and query.limit < min(count, total.groups)), None)
    page = Paginator(tree.nodes, ROWS_PER_PAGE, orphans=1).get_page(address.get("page"))
    highest = max((node for node in tree.nodes if node.key is not None), key=lambda node: node.cost, default=None)
    return Shown(
        total=total,
        page=page,
        rows=Table(tree, query.group_by, by_date, address, name).rows(list(page)),
        dates=by_date,
        figure=cost_figure(by_date, total.currency) if by_date else None,
        title=f"{title} by {dimension_noun(query.group_by[0])}" if query.group_by else title,
        mean=total.cost / days if days > 0 else None,
        noun=dimension_noun(query.group_by[0], total.groups) if query.group_by else "",
        more=more,
        more_url=address.with_({"limit": str(more)}).path() if more else "",
        highest=highest,
        highest_name=name(query.group_by[0], highest.key or "") if highest else "",
    )


def _sort_links(address: Address, query: CostQuery) -> dict[str, str]:
    """Where the heads of the table lead: the other direction of the present order, else the usual one."""
    usual = {"cost": "-cost", "key": "key", "delta": "-delta"}
    present = query.order_by.value
    links = {}
    for name, order in usual.items():
        other = order.removeprefix("-") if order.startswith("-") else f"-{order}"
        links[name] = address.with_({"order_by": other if present == order else order}).path()
    return links
