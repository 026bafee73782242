"""The smallest provider that there can be: what docs/sources.md takes as its example."""

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import ClassVar

from pydantic import Field, SecretStr

from collectors.connections import Check, Connection, Fields, Progress, RemoteDelivery, Window, try_steps
from collectors.errors import ProviderRefusedError
from tests.sources.conftest import focus


class Settings(Fields):
    """Where it looks."""

    account: str = Field(title="Account", description="Your number at Example Cloud.")


class Secrets(Fields):
    """How it signs in."""

    token: SecretStr = Field(title="Token")


class ExampleCloud(Connection):
    """A cloud that delivers one bill, of June 2026."""

    kind: ClassVar = "example"
    title: ClassVar = "Example Cloud"
    help: ClassVar = "Bills of an invented cloud."
    Settings: ClassVar = Settings
    Secrets: ClassVar = Secrets

    @classmethod
    def place(cls, settings: Mapping[str, str]) -> str:
        """The account."""
        return f"account {settings['account']}"

    def check(self) -> Iterator[Check]:
        """Sign in."""
        yield from try_steps([("Sign in", self._sign_in)])

    def remote(self, window: Window) -> Iterator[RemoteDelivery]:
        """The one bill."""
        june = date(2026, 6, 1)
        if window.holds(june):
            yield RemoteDelivery("2026-06", "example://2026-06", "v1", june)

    def fetch(self, address: str, folder: Path, progress: Progress) -> Path:  # noqa: ARG002 - there is but one
        """The bill as a FOCUS file: a provider of its own format writes that, and a format reads it."""
        self._sign_in()
        path = folder / "june.csv"
        content = focus("1", "2")
        path.write_bytes(content)
        progress(len(content), len(content))
        return path

    def _sign_in(self) -> str:
        if self.secrets.token.get_secret_value() != "right":
            raise ProviderRefusedError("The token is not known.")
        return f"account {self.settings.account}"
