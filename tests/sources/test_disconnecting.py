"""What a source leaves behind: what was stays, what it said of now ends; and how many records it brought."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from apps.accounts.models import AuditEvent, Role
from apps.inventory import loader
from apps.inventory.models import Resource, ResourceState
from apps.pricing.models import Price
from apps.sources import connecting, runs, wording
from apps.sources.models import Delivery, Run, Source
from collectors.connections import BRINGS, KINDS, RemoteDelivery, Window
from tests.sources.conftest import Import, look_again, work
from tests.sources.snapshots import Snapshots
from tests.web.conftest import browser_of, person

__all__ = ["browser_of", "person"]
pytestmark = pytest.mark.django_db
END = {"provider": "AWS", "listing": "eu-central-1"}


def machine(name: str) -> dict[str, object]:
    return {"provider": "AWS", "resource_id": name, "kind": "machine", "state": "running", "listing": "eu-central-1"}


@pytest.fixture
def said(tmp_path: Path) -> Path:
    """What the source says, for a test to write."""
    path = tmp_path / "said.json"
    path.write_text(json.dumps({"resources": [machine("i-1"), machine("i-2"), END], "warnings": []}))
    return path


@pytest.fixture
def source(home: Path, said: Path, monkeypatch: pytest.MonkeyPatch) -> Source:
    """A connection to two machines, which have been collected."""
    monkeypatch.setitem(KINDS, "snapshots", "tests.sources.snapshots:Snapshots")
    settings = {"path": str(said)}
    made = connecting.connect(name="inventory", kind="snapshots", settings=settings, secrets={}, actor=None)
    work(made)
    return made


def test_the_ledger_counts_resources_and_not_the_ends_of_their_lists(source: Source, said: Path) -> None:
    entry, run = Delivery.objects.get(), source.runs.latest("pk")
    assert (entry.rows_read, entry.rows_loaded, run.rows) == (2, 2, 2)
    assert entry.files.get().rows_read == 3  # as the file has them: by that rejected rows are found

    said.write_text(json.dumps({"resources": [END], "warnings": []}))
    look_again(source)

    entry = Delivery.objects.latest("pk")
    assert (entry.status, entry.rows_read, entry.rows_loaded) == ("loaded", 0, 0)
    assert not Resource.objects.filter(closed_at=None).exists()


def test_resources_and_list_prices_end_with_the_connection_and_their_history_stays(
    source: Source, import_bills: Import, tmp_path: Path, person: Any
) -> None:
    prices = tmp_path / "prices.csv"
    prices.write_text(
        "provider,sku_id,list_unit_price,pricing_unit,pricing_currency\nAWS,a,1.5,Hours,USD\nAWS,b,2,Hours,USD\n"
    )
    import_bills(prices, "--source", "inventory")
    import_bills(prices, "--source", "another")

    connecting.disconnect(source, actor=person(Role.ADMIN))

    assert Resource.objects.filter(closed_at=None).count() == ResourceState.objects.filter(valid_to=None).count() == 0
    assert ResourceState.objects.filter(is_latest=True).count() == Resource.objects.count() == 2
    current = Price.objects.filter(seen_until=None)
    assert set(current.values_list("list__source", flat=True)) == {"another"}
    assert Price.objects.filter(list__source="inventory").count() == 2
    assert AuditEvent.objects.get(action="source.disconnected").after == {"resources_ended": 2, "prices_ended": 2}


def test_what_is_connected_again_under_its_name_is_open_again(source: Source, person: Any) -> None:
    settings = dict(source.settings)
    connecting.disconnect(source, actor=person(Role.ADMIN))

    again = connecting.connect(name="inventory", kind="snapshots", settings=settings, secrets={}, actor=None)
    work(again)

    assert Resource.objects.filter(closed_at=None).count() == 2
    assert ResourceState.objects.count() == 4


def test_the_page_says_what_stays_of_each_record_set(source: Source, browser_of: Any) -> None:
    assert set(wording.LEFT) == set(BRINGS)
    admin = browser_of(Role.ADMIN)
    page = admin.get(f"/sources/{source.pk}/").content.decode()
    assert "Its resources are closed; their history stays." in page
    answer = admin.post(f"/sources/{source.pk}/disconnect/", follow=True).content.decode()
    assert "its credentials are erased. Its resources are closed; their history stays." in answer


def _open() -> set[str]:
    return set(Resource.objects.filter(closed_at=None).values_list("resource_id", flat=True))


@pytest.mark.django_db(transaction=True)
def test_who_disconnects_waits_for_what_is_just_being_loaded_and_closes_it_too(
    source: Source, said: Path, person: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin, replace = person(Role.ADMIN), loader.replace

    def disconnect() -> None:
        connecting.disconnect(source, actor=admin)
        connection.close()

    elsewhere = threading.Thread(target=disconnect)

    def replace_while_somebody_disconnects(*arguments: Any, **words: Any) -> int:
        elsewhere.start()
        elsewhere.join(1)
        return replace(*arguments, **words)

    monkeypatch.setattr(loader, "replace", replace_while_somebody_disconnects)
    said.write_text(json.dumps({"resources": [machine("i-3"), END], "warnings": []}))
    look_again(source)
    elsewhere.join()

    assert (Resource.objects.count(), _open()) == (3, set())
    assert not source.runs.filter(status__in=Run.OPEN).exists()
    assert not source.runs.exclude(place="").exists()


def test_a_look_that_was_going_on_queues_nothing_for_a_source_that_is_disconnected(
    source: Source, person: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = person(Role.ADMIN)

    def remote(_: Snapshots, __: Window) -> Iterator[RemoteDelivery]:
        yield RemoteDelivery("resources", "snapshots://", "")
        connecting.disconnect(source, actor=admin)

    monkeypatch.setattr(Snapshots, "remote", remote)
    runs.queue_look(source, since=runs.months_back(source.created_at.date(), 1), actor=None)
    work(source)

    assert [run.status for run in source.runs.order_by("pk")][-1] == "cancelled"
    assert not source.runs.filter(status__in=Run.OPEN).exists()
