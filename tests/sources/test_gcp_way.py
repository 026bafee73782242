"""What exists and what it costs in Google Cloud, the whole way: connected, collected, loaded, joined and gone."""

from decimal import Decimal

import pytest

from apps.accounts.scope import Scope
from apps.costs.models import ChargeKey
from apps.inventory import queries
from apps.inventory.models import Resource, ResourceState
from apps.pricing.models import Price
from apps.sources import connecting
from apps.sources.models import Source
from tests.gcp import NAME, GoogleServer, google, google_for_all, key
from tests.gcp_apis import COMPUTE, PARENT, api_error
from tests.sources.conftest import look_again, try_again, work
from tests.sources.gcp_assets import MACHINE, ML, NUMBER, URL, asset, project
from tests.sources.test_gcp_bigquery import usage
from tests.sources.test_gcp_prices import CORE, SPOT, rate, sku

__all__ = ["google", "google_for_all", "key"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("home")]

DISK = asset(
    f"{ML}/disks/photoshop-development",
    "compute.googleapis.com/Disk",
    id="5731447681477044785",
    status="READY",
    type=f"{URL}/diskTypes/pd-ssd",
    sizeGb="100",
    labels={"team": "ml-platform"},
)
BILLED = f"//compute.googleapis.com/projects/{NUMBER}/zones/europe-west4-a/disk/5731447681477044785"


def connect(kind: str, key: str, **settings: str) -> Source:
    """A connection of a kind."""
    return connecting.connect(name=kind, kind=kind, settings=settings, secrets={"key": key}, months=13, actor=None)


def test_what_exists_is_kept_with_its_history_and_closed_when_it_is_gone(google: GoogleServer, key: str) -> None:
    google.shelves.assets = [project(), MACHINE, DISK]
    source = connect("gcp-inventory", key, parent=PARENT)
    work(source)
    assert {run.status for run in source.runs.all()} == {"done"}
    assert set(Resource.objects.filter(closed_at=None).values_list("name", flat=True)) == {
        "trainer-1",
        "photoshop-development",
    }
    assert "unchanged" in {run.status for run in look_again(source)}
    assert ResourceState.objects.count() == 2

    stopped = {**MACHINE["resource"]["data"], "status": "TERMINATED"}
    google.shelves.assets = [project(), {**MACHINE, "resource": {**MACHINE["resource"], "data": stopped}}]
    look_again(source)
    states = ResourceState.objects.filter(resource__name="trainer-1").order_by("pk")
    assert [state.state for state in states] == ["running", "stopped"]
    assert Resource.objects.get(name="photoshop-development").closed_at is not None


def test_a_charge_finds_the_resource_that_it_is_for_by_the_name_on_the_bill(google: GoogleServer, key: str) -> None:
    google.shelves.assets = [project(), DISK]
    work(connect("gcp-inventory", key, parent=PARENT))
    google.export([usage("3", resource={"name": "photoshop-development", "global_name": BILLED})])
    work(connect("gcp-bigquery", key, table=NAME))

    charge = ChargeKey.objects.get()
    assert charge.resource_id == BILLED
    found = queries.by_ids([charge.resource_id], scope=Scope(None))
    assert Resource.objects.get(pk=found[BILLED]).name == "photoshop-development"
    assert charge.provider_name == Resource.objects.get().provider


def test_a_missing_permission_keeps_what_is_known_and_is_said(google: GoogleServer, key: str) -> None:
    google.shelves.assets = [project(), MACHINE]
    source = connect("gcp-inventory", key, parent=PARENT)
    work(source)
    google.spoil(times=99, path="/assets", answer=lambda _: api_error(403, "PERMISSION_DENIED", "No"))
    *_, run = look_again(source)

    assert run.status == "refused"
    assert "The permission cloudasset.assets.listResource is missing" in run.error
    assert Resource.objects.get().closed_at is None


def test_a_listing_that_breaks_off_changes_nothing_and_is_tried_again(google: GoogleServer, key: str) -> None:
    google.shelves.assets = [project(), MACHINE, DISK]
    source = connect("gcp-inventory", key, parent=PARENT)
    work(source)
    google.shelves.assets = [project(), MACHINE]
    google.spoil(times=3, path="Disk", answer=lambda _: api_error(500, "INTERNAL", "Oh"))
    assert look_again(source)[-1].status == "waiting"
    assert not Resource.objects.exclude(closed_at=None).exists()

    try_again(source)
    assert Resource.objects.exclude(closed_at=None).get().name == "photoshop-development"


def test_what_cannot_be_listed_is_a_warning_of_a_run_that_is_done(google: GoogleServer, key: str) -> None:
    google.shelves.assets = [project(), MACHINE]
    google.shelves.unknown_types = {"tpu.googleapis.com/Node"}
    source = connect("gcp-inventory", key, parent=PARENT)
    work(source)
    run = source.runs.exclude(name="").get()
    assert (run.status, run.error) == (
        "done",
        "Cloud Asset Inventory does not list tpu.googleapis.com/Node: what there is of it is not shown.",
    )


def test_a_price_that_changes_ends_and_a_new_one_begins(google: GoogleServer, key: str) -> None:
    google.shelves.services = {COMPUTE: "Compute Engine"}
    google.shelves.skus = {COMPUTE: [CORE, SPOT]}
    source = connect("gcp-prices", key)
    work(source)
    assert set(Price.objects.values_list("sku_id", "list_unit_price", "pricing_category")) == {
        ("AAAA-1", Decimal("0.040723"), "Standard"),
        ("BBBB-2", Decimal("0.009785"), "Dynamic"),
    }
    google.shelves.skus = {COMPUTE: [sku("AAAA-1", CORE["description"], rate("0", 50_000_000)), SPOT]}
    look_again(source)
    prices = Price.objects.filter(sku_id="AAAA-1").order_by("pk")
    assert [(price.list_unit_price, price.seen_until is None) for price in prices] == [
        (Decimal("0.040723"), False),
        (Decimal("0.05"), True),
    ]
    assert Price.objects.filter(sku_id="BBBB-2", seen_until=None).count() == 1
