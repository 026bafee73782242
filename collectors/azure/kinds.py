"""Types of Azure resources as rows of the record set: what each is called, how large it is and what its states mean."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

Row = dict[str, object]
Resource = Mapping[str, Any]

POWER: Final = {
    "powerstate/running": "running",
    "powerstate/starting": "starting",
    "powerstate/stopping": "stopping",
    "powerstate/deallocating": "stopping",
    "powerstate/stopped": "stopped",  # and still billed, unlike a deallocated one: `provider_state` tells them apart
    "powerstate/deallocated": "stopped",
}
DISK: Final = {
    "attached": "attached",
    "reserved": "attached",  # to a machine that is stopped
    "frozen": "attached",
    "unattached": "unattached",
    "activesas": "available",
    "activesasfrozen": "available",
    "readytoupload": "starting",
    "activeupload": "starting",
}
LIFE: Final = {
    "available": "available",
    "creating": "starting",
    "deleting": "deleting",
    "disabled": "stopped",
    "dropping": "deleting",
    "failed": "failed",
    "inaccessible": "failed",
    "offline": "stopped",
    "online": "running",
    "paused": "stopped",
    "pausing": "stopping",
    "ready": "running",
    "resizing": "running",
    "resuming": "starting",
    "running": "running",
    "starting": "starting",
    "steady": "available",
    "stopped": "stopped",
    "stopping": "stopping",
    "succeeded": "available",
    "unavailable": "failed",
    "updating": "running",
}
"""What providers of resources call their states, by what they are here."""


@dataclass(frozen=True, slots=True)
class Pools:
    """Parts of a resource that are resources of their own, in a list among its properties."""

    path: str
    segment: str  # in the id of a part: <id of the whole>/<segment>/<name>
    part: "Listed"


@dataclass(frozen=True, slots=True)
class Listed:
    """A type of resource. Paths are dotted; the first of several that leads to something counts."""

    type: str  # in small letters; of its bills, too
    kind: str
    says: str
    size: str = ""  # `{path}` stands for what it leads to
    state: tuple[str, ...] = ("properties.provisioningState",)
    states: Mapping[str, str] = field(default_factory=lambda: LIFE)
    created: tuple[str, ...] = ()
    parent: tuple[str, ...] = ()
    details: Mapping[str, str] = field(default_factory=dict)
    is_child: bool = False  # its id begins with its parent's
    by_parent: bool = False  # attached where something has it, and no state of its own
    kinds: Mapping[str, str] = field(default_factory=dict)  # where `subtype` tells
    subtype: str = ""
    pools: Pools | None = None


AGENT_POOL: Final = Listed(
    "microsoft.containerservice/managedclusters/agentpools",
    "node_group",
    "AKS node pool",
    size="{vmSize}",
    state=("powerState.code", "provisioningState"),
    details={
        "count": "count",
        "min_count": "minCount",
        "max_count": "maxCount",
        "mode": "mode",
        "platform": "osType",
        "priority": "scaleSetPriority",
    },
    is_child=True,
)
TYPES: Final = (
    Listed(
        "microsoft.compute/virtualmachines",
        "machine",
        "Virtual machine",
        size="{properties.hardwareProfile.vmSize}",
        state=("properties.extended.instanceView.powerState.code", "properties.provisioningState"),
        states={**LIFE, **POWER, "succeeded": "unknown"},  # it was made; whether it runs is not said
        created=("properties.timeCreated",),
        parent=("properties.virtualMachineScaleSet.id",),
        details={"platform": "properties.storageProfile.osDisk.osType", "priority": "properties.priority"},
    ),
    Listed(
        "microsoft.compute/virtualmachinescalesets",
        "scaling_group",
        "Scale set",
        size="{sku.name}",
        created=("properties.timeCreated",),
        details={"count": "sku.capacity", "priority": "properties.virtualMachineProfile.priority"},
    ),
    Listed(
        "microsoft.compute/disks",
        "disk",
        "Managed disk",
        size="{sku.name} {properties.diskSizeGB} GiB",
        state=("properties.diskState", "properties.provisioningState"),
        states={**LIFE, **DISK},
        created=("properties.timeCreated",),
        parent=("managedBy",),
        details={"gib": "properties.diskSizeGB", "platform": "properties.osType"},
    ),
    Listed(
        "microsoft.compute/snapshots",
        "snapshot",
        "Snapshot",
        size="{sku.name} {properties.diskSizeGB} GiB",
        created=("properties.timeCreated",),
        parent=("properties.creationData.sourceResourceId",),
        details={"gib": "properties.diskSizeGB", "incremental": "properties.incremental"},
    ),
    Listed(
        "microsoft.network/publicipaddresses",
        "address",
        "Public IP address",
        size="{sku.name} {properties.publicIPAllocationMethod}",
        parent=("properties.ipConfiguration.id", "properties.natGateway.id"),
        by_parent=True,
        details={"address": "properties.ipAddress", "allocation": "properties.publicIPAllocationMethod"},
    ),
    Listed(
        "microsoft.containerservice/managedclusters",
        "cluster",
        "AKS cluster",
        size="{sku.tier}",
        state=("properties.powerState.code", "properties.provisioningState"),
        details={"version": "properties.kubernetesVersion", "node_resource_group": "properties.nodeResourceGroup"},
        pools=Pools("properties.agentPoolProfiles", "agentpools", AGENT_POOL),
    ),
    Listed(
        "microsoft.machinelearningservices/workspaces",
        "workload",
        "Machine Learning workspace",
        size="{sku.name}",
        created=("properties.creationTime", "systemData.createdAt"),
        details={"workspace_kind": "kind"},
    ),
    Listed(
        "microsoft.machinelearningservices/workspaces/computes",
        "cluster",
        "Machine Learning compute",
        size="{properties.properties.vmSize}",
        state=(
            "properties.properties.state",
            "properties.properties.allocationState",
            "properties.provisioningState",
        ),
        created=("properties.createdOn",),
        details={"compute_type": "properties.computeType", "count": "properties.properties.currentNodeCount"},
        is_child=True,
        kinds={"computeinstance": "notebook"},
        subtype="properties.computeType",
    ),
    Listed(
        "microsoft.machinelearningservices/workspaces/onlineendpoints",
        "endpoint",
        "Machine Learning online endpoint",
        created=("systemData.createdAt",),
        is_child=True,
    ),
    Listed(
        "microsoft.machinelearningservices/workspaces/onlineendpoints/deployments",
        "endpoint",
        "Machine Learning online deployment",
        size="{properties.instanceType}",
        created=("systemData.createdAt",),
        details={"count": "sku.capacity", "model": "properties.model"},
        is_child=True,
    ),
    Listed(
        "microsoft.cognitiveservices/accounts",
        "endpoint",
        "Azure AI account",
        size="{sku.name}",
        created=("properties.dateCreated",),
        details={"account_kind": "kind"},
    ),
    Listed(
        "microsoft.sql/servers",
        "database",
        "SQL server",
        state=("properties.state",),
        details={"version": "properties.version", "engine": "kind"},
    ),
    Listed(
        "microsoft.sql/servers/databases",
        "database",
        "SQL database",
        size="{properties.currentServiceObjectiveName}",
        state=("properties.status",),
        created=("properties.creationDate",),
        details={"tier": "sku.tier", "capacity": "sku.capacity", "elastic_pool": "properties.elasticPoolId"},
        is_child=True,
    ),
    Listed(
        "microsoft.dbforpostgresql/flexibleservers",
        "database",
        "PostgreSQL server",
        size="{sku.name}",
        state=("properties.state",),
        details={"version": "properties.version", "gib": "properties.storage.storageSizeGB"},
    ),
    Listed(
        "microsoft.dbformysql/flexibleservers",
        "database",
        "MySQL server",
        size="{sku.name}",
        state=("properties.state",),
        details={"version": "properties.version", "gib": "properties.storage.storageSizeGB"},
    ),
    Listed(
        "microsoft.storage/storageaccounts",
        "bucket",
        "Storage account",
        size="{sku.name}",
        state=("properties.statusOfPrimary", "properties.provisioningState"),
        created=("properties.creationTime",),
        details={"account_kind": "kind", "access_tier": "properties.accessTier"},
    ),
)
BY_TYPE: Final = {one.type: one for one in TYPES}
_PLACE: Final = re.compile(r"\{([\w.]+)\}")


def rows_of(resource: Resource) -> Iterator[Row]:
    """A resource, and the parts of it that are resources, as rows of the record set."""
    listed = BY_TYPE[str(resource["type"]).lower()]
    yield _row(resource, listed)
    if listed.pools is None:
        return
    shared = {name: resource.get(name) for name in ("type", "location", "subscriptionId", "resourceGroup", "tags")}
    whole, pools = str(resource["id"]), listed.pools
    found = at(resource, pools.path)
    for pool in (one for one in (found if isinstance(found, list) else ()) if at(one, "name")):
        part = {**pool, **shared, "tags": pool.get("tags") or shared["tags"]}
        yield _row({**part, "id": f"{whole}/{pools.segment}/{pool['name']}"}, pools.part)


def listing_of(subscription: str, type_: str) -> str:
    """What one complete listing is called."""
    return f"{subscription.lower()}/{type_.lower()}"


def _row(resource: Resource, listed: Listed) -> Row:
    said = _first(resource, listed.state)
    identity = str(resource["id"]).lower()
    parent = identity.rsplit("/", 2)[0] if listed.is_child else _parent(resource, listed)
    kind = listed.kinds.get(str(_first(resource, (listed.subtype,)) or "").lower(), listed.kind)
    return {
        "provider": "Microsoft",
        "sub_account_id": str(resource["subscriptionId"]),
        "region_id": str(resource.get("location") or "").lower().replace(" ", ""),
        "resource_id": identity,
        "resource_name": resource.get("name"),
        "kind": kind,
        "resource_type": listed.says,
        "size": _filled(resource, listed.size),
        "state": _state(said, parent, listed),
        "created_at": _time(_first(resource, listed.created)),
        "parent_id": parent,
        "tags": _tags(resource.get("tags")),
        "details": _details(resource, listed, said),
        "listing": listing_of(str(resource["subscriptionId"]), str(resource["type"])),
    }


def _details(resource: Resource, listed: Listed, said: object) -> dict[str, object]:
    zones = resource.get("zones") or []
    found = {
        "provider_state": said,
        "resource_group": resource.get("resourceGroup"),
        "zone": zones[0] if len(zones) == 1 else None,
        **{name: at(resource, path) for name, path in listed.details.items()},
    }
    return {name: _plain(value) for name, value in found.items() if value not in (None, "", [], {})}


def _state(said: object, parent: str | None, listed: Listed) -> str:
    if listed.by_parent:
        return "attached" if parent else "unattached"
    return listed.states.get(str(said or "").lower(), "unknown")


def _parent(resource: Resource, listed: Listed) -> str | None:
    """What it belongs to; of a part of a network card or balancer, that itself."""
    found = _first(resource, listed.parent)
    return re.split(r"/(?:ip|frontendip)configurations/", str(found).lower())[0] if found else None


def at(resource: Any, path: str) -> Any:
    """What a dotted path leads to, None where it leads nowhere."""
    for name in path.split("."):
        resource = resource.get(name) if isinstance(resource, Mapping) else None
    return resource


def _first(resource: Resource, paths: tuple[str, ...]) -> Any:
    return next((found for path in paths if (found := at(resource, path)) not in (None, "")), None)


def _filled(resource: Resource, template: str) -> str | None:
    """A size in words; None where a part of it is not known."""
    found = {path: at(resource, path) for path in _PLACE.findall(template)}
    if not found or any(value in (None, "") for value in found.values()):
        return None
    return _PLACE.sub(lambda match: _text(found[match[1]]), template)


def _time(text: object) -> datetime | None:
    try:
        time = datetime.fromisoformat(str(text)) if text else None
    except ValueError:
        return None
    return time.replace(tzinfo=UTC) if time and not time.tzinfo else time


def _tags(said: object) -> dict[str, str]:
    return {str(key): _text(value) for key, value in said.items()} if isinstance(said, Mapping) else {}


def _plain(value: object) -> object:
    return value if isinstance(value, bool | int | str) else str(value)


def _text(value: object) -> str:
    return "" if value is None else str(value)
