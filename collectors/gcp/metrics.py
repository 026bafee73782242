"""How busy things of Google Cloud are, by Cloud Monitoring: files of UTILIZATION, one delivery a project and day."""

import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from string import Template
from typing import Any, ClassVar, Final

import polars as pl
from pydantic import Field, field_validator

from collectors.cloud_metrics import days, hours_of, stretch, write_hours
from collectors.connections import (
    UTILISATION,
    Allowed,
    Check,
    Connection,
    Fields,
    Progress,
    RemoteDelivery,
    Window,
    try_steps,
)
from collectors.gcp.identity import Secrets
from collectors.gcp.measures import MEASURES
from collectors.gcp.monitoring import Look, Monitoring
from collectors.transfer import check_space

KEPT: Final = timedelta(days=42)
"""How long Cloud Monitoring keeps points as they were written: six weeks."""

SETTLED: Final = timedelta(hours=1)
PROJECT: Final = re.compile(r"[a-z][a-z0-9.:-]{4,60}[a-z0-9]|\d{1,20}")
POLICY: Final = Template("""\
# a service account that may read metrics, and nothing else
gcloud iam service-accounts create finops-reader --project=PROJECT
for project in $projects; do
  gcloud services enable monitoring.googleapis.com --project=$$project
  gcloud iam roles create finopsReadMetrics --project=$$project \\
    --permissions=monitoring.timeSeries.list,monitoring.metricDescriptors.list --stage=GA
  gcloud projects add-iam-policy-binding $$project \\
    --member=serviceAccount:finops-reader@PROJECT.iam.gserviceaccount.com \\
    --role=projects/$$project/roles/finopsReadMetrics --condition=None
done
""")


class Settings(Fields):
    """Whose metrics."""

    projects: str = Field(
        title="Projects",
        description="Their ids, with commas between them. The scoping project of a metrics scope has the metrics of all"
        " projects that it monitors.",
    )

    @field_validator("projects")
    @classmethod
    def _are_projects(cls, value: str) -> str:
        ids = [one.removeprefix("projects/").strip("/") for one in value.replace(",", " ").split()]
        if wrong := [one for one in ids if not PROJECT.fullmatch(one)] or ([] if ids else ["Nothing"]):
            raise ValueError(
                f"{wrong[0]} is no id of a project: write it like my-project, with commas between several."
            )
        return ", ".join(dict.fromkeys(ids))


class GcpMonitoring(Connection):
    """Machines and their GPUs, GKE's GPUs, Vertex AI endpoints and Cloud SQL."""

    kind: ClassVar = "gcp-monitoring"
    title: ClassVar = "Google Cloud Monitoring"
    help: ClassVar = (
        "How busy machines, GPUs of GKE, Vertex AI endpoints and Cloud SQL are, and with the Ops Agent the memory and"
        " the NVIDIA GPUs of machines."
    )
    brings: ClassVar = UTILISATION
    refresh_hours: ClassVar = 3
    Settings: ClassVar = Settings
    Secrets: ClassVar = Secrets
    template: ClassVar = "gcp-read-role.sh"
    template_help: ClassVar = "makes a service account and a role that may read metrics, and nothing else."

    def __init__(self, settings: Any, secrets: Any, allowed: Allowed) -> None:
        super().__init__(settings, secrets, allowed)
        self._monitoring = Monitoring(secrets.key.get_secret_value())
        self._projects = settings.projects.split(", ")

    @property
    def calls(self) -> int:
        """How many pages were asked for."""
        return self._monitoring.calls

    @classmethod
    def policy(cls, settings: Mapping[str, str]) -> str:
        """Commands that make a service account which may read metrics, and nothing else."""
        named = settings.get("projects", "").replace(",", " ").split()
        return POLICY.substitute(projects=" ".join(one for one in named if PROJECT.fullmatch(one)) or "PROJECT")

    @classmethod
    def place(cls, settings: Mapping[str, str]) -> str:
        """The projects."""
        return settings["projects"]

    def check(self) -> Iterator[Check]:
        """Sign in, then list and read the metrics of machines in each project."""
        steps = [("Sign in to Google Cloud", self._monitoring.identity)]
        steps += [(f"Read metrics of {one}", lambda one=one: self._count(one)) for one in self._projects]  # type: ignore[misc]
        yield from try_steps(steps)

    def remote(self, window: Window) -> Iterator[RemoteDelivery]:
        """The days of each project, by Google's clock."""
        now = self._monitoring.now(self._projects[0])
        for day, state in days(window.first, now, kept=KEPT, settled=SETTLED):
            for project in self._projects:
                yield RemoteDelivery(f"{project} {day}", f"monitoring://{project}/{day}", state, day.replace(day=1))

    def fetch(self, address: str, folder: Path, progress: Progress) -> Path:
        """A day of a project, measure by measure."""
        check_space(folder, 0)
        project, _, day = address.removeprefix("monitoring://").partition("/")
        look = Look(self._monitoring, project, *stretch(date.fromisoformat(day), self._monitoring.now(project)))
        return write_hours(self._hours(look, progress), folder, progress)

    def _hours(self, look: Look, progress: Progress) -> Iterator[pl.DataFrame]:
        for measure in MEASURES:
            progress(0, 0)
            yield hours_of(pl.concat(look.points(measure)))

    def _count(self, project: str) -> str:
        """How many machines were measured in the last full hour."""
        now = self._monitoring.now(project).replace(minute=0, second=0, microsecond=0)
        found = Look(self._monitoring, project, now - timedelta(hours=1), now).machines
        return f"machines measured in the last hour: {len(found):,}"
