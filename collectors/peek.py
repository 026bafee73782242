"""What the first bytes of a file tell before anybody reads it: whose answer it is, or that it is a bill by itself."""

import re
import zlib
from pathlib import Path
from typing import IO, Final

from isal import igzip
from isal.igzip_lib import IsalError

PEEKED: Final = 1 << 16
GZIP: Final = b"\x1f\x8b"
BOM: Final = b"\xef\xbb\xbf"
DAMAGED: Final[tuple[type[Exception], ...]] = (EOFError, OSError, zlib.error, IsalError)  # type: ignore[assignment]
"""What reading a packed file that is not whole, or not there, raises."""

_OPENAI: Final = re.compile(rb'"object"\s*:\s*"page"')
_ANTHROPIC: Final = re.compile(rb'"starting_at"\s*:|^\W*"data"\s*:\s*\[\s*\]\s*,\s*"has_more"')
_ROWS: Final = (
    (b'"billing_account_id"', b'"usage_start_time"'),
    (b'"provider"', b'"resource_id"', b'"kind"'),
    (b'"provider"', b'"sku_id"', b'"list_unit_price"'),
    (b'"cluster"', b'"node"', b'"cpu_core_hours"'),
)
"""Keys by which JSON lines are known: of Google Cloud's billing export, and of the record sets."""

_ORACLE: Final = ((b"lineitem/referenceno", b"lineitem/intervalusagestart"), (b"billedcost", b"oci_referencenumber"))
"""Columns, in small letters, of Oracle's cost reports and of its FOCUS reports."""


def provider_of_answer(path: Path) -> str:
    """Which vendor's cost or usage API a JSON file is the saved answer of, empty when it is none."""
    start = _start(path)
    if not start.startswith((b"{", b"[")):
        return ""
    if _OPENAI.search(start):
        return "OpenAI"
    return "Anthropic" if _ANTHROPIC.search(start) else ""


def is_json_rows(path: Path) -> bool:
    """Whether a file has a JSON object a line that can be imported: as BigQuery writes the billing export of Google
    Cloud, or records such as resources."""
    start = _start(path)
    return start.startswith(b"{") and any(all(key in start for key in keys) for keys in _ROWS)


def stands_alone(path: Path) -> bool:
    """Whether a file is a bill by itself although it is numbered like a chunk of one: Oracle numbers its reports."""
    header = _start(path).partition(b"\n")[0].lower()
    return any(all(column in header for column in columns) for columns in _ORACLE)


def unpacked(file: IO[bytes]) -> IO[bytes]:
    """What a file holds, unpacked on the way when it is gzipped."""
    packed = file.read(2) == GZIP
    file.seek(0)
    return igzip.IGzipFile(fileobj=file, mode="rb") if packed else file  # type: ignore[no-untyped-call,return-value]


def _start(path: Path) -> bytes:
    """The first bytes, none where they cannot be read: whoever reads all of it says why."""
    try:
        with path.open("rb") as file:
            return unpacked(file).read(PEEKED).removeprefix(BOM).lstrip()
    except DAMAGED:
        return b""
