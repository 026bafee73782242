"""The page of what holds for the whole organisation."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from apps.accounts import services
from apps.accounts.forms import OrganisationForm
from apps.accounts.models import Organisation
from apps.accounts.pages import made_by, settings_page
from apps.accounts.permissions import requires
from apps.accounts.roles import Capability
from apps.core.pages import save


@requires(Capability.MANAGE_ORGANISATION)
def organisation(request: HttpRequest) -> HttpResponse:
    """Name, reporting currency, weeks and the tags that allocate costs."""
    form = OrganisationForm(request.POST or None, initial=OrganisationForm.initial_of(Organisation.current()))
    if request.method == "POST" and save(form, services.update_organisation, **made_by(request)):
        messages.success(request, "Organisation saved.")
        return redirect("organisation")
    return render(request, "accounts/organisation.html", settings_page(request, "Organisation", form=form))
