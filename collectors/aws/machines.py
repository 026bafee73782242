"""What the machines behind databases and endpoints have, and from when on: processors, GPUs, memory by their types."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from collectors.aws.listing import Region, search
from collectors.aws.sorts_managed import MANAGED

DATABASES: Final = next(sort for sort in MANAGED if sort.type == "rds:db")
ENDPOINTS: Final = next(sort for sort in MANAGED if sort.type == "sagemaker:endpoint")
SERVICES: Final = {"AWS/RDS": DATABASES, "/aws/sagemaker/Endpoints": ENDPOINTS}
"""By the namespace of metrics that are measured against their machines."""

AT_ONCE: Final = 100  # types in a question
MIB: Final = 2.0**20
SOON: Final = timedelta(minutes=10)
"""How long after an endpoint was made the images of its first variants are looked up, at the latest."""

LONGEST_SWAP: Final = timedelta(hours=8)
"""How long, at most, an update keeps machines of the old and of the new configuration side by side."""

EVENTS_KEPT: Final = timedelta(days=14)
"""How long RDS keeps what happened to a database."""

MARGIN: Final = timedelta(hours=1)
"""That is taken off it: the oldest events may go while they are read."""

SERVERLESS: Final = "serverless"
ALWAYS: Final = datetime(1970, 1, 1, tzinfo=UTC)
NEVER: Final = datetime(2970, 1, 1, tzinfo=UTC)

_NAMES: Final = re.compile(r"[A-Za-z0-9-]+")


@dataclass(frozen=True, slots=True)
class Machines:
    """Machines of one type: what each has (0: not known), and between which moments they were surely of that type."""

    vcpus: float = 0.0
    gpus: float = 0.0
    bytes: float = 0.0
    since: datetime = ALWAYS
    until: datetime = NEVER

    def have(self, what: str) -> float:
        """How much of it each has; `one` counts the machines."""
        has: float = 1.0 if what == "one" else getattr(self, what)
        return has


def machines_of(region: Region, namespace: str) -> dict[str, Machines]:
    """The machines of each database, by its ARN, or of each variant of an endpoint, by `ARN/variant`.

    Raises ProviderRefusedError or ProviderUnavailableError. Types of SageMaker and RDS are those of EC2 with `ml.` and
    `db.` before them. Of what has none, such as a serverless variant, no more is known than that it is there.
    """
    found = list(_databases(region) if SERVICES[namespace] is DATABASES else _variants(region))
    sizes = _sizes(region, {type_ for _, type_, _, _ in found})
    return {
        name: replace(sizes.get(type_, Machines()), since=since, until=until) for name, type_, since, until in found
    }


def _databases(region: Region) -> Iterator[tuple[str, str, datetime, datetime]]:
    """What happened is asked for last: else a class that is changed in between would be taken for the one before."""
    found, told_from = list(region.found(DATABASES)), region.aws.now() - EVENTS_KEPT + MARGIN
    changed = _changes(region) if found else {}
    for one in found:
        class_ = str(one["DBInstanceClass"]).removeprefix("db.")
        made = one.get("InstanceCreateTime", NEVER)
        since = max(made, told_from, changed.get(one["DBInstanceIdentifier"], ALWAYS)).astimezone(UTC)
        yield str(search(DATABASES.id, one)), class_, ALWAYS if class_ == SERVERLESS else since, NEVER


def _changes(region: Region) -> dict[str, datetime]:
    """When databases were last given another class, by their names: NEVER before it is finished.

    One that was given the name of another, by the switchover of a blue/green deployment, may be of another class.
    """
    changed: dict[str, datetime] = {}
    for event in events(region, "db-instance", "configuration change"):
        if "class" in event["Message"].lower():
            is_over = event["Message"].startswith("Finished")
            changed[event["SourceIdentifier"]] = event["Date"] if is_over else NEVER
    for event in events(region, "blue-green-deployment", "notification"):
        for name in _NAMES.findall(event["Message"]):
            changed[name] = max(event["Date"], changed.get(name, ALWAYS))
    return changed


def events(region: Region, source: str, category: str) -> list[Mapping[str, Any]]:
    """What happened to all of a type, as far back as RDS tells, in the order of time."""
    client, minutes = region.aws.client("rds", region.name), int(EVENTS_KEPT / timedelta(minutes=1))
    pages = region.aws.pages(client, "describe_events", SourceType=source, EventCategories=[category], Duration=minutes)
    return sorted((event for page in pages for event in page["Events"]), key=lambda event: event["Date"])


def _variants(region: Region) -> Iterator[tuple[str, str, datetime, datetime]]:
    for found in region.found(ENDPOINTS):
        since = _deployed(found).astimezone(UTC)
        until = found.get("PendingDeploymentSummary", {}).get("StartTime", NEVER).astimezone(UTC)
        for kind in ("ProductionVariants", "ShadowProductionVariants"):
            for one in found["Config"].get(kind, ()):
                name = f"{search(ENDPOINTS.id, found)}/{one['VariantName']}"
                yield name, str(one.get("InstanceType") or "").removeprefix("ml."), since, until


def _deployed(endpoint: Mapping[str, Any]) -> datetime:
    """Since when the variants of an endpoint are surely of their types: AWS keeps no history of these.

    Each deployment looks images up, scaling does not. So the configuration that an endpoint was made with is still its
    only one where that was when it was made. Else the last deployment may have taken its time after it; and where
    nothing tells, the last change of any kind is taken for one.
    """
    made: datetime = endpoint["CreationTime"]
    changed: datetime = endpoint["LastModifiedTime"]
    images = [one for variant in endpoint.get("ProductionVariants", ()) for one in variant.get("DeployedImages", ())]
    if not images:
        return changed
    deployed: datetime = max(one["ResolutionTime"] for one in images)
    if deployed - made < SOON and endpoint["Config"]["CreationTime"] <= made:
        return made
    return min(max(changed, deployed), deployed + LONGEST_SWAP)


def _sizes(region: Region, types: Iterable[str]) -> dict[str, Machines]:
    client, wanted = region.aws.client("ec2", region.name), sorted(filter(None, types))
    sizes: dict[str, Machines] = {}
    for start in range(0, len(wanted), AT_ONCE):
        filters = [{"Name": "instance-type", "Values": wanted[start : start + AT_ONCE]}]
        for page in region.aws.pages(client, "describe_instance_types", Filters=filters):
            sizes |= {one["InstanceType"]: _size(one) for one in page["InstanceTypes"]}
    return sizes


def _size(told: Mapping[str, Any]) -> Machines:
    gpus = sum(one.get("Count", 0) for one in told.get("GpuInfo", {}).get("Gpus", ()))
    memory = told.get("MemoryInfo", {}).get("SizeInMiB", 0) * MIB
    return Machines(float(told.get("VCpuInfo", {}).get("DefaultVCpus", 0)), float(gpus), memory)
