"""Executing runs: looking for what is new at a provider, fetching one delivery and importing it, once at a time."""

import shutil
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils import timezone

from apps.core.errors import UserError
from apps.core.locks import held_if_free, hold_shared
from apps.sources import runs, services
from apps.sources.connections import connection_of, plain_settings
from apps.sources.fetched import Fetched
from apps.sources.ledger import StoppedError, explain, what_happened
from apps.sources.models import Delivery, Run, Source
from collectors.connections import Connection, Window
from collectors.errors import CollectorError, NotReadyError, ProviderRefusedError, ProviderUnavailableError
from collectors.files import find_deliveries

Tell = Callable[[Run], None]
PROGRESS_EVERY = 0.5  # seconds
log = structlog.get_logger(__name__)


def execute(run_id: int, *, tell: Tell = lambda _: None) -> None:
    """Execute a run; whoever comes while it is being executed, or after it is over, does nothing.

    The lock, not the queue, makes it one at a time: a task may be delivered twice, and a lost worker's lock is free.
    """
    run = Run.objects.select_related("source", "requested_by").filter(pk=run_id).first()
    if run is None:
        return
    with held_if_free(run.lock_name) as mine:
        if not mine or not _begin(run):
            return
        _attempt(run, tell)
    runs.dispatch(run.source_id)


def _begin(run: Run) -> bool:
    """Whether there is something to do: it waits in the queue, or whoever executed it is gone.

    A source that has come to rest since the worker was asked keeps it in the queue.
    """
    now = timezone.now()
    if Source.objects.filter(pk=run.source_id, rests_until__gt=now).exists():
        Run.objects.filter(pk=run.pk, status=Run.Status.QUEUED).update(sent_at=None)
        return False
    going = Run.objects.filter(pk=run.pk, status__in=(Run.Status.QUEUED, Run.Status.RUNNING))
    began = going.update(
        status=Run.Status.RUNNING,
        attempt=F("attempt") + 1,
        started_at=Coalesce("started_at", now),
        heartbeat_at=now,
        **dict.fromkeys(("rows", "bytes", "bytes_total"), 0),
        error="",
    )
    run.refresh_from_db()
    return bool(began)


def _attempt(run: Run, tell: Tell) -> None:
    """One attempt; however it ends, the ledger says so. Only a lost database leaves the run open, to be found lost."""
    try:
        made = connection_of(run.source)
        watch = Watch(run, made, tell)
        try:
            status = _collect(run, made, watch) if run.name else _look(run, made, watch)
        finally:
            watch.count_calls()
        if status in Run.GOOD:
            runs.succeed(run, status, warnings=made.warnings)
    except StoppedError:
        runs.end(run, Run.Status.CANCELLED, error="Cancelled. What was collected before stays as it is.")
    except (ProviderRefusedError, UserError) as error:
        runs.give_up(run, Run.Status.REFUSED, error=str(error))
    except ProviderUnavailableError as error:
        runs.put_off(run, error)
    except CollectorError as error:
        runs.end(run, Run.Status.REFUSED, error=str(error).replace(f"{folder_of(run)}/", ""))
    except (OperationalError, InterfaceError, OSError) as error:
        _put_off_for_our_own_sake(run, error)
    except Exception as error:
        log.exception("run broke off", run=run.pk)
        runs.give_up(run, Run.Status.FAILED, error=explain(error))
    tell(run)


def _look(run: Run, made: Connection, watch: "Watch") -> Run.Status:
    """Queue every delivery since the run's first period that has changed."""
    found = []
    for one in made.remote(Window(run.billing_period or runs.recheck_from(timezone.now().date()))):
        found.append(one)
        run.rows += not one.is_empty
        watch.tick()
    with transaction.atomic():
        _stay(run)
        changed = runs.queue_deliveries(run.source, found, actor=run.requested_by)
    return Run.Status.DONE if changed else Run.Status.UNCHANGED


def _collect(run: Run, made: Connection, watch: "Watch") -> Run.Status:
    """Fetch one delivery into a folder of its own and import it from there."""
    folder = folder_of(run)
    shutil.rmtree(folder, ignore_errors=True)  # of a worker that was lost
    folder.mkdir(parents=True, mode=0o700)
    try:
        watch.check()
        run.place = made.place(plain_settings(made))
        run.save(update_fields=["place"])
        path = made.fetch(run.address, folder, watch.count_bytes)
        return _import(run, made, folder, path, watch)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _import(run: Run, made: Connection, folder: Path, path: Path, watch: "Watch") -> Run.Status:
    found = find_deliveries([path], root=folder)
    if len(found) != 1:
        raise NotReadyError(f"{len(found)} bills were found at {run.address} where there should be one.")
    if found[0].problem:
        raise NotReadyError(found[0].problem.replace(f"{folder}/", ""))
    watch.check()
    received = services.import_bill(
        found[0],
        source=run.source.name,
        actor=run.requested_by,
        origin=Delivery.Origin.SCHEDULE,
        fetched=Fetched(
            run.address, folder, made.holds_latest, made.covers, runs.collected_before(run), partial(_stay, run)
        ),
        progress=watch.count_rows,
    )
    run.delivery, run.rows = received.delivery, received.delivery.rows_read
    if received.unchanged:
        return Run.Status.UNCHANGED
    if received.delivery.status == Delivery.Status.REJECTED:
        runs.end(run, Run.Status.REFUSED, error=received.delivery.error)
        return Run.Status.REFUSED
    return Run.Status.DONE


def _stay(run: Run) -> None:
    """Let nobody disconnect the source until this transaction ends. Raises StoppedError where the run was cancelled."""
    hold_shared(run.source.loading_lock)
    if Run.objects.filter(pk=run.pk, wants_cancel=True).exists():
        raise StoppedError


def folder_of(run: Run) -> Path:
    """Where a run keeps what it fetches."""
    return Path(settings.FINOPS_HOME) / "tmp" / f"collect-{run.pk}"


def remove_left_folders() -> None:
    """Remove what workers that were lost have fetched for runs that are over."""
    for folder in (Path(settings.FINOPS_HOME) / "tmp").glob("collect-*"):
        number = folder.name.removeprefix("collect-")
        if number.isdecimal() and not Run.objects.filter(pk=int(number), status__in=Run.OPEN).exists():
            shutil.rmtree(folder, ignore_errors=True)


class Watch:
    """Writes into the ledger how far a run is, and stops it when somebody has cancelled it."""

    def __init__(self, run: Run, made: Connection, tell: Tell) -> None:
        self._run = run
        self._made = made
        self._tell = tell
        self._calls_before = run.calls
        self._told = 0.0

    def count_bytes(self, done: int, total: int) -> None:
        """Progress of a transfer."""
        self._run.bytes, self._run.bytes_total = done, total
        self.tick()

    def count_rows(self, entry: Delivery) -> None:
        """Progress of an import."""
        self._run.delivery, self._run.rows = entry, entry.rows_read
        self.tick()

    def count_calls(self) -> None:
        """What the provider was asked, over all attempts."""
        self._run.calls = self._calls_before + self._made.calls

    def tick(self) -> None:
        """Tell how far it is, at most twice a second."""
        if time.monotonic() - self._told > PROGRESS_EVERY:
            self._told = time.monotonic()
            self.check()

    def check(self) -> None:
        """Write where the run is. Raises StoppedError when it was cancelled or its source was taken away."""
        run = self._run
        self.count_calls()
        progress: dict[str, Any] = {
            name: getattr(run, name) for name in ("rows", "bytes", "bytes_total", "calls", "delivery")
        }
        stays = Run.objects.filter(pk=run.pk, wants_cancel=False)
        if not stays.update(heartbeat_at=timezone.now(), **progress):
            raise StoppedError
        self._tell(run)


def _put_off_for_our_own_sake(run: Run, error: Exception) -> None:
    """A full disk or a lost database: nothing of the provider's making, so it is tried again."""
    if not connection.is_usable():
        connection.close()  # the lock went with the session; the next statement opens a new one
    log.warning("run put off", run=run.pk, error=str(error))
    runs.put_off(run, ProviderUnavailableError(f"{what_happened(error)} Nothing of this delivery was loaded."))
