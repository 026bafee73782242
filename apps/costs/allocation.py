"""Which team, environment and workload a charge key belongs to, decided per key so that facts never have to change."""

from collections.abc import Sequence

from django.db import connection, transaction

from apps.accounts.models import Organisation
from apps.core.locks import hold, hold_shared
from apps.core.sql import run_sql
from apps.costs.models import ChargeGroup
from apps.costs.rollups import roll_up

LOCK = "allocation"


def hold_allocation() -> None:
    """Keep groups as they are until this transaction ends: loading and re-allocation must not cross."""
    hold_shared(LOCK)


def allocate_new_keys() -> None:
    """Give every charge key that has no group its group."""
    _allocate(only_new=True)


@transaction.atomic
def reallocate(names: Sequence[str] | None = None) -> int:
    """Bring the groups of charge keys, and the rollups, in line with teams, tag keys and the inventory's tags.

    Of all charge keys, or only of resources that bills call by `names`. Returns keys changed. Safe to repeat. Loads
    wait meanwhile; readers see the old state until it commits.
    """
    hold(LOCK)
    _allocate(only_new=names is not None, names=names or ())
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM reallocated_key")
        changed = int(cursor.fetchone()[0])
        cursor.execute("SELECT DISTINCT statement_id FROM costs_monthlycost JOIN reallocated_key USING (key_id)")
        statements = [row[0] for row in cursor.fetchall()]
    roll_up(statements)
    return changed


def reallocate_resources(names: Sequence[str], **_: object) -> None:
    """The same for resources whose tags have changed, in the transaction that changed them."""
    reallocate(names)


def _allocate(*, only_new: bool, names: Sequence[str] = ()) -> None:
    organisation = Organisation.current()
    run_sql(
        "costs",
        "allocate",
        {
            "only_new": only_new,
            "names": list(names),
            "team_keys": [key.lower() for key in organisation.team_tag_keys],
            "environment_keys": [key.lower() for key in organisation.environment_tag_keys],
            "workload_keys": [key.lower() for key in organisation.workload_tag_keys],
        },
        dimensions=ChargeGroup.DIMENSIONS,
    )
