"""What holds for every request, whoever sends it."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from apps.core.problems import refuse_request, too_slow
from apps.core.time_limit import TooSlowError


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


class TooSlowAnswers:
    """Says so when the database was stopped because a question took it too long."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The view's answer."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        """503 for what the view did not catch itself."""
        return too_slow(request, exception) if isinstance(exception, TooSlowError) else None
