"""A day of a Prometheus as points by device: asked for in stretches that fit into memory, devices numbered."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Final

import polars as pl

from collectors.exporters.labels import Device, Hosts, Labels, Tenant, device_of, jobs_with_exported_labels, tenant_of
from collectors.exporters.machines import CADVISOR, NODE_EXPORTER
from collectors.exporters.signals import ACCELERATORS, PROBE, Exporter, Look, Signal, probes
from collectors.kubernetes.promql import Cluster
from collectors.kubernetes.workloads import read_provider_ids
from collectors.prometheus.client import Answer, Prometheus

EXPORTERS: Final = (*ACCELERATORS, NODE_EXPORTER, CADVISOR)
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
        """The signals of which there is something on the day, but for those that better ones tell of everywhere."""
        found: list[Found] = []
        for one in self._seen((*ACCELERATORS, NODE_EXPORTER), PROBE):
            other = replace(one, better=tuple(known for known in found if known.is_of(one)))
            found += [other] if self._adds(other) else []
        for one in self._seen((CADVISOR,), HOUR):  # each of its looks reads every container
            found += [one] if self._tells_more(one, found) else []
        return found

    def _seen(self, exporters: Sequence[Exporter], every: timedelta) -> Iterator[Found]:
        """The signals of which there are samples, looked for at the end of each `every`."""
        known = [(exporter, signal) for exporter in exporters for signal in exporter.signals]
        asked = probes([signal for _, signal in known], self.cluster)
        answers = (self._probe(promql, every).frame("probe", "what") for promql in asked)
        seen = pl.concat(answers).group_by("probe", "what").agg(pl.col("value").max())
        counts = {(int(row["probe"]), row["what"]): row["value"] for row in seen.iter_rows(named=True)}
        for place, (exporter, signal) in enumerate(known):
            if most := counts.get((place, "most")):
                yield Found(exporter, signal, *self._how(most, counts[place, "all"]))

    def _adds(self, found: Found) -> bool:
        """Whether it tells of anything that no better signal tells of, seen every ten minutes."""
        return not found.better or not self._probe(f"count({found.expression})", PROBE).points.is_empty()

    def _tells_more(self, found: Found, others: Sequence[Found]) -> bool:
        """Whether it tells of a machine at the end of an hour in which none of the others does."""
        same = (one for one in others if one.signal.metric == found.signal.metric)
        told = set().union(*(self._machine_hours(one) for one in same if not one.exporter.has_gpus))
        return not self._machine_hours(found) <= told

    def _machine_hours(self, found: Found) -> set[tuple[int, datetime]]:
        """Machines of a signal with the times at which they were seen."""
        exporter, signal = found.exporter, found.signal
        by = f"by ({', '.join(exporter.machine)})" if exporter.machine else "without ()"
        answer = self._probe(f"group {by} ({self.cluster.select(signal.series, *signal.only)})", HOUR)
        return set(self._numbered(answer, exporter, 1.0).select("device", "at").iter_rows())

    def _probe(self, promql: str, every: timedelta) -> Answer:
        return self.prometheus.range(promql, self.start + every - SECOND, self.end + every - SECOND, every)

    def _how(self, most: float, all_of_them: float) -> tuple[Look, timedelta]:
        scraped = min(PROBE / most, MOST_RARE)
        points_an_hour = math.ceil(all_of_them / most) * (HOUR / self.step)
        return Look(self.cluster, self.step, scraped), max(int(MOST_POINTS // points_an_hour), 1) * HOUR

    @cached_property
    def hosts(self) -> Hosts:
        """The names of the machines and what their providers call them."""
        at, span = self.end - SECOND, self.end - self.start

        def ask(metric: str, *labels: str) -> dict[str, str]:
            found = self.prometheus.query(self.cluster.latest(metric, span, labels), at)
            return dict(found.frame(*labels).select(labels).drop_nulls().rows())

        return Hosts(
            provider_ids=read_provider_ids(self.prometheus, self.cluster, at=at, span=span),
            names=ask("kube_node_info", "internal_ip", "node") | ask("node_uname_info", "instance", "nodename"),
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
        """`device` and `capacity`, the most that it was seen to have, in the unit of the series."""
        if found.signal.capacity is None:
            return pl.DataFrame(schema={"device": pl.Int64, "capacity": pl.Float64})
        seconds = (self.end - self.start) // SECOND
        promql = f"max_over_time(({found.signal.capacity(found.look)})[{seconds}s:{PROBE // SECOND}s])"
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
        is_known = pl.col("value").is_finite() & ((pl.col("value") < SENTINEL) | pl.lit(not exporter.has_gpus))
        known = answer.points.filter(is_known)
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
