"""The page that removes the demo: what goes, and afterwards how to get in."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache

from apps.accounts.pages import made_by
from apps.accounts.permissions import requires
from apps.accounts.roles import Capability
from apps.core.errors import UserError
from apps.demo.queries import demo_loaded
from apps.demo.services import remove_demo


@never_cache
@requires(Capability.MANAGE_ORGANISATION)
def remove(request: HttpRequest) -> HttpResponse:
    """Ask first; then the one-time password is in the answer that made it and nowhere else."""
    if not demo_loaded():
        messages.info(request, "There is no demo data here.")
        return redirect("overview")
    if request.method != "POST":
        return render(request, "demo/remove.html", {"title": "Remove the demo"})
    try:
        removed = remove_demo(**made_by(request))
    except UserError as error:
        messages.error(request, str(error))
        return redirect("demo-remove")
    if removed.password:
        return render(request, "demo/removed.html", {"removed": removed})
    messages.success(request, "The demo is gone. Its logins are deactivated.")
    return redirect("overview")
