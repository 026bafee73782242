"""What the machines behind databases and endpoints have: processors, GPUs and memory, by their instance types."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from collectors.aws.listing import Region, search
from collectors.aws.sorts_managed import MANAGED

DATABASES: Final = next(sort for sort in MANAGED if sort.type == "rds:db")
ENDPOINTS: Final = next(sort for sort in MANAGED if sort.type == "sagemaker:endpoint")
SERVICES: Final = {"AWS/RDS": DATABASES, "/aws/sagemaker/Endpoints": ENDPOINTS}
"""By the namespace of metrics that are measured against their machines."""

AT_ONCE: Final = 100  # types in a question
MIB: Final = 2.0**20


@dataclass(frozen=True, slots=True)
class Machines:
    """Machines of one type, and what each of them has; 0 is not known."""

    count: float
    vcpus: float = 0.0
    gpus: float = 0.0
    bytes: float = 0.0

    def have(self, what: str) -> float:
        """How much of it all of them have together; `one` counts the machines."""
        each: float = 1.0 if what == "one" else getattr(self, what)
        return self.count * each


def machines_of(region: Region, namespace: str) -> dict[str, Machines]:
    """The machines of each database, by its ARN, or of each variant of an endpoint, by `ARN/variant`.

    Types of SageMaker and RDS are those of EC2 with `ml.` and `db.` before them.
    """
    found = list(_databases(region) if SERVICES[namespace] is DATABASES else _variants(region))
    sizes = _sizes(region, {type_ for _, type_, _ in found})
    return {name: replace(sizes.get(type_, Machines(1.0)), count=count) for name, type_, count in found}


def _databases(region: Region) -> Iterator[tuple[str, str, float]]:
    for found in region.found(DATABASES):
        yield str(search(DATABASES.id, found)), str(found["DBInstanceClass"]).removeprefix("db."), 1.0


def _variants(region: Region) -> Iterator[tuple[str, str, float]]:
    for found in region.found(ENDPOINTS):
        now = {one["VariantName"]: one.get("CurrentInstanceCount") for one in found.get("ProductionVariants", ())}
        for one in found["Config"].get("ProductionVariants", ()):
            if type_ := one.get("InstanceType"):
                count = now.get(one["VariantName"]) or one.get("InitialInstanceCount") or 1
                yield (
                    f"{search(ENDPOINTS.id, found)}/{one['VariantName']}",
                    str(type_).removeprefix("ml."),
                    float(count),
                )


def _sizes(region: Region, types: Iterable[str]) -> dict[str, Machines]:
    client, wanted = region.aws.client("ec2", region.name), sorted(types)
    sizes: dict[str, Machines] = {}
    for start in range(0, len(wanted), AT_ONCE):
        filters = [{"Name": "instance-type", "Values": wanted[start : start + AT_ONCE]}]
        for page in region.aws.pages(client, "describe_instance_types", Filters=filters):
            sizes |= {one["InstanceType"]: _size(one) for one in page["InstanceTypes"]}
    return sizes


def _size(told: Mapping[str, Any]) -> Machines:
    gpus = sum(one.get("Count", 0) for one in told.get("GpuInfo", {}).get("Gpus", ()))
    memory = told.get("MemoryInfo", {}).get("SizeInMiB", 0) * MIB
    return Machines(1.0, float(told.get("VCpuInfo", {}).get("DefaultVCpus", 0)), float(gpus), memory)
