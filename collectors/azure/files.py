"""Files of any format in a container of Azure Blob storage: bills, resources or prices that somebody puts there."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from collectors.azure import connection
from collectors.azure.clients import Blobs
from collectors.azure.connection import AzureExports, Secrets, address_of, sign_in_of
from collectors.buckets import StoredObject
from collectors.connections import Allowed
from collectors.places import StoredFiles


class Settings(connection.Settings):
    """Where the files are, and as whom they are read."""

    container: str = Field(title="Container", description="That the files are put into.")
    path: str = Field("", title="Path", description="The folders below which files are read. Left empty, all of them.")


class AzureFiles(StoredFiles):
    """Whatever can be imported below a path of a container."""

    kind: ClassVar = "azure-files"
    title: ClassVar = "Files in Azure Blob storage"
    help: ClassVar = "Files in any format that can be imported, which somebody puts into a container."
    Settings: ClassVar = Settings
    Secrets: ClassVar = Secrets
    template: ClassVar = AzureExports.template
    template_help: ClassVar = AzureExports.template_help

    def __init__(self, settings: Any, secrets: Any, allowed: Allowed) -> None:
        super().__init__(settings, secrets, allowed)
        self._sign_in = sign_in_of(settings, secrets)
        self._blobs = Blobs(settings.account, settings.container, self._sign_in)

    @property
    def calls(self) -> int:
        """How many requests were sent."""
        return self._blobs.calls

    @classmethod
    def policy(cls, settings: Mapping[str, str]) -> str:
        """Commands that let the application read this container, and nothing else."""
        return AzureExports.policy(settings)

    @classmethod
    def place(cls, settings: Mapping[str, str]) -> str:
        """As a web address."""
        return AzureExports.place(settings)

    @property
    def root(self) -> str:
        """The path with its slash, or nothing for the whole container."""
        return f"{self.settings.path}/" if self.settings.path else ""

    def address(self, key: str) -> str:
        """As a web address."""
        return address_of(self.settings, key)

    def list_files(self) -> Iterable[StoredObject]:
        """Every file below the path; an account with folders of its own lists these as empty files."""
        found = self._blobs.list_all(self.root)
        folders = {one.key.rpartition("/")[0] for one in found}
        return [one for one in found if one.size or one.key not in folders]

    def start_of(self, stored: StoredObject, most: int) -> bytes:
        """The first bytes of a file that is not empty."""
        return self._blobs.read(stored, most=most)

    def download(self, stored: StoredObject, path: Path) -> Iterator[int]:
        """Write one file, piece by piece, in the version that was listed."""
        return self._blobs.download(stored, path)

    def sign_in_steps(self) -> Sequence[tuple[str, Callable[[], str]]]:
        """As an application or this server; a SAS is tried by listing."""
        return [("Sign in to Azure", self._blobs.identity)] if self._sign_in.by_role else []
