"""Settings, addresses and processes of the product: wiring only."""

from finops.celery import app as celery_app

__all__ = ["celery_app"]
