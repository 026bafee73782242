"""Reads of connections: how each is doing, how old its newest data is, and its billing periods."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from statistics import median_low

from django.db.models import Count, F, Max, Q, QuerySet
from django.utils import timezone

from apps.accounts.scope import Scope
from apps.costs.models import Statement
from apps.sources.models import Run, Source

USUAL_DAYS = 60  # how far back "usual" looks
LATE_WITHOUT_HABIT = 3  # days that the newest data may be old while nothing is known of what is usual


class State(StrEnum):
    """How a source is doing, the most urgent first."""

    PAUSED = "Paused"
    COLLECTING = "Collecting"
    FAILED = "Failed"
    RETRYING = "Retrying"
    LATE = "Late"
    NEW = "New"
    HEALTHY = "Healthy"
    FILES = "Files"


@dataclass(frozen=True, slots=True)
class SourceState:
    """One source with what a page says of it. `lag` and `usual_lag` are days from the newest data to today."""

    source: Source
    state: State
    newest_day: date | None
    lag: int | None
    usual_lag: int | None
    last_run: Run | None  # the newest that fetched something
    last_failure: Run | None  # the newest of all, where it failed or waits to be tried again
    open_runs: int
    warning: str = ""  # what its newest good runs could not have although they had the rest


@dataclass(frozen=True, slots=True)
class PeriodState:
    """A billing period of a source: what is loaded, or that it lacks between others."""

    billing_period: date
    costs: tuple[tuple[str, Decimal], ...]  # currency and effective cost
    row_count: int
    last_day: date | None
    loaded_at: datetime | None
    delivery_id: int | None
    run: Run | None  # the newest of this period

    @property
    def is_missing(self) -> bool:
        """Whether there is nothing although there are earlier and later periods."""
        return self.loaded_at is None


def sources_with_state(*, scope: Scope, pk: int | None = None, now: datetime | None = None) -> list[SourceState]:
    """Every source, connections first; or the one of that id, if it may be seen."""
    if scope.teams is not None:
        return []
    found = Source.objects.select_related("owner").order_by("name")
    sources = list(found.filter(pk=pk) if pk is not None else found)
    runs = _Runs.of(sources)
    days = _days(sources)
    today = (now or timezone.now()).date()
    states = [_state_of(source, runs, days.get(source.name), today) for source in sources]
    return sorted(states, key=lambda one: not one.source.is_live)


def history(source: Source, *, scope: Scope) -> "QuerySet[Run]":
    """The runs of a source, newest first."""
    runs = source.runs.select_related("requested_by", "delivery", "source").order_by("-pk")
    return runs if scope.teams is None else runs.none()


def open_runs(source: Source, *, scope: Scope) -> list[Run]:
    """What is under way: being executed first, then as it will be."""
    going = history(source, scope=scope).filter(status__in=Run.OPEN)
    return sorted(
        going, key=lambda run: (run.status != Run.Status.RUNNING, run.name != "", -_ordinal(run.billing_period))
    )


def periods(source: Source, *, scope: Scope) -> list[PeriodState]:
    """The billing periods from the first to the last that is known, newest first, gaps too."""
    if scope.teams is not None:
        return []
    found: dict[date, list[Statement]] = defaultdict(list)
    for statement in Statement.objects.filter(source=source.name, superseded_at=None).order_by("pk"):
        found[statement.billing_period_start.replace(day=1)].append(statement)
    collected = source.runs.exclude(name="").filter(billing_period__isnull=False).order_by("billing_period", "-pk")
    runs = {run.billing_period: run for run in collected.distinct("billing_period")}
    known = sorted({*found, *(period for period in runs if period)})
    return [_period(one, found[one], runs.get(one)) for one in reversed(_all_between(known))]


def is_late(lag: int | None, usual: int | None) -> bool:
    """Whether data that is `lag` days old is older than it `usual`ly is when it comes."""
    return lag is not None and lag > (LATE_WITHOUT_HABIT if usual is None else usual + 1)


@dataclass(frozen=True, slots=True)
class _Runs:
    """The newest runs of some sources, by source."""

    newest: dict[int, Run]  # that ended or waits
    fetched: dict[int, Run]
    open: dict[int, int]
    waiting: dict[int, int]

    @classmethod
    def of(cls, sources: Sequence[Source]) -> "_Runs":
        runs = Run.objects.filter(source__in=sources)
        newest_first = runs.order_by("source_id", "-pk").distinct("source_id")
        told = newest_first.exclude(status__in=(Run.Status.QUEUED, Run.Status.RUNNING, Run.Status.CANCELLED))
        counts = runs.filter(status__in=Run.OPEN).values("source_id")
        counted = counts.annotate(n=Count("pk"), waiting=Count("pk", filter=Q(status=Run.Status.WAITING)))
        per_source = {one["source_id"]: (one["n"], one["waiting"]) for one in counted}
        return cls(
            {run.source_id: run for run in told},
            {run.source_id: run for run in newest_first.filter(status__in=Run.GOOD).exclude(name="")},
            {pk: count for pk, (count, _) in per_source.items()},
            {pk: waiting for pk, (_, waiting) in per_source.items()},
        )


@dataclass(frozen=True, slots=True)
class _Days:
    """How far a source's data reaches, and how old it usually is when it comes."""

    newest: date | None
    usual_lag: int | None


def _days(sources: Iterable[Source]) -> dict[str, _Days]:
    names = [source.name for source in sources]
    of_these = Statement.objects.filter(source__in=names)
    newest = of_these.filter(superseded_at=None).values("source").annotate(day=Max("last_day"))
    found = {one["source"]: one["day"] for one in newest}
    recent = of_these.filter(
        loaded_at__gte=timezone.now() - timedelta(days=USUAL_DAYS),
        loaded_at__date__lt=F("billing_period_end"),
        last_day__isnull=False,
    )
    lags: dict[str, list[int]] = defaultdict(list)
    for name, loaded_at, last_day in recent.values_list("source", "loaded_at", "last_day"):
        lags[name].append((loaded_at.date() - (last_day or loaded_at.date())).days)
    return {name: _Days(day, median_low(lags[name]) if len(lags[name]) > 2 else None) for name, day in found.items()}


def _state_of(source: Source, runs: _Runs, days: _Days | None, today: date) -> SourceState:
    newest, usual = (days.newest, days.usual_lag) if days else (None, None)
    lag = None if newest is None else (today - newest).days
    told = runs.newest.get(source.pk)
    bad = told if told and told.status not in Run.GOOD else None
    open_, waiting = runs.open.get(source.pk, 0), runs.waiting.get(source.pk, 0)
    state = _judge(source, bad, is_busy=open_ > waiting, is_late=is_late(lag, usual))
    fetched = runs.fetched.get(source.pk)
    good = (one for one in (fetched, told) if one and one.status in Run.GOOD)
    warning = next((one.error for one in good if one.error), "")
    return SourceState(source, state, newest, lag, usual, fetched, bad, open_, warning)


def _judge(source: Source, bad: Run | None, *, is_busy: bool, is_late: bool) -> State:
    """The first that holds."""
    states = (
        (not source.is_live, State.FILES),
        (not source.is_active, State.PAUSED),
        (is_busy, State.COLLECTING),
        (bad is not None and bad.status == Run.Status.WAITING, State.RETRYING),
        (bad is not None, State.FAILED),
        (source.last_success_at is None, State.NEW),
        (is_late, State.LATE),
    )
    return next((state for holds, state in states if holds), State.HEALTHY)


def _period(period: date, statements: Sequence[Statement], run: Run | None) -> PeriodState:
    costs: dict[str, Decimal] = defaultdict(Decimal)
    for one in statements:
        costs[one.billing_currency] += one.effective_cost
    newest = max(statements, key=lambda one: one.pk, default=None)
    return PeriodState(
        period,
        tuple(sorted(costs.items())),
        sum(one.row_count for one in statements),
        max((one.last_day for one in statements if one.last_day), default=None),
        newest.loaded_at if newest else None,
        newest.delivery_id if newest else None,
        run,
    )


def _all_between(known: Sequence[date]) -> list[date]:
    """Every first day of a month from the first to the last of them."""
    found = []
    month = known[0] if known else date.max
    while known and month <= known[-1]:
        found.append(month)
        month = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    return found


def _ordinal(day: date | None) -> int:
    return day.toordinal() if day else 0
