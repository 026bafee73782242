"""The overview page."""

from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache

from apps.accounts.models import Organisation
from apps.accounts.permissions import requires
from apps.accounts.roles import Capability
from apps.accounts.scope import scope_of
from apps.core import money
from apps.core.periods import PeriodError, parse_day
from apps.dashboards import overview as numbers


@never_cache
@requires(Capability.SEE_COSTS)
def overview(request: HttpRequest) -> HttpResponse:
    """How this month goes, and where the money went."""
    scope, today = scope_of(request.user), timezone.now().date()
    month, wrong = _month(request)
    shown = numbers.overview(month=month, currency=Organisation.current().reporting_currency, scope=scope, today=today)
    context: dict[str, Any] = {"title": "Overview", "shown": shown, "wrong": wrong, "scope": scope}
    if shown:
        context |= {
            "now": money.days(shown.period.first, shown.period.last),
            "before": money.days(shown.compare.first, shown.compare.last),
            "choices": sorted({bucket.first for one in shown.months for bucket in one.buckets}, reverse=True),
        }
    return render(request, "dashboards/overview.html", context)


def _month(request: HttpRequest) -> tuple[date | None, str]:
    """The month that the address asks for, and what is wrong with it."""
    text = request.GET.get("month", "")
    if not text:
        return None, ""
    try:
        return parse_day(f"{text}-01", "month"), ""
    except PeriodError:
        return None, f"{text!r} is not a month and was ignored. Write it as 2026-06."
