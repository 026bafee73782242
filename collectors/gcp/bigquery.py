"""Asking BigQuery: signing in, describing a table, bounded queries. The SDK is loaded when it is called."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, TypeVar

from collectors.errors import ProviderRefusedError, ProviderUnavailableError
from collectors.gcp.errors import explain
from collectors.patience import patiently

TOKENS: Final = "https://oauth2.googleapis.com/token"
"""Where service accounts sign in: never the address that a key names, which anybody could have written into it."""

SCOPES: Final = ("https://www.googleapis.com/auth/bigquery",)
ANSWER_SECONDS: Final = 20.0
QUERY_SECONDS: Final = 900.0
PAGE_RETRY_SECONDS: Final = 10.0
KEPT: Final = ("type", "client_email", "private_key", "private_key_id")

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of an answer, and how many there are in all."""

    rows: list[tuple[Any, ...]]
    total: int


class BigQuery:
    """One project that runs queries, as a service account or as this server."""

    def __init__(self, project: str, key: str, most_bytes: int) -> None:
        self.calls = 0
        self._project = project
        self._key = key
        self._most_bytes = most_bytes
        self._made: Any = None
        self._credentials: Any = None

    def identity(self) -> str:
        """Sign in without asking anything; as whom."""
        from google.auth.transport.requests import Request  # noqa: PLC0415 - nobody without a Google source loads it

        self._ask(lambda: self._credential().refresh(Request()))
        return str(getattr(self._credential(), "service_account_email", None) or "the identity of this server")

    def table(self, name: str) -> Any:
        """What BigQuery says about a table."""
        return self._ask(lambda: self._client().get_table(name, retry=None, timeout=ANSWER_SECONDS))

    def size_of(self, sql: str, **words: str | date) -> int:
        """How many bytes a query would read. Asking costs nothing."""
        config = self._config(words, dry_run=True)
        return int(
            self._ask(
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
        found = self._ask(
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
        while (page := self._once(lambda: next(pages, None))) is not None:
            yield Page([row.values() for row in page], found.total_rows)

    def _config(self, words: dict[str, str | date], **settings: Any) -> Any:
        from google.cloud import bigquery  # noqa: PLC0415

        parameters = [
            bigquery.ScalarQueryParameter(name, "DATE" if isinstance(value, date) else "STRING", value)
            for name, value in words.items()
        ]
        return bigquery.QueryJobConfig(query_parameters=parameters, **settings)

    def _ask(self, ask: Callable[[], Answer]) -> Answer:
        def count() -> Answer:
            self.calls += 1
            return ask()

        return patiently(count, _faults(), explain)

    def _once(self, ask: Callable[[], Answer]) -> Answer:
        """A page of an answer: the SDK has tried it again already, and cannot go on after that."""
        self.calls += 1
        try:
            return ask()
        except _faults() as error:
            raise explain(error) from error

    def _client(self) -> Any:
        from google.cloud import bigquery  # noqa: PLC0415

        if self._made is None:
            self._made = bigquery.Client(project=self._project, credentials=self._credential())
        return self._made

    def _credential(self) -> Any:
        if self._credentials is None:
            self._credentials = self._new_credential()
        return self._credentials

    def _new_credential(self) -> Any:
        import google.auth  # noqa: PLC0415
        from google.oauth2 import service_account  # noqa: PLC0415

        if not self._key:
            return google.auth.default(scopes=SCOPES)[0]
        said = json.loads(self._key)
        known = {name: said[name] for name in KEPT if name in said} | {"token_uri": TOKENS}
        try:
            return service_account.Credentials.from_service_account_info(known, scopes=SCOPES)  # type: ignore[no-untyped-call]
        except ValueError as error:
            raise ProviderRefusedError("The key of the service account is damaged: copy its whole file.") from error


def _faults() -> tuple[type[Exception], ...]:
    """What the SDK raises."""
    import requests  # noqa: PLC0415
    from google.api_core.exceptions import GoogleAPIError  # noqa: PLC0415
    from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415

    return GoogleAPIError, GoogleAuthError, requests.RequestException, TimeoutError


def _page_retry() -> Any:
    """A page that falters is asked for again for a moment; whoever is asked to wait waits elsewhere."""
    from google.api_core.retry import Retry  # noqa: PLC0415

    return Retry(predicate=_falters, initial=0.1, maximum=1.0, timeout=PAGE_RETRY_SECONDS)


def _falters(error: Exception) -> bool:
    if not isinstance(error, _faults()):
        return False
    problem = explain(error)
    return isinstance(problem, ProviderUnavailableError) and problem.retry_after is None
