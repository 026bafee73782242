"""Assets of Google Cloud in the shapes that Cloud Asset Inventory was recorded with, and how the tests list them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from apps.sources.connections import connection
from collectors.connections import Window
from collectors.files import find_deliveries
from collectors.records import read_records
from collectors.resources import RESOURCES
from tests.gcp_apis import PARENT

NUMBER = "441570621172"
ML = "//compute.googleapis.com/projects/northwind-ml/zones/europe-west4-a"
URL = "https://www.googleapis.com/compute/v1/projects/northwind-ml/zones/europe-west4-a"


def asset(name: str, kind: str, location: str = "europe-west4-a", /, **data: Any) -> dict[str, Any]:
    """An asset as Cloud Asset Inventory lists it."""
    return {
        "name": name,
        "assetType": kind,
        "resource": {"version": "v1", "data": data, "location": location, "parent": f"//cloudresourcemanager/{NUMBER}"},
        "ancestors": [f"projects/{NUMBER}", PARENT],
        "updateTime": "2026-06-04T06:00:00Z",
    }


def project(number: str = NUMBER, name: str = "northwind-ml", **labels: str) -> dict[str, Any]:
    """A project."""
    return asset(
        f"//cloudresourcemanager.googleapis.com/projects/{number}",
        "cloudresourcemanager.googleapis.com/Project",
        "global",
        projectId=name,
        projectNumber=number,
        name=name.replace("northwind-ml", "Northwind ML"),
        labels=labels,
        lifecycleState="ACTIVE",
    )


MACHINE = asset(
    f"{ML}/instances/trainer-1",
    "compute.googleapis.com/Instance",
    id="8234728347",
    name="trainer-1",
    status="RUNNING",
    machineType=f"{URL}/machineTypes/a2-highgpu-2g",
    creationTimestamp="2026-05-02T03:04:05.678-07:00",
    labels={"team": "ml-platform"},
    guestAccelerators=[{"acceleratorType": f"{URL}/acceleratorTypes/nvidia-tesla-a100", "acceleratorCount": 2}],
    scheduling={"provisioningModel": "SPOT", "automaticRestart": False},
    cpuPlatform="Intel Cascade Lake",
    metadata={
        "items": [
            {"key": "startup-script", "value": "echo"},
            {"key": "created-by", "value": f"projects/{NUMBER}/zones/europe-west4-a/instanceGroupManagers/gke-pool"},
        ]
    },
)


def listed(key: str, folder: Path, parent: str = PARENT) -> pl.DataFrame:
    """What is fetched, read as the importer reads it; its rows in the order of the file."""
    made = connection("gcp-inventory", {"parent": parent}, {"key": key})
    (remote,) = made.remote(Window(datetime.now(UTC).date()))
    path = made.fetch(remote.address, folder, lambda *_: None)
    (found,) = find_deliveries([path], root=folder)
    batches = list(read_records(found, RESOURCES))
    assert not any(len(batch.rejected) for batch in batches)
    return pl.concat(batch.records for batch in batches)
