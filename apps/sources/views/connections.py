"""The pages of connections: all of them in a table, and one with its progress, periods, corrections and runs."""

from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache

from apps.accounts.permissions import requires
from apps.accounts.roles import Capability
from apps.accounts.scope import Scope, scope_of
from apps.core.pages import page_of, parameters_besides
from apps.costs.views.fresh import freshness_of
from apps.sources import states, wording
from apps.sources.days import calendar
from apps.sources.forms import BackfillForm
from apps.sources.models import Run, Source
from apps.sources.overlaps import doubts, overlaps
from apps.sources.restatements import corrections
from apps.sources.states import SourceState
from collectors.connections import BILLS, KINDS, kind_of

NO_KIND = "Files that people bring"


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A source as the pages show it."""

    now: SourceState
    kind: str
    place: str
    brings: str
    pill: wording.Pill
    lag: str

    @classmethod
    def of(cls, now: SourceState) -> "SourceLine":
        """What to say of it."""
        kind = kind_of(now.source.kind) if now.source.kind in KINDS else None
        return cls(
            now,
            kind.title if kind else NO_KIND,
            kind.place(now.source.settings) if kind else "",
            now.source.brings,
            wording.state_pill(now.state),
            wording.lag_sentence(now.lag, now.usual_lag)
            if now.source.brings == BILLS
            else wording.seen_sentence(now.source.last_success_at),
        )


@never_cache
@requires(Capability.SEE_DELIVERIES)
def sources(request: HttpRequest) -> HttpResponse:
    """Where bills come from, and how each source is doing."""
    found = states.sources_with_state(scope=scope_of(request.user))
    context = {
        "title": "Data sources",
        "tab": "sources",
        "lines": [SourceLine.of(one) for one in found],
        "doubled": [wording.doubt_sentence(one) for one in doubts(overlaps(scope=scope_of(request.user)))],
    }
    return render(request, "sources/sources.html", context)


@never_cache
@requires(Capability.SEE_DELIVERIES)
def source(request: HttpRequest, pk: int) -> HttpResponse:
    """One source."""
    scope = scope_of(request.user)
    line = _line_or_404(pk, scope)
    found = line.now.source
    page = page_of(request, states.history(found, scope=scope).exclude(status__in=Run.OPEN))
    context = {
        **_live(line, scope),
        "title": found.name,
        "corrections": [(one, wording.correction_sentence(one)) for one in corrections(found, scope=scope)],
        **_calendar(request, found, scope),
        "doubled": [wording.doubt_sentence(one) for one in doubts(overlaps(scope=scope, source=found.name))],
        "page": page,
        "history": [wording.RunLine.of(run) for run in page],
        "query": parameters_besides(request, "page"),
        "backfill": BackfillForm(),
        "left": wording.LEFT[found.brings],
    }
    return render(request, "sources/source.html", context)


@never_cache
@requires(Capability.SEE_DELIVERIES)
def live(request: HttpRequest, pk: int) -> HttpResponse:
    """What is under way at a source, and its billing periods, as a piece of its page; over, the page is due anew."""
    scope = scope_of(request.user)
    context = _live(_line_or_404(pk, scope), scope)
    answer = render(request, "sources/live.html", context)
    if not context["going"]:
        answer["HX-Refresh"] = "true"
    return answer


def _live(line: SourceLine, scope: Scope) -> dict[str, Any]:
    found = line.now.source
    going = states.open_runs(found, scope=scope)
    periods = states.periods(found, scope=scope)
    return {
        "line": line,
        "source": found,
        "going": [wording.RunLine.of(run) for run in going],
        "batch": _batch(found, going),
        "periods": periods,
        "counts": not all(one.is_missing for one in periods),
    }


def _calendar(request: HttpRequest, source: Source, scope: Scope) -> dict[str, Any]:
    changes_from = freshness_of(request).of_source(source.name)
    found = calendar(source, today=timezone.now().date(), changes_from=changes_from, scope=scope)
    return {
        "calendar": found,
        "months": [(month, wording.month_sentence(month)) for month in found.months],
        "said": wording.missing_sentence(found.missing),
    }


def _batch(source: Source, going: list[Run]) -> dict[str, int] | None:
    """How many of the deliveries that were queued together are over; None where it is but one."""
    deliveries = [run for run in going if run.name]
    if not deliveries:
        return None
    together = source.runs.exclude(name="").filter(queued_at__gte=min(run.queued_at for run in deliveries)).count()
    done = together - len(deliveries)
    return {"done": done, "all": together, "permille": round(1000 * done / together)} if together > 1 else None


def _line_or_404(pk: int, scope: Scope) -> SourceLine:
    found = states.sources_with_state(scope=scope, pk=pk)
    if not found:
        raise Http404(f"There is no source {pk}.")
    return SourceLine.of(found[0])
