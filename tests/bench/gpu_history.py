"""A made-up fleet as dcgm-exporter tells of it: OpenMetrics text for a Prometheus of any size, the same each time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

GPUS_OF_A_NODE = 8
MEMORY_MIB = 81_559
SERIES = {
    "DCGM_FI_DEV_FB_FREE": (1, 0),
    "DCGM_FI_DEV_FB_USED": (1, 0),
    "DCGM_FI_DEV_GPU_UTIL": (100, 0),
    "DCGM_FI_DEV_POWER_USAGE": (310, 90),
    "DCGM_FI_PROF_GR_ENGINE_ACTIVE": (1, 0),
}
"""Scale of a busy share, and what is added: what this exporter tells by default and the collector asks for."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """So many GPUs for so many days before `end`, with a sample each `step`."""

    gpus: int
    days: int
    step: timedelta
    end: datetime

    @property
    def start(self) -> datetime:
        """Its first sample."""
        return self.end - timedelta(days=self.days)


@dataclass(frozen=True, slots=True)
class _Job:
    """What holds a GPU from one sample to another; without a name nothing does."""

    name: str
    first: int
    last: int
    busy: float
    memory: float


def write_fleet(fleet: Fleet, path: Path) -> None:
    """As promtool takes it, family by family."""
    jobs = [list(_jobs(fleet, Random(gpu))) for gpu in range(fleet.gpus)]
    with path.open("w") as out:
        for metric in sorted(SERIES):
            out.write(f"# TYPE {metric} gauge\n")
            for gpu, of_gpu in enumerate(jobs):
                for job in of_gpu:
                    out.writelines(_lines(fleet, metric, gpu, job))
        out.write("# EOF\n")


def _jobs(fleet: Fleet, random: Random) -> Iterator[_Job]:
    """One after the other, of 2 to 20 hours, and now and then nothing."""
    points, at = int(timedelta(days=fleet.days) / fleet.step), 0
    while at < points:
        last = min(at + int(timedelta(hours=random.uniform(2, 20)) / fleet.step), points)
        is_idle = random.random() < 0.2
        memory = 0.01 if is_idle else random.uniform(0.1, 0.95)
        yield _Job("" if is_idle else f"job-{at}", at, last, 0.0 if is_idle else random.uniform(0.2, 0.9), memory)
        at = last


def _lines(fleet: Fleet, metric: str, gpu: int, job: _Job) -> Iterator[str]:
    random, first = Random(f"{gpu}-{job.first}"), int(fleet.start.timestamp())
    name, step = metric + _labels(gpu, job), int(fleet.step.total_seconds())
    scale, added = SERIES[metric]
    for point in range(job.first, job.last):
        busy = min(max(random.gauss(job.busy, 0.1), 0.0), 1.0) if job.name else 0.0
        used = round(MEMORY_MIB * job.memory) + (point % 7)
        amount = {"FB_USED": used, "FB_FREE": MEMORY_MIB - used}.get(metric[12:], added + scale * busy)
        yield f"{name} {amount:g} {first + point * step}\n"


def _labels(gpu: int, job: _Job) -> str:
    place = gpu % GPUS_OF_A_NODE
    labels = {
        "gpu": place,
        "UUID": f"GPU-{gpu:08}-0000-4000-8000-000000000000",
        "device": f"nvidia{place}",
        "modelName": "NVIDIA A100-SXM4-80GB",
        "Hostname": f"node-{gpu // GPUS_OF_A_NODE:03}",
    }
    if job.name:
        labels |= {"namespace": f"team-{gpu % 5}", "pod": f"{job.name}-{gpu}", "container": "main"}
    return "{" + ",".join(f'{key}="{value}"' for key, value in labels.items()) + "}"
