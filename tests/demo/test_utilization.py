"""How busy the demo's machines are: its stories told by the queries that pages use, and every GPU's part of a bill."""

from datetime import timedelta
from decimal import Decimal

import pytest

from apps.accounts.scope import Scope
from apps.core.periods import Period
from apps.demo.stories import Story
from apps.demo.utilization import METERED, tenancy, utilization
from apps.inventory.models import Resource
from apps.utilization.models import Device, HourFact
from apps.utilization.queries import (
    By,
    Gpu,
    Gpus,
    Granularity,
    fleet,
    gpu_costs,
    machine_costs,
    resource_costs,
    series,
    without_cost,
)
from collectors.tenancy import TENANCY
from collectors.utilization import UTILIZATION
from tests.demo.database import UNTIL

pytestmark = pytest.mark.usefixtures("demo")
MONTH = Period(UNTIL - timedelta(days=29), UNTIL)
WEEK = Period(UNTIL - timedelta(days=6), UNTIL)
ALL = Scope.everything()


def gpus_of(name: str, period: Period = WEEK) -> list[Gpu]:
    """The GPUs of a machine, by its name."""
    machine = Resource.objects.get(name=name)
    return fleet(period, Gpus(resource_id=machine.resource_id), scope=ALL)


def test_used_idle_and_unallocated_cost_are_the_bills_of_the_machines() -> None:
    (whole,) = gpu_costs(MONTH, Gpus(), scope=ALL)
    by_team = gpu_costs(MONTH, Gpus(), by=(By.TEAM,), scope=ALL)

    money = whole.money
    assert money.used + money.idle + money.unallocated + money.unmeasured == money.cost > 50_000
    assert min(money.used, money.idle, money.unallocated) > 5_000
    assert money.unmeasured == 0
    assert sum(row.money.cost for row in by_team) == money.cost
    assert {"ml-platform", "research", "vision", "search"} <= {row.keys[0] for row in by_team}
    assert without_cost(MONTH, scope=ALL) == []


def test_machines_and_databases_are_used_idle_and_partly_not_measured() -> None:
    (whole,) = machine_costs(MONTH, scope=ALL)

    money = whole.money
    assert money.used + money.idle + money.unmeasured == money.cost > 20_000
    assert min(money.used, money.idle, money.unmeasured) > 2_000
    by_team = machine_costs(MONTH, by=(By.TEAM,), scope=ALL)
    assert {"data", "search", "voice", "ml-platform"} <= {row.keys[0] for row in by_team if row.money.used}
    staging = Resource.objects.get(name="catalog-db-staging")
    (one,) = resource_costs(MONTH, names=[staging.resource_id], scope=ALL)
    assert one.money.idle > one.money.cost * Decimal("0.9")


def test_the_idle_pool_is_held_and_does_nothing() -> None:
    for name in ("vision-train-pool-03", "vision-train-pool-04"):
        (gpu,) = gpus_of(name)
        assert (gpu.gpu_maximum, gpu.teams, gpu.holders) == (0, ("vision",), ("train/vision-train",))
        assert gpu.idle_hours == gpu.allocated_hours == gpu.hours == 7 * 24
        assert sum(money.used for money in gpu.money) == 0 < sum(money.idle for money in gpu.money)
    (busy,) = gpus_of("vision-train-pool-01")
    assert busy.gpu > 0.7


def test_half_of_each_scaling_machine_is_nobodys() -> None:
    found = sorted(gpus_of("chat-scale-01"), key=lambda gpu: gpu.gpu)

    assert [gpu.allocated_hours > 0 for gpu in found] == [False, False, True, True]
    assert all(money.unallocated == money.cost > 0 for gpu in found[:2] for money in gpu.money)


def test_the_nightly_batch_is_done_in_the_morning_and_its_machines_stay_on() -> None:
    (gpu,) = gpus_of("embed-batch-01")
    (told,) = series([gpu.device.pk], metrics=["gpu"], period=WEEK, granularity=Granularity.HOUR, scope=ALL)

    at_night = [point.average for point in told.points if point.at.hour < 6]
    by_day = [point.average for point in told.points if point.at.hour >= 6]
    assert min(at_night) > 0.8
    assert by_day
    assert max(by_day) == 0


def test_the_forgotten_notebook_runs_day_and_night_for_nothing() -> None:
    (gpu,) = gpus_of("nb-gpu-lena-old")

    assert (gpu.hours, gpu.gpu_maximum, gpu.signal) == (7 * 24, 0, "GPUUtilization")
    assert sum((money.idle for money in gpu.money), Decimal(0)) == sum(money.cost for money in gpu.money) > 300


def test_seven_gpus_of_a_job_wait_on_one_and_the_eighth_is_nobodys() -> None:
    machine = Resource.objects.get(name="rl-tuning-01")
    found = sorted(fleet(MONTH, Gpus(resource_id=machine.resource_id), scope=ALL), key=lambda gpu: gpu.gpu)

    assert [round(gpu.gpu, 1) for gpu in found] == [0, *[0.3] * 6, 0.9]
    assert [gpu.holders for gpu in found] == [(), *[("rl/rl-tuning",)] * 7]


def test_slices_are_parts_of_their_card_and_what_is_not_cut_is_nobodys() -> None:
    slices = [gpu for gpu in fleet(MONTH, Gpus(cluster="lab"), scope=ALL) if gpu.device.card_id]

    assert {round(gpu.device.slices, 3) for gpu in slices} == {Decimal("0.429"), Decimal("0.286"), Decimal("0.143")}
    (money,) = [row.money for row in gpu_costs(MONTH, Gpus(cluster="lab"), scope=ALL)]
    assert money.unallocated > money.cost / 4  # a seventh is not cut, another is held by nobody


def test_pods_that_share_a_gpu_in_turns_have_half_of_it_each() -> None:
    (gpu,) = gpus_of("vision-embed-01")

    assert set(gpu.holders) == {"embed/embed-worker", "embed/caption-worker"}
    assert gpu.allocated_hours == pytest.approx(gpu.hours)


def test_five_minute_points_are_kept_for_a_month_and_hours_for_longer() -> None:
    with_points = HourFact.objects.exclude(points=None).order_by("hour").values_list("hour", flat=True)
    hours = HourFact.objects.order_by("hour").values_list("hour", flat=True)

    assert (UNTIL - with_points[0].date()).days == 29
    assert (UNTIL - hours[0].date()).days == 31


@pytest.mark.parametrize("provider", METERED)
def test_the_same_day_makes_the_same_rows_within_the_rules_of_their_files(provider: str) -> None:
    day = UNTIL - timedelta(days=1)
    for records, make in ((UTILIZATION, utilization), (TENANCY, tenancy)):
        rows = make(provider, day, UNTIL)
        assert rows.equals(make(provider, day, UNTIL))
        assert set(rows.columns) <= set(records.schema)
        assert rows.height > 100


def test_the_story_of_the_idle_pool_costs_what_its_idle_gpus_cost(demo: object) -> None:
    (story,) = [one for one in map(Story.from_json, demo.stories) if one.slug == "idle-gpu-pool"]  # type: ignore[attr-defined]
    period = Period(story.start, story.end)
    idle = [
        row.money.idle
        for name in ("vision-train-pool-03", "vision-train-pool-04")
        for row in gpu_costs(period, Gpus(resource_id=Resource.objects.get(name=name).resource_id), scope=ALL)
    ]

    disks = story.total - sum(idle, Decimal(0))
    assert 0 < disks < story.total / 10  # the rest are the disks of the two machines


def test_cpu_and_memory_of_databases_and_machines_are_told_too() -> None:
    database = Resource.objects.get(name="billing-db")
    (device,) = Device.objects.filter(resource_id=database.resource_id)
    told = series([device.pk], period=WEEK, granularity=Granularity.DAY, scope=ALL)

    assert [(one.metric, one.signals) for one in told] == [
        ("cpu", ("CPUUtilization",)),
        ("memory", ("FreeableMemory",)),
    ]
    assert max(point.maximum for one in told for point in one.points) < 0.4
