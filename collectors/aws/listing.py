"""Rows of RESOURCES from what AWS answers: one type of resource in one region of one account, read to its end."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache, cached_property
from math import prod
from typing import Any, Final

from collectors.aws.clients import Aws
from collectors.aws.sorts import FROM_TAGGING, STATES, TAGGED, Sort

PROVIDER: Final = "AWS"
"""As bills of AWS name it, see collectors.aws.describe."""

PAGE_SIZES: Final = {"ec2": 1000}
"""Services that give everything at once unless they are told how much, and are then too slow to answer in time."""

Row = dict[str, object]
Found = Mapping[str, Any]
_STOPPED: Final = re.compile(r"\((\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (?:GMT|UTC)\)")


@dataclass
class Region:
    """A region of an account, asked as somebody who may look into it."""

    aws: Aws
    account: str
    partition: str
    name: str

    def rows(self, sort: Sort) -> Iterator[Row]:
        """Everything of a type that exists there. Raises ProviderRefusedError or ProviderUnavailableError."""
        for found in self.found(sort):
            yield self._row(sort, found)

    def found(self, sort: Sort) -> Iterator[Found]:
        """What the calls of a type say of each resource."""
        items: Iterable[Found] = [{"region": self.name, "account": self.account, "partition": self.partition}]
        for call in sort.calls:
            items = self._asked(sort.service, call.operation, call.found, call.words, items)
        yield from items

    def try_list(self, sort: Sort) -> None:
        """Ask for the first of a type, and for the tags where they come from elsewhere."""
        next(iter(self.found(sort)), None)
        if sort.tags == FROM_TAGGING:
            len(self.tags)

    def listing(self, sort: Sort) -> str:
        """The name of the complete list of a type."""
        return f"{self.account}/{self.name}/{sort.type}"

    def end_of(self, sort: Sort) -> Row:
        """The row that says that a list was read to its end."""
        return {
            "provider": PROVIDER,
            "sub_account_id": self.account,
            "region_id": self.name,
            "kind": sort.kind,
            "resource_type": sort.resource_type,
            "listing": self.listing(sort),
        }

    @cached_property
    def tags(self) -> Mapping[str, dict[str, str]]:
        """Tags of what is listed without them, by ARN."""
        client = self.aws.client("resourcegroupstaggingapi", self.name)
        pages = self.aws.pages(client, "get_resources", ResourceTypeFilters=list(TAGGED))
        return {one["ResourceARN"]: _tags(one["Tags"]) for page in pages for one in page["ResourceTagMappingList"]}

    def _asked(
        self, service: str, operation: str, found: str, words: Mapping[str, str], items: Iterable[Found]
    ) -> Iterator[Found]:
        client = self.aws.client(service, self.name)
        for item in items:
            asked = {name: search(where, item) for name, where in words.items()}
            if client.can_paginate(operation):
                page = {"PageSize": PAGE_SIZES.get(service)}
                answers = self.aws.pages(client, operation, **asked, PaginationConfig=page)
            else:
                answers = [self.aws.call(client, operation, **asked)]
            for answer in answers:
                one_or_more = search(found, answer)
                for one in one_or_more if isinstance(one_or_more, list) else [one_or_more or {}]:
                    yield {**item, **one}

    def _row(self, sort: Sort, found: Found) -> Row:
        word = str(search(sort.state, found) or "")
        said = {name: flat(name, search(where, found)) for name, where in sort.details.items()}
        details = {**said, "provider_state": word} if word else said
        identity = search(sort.id, found)
        return {
            **self.end_of(sort),
            "resource_id": identity,
            "aliases": [alias for where in sort.aliases if (alias := search(where, found)) not in (None, identity)],
            "resource_name": search(sort.name, found),
            "size": flat("size", search(sort.size, found)),
            "state": _state(sort, word),
            "created_at": search(sort.created, found),
            "parent_id": search(sort.parent, found),
            "tags": self._tags_of(sort, found),
            "details": {name: value for name, value in details.items() if value not in (None, "")},
        }

    def _tags_of(self, sort: Sort, found: Found) -> dict[str, str]:
        if sort.tags != FROM_TAGGING:
            return _tags(search(sort.tags, found))
        return self.tags.get(search(sort.tagged_as or sort.id, found), {})


@cache
def _compiled(expression: str) -> Any:
    """The library itself keeps fewer expressions than there are in the tables of types."""
    import jmespath  # noqa: PLC0415 - comes with the SDK, which nobody without an AWS source loads

    return jmespath.compile(expression)


def search(expression: str, item: Found) -> Any:
    """What a JMESPath expression finds."""
    return _compiled(expression).search(item)


def flat(name: str, value: Any) -> object:
    """A value as one word, number or truth; some details are read in their own way."""
    if name in _READ:
        return _READ[name](value)
    if isinstance(value, list):
        return ", ".join(dict.fromkeys(map(str, value)))
    return value.isoformat() if isinstance(value, date) else value


def _vcpus(value: Any) -> int | None:
    """Cores and threads a core."""
    return prod(value) if value and None not in value else None


def _stopped(value: Any) -> str | None:
    """`User initiated (2026-11-20 10:11:12 GMT)`: what AWS says of when and why, or the why where there is no when."""
    match = _STOPPED.search(str(value or ""))
    return datetime.fromisoformat(match[1]).replace(tzinfo=UTC).isoformat() if match else None


_READ: Final[Mapping[str, Callable[[Any], object]]] = {"vcpus": _vcpus, "stopped_since": _stopped}


def _state(sort: Sort, word: str) -> str:
    known = {**STATES, **sort.states}
    return known.get(word.lower(), sort.other_state if word else "unknown")


def _tags(value: Any) -> dict[str, str]:
    """Tags as an object; AWS lists them as pairs in some places."""
    if isinstance(value, list):
        return {str(one["Key"]): str(one.get("Value", "")) for one in value}
    return {str(key): str(text) for key, text in (value or {}).items()}
