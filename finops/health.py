"""Whether the product works, for load balancers and people: /healthz and /readyz."""

from collections.abc import Callable

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse

from apps.core.errors import UserError
from finops.checks import check_broker, check_database, check_migrations

CHECKS: dict[str, Callable[[], str]] = {
    "database": check_database,
    "migrations": check_migrations,
    "broker": check_broker,
}


@login_not_required
def healthz(_request: HttpRequest) -> HttpResponse:
    """GET /healthz: the process answers; nothing else is looked at."""
    return HttpResponse("ok\n", content_type="text/plain")


@login_not_required
def readyz(_request: HttpRequest) -> JsonResponse:
    """GET /readyz: 200 when database, migrations and broker are ready, else 503; `reasons` says what is missing."""
    reasons = {name: reason for name, check in CHECKS.items() if (reason := _reason(check))}
    return JsonResponse({"ready": not reasons, "reasons": reasons}, status=503 if reasons else 200)


def _reason(check: Callable[[], str]) -> str:
    """Why a check fails, empty where it passes."""
    try:
        check()
    except UserError as error:
        return str(error)
    return ""
