"""Where AWS writes billing exports in a bucket, and which manifest of a billing period counts. No network in here."""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final

from collectors.buckets import StoredObject

MANIFEST_END: Final = "-manifest.json"
METADATA: Final = "metadata"
DATA: Final = "data"
_LEGACY: Final = re.compile(r"(?:^|/)(\d{4})(\d\d)01-\d{8}/\Z")
_PARTITION: Final = re.compile(r"(?:^|/)billing_period=(\d{4})-(\d\d)/\Z", re.IGNORECASE)


def period_of(folder: str) -> date | None:
    """The billing period that a folder is for: `20260601-20260701/` or `BILLING_PERIOD=2026-06/`."""
    match = _LEGACY.search(folder) or _PARTITION.search(folder)
    if not match or not 1 <= int(match[2]) <= 12 or not 2000 <= int(match[1]) <= 2200:
        return None
    return date(int(match[1]), int(match[2]), 1)


def periods_in(folders: Iterable[str]) -> dict[date, str]:
    """The folder of each billing period, oldest first."""
    found = {period: folder for folder in folders if (period := period_of(folder)) is not None}
    return dict(sorted(found.items()))


def is_export(folders: Iterable[str]) -> bool:
    """Whether a folder that has these in it is an export: periods, or the two folders of Data Exports."""
    return any(period_of(folder) or folder.rstrip("/").rpartition("/")[2] in (METADATA, DATA) for folder in folders)


def current_manifest(objects: Iterable[StoredObject]) -> StoredObject | None:
    """The manifest that counts of those in a period's folder: written last; None where there is none."""
    manifests = [one for one in objects if one.key.lower().endswith(MANIFEST_END)]
    return max(manifests, key=lambda one: (one.modified, one.key), default=None)


def missing_keys(keys: Iterable[str], stored: Mapping[str, StoredObject]) -> list[str]:
    """What a manifest lists and the bucket does not have."""
    return [key for key in keys if key not in stored]


def written_after(manifest: StoredObject, files: Iterable[StoredObject]) -> StoredObject | None:
    """The newest file that is newer than its manifest: the next delivery is being written over it. None: whole."""
    later = [file for file in files if file.modified > manifest.modified]
    return max(later, key=lambda file: file.modified, default=None)
