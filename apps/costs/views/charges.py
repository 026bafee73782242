"""The charges behind a number: what the bill said, and in which delivery and row."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache

from apps.accounts.models import Organisation
from apps.accounts.permissions import requires
from apps.accounts.roles import Capability
from apps.accounts.scope import scope_of
from apps.core import money
from apps.core.errors import UserError
from apps.core.pages import ROWS_PER_PAGE, parameters_besides
from apps.costs.address import Address, charges_files_of
from apps.costs.labels import namer
from apps.costs.parameters import Parameters
from apps.costs.queries import ChargeList, ChargeOrder, CostQuery
from apps.costs.views.filters import chips
from apps.inventory.queries import by_ids


@never_cache
@requires(Capability.SEE_COSTS)
def charges(request: HttpRequest) -> HttpResponse:
    """The list, dearest first, as billed."""
    address = Address.of(request.GET)
    parameters = Parameters(address.as_query())
    scope = scope_of(request.user)
    try:
        found = ChargeList(
            period=parameters.period(timezone.now().date(), Organisation.current()),
            scope=scope,
            filters=parameters.filters(),
            order_by=parameters.word("order_by", ChargeOrder, ChargeOrder.DEAREST),
        )
    except UserError:
        return redirect(address.path())  # the explorer says which parameter is wrong
    back = address.without("page", "order_by")
    query = CostQuery(period=found.period, filters=found.filters)
    page = Paginator(found, ROWS_PER_PAGE).get_page(request.GET.get("page"))
    resources = [charge.columns.get("resource_id") or "" for charge in page]
    existing = by_ids(resources, scope=scope)
    context = {
        "title": "Charges",
        "page": page,
        "charges": [(charge, existing.get(name)) for charge, name in zip(page, resources, strict=True)],
        "query": parameters_besides(request, "page"),
        "filters": chips(query, address, namer(), request.path),
        "days": money.days(found.period.first, found.period.last, year=True)
        if found.period.days
        else "no complete day",
        "exports": charges_files_of(address),
        "explorer_url": (back if back.get("group_by") else back.with_({"group_by": "service"})).path(),
    }
    return render(request, "costs/charges.html", context)
