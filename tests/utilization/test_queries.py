"""Series, fleets and heatmaps: what was observed, gaps as gaps, and to each reader their own."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Team
from apps.accounts.scope import Scope
from apps.core.periods import Period
from apps.inventory.models import Resource
from apps.utilization.models import Device
from apps.utilization.queries import Gpus, Granularity, devices, devices_of, fleet, heatmap, series
from tests.costs.conftest import load, owned
from tests.utilization.conftest import CARD, DAY, Load, held, hour

JUNE = Period(date(2026, 6, 1), date(2026, 6, 30))
FIRST = Period(date(2026, 6, 1), date(2026, 6, 1))
ALL = Scope.everything()
EVERY = Gpus()


def test_a_series_has_a_point_for_each_hour_that_was_observed_and_none_for_others(hours: Load) -> None:
    hours(
        hour(0, average=0.25, p95=0.5, maximum=1.0), hour(5, minutes=30.0), hour(0, metric="power_watts", average=250.0)
    )
    (device,) = Device.objects.all()

    gpu, power = series([device.pk], period=FIRST, granularity=Granularity.HOUR, scope=ALL)
    assert [(one.at, one.average, one.p95, one.maximum, one.minutes) for one in gpu.points] == [
        (DAY, 0.25, 0.5, 1.0, 60),
        (DAY + timedelta(hours=5), 0.5, 0.5, 0.5, 30),
    ]
    assert (gpu.metric, gpu.unit, gpu.signals) == ("gpu", "ratio", ("DCGM_FI_PROF_SM_ACTIVE",))
    assert (power.metric, power.unit, len(power.points)) == ("power_watts", "W", 1)


def test_a_series_by_day_weighs_hours_by_what_was_observed_of_them(hours: Load) -> None:
    hours(hour(0, average=1.0, minutes=15.0), hour(1, average=0.0, minutes=45.0), hour(24, average=0.5))
    (device,) = Device.objects.all()

    (gpu,) = series([device.pk], metrics=["gpu"], period=JUNE, granularity=Granularity.DAY, scope=ALL)
    assert [(one.at, one.average, one.minutes) for one in gpu.points] == [
        (DAY, 0.25, 60),
        (DAY + timedelta(days=1), 0.5, 60),
    ]


def test_a_resource_is_found_by_any_of_its_names(hours: Load) -> None:
    hours(hour(device=None, metric="cpu"), hour(), hour(resource_id="i-2", node="n2"))
    Resource.objects.create(
        source="s", provider="AWS", resource_id="arn:i-1", aliases=["i-1"], kind="machine", first_seen_at=DAY
    )
    assert [one.device for one in devices_of(["arn:i-1"], scope=ALL)] == ["", CARD]


def test_of_many_holders_those_who_had_a_gpu_longest_are_named_first(hours: Load, tenancy: Load) -> None:
    hours(*[hour(at) for at in range(10)])
    who = "abbcccdddd"  # one hour, two, three and four
    tenancy(*[held(at, workload=name, pod=f"{name}-0") for at, name in enumerate(who)])

    (gpu,) = fleet(JUNE, EVERY, scope=ALL)
    assert gpu.holders == ("ml/d", "ml/c", "ml/b")


def test_the_fleet_tells_how_busy_each_gpu_was_and_who_held_it(hours: Load, tenancy: Load) -> None:
    load([owned(DAY.date(), "24", resource_id="i-1")])
    Team.objects.create(slug="ml", name="ML")
    hours(
        hour(0, average=0.0),
        hour(1, average=0.5, p95=0.75, maximum=1.0),
        hour(2, average=0.0),
        hour(1, metric="gpu_memory", average=0.5),
        hour(1, metric="gpu_memory_mib", average=100.0, maximum=200.0, p95=150.0),
        hour(1, metric="power_watts", average=300.0),
        hour(0, device=None, metric="cpu"),
    )
    tenancy(held(0), held(1))

    (gpu,) = fleet(JUNE, EVERY, scope=ALL)
    assert (gpu.gpu, gpu.gpu_p95, gpu.gpu_maximum) == (pytest.approx(1 / 6), 0.75, 1)
    assert (gpu.gpu_memory, gpu.gpu_memory_mib, gpu.power_watts) == (0.5, 200, 300)
    assert (gpu.hours, gpu.allocated_hours, gpu.idle_hours) == (3, 2, 1)
    assert (gpu.teams, gpu.holders) == (("ml",), ("ml/train",))
    assert gpu.last_seen == DAY + timedelta(hours=2)
    (money,) = gpu.money
    assert (money.cost, money.used, money.idle, money.unallocated) == (24, 4, 12, 8)


def test_a_gpu_whose_tenants_nobody_tells_of_is_held_by_its_owner(hours: Load) -> None:
    hours(hour(0, average=0.0), hour(1))
    (gpu,) = fleet(JUNE, EVERY, scope=ALL)
    assert (gpu.allocated_hours, gpu.idle_hours, gpu.money) == (2, 1, ())


def test_the_fleet_takes_as_many_statements_for_many_gpus_as_for_one(hours: Load) -> None:
    hours(hour())
    with CaptureQueriesContext(
        connection,
    ) as one:
        fleet(JUNE, EVERY, scope=ALL)
    hours(*[hour(device=f"GPU-{number}") for number in range(20)])
    with CaptureQueriesContext(connection) as many:
        assert len(fleet(JUNE, EVERY, scope=ALL)) == 20
    assert len(many) == len(one) == 3


def test_a_heatmap_has_a_cell_for_each_hour_and_none_where_nothing_was_observed(hours: Load) -> None:
    hours(hour(0, average=0.25), hour(23, average=0.75), hour(1, device="GPU-2", average=0.5))
    found = heatmap("gpu", FIRST, EVERY, scope=ALL)

    assert (found.granularity, found.columns[0], len(found.columns)) == (Granularity.HOUR, DAY, 24)
    assert [(row.node, row.device) for row in found.rows] == [("n1", CARD), ("n1", "GPU-2")]
    assert found.rows[0].values == (0.25, *[None] * 22, 0.75)
    assert found.rows[1].values == (None, 0.5, *[None] * 22)


def test_a_heatmap_of_weeks_is_by_day_and_a_node_has_the_average_of_its_gpus(hours: Load) -> None:
    hours(
        hour(0, average=0.25, minutes=15.0),
        hour(0, device="GPU-2", average=0.75, minutes=45.0),
        hour(0, node="n2", resource_id="i-2"),
    )
    found = heatmap("gpu", JUNE, EVERY, by="node", scope=ALL)

    assert (found.granularity, len(found.columns)) == (Granularity.DAY, 30)
    assert [(row.node, row.device_id, row.values[:2]) for row in found.rows] == [
        ("n1", None, (0.625, None)),
        ("n2", None, (0.5, None)),
    ]
    assert heatmap("power_watts", JUNE, EVERY, scope=ALL).rows == ()


def test_who_sees_some_teams_alone_sees_the_gpus_that_these_held_or_own(hours: Load, tenancy: Load) -> None:
    for slug in ("ml", "atlas", "borea"):
        Team.objects.create(slug=slug, name=slug)
    load([owned(DAY.date(), "24", "atlas", resource_id="i-2")])
    hours(hour(), hour(device="GPU-2"), hour(node="n2", resource_id="i-2", device="GPU-3"))
    tenancy(held())

    def seen(*teams: str) -> set[str]:
        scope = Scope(teams)
        rows = heatmap("gpu", JUNE, EVERY, scope=scope).rows
        listed = {one.device.device for one in fleet(JUNE, EVERY, scope=scope)}
        assert {row.device for row in rows} == listed == {one.device for one in devices(EVERY, scope=scope)}
        numbers = list(Device.objects.values_list("pk", flat=True))
        told = series(numbers, period=JUNE, granularity=Granularity.DAY, scope=scope)
        assert {one.device.device for one in told} == listed
        return listed

    assert seen("ml") == {CARD}
    assert seen("atlas") == {"GPU-3"}
    assert seen("ml", "atlas") == {CARD, "GPU-3"}
    assert seen("borea") == set()
    assert seen() == set()
    assert {one.device for one in devices(Gpus(team="atlas"), scope=ALL)} == {"GPU-3"}
    assert list(devices(Gpus(team="atlas"), scope=Scope(("ml",)))) == []
