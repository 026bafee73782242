"""An export on disk: there whole under its name, or not at all."""

import errno
import os
from collections.abc import Iterable
from pathlib import Path

from apps.core.errors import UserError
from apps.costs.export import Format


def check_target(path: Path, *, force: bool) -> Format:
    """The format that the file's ending says. Raises UserError when nothing can be written there."""
    ending = path.suffix.removeprefix(".").lower()
    if ending not in list(Format):
        allowed = " or ".join(f".{one}" for one in Format)
        raise UserError(f"{path}: the ending says the format; let the name end in {allowed}.")
    if path.exists() and not force:
        raise UserError(f"{path} is there already; take another name, or write over it with --force.")
    if not path.parent.is_dir():
        raise UserError(f"{path.parent} is not a folder; make it first.")
    return Format(ending)


def write_file(chunks: Iterable[bytes], path: Path) -> int:
    """Write the chunks; the file takes its name when it is complete. Returns its bytes.

    Raises UserError when it cannot be written; what had been written is removed then.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("xb") as file:
            for chunk in chunks:
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
        part.replace(path)
    except OSError as error:
        why = "the disk is full; free some space or choose another folder" if error.errno == errno.ENOSPC else error
        raise UserError(f"{path} cannot be written: {why}. Nothing was left behind.") from error
    finally:
        part.unlink(missing_ok=True)
    return size
