"""A billing file behind an https address: fetched anew when its ETag or date has changed."""

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, Final
from urllib.parse import unquote, urlsplit

import urllib3
from pydantic import Field, SecretStr, field_validator

from collectors.connections import Check, Connection, Fields, Progress, RemoteDelivery, Window, try_steps
from collectors.errors import ProviderRefusedError, ProviderUnavailableError
from collectors.files import DATA_SUFFIXES
from collectors.net import SLOWEST, open_url
from collectors.transfer import CHUNK_BYTES, check_space, retry_after

SUFFIXES: Final = {
    "text/csv": ".csv",
    "application/gzip": ".csv.gz",
    "application/x-gzip": ".csv.gz",
    "application/zip": ".zip",
    "application/json": ".json",
    "application/x-ndjson": ".jsonl",
    "application/vnd.apache.parquet": ".parquet",
}
SIGNED_OUT: Final = (401, 403)


class Settings(Fields):
    """Where the file is."""

    url: str = Field(
        title="Address", description="Of one billing file, for example https://files.example.com/june.csv.gz."
    )
    user: str = Field("", title="User name", description="Where the address asks for a user name and a password.")

    @field_validator("url")
    @classmethod
    def _is_plain(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("https", "http") or not parts.hostname:
            raise ValueError("This is no web address. Write it from https:// on.")
        if parts.username or parts.password:
            raise ValueError("Leave user name and password out of the address: they have fields of their own.")
        if parts.query:
            raise ValueError("Put what follows the ? into the field Signature, which is kept secret.")
        return value


class Secrets(Fields):
    """What the address asks for."""

    query: SecretStr = Field(
        SecretStr(""), title="Signature", description="What follows the ? of a signed address, without the ?."
    )
    password: SecretStr = Field(SecretStr(""), title="Password")
    token: SecretStr = Field(SecretStr(""), title="Bearer token", description="Sent as Authorization: Bearer.")

    @field_validator("token")
    @classmethod
    def _can_be_sent(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().isascii():
            raise ValueError("It holds a letter that cannot be sent in a header: copy it again, and nothing beside it.")
        return value


class HttpsFile(Connection):
    """One file, which its owner writes anew from time to time."""

    kind: ClassVar = "https"
    title: ClassVar = "File at a web address"
    help: ClassVar = "A billing file that somebody publishes over https, in any format that can be imported."
    Settings: ClassVar = Settings
    Secrets: ClassVar = Secrets

    def __init__(self, settings: Any, secrets: Any, allowed: Any) -> None:
        super().__init__(settings, secrets, allowed)
        self._calls = 0

    @property
    def calls(self) -> int:
        """How many requests were sent."""
        return self._calls

    @classmethod
    def place(cls, settings: Mapping[str, str]) -> str:
        """The address, which holds nothing secret."""
        return settings["url"]

    def check(self) -> Iterator[Check]:
        """Open the address and read the head of the answer."""
        yield from try_steps([("Open the address", self._describe), ("Recognise the file", self._name)])

    def remote(self, window: Window) -> Iterator[RemoteDelivery]:  # noqa: ARG002 - a file knows no periods
        """The one file, marked by its ETag or else its date and size."""
        with self._open() as answer:
            headers = answer.headers
            dated = (
                f"{headers['Last-Modified']} {headers.get('Content-Length', '')}" if "Last-Modified" in headers else ""
            )
            mark = headers.get("ETag", dated)
        yield RemoteDelivery(_last_part(self.settings.url), self.settings.url, mark)

    def fetch(self, address: str, folder: Path, progress: Progress) -> Path:  # noqa: ARG002 - settings say the address
        """The file, under its own name; what breaks off before its announced length is read again later."""
        with self._open() as answer:
            path = folder / _file_name(self.settings.url, answer)
            length = int(answer.headers.get("Content-Length") or 0)
            self._refuse_large(length)
            check_space(folder, length)
            try:
                self._copy(answer, path, length, progress)
            except urllib3.exceptions.ReadTimeoutError as error:
                raise ProviderUnavailableError(f"{self._host} sends less than {SLOWEST:,} bytes a second.") from error
            except urllib3.exceptions.HTTPError as error:
                raise ProviderUnavailableError(f"The file broke off while it was read from {self._host}.") from error
        return path

    def _copy(self, answer: urllib3.BaseHTTPResponse, path: Path, length: int, progress: Progress) -> None:
        done = 0
        with path.open("xb") as file:
            while chunk := answer.read1(CHUNK_BYTES, decode_content=False):  # what has come, not what shall come yet
                file.write(chunk)
                done += len(chunk)
                self._refuse_large(done)
                progress(done, length)
        if length and done != length:
            raise ProviderUnavailableError(f"The file broke off after {done:,} of {length:,} bytes.")

    def _refuse_large(self, size: int) -> None:
        most = self.allowed.max_bytes
        if size > most:
            raise ProviderRefusedError(
                f"The file is larger than the {most // 1_000_000:,} MB that one may have here (FINOPS_MAX_UPLOAD_MB)."
            )

    def _describe(self) -> str:
        with self._open() as answer:
            length = answer.headers.get("Content-Length")
        return f"{self._host} answers" + (f", {int(length):,} bytes" if length else "")

    def _name(self) -> str:
        with self._open() as answer:
            return _file_name(self.settings.url, answer)

    @property
    def _host(self) -> str:
        return urlsplit(self.settings.url).hostname or ""

    def _open(self) -> urllib3.BaseHTTPResponse:
        """The answer whose body is still to be read; closing it without reading transfers nothing."""
        query = self.secrets.query.get_secret_value().lstrip("?")
        url = f"{self.settings.url}?{query}" if query else self.settings.url
        self._calls += 1
        answer = open_url(url, headers=self._headers(), networks=self.allowed.networks)
        if answer.status != 200:
            answer.close()
            raise self._problem(answer)
        return answer

    def _headers(self) -> dict[str, str]:
        password, token = self.secrets.password.get_secret_value(), self.secrets.token.get_secret_value()
        if token:
            return {"Authorization": f"Bearer {token}"}
        if self.settings.user or password:
            both = f"{self.settings.user}:{password}".encode()
            return {"Authorization": f"Basic {base64.b64encode(both).decode()}"}
        return {}

    def _problem(self, answer: urllib3.BaseHTTPResponse) -> Exception:
        status = answer.status
        if status in SIGNED_OUT:
            return ProviderRefusedError(
                f"{self._host} does not let us in ({status}): check password, token or signature."
            )
        if status == 404:
            return ProviderRefusedError(f"{self._host} has no file at this address (404): check the address.")
        if status in (408, 425, 429) or status >= 500:
            return ProviderUnavailableError(
                f"{self._host} cannot answer now ({status}).",
                retry_after=retry_after(answer.headers.get("Retry-After")),
            )
        return ProviderRefusedError(f"{self._host} answers {status}, which is not a file.")


def _last_part(url: str) -> str:
    return unquote(PurePosixPath(urlsplit(url).path).name)[-200:] or "file"


def _file_name(url: str, answer: urllib3.BaseHTTPResponse) -> str:
    """The name in the address, with the suffix of its type where it has none."""
    name = _last_part(url).replace("/", "_").replace("\\", "_").lstrip(".") or "file"
    if name.lower().endswith((*DATA_SUFFIXES, ".json", ".jsonl", ".ndjson")):
        return name
    kind = str(answer.headers.get("Content-Type") or "").partition(";")[0].strip().lower()
    if kind not in SUFFIXES:
        raise ProviderRefusedError(
            f"{name} says neither by its name nor by its type ({kind or 'none'}) what it is:"
            f" expected one of {', '.join(DATA_SUFFIXES)}."
        )
    return f"{name}{SUFFIXES[kind]}"
