"""A disk that is really full: a small file system of its own, filled while a worker writes to it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from werkzeug.wrappers import Request

from apps.sources import collecting
from apps.sources.models import Delivery, Run
from tests.aws import Bucket
from tests.sources.conftest import connect, fetching, try_again
from tests.sources.totals import stored

MEGABYTES = 210  # a transfer begins only where 200 are free
IN_A_SMALL_DISK = f'mount -t tmpfs -o size={MEGABYTES}m tmpfs "$1" && shift && exec "$@"'
AS_ROOT = () if os.geteuid() == 0 else ("--map-root-user",)
UNSHARE = ("unshare", *AS_ROOT, "--mount", "sh", "-c", IN_A_SMALL_DISK, "sh")


@pytest.fixture
def small_disk(tmp_path: Path) -> None:
    """Whether this machine lets a process have a file system of its own."""
    tried = subprocess.run([*UNSHARE, tmp_path, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"this machine gives a process no file system of its own: {tried.stderr.strip()}")


def collect_on_a_small_disk(run: Run, home: Path) -> "subprocess.Popen[bytes]":
    """A worker that has a small disk where it keeps what it fetches."""
    database = connection.settings_dict["NAME"]
    child = [sys.executable, "-m", "tests.sources.collect_in_child", database, home, str(run.pk)]
    return subprocess.Popen([*UNSHARE, home / "tmp", *child], cwd=settings.BASE_DIR)


# over 5 s: a worker is a process of its own, which takes a while to start
@pytest.mark.usefixtures("small_disk")
@pytest.mark.django_db(transaction=True)
def test_a_disk_that_is_really_full_loses_nothing_and_is_tried_again(june: Bucket, home: Path) -> None:
    workers: list[subprocess.Popen[bytes]] = []

    def fill(_: Request) -> None:
        folder = Path(f"/proc/{workers[0].pid}/root") / (home / "tmp").relative_to("/")  # as the worker sees it
        with (folder / "others").open("wb") as file:
            free = os.fstatvfs(file.fileno())
            os.posix_fallocate(file.fileno(), 0, free.f_bavail * free.f_frsize)

    june.server.spoil(path="cur-1.csv", answer=fill)
    source = connect()
    collecting.execute(source.runs.get().pk)
    workers.append(collect_on_a_small_disk(fetching(source), home))
    assert workers[0].wait(60) == 0

    assert fetching(source).status == "waiting"
    assert fetching(source).error == "The disk is full. Nothing of this delivery was loaded."
    assert not Delivery.objects.exists()

    try_again(source)

    assert (fetching(source).status, stored()) == ("done", 3)
