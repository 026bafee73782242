"""How far the costs on a page can be trusted: each provider's with its sources, in states that people know."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.db.models import OuterRef, QuerySet, Subquery

from apps.accounts.scope import Scope
from apps.costs.queries import Freshness, ProviderFreshness, SourceFreshness
from apps.sources.models import UPLOAD, Run, Source
from apps.sources.states import State, is_late
from collectors.connections import BILLS

ENDED: Final = timedelta(days=62)
"""Who has sent nothing for longer, beside the newest of all, has ended: nobody waits for it."""
WORST_FIRST: Final = (State.FAILED, State.PAUSED, State.LATE, State.RETRYING)


@dataclass(frozen=True, slots=True)
class SourceTrust:
    """A source of a provider's costs. `name` and `pk` are empty for people who may not see sources.

    `at` is when its costs were last known to be right: its last good look, or when they were loaded.
    """

    name: str
    pk: int | None
    state: State
    day: date | None
    at: datetime | None
    days_may_change: int

    @property
    def changes_from(self) -> date | None:
        """The first of its complete days that may still change; None where none does."""
        return self.day - timedelta(days=self.days_may_change - 1) if self.day and self.days_may_change else None


@dataclass(frozen=True, slots=True)
class ProviderTrust:
    """A provider's costs as their sources tell, the worst of them first; the state is that of the worst."""

    provider: str
    day: date | None
    at: datetime | None
    days_may_change: int
    sources: tuple[SourceTrust, ...]

    @property
    def state(self) -> State:
        """How its worst source is doing."""
        return self.sources[0].state

    @property
    def stops_at(self) -> date | None:
        """The newest complete day of its worst source."""
        return self.sources[0].day

    @property
    def is_part(self) -> bool:
        """Whether others of its sources are well, so that only a part of its costs stops there."""
        return any(one.state is State.HEALTHY for one in self.sources)


def trust(found: Freshness, *, today: date, scope: Scope) -> list[ProviderTrust]:
    """Every provider whose costs are in `found` and that has not ended, the worst first; one query.

    People who may see sources are also told of connections of which no cost has come and that fail.
    """
    known = {source.name: source for source in _sources([one.source for one in found.sources])}
    told = [
        _provider(one, found, known, today=today, scope=scope)
        for one in found.providers
        if found.day and one.day >= found.day - ENDED
    ]
    if scope.teams is None:
        named = {one.source for one in found.sources}
        told += [
            _empty(source) for source in known.values() if source.name not in named and _is_bill_that_fails(source)
        ]
    return sorted(told, key=lambda one: (_rank(one.state), one.day or date.min, one.provider))


def _sources(names: Iterable[str]) -> "QuerySet[Source]":
    """The sources of these names and all connections, each with how its newest run that is over ended."""
    over = Run.objects.filter(source=OuterRef("pk")).exclude(
        status__in=(Run.Status.QUEUED, Run.Status.RUNNING, Run.Status.CANCELLED)
    )
    newest = Subquery(over.order_by("-pk").values("status")[:1])
    found = Source.objects.defer("settings", "secrets").annotate(told=newest)
    return found.filter(name__in=names) | found.exclude(kind=UPLOAD)


def _provider(
    one: ProviderFreshness, found: Freshness, known: dict[str, Source], *, today: date, scope: Scope
) -> ProviderTrust:
    newest = found.day or today
    current = [source for source in one.sources if source.day >= newest - ENDED]
    told = [_source(source, known.get(source.source), newest, today, scope) for source in current]
    ranked = tuple(sorted(told, key=lambda source: (_rank(source.state), source.day or date.min)))
    moments = [source.at for source in told if source.at and source.day == one.day]
    may_change = max((source.days_may_change for source in told), default=0)
    return ProviderTrust(one.provider, one.day, max(moments, default=None), may_change, ranked)


def _source(one: SourceFreshness, source: Source | None, newest: date, today: date, scope: Scope) -> SourceTrust:
    """A source that people bring files to is late beside the others, a connection beside today."""
    is_live = source is not None and source.is_live
    late = is_late(((today if is_live else newest) - one.day).days, one.usual_lag)
    state = _state(source, is_behind=late)
    looked = source.last_success_at if source and state is State.HEALTHY else None
    at = max(one.loaded_at, looked or one.loaded_at)
    may_see = scope.teams is None and source is not None
    return SourceTrust(
        source.name if source and may_see else "",
        source.pk if source and may_see else None,
        state,
        one.day,
        at,
        one.days_may_change,
    )


def _state(source: Source | None, *, is_behind: bool) -> State:
    """The first that holds."""
    told = getattr(source, "told", None)
    is_live = source is not None and source.is_live
    states = (
        (is_live and source is not None and not source.is_active, State.PAUSED),
        (is_live and told in (Run.Status.FAILED, Run.Status.REFUSED), State.FAILED),
        (is_behind, State.LATE),
        (is_live and told == Run.Status.WAITING, State.RETRYING),
    )
    return next((state for holds, state in states if holds), State.HEALTHY)


def _is_bill_that_fails(source: Source) -> bool:
    return source.brings == BILLS and _state(source, is_behind=False) in (State.FAILED, State.PAUSED)


def _empty(source: Source) -> ProviderTrust:
    state = _state(source, is_behind=False)
    return ProviderTrust(source.name, None, None, 0, (SourceTrust(source.name, source.pk, state, None, None, 0),))


def _rank(state: State) -> int:
    return WORST_FIRST.index(state) if state in WORST_FIRST else len(WORST_FIRST)
