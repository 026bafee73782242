"""What the buttons of a source's page do: run, backfill, pause, resume, disconnect, leave out; those of its runs."""

from collections.abc import Callable
from functools import wraps

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from apps.accounts.pages import made_by
from apps.accounts.permissions import requires
from apps.accounts.roles import Capability
from apps.core import money
from apps.core.errors import UserError
from apps.sources import connecting, runs, taking_out, wording
from apps.sources.forms import BackfillForm
from apps.sources.models import UPLOAD, Run, Source

Step = Callable[[HttpRequest, Source], str]


def step(do: Step) -> Callable[..., HttpResponseBase]:
    """A POST about one connection: what it returns is said on the source's page, and so is what it refuses."""

    @require_POST
    @requires(Capability.MANAGE_SOURCES)
    @wraps(do)
    def view(request: HttpRequest, pk: int) -> HttpResponseBase:
        source = get_object_or_404(Source.objects.exclude(kind=UPLOAD), pk=pk)
        _say(request, lambda: do(request, source))
        return redirect("source", pk=pk) if Source.objects.filter(pk=pk).exists() else redirect("sources")

    return view


@step
def run_now(request: HttpRequest, source: Source) -> str:
    """Look for what is new."""
    since = runs.recheck_from(timezone.now().date())
    runs.queue_look(source, since=since, at_once=True, **made_by(request))
    return ""


@step
def backfill(request: HttpRequest, source: Source) -> str:
    """Look further back."""
    form = BackfillForm(request.POST)
    if not form.is_valid():
        raise UserError(f"Months: {form.errors['months'][0]}")
    since = runs.months_back(timezone.now().date(), form.cleaned_data["months"])
    runs.queue_look(source, since=since, at_once=True, **made_by(request))
    return ""


@step
def pause(request: HttpRequest, source: Source) -> str:
    """Stop collecting."""
    connecting.pause(source, **made_by(request))
    return f"{source.name} is paused. What is being fetched is finished; nothing new is begun."


@step
def resume(request: HttpRequest, source: Source) -> str:
    """Collect again."""
    connecting.resume(source, **made_by(request))
    return f"{source.name} is collected again."


@step
def disconnect(request: HttpRequest, source: Source) -> str:
    """End the connection."""
    connecting.disconnect(source, **made_by(request))
    return f"{source.name} is disconnected and its credentials are erased. {wording.LEFT[source.brings]}"


@require_POST
@requires(Capability.MANAGE_SOURCES)
def leave_out(request: HttpRequest, pk: int) -> HttpResponse:
    """Take its costs out of the books."""
    source = get_object_or_404(Source, pk=pk)

    def do() -> str:
        costs = taking_out.take_out(source, **made_by(request))
        told = " and ".join(money.exact_money(cost, currency) for currency, cost in sorted(costs.items()))
        return f"{told} of {source.name} counts no more. Its deliveries stay in the ledger."

    _say(request, do)
    return redirect("source", pk=pk)


@require_POST
@requires(Capability.MANAGE_SOURCES)
def cancel_run(request: HttpRequest, pk: int, run: int) -> HttpResponse:
    """End a run."""
    found = get_object_or_404(Run, pk=run, source_id=pk)
    _say(request, lambda: runs.cancel(found, **made_by(request)))
    return redirect("source", pk=pk)


@require_POST
@requires(Capability.MANAGE_SOURCES)
def run_again(request: HttpRequest, pk: int, run: int) -> HttpResponse:
    """Repeat a run that is over."""
    found = get_object_or_404(Run.objects.select_related("source"), pk=run, source_id=pk)
    _say(request, lambda: runs.queue_again(found, **made_by(request)))
    return redirect("source", pk=pk)


def _say(request: HttpRequest, do: Callable[[], str | None]) -> None:
    try:
        said = do()
    except UserError as error:
        messages.error(request, str(error))
        return
    if said:
        messages.success(request, said)
