"""Celery's doors to costs: safe to repeat."""

from celery import shared_task

from apps.costs import allocation


@shared_task
def reallocate() -> int:
    """Decide again which team, environment and workload each charge belongs to; returns charge keys changed."""
    return allocation.reallocate()
