"""Reads of the ledger: what was delivered, loaded and rejected, and whether the database adds up to the files."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby

from django.db.models import Count, Max, OuterRef, Q, QuerySet, Subquery

from apps.accounts.scope import Scope
from apps.costs.models import Statement
from apps.sources.models import Delivery, RejectedRow, Source
from apps.sources.overlaps import other_sources


@dataclass(frozen=True, slots=True)
class CurrencyTotal:
    """One currency of a delivery: its accepted rows as the files say, and as the database has them."""

    currency: str
    row_count: int
    billed_cost_in_file: Decimal
    effective_cost_in_file: Decimal
    billed_cost: Decimal
    effective_cost: Decimal


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """A ledger entry with its statements."""

    delivery: Delivery
    statements: tuple[Statement, ...]
    totals: tuple[CurrencyTotal, ...]

    @property
    def billing_periods(self) -> list[date]:
        """First days of the billing periods, in order."""
        return sorted({statement.billing_period_start for statement in self.statements})

    @property
    def is_clean(self) -> bool:
        """Loaded, and nothing rejected."""
        return self.delivery.status == Delivery.Status.LOADED and self.delivery.rows_rejected == 0

    @property
    def is_reconciled(self) -> bool:
        """Whether the database holds, to the last digit, what the files say: rejected amounts count as missing.

        What is no bill has no amounts to be compared.
        """
        return (
            self.delivery.status == Delivery.Status.LOADED
            and bool(self.statements)
            and self.delivery.rejected_billed_cost == 0
            and self.delivery.rejected_effective_cost == 0
            and all(
                total.billed_cost == total.billed_cost_in_file and total.effective_cost == total.effective_cost_in_file
                for total in self.totals
            )
        )

    @property
    def is_current(self) -> bool:
        """Whether anything of it is still what the numbers on the pages rest on."""
        return any(statement.superseded_at is None for statement in self.statements)


def deliveries(*, scope: Scope, status: str = "", source: str = "", search: str = "") -> QuerySet[Delivery]:
    """Entries, newest first. The ledger speaks of whole bills: who sees some teams' costs alone sees none of it."""
    entries = Delivery.objects.select_related("source", "actor").order_by("-received_at", "-id")
    if scope.teams is not None:
        return entries.none()
    wanted = Q()
    if status:
        wanted &= Q(status=status)
    if source:
        wanted &= Q(source__name=source)
    if search:
        wanted &= Q(path__icontains=search) | Q(sha256__startswith=search.lower())
    return entries.filter(wanted)


def reports(entries: Iterable[Delivery], *, scope: Scope) -> list[DeliveryReport]:
    """The entries of one page with their statements, in one query for all of them."""
    page = [] if scope.teams is not None else list(entries)
    statements = Statement.objects.filter(delivery_id__in=[entry.pk for entry in page]).order_by(
        "delivery_id", "billing_period_start", "billing_account_id", "billing_currency", "bill_part"
    )
    by_delivery = {pk: tuple(group) for pk, group in groupby(statements, key=lambda one: one.delivery_id)}
    return [_report(entry, by_delivery.get(entry.pk, ())) for entry in page]


def report(delivery_id: int, *, scope: Scope) -> DeliveryReport:
    """One entry. Raises Delivery.DoesNotExist where there is none or the scope does not reach it."""
    return reports([deliveries(scope=scope).get(pk=delivery_id)], scope=scope)[0]


def replaced_by(entry: DeliveryReport, *, scope: Scope) -> list[tuple[Statement, Statement | None]]:
    """Each statement with the one before it of the same account, period and part, None where it was the first."""
    if scope.teams is not None:
        return []
    same = {
        name: OuterRef(name) for name in ("source", "billing_account_id", "billing_period_start", "billing_currency")
    }
    part = Q(bill_part=OuterRef("bill_part")) | Q(bill_part="")
    earlier = Statement.objects.filter(part, **same, pk__lt=OuterRef("pk")).order_by("-pk").values("pk")[:1]
    statements = Statement.objects.filter(delivery_id=entry.delivery.pk)
    previous = dict(statements.values_list("pk", Subquery(earlier)))
    found = Statement.objects.in_bulk([pk for pk in previous.values() if pk])
    return [(statement, found.get(previous[statement.pk])) for statement in entry.statements]


def counted_twice(entry: DeliveryReport, *, scope: Scope) -> list[str]:
    """Names of other sources that bring what this delivery's source brings in its periods: see overlaps."""
    current = [one.billing_period_start for one in entry.statements if not one.superseded_at]
    return other_sources(entry.delivery.source.name, current, scope=scope)


def rejected_rows(delivery_id: int, *, scope: Scope) -> QuerySet[RejectedRow]:
    """Rows that were not accepted, in file order."""
    rows = RejectedRow.objects.filter(delivery_id=delivery_id).order_by("position", "row")
    return rows if scope.teams is None else rows.none()


def _report(entry: Delivery, statements: tuple[Statement, ...]) -> DeliveryReport:
    currencies = sorted({statement.billing_currency for statement in statements})
    totals = (_total(currency, [s for s in statements if s.billing_currency == currency]) for currency in currencies)
    return DeliveryReport(entry, statements, tuple(totals))


def _total(currency: str, statements: Sequence[Statement]) -> CurrencyTotal:
    return CurrencyTotal(
        currency=currency,
        row_count=sum(one.row_count for one in statements),
        billed_cost_in_file=sum((one.billed_cost_in_file for one in statements), Decimal(0)),
        effective_cost_in_file=sum((one.effective_cost_in_file for one in statements), Decimal(0)),
        billed_cost=sum((one.billed_cost for one in statements), Decimal(0)),
        effective_cost=sum((one.effective_cost for one in statements), Decimal(0)),
    )


def sources(*, scope: Scope) -> QuerySet[Source]:
    """Sources by name, with `delivery_count` and `last_received_at`."""
    known = Source.objects.annotate(
        delivery_count=Count("deliveries"), last_received_at=Max("deliveries__received_at")
    ).order_by("name")
    return known if scope.teams is None else known.none()
