"""The pages of teams: who owns which cost."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from apps.accounts import queries, services
from apps.accounts.forms import MembersForm, NewTeamForm, TeamForm
from apps.accounts.models import Team
from apps.accounts.pages import made_by, settings_page
from apps.accounts.permissions import check, requires
from apps.accounts.roles import Capability
from apps.accounts.scope import scope_of
from apps.core.pages import page_of, save


@requires(Capability.SEE_TEAMS)
def teams(request: HttpRequest) -> HttpResponse:
    """All teams, and the form for one more."""
    form = NewTeamForm(request.POST or None)
    if request.method == "POST":
        check(request.user, Capability.MANAGE_TEAMS)
        if save(form, services.create_team, **made_by(request)):
            messages.success(request, f"Team {form.cleaned_data['name']} created. Its costs are being allocated.")
            return redirect("teams")
    page = page_of(request, queries.teams(scope=scope_of(request.user)))
    return render(request, "accounts/teams.html", settings_page(request, "Teams", form=form, page=page))


@requires(Capability.MANAGE_TEAMS)
def team(request: HttpRequest, slug: str) -> HttpResponse:
    """One team: its name and what belongs to it."""
    found = get_object_or_404(Team, slug=slug)
    form = TeamForm(request.POST or None, initial=_initial(found))
    if request.method == "POST" and save(form, services.update_team, team=found, **made_by(request)):
        messages.success(request, "Team saved. Its costs are being allocated again.")
        return redirect("teams")
    return _show(request, found, form, MembersForm(None, team=found))


@require_POST
@requires(Capability.MANAGE_TEAMS)
def members(request: HttpRequest, slug: str) -> HttpResponse:
    """Who is in a team."""
    found = get_object_or_404(Team, slug=slug)
    form = MembersForm(request.POST, team=found)
    if save(form, services.set_members, team=found, **made_by(request)):
        messages.success(request, f"Members of {found.name} saved.")
        return redirect("team", slug=slug)
    return _show(request, found, TeamForm(initial=_initial(found)), form)


@require_POST
@requires(Capability.MANAGE_TEAMS)
def delete(request: HttpRequest, slug: str) -> HttpResponse:
    """Remove a team; its costs become unallocated."""
    found = get_object_or_404(Team, slug=slug)
    services.delete_team(team=found, **made_by(request))
    messages.success(request, f"Team {found.name} deleted. Its costs are being allocated again.")
    return redirect("teams")


def _initial(team: Team) -> dict[str, Any]:
    return {name: getattr(team, name) for name in TeamForm.base_fields}


def _show(request: HttpRequest, team: Team, form: TeamForm, members_form: MembersForm) -> HttpResponse:
    context = settings_page(request, "Teams", form=form, team=team, members_form=members_form)
    return render(request, "accounts/team.html", context)
