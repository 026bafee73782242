"""Signing in: the password backend with a brake on guessing, and the audit of who came and went.

The sign-in page is Django's LoginView with `SignInForm`; nothing else has to be called.
"""

from datetime import timedelta
from typing import Any, cast

from django.contrib.auth import authenticate
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Q
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from apps.accounts import audit
from apps.accounts.models import SignInAttempt, User
from apps.core.requests import remote_address

WINDOW = timedelta(minutes=15)
KEPT_FOR = timedelta(days=1)
WRONG_FROM_ONE_ADDRESS = 5  # by one user name: nobody mistypes more often
WRONG_FOR_ONE_NAME = 100  # from anywhere: high, so that a stranger cannot lock a person out
WRONG_FROM_ALL_NAMES = 50  # from one address: an office behind one address mistypes too


class TooManyAttemptsError(PermissionDenied):
    """Too many wrong passwords of late; Django then asks no other backend either."""


class ThrottledBackend(ModelBackend):
    """Django's password check, refusing to look at the password after too many wrong ones."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        """The user whose password it is, or None. Raises TooManyAttemptsError."""
        if username is None or password is None:
            return None
        address = remote_address(request) if request else ""
        attempt = _begin_attempt(username.lower(), address)
        user = super().authenticate(request, username=username, password=password, **kwargs)
        if isinstance(user, User):
            SignInAttempt.objects.filter(username=attempt.username, address=address).delete()
            return user
        _record_failure(username, address)
        return None


class SignInForm(AuthenticationForm):
    """The sign-in form: says so when there were too many wrong passwords."""

    def clean(self) -> dict[str, Any]:
        """As Django's, with the brake's own message."""
        try:
            return super().clean()
        except ValidationError:
            _refuse_too_many(self.request, self.cleaned_data.get("username", ""))
            raise


class OwnPasswordForm(PasswordChangeForm):
    """Changing one's own password: who holds somebody's session guesses their password no faster here than there."""

    def __init__(self, request: HttpRequest, *given: Any) -> None:
        self.request = request
        super().__init__(cast("User", request.user), *given)

    def clean_old_password(self) -> str:
        """The present password. Raises ValidationError."""
        password: str = self.cleaned_data["old_password"]
        if authenticate(self.request, username=self.user.username, password=password) is None:
            _refuse_too_many(self.request, self.user.username)
            raise ValidationError(self.error_messages["password_incorrect"], code="password_incorrect")
        return password


def _refuse_too_many(request: HttpRequest | None, username: str) -> None:
    """Raise ValidationError where passwords are not looked at any more."""
    if _is_too_many(username.lower(), remote_address(request) if request else ""):
        minutes = int(WINDOW.total_seconds() // 60)
        message = f"Too many wrong passwords. Wait {minutes} minutes and try again, or ask an admin for a new one."
        raise ValidationError(message, code="throttled")


def _begin_attempt(username: str, address: str) -> SignInAttempt:
    """Note the attempt before the password is looked at, so that a burst of parallel guesses is counted too."""
    SignInAttempt.objects.filter(at__lt=timezone.now() - KEPT_FOR).delete()
    attempt = SignInAttempt.objects.create(username=username, address=address)
    if _is_too_many(username, address, besides=attempt.pk):
        attempt.delete()  # what is refused unseen is not a wrong password: waiting must help
        raise TooManyAttemptsError
    return attempt


def _is_too_many(username: str, address: str, *, besides: int = 0) -> bool:
    attempts = SignInAttempt.objects.filter(at__gt=timezone.now() - WINDOW).exclude(pk=besides)
    limits = [
        (Q(username=username, address=address), WRONG_FROM_ONE_ADDRESS),
        (Q(username=username), WRONG_FOR_ONE_NAME),
        (Q(address=address), WRONG_FROM_ALL_NAMES),
    ]
    return any(attempts.filter(which).count() >= limit for which, limit in limits)


@transaction.atomic
def _record_failure(username: str, address: str) -> None:
    """The name is kept only where it is a user's: people type their password into the wrong field."""
    user = User.objects.filter(username=username).first()
    target = f"user:{user.pk}" if user else "user:unknown"
    audit.record(actor=None, action="user.sign_in_failed", target=target, remote_address=address)


@receiver(user_logged_in, dispatch_uid="audit-sign-in")
def _record_sign_in(request: HttpRequest, user: User, **_: object) -> None:
    _record_visit("user.signed_in", request, user)


@receiver(user_logged_out, dispatch_uid="audit-sign-out")
def _record_sign_out(request: HttpRequest, user: User | None, **_: object) -> None:
    if user is not None:
        _record_visit("user.signed_out", request, user)


@transaction.atomic
def _record_visit(action: str, request: HttpRequest, user: User) -> None:
    audit.record(actor=user, action=action, target=f"user:{user.pk}", remote_address=remote_address(request))
