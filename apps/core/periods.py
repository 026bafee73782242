"""Periods of whole days: what `start`, `end` and `period` mean, the period before, and the whole months inside one."""

import calendar
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Self

from apps.core.errors import UserError

MAX_DAYS: Final = 1830
"""Five years: no question about cost needs more, and a typing mistake in a year should not scan everything."""

_DAY: Final = timedelta(days=1)
_YEARS: Final = range(1970, 2200)
_ISO_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class PeriodError(UserError):
    """A period that cannot be used; `field` is the parameter to correct and the text says how."""


@dataclass(frozen=True, slots=True)
class Period:
    """The days from `first` to `last`, both included. No day at all is `last` on the day before `first`."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.days < 0:
            raise PeriodError(f"The end ({self.last}) is before the start ({self.first}).", field="end")
        if self.days > MAX_DAYS:
            message = f"{self.first} to {self.last} is {self.days:,} days; at most {MAX_DAYS:,} are read at once."
            raise PeriodError(message, field="end")

    @property
    def days(self) -> int:
        """How many days; 0 for a period that has not had a complete day yet."""
        return (self.last - self.first).days + 1

    def previous(self) -> Self:
        """The period of equal length that ends on the day before this one."""
        return type(self)(self.first - timedelta(days=self.days), self.first - _DAY)

    def earlier(self, months: int) -> Self:
        """The same days so many months before; whole months stay whole, and a day that a month lacks is its last."""
        whole = self.last + _DAY if _is_month_end(self.last) and self.first.day == 1 else None
        last = _months_before(whole, months) - _DAY if whole else _months_before(self.last, months)
        return type(self)(_months_before(self.first, months), last)

    def whole_months(self) -> Self | None:
        """The whole calendar months inside, as one period; None when there is none."""
        first = self.first if self.first.day == 1 else _next_month(self.first)
        last = self.last if _is_month_end(self.last) else self.last.replace(day=1) - _DAY
        return type(self)(first, last) if first <= last else None

    def days_outside_months(self) -> tuple[Self, ...]:
        """What `whole_months` leaves over: leading days, trailing days, or all of it."""
        months = self.whole_months()
        if months is None:
            return (self,) if self.days else ()
        around = [(self.first, months.first - _DAY), (months.last + _DAY, self.last)]
        return tuple(type(self)(first, last) for first, last in around if first <= last)

    def by_month(self) -> Iterator[Self]:
        """Its days, cut at the ends of calendar months."""
        first = self.first
        while first <= self.last:
            last = min(self.last, _next_month(first) - _DAY)
            yield type(self)(first, last)
            first = last + _DAY

    @classmethod
    def parse(cls, start: str, end: str, *, names: tuple[str, str] = ("start", "end")) -> Self:
        """A period from two ISO dates; errors name the parameter (`names`)."""
        first, last = parse_day(start, names[0]), parse_day(end, names[1])
        if last < first:
            raise PeriodError(f"The end ({last}) is before the start ({first}).", field=names[1])
        try:
            return cls(first, last)
        except PeriodError as error:
            raise PeriodError(str(error), field=names[1]) from None

    @classmethod
    def named(cls, name: str, *, today: date, fiscal_year_start: int = 1) -> Self:
        """The period that a word of PERIOD_NAMES means on `today`; today itself is never complete and never counted.

        On its own first day, what runs to date (`mtd`, `this_quarter`, `ytd`, `fytd`) has no complete day yet and is
        empty. `fytd` counts from the first day of the month `fiscal_year_start`.
        """
        if name == "fytd":
            return cls(_fiscal_year_start(today, fiscal_year_start), today - _DAY)
        if name not in _NAMED:
            raise PeriodError(f"{name!r} is not a period. Use one of: {', '.join(PERIOD_NAMES)}.", field="period")
        return cls(*_NAMED[name](today))


def parse_day(text: str, parameter: str) -> date:
    """A day from `YYYY-MM-DD`; raises PeriodError that names the parameter."""
    try:
        day = date.fromisoformat(text) if _ISO_DATE.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None:
        raise PeriodError(f"{text!r} is not a date. Write it as YYYY-MM-DD, like 2026-06-30.", field=parameter)
    if day.year not in _YEARS:
        message = f"{text!r} is out of reach: years from {_YEARS[0]} to {_YEARS[-1]} are known."
        raise PeriodError(message, field=parameter)
    return day


def _next_month(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def _months_before(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _is_month_end(day: date) -> bool:
    return day.day == calendar.monthrange(day.year, day.month)[1]


def _complete_days(count: int) -> Callable[[date], tuple[date, date]]:
    return lambda today: (today - timedelta(days=count), today - _DAY)


def _quarter_start(day: date) -> date:
    return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)


def _last_quarter(today: date) -> tuple[date, date]:
    last = _quarter_start(today) - _DAY
    return _quarter_start(last), last


def _fiscal_year_start(today: date, month: int) -> date:
    return date(today.year - (today.month < month), month, 1)


def _last_month(today: date) -> tuple[date, date]:
    last = today.replace(day=1) - _DAY
    return last.replace(day=1), last


_NAMED: Final[dict[str, Callable[[date], tuple[date, date]]]] = {
    "mtd": lambda today: (today.replace(day=1), today - _DAY),
    "last_month": _last_month,
    "last_7d": _complete_days(7),
    "last_30d": _complete_days(30),
    "last_90d": _complete_days(90),
    "ytd": lambda today: (today.replace(month=1, day=1), today - _DAY),
    "this_quarter": lambda today: (_quarter_start(today), today - _DAY),
    "last_quarter": _last_quarter,
}
PERIOD_NAMES: Final = (*_NAMED, "fytd")
"""The words of the parameter `period`."""
