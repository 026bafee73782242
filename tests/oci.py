"""The parts of Oracle Cloud that the product asks, over HTTPS: signed requests, object storage, identity, compute.

Every request's signature is checked with the public half of the key, over the path as it came.
"""

import base64
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from hashlib import md5
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from werkzeug.wrappers import Request, Response

from tests.azure import https_server

TENANCY = "ocid1.tenancy.oc1..aaaaaaaanorthwind"
USER = "ocid1.user.oc1..aaaaaaaareader"
FINGERPRINT = "20:3b:97:13:55:1c:5b:0d:d3:37:d8:50:4e:c5:3a:34"
REGION, OTHER_REGION = "eu-frankfurt-1", "us-ashburn-1"
SETTINGS = {"tenancy": TENANCY, "user": USER, "fingerprint": FINGERPRINT, "region": REGION}
PAGE = 2
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()
Answer = Callable[[Request], Response | None]


@dataclass
class Report:
    """A report in Oracle's bucket."""

    content: bytes
    etag: str
    made: str


@dataclass
class OciServer:
    """The address, reports, compartments, what is in them, what may be read, and what spoils the answers."""

    url: str = ""
    reports: dict[str, Report] = field(default_factory=dict)
    compartments: list[str] = field(default_factory=list)
    items: dict[tuple[str, str, str], list[dict[str, Any]]] = field(default_factory=dict)
    denied: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    spoils: list[Answer] = field(default_factory=list)

    def reset(self) -> None:
        """Forget everything."""
        for known in (self.reports, self.compartments, self.items, self.denied, self.asked, self.spoils):
            known.clear()

    def put(self, key: str, content: bytes, *, made: str = "2026-06-14T06:00:00.000Z", etag: str = "first") -> None:
        """A report that Oracle has written."""
        self.reports[key] = Report(content, etag, made)

    def add(self, path: str, *items: dict[str, Any], compartment: str = TENANCY, region: str = REGION) -> None:
        """Items of a list of a compartment in a region."""
        self.items.setdefault((region, compartment, path), []).extend(items)

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
        """What Oracle says to a request to /<service>/<region>/..."""
        target = str(request.environ["RAW_URI"])
        self.asked.append(target)
        for spoil in list(self.spoils):
            if (spoiled := spoil(request)) is not None:
                return spoiled
        if not _is_signed(request, target):
            return error(401, "NotAuthenticated")(request)
        service, region, path = re.fullmatch(r"/(\w+)/([\w-]+)(/[^?]*)(?:\?.*)?", target).groups()  # type: ignore[union-attr]
        if any(path.startswith(one) for one in self.denied):
            return error(404, "NotAuthorizedOrNotFound")(request)
        return getattr(self, f"_{service}")(request, region, path)  # type: ignore[no-any-return]

    def _objectstorage(self, request: Request, region: str, path: str) -> Response:
        if path == "/n/":
            return _json("northwindnamespace")
        bucket = f"/n/bling/b/{TENANCY}/o"
        if region != REGION or not path.startswith(bucket):
            return error(404, "BucketNotFound")(request)
        if path == bucket:
            return self._listing(request)
        return self._read(request, unquote(path.removeprefix(f"{bucket}/")))

    def _listing(self, request: Request) -> Response:
        prefix, start = request.args["prefix"], request.args.get("start", "")
        names = [name for name in sorted(self.reports) if name.startswith(prefix) and name >= start]
        objects = [
            {"name": name, "size": len(one.content), "etag": one.etag, "timeCreated": one.made, "md5": "x"}
            for name, one in ((name, self.reports[name]) for name in names[:PAGE])
        ]
        more = {"nextStartWith": names[PAGE]} if len(names) > PAGE else {}
        return _json({"objects": objects, **more})

    def _read(self, request: Request, name: str) -> Response:
        report = self.reports.get(name)
        if report is None:
            return error(404, "ObjectNotFound")(request)
        if request.headers.get("If-Match", report.etag) != report.etag:
            return error(412, "IfMatchFailed")(request)
        if "Range" in request.headers:
            return Response(report.content[:1], 206)
        digest = base64.b64encode(md5(report.content).digest()).decode()
        return Response(report.content, 200, {"Content-MD5": digest, "ETag": report.etag})

    def _identity(self, request: Request, region: str, path: str) -> Response:
        assert region == REGION
        if path.endswith("/regionSubscriptions"):
            regions = [(REGION, "READY"), (OTHER_REGION, "READY"), ("ap-tokyo-1", "IN_PROGRESS")]
            return _json([{"regionName": name, "status": status} for name, status in regions])
        if path == f"/20160918/tenancies/{TENANCY}":
            return _json({"id": TENANCY, "name": "northwind"})
        assert path == "/20160918/compartments"
        assert request.args["compartmentIdInSubtree"] == "true"
        return self._page(request, [{"id": one, "name": one.rpartition(".")[2]} for one in self.compartments])

    def _iaas(self, request: Request, region: str, path: str) -> Response:
        found = self.items.get((region, request.args["compartmentId"], path.removeprefix("/20160918")), [])
        if path == "/20160918/bootVolumeAttachments":
            found = [one for one in found if one["availabilityDomain"] == request.args["availabilityDomain"]]
        return self._page(request, found)

    def _page(self, request: Request, items: list[dict[str, Any]]) -> Response:
        first = int(request.args.get("page", 0))
        more = {"opc-next-page": str(first + PAGE)} if first + PAGE < len(items) else {}
        return _json(items[first : first + PAGE], headers=more)


def _is_signed(request: Request, target: str) -> bool:
    """Whether the key of the tests signed exactly what came, within five minutes."""
    said = dict(re.findall(r'(\w+)="([^"]*)"', request.headers.get("Authorization", "")))
    if said.get("keyId") != f"{TENANCY}/{USER}/{FINGERPRINT}" or said["headers"] != "date (request-target) host":
        return False
    date = request.headers["Date"]
    signed = f"date: {date}\n(request-target): get {target}\nhost: {request.host}"
    try:
        KEY.public_key().verify(base64.b64decode(said["signature"]), signed.encode(), PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return abs(parsedate_to_datetime(date) - datetime.now(UTC)) < timedelta(minutes=5)


def error(
    status: int, code: str, message: str = "The request failed.", **headers: str
) -> Callable[[Request], Response]:
    """An error as Oracle words it."""
    return lambda _: _json({"code": code, "message": message}, status, headers)


def _json(said: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(json.dumps(said), status, {"Content-Type": "application/json", **(headers or {})})


@pytest.fixture(scope="session")
def oci_for_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[OciServer, Path]]:
    """One server for all tests of a process, and the folder of its certificate."""
    folder, server = tmp_path_factory.mktemp("oci"), OciServer()
    with https_server(folder, server.answer) as server.url:
        yield server, folder


@pytest.fixture
def oci(oci_for_all: tuple[OciServer, Path], monkeypatch: pytest.MonkeyPatch) -> OciServer:
    """The server, empty, as the Oracle Cloud that the product talks to."""
    server, folder = oci_for_all
    server.reset()
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "cert.pem"))
    monkeypatch.setenv("OCI_SERVICE_ENDPOINT", f"{server.url}/{{service}}/{{region}}")
    return server
