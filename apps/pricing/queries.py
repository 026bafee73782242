"""Reads of list prices: what is on offer now, and what was on a day before."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from django.db import connection
from django.db.models import Max, Q, QuerySet

from apps.accounts.scope import Scope
from apps.core.sql import read_sql
from apps.pricing.models import Price, PriceList

EXACT: Final = {
    "provider": "provider",
    "service": "service_name",
    "region": "region_id",
    "size": "size",
    "pricing_category": "pricing_category",
    "operating_system": "operating_system",
}
"""Filters by the name that the API and the page give them, and the column that has to be equal."""

SEARCHED: Final = ("description", "service_name", "size", "sku_id", "sku_price_id")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which prices are asked for; empty text asks for all."""

    provider: str = ""
    service: str = ""
    region: str = ""
    size: str = ""
    pricing_category: str = ""
    operating_system: str = ""
    search: str = ""
    as_of: date | None = None

    @property
    def is_filtered(self) -> bool:
        """Whether anything is left out."""
        return self != Wanted()


@dataclass(frozen=True, slots=True)
class Choices:
    """What the prices of now can be filtered by, in order."""

    provider: tuple[str, ...] = ()
    service: tuple[str, ...] = ()
    region: tuple[str, ...] = ()
    pricing_category: tuple[str, ...] = ()
    operating_system: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Coverage:
    """What there is at all."""

    lists: int
    read_at: datetime | None  # when the newest of them was read


def prices(wanted: Wanted, *, scope: Scope) -> QuerySet[Price]:
    """Prices with their `list`, in a fixed order; with `as_of` those that stood in a list at the end of that day (UTC).

    They are public, so everybody who is signed in sees all of them, whatever the scope.
    """
    del scope
    found = Price.objects.select_related("list").filter(_at(wanted.as_of))
    found = found.filter(**{EXACT[name]: value for name in EXACT if (value := getattr(wanted, name))})
    for word in wanted.search.split():
        found = found.filter(_mentions(word))
    return found.order_by(*Price.ORDER)


def choices(*, scope: Scope) -> Choices:
    """The values that the filters of the page offer."""
    del scope
    values: dict[str, list[str]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(read_sql("pricing", "choices"))
        for name, value in cursor.fetchall():
            values[name].append(value)
    return Choices(**{name: tuple(found) for name, found in values.items()})


def coverage(*, scope: Scope) -> Coverage:
    """How many lists there are, and when the newest was read."""
    del scope
    newest = PriceList.objects.aggregate(read_at=Max("read_at"))["read_at"]
    return Coverage(PriceList.objects.count(), newest)


def _at(day: date | None) -> Q:
    if day is None:
        return Q(seen_until=None)
    end = datetime.combine(day + timedelta(days=1), time(), UTC)
    return Q(seen_from__lt=end) & (Q(seen_until=None) | Q(seen_until__gte=end))


def _mentions(word: str) -> Q:
    found = Q()
    for column in SEARCHED:
        found |= Q(**{f"{column}__icontains": word})
    return found
