"""Answers of cost APIs, whole or refused: pages of buckets of results, saved as JSON files or fetched just now."""

import json
import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Protocol

from collectors.errors import RefusedFileError
from collectors.peek import DAMAGED, unpacked
from collectors.tokens import Dimensions
from collectors.values import shown

LARGEST_BYTES: Final = 64 << 20
"""Of one file; a month of a thousand projects and fifty models is about half of it."""

Result = Mapping[str, Any]
COSTS: Final = "costs"
_NEXT: Final = re.compile(r"\S")


class CostApi(Protocol):
    """What a vendor's cost and usage APIs say in their own way."""

    @property
    def provider(self) -> str:
        """Whose it is: "OpenAI"."""

    @property
    def format(self) -> str:
        """How the ledger calls its answers."""

    @property
    def costs_address(self) -> str:
        """Where costs are asked for; for messages."""

    @property
    def bucket_times(self) -> tuple[str, str]:
        """What a bucket calls its start and its end."""

    @property
    def sub_account_type(self) -> str:
        """What an organisation is divided into."""

    @property
    def dimensions(self) -> Dimensions:
        """What costs and usage are matched by."""

    def kind(self, result: Result) -> str:
        """COSTS, or what usage it is; empty when it is neither."""

    def cost(self, result: Result) -> dict[str, str | None]:
        """A line of costs under the names of collectors.model_costs.COLUMNS."""

    def by(self, result: Result) -> dict[str, str | None]:
        """What a line of costs or usage says of its dimensions."""

    def tokens(self, result: Result) -> dict[str, int | None]:
        """Tokens of a line of usage by the type that costs call them, None where they cannot be told."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """What a page says about one span of time."""

    start: datetime
    end: datetime
    results: tuple[Result, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """One page of an answer; `kind` is empty when none of its buckets has a result."""

    name: str
    kind: str
    buckets: tuple[Bucket, ...]
    has_more: bool


def read_json(path: Path) -> list[object]:
    """The pages in a file: one, a list of them, or several one after the other (a line each, or not)."""
    try:
        with path.open("rb") as file:
            content = unpacked(file).read(LARGEST_BYTES + 1)
    except DAMAGED as error:
        raise RefusedFileError(f"{path} is damaged or truncated ({error}).") from error
    if len(content) > LARGEST_BYTES:
        raise RefusedFileError(f"{path} is larger than {LARGEST_BYTES >> 20} MB: save fewer days in one file.")
    try:
        documents = list(_documents(content.decode("utf-8-sig")))
    except (ValueError, RecursionError) as error:
        raise RefusedFileError(f"{path} is not whole JSON: save the answer again.") from error
    return [page for document in documents for page in (document if isinstance(document, list) else [document])]


def _documents(text: str) -> Iterator[object]:
    decoder, position = json.JSONDecoder(), 0
    while (start := _NEXT.search(text, position)) is not None:
        document, position = decoder.raw_decode(text, start.start())
        yield document


def read_pages(answers: Iterable[tuple[str, Sequence[object]]], api: CostApi) -> list[Page]:
    """The pages of several named answers, each of them whole; raises RefusedFileError where something is missing."""
    pages = [_read_page(name, page, api) for name, raw_pages in answers for page in raw_pages]
    for kind in {page.kind for page in pages if page.kind}:
        _refuse_overlaps(kind, [page for page in pages if page.kind == kind])
    for page in pages:
        _refuse_open_end(page, pages)
    if pages and not any(page.kind in ("", COSTS) for page in pages):
        raise RefusedFileError(
            f"{pages[0].name} is usage of {api.provider}, which states no money: put the answer of {api.costs_address} "
            "beside it, in the same folder or the same upload."
        )
    return pages


def as_scalar(value: object) -> str | None:
    """A value as text: a number by its shortest form, null for null, for what is empty and for what holds others."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return repr(value)
    return str(value) or None if isinstance(value, str | int) else None


def others(result: Result, known: Container[str]) -> str:
    """What a result says besides, as JSON."""
    said = {f"x_{name}": as_scalar(value) for name, value in result.items() if name not in known}
    return json.dumps({name: value for name, value in said.items() if value is not None}, sort_keys=True)


def _read_page(name: str, page: object, api: CostApi) -> Page:
    buckets = page.get("data") if isinstance(page, dict) else None
    has_more = page.get("has_more") if isinstance(page, dict) else None
    if not isinstance(buckets, list) or not isinstance(has_more, bool):
        raise RefusedFileError(
            f"{name} holds something else than pages with data and has_more: save the answer of {api.costs_address} "
            "as it comes."
        )
    read = tuple(_read_bucket(name, bucket, api) for bucket in buckets)
    kinds = {api.kind(result) for bucket in read for result in bucket.results}
    if "" in kinds or len(kinds) > 1:
        raise RefusedFileError(f"{name} is no answer of {api.costs_address} of {api.provider}, nor of its usage.")
    if COSTS in kinds:
        _refuse_parts_of_days(name, read)
    return Page(name, "".join(kinds), read, has_more)


def _read_bucket(name: str, bucket: object, api: CostApi) -> Bucket:
    start, end = api.bucket_times
    results = bucket.get("results") if isinstance(bucket, dict) else None
    if not isinstance(bucket, dict) or not isinstance(results, list) or not all(isinstance(r, dict) for r in results):
        raise RefusedFileError(f"{name} has a bucket without results: save the answer of {api.costs_address} again.")
    return Bucket(read_time(name, start, bucket.get(start)), read_time(name, end, bucket.get(end)), tuple(results))


def read_time(name: str, key: str, value: object) -> datetime:
    """When a bucket of `name` starts or ends, as its `key` says: Unix seconds, or text with its offset."""
    try:
        if isinstance(value, str) and (time := datetime.fromisoformat(value)).tzinfo is not None:
            return time.astimezone(UTC)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise RefusedFileError(f"{name} has a bucket whose {key} is no time: {shown(str(value))}.") from error
    raise RefusedFileError(f"{name} has a bucket whose {key} is no time: {shown(str(value))}.")


def _refuse_parts_of_days(name: str, buckets: Iterable[Bucket]) -> None:
    """Costs come by days, and a day replaces what was said of it before: half of one must not."""
    for bucket in buckets:
        if bucket.start.time() != time():
            raise RefusedFileError(
                f"{name} has costs that start at {bucket.start:%Y-%m-%d %H:%M} UTC, within a day: ask for whole days, "
                "from 00:00 UTC on."
            )


def _refuse_overlaps(kind: str, pages: Iterable[Page]) -> None:
    """Two answers about one day would count twice."""
    found = sorted((bucket.start, bucket.end, page.name) for page in pages for bucket in page.buckets)
    for (_, end, name), (start, _, other) in pairwise(found):
        if start < end:
            where = f"{name} states" if name == other else f"{name} and {other} both state"
            raise RefusedFileError(f"{where} the {kind} of {start:%Y-%m-%d}: keep one, or it would count twice.")


def _refuse_open_end(page: Page, pages: Iterable[Page]) -> None:
    """A page that has more after it needs the page that starts where it ends; days without use are in it as well."""
    if not page.has_more:
        return
    end = page.buckets[-1].end if page.buckets else None
    following = (other for other in pages if other.kind in ("", page.kind) or not page.kind)
    if not any(other.buckets and other.buckets[0].start == end for other in following):
        until = f" after {end:%Y-%m-%d %H:%M} UTC" if end else ""
        raise RefusedFileError(
            f"{page.name} is incomplete: it has more{until}, and the next page is missing. Ask for it with "
            "page=next_page and put all pages into one file or folder."
        )
