"""What the parameters of an address ask about cost: the API and the pages read them here, in the same words."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final, TypeVar

from django.utils.datastructures import MultiValueDict

from apps.accounts.models import Organisation
from apps.core.errors import UserError
from apps.core.periods import Period
from apps.costs.dimensions import Dimension, DimensionError
from apps.costs.lists import ListError, split_values
from apps.costs.queries import CostQuery, Granularity, Metric, OrderBy
from apps.costs.selection import Filter

DEFAULT_PERIOD: Final = "last_30d"
MAX_LIMIT: Final = 10_000
AS_BILLED: Final = "billing"
"""The word for `currency` that leaves amounts in the currencies they were billed in."""
COMPARISONS: Final[dict[str, Callable[[Period], Period]]] = {
    "previous": Period.previous,
    "last_month": lambda period: period.earlier(1),
    "last_year": lambda period: period.earlier(12),
}
"""The words for `compare`: as many days just before, or the same days of the month or of the year before."""

PERIOD_PARAMETERS: Final = ("start", "end", "period")
TABLE_PARAMETERS: Final = (
    *PERIOD_PARAMETERS,
    *("granularity", "group_by", "metric", "currency", "compare", "compare_start", "compare_end", "limit", "order_by"),
)
_FILTER: Final = re.compile(r"(filter|exclude)\[(.+)\]", re.DOTALL)

Word = TypeVar("Word", bound=StrEnum)


class YesNo(StrEnum):
    """The words of a switch."""

    YES = "yes"
    NO = "no"


class ParameterError(UserError):
    """A parameter that cannot be used: `field` names it, the text says what is allowed."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of one request. Empty text counts as not given, except for filters, where it means "has none"."""

    given: MultiValueDict[str, str]

    def get(self, name: str) -> str:
        """The parameter's text; empty when not given. Raises ParameterError when it was given twice."""
        values = self.given.getlist(name)
        if len(values) > 1:
            raise ParameterError(f"{name} is given {len(values)} times; once is enough.", field=name)
        return values[0] if values else ""

    def word(self, name: str, words: type[Word], default: Word) -> Word:
        """The parameter as one of an enum's words."""
        text = self.get(name)
        if not text:
            return default
        if text not in list(words):
            raise ParameterError(f"{text!r} is not allowed. Use one of: {', '.join(words)}.", field=name)
        return words(text)

    def number(self, name: str, highest: int) -> int | None:
        """The parameter as a whole number from 1; None when not given."""
        text = self.get(name)
        if not text:
            return None
        if not re.fullmatch(r"[0-9]{1,9}", text) or not 1 <= int(text) <= highest:
            raise ParameterError(f"{text!r} is not a whole number from 1 to {highest:,}.", field=name)
        return int(text)

    def refuse_others(self, known: Iterable[str]) -> None:
        """Raise ParameterError for a parameter that is neither known nor a filter."""
        names = tuple(known)
        for name in self.given:
            if name not in names and not _FILTER.fullmatch(name):
                allowed = ", ".join((*names, "filter[DIMENSION]", "exclude[DIMENSION]"))
                raise ParameterError(f"{name!r} is not a parameter. Use: {allowed}.", field=name)

    def period(self, today: date, organisation: Organisation) -> Period:
        """`start` and `end`, or `period`; the last 30 complete days when nothing is given."""
        start, end, name = (self.get(parameter) for parameter in PERIOD_PARAMETERS)
        if name and (start or end):
            raise ParameterError("Give either period, or start and end.", field="period")
        if not start and not end:
            year_start = organisation.fiscal_year_start_month
            return Period.named(name or DEFAULT_PERIOD, today=today, fiscal_year_start=year_start)
        return self._pair("start", "end")

    def compare(self, period: Period) -> Period | None:
        """`compare` as a word of COMPARISONS, or `compare_start` and `compare_end`; None when nothing is compared."""
        word, dates = self.get("compare"), self.get("compare_start") or self.get("compare_end")
        if word and dates:
            raise ParameterError("Give either compare, or compare_start and compare_end.", field="compare")
        if dates:
            return self._pair("compare_start", "compare_end")
        if word and word not in COMPARISONS:
            message = f"{word!r} is not allowed. Use one of: {', '.join(COMPARISONS)}."
            raise ParameterError(message, field="compare")
        return COMPARISONS[word](period) if word else None

    def currency(self, organisation: Organisation) -> str:
        """The currency to convert to, the organisation's when none is given; empty leaves amounts as billed."""
        text = self.get("currency")
        if text == AS_BILLED:
            return ""
        if text and not re.fullmatch(r"[A-Z]{3}", text):
            message = f"{text!r} is not a currency. Use its ISO 4217 code, like EUR, or {AS_BILLED}."
            raise ParameterError(message, field="currency")
        return text or organisation.reporting_currency

    def group_by(self) -> tuple[Dimension, ...]:
        """The dimensions of `group_by`."""
        try:
            return Dimension.parse_list(self.get("group_by"))
        except (DimensionError, ListError) as error:
            raise ParameterError(str(error), field="group_by") from None

    def filters(self) -> tuple[Filter, ...]:
        """Every `filter[DIMENSION]` and `exclude[DIMENSION]`, in the order given; repeated ones add their values."""
        return tuple(
            Filter(_dimension(match[2], name), tuple(_values(values, name)), exclude=match[1] == "exclude")
            for name, values in self.given.lists()
            if (match := _FILTER.fullmatch(name))
        )

    def _pair(self, first: str, last: str) -> Period:
        for name, other in ((first, last), (last, first)):
            if not self.get(name):
                raise ParameterError(f"{other} is given without {name}.", field=name)
        return Period.parse(self.get(first), self.get(last), names=(first, last))


def cost_query(
    given: MultiValueDict[str, str], *, today: date, organisation: Organisation, besides: Iterable[str] = ()
) -> CostQuery:
    """The question that an address asks; parameters `besides` are its reader's. Raises UserError with their `field`."""
    parameters = Parameters(given)
    parameters.refuse_others((*TABLE_PARAMETERS, *besides))
    period = parameters.period(today, organisation)
    return CostQuery(
        period=period,
        group_by=parameters.group_by(),
        granularity=parameters.word("granularity", Granularity, Granularity.NONE),
        filters=parameters.filters(),
        metric=parameters.word("metric", Metric, Metric.EFFECTIVE),
        currency=parameters.currency(organisation),
        compare=parameters.compare(period),
        limit=parameters.number("limit", MAX_LIMIT),
        order_by=parameters.word("order_by", OrderBy, OrderBy.DEAREST),
        week_start=organisation.week_start,
    )


def _values(texts: Iterable[str], name: str) -> list[str]:
    """The values that a filter's texts list."""
    try:
        return [value for text in texts for value in split_values(text)]
    except ListError as error:
        raise ParameterError(str(error), field=name) from None


def _dimension(text: str, name: str) -> Dimension:
    try:
        return Dimension(text)
    except DimensionError as error:
        raise ParameterError(str(error), field=name) from None
