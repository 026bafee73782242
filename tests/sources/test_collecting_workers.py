"""Workers that die, meet or are stopped while collecting, a full disk, a lost broker: the run goes on or says why."""

import errno
import shutil
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.conf import settings
from django.db import connection
from django.utils import timezone
from werkzeug.wrappers import Request

from apps.accounts.models import Role, User
from apps.sources import collecting, runs
from apps.sources.models import Delivery, Run
from tests.aws import Bucket, error
from tests.sources.conftest import before_reading, connect, fetching, focus, look_again, try_again, work
from tests.sources.totals import stored

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("home")]
THROTTLED = error(503, "SlowDown", "Please reduce your request rate.", **{"Retry-After": "120"})


@pytest.mark.django_db(transaction=True)
def test_the_same_task_five_times_at_once_collects_once(june: Bucket) -> None:
    source = connect()
    collecting.execute(source.runs.get().pk)
    run = fetching(source)

    def execute() -> None:
        try:
            collecting.execute(run.pk)
        finally:
            connection.close()

    workers = [threading.Thread(target=execute) for _ in range(5)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    collecting.execute(run.pk)

    assert (fetching(source).status, fetching(source).attempt) == ("done", 1)
    assert Delivery.objects.count() == 1
    assert stored() == 3
    assert june.server.gets("cur-1.csv") == 1


# over 5 s: a worker is a process of its own, which takes a while to start
@pytest.mark.django_db(transaction=True)
def test_the_run_of_a_killed_worker_goes_on_elsewhere_and_nothing_is_doubled(june: Bucket, home: Path) -> None:
    began, go_on = threading.Event(), threading.Event()

    def hang(_: Request) -> None:
        began.set()
        go_on.wait(60)

    june.server.spoil(path="cur-1.csv", answer=hang)
    source = connect()
    collecting.execute(source.runs.get().pk)
    run = fetching(source)
    words = [
        sys.executable,
        "-m",
        "tests.sources.collect_in_child",
        connection.settings_dict["NAME"],
        home,
        str(run.pk),
    ]
    worker = subprocess.Popen(words, cwd=settings.BASE_DIR)
    assert began.wait(60)
    assert runs.note_lost() == 0  # it lives
    worker.kill()
    worker.wait()
    go_on.set()

    lost = 0
    for _ in range(100):  # the database notices the end of the session in a moment
        lost = runs.note_lost()
        if lost:
            break
        time.sleep(0.1)
    assert lost == 1
    assert fetching(source).status == "queued"
    assert "goes on elsewhere" in fetching(source).error
    assert (home / "tmp" / f"collect-{run.pk}").exists()

    work(source)

    assert (fetching(source).status, fetching(source).attempt) == ("done", 2)
    assert stored() == 3
    assert Delivery.objects.count() == 1
    assert not (home / "tmp" / f"collect-{run.pk}").exists()


def test_what_workers_that_were_lost_had_fetched_is_removed(june: Bucket, home: Path) -> None:
    source = connect()
    over, open_ = work(source)[-1], Run.objects.create(source=source, name="2026-01")
    for run in (over, open_):
        collecting.folder_of(run).mkdir()

    collecting.remove_left_folders()

    assert not collecting.folder_of(over).exists()
    assert collecting.folder_of(open_).exists()


def test_a_run_that_ends_every_worker_is_given_up(june: Bucket) -> None:
    source = connect()
    Run.objects.update(status="running", attempt=runs.MOST_ATTEMPTS)

    runs.note_lost()

    assert source.runs.get().status == "failed"
    assert "workers ended in the middle of it" in source.runs.get().error


def test_what_a_broker_forgot_is_sent_again(
    june: Bucket, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    sent: list[int] = []
    monkeypatch.setattr(current_app.tasks[runs.COLLECT], "delay", sent.append)
    with django_capture_on_commit_callbacks(execute=True):
        source = connect()
    Run.objects.update(sent_at=timezone.now() - timedelta(hours=1))
    with django_capture_on_commit_callbacks(execute=True):
        runs.dispatch_all()
        runs.dispatch_all()

    assert sent == [source.runs.get().pk] * 2


def test_a_bad_source_delays_no_other(
    june: Bucket, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    for number in range(1, 10):
        month = f"2026-{number:02}"
        june.legacy(f"2026{number:02}01-2026{number + 1:02}01", {"x.csv": focus("1", month=month)}, prefix="bad/cur")
    bad, good = connect("bad", prefix="bad/cur"), connect("good")
    for source in (bad, good):
        collecting.execute(source.runs.get().pk)
    sent: list[int] = []
    monkeypatch.setattr(current_app.tasks[runs.COLLECT], "delay", sent.append)
    Run.objects.update(sent_at=None)
    with django_capture_on_commit_callbacks(execute=True):
        runs.dispatch_all()
        runs.dispatch_all()

    # nine months of the bad one wait, but no more than two are ever before a run of another
    by_source = [Run.objects.get(pk=pk).source.name for pk in sent]
    assert sorted(by_source) == ["bad", "bad", "good"]

    june.server.spoil(times=100, path="/bad/cur/2", answer=THROTTLED)
    for pk in sent:
        collecting.execute(pk)
    assert stored() == 3
    assert runs.dispatch(bad.pk) == 0
    assert bad.runs.filter(status="queued").count() == 8


def test_a_run_is_cancelled_in_the_middle_of_a_transfer(june: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    source = connect()
    work(source, most=1)
    admin = User.objects.create_user("admin", role=Role.ADMIN)

    def cancel(_: Request) -> None:
        runs.cancel(fetching(source), actor=admin)

    with monkeypatch.context() as spoiled:
        spoiled.setattr(collecting, "PROGRESS_EVERY", 0.0)
        spoiled.setattr("collectors.aws.clients.Aws.get", before_reading(cancel, "cur-1.csv"))
        work(source)

    assert fetching(source).status == "cancelled"
    assert not Delivery.objects.exists()
    assert not list(collecting.folder_of(fetching(source)).parent.glob("collect-*"))
    assert look_again(source)[-1].status == "done"


def test_a_disk_without_room_is_told_before_anything_is_fetched(june: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")
    with monkeypatch.context() as full:
        full.setattr("collectors.transfer.shutil.disk_usage", lambda _: usage._replace(free=1_000))
        source = connect()
        work(source)
    waiting = fetching(source)
    assert waiting.status == "waiting"
    assert "The disk of this server is full" in waiting.error

    try_again(source)

    assert stored() == 3


def test_a_disk_that_becomes_full_in_the_middle_leaves_nothing_and_is_tried_again(
    june: Bucket, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    source = connect()
    with monkeypatch.context() as spoiled:
        spoiled.setattr("collectors.aws.connection.place_below", full)
        work(source)
    assert fetching(source).error == "The disk is full. Nothing of this delivery was loaded."
    assert not list((home / "tmp").glob("collect-*"))

    try_again(source)

    assert stored() == 3


@pytest.mark.django_db(transaction=True)
def test_a_lost_database_connection_puts_the_run_off(june: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    def end_the_session(_: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    source = connect()
    collecting.execute(source.runs.get().pk)
    with monkeypatch.context() as spoiled:
        spoiled.setattr("collectors.aws.clients.Aws.get", before_reading(end_the_session, "cur-1.csv"))
        work(source)
    assert fetching(source).error == "The connection to the database was lost. Nothing of this delivery was loaded."

    try_again(source)

    assert stored() == 3
