"""What the overview shows: one month beside the same days of the month before, the year, and the dearest groups."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from apps.accounts.scope import Scope
from apps.core.periods import MAX_DAYS, Period
from apps.costs.address import Address, drill_down
from apps.costs.dimensions import Dimension
from apps.costs.queries import CostQuery, CostTable, Granularity, MissingRateError, cost_table
from apps.costs.sections import Links, Section, sections

MONTHS: Final = 13
DEAREST: Final = 10
SERVICE: Final = Dimension("service")
TEAM: Final = Dimension("team")


@dataclass(frozen=True, slots=True)
class Overview:
    """The numbers of the page, one section per currency everywhere; `note` says what could not be shown as asked."""

    period: Period
    compare: Period
    months: list[Section]
    services: list[Section]
    teams: list[Section]
    note: str

    @property
    def is_whole_month(self) -> bool:
        """Whether all days of the month are over."""
        return self.period.last == _month_end(self.period.last)


def overview(*, month: date | None, currency: str, scope: Scope, today: date) -> Overview | None:
    """The overview of `month`, or of the newest month with cost; None when there is no cost in the last five years.

    Amounts are converted to `currency` where it is given and all rates are known.
    """
    year, note = _in_currency(CostQuery(_last_months(today), granularity=Granularity.MONTH), currency, scope)
    if not year.rows:
        newest = _newest_month(scope, today)
        if newest is None:
            return None
        year, note = _in_currency(CostQuery(_last_months(newest), granularity=Granularity.MONTH), currency, scope)
    newest = max(row.date for row in year.rows if row.date)
    period = _complete_days(month or newest, today)
    asked = CostQuery(period, compare=_same_days_before(period), limit=DEAREST, currency=year.query.currency)
    tables = [cost_table(replace(asked, group_by=(by,)), scope=scope) for by in (SERVICE, TEAM)]
    links = Links(drill_down(Address({"start": str(period.first), "end": str(period.last)})))
    services, teams = (sections(table, today=today, links=links) for table in tables)
    months = sections(year, today=today, links=Links())
    return Overview(period, _same_days_before(period), months, services, teams, note)


def _in_currency(query: CostQuery, currency: str, scope: Scope) -> tuple[CostTable, str]:
    """The answer in one currency; where a rate is missing, as billed, and the reason."""
    try:
        return cost_table(replace(query, currency=currency), scope=scope), ""
    except MissingRateError as error:
        return cost_table(query, scope=scope), str(error)


def _last_months(day: date) -> Period:
    """The thirteen calendar months that end with the day's own."""
    index = day.year * 12 + day.month - MONTHS
    return Period(date(index // 12, index % 12 + 1, 1), _month_end(day))


def _newest_month(scope: Scope, today: date) -> date | None:
    five_years = Period(today - timedelta(days=MAX_DAYS - 1), today)
    table = cost_table(CostQuery(five_years, granularity=Granularity.MONTH), scope=scope)
    return max((row.date for row in table.rows if row.date), default=None)


def _complete_days(month: date, today: date) -> Period:
    """The days of the month that are over; the whole month before while there is none."""
    yesterday = today - timedelta(days=1)
    if yesterday < month.replace(day=1):
        month = yesterday
    return Period(month.replace(day=1), min(_month_end(month), yesterday))


def _same_days_before(period: Period) -> Period:
    """The same days of the month before; all of it where the period is a whole month or longer than it."""
    end = period.first - timedelta(days=1)
    whole = period.last == _month_end(period.last)
    first = end.replace(day=1)
    return Period(first, end if whole else min(end, first + timedelta(days=period.days - 1)))


def _month_end(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)
