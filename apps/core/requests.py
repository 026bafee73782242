"""What a request says: who sent it, and which parameters it has."""

from collections.abc import Iterable

from django.conf import settings
from django.http import HttpRequest

from apps.core.errors import UserError


def remote_address(request: HttpRequest) -> str:
    """The address that the request came from.

    X-Forwarded-For is believed for as many proxies as the operator says stand in front (FINOPS_TRUSTED_PROXIES):
    each appends the address that it was called from, so the caller's own claims stay to the left of what is read.
    """
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",") if hop.strip()]
    hops.append(request.META.get("REMOTE_ADDR", ""))
    return str(hops[-1 - min(settings.TRUSTED_PROXIES, len(hops) - 1)])


def refuse_unknown(given: Iterable[str], known: Iterable[str]) -> None:
    """Raise UserError for the first parameter that is not known: a mistyped filter must not list everything."""
    allowed = tuple(known)
    for name in given:
        if name not in allowed:
            raise UserError(f"{name!r} is not a parameter. Use: {', '.join(allowed)}.", field=name)
