"""How far the data reaches and which days may still change: of everything, of each provider and of each source."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Final

from django.db import connection
from psycopg import sql

from apps.accounts.scope import Scope
from apps.core.sql import read_sql
from apps.costs.dimensions import Dimension, Level
from apps.costs.selection import Placeholders, selected

HISTORY: Final = 60  # days of deliveries that say what is usual
ENOUGH: Final = 5  # deliveries that replaced one, before what they changed counts as usual
SETTLES: Final = 2  # days in which clouds complete and correct a day, where no history says otherwise
BEHIND: Final = timedelta(days=7)
"""Who is further behind the newest day is late: that its last days may change says nothing of the newest."""


@dataclass(frozen=True, slots=True)
class SourceFreshness:
    """The newest complete day of a provider's costs that come from one source, and when it was loaded.

    `settles` is the age in days up to which days were changed by newer deliveries, in nine of ten of them;
    `usual_lag` how many days old the newest day usually is when it comes, None while nobody knows.
    """

    provider: str
    source: str
    day: date
    loaded_at: datetime
    usual_lag: int | None
    settles: int

    @property
    def changes_from(self) -> date:
        """The first day that the next delivery may still change."""
        return self.loaded_at.date() - timedelta(days=self.settles)

    @property
    def days_may_change(self) -> int:
        """How many complete days, counted back from its newest, may still change."""
        return max((self.day - self.changes_from).days + 1, 0)


@dataclass(frozen=True, slots=True)
class ProviderFreshness:
    """The newest complete day of one provider (empty text: of charges that name none), and of each of its sources."""

    provider: str
    day: date
    sources: tuple[SourceFreshness, ...]


@dataclass(frozen=True, slots=True)
class Freshness:
    """The newest complete day with data, None while there is none; and each provider's own, oldest first."""

    day: date | None
    providers: tuple[ProviderFreshness, ...]

    @property
    def sources(self) -> list[SourceFreshness]:
        """Every source of every provider."""
        return [one for provider in self.providers for one in provider.sources]

    def of_source(self, name: str) -> date | None:
        """The first day whose costs from this source may still change; None = none."""
        found = [one.changes_from for one in self.sources if one.source == name and one.days_may_change]
        return min(found, default=None)

    def changes_from(self, providers: Collection[str] = ()) -> date | None:
        """The first day whose costs (of these providers, of all where none is named) may still change; None = none."""
        known = [one for one in self.sources if not providers or one.provider in providers]
        newest = max((one.day for one in known), default=None)
        found = [one.changes_from for one in known if newest and one.days_may_change and one.day >= newest - BEHIND]
        return min(found, default=None)


def freshness(*, today: date, scope: Scope) -> Freshness:
    """How far the costs that the scope lets through reach. `today` is not complete, so the answer is before it."""
    placeholders = Placeholders()
    statement = sql.SQL(read_sql("costs", "freshness")).format(
        selected=selected(Level.GROUP, placeholders, scope=scope, keys=[Dimension("provider")]),
        today=placeholders.add(today),
        history=placeholders.add(HISTORY),
        enough=placeholders.add(ENOUGH),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, placeholders.values)
        rows = cursor.fetchall()
    of_providers = (_provider(name, list(group)) for name, group in groupby(rows, key=lambda row: str(row[0])))
    providers = tuple(sorted(of_providers, key=lambda one: (one.day, one.provider)))
    return Freshness(max((one.day for one in providers), default=None), providers)


_Row = tuple[str, str, date, bool, datetime, int | None, int | None]


def _provider(name: str, rows: Iterable[_Row]) -> ProviderFreshness:
    """A provider of its sources' rows; a source of fees alone counts only where there are no others."""
    newest = max((not is_fee, day) for _, _, day, is_fee, *_ in rows)
    sources = tuple(
        SourceFreshness(name, source, day, loaded_at, lag, SETTLES if restated is None else restated)
        for _, source, day, _, loaded_at, lag, restated in rows
    )
    return ProviderFreshness(name, newest[1], sources)
