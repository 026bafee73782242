"""What a cost page is steered with: the choices of its controls, its filters as sentences, and picking one more."""

from dataclasses import dataclass
from typing import Final

from apps.accounts.models import Organisation
from apps.accounts.scope import Scope
from apps.costs.address import Address
from apps.costs.dimensions import DIMENSION_NAMES, TAG_PREFIX, Dimension, DimensionError
from apps.costs.labels import dimension_label, value_label
from apps.costs.lists import joined_values
from apps.costs.parameters import AS_BILLED
from apps.costs.queries import CostQuery, dimension_values, tag_keys
from apps.costs.selection import Filter

PERIODS: Final = (
    ("last_7d", "Last 7 days"),
    ("last_30d", "Last 30 days"),
    ("last_90d", "Last 90 days"),
    ("mtd", "This month"),
    ("last_month", "Last month"),
    ("ytd", "This year"),
    ("", "From – to"),
)
METRICS: Final = (
    ("effective", "Amortised"),
    ("billed", "Billed"),
    ("list", "List price"),
    ("contracted", "Contracted"),
)
GRANULARITIES: Final = (("none", "Total"), ("day", "Day"), ("week", "Week"), ("month", "Month"))
LIMITS: Final = ("7", "10", "50", "200", "1000")
SHOWN_VALUES: Final = 3


@dataclass(frozen=True, slots=True)
class Choice:
    """One option of a control."""

    value: str
    text: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Controls:
    """The options of every control, and the parameters that the form has to carry along."""

    period: list[Choice]
    group_by: list[Choice]
    then_by: list[Choice]
    metric: list[Choice]
    granularity: list[Choice]
    currency: list[Choice]
    compare: list[Choice]
    limit: list[Choice]
    add: list[Choice]
    hidden: list[tuple[str, str]]
    everything: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Chip:
    """One filter as a sentence, and the address without it."""

    text: str
    values: str
    url: str


@dataclass(frozen=True, slots=True)
class Picker:
    """The values of one dimension to pick from."""

    name: str
    label: str
    values: list[Choice]
    has_more: bool
    search: str


def controls(query: CostQuery, address: Address, organisation: Organisation, scope: Scope) -> Controls:
    """The controls as this question sets them."""
    chosen = address.as_dict()
    offered = _dimensions(query, scope)
    dimensions = [(joined_values([one.name]), dimension_label(one)) for one in offered]
    grouped = [joined_values([dimension.name]) for dimension in query.group_by] + ["", ""]
    carried = [(name, value) for name, value in chosen.items() if "[" in name or name == "order_by"]
    period = chosen.get("period", "") or ("" if "start" in chosen else "last_30d")
    return Controls(
        period=_choices(PERIODS, period),
        group_by=_choices([*dimensions, ("", "Nothing")], grouped[0]),
        then_by=_choices([("", "Nothing"), *dimensions], grouped[1]),
        metric=_choices(METRICS, query.metric),
        granularity=_choices(GRANULARITIES, query.granularity),
        currency=_choices(_currencies(chosen.get("currency", ""), organisation), chosen.get("currency", "")),
        compare=_choices([("", "Nothing"), ("previous", "Days before")], chosen.get("compare", "")),
        limit=_choices([(number, f"{int(number):,}") for number in LIMITS], str(query.limit)),
        add=_choices([("", "Choose…"), *((one.name, dimension_label(one)) for one in offered)], ""),
        hidden=carried,
        everything=list(chosen.items()),
    )


def chips(query: CostQuery, address: Address, path: str = "/costs/") -> list[Chip]:
    """The filters, each with the way to be rid of it, on the page at `path`."""
    return [
        Chip(
            f"{dimension_label(one.dimension)} {'is not' if one.exclude else 'is'}",
            _values_in_words(one),
            address.without_filter(one).path(path),
        )
        for one in query.filters
    ]


def picker(name: str, search: str, query: CostQuery, scope: Scope) -> Picker | None:
    """The form that picks values of the dimension `name`; None where there is no such dimension."""
    try:
        dimension = Dimension(name)
    except DimensionError:
        return None
    found = dimension_values(dimension, period=query.period, scope=scope, search=search)
    taken = {value for one in query.filters if one.dimension == dimension for value in one.values}
    values = [Choice(value, value_label(dimension, value), value in taken) for value in found.values]
    return Picker(name, dimension_label(dimension), values, found.more, search)


def _choices(options: list[tuple[str, str]] | tuple[tuple[str, str], ...], chosen: str) -> list[Choice]:
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


def _values_in_words(one: Filter) -> str:
    shown = [value_label(one.dimension, value) for value in one.values[:SHOWN_VALUES]]
    more = len(one.values) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
