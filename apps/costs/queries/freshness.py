"""How far the data reaches: the newest complete day, of everything and of each provider."""

from dataclasses import dataclass
from datetime import date

from django.db import connection
from psycopg import sql

from apps.accounts.scope import Scope
from apps.core.sql import read_sql
from apps.costs.dimensions import Dimension, Level
from apps.costs.selection import Placeholders, selected


@dataclass(frozen=True, slots=True)
class ProviderFreshness:
    """The newest complete day of one provider (empty text: of charges that name none)."""

    provider: str
    day: date


@dataclass(frozen=True, slots=True)
class Freshness:
    """The newest complete day with data, None while there is none; and each provider's own, oldest first."""

    day: date | None
    providers: tuple[ProviderFreshness, ...]


def freshness(*, today: date, scope: Scope) -> Freshness:
    """How far the costs that the scope lets through reach. `today` is not complete, so the answer is before it."""
    placeholders = Placeholders()
    statement = sql.SQL(read_sql("costs", "freshness")).format(
        selected=selected(Level.GROUP, placeholders, scope=scope, keys=[Dimension("provider")]),
        today=placeholders.add(today),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, placeholders.values)
        providers = tuple(ProviderFreshness(provider, day) for provider, day in cursor.fetchall())
    return Freshness(max((one.day for one in providers), default=None), providers)
