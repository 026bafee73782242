"""Taking a source's costs out of the database, whole."""

from django.db import transaction
from django.db.models.functions import Now

from apps.core.locks import hold
from apps.core.sql import run_sql
from apps.costs.allocation import LOCK
from apps.costs.loader import delete_facts
from apps.costs.models import Statement


@transaction.atomic
def remove_facts(statement: Statement) -> None:
    """Delete the facts and rollups of one statement, which stays in the history as one that holds no more."""
    hold(LOCK)
    delete_facts(statement)
    Statement.objects.filter(pk=statement.pk).update(superseded_at=Now())


def remove_source(source: str) -> None:
    """Delete a source's statements, facts and rollups, and the charge keys and groups of its billing accounts that
    nothing else uses; runs in the caller's transaction.

    Nobody may be importing bills of the same billing accounts: their new keys would look unused.
    """
    hold(LOCK)
    statements = Statement.objects.filter(source=source)
    accounts = list(statements.values_list("billing_account_id", flat=True).distinct())
    for statement in statements.filter(superseded_at=None):
        delete_facts(statement)
    run_sql("costs", "remove_source", {"source": source, "accounts": accounts})
