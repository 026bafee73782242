"""Writes: what a core, a GiB and a GPU are worth against each other."""

import re
from decimal import Decimal

from django.db import transaction

from apps.accounts.audit import record
from apps.accounts.models import User
from apps.clusters.loader import set_shares
from apps.clusters.models import Prices
from apps.clusters.owners import LOCK
from apps.core.errors import UserError
from apps.core.locks import hold


def read_price(text: str, name: str) -> Decimal:
    """A price of an hour from text. Raises UserError that names the field."""
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,10})?", text.strip(), re.ASCII) or not Decimal(text):
        raise UserError(
            "Write a price above 0 and below 1,000,000,000 with at most 10 decimals, like 0.031611: only the ratios of"
            " the three count.",
            field=name,
        )
    return Decimal(text)


@transaction.atomic
def set_prices(
    *,
    cpu_core_hour: Decimal,
    memory_gib_hour: Decimal,
    gpu_hour: Decimal,
    actor: User | None,
    remote_address: str = "",
) -> Prices:
    """Divide all node days, past ones too, by these prices of an hour, as `read_price` gives them."""
    given = {"cpu_core_hour": cpu_core_hour, "memory_gib_hour": memory_gib_hour, "gpu_hour": gpu_hour}
    hold(LOCK)
    before = Prices.current()
    prices, _ = Prices.objects.update_or_create(pk=Prices.ONLY, defaults=given)
    prices.refresh_from_db()
    set_shares(None)
    record(
        actor=actor,
        action="clusters.prices",
        target="clusters",
        before={name: str(getattr(before, name)) for name in Prices.NAMES},
        after={name: str(getattr(prices, name)) for name in Prices.NAMES},
        remote_address=remote_address,
    )
    return prices
