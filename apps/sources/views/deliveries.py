"""The pages of the ledger: what was delivered, whether the database adds up to it, and what was rejected."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from apps.accounts.permissions import requires
from apps.accounts.roles import Capability
from apps.accounts.scope import Scope, scope_of
from apps.core.pages import page_of, parameters_besides
from apps.costs.models import Statement
from apps.sources import queries
from apps.sources.downloads import rejected_csv
from apps.sources.models import Delivery
from apps.sources.progress import Progress

FILTERS = ("status", "source", "search")
REJECTED_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Replacement:
    """A statement of a delivery beside the older one that it replaced, if there was one."""

    statement: Statement
    before: Statement | None

    @property
    def is_reconciled(self) -> bool:
        """Whether the database has what the file said, to the last digit."""
        now = self.statement
        return now.billed_cost == now.billed_cost_in_file and now.effective_cost == now.effective_cost_in_file

    @property
    def difference(self) -> Decimal | None:
        """Effective cost now minus before; None where it replaced nothing."""
        return None if self.before is None else self.statement.effective_cost - self.before.effective_cost


@never_cache
@requires(Capability.SEE_DELIVERIES)
def deliveries(request: HttpRequest) -> HttpResponse:
    """The ledger, newest first."""
    scope = scope_of(request.user)
    wanted = {name: request.GET.get(name, "") for name in FILTERS}
    page = page_of(request, queries.deliveries(scope=scope, **wanted))
    context = {
        "title": "Data sources",
        "tab": "deliveries",
        "page": page,
        "reports": queries.reports(page, scope=scope),
        "wanted": wanted,
        "is_filtered": any(wanted.values()),
        "statuses": Delivery.Status.values,
        "sources": queries.sources(scope=scope),
        "query": parameters_besides(request, "page"),
    }
    return render(request, "sources/deliveries.html", context)


@never_cache
@requires(Capability.SEE_DELIVERIES)
def delivery(request: HttpRequest, pk: int) -> HttpResponse:
    """One delivery: its files, statements, what they replaced, and its first rejected rows."""
    scope = scope_of(request.user)
    report = _report_or_404(pk, scope)
    context: dict[str, Any] = {
        "title": report.delivery.path.rsplit("/", 1)[-1],
        "report": report,
        "delivery": report.delivery,
        "progress": Progress.of(report.delivery),
        "files": report.delivery.files.all(),
        "also_in": queries.counted_twice(report, scope=scope),
        "replacements": [Replacement(*pair) for pair in queries.replaced_by(report, scope=scope)],
        "rejected": queries.rejected_rows(pk, scope=scope)[:REJECTED_SHOWN],
    }
    return render(request, "sources/delivery.html", context)


@requires(Capability.SEE_DELIVERIES)
def rejected_rows(request: HttpRequest, pk: int) -> HttpResponseBase:
    """All rejected rows as csv."""
    scope = scope_of(request.user)
    _report_or_404(pk, scope)
    return rejected_csv(queries.rejected_rows(pk, scope=scope), name=f"rejected-rows-of-delivery-{pk}.csv")


def _report_or_404(pk: int, scope: Scope) -> queries.DeliveryReport:
    try:
        return queries.report(pk, scope=scope)
    except Delivery.DoesNotExist:
        raise Http404(f"There is no delivery {pk}.") from None
