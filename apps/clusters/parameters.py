"""What the parameters of an address ask about clusters: the API and the page read them here, in the same words."""

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from django.utils.datastructures import MultiValueDict

from apps.accounts.models import Organisation
from apps.clusters.dimensions import MOST, Key
from apps.clusters.queries import ClusterQuery, Idle, Only
from apps.core.errors import UserError
from apps.costs.lists import ListError, split_values
from apps.costs.parameters import MAX_LIMIT, PERIOD_PARAMETERS, ParameterError, Parameters
from apps.costs.queries import Metric

PARAMETERS: Final = (*PERIOD_PARAMETERS, "granularity", "group_by", "metric", "currency", "idle", "limit")
_FILTER: Final = re.compile(r"filter\[(.+)\]", re.DOTALL)


class Granularity(StrEnum):
    """How finely an answer tells days apart."""

    NONE = "none"
    DAY = "day"


class KnownMetric(StrEnum):
    """The costs that every bill has."""

    EFFECTIVE = "effective"
    BILLED = "billed"


@dataclass(frozen=True, slots=True)
class Asked:
    """The question, and after how many groups the rest is summed."""

    query: ClusterQuery
    limit: int | None


def asked(
    given: MultiValueDict[str, str], *, today: date, organisation: Organisation, besides: tuple[str, ...] = ()
) -> Asked:
    """What an address asks; parameters `besides` are its reader's. Raises UserError with their `field`."""
    parameters = Parameters(given)
    _refuse_others(given, besides)
    query = ClusterQuery(
        period=parameters.period(today, organisation),
        group_by=_group_by(parameters.get("group_by")),
        by_day=parameters.word("granularity", Granularity, Granularity.NONE) is Granularity.DAY,
        only=tuple(_only(given)),
        metric=Metric(parameters.word("metric", KnownMetric, KnownMetric.EFFECTIVE)),
        currency=parameters.currency(organisation),
        idle=parameters.word("idle", Idle, Idle.OWN),
    )
    return Asked(query, parameters.number("limit", MAX_LIMIT))


def _refuse_others(given: MultiValueDict[str, str], besides: tuple[str, ...]) -> None:
    known = (*PARAMETERS, *besides)
    for name in given:
        if name not in known and not _FILTER.fullmatch(name):
            allowed = ", ".join((*known, "filter[DIMENSION]"))
            raise ParameterError(f"{name!r} is not a parameter. Use: {allowed}.", field=name)


def _group_by(text: str) -> tuple[Key, ...]:
    names = _values(text, "group_by") if text else []
    if len(names) > MOST or len(set(names)) < len(names):
        raise ParameterError(f"Group by up to {MOST} different dimensions.", field="group_by")
    return tuple(map(Key, names))


def _only(given: MultiValueDict[str, str]) -> list[Only]:
    found = []
    for name, texts in given.lists():
        if match := _FILTER.fullmatch(name):
            values = tuple(value for text in texts for value in _values(text, name))
            try:
                found.append(Only(Key(match[1]), values))
            except UserError as error:
                raise ParameterError(str(error), field=name) from None
    return found


def _values(text: str, name: str) -> list[str]:
    try:
        return split_values(text)
    except ListError as error:
        raise ParameterError(str(error), field=name) from None
