"""A moto server over HTTP whose answers can be spoiled, and billing exports in its buckets."""

import io
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pytest
import urllib3
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

BUCKET = "northwind-billing"
PREFIX = "finops/cur"
KEYS = {"aws_access_key_id": "AKIAEXAMPLEEXAMPLE00", "aws_secret_access_key": "a-secret-that-nobody-may-see"}
Spoil = Callable[[Request], Response | None]


@dataclass
class AwsServer:
    """The server's address, what it was asked, and what spoils its answers."""

    url: str
    spoils: list[Spoil] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)

    def reset(self) -> None:
        """Forget every bucket, what was asked and what spoils."""
        urllib3.request("POST", f"{self.url}/moto-api/reset", timeout=60)
        for known in (self.spoils, self.asked, self.bodies):
            known.clear()

    def gets(self, name: str = "") -> int:
        """How often something was read whose path has `name` in it."""
        return sum(method == "GET" and name in path for method, path in self.asked)

    def client(self, service: str = "s3", region: str = "us-east-1") -> Any:
        """A client of the SDK, for preparing buckets."""
        return boto3.client(service, region_name=region, endpoint_url=self.url, **KEYS)

    def spoil(self, *, times: int = 1, path: str = "", method: str = "GET", answer: Callable[[Request], Any]) -> None:
        """Let the next `times` requests whose path has `path` in it get what `answer` gives; None leaves it to moto."""
        left = [times]

        def wrong(request: Request) -> Response | None:
            if left[0] > 0 and path in request.full_path and request.method == method:
                left[0] -= 1
                return answer(request)
            return None

        self.spoils.append(wrong)


def error(status: int, code: str, message: str = "", **headers: str) -> Callable[[Request], Response]:
    """An error as S3 words it."""
    body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return lambda _: Response(body, status, {"Content-Type": "application/xml", **headers})


class Silent(WSGIRequestHandler):
    """Writes no line for each request."""

    def log(self, *_: Any, **__: Any) -> None:
        """Nothing."""


def sts_error(status: int, code: str, message: str) -> Callable[[Request], Response]:
    """An error as STS words it."""
    body = f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    return lambda _: Response(body, status, {"Content-Type": "text/xml"})


@contextmanager
def aws_server() -> Iterator[AwsServer]:
    """moto on a free port of this machine, until the block ends."""
    moto = DomainDispatcherApplication(create_backend_app)
    known: list[AwsServer] = []

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request, server = Request(environ), known[0]
        server.asked.append((request.method, request.full_path))
        for spoil in list(server.spoils):
            answer = spoil(request)
            if answer is not None:
                return answer(environ, start_response)
        if request.path == "/getAccountInformation":  # moto does not know it
            return Response(json.dumps({"AccountName": "Northwind research"}))(environ, start_response)
        if request.method == "POST":
            body = request.get_data()
            server.bodies.append(body.decode(errors="replace"))
            environ["wsgi.input"] = io.BytesIO(body)
        return moto(environ, start_response)

    http = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Silent)
    known.append(AwsServer(f"http://127.0.0.1:{http.server_port}"))
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    try:
        yield known[0]
    finally:
        http.shutdown()
        thread.join()


@dataclass
class Bucket:
    """Writes exports the way AWS does: the files first, the manifest last."""

    server: AwsServer
    name: str = BUCKET

    def __post_init__(self) -> None:
        self.s3 = self.server.client()
        self.s3.create_bucket(Bucket=self.name)

    def put(self, key: str, content: bytes) -> str:
        """One file."""
        self.s3.put_object(Bucket=self.name, Key=key, Body=content)
        return key

    def legacy(self, period: str, files: dict[str, bytes], *, run: str = "", prefix: str = PREFIX) -> str:
        """A legacy CUR of a period like 20260601-20260701; with `run` in the layout "create new"."""
        folder = f"{prefix}/{period}/{run + '/' if run else ''}"
        keys = [self.put(f"{folder}{name}", content) for name, content in files.items()]
        manifest = json.dumps({"assemblyId": run or uuid4().hex, "reportKeys": keys}).encode()
        name = f"{prefix.rpartition('/')[2]}-Manifest.json"
        if run:
            self.put(f"{folder}{name}", manifest)
        return self.put(f"{prefix}/{period}/{name}", manifest)

    def data_export(self, month: str, files: dict[str, bytes], *, run: str = "", prefix: str = PREFIX) -> str:
        """A FOCUS or CUR 2.0 export of a month like 2026-06; with `run` in the layout "create new"."""
        partition = f"BILLING_PERIOD={month}/{run + '/' if run else ''}"
        keys = [self.put(f"{prefix}/data/{partition}{name}", content) for name, content in files.items()]
        listed = [f"s3://{self.name}/{key}" for key in keys]
        manifest = json.dumps({"executionId": run or uuid4().hex, "dataFiles": listed}).encode()
        return self.put(f"{prefix}/metadata/{partition}{prefix.rpartition('/')[2]}-Manifest.json", manifest)


def real_export(bucket: Bucket, folder: Path) -> None:
    """Copy a real export's folder (its `finops/...`) into the bucket, the manifest last."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    for file in sorted(files, key=lambda file: file.name.endswith("Manifest.json")):
        bucket.put(file.relative_to(folder).as_posix(), file.read_bytes())


@pytest.fixture(scope="session")
def aws_for_all() -> Iterator[AwsServer]:
    """One server for all tests of a process."""
    with aws_server() as server:
        yield server


@pytest.fixture
def aws(aws_for_all: AwsServer, monkeypatch: pytest.MonkeyPatch) -> AwsServer:
    """The server, empty, as the AWS that the product talks to; no credentials of this machine's own."""
    aws_for_all.reset()
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws_for_all.url)
    monkeypatch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")  # seconds for each region, and snapshots nobody made
    return aws_for_all


@pytest.fixture
def bucket(aws: AwsServer) -> Bucket:
    """An empty bucket for exports."""
    return Bucket(aws)
