"""The pages of saved views, and the doors of the menu: every form works without script and leads back to its page."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from apps.accounts.pages import made_by, person, settings_page
from apps.accounts.permissions import requires
from apps.accounts.roles import Capability
from apps.core.errors import UserError
from apps.core.pages import page_of, save
from apps.dashboards import services
from apps.dashboards.addresses import PAGES, link
from apps.dashboards.models import SavedView
from apps.dashboards.queries import saved_views

SHARING = "Everybody sees its name and filters; the costs in it are those that each may see."


class ViewForm(forms.Form):
    """What a view is called, and whether others see it."""

    name = forms.CharField(max_length=SavedView.LONGEST_NAME)
    is_shared = forms.BooleanField(required=False, label="Shared with everybody", help_text=SHARING)


class NewViewForm(ViewForm):
    """A view that does not exist yet: also what it keeps."""

    path = forms.CharField()
    query = forms.CharField(required=False)


@requires(Capability.SEE_COSTS)
def views(request: HttpRequest) -> HttpResponse:
    """All views that this person may open."""
    page = page_of(request, saved_views(user=person(request)))
    rows = [
        {
            "view": view,
            "url": link(view.path, view.query, view=view.pk),
            "page": PAGES.get(view.path, view.path),
            "is_own": view.owner == request.user,
            "may_delete": services.may_delete(view, person(request)),
        }
        for view in page
    ]
    return render(request, "dashboards/views.html", settings_page(request, "Saved views", page=page, rows=rows))


@requires(Capability.SEE_COSTS)
def view(request: HttpRequest, pk: int) -> HttpResponse:
    """One view of one's own: its name, and whether others see it."""
    found = get_object_or_404(SavedView, pk=pk, owner=person(request))
    form = ViewForm(request.POST or None, initial={"name": found.name, "is_shared": found.is_shared})
    if request.method == "POST" and save(form, services.update_view, view=found, **made_by(request)):
        messages.success(request, f"View {form.cleaned_data['name']} saved.")
        return redirect("views")
    context = settings_page(
        request, "Saved views", form=form, view=found, url=link(found.path, found.query, view=found.pk)
    )
    return render(request, "dashboards/view.html", context)


@require_POST
@requires(Capability.SEE_COSTS)
def create(request: HttpRequest) -> HttpResponse:
    """Keep the address of the page that the form stands on, and open it as the new view."""
    made: list[SavedView] = []
    form = NewViewForm(request.POST)
    if save(form, lambda **values: made.append(services.save_view(**values)), **made_by(request)):
        said = "Everybody finds it in their list." if made[0].is_shared else "Only you see it."
        messages.success(request, f"View {made[0].name} saved. {said}")
        return redirect(link(made[0].path, made[0].query, view=made[0].pk))
    for name, errors in form.errors.items():
        messages.error(request, f"The view was not saved. {name.capitalize()}: {errors[0]}")
    return _back(request, request.POST.get("view", ""))


@require_POST
@requires(Capability.SEE_COSTS)
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep what the page shows now in the open view."""
    found = get_object_or_404(saved_views(user=person(request)), pk=pk)
    try:
        services.update_view(view=found, query=request.POST.get("query", ""), **made_by(request))
    except UserError as error:
        messages.error(request, f"The view was not saved. {error}")
    else:
        messages.success(request, f"View {found.name} saved as the page shows it now.")
    return _back(request, str(pk))


@require_POST
@requires(Capability.SEE_COSTS)
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a view, and go back to the page as it was, without a view open."""
    found = get_object_or_404(saved_views(user=person(request)), pk=pk)
    services.delete_view(view=found, **made_by(request))
    messages.success(request, f"View {found.name} deleted.")
    return _back(request)


def _back(request: HttpRequest, opened: str = "") -> HttpResponse:
    """To the page that the form stood on, as it was; to the list of views where that is no page that keeps views."""
    path, query = request.POST.get("path", ""), request.POST.get("query", "")
    if path not in PAGES:
        return redirect("views")
    return redirect(link(path, query, view=int(opened) if opened.isdecimal() else None))
