"""Rollups of facts, always made anew for whole statements, so that they cannot drift; what new ones changed of old."""

from collections.abc import Sequence

from django.db.models import Max, Min

from apps.core.sql import run_sql
from apps.costs.models import Statement


def roll_up(statement_ids: Sequence[int]) -> None:
    """Make the rollups of these statements anew from their facts; call it in the transaction that changed them."""
    span = Statement.objects.filter(pk__in=statement_ids).aggregate(
        first_day=Min("first_day"), last_day=Max("last_day")
    )
    if span["first_day"] is not None:
        run_sql("costs", "roll_up", {"statements": list(statement_ids), **span})


def note_restatements(new: Sequence[Statement], old: Sequence[Statement]) -> None:
    """Keep what new statements changed of those that they replace, while the rollups of both are there."""
    days = [day for one in (*new, *old) for day in (one.first_day, one.last_day) if day]
    if old and days:
        ids = {"new": [one.pk for one in new], "old": [one.pk for one in old]}
        run_sql("costs", "restate", {**ids, "first_day": min(days), "last_day": max(days)})
