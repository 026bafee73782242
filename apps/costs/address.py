"""The address of a cost page as the state of its view: the API's parameter names, in one stable order."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Self
from urllib.parse import urlencode

from django.http import QueryDict

from apps.costs.dimensions import Dimension
from apps.costs.labels import next_dimension
from apps.costs.lists import joined_values
from apps.costs.selection import Filter

Drill = Callable[[Sequence[Dimension], Sequence[str]], str]
"""Where choosing these values of these dimensions leads."""

ORDER: Final = (
    *("period", "start", "end", "granularity", "group_by", "filter", "exclude", "metric", "currency"),
    *("compare", "compare_start", "compare_end", "limit", "order_by", "page"),
)
VIEW: Final = (
    *("granularity", "group_by", "metric", "currency", "compare", "compare_start", "compare_end", "limit", "order_by"),
    "page",
)
"""What a list of charges has no use for."""
FAMILIES: Final = (("period", "start", "end"), ("compare", "compare_start", "compare_end"))
"""Parameters that only make sense together."""


class Address:
    """Parameters of one view; every change gives another address."""

    def __init__(self, parameters: Mapping[str, str]) -> None:
        self._parameters = {name: value for name, value in parameters.items() if value}

    @classmethod
    def of(cls, given: QueryDict) -> Self:
        """The address that was asked for: repeated parameters joined, and no dates where a named period says it all."""
        known = {name: ",".join(filter(None, given.getlist(name))) for name in given if _base(name) in ORDER}
        if known.get("period"):
            known |= {"start": "", "end": ""}
        return cls(known)

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
        """The same for a name that may be no dimension: reading the address then says so."""
        return self.with_({f"{'exclude' if exclude else 'filter'}[{name}]": joined_values(values)})

    def without_filter(self, one: Filter) -> Self:
        """The same view with one filter less."""
        return self.without(f"{'exclude' if one.exclude else 'filter'}[{one.dimension.name}]")

    def as_dict(self) -> dict[str, str]:
        """The parameters, in their order."""
        return dict(sorted(self._parameters.items(), key=lambda item: (ORDER.index(_base(item[0])), item[0])))

    def as_query(self) -> QueryDict:
        """The parameters as a request would have them."""
        return QueryDict(urlencode(self.as_dict()))

    def path(self, path: str = "/costs/", more: Mapping[str, str] | None = None) -> str:
        """This view at `path`, with `more` parameters that are no part of it."""
        query = urlencode({**self.as_dict(), **(more or {})}, safe="[],:")
        return f"{path}?{query}" if query else path


def drill_down(address: Address) -> Drill:
    """Links from a group to what it consists of: one more filter, and grouped by what is worth seeing next."""

    def link(dimensions: Sequence[Dimension], keys: Sequence[str]) -> str:
        chosen = _filtered(address, dimensions, keys)
        names = {dimension.name for dimension in dimensions}
        asked = Dimension.parse_list(address.as_dict().get("group_by", ""))
        left = [dimension.name for dimension in asked if dimension.name not in names]
        group_by = joined_values(left) or next_dimension(dimensions[-1])
        return chosen.with_({"group_by": group_by}).path() if group_by else charges_of(address)(dimensions, keys)

    return link


def charges_of(address: Address) -> Drill:
    """Links from a group to the charges behind it."""
    return lambda dimensions, keys: _filtered(address.without(*VIEW), dimensions, keys).path("/costs/charges/")


def exports_of(address: Address) -> list[tuple[str, str]]:
    """Links to the charges behind a view as FOCUS files, each with what the file is called."""
    kinds = {"CSV": "csv", "Parquet": "parquet"}
    return [
        (name, address.without(*VIEW).path("/api/v1/costs/export/", {"format": kind})) for name, kind in kinds.items()
    ]


def _filtered(address: Address, dimensions: Sequence[Dimension], keys: Sequence[str]) -> Address:
    for dimension, key in zip(dimensions, keys, strict=True):
        address = address.with_filter(dimension, [key])
    return address


def _base(name: str) -> str:
    return name.partition("[")[0]
