"""Doors for views: a DRF permission and a decorator for pages, both asking roles.py."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.accounts.models import User
from apps.accounts.roles import Capability, may

View = Callable[..., HttpResponseBase]


def check(user: User | AnonymousUser, capability: Capability) -> None:
    """Refuse in one sentence unless `user` may do it. Raises PermissionDenied."""
    if not may(user, capability):
        raise PermissionDenied(f"Your role may not {capability.value}.")


def allows(read: Capability, write: Capability | None = None) -> type[BasePermission]:
    """A DRF permission: `read` for safe methods, `write` (the same when not given) for the others."""

    class Allows(BasePermission):
        def has_permission(self, request: Request, view: APIView) -> bool:  # noqa: ARG002
            capability = read if request.method in SAFE_METHODS else write or read
            self.message = f"Your role may not {capability.value}."
            return may(request.user, capability)

    return Allows


def requires(capability: Capability) -> Callable[[View], View]:
    """Decorator of a page: who is not signed in goes to the sign-in page, whose role falls short gets a 403 page.

    On a class: `@method_decorator(requires(Capability.SEE_AUDIT), name="dispatch")`.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            check(request.user, capability)
            return view(request, *args, **kwargs)

        return guarded

    return decorate
