"""Which pages' addresses may be kept, and the one form in which each is kept and compared."""

from datetime import date
from typing import Final

from django.http import QueryDict

from apps.accounts.models import Organisation
from apps.core.errors import UserError
from apps.costs.address import OF_THE_PAGE, ORDER, Address
from apps.costs.parameters import cost_query
from apps.costs.queries import CostQuery
from apps.dashboards.models import SavedView

PAGES: Final = {"/costs/": "Cost explorer"}
NOT_ALONE: Final = ("start", "end", "compare_start", "compare_end")
"""Parameters of which one without the other is no question."""


def canonical(query: str) -> str:
    """The parameters of a page's address in stable order; what the page does not know is left out."""
    return _address(query).path("").removeprefix("?")


def link(path: str, query: str, *, view: int | None = None) -> str:
    """The address of a page in that state; with `view`, with that saved view open."""
    return _address(query).path(path, {"view": str(view)} if view else None)


def is_same(one: str, other: str, *, today: date) -> bool:
    """Whether two queries show the same page: what only says aloud what holds anyway makes no difference."""
    if canonical(one) == canonical(other):
        return True
    organisation = Organisation.current()
    return _said(_address(one), organisation, today) == _said(_address(other), organisation, today)


def checked(path: str, query: str, *, today: date) -> str:
    """The query in its canonical form. Raises UserError for what the page at `path` could not show."""
    if path not in PAGES:
        raise UserError(f"{path!r} is not a page whose views can be saved. Use: {', '.join(PAGES)}.", field="path")
    if len(query) > SavedView.LONGEST_QUERY:
        raise UserError(f"It has more than {SavedView.LONGEST_QUERY:,} characters. Use fewer filters.", field="query")
    for name, values in QueryDict(query).lists():
        if any("\0" in text for text in (name, *values)):
            raise UserError("It contains a character that no text may hold (U+0000).", field="query")
        if name.partition("[")[0] not in ORDER:
            raise UserError(f"{name!r} is not a parameter of {path}. Leave it out.", field="query")
    try:
        _question(_address(query), Organisation.current(), today)
    except UserError as error:
        raise UserError(f"{error.field}: {error}", field="query") from error
    return canonical(query)


def _address(query: str) -> Address:
    return Address.of(QueryDict(query)).without(*OF_THE_PAGE)


def _question(address: Address, organisation: Organisation, today: date) -> CostQuery:
    return cost_query(address.as_query(), today=today, organisation=organisation)


def _said(address: Address, organisation: Organisation, today: date) -> dict[str, str]:
    """The parameters without those that leave the question as it is; all of them where it cannot be read."""
    try:
        question = _question(address, organisation, today)
        for name in address.as_dict():
            smaller = address.without(name)
            if name not in NOT_ALONE and _question(smaller, organisation, today) == question:
                address = smaller
    except UserError:
        return address.as_dict()
    return address.as_dict()
