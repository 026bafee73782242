"""API tokens: issuing, revoking and recognising them. The text of a token is in nobody's hands but its user's."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from apps.accounts import audit
from apps.accounts.models import ApiToken, TokenScope, User
from apps.core.errors import UserError

USE_IS_NOTED_EVERY = timedelta(hours=1)


class TokenRefusedError(Exception):
    """The token is not good for this; the message says why without telling anything about other tokens."""


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token with its text, to be shown once and kept nowhere."""

    token: ApiToken
    text: str = field(repr=False)


@transaction.atomic
def issue_token(
    *,
    user: User,
    name: str,
    actor: User | None,
    scope: TokenScope = TokenScope.READ,
    expires_at: datetime | None = None,
    remote_address: str = "",
) -> IssuedToken:
    """Make a token for `user`; `expires_at` None = good until it is revoked. Raises UserError."""
    if not name.strip():
        raise UserError("A token needs a name that says what it is for.", field="name")
    if not user.is_active:
        raise UserError(f"{user.username} is deactivated and cannot have tokens.", field="user")
    if expires_at is not None and expires_at <= timezone.now():
        raise UserError("A token has to expire in the future.", field="expires_at")
    prefix = f"finops_{secrets.token_hex(6)}"
    text = f"{prefix}_{secrets.token_hex(24)}"
    token = ApiToken.objects.create(
        user=user, name=name.strip(), prefix=prefix, digest=_digest(text), scope=scope, expires_at=expires_at
    )
    audit.record(
        actor=actor,
        action="token.created",
        target=f"token:{token.pk}",
        after={"user": user.username, "name": token.name, "scope": scope, "expires_at": expires_at},
        remote_address=remote_address,
    )
    return IssuedToken(token, text)


@transaction.atomic
def revoke_token(*, token: ApiToken, actor: User | None, reason: str = "", remote_address: str = "") -> None:
    """Make a token good for nothing, from now on and for ever; revoking it again changes nothing."""
    if not ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now()):
        return
    audit.record(
        actor=actor,
        action="token.revoked",
        target=f"token:{token.pk}",
        before={"user": token.user.username, "name": token.name},
        reason=reason,
        remote_address=remote_address,
    )


def recognise(text: str) -> ApiToken:
    """The token that `text` is, with its user; notes the use once an hour. Raises TokenRefusedError."""
    prefix = text.rpartition("_")[0]
    token = ApiToken.objects.select_related("user").filter(prefix=prefix).first() if prefix.isidentifier() else None
    if token is None or not hmac.compare_digest(token.digest, _digest(text)):
        raise TokenRefusedError("There is no such token.")
    now = timezone.now()
    if token.revoked_at is not None:
        raise TokenRefusedError("This token was revoked.")
    if token.expires_at is not None and token.expires_at <= now:
        raise TokenRefusedError("This token has expired.")
    if not token.user.is_active:
        raise TokenRefusedError("The user of this token is deactivated.")
    if token.last_used_at is None or token.last_used_at <= now - USE_IS_NOTED_EVERY:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


def _digest(text: str) -> str:
    """SHA-256 in hex: enough for a random 192-bit secret, which nobody can guess their way to as with a password."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
