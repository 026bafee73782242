"""Monthly partitions of tables of facts: made when a month first comes, dropped when it is no longer kept."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from django.db import connection
from psycopg import sql

from apps.core.locks import hold


def partition_of(table: str, month: date) -> str:
    """The name of the partition of the month of that day."""
    return f"{table}_{month:%Y%m}"


def make_partitions(tables: Sequence[str], months: Iterable[date]) -> None:
    """Make the partitions of these months that are not there; runs in the caller's transaction."""
    missing = list(_missing(tables, sorted({month.replace(day=1) for month in months})))
    if not missing:
        return
    hold("partitions")
    for table, month in _missing(tables, sorted({month for _, month in missing})):
        _make(table, month)


def drop_partitions(tables: Sequence[str], *, before: date) -> list[str]:
    """Drop the partitions of whole months before the month of that day, with all that is in them; their names."""
    oldest = before.strftime("%Y%m")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT i.inhparent::regclass::text, i.inhrelid::regclass::text FROM pg_inherits i"
            " WHERE i.inhparent = ANY(%s::regclass[]) ORDER BY 2",
            [list(tables)],
        )
        old = [name for table, name in cursor.fetchall() if name.removeprefix(f"{table}_") < oldest]
        for name in old:
            cursor.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(name)))
    return old


def _missing(tables: Sequence[str], months: Iterable[date]) -> Iterator[tuple[str, date]]:
    wanted = [(table, month) for month in months for table in tables]
    with connection.cursor() as cursor:
        names = [partition_of(*one) for one in wanted]
        cursor.execute("SELECT name FROM unnest(%s::text[]) name WHERE to_regclass(name) IS NOT NULL", [names])
        known = {name for (name,) in cursor.fetchall()}
    return (one for one in wanted if partition_of(*one) not in known)


def _make(table: str, month: date) -> None:
    names = {"table": sql.Identifier(table), "partition": sql.Identifier(partition_of(table, month))}
    following = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    with connection.cursor() as cursor:
        # attached, not created in place: that would lock readers and loaders of all other months out
        cursor.execute(sql.SQL("CREATE TABLE {partition} (LIKE {table} INCLUDING ALL)").format(**names))
        cursor.execute(
            sql.SQL("ALTER TABLE {table} ATTACH PARTITION {partition} FOR VALUES FROM ({first}) TO ({end})").format(
                **names, first=sql.Literal(month.isoformat()), end=sql.Literal(following.isoformat())
            )
        )
