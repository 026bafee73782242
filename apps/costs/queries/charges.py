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
from apps.costs.selection import Filter, Placeholders, selected


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
_COUNT: Final = sql.SQL(
    "WITH selected AS MATERIALIZED ({selected})"
    " SELECT count(*) FROM costs_dailycharge f JOIN selected s ON s.id = f.key_id"
    " WHERE f.day BETWEEN {first} AND {last}"
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
        self.scope = scope
        self.filters = tuple(filters)
        self.order_by = order_by

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Charge: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Charge]: ...
    def __getitem__(self, index: int | slice) -> Charge | Sequence[Charge]:
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            return self._read(start, max(stop - start, 0))[::step]
        position = range(len(self))[index]
        return self._read(position, 1)[0]

    @cached_property
    def _count(self) -> int:
        with connection.cursor() as cursor:
            cursor.execute(*self._statement(_COUNT))
            return int(cursor.fetchone()[0])

    def _read(self, offset: int, limit: int) -> list[Charge]:
        template = sql.SQL(read_sql("costs", "charges"))
        with connection.cursor() as cursor:
            cursor.execute(*self._statement(template, offset=offset, limit=limit))
            names = [column.name for column in cursor.description]
            unseen = {} if self.scope.teams is None else _ORIGIN
            return [_charge({**dict(zip(names, row, strict=True)), **unseen}) for row in cursor.fetchall()]

    def _statement(self, template: sql.SQL, **paging: int) -> tuple[sql.Composed, dict[str, Any]]:
        placeholders = Placeholders()
        statement = template.format(
            selected=selected(Level.KEY, placeholders, scope=self.scope, filters=self.filters),
            first=placeholders.add(self.period.first),
            last=placeholders.add(self.period.last),
            order=_ORDER[self.order_by],
            **{name: placeholders.add(value) for name, value in paging.items()},
        )
        return statement, placeholders.values


def _charge(values: dict[str, Any]) -> Charge:
    columns = json.loads(values["columns"], parse_float=Decimal)
    return Charge(**{**values, "columns": {name: value for name, value in columns.items() if value is not None}})
