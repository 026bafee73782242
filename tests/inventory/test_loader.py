"""Snapshots into history: closed and never deleted, reopened, written only when something changed, and whole."""

import time
from datetime import datetime
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kombu.exceptions import OperationalError

from apps.accounts.models import Organisation, Team
from apps.accounts.signals import allocation_changed
from apps.core.errors import OutdatedError
from apps.inventory.models import Listing, Resource, ResourceState
from apps.inventory.owners import decide_owners
from apps.inventory.removal import remove_source
from apps.inventory.tasks import owners
from tests.inventory.conftest import Snapshot, after, load, machine

pytestmark = pytest.mark.django_db


def told(*names: str) -> list[tuple[Any, ...]]:
    """Columns of all states, in the order of resource and time."""
    return list(ResourceState.objects.order_by("resource__resource_id", "valid_from").values_list(*names))


def known_at(moment: datetime) -> dict[str, str]:
    """The state of everything that existed then, by the history."""
    states = ResourceState.objects.filter(valid_from__lte=moment).exclude(valid_to__lte=moment)
    found = list(states.values_list("resource__resource_id", "state"))
    assert len(found) == len(dict(found)), "a resource is in two states at once"
    return dict(found)


def test_a_resource_is_kept_with_everything_that_is_told_of_it(snapshot: Snapshot) -> None:
    created = after(-30)
    row = machine("i-1", created_at=created, tags={"team": "search"}, details={"vcpus": 2}, aliases=['arn:"a",{b}'])
    assert snapshot(row | {"parent_id": "asg-1", "listing": "machines"}) == 1
    one = Resource.objects.get()
    assert (one.source, one.provider, one.resource_id, one.kind) == ("aws-inventory", "AWS", "i-1", "machine")
    assert (one.aliases, one.created_at, one.listing) == (['arn:"a",{b}'], created, "machines")
    assert (one.first_seen_at, one.closed_at) == (after(0), None)
    state = one.states.get()
    assert (state.state, state.size, state.parent_id) == ("running", "m5.large", "asg-1")
    assert (state.tags, state.details, state.valid_from, state.valid_to) == (
        {"team": "search"}, {"vcpus": 2}, after(0), None,
    )  # fmt: skip


def test_a_snapshot_that_changes_nothing_writes_no_history(snapshot: Snapshot) -> None:
    snapshot(machine("i-1", tags={"a": "1", "b": "2"}))
    before = told("pk", "valid_from", "valid_to")
    snapshot(machine("i-1", tags={"b": "2", "a": "1"}), days=1)
    assert told("pk", "valid_from", "valid_to") == before
    assert Listing.objects.get().read_at == after(1)


@pytest.mark.parametrize(
    "change",
    [
        {"state": "stopped"},
        {"size": "m5.xlarge"},
        {"tags": {"team": "x"}},
        {"details": {"zone": "a"}},
        {"parent_id": "p"},
    ],
)
def test_whatever_changes_begins_a_new_state_where_the_old_one_ends(snapshot: Snapshot, change: dict[str, Any]) -> None:
    snapshot(machine("i-1"))
    snapshot(machine("i-1", **change), days=1)
    assert told("valid_from", "valid_to", "is_latest") == [(after(0), after(1), False), (after(1), None, True)]


def test_another_name_or_account_is_no_other_state(snapshot: Snapshot) -> None:
    snapshot(machine("i-1"))
    called = {"resource_name": "web", "sub_account_id": "9", "sub_account_name": "Nine"}
    snapshot(machine("i-1", **called, aliases=["arn"]), days=1)
    one = Resource.objects.get()
    assert (one.name, one.sub_account_id, one.sub_account_name, one.aliases) == ("web", "9", "Nine", ["arn"])
    assert one.states.count() == 1


def test_what_its_listing_has_no_longer_is_closed_and_what_comes_back_is_open_again(snapshot: Snapshot) -> None:
    snapshot(machine("i-1"), machine("i-2"))
    snapshot(machine("i-2"), days=1)
    assert Resource.objects.get(resource_id="i-1").closed_at == after(1)
    snapshot(machine("i-1"), machine("i-2"), days=2)
    assert Resource.objects.get(resource_id="i-1").closed_at is None
    assert told("resource__resource_id", "valid_from", "valid_to", "is_latest") == [
        ("i-1", after(0), after(1), False),
        ("i-1", after(2), None, True),
        ("i-2", after(0), None, True),
    ]


def test_listings_that_are_not_in_the_file_stay_as_they_are(snapshot: Snapshot) -> None:
    snapshot(machine("i-1", listing="eu"), machine("i-2", listing="us"))
    snapshot(machine("i-3", listing="us"), days=1)
    closed = Resource.objects.exclude(closed_at=None)
    assert [one.resource_id for one in closed] == ["i-2"]


def test_an_empty_listing_closes_all_that_was_in_it(snapshot: Snapshot) -> None:
    snapshot(machine("i-1", listing="eu"), machine("i-2", listing="us"))
    snapshot({"provider": "AWS", "listing": "eu"}, days=1)
    assert Resource.objects.get(closed_at=after(1)).resource_id == "i-1"


def test_a_resource_that_moves_to_another_listing_is_not_closed_by_its_old_one(snapshot: Snapshot) -> None:
    snapshot(machine("i-1", listing="eu"))
    snapshot(machine("i-1", listing="us"), days=1)
    snapshot({"provider": "AWS", "listing": "eu"}, days=2)
    assert Resource.objects.get().closed_at is None


def test_sources_do_not_close_what_others_tell_of(snapshot: Snapshot) -> None:
    snapshot(machine("i-1"), source="a")
    snapshot(machine("i-2"), source="b", days=1)
    assert not Resource.objects.exclude(closed_at=None).exists()


def test_of_a_resource_that_is_told_twice_the_last_row_counts(snapshot: Snapshot) -> None:
    snapshot(machine("i-1", state="running"), machine("i-1", state="stopped"))
    assert told("state") == [("stopped",)]


def test_the_same_delivery_may_be_loaded_again(snapshot: Snapshot) -> None:
    snapshot(machine("i-1"), delivery=7)
    snapshot(machine("i-1"), delivery=7)
    assert told("valid_from", "valid_to") == [(after(0), None)]


def test_an_older_snapshot_that_comes_late_is_refused_with_the_delivery_that_was_sooner(snapshot: Snapshot) -> None:
    snapshot(machine("i-1"), days=2, delivery=9)
    with pytest.raises(OutdatedError, match="Delivery 9, which came later, was loaded first"):
        snapshot(machine("i-1", state="stopped"), days=1)
    assert told("state") == [("running",)]


def test_two_snapshots_of_one_moment_cannot_both_be_true(snapshot: Snapshot) -> None:
    snapshot(machine("i-1"), delivery=9)
    with pytest.raises(OutdatedError, match="Delivery 9, which came later, was loaded first"):
        snapshot(machine("i-1", state="stopped"), delivery=10)
    assert told("state") == [("running",)]


def test_a_snapshot_of_which_rows_could_not_be_read_closes_nothing(snapshot: Snapshot) -> None:
    snapshot(machine("i-1"), machine("i-2"))
    snapshot(machine("i-1", state="stopped"), days=1, is_whole=False)
    assert told("resource__resource_id", "state", "valid_to") == [
        ("i-1", "running", after(1)), ("i-1", "stopped", None), ("i-2", "running", None),
    ]  # fmt: skip


def test_a_source_is_taken_out_with_its_history_and_others_stay(snapshot: Snapshot) -> None:
    snapshot(machine("i-1"))
    snapshot(machine("i-1", state="stopped"), days=1)
    snapshot(machine("i-2"), source="other")
    remove_source("aws-inventory")
    assert told("resource__source", "resource__resource_id") == [("other", "i-2")]
    assert list(Listing.objects.values_list("source", flat=True)) == ["other"]


def test_what_a_later_snapshot_of_another_listing_said_of_a_resource_stays(snapshot: Snapshot) -> None:
    snapshot(machine("i-1", listing="us", state="stopped"), days=2)
    snapshot(machine("i-1", listing="eu"), days=1)
    assert told("state", "valid_from", "valid_to") == [("stopped", after(2), None)]


def test_the_owner_is_the_team_of_the_tags_else_that_of_the_account(snapshot: Snapshot) -> None:
    Team.objects.create(slug="search", name="Search", tag_values=["suche"])
    Team.objects.create(slug="ops", name="Ops", sub_account_ids=["111122223333"])
    snapshot(
        machine("by-tag", tags={"Team": "SUCHE"}),
        machine("by-account", tags={"team": "nobody"}),
        machine("nobody", sub_account_id="9"),
    )
    assert told("resource__resource_id", "team") == [("by-account", "ops"), ("by-tag", "search"), ("nobody", "")]


def test_owners_are_decided_again_for_the_past_too_when_tag_keys_change(snapshot: Snapshot) -> None:
    Team.objects.create(slug="search", name="Search")
    snapshot(machine("i-1", tags={"owner": "search"}))
    snapshot(machine("i-1", tags={"owner": "search"}, state="stopped"), days=1)
    assert told("team") == [("",), ("",)]
    Organisation.objects.create(team_tag_keys=["owner"])
    decide_owners()
    assert told("team") == [("search",), ("search",)]


resources = st.sampled_from(["i-1", "i-2", "i-3"])
states = st.sampled_from(["running", "stopped"])
listings = st.dictionaries(st.sampled_from(["eu", "us"]), st.dictionaries(resources, states), max_size=2)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(snapshots=st.lists(listings, max_size=6))
def test_the_state_at_any_time_is_what_the_last_snapshot_said(
    snapshots: list[dict[str, dict[str, str]]],
) -> None:
    """A resource is in one listing at a time: its id says in which."""
    Resource.objects.all().delete()
    Listing.objects.all().delete()
    said: dict[str, dict[str, str]] = {}
    expected: list[dict[str, str]] = []
    for day, one in enumerate(snapshots):
        rows = [
            machine(f"{name}/{resource_id}", state=state, listing=name)
            for name, held in one.items()
            for resource_id, state in held.items()
        ]
        load(*rows, *({"provider": "AWS", "listing": name} for name in one), at=after(day))
        said |= {name: {f"{name}/{key}": state for key, state in held.items()} for name, held in one.items()}
        expected.append({key: state for held in said.values() for key, state in held.items()})
    for day, then in enumerate(expected):
        assert known_at(after(day)) == known_at(after(day + 0.5)) == then


def test_tens_of_thousands_of_resources_are_loaded_in_seconds(snapshot: Snapshot) -> None:
    rows = [
        machine(f"i-{number}", tags={"Name": f"web {number}"}, aliases=[f"arn:{number}"]) for number in range(20_000)
    ]
    took = []
    for day, some in enumerate((rows, rows, rows[::2])):
        began = time.monotonic()
        snapshot(*some, days=day)
        took.append(time.monotonic() - began)
    assert Resource.objects.filter(closed_at=None).count() == 10_000
    assert max(took) < 10, took  # about 2 s, 1 s and 1 s on two cores


def test_a_change_of_teams_decides_owners_again_also_without_a_worker(
    snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise OperationalError("no broker")

    monkeypatch.setattr(owners, "delay", refuse)
    snapshot(machine("i-1", tags={"team": "search"}))
    Team.objects.create(slug="search", name="Search")
    with patch("apps.costs.tasks.reallocate.delay"):
        allocation_changed.send(sender=Team)
    assert told("team") == [("search",)]
