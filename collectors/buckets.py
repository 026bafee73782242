"""What object stores hold, in words that fit all of them: files, and folders made of the slashes in their names."""

import hashlib
from dataclasses import dataclass
from datetime import datetime


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
