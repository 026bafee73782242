"""prometheus-api-client behind the guard for addresses that people type. Whoever imports this loads requests."""

import json
import ssl
import tempfile
import time
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from prometheus_api_client import PrometheusConnect
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from collectors.connections import Network
from collectors.net import CONNECT_SECONDS, guarded_pool
from collectors.prometheus.errors import REST, TookTooLongError, TooMuchError, no_prometheus, of_status

READ_SECONDS: Final = 60
WHOLE_SECONDS: Final = 180
"""For one answer, however slowly it comes in."""

CHUNK_BYTES: Final = 1 << 16


class GuardedAdapter(HTTPAdapter):
    """Opens connections to addresses that the operator allows, and to no others."""

    def __init__(self, networks: Sequence[Network], context: ssl.SSLContext) -> None:
        self._networks = networks
        self._context = context
        super().__init__()

    def init_poolmanager(self, *_: Any, **__: Any) -> None:
        """The guarded pool in place of urllib3's own."""
        self.poolmanager = guarded_pool(self._networks)
        self.poolmanager.connection_pool_kw["ssl_context"] = self._context


class Session(requests.Session):
    """Reads answers up to a size, says what those mean that are none, and keeps the warnings that come with data."""

    def __init__(self, most_bytes: int) -> None:
        super().__init__()
        self.trust_env = False  # neither a proxy nor the passwords of ~/.netrc
        self.headers["Accept-Encoding"] = "identity"  # Prometheus packs 6 MB a second: networks are faster
        self.calls = 0
        self.warnings: dict[str, None] = {}
        self._most_bytes = most_bytes

    def request(self, method: Any, url: Any, **words: Any) -> requests.Response:  # type: ignore[override]
        """An answer with data. Raises ProviderRefusedError or ProviderUnavailableError."""
        self.calls += 1
        words |= {"allow_redirects": False, "stream": True, "timeout": (CONNECT_SECONDS, READ_SECONDS)}
        with super().request(method, url, **words) as answer:
            content = self._read(answer, url)
        if answer.status_code != 200:
            raise of_status(answer.status_code, content, answer.headers, url)
        said = _parsed(content, url)
        warnings = said.get("warnings")
        self.warnings |= dict.fromkeys(map(str, warnings if isinstance(warnings, list) else ()))
        vars(answer)["json"] = lambda **_: said  # parsed once
        return answer

    def _read(self, answer: requests.Response, url: str) -> bytes:
        until, parts, size = time.monotonic() + WHOLE_SECONDS, [], 0
        for part in _pieces(answer):
            size += len(part)
            if size > self._most_bytes:
                raise TooMuchError(f"An answer is larger than {self._most_bytes // 1_000_000:,} MB.")
            if time.monotonic() > until:
                raise TookTooLongError(f"{urlsplit(url).hostname} takes too long to answer.", retry_after=REST)
            parts.append(part)
        return b"".join(parts)


def _pieces(answer: requests.Response) -> Iterator[bytes]:
    """The body as it comes in: whoever waits for a whole piece waits as long as a server pleases that sends bytes."""
    try:
        while piece := answer.raw.read1(CHUNK_BYTES, decode_content=True):
            yield piece
    except HTTPError as error:
        raise requests.ConnectionError(error) from error


def connect(url: str, session: Session, adapter: GuardedAdapter, headers: dict[str, str], auth: Any) -> Any:
    """The client. It mounts an adapter of its own at the address, in whose place ours has to stand."""
    made: Any = PrometheusConnect(url, headers=headers, auth=auth, session=session)
    for prefix in (url, "https://", "http://"):
        session.mount(prefix, adapter)
    return made


def tls_context(authority: str, certificate: str) -> ssl.SSLContext:
    """How servers are known: by public authorities and `authority`; and how we are, by `certificate`, both in PEM."""
    if not authority and not certificate:
        return _public_context()
    context = ssl.create_default_context()
    if authority:
        context.load_verify_locations(cadata=authority)
    if certificate:
        with tempfile.NamedTemporaryFile("w", prefix="client-", suffix=".pem") as file:  # OpenSSL takes nothing else
            file.write(certificate)
            file.flush()
            context.load_cert_chain(file.name)
    return context


@cache
def _public_context() -> ssl.SSLContext:
    """Made once: reading all public authorities takes longer than most questions."""
    return ssl.create_default_context()


def _parsed(content: bytes, url: str) -> dict[str, Any]:
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        raise no_prometheus(url) from None
    if not isinstance(said, dict) or said.get("status") != "success" or not isinstance(said.get("data"), dict):
        raise no_prometheus(url)
    if not isinstance(said["data"].get("result"), list):
        raise no_prometheus(url)
    return said
