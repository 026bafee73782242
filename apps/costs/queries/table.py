"""Cost as a flat table: every set of keys is a group, with its dates and its comparison."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from apps.accounts.scope import Scope
from apps.costs.queries.answer import Answer, Found, answer
from apps.costs.queries.facts import Granularity
from apps.costs.queries.question import CostQuery, CostQueryError
from apps.costs.queries.statement import Shape


@dataclass(frozen=True, slots=True)
class CostRow:
    """One group's cost (of one date). `keys` in the order of `group_by`, empty text = has none; None = all the rest.

    `groups` says how many groups the rest holds (1 otherwise). `previous` and `delta` come with a comparison;
    `unpriced` is the effective cost of charges whose list (contracted) price is not known, with these metrics.
    """

    keys: tuple[str, ...] | None
    date: date | None
    currency: str
    cost: Decimal
    previous: Decimal | None
    delta: Decimal | None
    unpriced: Decimal | None
    groups: int


@dataclass(frozen=True, slots=True)
class CostTotal:
    """What all rows of one currency add up to, exactly. `long` is the part of charges that reach beyond their day."""

    currency: str
    cost: Decimal
    previous: Decimal | None
    delta: Decimal | None
    unpriced: Decimal | None
    long: Decimal
    groups: int


@dataclass(frozen=True, slots=True)
class CostTable:
    """The answer: rows, and their totals from the same statement, one for each currency in it."""

    query: CostQuery
    rows: tuple[CostRow, ...]
    totals: tuple[CostTotal, ...]

    @property
    def currency(self) -> str | None:
        """The currency of every amount; None when there are several, or no amount at all."""
        return self.totals[0].currency if len(self.totals) == 1 else self.query.currency or None

    @property
    def total(self) -> Decimal | None:
        """What the rows add up to; None when they are in several currencies, 0 when there are none."""
        if len(self.totals) > 1:
            return None
        return self.totals[0].cost if self.totals else Decimal(0)


def cost_table(query: CostQuery, *, scope: Scope) -> CostTable:
    """Cost as the query asks, of what the scope lets through; with a granularity each date beside its comparison.

    Raises MissingRateError, and CostQueryError when the answer would have more than MAX_ROWS rows or when dates are to
    be compared with a period of another length.
    """
    by_date = query.granularity is not Granularity.NONE
    if query.compare and by_date and query.compare.days != query.period.days:
        message = (
            f"has {query.compare.days} days and the period {query.period.days}; with a granularity they must agree."
        )
        raise CostQueryError(f"The comparison {message}", field="compare_end")
    found = answer(query, Shape((len(query.group_by),), compare_dates=True), scope=scope)
    rows = tuple(row(query, one, keys=len(query.group_by)) for one in (found.dated if by_date else found.nodes))
    return CostTable(query, rows, totals(query, found))


def row(query: CostQuery, found: Found, *, keys: int, is_compared: bool = True) -> CostRow:
    """A row of a table whose groups are the first so many keys; without keys there is one group, and no rest."""
    return CostRow(
        tuple((found.keys or [])[:keys]) if found.node or not keys else None,
        found.date,
        found.currency,
        found.cost,
        *(compared(query, found) if is_compared else (None, None)),
        unpriced(query, found),
        found.groups,
    )


def totals(query: CostQuery, found: Answer) -> tuple[CostTotal, ...]:
    """The total of each currency."""
    return tuple(
        CostTotal(one.currency, one.cost, *compared(query, one), unpriced(query, one), one.long, one.groups)
        for one in found.totals
    )


def compared(query: CostQuery, found: Found) -> tuple[Decimal | None, Decimal | None]:
    """The cost before and the difference; None without a comparison."""
    return (found.previous, found.delta) if query.compare else (None, None)


def unpriced(query: CostQuery, found: Found) -> Decimal | None:
    """The effective cost without a list (contracted) price; None for costs that every charge has."""
    return found.unpriced if query.metric.may_be_unknown else None
