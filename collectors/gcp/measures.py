"""What is read of Cloud Monitoring: a table of its metrics, of which resources they are, and how they become ours.

Templates are filled with the labels that series are grouped by, and what `collectors.gcp.monitoring` makes of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

PERCENT: Final = 100.0
MIB: Final = 2.0**20


@dataclass(frozen=True, slots=True)
class Part:
    """A metric of Cloud Monitoring."""

    type: str
    only: str = ""  # what its filter says besides
    reducer: str = "REDUCE_MEAN"  # of series that differ in other labels than those that group
    is_whole: bool = False  # others are divided by it


@dataclass(frozen=True, slots=True)
class Measure:
    """One of our metrics of one kind of resource."""

    metric: str  # of collectors.utilization.METRICS
    parts: tuple[Part, ...]  # what adds up, and what the sum is divided by
    resource: str  # template of its id, as inventories have it
    labels: Mapping[str, str]  # what series are grouped by -> its name in templates
    unit: float = 1.0
    aligner: str = "ALIGN_MEAN"
    peak: str = "ALIGN_MAX"  # empty: no more than the mean is known
    cluster: str = ""
    node: str = ""
    device: str = ""
    model: str = ""

    @property
    def signal(self) -> str:
        """What it rests on, in Google's words."""
        return " + ".join(dict.fromkeys(part.type for part in self.parts if not part.is_whole))


def _rate(metric: str, resource: str, labels: Mapping[str, str], *types: str) -> Measure:
    """Of counters, which add up over disks and networks."""
    parts = tuple(Part(type_, reducer="REDUCE_SUM") for type_ in types)
    return Measure(metric, parts, resource, labels, aligner="ALIGN_RATE", peak="")


_MACHINE: Final = "//compute.googleapis.com/projects/{project_id}/zones/{zone}/instances/{instance_id}"
_MACHINES: Final = {f"resource.label.{name}": name for name in ("project_id", "zone", "instance_id")}
_CARDS: Final = {**_MACHINES, "metric.label.uuid": "uuid", "metric.label.model": "model"}
_PODS: Final = {
    "resource.label.project_id": "project_id",
    "resource.label.cluster_name": "cluster_name",
    "metric.label.accelerator_id": "accelerator_id",
    "metric.label.model": "model",
    "metadata.system_labels.node_name": "node_name",
}
_DATABASE: Final = "//cloudsql.googleapis.com/projects/{project_id}/instances/{database}"
_DATABASES: Final = {f"resource.label.{name}": name for name in ("project_id", "database_id")}
_ENDPOINT: Final = (
    "//aiplatform.googleapis.com/projects/{resource_container}/locations/{location}/endpoints/{endpoint_id}"
)
_DUTY: Final = "aiplatform.googleapis.com/prediction/online/accelerator/duty_cycle"
_ENDPOINTS: Final = {f"resource.label.{name}": name for name in ("resource_container", "location", "endpoint_id")}


def _card(metric: str, *parts: Part, unit: float = 1.0) -> Measure:
    """A GPU of a machine, by the Ops Agent."""
    return Measure(metric, parts, _MACHINE, _CARDS, unit, device="{uuid}", model="{model}")


def _accelerator(metric: str, *parts: Part, unit: float = 1.0) -> Measure:
    """A GPU of a GKE node, by the container that holds it; Google has none of GPUs that several share."""
    return Measure(
        metric,
        parts,
        "{machine}",
        _PODS,
        unit,
        cluster="{cluster_name}",
        node="{node_name}",
        device="{accelerator_id}",
        model="{model}",
    )


_CPU: Final = "compute.googleapis.com/instance/cpu/utilization"
_GPU_BYTES: Final = "agent.googleapis.com/gpu/memory/bytes_used"
_USED: Final = Part(_GPU_BYTES, 'metric.label.memory_state = "used"')
_HELD: Final = Part("kubernetes.io/container/accelerator/memory_used")
MEASURES: Final = (
    Measure("cpu", (Part(_CPU),), _MACHINE, {**_MACHINES, "metric.label.instance_name": "instance_name"}),
    Measure(
        "memory",
        (Part("agent.googleapis.com/memory/percent_used", 'metric.label.state = "used"'),),
        _MACHINE,
        _MACHINES,
        PERCENT,
    ),
    _rate(
        "network_bytes_per_second",
        _MACHINE,
        _MACHINES,
        "compute.googleapis.com/instance/network/received_bytes_count",
        "compute.googleapis.com/instance/network/sent_bytes_count",
    ),
    _rate(
        "disk_bytes_per_second",
        _MACHINE,
        _MACHINES,
        "compute.googleapis.com/instance/disk/read_bytes_count",
        "compute.googleapis.com/instance/disk/write_bytes_count",
    ),
    _card("gpu", Part("agent.googleapis.com/gpu/utilization"), unit=PERCENT),
    _card("gpu_memory", _USED, Part(_GPU_BYTES, reducer="REDUCE_SUM", is_whole=True)),
    _card("gpu_memory_mib", _USED, unit=MIB),
    _accelerator("gpu", Part("kubernetes.io/container/accelerator/duty_cycle"), unit=PERCENT),
    _accelerator("gpu_memory", _HELD, Part("kubernetes.io/container/accelerator/memory_total", is_whole=True)),
    _accelerator("gpu_memory_mib", _HELD, unit=MIB),
    Measure("gpu", (Part(_DUTY),), _ENDPOINT, _ENDPOINTS),
    _rate("requests_per_second", _ENDPOINT, _ENDPOINTS, "aiplatform.googleapis.com/prediction/online/prediction_count"),
    Measure("cpu", (Part("cloudsql.googleapis.com/database/cpu/utilization"),), _DATABASE, _DATABASES),
    Measure("memory", (Part("cloudsql.googleapis.com/database/memory/utilization"),), _DATABASE, _DATABASES),
    _rate(
        "network_bytes_per_second",
        _DATABASE,
        _DATABASES,
        "cloudsql.googleapis.com/database/network/received_bytes_count",
        "cloudsql.googleapis.com/database/network/sent_bytes_count",
    ),
)
"""The first one names machines: by their names those of GKE's nodes are found."""
