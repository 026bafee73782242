"""Asking BigQuery: describing a table, bounded queries. The SDK is loaded when it is called."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from collectors.errors import ProviderUnavailableError
from collectors.gcp.errors import Api, explain
from collectors.gcp.identity import ANSWER_SECONDS, Google, faults

BIGQUERY: Final = Api(
    title="BigQuery API",
    service="bigquery.googleapis.com",
    scopes=("https://www.googleapis.com/auth/bigquery",),
    roles={
        "bigquery.tables.getData": "BigQuery Data Viewer (roles/bigquery.dataViewer) on the table",
        "bigquery.jobs.create": "BigQuery Job User (roles/bigquery.jobUser) on the project that runs the queries",
    },
    missing="Check project and table.",
    project="the project that runs the queries",
    refused={
        "bytesBilledLimitExceeded": "The query would read more than the form allows: raise Most GB that a query reads.",
        "responseTooLarge": "The month is larger than BigQuery answers: use the standard export, not the detailed one.",
        "billingNotEnabled": "The project that runs the queries has no billing account: give another project.",
    },
)
QUERY_SECONDS: Final = 900.0
PAGE_RETRY_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of an answer, and how many there are in all."""

    rows: list[tuple[Any, ...]]
    total: int


class BigQuery(Google):
    """One project that runs queries."""

    def __init__(self, project: str, key: str, most_bytes: int) -> None:
        super().__init__(BIGQUERY, key)
        self._project = project
        self._most_bytes = most_bytes
        self._made: Any = None

    def table(self, name: str) -> Any:
        """What BigQuery says about a table."""
        return self.ask(lambda: self._client().get_table(name, retry=None, timeout=ANSWER_SECONDS))

    def size_of(self, sql: str, **words: str | date) -> int:
        """How many bytes a query would read. Asking costs nothing."""
        config = self._config(words, dry_run=True)
        return int(
            self.ask(
                lambda: (
                    self._client()
                    .query(sql, job_config=config, retry=None, job_retry=None, timeout=ANSWER_SECONDS)
                    .total_bytes_processed
                )
            )
        )

    def rows(self, sql: str, **words: str | date) -> list[tuple[Any, ...]]:
        """All rows of a short answer."""
        return [row for page in self.pages(sql, **words) for row in page.rows]

    def pages(self, sql: str, **words: str | date) -> Iterator[Page]:
        """The answer to a query that reads no more than is allowed; BigQuery refuses others before they cost."""
        config = self._config(words, maximum_bytes_billed=self._most_bytes)
        found = self.ask(
            lambda: self._client().query_and_wait(
                sql,
                job_config=config,
                api_timeout=ANSWER_SECONDS,
                wait_timeout=QUERY_SECONDS,
                retry=_page_retry(),
                job_retry=None,
            )
        )
        pages = iter(found.pages)
        while (page := self.once(lambda: next(pages, None))) is not None:
            yield Page([row.values() for row in page], found.total_rows)

    def _config(self, words: dict[str, str | date], **settings: Any) -> Any:
        from google.cloud import bigquery  # noqa: PLC0415 - nobody without a Google source loads it

        parameters = [
            bigquery.ScalarQueryParameter(name, "DATE" if isinstance(value, date) else "STRING", value)
            for name, value in words.items()
        ]
        return bigquery.QueryJobConfig(query_parameters=parameters, **settings)

    def _client(self) -> Any:
        from google.cloud import bigquery  # noqa: PLC0415

        if self._made is None:
            self._made = bigquery.Client(project=self._project, credentials=self.credential())
        return self._made


def _page_retry() -> Any:
    """A page that falters is asked for again for a moment; whoever is asked to wait waits elsewhere."""
    from google.api_core.retry import Retry  # noqa: PLC0415

    return Retry(predicate=_falters, initial=0.1, maximum=1.0, timeout=PAGE_RETRY_SECONDS)


def _falters(error: Exception) -> bool:
    if not isinstance(error, faults()):
        return False
    problem = explain(error, BIGQUERY)
    return isinstance(problem, ProviderUnavailableError) and problem.retry_after is None
