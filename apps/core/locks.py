"""PostgreSQL advisory locks by name: freed by the server when their holder ends, however it ends."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

KEY = "hashtextextended(%s, 0)"


def hold(name: str) -> None:
    """Wait for the lock and keep it, alone, until this transaction ends."""
    _execute(f"SELECT pg_advisory_xact_lock({KEY})", name)


def hold_shared(name: str) -> None:
    """Wait for the lock and keep it, together with others who share it, until this transaction ends."""
    _execute(f"SELECT pg_advisory_xact_lock_shared({KEY})", name)


@contextmanager
def held(name: str) -> Iterator[None]:
    """Wait for the lock and keep it, alone, through any number of transactions of this connection."""
    _execute(f"SELECT pg_advisory_lock({KEY})", name)
    try:
        yield
    finally:
        if connection.is_usable():
            _execute(f"SELECT pg_advisory_unlock({KEY})", name)


@contextmanager
def held_if_free(name: str) -> Iterator[bool]:
    """Keep the lock like `held` where nobody has it; otherwise do not wait, and say False."""
    got = _execute(f"SELECT pg_try_advisory_lock({KEY})", name)
    try:
        yield got
    finally:
        if got and connection.is_usable():
            _execute(f"SELECT pg_advisory_unlock({KEY})", name)


def is_held(name: str) -> bool:
    """Whether anybody holds the lock alone now (other connections; this one's own locks do not show)."""
    free = _execute(f"SELECT pg_try_advisory_lock({KEY})", name)
    if free:
        _execute(f"SELECT pg_advisory_unlock({KEY})", name)
    return not free


def _execute(statement: str, name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(statement, [name])
        return bool(cursor.fetchone()[0])
