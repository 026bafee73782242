"""Taking the costs of a source out of the books: by a person's word alone, noted, and to be undone by an import."""

from collections import defaultdict
from decimal import Decimal

from django.db import transaction

from apps.accounts.audit import record
from apps.accounts.models import User
from apps.core.errors import UserError
from apps.core.locks import hold
from apps.costs.allocation import LOCK
from apps.costs.models import Statement
from apps.costs.removal import remove_facts
from apps.sources import runs
from apps.sources.models import Run, Source


@transaction.atomic
def take_out(source: Source, *, actor: User, remote_address: str = "") -> dict[str, Decimal]:
    """Let nothing that a source brought count as a cost any more; what was taken out, by currency.

    Its deliveries stay in the ledger, its statements in their history. Importing a bill of it again brings it back.
    Raises UserError for a connection, which would bring its costs again.
    """
    source = Source.objects.select_for_update().get(pk=source.pk)
    if source.is_live or source.runs.filter(status=Run.Status.RUNNING).exists():
        raise UserError(f"{source.name} is collected: disconnect it first, or its costs come again.")
    hold(LOCK)
    current = list(Statement.objects.filter(source=source.name, superseded_at=None).order_by("pk"))
    if not current:
        raise UserError(f"Nothing of {source.name} counts as a cost.")
    costs: dict[str, Decimal] = defaultdict(Decimal)
    for statement in current:
        costs[statement.billing_currency] += statement.effective_cost
        remove_facts(statement)
    record(
        actor=actor,
        action="source.taken_out",
        target=runs.target(source),
        before={"effective_cost": {currency: str(cost) for currency, cost in costs.items()}, "bills": len(current)},
        remote_address=remote_address,
    )
    return dict(costs)
