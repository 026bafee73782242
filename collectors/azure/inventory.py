"""What exists in Azure subscriptions, by Resource Graph, as rows of the record set of resources."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar, Final

from collectors.azure.graph import PUBLIC
from collectors.azure.kinds import TYPES, Row, listing_of, rows_of
from collectors.azure.subscriptions import SubscriptionsConnection
from collectors.connections import INVENTORY, Check, Progress, RemoteDelivery, Window, try_steps
from collectors.records import write_records
from collectors.resources import RESOURCES
from collectors.transfer import check_space

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


class AzureInventory(SubscriptionsConnection):
    """Machines, disks, addresses, clusters, endpoints and databases of subscriptions."""

    kind: ClassVar = "azure-inventory"
    title: ClassVar = "Azure inventory"
    help: ClassVar = "What exists in Azure subscriptions: machines, disks, addresses, AKS, Machine Learning, databases."
    brings: ClassVar = INVENTORY
    refresh_hours: ClassVar = 1
    may: ClassVar = "read what there is in these subscriptions"
    otherwise: ClassVar = "what is in it is not listed."

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
        return write_records(RESOURCES, self._rows(self._readable().names, progress), folder)

    def _rows(self, subscriptions: Mapping[str, str], progress: Progress) -> Iterator[Row]:
        """Every resource, and at the end that each listing was read to its end."""
        for resource in self._graph.rows(RESOURCES_OF, list(subscriptions)):
            for row in rows_of(resource):
                yield {**row, "sub_account_name": subscriptions.get(str(row["sub_account_id"]).lower(), "")}
            progress(self._graph.bytes, 0)
        for subscription in subscriptions:
            yield from _ends(subscription)

    def _count(self) -> str:
        found = list(self._readable().names)
        counts = self._graph.rows(COUNTED, found)
        return f"{sum(int(row['found']) for row in counts):,} resources in {len(found):,} subscriptions"


def _ends(subscription: str) -> Iterator[Row]:
    for one in TYPES:
        yield {
            "provider": "Microsoft",
            "sub_account_id": subscription,
            "kind": one.kind,
            "resource_type": one.says,
            "listing": listing_of(subscription, one.type),
        }
