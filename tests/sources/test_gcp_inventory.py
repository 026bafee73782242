"""Cloud Asset Inventory as what exists: how each type of asset is read."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from apps.sources.connections import connection
from tests.gcp import GoogleServer, google, google_for_all, key
from tests.gcp_apis import PARENT
from tests.sources.gcp_assets import MACHINE, ML, NUMBER, URL, asset, listed, project

__all__ = ["google", "google_for_all", "key"]

Listing = Callable[[dict[str, Any]], dict[str, Any]]


@pytest.fixture
def listing(google: GoogleServer, key: str, tmp_path: Path) -> Listing:
    """The row of an asset in the project northwind-ml."""

    def row(one: dict[str, Any]) -> dict[str, Any]:
        google.shelves.assets = [project(), one]
        (found,) = listed(key, tmp_path).drop_nulls("resource_id").to_dicts()
        return {**found, "details": json.loads(found["details"] or "{}")}

    return row


def test_a_machine_says_all_that_its_bill_and_its_owner_need(listing: Listing) -> None:
    row = listing(MACHINE)

    assert row["provider"] == "Google Cloud"
    assert (row["sub_account_id"], row["region_id"]) == ("northwind-ml", "europe-west4")
    assert row["sub_account_name"] == "Northwind ML"
    assert (row["kind"], row["resource_type"], row["size"]) == ("machine", "Compute Engine instance", "a2-highgpu-2g")
    assert (row["resource_name"], row["state"]) == ("trainer-1", "running")
    assert row["created_at"] == datetime(2026, 5, 2, 10, 4, 5, 678000, tzinfo=UTC)
    assert row["parent_id"] == f"{ML}/instanceGroupManagers/gke-pool"
    assert row["details"] == {
        "zone": "europe-west4-a",
        "provider_state": "RUNNING",
        "gpu_model": "nvidia-tesla-a100",
        "gpus": 2,
        "provisioning": "SPOT",
        "platform": "Intel Cascade Lake",
    }
    assert row["listing"] == f"{PARENT}/compute.googleapis.com/Instance"


def test_a_resource_has_the_labels_of_its_project_unless_it_has_its_own(
    google: GoogleServer, key: str, tmp_path: Path
) -> None:
    google.shelves.assets = [project(cost_centre="7", team="of the project"), MACHINE]
    (row,) = listed(key, tmp_path).filter(pl.col("resource_name") == "trainer-1").to_dicts()
    assert json.loads(row["tags"]) == {"cost_centre": "7", "team": "ml-platform"}


@pytest.mark.parametrize(
    "billed",
    [
        f"//compute.googleapis.com/projects/{NUMBER}/zones/europe-west4-a/instances/8234728347",
        f"//compute.googleapis.com/projects/{NUMBER}/zones/europe-west4-a/instance/8234728347",
        f"{ML}/instances/8234728347",
        f"//compute.googleapis.com/projects/{NUMBER}/zones/europe-west4-a/instances/trainer-1",
    ],
)
def test_the_names_that_bills_use_are_known(listing: Listing, billed: str) -> None:
    assert billed in json.loads(listing(MACHINE)["aliases"])


def test_the_name_of_a_disk_on_a_real_bill_is_known(listing: Listing) -> None:
    disk = asset(
        f"{ML}/disks/photoshop-development",
        "compute.googleapis.com/Disk",
        id="5731447681477044785",
        status="READY",
        type=f"{URL}/diskTypes/pd-ssd",
        sizeGb="100",
        users=[f"{URL}/instances/trainer-1"],
    )
    row = listing(disk)

    billed = f"//compute.googleapis.com/projects/{NUMBER}/zones/europe-west4-a/disk/5731447681477044785"
    assert billed in json.loads(row["aliases"])
    assert (row["size"], row["state"], row["parent_id"]) == ("pd-ssd 100 GiB", "attached", f"{ML}/instances/trainer-1")
    assert row["details"]["gib"] == 100


@pytest.mark.parametrize(
    ("kind", "state", "size", "data"),
    [
        ("compute.googleapis.com/Instance", "stopped", None, {"status": "TERMINATED"}),
        ("compute.googleapis.com/Instance", "stopped", None, {"status": "SUSPENDED"}),
        ("compute.googleapis.com/Instance", "starting", None, {"status": "STAGING"}),
        ("compute.googleapis.com/Instance", "unknown", None, {"status": "SOMETHING_NEW"}),
        (
            "compute.googleapis.com/Disk", "unattached", "pd-standard 10 GiB",
            {"status": "READY", "type": "x/pd-standard", "sizeGb": "10"},
        ),
        ("compute.googleapis.com/RegionDisk", "starting", None, {"status": "CREATING", "users": ["a"]}),
        ("compute.googleapis.com/Snapshot", "available", "50 GiB", {"status": "READY", "diskSizeGb": "50"}),
        (
            "compute.googleapis.com/Address", "unattached", "EXTERNAL",
            {"status": "RESERVED", "addressType": "EXTERNAL"},
        ),
        ("compute.googleapis.com/GlobalAddress", "attached", None, {"status": "IN_USE"}),
        ("compute.googleapis.com/InstanceGroupManager", "stopped", None, {"targetSize": 0}),
        ("compute.googleapis.com/InstanceGroupManager", "running", None, {"targetSize": 3}),
        ("container.googleapis.com/Cluster", "deleting", None, {"status": "STOPPING"}),
        (
            "container.googleapis.com/NodePool", "running", "g2-standard-4",
            {"status": "RECONCILING", "config": {"machineType": "g2-standard-4"}},
        ),
        ("aiplatform.googleapis.com/Endpoint", "stopped", None, {"displayName": "x"}),
        (
            "notebooks.googleapis.com/Instance", "running", "n1-standard-4",
            {"state": "ACTIVE", "machineType": "projects/p/zones/z/n1-standard-4"},
        ),
        (
            "notebooks.googleapis.com/Instance", "running", "n1-standard-8",
            {"state": "ACTIVE", "gceSetup": {"machineType": "n1-standard-8"}},
        ),
        ("aiplatform.googleapis.com/NotebookRuntime", "stopped", None, {"runtimeState": "STOPPED"}),
        (
            "sqladmin.googleapis.com/Instance", "stopped", None,
            {"state": "RUNNABLE", "settings": {"activationPolicy": "NEVER"}},
        ),
        (
            "sqladmin.googleapis.com/Instance", "running", "db-f1-micro",
            {"state": "RUNNABLE", "settings": {"activationPolicy": "ALWAYS", "tier": "db-f1-micro"}},
        ),
        (
            "run.googleapis.com/Service", "running", None,
            {"status": {"conditions": [{"type": "Ready", "status": "True"}]}},
        ),
        ("cloudfunctions.googleapis.com/Function", "running", None, {"state": "ACTIVE"}),
        ("tpu.googleapis.com/Node", "running", "v4-8", {"state": "READY", "acceleratorType": "v4-8"}),
        ("storage.googleapis.com/Bucket", "available", "STANDARD", {"storageClass": "STANDARD"}),
    ],
)  # fmt: skip
def test_states_and_sizes_of_each_type(
    listing: Listing, kind: str, state: str, size: str | None, data: dict[str, Any]
) -> None:
    row = listing(asset("//any.googleapis.com/projects/northwind-ml/things/a", kind, **data))
    assert (row["state"], row["size"]) == (state, size)


def test_an_endpoint_tells_its_machines_and_gpus_and_a_node_pool_its_cluster(
    google: GoogleServer, key: str, tmp_path: Path
) -> None:
    machine = {"machineType": "g2-standard-12", "acceleratorType": "NVIDIA_L4", "acceleratorCount": 1}
    endpoint = asset(
        f"//aiplatform.googleapis.com/projects/{NUMBER}/locations/europe-west4/endpoints/5551",
        "aiplatform.googleapis.com/Endpoint",
        "europe-west4",
        displayName="ranker",
        labels={"team": "search"},
        createTime="2026-06-01T00:00:00.123456Z",
        deployedModels=[
            {
                "id": "1",
                "model": "projects/1/models/7",
                "dedicatedResources": {"machineSpec": machine, "minReplicaCount": 2},
            }
        ],
    )
    pool = asset(
        "//container.googleapis.com/projects/northwind-ml/locations/europe-west4/clusters/ml/nodePools/gpu",
        "container.googleapis.com/NodePool",
        "europe-west4",
        status="RUNNING",
        config={
            "machineType": "a2-highgpu-1g",
            "accelerators": [{"acceleratorCount": "1", "acceleratorType": "nvidia-tesla-a100"}],
            "spot": True,
        },
        autoscaling={"enabled": True, "minNodeCount": 0, "maxNodeCount": 8},
    )
    google.shelves.assets += [project(), endpoint, pool]
    rows = {row["kind"]: row for row in listed(key, tmp_path).drop_nulls("resource_id").to_dicts()}

    assert rows["endpoint"]["resource_id"] == endpoint["name"].replace(NUMBER, "northwind-ml")
    assert endpoint["name"] in json.loads(rows["endpoint"]["aliases"])
    assert (rows["endpoint"]["resource_name"], rows["endpoint"]["state"]) == ("ranker", "running")
    assert json.loads(rows["endpoint"]["details"]) == {
        "model": "7", "gpu_model": "NVIDIA_L4", "gpus_per_replica": 1, "min_replicas": 2,
    }  # fmt: skip
    assert rows["node_group"]["parent_id"] == pool["name"].partition("/nodePools/")[0]
    assert json.loads(rows["node_group"]["details"]) == {
        "autoscaling": True, "gpu_model": "nvidia-tesla-a100", "gpus_per_node": 1, "max_nodes": 8, "min_nodes": 0,
        "provider_state": "RUNNING", "spot": True,
    }  # fmt: skip


def test_a_bucket_names_no_project_and_is_known_by_its_bill(listing: Listing) -> None:
    bucket = asset("//storage.googleapis.com/nw-data", "storage.googleapis.com/Bucket", "EU", timeCreated="2026-01-01")
    row = listing(bucket)

    assert (row["sub_account_id"], row["region_id"]) == ("northwind-ml", "eu")
    assert f"//storage.googleapis.com/projects/{NUMBER}/buckets/nw-data" in json.loads(row["aliases"])
    assert row["created_at"] == datetime(2026, 1, 1, tzinfo=UTC)


def test_every_type_that_was_listed_says_that_it_ended(google: GoogleServer, key: str, tmp_path: Path) -> None:
    ends = listed(key, tmp_path).filter(pl.col("resource_id").is_null())
    assert len(ends) == len(set(ends["listing"])) >= 15
    assert f"{PARENT}/compute.googleapis.com/Disk" in set(ends["listing"])


def test_pages_are_followed_and_the_same_assets_in_another_order_are_the_same_file(
    google: GoogleServer, key: str, tmp_path: Path
) -> None:
    machines = [{**MACHINE, "name": f"{ML}/instances/m{number}"} for number in range(5)]
    files = []
    for number, order in enumerate((machines, machines[::-1])):
        folder = tmp_path / str(number)
        folder.mkdir()
        google.shelves.assets = [project(), *order]
        assert listed(key, folder).drop_nulls("resource_id").height == 5
        files.append((folder / "resources.csv").read_bytes())
    assert files[0] == files[1]


def test_a_type_that_google_does_not_list_is_a_warning_and_says_nothing_about_it(
    google: GoogleServer, key: str, tmp_path: Path
) -> None:
    google.shelves.assets = [project(), MACHINE]
    google.shelves.unknown_types = {"tpu.googleapis.com/Node"}
    made = connection("gcp-inventory", {"parent": PARENT}, {"key": key})
    path = made.fetch(f"assets://{PARENT}", tmp_path, lambda *_: None)

    assert list(made.warnings) == [
        "Cloud Asset Inventory does not list tpu.googleapis.com/Node: what there is of it is not shown."
    ]
    said = path.read_text()
    assert "trainer-1" in said
    assert "tpu.googleapis.com" not in said
