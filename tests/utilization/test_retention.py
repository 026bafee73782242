"""What is kept: points for some weeks, hours and days for some years."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils.module_loading import import_string

from apps.utilization import tasks
from apps.utilization.models import DayFact, GpuUse, HourFact, PushedPoint, Tenancy
from apps.utilization.retention import forget, points_kept_from
from apps.utilization.services import push
from tests.utilization.conftest import DAY, Load, held, hour

POINTS = [0.5] * 12


def partitions() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'utilization_hour'::regclass"
        )
        return {name for (name,) in cursor.fetchall()}


def with_points() -> list[datetime]:
    return list(HourFact.objects.exclude(points=None).order_by("hour").values_list("hour", flat=True))


def test_points_go_after_their_days_and_what_they_amounted_to_stays(hours: Load) -> None:
    hours(*[hour(at, points=POINTS, peaks=POINTS) for at in (0, 24, 48)])
    before = list(HourFact.objects.order_by("hour").values_list("average", "p95", "maximum", "minutes"))
    forget(DAY + timedelta(days=settings.POINTS_DAYS + 1, hours=5))

    assert with_points() == [DAY + timedelta(hours=24), DAY + timedelta(hours=48)]
    assert HourFact.objects.get(hour=DAY).peaks is None
    assert list(HourFact.objects.order_by("hour").values_list("average", "p95", "maximum", "minutes")) == before


def test_points_of_earlier_months_go_too_when_fewer_days_are_kept(hours: Load, settings: Any) -> None:
    settings.POINTS_DAYS = 100
    early = DAY - timedelta(days=60)
    hours(hour(points=POINTS, peaks=POINTS), hour(hour=early, points=POINTS, peaks=POINTS))
    hours(hour(hour=DAY - timedelta(days=30), points=POINTS, peaks=POINTS))
    settings.POINTS_DAYS = 10
    forget(DAY + timedelta(days=20))

    assert with_points() == []


def test_hours_of_long_ago_come_without_points(hours: Load) -> None:
    at = DAY + timedelta(days=settings.POINTS_DAYS + 1)
    hours(hour(points=POINTS, peaks=POINTS), hour(24, points=POINTS, peaks=POINTS), at=at)
    assert with_points() == [points_kept_from(at)] == [DAY + timedelta(days=1)]


def test_months_are_dropped_when_they_are_too_old(hours: Load, tenancy: Load) -> None:
    hours(hour(-1), hour(0))
    tenancy(held(-1), held(0))
    years, months = divmod(DAY.year * 12 + DAY.month - 1 + settings.UTILIZATION_MONTHS, 12)
    forget(datetime(years, months + 1, 15, tzinfo=UTC))

    assert "utilization_hour_202605" not in partitions()
    assert "utilization_hour_202606" in partitions()
    for table in (HourFact, DayFact, Tenancy, GpuUse):
        assert table.objects.count() == 1, table


def test_pushed_points_go_with_the_others(db: None) -> None:
    now = datetime.now(UTC)
    point = {"resource_id": "i-1", "metric": "cpu", "value": 0.5}
    push([point | {"at": now.isoformat()}, point | {"at": points_kept_from(now).isoformat()}], actor=None)
    forget(now + timedelta(days=1))

    assert PushedPoint.objects.count() == 1
    assert HourFact.objects.count() == 2


def test_forgetting_twice_changes_nothing_and_is_asked_for_every_day(hours: Load) -> None:
    hours(hour(points=POINTS, peaks=POINTS))
    for _ in range(2):
        forget(DAY + timedelta(days=400))
        assert HourFact.objects.count() == 1
    (asked,) = [one for one in settings.CELERY_BEAT_SCHEDULE.values() if "utilization" in one["task"]]
    assert import_string(asked["task"]) is tasks.forget
