"""How busy things of Azure subscriptions are, by Azure Monitor: files of UTILIZATION, one delivery a day."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, Final

import polars as pl

from collectors.azure.measures import MEASURES
from collectors.azure.monitor import ROLE, Group, Monitor
from collectors.azure.subscriptions import SubscriptionsConnection
from collectors.cloud_metrics import HOUR, days, hours_of, stretch, write_hours
from collectors.connections import UTILISATION, Allowed, Check, Progress, RemoteDelivery, Window, try_steps
from collectors.errors import ProviderRefusedError
from collectors.transfer import check_space

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
Groups = Mapping[Group, Sequence[str]]


class AzureMonitor(SubscriptionsConnection):
    """Machines, AKS, Machine Learning endpoints and databases of subscriptions."""

    kind: ClassVar = "azure-monitor"
    title: ClassVar = "Azure Monitor"
    help: ClassVar = (
        "How busy machines, scale sets, AKS, Machine Learning online endpoints with their GPUs, and databases are."
    )
    brings: ClassVar = UTILISATION
    refresh_hours: ClassVar = 3
    role: ClassVar = ROLE
    may: ClassVar = "see what there is in these subscriptions, and read its metrics"
    otherwise: ClassVar = "what is in it is not measured."

    def __init__(self, settings: Any, secrets: Any, allowed: Allowed) -> None:
        super().__init__(settings, secrets, allowed)
        self._monitor = Monitor(self._signs_in)

    @property
    def calls(self) -> int:
        """How many requests were sent."""
        return self._graph.calls + self._monitor.calls

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
        return write_hours(self._hours(groups, start, end, progress), folder, progress)

    def _hours(self, groups: Groups, start: datetime, end: datetime, progress: Progress) -> Iterator[pl.DataFrame]:
        """Hours of each group; one that may not be read is left out as a whole."""
        refused: list[ProviderRefusedError] = []
        for group, resources in groups.items():
            self._monitor.failed.clear()
            try:
                points = self._monitor.points(group, resources, start, end, lambda: progress(0, 0))
                read = [hours_of(some) for some in points]
            except ProviderRefusedError as error:
                refused.append(error)
                self._warnings.append(f"{error} {group.type} in {group.region} is left out.")
                continue
            self._warn_of_failed(group)
            yield from read
        if refused and len(refused) == len(groups):
            raise refused[0]

    def _warn_of_failed(self, group: Group) -> None:
        if failed := ", ".join(sorted(self._monitor.failed)):
            left_out = f"some of {group.type} in {group.region} are left out."
            self._warnings.append(f"Azure Monitor could not tell all metrics ({failed}): {left_out}")

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
