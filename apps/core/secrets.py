"""Credentials at rest: encrypted by Fernet with the operator's keys, readable again only in here."""

import json
from collections.abc import Mapping

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from apps.core import private_files
from apps.core.errors import UserError


def seal(values: Mapping[str, str]) -> bytes:
    """The values encrypted with the newest key."""
    return _cipher().encrypt(json.dumps(dict(values)).encode())


def unseal(sealed: bytes | memoryview) -> dict[str, str]:
    """What was sealed. Raises UserError when none of the keys fits."""
    try:
        values: dict[str, str] = json.loads(_cipher().decrypt(bytes(sealed)))
    except InvalidToken:
        raise UserError(
            "The credentials cannot be read with the present key: enter them again, or give FinOps the key that they"
            " were saved with (FINOPS_SECRETS_KEY)."
        ) from None
    return values


def add_new_key() -> None:
    """Make a key and put it before those in the file; keys that the environment gives are the operator's to change."""
    if not settings.SECRETS_KEYS:
        private_files.replace(settings.SECRETS_KEY_FILE, "\n".join([Fernet.generate_key().decode(), *_keys()]) + "\n")


def forget_old_keys() -> None:
    """Keep the newest key of the file alone: after everything was sealed with it."""
    if not settings.SECRETS_KEYS:
        private_files.replace(settings.SECRETS_KEY_FILE, f"{_keys()[0]}\n")


def reseal(sealed: bytes | memoryview) -> bytes:
    """The same values, encrypted with the newest key."""
    return seal(unseal(sealed))


def _cipher() -> MultiFernet:
    """Read anew each time: another process may just have changed the keys."""
    try:
        return MultiFernet([Fernet(key) for key in _keys()])
    except ValueError:
        where = "FINOPS_SECRETS_KEY" if settings.SECRETS_KEYS else str(settings.SECRETS_KEY_FILE)
        raise UserError(
            f"{where} holds no usable key: each is 32 random bytes in URL-safe base64; `finops secrets key` prints one."
        ) from None


def _keys() -> list[str]:
    """The newest first; the file is made on first use."""
    if settings.SECRETS_KEYS:
        return [key.strip() for key in settings.SECRETS_KEYS.split(",") if key.strip()]
    if not settings.SECRETS_KEY_FILE.exists():
        private_files.write_once(settings.SECRETS_KEY_FILE, f"{Fernet.generate_key().decode()}\n")
    return settings.SECRETS_KEY_FILE.read_text().split()
