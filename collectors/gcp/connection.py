"""Cloud Billing's export to BigQuery: lists invoice months by their newest export, fetches one as JSON lines."""

import gzip
import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from string import Template
from typing import Any, ClassVar, Final

from pydantic import Field, field_validator

from collectors.connections import (
    Allowed,
    Check,
    Connection,
    Covers,
    Fields,
    Progress,
    RemoteDelivery,
    Window,
    try_steps,
)
from collectors.errors import NotReadyError, ProviderRefusedError, ProviderUnavailableError
from collectors.gcp.bigquery import BigQuery
from collectors.gcp.exports import Export, export_of
from collectors.gcp.identity import Secrets
from collectors.gcp.prices import Catalog
from collectors.transfer import check_space

TABLE: Final = re.compile(r"([a-z][a-z0-9.:-]{4,60}[a-z0-9])[.:](\w{1,1024})\.([\w-]{1,1024})", re.ASCII)
ACCOUNT: Final = re.compile(r"_([0-9A-F]{6}_[0-9A-F]{6}_[0-9A-F]{6})$")
PROJECT: Final = re.compile(r"[a-z][a-z0-9.:-]{4,60}[a-z0-9]", re.ASCII)
EARLY: Final = timedelta(days=7)
"""How long before a month something on its invoice may have been exported: months end in other time zones."""

SEEN: Final = timedelta(days=45)  # before the newest row, when a connection is tested
GIGABYTE: Final = 1_000_000_000
MOST_GIGABYTES: Final = 100_000
POLICY: Final = Template("""\
# a service account that may read this table and run queries, and nothing else
gcloud iam service-accounts create finops-reader --project=$project
member=serviceAccount:finops-reader@$project.iam.gserviceaccount.com
gcloud projects add-iam-policy-binding $project \\
  --member="$$member" --role=roles/bigquery.jobUser --condition=None
bq query --project_id=$project --use_legacy_sql=false \\
  "GRANT \\`roles/bigquery.dataViewer\\` ON $what TO '$$member'"
# its key, for a server that has no Google Cloud identity of its own
gcloud iam service-accounts keys create finops-reader.json \\
  --iam-account="$${member#serviceAccount:}"
""")


class Settings(Fields):
    """Which table, and who pays for asking."""

    table: str = Field(
        title="Table",
        description="The standard, detailed or FOCUS usage cost export as project.dataset.table. Its name begins with"
        " gcp_billing_export_v1, gcp_billing_export_resource_v1 or gcp_billing_export_focus.",
    )
    project: str = Field(
        "", title="Project that runs the queries", description="Left empty, the project that the table is in."
    )
    gigabytes: str = Field(
        "100",
        title="Most GB that a query reads",
        description="BigQuery refuses larger queries before they cost anything. For a month, it reads the"
        " days in which that was exported.",
    )

    @field_validator("table")
    @classmethod
    def _is_table(cls, value: str) -> str:
        match = TABLE.fullmatch(value.strip("`"))
        if not match:
            raise ValueError("This is no table: write project.dataset.table, as its details in BigQuery show it.")
        return ".".join(match.groups())

    @field_validator("project")
    @classmethod
    def _is_project(cls, value: str) -> str:
        if value and not PROJECT.fullmatch(value):
            raise ValueError("This is no id of a project: it has small letters, digits and hyphens.")
        return value

    @field_validator("gigabytes")
    @classmethod
    def _is_number(cls, value: str) -> str:
        if not (value.isascii() and value.isdigit() and 1 <= int(value[:9]) <= MOST_GIGABYTES):
            raise ValueError(f"Write a whole number of GB, from 1 to {MOST_GIGABYTES:,}, without a unit.")
        return value


class GcpBigQuery(Connection):
    """The usage cost export, standard, detailed or FOCUS, of one billing account."""

    kind: ClassVar = "gcp-bigquery"
    title: ClassVar = "Google Cloud"
    help: ClassVar = "Cloud Billing's usage cost export, standard, detailed or FOCUS, as Google writes it to BigQuery."
    Settings: ClassVar = Settings
    Secrets: ClassVar = Secrets
    covers = Covers()
    template: ClassVar = "gcp-read-role.sh"
    template_help: ClassVar = "makes a service account and roles that may read this table and run queries, no more."

    def __init__(self, settings: Any, secrets: Any, allowed: Allowed) -> None:
        super().__init__(settings, secrets, allowed)
        project, key = settings.project or _project_of(settings.table), secrets.key.get_secret_value()
        self._queries = BigQuery(project, key, int(settings.gigabytes) * GIGABYTE)
        self._billing = Catalog(key)

    @property
    def calls(self) -> int:
        """How many questions were asked."""
        return self._queries.calls + self._billing.calls

    @classmethod
    def policy(cls, settings: Mapping[str, str]) -> str:
        """Commands that make a service account which may read this table, and nothing else."""
        match = TABLE.fullmatch(settings.get("table", "").strip("`"))
        project, dataset, table = match.groups() if match else ("PROJECT", "DATASET", "TABLE")
        runs = settings.get("project", "")
        runs_in = runs if PROJECT.fullmatch(runs) else project
        where = f"\\`{project}.{dataset}"
        shared = table.startswith("gcp_billing_export_focus")  # by Google, as a whole dataset
        return POLICY.substitute(project=runs_in, what=f"SCHEMA {where}\\`" if shared else f"TABLE {where}.{table}\\`")

    @classmethod
    def place(cls, settings: Mapping[str, str]) -> str:
        """The table."""
        return settings["table"]

    def check(self) -> Iterator[Check]:
        """Sign in, describe the table, list the newest months, ask how much reading one would read, and whose it is."""
        yield from try_steps(
            [
                ("Sign in to Google Cloud", self._queries.identity),
                ("Find the table", self._find),
                ("List the months", self._list),
                ("Weigh a month", self._weigh),
                ("Name the billing account", self._name_account),
            ]
        )

    def remote(self, window: Window) -> Iterator[RemoteDelivery]:
        """The invoice months, each marked by its newest export and its number of rows."""
        for month, newest, count, first, last in self._months(window.first.replace(day=1)):
            mark = hashlib.sha256(f"{newest} {count}".encode()).hexdigest()
            period = date(int(month[:4]), int(month[4:]), 1)
            address = f"bigquery://{self.settings.table}/{month}/{first}/{last}"
            yield RemoteDelivery(f"{period:%Y-%m}", address, mark, period)

    def fetch(self, address: str, folder: Path, progress: Progress) -> Path:
        """The rows of an invoice month, a JSON object a line, as an extract of the table has them."""
        month, first, last = address.rsplit("/", 3)[1:]
        path, done, rows, total = folder / f"{month}.json.gz", 0, 0, 0
        check_space(folder, 0)
        with gzip.open(path, "wb", compresslevel=1) as written:
            for page in self._queries.pages(self._export.rows, **_words(month, first, last)):
                lines = "".join(f"{line}\n" for (line,) in page.rows).encode()
                written.write(lines)
                done, rows, total = done + len(lines), rows + len(page.rows), page.total
                progress(done, 0)
        if rows != total:
            raise ProviderUnavailableError(f"{month} broke off after {rows:,} of {total:,} rows.")
        if not rows:
            raise NotReadyError(f"{month} has no rows any more: the table is being written anew.")
        return path

    def _find(self) -> str:
        self._export  # noqa: B018 - refuses a table that is no bill
        rows = "a view" if self._table.table_type == "VIEW" else f"{self._table.num_rows or 0:,} rows"
        return f"{self.settings.table}: {rows}"

    @cached_property
    def _table(self) -> Any:
        """The table as BigQuery describes it."""
        return self._queries.table(self.settings.table)

    @cached_property
    def _export(self) -> Export:
        """What is asked of it. Raises ProviderRefusedError for one that is no bill."""
        return export_of(self._table, self.settings.table)

    def _list(self) -> str:
        months = self._newest()
        if not months:
            raise NotReadyError(
                "The table has no rows of the last weeks. Google begins to fill it within a day after the export was"
                " made."
            )
        return ", ".join(f"{row[0][:4]}-{row[0][4:]}" for row in months)

    def _weigh(self) -> str:
        month, _, count, first, last = self._newest()[-1]
        size = self._queries.size_of(self._export.rows, **_words(month, first, last))
        most = int(self.settings.gigabytes)
        if size > most * GIGABYTE:
            raise ProviderRefusedError(
                f"Reading {month[:4]}-{month[4:]} would read {size / GIGABYTE:,.1f} GB, more than the {most:,} GB that"
                " the form allows: raise Most GB that a query reads."
            )
        return f"{month[:4]}-{month[4:]}: {count:,} rows, {size:,} bytes to read"

    def _name_account(self) -> str:
        """What the billing account is called, where the identity may see it. Collecting goes on without."""
        found = ACCOUNT.search(self.settings.table)
        number = found[1].replace("_", "-") if found else ""
        try:
            seen = self._billing.accounts()
        except (ProviderRefusedError, ProviderUnavailableError) as error:
            return f"Not seen, and not needed for collecting. {error}"
        if number in seen:
            return f"{number}: {seen[number]}"
        others = ", ".join(f"{account} ({name})" for account, name in sorted(seen.items())) or "none"
        return f"{number or 'That of the table'} is not seen, and need not be for collecting. Seen: {others}."

    def _newest(self) -> list[tuple[Any, ...]]:
        """The months of the newest exports; by Google's clock, ours may be off."""
        since = (self._table.modified.date() - SEEN).replace(day=1)
        return self._months(since)

    def _months(self, first: date) -> list[tuple[Any, ...]]:
        rows = self._queries.rows(self._export.months, since=first - EARLY, month=f"{first:%Y%m}")
        return [row for row in rows if re.fullmatch(r"\d{4}(0[1-9]|1[0-2])", str(row[0]), re.ASCII)]


def _words(month: str, first: str, last: str) -> dict[str, str | date]:
    """The parameters of the query for a month that was exported on these days."""
    return {"month": month, "first": date.fromisoformat(first), "last": date.fromisoformat(last)}


def _project_of(table: str) -> str:
    return table.rsplit(".", 2)[0]
