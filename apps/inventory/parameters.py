"""What an address asks of the inventory: the same names and the same refusals for API and page."""

from collections.abc import Iterable
from typing import Final

from django.utils.datastructures import MultiValueDict

from apps.core.errors import UserError
from apps.core.periods import parse_day
from apps.core.requests import refuse_unknown
from apps.inventory.queries import EXACT, ORDERS, Wanted

NAMES: Final = (*EXACT, "search", "tag", "closed", "as_of", "order_by")
MONEY_ORDERS: Final = ("cost", "idle_cost")
"""What only those who know costs can sort by: to the inventory itself they are the order of names."""
ORDER_WORDS: Final = tuple(f"{sign}{name}" for sign in ("", "-") for name in (*ORDERS, *MONEY_ORDERS))
SWITCH: Final = {"": False, "no": False, "yes": True}


def wanted(given: MultiValueDict[str, str], *, besides: Iterable[str]) -> Wanted:
    """The filters in an address that may have other parameters `besides`. Raises UserError for what cannot be read."""
    refuse_unknown(given, (*NAMES, *besides))
    texts = {name: given.get(name, "").strip() for name in NAMES}
    day, closed = texts["as_of"], texts["closed"]
    if closed not in SWITCH:
        raise UserError(f"{closed!r} is not allowed. Use yes or no.", field="closed")
    if day and SWITCH[closed]:
        raise UserError("What existed on a day needs no closed: give either as_of or closed.", field="closed")
    return Wanted(
        **{name: texts[name] for name in (*EXACT, "search")},
        tags=tuple(map(_tag, filter(str.strip, given.getlist("tag")))),
        closed=SWITCH[closed],
        as_of=parse_day(day, "as_of") if day else None,
        order_by=_order(texts["order_by"]),
    )


def _tag(text: str) -> tuple[str, str | None]:
    """`team=search` is a tag with that value, `team` one with any."""
    key, sign, value = text.partition("=")
    if not key.strip():
        raise UserError(f"{text!r} names no tag. Write key=value, or the key alone for any value.", field="tag")
    return key.strip(), value.strip() if sign else None


def _order(text: str) -> str:
    if text and text not in ORDER_WORDS:
        raise UserError(f"{text!r} is not allowed. Use one of: {', '.join(ORDER_WORDS)}.", field="order_by")
    return text or "name"
