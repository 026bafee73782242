"""Reads of costs that two sources both bring: whose, when, and how much may be counted twice."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from django.db import connection

from apps.accounts.scope import Scope
from apps.core.sql import read_sql

EVER: Final = date(1970, 1, 1)
LONGEST_MONTH: Final = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Overlap:
    """What two sources both have of the costs of an account in a month: of each day and service the lesser amount.

    `account` is what FOCUS calls a sub account, or the billing account of costs that belong to none.
    """

    sources: tuple[str, str]
    account: str
    month: date
    currency: str
    cost: Decimal  # effective
    days: int  # on which both have costs


@dataclass(frozen=True, slots=True)
class Doubt:
    """All that two sources both have, in one currency."""

    sources: tuple[str, str]
    accounts: tuple[str, ...]
    months: tuple[date, ...]
    currency: str
    cost: Decimal


def overlaps(*, scope: Scope, since: date = EVER, source: str = "") -> list[Overlap]:
    """What may be counted twice in the months from `since` on, the most first; of one source, or of all.

    Two views of one account agree in its days and its services, whatever else they say. Sources whose accounts, days or
    services differ add up, and so do credits. One query where nothing is suspected, else two.
    """
    if scope.teams is not None:
        return []
    suspected = [one for one in _candidates(since) if not source or source in one[0]]
    if not suspected:
        return []
    found = _measure(suspected)
    return [one for one in found if not source or source in one.sources]


def doubts(found: Iterable[Overlap]) -> list[Doubt]:
    """Overlaps of two sources and a currency as one, the most first."""
    groups: dict[tuple[tuple[str, str], str], list[Overlap]] = defaultdict(list)
    for one in found:
        groups[one.sources, one.currency].append(one)
    together = [_doubt(group) for group in groups.values()]
    return sorted(together, key=lambda one: (-one.cost, one.sources))


def may_overlap(sources: Iterable[str]) -> bool:
    """Whether there are two sources of costs at all."""
    return len(set(sources)) > 1


def other_sources(source: str, periods: Sequence[date], *, scope: Scope) -> list[str]:
    """Names of the sources that bring what a source brings in some billing periods."""
    months = {period.replace(day=1) for period in periods}
    if not months:
        return []
    found = overlaps(scope=scope, since=min(months), source=source)
    return sorted({name for one in found if one.month in months for name in one.sources} - {source})


_Suspect = tuple[list[str], str, date]


def _candidates(since: date) -> list[_Suspect]:
    with connection.cursor() as cursor:
        cursor.execute(read_sql("sources", "overlap_candidates"), {"since": since})
        return list(cursor.fetchall())


def _measure(suspected: Sequence[_Suspect]) -> list[Overlap]:
    months = [month for _, _, month in suspected]
    parameters: dict[str, Any] = {
        "accounts": [account for _, account, _ in suspected],
        "months": months,
        "sources": sorted({name for names, _, _ in suspected for name in names}),
        "first": min(months),
        "last": max(months) + LONGEST_MONTH,
    }
    with connection.cursor() as cursor:
        cursor.execute(read_sql("sources", "overlaps"), parameters)
        return [Overlap((one, other), *rest) for one, other, *rest in cursor.fetchall()]


def _doubt(group: Sequence[Overlap]) -> Doubt:
    first = group[0]
    return Doubt(
        first.sources,
        tuple(sorted({one.account for one in group})),
        tuple(sorted({one.month for one in group})),
        first.currency,
        sum((one.cost for one in group), Decimal(0)),
    )
