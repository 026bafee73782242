"""The page of what holds for the whole organisation."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from apps.accounts import services
from apps.accounts.forms import OrganisationForm, TagKeysForm
from apps.accounts.models import Organisation
from apps.accounts.pages import made_by, settings_page
from apps.accounts.permissions import requires
from apps.accounts.roles import Capability
from apps.core.pages import save


@requires(Capability.MANAGE_ORGANISATION)
def organisation(request: HttpRequest) -> HttpResponse:
    """Name, reporting currency, weeks and years; and the tags that allocate costs."""
    now = Organisation.current()
    form = OrganisationForm(request.POST or None, initial=OrganisationForm.initial_of(now))
    if request.method == "POST" and save(form, services.update_organisation, **made_by(request)):
        messages.success(request, "Organisation saved.")
        return redirect("organisation")
    return _show(request, form, TagKeysForm(initial=TagKeysForm.initial_of(now)))


@require_POST
@requires(Capability.MANAGE_ORGANISATION)
def tag_keys(request: HttpRequest) -> HttpResponse:
    """The tags that allocate costs."""
    form = TagKeysForm(request.POST)
    if save(form, services.update_organisation, **made_by(request)):
        messages.success(request, "Tag keys saved. Where they changed, costs are being allocated again.")
        return redirect("organisation")
    return _show(request, OrganisationForm(initial=OrganisationForm.initial_of(Organisation.current())), form)


def _show(request: HttpRequest, form: OrganisationForm, tags_form: TagKeysForm) -> HttpResponse:
    context = settings_page(request, "Organisation", form=form, tags_form=tags_form)
    return render(request, "accounts/organisation.html", context)
