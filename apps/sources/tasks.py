"""Celery's doors to the ledgers: ids in, one call, safe to repeat."""

from smtplib import SMTPException

from celery import shared_task
from django.utils import timezone

from apps.sources import collecting, notices, runs, services


@shared_task
def load_upload(delivery_id: int) -> None:
    """Load a bill that was uploaded; a repeat finds it done."""
    services.load_upload(delivery_id)


@shared_task
def collect(run_id: int) -> None:
    """Execute a run; a repeat finds it being executed, or over."""
    collecting.execute(run_id)


@shared_task
def run_due() -> None:
    """Let sources look for what is new when their time has come, and workers take what waits."""
    runs.queue_what_is_due(timezone.now())
    runs.dispatch_all()


@shared_task
def tend_ledger() -> None:
    """Close entries whose import died, queue what got lost on the way, give back what a lost worker held."""
    services.note_interrupted()
    services.queue_waiting_uploads()
    runs.note_lost()
    collecting.remove_left_folders()


@shared_task(autoretry_for=(OSError, SMTPException), retry_backoff=30, retry_jitter=True, max_retries=5)
def tell_owner(source_id: int) -> None:
    """Write to the owner of a source that was paused."""
    notices.tell_owner(source_id)
