"""What exists in Google Cloud: lists the assets of a project, folder or organisation by Cloud Asset Inventory."""

import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from string import Template
from typing import Any, ClassVar, Final

from pydantic import Field, field_validator

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
from collectors.errors import ProviderRefusedError, ProviderUnavailableError
from collectors.gcp.assets import TYPES, AssetType, Project, Projects, end_of_listing, read_project, resource_row
from collectors.gcp.errors import Api
from collectors.gcp.identity import ANSWER_SECONDS, Google, Secrets, follow
from collectors.records import write_records
from collectors.resources import RESOURCES
from collectors.transfer import check_space

PARENT: Final = re.compile(r"projects/[a-z][a-z0-9.:-]{4,60}[a-z0-9]|(?:projects|folders|organizations)/\d{1,20}")
PROJECTS: Final = "cloudresourcemanager.googleapis.com/Project"
MACHINES: Final = "compute.googleapis.com/Instance"
PAGE: Final = 1000
ASSETS: Final = Api(
    title="Cloud Asset API",
    service="cloudasset.googleapis.com",
    scopes=("https://www.googleapis.com/auth/cloud-platform",),
    roles={
        "cloudasset.assets.listResource": "the role of deploy/gcp-read-role.sh, or Cloud Asset Viewer"
        " (roles/cloudasset.viewer), on the project, folder or organisation"
    },
    missing="Check how the project, folder or organisation is spelt.",
)
POLICY: Final = Template("""\
# a service account that may list what exists there, and nothing else
gcloud services enable cloudasset.googleapis.com --project=PROJECT
gcloud iam service-accounts create finops-reader --project=PROJECT
gcloud iam roles create finopsReadInventory $home \\
  --permissions=cloudasset.assets.listResource --stage=GA
$bind \\
  --member=serviceAccount:finops-reader@PROJECT.iam.gserviceaccount.com \\
  --role=$role/roles/finopsReadInventory --condition=None
""")


class Settings(Fields):
    """What is listed."""

    parent: str = Field(
        title="Project, folder or organisation",
        description="projects/my-project, folders/123456789012 or organizations/123456789012. What is below it is"
        " listed too.",
    )

    @field_validator("parent")
    @classmethod
    def _is_parent(cls, value: str) -> str:
        parent = value.strip("/") if "/" in value else f"projects/{value}"
        if not PARENT.fullmatch(parent):
            raise ValueError(
                "This is none: write projects/ with an id, or folders/ or organizations/ with a number, for example"
                " organizations/123456789012."
            )
        return parent


class Assets(Google):
    """Cloud Asset Inventory."""

    def __init__(self, key: str) -> None:
        super().__init__(ASSETS, key)
        self._made: Any = None

    def pages(self, parent: str, asset_type: str) -> Iterator[tuple[list[dict[str, Any]], int]]:
        """The assets of a type as they were at one moment, page by page, with the bytes of the page."""
        token, before = "", set[str]()
        while True:
            page = self.ask(partial(self._list, parent, asset_type, token))
            yield [type(asset).to_dict(asset) for asset in page.assets], type(page).pb(page).ByteSize()
            if not page.next_page_token:
                return
            token = follow(page.next_page_token, before)

    def _list(self, parent: str, asset_type: str, token: str) -> Any:
        request = {
            "parent": parent,
            "asset_types": [asset_type],
            "content_type": "RESOURCE",
            "page_size": PAGE,
            "page_token": token,
        }
        found = self._client().list_assets(request=request, retry=None, timeout=ANSWER_SECONDS)
        return next(iter(found.pages))

    def _client(self) -> Any:
        from google.cloud import asset_v1  # noqa: PLC0415 - nobody without a Google source loads it
        from google.cloud.asset_v1.services.asset_service.transports import AssetServiceRestTransport  # noqa: PLC0415

        if self._made is None:
            transport = AssetServiceRestTransport(host=self.host(), credentials=self.credential())
            self._made = asset_v1.AssetServiceClient(transport=transport)
        return self._made


class GcpInventory(Connection):
    """What exists in a project, folder or organisation."""

    kind: ClassVar = "gcp-inventory"
    title: ClassVar = "Google Cloud inventory"
    help: ClassVar = (
        "Machines, disks, addresses, GKE, Vertex AI, notebooks, Cloud SQL and buckets, by Cloud Asset Inventory."
    )
    Settings: ClassVar = Settings
    Secrets: ClassVar = Secrets
    template: ClassVar = "gcp-read-role.sh"
    template_help: ClassVar = "makes a service account and a role that may list what exists there, and nothing else."
    refresh_hours: ClassVar = 1
    brings: ClassVar = INVENTORY

    def __init__(self, settings: Any, secrets: Any, allowed: Allowed) -> None:
        super().__init__(settings, secrets, allowed)
        self._assets = Assets(secrets.key.get_secret_value())
        self._unknown: list[str] = []

    @property
    def calls(self) -> int:
        """How many pages were asked for."""
        return self._assets.calls

    @property
    def warnings(self) -> tuple[str, ...]:
        """Types of assets that were not listed."""
        return tuple(
            f"Cloud Asset Inventory does not list {name}: what there is of it is not shown." for name in self._unknown
        )

    @classmethod
    def policy(cls, settings: Mapping[str, str]) -> str:
        """Commands that make a service account which may list what exists there, and nothing else."""
        parent = settings.get("parent", "") or "projects/PROJECT"
        kind, _, name = parent.partition("/") if "/" in parent else ("projects", "/", parent)
        word = {"projects": "project", "folders": "organization", "organizations": "organization"}.get(kind, "project")
        home = name if kind != "folders" else "ORGANISATION"  # folders keep no roles
        bind = {"folders": "resource-manager folders", "organizations": "organizations"}.get(kind, "projects")
        return POLICY.substitute(
            home=f"--{word}={home}", bind=f"gcloud {bind} add-iam-policy-binding {name}", role=f"{word}s/{home}"
        )

    @classmethod
    def place(cls, settings: Mapping[str, str]) -> str:
        """The project, folder or organisation."""
        return settings["parent"]

    def check(self) -> Iterator[Check]:
        """Sign in, list the projects and the machines."""
        yield from try_steps(
            [
                ("Sign in to Google Cloud", self._assets.identity),
                ("List the projects", self._count_projects),
                ("List the machines", self._count_machines),
            ]
        )

    def remote(self, window: Window) -> Iterator[RemoteDelivery]:  # noqa: ARG002 - what exists has no period
        """One snapshot; only its content tells whether it is a new one."""
        yield RemoteDelivery("resources", f"assets://{self.settings.parent}", "")

    def fetch(self, address: str, folder: Path, progress: Progress) -> Path:  # noqa: ARG002 - there is one
        """Everything that exists, as a csv of resources: type by type, each in the order of names."""
        check_space(folder, 0)
        self._unknown.clear()
        return write_records(RESOURCES, self._rows(progress), folder)

    def _rows(self, progress: Progress) -> Iterator[Mapping[str, object]]:
        projects, done = self._projects(), 0
        for of in TYPES:
            listing = f"{self.settings.parent}/{of.name}"
            rows = [end_of_listing(of, listing)]
            for assets, size in self._pages(of):
                rows += [resource_row(asset, of, projects, listing) for asset in assets]
                done += size
                progress(done, 0)
            if of.name not in self._unknown:
                yield from sorted(rows, key=lambda row: str(row.get("resource_id", "")))

    def _pages(self, of: AssetType) -> Iterator[tuple[list[dict[str, Any]], int]]:
        """The pages of a type; none of one that Cloud Asset Inventory does not know."""
        from google.api_core.exceptions import BadRequest  # noqa: PLC0415 - nobody without a Google source loads it

        told = 0
        try:
            for page in self._assets.pages(self.settings.parent, of.name):
                yield page
                told += 1
        except ProviderRefusedError as error:
            if not isinstance(error.__cause__, BadRequest):
                raise
            if told:
                raise ProviderUnavailableError("Cloud Asset Inventory did not give the next page.") from error
            self._unknown.append(of.name)

    def _projects(self) -> Projects:
        return dict(
            read_project(asset) for assets, _ in self._assets.pages(self.settings.parent, PROJECTS) for asset in assets
        )

    def _count_projects(self) -> str:
        projects: list[Project] = list(self._projects().values())
        return projects[0].id if len(projects) == 1 else f"{len(projects):,} projects"

    def _count_machines(self) -> str:
        return f"{sum(len(assets) for assets, _ in self._assets.pages(self.settings.parent, MACHINES)):,} machines"
