"""The charges behind a number, down to the delivery and the row of the file that each came from."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Any, Final, overload

from django.db import connection
from psycopg import sql

from apps.accounts.scope import Scope
from apps.core.periods import Period
from apps.core.sql import read_sql
from apps.costs.dimensions import Level
from apps.costs.queries.candidates import Charges, count_charges, dearest, newest
from apps.costs.selection import Filter, Placeholders


class ChargeOrder(StrEnum):
    """What charges are sorted by; cost is the effective cost."""

    DEAREST = "-cost"
    CHEAPEST = "cost"
    NEWEST = "-date"
    OLDEST = "date"


_ORDER: Final = {
    ChargeOrder.DEAREST: sql.SQL("f.effective_cost DESC"),
    ChargeOrder.CHEAPEST: sql.SQL("f.effective_cost"),
    ChargeOrder.NEWEST: sql.SQL("f.day DESC"),
    ChargeOrder.OLDEST: sql.SQL("f.day"),
}
_ORIGIN: Final = dict.fromkeys(("source", "delivery_id", "statement_id", "first_row"))
_WHOLE_DAYS: Final = sql.SQL(
    "selected AS MATERIALIZED ({selected}), found AS ("
    "SELECT f.* FROM costs_dailycharge f JOIN selected s ON s.id = f.key_id WHERE f.day BETWEEN {first} AND {last})"
)
# the keys have passed the scope already; OFFSET 0 has them looked up one by one, each in its month alone
_STRETCHES: Final = sql.SQL(
    "found AS (SELECT f.* FROM unnest({keys}::bigint[], {firsts}::date[], {lasts}::date[]) s (key_id, first, last)"
    " CROSS JOIN LATERAL (SELECT * FROM costs_dailycharge f"
    " WHERE f.key_id = s.key_id AND f.day BETWEEN s.first AND s.last OFFSET 0) f)"
)


@dataclass(frozen=True, slots=True)
class Charge:
    """One charge as it is kept: rows of the bill that agree in everything but their hour are one.

    Amounts are in `currency`, the one billed. `columns` has what the bill said besides, by FOCUS name, without nulls.
    `row_count` rows of the delivery are behind it, `first_row` is the first of them; which delivery and row is None
    for a scope of some teams, which sees no deliveries. `charge_period_start` and
    `charge_period_end` (exclusive) are set when it reaches beyond `day`.
    """

    day: date
    charge_period_start: datetime | None
    charge_period_end: datetime | None
    currency: str
    billed_cost: Decimal
    effective_cost: Decimal
    list_cost: Decimal | None
    contracted_cost: Decimal | None
    list_unit_price: Decimal | None
    contracted_unit_price: Decimal | None
    pricing_quantity: Decimal | None
    consumed_quantity: Decimal | None
    invoice_id: str | None
    team: str
    environment: str
    workload: str
    columns: Mapping[str, Any]
    source: str | None
    delivery_id: int | None
    statement_id: int | None
    first_row: int | None
    row_count: int


class ChargeList(Sequence[Charge]):
    """The charges of a period that filters and scope let through; counted and read page by page, when asked for."""

    def __init__(
        self,
        *,
        period: Period,
        scope: Scope,
        filters: Sequence[Filter] = (),
        order_by: ChargeOrder = ChargeOrder.DEAREST,
    ) -> None:
        self.period = period
        self.filters = tuple(filters)
        self.order_by = order_by
        self._asked = Charges(period, scope, self.filters)

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Charge: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Charge]: ...
    def __getitem__(self, index: int | slice) -> Charge | Sequence[Charge]:
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            return self._read(start, stop - start)[::step] if stop > start else []
        position = range(len(self))[index]
        return self._read(position, 1)[0]

    @cached_property
    def _count(self) -> int:
        return count_charges(self._asked)

    def _read(self, offset: int, limit: int) -> list[Charge]:
        placeholders = Placeholders()
        statement = sql.SQL(read_sql("costs", "charges")).format(
            found=self._found(offset + limit, placeholders),
            order=_ORDER[self.order_by],
            offset=placeholders.add(offset),
            limit=placeholders.add(limit),
        )
        with connection.cursor() as cursor:
            cursor.execute(statement, placeholders.values)
            names = [column.name for column in cursor.description]
            unseen = {} if self._asked.scope.teams is None else _ORIGIN
            return [_charge({**dict(zip(names, row, strict=True)), **unseen}) for row in cursor.fetchall()]

    def _found(self, many: int, placeholders: Placeholders) -> sql.Composed:
        """A CTE with the first `many` charges in it, and as few others as can be told beforehand."""
        if self.order_by in (ChargeOrder.NEWEST, ChargeOrder.OLDEST):
            days = newest(self._asked, many, oldest=self.order_by is ChargeOrder.OLDEST)
            return self._of_days(days, placeholders)
        stretches = dearest(self._asked, many, cheapest=self.order_by is ChargeOrder.CHEAPEST)
        if stretches is None:
            return self._of_days(self.period, placeholders)
        return _STRETCHES.format(
            keys=placeholders.add([one.key_id for one in stretches]),
            firsts=placeholders.add([one.days.first for one in stretches]),
            lasts=placeholders.add([one.days.last for one in stretches]),
        )

    def _of_days(self, days: Period, placeholders: Placeholders) -> sql.Composed:
        return _WHOLE_DAYS.format(
            selected=self._asked.selected(Level.KEY, placeholders),
            first=placeholders.add(days.first),
            last=placeholders.add(days.last),
        )


def _charge(values: dict[str, Any]) -> Charge:
    columns = json.loads(values["columns"], parse_float=Decimal)
    return Charge(**{**values, "columns": {name: value for name, value in columns.items() if value is not None}})
