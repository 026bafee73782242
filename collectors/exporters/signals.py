"""What is asked for of exporters of GPUs: a table of series, each the best known way to measure one metric first."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import quote

from collectors.kubernetes.promql import Cluster

PERCENT: Final = 0.01
BYTES_IN_MIB: Final = 2.0**-20
SAMPLES_OF_A_RATE: Final = 3
"""How many scrapes a rate looks back: with fewer, one that comes late leaves a gap."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a Prometheus is looked at: which cluster's series, how often, and how far apart its samples are."""

    cluster: Cluster
    step: timedelta
    scraped: timedelta

    @property
    def window(self) -> timedelta:
        """What a look takes in: the time since the one before, or since the last sample where those are rarer."""
        return max(self.step, self.scraped)

    def gauge(self, series: str, *matchers: str) -> str:
        """The last value of each series in the window. Prometheus by itself would look back five minutes, and see pods
        that are gone for as long."""
        return f"last_over_time({self.cluster.select(series, *matchers)}{_span(self.window)})"

    def rate(self, series: str, *matchers: str) -> str:
        """What a counter grows by in a second."""
        span = max(self.step, SAMPLES_OF_A_RATE * self.scraped)
        return f"rate({self.cluster.select(series, *matchers)}{_span(span)})"


def _span(span: timedelta) -> str:
    """A millisecond less than it is: servers before Prometheus 3 count the sample at its very beginning as well."""
    return f"[{span // timedelta(milliseconds=1) - 1}ms]"


@dataclass(frozen=True, slots=True)
class Signal:
    """One way to measure a metric."""

    metric: str  # of collectors.utilization.METRICS
    series: str
    scale: float = 1.0  # from the exporter's unit to the metric's
    promql: Callable[[Look], str] | None = None  # where it is not the series as it is
    only: tuple[str, ...] = ()  # matchers of those of its series by which one sees whether there is anything
    parts: tuple[str, ...] = ()  # labels that tell these apart where a device has several
    capacity: Callable[[Look], str] | None = None  # how much of it each device has, in the unit of `series`
    name: str = ""  # where pages do not say `series`

    @property
    def shown(self) -> str:
        """What a number rests on, as pages say it."""
        return self.name or self.series

    def ask(self, look: Look) -> str:
        """The expression."""
        return self.promql(look) if self.promql else look.gauge(self.series)


@dataclass(frozen=True, slots=True)
class Exporter:
    """What one exporter tells. Signals of a metric stand in order: the best first."""

    name: str
    signals: tuple[Signal, ...]
    device: tuple[str, ...] = ()  # labels that tell its devices apart in every series; none: it tells of machines
    first: tuple[str, ...] = ()  # matchers of the first device of each machine
    machine: tuple[str, ...] = ()  # labels that tell machines apart, where they have more series than one

    @property
    def has_gpus(self) -> bool:
        """Whether what it tells of is held by pods."""
        return bool(self.device)


def _in_mib(bytes_of_it: str) -> str:
    return f"{bytes_of_it} * {BYTES_IN_MIB!r}"


def _framebuffer(look: Look) -> str:
    """Used, free and, where it is told, reserved."""
    used, free, reserved = (look.cluster.select(f"DCGM_FI_DEV_FB_{part}") for part in ("USED", "FREE", "RESERVED"))
    return f"({used} + {free} + {reserved}) or ({used} + {free})"


PROBE: Final = timedelta(minutes=10)
LONGEST_PROBE: Final = 6_000
"""A question goes in the address of a request, of which many servers read 8,000 bytes."""


def probes(signals: Sequence[Signal], cluster: Cluster) -> list[str]:
    """Samples in ten minutes of each signal (label `probe`: its place): the `most` of one series, and those of `all`
    devices, of each its longest series (label `what`)."""

    def labelled(vector: str, place: int, what: str) -> str:
        return f'label_replace(label_replace({vector}, "probe", "{place}", "", ""), "what", "{what}", "", "")'

    asked: list[str] = []
    for place, signal in enumerate(signals):
        counts = f"count_over_time({cluster.select(signal.series, *signal.only)}{_span(PROBE)})"
        most, of_all = f"max({counts})", f"sum(max without ({', '.join(signal.parts)}) ({counts}))"
        both = f"{labelled(most, place, 'most')} or {labelled(of_all, place, 'all')}"
        if asked and len(quote(asked[-1] + both)) < LONGEST_PROBE:
            asked[-1] += f" or {both}"
        else:
            asked.append(both)
    return asked


ACCELERATORS: Final = (
    Exporter(
        "dcgm-exporter",
        (
            Signal("gpu", "DCGM_FI_PROF_SM_ACTIVE"),
            Signal("gpu", "DCGM_FI_PROF_GR_ENGINE_ACTIVE"),
            Signal("gpu", "DCGM_FI_DEV_GPU_UTIL", PERCENT),
            Signal("gpu_memory_mib", "DCGM_FI_DEV_FB_USED", capacity=_framebuffer),
            Signal("power_watts", "DCGM_FI_DEV_POWER_USAGE"),
            Signal("tensor", "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE"),
        ),
        device=("UUID", "GPU_I_ID"),
        first=('gpu="0"',),
    ),
    Exporter(
        "AMD Device Metrics Exporter",
        (
            Signal("gpu", "gpu_gfx_activity", PERCENT),
            Signal("gpu_memory_mib", "gpu_used_vram", capacity=lambda look: look.cluster.select("gpu_total_vram")),
            Signal("power_watts", "gpu_package_power"),
            Signal("power_watts", "gpu_power_usage"),
        ),
        device=("gpu_uuid", "gpu_id", "hostname"),
        first=('gpu_id="0"',),
    ),
    Exporter(
        "Neuron Monitor",
        (Signal("gpu", "neuroncore_utilization_ratio"),),
        device=("instance_id", "instance", "neuroncore"),
        first=('neuroncore="0"',),
    ),
    Exporter(
        "Google Kubernetes Engine",
        (
            Signal("gpu", "kubernetes_io:container_accelerator_duty_cycle", PERCENT),
            Signal("gpu", "kubernetes_io:node_accelerator_duty_cycle", PERCENT),
            Signal(
                "gpu_memory_mib",
                "kubernetes_io:container_accelerator_memory_used",
                promql=lambda look: _in_mib(look.gauge("kubernetes_io:container_accelerator_memory_used")),
                capacity=lambda look: _in_mib(look.cluster.select("kubernetes_io:container_accelerator_memory_total")),
            ),
        ),
        device=("accelerator_id",),
    ),
)
"""In the names of dcgm-exporter 4, AMD's exporter 1, neuron-monitor-prometheus.py, and Cloud Monitoring's PromQL."""
