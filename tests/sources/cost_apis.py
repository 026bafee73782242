"""A server of this machine that answers like OpenAI's and Anthropic's cost and usage APIs, from the saved payloads."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from email.utils import format_datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from collectors.answers import read_json
from collectors.anthropic.connection import AnthropicCosts
from collectors.connections import Allowed, Window
from collectors.live_answers import LiveCosts
from collectors.openai.connection import OpenAiCosts
from tests.aws import Silent
from tests.collectors.answers import ANTHROPIC, OPENAI

HOME = (ip_network("127.0.0.0/8"),)
JUNE = Window(date(2026, 6, 1))
Results = dict[date, list[dict[str, Any]]]
KEYS = {"openai": "sk-admin-a-secret-that-nobody-may-see", "anthropic": "sk-ant-admin01-a-secret-that-nobody-may-see"}
KINDS: dict[str, type[LiveCosts]] = {"openai": OpenAiCosts, "anthropic": AnthropicCosts}
PAYLOADS = {"openai": OPENAI, "anthropic": ANTHROPIC}


@dataclass
class CostServer:
    """What a vendor knows, what time it is there, what it was asked, and what spoils its answers."""

    kind: str
    url: str
    now: datetime = datetime(2026, 6, 22, 15, tzinfo=UTC)
    most_days: int = 4  # of a page, fewer than anybody asks for
    answers: dict[str, Results] = field(default_factory=dict)
    asked: list[Request] = field(default_factory=list)
    spoil: Callable[[Request], Response | None] = lambda _: None

    @property
    def costs(self) -> Results:
        """The lines of costs by day."""
        return self.answers[KINDS[self.kind].costs.path]

    def answer(self, request: Request) -> Response:
        """What the vendor answers."""
        self.asked.append(request)
        return self.spoil(request) or self.page(request)

    def page(self, request: Request) -> Response:
        """The page that was asked for, unspoiled."""
        names = KINDS[self.kind].api.bucket_times
        first = self._day(request.args.get("page") or request.args[names[0]])
        end = self._day(request.args[names[1]]) if names[1] in request.args else self.now.date() + timedelta(days=1)
        days = min((end - first).days, self.most_days, int(request.args["limit"]))
        known = self.answers[request.path]
        buckets = [
            {names[0]: self.stamp(day), names[1]: self.stamp(day + timedelta(days=1)), "results": known.get(day, [])}
            for day in (first + timedelta(days=number) for number in range(days))
        ]
        following = first + timedelta(days=days)
        more = following < end
        page = {"data": buckets, "has_more": more, "next_page": str(self.stamp(following)) if more else None}
        return said({"object": "page", **page} if self.kind == "openai" else page)

    def _day(self, text: str) -> date:
        """A time as the vendor writes it: of midnight, or the question is wrong."""
        openai = self.kind == "openai"
        at = datetime.fromtimestamp(int(text), UTC) if openai else datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z")
        assert at.time() == time()
        return at.date()

    def stamp(self, day: date) -> int | str:
        """The beginning of a day as the vendor writes it."""
        at = datetime.combine(day, time(), UTC)
        return int(at.timestamp()) if self.kind == "openai" else f"{at:%Y-%m-%dT%H:%M:%SZ}"


def said(document: object, status: int = 200, **headers: str) -> Response:
    """An answer in JSON, indented as OpenAI does it."""
    return Response(json.dumps(document, indent=1), status, headers, content_type="application/json")


def refusal(status: int, message: str, **headers: str) -> Response:
    """An error in the shape that both vendors have."""
    error = {"error": {"message": message, "type": "invalid_request_error", "code": None}}
    return said(error, status, **{name.replace("_", "-"): value for name, value in headers.items()})


@contextmanager
def serving(kind: str) -> Iterator[CostServer]:
    """A vendor that knows what its saved payloads say."""
    known: list[CostServer] = []

    def app(environ: Any, start_response: Any) -> Any:
        return known[0].answer(Request(environ))(environ, start_response)

    class Dated(Silent):
        def date_time_string(self, timestamp: float | None = None) -> str:  # noqa: ARG002 - http.server's signature
            return format_datetime(known[0].now, usegmt=True)

    http = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Dated)
    questions = (KINDS[kind].costs, KINDS[kind].usage)
    answers = {question.path: by_day(kind, number) for number, question in enumerate(questions)}
    known.append(CostServer(kind, f"http://127.0.0.1:{http.server_port}", answers=answers))
    thread = threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield known[0]
    http.shutdown()
    thread.join()


def by_day(kind: str, number: int) -> Results:
    """The lines of a saved payload by the day that they are about: costs are the first one, usage the second."""
    found: Results = {}
    name = KINDS[kind].api.bucket_times[0]
    for page in read_json(PAYLOADS[kind][number]):
        for bucket in page["data"]:  # type: ignore[index]
            at = bucket[name]
            start = datetime.fromtimestamp(at, UTC) if isinstance(at, int) else datetime.fromisoformat(at)
            found.setdefault(start.date(), []).extend(bucket["results"])
    return found


@pytest.fixture(params=KINDS)
def cost_server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[CostServer]:
    """Each of the vendors, at an address of this machine."""
    settings.ALLOWED_NETWORKS = HOME
    with serving(request.param) as found:
        monkeypatch.setattr(KINDS[found.kind], "address", found.url)
        yield found


def made(server: CostServer, key: str = "", networks: Any = HOME) -> LiveCosts:
    """A connection to the vendor."""
    kind = KINDS[server.kind]
    secrets = kind.Secrets.model_validate({"admin_key": key or KEYS[server.kind]})
    return kind(kind.Settings(), secrets, Allowed(networks=networks))


def fetch(server: CostServer, folder: Path) -> Path:
    """June, as it is listed."""
    june = next(made(server).remote(JUNE))
    return made(server).fetch(june.address, folder, lambda _done, _total: None)
