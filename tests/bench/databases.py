"""Databases of benchmarks: empty ones, and ones that are filled once and made anew when their making is another."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.core.management import call_command
from django.db import connection


@contextmanager
def kept_database(name: str, *, made_by: str, fill: Callable[[], None]) -> Iterator[None]:
    """Django's connection on the database of that name, migrated and filled by `fill` on the first call.

    `made_by` is a digest of what it is made from; another one makes it anew.
    """
    before = connection.settings_dict["NAME"]
    if _comment(name) != made_by:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {name}")
            cursor.execute(f"CREATE DATABASE {name}")
    _connect(name)
    try:
        call_command("migrate", interactive=False, verbosity=0)  # also what was kept since before a migration
        if _comment(name) != made_by:
            fill()
            with connection.cursor() as cursor:
                cursor.execute("VACUUM ANALYZE")
                cursor.execute(f"COMMENT ON DATABASE {name} IS '{made_by}'")
        yield
    finally:
        _connect(before)


@contextmanager
def empty_database(name: str) -> Iterator[None]:
    """Django's connection on a database with tables and nothing in them."""
    before = connection.settings_dict["NAME"]
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        cursor.execute(f"CREATE DATABASE {name}")
    _connect(name)
    try:
        call_command("migrate", interactive=False, verbosity=0)
        yield
    finally:
        _connect(before)


def _comment(name: str) -> str | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", [name])
        row = cursor.fetchone()
    return row and row[0]


def _connect(name: str) -> None:
    connection.close()
    connection.settings_dict["NAME"] = name
