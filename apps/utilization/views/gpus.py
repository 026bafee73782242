"""The page of GPUs: how busy each was by time, and what they cost while they were used, idle or nobody's."""

from collections.abc import Iterator
from datetime import date
from typing import Any, Final

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache

from apps.accounts.models import Organisation
from apps.accounts.permissions import requires
from apps.accounts.roles import Capability
from apps.accounts.scope import Scope, scope_of
from apps.core.downloads import csv_download
from apps.core.errors import UserError
from apps.core.pages import parameters_besides
from apps.costs.parameters import PERIOD_PARAMETERS
from apps.costs.queries import MissingRateError
from apps.costs.views.controls import range_in_words
from apps.costs.views.fresh import freshness_of
from apps.utilization.queries import (
    DEFINITION,
    By,
    CostRow,
    Gpu,
    fleet,
    gpu_costs_by,
    heatmap,
    without_cost,
    without_measurement,
)
from apps.utilization.views.controls import Asked, Kind, PageAddress, asked, choices, controls
from apps.utilization.views.figures import Shown, shown
from apps.utilization.views.tables import (
    Grid,
    grid,
    in_order,
    lines,
    of_kind,
    places_of,
    shared_in_turns,
    signals,
    without_money,
)

GRID_ROWS: Final = 40
LINES: Final = 25
MOST_UNMEASURED: Final = 10
COLUMNS: Final = (
    *("cluster", "node", "resource_id", "device", "model", "share_of_card", "signal", "gpu", "gpu_p95", "gpu_maximum"),
    *("gpu_memory", "power_watts", "hours", "allocated_hours", "idle_hours", "holders", "teams"),
    *("currency", "cost", "used", "idle", "unallocated", "unmeasured"),
)


@never_cache
@requires(Capability.SEE_COSTS)
def gpus(request: HttpRequest) -> HttpResponse:
    """The page; what its address says wrongly is told and left out."""
    scope, today, organisation = scope_of(request.user), timezone.now().date(), Organisation.current()
    question, address, problems = _read(request, today, organisation)
    question, costs, problem = _costs(question, scope)
    known = choices(scope)
    context: dict[str, Any] = {
        "title": "GPUs",
        "problems": [*problems, *([problem] if problem else [])],
        "asked": question,
        "days": range_in_words(question.period, year=True),
        "known": known,
        "controls": controls(question, address, known, organisation, today),
        "definition": DEFINITION,
        "csv_url": address.path("/gpus/table.csv"),
    }
    if known.models:
        context |= _answer(request, question, address, costs, scope)
    return render(request, "utilization/gpus.html", context)


@never_cache
@requires(Capability.SEE_COSTS)
def download(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """Every GPU with its use and its money, as csv: a row for each GPU and currency."""
    try:
        question = asked(request.GET, today=timezone.now().date(), organisation=Organisation.current())
        found = fleet(question.period, question.which, currency=question.currency, scope=scope_of(request.user))
        found = _of_kind(found, question)
    except UserError:
        return redirect(PageAddress(request.GET.dict()).path())  # the page says what is wrong
    name = f"gpus_{question.period.first}_{question.period.last}.csv"
    return csv_download(COLUMNS, _csv_rows(found), name=name)


def _answer(
    request: HttpRequest,
    question: Asked,
    address: PageAddress,
    costs: list[list[CostRow]],
    scope: Scope,
) -> dict[str, Any]:
    """What takes the facts: totals, days, the heatmap, the list, and what could not be joined."""
    by_day, by_device = costs
    found = fleet(question.period, question.which, currency=question.currency, costs=by_device, scope=scope)
    not_measured = without_measurement(question.period, scope=scope)
    # reading the bills once more says why, and is needless where every GPU has its part of one
    missing = [] if all(one.money for one in found) else without_cost(question.period, scope=scope)
    reasons = {one.device_id: one.reason for one in missing if one.device_id}
    picked = lines(_of_kind(found, question), question.period, reasons)
    page = Paginator(picked, LINES).get_page(request.GET.get("list"))
    drawn = heatmap(question.metric, question.period, question.which, by=question.by_of(len(found)), scope=scope)
    places = places_of([row.resource_id for row in drawn.rows] + [line.gpu.device.resource_id for line in page])
    rows = Paginator(in_order(drawn.rows, places), GRID_ROWS).get_page(request.GET.get("page"))
    heat: Grid = grid(drawn, list(rows), places, address)
    in_turns = shared_in_turns([line.gpu for line in page], question.period)
    changes_from = freshness_of(request).changes_from()
    blocks: list[Shown] = shown(by_day, question, address, changes_from)
    return {
        "found": found,
        "signals": signals(found),
        "shown": blocks,
        "grid": heat,
        "grid_page": rows,
        "grid_query": parameters_besides(request, "page"),
        "lines": [line.placed(places, in_turns) for line in page],
        "list_page": page,
        "list_query": parameters_besides(request, "list"),
        "is_filtered": bool(controls_in_use(question)),
        "not_billed": without_money(missing),
        "not_measured": not_measured[:MOST_UNMEASURED],
        "not_measured_count": len(not_measured),
    }


def _of_kind(found: list[Gpu], question: Asked) -> list[Gpu]:
    """The GPUs of the kind that is asked for; who shares them is read only where that decides."""
    decides = question.kind in (Kind.CARD, Kind.SHARED)
    return of_kind(found, question.kind, shared_in_turns(found, question.period) if decides else ())


def controls_in_use(question: Asked) -> list[str]:
    """The filters that leave GPUs out."""
    which = question.which
    return [value for value in (which.team, which.model, which.cluster, which.node, which.search) if value]


def _costs(question: Asked, scope: Scope) -> tuple[Asked, list[list[CostRow]], str]:
    """The costs by day and team, and by device; as billed, with a word about it, where a rate is missing."""
    by = ((By.DAY, By.TEAM), (By.DEVICE,))
    try:
        costs = gpu_costs_by(question.period, question.which, by=by, currency=question.currency, scope=scope)
    except MissingRateError as error:
        billed = question.as_billed()
        problem = f"{error} Amounts are shown as billed, each currency by itself."
        return billed, gpu_costs_by(billed.period, billed.which, by=by, scope=scope), problem
    return question, costs, ""


def _read(request: HttpRequest, today: date, organisation: Organisation) -> tuple[Asked, PageAddress, list[str]]:
    """The question; a parameter that cannot be used is left out, with a word about it."""
    given, problems = request.GET.dict(), list[str]()
    while True:
        address = PageAddress({str(name): str(value) for name, value in given.items()})
        try:
            return asked(QueryDict(address.query()), today=today, organisation=organisation), address, problems
        except UserError as error:
            together = PERIOD_PARAMETERS if error.field in PERIOD_PARAMETERS else (error.field,)
            left = {name: value for name, value in given.items() if name not in together}
            if len(left) == len(given):
                raise
            problems.append(f"{error.field} was ignored: {error}")
            given = left


def _csv_rows(found: list[Gpu]) -> Iterator[list[object]]:
    for one in found:
        device = one.device
        told = [
            *(device.cluster, device.node, device.resource_id, device.device, device.model, device.slices, one.signal),
            *(one.gpu, one.gpu_p95, one.gpu_maximum, one.gpu_memory, one.power_watts),
            *(one.hours, one.allocated_hours, one.idle_hours, " ".join(one.holders), " ".join(one.teams)),
        ]
        for money in one.money:
            yield [*told, money.currency, money.cost, money.used, money.idle, money.unallocated, money.unmeasured]
        if not one.money:
            yield [*told, "", None, None, None, None, None]
