"""What holds for every request, whoever sends it."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from apps.core.problems import refuse_request


class NoZeroCharacters:
    """Refuses a zero character in the address's parameters: PostgreSQL stores none, so no view could look for it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The view's answer, or 400 with the parameter's name."""
        for name, values in request.GET.lists():
            if any("\0" in text for text in (name, *values)):
                detail = "It contains a character that no text may hold (U+0000)."
                return refuse_request(request, detail, field=name.replace("\0", "\ufffd"))
        return self.get_response(request)
