"""What people can pick in a filter: the values of a dimension, and the keys of tags."""

from dataclasses import dataclass
from typing import Final

from django.db import connection
from psycopg import sql

from apps.accounts.scope import Scope
from apps.core.periods import Period
from apps.costs.dimensions import Dimension, Level
from apps.costs.queries.facts import monthly_table
from apps.costs.selection import TABLES, Placeholders, level_of, scope_sql, selected

MOST_VALUES: Final = 100

_VALUES = sql.SQL(
    "WITH selected AS MATERIALIZED ({selected}) SELECT DISTINCT keys[1] FROM selected s"
    " WHERE strpos(lower(keys[1]), lower({search})) > 0"
    " AND EXISTS (SELECT 1 FROM {table} f WHERE f.{id} = s.id AND f.month BETWEEN {first} AND {last})"
    " ORDER BY 1 LIMIT {limit} + 1"
)
_TAG_KEYS = sql.SQL("SELECT DISTINCT jsonb_object_keys(k.tags) AS tag_key FROM {tables} WHERE {scope} ORDER BY tag_key")


@dataclass(frozen=True, slots=True)
class ValueList:
    """Values in alphabetical order, empty text = has none; `more` when there are others besides."""

    values: tuple[str, ...]
    more: bool


def dimension_values(
    dimension: Dimension, *, period: Period, scope: Scope, search: str = "", limit: int = MOST_VALUES
) -> ValueList:
    """Values that have costs in a month that the period touches, and hold the text `search` in any case."""
    placeholders = Placeholders()
    level = level_of([dimension], [])
    statement = _VALUES.format(
        selected=selected(level, placeholders, scope=scope, keys=[dimension]),
        search=placeholders.add(search),
        table=monthly_table(level),
        id=sql.Identifier(level.value),
        first=placeholders.add(period.first.replace(day=1)),
        last=placeholders.add(period.last),
        limit=placeholders.add(limit),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, placeholders.values)
        values = tuple(value for (value,) in cursor.fetchall())
    return ValueList(values[:limit], len(values) > limit)


def tag_keys(*, scope: Scope) -> tuple[str, ...]:
    """Every tag key on the charges that the scope lets through, in alphabetical order."""
    placeholders = Placeholders()
    statement = _TAG_KEYS.format(tables=TABLES[Level.KEY], scope=scope_sql(scope, placeholders))
    with connection.cursor() as cursor:
        cursor.execute(statement, placeholders.values)
        return tuple(key for (key,) in cursor.fetchall())
