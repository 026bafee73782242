"""Celery's doors to clusters: safe to repeat."""

import structlog
from celery import shared_task
from kombu.exceptions import OperationalError

from apps.clusters import owners

log = structlog.get_logger(__name__)


@shared_task
def decide_owners() -> int:
    """Decide again whose each pod is; returns pods changed."""
    return owners.decide_owners()


def request_owners(**_: object) -> None:
    """Have it done by a worker; where the broker is gone, here and now."""
    try:
        decide_owners.delay()
    except OperationalError as error:
        log.warning("deciding whose pods are without a worker", error=str(error))
        owners.decide_owners()
