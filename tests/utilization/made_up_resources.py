"""Made-up machines and databases with bills for property tests, and what plain Python makes of their cost."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from tests.utilization.conftest import hour
from tests.utilization.made_up import DAYS, amounts

SIGNAL = "CPUUtilization"
TEAMS = ("", "atlas", "borea")


@dataclass
class Seen:
    """A resource in an hour: minutes and averages; None is not measured."""

    minutes: int
    cpu: Fraction | None
    memory: Fraction | None


@dataclass
class Made:
    """A resource with what the inventory calls it (empty = does not know it), its hours, and its bill."""

    name: str
    kind: str
    gpus: str  # "measured", "listed", "billed" or none
    hours: dict[int, Seen] = field(default_factory=dict)  # hours after DAY
    bill: dict[tuple[date, str, str], Decimal] = field(default_factory=dict)  # day, currency, team

    @property
    def is_counted(self) -> bool:
        """Whether its cost is one of those that are told."""
        if self.kind == "cluster" or self.gpus:
            return False
        return bool(self.kind) or any(one.cpu is not None for one in self.hours.values())


ratios = st.integers(0, 64).map(lambda number: Fraction(number, 64))
seen = st.builds(Seen, st.sampled_from([5, 30, 60]), st.none() | ratios, st.none() | ratios)


@st.composite
def estates(draw: st.DrawFn) -> list[Made]:
    """Up to four resources, some with GPUs."""
    return [draw(_made(f"r-{number}")) for number in range(draw(st.integers(1, 4)))]


@st.composite
def _made(draw: st.DrawFn, name: str) -> Made:
    kind = draw(st.sampled_from(["", "machine", "machine", "database", "database", "cluster"]))
    gpus = draw(st.sampled_from(["", "", "", "", "measured", "billed", "listed" if kind else ""]))
    made = Made(name, kind, gpus)
    for at in draw(st.lists(st.sampled_from([0, 1, 2, 23, 24, 30]), unique=True, max_size=5)):
        made.hours[at] = draw(seen)
    for day in DAYS:
        for currency in draw(st.sampled_from([(), ("USD",), ("USD",), ("EUR", "USD")])):
            made.bill[day, currency, draw(st.sampled_from(TEAMS))] = draw(amounts)
    return made


def rows_of(estate: list[Made]) -> list[dict[str, Any]]:
    """The rows of UTILIZATION that tell of these resources."""
    rows = []
    for one in estate:
        place = {"cluster": "", "node": "", "resource_id": one.name, "device_model": None, "signal": SIGNAL}
        for at, told in one.hours.items():
            measured = [("cpu", told.cpu), ("memory", told.memory)]
            rows += [
                hour(at, device=None, metric=metric, minutes=told.minutes, average=float(value), **place)
                for metric, value in measured
                if value is not None
            ]
        if one.gpus == "measured":
            rows.append(hour(0, device=f"{one.name}-GPU", **place))
    return rows


def divide(estate: list[Made]) -> dict[tuple[str, str], dict[str, Fraction]]:
    """By team and currency, what each bill is, straight from the definition."""
    found: dict[tuple[str, str], dict[str, Fraction]] = defaultdict(lambda: defaultdict(Fraction))
    for one in estate:
        for (day, currency, team), amount in one.bill.items() if one.is_counted else ():
            share = _used(one, DAYS.index(day))
            cost, found_of = Fraction(amount), found[team, currency]
            if share is None:
                found_of["unmeasured"] += cost
            else:
                found_of["used"] += cost * share
                found_of["idle"] += cost * (1 - share)
    return found


def _used(one: Made, place: int) -> Fraction | None:
    """The part of a day's measured time that was used; None without any."""
    told = [seen for at, seen in one.hours.items() if at // 24 == place and seen.cpu is not None]
    minutes = sum(seen.minutes for seen in told)
    if not minutes:
        return None
    ratios = [
        seen.cpu if one.kind == "database" else max(seen.cpu, seen.memory or Fraction(0))
        for seen in told
        if seen.cpu is not None
    ]
    return sum((seen.minutes * ratio for seen, ratio in zip(told, ratios, strict=True)), Fraction(0)) / minutes
