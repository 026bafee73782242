"""What exists in Oracle Cloud, asked compartment by compartment with signed requests."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from werkzeug.wrappers import Response

from apps.inventory.models import Resource
from apps.sources import connecting
from collectors.connections import Allowed
from collectors.errors import ProviderRefusedError, ProviderUnavailableError
from collectors.files import find_deliveries
from collectors.oci.inventory import OciInventory
from collectors.records import read_records
from collectors.resources import RESOURCES
from tests.oci import OTHER_REGION, PEM, REGION, SETTINGS, TENANCY, OciServer, error, oci, oci_for_all
from tests.sources.conftest import look_again, work

__all__ = ["oci", "oci_for_all"]
ML = "ocid1.compartment.oc1..ml"
DOMAIN = "fjrQ:EU-FRANKFURT-1-AD-1"


def item(kind: str, name: str, state: str, **said: Any) -> dict[str, Any]:
    """An item of a list."""
    shared = {"availabilityDomain": DOMAIN, "timeCreated": "2026-05-01T08:30:00.000Z", "displayName": name}
    return {"id": f"ocid1.{kind}.oc1.eu-frankfurt-1.{name}", "lifecycleState": state, **shared, **said}


@pytest.fixture
def estate(oci: OciServer) -> OciServer:
    """Instances and volumes of two compartments and two regions."""
    shape = {"ocpus": 64.0, "memoryInGBs": 2048.0, "gpus": 8, "gpuDescription": "NVIDIA A100", "vcpus": 128}
    tags = {"definedTags": {"Oracle-Tags": {"CreatedBy": "anna"}}, "freeformTags": {"team": "ml-platform"}}
    oci.compartments.append(ML)
    oci.add(
        "/instances",
        item("instance", "trainer", "RUNNING", shape="BM.GPU4.8", shapeConfig=shape, **tags),
        item("instance", "parked", "STOPPED", shape="VM.Standard.E4.Flex"),
        item("instance", "gone", "TERMINATED", shape="VM.Standard.E4.Flex"),
        compartment=ML,
    )
    oci.add("/instances", item("instance", "web", "PROVISIONING", shape="VM.Standard3.Flex"), region=OTHER_REGION)
    oci.add("/volumes", item("volume", "data", "AVAILABLE", sizeInGBs=500, vpusPerGB=10), compartment=ML)
    oci.add("/volumes", item("volume", "orphan", "AVAILABLE", sizeInGBs=50), compartment=ML)
    oci.add("/bootVolumes", item("bootvolume", "trainer-boot", "AVAILABLE", sizeInGBs=100), compartment=ML)
    trainer = {"instanceId": "ocid1.instance.oc1.eu-frankfurt-1.trainer", "availabilityDomain": DOMAIN}
    for path, kind, name, state in (
        ("/volumeAttachments", "volume", "data", "ATTACHED"),
        ("/volumeAttachments", "volume", "orphan", "DETACHED"),
        ("/bootVolumeAttachments", "bootVolume", "trainer-boot", "ATTACHED"),
    ):
        volume = {f"{kind}Id": f"ocid1.{kind.lower()}.oc1.eu-frankfurt-1.{name}"}
        oci.add(path, {"id": f"attachment-{name}", "lifecycleState": state, **trainer, **volume}, compartment=ML)
    return oci


def made(**settings: str) -> OciInventory:
    """A connection with the key of the tests."""
    secrets = OciInventory.Secrets.model_validate({"private_key": PEM})
    return OciInventory(OciInventory.Settings.model_validate({**SETTINGS, **settings}), secrets, Allowed())


def listed(folder: Path, **settings: str) -> pl.DataFrame:
    """What a fetch writes, as the importer reads it; nothing of it is rejected."""
    (found,) = find_deliveries([made(**settings).fetch("", folder, lambda _done, _total: None)])
    batches = list(read_records(found, RESOURCES))
    assert all(batch.rejected.is_empty() for batch in batches)
    return pl.concat(batch.records for batch in batches)


def test_instances_and_volumes_are_told_with_state_size_and_owner(estate: OciServer, tmp_path: Path) -> None:
    rows = listed(tmp_path)
    there = rows.drop_nulls("resource_id").select("resource_name", "kind", "size", "state", "region_id").rows()

    assert there == [
        ("trainer", "machine", "BM.GPU4.8", "running", REGION),
        ("parked", "machine", "VM.Standard.E4.Flex", "stopped", REGION),
        ("data", "disk", "500 GiB", "attached", REGION),
        ("orphan", "disk", "50 GiB", "unattached", REGION),
        ("trainer-boot", "disk", "100 GiB", "attached", REGION),
        ("web", "machine", "VM.Standard3.Flex", "starting", OTHER_REGION),
    ]
    trainer, data = (rows.filter(resource_name=name).row(0, named=True) for name in ("trainer", "data"))
    assert (trainer["provider"], trainer["sub_account_id"], trainer["sub_account_name"]) == ("Oracle", ML, "ml")
    assert set(rows.filter(resource_name="web")["sub_account_name"]) == {"northwind"}
    assert trainer["tags"] == '{"Oracle-Tags.CreatedBy":"anna","team":"ml-platform"}'
    assert '"gpus":8' in trainer["details"]
    assert data["parent_id"] == trainer["resource_id"]


def test_every_list_of_every_compartment_and_region_is_told_to_its_end(estate: OciServer, tmp_path: Path) -> None:
    ends = listed(tmp_path).filter(pl.col("resource_id").is_null())

    lists = [
        f"{region}/{compartment}/{name}"
        for region in (REGION, OTHER_REGION)
        for name in ("instances", "volumes", "bootVolumes")
        for compartment in (TENANCY, ML)
    ]
    assert ends["listing"].to_list() == lists


def test_regions_that_are_named_are_read_alone(estate: OciServer, tmp_path: Path) -> None:
    assert set(listed(tmp_path, regions=OTHER_REGION)["region_id"]) == {OTHER_REGION}


def test_without_the_name_of_the_tenancy_the_rest_is_listed_and_the_run_says_so(
    estate: OciServer, tmp_path: Path
) -> None:
    estate.denied.append(f"/20160918/tenancies/{TENANCY}")
    connection = made(regions=REGION)

    path = connection.fetch("", tmp_path, lambda _done, _total: None)

    assert "trainer" in path.read_text()
    (said,) = connection.warnings
    assert "inspect tenancies in tenancy" in said
    assert said.endswith("Until then the root compartment has no name.")


def test_a_region_that_has_a_fault_is_left_out_and_the_others_are_listed(
    estate: OciServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collectors.patience.PAUSE", 0.0)
    estate.spoils.append(
        lambda request: error(500, "InternalError")(request) if f"/iaas/{REGION}/" in request.path else None
    )
    connection = made()

    content = connection.fetch("", tmp_path, lambda _done, _total: None).read_text()

    assert f"{OTHER_REGION}/{ML}/instances" in content
    assert f"{REGION}/{ML}/instances" not in content
    (said,) = connection.warnings
    assert said.startswith("Oracle has a fault of its own")
    assert said.endswith(f"What follows in {REGION} is left out.")


def test_when_no_region_answers_the_look_is_put_off(
    estate: OciServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collectors.patience.PAUSE", 0.0)
    estate.spoils.append(lambda request: error(500, "InternalError")(request) if "/iaas/" in request.path else None)

    with pytest.raises(ProviderUnavailableError):
        made().fetch("", tmp_path, lambda _done, _total: None)


def test_what_may_not_be_read_is_a_warning_and_closes_nothing(estate: OciServer, tmp_path: Path) -> None:
    estate.denied.append("/20160918/volumeAttachments")
    connected = made(regions=REGION)
    path = connected.fetch("", tmp_path, lambda _done, _total: None)

    left_out = "Block volumes in eu-frankfurt-1 of 1 compartment are left out."
    assert list(connected.warnings) == [f"inspect volume-attachments in tenancy is missing: {left_out}"]
    assert f"{REGION}/{ML}/volumes" not in path.read_text()
    assert f"{REGION}/{ML}/bootVolumes" in path.read_text()


def test_a_user_who_may_read_nothing_is_refused_with_the_permission(estate: OciServer, tmp_path: Path) -> None:
    estate.denied += ["/20160918/instances", "/20160918/volumes", "/20160918/bootVolumes"]
    with pytest.raises(ProviderRefusedError, match="read instances in tenancy") as refused:
        listed(tmp_path)
    assert refused.value.permission == "inspect volumes in tenancy"

    estate.denied[:] = ["/20160918/compartments"]
    with pytest.raises(ProviderRefusedError, match="inspect compartments in tenancy"):
        listed(tmp_path)


def test_a_test_of_the_connection_tries_every_list(estate: OciServer) -> None:
    said = [(one.step, one.ok, one.says) for one in made().check()]

    assert said == [
        ("List the regions", True, "eu-frankfurt-1, us-ashburn-1"),
        ("List the compartments", True, "2 compartments"),
        ("Read compute instances", True, "0 in the root compartment, eu-frankfurt-1"),
        ("Read block volumes", True, "0 in the root compartment, eu-frankfurt-1"),
        ("Read boot volumes", True, "0 in the root compartment, eu-frankfurt-1"),
    ]


def test_too_many_requests_put_the_look_off_for_as_long_as_is_said(estate: OciServer, tmp_path: Path) -> None:
    estate.spoil(times=9, path="/volumes", answer=error(429, "TooManyRequests", **{"Retry-After": "9"}))
    with pytest.raises(ProviderUnavailableError, match="fewer requests"):
        listed(tmp_path)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (error(503, "ServiceUnavailable"), "a fault of its own"),
        (lambda _: Response('{"code": 1}', 200), "something else than a list"),
        (lambda _: Response('[{"id": ', 200), "something else than JSON"),
    ],
)
def test_a_list_that_cannot_be_had_now_is_left_out_and_closes_nothing(
    estate: OciServer, tmp_path: Path, answer: Any, said: str
) -> None:
    estate.spoil(times=9, path="/volumes", answer=answer)
    connection = made(regions=REGION)

    content = connection.fetch("", tmp_path, lambda _done, _total: None).read_text()

    (warning,) = connection.warnings
    assert said in warning
    read_to_the_end = {line.rpartition(",")[2] for line in content.splitlines()[1:]}
    assert f"{REGION}/{ML}/instances" in read_to_the_end
    assert not any(listing.startswith(REGION) and listing.endswith("/volumes") for listing in read_to_the_end)


@pytest.mark.django_db
@pytest.mark.usefixtures("home")
def test_the_whole_way_into_the_inventory(estate: OciServer) -> None:
    source = connecting.connect(
        name="oracle inventory",
        kind="oci-inventory",
        settings={**SETTINGS, "regions": ""},
        secrets={"private_key": PEM},
        months=1,
        actor=None,
    )
    assert [(run.status, run.error) for run in work(source)] == [("done", ""), ("done", "")]
    estate.items[REGION, ML, "/instances"].pop(0)
    assert [run.status for run in look_again(source)] == ["done", "done"]
    assert [one.name for one in Resource.objects.exclude(closed_at=None)] == ["trainer"]
    assert Resource.objects.filter(closed_at=None).count() == 5
