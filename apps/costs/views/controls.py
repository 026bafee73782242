"""What a cost page is steered with: the choices of its controls, and its menus of time ranges and comparisons."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.http import QueryDict

from apps.accounts.models import Organisation
from apps.accounts.scope import Scope
from apps.core import money
from apps.core.periods import PERIOD_NAMES, Period
from apps.costs.address import Address
from apps.costs.dimensions import DIMENSION_NAMES, TAG_PREFIX, Dimension
from apps.costs.labels import dimension_label
from apps.costs.lists import joined_values
from apps.costs.parameters import AS_BILLED, COMPARISONS, DEFAULT_PERIOD, Parameters
from apps.costs.queries import MAX_DIMENSIONS, CostQuery, OrderBy, tag_keys

PERIODS: Final = {
    "last_7d": "Last 7 days",
    "last_30d": "Last 30 days",
    "last_90d": "Last 90 days",
    "mtd": "This month",
    "last_month": "Last month",
    "this_quarter": "This quarter",
    "last_quarter": "Last quarter",
    "ytd": "This year",
    "fytd": "This fiscal year",
}
METRICS: Final = (
    ("effective", "Amortised"),
    ("billed", "Billed"),
    ("list", "List price"),
    ("contracted", "Contracted"),
)
GRANULARITIES: Final = (("none", "Total"), ("day", "Day"), ("week", "Week"), ("month", "Month"))
COMPARED: Final = {"previous": "Days before", "last_month": "Same days last month", "last_year": "Same days last year"}
JANUARY: Final = 1


@dataclass(frozen=True, slots=True)
class Choice:
    """One option of a control."""

    value: str
    text: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of days in a menu: what it is called, its dates in words, and the address with it."""

    text: str
    days: str
    url: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class DayMenu:
    """A menu that chooses days: ready ones, then two dates to type. `hidden` is what the form carries along."""

    chosen: str
    days: str
    ready: list[Stretch]
    first: date | None
    last: date | None
    hidden: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Controls:
    """The options of every control; `hidden` is what the form has to carry along."""

    period: DayMenu
    compare: DayMenu
    group_by: list[list[Choice]]
    metric: list[Choice]
    granularity: list[Choice]
    currency: list[Choice]
    dimensions: list[Stretch]
    hidden: list[tuple[str, str]]

    @property
    def metric_name(self) -> str:
        """What the chosen cost is called."""
        return next(one.text for one in self.metric if one.is_chosen)


def controls(query: CostQuery, address: Address, organisation: Organisation, scope: Scope, today: date) -> Controls:
    """The controls as this question sets them."""
    offered = _dimensions(query, scope)
    controlled = ("group_by", "metric", "granularity", "currency")
    return Controls(
        period=_periods(query, address, organisation, today),
        compare=_comparisons(query, address),
        group_by=_levels(query, offered),
        metric=_choices(METRICS, query.metric),
        granularity=_choices(GRANULARITIES, query.granularity),
        currency=_choices(_currencies(address.get("currency"), organisation), address.get("currency")),
        dimensions=[
            Stretch(dimension_label(one), "", address.path(more={"pick": one.name}), is_chosen=False) for one in offered
        ],
        hidden=_hidden(address, controlled),
    )


def range_in_words(period: Period, *, year: bool = False) -> str:
    """The days of a period; one that has not begun says so."""
    return money.days(period.first, period.last, year=year) if period.days else "no complete day"


def _hidden(address: Address, besides: Iterable[str]) -> list[tuple[str, str]]:
    """What a form carries along: everything but what it decides, and rows stay as they are by themselves."""
    return list(address.without(*besides, "toggled").as_dict().items())


def _periods(query: CostQuery, address: Address, organisation: Organisation, today: date) -> DayMenu:
    def url(name: str) -> str:
        return address.with_({"period": name, "start": "", "end": "", "toggled": ""}).path()

    named = "" if address.get("start") else address.get("period") or DEFAULT_PERIOD
    hidden = _hidden(address, ("period", "start", "end"))
    return day_menu(query.period, named, url, hidden, organisation=organisation, today=today)


def day_menu(
    period: Period,
    named: str,
    url: Callable[[str], str],
    hidden: list[tuple[str, str]],
    *,
    organisation: Organisation,
    today: date,
) -> DayMenu:
    """The menu of time ranges of any page; `url` gives its address with a named one, empty `named` is two dates."""
    ready = []
    for name, text in PERIODS.items():
        if name in PERIOD_NAMES and (name != "fytd" or organisation.fiscal_year_start_month != JANUARY):
            days = Parameters(QueryDict(f"period={name}")).period(today, organisation)
            ready.append(Stretch(text, range_in_words(days), url(name), name == named))
    chosen = PERIODS.get(named, "")
    words = range_in_words(period, year=not chosen)
    return DayMenu(chosen=chosen, days=words, ready=ready, first=period.first, last=period.last, hidden=hidden)


def _comparisons(query: CostQuery, address: Address) -> DayMenu:
    needless = "" if query.order_by in (OrderBy.MOST_ADDED, OrderBy.MOST_SAVED) else address.get("order_by")
    bare = address.without("compare", "compare_start", "compare_end", "toggled")
    named = address.get("compare")
    names = {**COMPARED, "previous": f"Previous {money.counted(query.period.days, 'day')}"}
    ready = []
    for name, period_of in COMPARISONS.items():
        url = bare.with_({"compare": name}).path()
        ready.append(Stretch(names[name], range_in_words(period_of(query.period)), url, name == named))
    nothing = Stretch("Nothing", "", bare.with_({"order_by": needless}).path(), query.compare is None)
    return DayMenu(
        chosen=names.get(named, "" if query.compare else "Nothing"),
        days=range_in_words(query.compare, year=not named) if query.compare else "",
        ready=[*ready, nothing],
        first=query.compare.first if query.compare else None,
        last=query.compare.last if query.compare else None,
        hidden=_hidden(address, ("compare", "compare_start", "compare_end")),
    )


def _levels(query: CostQuery, offered: list[Dimension]) -> list[list[Choice]]:
    """A list of dimensions for each level that is grouped by, and for the next one."""
    chosen = [one.name for one in query.group_by]
    levels = []
    for place in range(min(max(len(chosen) + 1, 2), MAX_DIMENSIONS)):
        taken = chosen[:place]
        options = [(joined_values([one.name]), dimension_label(one)) for one in offered if one.name not in taken]
        now = joined_values([chosen[place]]) if place < len(chosen) else ""
        levels.append(_choices([("", "None"), *options], now))
    return levels


def _choices(options: Iterable[tuple[str, str]], chosen: str) -> list[Choice]:
    return [Choice(value, text, value == chosen) for value, text in options]


def _dimensions(query: CostQuery, scope: Scope) -> list[Dimension]:
    """Every dimension and tag that can be chosen, and those that are chosen already; an empty tag key is none."""
    names = [*DIMENSION_NAMES, *(f"{TAG_PREFIX}{key}" for key in tag_keys(scope=scope) if key)]
    return list(dict.fromkeys([*map(Dimension, names), *query.group_by]))


def _currencies(chosen: str, organisation: Organisation) -> list[tuple[str, str]]:
    """The organisation's currency first, then as billed, and what the address names besides."""
    own = organisation.reporting_currency
    options = [("", own), (AS_BILLED, "As billed")] if own else [("", "As billed")]
    return options if chosen in dict(options) else [*options, (chosen, chosen)]
