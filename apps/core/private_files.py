"""Small files that this user alone may read, written so that nobody ever sees half of one."""

import secrets
from pathlib import Path


def write_once(path: Path, text: str) -> None:
    """Write a private file unless another process has just done so; readers never see it half-written."""
    draft = _draft(path, text)
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        return  # the other process's text is the text
    finally:
        draft.unlink()


def replace(path: Path, text: str) -> None:
    """Write a private file in the place of the one that is there."""
    _draft(path, text).replace(path)


def _draft(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    draft.touch(mode=0o600)
    draft.write_text(text)
    return draft
