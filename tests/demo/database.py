"""The demo in a database of its own, loaded once for all tests of a process; tests work on copies of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from django.core.management import call_command
from django.db import connection

from apps.demo.services import load_demo

UNTIL = date(2026, 3, 6)  # the shortest demo in which every story is told: 34 days
MONTHS = 2


@contextmanager
def demo_database() -> Iterator[str]:
    """The name of a database with the demo in it: 32,000 rows, which take five seconds or more on busy cores."""
    name = f"{connection.settings_dict['NAME']}_demo"
    with _new_database(name):
        with _connected_to(name):
            call_command("migrate", interactive=False, verbosity=0)
            load_demo(until=UNTIL, progress=lambda _: None, months=MONTHS)
        yield name


@contextmanager
def copy_of(name: str) -> Iterator[None]:
    """Django's connection, also of threads that begin now, on a copy of the database, which is thrown away."""
    copy = f"{name}_copy"
    with _new_database(copy, template=name), _connected_to(copy):
        yield


@contextmanager
def _new_database(name: str, template: str = "template1") -> Iterator[None]:
    _outside(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    _outside(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    try:
        yield
    finally:
        _outside(f'DROP DATABASE "{name}" WITH (FORCE)')


def _outside(statement: str) -> None:
    with _connected_to("postgres"), connection.cursor() as cursor:
        cursor.execute(statement)


@contextmanager
def _connected_to(name: str) -> Iterator[None]:
    before = connection.settings_dict["NAME"]
    _connect(name)
    try:
        yield
    finally:
        _connect(before)


def _connect(name: str) -> None:
    connection.close()
    connection.settings_dict["NAME"] = name
