"""What is kept, and for how long: five-minute points for weeks, hours and days for years."""

from datetime import UTC, date, datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction

from apps.core.partitions import drop_partitions
from apps.utilization.models import HourFact, PushedPoint

PARTITIONED: Final = (
    "utilization_hour",
    "utilization_day",
    "utilization_tenancy",
    "utilization_use",
    "utilization_resource_use",
)


def points_kept_from(now: datetime) -> datetime:
    """The first moment of which five-minute points are kept; of earlier hours the statistics alone."""
    day = now.astimezone(UTC) - timedelta(days=settings.POINTS_DAYS)
    return day.replace(hour=0, minute=0, second=0, microsecond=0)


def forget(now: datetime) -> None:
    """Drop what is kept no longer; safe to repeat. Readers and loaders wait for moments only."""
    oldest = _earlier(now.date(), settings.UTILIZATION_MONTHS)
    with transaction.atomic():
        drop_partitions(PARTITIONED, before=oldest)
    until = points_kept_from(now)
    PushedPoint.objects.filter(at__lt=until).delete()
    month = until.date().replace(day=1)
    # older months were emptied by an earlier call: whoever loads hours of long ago, loads them without points
    while month >= oldest and (_forget_points(month, until) or month == until.date().replace(day=1)):
        month = _earlier(month, 1)


def _forget_points(month: date, until: datetime) -> int:
    first = datetime(month.year, month.month, 1, tzinfo=UTC)
    following = _earlier(month, -1)
    end = min(until, datetime(following.year, following.month, 1, tzinfo=UTC))
    hours = HourFact.objects.filter(hour__gte=first, hour__lt=end).exclude(points=None, peaks=None)
    return hours.update(points=None, peaks=None)


def _earlier(day: date, months: int) -> date:
    """The first day of the month so many months before."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, 1)
