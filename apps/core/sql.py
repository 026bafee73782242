"""SQL files of the apps: read once, named by app and file, run statement by statement."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from django.db import connection
from psycopg import sql

APPS = Path(__file__).resolve().parent.parent
_COMMENT: Final = re.compile(r"('[^']*')|[ \t]*--[^\n]*")


@cache
def read_sql(app: str, name: str) -> str:
    """The text of apps/<app>/sql/<name>.sql without its comments.

    A comment that names a parameter would be given its value too, and what follows a line break in that value is no
    longer a comment.
    """
    text = (APPS / app / "sql" / f"{name}.sql").read_text()
    return _COMMENT.sub(lambda found: found[1] or "", text)


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
