"""Assets of Google Cloud as rows of what exists: a table of the types that are listed, and how each is read."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

PROVIDER: Final = "Google Cloud"
_SAYS: Final = {
    "running": "RUNNING ACTIVE RUNNABLE RECONCILING RUNNING_WITH_ERROR MAINTENANCE ONLINE_MAINTENANCE UPDATING"
    " UPGRADING",
    "starting": "PROVISIONING STAGING STARTING CREATING RESTORING UPLOADING RESERVING PENDING_CREATE PENDING DEPLOYING"
    " DEPLOY_IN_PROGRESS INITIALIZING RESTARTING BEING_STARTED",
    "stopping": "STOPPING SUSPENDING PENDING_STOP BEING_STOPPED",
    "stopped": "STOPPED TERMINATED SUSPENDED PREEMPTED OFFLINE",
    "available": "READY DONE",
    "attached": "IN_USE",
    "unattached": "RESERVED",
    "failed": "FAILED ERROR DEGRADED REPAIRING",
    "deleting": "DELETING DELETED DEPROVISIONING PENDING_DELETE DELETE_IN_PROGRESS BEING_DELETED",
}
STATES: Final = {word: state for state, words in _SAYS.items() for word in words.split()}
"""Google's word for a state -> ours, where a type does not mean something else by it."""

ATTACHED: Final = ("attached", "unattached")
IN_USE: Final = ("running", "stopped")
_ZONE: Final = re.compile(r"([a-z]+-[a-z]+\d+)-[a-z]")
_PLACE: Final = re.compile(r"/(?:zones|regions|locations)/([^/]+)")
_PROJECT: Final = re.compile(r"(?<=/projects/)[^/]+")
_LINK: Final = re.compile(r"https://(?:www|(\w+))\.googleapis\.com/(?:(\w+)/)?v\w+/(?=projects/)")
_PART: Final = re.compile(r"\$([\w.|]+)")
_PLURAL: Final = re.compile(r"(?:(?<=ss)es|s)(?=/[^/]+$)")
_KEYED: Final = re.compile(r"(\w+)\[([\w-]+)\]")


@dataclass(frozen=True, slots=True)
class AssetType:
    """How assets of one type are read.

    Paths lead into what its API says of a resource, through every item of a list; `a|b` is the first that says
    something, and `items[key]` the value of that key in a list of keys and values.
    """

    name: str
    kind: str
    called: str
    state: tuple[str, ...] = ("status|state",)  # the first whose word is known
    states: Mapping[str, str] = field(default_factory=dict)  # besides STATES
    used_by: str = ""  # whether something that is available is in use
    used: tuple[str, str] = ATTACHED  # the states of what is, and of what is not
    size: str = ""  # with paths after $
    parent: str = ""
    parent_above: str = ""  # the part of the name below the parent's
    labels: str = "labels"
    created: str = "creationTimestamp|createTime"
    billed: str = ""  # how bills name it, where not by the asset's name, with $project and $name
    texts: Mapping[str, str] = field(default_factory=dict)
    counts: Mapping[str, str] = field(default_factory=dict)  # numbers, added up over lists


_DISK: Final = AssetType(
    "compute.googleapis.com/Disk", "disk", "Compute Engine disk",
    size="$type $sizeGb GiB", used_by="users", parent="users",
    texts={"snapshot": "sourceSnapshot", "last_detached": "lastDetachTimestamp"}, counts={"gib": "sizeGb"},
)  # fmt: skip
_ADDRESS: Final = AssetType(
    "compute.googleapis.com/Address", "address", "IP address",
    size="$addressType", parent="users",
    texts={"address": "address", "purpose": "purpose", "network_tier": "networkTier"},
)  # fmt: skip
TYPES: Final = (
    AssetType(
        "compute.googleapis.com/Instance", "machine", "Compute Engine instance",
        size="$machineType", parent="metadata.items[created-by]",
        texts={
            "gpu_model": "guestAccelerators.acceleratorType", "provisioning": "scheduling.provisioningModel",
            "platform": "cpuPlatform", "last_started": "lastStartTimestamp", "last_stopped": "lastStopTimestamp",
        },
        counts={"gpus": "guestAccelerators.acceleratorCount"},
    ),
    AssetType(
        "tpu.googleapis.com/Node", "machine", "Cloud TPU",
        states={"READY": "running"}, size="$acceleratorType",
        texts={"gpu_model": "acceleratorType", "runtime": "runtimeVersion|tensorflowVersion"},
    ),
    AssetType(
        "compute.googleapis.com/InstanceGroupManager", "scaling_group", "Managed instance group",
        state=(), used_by="targetSize", used=IN_USE, size="$instanceTemplate",
        counts={"machines": "targetSize"}, labels="allInstancesConfig.properties.labels",
    ),
    _DISK,
    replace(_DISK, name="compute.googleapis.com/RegionDisk", called="Compute Engine regional disk"),
    AssetType(
        "compute.googleapis.com/Snapshot", "snapshot", "Disk snapshot",
        size="$diskSizeGb GiB", parent="sourceDisk", counts={"gib": "diskSizeGb", "stored_bytes": "storageBytes"},
    ),
    _ADDRESS,
    replace(_ADDRESS, name="compute.googleapis.com/GlobalAddress", called="Global IP address"),
    AssetType(
        "container.googleapis.com/Cluster", "cluster", "GKE cluster",
        states={"STOPPING": "deleting"}, labels="resourceLabels",
        texts={"version": "currentMasterVersion", "autopilot": "autopilot.enabled"},
    ),
    AssetType(
        "container.googleapis.com/NodePool", "node_group", "GKE node pool",
        states={"STOPPING": "deleting"}, size="$config.machineType", labels="config.resourceLabels",
        parent_above="/nodePools/",
        texts={
            "gpu_model": "config.accelerators.acceleratorType", "spot": "config.spot|config.preemptible",
            "version": "version", "autoscaling": "autoscaling.enabled",
        },
        counts={
            "gpus_per_node": "config.accelerators.acceleratorCount", "initial_nodes": "initialNodeCount",
            "min_nodes": "autoscaling.minNodeCount|autoscaling.totalMinNodeCount",
            "max_nodes": "autoscaling.maxNodeCount|autoscaling.totalMaxNodeCount",
        },
    ),
    AssetType(
        "aiplatform.googleapis.com/Endpoint", "endpoint", "Vertex AI endpoint",
        state=(), used_by="deployedModels.id|deployedModels.model", used=IN_USE,
        size="$deployedModels.dedicatedResources.machineSpec.machineType",
        texts={
            "model": "deployedModels.model",
            "gpu_model": "deployedModels.dedicatedResources.machineSpec.acceleratorType",
        },
        counts={
            "gpus_per_replica": "deployedModels.dedicatedResources.machineSpec.acceleratorCount",
            "min_replicas": "deployedModels.dedicatedResources.minReplicaCount",
            "max_replicas": "deployedModels.dedicatedResources.maxReplicaCount",
        },
    ),
    AssetType(
        "notebooks.googleapis.com/Instance", "notebook", "Workbench instance",
        size="$machineType|gceSetup.machineType",
        texts={"gpu_model": "acceleratorConfig.type|gceSetup.acceleratorConfigs.type", "owner": "creator"},
        counts={"gpus": "acceleratorConfig.coreCount|gceSetup.acceleratorConfigs.coreCount"},
    ),
    AssetType(
        "aiplatform.googleapis.com/NotebookRuntime", "notebook", "Colab Enterprise runtime",
        state=("runtimeState",), size="$machineSpec.machineType",
        texts={"gpu_model": "machineSpec.acceleratorType", "owner": "runtimeUser"},
        counts={"gpus": "machineSpec.acceleratorCount"},
    ),
    AssetType(
        "sqladmin.googleapis.com/Instance", "database", "Cloud SQL instance",
        state=("settings.activationPolicy", "state"), states={"NEVER": "stopped"}, size="$settings.tier",
        labels="settings.userLabels",
        texts={"engine": "databaseVersion", "availability": "settings.availabilityType"},
        counts={"gib": "settings.dataDiskSizeGb"},
    ),
    AssetType(
        "run.googleapis.com/Service", "function", "Cloud Run service",
        state=("status.conditions.status",), states={"True": "running", "False": "failed", "Unknown": "starting"},
        labels="metadata.labels|labels", created="metadata.creationTimestamp|createTime",
        texts={
            "cpu": "spec.template.spec.containers.resources.limits.cpu",
            "memory": "spec.template.spec.containers.resources.limits.memory",
        },
    ),
    AssetType(
        "cloudfunctions.googleapis.com/Function", "function", "Cloud Run function",
        size="$serviceConfig.availableMemory", created="createTime|updateTime",
        texts={"runtime": "buildConfig.runtime", "cpu": "serviceConfig.availableCpu"},
    ),
    AssetType(
        "storage.googleapis.com/Bucket", "bucket", "Cloud Storage bucket",
        state=(), size="$storageClass", created="timeCreated", billed="projects/$project/buckets/$name",
        texts={"location_type": "locationType"},
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Project:
    """A project, whose labels what is in it has too."""

    id: str
    labels: Mapping[str, str]
    name: str = ""


Projects = Mapping[str, Project]
"""By number."""


def read_project(asset: Mapping[str, Any]) -> tuple[str, Project]:
    """Number and project of an asset of the type cloudresourcemanager.googleapis.com/Project."""
    data = (asset.get("resource") or {}).get("data") or {}
    number = asset["name"].rpartition("/")[2]
    called = str(data.get("displayName") or data.get("name") or "")
    return number, Project(str(data.get("projectId") or number), _labels(data, "labels"), called)


def resource_row(asset: Mapping[str, Any], of: AssetType, projects: Projects, listing: str) -> dict[str, object]:
    """An asset as a row of RESOURCES."""
    told = asset.get("resource") or {}
    data = told.get("data") or {}
    place = told.get("location") or _found(_PLACE, asset["name"]) or ""
    number, project = _project(asset, data, projects)
    name = _named_by_id(asset["name"], projects)
    state, said = _state(data, of)
    return {
        "provider": PROVIDER,
        "sub_account_id": project.id,
        "sub_account_name": project.name,
        "region_id": _region(place),
        "resource_id": name,
        "aliases": sorted(set(_aliases(name, of, data, project.id, number)) - {name}),
        "resource_name": str(data.get("displayName") or name.rpartition("/")[2]),
        "kind": of.kind,
        "resource_type": of.called,
        "size": _size(data, of.size),
        "state": state,
        "created_at": _time(_first(data, of.created)),
        "parent_id": _parent(name, data, of, projects),
        "tags": {**project.labels, **_labels(data, of.labels)},
        "details": _details(data, of, {"zone": place if _ZONE.fullmatch(place) else None, "provider_state": said}),
        "listing": listing,
    }


def end_of_listing(of: AssetType, listing: str) -> dict[str, object]:
    """The row that says that a listing was read to its end."""
    return {"provider": PROVIDER, "kind": of.kind, "resource_type": of.called, "listing": listing}


def _project(asset: Mapping[str, Any], data: Mapping[str, Any], projects: Projects) -> tuple[str, Project]:
    """Number and project; assets are named by the one or by the other, and buckets by neither."""
    above = next((one for one in asset.get("ancestors", ()) if one.startswith("projects/")), "")
    number = above.removeprefix("projects/") or str(data.get("projectNumber") or "")
    named = _found(_PROJECT, asset["name"]) or number
    return number, projects.get(number) or projects.get(named) or Project(named, {})


def _named_by_id(name: str, projects: Projects) -> str:
    return _PROJECT.sub(lambda found: projects[found[0]].id if found[0] in projects else found[0], name, count=1)


def _aliases(name: str, of: AssetType, data: Mapping[str, Any], project: str, number: str) -> Iterator[str]:
    """The other names that bills have: with the project's number, Google's own id, and the type in the singular."""
    above, _, last = name.rpartition("/")
    own = _first(data, "id")
    names = [name, *([f"{above}/{own}"] if own else [])]
    if of.name.startswith("compute."):
        names += [_PLURAL.sub("", one) for one in names]
    if of.billed:
        service = name.removeprefix("//").partition("/")[0]
        names += [f"//{service}/{of.billed.replace('$project', one).replace('$name', last)}" for one in (project, "_")]
    for one in names:
        yield one
        if number:
            yield _PROJECT.sub(number, one, count=1)


def _state(data: Mapping[str, Any], of: AssetType) -> tuple[str, str | None]:
    """Our state, and Google's word for it."""
    words = [str(word) for path in of.state if (word := _first(data, path))]
    known = {**STATES, **of.states}
    state = next((known[word] for word in words if word in known), "unknown" if of.state else "available")
    if state == "available" and of.used_by:
        state = of.used[0] if any(value not in (0, "") for value in _values(data, of.used_by)) else of.used[1]
    return state, words[-1] if words else None


def _size(data: Mapping[str, Any], template: str) -> str | None:
    found = {path: _first(data, path) for path in _PART.findall(template)}
    whole = template and all(found.values())
    return _PART.sub(lambda part: str(found[part[1]]), template) if whole else None


def _parent(name: str, data: Mapping[str, Any], of: AssetType, projects: Projects) -> str | None:
    """The full name of what it belongs to, which its API gives as an address or without the service."""
    if of.parent_above:
        return name.partition(of.parent_above)[0]
    told = next((str(value) for value in _values(data, of.parent) if value), "") if of.parent else ""
    link = _LINK.match(told)
    path = told[link.end() :] if link else told
    service = (link and (link[2] or link[1])) or "compute"
    return _named_by_id(f"//{service}.googleapis.com/{path}", projects) if path.startswith("projects/") else None


def _details(data: Mapping[str, Any], of: AssetType, known: Mapping[str, object]) -> dict[str, object]:
    texts = {name: _first(data, path) for name, path in of.texts.items()}
    counts = {name: _sum(data, path) for name, path in of.counts.items()}
    return {name: value for name, value in {**known, **texts, **counts}.items() if value not in (None, "")}


def _labels(data: Mapping[str, Any], paths: str) -> dict[str, str]:
    for path in paths.split("|"):
        found: Any = data
        for part in path.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        if isinstance(found, Mapping):
            return {str(key): "" if value is None else str(value) for key, value in found.items()}
    return {}


def _values(data: object, paths: str) -> list[Any]:
    """Everything that the first path which leads to something leads to."""
    return next((found for path in paths.split("|") if (found := list(_walk(data, path.split("."))))), [])


def _walk(data: object, path: list[str]) -> Iterator[Any]:
    if isinstance(data, list):
        for item in data:
            yield from _walk(item, path)
    elif not path:
        yield from () if data is None else (data,)
    elif isinstance(data, Mapping):
        keyed = _KEYED.fullmatch(path[0])
        below = data.get(keyed[1] if keyed else path[0])
        if keyed:
            listed = below if isinstance(below, list) else []
            below = [one.get("value") for one in listed if isinstance(one, Mapping) and one.get("key") == keyed[2]]
        yield from _walk(below, path[1:])


def _first(data: object, paths: str) -> Any:
    """The first value; of an address its last part."""
    value = next(iter(_values(data, paths)), None)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value.rpartition("/")[2] if isinstance(value, str) else value


def _sum(data: object, paths: str) -> int | None:
    """Whole numbers, which Google writes as text where they may be large."""
    found = [str(value).removesuffix(".0") for value in _values(data, paths)]
    numbers = [int(text) for text in found if text.isascii() and text.isdigit()]
    return sum(numbers) if numbers else None


def _time(text: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _region(place: str) -> str | None:
    zone = _ZONE.fullmatch(place)
    region = zone[1] if zone else place.lower()
    return None if region in ("", "global") else region


def _found(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return (found[found.re.groups] if found else "") or ""
