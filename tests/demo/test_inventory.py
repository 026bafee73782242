"""The inventory of the demo: what its bills name, with a little history, through the loader that everybody uses."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.db.models import Count

from apps.inventory.models import Resource, ResourceState
from apps.sources.models import Delivery
from tests.demo.database import UNTIL

pytestmark = pytest.mark.usefixtures("demo")


def states_of(name: str) -> list[tuple[date, str]]:
    states = ResourceState.objects.filter(resource__name=name).order_by("valid_from")
    return [(one.valid_from.date(), one.state) for one in states]


def test_almost_everything_that_exists_is_in_the_bills() -> None:
    """Whatever costs nothing in its first hours comes into the bills a day later."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM inventory_resource WHERE resource_id IN (SELECT resource_id FROM costs_chargekey)"
        )
        named = cursor.fetchone()[0]
    assert named == Resource.objects.count() > 500


def test_owners_are_those_of_the_bills() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM inventory_resource r"
            " JOIN inventory_resourcestate s ON s.resource_id = r.id AND s.is_latest"
            " JOIN costs_chargekey k ON k.resource_id = r.resource_id"
            " JOIN costs_chargegroup g ON g.id = k.group_id WHERE g.team <> s.team"
        )
        assert cursor.fetchone()[0] == 0


def test_machines_of_the_office_are_stopped_in_the_evening() -> None:
    assert states_of("gateway-staging-01") == [
        (UNTIL - timedelta(days=30), "running"), (UNTIL - timedelta(days=5), "stopped"),
    ]  # fmt: skip


def test_what_was_there_for_three_days_is_closed() -> None:
    closed = Resource.objects.exclude(closed_at=None).values_list("name", flat=True)
    assert {name for name in closed if not name.endswith("-disk")} == {
        f"vision-embed-burst-0{number}" for number in range(1, 7)
    }


def test_disks_hang_on_machines_but_those_that_do_not() -> None:
    disks = ResourceState.objects.filter(resource__kind="disk", valid_to=None)
    machines = set(Resource.objects.filter(kind="machine").values_list("resource_id", flat=True))
    assert disks.filter(state="unattached", parent_id="").count() == 14
    assert set(disks.filter(state="attached").values_list("parent_id", flat=True)) <= machines


def test_it_came_in_four_snapshots_that_stand_in_the_ledger() -> None:
    entries = Delivery.objects.filter(format="Resources").annotate(rejections=Count("rejected")).order_by("received_at")
    assert [entry.received_at.date() for entry in entries] == [UNTIL - timedelta(days=age) for age in (30, 12, 5, 0)]
    assert {(entry.status, entry.rejections) for entry in entries} == {("loaded", 0)}
