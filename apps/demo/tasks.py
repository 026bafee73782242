"""Celery's door to the removal of the demo: safe to repeat."""

import structlog
from celery import shared_task
from kombu.exceptions import OperationalError

from apps.core.locks import is_held
from apps.demo import removal
from apps.demo.queries import removal_begun
from apps.demo.services import LOCK

log = structlog.get_logger(__name__)


@shared_task
def finish_removal() -> None:
    """Go on with a removal that has begun and that nobody is at; the beat asks every minute, in case one died."""
    if removal_begun() and not is_held(LOCK):
        removal.finish_removal()


def request_removal() -> None:
    """Have a worker do it; where the broker is gone, here and now."""
    try:
        finish_removal.delay()
    except OperationalError as error:
        log.warning("removing the demo without a worker", error=str(error))
        removal.finish_removal()
