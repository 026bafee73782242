"""Who calls the API: a bearer token, or the session of a person who signed in."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import authentication, exceptions
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from apps.accounts.models import ApiToken, TokenScope, User
from apps.accounts.tokens import TokenRefusedError, recognise


class BearerAuthentication(authentication.BaseAuthentication):
    """`Authorization: Bearer <token>`. A read token is good for safe methods alone."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """The token's user and the token; None when the header is not there or of another kind."""
        kind, _, text = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "bearer":
            return None
        try:
            token = recognise(text.strip())
        except TokenRefusedError as refusal:
            raise exceptions.AuthenticationFailed(str(refusal)) from refusal
        if token.scope == TokenScope.READ and request.method not in SAFE_METHODS:
            raise exceptions.PermissionDenied("This token may only read; make one with the scope write.")
        return token.user, token

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002
        """The challenge that a 401 carries."""
        return 'Bearer realm="FinOps"'


class SessionAuthentication(authentication.SessionAuthentication):
    """The session of a browser, CSRF enforced; a one-time password has to be changed before it opens the API."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        """The session's user; None when nobody is signed in."""
        signed_in = super().authenticate(request)
        if signed_in is not None and signed_in[0].must_change_password:
            raise exceptions.PermissionDenied("Change the one-time password first.")
        return signed_in


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the OpenAPI schema speaks of a token."""

    target_class = BearerAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: object) -> dict[str, Any]:  # noqa: ARG002
        """The security scheme object."""
        return {"type": "http", "scheme": "bearer"}


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the OpenAPI schema speaks of a session."""

    target_class = SessionAuthentication
    name = "session"

    def get_security_definition(self, auto_schema: object) -> dict[str, Any]:  # noqa: ARG002
        """The security scheme object."""
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}
