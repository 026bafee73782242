"""Whose a pod is: the team that its labels name, else the one that its namespace names."""

import re
from typing import Final

from django.db import connection, transaction

from apps.accounts.models import Organisation
from apps.core.locks import hold
from apps.core.sql import read_sql

LOCK: Final = "cluster usage"
_NO_LABEL: Final = re.compile(r"[^a-z0-9_]")


@transaction.atomic
def decide_owners(*, only_new: bool = False) -> int:
    """Bring the teams of pods in line with teams and tag keys; returns how many changed. Safe to repeat.

    A tag key is met by the label of that name too as Prometheus writes it: `cost-center` is `cost_center` there.
    """
    hold(LOCK)
    keys = [key.lower() for key in Organisation.current().team_tag_keys]
    names = dict.fromkeys(name for key in keys for name in (key, _NO_LABEL.sub("_", key)))
    with connection.cursor() as cursor:
        cursor.execute(read_sql("clusters", "owners"), {"only_new": only_new, "team_keys": list(names)})
        return int(cursor.rowcount)
