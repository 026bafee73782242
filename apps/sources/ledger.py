"""How a ledger entry is closed: loaded, rejected or failed, and why, in words for whoever delivered it."""

import errno
from collections.abc import Callable

import psycopg
import structlog
from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

from apps.accounts.audit import record
from apps.accounts.models import User
from apps.sources.models import Delivery

log = structlog.get_logger(__name__)

Progress = Callable[[Delivery], None]
"""Told how far the reading of a delivery is; raises StoppedError to end it."""


class StoppedError(Exception):
    """Somebody cancelled what is going on."""


def fail(delivery: Delivery, error: BaseException, *, actor: User | None) -> None:
    """Close the entry of a delivery of which nothing was loaded; where the database is gone it stays open."""
    if not connection.is_usable():
        connection.close()
    delivery.rows_loaded = 0
    try:
        if Delivery.objects.filter(pk=delivery.pk, status=Delivery.Status.LOADED).exists():
            return  # the connection broke after the commit
        finish(delivery, Delivery.Status.FAILED, error=explain(error), actor=actor)
    except DatabaseError as unreachable:
        log.warning("delivery not closed", delivery=delivery.pk, error=str(unreachable))


def explain(error: BaseException) -> str:
    """What happened and what to do, in a sentence for the ledger."""
    if isinstance(error, StoppedError):
        return "It was cancelled. Nothing of this bill was loaded."
    to_do = "free space and import it again" if is_disk_full(error) else "import it again"
    return f"{what_happened(error)} Nothing of this bill was loaded: {to_do}."


def what_happened(error: BaseException) -> str:
    """What broke off an import or a run, in a sentence."""
    if is_disk_full(error):
        return "The disk is full."
    if isinstance(error, InterfaceError | OperationalError) and _ends_a_session(error.__cause__ or error):
        return "The connection to the database was lost."
    return f"The import broke off: {str(error).strip() or type(error).__name__}."


def is_disk_full(error: BaseException) -> bool:
    """Whether the server or the database has no room left."""
    cause = error.__cause__ or error
    return isinstance(cause, psycopg.errors.DiskFull) or getattr(cause, "errno", None) in (errno.ENOSPC, errno.EDQUOT)


def _ends_a_session(cause: BaseException) -> bool:
    """Whether it is about the connection itself: no SQLSTATE, or one of the classes 08 and 57P."""
    return (getattr(cause, "sqlstate", None) or "08").startswith(("08", "57P"))


@transaction.atomic
def finish(
    delivery: Delivery,
    status: Delivery.Status,
    *,
    error: str,
    actor: User | None,
    replaced: list[int] | None = None,
) -> None:
    """Close the ledger entry, with its audit event, in the transaction of what it reports."""
    delivery.status, delivery.error, delivery.finished_at = status, error, timezone.now()
    delivery.save()
    record(
        actor=actor,
        action=f"delivery.{status}",
        target=f"delivery:{delivery.pk}",
        after={
            "source": delivery.source.name,
            "path": delivery.path,
            "sha256": delivery.sha256,
            "rows_loaded": delivery.rows_loaded,
            "rows_rejected": delivery.rows_rejected,
            "replaced": sorted(set(replaced or [])),
        },
        reason=error,
    )
