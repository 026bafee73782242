"""The page that removes the demo: what goes, how far that is, and afterwards how to get in."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache

from apps.accounts.pages import made_by
from apps.accounts.permissions import requires
from apps.accounts.roles import Capability
from apps.core.errors import UserError
from apps.demo.queries import demo_loaded
from apps.demo.removal import Removal, begin_removal
from apps.demo.tasks import request_removal


@never_cache
@requires(Capability.MANAGE_ORGANISATION)
def remove(request: HttpRequest) -> HttpResponse:
    """Ask first, then show how it goes. A one-time password is in the answer that made it and nowhere else."""
    if request.method == "POST":
        return _begin(request)
    if removal := Removal.under_way():
        return render(request, "demo/removing.html", {"title": "Removing the demo", "removal": removal})
    if demo_loaded():
        return render(request, "demo/remove.html", {"title": "Remove the demo"})
    messages.info(request, "The demo is gone. There is no demo data here.")
    return redirect("overview")


@never_cache
def progress(request: HttpRequest) -> HttpResponse:
    """How far the removal is, as a piece of a page; for everybody, because it ends the session that began it."""
    return render(request, "demo/progress.html", {"removal": Removal.under_way()})


def _begin(request: HttpRequest) -> HttpResponse:
    try:
        way_in = begin_removal(**made_by(request))
    except UserError as error:
        messages.error(request, str(error))
        return redirect("demo-remove")
    request_removal()
    if way_in:
        return render(request, "demo/removed.html", {"way_in": way_in, "removal": Removal.under_way()})
    return redirect("demo-remove")
