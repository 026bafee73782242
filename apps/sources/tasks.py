"""Celery's doors to the ledger: ids in, one call, safe to repeat."""

from celery import shared_task

from apps.sources import services


@shared_task
def load_upload(delivery_id: int) -> None:
    """Load a bill that was uploaded; a repeat finds it done."""
    services.load_upload(delivery_id)


@shared_task
def tend_ledger() -> None:
    """Close entries whose import died, queue uploads again that got lost on the way."""
    services.note_interrupted()
    services.queue_waiting_uploads()
