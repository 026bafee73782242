"""Cost as a tree: groups within groups with exact subtotals, the outermost also by date, and today's cost so far."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from apps.accounts.scope import Scope
from apps.costs.queries.answer import Answer, Found, answer
from apps.costs.queries.facts import Granularity
from apps.costs.queries.question import CostQuery, CostQueryError
from apps.costs.queries.statement import Shape
from apps.costs.queries.table import CostRow, CostTotal, compared, row, totals, unpriced


@dataclass(frozen=True, slots=True)
class CostNode:
    """One group of one level; `key` is its value of group_by[depth] ("" = has none); None = the rest of its parent.

    `children` are the first few groups within it and their rest, and add up to it exactly; none at the last level and
    within a rest. `groups` is how many groups a rest holds, 1 otherwise.
    """

    key: str | None
    cost: Decimal
    previous: Decimal | None
    delta: Decimal | None
    unpriced: Decimal | None
    groups: int
    children: tuple["CostNode", ...]


@dataclass(frozen=True, slots=True)
class CostTree:
    """Everything in one currency. `nodes` (none without group_by) with their rest add up to the total exactly."""

    currency: str
    total: CostTotal
    nodes: tuple[CostNode, ...]


@dataclass(frozen=True, slots=True)
class CostView:
    """One question's whole answer, from one snapshot: a tree a currency, and its outermost groups by date.

    `dated` (with a granularity; never compared) adds up to the totals exactly; keys of its rows are (outermost key,),
    None for the rest. `so_far` is the same on `today`, which is in no total: only with days, and when the period ends
    on the day before.
    """

    query: CostQuery
    trees: tuple[CostTree, ...]
    dated: tuple[CostRow, ...]
    so_far: tuple[CostRow, ...]


def cost_view(query: CostQuery, *, children: int, today: date, scope: Scope) -> CostView:
    """Cost as the query asks, of what the scope lets through: `query.limit` outermost groups, `children` in each.

    The comparison may have any length: it is the trees' alone. Raises MissingRateError, and CostQueryError when the
    answer would have more than MAX_ROWS rows.
    """
    if children < 1:
        raise CostQueryError("The number of groups within a group is a whole number from 1.", field="children")
    levels = tuple(range(1, len(query.group_by) + 1)) or (0,)
    day_before = query.period.last == today - timedelta(days=1)
    so_far = today if day_before and query.granularity is Granularity.DAY else None
    found = answer(query, Shape(levels, children, so_far=so_far), scope=scope)
    return CostView(
        query,
        trees(query, found),
        tuple(row(query, one, keys=levels[0], is_compared=False) for one in found.dated),
        _so_far(query, found.so_far, levels[0]),
    )


def _so_far(query: CostQuery, found: tuple[Found, ...], keys: int) -> tuple[CostRow, ...]:
    """Today's rows; none while a rate of its month is missing, so that no part passes for the whole."""
    if any(one.date is None for one in found):
        return ()
    return tuple(row(query, one, keys=keys, is_compared=False) for one in found)


def trees(query: CostQuery, found: Answer) -> tuple[CostTree, ...]:
    """The tree of each currency."""
    within: dict[tuple[int, int], list[Found]] = defaultdict(list)
    for one in found.nodes if query.group_by else ():
        within[one.level, one.parent].append(one)

    def nodes(level: int, parent: int | None) -> tuple[CostNode, ...]:
        held = [] if parent is None else within.get((level, parent), [])
        return tuple(_node(query, one, nodes(level + 1, one.node)) for one in held)

    return tuple(
        CostTree(total.currency, total, nodes(1, one.node))
        for one, total in zip(found.totals, totals(query, found), strict=True)
    )


def _node(query: CostQuery, found: Found, children: tuple[CostNode, ...]) -> CostNode:
    return CostNode(
        None if found.node is None else (found.keys or [])[found.level - 1],
        found.cost,
        *compared(query, found),
        unpriced(query, found),
        found.groups,
        children,
    )
