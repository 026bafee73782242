"""The address of a cost page as the state of its view: the API's parameter names, in one stable order."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Self
from urllib.parse import urlencode

from django.http import QueryDict

from apps.core.periods import Period
from apps.costs.dimensions import Dimension
from apps.costs.labels import next_dimension
from apps.costs.lists import joined_values
from apps.costs.selection import Filter

Drill = Callable[[Sequence[Dimension], Sequence[str]], str]
"""Where choosing these values of these dimensions leads."""

OF_THE_PAGE: Final = ("toggled", "view", "page")
"""What is no part of the question: rows opened or closed, the saved view that was opened, the page of a list."""
ORDER: Final = (
    *("period", "start", "end", "granularity", "group_by", "filter", "exclude", "metric", "currency"),
    *("compare", "compare_start", "compare_end", "limit", "order_by", *OF_THE_PAGE),
)
VIEW: Final = (
    *("granularity", "group_by", "metric", "currency", "compare", "compare_start", "compare_end", "limit", "order_by"),
    *OF_THE_PAGE,
)
"""What a list of charges has no use for."""
FILES: Final = (("CSV", "csv"), ("Parquet", "parquet"))
FAMILIES: Final = (("period", "start", "end"), ("compare", "compare_start", "compare_end"))
"""Parameters that only make sense together."""


class Address:
    """Parameters of one view; every change gives another address."""

    def __init__(self, parameters: Mapping[str, str]) -> None:
        self._parameters = {name: value for name, value in parameters.items() if value}

    @classmethod
    def of(cls, given: QueryDict) -> Self:
        """The address that was asked for: what is repeated joined, each once, and no dates where a period is named."""
        texts = {name: dict.fromkeys(filter(None, given.getlist(name))) for name in given if _base(name) in ORDER}
        known = {name: ",".join(of_name) for name, of_name in texts.items()}
        if known.get("period"):
            known |= {"start": "", "end": ""}
        return cls(known)

    def get(self, name: str) -> str:
        """A parameter's text; empty when it is not given."""
        return self._parameters.get(name, "")

    def with_(self, changes: Mapping[str, str]) -> Self:
        """The same view with other values, from its first page; an empty value removes the parameter."""
        return type(self)({**self._parameters, "page": "", **changes})

    def without(self, *names: str) -> Self:
        """The same view without parameters."""
        return self.with_(dict.fromkeys(names, ""))

    def without_family(self, name: str) -> Self:
        """The same view without a parameter and what only makes sense beside it."""
        return self.without(*next((family for family in FAMILIES if name in family), (name,)))

    def with_filter(self, dimension: Dimension, values: Sequence[str], *, exclude: bool = False) -> Self:
        """The same view with the dimension filtered by these values alone."""
        return self.with_filter_named(dimension.name, values, exclude=exclude)

    def with_filter_named(self, name: str, values: Sequence[str], *, exclude: bool = False) -> Self:
        """The same for a name that may be no dimension: reading the address then says so. No value is no filter."""
        now, other = ("exclude", "filter") if exclude else ("filter", "exclude")
        return self.with_({f"{now}[{name}]": joined_values(values), f"{other}[{name}]": ""})

    def without_filter(self, one: Filter) -> Self:
        """The same view with one filter less."""
        return self.without(f"{'exclude' if one.exclude else 'filter'}[{one.dimension.name}]")

    def without_filters(self) -> Self:
        """The same view of everything."""
        return self.without(*(name for name in self._parameters if "[" in name))

    def over(self, period: Period) -> Self:
        """The same view of these days, whatever today is."""
        return self.with_({"period": "", "start": str(period.first), "end": str(period.last)})

    def question(self) -> Self:
        """What the address asks, without what concerns its page alone."""
        return self.without(*OF_THE_PAGE)

    def as_dict(self) -> dict[str, str]:
        """The parameters, in their order."""
        return dict(sorted(self._parameters.items(), key=lambda item: (ORDER.index(_base(item[0])), item[0])))

    def as_query(self) -> QueryDict:
        """The parameters of its question as a request would have them."""
        return QueryDict(urlencode(self.question().as_dict()))

    def path(self, path: str = "/costs/", more: Mapping[str, str] | None = None) -> str:
        """This view at `path`, with `more` parameters that are no part of it."""
        query = urlencode({**self.as_dict(), **(more or {})}, safe="[],:")
        return f"{path}?{query}" if query else path


def drill_down(address: Address) -> Drill:
    """Links from a group to what it consists of: one more filter, and grouped by what is worth seeing next."""

    def link(dimensions: Sequence[Dimension], keys: Sequence[str]) -> str:
        chosen = _filtered(address.without("toggled"), dimensions, keys)
        names = {dimension.name for dimension in dimensions}
        asked = Dimension.parse_list(address.as_dict().get("group_by", ""))
        left = [dimension.name for dimension in asked if dimension.name not in names]
        group_by = joined_values(left) or next_dimension(dimensions[-1])
        return chosen.with_({"group_by": group_by}).path() if group_by else charges_of(address)(dimensions, keys)

    return link


def charges_of(address: Address) -> Drill:
    """Links from a group to the charges behind it; they carry the view along, so that there is a way back."""
    carried = address.without("limit", "order_by", *OF_THE_PAGE)
    return lambda dimensions, keys: _filtered(carried, dimensions, keys).path("/costs/charges/")


def exports_of(address: Address, children: int, *, called: str = "This table") -> list[tuple[str, str]]:
    """Links to what a view shows as files: its table with so many `children` a row, and the charges behind it."""
    path, more = "/api/v1/costs/table/", {"children": str(children)}
    table = address.question()
    tables = [(f"{called}, {name}", table.path(path, {**more, "format": kind})) for name, kind in FILES]
    return [*tables, *charges_files_of(address)]


def charges_files_of(address: Address) -> list[tuple[str, str]]:
    """Links to the charges behind a view as FOCUS files."""
    charges = address.without(*VIEW)
    return [(f"FOCUS 1.2, {name}", charges.path("/api/v1/costs/export/", {"format": kind})) for name, kind in FILES]


def _filtered(address: Address, dimensions: Sequence[Dimension], keys: Sequence[str]) -> Address:
    for dimension, key in zip(dimensions, keys, strict=True):
        address = address.with_filter(dimension, [key])
    return address


def _base(name: str) -> str:
    return name.partition("[")[0]
