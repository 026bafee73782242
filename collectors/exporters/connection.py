"""A Prometheus that knows how busy GPUs and machines are: lists its days, fetches one as hours or as tenants."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import ClassVar, Final

import polars as pl
from pydantic import Field

from collectors.connections import (
    UTILISATION,
    Check,
    Progress,
    RemoteDelivery,
    Window,
    try_steps,
)
from collectors.errors import NotReadyError, ProviderRefusedError
from collectors.exporters.day import EXPORTERS, Day
from collectors.exporters.hours import read_hours
from collectors.exporters.machines import ONE_A_MACHINE
from collectors.exporters.signals import ACCELERATORS
from collectors.exporters.tenants import read_tenants
from collectors.kubernetes.cluster import DAY, HOUR, ClusterConnection, ClusterSettings, midnight
from collectors.records import RecordSet, write_frame
from collectors.tenancy import TENANCY
from collectors.transfer import check_space
from collectors.utilization import UTILIZATION

SETTLED: Final = HOUR
"""How long after a day's end its last samples may come."""

STEPS: Final = ("0.25", "0.5", "1", "2.5", "5")
"""Minutes: each goes so many times into the five minutes of a stored point."""

HOURS_NAME: Final = "utilisation"
TENANTS_NAME: Final = "tenancy"
_EXPORTERS: Final = """\
# dcgm-exporter: one more line in its list of metrics says how much of a GPU computes. GPU_UTIL, which it tells by
# itself, says that something ran, however little
DCGM_FI_PROF_SM_ACTIVE, gauge, Ratio of cycles in which a multiprocessor has work.
# its environment, so that series name the pods: all of those that share a GPU, and on Google's nodes at all
DCGM_EXPORTER_KUBERNETES=true
KUBERNETES_VIRTUAL_GPUS=true
DCGM_EXPORTER_KUBERNETES_GPU_ID_TYPE=device-name  # Google Kubernetes Engine only
"""


class Settings(ClusterSettings):
    """Which machines, of which Prometheus, and how closely they are looked at."""

    steps: ClassVar = STEPS

    cluster: str = Field(
        title="Cluster",
        description="What the cluster, or this group of machines, is called; as in its Kubernetes source, if any.",
    )
    step: str = Field(
        "1",
        title="Minutes between two looks",
        description=f"How far apart points are: {', '.join(STEPS)}. Not finer than Prometheus scrapes; what is coarser"
        " misses peaks.",
    )


class Exporters(ClusterConnection):
    """How busy GPUs and machines are, and which pods hold which GPU."""

    kind: ClassVar = "prometheus"
    title: ClassVar = "GPU and machine utilisation"
    help: ClassVar = (
        "How busy GPUs and machines are and which pods hold which GPU, as dcgm-exporter, AMD's Device Metrics"
        " Exporter, Neuron Monitor, Google Kubernetes Engine, node exporter and cAdvisor tell a Prometheus."
    )
    brings: ClassVar = UTILISATION
    Settings: ClassVar = Settings
    exporters: ClassVar = _EXPORTERS

    def check(self) -> Iterator[Check]:
        """Reach Prometheus, then find GPUs or machines, who holds the GPUs, and the machines as bills name them."""
        yield from try_steps(
            [
                ("Reach Prometheus", self._reach),
                ("Find exporters", self._find_exporters),
                ("Find devices", self._find_devices),
                ("Find the machines behind them", self._find_machines),
            ]
        )

    def remote(self, window: Window) -> Iterator[RemoteDelivery]:
        """Every day of which Prometheus has something: hours and, where there are GPUs, their tenants.

        A day that is over never changes.
        """
        now = self._prometheus.now()
        with_gpus = self._days_with_gpus(window.first, now)
        for day in sorted(with_gpus | self._days_with_machines(window.first, now)):
            is_over = now >= midnight(day) + DAY + SETTLED
            mark = "complete" if is_over else f"until {now:%Y-%m-%dT%H}:00Z"
            for name in (HOURS_NAME, TENANTS_NAME) if day in with_gpus else (HOURS_NAME,):
                address = f"prometheus://{self._cluster.name}/{day}/{name}"
                yield RemoteDelivery(f"{day} {name}", address, mark, day.replace(day=1))

    def fetch(self, address: str, folder: Path, progress: Progress) -> Path:
        """A day up to the last full hour, as a file of records."""
        check_space(folder, 0)
        _, day, name = address.rsplit("/", 2)
        found = self._day(date.fromisoformat(day), self._prometheus.now(), progress)
        rows, records = (read_hours(found), UTILIZATION) if name == HOURS_NAME else (read_tenants(found), TENANCY)
        path = self._write(rows, records, day, folder)
        progress(path.stat().st_size, path.stat().st_size)
        return path

    def _write(self, rows: pl.DataFrame, records: RecordSet, day: str, folder: Path) -> Path:
        if rows.is_empty():
            raise NotReadyError(f"Prometheus has nothing of {self._cluster.name} on {day} any more.")
        return write_frame(records, rows, folder)

    def _day(self, day: date, now: datetime, progress: Progress) -> Day:
        start = midnight(day)
        end = min(start + DAY, now.replace(minute=0, second=0, microsecond=0))
        if end <= start:
            raise NotReadyError(f"{day} has no full hour yet.")
        step = timedelta(minutes=float(self.settings.step))
        return Day(self._prometheus, self._cluster, start, end, step, pause=lambda: progress(0, 0))

    def _days_with_gpus(self, first: date, now: datetime) -> set[date]:
        signals = [(each, one) for each in ACCELERATORS for one in each.signals if one.metric == "gpu"]
        few = {self._cluster.select(one.series, *each.first) for each, one in signals}
        return self._days(few, {self._cluster.select(one.series) for _, one in signals}, first, now)

    def _days_with_machines(self, first: date, now: datetime) -> set[date]:
        told = {self._cluster.select(series) for series in ONE_A_MACHINE}
        return self._days(told, told, first, now)

    def _last_day(self) -> Day:
        now = self._prometheus.now()
        return Day(self._prometheus, self._cluster, now - DAY, now, timedelta(minutes=5))

    def _find_exporters(self) -> str:
        found = self._last_day().found
        if not found:
            names = ", ".join(exporter.name for exporter in EXPORTERS)
            raise ProviderRefusedError(
                f"Prometheus has nothing of the last day from any of these: {names}. Have one of them scraped, or"
                " correct the label."
            )
        return "of the last day: " + ", ".join(one.signal.shown for one in found)

    def _find_devices(self) -> str:
        day = self._last_day()
        gpus = [one for one in day.found if one.signal.metric == "gpu"]
        for one in gpus:
            day.see(one)
        if not gpus:
            return "no GPUs, machines only"
        held = f"pods on them now: {len(day.tenants):,}" if day.tenants else "no pods on them now"
        return f"GPUs and MIG instances now: {len(day.devices):,}; {held}"

    def _find_machines(self) -> str:
        day = self._last_day()
        for one in day.found:
            day.see(one)
        nodes = {device.node: device.resource_id for device in day.devices}
        known = [machine for machine in nodes.values() if machine]
        if not known:
            return (
                f"none of {len(nodes):,} is known as bills name it: have kube-state-metrics scraped, or an instance_id"
                " label set"
            )
        return f"known as bills name them: {len(known):,} of {len(nodes):,}, such as {known[0]}"
