"""Cost as the rows of a file: the groups that a tree shows and does not open any further, by date if asked."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from apps.accounts.scope import Scope
from apps.costs.queries.answer import Answer, Found, answer
from apps.costs.queries.facts import Granularity
from apps.costs.queries.question import CostQuery, OrderBy
from apps.costs.queries.statement import Shape
from apps.costs.queries.table import CostTotal, compared, totals, unpriced
from apps.costs.queries.tree import CostNode, CostTree, trees

Path = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class CostLeaf:
    """One group of the last level, or the rest of a parent (of one date).

    `keys` in the order of `group_by`, empty text = has none; in a rest, the parent's keys and then None to the end.
    """

    keys: Path
    date: date | None
    currency: str
    cost: Decimal
    previous: Decimal | None
    delta: Decimal | None
    unpriced: Decimal | None
    groups: int

    @property
    def is_rest(self) -> bool:
        """Whether it holds all the `groups` of its parent that are not told apart."""
        return None in self.keys


@dataclass(frozen=True, slots=True)
class CostLeaves:
    """The rows, and what they add up to exactly: one total a currency, from the same statement."""

    query: CostQuery
    rows: tuple[CostLeaf, ...]
    totals: tuple[CostTotal, ...]


def are_comparable(query: CostQuery) -> bool:
    """Whether the comparison can stand beside each row: date by date it takes a period of the same length."""
    if query.compare is None:
        return False
    return query.granularity is Granularity.NONE or query.compare.days == query.period.days


def cost_leaves(query: CostQuery, *, children: int | None, scope: Scope) -> CostLeaves:
    """The rows of `query.limit` outermost groups with `children` in each, of what the scope lets through.

    A comparison that cannot stand beside each row is in the totals alone. Raises MissingRateError, and CostQueryError
    when the answer would have more than MAX_ROWS rows.
    """
    levels = tuple(range(1, len(query.group_by) + 1)) or (0,)
    shape = Shape(levels, children, compare_dates=are_comparable(query), dated_levels=len(levels))
    found = answer(query, shape, scope=scope)
    dates = _by_path(found)
    rows = [row for tree in trees(query, found) for row in _rows(query, tree, dates)]
    if query.order_by in (OrderBy.DATE, OrderBy.NEWEST):
        rows.sort(key=lambda row: row.date or query.period.first, reverse=query.order_by is OrderBy.NEWEST)
        rows.sort(key=lambda row: row.currency)
    return CostLeaves(query, tuple(rows), totals(query, found))


def _by_path(found: Answer) -> dict[tuple[str, Path], list[Found]]:
    """The dates of each leaf."""
    dates: dict[tuple[str, Path], list[Found]] = defaultdict(list)
    for one in found.dated:
        keys = (one.keys or [])[: one.level]
        dates[one.currency, (*keys[:-1], None) if one.node is None and keys else tuple(keys)].append(one)
    return dates


def _rows(query: CostQuery, tree: CostTree, dates: dict[tuple[str, Path], list[Found]]) -> Iterator[CostLeaf]:
    whole = CostNode(None, tree.total.cost, tree.total.previous, tree.total.delta, tree.total.unpriced, 1, tree.nodes)
    for path, node in _leaves(whole, ()):
        keys = path + (None,) * (len(query.group_by) - len(path))
        of_node = CostLeaf(keys, None, tree.currency, node.cost, node.previous, node.delta, node.unpriced, node.groups)
        if query.granularity is Granularity.NONE:
            yield of_node
        for one in dates.get((tree.currency, path), ()):
            yield _dated(query, of_node, one)


def _leaves(node: CostNode, path: Path) -> Iterator[tuple[Path, CostNode]]:
    if not node.children:
        yield path, node
    for child in node.children:
        yield from _leaves(child, (*path, child.key))


def _dated(query: CostQuery, leaf: CostLeaf, found: Found) -> CostLeaf:
    previous, delta = compared(query, found) if are_comparable(query) else (None, None)
    return replace(
        leaf,
        date=found.date,
        cost=found.cost,
        previous=previous,
        delta=delta,
        unpriced=unpriced(query, found),
    )
