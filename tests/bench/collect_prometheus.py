"""A worker of a benchmark: python -m tests.bench.collect_prometheus DATABASE ADDRESS MINUTES; prints seconds, MB."""

import os
import resource
import sys
import time
from datetime import UTC, datetime

import django

MONTHS_FROM = datetime(2026, 6, 1, tzinfo=UTC)


def collect(url: str, minutes: str) -> None:
    """From "Connect" until nothing waits any more."""
    from django.conf import settings

    from apps.sources import collecting, connecting, runs
    from apps.sources.models import Run
    from tests.sources.test_net import HOME

    settings.ALLOWED_NETWORKS, settings.POINTS_DAYS = HOME, 3_650
    now, given = datetime.now(UTC), {"url": url, "cluster": "bench", "step": minutes}
    months = (now.year - MONTHS_FROM.year) * 12 + now.month - MONTHS_FROM.month + 1
    source = connecting.connect(name="bench", kind="prometheus", settings=given, secrets={}, months=months, actor=None)
    while run := runs.in_order(source.runs.filter(status=Run.Status.QUEUED)).first():
        collecting.execute(run.pk)
    if bad := source.runs.exclude(error="").first():
        raise RuntimeError(f"{bad.name}: {bad.error}")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "finops.settings")
    django.setup()
    from django.db import connection

    connection.settings_dict["NAME"] = sys.argv[1]
    began = time.perf_counter()
    collect(sys.argv[2], sys.argv[3])
    print(time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
