"""What holds for every request of a person who signed in."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase


class OneTimePasswordMiddleware:
    """Sends a person with a one-time password to the page that changes it, whatever page they ask for.

    The API refuses such a session by itself.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The page, or the way to the password page."""
        open_to_all = (settings.PASSWORD_CHANGE_URL, settings.LOGOUT_URL, settings.STATIC_URL, "/api/")
        must_change = not request.path.startswith(open_to_all) and getattr(request.user, "must_change_password", False)
        return HttpResponseRedirect(settings.PASSWORD_CHANGE_URL) if must_change else self.get_response(request)
