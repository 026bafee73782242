"""What an address asks of the prices: the same names and the same refusals for API and page."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Final

from apps.core.periods import parse_day
from apps.core.requests import refuse_unknown
from apps.pricing.queries import Wanted

NAMES: Final = tuple(field.name for field in fields(Wanted))


def wanted(given: Mapping[str, str], *, besides: Iterable[str]) -> Wanted:
    """The filters in an address that may have other parameters `besides`. Raises UserError for what cannot be read."""
    refuse_unknown(given, (*NAMES, *besides))
    texts = {name: given.get(name, "").strip() for name in NAMES}
    day = texts.pop("as_of")
    return Wanted(**texts, as_of=parse_day(day, "as_of") if day else None)
