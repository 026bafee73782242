"""Where a Prometheus is and how one signs in to it: the fields that every kind which asks one shares."""

import re
import textwrap
from typing import Final
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from collectors.connections import Fields

_PEM: Final = re.compile(r"-----BEGIN ([A-Z ]+)-----(.*?)-----END \1-----", re.DOTALL)
_API: Final = re.compile(r"/api/v1(/.*)?$")


class PrometheusSettings(Fields):
    """Where it is, and what is no secret of how one asks it."""

    url: str = Field(
        title="Address",
        description="Of Prometheus itself, up to but without /api/v1, for example https://prometheus.example.com.",
    )
    tenant: str = Field(
        "", title="Tenant", description="Sent as X-Scope-OrgID, where one server holds several (Mimir, Cortex)."
    )
    user: str = Field("", title="User name", description="Where the address asks for a user name and a password.")
    authority: str = Field(
        "",
        title="Certificate authority",
        description="In PEM, where the server's certificate is not from a public authority.",
    )

    @field_validator("url")
    @classmethod
    def _is_plain(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("https", "http") or not parts.hostname:
            raise ValueError("This is no web address. Write it from https:// on.")
        if parts.username or parts.password:
            raise ValueError("Leave user name and password out of the address: they have fields of their own.")
        if parts.query or parts.fragment:
            raise ValueError("Leave out what follows the ? or the #: give the address of Prometheus itself.")
        return _API.sub("", value).rstrip("/")

    @field_validator("tenant", "user")
    @classmethod
    def _can_be_sent(cls, value: str) -> str:
        if not value.isascii():
            raise ValueError("Write it in plain ASCII letters: nothing else can be sent in a header.")
        return value

    @field_validator("authority", mode="before")
    @classmethod
    def _is_certificate(cls, value: object) -> object:
        if isinstance(value, str) and value.strip() and {"CERTIFICATE"} != {kind for kind, _ in _PEM.findall(value)}:
            raise ValueError("This is no certificate in PEM: copy it from -----BEGIN CERTIFICATE----- on.")
        return in_one_line(value) if isinstance(value, str) else value


class PrometheusSecrets(Fields):
    """How one signs in; all empty where the server lets everybody in."""

    token: SecretStr = Field(SecretStr(""), title="Bearer token", description="Sent as Authorization: Bearer.")
    password: SecretStr = Field(SecretStr(""), title="Password")
    certificate: SecretStr = Field(
        SecretStr(""),
        title="Client certificate and key",
        description="Both in PEM, one after the other, where the server asks for a certificate (mTLS).",
    )

    @field_validator("certificate", mode="before")
    @classmethod
    def _has_both(cls, value: object) -> object:
        """In one line, as it is kept."""
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if not isinstance(text, str) or not text.strip():
            return value
        kinds = [kind for kind, _ in _PEM.findall(text)]
        if "CERTIFICATE" not in kinds or not any(kind.endswith("PRIVATE KEY") for kind in kinds):
            raise ValueError("Give the certificate and its private key, both in PEM, one after the other.")
        return in_one_line(text)

    @field_validator("token", "password")
    @classmethod
    def _can_be_sent(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().isascii():
            raise ValueError("It holds a letter that cannot be sent in a header: copy it again, and nothing beside it.")
        return value


def in_one_line(pem: str) -> str:
    """PEM blocks without line breaks: forms and the store of secrets hold lines."""
    blocks = (
        f"-----BEGIN {kind}-----{''.join(_content(body).split())}-----END {kind}-----"
        for kind, body in _PEM.findall(pem)
    )
    return "".join(blocks)


def in_lines(text: str) -> str:
    """PEM blocks as OpenSSL reads them."""
    blocks = (
        f"-----BEGIN {kind}-----\n{textwrap.fill(_content(body), 64)}\n-----END {kind}-----\n"
        for kind, body in _PEM.findall(text)
    )
    return "".join(blocks)


def _content(body: str) -> str:
    return "".join(body.split())
