"""How busy things of Azure subscriptions are, by Azure Monitor: files of UTILIZATION, one delivery a day."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from string import Template
from typing import Any, ClassVar, Final

import polars as pl

from collectors.azure.graph import Graph, Readable, readable
from collectors.azure.inventory import GUID, Secrets, Settings
from collectors.azure.measures import MEASURES
from collectors.azure.monitor import ROLE, Group, Monitor
from collectors.azure.sign_in import SignIn
from collectors.cloud_metrics import HOUR, POINTS, days, hours_of, stretch
from collectors.connections import (
    UTILISATION,
    Allowed,
    Check,
    Connection,
    Progress,
    RemoteDelivery,
    Window,
    try_steps,
)
from collectors.errors import ProviderRefusedError
from collectors.records import write_frame
from collectors.transfer import check_space
from collectors.utilization import UTILIZATION

KEPT: Final = timedelta(days=93)
"""How long Azure Monitor keeps metrics."""

SETTLED: Final = HOUR
_OF: Final = "type in~ (" + ", ".join(f"'{one}'" for one in MEASURES) + ")"
_NO_WAREHOUSE: Final = (
    "not(type =~ 'microsoft.sql/servers/databases' and (name =~ 'master' or kind has 'datawarehouse'))"
)
MEASURED: Final = f"""\
resources
| where {_OF} and {_NO_WAREHOUSE}
| project id, type, location, subscriptionId
| order by id asc"""
POLICY: Final = Template("""\
# an application that may see what there is in these subscriptions, and read its metrics: no keys, no contents
client_id=$client
az ad sp show --id "$$client_id" --output none || az ad sp create --id "$$client_id"
for subscription in $subscriptions; do
  az role assignment create \\
    --assignee "$$client_id" \\
    --role "$role" \\
    --scope "/subscriptions/$$subscription"
done
""")

Groups = Mapping[Group, Sequence[str]]


class AzureMonitor(Connection):
    """Machines, AKS, Machine Learning endpoints and databases of subscriptions."""

    kind: ClassVar = "azure-monitor"
    title: ClassVar = "Azure Monitor"
    help: ClassVar = (
        "How busy machines, scale sets, AKS, Machine Learning online endpoints with their GPUs, and databases are."
    )
    brings: ClassVar = UTILISATION
    refresh_hours: ClassVar = 3
    Settings: ClassVar = Settings
    Secrets: ClassVar = Secrets
    template: ClassVar = "azure-read-role.sh"
    template_help: ClassVar = "is a script for the Azure CLI that makes the application, its secret and its role."

    def __init__(self, settings: Any, secrets: Any, allowed: Allowed) -> None:
        super().__init__(settings, secrets, allowed)
        sign_in = SignIn(settings.tenant_id, settings.client_id, secrets.client_secret.get_secret_value())
        self._graph, self._monitor = Graph(sign_in), Monitor(sign_in)
        self._warnings: list[str] = []

    @property
    def calls(self) -> int:
        """How many requests were sent."""
        return self._graph.calls + self._monitor.calls

    @property
    def warnings(self) -> Sequence[str]:
        """Subscriptions, and types of resources in a region, that may not be read although the rest may."""
        return tuple(self._warnings)

    @classmethod
    def policy(cls, settings: Mapping[str, str]) -> str:
        """Commands that let the application read the metrics of these subscriptions."""
        named = settings.get("subscriptions", "").replace(",", " ").split()
        return POLICY.substitute(
            client=settings.get("client_id", "") or "CLIENT_ID",
            subscriptions=" ".join(text for text in named if GUID.fullmatch(text)) or "SUBSCRIPTION_ID",
            role=ROLE,
        )

    @classmethod
    def place(cls, settings: Mapping[str, str]) -> str:
        """The subscriptions."""
        return settings.get("subscriptions") or "all subscriptions that the application may read"

    def check(self) -> Iterator[Check]:
        """Sign in, list the subscriptions and what is measured in them, then read metrics of one of each type."""
        yield from try_steps(
            [
                ("Sign in to Azure", self._graph.identity),
                ("List the subscriptions", self._describe),
                ("Read metrics", self._try_each),
            ]
        )

    def remote(self, window: Window) -> Iterator[RemoteDelivery]:
        """The days, by Azure's clock."""
        self._readable()
        for day, state in days(window.first, self._graph.now, kept=KEPT, settled=SETTLED):
            yield RemoteDelivery(day.isoformat(), f"monitor://{day}", state, day.replace(day=1))

    def fetch(self, address: str, folder: Path, progress: Progress) -> Path:
        """A day of all subscriptions. Raises ProviderRefusedError when nothing at all could be read."""
        check_space(folder, 0)
        groups = self._groups(list(self._readable().names))
        start, end = stretch(date.fromisoformat(address.rpartition("/")[2]), self._graph.now)
        frames = [hours_of(pl.DataFrame(schema=POINTS)), *self._hours(groups, start, end, progress)]
        path = write_frame(UTILIZATION, pl.concat(frames), folder)
        size = path.stat().st_size
        progress(size, size)
        return path

    def _hours(self, groups: Groups, start: datetime, end: datetime, progress: Progress) -> Iterator[pl.DataFrame]:
        """Hours of each group; one that may not be read is left out as a whole."""
        refused: list[ProviderRefusedError] = []
        for group, resources in groups.items():
            try:
                points = self._monitor.points(group, resources, start, end, lambda: progress(0, 0))
                read = [hours_of(some) for some in points]
            except ProviderRefusedError as error:
                refused.append(error)
                self._warnings.append(f"{error} {group.type} in {group.region} is left out.")
                continue
            yield from read
        if refused and len(refused) == len(groups):
            raise refused[0]

    def _try_each(self) -> str:
        """Read the last hour of one resource of each group."""
        groups = self._groups(list(self._readable().names))
        now = self._graph.now
        for group, resources in groups.items():
            for _ in self._monitor.points(group, resources[:1], now - HOUR, now, lambda: None):
                pass
        count = sum(map(len, groups.values()))
        return f"metrics of {count:,} resources" if count else "there is nothing yet that is measured"

    def _groups(self, subscriptions: Sequence[str]) -> Groups:
        groups: dict[Group, list[str]] = {}
        for row in self._graph.rows(MEASURED, subscriptions):
            region = str(row["location"]).lower().replace(" ", "")
            group = Group(str(row["subscriptionId"]).lower(), region, str(row["type"]).lower())
            groups.setdefault(group, []).append(str(row["id"]).lower())
        return groups

    def _describe(self) -> str:
        found = self._readable()
        return " ".join([found.described, *self._warnings])

    def _readable(self) -> Readable:
        """The subscriptions to read. Raises ProviderRefusedError where there is none."""
        named = [text for text in self.settings.subscriptions.split(", ") if text]
        found = readable(self._graph, named, role=ROLE)
        self._warnings = [f"{one} what is in it is not measured." for one in found.missing]
        return found
