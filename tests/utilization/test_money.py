"""What GPUs cost: used, idle, unallocated and unmeasured cost are the bill, to the last digit."""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given

from apps.accounts.models import Team
from apps.accounts.scope import Scope
from apps.clusters.models import NodeDay
from apps.core.periods import Period
from apps.costs.models import ExchangeRate
from apps.costs.queries.question import MissingRateError
from apps.inventory.models import Resource
from apps.utilization.queries import By, Gpus, Money, Reason, gpu_costs, unmatched
from tests.costs.conftest import load, owned
from tests.utilization.conftest import CARD, DAY, Load, held, hour, load_hours, load_tenancy
from tests.utilization.made_up import DAYS, EXAMPLES, Machine, divide, fleets, rolled_back, rows_of

PERIOD = Period(DAYS[0], DAYS[-1])
ALL = Scope.everything()
EVERY = Gpus()
ROUNDING = Fraction(1, 10**15)  # every part is rounded to 18 digits
NAMES = ("used", "idle", "unallocated", "unmeasured")


def bill(*rows: tuple[date, str, str | Decimal, str], currency: str = "USD", source: str = "bill") -> None:
    """Charges of (day, resource, amount, team)."""
    charges = [
        owned(day, amount, team, resource_id=name, billing_currency=currency) for day, name, amount, team in rows
    ]
    load(charges, source=source)


def costs(by: tuple[By, ...] = (), which: Gpus = EVERY, **asked: object) -> dict[tuple[object, ...], Money]:
    rows = gpu_costs(PERIOD, which, by=by, scope=asked.pop("scope", ALL), **asked)  # type: ignore[arg-type]
    return {row.keys: row.money for row in rows}


def money(cost: str, used: str = "0", idle: str = "0", unallocated: str = "0", unmeasured: str = "0") -> Money:
    return Money("USD", *map(Decimal, (cost, used, idle, unallocated, unmeasured)))


@EXAMPLES
@given(fleets())
def test_used_idle_unallocated_and_unmeasured_are_the_bill_whatever_is_allocated(
    db: None, fleet: list[Machine]
) -> None:
    with rolled_back():
        for slug in ("atlas", "borea"):
            Team.objects.get_or_create(slug=slug, defaults={"name": slug})
        for number, machine in enumerate(fleet):
            for (day, currency), amount in machine.bill.items():
                charge = owned(day, amount, resource_id=machine.name, billing_currency=currency)
                load([charge], source=f"bill-{number}-{day}-{currency}")
        hours, tenants = rows_of(fleet)
        load_tenancy(*tenants)
        load_hours(*hours)

        _exactly_the_bill(fleet)
        _as_defined(fleet)
        _every_device_has_a_cost_or_a_reason(fleet)


def _exactly_the_bill(fleet: list[Machine]) -> None:
    """Machines of which nothing was ever told are not known to have GPUs."""
    billed: dict[str, Decimal] = defaultdict(Decimal)
    for machine in fleet:
        for (_, currency), amount in machine.bill.items():
            if machine.hours:
                billed[currency] += amount
    totals = {row.money.currency: row.money for row in gpu_costs(PERIOD, Gpus(), scope=ALL)}
    assert {currency: one.cost for currency, one in totals.items()} == billed
    for by in ((), (By.TEAM,), (By.DEVICE, By.DAY)):
        for row in gpu_costs(PERIOD, Gpus(), by=by, scope=ALL):
            assert row.money.cost == sum(getattr(row.money, name) for name in NAMES)
        cost: dict[str, Decimal] = defaultdict(Decimal)
        for row in gpu_costs(PERIOD, Gpus(), by=by, scope=ALL):
            cost[row.money.currency] += row.money.cost
        assert cost == billed


def _as_defined(fleet: list[Machine]) -> None:
    expected = divide(fleet)
    found = {
        (row.keys[0], row.money.currency): row.money for row in gpu_costs(PERIOD, Gpus(), by=(By.TEAM,), scope=ALL)
    }
    size = max((abs(amount) for machine in fleet for amount in machine.bill.values()), default=Decimal(0))
    for key in {*expected, *found}:
        for name in NAMES:
            amount = getattr(found[key], name) if key in found else Decimal(0)
            wanted = expected.get(key, {}).get(name, Fraction(0))
            assert abs(Fraction(amount) - wanted) <= Fraction(size) / 10**6 + ROUNDING, (key, name)


def _every_device_has_a_cost_or_a_reason(fleet: list[Machine]) -> None:
    with_cost = {row.keys[0] for row in gpu_costs(PERIOD, Gpus(), by=(By.DEVICE,), scope=ALL)}
    without = {one.device_id for one in unmatched(PERIOD, scope=ALL)}
    assert not with_cost & without
    told = sum(len({device for device, _ in machine.hours}) for machine in fleet if not machine.bill)
    assert len(without) >= told


def test_a_gpu_is_used_as_far_as_it_computed_and_idle_for_the_rest(hours: Load, tenancy: Load) -> None:
    bill((DAY.date(), "i-1", "100", "atlas"))
    hours(hour(average=0.75), hour(device="GPU-2", average=0.5))
    tenancy(held())

    assert costs() == {(): money("100", used="37.5", idle="12.5", unallocated="50")}
    assert costs((By.TEAM,)) == {("atlas",): money("100", used="37.5", idle="12.5", unallocated="50")}


def test_the_team_of_a_pod_bears_what_it_held_and_the_owner_of_the_machine_what_nobody_did(
    hours: Load, tenancy: Load
) -> None:
    bill((DAY.date(), "i-1", "100", "atlas"))
    Team.objects.create(slug="ml", name="ML")
    hours(hour(average=0.75), hour(device="GPU-2", average=0.5))
    tenancy(held())

    assert costs((By.TEAM,)) == {
        ("atlas",): money("50", unallocated="50"),
        ("ml",): money("50", used="37.5", idle="12.5"),
    }
    assert costs(scope=Scope(("ml",))) == {(): money("50", used="37.5", idle="12.5")}
    assert costs(scope=Scope(())) == {}
    assert costs(which=Gpus(team="atlas")) == {(): money("50", unallocated="50")}
    assert costs(which=Gpus(team="atlas"), scope=Scope(("ml",))) == {}


def test_filters_leave_out_parts_and_do_not_make_others_dearer(hours: Load) -> None:
    bill((DAY.date(), "i-1", "100", ""))
    hours(hour(), hour(device="GPU-2", device_model="H100"))

    half = {(): money("50", used="25", idle="25")}
    for which in (Gpus(device=CARD), Gpus(model="H100"), Gpus(search="gpu-2 h1")):
        assert costs(which=which) == half
    assert costs(which=Gpus(node="n2")) == {}
    assert costs(which=Gpus(cluster="c", resource_id="i-1")) == {(): money("100", used="50", idle="50")}


def test_days_without_a_measurement_are_unmeasured(hours: Load) -> None:
    bill((DAYS[0], "i-1", "100", ""), (DAYS[1], "i-1", "30", ""))
    hours(hour())

    assert costs((By.DAY,)) == {
        (DAYS[0],): money("100", used="50", idle="50"),
        (DAYS[1],): money("30", unmeasured="30"),
    }


def test_a_bill_that_names_the_machine_otherwise_is_found_by_the_inventory(hours: Load) -> None:
    arn = "arn:aws:ec2:eu-central-1:1:instance/i-1"
    bill((DAY.date(), arn, "100", ""))
    hours(hour())
    assert [one.reason for one in unmatched(PERIOD, scope=ALL)] == [Reason.NOT_BILLED]

    _machine("i-1", aliases=[arn])
    assert costs() == {(): money("100", used="50", idle="50")}
    assert unmatched(PERIOD, scope=ALL) == []


def test_a_machine_that_two_sources_tell_of_is_divided_once(hours: Load, tenancy: Load) -> None:
    bill((DAY.date(), "i-1", "100", ""))
    hours(hour(), source="one")
    hours(hour(), hour(device="GPU-2"), source="two")
    tenancy(held(), source="one")

    assert costs() == {(): money("100", used="50", idle="50")}
    assert {(one.reason, one.name) for one in unmatched(PERIOD, scope=ALL)} == {
        (Reason.COUNTED_ELSEWHERE, CARD),
        (Reason.COUNTED_ELSEWHERE, "GPU-2"),
    }


def test_gpus_that_are_also_told_of_together_count_one_by_one(hours: Load) -> None:
    bill((DAY.date(), "i-1", "100", ""))
    hours(hour(), hour(device="", average=1.0))
    assert costs() == {(): money("100", used="50", idle="50")}


def test_a_node_is_the_machine_that_its_cluster_named_last(hours: Load) -> None:
    bill((DAY.date(), "i-1", "70", ""), (DAY.date(), "i-2", "100", ""))
    numbers = {"hours": 24, "cpu_core_hours": 1, "memory_gib_hours": 1, "gpu_hours": 1, "weight": 1, "labels": {}}
    for back, name in ((2, "i-1"), (1, "i-2")):
        day = DAYS[0] - timedelta(days=back)
        NodeDay.objects.create(source="k", delivery_id=1, cluster="c", node="n1", resource_id=name, day=day, **numbers)
    hours(hour(resource_id=None))
    assert costs() == {(): money("100", used="50", idle="50")}


def test_a_device_whose_machine_nobody_names_is_unmatched_and_says_why(hours: Load) -> None:
    hours(hour(resource_id=None))
    (one,) = unmatched(PERIOD, scope=ALL)
    assert (one.reason, one.name, one.node) == (Reason.NO_MACHINE, CARD, "n1")
    assert "Connect the cluster" in one.reason.sentence


def test_a_machine_with_gpus_that_nobody_measures_is_unmatched_with_its_cost(hours: Load) -> None:
    bill((DAY.date(), "i-9", "70", "atlas"), (DAY.date(), "i-8", "1", ""))
    _machine("i-9", details={"gpus": 8})
    _machine("i-8", details={"vcpus": 8})

    (one,) = unmatched(PERIOD, scope=ALL)
    assert (one.reason, one.name, one.currency, one.cost) == (Reason.NOT_MEASURED, "i-9", "USD", Decimal(70))
    assert unmatched(PERIOD, scope=Scope(("ml",))) == []
    assert len(unmatched(PERIOD, scope=Scope(("atlas",)))) == 1


def test_amounts_are_converted_and_a_missing_rate_is_named(hours: Load) -> None:
    bill((DAY.date(), "i-1", "100", ""), currency="EUR")
    hours(hour())
    with pytest.raises(MissingRateError, match="EUR to USD for June 2026"):
        costs(currency="USD")

    ExchangeRate.objects.create(currency="EUR", reporting_currency="USD", month=DAYS[0], rate=Decimal("1.1"))
    assert costs(currency="USD") == {(): money("110", used="55", idle="55")}
    assert [one.currency for one in costs().values()] == ["EUR"]


def _machine(name: str, aliases: list[str] | None = None, details: dict[str, int] | None = None) -> None:
    found = Resource.objects.create(
        source="inventory",
        provider="AWS",
        resource_id=name,
        aliases=aliases or [],
        sub_account_id="",
        region_id="",
        kind="machine",
        resource_type="",
        name="",
        listing="",
        first_seen_at=DAY,
    )
    found.states.create(valid_from=DAY, state="running", size="", parent_id="", details=details or {})
