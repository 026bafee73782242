"""How requests to Oracle Cloud are signed: version 1 of its request signatures, for requests without a body.

Oracle's own SDK is 250 MB; this is draft-cavage-http-signatures with RSA-SHA256 over date, target and host.
"""

import base64
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from collectors.errors import ProviderRefusedError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

SIGNED: Final = "date (request-target) host"
_PEM: Final = re.compile(
    r"-----BEGIN (?P<kind>(?:RSA |ENCRYPTED )?PRIVATE KEY)-----(?P<body>.*?)-----END (?P=kind)-----", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """Whose requests they are: a user of a tenancy, and a key of theirs by its fingerprint."""

    tenancy: str
    user: str
    fingerprint: str
    private: "RSAPrivateKey"

    @property
    def id(self) -> str:
        """As Oracle names it in requests."""
        return f"{self.tenancy}/{self.user}/{self.fingerprint}"


def in_one_line(text: str) -> str:
    """A PEM key without line breaks, as forms can hold it. Raises ValueError for what is none."""
    match = _PEM.search(text)
    if match is None:
        raise ValueError("This is no private key: copy the whole file, from -----BEGIN to -----END ... KEY-----.")
    if ":" in match["body"]:
        raise ValueError("This way of encrypting keys is too old: rewrite the file with openssl pkcs8 -topk8.")
    return match[0].replace(match["body"], "".join(match["body"].split()))


def load_key(text: str, passphrase: str) -> "RSAPrivateKey":
    """The key of a PEM text, in one line or several. Raises ProviderRefusedError where it cannot be opened."""
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - nobody without an OCI source loads it
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    match = _PEM.search(text)
    pem = f"-----BEGIN {match['kind']}-----\n{match['body'].strip()}\n-----END {match['kind']}-----\n" if match else ""
    is_encrypted = "ENCRYPTED" in pem
    if is_encrypted and not passphrase:
        raise ProviderRefusedError("The private key is encrypted: give its passphrase.")
    try:
        key = load_pem_private_key(pem.encode(), passphrase.encode() if is_encrypted else None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ProviderRefusedError(
            "The private key cannot be opened: it is damaged, or of another passphrase."
        ) from error
    if not isinstance(key, RSAPrivateKey):
        raise ProviderRefusedError("The private key is no RSA key, and Oracle takes no other.")
    return key


def signing_string(target: str, host: str, date: str) -> str:
    """What is signed of a GET request; `target` is the path with its query, as it is sent."""
    return f"date: {date}\n(request-target): get {target}\nhost: {host}"


def authorization(key: ApiKey, target: str, host: str, date: str) -> str:
    """The header of a GET request that is sent with this `date`."""
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15  # noqa: PLC0415

    signed = key.private.sign(signing_string(target, host, date).encode(), PKCS1v15(), hashes.SHA256())
    signature = base64.b64encode(signed).decode()
    return f'Signature version="1",headers="{SIGNED}",keyId="{key.id}",algorithm="rsa-sha256",signature="{signature}"'
