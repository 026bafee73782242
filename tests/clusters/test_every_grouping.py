"""Whatever the bill is grouped by, parts and idle are what the machines cost, to the last digit."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import product
from random import Random
from typing import Any

import pytest

from apps.accounts.models import Team
from apps.accounts.scope import Scope
from apps.clusters.dimensions import NAMES, Key
from apps.clusters.models import NodeDay
from apps.clusters.queries import ClusterQuery, Idle, Only, Reason, cluster_costs, node_matches
from apps.core.periods import Period
from apps.costs.queries import Metric
from tests.clusters.made_up import DAY, load, node, pod
from tests.ledger import charge, load_charges

pytestmark = pytest.mark.django_db
ALL = Scope.everything()
DAYS = [DAY + timedelta(days=number) for number in range(3)]
PERIOD = Period(DAYS[0], DAYS[-1])
SCALE_SET = "/subscriptions/s/resourcegroups/rg/providers/microsoft.compute/virtualmachinescalesets/aks"
GROUPINGS = [(), *((name,) for name in (*NAMES, "label:app")), ("cluster", "node", "pod"), ("team", "namespace")]


def ask(*group_by: str, period: Period = PERIOD, **words: Any) -> list[Any]:
    """The lines of the answer."""
    return list(cluster_costs(ClusterQuery(period, tuple(map(Key, group_by)), **words), scope=ALL).lines)


def exactly(amounts: Any) -> Fraction:
    return sum((Fraction(amount) for amount in amounts), Fraction(0))


def test_a_node_that_was_two_machines_on_a_day_divides_the_bills_of_both(prices: None) -> None:
    """The first machine had web for half of its time, the second a job for all of it; web is on both."""
    half = {"hours": 12}
    load([
        node(cpu=24, resource_id="i-old", **half), pod("web", cpu=12, resource_id="i-old", **half),
        node(cpu=24, resource_id="i-new", **half), pod("web", cpu=6, resource_id="i-new", **half),
        pod("job", cpu=18, resource_id="i-new", **half),
    ])  # fmt: skip
    load_charges([charge(DAY, "10", resource_id="i-old"), charge(DAY, "4", resource_id="i-new")])

    assert {(line.keys, line.is_idle): line.cost for line in ask("pod")} == {
        (("web",), False): 6, (("job",), False): 3, ((None,), True): 5,
    }  # fmt: skip
    assert {(line.keys, line.is_idle): line.cost for line in ask("node")} == {(("n1",), False): 9, (("n1",), True): 5}
    assert NodeDay.objects.filter(node="n1").count() == 2
    assert node_matches(ClusterQuery(PERIOD), newest=DAY, scope=ALL).unmatched == ()


def test_a_pod_whose_machine_is_not_named_is_on_that_of_its_node(prices: None) -> None:
    load([node(cpu=24), pod("a", cpu=12, resource_id=None), pod("b", cpu=6, resource_id="i-n1")])
    load_charges([charge(DAY, "8", resource_id="i-n1")])

    assert {line.keys: line.cost for line in ask("pod")} == {("a",): 4, ("b",): 2, (None,): 2}
    assert NodeDay.objects.count() == 1


def test_clusters_whose_nodes_have_the_same_names_stay_apart(prices: None) -> None:
    load([node(cpu=24), pod("a", cpu=24), node(cpu=24, cluster="test", resource_id="i-2"),
          pod("a", cpu=6, cluster="test")])  # fmt: skip
    load_charges([charge(DAY, "5", resource_id="i-n1"), charge(DAY, "8", resource_id="i-2")])

    assert {(line.keys, line.is_idle): line.cost for line in ask("cluster", "node")} == {
        (("prod", "n1"), False): 5, (("prod", "n1"), True): 0, (("test", "n1"), False): 2, (("test", "n1"), True): 6,
    }  # fmt: skip


def test_a_bill_that_comes_late_is_divided_when_it_is_there(prices: None) -> None:
    """A spot machine, gone before its bill came; until then it is named, and costs nothing that is known."""
    load([node(cpu=24, hours=3), pod("a", cpu=12, hours=3)])
    load_charges([charge(DAYS[1], "1", resource_id="i-other")])
    query = ClusterQuery(PERIOD)
    (waits,) = node_matches(query, newest=DAYS[1], scope=ALL).unmatched
    assert (waits.node, waits.reason, ask()) == ("n1", Reason.NEVER_BILLED, [])

    load_charges([charge(DAY, "0.07", resource_id="i-n1")], source="late")

    assert {line.is_idle: line.cost for line in ask()} == {False: Decimal("0.035"), True: Decimal("0.035")}
    assert node_matches(query, newest=DAYS[1], scope=ALL).unmatched == ()


def _usage(random: Random) -> Iterator[dict[str, Any]]:
    """Two clusters with the same names: machines that share a bill, one replaced, one whose size nobody knows."""
    for day, cluster in product(DAYS, ("prod", "test")):
        machines = [("n1", f"i-{cluster}"), ("n2", SCALE_SET), ("n3", SCALE_SET), ("n4", "i-sizeless"), ("n5", None)]
        for name, machine in [*machines, ("n1", f"i-{cluster}-anew")]:
            where = {"cluster": cluster, "day": day, "resource_id": machine}
            if name != "n4":
                yield node(name, *(random.randint(0, 500) / Decimal(7) for _ in range(3)), **where)
            for number in range(random.randint(0, 4)):
                had = [random.randint(0, 300) / Decimal(11) for _ in range(3)]
                namespace, labels = random.choice(("ml", "shop", "ops")), {"app": random.choice("ab")}
                yield pod(f"p{number}", *had, node=name, namespace=namespace, labels=labels, **where)


def _charges(random: Random) -> Iterator[dict[str, Any]]:
    ids = ["i-prod", "i-prod-anew", "i-test", "i-test-anew", "i-sizeless", SCALE_SET]
    for day, machine, currency in product(DAYS, ids, ("USD", "EUR")):
        amount = Decimal(random.randint(-(10**18), 10**20)).scaleb(-18)
        billed = Decimal(random.randint(0, 10**19)).scaleb(-18)
        yield charge(day, amount, resource_id=machine, billing_currency=currency, billed_cost=billed)


@pytest.mark.parametrize("seed", range(3))
def test_every_grouping_adds_up_to_what_the_machines_cost(prices: None, seed: int) -> None:
    """In each currency, by either cost, by day and not, with idle of its own and shared."""
    random = Random(seed)
    Team.objects.create(slug="ml", name="ML")
    load(list(_usage(random)))
    charges = list(_charges(random))
    load_charges(charges)
    known = set(NodeDay.objects.values_list("day", "resource_id"))

    def billed(name: str, currency: str) -> Fraction:
        of = (one for one in charges if (one["day"], one["resource_id"]) in known)
        return exactly(one[name] for one in of if one["billing_currency"] == currency)

    columns = {Metric.EFFECTIVE: "effective_cost", Metric.BILLED: "billed_cost"}
    for group_by, metric, idle, by_day in product(GROUPINGS, columns, Idle, (False, True)):
        lines = ask(*group_by, metric=metric, idle=idle, by_day=by_day)
        for currency in ("USD", "EUR"):
            told = exactly(line.cost for line in lines if line.currency == currency)
            assert told == billed(columns[metric], currency), (group_by, metric, idle)


@pytest.mark.parametrize("seed", range(2))
def test_values_that_are_filtered_by_one_after_the_other_are_all_that_pods_cost(prices: None, seed: int) -> None:
    random = Random(seed)
    load(list(_usage(random)))
    load_charges(list(_charges(random)))

    for name in (*NAMES, "label:app"):
        whole = [line for line in ask(name) if line.currency == "USD" and not line.is_idle]
        for line in whole:
            only = ask(name, only=(Only(Key(name), (line.keys[0],)),))
            assert [one.cost for one in only if one.currency == "USD" and not one.is_idle] == [line.cost], name
        assert exactly(line.cost for line in whole) == exactly(
            line.cost for line in ask() if line.currency == "USD" and not line.is_idle
        )
