"""Guarded web requests for addresses that people type: no metadata service, no private network unless allowed."""

import io
import socket
import ssl
import time
from collections.abc import Sequence
from http.client import HTTPResponse
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any, Final
from urllib.parse import urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError

from collectors.connections import Network
from collectors.errors import ProviderRefusedError, ProviderUnavailableError

CONNECT_SECONDS: Final = 10
READ_SECONDS: Final = 20
REDIRECTS: Final = 5
SLOWEST: Final = 10_000
"""Bytes a second: whoever sends less for longer than the time to wait for an answer keeps a worker from others."""
NEVER: Final = tuple(
    map(
        ip_network,
        (
            *("169.254.0.0/16", "fe80::/10", "fd00:ec2::/32", "fd20:ce::/32", "100.100.100.200/32", "192.0.0.192/32"),
            "168.63.129.16/32",  # Azure's host, which hands a machine its settings: a public address in no network
        ),
    )
)
"""Link-local addresses and the metadata services of clouds: whoever reads these has the machine's credentials."""

UNICAST: Final = ip_network("2000::/3")  # all that is given out of IPv6: what else there is embeds IPv4, or is local
EMBEDDED: Final = frozenset(int(IPv6Address(one)) >> 32 for one in ("::", "::ffff:0:0", "::ffff:0:0:0", "64:ff9b::"))
"""Beginnings of IPv6 addresses whose last four bytes are the IPv4 address that is meant."""

Address = IPv4Address | IPv6Address


class TimelyReader(io.RawIOBase):
    """What a server sends, for which it is waited so many seconds in all, and one more for each SLOWEST bytes.

    The timeout of a socket alone starts anew with every byte: a server that drips would never be given up.
    """

    def __init__(self, raw: io.RawIOBase, opened: socket.socket) -> None:
        self._raw, self._socket, self._patience = raw, opened, opened.gettimeout() or READ_SECONDS
        self.renew()

    def renew(self) -> None:
        """Wait anew as long as at first: headers and body have their own time."""
        self._left = self._patience

    def readable(self) -> bool:
        """What there is to be asked of it."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Raises TimeoutError when the time is over. Only waiting takes of it, not what is done between two reads."""
        if self._left <= 0:
            raise TimeoutError(f"less than {SLOWEST:,} bytes a second")
        self._socket.settimeout(min(self._left, self._patience))
        began = time.monotonic()
        count = self._raw.readinto(buffer)
        self._left += (count or 0) / SLOWEST - (time.monotonic() - began)
        return count

    def close(self) -> None:
        """Close what is read from."""
        self._raw.close()
        super().close()


class TimelyResponse(HTTPResponse):
    """An answer that comes in time: see TimelyReader."""

    def __init__(self, sock: socket.socket, *arguments: Any, **words: Any) -> None:
        super().__init__(sock, *arguments, **words)
        self._timely = TimelyReader(self.fp.detach(), sock)
        self.fp = io.BufferedReader(self._timely)

    def begin(self) -> None:
        """Read the headers."""
        super().begin()
        self._timely.renew()


class ForbiddenAddressError(ProviderRefusedError):
    """An address that the product does not open for people."""


def is_allowed(address: Address, networks: Sequence[Network]) -> bool:
    """Whether a connection to the address may be opened: public, or in one of the operator's networks; never NEVER."""
    meant = _unwrapped(address)
    if any(meant in network for network in NEVER):
        return False
    is_public = meant.is_global and not meant.is_multicast and (meant.version == 4 or meant in UNICAST)
    return is_public or any(meant in network for network in networks)


def pick_address(host: str, port: int, networks: Sequence[Network]) -> str:
    """The address behind a name to connect to. A name of which any address is forbidden is refused as a whole."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ProviderUnavailableError(f"The name {host} cannot be resolved.") from error
    addresses = [str(entry[4][0]).partition("%")[0] for entry in found]
    for address in addresses:
        if not is_allowed(ip_address(address), networks):
            raise ForbiddenAddressError(
                f"{host} is at {address}, which is not a public address. The operator of this server can allow a"
                " private network with FINOPS_ALLOW_PRIVATE_ADDRESSES; link-local addresses are never opened."
            )
    return addresses[0]


def guarded_pool(networks: Sequence[Network]) -> urllib3.PoolManager:
    """A pool whose every connection, also after a redirect, goes to an address that was checked, and to no other."""

    class Plain(HTTPConnection):
        response_class = TimelyResponse

        def _new_conn(self) -> socket.socket:
            return _connect(self, networks, super()._new_conn)

    class Encrypted(HTTPSConnection):
        response_class = TimelyResponse

        def _new_conn(self) -> socket.socket:
            return _connect(self, networks, super()._new_conn)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class EncryptedPool(HTTPSConnectionPool):
        ConnectionCls = Encrypted

    pool = urllib3.PoolManager(
        timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
        retries=urllib3.Retry(
            total=REDIRECTS, connect=0, read=0, other=0, redirect=REDIRECTS, status=0, respect_retry_after_header=False
        ),
    )
    pool.pool_classes_by_scheme = {"http": PlainPool, "https": EncryptedPool}
    return pool


def open_url(
    url: str, *, headers: dict[str, str], networks: Sequence[Network], redirect: bool = True
) -> urllib3.BaseHTTPResponse:
    """GET an address; the body is still to be read. Plain http is opened inside of allowed networks alone."""
    words: Any = {"preload_content": False, "decode_content": False, "redirect": redirect}
    try:
        return guarded_pool(networks).request("GET", url, headers=headers, **words)
    except urllib3.exceptions.HTTPError as error:
        raise explain(error, url) from error


def explain(error: Exception, url: str) -> ProviderUnavailableError | ProviderRefusedError:
    """What went wrong, without the part of the address that may be a secret."""
    host = urlsplit(url).hostname or "The address"
    reason = getattr(error, "reason", None) or error
    if isinstance(reason, ssl.SSLError | urllib3.exceptions.SSLError):
        return ProviderRefusedError(f"{host} has no certificate that this server trusts.")
    if isinstance(reason, urllib3.exceptions.LocationValueError):
        return ProviderRefusedError(f"{host} is not an address that can be opened.")
    if isinstance(reason, urllib3.exceptions.ResponseError):
        return ProviderRefusedError(f"{host} leads on more than {REDIRECTS} times.")
    if isinstance(reason, urllib3.exceptions.TimeoutError) and not isinstance(reason, NewConnectionError):
        return ProviderUnavailableError(f"{host} did not answer in time.")
    return ProviderUnavailableError(f"{host} cannot be reached.")


def _connect(connection: Any, networks: Sequence[Network], connect: Any) -> socket.socket:
    """Open the socket to the checked address itself: a second look-up could give another. The certificate is still
    compared with the name."""
    name = connection._dns_host  # noqa: SLF001 - what urllib3 connects to; `host` is what it compares
    address = pick_address(name.rstrip("."), connection.port, networks)
    if not isinstance(connection, HTTPSConnection) and ip_address(address).is_global:
        raise ForbiddenAddressError(f"{name} must be opened by https: without it anybody on the way reads along.")
    connection._dns_host = address  # noqa: SLF001
    try:
        opened: socket.socket = connect()
    finally:
        connection._dns_host = name  # noqa: SLF001
    return opened


def _unwrapped(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, where it does."""
    if isinstance(address, IPv6Address):
        if int(address) >> 32 in EMBEDDED and int(address) > 1:
            return IPv4Address(int(address) & 0xFFFFFFFF)
        if address.sixtofour:
            return address.sixtofour
    return address
