"""Asking Oracle Cloud's REST API: signed requests, page by page, with a few patient tries."""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import urllib3

from collectors.errors import NotReadyError, ProviderRefusedError, ProviderUnavailableError
from collectors.oci.signing import ApiKey, authorization
from collectors.patience import patiently
from collectors.transfer import CHUNK_BYTES, retry_after

ENDPOINT: Final = "OCI_SERVICE_ENDPOINT"
"""Environment variable that leads to another realm; `{service}` and `{region}` in it are those that are asked."""

PUBLIC: Final = "https://{service}.{region}.oraclecloud.com"
LARGEST_ANSWER: Final = 64 << 20
LARGEST_ERROR: Final = 64 << 10
MOST_PAGES: Final = 10_000
CLOCK_SKEW: Final = 300.0  # seconds that Oracle allows
_UNKNOWN_KEY: Final = (
    "Oracle does not know the key: check tenancy, user and fingerprint, and that the key is among the API keys of that"
    " user."
)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of which service where, and the permission without which it is refused."""

    service: str
    region: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    permission: str = ""
    told: str = ""  # what to do where it is missing

    @property
    def target(self) -> str:
        """The path with its query, as it is sent."""
        return f"{self.path}?{urlencode(self.query, quote_via=quote)}" if self.query else self.path

    def following(self, name: str, value: str) -> "Question":
        """The same for the next page."""
        query = (*(pair for pair in self.query if pair[0] != name), (name, value))
        return Question(self.service, self.region, self.path, query, self.permission, self.told)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came: the document, and what its headers say."""

    said: Any
    headers: Mapping[str, str]


class Oci:
    """The REST API, asked as somebody who has an API key."""

    def __init__(self, key: Callable[[], ApiKey]) -> None:
        self.calls = 0
        self.bytes = 0  # of answers
        self._key = key
        self._pool = urllib3.PoolManager(timeout=urllib3.Timeout(connect=10, read=30), retries=False)

    def get(self, question: Question) -> Answer:
        """A document in JSON. Raises ProviderRefusedError with the permission that is missing."""
        return patiently(lambda: self._document(question), (ProviderUnavailableError,), _the_same)

    def pages(self, question: Question) -> Iterator[Mapping[str, Any]]:
        """Every item of a list that names its next page in a header."""
        for _ in range(MOST_PAGES):
            answer = self.get(question)
            if not isinstance(answer.said, list) or not all(isinstance(item, dict) for item in answer.said):
                raise ProviderUnavailableError("Oracle answered something else than a list.")
            yield from answer.said
            following = answer.headers.get("opc-next-page")
            if not following:
                return
            question = question.following("page", following)
        raise ProviderUnavailableError("Oracle's list has no end.")

    @contextmanager
    def opened(self, question: Question, **headers: str) -> Iterator[urllib3.BaseHTTPResponse]:
        """An answer whose body is still to be read."""
        base = os.environ.get(ENDPOINT, PUBLIC).format(service=question.service, region=question.region).rstrip("/")
        host, target, date = urlsplit(base).netloc, urlsplit(base).path + question.target, formatdate(usegmt=True)
        signed = authorization(self._key(), target, host, date)
        self.calls += 1
        try:
            answer = self._pool.request(
                "GET",
                base + question.target,
                headers={"date": date, "host": host, "authorization": signed, **headers},
                preload_content=False,
                decode_content=False,
                redirect=False,
            )
            with answer:
                if answer.status not in (200, 206):
                    raise _problem(question, answer)
                yield answer
        except urllib3.exceptions.HTTPError as error:
            raise _unreachable(error, host) from error

    def stream(self, answer: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
        """The body in pieces."""
        for chunk in answer.stream(CHUNK_BYTES, decode_content=False):
            self.bytes += len(chunk)
            yield chunk

    def _document(self, question: Question) -> Answer:
        with self.opened(question) as answer:
            content = answer.read(LARGEST_ANSWER, decode_content=True)
            headers = {name.lower(): value for name, value in answer.headers.items()}
        self.bytes += len(content)
        try:
            return Answer(json.loads(content), headers)
        except (ValueError, RecursionError) as error:
            raise ProviderUnavailableError("Oracle answered something else than JSON.") from error


def _problem(question: Question, answer: urllib3.BaseHTTPResponse) -> Exception:
    """What an answer means that is none."""
    status, code = answer.status, _code(answer)
    wait = retry_after(answer.headers.get("Retry-After"))
    if status == 429:
        return ProviderUnavailableError(f"Oracle asks for fewer requests ({code or status}).", retry_after=wait)
    if status >= 500 or status == 408:
        return ProviderUnavailableError(f"Oracle has a fault of its own ({code or status}).", retry_after=wait)
    if status == 412:
        return NotReadyError("A file was replaced while it was read.", retry_after=60.0)
    if status == 401:
        return ProviderRefusedError(_clock(answer) or _UNKNOWN_KEY)
    if status in (403, 404) and question.permission:
        said = f"The permission is missing: {question.permission}. {question.told}"
        return ProviderRefusedError(said.strip(), permission=question.permission)
    return ProviderRefusedError(f"Oracle refuses the question ({code or status}): check tenancy and region.")


def _clock(answer: urllib3.BaseHTTPResponse) -> str:
    """Oracle does not say that a clock is wrong, but what time it has."""
    try:
        theirs = parsedate_to_datetime(answer.headers.get("Date", ""))
    except ValueError:
        return ""
    if abs(theirs.timestamp() - time.time()) < CLOCK_SKEW:
        return ""
    return f"The clock of this server is wrong: Oracle has {theirs:%Y-%m-%d %H:%M:%S} UTC. Set it right."


def _code(answer: urllib3.BaseHTTPResponse) -> str:
    """Oracle's word for what went wrong."""
    try:
        said = json.loads(answer.read(LARGEST_ERROR, decode_content=True))
    except (ValueError, RecursionError, urllib3.exceptions.HTTPError):
        return ""
    return str(said.get("code") or "") if isinstance(said, dict) else ""


def _unreachable(error: Exception, host: str) -> Exception:
    if isinstance(error, urllib3.exceptions.SSLError):
        return ProviderRefusedError(f"{host} has no certificate that this server trusts.")
    if isinstance(error, urllib3.exceptions.NameResolutionError):
        return ProviderUnavailableError(f"{host} cannot be looked up: check the region.")
    if isinstance(error, urllib3.exceptions.NewConnectionError | urllib3.exceptions.ConnectTimeoutError):
        return ProviderUnavailableError(f"{host} cannot be reached.")
    return ProviderUnavailableError(f"The connection to {host} broke off.")


def _the_same(error: Exception) -> ProviderUnavailableError:
    return error if isinstance(error, ProviderUnavailableError) else ProviderUnavailableError(str(error))
