"""How long one statement of a page or an API call may take, so that no question keeps the database from the others."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.utils import OperationalError
from psycopg.errors import QueryCanceled

from apps.core.errors import UserError

_RECEIVER = "statement time limit"


class TooSlowError(UserError):
    """A question that the database was stopped from answering."""


def limit_statements(seconds: int) -> None:
    """From now on, connections that this process makes stop a statement after so long, with TooSlowError."""
    lift_limit()  # a second receiver of the same name would not be connected
    connection_created.connect(partial(_limit, seconds), weak=False, dispatch_uid=_RECEIVER)


def lift_limit() -> None:
    """Connections that this process makes from now on have no limit any more."""
    connection_created.disconnect(dispatch_uid=_RECEIVER)


def unlimited(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The chunks of a download, for which the present thread's connection may take as long as the reader does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('statement_timeout')")
        (limit,) = cursor.fetchone()
        cursor.execute("SET statement_timeout = 0")
    try:
        yield from chunks
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, false)", [limit])


@dataclass(frozen=True, slots=True)
class _InTime:
    """Wraps a connection's statements."""

    seconds: int

    def __call__(self, execute: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return execute(*arguments)
        except OperationalError as error:
            if not isinstance(error.__cause__, QueryCanceled):
                raise
            message = f"The question took longer than {self.seconds} s and was stopped."
            raise TooSlowError(f"{message} Ask for a shorter period or add filters.") from error


def _limit(seconds: int, *, connection: BaseDatabaseWrapper, **_: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET statement_timeout = '{seconds}s'")
    others = [one for one in connection.execute_wrappers if not isinstance(one, _InTime)]  # they outlive the connection
    connection.execute_wrappers[:] = [*others, _InTime(seconds)]
