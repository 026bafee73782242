"""What every transfer into a local folder minds: room on the disk, names that stay inside, how long to wait."""

import shutil
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path, PurePosixPath
from typing import Final

from collectors.errors import ProviderRefusedError, ProviderUnavailableError

CHUNK_BYTES: Final = 1 << 20
SPARE_BYTES: Final = 200_000_000  # left for the database and the logs
LONGEST_WAIT: Final = 6 * 3600.0


def check_space(folder: Path, size: int) -> None:
    """Refuse to begin what the disk cannot hold: it waits until there is room."""
    free = shutil.disk_usage(folder).free
    if free < size + SPARE_BYTES:
        raise ProviderUnavailableError(
            f"The disk of this server is full: {size // 1_000_000:,} MB are needed and {free // 1_000_000:,} MB are"
            " free. Nothing was fetched: free some space."
        )


def place_below(folder: Path, key: str) -> Path:
    """Where a provider's key is kept below a folder, its folders made. Raises for a key that would lead out."""
    parts = PurePosixPath(key.lstrip("/")).parts
    if not parts or ".." in parts or any(len(part.encode()) > 255 or "\0" in part for part in parts):
        raise ProviderRefusedError(f"{key!r} cannot be the name of a file.")
    path = folder.joinpath(*parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def retry_after(header: str | None, *, now: datetime | None = None) -> float | None:
    """Seconds in a Retry-After header, a number or a date; None where there is none or it cannot be read."""
    if not header:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_WAIT)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return min(max((at - (now or datetime.now(UTC))).total_seconds(), 0.0), LONGEST_WAIT)
