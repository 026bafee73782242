"""The Celery application: workers and beat start from here."""

import logging.config
import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "finops.settings")

app = Celery("finops")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def _log_like_the_web_process(**_: Any) -> None:
    """Celery configures no loggers of its own where somebody listens to this signal."""
    logging.config.dictConfig(settings.LOGGING)
