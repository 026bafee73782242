"""What teams see of GPUs that others held too: the hours in which their own pods had part of them."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise, product
from random import Random
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from apps.accounts.models import Role, Team
from apps.accounts.scope import Scope
from apps.core.periods import Period
from apps.dashboards.resource_use import use_of
from apps.inventory.models import Resource
from apps.utilization.models import Device
from apps.utilization.queries import Gpus, Granularity, fleet, heatmap, series
from apps.utilization.queries.seen import facts
from tests.costs.conftest import load, owned
from tests.utilization.conftest import CARD, DAY, Load, held, hour

FIRST = Period(date(2026, 6, 1), date(2026, 6, 1))
WEEK = Period(date(2026, 6, 1), date(2026, 6, 7))
ALL = Scope.everything()
ML, ATLAS, BOTH = Scope(("ml",)), Scope(("atlas",)), Scope(("ml", "atlas"))
EVERY = Gpus()
SEVERAL = 8


@pytest.fixture
def shared(hours: Load, tenancy: Load) -> None:
    """A GPU that ml held in its first two hours, atlas in the third together with it, and nobody in the fourth."""
    for slug in ("ml", "atlas", "owner"):
        Team.objects.create(slug=slug, name=slug)
    load([owned(DAY.date(), "24", "owner", resource_id="i-1")])
    for at, busy in enumerate((0.125, 0.25, 0.5, 1.0)):
        hours(hour(at, average=busy), hour(at, metric="power_watts", average=100.0 * (at + 1)))
    half = Decimal("0.5")
    of_atlas = {"namespace": "atlas", "workload": "sweep", "pod": "sweep-0"}
    tenancy(held(0), held(1), held(2, share=half), held(2, share=half, **of_atlas))


def cells(scope: Scope, period: Period = FIRST, which: Gpus = EVERY) -> dict[int, float]:
    """The columns of the only row of a heatmap that have a number."""
    rows = heatmap("gpu", period, which, scope=scope).rows
    return {at: value for row in rows for at, value in enumerate(row.values) if value is not None}


def days(scope: Scope, metric: str = "gpu") -> list[tuple[float, float, float, float]]:
    """Average, percentile, maximum and minutes by day of the series of all devices."""
    numbers = list(Device.objects.values_list("pk", flat=True))
    told = series(numbers, metrics=[metric], period=WEEK, granularity=Granularity.DAY, scope=scope)
    return [(one.average, one.p95, one.maximum, one.minutes) for each in told for one in each.points]


def test_a_heatmap_has_the_hours_in_which_a_team_held_the_gpu_and_no_others(shared: None) -> None:
    assert cells(ALL) == {0: 0.125, 1: 0.25, 2: 0.5, 3: 1.0}
    assert cells(ML) == {0: 0.125, 1: 0.25, 2: 0.5}
    assert cells(ATLAS) == {2: 0.5}
    assert cells(Scope(("owner",))) == cells(ALL), "the machine is theirs"
    assert cells(Scope(())) == {}


def test_a_heatmap_of_weeks_has_days_made_of_these_hours(shared: None) -> None:
    assert cells(ALL, WEEK) == {0: pytest.approx(1.875 / 4)}
    assert cells(ML, WEEK) == {0: pytest.approx(0.875 / 3)}
    assert cells(ATLAS, WEEK) == {0: 0.5}


def test_a_series_by_hour_and_by_day_is_cut_alike_whatever_the_metric(shared: None) -> None:
    assert days(ML) == [(pytest.approx(0.875 / 3), 0.5, 0.5, 180)]
    assert days(ATLAS) == [(0.5, 0.5, 0.5, 60)]
    assert days(BOTH) == days(ML), "an hour that both had part of counts once"
    assert days(ATLAS, "power_watts") == [(300, 300, 300, 60)]
    (device,) = Device.objects.all()
    (told,) = series([device.pk], metrics=["gpu"], period=FIRST, granularity=Granularity.HOUR, scope=ATLAS)
    assert [(one.at, one.average) for one in told.points] == [(DAY + timedelta(hours=2), 0.5)]


def test_the_list_of_gpus_has_the_numbers_of_these_hours_and_names_no_other_holder(shared: None) -> None:
    def seen(scope: Scope, which: Gpus = EVERY) -> tuple[Any, ...]:
        (gpu,) = fleet(FIRST, which, scope=scope)
        (money,) = gpu.money
        return gpu.gpu, gpu.power_watts, gpu.hours, gpu.allocated_hours, gpu.teams, gpu.holders, money.cost

    assert seen(ALL) == (pytest.approx(1.875 / 4), 250, 4, 3, ("atlas", "ml"), ("ml/train", "atlas/sweep"), 24)
    assert seen(ATLAS) == (0.5, 300, 1, 0.5, ("atlas",), ("atlas/sweep",), 3)
    assert seen(ALL, Gpus(team="atlas")) == seen(ATLAS), "whoever asks for a team gets what it had, as of the money"


def test_a_team_that_was_asked_for_is_cut_for_those_who_see_everything_too(shared: None) -> None:
    assert cells(ALL, which=Gpus(team="atlas")) == {2: 0.5}
    assert cells(BOTH, which=Gpus(team="ml")) == cells(ML)
    assert cells(ML, which=Gpus(team="atlas")) == {}


def test_the_api_lists_these_hours_and_days_and_pages_through_them(shared: None, api: Callable[..., APIClient]) -> None:
    def asked(client: APIClient, **parameters: str) -> Any:
        june: Mapping[str, str] = {"start": "2026-06-01", "end": "2026-06-30", **parameters}
        return client.get("/api/v1/utilization/", june).json()

    lead, of_atlas = api(Role.ENGINEERING_LEAD, "ml"), api(Role.ENGINEERING_LEAD, "atlas")
    told = asked(lead, metric="gpu")
    assert [(one["at"][11:16], one["average"]) for one in told["results"]] == [
        ("00:00", 0.125), ("01:00", 0.25), ("02:00", 0.5),
    ]  # fmt: skip
    (day,) = asked(of_atlas, metric="gpu", granularity="day", device=CARD)["results"]
    assert (day["at"], day["minutes"], day["average"], day["node"]) == ("2026-06-01T00:00:00Z", 60, 0.5, "n1")
    page = asked(lead, page_size="4", page="2")
    assert (page["count"], len(page["results"])) == (6, 2)
    assert asked(lead, resource_id="i-1")["count"] == 6
    assert asked(lead, resource_id="i-2")["count"] == 0
    (gpu,) = of_atlas.get("/api/v1/gpus/", {"start": "2026-06-01", "end": "2026-06-01"}).json()["results"]
    assert (gpu["hours"], gpu["gpu"], gpu["holders"]) == (1, 0.5, ["atlas/sweep"])


def test_the_page_of_a_machine_draws_the_days_that_are_the_readers(shared: None) -> None:
    machine = Resource.objects.create(
        source="s", provider="AWS", resource_id="i-1", aliases=[], kind="machine", first_seen_at=DAY
    )

    def drawn(scope: Scope) -> str:
        told = use_of(machine, FIRST, scope=scope)
        assert told is not None
        return told.rows[0].average

    assert [drawn(scope) for scope in (ALL, ATLAS)] == ["47%", "50%"]


def test_days_are_what_their_hours_say_for_random_tenants(hours: Load, tenancy: Load) -> None:
    """Whole days come from days that are kept, others are made anew: both have to be what the hours alone give."""
    random = Random(7)
    Team.objects.create(slug="ml", name="ML")
    for slug in ("atlas", "borea"):
        Team.objects.create(slug=slug, name=slug)
    at_hours = [at for at in range(5 * 24) if random.random() > 0.1]
    busy = {at: hour(at, average=random.random(), minutes=float(random.randint(1, 60))) for at in at_hours}
    hours(*busy.values())
    changes = sorted({0, 24, 48, *random.sample(range(49, 120), 6), 120})
    holders = {at: random.choice(("ml", "atlas", "")) for span in pairwise(changes) for at in range(*span)}
    holders |= dict.fromkeys(range(24), "ml") | dict.fromkeys(range(24, 48), "atlas")
    tenancy(*[held(at, namespace=who, pod=f"{who}-0", minutes=busy[at]["minutes"]) for at, who in holders.items()
              if who and at in busy])  # fmt: skip

    for team in ("ml", "atlas", "borea"):
        expected = []
        for first in range(0, 120, 24):
            mine = [busy[at] for at in range(first, first + 24) if at in busy and holders[at] == team]
            minutes = sum(one["minutes"] for one in mine)
            if mine:
                mean = sum(one["average"] * one["minutes"] for one in mine) / minutes
                expected.append((pytest.approx(mean, rel=1e-5), minutes))
        assert [(one[0], one[3]) for one in days(Scope((team,)))] == expected
    assert len(days(ML)) > 1


Told = dict[tuple[str, str, int], dict[str, Any]]


def made_up(random: Random) -> tuple[Told, dict[tuple[str, int], list[str]]]:
    """Four days of three metrics of three GPUs with gaps, and who held each GPU in each hour, sometimes both teams."""
    told, holders = Told(), dict[tuple[str, int], list[str]]()
    for card in ("GPU-1", "GPU-2", "GPU-3"):
        who = random.choices((["ml"], ["atlas"], ["ml", "atlas"], []), k=8)
        holders |= {(card, at): who[at // 12] for at in range(4 * 24)}
        for metric, at in product(("gpu", "gpu_memory", "power_watts"), range(4 * 24)):
            if random.random() > 0.1:
                numbers = {name: random.randint(0, 64) / 64 for name in ("average", "p95", "maximum")}
                minutes = float(random.randint(1, 60))
                told[card, metric, at] = hour(at, device=card, metric=metric, minutes=minutes, **numbers)
    return told, holders


def mean(rows: list[dict[str, Any]]) -> float:
    """Their average, weighted by minutes."""
    return float(sum(row["average"] * row["minutes"] for row in rows) / sum(row["minutes"] for row in rows))


def test_the_list_and_the_heatmap_are_what_their_hours_say_for_random_tenants(hours: Load, tenancy: Load) -> None:
    for slug in ("ml", "atlas"):
        Team.objects.create(slug=slug, name=slug)
    told, holders = made_up(Random(11))
    hours(*told.values())
    tenancy(*[held(at, device=card, namespace=one, pod=f"{one}-0", share=Decimal(1) / len(who))
              for (card, at), who in holders.items() for one in who])  # fmt: skip

    for team in ("ml", "atlas"):
        mine = {key: row for key, row in told.items() if team in holders[key[0], key[2]]}
        for gpu in (found := fleet(WEEK, EVERY, costs=(), scope=Scope((team,)))):
            busy, memory, power = (
                [row for key, row in mine.items() if key[:2] == (gpu.device.device, metric)]
                for metric in ("gpu", "gpu_memory", "power_watts")
            )
            assert gpu.hours == pytest.approx(sum(row["minutes"] for row in busy) / 60)
            assert gpu.gpu_maximum == max(row["maximum"] for row in busy)
            averages = (gpu.gpu, gpu.gpu_memory, gpu.power_watts)
            assert averages == pytest.approx((mean(busy), mean(memory), mean(power)), rel=1e-5)
            assert gpu.gpu_memory_mib is None
        assert {gpu.device.device for gpu in found} == {card for card, _, _ in mine}
        for row in heatmap("gpu", FIRST, EVERY, scope=Scope((team,))).rows:
            seen = [mine.get((row.device, "gpu", at)) for at in range(24)]
            assert list(row.values) == [one and one["average"] for one in seen]


def test_a_day_of_a_machine_that_is_theirs_and_was_held_by_them_for_hours_counts_once(shared: None) -> None:
    assert days(Scope(("owner", "ml"))) == days(ALL)
    (gpu,) = fleet(FIRST, EVERY, scope=Scope(("owner", "ml")))
    assert gpu.hours == 4
    assert gpu.gpu == pytest.approx(1.875 / 4)


def test_hours_in_which_a_pod_had_no_part_or_no_time_are_not_its_teams(shared: None, tenancy: Load) -> None:
    for nothing in (held(3, share=Decimal(0)), held(3, minutes=0.0)):
        tenancy(nothing)
        assert cells(ML) == {0: 0.125, 1: 0.25, 2: 0.5}
        assert cells(ML, WEEK) == {0: pytest.approx(0.875 / 3)}


@pytest.mark.parametrize("granularity", Granularity)
def test_tenants_of_the_months_that_are_asked_for_are_read_and_no_others(
    shared: None, tenancy: Load, granularity: Granularity
) -> None:
    tenancy(held(30 * 24))
    told = facts(granularity, FIRST, list(Device.objects.values_list("pk", flat=True)), teams=["ml"])
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN SELECT * FROM {told.table} seen", told.parameters)
        plan = " ".join(line for (line,) in cursor.fetchall())
    assert "utilization_tenancy_202606" in plan
    assert "utilization_tenancy_202607" not in plan


def test_teams_cost_as_many_statements_for_many_gpus_as_for_one(shared: None, hours: Load, tenancy: Load) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as asked:
            numbers = list(Device.objects.values_list("pk", flat=True))
            assert len(heatmap("gpu", WEEK, EVERY, scope=ML).rows) == len(numbers)
            assert len(fleet(WEEK, EVERY, scope=ML)) == len(numbers)
            told = series(numbers, metrics=["gpu"], period=WEEK, granularity=Granularity.DAY, scope=ML)
            assert len(told) == len(numbers)
        return len(asked)

    one = statements()
    hours(*[hour(device=f"GPU-{number}") for number in range(2, SEVERAL)])
    tenancy(*[held(device=f"GPU-{number}") for number in range(2, SEVERAL)])
    assert statements() == one
