"""Files of any format below a path of an object store: which of them make up one delivery, and fetching it whole."""

import hashlib
import os
import tempfile
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import ClassVar, Final

from collectors.buckets import StoredObject
from collectors.connections import Check, Connection, Progress, RemoteDelivery, Window, try_steps
from collectors.errors import NotReadyError, ProviderRefusedError
from collectors.files import DATA_SUFFIXES, FoundDelivery, find_deliveries, without_number
from collectors.manifests import LARGEST_BYTES, is_manifest
from collectors.peek import PEEKED
from collectors.transfer import check_space, place_below

JSON_SUFFIXES: Final = (".json", ".jsonl", ".ndjson")
MOST_FILES: Final = 50_000
Start = Callable[[StoredObject, int], bytes]
"""Reads at most so many bytes from the start of a file."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A delivery as it lies in a store."""

    name: str  # the path of its manifest, or of its first file, below that of the place
    files: tuple[StoredObject, ...]  # with its manifest
    has_manifest: bool
    problem: str  # why it cannot be had yet

    @property
    def fingerprint(self) -> str:
        """Differs when a file is written anew, comes or goes."""
        said = "".join(f"{file.key} {file.etag} {file.size}\n" for file in self.files)
        return hashlib.sha256(f"{self.problem}\n{said}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Place:
    """What lies below a path: deliveries, the oldest first, and keys that can be no file's name."""

    deliveries: tuple[Placed, ...]
    odd: tuple[str, ...]


class StoredFiles(Connection):
    """A kind of source that reads whatever can be imported below a path. A subclass says how its store is asked."""

    holds_latest: ClassVar = False  # an old file lying about never brings old numbers back
    _odd: tuple[str, ...] = ()

    @property
    @abstractmethod
    def root(self) -> str:
        """The path below which files count: empty, or ending in a slash."""

    @abstractmethod
    def address(self, key: str) -> str:
        """What people call a file of that key, for example s3://bucket/key."""

    @abstractmethod
    def list_files(self) -> Iterable[StoredObject]:
        """Every file below `root`, with whole keys."""

    @abstractmethod
    def start_of(self, stored: StoredObject, most: int) -> bytes:
        """The first bytes of a file, in the version that was listed."""

    @abstractmethod
    def download(self, stored: StoredObject, path: Path) -> Iterator[int]:
        """Write a file, in the version that was listed, to `path`.

        Yields how many bytes came, and less than none for those that have to come again. Raises NotReadyError when the
        file was replaced, ProviderUnavailableError when it breaks off.
        """

    def sign_in_steps(self) -> Sequence[tuple[str, Callable[[], str]]]:
        """What a test tries before it lists."""
        return ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """Files that can never be fetched, because of their names."""
        return tuple(f"{self.address(key)} is left out: this cannot be the name of a file here." for key in self._odd)

    def check(self) -> Iterator[Check]:
        """Sign in, look for deliveries, read the first byte of the newest."""
        steps = [*self.sign_in_steps(), ("Look for files", self._describe), ("Read a file", self._read_newest)]
        yield from try_steps(steps)

    def remote(self, window: Window) -> Iterator[RemoteDelivery]:  # noqa: ARG002 - files do not say their period
        """The deliveries, the oldest first: what was put there later replaces what it says anew."""
        for placed in self._look():
            yield RemoteDelivery(placed.name, self.address(f"{self.root}{placed.name}"), placed.fingerprint)

    def fetch(self, address: str, folder: Path, progress: Progress) -> Path:
        """The delivery's files at the same paths below the folder. Raises NotReadyError while they change."""
        placed = self._find(address)
        self._refuse_large(placed)
        total, done = sum(file.size for file in placed.files), 0
        check_space(folder, total)
        for file in placed.files:
            for received in self.download(file, place_below(folder, file.key.removeprefix(self.root))):
                done += received
                progress(done, total)
        if self._find(address) != placed:
            raise NotReadyError(f"{placed.name} was replaced while it was read.", retry_after=60.0)
        return place_below(folder, placed.name) if placed.has_manifest else folder

    def _refuse_large(self, placed: Placed) -> None:
        most = self.allowed.max_bytes
        if large := [file for file in placed.files if file.size > most]:
            raise ProviderRefusedError(
                f"{self.address(large[0].key)} is larger than the {most // 1_000_000:,} MB that a file may have here"
                " (FINOPS_MAX_UPLOAD_MB)."
            )

    def _find(self, address: str) -> Placed:
        """The delivery of that address as it is now."""
        found = next((one for one in self._look() if self.address(f"{self.root}{one.name}") == address), None)
        if found is None:
            raise ProviderRefusedError(f"{address} is not there any more.")
        if found.problem:
            raise NotReadyError(found.problem)
        return found

    def _look(self) -> Sequence[Placed]:
        place = look(self.list_files(), self.root, self.start_of)
        self._odd = place.odd
        return place.deliveries

    def _describe(self) -> str:
        found = self._look()
        if not found:
            suffixes = ", ".join((*DATA_SUFFIXES, *JSON_SUFFIXES))
            raise NotReadyError(
                f"Nothing at {self.address(self.root)} can be imported yet: check the path, and that the names of the"
                f" files end in one of {suffixes}."
            )
        return f"{len(found):,} found, the newest {found[-1].name}"

    def _read_newest(self) -> str:
        file = self._look()[-1].files[-1]
        if file.size:
            self.start_of(file, 1)
        return f"{file.key.removeprefix(self.root)}, {file.size:,} bytes"


def look(stored: Iterable[StoredObject], root: str, start_of: Start) -> Place:
    """What lies below `root`, grouped as in a folder of the same files: manifests, runs and chunks belong together.

    The folder is made, of empty files: only manifests and the beginning of what its name alone does not tell are read.
    """
    with tempfile.TemporaryDirectory(prefix="place-") as made:
        folder = Path(made).resolve()
        mirror = _Mirror(folder, root, start_of)
        for number, one in enumerate(filter(_may_be_read, stored)):
            if number == MOST_FILES:
                raise ProviderRefusedError(f"More than {MOST_FILES:,} files lie there: give a longer path.")
            mirror.add(one)
        deliveries = [mirror.placed(found) for found in find_deliveries([folder], root=folder)]
    return Place(tuple(sorted(deliveries, key=_written)), tuple(mirror.odd))


class _Mirror:
    """A folder with a file for each of a store's, of the same name and time."""

    def __init__(self, folder: Path, root: str, start_of: Start) -> None:
        self.odd: list[str] = []
        self._folder = folder
        self._root = root
        self._start_of = start_of
        self._stored: dict[Path, StoredObject] = {}
        self._starts: dict[str, bytes] = {}

    def add(self, stored: StoredObject) -> None:
        """Make the file of one in the store; one that cannot be made is odd."""
        try:
            path = place_below(self._folder, stored.key.removeprefix(self._root))
            file = path.open("xb")
        except (ProviderRefusedError, OSError):  # two keys may mean one path, or a file where the other has a folder
            self.odd.append(stored.key)
            return
        with file:
            file.write(self._start(stored, path))
        os.utime(path, (stored.modified.timestamp(),) * 2)
        self._stored[path] = stored

    def placed(self, found: FoundDelivery) -> Placed:
        """What was found in the folder, as it lies in the store."""
        paths = [*found.files, *found.left_out, *([found.manifest] if found.manifest else [])]
        files = tuple(self._stored[path] for path in paths if path in self._stored)
        problem = found.problem.replace(f"{self._folder}/", "")
        name = found.path.relative_to(self._folder).as_posix()
        return Placed(name, files, found.manifest is not None, problem)

    def _start(self, stored: StoredObject, path: Path) -> bytes:
        """What tells which delivery a file belongs to; the chunks of one begin alike."""
        if is_manifest(path):
            return self._start_of(stored, LARGEST_BYTES) if stored.size else b""
        alike = str(path.with_name(without_number(path.name)))
        if not stored.size or not (_is_json(path.name) or alike != str(path)):
            return b""
        if alike not in self._starts:
            self._starts[alike] = self._start_of(stored, PEEKED)
        return self._starts[alike]


def _may_be_read(stored: StoredObject) -> bool:
    name = PurePosixPath(stored.key).name.lower()
    return not name.startswith(".") and name.endswith((*DATA_SUFFIXES, *JSON_SUFFIXES))


def _is_json(name: str) -> bool:
    return name.lower().removesuffix(".gz").endswith(JSON_SUFFIXES)


def _written(placed: Placed) -> tuple[float, str]:
    return max((file.modified.timestamp() for file in placed.files), default=0.0), placed.name
