"""A worker of its own that executes a test's run: python -m tests.sources.collect_in_child DATABASE HOME RUN."""

import os
import sys
from pathlib import Path

import django

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "finops.settings")
    django.setup()
    from django.conf import settings
    from django.db import connection

    from apps.sources import collecting

    connection.settings_dict["NAME"] = sys.argv[1]
    settings.FINOPS_HOME = Path(sys.argv[2])
    settings.SECRETS_KEY_FILE = settings.FINOPS_HOME / "secrets_key"
    collecting.execute(int(sys.argv[3]))
