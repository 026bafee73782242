"""FOCUS's words for what bills call otherwise: issuers, units, one category per service. Amounts are never touched."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Final, NamedTuple

PLURALS: Final = {
    spelling: plural
    for plural, spellings in {
        "Years": "year years yr yrs",
        "Months": "month months mo mos",
        "Days": "day days",
        "Hours": "hour hours hr hrs",
        "Minutes": "minute minutes min mins",
        "Seconds": "second seconds sec secs",
    }.items()
    for spelling in spellings.split()
}
"""How FOCUS writes what bills call an hour, by the bill's spelling in small letters."""

HOUSES: Final = (("AWS", "Amazon"), ("Google",), ("Microsoft", "Azure"))
"""Words that the names of one provider and of the companies that send its invoices begin with."""

_TIMES: Final = "Years|Months|Days|Hours|Minutes|Seconds"
_TIME: Final = _TIMES.replace("s|", "|").removesuffix("s")
_THING: Final = "[A-Za-z][A-Za-z0-9]*(?: [A-Za-z][A-Za-z0-9]*)*"
_UNIT: Final = re.compile(rf"(?:[0-9]+ )?{_THING}|{_THING}-(?:{_TIMES})|{_THING}/(?:{_TIME}|[0-9]+ (?:{_TIMES}))")
_OVER_TIME: Final = re.compile(rf"(.+?)-({'|'.join(PLURALS)})", re.IGNORECASE)
_CHUNKS: Final = re.compile(r"([0-9]+)K-(.+)")
_RATE: Final = re.compile(r"/second\b", re.IGNORECASE)


class Wording(NamedTuple):
    """One set of words that charge keys have, and how many of them."""

    provider: str | None
    issuer: str | None
    pricing_unit: str | None
    consumed_unit: str | None
    commitment_discount_unit: str | None
    service: str | None
    category: str | None
    subcategory: str | None
    keys: int


def other(category: str) -> str:
    """FOCUS's own subcategory of a service that none of the others fits, or whose bill names none."""
    return f"Other ({category})"


def is_unit(text: str) -> bool:
    """Whether the text has FOCUS's unit format."""
    is_time = text.lower() in PLURALS
    return text == PLURALS[text.lower()] if is_time else _UNIT.fullmatch(text) is not None


def focus_unit(text: str) -> str:
    """The unit in FOCUS's unit format; as it is where it has it, or where what it means cannot be told.

    GB-Mo -> GB-Months, Hrs -> Hours, Lambda-GB-Second -> Lambda GB-Seconds, GiB/Second-Months -> GiBps-Months.
    """
    if is_unit(text):
        return text
    written = PLURALS.get(text.lower()) or _over_time(text) or _CHUNKS.sub(r"\1 KiB \2", text)
    return written if is_unit(written) else text


def _over_time(text: str) -> str | None:
    match = _OVER_TIME.fullmatch(text)
    if match is None:
        return None
    thing = _RATE.sub("ps", match[1]).replace("-", " ")
    return f"{thing}-{PLURALS[match[2].lower()]}"


def is_its_own_issuer(provider: str, issuer: str) -> bool:
    """Whether the issuer's name is one of the provider's own companies, so that no third party is paid."""
    houses = ((provider,), *HOUSES)
    return any(_begins(provider, house) and _begins(issuer, house) for house in houses)


def _begins(name: str, words: Iterable[str]) -> bool:
    return any(re.match(rf"{re.escape(word)}(?!\w)", name, re.IGNORECASE) for word in words)


def issuers(wordings: Iterable[Wording]) -> dict[str, dict[str, str]]:
    """Issuer -> provider -> provider's name, where an invoice comes from the provider under another name."""
    found: dict[str, dict[str, str]] = {}
    for provider, issuer, *_ in wordings:
        if provider and issuer and issuer != provider and is_its_own_issuer(provider, issuer):
            found.setdefault(issuer, {})[provider] = provider
    return found


def units(texts: Iterable[str | None]) -> dict[str, str]:
    """Unit of the bill -> FOCUS's, where they differ."""
    return {text: unit for text in texts if text and (unit := focus_unit(text)) != text}


def services(wordings: Iterable[Wording]) -> dict[str, tuple[str, str]]:
    """Service -> its one category and subcategory, of services that have several.

    What most of its charge keys have is taken for a service's primary purpose.
    """
    places: dict[str, Counter[tuple[str, str]]] = {}
    for one in wordings:
        if one.service and one.category:
            place = (one.category, one.subcategory or other(one.category))
            places.setdefault(one.service, Counter())[place] += one.keys
    return {service: _most(found) for service, found in places.items() if len(found) > 1}


def _most(places: Counter[tuple[str, str]]) -> tuple[str, str]:
    """The most frequent category, and the most frequent subcategory in it; of equals the first of the alphabet."""
    of_categories: Counter[str] = Counter()
    for (category, _), keys in places.items():
        of_categories[category] += keys
    category = min(of_categories, key=lambda name: (-of_categories[name], name))
    return min((place for place in places if place[0] == category), key=lambda place: (-places[place], place))
