"""The parts of Azure that the product asks, over HTTPS: blobs, Entra's tokens, Resource Graph and the price list.

What it answers is what Azurite answers for the same requests of the same SDK; unlike Azurite it knows roles and tokens,
and its answers can be spoiled.
"""

import ipaddress
import json
import re
import threading
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from werkzeug.exceptions import HTTPException
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from tests.aws import Silent
from tests.azure_metrics import Measured, metrics_batch

ACCOUNT, CONTAINER, PATH = "northwindbilling", "billing", "finops/actual"
TENANT, CLIENT = "11111111-2222-3333-4444-555555555555", "99999999-8888-7777-6666-555555555555"
SECRET, SIGNATURE = "a-client-secret-that-nobody-may-see", "a-signature-that-nobody-may-see"
SAS = f"sv=2026-01-01&sp=rl&se=2027-01-01&sig={SIGNATURE}"
TOKEN = "a-token-that-nobody-may-see"
PAGE = 3  # names in a page of a listing
Answer = Callable[[Request], Response | None]


@dataclass
class Blob:
    """A blob: every writing gives it another ETag and a later time."""

    content: bytes
    etag: str
    modified: datetime


@dataclass
class AzureServer:
    """The address, what lies in the container, what was asked, and what spoils the answers."""

    url: str = ""
    blobs: dict[str, Blob] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    spoils: list[Answer] = field(default_factory=list)
    written: int = 0
    subscriptions: dict[str, str] = field(default_factory=dict)
    resources: list[dict[str, Any]] = field(default_factory=list)
    price_list: list[dict[str, Any]] = field(default_factory=list)
    graph_page: int = 2
    measured: Measured = field(default_factory=dict)

    def reset(self) -> None:
        """Forget everything."""
        for known in (self.blobs, self.asked, self.spoils, self.subscriptions, self.resources, self.price_list):
            known.clear()
        self.measured.clear()

    def put(self, name: str, content: bytes) -> str:
        """Write a blob."""
        self.written += 1
        time = datetime(2026, 7, 1, tzinfo=UTC) + timedelta(seconds=self.written)
        self.blobs[name] = Blob(content, f'"0x{self.written:016X}"', time)
        return name

    def deliver(
        self, period: str, files: dict[str, bytes], *, run: str = "", path: str = PATH, listed: int | None = None
    ) -> str:
        """An export's run as Azure writes it: the files first, the manifest last."""
        folder = f"{path}/{period}/{run + '/' if run else ''}"
        blobs = [
            {
                "blobName": self.put(f"{folder}{name}", content),
                "byteCount": len(content) if listed is None else listed,
            }
            for name, content in files.items()
        ]
        said = {"manifestVersion": "2024-04-01", "byteCount": 1, "blobCount": len(blobs), "blobs": blobs}
        info = {"executionType": "Scheduled", "submittedTime": f"2026-07-01T00:00:{self.written:02}.0000000Z"}
        return self.put(f"{folder}manifest.json", json.dumps({**said, "runInfo": info}).encode())

    def spoil(self, *, times: int = 1, path: str = "", answer: Answer) -> None:
        """Let the next `times` requests whose address has `path` in it get what `answer` gives; None: the usual."""
        left = [times]

        def wrong(request: Request) -> Response | None:
            if left[0] > 0 and path in request.full_path:
                left[0] -= 1
                return answer(request)
            return None

        self.spoils.append(wrong)

    def answer(self, request: Request) -> Response:
        """What Azure says to a request."""
        self.asked.append(request.full_path)
        for spoil in list(self.spoils):
            if (spoiled := spoil(request)) is not None:
                return spoiled
        if request.path.startswith(f"/{TENANT}/"):
            return self._sign_in(request)
        if request.path == "/identity":
            return _json({"access_token": TOKEN, "expires_on": "4000000000", "token_type": "Bearer"})
        if request.path == "/api/retail/prices":
            return self._prices(request)
        graph = request.path == "/providers/Microsoft.ResourceGraph/resources"
        if graph or request.path.endswith("/metrics:getBatch"):
            return self._graph(request) if graph else metrics_batch(request, self.measured)
        return self._blob(request)

    def _graph(self, request: Request) -> Response:
        """Resource Graph: rows of what the caller may read, a page at a time; nothing, and no error, without a role."""
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return arm_error(401, "InvalidAuthenticationToken")(request)
        asked = request.get_json()
        query, options = asked["query"], asked["options"]
        found = self._selected(query, asked.get("subscriptions") or list(self.subscriptions))
        first, page = int(options.get("$skipToken", 0)), min(self.graph_page, options["$top"])
        said: dict[str, Any] = {"totalRecords": len(found), "data": found[first : first + page]}
        said |= {"count": len(said["data"]), "facets": [], "resultTruncated": "false"}
        if first + page < len(found):
            said["$skipToken"] = str(first + page)
        return _json(said, headers={"x-ms-user-quota-remaining": "14", "x-ms-user-quota-resets-after": "00:00:05"})

    def _selected(self, query: str, subscriptions: list[str]) -> list[dict[str, Any]]:
        """What the product's three questions select."""
        if query.startswith("resourcecontainers"):
            names = sorted(self.subscriptions.items())
            told = [{"id": f"/subscriptions/{key}", "name": name, "subscriptionId": key} for key, name in names]
            return [one for one in told if _is_in_part(query, one)]
        types = set(re.findall(r"'(microsoft\.[a-z./]+)'", query.partition("type in~")[2].partition(")")[0]))
        readable = [key for key in subscriptions if key in self.subscriptions]
        found = [
            one
            for one in sorted(self.resources, key=lambda one: str(one["id"]))
            if one["subscriptionId"] in readable and one["type"].lower() in types and _is_in_part(query, one)
        ]
        if "summarize" not in query:
            return found
        counts = Counter(one["subscriptionId"] for one in found)
        return [{"subscriptionId": key, "found": count} for key, count in sorted(counts.items())]

    def _prices(self, request: Request) -> Response:
        """The price list, a page at a time; its next page is at an address with the usual port in it."""
        wanted = dict(re.findall(r"(\w+) eq '([^']*)'", request.args["$filter"]))
        found = [one for one in self.price_list if wanted.items() <= one.items()]
        first = int(request.args.get("$skip", 0))
        following = f"{self.url}{request.full_path.partition('&$skip')[0]}&$skip={first + PAGE}"
        more = following if first + PAGE < len(found) else None
        said = {"BillingCurrency": "USD", "Items": found[first : first + PAGE], "NextPageLink": more}
        return _json({**said, "Count": len(said["Items"])})

    def _sign_in(self, request: Request) -> Response:
        """Entra: where its addresses are, and a token for who knows the secret."""
        if request.path.endswith("/openid-configuration"):
            base = f"{self.url}/{TENANT}"
            ends = {"authorization_endpoint": f"{base}/authorize", "token_endpoint": f"{base}/oauth2/v2.0/token"}
            return _json({**ends, "issuer": f"{base}/v2.0"})
        if request.form.get("client_secret") != SECRET:
            return entra_error("AADSTS7000215: Invalid client secret provided.")(request)
        return _json({"access_token": TOKEN, "expires_in": 3599, "token_type": "Bearer"})

    def _blob(self, request: Request) -> Response:
        known = request.headers.get("Authorization", "").startswith((f"Bearer {TOKEN}", f"SharedKey {ACCOUNT}:"))
        if not known and request.args.get("sig") != SIGNATURE:
            return error(403, "AuthenticationFailed", "Signature did not match.")(request)
        _, account, container, *rest = request.path.split("/", 3)
        assert account == ACCOUNT
        if container != CONTAINER:
            return error(404, "ContainerNotFound", "The specified container does not exist.")(request)
        return self._read(request, rest[0]) if rest and rest[0] else self._list(request)

    def _list(self, request: Request) -> Response:
        prefix, delimiter = request.args.get("prefix", ""), request.args.get("delimiter", "")
        found: dict[str, str] = {}
        for name in sorted(name for name in self.blobs if name.startswith(prefix)):
            head, cut, _ = name[len(prefix) :].partition(delimiter) if delimiter else (name, "", "")
            if cut:
                found[f"{prefix}{head}/"] = f"<BlobPrefix><Name>{escape(prefix + head)}/</Name></BlobPrefix>"
            else:
                found[name] = _entry(name, self.blobs[name])
        names = [name for name in sorted(found) if name >= request.args.get("marker", "")]
        following = names[PAGE] if len(names) > PAGE else ""
        entries = "".join(found[name] for name in names[:PAGE])
        text = (
            '<?xml version="1.0" encoding="utf-8"?>'
            f'<EnumerationResults ServiceEndpoint="{self.url}/{ACCOUNT}/" ContainerName="{CONTAINER}">'
            f"<Prefix>{escape(prefix)}</Prefix><Blobs>{entries}</Blobs><NextMarker>{escape(following)}</NextMarker>"
            "</EnumerationResults>"
        )
        return Response(text, 200, {"Content-Type": "application/xml"})

    def _read(self, request: Request, name: str) -> Response:
        blob = self.blobs.get(name)
        if blob is None:
            return error(404, "BlobNotFound", "The specified blob does not exist.")(request)
        if request.headers.get("If-Match", blob.etag) != blob.etag:
            return error(412, "ConditionNotMet", "The condition specified was not met.")(request)
        start, _, end = request.headers["x-ms-range"].removeprefix("bytes=").partition("-")
        piece = blob.content[int(start) : int(end) + 1]
        span = f"bytes {start}-{int(start) + len(piece) - 1}/{len(blob.content)}"
        head = {"Content-Range": span, "ETag": blob.etag, "Last-Modified": _http(blob.modified)}
        return Response(piece, 206, {**head, "Content-Type": "application/octet-stream", "x-ms-blob-type": "BlockBlob"})


def _is_in_part(query: str, one: dict[str, Any]) -> bool:
    """Whether it is in the part of everything that a question is about."""
    part = re.search(r"hash\(tolower\(id\)\) % (\d+) == (\d+)", query)
    return not part or zlib.crc32(one["id"].lower().encode()) % int(part[1]) == int(part[2])


def error(
    status: int, code: str, message: str = "The request failed.", **headers: str
) -> Callable[[Request], Response]:
    """An error as Blob storage words it."""
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return lambda _: Response(body, status, {"Content-Type": "application/xml", "x-ms-error-code": code, **headers})


def entra_error(text: str, status: int = 401) -> Callable[[Request], Response]:
    """An error as Entra words it."""
    return lambda _: _json({"error": "invalid_client", "error_description": text}, status)


def arm_error(status: int, code: str, message: str = "The request failed.", **headers: str) -> Answer:
    """An error as Azure Resource Manager words it."""
    return lambda _: _json({"error": {"code": code, "message": message}}, status, headers)


def _json(said: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(json.dumps(said), status, {"Content-Type": "application/json", **(headers or {})})


def _entry(name: str, blob: Blob) -> str:
    return (
        f"<Blob><Name>{escape(name)}</Name><Properties><Last-Modified>{_http(blob.modified)}</Last-Modified>"
        f"<Etag>{escape(blob.etag)}</Etag><Content-Length>{len(blob.content)}</Content-Length>"
        "<BlobType>BlockBlob</BlobType></Properties></Blob>"
    )


def _http(time: datetime) -> str:
    return format_datetime(time, usegmt=True)


@contextmanager
def azure_server(folder: Path) -> Iterator[AzureServer]:
    """The server, until the block ends; its certificate is in `folder`."""
    server = AzureServer()
    with https_server(folder, server.answer) as server.url:
        yield server


@contextmanager
def https_server(folder: Path, answer: Callable[[Request], Response]) -> Iterator[str]:
    """The address of a server on a free port of this machine, with a certificate of its own in `folder`."""

    def app(environ: dict[str, Any], start_response: Any) -> Any:
        try:
            return answer(Request(environ))(environ, start_response)
        except HTTPException as problem:
            return problem(environ, start_response)

    http = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Silent, ssl_context=certificate(folder))
    thread = threading.Thread(target=http.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"https://127.0.0.1:{http.server_port}"
    finally:
        http.shutdown()
        thread.join()


def certificate(folder: Path) -> tuple[str, str]:
    """A certificate of this machine that vouches for itself, and its key: their files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "cert.pem").write_bytes(made.public_bytes(pem))
    plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(key.private_bytes(pem, *plain))
    return str(folder / "cert.pem"), str(folder / "key.pem")


@pytest.fixture(scope="session")
def azure_for_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[AzureServer, Path]]:
    """One server for all tests of a process, and the folder of its certificate."""
    folder = tmp_path_factory.mktemp("azure")
    with azure_server(folder) as server:
        yield server, folder


@pytest.fixture
def azure(azure_for_all: tuple[AzureServer, Path], monkeypatch: pytest.MonkeyPatch) -> AzureServer:
    """The server, empty, as the Azure that the product talks to; no identity of this machine's own."""
    server, folder = azure_for_all
    server.reset()
    for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "IDENTITY_ENDPOINT", "IDENTITY_HEADER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(folder / "cert.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "cert.pem"))
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", server.url)
    monkeypatch.setenv("AZURE_RESOURCE_MANAGER_ENDPOINT", server.url)
    monkeypatch.setenv("AZURE_MONITOR_METRICS_ENDPOINT", f"{server.url}/{{region}}")
    monkeypatch.setenv("AZURE_STORAGE_SERVICE_ENDPOINT", f"{server.url}/{{account}}")
    return server
