"""The bill of a node, divided among its pods: every digit of it, whatever was asked for, used or missing."""

from datetime import date, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.accounts.models import Team
from apps.accounts.scope import Scope
from apps.clusters.dimensions import Key
from apps.clusters.models import NodeDay, Pod, PodDay, Prices
from apps.clusters.queries import (
    ClusterQuery,
    Idle,
    NoRateError,
    Only,
    Reason,
    cluster_costs,
    node_matches,
)
from apps.clusters.removal import remove_source
from apps.clusters.services import read_price, set_prices
from apps.core.errors import UserError
from apps.core.periods import Period
from apps.costs.models import ExchangeRate
from apps.costs.queries import Metric
from apps.inventory.models import Resource
from collectors.errors import RefusedFileError
from tests.clusters.made_up import AMOUNTS, DAY, load, node, pod
from tests.ledger import charge, load_charges

pytestmark = pytest.mark.django_db
ALL = Scope.everything()
JUNE = Period(date(2026, 6, 1), date(2026, 6, 30))


def ask(*group_by: str, scope: Scope = ALL, **words: Any) -> dict[Any, Decimal]:
    """The cost of each group; idle under its keys and the word idle."""
    query = ClusterQuery(period=words.pop("period", JUNE), group_by=tuple(map(Key, group_by)), **words)
    found = cluster_costs(query, scope=scope)
    return {(*line.keys, *([line.day] if query.by_day else []), *(["idle"] if line.is_idle else [])): line.cost
            for line in found.lines}  # fmt: skip


@pytest.fixture
def prices() -> None:
    """A core is worth 2, a GiB 1 and a GPU 10: numbers to reckon with."""
    set_prices(cpu_core_hour=Decimal(2), memory_gib_hour=Decimal(1), gpu_hour=Decimal(10), actor=None)


def test_each_part_of_a_node_goes_to_who_had_it_and_the_rest_is_idle(prices: None) -> None:
    """24 core hours at 2, 48 GiB hours at 1 and 12 GPU hours at 10 are 48 + 48 + 120 = 216: so is the bill."""
    load([
        node(cpu=24, memory=48, gpu=12),
        pod("a", cpu=6, memory=24),  # 12 + 24
        pod("b", cpu=12, memory=12, gpu=6),  # 24 + 12 + 60
    ])  # fmt: skip
    load_charges([charge(DAY, "216", resource_id="i-n1")])

    assert ask("pod") == {("a",): 36, ("b",): 96, (None, "idle"): 84}
    assert ask() == {(): 132, ("idle",): 84}
    assert ask("pod", idle=Idle.SHARED) == {
        ("a",): Decimal("58.909090909090909090"),
        ("b",): Decimal("157.090909090909090910"),
    }


def test_an_overcommitted_node_adds_up_to_its_bill_too(prices: None) -> None:
    """Cores are worth 48 of the 96 and were had twice over: each pod has half of what it had of them."""
    load([node(cpu=24, memory=48), pod("a", cpu=36, memory=12), pod("b", cpu=12)])
    load_charges([charge(DAY, "96", resource_id="i-n1")])

    assert ask("pod") == {("a",): 36 + 12, ("b",): 12, (None, "idle"): 36}


def test_a_bill_that_cannot_be_divided_evenly_loses_no_digit(prices: None) -> None:
    load([node(cpu=3), *(pod(name, cpu=1) for name in "abc")])
    load_charges([charge(DAY, "0.1", resource_id="i-n1")])

    found = ask("pod")

    third = Decimal("0.033333333333333333")
    assert found == {("a",): third, ("b",): third, ("c",): third, (None, "idle"): Decimal("0.000000000000000001")}
    shared = ask("pod", idle=Idle.SHARED)
    assert (sum(shared.values()), len(shared)) == (Decimal("0.1"), 3)


def test_a_pod_that_asks_for_nothing_has_nothing_and_an_empty_node_is_idle(prices: None) -> None:
    load([node(cpu=24), pod("a"), node("n2", cpu=24)])
    load_charges([charge(DAY, "5", resource_id="i-n1"), charge(DAY, "7", resource_id="i-n2")])

    assert ask("node", "pod") == {("n1", "a"): 0, ("n1", None, "idle"): 5, ("n2", None, "idle"): 7}
    assert ask("node", idle=Idle.SHARED) == {("n1",): 0, ("n1", "idle"): 5, ("n2", "idle"): 7}, "nobody to share it"


def test_what_is_had_of_a_node_whose_size_nobody_knows_is_all_of_it(prices: None) -> None:
    load([pod("a", cpu=3, resource_id="i-n1"), pod("b", cpu=1)])
    load_charges([charge(DAY, "8", resource_id="i-n1")])

    assert ask("pod") == {("a",): 6, ("b",): 2, (None, "idle"): 0}


@pytest.mark.parametrize(
    "resource_id", ["i-n1", "I-N1", "arn:aws:ec2:eu-central-1:111122223333:instance/i-0abc", "//compute/instances/7"]
)
def test_a_bill_is_found_by_id_by_arn_or_by_what_the_inventory_knows(prices: None, resource_id: str) -> None:
    machine = "i-0abc" if "arn" in resource_id else "i-n1"
    load([node(cpu=24, resource_id=machine), pod("a", cpu=24)])
    Resource.objects.create(
        source="gcp", provider="Google Cloud", resource_id="i-n1", aliases=["//compute/instances/7"], kind="machine",
        first_seen_at="2026-06-01T00:00Z",
    )  # fmt: skip
    load_charges([charge(DAY, "3", resource_id=resource_id), charge(DAY, "9", resource_id="x/other-i-0abc")])

    assert ask("pod") == {("a",): 3, (None, "idle"): 0}


def test_a_node_may_be_called_by_another_name_than_the_one_of_its_bill(prices: None) -> None:
    load([node(cpu=24, resource_id="gce://p/z/n1"), pod("a", cpu=24)])
    Resource.objects.create(
        source="gcp", provider="Google Cloud", resource_id="//compute/instances/7", aliases=["gce://p/z/n1"],
        kind="machine", first_seen_at="2026-06-01T00:00Z",
    )  # fmt: skip
    load_charges([charge(DAY, "3", resource_id="//compute/instances/7")])

    assert ask("pod") == {("a",): 3, (None, "idle"): 0}


def test_machines_that_are_billed_together_divide_the_bill_by_their_size(prices: None) -> None:
    """A scale set of Azure has one bill: 24 and 48 core hours are one and two thirds of it."""
    scale_set = "/subscriptions/s/resourcegroups/rg/providers/microsoft.compute/virtualmachinescalesets/aks"
    load([node("n1", cpu=24, resource_id=scale_set), node("n2", cpu=48, resource_id=scale_set), pod("a", cpu=12)])
    load_charges([charge(DAY, "100", resource_id=scale_set)])

    found = ask("node")

    assert found[("n1",)] + found["n1", "idle"] == Decimal("33.333333333333333333")
    assert found["n2", "idle"] == Decimal("66.666666666666666667")


def test_all_charges_of_a_machine_are_divided_credits_too_by_either_cost(prices: None) -> None:
    load([node(cpu=24), pod("a", cpu=6)])
    load_charges([
        charge(DAY, "10", resource_id="i-n1", billed_cost=Decimal(8)),
        charge(DAY, "-2", resource_id="i-n1", charge_category="Credit"),
        charge(DAY + timedelta(days=1), "50", resource_id="i-n1"),
    ])  # fmt: skip

    assert ask("pod") == {("a",): 2, (None, "idle"): 6}
    assert ask("pod", metric=Metric.BILLED) == {("a",): Decimal("1.5"), (None, "idle"): Decimal("4.5")}


def test_days_stand_by_themselves(prices: None) -> None:
    second = DAY + timedelta(days=1)
    load([node(cpu=24), pod("a", cpu=12), node(cpu=24, day=second), pod("a", cpu=6, day=second)])
    load_charges([charge(DAY, "10", resource_id="i-n1"), charge(second, "20", resource_id="i-n1")])

    assert ask("pod", by_day=True) == {
        ("a", DAY): 5,
        (None, DAY, "idle"): 5,
        ("a", second): 5,
        (None, second, "idle"): 15,
    }
    assert ask("pod", period=Period(second, second)) == {("a",): 5, (None, "idle"): 15}
    assert ask("pod", period=Period(second, DAY)) == {} if second < DAY else True


def test_labels_workloads_and_clusters_group_and_filter(prices: None) -> None:
    load([
        node(cpu=24), pod("a", cpu=6, labels={"app": "web"}), pod("b", cpu=6, namespace="ml", workload="train"),
        node(cpu=24, cluster="test", resource_id="i-n2"), pod("c", cpu=12, cluster="test"),
    ])  # fmt: skip
    load_charges([charge(DAY, "24", resource_id="i-n1"), charge(DAY, "48", resource_id="i-n2")])

    assert ask("cluster") == {("prod",): 12, ("prod", "idle"): 12, ("test",): 24, ("test", "idle"): 24}
    assert ask("label:app") == {("web",): 6, ("",): 30, (None, "idle"): 36}
    assert ask("namespace", "workload") == {
        ("shop", "Deployment/web"): 30, ("ml", "Deployment/train"): 6, (None, None, "idle"): 36,
    }  # fmt: skip
    assert ask("pod", only=(Only(Key("cluster"), ("test",)),)) == {("c",): 24, (None, "idle"): 24}
    of_shop = ask("pod", only=(Only(Key("namespace"), ("shop",)),))
    assert of_shop == {("a",): 6, ("c",): 24}, "idle is no namespace's"


def test_bills_are_converted_and_a_missing_rate_is_named(prices: None) -> None:
    load([node(cpu=24), pod("a", cpu=8)])
    load_charges([charge(DAY, "3", resource_id="i-n1", billing_currency="EUR")])
    with pytest.raises(NoRateError, match="without an exchange rate to USD in June 2026"):
        ask("pod", currency="USD")

    ExchangeRate.objects.create(currency="EUR", reporting_currency="USD", month="2026-06-01", rate="1.1")

    assert ask("pod", currency="USD") == {("a",): Decimal("1.1"), (None, "idle"): Decimal("2.2")}
    assert ask("pod") == {("a",): 1, (None, "idle"): 2}


def test_nodes_without_a_bill_are_shown_with_the_reason(prices: None) -> None:
    later = DAY + timedelta(days=9)
    load([
        node("billed", cpu=24),
        node("nameless", cpu=24, resource_id=None),
        node("unknown", cpu=24),
        node("billed", cpu=24, day=DAY + timedelta(days=1)),
        node("billed", cpu=24, day=later),
        pod("a", cpu=24, node="unknown"),
    ])  # fmt: skip
    load_charges([charge(DAY, "3", resource_id="i-billed")])

    found = node_matches(ClusterQuery(JUNE), newest=DAY + timedelta(days=5), scope=ALL)

    assert found.matched == 1
    assert {(one.node, one.reason, one.days, one.first) for one in found.unmatched} == {
        ("nameless", Reason.NO_MACHINE, 1, DAY),
        ("unknown", Reason.NEVER_BILLED, 1, DAY),
        ("billed", Reason.NOT_BILLED, 1, DAY + timedelta(days=1)),
        ("billed", Reason.NOT_YET, 1, later),
    }
    assert sum(ask("pod").values()) == 3
    assert node_matches(ClusterQuery(JUNE), newest=DAY, scope=Scope(("search",))).unmatched == ()


def test_what_a_file_says_of_a_clusters_day_replaces_what_was_known_of_it(prices: None) -> None:
    load([node(cpu=24), pod("a", cpu=6), node(cpu=24, day=DAY + timedelta(days=1))])
    load_charges([charge(DAY, "24", resource_id="i-n1")])

    assert load([node(cpu=24), pod("b", cpu=12), node(cpu=24, cluster="other", resource_id="")]) == 3

    assert ask("pod") == {("b",): 12, (None, "idle"): 12}
    assert NodeDay.objects.filter(cluster="prod").count() == 2, "the other day stays"


def test_a_label_names_the_team_before_the_namespace_does(prices: None) -> None:
    for slug in ("search", "ml"):
        Team.objects.create(slug=slug, name=slug.title())
    load([node(cpu=24), pod("a", cpu=6, namespace="ml", labels={"team": "search"}), pod("b", cpu=6, namespace="ml")])

    assert dict(Pod.objects.values_list("pod", "team")) == {"a": "search", "b": "ml"}


def test_a_source_is_taken_out_and_pods_that_another_tells_of_stay(prices: None) -> None:
    load([node(cpu=24), pod("a", cpu=6), pod("b", cpu=6)])
    tomorrow = DAY + timedelta(days=1)
    load([node(cpu=24, day=tomorrow), pod("a", cpu=6, day=tomorrow)], source="other")

    remove_source("prometheus")

    assert list(NodeDay.objects.values_list("source", flat=True)) == ["other"]
    assert list(Pod.objects.values_list("pod", flat=True)) == ["a"]


def test_two_sources_never_tell_of_one_clusters_day(prices: None) -> None:
    load([node(cpu=24)], source="first")

    with (
        pytest.raises(RefusedFileError, match="The source first has told of cluster prod on 2026-06-03 already"),
        transaction.atomic(),
    ):
        load([node(cpu=12)], source="second")

    assert NodeDay.objects.get().cpu_core_hours == 24


def test_other_prices_divide_the_past_anew(prices: None) -> None:
    load([node(cpu=24, memory=24), pod("a", cpu=24), pod("b", memory=24)])
    load_charges([charge(DAY, "12", resource_id="i-n1")])
    assert ask("pod") == {("a",): 8, ("b",): 4, (None, "idle"): 0}

    set_prices(cpu_core_hour=Decimal(3), memory_gib_hour=Decimal(1), gpu_hour=Decimal(10), actor=None)

    assert ask("pod") == {("a",): 9, ("b",): 3, (None, "idle"): 0}


@pytest.mark.parametrize("text", ["0", "0.0", "-1", "NaN", "1e3", "1234567890", "0.12345678901", ""])
def test_a_price_that_divides_nothing_is_refused_by_name(text: str) -> None:
    with pytest.raises(UserError, match="Write a price above 0") as told:
        read_price(text, "memory_gib_hour")

    assert told.value.field == "memory_gib_hour"


def test_the_first_prices_are_those_of_opencost() -> None:
    """configs/default.json of opencost/opencost at commit 0d1f69cc."""
    known = Prices.current()

    assert [str(getattr(known, name)) for name in Prices.NAMES] == ["0.031611", "0.004237", "0.95"]


hours = st.one_of(st.just(Decimal(0)), st.decimals(0, 10_000, places=9, allow_nan=False))
amounts = st.tuples(hours, hours, hours)
price = st.decimals("0.0001", 100, places=6, allow_nan=False)
cost = st.decimals(-1_000_000, 1_000_000, places=18, allow_nan=False)


# each example is a load and two questions: 25 of them take some seconds
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(allocatable=amounts, pods=st.lists(amounts, max_size=6), each=st.tuples(price, price, price), bill=cost)
def test_whatever_was_had_of_a_node_the_parts_are_its_bill_to_the_last_digit(
    allocatable: tuple[Decimal, ...], pods: list[tuple[Decimal, ...]], each: tuple[Decimal, ...], bill: Decimal
) -> None:
    """Against the same division in fractions: no part is off by more than the digit at which it is cut."""
    with transaction.atomic():
        set_prices(**dict(zip(Prices.NAMES, each, strict=True)), actor=None)
        load([node("n1", *allocatable), *(pod(f"p{at}", *had) for at, had in enumerate(pods))])
        load_charges([charge(DAY, bill, resource_id="i-n1")])
        found, shared = ask("pod"), ask("pod", idle=Idle.SHARED)
        transaction.set_rollback(True)

    assert exactly(found.values()) == exactly(shared.values()) == Fraction(bill)
    expected = [Fraction(bill) * share for share in shares(allocatable, pods, each)]
    for at, part in enumerate(expected):
        assert 0 <= abs(part) - abs(Fraction(found[f"p{at}",])) < Fraction(1, 10**17)
    idle = found[None, "idle"]
    assert idle == 0 or (idle > 0) == (bill > 0), "nobody is given more than there is"


def exactly(amounts: Any) -> Fraction:
    return sum((Fraction(amount) for amount in amounts), Fraction(0))


def shares(
    allocatable: tuple[Decimal, ...], pods: list[tuple[Decimal, ...]], each: tuple[Decimal, ...]
) -> list[Fraction]:
    """The division as docs/kubernetes.md tells it."""
    had = [sum((Fraction(one[at]) for one in pods), Fraction(0)) for at in range(3)]
    size = [Fraction(amount) for amount in allocatable]
    worth = [(size[at] or had[at]) * Fraction(each[at]) for at in range(3)]
    of = [max(size[at], had[at]) for at in range(3)]
    parts = [sum(Fraction(one[at]) * worth[at] / of[at] for at in range(3) if of[at]) for one in pods]
    return [part / sum(worth) if sum(worth) else Fraction(0) for part in parts]


def test_amounts_of_a_pod_are_kept_beside_its_share(prices: None) -> None:
    load([node(cpu=24), pod("a", cpu=6, memory=0, cpu_request_core_hours=6, cpu_used_core_hours=3)])

    kept = PodDay.objects.get()

    assert [getattr(kept, name) for name in AMOUNTS] == [6, 0, 0]
    assert (kept.cpu_request_core_hours, kept.cpu_used_core_hours, kept.share) == (6, 3, Decimal("0.25"))


def test_sums_keep_more_digits_than_decimals_do_by_themselves() -> None:
    from apps.clusters.queries import add_up

    parts = [Decimal("123456789012.123456789012345678"), Decimal("0.000000000000000001")]

    with localcontext() as exact:
        exact.prec = 80
        assert add_up(parts) == parts[0] + parts[1]
    assert str(add_up(parts)) == "123456789012.123456789012345679"
