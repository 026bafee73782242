"""Finds deliveries under files, folders and manifests: what belongs together is one. Reads manifests, peeks at more."""

import hashlib
import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from collectors.errors import RefusedFileError
from collectors.manifests import Manifest, is_manifest, is_within, read_manifest
from collectors.peek import is_json_rows, provider_of_answer, stands_alone
from collectors.runs import find_runs

DATA_SUFFIXES: Final = (".csv", ".gz", ".zip", ".parquet")
_CHUNK: Final = re.compile(r"(?:-\d{5}|(?:^|[-_.])part[-_]?\d{1,6}|0000\d{8})(?![0-9])", re.IGNORECASE)
_READ_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class FoundDelivery:
    """One delivery: its files in order, and why it cannot be loaded where that is plain already."""

    path: Path  # what to call it by: the manifest, or the first file
    files: tuple[Path, ...]
    manifest: Path | None = None
    problem: str = ""
    left_out: tuple[Path, ...] = ()  # files of an incomplete delivery that are there

    @property
    def size(self) -> int:
        """Bytes of all files as they are, packed or not."""
        return sum(file.stat().st_size for file in self.files)


@dataclass(frozen=True, slots=True)
class IgnoredFile:
    """A file in a folder that is not loaded, and why."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Discovery:
    """What was found under some paths."""

    deliveries: tuple[FoundDelivery, ...]
    ignored: tuple[IgnoredFile, ...]


@dataclass(frozen=True, slots=True)
class Digests:
    """SHA-256 in hex of every file, and of the delivery; that of a single file is the file's own."""

    files: tuple[str, ...]
    delivery: str


def find_deliveries(paths: Iterable[Path], root: Path | None = None) -> list[FoundDelivery]:
    """The deliveries under `paths`, see `discover`."""
    return list(discover(paths, root).deliveries)


def discover(paths: Iterable[Path], root: Path | None = None) -> Discovery:
    """Every delivery under `paths` (files, folders, manifests), each once; raises nothing: see `problem`.

    With `root`, no file outside that folder is ever loaded, and none behind a symbolic link.
    """
    deliveries: dict[frozenset[Path], FoundDelivery] = {}
    ignored: dict[Path, IgnoredFile] = {}
    for path in paths:
        found = _in_folder(path, root) if path.is_dir() else Discovery((_named(path, root),), ())
        for delivery in found.deliveries:
            same = _resolved(delivery.files) or _resolved([delivery.path])
            if same not in deliveries or delivery.manifest is not None:
                deliveries[same] = delivery
        ignored |= {file.path: file for file in found.ignored}
    return Discovery(_joined(_without_parts(deliveries)), tuple(ignored.values()))


def _resolved(files: Iterable[Path]) -> frozenset[Path]:
    return frozenset(file.resolve() for file in files)


def _without_parts(deliveries: Mapping[frozenset[Path], FoundDelivery]) -> tuple[FoundDelivery, ...]:
    """The deliveries without files that were named beside the manifest or the chunks that they belong to."""
    whole = {file: files for files, found in deliveries.items() if len(files) > 1 or found.manifest for file in files}
    left_out = {file for found in deliveries.values() for file in _resolved(found.left_out)}
    return tuple(
        found
        for files, found in deliveries.items()
        if found.manifest or not any(file in left_out or whole.get(file, files) != files for file in files)
    )


def _joined(deliveries: Sequence[FoundDelivery]) -> tuple[FoundDelivery, ...]:
    """Chunks that were named one by one (`cur-*.csv`) as the one delivery that they are."""
    single = [found for found in deliveries if len(found.files) == 1 and not found.manifest and not found.problem]
    whole = {found.path: found for found in _join_chunks(found.path for found in single)}
    return tuple(whole.get(found.path, found) for found in deliveries if found.path in whole or found not in single)


def hash_delivery(delivery: FoundDelivery) -> Digests:
    """Digests over the content alone: names, folders and the order of the files do not matter."""
    files = tuple(_hash_file(file) for file in delivery.files)
    if len(files) == 1:
        return Digests(files, files[0])
    return Digests(files, hashlib.sha256("".join(sorted(files)).encode()).hexdigest())


def _hash_file(path: Path) -> str:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_READ_BYTES):
                digest.update(block)
    except OSError as error:
        raise RefusedFileError(f"{path} cannot be read: {error.strerror}.") from error
    return digest.hexdigest()


def _named(path: Path, root: Path | None) -> FoundDelivery:
    """A file that somebody named."""
    if not path.exists() or _is_outside(path, root):
        return FoundDelivery(path, (), problem=f"{path} does not exist.")
    if not path.is_file():
        return FoundDelivery(path, (), problem=f"{path} is a pipe or a device: save what it gives to a file.")
    if not _is_data(path):
        if is_manifest(path):
            return _of_manifest(path, root)
        kinds = ", ".join(DATA_SUFFIXES)
        told = f"{path} is no billing file: expected {kinds}, a manifest or a saved answer of a cost API (JSON)."
        return FoundDelivery(path, (path,), problem=told)
    return FoundDelivery(path, (path,))


def _is_outside(path: Path, root: Path | None) -> bool:
    return root is not None and (path.is_symlink() or not is_within(path, root))


def _of_manifest(path: Path, root: Path | None) -> FoundDelivery:
    manifest = read_manifest(path, root)
    if manifest is None:
        return FoundDelivery(path, (), problem=f"{path} is JSON, but no manifest of a billing export.")
    return _listed(path, manifest)


def _listed(path: Path, manifest: Manifest) -> FoundDelivery:
    if manifest.problem:
        return FoundDelivery(path, (), path, manifest.problem, left_out=manifest.files)
    return FoundDelivery(path, manifest.files, path)


def _is_data(path: Path) -> bool:
    return path.name.lower().endswith(DATA_SUFFIXES) or provider_of_answer(path) != "" or is_json_rows(path)


def _in_folder(folder: Path, root: Path | None) -> Discovery:
    """A manifest's files are one delivery, and nothing else in the folders that it speaks for is loaded."""
    found_there = sorted(path for path in folder.rglob("*") if not path.is_dir())
    odd = {path: reason for path in found_there if (reason := _no_plain_file(path, root))}
    files = [path for path in found_there if path not in odd]
    names = {path for path in files if is_manifest(path)}
    manifests = {path: found for path in names if (found := read_manifest(path, folder)) is not None}
    runs = find_runs(files, {path: found.submitted for path, found in manifests.items()})
    ignored = [IgnoredFile(path, reason) for path, reason in (odd | runs.older).items()]
    newest = _newest([path for path in files if path not in runs.left_out], manifests)
    unclear = (FoundDelivery(period, (), problem=told) for period, told in runs.problems.items())
    return Discovery((*newest.deliveries, *unclear), (*ignored, *newest.ignored))


def _newest(files: Iterable[Path], found: Mapping[Path, Manifest]) -> Discovery:
    """The deliveries among files of which none belongs to an older run."""
    files = list(files)
    manifests = {path: found[path] for path in files if path in found}
    current = {path: manifest for path, manifest in manifests.items() if not _is_inner(path, manifests)}
    taken = {file for manifest in current.values() for file in manifest.files} | current.keys()
    spoken_for = {spoken for manifest in current.values() for spoken in manifest.folders}
    loose: list[Path] = []
    ignored: list[IgnoredFile] = []
    for path in files:
        if path in taken:
            continue
        if reason := _reason_to_ignore(path, manifests, spoken_for):
            ignored.append(IgnoredFile(path, reason))
        else:
            loose.append(path)
    listed = (_listed(path, current[path]) for path in sorted(current))
    return Discovery((*listed, *_join_chunks(loose)), tuple(ignored))


def _no_plain_file(path: Path, root: Path | None) -> str:
    """Why what lies in a folder can be no bill whatever it is called, empty when it can."""
    if path.is_symlink() and not path.exists():
        return "is a link to nothing"
    if _is_outside(path, root):
        return "leads out of the folder"
    return "" if path.is_file() else "is no plain file"


def _is_inner(path: Path, manifests: Container[Path]) -> bool:
    """Whether the folder above has a manifest of the same name: that one says which run is current."""
    return path.parent.parent / path.name in manifests


def _reason_to_ignore(path: Path, manifests: Container[Path], spoken_for: set[Path]) -> str:
    if path in manifests:
        return "is a copy or an older run of the manifest in the folder above"
    if path.name.startswith(".") or not _is_data(path):
        return "is no billing file"
    return "is not listed in the manifest: stale or incomplete" if spoken_for.intersection(path.parents) else ""


def _join_chunks(files: Iterable[Path]) -> Iterator[FoundDelivery]:
    """Files of one folder whose names differ in a chunk number alone are one delivery, and so are a vendor's answers:
    one may hold the costs and another what was used, or the next page."""
    groups: dict[tuple[Path, str, str], list[Path]] = {}
    for file in files:
        provider = provider_of_answer(file)
        groups.setdefault((file.parent, provider, "" if provider else _unnumbered(file)), []).append(file)
    for (_, provider, _), chunks in groups.items():
        yield FoundDelivery(chunks[0], tuple(chunks), problem="" if provider else _gap(chunks))


def without_number(name: str) -> str:
    """What the names of chunks of one export have in common; a name without a number is its own."""
    return _CHUNK.sub("*", name, count=1)


def _unnumbered(file: Path) -> str:
    """What chunks of one export have in common: the name without its number."""
    name = without_number(file.name)
    return name if name == file.name or not stands_alone(file) else file.name


def _gap(chunks: Sequence[Path]) -> str:
    """What is wrong with chunks of which one in the middle is missing."""
    matches = (_CHUNK.search(file.name) for file in chunks)
    numbers = {int("".join(filter(str.isdigit, match[0]))) for match in matches if match}
    if len(chunks) > 1 and (missing := sorted({*range(min(numbers), max(numbers))} - numbers)):
        return f"{chunks[0].parent} lacks chunk {missing[0]} of {without_number(chunks[0].name)}."
    return ""
