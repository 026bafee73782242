"""Reads of restatements: which billing periods that were over a newer delivery changed, by how much, and where."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from django.db.models import F, QuerySet, Sum

from apps.accounts.scope import Scope
from apps.costs.models import Restatement, Statement
from apps.sources.models import Source

MOST: Final = 12
MOST_STATEMENTS: Final = 500
MOST_CHANGES: Final = 10


@dataclass(frozen=True, slots=True)
class Change:
    """What a correction changed of a service's effective cost in one sub account; without both of all others."""

    service: str | None
    sub_account: str | None
    before: Decimal
    after: Decimal
    count: int = 1


@dataclass(frozen=True, slots=True)
class Correction:
    """A newer delivery changed what a billing period that was over costs: the bills that changed, before and after.

    `changes` are the largest, and all others as one; they add up to `after` less `before`.
    """

    source: str
    source_id: int
    billing_period: date
    currency: str
    before: Decimal
    after: Decimal
    changed_at: datetime
    delivery_id: int
    changes: tuple[Change, ...]


def corrections(source: Source, *, scope: Scope, most: int = MOST) -> list[Correction]:
    """What newer deliveries have changed of billing periods that were over, newest first."""
    if scope.teams is not None:
        return []
    return _corrections(Statement.objects.filter(source=source.name), most)


def recent_corrections(*, scope: Scope, since: datetime, most: int = 3) -> list[Correction]:
    """The same of all sources since a time, where the sum of a period changed."""
    if scope.teams is not None:
        return []
    told = _corrections(Statement.objects.filter(loaded_at__gte=since), MOST)
    return [one for one in told if one.before != one.after][:most]


_Key = tuple[str, int, date, str]


def _corrections(statements: "QuerySet[Statement]", most: int) -> list[Correction]:
    changed = (
        statements.filter(restatements__isnull=False)
        .annotate(change=Sum(F("restatements__after") - F("restatements__before")))
        .order_by("-pk")[:MOST_STATEMENTS]
    )
    groups: dict[_Key, list[Statement]] = defaultdict(list)
    for one in changed:
        groups[one.source, one.delivery_id, one.billing_period_start, one.billing_currency].append(one)
    if not groups:
        return []
    newest = dict(list(groups.items())[:most])
    sources = dict(Source.objects.filter(name__in={key[0] for key in newest}).values_list("name", "pk"))
    changes = _changes([one.pk for group in newest.values() for one in group])
    return [_correction(group, sources[key[0]], changes[key]) for key, group in newest.items()]


def _correction(group: Sequence[Statement], source_id: int, changes: Iterable[Change]) -> Correction:
    first = group[0]
    after = sum((one.effective_cost for one in group), Decimal(0))
    change = sum((getattr(one, "change") for one in group), Decimal(0))  # noqa: B009 - annotated
    return Correction(
        first.source,
        source_id,
        first.billing_period_start,
        first.billing_currency,
        after - change,
        after,
        max(one.loaded_at for one in group),
        first.delivery_id,
        _largest(changes),
    )


def _changes(statement_ids: Sequence[int]) -> dict[_Key, list[Change]]:
    """What these statements changed by service and sub account, by the correction that they belong to."""
    key = (
        "statement__source",
        "statement__delivery_id",
        "statement__billing_period_start",
        "statement__billing_currency",
    )
    found = Restatement.objects.filter(statement__in=statement_ids).values_list(*key, "service", "sub_account")
    changes: dict[_Key, list[Change]] = defaultdict(list)
    for *place, service, account, before, after in found.annotate(b=Sum("before"), a=Sum("after")):
        source, delivery, period, currency = place
        changes[source, delivery, period, currency].append(Change(service, account, before, after))
    return changes


def _largest(changes: Iterable[Change]) -> tuple[Change, ...]:
    ranked = sorted(changes, key=lambda one: (-abs(one.after - one.before), one.service or "", one.sub_account or ""))
    if len(ranked) <= MOST_CHANGES:
        return tuple(ranked)
    kept, rest = ranked[: MOST_CHANGES - 1], ranked[MOST_CHANGES - 1 :]
    before, after = sum((one.before for one in rest), Decimal(0)), sum((one.after for one in rest), Decimal(0))
    return (*kept, Change(None, None, before, after, len(rest)))
