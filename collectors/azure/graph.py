"""Asking Azure Resource Graph what exists, page by page, as somebody who may read it. The SDK is loaded when called."""

import json
import math
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from collectors.azure.errors import Way, for_now, on_the_way, said_by
from collectors.azure.sign_in import TIMEOUTS, SignIn, credential_of
from collectors.errors import NotReadyError, ProviderRefusedError, ProviderUnavailableError
from collectors.patience import Problem, patiently

ENDPOINT: Final = "AZURE_RESOURCE_MANAGER_ENDPOINT"
"""Environment variable that leads to another cloud, for example https://management.usgovcloudapi.net."""

PUBLIC: Final = "https://management.azure.com"
READER: Final = "Reader"
PAGE_ROWS: Final = 200
"""Resources in an answer: Azure refuses one of more than 16 MB."""

AT_ONCE: Final = 200
"""Subscriptions that one question is about: Azure advises fewer than 300."""

MOST_PARTS: Final = 100_000
"""That a question is divided into: with more, the answers are no pages of resources."""

SPARE: Final = 1.25
"""How much smaller than a page a part is made: parts are not all of one size."""

LEAST: Final = 0.9
"""Of what was counted has to be told, else it is not believed that the rest went away."""

LONGEST_REST: Final = 15.0  # seconds; a quota is for five of them
SUBSCRIPTIONS: Final = """\
resourcecontainers
| where type =~ 'microsoft.resources/subscriptions'
| project id, name, subscriptionId
| order by id asc"""
_TIME: Final = re.compile(r"(\d+):(\d\d):(\d\d)(?:\.\d+)?", re.ASCII)
_WAY: Final = Way(
    "This server cannot look up the address of Azure Resource Manager.",
    "This server has no Azure identity of its own: give tenant id, client id and client secret of an application.",
)
_REFUSED: Final = {
    "InvalidAuthenticationTokenTenant": "The application is of another tenant than the subscriptions",
    "SubscriptionNotFound": "There is no subscription of one of these ids in the tenant: check them",
    "ResponsePayloadTooLarge": "Azure answers with more than it allows itself: name fewer subscriptions",
}
_NO_PAGE: Final = "Azure Resource Graph answered something else than a page of resources."
_SIGNED_OUT: Final = "Azure does not let us in: check tenant id, client id and client secret"
_DENIED: Final = ("AuthorizationFailed", "AccessDenied", "Forbidden")

Row = Mapping[str, Any]


class Graph:
    """Resource Graph, asked as somebody who has the role Reader."""

    def __init__(self, sign_in: SignIn) -> None:
        self.calls = 0
        self.bytes = 0  # of answers
        self._sign_in = sign_in
        self._credential: Any = None
        self._made: Any = None
        self._rest = 0.0
        self._told_at = ""

    @property
    def now(self) -> datetime:
        """What time it was by Azure's clock when it answered last."""
        return parsedate_to_datetime(self._told_at)

    def identity(self) -> str:
        """Sign in without reading anything; as whom."""
        from azure.core.exceptions import AzureError  # noqa: PLC0415 - nobody without an Azure source loads it

        patiently(lambda: self._credentials().get_token(f"{_endpoint()}/.default"), (AzureError,), explain)
        return self._sign_in.who

    def subscriptions(self) -> dict[str, str]:
        """Names of the subscriptions that it may read, by their ids. Without a role there is none, and no error."""
        return {str(row["subscriptionId"]).lower(): str(row["name"]) for row in self.rows(SUBSCRIPTIONS, ())}

    def rows(self, query: str, subscriptions: Sequence[str]) -> Iterator[Row]:
        """Every row of an answer, of all subscriptions where none is named.

        A second page begins so many rows after the first, and skips one where something was taken away meanwhile. So
        what is more than a page is asked for in parts, by a hash of the id, each of which is a page of its own: what
        is there all the time is told, and told once.
        """
        for start in range(0, max(len(subscriptions), 1), AT_ONCE):
            yield from self._rows(query, subscriptions[start : start + AT_ONCE])

    def _rows(self, query: str, subscriptions: Sequence[str], part: int = 0, parts: int = 1) -> Iterator[Row]:
        said = self._page(_part_of(query, part, parts), subscriptions)
        if said.skip_token is None:
            if str(said.result_truncated).lower().endswith("true") or len(said.data) != said.total_records:
                raise ProviderUnavailableError("Azure left something out of its answer and does not say how to get it.")
            yield from said.data
            return
        pages = max(2, math.ceil(SPARE * said.total_records / max(len(said.data), 1)))
        if parts * pages > MOST_PARTS:
            raise ProviderUnavailableError(_NO_PAGE)
        found = 0
        for further in range(pages):
            for row in self._rows(query, subscriptions, part + further * parts, parts * pages):
                found += 1
                yield row
        if parts == 1 and found < LEAST * said.total_records:
            counted = f"Azure counted {said.total_records:,} and gave {found:,}"
            raise NotReadyError(f"{counted}: too much went away meanwhile.", retry_after=60.0)

    def _page(self, query: str, subscriptions: Sequence[str]) -> Any:
        from azure.core.exceptions import AzureError, DeserializationError  # noqa: PLC0415
        from azure.mgmt.resourcegraph.models import QueryRequest, QueryRequestOptions  # noqa: PLC0415

        self._keep_to_quota()
        asked = QueryRequest(
            query=query,
            subscriptions=list(subscriptions) or None,
            options=QueryRequestOptions(top=PAGE_ROWS, result_format="objectArray"),
        )
        ask = self._client().resources
        faults = (AzureError, DeserializationError)
        said = patiently(lambda: ask(asked, raw_response_hook=self._note), faults, explain)
        rows, total = getattr(said, "data", None), getattr(said, "total_records", None)
        if not isinstance(rows, list) or not isinstance(total, int) or not all(isinstance(one, dict) for one in rows):
            raise ProviderUnavailableError(_NO_PAGE)
        return said

    def _client(self) -> Any:
        """A client without the SDK's own retries, which sleep where nobody can cancel."""
        from azure.mgmt.resourcegraph import ResourceGraphClient  # noqa: PLC0415

        if self._made is None:
            self._made = ResourceGraphClient(
                self._credentials(),
                _endpoint(),
                credential_scopes=[f"{_endpoint()}/.default"],
                raw_request_hook=self._count,
                retry_total=0,
                **TIMEOUTS,
            )
        return self._made

    def _credentials(self) -> Any:
        if self._credential is None:
            self._credential = credential_of(self._sign_in)
        return self._credential

    def _count(self, _: Any) -> None:
        self.calls += 1

    def _note(self, response: Any) -> None:
        """Remember how much came, and how long to rest when that was the last question of the quota."""
        answer = response.http_response
        self.bytes += len(answer.body())
        self._told_at = answer.headers.get("Date", self._told_at)
        used_up = answer.headers.get("x-ms-user-quota-remaining", "").strip() == "0"
        self._rest = _seconds(answer.headers.get("x-ms-user-quota-resets-after", "")) if used_up else 0.0

    def _keep_to_quota(self) -> None:
        rest, self._rest = self._rest, 0.0
        if rest > LONGEST_REST:
            raise ProviderUnavailableError("Azure asks for fewer questions to Resource Graph.", retry_after=rest)
        time.sleep(rest)


def explain(error: Exception) -> Problem:
    """What an exception of the SDK means."""
    if isinstance(error, ValueError):  # the SDK's own DeserializationError
        return ProviderUnavailableError(_NO_PAGE)
    if problem := on_the_way(error, _WAY):
        return problem
    answer: Any = getattr(error, "response", None)
    code, told = _code(answer), said_by(error)
    if problem := for_now(code, answer):
        return problem
    if answer.status_code == 200:
        return ProviderUnavailableError(_NO_PAGE)
    if answer.status_code == 403 or code in _DENIED:
        return missing_role()
    usual = _SIGNED_OUT if answer.status_code == 401 else "Azure Resource Graph refuses the question"
    said = next((said for word, said in _REFUSED.items() if word in told or word == code), usual)
    return ProviderRefusedError(f"{said} ({code or answer.status_code}).")


def missing_role(where: str = "the subscriptions", role: str = READER) -> ProviderRefusedError:
    """Without a role nobody sees anything."""
    return ProviderRefusedError(
        f"The role {role} is missing: assign it on {where}. It takes up to ten minutes to be known.",
        permission=role,
    )


@dataclass(frozen=True, slots=True)
class Readable:
    """Which subscriptions can be read, of those that were named or of all."""

    names: Mapping[str, str]  # by id
    missing: tuple[str, ...]  # beginnings of sentences on those that cannot

    @property
    def described(self) -> str:
        """Their names, as a sentence."""
        shown = ", ".join(list(self.names.values())[:5])
        return f"{shown} and {len(self.names) - 5:,} more." if len(self.names) > 5 else f"{shown}."


def readable(graph: Graph, named: Sequence[str], *, role: str = READER) -> Readable:
    """The subscriptions to read. Raises ProviderRefusedError where there is none: `role` is what it takes."""
    found = graph.subscriptions()
    names = {one: found[one] for one in named if one in found} if named else found
    if not names:
        raise missing_role(f"the subscription {named[0]}" if named else "a subscription", role)
    missing = (f"The role {role} is missing on the subscription {one}:" for one in named if one not in found)
    return Readable(names, tuple(missing))


def _part_of(query: str, part: int, parts: int) -> str:
    table, _, rest = query.partition("\n")
    return f"{table}\n| where hash(tolower(id)) % {parts} == {part}\n{rest}" if parts > 1 else query


def _code(answer: Any) -> str:
    """Azure's word for what went wrong."""
    try:
        said = json.loads(answer.text())
    except (ValueError, RecursionError):
        return ""
    error = said.get("error") if isinstance(said, dict) else None
    return str(error.get("code") or "") if isinstance(error, dict) else ""


def _seconds(text: str) -> float:
    """`00:00:05` -> 5."""
    match = _TIME.fullmatch(text.strip())
    return int(match[1]) * 3600.0 + int(match[2]) * 60 + int(match[3]) if match else 0.0


def _endpoint() -> str:
    return os.environ.get(ENDPOINT, PUBLIC).rstrip("/")
