"""Cost APIs that are asked again and again: months with costs, page by page, as files that read like saved answers."""

import hashlib
import json
import re
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Final
from urllib.parse import urlencode, urlsplit

import urllib3
from pydantic import Field, SecretStr, field_validator

from collectors.answers import LARGEST_BYTES, CostApi, read_time
from collectors.connections import Check, Connection, Covers, Fields, Progress, RemoteDelivery, Window, try_steps
from collectors.errors import NotReadyError, ProviderRefusedError, ProviderUnavailableError, RefusedFileError
from collectors.model_usage import LAST_DAYS, models_in_use
from collectors.net import open_url
from collectors.patience import patiently
from collectors.records import write_records
from collectors.resources import RESOURCES
from collectors.transfer import CHUNK_BYTES, check_space, retry_after
from collectors.values import shown

DAYS_A_PAGE: Final = 31  # as many as every one of these APIs gives at once
MOST_PAGES: Final = 40  # of a month: each holds a day at least
LARGEST_ERROR: Final = 1 << 16
TESTED_DAYS: Final = 31
MODELS: Final = "models"
UNUSED: Final = "unused"
"""Marks days in which no model was used, or nothing was charged."""
CORRECTED_DAYS: Final = 92
"""So far back an API that states nothing of a day takes back what it said of it; of days before, it may have forgotten.

No vendor says how long it remembers. The months that are looked at regularly begin at most 92 days ago."""
SIGNED_OUT: Final = (401, 403)
_SCOPES: Final = re.compile(r"missing scopes?: ([\w.]+(?:, ?[\w.]+)*)", re.IGNORECASE)


class AdminKey(Fields):
    """What these APIs ask for. Kinds say where theirs is made."""

    admin_key: SecretStr = Field(title="Admin key")

    @field_validator("admin_key")
    @classmethod
    def _is_key(cls, value: SecretStr) -> SecretStr:
        key = value.get_secret_value().strip()
        if not key:
            raise ValueError("Admin key is needed.")
        if not key.isascii() or any(character.isspace() for character in key):
            raise ValueError("This is no key: copy it whole, and nothing beside it.")
        return SecretStr(key)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for: an address, and what its answer is divided by."""

    path: str
    group_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RawPage:
    """A page as it came, and what paging needs of it."""

    content: bytes
    buckets: tuple[Mapping[str, Any], ...]
    next_page: str | None  # None where it is the last one
    said_at: datetime


class LiveCosts(Connection):
    """A vendor's cost and usage APIs. A month with costs is a delivery, up to the last day that is over (UTC).

    So are the models that were used in the last days.
    """

    Settings: ClassVar[type[Fields]] = Fields

    api: ClassVar[CostApi]
    address: ClassVar[str]
    costs: ClassVar[Question]
    usage: ClassVar[Question]
    group_parameter: ClassVar[str]
    key_begins: ClassVar[str]
    key_is_made: ClassVar[str]  # where, by whom, and what it has to be allowed, as a sentence

    def __init__(self, settings: Any, secrets: Any, allowed: Any) -> None:
        super().__init__(settings, secrets, allowed)
        self._calls = 0

    @property
    def calls(self) -> int:
        """How many requests were sent."""
        return self._calls

    @classmethod
    def place(cls, settings: Mapping[str, str]) -> str:  # noqa: ARG003 - a key belongs to one organisation
        """Whom it asks: the key alone says for which organisation."""
        return urlsplit(cls.address).hostname or ""

    @abstractmethod
    def headers(self, key: str) -> dict[str, str]:
        """By which a request signs in."""

    @abstractmethod
    def stamp(self, day: date) -> str:
        """The beginning of a day, in the API's words."""

    def check(self) -> Iterator[Check]:
        """Ask for the costs of some days, then for the usage."""
        yield from try_steps(
            [
                ("Read the costs", lambda: self._try(self.costs)),
                ("Read the usage", lambda: self._try(self.usage)),
            ]
        )

    def remote(self, window: Window) -> Iterator[RemoteDelivery]:
        """The months that have costs, each marked by a digest of them: they are asked for a month at a time.

        A month without any is told too, as empty, while it may be one that is taken back.

        Last come the models that were used lately, marked by a digest of that use.
        """
        first = window.first.replace(day=1)
        while first < self._today:
            following = (first + timedelta(days=31)).replace(day=1)
            end = min(following, self._today)
            digest = _digest(self._pages(self.costs, first, end), self.api.bucket_times[0])
            if digest or _may_be_corrected(first, self._today):
                address = self._name(self.costs, first, end)
                yield RemoteDelivery(f"{first:%Y-%m}", address, digest or UNUSED, first, is_empty=not digest)
            first = following
        first = self._today - timedelta(days=LAST_DAYS)
        digest = _digest(self._pages(self.usage, first, self._today), self.api.bucket_times[0])
        yield RemoteDelivery(MODELS, self._name(self.usage, first, self._today), digest or UNUSED)

    def fetch(self, address: str, folder: Path, progress: Progress) -> Path:
        """The pages of costs and of usage as they come, a file for each; fewer days than were asked for come later."""
        check_space(folder, 0)
        first, end = _days(address)
        if urlsplit(address).path == self.usage.path:
            buckets = (bucket for page in self._pages(self.usage, first, end) for bucket in page.buckets)
            return write_records(RESOURCES, models_in_use(buckets, self.api), folder)
        costs = self._keep(self._pages(self.costs, first, end), folder / "costs.jsonl", 0, progress)
        self._refuse_short(costs, end)
        self.covers = Covers(frozenset(self._stated(costs)))
        done = sum(len(page.content) for page in costs)
        self._keep(self._pages(self.usage, first, end), folder / "usage.jsonl", done, progress)
        return folder

    def _keep(self, pages: Iterable[RawPage], path: Path, done: int, progress: Progress) -> list[RawPage]:
        kept = []
        with path.open("xb") as file:
            for page in pages:
                file.write(page.content.strip() + b"\n")
                done += len(page.content)
                progress(done, 0)
                kept.append(page)
        return kept

    def _refuse_short(self, pages: list[RawPage], end: date) -> None:
        """A month that lacks its last days would look whole."""
        told = self._edge(pages[-1], self.api.bucket_times[1]) if pages[-1].buckets else None
        if told is None or told.date() < end:
            until = f"up to {told:%Y-%m-%d}" if told else "for none of these days"
            raise NotReadyError(f"{self._host} has costs {until}, and was asked for those before {end}.")

    def _stated(self, pages: Iterable[RawPage]) -> Iterator[str]:
        """The days that pages speak of, with costs or without any: parts of their month, as collectors.model_costs has
        them."""
        for page in pages:
            days = (self._time_of(bucket, self.api.bucket_times[0]).date() for bucket in page.buckets)
            yield from (day.isoformat() for day in days if _may_be_corrected(day, page.said_at.date()))

    def _try(self, question: Question) -> str:
        first = self._today - timedelta(days=TESTED_DAYS)
        pages = self._pages(question, first, self._today)
        lines = sum(len(bucket.get("results") or ()) for page in pages for bucket in page.buckets)
        told = ("nothing yet", "1 line")[lines] if lines < 2 else f"{lines:,} lines"
        return f"{first} to {self._today - timedelta(days=1)}: {told}"

    @cached_property
    def _today(self) -> date:
        """The day that is going on, in UTC and by the provider's clock: ours may be off."""
        yesterday = datetime.now(UTC).date() - timedelta(days=1)
        asked = [(self.api.bucket_times[0], self.stamp(yesterday)), ("limit", "1")]
        return self._page(self.costs, asked).said_at.date()

    def _pages(self, question: Question, first: date, end: date) -> Iterator[RawPage]:
        """Every page about the days from `first` to before `end`, each following on the one before."""
        start_name, end_name = self.api.bucket_times
        asked = [(start_name, self.stamp(first)), (end_name, self.stamp(end)), ("limit", str(DAYS_A_PAGE))]
        asked += [("bucket_width", "1d"), *((self.group_parameter, name) for name in question.group_by)]
        page = self._page(question, asked)
        size, seen = len(page.content), {""}
        yield page
        while page.next_page is not None:
            if page.next_page in seen or len(seen) > MOST_PAGES:
                raise ProviderUnavailableError(f"{self._host} has more pages, but does not say where the next one is.")
            seen.add(page.next_page)
            page = self._following(page, self._page(question, [*asked, ("page", page.next_page)]))
            size += len(page.content)
            self._refuse_large(size)
            yield page

    def _following(self, page: RawPage, following: RawPage) -> RawPage:
        """The next page, which starts where the one before ended: a gap is missing money, an overlap counts twice."""
        start_name, end_name = self.api.bucket_times
        if not (page.buckets and following.buckets) or self._edge(page, end_name) != self._edge(following, start_name):
            raise ProviderUnavailableError(f"The pages of {self._host} do not follow each other.")
        return following

    def _edge(self, page: RawPage, name: str) -> datetime:
        """When the first bucket of a page starts, or its last one ends."""
        start_name, _ = self.api.bucket_times
        return self._time_of(page.buckets[0 if name == start_name else -1], name)

    def _time_of(self, bucket: Mapping[str, Any], name: str) -> datetime:
        try:
            return read_time(self._host, name, bucket.get(name))
        except RefusedFileError as error:
            raise ProviderUnavailableError(str(error)) from error

    def _page(self, question: Question, asked: list[tuple[str, str]]) -> RawPage:
        """One page, asked for a few times where the API falters."""
        return patiently(lambda: self._ask(question, asked), (ProviderUnavailableError,), _still_unavailable)

    def _ask(self, question: Question, asked: list[tuple[str, str]]) -> RawPage:
        self._calls += 1
        url, headers = f"{self.address}{question.path}?{urlencode(asked)}", self.headers(self._key)
        answer = open_url(url, headers=headers, networks=self.allowed.networks, redirect=False)
        with answer:
            if answer.status != 200:
                raise self._problem(answer, question)
            content = self._content(answer)
        try:
            said = json.loads(content)
        except (ValueError, RecursionError):
            said = None
        buckets, has_more = (said.get("data"), said.get("has_more")) if isinstance(said, dict) else (None, None)
        if not isinstance(buckets, list) or not isinstance(has_more, bool) or not all(map(_is_bucket, buckets)):
            raise ProviderUnavailableError(f"{self._host}{question.path} answered something else than a page of days.")
        return RawPage(content, tuple(buckets), str(said.get("next_page") or "") if has_more else None, _time(answer))

    def _content(self, answer: urllib3.BaseHTTPResponse) -> bytes:
        content = bytearray()
        try:
            for chunk in answer.stream(CHUNK_BYTES, decode_content=False):
                content += chunk
                self._refuse_large(len(content))
        except urllib3.exceptions.HTTPError as error:
            raise ProviderUnavailableError(f"The answer of {self._host} broke off.") from error
        return bytes(content)

    def _refuse_large(self, size: int) -> None:
        if size > LARGEST_BYTES:
            raise ProviderRefusedError(
                f"{self._host} answers more than the {LARGEST_BYTES >> 20} MB that a month of costs or usage may have."
            )

    def _problem(self, answer: urllib3.BaseHTTPResponse, question: Question) -> Exception:
        said, status = _error_in(answer), answer.status
        if status in SIGNED_OUT:
            return self._refusal(status, said)
        if status in (408, 425, 429) or status >= 500:
            wait = retry_after(answer.headers.get("Retry-After"))
            return ProviderUnavailableError(f"{self._host} cannot answer now ({status}).", retry_after=wait)
        told = shown(said.replace(self._key, "...")) if said else "without a reason"
        return ProviderRefusedError(f"{self._host}{question.path} refuses the question ({status}): {told}.")

    def _refusal(self, status: int, said: str) -> ProviderRefusedError:
        """What the key lacks. The provider's own sentence may hold a part of the key, and is not repeated."""
        provider = self.api.provider
        if not self._key.startswith(self.key_begins):
            told, permission = f"This is not an admin key: those begin with {self.key_begins}.", "admin key"
        elif scopes := _SCOPES.search(said):
            permission = scopes[1].rstrip(".")
            told = f"The admin key lacks the permission {permission}."
        elif status == 401:
            told, permission = f"{provider} does not know the admin key: it was revoked, or is not whole.", ""
        else:
            told, permission = f"{provider} does not let the admin key read costs and usage.", "costs and usage"
        return ProviderRefusedError(f"{told} {self.key_is_made}", permission=permission)

    def _name(self, question: Question, first: date, end: date) -> str:
        """Where some days are, up to the last one that is over."""
        return f"{self.address}{question.path}#{first}..{end - timedelta(days=1)}"

    @property
    def _key(self) -> str:
        key: str = self.secrets.admin_key.get_secret_value()
        return key

    @property
    def _host(self) -> str:
        return self.place({})


def _digest(pages: Iterable[RawPage], start_name: str) -> str:
    """Over every line of costs, whatever their order; empty where there is none."""
    lines = sorted(
        json.dumps([bucket.get(start_name), result], sort_keys=True)
        for page in pages
        for bucket in page.buckets
        for result in bucket["results"]
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest() if lines else ""


def _days(address: str) -> tuple[date, date]:
    """The days in the name of a month: the first, and the one after the last."""
    first, _, last = address.rpartition("#")[2].partition("..")
    return date.fromisoformat(first), date.fromisoformat(last) + timedelta(days=1)


def _may_be_corrected(day: date, today: date) -> bool:
    return today - day <= timedelta(days=CORRECTED_DAYS)


def _still_unavailable(error: Exception) -> ProviderUnavailableError:
    return ProviderUnavailableError(str(error), retry_after=getattr(error, "retry_after", None))


def _is_bucket(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("results"), list)


def _time(answer: urllib3.BaseHTTPResponse) -> datetime:
    said = answer.headers.get("Date")
    try:
        return parsedate_to_datetime(said).astimezone(UTC) if said else datetime.now(UTC)
    except ValueError:
        return datetime.now(UTC)


def _error_in(answer: urllib3.BaseHTTPResponse) -> str:
    """The sentence in the answer of an API that refuses; empty where there is none."""
    try:
        said = json.loads(answer.read(LARGEST_ERROR, decode_content=False))
    except (ValueError, RecursionError, urllib3.exceptions.HTTPError):
        return ""
    error = said.get("error") if isinstance(said, dict) else None
    return str(error.get("message") or "") if isinstance(error, dict) else str(error or "")
