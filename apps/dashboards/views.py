"""The overview, the search and the help page."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any, Final

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST
from django.views.decorators.vary import vary_on_headers

from apps.accounts.models import Organisation, Role, Team
from apps.accounts.pages import person
from apps.accounts.permissions import requires
from apps.accounts.roles import GRANTS, Capability
from apps.accounts.scope import Scope, scope_of
from apps.core import money
from apps.core.periods import PeriodError, parse_day
from apps.costs.labels import namer
from apps.costs.queries import Freshness
from apps.dashboards import overview as numbers
from apps.dashboards import search as finding
from apps.dashboards.idle import idle_costs
from apps.dashboards.overview_page import OverviewPage
from apps.dashboards.queries import overview_team
from apps.dashboards.services import remember_team
from apps.dashboards.shell import Shell
from apps.sources.restatements import recent_corrections
from apps.sources.wording import correction_sentence
from apps.utilization.queries import DEFINITION, RESOURCE_DEFINITION

CORRECTED: Final = timedelta(days=14)
"""How long a change of a month that was over is told on the overview."""


@never_cache
@requires(Capability.SEE_COSTS)
def overview(request: HttpRequest) -> HttpResponse:
    """How this month goes, and where the money went. The team that a person chose last is put into the address."""
    user, scope, shell = person(request), scope_of(request.user), Shell(request)
    names = dict(visible_teams(scope).values_list("slug", "name"))
    remembered = "" if "team" in request.GET else overview_team(user=user)
    if remembered in names:
        return redirect(overview_address(request.GET.get("month", ""), remembered))
    team, wrong = _team(request, names)
    newest = shell.freshness.day
    context: dict[str, Any] = {"title": "Overview", "shell": shell, "scope": scope, "wrong": wrong}
    context |= {"teams": names, "team": team, "team_name": names.get(team, "")}
    if newest:
        month, no_month = _month(request, newest)
        context["wrong"] = [*wrong, *no_month]
        context |= _numbers(month, shell.freshness, team=team, names=names, scope=scope)
        found = recent_corrections(scope=scope, since=timezone.now() - CORRECTED)
        context["corrected"] = [(one, correction_sentence(one)) for one in found]
    return render(request, "dashboards/overview.html", context)


@require_POST
@requires(Capability.SEE_COSTS)
def choose_team(request: HttpRequest) -> HttpResponse:
    """Show the overview of one team from now on, or with an empty slug that of all."""
    slug = request.POST.get("team", "")
    team = get_object_or_404(visible_teams(scope_of(request.user)), slug=slug) if slug else None
    remember_team(user=person(request), team=team)
    return redirect(overview_address(request.POST.get("month", ""), slug))


@never_cache
@vary_on_headers("HX-Request")
@requires(Capability.SEE_COSTS)
def search(request: HttpRequest) -> HttpResponse:
    """What is found for `q`: a page, or for the field that asks while one types the list alone."""
    text = request.GET.get("q", "").strip()
    groups = finding.search(text, user=person(request))
    context = {"title": "Search", "text": text, "groups": groups, "shortest": finding.SHORTEST}
    is_field = request.headers.get("HX-Request") == "true"
    return render(request, "dashboards/hits.html" if is_field else "dashboards/search.html", context)


@requires(Capability.SEE_COSTS)
def help_page(request: HttpRequest) -> HttpResponse:
    """What the numbers mean, which keys there are, and what each role may do."""
    rows = [(capability.value, [capability in GRANTS[role] for role in Role]) for capability in Capability]
    context = {"title": "Help", "roles": [role.label for role in Role], "rows": rows}
    return render(request, "dashboards/help.html", context)


def visible_teams(scope: Scope) -> QuerySet[Team]:
    """The teams whose costs the scope lets through."""
    return Team.objects.all() if scope.teams is None else Team.objects.filter(slug__in=scope.teams)


def overview_address(month: str, team: str) -> str:
    """The overview of a month and a team, whichever are given."""
    given = {name: value for name, value in (("month", month), ("team", team)) if value}
    return f"/?{urlencode(given)}" if given else "/"


def _numbers(month: date, fresh: Freshness, *, team: str, names: dict[str, str], scope: Scope) -> dict[str, Any]:
    """The part of the context that takes costs."""
    today, currency = timezone.now().date(), Organisation.current().reporting_currency
    shown = numbers.overview(
        month=month,
        team=team,
        currency=currency,
        newest=fresh.day or today,
        today=today,
        scope=scope,
    )
    shown = replace(shown, changes_from=fresh.changes_from())
    name = namer(names)
    idle = idle_costs(shown, team=team, name=name, currency=currency, scope=scope)
    return {
        "page": OverviewPage.of(shown, team=team, name=name, idle=idle),
        "shown": shown,
        "gpu_definition": DEFINITION,
        "resource_definition": RESOURCE_DEFINITION,
        "now": money.days(shown.period.first, shown.period.last),
        "before": money.days(shown.compare.first, shown.compare.last),
    }


def _team(request: HttpRequest, names: dict[str, str]) -> tuple[str, list[str]]:
    """The team that the address asks for, and what is wrong with it."""
    team = request.GET.get("team", "")
    if not team or team in names:
        return team, []
    return "", [f"There is no team {team!r} whose costs you may see, so all are shown."]


def _month(request: HttpRequest, newest: date) -> tuple[date, list[str]]:
    """The month that the address asks for, the newest with a complete day where it asks for none that can be shown."""
    text, latest = request.GET.get("month", ""), newest.replace(day=1)
    if not text:
        return latest, []
    try:
        month = parse_day(f"{text}-01", "month")
    except PeriodError:
        return latest, [f"{text!r} is not a month and was ignored. Write it as 2026-06."]
    if month > latest:
        return latest, [f"{money.month(month)} has no complete day with costs yet and was ignored."]
    return month, []
