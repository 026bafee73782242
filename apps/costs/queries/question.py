"""What can be asked about cost: the question (CostQuery), and what makes it one that cannot be answered."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from apps.core.errors import UserError
from apps.core.periods import Period
from apps.costs.dimensions import Dimension
from apps.costs.queries.facts import Granularity, Metric
from apps.costs.selection import Filter

MAX_DIMENSIONS: Final = 3
MAX_ROWS: Final = 50_000


class CostQueryError(UserError):
    """A question that cannot be answered; `field` is the parameter to change and the text says how."""


class MissingRateError(CostQueryError):
    """Amounts cannot be converted, because nobody has set the exchange rates that it takes."""

    def __init__(self, missing: list[tuple[str, date]], currency: str) -> None:
        months: dict[str, list[date]] = {}
        for billing_currency, month in sorted(missing):
            months.setdefault(billing_currency, []).append(month)
        sentences = [
            f"No exchange rate {billing_currency} to {currency} for {_in_words(days)}."
            for billing_currency, days in months.items()
        ]
        super().__init__(" ".join(sentences), field="currency")


class OrderBy(StrEnum):
    """What rows are sorted by. A group's rows stay together, except where dates come first."""

    DEAREST = "-cost"
    CHEAPEST = "cost"
    KEY = "key"
    KEY_DESCENDING = "-key"
    MOST_ADDED = "-delta"
    MOST_SAVED = "delta"
    DATE = "date"
    NEWEST = "-date"


@dataclass(frozen=True, slots=True)
class CostQuery:
    """A question about cost.

    `currency` converts every amount by the exchange rate of its calendar month; empty leaves amounts as billed, apart
    per currency. `limit` keeps the first groups in the order asked, per currency, and sums the rest in one row.
    `compare` is put beside the period. `week_start` is an ISO weekday.
    """

    period: Period
    group_by: tuple[Dimension, ...] = ()
    granularity: Granularity = Granularity.NONE
    filters: tuple[Filter, ...] = ()
    metric: Metric = Metric.EFFECTIVE
    currency: str = ""
    compare: Period | None = None
    limit: int | None = None
    order_by: OrderBy = OrderBy.DEAREST
    week_start: int = 1

    def __post_init__(self) -> None:
        if len(self.group_by) > MAX_DIMENSIONS:
            raise CostQueryError(
                f"Group by at most {MAX_DIMENSIONS} dimensions, not {len(self.group_by)}.", field="group_by"
            )
        if len(set(self.group_by)) < len(self.group_by):
            raise CostQueryError("Each dimension can be grouped by once.", field="group_by")
        if self.limit is not None and self.limit < 1:
            raise CostQueryError("The limit is a whole number from 1.", field="limit")
        if self.compare is None and self.order_by in (OrderBy.MOST_ADDED, OrderBy.MOST_SAVED):
            raise CostQueryError(f"Sorting by {self.order_by.value} takes a comparison.", field="order_by")


def _in_words(months: list[date]) -> str:
    return ", ".join(f"{month:%B %Y}" for month in months)
