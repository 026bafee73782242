"""Which charge groups or keys a reader asks about and may see: the one place where a Scope becomes SQL.

Every read of costs joins the `selected` rows made here, so that none can forget the scope.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from psycopg import sql

from apps.accounts.scope import Scope
from apps.costs.dimensions import RESOURCE, Dimension, Level

TABLES = {
    Level.GROUP: sql.SQL("costs_chargegroup g"),
    Level.KEY: sql.SQL("costs_chargekey k JOIN costs_chargegroup g ON g.id = k.group_id"),
}
_ID = {Level.GROUP: sql.SQL("g.id"), Level.KEY: sql.SQL("k.id")}


@dataclass(frozen=True, slots=True)
class Filter:
    """Charges whose `dimension` is one of `values`, or with `exclude` none of them; the empty text means "has none"."""

    dimension: Dimension
    values: tuple[str, ...]
    exclude: bool = False


@dataclass(slots=True)
class Placeholders:
    """The values of a statement under construction, each behind a placeholder of its own."""

    values: dict[str, Any] = field(default_factory=dict)

    def add(self, value: str | int | date | list[str] | list[int] | list[date]) -> sql.Composable:
        """A placeholder for `value`."""
        name = f"p{len(self.values)}"
        self.values[name] = value
        return sql.Placeholder(name)


def level_of(dimensions: Iterable[Dimension], filters: Iterable[Filter]) -> Level:
    """The coarsest level that knows everything that is asked about."""
    asked = [*dimensions, *(one.dimension for one in filters)]
    return Level.KEY if any(dimension.level is Level.KEY for dimension in asked) else Level.GROUP


def selected(
    level: Level,
    placeholders: Placeholders,
    *,
    scope: Scope,
    filters: Sequence[Filter] = (),
    keys: Sequence[Dimension] = (),
) -> sql.Composed:
    """SELECT of what the scope lets through: `id` of the level, billing `currency`, `keys` as a text array, `slice`.

    A slice numbers one set of currency and keys, so that facts are grouped by an integer.
    """
    columns = sql.SQL(", ").join(dimension_sql(dimension, placeholders) for dimension in keys)
    wanted = [scope_sql(scope, placeholders), *(_filter_sql(one, placeholders) for one in filters)]
    return sql.SQL(
        "SELECT id, currency, keys, dense_rank() OVER (ORDER BY currency, keys) AS slice FROM ("
        "SELECT {id} AS id, g.billing_currency AS currency, ARRAY[{columns}]::text[] AS keys"
        " FROM {tables} WHERE {wanted}) asked"
    ).format(id=_ID[level], columns=columns, tables=TABLES[level], wanted=sql.SQL(" AND ").join(wanted))


def scope_sql(scope: Scope, placeholders: Placeholders) -> sql.Composable:
    """What the scope lets through, as a condition on the charge group `g`; unallocated cost is no team's."""
    if scope.teams is None:
        return sql.SQL("TRUE")
    return sql.SQL("g.team <> '' AND g.team = ANY({})").format(placeholders.add(list(scope.teams)))


def dimension_sql(dimension: Dimension, placeholders: Placeholders) -> sql.Composable:
    """The dimension's value of the charge group `g` (or charge key `k`), never null."""
    if dimension.name == RESOURCE:
        return sql.SQL("coalesce(k.resource_id, '')")
    if dimension.tag_key:
        return sql.SQL("coalesce(k.tags ->> {}, '')").format(placeholders.add(dimension.tag_key))
    return sql.Identifier("g", dimension.name)


def _filter_sql(one: Filter, placeholders: Placeholders) -> sql.Composable:
    template = "{} <> ALL({})" if one.exclude else "{} = ANY({})"
    return sql.SQL(template).format(dimension_sql(one.dimension, placeholders), placeholders.add(list(one.values)))
