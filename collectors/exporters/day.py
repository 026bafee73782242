"""A day of a Prometheus as points by device: asked for in stretches that fit into memory, devices numbered."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Final

import polars as pl

from collectors.exporters.labels import Device, Hosts, Labels, Tenant, device_of, jobs_with_exported_labels, tenant_of
from collectors.exporters.signals import EXPORTERS, PROBE, Exporter, Look, Signal, probes
from collectors.kubernetes.promql import Cluster
from collectors.kubernetes.workloads import read_provider_ids
from collectors.prometheus.client import Answer, Prometheus

HOUR: Final = timedelta(hours=1)
SECOND: Final = timedelta(seconds=1)
MOST_POINTS: Final = 300_000
"""Of all series at once: some 200 bytes each while an answer is taken apart."""

MOST_RARE: Final = timedelta(minutes=5)
"""Samples further apart are looked at as if they were not: between them are gaps."""

SENTINEL: Final = 1e12
"""From here on a value is DCGM's word for "not known": 2^47, or near 2^63."""


@dataclass(frozen=True, slots=True)
class Found:
    """A signal that there is, how to look at it, and for how long at once."""

    exporter: Exporter
    signal: Signal
    look: Look
    longest: timedelta
    better: tuple["Found", ...] = ()  # signals of the same devices that count where they are

    def is_of(self, other: "Found") -> bool:
        """Whether both measure the same."""
        return self.exporter is other.exporter and self.signal.metric == other.signal.metric

    @property
    def expression(self) -> str:
        """The signal, of devices and times that have no better one."""
        names = ", ".join(self.exporter.device)
        others = (f" unless on ({names}) {one.signal.ask(one.look)}" for one in self.better)
        return self.signal.ask(self.look) + "".join(others)


@dataclass
class Day:
    """A day, or as much of it as is over. Told between questions by `pause`, which raises to stop."""

    prometheus: Prometheus
    cluster: Cluster
    start: datetime
    end: datetime
    step: timedelta
    pause: Callable[[], None] = lambda: None
    devices: list[Device] = field(default_factory=list)
    tenants: dict[Tenant, int] = field(default_factory=dict)  # with their numbers
    _numbers: dict[tuple[str, str], int] = field(default_factory=dict)

    @cached_property
    def found(self) -> list[Found]:
        """The signals of which there is something on the day, but for those that a better one tells of everywhere."""
        answers = (self._probe(promql).frame("probe", "what") for promql in probes(self.cluster))
        seen = pl.concat(answers).group_by("probe", "what").agg(pl.col("value").max())
        counts = {(row["probe"], row["what"]): row["value"] for row in seen.iter_rows(named=True)}
        found: list[Found] = []
        for exporter in EXPORTERS:
            for signal in exporter.signals:
                if most := counts.get((signal.probe, "most")):
                    one = Found(exporter, signal, *self._how(most, counts[signal.probe, "all"]))
                    one = replace(one, better=tuple(other for other in found if other.is_of(one)))
                    found += [one] if self._adds(one) else []
        return found

    def _adds(self, found: Found) -> bool:
        """Whether it tells of anything that no better signal tells of, seen every ten minutes."""
        return not found.better or not self._probe(f"count({found.expression})").points.is_empty()

    def _probe(self, promql: str) -> Answer:
        return self.prometheus.range(promql, self.start + PROBE - SECOND, self.end + PROBE - SECOND, PROBE)

    def _how(self, most: float, all_of_them: float) -> tuple[Look, timedelta]:
        scraped = min(PROBE / most, MOST_RARE)
        points_an_hour = math.ceil(all_of_them / most) * (HOUR / self.step)
        return Look(self.cluster, self.step, scraped), max(int(MOST_POINTS // points_an_hour), 1) * HOUR

    @cached_property
    def hosts(self) -> Hosts:
        """The names of the machines and what their providers call them."""
        at, span = self.end - SECOND, self.end - self.start
        names = self.prometheus.query(self.cluster.latest("node_uname_info", span, ("instance", "nodename")), at)
        return Hosts(
            provider_ids=read_provider_ids(self.prometheus, self.cluster, at=at, span=span),
            names=dict(names.frame("instance", "nodename").select("instance", "nodename").drop_nulls().rows()),
        )

    def points(self, found: Found) -> Iterator[pl.DataFrame]:
        """`at`, `value`, `device` and `tenant` (numbers; null where nobody holds the device), hours at a time."""
        at = self.start
        while at < self.end:
            until = min(at + found.longest, self.end)
            answer = self._look(found.expression, at, until)
            self.pause()
            if answer.points.height:
                yield self._numbered(answer, found.exporter, found.signal.scale)
            at = until

    def see(self, found: Found) -> None:
        """Number the devices and tenants of a signal as they were last seen in its window."""
        self._numbered(self.prometheus.query(found.expression, self.end), found.exporter, 1.0)

    def capacities(self, found: Found) -> pl.DataFrame:
        """`device` and `capacity`, the most MiB that it was seen to have."""
        if found.exporter.capacity is None:
            return pl.DataFrame(schema={"device": pl.Int64, "capacity": pl.Float64})
        seconds = (self.end - self.start) // SECOND
        promql = f"max_over_time(({found.exporter.capacity(found.look)})[{seconds}s:{PROBE // SECOND}s])"
        points = self._numbered(self.prometheus.query(promql, self.end - SECOND), found.exporter, 1.0)
        return points.group_by("device").agg(capacity=pl.col("value").max()).filter(pl.col("capacity") > 0)

    def _look(self, promql: str, start: datetime, end: datetime) -> Answer:
        """Looks at the last second of each step, so that each takes in what the step, and no other, has."""
        shift = self.step - SECOND
        found = self.prometheus.range(promql, start + shift, end + shift, self.step)
        return Answer(found.labels, found.points.with_columns(pl.col("time") - shift))

    def _numbered(self, answer: Answer, exporter: Exporter, scale: float) -> pl.DataFrame:
        rows: list[dict[str, Any]] = answer.labels.to_dicts()
        exported = jobs_with_exported_labels(rows)
        whose = pl.DataFrame(
            {
                "series": answer.labels["series"],
                "device": [self._device(row, exporter) for row in rows],
                "tenant": [self._tenant(row, exported) for row in rows],
            },
            schema={"series": pl.Int64, "device": pl.Int64, "tenant": pl.Int64},
        )
        known = answer.points.filter(pl.col("value") < SENTINEL)
        points = known.join(whose, on="series", how="left", maintain_order="left")
        return points.select(pl.col("time").alias("at"), pl.col("value") * scale, "device", "tenant")

    def _device(self, labels: Labels, exporter: Exporter) -> int:
        """Series of one device may differ in what else they say of it: the first counts."""
        device = device_of(labels, self.hosts, is_machine=not exporter.has_gpus)
        number = self._numbers.setdefault((device.node, device.device), len(self.devices))
        if number == len(self.devices):
            self.devices.append(device)
        return number

    def _tenant(self, labels: Labels, exported: frozenset[str | None]) -> int | None:
        tenant = tenant_of(labels, exported)
        return None if tenant is None else self.tenants.setdefault(tenant, len(self.tenants))
