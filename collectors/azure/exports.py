"""Where Azure writes cost exports in a container, and which run of a period counts. No network in here."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from collectors.buckets import StoredObject
from collectors.errors import NotReadyError, ProviderRefusedError
from collectors.files import DATA_SUFFIXES
from collectors.manifests import NAME_END, listed_keys
from collectors.runs import GUID

_DAYS: Final = re.compile(r"(?:^|/)(\d{8})-(\d{8})/\Z")
SHORTEST, LONGEST = 28, 31  # days of a billing period


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file as a manifest lists it; its size where the manifest says it."""

    key: str
    size: int | None


def period_of(folder: str) -> date | None:
    """The first day of the billing period that a folder like `20260601-20260630/` is for; None for fewer days."""
    days = _days_of(folder)
    return days[0] if days and SHORTEST <= (days[1] - days[0]).days + 1 <= LONGEST else None


def is_dated(folder: str) -> bool:
    """Whether a folder is named by days, of a billing period or not."""
    return _days_of(folder) is not None


def _days_of(folder: str) -> tuple[date, date] | None:
    match = _DAYS.search(folder)
    try:
        return (date.fromisoformat(match[1]), date.fromisoformat(match[2])) if match else None
    except ValueError:
        return None


def periods_in(folders: Iterable[str]) -> dict[date, str]:
    """The folder of each billing period, oldest first; of two that begin on one day, the one that ends later."""
    found = {period: folder for folder in sorted(folders) if (period := period_of(folder)) is not None}
    return dict(sorted(found.items()))


def name_of(period: date) -> str:
    """What a period's delivery is called: its month, or its first day where periods begin within months."""
    return f"{period:%Y-%m}" if period.day == 1 else period.isoformat()


def current(folder: str, stored: Iterable[StoredObject]) -> StoredObject | None:
    """What stands for the newest run in a period's folder: its manifest, or the single file that it is.

    Files in a folder of their own have a manifest, which Azure writes last: without it they do not count yet.
    """
    files = list(stored)
    manifests = [one for one in files if is_manifest(one)]
    single = [one for one in files if "/" not in one.key.removeprefix(folder) and _is_data(one)]
    if not any("/" not in one.key.removeprefix(folder) for one in manifests):
        _refuse_several(folder, single)
        manifests += single
    return max(manifests, key=lambda one: (one.modified, one.key), default=None)


def is_manifest(stored: StoredObject) -> bool:
    """Whether a file is called like a manifest."""
    return stored.key.lower().endswith(NAME_END)


def _is_data(stored: StoredObject) -> bool:
    return stored.key.lower().endswith(DATA_SUFFIXES)


def _refuse_several(folder: str, files: Iterable[StoredObject]) -> None:
    """Runs differ by their GUIDs alone; files that differ otherwise may be parts, of which none can be left out."""
    names = sorted({GUID.sub("*", one.key.removeprefix(folder)) for one in files})
    if len(names) > 1:
        raise ProviderRefusedError(
            f"{folder} holds {names[0]} and {names[1]} and no manifest: nothing tells whether both count."
            " Let the export partition its files, so that it writes a manifest, or give each export a path of its own."
        )


def listed_in(manifest: StoredObject, content: bytes) -> list[ListedFile]:
    """The files that a manifest lists, each once. Raises NotReadyError for one that is damaged or lists none."""
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        said = None
    blobs = said.get("blobs") if isinstance(said, dict) else None
    if not isinstance(blobs, list) or not blobs:
        raise NotReadyError(f"{manifest.key} lists no files: it is damaged or being written.")
    sizes = [one.get("byteCount") if isinstance(one, dict) else None for one in blobs]
    found = zip(listed_keys({"blobs": blobs}), sizes, strict=True)
    return [ListedFile(key, size if isinstance(size, int) else None) for key, size in dict(found).items()]


def matched(manifest: StoredObject, listed: ListedFile, stored: dict[str, StoredObject]) -> StoredObject:
    """The file that a manifest means. Raises NotReadyError where it is missing, or of another size than listed.

    Where a container was copied, what it lists lies beside it.
    """
    beside = f"{manifest.key.rpartition('/')[0]}/{listed.key.rpartition('/')[2]}"
    file = stored.get(listed.key.lstrip("/")) or stored.get(beside.lstrip("/"))
    if file is None:
        raise NotReadyError(f"{manifest.key} lists {listed.key}, which is missing from the container.")
    if listed.size is not None and listed.size != file.size:
        raise NotReadyError(
            f"{file.key} has {file.size:,} bytes where its manifest lists {listed.size:,}: Azure is writing it anew.",
            retry_after=300.0,
        )
    return file
