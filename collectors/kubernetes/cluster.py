"""A cluster, or a group of machines, behind a Prometheus: what every kind that asks about one is told and says."""

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar, Final

from pydantic import Field, field_validator

from collectors.connections import Allowed, Connection
from collectors.kubernetes.promql import Cluster
from collectors.prometheus.access import PrometheusSecrets, PrometheusSettings
from collectors.prometheus.client import Prometheus

DAY: Final = timedelta(days=1)
HOUR: Final = timedelta(hours=1)
SECOND: Final = timedelta(seconds=1)
LONGEST_LOOK: Final = timedelta(days=30)
"""For days with data, in one question."""

_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


class ClusterSettings(PrometheusSettings):
    """Which cluster, of which Prometheus, and how closely it is looked at."""

    steps: ClassVar[tuple[str, ...]]  # minutes

    cluster: str = Field(
        title="Cluster", description="What the cluster is called, here and in its label if it has one."
    )
    label: str = Field(
        "",
        title="Label of the cluster",
        description="Which label tells the cluster from others in this Prometheus, such as cluster. Left empty, all"
        " that Prometheus knows is one cluster.",
    )
    step: str

    @field_validator("cluster")
    @classmethod
    def _has_a_name(cls, value: str) -> str:
        if not value:
            raise ValueError("Cluster is needed: it is what the cluster is called on every page.")
        return value

    @field_validator("label")
    @classmethod
    def _is_label(cls, value: str) -> str:
        if value and not _LABEL.fullmatch(value):
            raise ValueError("This is no label of Prometheus: it has letters, digits and underscores.")
        return value

    @field_validator("step")
    @classmethod
    def _divides_a_day(cls, value: str) -> str:
        if value not in cls.steps:
            raise ValueError(f"Write one of {', '.join(cls.steps)} minutes, without a unit.")
        return value


class ClusterConnection(Connection):
    """A kind that asks a Prometheus about a cluster, every hour."""

    refresh_hours: ClassVar = 1
    Secrets: ClassVar = PrometheusSecrets
    exporters: ClassVar[str]  # what they have to be told, ready to be pasted

    def __init__(self, settings: Any, secrets: Any, allowed: Allowed) -> None:
        super().__init__(settings, secrets, allowed)
        self._prometheus = Prometheus(settings, secrets, allowed.networks)
        self._cluster = Cluster(settings.cluster, settings.label)

    @property
    def calls(self) -> int:
        """How many questions were asked."""
        return self._prometheus.calls

    @property
    def warnings(self) -> tuple[str, ...]:
        """What Prometheus warned of."""
        return self._prometheus.warnings

    @classmethod
    def policy(cls, settings: Mapping[str, str]) -> str:  # noqa: ARG003 - the same for every cluster
        """What the exporters have to be told."""
        return cls.exporters

    @classmethod
    def place(cls, settings: Mapping[str, str]) -> str:
        """The cluster and its Prometheus."""
        return f"{settings['cluster']} at {settings['url']}"

    def _days(self, few: Collection[str], every: Collection[str], first: date, now: datetime) -> set[date]:
        """The days of which there is any of the series `every`, or of those `few` of them that are quickly looked at.

        What is there at noon, or was when the last hour was full, shows it. Of days without it every sample is read, by
        a look back over each hour at its last second: there are few of these, or nothing is in them.
        """
        there = " or ".join(f"count({one})" for one in sorted(few))
        seen = " or ".join(f"count(last_over_time({one}[1h]))" for one in sorted(every))
        last_hour = max(now.replace(minute=0, second=0, microsecond=0) - SECOND, midnight(first))
        found = self._prometheus.range(there, midnight(first) + 12 * HOUR, now, DAY, longest=LONGEST_LOOK)
        newest = self._prometheus.query(there, last_hour)
        days = {at.date() for at in (*found.points["time"], *newest.points["time"])}
        for start, end in _without(days, first, now.date()):
            last = min(midnight(end) + DAY, now)
            found = self._prometheus.range(seen, midnight(start) + HOUR - SECOND, last, HOUR, longest=LONGEST_LOOK)
            days |= {at.date() for at in found.points["time"]}
        return days

    def _reach(self) -> str:
        return f"its clock says {self._prometheus.now():%Y-%m-%d %H:%M} UTC"


def midnight(day: date) -> datetime:
    """The first moment of a day (UTC)."""
    return datetime.combine(day, time(), UTC)


def _without(days: Collection[date], first: date, last: date) -> Iterator[tuple[date, date]]:
    """The first and last of each run of days, from one to another, that are not in `days`."""
    start, day = first, first
    while day <= last:
        if day in days:
            if start < day:
                yield start, day - DAY
            start = day + DAY
        day += DAY
    if start <= last:
        yield start, last
