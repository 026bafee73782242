"""A process of its own that imports a bill into a test's database: python -m tests.sources.import_in_child DB FILE."""

import os
import sys
from pathlib import Path

import django

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "finops.settings")
    django.setup()
    from django.db import connection

    from apps.sources.models import Delivery
    from apps.sources.services import import_bill
    from collectors.files import find_deliveries

    connection.settings_dict["NAME"] = sys.argv[1]
    connection.ensure_connection()
    print("importing", flush=True)
    (found,) = find_deliveries([Path(sys.argv[2])])
    received = import_bill(found, source="files", actor=None, origin=Delivery.Origin.COMMAND_LINE)
    print(received.delivery.status, flush=True)
