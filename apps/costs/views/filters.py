"""Filters on a cost page: as sentences with a way to be rid of each, and the form that picks the values of one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.http import QueryDict

from apps.accounts.scope import Scope
from apps.costs.address import Address
from apps.costs.dimensions import Dimension, DimensionError
from apps.costs.labels import Namer, dimension_label
from apps.costs.queries import CostQuery, dimension_values
from apps.costs.selection import Filter

SHOWN_VALUES: Final = 3


@dataclass(frozen=True, slots=True)
class Chip:
    """One filter as a sentence, the address without it, and the one where its values can be changed."""

    text: str
    values: str
    url: str
    change_url: str


@dataclass(frozen=True, slots=True)
class Value:
    """A value that can be picked."""

    value: str
    text: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Picker:
    """The values of one dimension to pick from: those that are picked first, then those that hold the text `search`."""

    name: str
    label: str
    values: list[Value]
    has_more: bool
    search: str
    excludes: bool
    hidden: list[tuple[str, str]]


def chips(query: CostQuery, address: Address, name: Namer, path: str = "/costs/") -> list[Chip]:
    """The filters, each with the way to be rid of it, on the page at `path`."""
    return [
        Chip(
            f"{dimension_label(one.dimension)} {'is not' if one.exclude else 'is'}",
            _values_in_words(one, name),
            address.without_filter(one).path(path),
            address.path(more={"pick": one.dimension.name}),
        )
        for one in query.filters
    ]


def picker(given: QueryDict, address: Address, query: CostQuery, scope: Scope, name: Namer) -> Picker | None:
    """The form that picks values of the dimension that `given` names; None where there is no such dimension."""
    try:
        dimension = Dimension(given.get("pick", ""))
    except DimensionError:
        return None
    present = next((one for one in query.filters if one.dimension == dimension), None)
    searched = "find" in given
    chosen = given.getlist("value") if searched else list(present.values if present else ())
    excludes = given.get("how") == "exclude" if searched else present is not None and present.exclude
    search = given.get("search", "")
    found = dimension_values(dimension, period=query.period, scope=scope, search=search)
    return Picker(
        name=dimension.name,
        label=dimension_label(dimension),
        values=_values(dimension, chosen, found.values, name),
        has_more=found.more,
        search=search,
        excludes=excludes,
        hidden=list(address.without("toggled").as_dict().items()),
    )


def is_picked(given: QueryDict) -> bool:
    """Whether the form of one filter was sent: opening it and searching in it come without, or with another button."""
    return bool(given.get("pick") and given.get("how")) and "find" not in given


def with_picked(given: QueryDict) -> Address:
    """The address with the values that were picked; none picked is no filter."""
    address, exclude = Address.of(given).without("toggled"), given.get("how") == "exclude"
    return address.with_filter_named(given.get("pick", ""), given.getlist("value"), exclude=exclude)


def _values(dimension: Dimension, chosen: Sequence[str], found: Sequence[str], name: Namer) -> list[Value]:
    values = dict.fromkeys([*chosen, *found])
    return [Value(value, name(dimension, value), value in chosen) for value in values]


def _values_in_words(one: Filter, name: Namer) -> str:
    shown = [name(one.dimension, value) for value in one.values[:SHOWN_VALUES]]
    more = len(one.values) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
