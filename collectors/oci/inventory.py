"""What exists in Oracle Cloud: compute instances and volumes of every compartment, as rows of the record set."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import product
from pathlib import Path
from string import Template
from typing import Any, ClassVar, Final

from pydantic import Field, field_validator

from collectors.connections import INVENTORY, Allowed, Check, Progress, RemoteDelivery, Window, try_steps
from collectors.errors import ProviderRefusedError, ProviderUnavailableError
from collectors.oci.client import Question
from collectors.oci.sign_in import SignInSettings, is_region
from collectors.oci.tenancy import InTenancy
from collectors.records import write_records
from collectors.resources import RESOURCES
from collectors.transfer import check_space

Row = dict[str, object]
Item = Mapping[str, Any]
API: Final = "/20160918"
TOLD: Final = "Write the policy that the form shows."
GONE: Final = ("TERMINATED", "DETACHED")
STATES: Final = {
    "ATTACHED": "attached",
    "ATTACHING": "attached",
    "AVAILABLE": "available",
    "CREATING_IMAGE": "running",
    "DETACHING": "attached",
    "FAULTY": "failed",
    "MOVING": "running",
    "PROVISIONING": "starting",
    "RESTORING": "starting",
    "RUNNING": "running",
    "STARTING": "starting",
    "STOPPED": "stopped",
    "STOPPING": "stopping",
    "TERMINATING": "deleting",
}
POLICY: Final = Template("""\
# a policy of the root compartment of $tenancy; the group has the user of the form
Allow group FinOpsReaders to inspect compartments in tenancy
Allow group FinOpsReaders to inspect tenancies in tenancy
Allow group FinOpsReaders to read instances in tenancy
Allow group FinOpsReaders to inspect volumes in tenancy
Allow group FinOpsReaders to inspect volume-attachments in tenancy
""")


@dataclass(frozen=True, slots=True)
class Attachments:
    """Which instance has a volume."""

    path: str
    volume: str  # the field with its OCID
    by_domain: bool  # asked for each availability domain


@dataclass(frozen=True, slots=True)
class Listed:
    """A list of one compartment in one region, and what its items are."""

    path: str
    kind: str
    says: str
    permission: str
    details: Mapping[str, str] = field(default_factory=dict)
    attachments: Attachments | None = None


LISTS: Final = (
    Listed(
        "/instances",
        "machine",
        "Compute instance",
        "read instances",
        {
            "vcpus": "shapeConfig.vcpus",
            "ocpus": "shapeConfig.ocpus",
            "gib": "shapeConfig.memoryInGBs",
            "gpus": "shapeConfig.gpus",
            "gpu": "shapeConfig.gpuDescription",
        },
    ),
    Listed(
        "/volumes",
        "disk",
        "Block volume",
        "inspect volumes",
        {"gib": "sizeInGBs", "vpus_per_gib": "vpusPerGB"},
        Attachments("/volumeAttachments", "volumeId", by_domain=False),
    ),
    Listed(
        "/bootVolumes",
        "disk",
        "Boot volume",
        "inspect volumes",
        {"gib": "sizeInGBs", "vpus_per_gib": "vpusPerGB"},
        Attachments("/bootVolumeAttachments", "bootVolumeId", by_domain=True),
    ),
)


class Settings(SignInSettings):
    """Who reads, and where."""

    regions: str = Field(
        "",
        title="Regions",
        description="That are listed, separated by commas. Left empty, all that the tenancy subscribes to.",
    )

    @field_validator("regions")
    @classmethod
    def _are_regions(cls, value: str) -> str:
        regions = [text.strip().lower() for text in value.split(",") if text.strip()]
        if not all(map(is_region, regions)):
            raise ValueError("Write regions like eu-frankfurt-1, separated by commas.")
        return ", ".join(dict.fromkeys(regions))


class OciInventory(InTenancy):
    """Instances and volumes of the compartments that the user may look into."""

    kind: ClassVar = "oci-inventory"
    title: ClassVar = "Oracle Cloud inventory"
    help: ClassVar = "Compute instances, block and boot volumes of every compartment and region of a tenancy."
    brings: ClassVar = INVENTORY
    refresh_hours: ClassVar = 1
    Settings: ClassVar = Settings

    def __init__(self, settings: Any, secrets: Any, allowed: Allowed) -> None:
        super().__init__(settings, secrets, allowed)
        self._refused: Counter[tuple[str, str]] = Counter()  # lists, by what is missing and what they are of
        self._notes: list[str] = []  # what else could not be had

    @property
    def warnings(self) -> Sequence[str]:
        """Lists that the user may not read, and what else could not be had."""
        refused = [
            f"{permission} is missing: {what} of {count:,} compartment{'s' * (count > 1)} are left out."
            for (permission, what), count in sorted(self._refused.items())
        ]
        return (*refused, *self._notes)

    @classmethod
    def policy(cls, settings: Mapping[str, str]) -> str:
        """The statements that let a group read instances and volumes, and nothing else."""
        return POLICY.substitute(tenancy=settings.get("tenancy", "") or "the tenancy")

    @classmethod
    def place(cls, settings: Mapping[str, str]) -> str:
        """The tenancy and its regions."""
        return f"{settings['tenancy']} in {settings.get('regions') or 'every region'}"

    def check(self) -> Iterator[Check]:
        """List regions and compartments, then read each list of the tenancy's root."""
        yield from try_steps(
            [
                ("List the regions", lambda: ", ".join(self._regions())),
                ("List the compartments", lambda: f"{len(self._compartments()):,} compartments"),
                *((f"Read {one.says.lower()}s", lambda one=one: self._try(one)) for one in LISTS),
            ]
        )

    def remote(self, window: Window) -> Iterator[RemoteDelivery]:  # noqa: ARG002 - what exists has no period
        """The one inventory; only reading it tells whether it has changed."""
        yield RemoteDelivery("inventory", f"oci://{self.settings.tenancy}", "")

    def fetch(self, address: str, folder: Path, progress: Progress) -> Path:  # noqa: ARG002 - settings say it all
        """A csv of what exists in each compartment and region."""
        check_space(folder, 0)
        self._refused.clear()
        self._notes.clear()
        return write_records(RESOURCES, self._rows(progress), folder)

    def _rows(self, progress: Progress) -> Iterator[Row]:
        """Every item of every list that may be read, and that it was read to its end."""
        compartments, read = {**self._compartments(), self.settings.tenancy: self._root()}, 0
        problem: ProviderUnavailableError | None = None
        for region in self._regions():
            try:
                for one, (compartment, name) in product(LISTS, compartments.items()):
                    rows = self._read(one, region, compartment, name)
                    read += bool(rows)
                    yield from rows
                    progress(self._oci.bytes, 0)
            except ProviderUnavailableError as error:
                if error.retry_after is not None:
                    raise
                problem = error
                self._notes.append(f"{error} What follows in {region} is left out.")
        if not read:
            raise problem or ProviderRefusedError(" ".join(self.warnings), permission=min(self._refused)[0])

    def _read(self, one: Listed, region: str, compartment: str, name: str) -> list[Row]:
        """A list, with its end as its last row; nothing where it may not be read."""
        try:
            items = [item for item in self._list(one.path, region, compartment, one.permission) if not _is_gone(item)]
            used_by = self._used_by(one, region, compartment, items)
        except ProviderRefusedError as error:
            if not error.permission:
                raise
            self._refused[error.permission, f"{one.says}s in {region}"] += 1
            return []
        shared: Row = {
            "provider": "Oracle",
            "sub_account_id": compartment,
            "region_id": region,
            "kind": one.kind,
            "resource_type": one.says,
            "listing": f"{region}/{compartment}{one.path}",
        }
        return [*({**_row(item, one, shared, used_by), "sub_account_name": name} for item in items), shared]

    def _used_by(self, one: Listed, region: str, compartment: str, items: Sequence[Item]) -> dict[str, str] | None:
        """Instances by the volumes that they have; None where items are not attached to anything."""
        how = one.attachments
        if how is None or not items:
            return None
        domains = sorted({str(item.get("availabilityDomain")) for item in items}) if how.by_domain else [""]
        return {
            str(item.get(how.volume)): str(item.get("instanceId"))
            for domain in domains
            for item in self._list(how.path, region, compartment, "inspect volume-attachments", domain)
            if not _is_gone(item)
        }

    def _list(self, path: str, region: str, compartment: str, permission: str, domain: str = "") -> Iterator[Item]:
        asked = [("compartmentId", compartment), ("limit", "1000")]
        asked += [("availabilityDomain", domain)] if domain else []
        return self._oci.pages(Question("iaas", region, API + path, tuple(asked), f"{permission} in tenancy", TOLD))

    def _try(self, one: Listed) -> str:
        found = list(self._list(one.path, self.settings.region, self.settings.tenancy, one.permission))
        return f"{len(found):,} in the root compartment, {self.settings.region}"

    def _regions(self) -> list[str]:
        if self.settings.regions:
            return str(self.settings.regions).split(", ")
        path = f"{API}/tenancies/{self.settings.tenancy}/regionSubscriptions"
        asked = Question("identity", self.settings.region, path, (), "inspect tenancies in tenancy", TOLD)
        found = [str(item.get("regionName")) for item in self._oci.pages(asked) if item.get("status") == "READY"]
        return sorted(filter(is_region, found))

    def _compartments(self) -> dict[str, str]:
        """Names of those that may be looked into, and the root without one, which is the tenancy."""
        words = {"compartmentId": self.settings.tenancy, "compartmentIdInSubtree": "true", "accessLevel": "ACCESSIBLE"}
        asked = (*words.items(), ("lifecycleState", "ACTIVE"), ("limit", "1000"))
        question = Question(
            "identity", self.settings.region, f"{API}/compartments", asked, "inspect compartments in tenancy", TOLD
        )
        found = sorted((str(one["id"]), str(one.get("name") or "")) for one in self._oci.pages(question) if "id" in one)
        return {self.settings.tenancy: "", **dict(found)}

    def _root(self) -> str:
        """The name of the tenancy; empty where it may not be asked."""
        path = f"{API}/tenancies/{self.settings.tenancy}"
        asked = Question("identity", self.settings.region, path, (), "inspect tenancies in tenancy", TOLD)
        try:
            said = self._oci.get(asked).said
        except ProviderRefusedError as error:
            self._notes.append(f"{error} Until then the root compartment has no name.")
            return ""
        return str(said.get("name") or "") if isinstance(said, dict) else ""


def _row(item: Item, one: Listed, shared: Row, used_by: Mapping[str, str] | None) -> Row:
    state = STATES.get(str(item.get("lifecycleState")), "unknown")
    identity, holder = str(item["id"]), (used_by or {}).get(str(item["id"]))
    if state == "available" and used_by is not None:
        state = "attached" if holder else "unattached"
    found = {
        "provider_state": item.get("lifecycleState"),
        "zone": item.get("availabilityDomain"),
        **{name: _at(item, path) for name, path in one.details.items()},
    }
    return {
        **shared,
        "resource_id": identity,
        "resource_name": item.get("displayName"),
        "size": item.get("shape") or f"{item.get('sizeInGBs')} GiB",
        "state": state,
        "created_at": _time(item.get("timeCreated")),
        "parent_id": holder,
        "tags": _tags(item),
        "details": {name: value for name, value in found.items() if value is not None},
    }


def _tags(item: Item) -> dict[str, str]:
    """As cost reports have them: those of a namespace with it, and those that anybody writes without one."""
    defined = (item.get("definedTags") or {}).items()
    spaced = {f"{space}.{key}": str(value) for space, tags in defined for key, value in tags.items()}
    return {**spaced, **{key: str(value) for key, value in (item.get("freeformTags") or {}).items()}}


def _at(item: Any, path: str) -> Any:
    for name in path.split("."):
        item = item.get(name) if isinstance(item, Mapping) else None
    return item


def _time(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text)) if text else None
    except ValueError:
        return None


def _is_gone(item: Item) -> bool:
    return item.get("lifecycleState") in GONE
