"""The parts of Google Cloud that the product asks: a service account's tokens, BigQuery over one billing export, more.

It answers the questions of collectors/gcp/connection.py as BigQuery would, page by page; its answers can be spoiled.
"""

import ast
import csv
import gzip
import io
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from collectors.gcp import bigquery, identity
from tests.aws import Silent
from tests.gcp_apis import Shelves

PROJECT, DATASET, TABLE = "northwind-billing", "export", "gcp_billing_export_v1_0123AB_4567CD_89EF01"
NAME = f"{PROJECT}.{DATASET}.{TABLE}"
EMAIL = "finops-reader@northwind-billing.iam.gserviceaccount.com"
TOKEN = "ya29.a-token-that-nobody-may-see"
LISTS = ("credits", "labels", "system_labels", "project.labels", "project.ancestry_numbers", "tags")
NUMBERS = ("cost", "currency_conversion_rate", "usage.amount", "usage.amount_in_pricing_units", "cost_at_list")
TIMES = ("usage_start_time", "usage_end_time", "export_time")
Answer = Callable[[Request], Response | None]


@dataclass
class GoogleServer:
    """The address, the rows of the table by the day of their export, what was asked, and what spoils the answers."""

    url: str = ""
    rows: list[tuple[date, dict[str, Any]]] = field(default_factory=list)
    table: dict[str, Any] = field(default_factory=dict)
    bytes: int = 5_000_000
    page: int = 4_000
    asked: list[str] = field(default_factory=list)
    queries: list[dict[str, Any]] = field(default_factory=list)
    answers: list[list[list[Any]]] = field(default_factory=list)
    spoils: list[Answer] = field(default_factory=list)
    shelves: Shelves = field(default_factory=Shelves)

    def reset(self) -> None:
        """Forget everything; an empty table."""
        for known in (self.rows, self.asked, self.queries, self.answers, self.spoils, self.shelves):
            known.clear()
        self.bytes, self.page = 5_000_000, 4_000
        columns = ("billing_account_id", "invoice", "service", "currency", "cost", "credits", *TIMES)
        self.table = {
            "tableReference": {"projectId": PROJECT, "datasetId": DATASET, "tableId": TABLE},
            "schema": {"fields": [{"name": name, "type": "STRING"} for name in columns]},
            "timePartitioning": {"type": "DAY"},
            "lastModifiedTime": "1783382400000",  # 7 July 2026
            "numRows": "0",
        }

    def export(self, rows: Iterable[dict[str, Any]], *, day: date | None = None) -> None:
        """Rows as Cloud Billing exports them, on the day that they say or on another."""
        for row in rows:
            at = row.get("export_time") or row.get("x_ExportTime") or "2026-06-04"
            self.rows.append((day or date.fromisoformat(at[:10]), row))

    def spoil(self, *, times: int = 1, path: str = "", body: str = "", answer: Answer) -> None:
        """Let the next `times` requests with `path` and `body` in them get what `answer` gives; None: the usual."""
        left = [times]

        def wrong(request: Request) -> Response | None:
            if left[0] > 0 and path in request.full_path and body in request.get_data(as_text=True):
                left[0] -= 1
                return answer(request)
            return None

        self.spoils.append(wrong)

    def answer(self, request: Request) -> Response:
        """What Google says to a request."""
        self.asked.append(request.full_path)
        for spoil in list(self.spoils):
            if (spoiled := spoil(request)) is not None:
                return spoiled
        if request.path == "/token":
            return _json({"access_token": TOKEN, "expires_in": 3599, "token_type": "Bearer"})
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return error(401, "authError", "Invalid Credentials")(request)
        return self.shelves.answer(request) or self._bigquery(request)

    def _bigquery(self, request: Request) -> Response:
        _, _, _, _, _project, what, *rest = request.path.split("/")
        if what == "datasets":
            known = rest[0] == DATASET and rest[2] == TABLE
            return _json(self.table) if known else error(404, "notFound", f"Not found: Table {rest[2]}")(request)
        if what == "jobs":
            return self._job(rest[0]) if rest else self._weigh(request)
        return self._page(request, rest[0]) if rest else self._query(request)

    def _weigh(self, request: Request) -> Response:
        said = request.get_json()
        assert said["configuration"]["dryRun"] is True
        done = {"status": {"state": "DONE"}, "statistics": {"query": {"totalBytesProcessed": str(self.bytes)}}}
        return _json({**said, **done, "jobReference": {"projectId": PROJECT, "jobId": "weighed"}})

    def _job(self, job: str) -> Response:
        where = {"projectId": PROJECT, "datasetId": "_anonymous", "tableId": f"anon{job}"}
        asked = {"query": {"query": self.queries[int(job)]["query"], "destinationTable": where}, "jobType": "QUERY"}
        reference = {"projectId": PROJECT, "jobId": job, "location": "EU"}
        statistics = {"query": {"totalBytesProcessed": str(self.bytes), "statementType": "SELECT"}}
        done = {"state": "DONE"}
        return _json({"jobReference": reference, "status": done, "configuration": asked, "statistics": statistics})

    def _query(self, request: Request) -> Response:
        said = request.get_json()
        self.queries.append(said)
        if self.bytes > int(said["maximumBytesBilled"]):
            limit = f"Query exceeded limit for bytes billed: {said['maximumBytesBilled']}."
            return error(400, "bytesBilledLimitExceeded", limit)(request)
        words = {one["name"]: one["parameterValue"]["value"] for one in said["queryParameters"]}
        assert f"`{NAME}`" in said["query"]
        asked = self._lines if "TO_JSON_STRING" in said["query"] else self._months
        rows = asked(words, "BillingPeriodStart" in said["query"])
        self.answers.append(rows)
        return self._page(request, str(len(self.answers) - 1))

    def _lines(self, words: dict[str, str], is_focus: bool) -> list[list[Any]]:
        first, last = date.fromisoformat(words["first"]), date.fromisoformat(words["last"])
        found = (row for day, month, _, row in self._told(is_focus) if first <= day <= last and month == words["month"])
        return [[json.dumps(row)] for row in found]

    def _months(self, words: dict[str, str], is_focus: bool) -> list[list[Any]]:
        since = date.fromisoformat(words["since"])
        months: dict[str, list[tuple[date, str]]] = {}
        for day, month, time, _ in self._told(is_focus):
            if day >= since and month >= words["month"]:
                months.setdefault(month, []).append((day, time))
        return [
            [month, max(time for _, time in of), str(len(of)), min(of)[0].isoformat(), max(of)[0].isoformat()]
            for month, of in sorted(months.items())
        ]

    def _told(self, is_focus: bool) -> Iterator[tuple[date, str, str, dict[str, Any]]]:
        """Each row with the day that it lies at, its month and when it was exported."""
        for exported, row in self.rows:
            if is_focus:
                start = date.fromisoformat(row["BillingPeriodStart"][:10])
                yield start, f"{start:%Y%m}", row.get("x_ExportTime", row["BilledCost"]), row
            else:
                yield exported, row["invoice"]["month"], row["export_time"], row

    def _page(self, request: Request, job: str) -> Response:
        rows, start = self.answers[int(job)], int(request.args.get("pageToken", 0))
        part = rows[start : start + self.page]
        types = ["STRING", "STRING", "INTEGER", "STRING", "STRING"][: len(rows[0])] if rows else ["STRING"]
        said = {
            "schema": {"fields": [{"name": f"f{at}_", "type": kind} for at, kind in enumerate(types)]},
            "jobReference": {"projectId": PROJECT, "jobId": job, "location": "EU"},
            "totalRows": str(len(rows)),
            "rows": [{"f": [{"v": value} for value in row]} for row in part],
            "jobComplete": True,
        }
        more = start + self.page < len(rows)
        return _json({**said, **({"pageToken": str(start + self.page)} if more else {})})


def exported(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a sample file as BigQuery has them: nested, with numbers and lists."""
    with gzip.open(path, "rt", newline="") as file:
        for row in csv.DictReader(file):
            nested: dict[str, Any] = {}
            for name, text in row.items():
                if text and name != "partition_date":
                    *above, last = name.split(".")
                    place = nested
                    for part in above:
                        place = place.setdefault(part, {})
                    place[last] = _value(name, text)
            yield nested


def _value(name: str, text: str) -> Any:
    if name in LISTS:
        return json.loads(text) if text.startswith('[{"') else ast.literal_eval(text)
    if name in TIMES:
        return f"{text}Z"
    return float(text) if name in NUMBERS else text


def error(status: int, reason: str, message: str = "It failed.", **headers: str) -> Callable[[Request], Response]:
    """An error as BigQuery words it."""
    said = {"error": {"code": status, "message": message, "errors": [{"reason": reason, "message": message}]}}
    return lambda _: _json(said, status, **headers)


def _json(said: dict[str, Any], status: int = 200, **headers: str) -> Response:
    return Response(json.dumps(said), status, {"Content-Type": "application/json", **headers})


def new_key() -> dict[str, str]:
    """The key of a service account; the address where it signs in is one that nobody may be sent to."""
    private = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {
        "type": "service_account",
        "project_id": PROJECT,
        "private_key_id": "1",
        "private_key": private.decode(),
        "client_email": EMAIL,
        "token_uri": "http://169.254.169.254/token",
        "universe_domain": "example.com",
    }


@contextmanager
def google_server() -> Iterator[GoogleServer]:
    """The server on a free port of this machine, until the block ends."""
    server = GoogleServer()

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        packed = environ.pop("HTTP_CONTENT_ENCODING", "") == "gzip"
        plain = gzip.decompress(body) if packed else body
        environ |= {"wsgi.input": io.BytesIO(plain), "CONTENT_LENGTH": str(len(plain))}
        return server.answer(Request(environ))(environ, start_response)

    http = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Silent)
    server.url = f"http://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def google_for_all() -> Iterator[tuple[GoogleServer, str]]:
    """One server for all tests of a process, and the key of a service account, indented as Google gives it."""
    with google_server() as server:
        yield server, json.dumps(new_key(), indent=2)


@pytest.fixture
def google(google_for_all: tuple[GoogleServer, str], monkeypatch: pytest.MonkeyPatch) -> GoogleServer:
    """The server with an empty table as the Google Cloud that the product talks to; no identity of this machine."""
    server, _ = google_for_all
    server.reset()
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT", "CLOUDSDK_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", server.url)
    for name in ("CLOUDASSET", "CLOUDBILLING", "MONITORING", "STORAGE"):
        monkeypatch.setenv(f"CLOUDSDK_API_ENDPOINT_OVERRIDES_{name}", server.url)
    monkeypatch.setattr(identity, "TOKENS", f"{server.url}/token")
    monkeypatch.setattr(  # where data may be, asked for in the background of an address that is not of this machine
        "google.auth.credentials.CredentialsWithRegionalAccessBoundary._is_regional_access_boundary_lookup_required",
        lambda _: False,
    )
    monkeypatch.setattr(bigquery, "PAGE_RETRY_SECONDS", 0.3)
    return server


@pytest.fixture
def key(google_for_all: tuple[GoogleServer, str]) -> str:
    """The key of a service account."""
    return google_for_all[1]
