"""Taking the demo out again: its people are locked out at once, its bills go one by one and can go on later."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from django.db import transaction
from django.db.models import Count, Q, Sum
from django.utils import timezone

from apps.accounts.audit import record
from apps.accounts.models import User
from apps.clusters.removal import remove_source as remove_clusters
from apps.core import money
from apps.core.errors import UserError
from apps.core.locks import held, is_held
from apps.core.progress import time_left
from apps.costs.models import Statement
from apps.costs.removal import remove_facts, remove_source
from apps.demo.models import DemoOrganisation
from apps.demo.people import lock_out, unmake_organisation
from apps.demo.services import LOCK, SOURCE
from apps.inventory.removal import remove_source as remove_inventory
from apps.pricing.removal import remove_source as remove_prices
from apps.sources.models import Delivery, Source
from apps.utilization.removal import remove_source as remove_utilization


@dataclass(frozen=True, slots=True)
class WayIn:
    """The `admin` of the demo who had to stay, and the one-time password to sign in with."""

    admin: str
    password: str


@dataclass(frozen=True, slots=True)
class Removal:
    """How far a removal is: bills and rows that are gone, of all."""

    bills: int
    of: int
    rows: int
    of_rows: int
    began_at: datetime

    @classmethod
    def under_way(cls) -> Self | None:
        """The removal that is under way or died half-way; None where there is none."""
        demo = DemoOrganisation.objects.filter(removed_at=None).exclude(removing_at=None).first()
        if demo is None or demo.removing_at is None:
            return None
        gone = Q(superseded_at__isnull=False)
        sums = Statement.objects.filter(source=SOURCE).aggregate(
            bills=Count("pk", filter=gone), of=Count("pk"), rows=Sum("row_count", filter=gone), of_rows=Sum("row_count")
        )
        return cls(**{name: value or 0 for name, value in sums.items()}, began_at=demo.removing_at)

    @property
    def permille(self) -> int:
        """The share of bills that is gone."""
        return round(1000 * self.bills / self.of) if self.of else 1000

    @property
    def done(self) -> str:
        """What is gone, in words."""
        bills, rows = money.counted(self.of, "bill"), money.counted(self.of_rows, "row")
        return f"{self.bills:,} of {bills} ({self.permille // 10}%), {self.rows:,} of {rows}"

    @property
    def left(self) -> str:
        """How long it will still take, as far as that can be said."""
        return time_left(self.permille / 1000, timezone.now() - self.began_at)


@transaction.atomic
def begin_removal(*, actor: User | None, remote_address: str = "") -> WayIn | None:
    """End every way in with the demo's password, and decide that it goes: `finish_removal` takes out the rest.

    People stay, deactivated, because the audit log names them. Returns the one of them who had to stay an admin.
    Repeated, it changes nothing.
    """
    demo = DemoOrganisation.objects.select_for_update().filter(removed_at=None).first()
    if demo is None:
        raise UserError("There is no demo to remove.")
    if demo.removing_at is not None:
        return None
    if is_held(LOCK):
        raise UserError("The demo is being loaded. Wait until it is there, then remove it.")
    demo.removing_at = timezone.now()
    demo.save(update_fields=["removing_at"])
    record(actor=actor, action="demo.removal_begun", target="demo:1", remote_address=remote_address)
    kept = lock_out(actor=actor, remote_address=remote_address)
    return WayIn(kept[0].username, kept[1]) if kept else None


def finish_removal(progress: Callable[[Removal], None] = lambda _: None) -> None:
    """Take out what is left of a demo whose removal has begun; does nothing where there is none.

    Each bill goes in a transaction of its own: who dies half-way leaves less to do, and everything else of the
    database is left alone.
    """
    with held(LOCK):
        for statement in Statement.objects.filter(source=SOURCE, superseded_at=None).order_by("pk"):
            if (now := Removal.under_way()) is None:
                return
            progress(now)
            remove_facts(statement)
        _complete()


def remove_demo(
    *, actor: User | None, remote_address: str = "", progress: Callable[[Removal], None] = lambda _: None
) -> WayIn | None:
    """Take the demo out, here and now."""
    way_in = begin_removal(actor=actor, remote_address=remote_address)
    finish_removal(progress)
    return way_in


@transaction.atomic
def _complete() -> None:
    """What belongs to no single bill: deliveries, charge keys, teams and the name."""
    demo = DemoOrganisation.objects.select_for_update().filter(removed_at=None).exclude(removing_at=None).first()
    if demo is None:
        return
    deliveries = Delivery.objects.filter(source__name=SOURCE)
    rows = sum(deliveries.values_list("rows_loaded", flat=True))
    remove_source(SOURCE)
    remove_inventory(SOURCE)
    remove_prices(SOURCE)
    remove_utilization(SOURCE)
    remove_clusters(SOURCE)
    deliveries.delete()
    Source.objects.filter(name=SOURCE).delete()
    unmake_organisation()
    demo.removed_at = timezone.now()
    demo.save(update_fields=["removed_at"])
    record(actor=None, action="demo.removed", target="demo:1", after={"rows": rows})
