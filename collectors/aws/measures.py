"""What is read of CloudWatch: a table of its metrics, of which resources they are, and how they become ours.

Templates are filled with the dimensions of a metric and with `partition`, `region` and `account`.
"""

from dataclasses import dataclass
from typing import Final

PERCENT: Final = 100.0
SECONDS: Final = 300.0
"""Of the period that is asked for: a sum over it becomes a rate."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One of our metrics of one kind of resource."""

    metric: str  # of collectors.utilization.METRICS
    namespace: str
    parts: tuple[str, ...]  # what adds up
    dimensions: tuple[str, ...]
    resource: str  # template of its id, as bills have it
    wholes: tuple[str, ...] = ()  # what the sum is divided by
    per: str = ""  # likewise, what its machines have: vcpus, gpus, bytes, or one (of each machine)
    machine: str = ""  # template of what tells its machines
    unit: float = 1.0  # what is one of ours
    statistic: str = "Average"
    peak: str = "Maximum"  # the statistic for the largest number; empty: no more than `statistic` is known
    weight: str = ""  # the statistic that grows with the number of machines, where that may change
    is_rest: bool = False  # it counts what is free
    is_loose: bool = False  # it may have other dimensions besides
    node: str = ""  # template
    device: str = ""  # template
    model: str = ""  # template

    @property
    def signal(self) -> str:
        """What it rests on, in CloudWatch's words."""
        return " + ".join(self.parts)


def _machine(metric: str, *parts: str, **how: object) -> Measure:
    return Measure(metric, "AWS/EC2", parts, ("InstanceId",), "{InstanceId}", **how)  # type: ignore[arg-type]


def _agent(metric: str, *parts: str, **how: object) -> Measure:
    """Of the CloudWatch agent, whose dimensions people choose; a machine goes by its id, else by its host name."""
    return Measure(metric, "CWAgent", parts, (), "{InstanceId}", node="{host}", is_loose=True, **how)  # type: ignore[arg-type]


def _gpu(metric: str, *parts: str, **how: object) -> Measure:
    how = {"device": "nvidia{index}", "model": "{name}", **how}
    return Measure(
        metric, "CWAgent", parts, ("index",), "{InstanceId}", node="{host}", is_loose=True, **how  # type: ignore[arg-type]
    )  # fmt: skip


def _database(metric: str, *parts: str, **how: object) -> Measure:
    arn = "arn:{partition}:rds:{region}:{account}:db:{DBInstanceIdentifier}"
    return Measure(metric, "AWS/RDS", parts, ("DBInstanceIdentifier",), arn, machine=arn, **how)  # type: ignore[arg-type]


def _endpoint(metric: str, namespace: str, *parts: str, **how: object) -> Measure:
    """Its variants are parts of one resource, each machine a sample a minute; ARNs have its name in small letters."""
    arn = "arn:{partition}:sagemaker:{region}:{account}:endpoint/{endpointname}"
    names = ("EndpointName", "VariantName")
    return Measure(metric, namespace, parts, names, arn, machine=f"{arn}/{{VariantName}}", **how)  # type: ignore[arg-type]


_SAGEMAKER: Final = "/aws/sagemaker/Endpoints"
_SAMPLES: Final = "SampleCount"
MEASURES: Final = (
    _machine("cpu", "CPUUtilization", unit=PERCENT),
    _machine("network_bytes_per_second", "NetworkIn", "NetworkOut", unit=SECONDS, statistic="Sum", peak=""),
    _machine(
        "disk_bytes_per_second",
        "EBSReadBytes",
        "EBSWriteBytes",
        "DiskReadBytes",
        "DiskWriteBytes",
        unit=SECONDS,
        statistic="Sum",
        peak="",
    ),
    _agent("memory", "mem_used_percent", unit=PERCENT),
    _gpu("gpu", "nvidia_smi_utilization_gpu", unit=PERCENT),
    _gpu("gpu_memory", "nvidia_smi_memory_used", wholes=("nvidia_smi_memory_total",)),
    _gpu("gpu_memory_mib", "nvidia_smi_memory_used"),
    _gpu("power_watts", "nvidia_smi_power_draw"),
    _database("cpu", "CPUUtilization", unit=PERCENT),
    _database("memory", "FreeableMemory", per="bytes", is_rest=True, peak="Minimum"),
    _database("network_bytes_per_second", "NetworkReceiveThroughput", "NetworkTransmitThroughput"),
    _database("disk_bytes_per_second", "ReadThroughput", "WriteThroughput"),
    _endpoint("gpu", _SAGEMAKER, "GPUUtilization", unit=PERCENT, per="gpus", weight=_SAMPLES),
    _endpoint("gpu_memory", _SAGEMAKER, "GPUMemoryUtilization", unit=PERCENT, per="gpus", weight=_SAMPLES),
    _endpoint("cpu", _SAGEMAKER, "CPUUtilization", unit=PERCENT, per="vcpus", weight=_SAMPLES),
    _endpoint("memory", _SAGEMAKER, "MemoryUtilization", unit=PERCENT, per="one", weight=_SAMPLES),
    _endpoint("requests_per_second", "AWS/SageMaker", "Invocations", unit=SECONDS, statistic="Sum", peak=""),
    Measure(
        "requests_per_second",
        "AWS/Lambda",
        ("Invocations",),
        ("FunctionName",),
        "arn:{partition}:lambda:{region}:{account}:function:{FunctionName}",
        unit=SECONDS,
        statistic="Sum",
        peak="",
    ),
)
"""SageMaker adds up what each GPU and processor does, 0 to 400 % on four of them: it is divided by their number.
NetworkIn and the like count bytes in samples of one minute or five, which their sum does not mind; their peak would."""
