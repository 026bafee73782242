"""What a delivery of hours or of tenants does to what was known: it replaces, keeps, and never doubles."""

import random
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction

from apps.accounts.models import Team
from apps.clusters.models import Pod
from apps.utilization.models import DayFact, Device, GpuUse, HourFact, Tenancy
from apps.utilization.removal import remove_source
from tests.utilization.conftest import CARD, DAY, Load, held, hour

TABLES = (HourFact, DayFact, Tenancy, GpuUse)
NOBODY = {"namespace": None, "workload": None, "pod": None, "container": None, "minutes": None, "share": None}


def everything(*, but: tuple[str, ...] = ("delivery_id",)) -> list[Any]:
    """All facts, by names: ids depend on who came first."""
    devices = {one.pk: (one.source, one.node, one.resource_id, one.device) for one in Device.objects.all()}
    pods: dict[int, Any] = {0: None, **dict(Pod.objects.values_list("pk", "pod"))}
    found = []
    for table in TABLES:
        for row in table.objects.values():
            told = {name: value for name, value in row.items() if name not in but}
            told["device_id"] = devices[told["device_id"]]
            if "pod_id" in told:
                told["pod_id"] = pods[told["pod_id"]]
            found.append((table.__name__, sorted(told.items(), key=str)))
    return sorted(found, key=str)


def test_an_hour_is_kept_with_its_points_and_its_day_is_made_of_it(hours: Load) -> None:
    points = [0.25, None, 0.75, *[None] * 9]
    assert (
        hours(
            hour(minutes=10.0, average=0.5, p95=0.75, maximum=0.875, points=points, peaks=points),
            hour(1, minutes=30.0, average=0.25, p95=0.5),
        )
        == 2
    )

    fact = HourFact.objects.get(hour=DAY)
    assert (fact.device.device, fact.metric, fact.signal) == (CARD, 1, "DCGM_FI_PROF_SM_ACTIVE")
    assert (fact.minutes, fact.average, fact.p95, fact.maximum) == (10, 0.5, 0.75, 0.875)
    assert (fact.points, fact.peaks) == (points, points)
    day = DayFact.objects.get()
    assert (day.day, day.minutes, day.average, day.p95, day.maximum) == (DAY.date(), 40, 0.3125, 0.75, 0.875)
    device = Device.objects.get()
    assert (device.first_hour, device.last_hour, device.slices) == (DAY, DAY + timedelta(hours=1), 1)


def test_the_same_delivery_again_changes_nothing(hours: Load, tenancy: Load) -> None:
    rows = [hour(at, average=at / 24) for at in range(24)]
    hours(*rows, delivery=5)
    tenancy(*[held(at) for at in range(24)], delivery=6)
    before = everything(but=())
    hours(*rows, delivery=5)
    tenancy(*[held(at) for at in range(24)], delivery=6)

    assert everything(but=()) == before


def test_deliveries_that_overlap_give_the_same_in_whatever_order_they_are_loaded(hours: Load, tenancy: Load) -> None:
    deliveries = {
        11: [hour(at, average=0.5, minutes=30.0) for at in (0, 1, 26)],
        12: [hour(at, average=0.25) for at in (1, 2, 3)],
        13: [hour(26, average=0.75), hour(2, device="GPU-2", average=0.125)],
    }
    holders = {
        14: [held(1), held(1, pod="other", share=Decimal("0.5"))],
        15: [held(1, pod="later"), held(2, **NOBODY), held(26)],
        16: [held(2, pod="late"), held(26, **NOBODY)],
    }
    found = []
    for order in _some_orders([*deliveries, *holders]):
        with transaction.atomic():
            for delivery in order:
                if delivery in deliveries:
                    hours(*deliveries[delivery], delivery=delivery)
                else:
                    tenancy(*holders[delivery], delivery=delivery)
            found.append(everything())
            transaction.set_rollback(True)

    assert found[0]
    assert all(one == found[0] for one in found)


def _some_orders(numbers: list[int]) -> list[list[int]]:
    chance = random.Random(1)
    return [numbers, numbers[::-1], *(chance.sample(numbers, len(numbers)) for _ in range(6))]


def test_of_one_hour_told_twice_the_last_row_counts(hours: Load) -> None:
    hours(hour(average=0.1), hour(average=0.2))
    assert HourFact.objects.get().average == pytest.approx(0.2)


def test_sources_do_not_replace_each_other(hours: Load) -> None:
    hours(hour(), source="one")
    hours(hour(average=0.9), source="two")
    assert HourFact.objects.count() == 2


def test_hours_of_several_months_go_to_their_own_partitions(hours: Load) -> None:
    hours(hour(-1), hour(0))
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM utilization_hour ORDER BY 1")
        assert cursor.fetchall() == [("utilization_hour_202605",), ("utilization_hour_202606",)]


def test_a_device_whose_machine_becomes_known_is_the_same_one(hours: Load, tenancy: Load) -> None:
    tenancy(held())
    device = Device.objects.get()
    assert device.resource_id == ""

    hours(hour())
    tenancy(held(1))
    hours(hour(2, resource_id=None))

    device = Device.objects.get()
    assert (device.resource_id, device.model, device.provider) == ("i-1", "A100", "AWS")
    assert HourFact.objects.filter(device=device).count() == 2
    assert Tenancy.objects.filter(device=device).count() == 2


def test_a_node_name_that_another_machine_has_later_is_another_device(hours: Load) -> None:
    hours(hour(device=None), hour(1, device=None, resource_id="i-2"))
    assert set(Device.objects.values_list("resource_id", flat=True)) == {"i-1", "i-2"}


def test_a_resource_without_a_node_is_a_device_of_its_own(hours: Load) -> None:
    database = {"cluster": None, "node": None, "device": None, "metric": "cpu"}
    hours(hour(resource_id="db-1", **database), hour(resource_id="db-2", **database))
    assert Device.objects.count() == 2


def test_a_slice_knows_its_card_whether_or_not_the_card_is_told_of(hours: Load) -> None:
    part = {"parent_device": CARD, "slices": Decimal("0.5")}
    hours(hour(device=f"{CARD}/7", **part), hour(device=f"{CARD}/8", **part))

    card = Device.objects.get(device=CARD)
    assert set(Device.objects.filter(card=card).values_list("device", "slices")) == {
        (f"{CARD}/7", Decimal("0.5")),
        (f"{CARD}/8", Decimal("0.5")),
    }
    hours(hour(1))
    assert Device.objects.get(device=CARD) == card


def use() -> dict[tuple[str, str], tuple[Decimal, Decimal, float, float]]:
    pods = dict(Pod.objects.values_list("pk", "pod"))
    return {
        (one.device.device, pods.get(one.pod_id, "")): (one.weight, one.used, one.minutes, one.idle_minutes)
        for one in GpuUse.objects.select_related("device")
    }


def test_what_was_computed_belongs_to_who_held_the_gpu(hours: Load, tenancy: Load) -> None:
    hours(hour(average=0.5), hour(1, average=0.25), hour(2, average=0.0))
    tenancy(held(0, share=Decimal("0.5")), held(0, pod="b", share=Decimal("0.5")), held(1, minutes=30.0))

    # in the second hour it had the GPU for half of the time, and computed all that was computed
    assert use() == {
        (CARD, "train-0"): (Decimal(60), Decimal(30), 60, 0),
        (CARD, "b"): (Decimal(30), Decimal(15), 30, 0),
        (CARD, ""): (Decimal(90), Decimal(0), 90, 60),
    }


def test_thirds_of_a_gpu_are_all_of_it(hours: Load, tenancy: Load) -> None:
    hours(hour())
    third = Decimal("0.333333333333333333")
    tenancy(*[held(pod=pod, share=third) for pod in "abc"])

    assert sum(weight for weight, *_ in use().values()) == 60
    assert (CARD, "") not in use()


def test_a_card_that_is_cut_leaves_to_nobody_what_no_slice_has(hours: Load, tenancy: Load) -> None:
    part = {"parent_device": CARD, "slices": Decimal("0.25")}
    hours(hour(), hour(1), hour(device=f"{CARD}/7", **part), hour(device=f"{CARD}/8", **part))
    tenancy(held(device=f"{CARD}/7"))

    assert {key: one[:2] for key, one in use().items()} == {
        (f"{CARD}/7", "train-0"): (Decimal(15), Decimal("7.5")),
        (f"{CARD}/8", ""): (Decimal(15), Decimal("7.5")),
        (CARD, ""): (Decimal(30 + 60), Decimal(30)),
    }


def test_containers_of_a_pod_hold_together_and_a_team_is_found_by_labels_or_namespace(
    hours: Load, tenancy: Load, db: None
) -> None:
    Team.objects.create(slug="ml", name="ML")
    hours(hour())
    half = {"share": Decimal("0.25")}
    tenancy(held(**half), held(container="side", **half), held(container="side", **half))

    row = Tenancy.objects.get()
    assert (row.minutes, row.share, row.pod.team, row.pod.workload) == (60, Decimal("0.5"), "ml", "train")


def test_what_a_source_told_of_can_be_taken_out_whole_and_others_stay(hours: Load, tenancy: Load) -> None:
    for source in ("one", "two"):
        hours(hour(), source=source)
        tenancy(held(), source=source)
    tenancy(held(pod="alone"), source="one")
    remove_source("one")

    assert set(Device.objects.values_list("source", flat=True)) == {"two"}
    assert [table.objects.count() for table in TABLES] == [1, 1, 1, 1]
    assert set(Pod.objects.values_list("pod", flat=True)) == {"train-0"}
    remove_source("two")
    assert not Pod.objects.exists()
