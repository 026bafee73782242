"""Celery's doors to costs: safe to repeat."""

import structlog
from celery import shared_task
from kombu.exceptions import OperationalError

from apps.costs import allocation

log = structlog.get_logger(__name__)


@shared_task
def reallocate() -> int:
    """Decide again which team, environment and workload each charge belongs to; returns charge keys changed."""
    return allocation.reallocate()


def request_reallocation(**_: object) -> None:
    """Have it done by a worker; where the broker is gone, here and now: who changed a team must see it change."""
    try:
        reallocate.delay()
    except OperationalError as error:
        log.warning("re-allocating without a worker", error=str(error))
        allocation.reallocate()
