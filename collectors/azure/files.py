"""Files of any format in a container of Azure Blob storage: bills, resources or prices that somebody puts there."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from collectors.azure import container
from collectors.azure.container import InContainer
from collectors.buckets import StoredObject
from collectors.places import StoredFiles


class Settings(container.Settings):
    """Where the files are, and as whom they are read."""

    container: str = Field(title="Container", description="That the files are put into.")
    path: str = Field("", title="Path", description="The folders below which files are read. Left empty, all of them.")


class AzureFiles(InContainer, StoredFiles):
    """Whatever can be imported below a path of a container."""

    kind: ClassVar = "azure-files"
    title: ClassVar = "Files in Azure Blob storage"
    help: ClassVar = "Files in any format that can be imported, which somebody puts into a container."
    Settings: ClassVar = Settings

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
