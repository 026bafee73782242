"""What is read of Azure Monitor: a table of its metrics, by the type of resource, and how they become ours."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

PERCENT: Final = 100.0
MINUTE: Final = 60.0
SECONDS: Final = 300.0
"""Of the period that is asked for: a total over it becomes a rate."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One of our metrics of one type of resource."""

    metric: str  # of collectors.utilization.METRICS
    names: tuple[str, ...]  # what adds up, in Azure's words
    unit: float = PERCENT  # what is one of ours
    value: str = "average"
    peak: str = "maximum"  # empty: no more than `value` is known
    is_rest: bool = False  # it counts what is free

    @property
    def signal(self) -> str:
        """What it rests on, in Azure's words."""
        return " + ".join(self.names)


def _traffic(metric: str, *names: str) -> Measure:
    return Measure(metric, names, SECONDS, value="total", peak="")


_MACHINE: Final = (
    Measure("cpu", ("Percentage CPU",)),
    Measure("memory", ("Available Memory Percentage",), peak="minimum", is_rest=True),
    _traffic("network_bytes_per_second", "Network In Total", "Network Out Total"),
    _traffic("disk_bytes_per_second", "Disk Read Bytes", "Disk Write Bytes"),
)
_SERVER: Final = (
    Measure("cpu", ("cpu_percent",)),
    Measure("memory", ("memory_percent",)),
    _traffic("network_bytes_per_second", "network_bytes_ingress", "network_bytes_egress"),
)
_ML: Final = "microsoft.machinelearningservices/workspaces/onlineendpoints"
MEASURES: Final[Mapping[str, tuple[Measure, ...]]] = {
    "microsoft.compute/virtualmachines": _MACHINE,
    "microsoft.compute/virtualmachinescalesets": _MACHINE,
    "microsoft.containerservice/managedclusters": (
        Measure("cpu", ("node_cpu_usage_percentage",)),
        Measure("memory", ("node_memory_working_set_percentage",)),
    ),
    "microsoft.dbformysql/flexibleservers": _SERVER,
    "microsoft.dbforpostgresql/flexibleservers": _SERVER,
    _ML: (Measure("requests_per_second", ("RequestsPerMinute",), MINUTE),),
    f"{_ML}/deployments": (
        Measure("cpu", ("CpuUtilizationPercentage",)),
        Measure("memory", ("CpuMemoryUtilizationPercentage",)),
        Measure("gpu", ("GpuUtilizationPercentage",)),
        Measure("gpu_memory", ("GpuMemoryUtilizationPercentage",)),
    ),
    "microsoft.sql/servers/databases": (
        Measure("cpu", ("cpu_percent",)),
        Measure("memory", ("sql_instance_memory_percent",)),
    ),
}
"""By type, which is also the namespace of its metrics. Azure has no metric for the GPUs of a machine of one's own."""
