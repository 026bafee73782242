"""As whom Google Cloud is asked: the key of a service account or this server's identity; counted, patient questions."""

import json
import os
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from pydantic import Field, SecretStr, field_validator

from collectors.connections import Fields
from collectors.errors import ProviderRefusedError, ProviderUnavailableError
from collectors.gcp.errors import Api, explain
from collectors.patience import patiently

TOKENS: Final = "https://oauth2.googleapis.com/token"
"""Where service accounts sign in: never the address that a key names, which anybody could have written into it."""

ANSWER_SECONDS: Final = 20.0
BAD: Final = 400
KEPT: Final = ("type", "client_email", "private_key", "private_key_id")

Answer = TypeVar("Answer")


class Secrets(Fields):
    """A key, for a server that has no Google Cloud identity of its own."""

    key: SecretStr = Field(
        SecretStr(""),
        title="Key of a service account",
        description="What the JSON file holds. Leave it empty where this server has a Google Cloud identity.",
    )

    @field_validator("key", mode="before")
    @classmethod
    def _is_key(cls, value: object) -> object:
        """In one line, as it is kept."""
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if not isinstance(text, str) or not text.strip():
            return value
        try:
            said = json.loads(text)
        except (ValueError, RecursionError):
            said = None
        if not isinstance(said, dict) or said.get("type") != "service_account" or "private_key" not in said:
            raise ValueError("This is no key of a service account: copy the whole JSON file that Google gave.")
        return json.dumps(said)


class Google:
    """One of Google's APIs, asked as a service account or as this server."""

    def __init__(self, api: Api, key: str) -> None:
        self.calls = 0
        self._api = api
        self._key = key
        self._credentials: Any = None
        self._session: Any = None

    def identity(self) -> str:
        """Sign in without asking anything; as whom."""
        from google.auth.transport.requests import Request  # noqa: PLC0415 - nobody without a Google source loads it

        self.ask(lambda: self.credential().refresh(Request()))
        return str(getattr(self.credential(), "service_account_email", None) or "the identity of this server")

    def ask(self, ask: Callable[[], Answer]) -> Answer:
        """What the SDK answers, asked again after a moment when Google falters; it must not try again itself."""

        def count() -> Answer:
            self.calls += 1
            return ask()

        return patiently(count, faults(), self.explain)

    def once(self, ask: Callable[[], Answer]) -> Answer:
        """What the SDK answers, where it tries again itself or cannot go on after a fault."""
        self.calls += 1
        try:
            return ask()
        except faults() as error:
            raise self.explain(error) from error

    def get(self, path: str, asked: Mapping[str, Any], **how: Any) -> Any:
        """The answer to a question by REST; for `ask`, which understands what it raises."""
        from google.api_core.exceptions import from_http_response  # noqa: PLC0415
        from google.auth.transport.requests import AuthorizedSession  # noqa: PLC0415

        if self._session is None:
            self._session = AuthorizedSession(self.credential())  # type: ignore[no-untyped-call]
        answer = self._session.get(f"{self.host()}{path}", params=asked, timeout=ANSWER_SECONDS, **how)
        if answer.status_code >= BAD:
            raise from_http_response(answer)  # type: ignore[no-untyped-call]
        return answer

    def explain(self, error: Exception) -> Any:
        """What an exception of the SDK means."""
        return explain(error, self._api)

    def credential(self) -> Any:
        """Of google-auth, made once."""
        if self._credentials is None:
            self._credentials = self._new_credential()
        return self._credentials

    def host(self) -> str:
        """Where the API is asked; gcloud's own variable leads to another address, such as one of a private network."""
        name = self._api.service.partition(".")[0].upper()
        address = os.environ.get(f"CLOUDSDK_API_ENDPOINT_OVERRIDES_{name}", "")
        return address.rstrip("/") or f"https://{self._api.service}"

    def _new_credential(self) -> Any:
        import google.auth  # noqa: PLC0415
        from google.oauth2 import service_account  # noqa: PLC0415

        if not self._key:
            return google.auth.default(scopes=self._api.scopes)[0]
        said = json.loads(self._key)
        known = {name: said[name] for name in KEPT if name in said} | {"token_uri": TOKENS}
        try:
            return service_account.Credentials.from_service_account_info(  # type: ignore[no-untyped-call]
                known, scopes=self._api.scopes
            )
        except ValueError as error:
            raise ProviderRefusedError("The key of the service account is damaged: copy its whole file.") from error


def follow(token: str, before: set[str]) -> str:
    """The token of the next page, after those that were followed. Raises ProviderUnavailableError in a circle."""
    if token in before:
        raise ProviderUnavailableError("Google Cloud answers with the same pages again and again.")
    before.add(token)
    return token


def faults() -> tuple[type[Exception], ...]:
    """What Google's SDKs raise."""
    import requests  # noqa: PLC0415
    import urllib3  # noqa: PLC0415
    from google.api_core.exceptions import GoogleAPIError  # noqa: PLC0415
    from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415
    from google.protobuf.json_format import ParseError  # noqa: PLC0415

    return (
        GoogleAPIError,
        GoogleAuthError,
        requests.RequestException,
        urllib3.exceptions.HTTPError,
        ParseError,
        TimeoutError,
    )
