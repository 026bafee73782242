"""What object stores hold, in words that fit all of them: files, and folders made of the slashes in their names."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

LOOKED_INTO: Final = 30  # folders, when the path that was given is not an export


@dataclass(frozen=True, slots=True)
class StoredObject:
    """A file in a bucket."""

    key: str
    size: int
    etag: str
    modified: datetime


@dataclass(frozen=True, slots=True)
class Listing:
    """One folder of a bucket: the folders and the files directly in it."""

    folders: tuple[str, ...]
    objects: tuple[StoredObject, ...]


def fingerprint(stored: StoredObject) -> str:
    """Differs whenever the file was written anew: by its name, its ETag or its time."""
    said = f"{stored.key} {stored.etag} {stored.modified.isoformat()}"
    return hashlib.sha256(said.encode()).hexdigest()


def exports_below(
    folders: Iterable[str], *, below: Callable[[str], Sequence[str]], is_export: Callable[[Sequence[str]], bool]
) -> list[str]:
    """The exports that lie further down, where the path that was given is too short; so many folders are looked into.

    `below` lists the folders in a folder, and `is_export` says of these whether they are those of an export.
    """
    waiting, found = list(folders), []
    for _ in range(LOOKED_INTO):
        if not waiting:
            break
        folder = waiting.pop(0)
        inside = below(folder)
        if is_export(inside):
            found.append(folder.rstrip("/"))
        else:
            waiting += inside
    return found


def periods_in_words(names: Sequence[str]) -> str:
    """`6 billing periods, 2026-01 to 2026-06`, from the oldest; a single one by its name."""
    return f"{len(names)} billing periods, {names[0]} to {names[-1]}" if len(names) > 1 else names[0]


def files_in_words(period: str, files: Sequence[StoredObject]) -> str:
    """`2026-06: 3 files, 1,234 bytes`."""
    count = "1 file" if len(files) == 1 else f"{len(files):,} files"
    return f"{period}: {count}, {sum(file.size for file in files):,} bytes"
