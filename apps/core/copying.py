"""Frames into tables, in bulk."""

from collections.abc import Iterable, Sequence

import polars as pl
from django.db import connection
from psycopg import sql


def copy_frames(table: str, columns: Sequence[str], frames: Iterable[pl.DataFrame]) -> None:
    """Append the frames' `columns` to the table by COPY; runs in the caller's transaction. Null stays null."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for frame in frames:
            copy.write(frame.select(columns).write_csv(include_header=False))
