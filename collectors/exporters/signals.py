"""What is asked for of which exporter: a table of series, each the best known way to measure one metric first."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

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

    def gauge(self, series: str) -> str:
        """The last value of each series in the window. Prometheus by itself would look back five minutes, and see pods
        that are gone for as long."""
        return f"last_over_time({self.cluster.select(series)}{_span(self.window)})"

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
    series: str  # as pages say what a number rests on
    scale: float = 1.0  # from the exporter's unit to the metric's
    promql: Callable[[Look], str] | None = None  # where it is not the series as it is
    told_by: str = ""  # series that is there when this one is, where it has more series than devices

    @property
    def probe(self) -> str:
        """Series by which one sees whether there is anything, and how much."""
        return self.told_by or self.series

    def ask(self, look: Look) -> str:
        """The expression."""
        return self.promql(look) if self.promql else look.gauge(self.series)


@dataclass(frozen=True, slots=True)
class Exporter:
    """What one exporter tells. Signals of a metric stand in order: the best first."""

    name: str
    signals: tuple[Signal, ...]
    device: tuple[str, ...] = ()  # labels that tell its devices apart in every series; none: it tells of machines
    capacity: Callable[[Look], str] | None = None  # memory of each device in MiB

    @property
    def has_gpus(self) -> bool:
        """Whether what it tells of is held by pods."""
        return bool(self.device)


def _framebuffer(look: Look) -> str:
    """Used, free and, where it is told, reserved."""
    used, free, reserved = (look.cluster.select(f"DCGM_FI_DEV_FB_{part}") for part in ("USED", "FREE", "RESERVED"))
    return f"({used} + {free} + {reserved}) or ({used} + {free})"


def _cpu(look: Look) -> str:
    idle = look.rate("node_cpu_seconds_total", 'mode="idle"')
    return f"1 - avg without (cpu, mode) ({idle})"


def _memory(look: Look) -> str:
    return f"1 - {look.gauge('node_memory_MemAvailable_bytes')} / {look.gauge('node_memory_MemTotal_bytes')}"


PROBE: Final = timedelta(minutes=10)
PROBES_AT_ONCE: Final = 12
"""A question goes in the address of a request, of which many servers read 8,000 bytes."""


def probes(cluster: Cluster) -> list[str]:
    """Samples in ten minutes of each signal's series (label `probe`): the `most` of one and of `all` (label `what`)."""

    def labelled(vector: str, series: str, what: str) -> str:
        return f'label_replace(label_replace({vector}, "probe", "{series}", "", ""), "what", "{what}", "", "")'

    each = [
        labelled(f"{how}(count_over_time({cluster.select(series)}{_span(PROBE)}))", series, what)
        for series in dict.fromkeys(signal.probe for exporter in EXPORTERS for signal in exporter.signals)
        for how, what in (("max", "most"), ("sum", "all"))
    ]
    return [" or ".join(each[at : at + PROBES_AT_ONCE]) for at in range(0, len(each), PROBES_AT_ONCE)]


EXPORTERS: Final = (
    Exporter(
        "dcgm-exporter",
        (
            Signal("gpu", "DCGM_FI_PROF_SM_ACTIVE"),
            Signal("gpu", "DCGM_FI_PROF_GR_ENGINE_ACTIVE"),
            Signal("gpu", "DCGM_FI_DEV_GPU_UTIL", PERCENT),
            Signal("gpu_memory_mib", "DCGM_FI_DEV_FB_USED"),
            Signal("power_watts", "DCGM_FI_DEV_POWER_USAGE"),
            Signal("tensor", "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE"),
        ),
        device=("UUID", "GPU_I_ID"),
        capacity=_framebuffer,
    ),
    Exporter(
        "AMD Device Metrics Exporter",
        (
            Signal("gpu", "gpu_gfx_activity", PERCENT),
            Signal("gpu_memory_mib", "gpu_used_vram"),
            Signal("power_watts", "gpu_package_power"),
            Signal("power_watts", "gpu_power_usage"),
        ),
        device=("gpu_uuid", "gpu_id", "hostname"),
        capacity=lambda look: look.cluster.select("gpu_total_vram"),
    ),
    Exporter(
        "Neuron Monitor",
        (Signal("gpu", "neuroncore_utilization_ratio"),),
        device=("instance_id", "instance", "neuroncore"),
    ),
    Exporter(
        "Google Kubernetes Engine",
        (
            Signal("gpu", "kubernetes_io:container_accelerator_duty_cycle", PERCENT),
            Signal("gpu", "kubernetes_io:node_accelerator_duty_cycle", PERCENT),
            Signal(
                "gpu_memory_mib",
                "kubernetes_io:container_accelerator_memory_used",
                promql=lambda look: (
                    f"{look.gauge('kubernetes_io:container_accelerator_memory_used')} * {BYTES_IN_MIB!r}"
                ),
            ),
        ),
        device=("accelerator_id",),
        capacity=lambda look: (
            f"{look.cluster.select('kubernetes_io:container_accelerator_memory_total')} * {BYTES_IN_MIB!r}"
        ),
    ),
    Exporter(
        "node exporter",
        (
            Signal("cpu", "node_cpu_seconds_total", promql=_cpu, told_by="node_memory_MemAvailable_bytes"),
            Signal("memory", "node_memory_MemAvailable_bytes", promql=_memory),
        ),
    ),
)
"""In the names of dcgm-exporter 4, AMD's exporter 1, neuron-monitor-prometheus.py, Cloud Monitoring's PromQL, and node
exporter 1."""
