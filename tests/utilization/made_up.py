"""Made-up machines with GPUs, tenants and bills for property tests, and what plain Python makes of their cost."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from tests.utilization.conftest import DAY, held, hour

# 15 seconds: every example loads files and bills and reads them back, and the database fixture is rolled back by hand;
# making a failing example small would take minutes of that
EXAMPLES = settings(
    max_examples=25,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
DAYS = (DAY.date(), DAY.date() + timedelta(days=1))
PODS = {"a": "atlas", "b": "borea", "c": ""}
"""The teams of pods, which their namespaces name."""


@dataclass
class Hour:
    """A device in an hour: how long it was seen, how busy it was, and pods with their minutes and shares."""

    minutes: int
    busy: Fraction
    tenants: dict[str, tuple[int, Decimal]]


@dataclass
class Machine:
    """A machine with cards, which may be cut into slices, and its bill by day and currency."""

    name: str
    cluster: str
    cards: dict[str, dict[str, Decimal]]  # card -> slice -> share; a card without slices is whole
    hours: dict[tuple[str, int], Hour] = field(default_factory=dict)  # device, hours after DAY
    bill: dict[tuple[date, str], Decimal] = field(default_factory=dict)


amounts = st.just(Decimal(0)) | st.decimals(Decimal(-100), Decimal(100_000), places=18)
shares = st.sampled_from(["1", "0.5", "0.333333333333333333", "0.25"]).map(Decimal)


@st.composite
def fleets(draw: st.DrawFn) -> list[Machine]:
    """Up to three machines in clusters whose tenants are known, or not, or in none."""
    return [draw(_machines(f"i-{number}")) for number in range(draw(st.integers(1, 3)))]


@st.composite
def _machines(draw: st.DrawFn, name: str) -> Machine:
    cards = {}
    for number in range(draw(st.integers(1, 3))):
        card = f"{name}-GPU-{number}"
        parts = draw(st.sampled_from([(), (), ("0.5", "0.5"), ("0.25", "0.5"), ("0.142857142857142857",) * 3]))
        cards[card] = {f"{card}/{place}": Decimal(share) for place, share in enumerate(parts)}
    machine = Machine(name, draw(st.sampled_from(["told", "silent", ""])), cards)
    devices = [device for card, parts in cards.items() for device in (parts or [card])]
    for device in devices:
        for at in draw(st.lists(st.sampled_from([0, 1, 23, 24, 30]), unique=True, max_size=4)):
            machine.hours[device, at] = draw(_hours(machine.cluster == "told"))
    for day in DAYS:
        for currency in draw(st.sampled_from([(), ("USD",), ("USD",), ("EUR", "USD")])):
            machine.bill[day, currency] = draw(amounts)
    return machine


@st.composite
def _hours(draw: st.DrawFn, has_tenants: bool) -> Hour:
    tenants = {}
    for pod in draw(st.lists(st.sampled_from(list(PODS)), unique=True, max_size=3)) if has_tenants else ():
        tenants[pod] = (draw(st.sampled_from([5, 20, 60])), draw(shares))
    return Hour(draw(st.sampled_from([5, 30, 60])), Fraction(draw(st.integers(0, 64)), 64), tenants)


def rows_of(fleet: list[Machine]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The rows of UTILIZATION and of TENANCY that tell of these machines. One row says that tenants are told of."""
    told = held(0, cluster="told", node="elsewhere", device="elsewhere")
    hours, tenants = [], [told]
    for machine in fleet:
        place = {"cluster": machine.cluster, "node": f"node-of-{machine.name}"}
        slices = {part: (card, share) for card, parts in machine.cards.items() for part, share in parts.items()}
        for (device, at), one in machine.hours.items():
            card, share = slices.get(device, (None, None))
            cut = {"parent_device": card, "slices": share, "resource_id": machine.name}
            hours.append(hour(at, device=device, minutes=one.minutes, average=float(one.busy), **place, **cut))
            for pod, (minutes, part) in one.tenants.items():
                namespace = PODS[pod] or "nobody's"
                tenants.append(
                    held(at, device=device, pod=pod, namespace=namespace, minutes=minutes, share=part, **place)
                )
    return hours, tenants


Amounts = dict[str, Fraction]  # "used", "idle", "unallocated", "unmeasured"


def divide(fleet: list[Machine]) -> dict[tuple[str, str], Amounts]:
    """By team and currency, what each machine's bill is, straight from the definition."""
    found: dict[tuple[str, str], Amounts] = defaultdict(lambda: defaultdict(Fraction))
    for machine in fleet:
        for (day, currency), cost in machine.bill.items():
            parts = list(_parts(machine, day))
            total = sum(weight for _, weight, _ in parts)
            if not total and machine.hours:
                found["", currency]["unmeasured"] += Fraction(cost)
            for one, weight, is_device in parts:
                _divide_part(found, machine, one, Fraction(cost) * weight / total, currency, is_device=is_device)
    return found


def _parts(machine: Machine, day: date) -> Iterator[tuple[Hour, Fraction, bool]]:
    """Every device hour of the day with its card-minutes, and what is left of cards that are cut."""
    for card, slices in machine.cards.items():
        for at in range(24):
            seen = at + 24 * DAYS.index(day)
            told = {name: one for name in (slices or [card]) if (one := machine.hours.get((name, seen)))}
            if not told:
                continue
            known = sum(Fraction(slices[name]) for name in told) if slices else Fraction(1)
            for name, one in told.items():
                share = Fraction(slices[name]) if slices else Fraction(1)
                yield one, one.minutes * share / max(known, 1), True
            if known < 1:
                yield Hour(0, Fraction(0), {}), max(one.minutes for one in told.values()) * (1 - known), False


def _divide_part(
    found: dict[tuple[str, str], Amounts],
    machine: Machine,
    one: Hour,
    cost: Fraction,
    currency: str,
    *,
    is_device: bool,
) -> None:
    has_tenants = machine.cluster == "told"
    took = {pod: minutes * Fraction(share) for pod, (minutes, share) in one.tenants.items()}
    all_took = sum(took.values(), Fraction(0))
    whole = all_took if all_took >= Fraction(999, 1000) * one.minutes else Fraction(one.minutes)
    for pod, minutes in took.items() if is_device else ():
        part = cost * minutes / whole
        used = part * min(Fraction(1), one.busy * whole / all_took)
        _add(found, PODS[pod], currency, used=used, idle=part - used)
    rest = cost * (1 - all_took / whole) if is_device else cost
    if has_tenants:
        _add(found, "", currency, unallocated=rest)
    else:
        used = rest * one.busy
        _add(found, "", currency, used=used, idle=rest - used)


def _add(found: dict[tuple[str, str], Amounts], team: str, currency: str, **amounts: Fraction) -> None:
    for name, amount in amounts.items():
        found[team, currency][name] += amount


@contextmanager
def rolled_back() -> Iterator[None]:
    """A transaction that leaves nothing behind, for one example."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
