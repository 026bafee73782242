"""Celery's doors to utilisation: safe to repeat."""

from celery import shared_task
from django.utils import timezone

from apps.utilization import retention


@shared_task
def forget() -> None:
    """Drop points and months that are kept no longer."""
    retention.forget(timezone.now())
