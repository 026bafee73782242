"""The API of utilisation: readings, GPUs with their cost, and the push of points."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.accounts.models import AuditEvent, Role, Team, TokenScope
from apps.utilization.models import DayFact, Device, HourFact, PushedPoint
from tests.costs.conftest import load, owned
from tests.utilization.conftest import CARD, DAY, Load, held, hour

Api = Callable[..., APIClient]
JUNE = {"start": "2026-06-01", "end": "2026-06-30"}
NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)


def point(minute: float = 0, value: float = 0.5, **told: Any) -> dict[str, Any]:
    at = NOW + timedelta(minutes=minute)
    return {"resource_id": "i-1", "device": CARD, "metric": "gpu", "at": at.isoformat(), "value": value} | told


def pushed(client: APIClient, *points: Any) -> Any:
    return client.post("/api/v1/utilization/", {"points": list(points)}, format="json")


def asked(client: APIClient, path: str, **parameters: str) -> Any:
    return client.get(f"/api/v1/{path}/", parameters)


def test_readings_are_listed_by_hour_and_by_day(api: Api, hours: Load) -> None:
    hours(hour(0, average=0.25, p95=0.5, maximum=0.75), hour(1, metric="power_watts", average=300.0))
    first, second = asked(api(), "utilization", **JUNE).json()["results"]

    assert first == {
        "source": "prom",
        "cluster": "c",
        "node": "n1",
        "resource_id": "i-1",
        "device": CARD,
        "metric": "gpu",
        "unit": "ratio",
        "signal": "DCGM_FI_PROF_SM_ACTIVE",
        "at": "2026-06-01T00:00:00Z",
        "minutes": 60.0,
        "average": 0.25,
        "p95": 0.5,
        "maximum": 0.75,
    }
    assert (second["metric"], second["at"]) == ("power_watts", "2026-06-01T01:00:00Z")
    days = asked(api(Role.ADMIN), "utilization", **JUNE, granularity="day", metric="gpu").json()
    assert [(one["at"], one["minutes"]) for one in days["results"]] == [("2026-06-01T00:00:00Z", 60.0)]


def test_readings_are_filtered_paged_and_those_of_other_teams_left_out(
    api: Api, hours: Load, tenancy: Load, django_assert_max_num_queries: Any
) -> None:
    hours(*[hour(at, device=device) for at in range(3) for device in (CARD, "GPU-2")])
    viewer = api()
    assert asked(viewer, "utilization", **JUNE, device=CARD).json()["count"] == 3
    assert asked(viewer, "utilization", **JUNE, resource_id="i-2").json()["count"] == 0
    assert asked(viewer, "utilization", start="2026-06-02", end="2026-06-02").json()["count"] == 0
    page = asked(viewer, "utilization", **JUNE, page_size="4", page="2").json()
    assert (page["count"], len(page["results"])) == (6, 2)
    with django_assert_max_num_queries(8):
        asked(viewer, "utilization", **JUNE)

    lead = api(Role.ENGINEERING_LEAD, "ml")
    assert asked(lead, "utilization", **JUNE).json()["count"] == 0
    tenancy(held())
    assert {one["device"] for one in asked(lead, "utilization", **JUNE).json()["results"]} == {CARD}


@pytest.mark.parametrize(
    ("path", "parameters", "field"),
    [
        ("utilization", {"metric": "gpus"}, "metric"),
        ("utilization", {"granularity": "minute"}, "granularity"),
        ("utilization", {"start": "2026-06-01"}, "end"),
        ("utilization", {"colour": "red"}, "colour"),
        ("gpus", {"colour": "red"}, "colour"),
        ("gpus", {"currency": "dollars"}, "currency"),
    ],
)
def test_a_parameter_that_cannot_be_used_is_named(api: Api, path: str, parameters: dict[str, str], field: str) -> None:
    answer = asked(api(), path, **parameters)
    assert answer.status_code == 400
    assert [one["field"] for one in answer.json()["errors"]] == [field]


def test_gpus_are_listed_with_their_use_their_holders_and_what_they_cost(api: Api, hours: Load, tenancy: Load) -> None:
    Team.objects.create(slug="ml", name="ML")
    load([owned(DAY.date(), "90.000000000000000001", resource_id="i-1")])
    hours(hour(0, average=0.5), hour(0, node="n2", resource_id="i-2", device="GPU-9"))
    tenancy(held())
    first, second = asked(api(), "gpus", **JUNE).json()["results"]

    assert (first["device"], first["gpu"], first["teams"], first["holders"]) == (CARD, 0.5, ["ml"], ["ml/train"])
    assert first["money"] == [
        {
            "currency": "USD",
            "cost": "90.000000000000000001",
            "cost_per_day": "3",
            "used": "45.000000000000000001",
            "idle": "45",
            "unallocated": "0",
        }
    ]
    assert first["unmatched"] is None
    assert (second["device"], second["money"], second["unmatched"]) == ("GPU-9", [], "not_billed")
    assert second["unmatched_detail"].startswith("No charge of this period names its machine.")
    lead = api(Role.ENGINEERING_LEAD, "ml")
    assert [one["device"] for one in asked(lead, "gpus", **JUNE).json()["results"]] == [CARD]
    assert asked(api(Role.ADMIN), "gpus", **JUNE, team="atlas").json()["count"] == 0


def test_pushed_points_of_an_hour_are_put_together_in_whatever_batches_they_come(api: Api, db: None) -> None:
    client = api(Role.ADMIN)
    assert pushed(client, point(0, 0.25), point(7, 0.75)).json() == {"points": 2, "hours": 1}
    assert pushed(client, point(50, 0.5), point(61, 1.0)).json() == {"points": 2, "hours": 2}

    first, second = HourFact.objects.order_by("hour")
    assert (first.average, first.maximum, first.minutes) == (0.5, 0.75, 15)
    assert first.points == [0.25, 0.75, *[None] * 8, 0.5, None]
    assert (second.average, second.minutes, second.signal) == (1, 5, "push")
    assert DayFact.objects.count() in (1, 2)  # the hours may lie on both sides of midnight
    assert Device.objects.get().source == "push"


def test_the_same_batch_again_changes_nothing_and_another_value_takes_the_place_of_the_first(api: Api) -> None:
    client = api(Role.ADMIN)
    batch = [point(0, 0.25), point(7, 0.75), point(7, 0.5)]
    pushed(client, *batch)
    before = list(HourFact.objects.values()), list(PushedPoint.objects.values())
    pushed(client, *batch)
    assert (list(HourFact.objects.values()), list(PushedPoint.objects.values())) == before
    assert HourFact.objects.get().average == 0.375

    pushed(client, point(7, 0.25))
    assert HourFact.objects.get().average == 0.25


def test_openmetrics_text_is_taken_as_well(api: Api) -> None:
    at = NOW.timestamp()
    text = (
        "# TYPE gpu gauge\n"
        f'gpu{{resource_id="i-1",device="{CARD}"}} 0.5 {at}\n'
        "# TYPE cpu gauge\n"
        f'cpu{{resource_id="i-1"}} 0.25 {at + 60}\n'
        "# EOF\n"
    )
    answer = api(Role.ADMIN).post(
        "/api/v1/utilization/", text, content_type="application/openmetrics-text; version=1.0.0; charset=utf-8"
    )
    assert answer.json() == {"points": 2, "hours": 2}
    assert set(HourFact.objects.values_list("device__device", "metric", "average")) == {(CARD, 1, 0.5), ("", 6, 0.25)}


@pytest.mark.parametrize(
    ("told", "field", "reason"),
    [
        ({"metric": "gpus"}, "points.1.metric", "is none of gpu, gpu_memory"),
        ({"value": 85}, "points.1.value", "is above 1, but gpu is a ratio"),
        ({"value": -1, "metric": "power_watts"}, "points.1.value", "has to be 0 or more"),
        ({"value": 10**400, "metric": "power_watts"}, "points.1.value", "has to be 0 or more"),
        ({"value": "0.5"}, "points.1.value", "has to be a number"),
        ({"value": True}, "points.1.value", "has to be a number"),
        ({"at": "2026-06-01T00:00:00"}, "points.1.at", "has to be a time with its zone"),
        ({"at": "yesterday"}, "points.1.at", "has to be a time with its zone"),
        ({"at": (NOW + timedelta(days=2)).isoformat()}, "points.1.at", "lies in the future"),
        ({"at": "2001-01-01T00:00:00Z"}, "points.1.at", "lies before"),
        ({"resource_id": ""}, "points.1.resource_id", "has to be a text that is not empty"),
        ({"resource_id": "i\x00"}, "points.1.resource_id", "has characters that cannot be printed"),
        ({"resource_id": "i" * 601}, "points.1.resource_id", "is longer than 600 characters"),
        ({"device": 7}, "points.1.device", "has to be a text"),
        ({"node": "n"}, "points.1.node", "is no field of a point"),
    ],
)
def test_one_point_that_cannot_be_taken_refuses_the_batch_and_names_its_row(
    api: Api, told: dict[str, Any], field: str, reason: str
) -> None:
    answer = pushed(api(Role.ADMIN), point(), point(5) | told)

    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert error["field"] == field
    assert error["detail"].startswith(reason)
    assert not HourFact.objects.exists()
    assert not AuditEvent.objects.filter(action="utilization.pushed").exists()


@pytest.mark.parametrize("body", [[], {}, {"points": "many"}, {"points": [1]}, {"points": [point()] * 10_001}])
def test_a_body_that_is_no_batch_is_refused(api: Api, body: Any) -> None:
    answer = api(Role.ADMIN).post("/api/v1/utilization/", body, format="json")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"].startswith("points")


def test_text_that_is_no_openmetrics_and_bodies_without_end_are_refused(api: Api) -> None:
    client = api(Role.ADMIN)
    kind = "application/openmetrics-text"
    for text in ("gpu 0.5", "# EOF\nmore", 'gpu{resource_id="i-1"} 0.5\n# EOF\n', b"\xff"):
        assert client.post("/api/v1/utilization/", text, content_type=kind).status_code == 400, text
    assert client.post("/api/v1/utilization/", b"x" * 4_000_001, content_type=kind).status_code == 413
    assert client.post("/api/v1/utilization/", "a", content_type="text/plain").status_code == 415


def test_points_of_an_hour_leave_the_next_hour_as_it_was(api: Api, db: None) -> None:
    caller = api(Role.ADMIN)
    pushed(caller, point(60, 0.25), point(90, 0.75))
    pushed(caller, point(30, 1.0))

    assert list(HourFact.objects.order_by("hour").values_list("average", "minutes")) == [(1.0, 5.0), (0.5, 10.0)]


def test_only_who_may_push_pushes_and_it_stands_in_the_audit_log(api: Api) -> None:
    for role in (Role.VIEWER, Role.FINANCE, Role.ENGINEERING_LEAD):
        answer = pushed(api(role), point())
        assert answer.status_code == 403
        assert answer.json()["detail"] == "Your role may not push utilisation."
    assert pushed(api(Role.ADMIN, "t", scope=TokenScope.READ), point()).status_code == 403

    pushed(api(Role.ADMIN), point(), point(5))
    event = AuditEvent.objects.get(action="utilization.pushed")
    assert event.after == {"points": 2, "hours": 1, "resources": 1}
    assert event.actor_name == "admin-"


def test_nothing_pushed_is_nothing_done(api: Api) -> None:
    assert pushed(api(Role.ADMIN)).json() == {"points": 0, "hours": 0}
