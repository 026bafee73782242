"""SQL files of the apps: read once, named by app and file, run statement by statement."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from django.db import connection
from psycopg import sql

APPS = Path(__file__).resolve().parent.parent


@cache
def read_sql(app: str, name: str) -> str:
    """The text of apps/<app>/sql/<name>.sql."""
    return (APPS / app / "sql" / f"{name}.sql").read_text()


def run_sql(app: str, name: str, parameters: Mapping[str, object], **columns: Sequence[str]) -> int:
    """Run apps/<app>/sql/<name>.sql; `{word}` in it becomes the columns given as `word` (`name` or `table.name`).

    Statements end with a semicolon at the end of a line, the last one may go without. Returns how many rows it touched.
    """
    lists = {
        word: sql.SQL(", ").join(sql.Identifier(*name.split(".")) for name in names) for word, names in columns.items()
    }
    with connection.cursor() as cursor:
        for statement in read_sql(app, name).split(";\n"):
            cursor.execute(sql.SQL(statement).format(**lists), parameters or None)  # type: ignore[arg-type]
        return int(cursor.rowcount)
