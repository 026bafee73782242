"""What the database finds for a question about cost."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from django.db import connection

from apps.accounts.scope import Scope
from apps.costs.queries.question import MAX_ROWS, CostQuery, CostQueryError, MissingRateError
from apps.costs.queries.statement import Shape, compose


class Found(NamedTuple):
    """One row of the answer: a node of a level, of the whole period or on a date. `node` is None for the rest."""

    level: int
    parent: int
    place: int
    node: int | None
    currency: str
    keys: list[str] | None
    date: date | None
    groups: int
    cost: Decimal
    previous: Decimal
    delta: Decimal
    unpriced: Decimal
    long: Decimal

    def on(self, day: "Found") -> "Found":
        """This node with the amounts that `day` has of it."""
        return self._replace(
            date=day.date, cost=day.cost, previous=day.previous, delta=day.delta, unpriced=day.unpriced
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """Nodes level by level, each level's by parent in the order asked; some of them by date; a total a currency.

    Rows of `so_far` have no date where a rate is missing.
    """

    nodes: tuple[Found, ...]
    dated: tuple[Found, ...]
    so_far: tuple[Found, ...]
    totals: tuple[Found, ...]


def answer(query: CostQuery, shape: Shape, *, scope: Scope) -> Answer:
    """What the database finds, all of it in one snapshot. Raises MissingRateError, and CostQueryError for too much."""
    statement, placeholders = compose(query, shape, most_rows=MAX_ROWS, scope=scope)
    with connection.cursor() as cursor:
        cursor.execute(statement, placeholders.values)
        rows = cursor.fetchall()
    found: dict[str, list[Found]] = {kind: [] for kind in ("node", "date", "so far", "total", "no rate")}
    for kind, *values in rows:
        found[kind].append(Found(*values))
    if missing := [(one.currency, one.date) for one in found["no rate"] if one.date]:
        raise MissingRateError(missing, query.currency)
    if max(len(found["node"]), len(found["date"])) > MAX_ROWS:
        message = f"The answer has more than {MAX_ROWS:,} rows. Set a limit, a coarser granularity or more filters."
        raise CostQueryError(message, field="limit")
    nodes = {(one.level, one.parent, one.place): one for one in found["node"]}
    dated = (nodes[one.level, one.parent, one.place].on(one) for one in found["date"])
    return Answer(tuple(found["node"]), tuple(dated), tuple(found["so far"]), tuple(found["total"]))
