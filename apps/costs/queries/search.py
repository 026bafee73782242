"""Finding services, accounts and resources by a part of their name, however many charges there are."""

from dataclasses import dataclass
from typing import Final

from django.db import connection
from psycopg import sql

from apps.accounts.scope import Scope
from apps.costs.dimensions import RESOURCE, Dimension
from apps.costs.selection import Placeholders, dimension_sql, scope_sql

_NAMES: Final = {
    "billing_account": sql.SQL("k.billing_account_name"),
    "sub_account": sql.SQL("k.sub_account_name"),
    RESOURCE: sql.SQL("k.resource_name"),
}
# one charge key of each group, of which there are few; a group that holds no key any more is nobody's
_GROUP_VALUES: Final = sql.SQL(
    "SELECT {value} AS value, named.name FROM costs_chargegroup g CROSS JOIN LATERAL"
    " (SELECT {name} AS name FROM costs_chargekey k WHERE k.group_id = g.id LIMIT 1) named WHERE {scope}"
)
_KEY_VALUES: Final = sql.SQL(
    "SELECT {value} AS value, {name} AS name FROM costs_chargekey k JOIN costs_chargegroup g ON g.id = k.group_id"
    " WHERE {scope}"
)
# in the collation C, lower() is several times faster; it knows the letters A to Z
_FIND: Final = sql.SQL(
    "SELECT value, coalesce(min(name), '') FROM ({values}) named WHERE value <> '' AND"
    ' (strpos(lower(value COLLATE "C"), {text}) > 0 OR strpos(lower(name COLLATE "C"), {text}) > 0)'
    ' GROUP BY value ORDER BY bool_or(strpos(lower(value COLLATE "C"), {text}) = 1'
    ' OR strpos(lower(name COLLATE "C"), {text}) = 1) DESC NULLS LAST, length(value), value LIMIT {limit}'
)


@dataclass(frozen=True, slots=True)
class Match:
    """A value of a dimension, and what bills call it: empty where they give no other name."""

    value: str
    name: str


def find_values(dimension: Dimension, text: str, *, limit: int, scope: Scope) -> tuple[Match, ...]:
    """Values that hold `text`, or whose name does; first those that begin with it, then the shortest.

    The letters A to Z match in any case.
    """
    placeholders = Placeholders()
    values = _KEY_VALUES if dimension.name == RESOURCE else _GROUP_VALUES
    statement = _FIND.format(
        values=values.format(
            value=dimension_sql(dimension, placeholders),
            name=_NAMES.get(dimension.name, sql.SQL("NULL::text")),
            scope=scope_sql(scope, placeholders),
        ),
        text=placeholders.add("".join(one.lower() if one.isascii() else one for one in text)),
        limit=placeholders.add(limit),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, placeholders.values)
        return tuple(Match(value, "" if name == value else name) for value, name in cursor.fetchall())
