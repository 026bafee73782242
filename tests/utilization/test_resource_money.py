"""What machines, databases and the like cost: used, idle and unmeasured cost are the bill, to the last digit."""

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given

from apps.accounts.models import Team
from apps.accounts.scope import Scope
from apps.clusters.models import NodeDay
from apps.core.periods import Period
from apps.costs.models import ExchangeRate
from apps.costs.queries.question import MissingRateError
from apps.utilization.models import Device, ResourceUse
from apps.utilization.queries import By, Gpus, Money, gpu_costs, idle_hours, machine_costs, resource_costs
from apps.utilization.removal import remove_source
from tests.costs.conftest import load, owned
from tests.inventory.conftest import after, machine
from tests.inventory.conftest import load as load_inventory
from tests.utilization.conftest import Load, hour, load_hours
from tests.utilization.made_up import DAYS, EXAMPLES, rolled_back
from tests.utilization.made_up_resources import SIGNAL, TEAMS, Made, divide, estates, rows_of

PERIOD = Period(DAYS[0], DAYS[-1])
ALL = Scope.everything()
ROUNDING = Fraction(1, 10**15)  # every part is rounded to 18 digits
PARTS = ("used", "idle", "unmeasured")
ARN = "arn:aws:ec2:eu-central-1:1:instance/i-1"


def bill(amount: str = "100", name: str = "i-1", team: str = "", day: int = 0, **columns: Any) -> None:
    """A charge of a resource."""
    load([owned(DAYS[day], amount, team, resource_id=name, **columns)], source=f"bill-{name}-{team}-{day}-{columns}")


def exist(*rows: dict[str, Any], source: str = "inventory") -> None:
    """The inventory knows these."""
    load_inventory(*rows, at=after(0), source=source)


def cpu(at: int = 0, average: float = 0.25, **told: Any) -> dict[str, Any]:
    """An hour of a whole machine."""
    whole = {"metric": "cpu", "device": None, "cluster": "", "node": "", "signal": SIGNAL}
    return hour(at, average=average, **whole | told)


def memory(at: int = 0, average: float = 0.5, **told: Any) -> dict[str, Any]:
    return cpu(at, average, metric="memory", **told)


def costs(*by: By, **asked: Any) -> dict[tuple[Any, ...], Money]:
    return {row.keys: row.money for row in machine_costs(PERIOD, by=by, scope=asked.pop("scope", ALL), **asked)}


def money(cost: str, used: str = "0", idle: str = "0", unmeasured: str = "0", currency: str = "USD") -> Money:
    amounts = {"cost": cost, "used": used, "idle": idle, "unallocated": "0", "unmeasured": unmeasured}
    return Money(currency, **{name: Decimal(amount) for name, amount in amounts.items()})


@EXAMPLES
@given(estates())
def test_used_idle_and_unmeasured_are_the_bill_whatever_is_measured(db: None, estate: list[Made]) -> None:
    with rolled_back():
        for slug in TEAMS[1:]:
            Team.objects.get_or_create(slug=slug, defaults={"name": slug})
        if listed := [one for one in estate if one.kind]:
            exist(*(_listed(one) for one in listed))
        _load_bills(estate)
        if rows := rows_of(estate):
            load_hours(*rows)

        _exactly_the_bill(estate)
        _as_defined(estate)
        _nothing_twice(estate)


def _listed(one: Made) -> dict[str, Any]:
    details = {"gpus": 8} if one.gpus == "listed" else {"vcpus": 8}
    return machine(one.name, kind=one.kind, details=details)


def _load_bills(estate: list[Made]) -> None:
    for one in estate:
        for place, ((day, currency, team), amount) in enumerate(one.bill.items()):
            details = {"sku_price_details": {"GpuCount": 4}} if one.gpus == "billed" else {}
            charge = owned(day, amount, team, resource_id=one.name, billing_currency=currency, **details)
            load([charge], source=f"bill-{one.name}-{place}")


def _exactly_the_bill(estate: list[Made]) -> None:
    billed: dict[str, Decimal] = defaultdict(Decimal)
    for one in estate:
        for (_, currency, _), amount in one.bill.items() if one.is_counted else ():
            billed[currency] += amount
    for by in ((), (By.TEAM,), (By.DAY, By.MACHINE)):
        cost: dict[str, Decimal] = defaultdict(Decimal)
        for row in machine_costs(PERIOD, by=by, scope=ALL):
            assert row.money.cost == sum(getattr(row.money, name) for name in PARTS)
            assert row.money.unallocated == 0
            cost[row.money.currency] += row.money.cost
        assert cost == billed


def _as_defined(estate: list[Made]) -> None:
    expected = divide(estate)
    found = {(row.keys[0], row.money.currency): row.money for row in machine_costs(PERIOD, by=(By.TEAM,), scope=ALL)}
    size = max((abs(amount) for one in estate for amount in one.bill.values()), default=Decimal(0))
    assert found.keys() == expected.keys()
    for key, told in found.items():
        for name in PARTS:
            wanted = expected[key].get(name, Fraction(0))
            assert abs(Fraction(getattr(told, name)) - wanted) <= Fraction(size) / 10**6 + ROUNDING, (key, name)


def _nothing_twice(estate: list[Made]) -> None:
    """GPUs' money and this one's are of different resources, and both together are what each resource cost."""
    gpus = {row.keys[0] for row in gpu_costs(PERIOD, Gpus(), by=(By.MACHINE,), scope=ALL)}
    others = {row.keys[0] for row in machine_costs(PERIOD, by=(By.MACHINE,), scope=ALL)}
    assert not gpus & others
    whole = {(one.names, one.money) for one in resource_costs(PERIOD, scope=ALL)}
    assert {names for names, _ in whole} == {(name,) for name in gpus | others}
    for one in estate:
        alone = resource_costs(PERIOD, names=[one.name], scope=ALL)
        assert {(cost.names, cost.money) for cost in alone} == {found for found in whole if one.name in found[0]}
        told = {cost.money.currency: cost.money.cost for cost in alone}
        billed: dict[str, Decimal] = defaultdict(Decimal)
        for (_, currency, _), amount in one.bill.items() if one.is_counted or one.gpus == "measured" else ():
            billed[currency] += amount
        assert told == billed


def test_the_larger_of_cpu_and_memory_of_each_hour_is_used(hours: Load) -> None:
    bill()
    hours(cpu(0, 0.75), memory(0, 0.5), cpu(1, 0.25), memory(1, 0.5), cpu(2, 0.125), memory(3, 1.0))

    # an hour that memory alone tells of is a gap: (0.75 + 0.5 + 0.125) / 3
    (one,) = costs().values()
    assert one.used == pytest.approx(Decimal("45.833333"))
    assert one.used + one.idle == one.cost == 100


def test_an_hour_counts_by_the_minutes_that_were_measured(hours: Load) -> None:
    bill()
    hours(cpu(0, 1.0, minutes=15.0), cpu(5, 0.0, minutes=45.0))
    assert costs() == {(): money("100", used="25", idle="75")}


@pytest.mark.parametrize("known_by", ["inventory", "bill"])
def test_the_memory_of_a_database_is_no_use_of_it(hours: Load, known_by: str) -> None:
    category = {"service_category": "Databases"} if known_by == "bill" else {}
    bill(**category)
    if known_by == "inventory":
        exist(machine("i-1", kind="database"))
    hours(cpu(0, 0.25), memory(0, 0.875))
    assert costs() == {(): money("100", used="25", idle="75")}


def test_days_and_resources_that_nothing_measures_are_unmeasured(hours: Load) -> None:
    exist(machine("i-2"), machine("vol-1", kind="disk"))
    bill()
    bill("30", day=1)
    bill("7", name="i-2")
    bill("1000", name="vol-1")  # nothing could measure a disk
    hours(cpu())

    assert costs(By.DAY) == {
        (DAYS[0],): money("107", used="25", idle="75", unmeasured="7"),
        (DAYS[1],): money("30", unmeasured="30"),
    }


def test_what_has_gpus_is_counted_by_them_alone(hours: Load) -> None:
    bill()
    bill("50", name="i-2")
    exist(machine("i-2", details={"gpus": 8}))
    hours(cpu(), hour(average=0.5), cpu(resource_id="i-2"))

    assert costs() == {}
    (gpu,) = gpu_costs(PERIOD, Gpus(), scope=ALL)
    assert (gpu.money.cost, gpu.money.used) == (100, 50)
    assert [(one.names, one.money.used) for one in resource_costs(PERIOD, scope=ALL)] == [(("i-1",), Decimal(50))]


def test_each_team_has_its_own_part_of_the_bill(hours: Load) -> None:
    bill(team="atlas")
    bill("60", team="borea")
    hours(cpu())

    assert costs(By.TEAM) == {
        ("atlas",): money("100", used="25", idle="75"),
        ("borea",): money("60", used="15", idle="45"),
    }
    assert costs(scope=Scope(("borea",))) == {(): money("60", used="15", idle="45")}
    assert costs(team="atlas", scope=Scope(("borea",))) == {}
    assert costs(scope=Scope(())) == {}
    assert resource_costs(PERIOD, scope=Scope(())) == []


def test_a_bill_that_names_it_otherwise_is_found_and_counted_once(hours: Load) -> None:
    exist(machine("i-1", aliases=[ARN]))
    exist(machine("i-1", kind="node"), source="kubernetes")
    bill(name=ARN)
    bill("20")
    hours(cpu())

    assert costs() == {(): money("120", used="30", idle="90")}
    for name in ("i-1", ARN):
        (one,) = resource_costs(PERIOD, names=[name], scope=ALL)
        assert one.names == (ARN, "i-1")
        assert one.money.cost == 120


def test_of_two_sources_the_one_that_saw_most_counts(hours: Load) -> None:
    bill()
    hours(cpu(0, 1.0), source="cloudwatch")
    hours(cpu(0, 0.5), cpu(1, 0.5), source="prometheus")

    assert costs() == {(): money("100", used="50", idle="50")}
    assert idle_hours(Device.objects.all(), PERIOD) == (0.0, 2.0)


def test_machines_that_are_billed_together_divide_it_by_time(hours: Load) -> None:
    bill(name="scale-set")
    hours(*(cpu(0, average, node=node, resource_id="scale-set") for node, average in (("n1", 1.0), ("n2", 0.5))))
    assert costs() == {(): money("100", used="75", idle="25")}


def test_hours_in_which_the_cpu_did_nothing_are_idle(hours: Load) -> None:
    hours(cpu(0, 0.01), memory(0, 0.9), cpu(1, 0.01, p95=0.5, maximum=0.5), cpu(2, 0.02))
    assert idle_hours(Device.objects.all(), PERIOD) == (2.0, 3.0)
    assert idle_hours([], PERIOD) == (0.0, 0.0)


def test_what_is_told_later_takes_the_place_of_what_was_known_and_goes_with_its_source(hours: Load) -> None:
    bill()
    hours(cpu(0, 1.0), memory(0, 1.0))
    hours(cpu(0, 0.25), memory(0, 0.125))
    assert costs() == {(): money("100", used="25", idle="75")}

    remove_source("prom")
    assert not ResourceUse.objects.exists()
    assert costs() == {}


def test_the_cluster_itself_is_not_what_its_nodes_are_measured_for(hours: Load) -> None:
    bill(name="aks-1")
    exist(machine("aks-1", kind="cluster"))
    hours(cpu(resource_id="aks-1"))
    assert costs() == {}


def test_a_node_without_a_machine_is_joined_by_what_its_cluster_says(hours: Load) -> None:
    bill()
    numbers = {"hours": 24, "cpu_core_hours": 1, "memory_gib_hours": 1, "gpu_hours": 0, "weight": 1, "labels": {}}
    day = DAYS[0] - timedelta(days=3)
    NodeDay.objects.create(source="k", delivery_id=1, cluster="c", node="n1", resource_id="i-1", day=day, **numbers)
    hours(cpu(cluster="c", node="n1", resource_id=None))
    assert costs() == {(): money("100", used="25", idle="75")}


def test_amounts_are_converted_and_a_missing_rate_is_named(hours: Load) -> None:
    bill(billing_currency="EUR")
    hours(cpu())
    for ask in (machine_costs, resource_costs):
        with pytest.raises(MissingRateError, match="EUR to USD for June 2026"):
            ask(PERIOD, currency="USD", scope=ALL)

    ExchangeRate.objects.create(currency="EUR", reporting_currency="USD", month=DAYS[0], rate=Decimal("1.1"))
    assert costs(currency="USD") == {(): money("110", used="27.5", idle="82.5")}
    assert [one.money.currency for one in resource_costs(PERIOD, scope=ALL)] == ["EUR"]
