"""The ledger of runs: queued, sent to workers a few at a time for each source, ended, retried, given back."""

import random
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from functools import partial

from celery import current_app
from django.db import transaction
from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, When
from django.utils import timezone

from apps.accounts.audit import record
from apps.accounts.models import User
from apps.core.errors import UserError
from apps.core.locks import is_held
from apps.core.periods import Period
from apps.sources.models import UPLOAD, Delivery, Run, Source
from collectors.connections import RemoteDelivery, kind_of
from collectors.errors import NotReadyError, ProviderUnavailableError

COLLECT = "apps.sources.tasks.collect"
TELL_OWNER = "apps.sources.tasks.tell_owner"
PARALLEL = 2  # runs of one source at once: others have their turn between them
MOST_ATTEMPTS = 6
PAUSE_AFTER = 3  # failures in a row
FIRST_WAIT, LONGEST_WAIT = 15.0, 3600.0  # seconds
SENT_TOO_LONG_AGO = timedelta(minutes=10)
RECHECK_DAYS = 60  # providers correct months that long after their end
MOST_MONTHS = 60
ENDED = (
    *("status", "error", "finished_at", "next_attempt_at", "wants_cancel"),
    *("rows", "bytes", "bytes_total", "calls", "delivery"),
)
"""What is written when a run is over. Not its place: who has disconnected its source meanwhile has taken that away."""
LOST = "The worker ended in the middle of it. Nothing was lost: it goes on elsewhere."


def recheck_from(today: date) -> date:
    """The first billing period that is looked at regularly: the open one and those that may still be corrected."""
    return (today - timedelta(days=RECHECK_DAYS)).replace(day=1)


def months_back(today: date, months: int) -> date:
    """The first day of the oldest of so many billing periods, the open one included."""
    if not 1 <= months <= MOST_MONTHS:
        raise UserError(f"The number of months is from 1 to {MOST_MONTHS}.", field="months")
    return Period(today.replace(day=1), today.replace(day=1)).earlier(months - 1).first


@transaction.atomic
def queue_look(
    source: Source, *, since: date, actor: User | None, at_once: bool = False, remote_address: str = ""
) -> Run:
    """Have a source look for what is new since a billing period; the look that is open already may serve.

    With `at_once`, which is a person's word, nothing of the source waits for its time any longer; a paused source would
    keep it waiting unsaid, so UserError is raised.
    """
    source = Source.objects.select_for_update().get(pk=source.pk)
    if at_once and not source.is_active:
        raise UserError(f"{source.name} is paused: resume it.")
    if at_once:
        Source.objects.filter(pk=source.pk).update(rests_until=None)
        source.runs.filter(status=Run.Status.WAITING).update(next_attempt_at=timezone.now())
    run = source.runs.filter(name="", status__in=Run.OPEN).first()
    if run is None:
        run = Run.objects.create(source=source, billing_period=since, requested_by=actor)
    elif since < (run.billing_period or since):
        if run.status == Run.Status.RUNNING:
            raise UserError("The source is just looking for newer months: ask again when it is done.")
        Run.objects.filter(pk=run.pk).update(billing_period=since, requested_by=actor)
    if actor is not None:
        after = {"since": since}
        record(actor=actor, action="source.run", target=target(source), after=after, remote_address=remote_address)
    dispatch(source.pk)
    return run


@transaction.atomic
def queue_deliveries(source: Source, found: Iterable[RemoteDelivery], *, actor: User | None) -> int:
    """Queue what has changed since it was collected last; what is open already takes the newer state. How many.

    What is empty has changed only where something of its name was collected.
    """
    collected = _collected(source)
    told = [one for one in found if not one.is_empty or one.name in collected]
    changed = [one for one in told if not one.fingerprint or collected.get(one.name) != one.fingerprint]
    for one in changed:
        waiting = source.runs.filter(name=one.name, status__in=(Run.Status.QUEUED, Run.Status.WAITING))
        waiting.update(address=one.address, fingerprint=one.fingerprint)
    rows = [
        Run(
            source=source,
            name=one.name,
            address=one.address,
            fingerprint=one.fingerprint,
            billing_period=one.billing_period,
            requested_by=actor,
        )
        for one in changed
    ]
    Run.objects.bulk_create(rows, ignore_conflicts=True)  # one that is open already stays
    return len(changed)


@transaction.atomic
def queue_again(run: Run, *, actor: User, remote_address: str = "") -> None:
    """Collect the same delivery once more, as it was seen last: an old address may name less than there is by now.

    Raises UserError while it is under way, and where the source is paused or disconnected: it would wait unsaid.
    """
    source = Source.objects.select_for_update().get(pk=run.source_id)
    if not source.is_live or not source.is_active:
        raise UserError(f"{source.name} is {'paused: resume it' if source.is_live else 'disconnected: connect it'}.")
    same = source.runs.filter(name=run.name)
    if same.filter(status__in=Run.OPEN).exists():
        raise UserError("It is under way already.")
    fields = ("name", "address", "fingerprint", "billing_period")
    newest = same.latest("pk")
    Run.objects.create(source=source, requested_by=actor, **{name: getattr(newest, name) for name in fields})
    after = {"run": run.pk, "name": run.name}
    record(actor=actor, action="source.run", target=target(source), after=after, remote_address=remote_address)
    dispatch(source.pk)


@transaction.atomic
def cancel(run: Run, *, actor: User | None, remote_address: str = "") -> None:
    """End a run: at once where it waits, soon where it is being executed. Raises UserError when it is over."""
    run = Run.objects.select_for_update(of=("self",)).select_related("source").get(pk=run.pk)
    if not run.is_open:
        raise UserError(f"It is over already: {run.get_status_display().lower()}.")
    if run.status == Run.Status.RUNNING:
        Run.objects.filter(pk=run.pk).update(wants_cancel=True)
    else:
        Run.objects.filter(pk=run.pk).update(
            status=Run.Status.CANCELLED, finished_at=timezone.now(), next_attempt_at=None
        )
    after = {"run": run.pk, "name": run.name}
    record(
        actor=actor, action="source.cancelled", target=target(run.source), after=after, remote_address=remote_address
    )
    dispatch(run.source_id)


@transaction.atomic
def dispatch(source_id: int) -> int:
    """Ask workers for the next runs of a source, the newest billing period first. Returns how many."""
    source = Source.objects.select_for_update().get(pk=source_id)
    now = timezone.now()
    if not source.is_active or not source.is_live or (source.rests_until or now) > now:
        return 0
    runs = Run.objects.filter(source=source)
    runs.filter(status=Run.Status.WAITING, next_attempt_at__lte=now).update(
        status=Run.Status.QUEUED, sent_at=None, next_attempt_at=None
    )
    in_flight = runs.filter(Q(status=Run.Status.RUNNING) | Q(status=Run.Status.QUEUED, sent_at__isnull=False)).count()
    free = max(_parallel(source) - in_flight, 0)
    next_ones = list(in_order(runs.filter(status=Run.Status.QUEUED, sent_at=None))[:free])
    for run in next_ones:
        Run.objects.filter(pk=run.pk).update(sent_at=now)
        transaction.on_commit(partial(current_app.tasks[COLLECT].delay, run.pk))
    return len(next_ones)


def in_order(runs: "QuerySet[Run]") -> "QuerySet[Run]":
    """Looking first, then the newest billing period, then as they were found."""
    is_delivery = Case(When(name="", then=0), default=1)
    return runs.order_by(is_delivery, F("billing_period").desc(nulls_last=True), "pk")


def end(run: Run, status: Run.Status, *, error: str = "") -> None:
    """Close a run of which nothing more will come."""
    run.status, run.error, run.finished_at, run.next_attempt_at = status, error, timezone.now(), None
    run.wants_cancel = False
    run.save(update_fields=ENDED)


@transaction.atomic
def succeed(run: Run, status: Run.Status, *, warnings: Sequence[str] = ()) -> None:
    """Close a run that went well, although maybe not everything could be had: its source is well again."""
    end(run, status, error=" ".join(warnings))
    Source.objects.filter(pk=run.source_id).update(failures=0, rests_until=None, last_success_at=timezone.now())


@transaction.atomic
def give_up(run: Run, status: Run.Status, *, error: str) -> None:
    """Close a run that the provider refused or that failed; a source that keeps failing is paused."""
    end(run, status, error=error)
    source = Source.objects.select_for_update().get(pk=run.source_id)
    source.failures += 1
    source.save(update_fields=["failures"])
    if source.failures >= PAUSE_AFTER and source.is_active:
        _pause_for(source, error)


@transaction.atomic
def put_off(run: Run, error: ProviderUnavailableError) -> None:
    """Try again later: after the time that the provider asks for, else twice as long each time, with some chance.

    Unless only this one delivery is not ready, the source as a whole rests until then.
    """
    if Run.objects.filter(pk=run.pk, wants_cancel=True).exists():
        end(run, Run.Status.CANCELLED, error=str(error))
        return
    if run.attempt >= MOST_ATTEMPTS:
        give_up(run, Run.Status.FAILED, error=f"{error} Given up after {run.attempt} attempts.")
        return
    at = timezone.now() + timedelta(seconds=wait_before(run.attempt, error.retry_after, random.random()))  # noqa: S311
    run.status, run.error, run.next_attempt_at, run.sent_at = Run.Status.WAITING, str(error), at, None
    run.save()
    if not isinstance(error, NotReadyError):
        Source.objects.filter(pk=run.source_id).update(rests_until=at)


def wait_before(attempt: int, asked: float | None, chance: float) -> float:
    """Seconds between the attempt of that number and the next; `chance` from 0 to 1 keeps sources apart.

    A provider may ask for no time at all, or name a moment that is over by our clock: then ours is waited.
    """
    own = float(min(FIRST_WAIT * 2 ** (attempt - 1), LONGEST_WAIT) * (0.5 + chance))
    return own if asked is None else max(asked * (1 + chance / 10), own)


@transaction.atomic
def queue_what_is_due(now: datetime) -> int:
    """Have each source whose time has come look for what is new. Returns how many."""
    looking = Run.objects.filter(source=OuterRef("pk"), name="", status__in=Run.OPEN)
    due = Source.objects.exclude(kind=UPLOAD).filter(is_active=True, next_run_at__lte=now)
    sources = list(due.exclude(Exists(looking)).select_for_update(skip_locked=True))
    for source in sources:
        Source.objects.filter(pk=source.pk).update(next_run_at=now + timedelta(hours=source.refresh_hours))
        queue_look(source, since=recheck_from(now.date()), actor=None)
    return len(sources)


def dispatch_all() -> None:
    """Ask workers for whatever waits: what was put off, and what a lost broker has forgotten."""
    forgotten = timezone.now() - SENT_TOO_LONG_AGO
    for run in Run.objects.filter(status=Run.Status.QUEUED, sent_at__lt=forgotten):
        if not is_held(run.lock_name):
            Run.objects.filter(pk=run.pk, status=Run.Status.QUEUED).update(sent_at=None)
    for source_id in Run.objects.filter(status__in=Run.OPEN).values_list("source_id", flat=True).distinct():
        dispatch(source_id)


def note_lost() -> int:
    """Give back runs whose worker is gone: running, and nobody holds their lock. Returns how many."""
    running = Run.objects.filter(status=Run.Status.RUNNING).select_related("source")
    lost = [run for run in running if not is_held(run.lock_name)]
    for run in lost:
        if run.attempt >= MOST_ATTEMPTS:
            give_up(run, Run.Status.FAILED, error=f"{run.attempt} workers ended in the middle of it. See their logs.")
        else:
            lost_now = Run.objects.filter(pk=run.pk, status=Run.Status.RUNNING, attempt=run.attempt)
            lost_now.update(status=Run.Status.QUEUED, sent_at=None, error=LOST)
    return len(lost)


def target(source: Source) -> str:
    """What the audit log calls a source."""
    return f"source:{source.pk}"


def _parallel(source: Source) -> int:
    """Bills without a period are loaded in their order: what came later replaces what it says anew."""
    return PARALLEL if kind_of(source.kind).holds_latest else 1


def _collected(source: Source) -> dict[str, str]:
    """The fingerprint of what was collected last of each name; what the importer refused need not be fetched again."""
    known = Q(status__in=Run.GOOD) | Q(status=Run.Status.REFUSED, delivery__isnull=False)
    runs = source.runs.filter(known).exclude(name="").order_by("name", "-pk").distinct("name")
    return dict(runs.values_list("name", "fingerprint"))


def collected_before(run: Run) -> tuple[int, ...]:
    """The deliveries that came under the name of a run from the place where it looks, the newest last."""
    loaded = Delivery.Status.LOADED  # also that of this run itself, where it is done again
    same = run.source.runs.filter(name=run.name, place=run.place, delivery__status=loaded)
    return tuple(pk for pk in same.order_by("pk").values_list("delivery_id", flat=True) if pk)


def _pause_for(source: Source, error: str) -> None:
    reason = f"It failed {source.failures} times in a row. {error}"
    Source.objects.filter(pk=source.pk).update(is_active=False, paused_reason=reason)
    record(actor=None, action="source.paused", target=target(source), after={"is_active": False}, reason=reason)
    transaction.on_commit(partial(current_app.tasks[TELL_OWNER].delay, source.pk))
