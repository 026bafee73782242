"""How fresh the costs are that the person of a request may see: read once, whoever asks."""

from django.http import HttpRequest
from django.utils import timezone

from apps.accounts.scope import scope_of
from apps.costs.queries import Freshness, freshness

KEPT = "_freshness"


def freshness_of(request: HttpRequest) -> Freshness:
    """How far the costs that this person may see reach, today."""
    found: Freshness | None = getattr(request, KEPT, None)
    if found is None:
        found = freshness(today=timezone.now().date(), scope=scope_of(request.user))
        setattr(request, KEPT, found)
    return found
