"""Static files: gathered, compressed and named by their content under home, and only when a source has changed."""

import hashlib
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command

from finops.progress import Progress


def gather_static_files(progress: Progress) -> None:
    """Bring home/static up to date."""
    stamp = Path(settings.STATIC_ROOT).with_suffix(".sources")
    sources = _digest_of_sources()
    if stamp.exists() and stamp.read_text() == sources:
        return
    with progress.step("Static files"):
        stamp.unlink(missing_ok=True)
        call_command("collectstatic", interactive=False, clear=True, verbosity=0)
        stamp.write_text(sources)


def _digest_of_sources() -> str:
    digest = hashlib.sha256()
    for finder in get_finders():
        for path, storage in finder.list([]):
            found = Path(storage.path(path)).stat()
            digest.update(f"{storage.path(path)} {found.st_size} {found.st_mtime_ns}\n".encode())
    return digest.hexdigest()
