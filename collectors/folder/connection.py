"""A folder on the server itself, one that the operator allows: each bill in it, when it is new or has changed."""

import hashlib
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar, Final

from pydantic import Field

from collectors.connections import Check, Connection, Fields, Progress, RemoteDelivery, Window, try_steps
from collectors.errors import NotReadyError, ProviderRefusedError
from collectors.files import FoundDelivery, find_deliveries
from collectors.transfer import CHUNK_BYTES, check_space, place_below

SETTLED_SECONDS: Final = 5.0  # a file that was written to within them may be growing


class Settings(Fields):
    """Where the files are."""

    path: str = Field(
        title="Folder",
        description="On the server, below one that its operator allows. Files in any format that can be imported.",
    )


class Folder(Connection):
    """Files that somebody else's program puts into a folder."""

    kind: ClassVar = "folder"
    title: ClassVar = "Folder on this server"
    help: ClassVar = "Bills that another program puts into a folder of this server."
    Settings: ClassVar = Settings
    holds_latest: ClassVar = False  # an old file lying about never brings old numbers back

    @classmethod
    def place(cls, settings: Mapping[str, str]) -> str:
        """The folder's path."""
        return settings["path"]

    def check(self) -> Iterator[Check]:
        """Whether the folder is allowed and readable, and what is in it."""
        yield from try_steps([("Open the folder", lambda: str(self._folder())), ("Look for bills", self._describe)])

    def remote(self, window: Window) -> Iterator[RemoteDelivery]:  # noqa: ARG002 - files do not say their period
        """The bills in it, the oldest file first: what was put there later replaces what it says anew."""
        folder = self._folder()
        for found in sorted(find_deliveries([folder], root=folder), key=_written):
            name = found.path.relative_to(folder).as_posix()
            yield RemoteDelivery(name, str(found.path), _fingerprint(found))

    def fetch(self, address: str, folder: Path, progress: Progress) -> Path:
        """A copy of the bill's files. Raises NotReadyError while they are being written."""
        root = self._folder()
        found = self._find(root, address)
        before = _fingerprint(found)
        if time.time() - _written(found) < SETTLED_SECONDS:
            raise NotReadyError(f"{found.path.name} is being written.", retry_after=SETTLED_SECONDS)
        check_space(folder, found.size)
        files = [file for file in (found.manifest, *found.files) if file]
        total, done = sum(file.stat().st_size for file in files), 0
        for file in files:
            for copied in _copy(file, place_below(folder, file.relative_to(root).as_posix())):
                done += copied
                progress(done, total)
        if _fingerprint(found) != before:
            raise NotReadyError(f"{found.path.name} was replaced while it was read.")
        return folder / found.manifest.relative_to(root) if found.manifest else folder

    def _find(self, root: Path, address: str) -> FoundDelivery:
        """The bill of that address as it is now."""
        same = [found for found in find_deliveries([root], root=root) if str(found.path) == address]
        if not same:
            raise ProviderRefusedError(f"{Path(address).name} is not in the folder any more.")
        if same[0].problem:
            raise NotReadyError(same[0].problem.replace(f"{root}/", ""))
        return same[0]

    def _describe(self) -> str:
        folder = self._folder()
        found = find_deliveries([folder], root=folder)
        if not found:
            raise ProviderRefusedError("There is no bill in the folder yet.")
        return f"{len(found):,} found"

    def _folder(self) -> Path:
        """The folder with links followed: what counts is where it really is."""
        if not self.allowed.folders:
            raise ProviderRefusedError(
                "The operator of this server allows no folder: set FINOPS_SOURCE_FOLDERS to those that may be read."
            )
        path = Path(self.settings.path).resolve()
        if not any(path.is_relative_to(allowed.resolve()) for allowed in self.allowed.folders):
            allowed = ", ".join(map(str, self.allowed.folders))
            raise ProviderRefusedError(f"{self.settings.path} is not below a folder that may be read: {allowed}.")
        if not path.is_dir():
            raise ProviderRefusedError(f"{self.settings.path} is no folder, or this server may not look into it.")
        return path


def _fingerprint(found: FoundDelivery) -> str:
    """Over names, sizes and times of writing; differs while a file is missing."""
    digest = hashlib.sha256(found.problem.encode())
    for file in filter(None, (found.manifest, *found.files)):
        if file.exists():
            state = file.stat()
            digest.update(f"{file.name} {state.st_size} {state.st_mtime_ns} {state.st_ino}\n".encode())
    return digest.hexdigest()


def _written(found: FoundDelivery) -> float:
    return max((file.stat().st_mtime for file in (*found.files, found.path) if file.exists()), default=0.0)


def _copy(source: Path, target: Path) -> Iterator[int]:
    with source.open("rb") as read, target.open("xb") as written:
        while chunk := read.read(CHUNK_BYTES):
            written.write(chunk)
            yield len(chunk)
