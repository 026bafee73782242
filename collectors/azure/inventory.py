"""What exists in Azure subscriptions, by Resource Graph, as rows of the record set of resources."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Any, ClassVar, Final

from pydantic import Field, SecretStr, field_validator

from collectors.azure.graph import PUBLIC, Graph, Readable, readable
from collectors.azure.kinds import TYPES, Row, listing_of, rows_of
from collectors.azure.sign_in import ClientId, ClientSecret, SignIn, TenantId
from collectors.connections import (
    INVENTORY,
    Allowed,
    Check,
    Connection,
    Fields,
    Progress,
    RemoteDelivery,
    Window,
    try_steps,
)
from collectors.records import write_records
from collectors.resources import RESOURCES
from collectors.transfer import check_space

GUID: Final = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.ASCII)
_OF: Final = "type in~ (" + ", ".join(f"'{one.type}'" for one in TYPES) + ")"
_NOT_FREE: Final = "not(type =~ 'microsoft.sql/servers/databases' and name =~ 'master')"
RESOURCES_OF: Final = f"""\
resources
| where {_OF} and {_NOT_FREE}
| project id, name, type, kind, location, subscriptionId, resourceGroup, managedBy, sku, tags, zones, systemData,
  properties
| order by id asc"""
COUNTED: Final = f"""\
resources
| where {_OF} and {_NOT_FREE}
| summarize found = count() by subscriptionId
| order by subscriptionId asc"""
POLICY: Final = Template("""\
# an application that may read what there is in these subscriptions: no keys, no contents
client_id=$client
az ad sp show --id "$$client_id" --output none || az ad sp create --id "$$client_id"
for subscription in $subscriptions; do
  az role assignment create \\
    --assignee "$$client_id" \\
    --role "Reader" \\
    --scope "/subscriptions/$$subscription"
done
""")


class Settings(Fields):
    """Which subscriptions, and as whom they are read."""

    subscriptions: str = Field(
        "",
        title="Subscriptions",
        description="Their ids, separated by commas. Left empty, all that the application may read.",
    )
    tenant_id: TenantId = ""
    client_id: ClientId = ""

    @field_validator("subscriptions")
    @classmethod
    def _are_ids(cls, value: str) -> str:
        ids = [text.strip().lower() for text in value.split(",") if text.strip()]
        if wrong := [text for text in ids if not GUID.fullmatch(text)]:
            raise ValueError(f"{wrong[0]} is no id of a subscription: it has 32 letters and digits, and 4 hyphens.")
        return ", ".join(dict.fromkeys(ids))


class Secrets(Fields):
    """How it signs in, where the server has no Azure identity of its own."""

    client_secret: ClientSecret = SecretStr("")


class AzureInventory(Connection):
    """Machines, disks, addresses, clusters, endpoints and databases of subscriptions."""

    kind: ClassVar = "azure-inventory"
    title: ClassVar = "Azure inventory"
    help: ClassVar = "What exists in Azure subscriptions: machines, disks, addresses, AKS, Machine Learning, databases."
    brings: ClassVar = INVENTORY
    refresh_hours: ClassVar = 1
    Settings: ClassVar = Settings
    Secrets: ClassVar = Secrets
    template: ClassVar = "azure-read-role.sh"
    template_help: ClassVar = "is a script for the Azure CLI that makes the application, its secret and its role."

    def __init__(self, settings: Any, secrets: Any, allowed: Allowed) -> None:
        super().__init__(settings, secrets, allowed)
        secret = secrets.client_secret.get_secret_value()
        self._graph = Graph(SignIn(settings.tenant_id, settings.client_id, secret))
        self._warnings: list[str] = []

    @property
    def calls(self) -> int:
        """How many requests were sent."""
        return self._graph.calls

    @property
    def warnings(self) -> Sequence[str]:
        """Subscriptions that were named and may not be read."""
        return tuple(self._warnings)

    @classmethod
    def policy(cls, settings: Mapping[str, str]) -> str:
        """Commands that let the application read these subscriptions."""
        named = settings.get("subscriptions", "").replace(",", " ").split()
        return POLICY.substitute(
            client=settings.get("client_id", "") or "CLIENT_ID",
            subscriptions=" ".join(text for text in named if GUID.fullmatch(text)) or "SUBSCRIPTION_ID",
        )

    @classmethod
    def place(cls, settings: Mapping[str, str]) -> str:
        """The subscriptions."""
        return settings.get("subscriptions") or "all subscriptions that the application may read"

    def check(self) -> Iterator[Check]:
        """Sign in, list the subscriptions, count what is in them: without a role there is nothing, and no error."""
        yield from try_steps(
            [
                ("Sign in to Azure", self._graph.identity),
                ("List the subscriptions", self._describe),
                ("Count what exists", self._count),
            ]
        )

    def remote(self, window: Window) -> Iterator[RemoteDelivery]:  # noqa: ARG002 - what exists has no period
        """The one inventory; only reading it tells whether it has changed."""
        yield RemoteDelivery("inventory", PUBLIC, "")

    def fetch(self, address: str, folder: Path, progress: Progress) -> Path:  # noqa: ARG002 - settings say it all
        """A csv of what exists in each subscription."""
        check_space(folder, 0)
        return write_records(RESOURCES, self._rows(list(self._readable().names), progress), folder)

    def _rows(self, subscriptions: Sequence[str], progress: Progress) -> Iterator[Row]:
        """Every resource, and at the end that each listing was read to its end."""
        for resource in self._graph.rows(RESOURCES_OF, subscriptions):
            yield from rows_of(resource)
            progress(self._graph.bytes, 0)
        for subscription in subscriptions:
            yield from _ends(subscription)

    def _describe(self) -> str:
        found = self._readable()
        return " ".join([found.described, *self._warnings])

    def _count(self) -> str:
        found = list(self._readable().names)
        counts = self._graph.rows(COUNTED, found)
        return f"{sum(int(row['found']) for row in counts):,} resources in {len(found):,} subscriptions"

    def _readable(self) -> Readable:
        """The subscriptions to read. Raises ProviderRefusedError where there is none."""
        found = readable(self._graph, [text for text in self.settings.subscriptions.split(", ") if text])
        self._warnings = [f"{one} what is in it is not listed." for one in found.missing]
        return found


def _ends(subscription: str) -> Iterator[Row]:
    for one in TYPES:
        yield {
            "provider": "Microsoft",
            "sub_account_id": subscription,
            "kind": one.kind,
            "resource_type": one.says,
            "listing": listing_of(subscription, one.type),
        }
