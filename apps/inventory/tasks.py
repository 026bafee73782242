"""Celery's doors to the inventory: safe to repeat."""

import structlog
from celery import shared_task
from kombu.exceptions import OperationalError

from apps.inventory.owners import decide_owners

log = structlog.get_logger(__name__)


@shared_task
def owners() -> None:
    """Decide again which team each resource belongs to."""
    decide_owners()


def request_owners(**_: object) -> None:
    """Have it done by a worker; where the broker is gone, here and now: who changed a team must see it change."""
    try:
        owners.delay()
    except OperationalError as error:
        log.warning("deciding owners without a worker", error=str(error))
        decide_owners()
