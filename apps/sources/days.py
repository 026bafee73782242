"""The calendar of a source: on which days it has costs, which are missing between others, which may still change."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Final

from django.db import connection

from apps.accounts.scope import Scope
from apps.core.periods import Period
from apps.core.sql import read_sql
from apps.costs.models import Statement
from apps.sources.models import Delivery, Run, Source
from apps.sources.runs import months_back

MONTHS: Final = 13
DAY: Final = timedelta(days=1)


class Mark(StrEnum):
    """What is known of a day: it stands as this word in the page's stylesheet."""

    NONE = "none"  # before the first day, or after the newest
    LOADED = "loaded"
    OPEN = "open"  # may still change
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class CalendarMonth:
    """A month's days with what is known of each; rows rejected of its current bills; its newest run if that failed."""

    first: date
    marks: tuple[Mark, ...]
    missing: tuple[Period, ...]
    rejected_rows: int
    failure: str

    def count(self, mark: Mark) -> int:
        """How many days have the mark."""
        return sum(1 for one in self.marks if one is mark)


@dataclass(frozen=True, slots=True)
class Calendar:
    """The last thirteen months of a source, newest first; empty where it has no costs by the day."""

    months: tuple[CalendarMonth, ...]
    first: date | None
    last: date | None
    missing: tuple[Period, ...]


def calendar(source: Source, *, today: date, changes_from: date | None, scope: Scope) -> Calendar:
    """The calendar of a source; costs of `changes_from` and later days may still change. Four queries at most."""
    start = months_back(today, MONTHS)
    days = _days_with_costs(source, Period(start, today)) if scope.teams is None else []
    if not days:
        return Calendar((), None, None, ())
    missing = _between(days)
    rejected, failed = _rejected(source, start), _failed(source, start)
    months = []
    for first in _months(days[0], today):
        marks = tuple(_marks(first, set(days), missing, changes_from))
        within = tuple(part for one in missing if (part := _within(one, first)))
        months.append(CalendarMonth(first, marks, within, rejected[first], failed.get(first, "")))
    return Calendar(tuple(reversed(months)), days[0], days[-1], missing)


def _days_with_costs(source: Source, period: Period) -> list[date]:
    with connection.cursor() as cursor:
        cursor.execute(read_sql("sources", "days"), {"source": source.name, "first": period.first, "last": period.last})
        return [day for (day,) in cursor.fetchall()]


def _between(days: Sequence[date]) -> tuple[Period, ...]:
    """The days without costs between those that have some, together where they follow each other."""
    return tuple(Period(before + DAY, after - DAY) for before, after in pairwise(days) if after - before > DAY)


def _marks(first: date, days: set[date], missing: Iterable[Period], changes_from: date | None) -> Iterable[Mark]:
    for number in range((_following(first) - first).days):
        day = first + number * DAY
        if any(one.first <= day <= one.last for one in missing):
            yield Mark.MISSING
        elif day not in days:
            yield Mark.NONE
        else:
            yield Mark.OPEN if changes_from and day >= changes_from else Mark.LOADED


def _within(one: Period, month: date) -> Period | None:
    first, last = max(one.first, month), min(one.last, _following(month) - DAY)
    return Period(first, last) if first <= last else None


def _months(first: date, last: date) -> Iterable[date]:
    month = first.replace(day=1)
    while month <= last:
        yield month
        month = _following(month)


def _following(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def _rejected(source: Source, start: date) -> dict[date, int]:
    """Rows that were rejected from the deliveries whose bills are current, by billing period."""
    current = Statement.objects.filter(source=source.name, superseded_at=None, billing_period_start__gte=start)
    places = set(current.values_list("delivery_id", "billing_period_start"))
    rows = dict(
        Delivery.objects.filter(pk__in={pk for pk, _ in places}, rows_rejected__gt=0).values_list("pk", "rows_rejected")
    )
    found: dict[date, int] = defaultdict(int)
    for pk, period in places:
        found[period.replace(day=1)] += rows.get(pk, 0)
    return found


def _failed(source: Source, start: date) -> dict[date, str]:
    """What went wrong with the newest run of a billing period, by period."""
    runs = source.runs.exclude(name="").filter(billing_period__gte=start).order_by("billing_period", "-pk")
    bad = (Run.Status.FAILED, Run.Status.REFUSED)
    newest = runs.distinct("billing_period")
    return {run.billing_period.replace(day=1): run.error for run in newest if run.billing_period and run.status in bad}
