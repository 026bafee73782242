"""Files that are no bills: imported, uploaded and collected the same way, into the tables of their own."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from apps.accounts.models import AuditEvent, Role
from apps.inventory.models import Listing, Resource, ResourceState
from apps.sources import connecting, tasks
from apps.sources.models import Delivery, RejectedRow, Source
from collectors.connections import KINDS
from tests.sources.conftest import Import, look_again, work
from tests.sources.snapshots import Snapshots
from tests.web.conftest import browser_of, person

__all__ = ["browser_of", "person"]
pytestmark = pytest.mark.django_db
HEADER = "provider,resource_id,kind,state\n"


@pytest.fixture
def csv(tmp_path: Path) -> Callable[..., Path]:
    """Writes a csv of resources: id and state of each."""

    def write(*rows: tuple[str, str], name: str = "resources.csv") -> Path:
        path = tmp_path / name
        path.write_text(HEADER + "".join(f"AWS,{one},machine,{state}\n" for one, state in rows))
        return path

    return write


@pytest.fixture
def source(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Source:
    """A connection to a file of resources, not looked at yet."""
    monkeypatch.setitem(KINDS, "snapshots", "tests.sources.snapshots:Snapshots")
    tell(tmp_path)
    settings = {"path": str(tmp_path / "said.json")}
    return connecting.connect(name="inventory", kind="snapshots", settings=settings, secrets={}, actor=None)


def tell(folder: Path, *rows: tuple[str, str], warnings: tuple[str, ...] = ()) -> None:
    """Have the source say this from now on."""
    resources: list[dict[str, object]] = [
        {"provider": "AWS", "resource_id": one, "kind": "machine", "state": state} for one, state in rows
    ]
    said = {"resources": resources or [{"provider": "AWS", "listing": "none"}], "warnings": warnings}
    (folder / "said.json").write_text(json.dumps(said))


def states() -> dict[str, str]:
    """What exists now, and its state."""
    now = ResourceState.objects.filter(valid_to=None)
    return dict(now.values_list("resource__resource_id", "state"))


def test_a_csv_of_resources_is_imported_and_told_in_the_words_of_a_bill(csv: Any, import_bills: Import) -> None:
    (line,) = import_bills(csv(("i-1", "running"), ("i-2", "stopped")))
    told = (
        "format",
        "status",
        "rows_read",
        "rows_loaded",
        "rows_rejected",
        "billing_periods",
        "billed_cost",
        "currency",
    )
    assert [line[name] for name in told] == ["Resources", "loaded", 2, 2, 0, [], None, None]
    assert states() == {"i-1": "running", "i-2": "stopped"}
    assert Resource.objects.get(resource_id="i-1").source == "files"
    entry = Delivery.objects.get()
    assert (entry.files.get().rows_read, Listing.objects.get().delivery_id) == (2, entry.pk)
    assert AuditEvent.objects.filter(action="delivery.loaded", target=f"delivery:{entry.pk}").exists()


def test_rows_that_cannot_be_read_are_kept_with_their_reason_and_the_others_loaded(
    csv: Any, import_bills: Import
) -> None:
    import_bills(csv(("i-1", "stopped"), ("i-2", "stopped")))
    (line,) = import_bills(csv(("i-1", "running"), ("i-2", "on fire")), exit_code=1)
    assert (line["status"], line["rows_loaded"], line["rows_rejected"]) == ("loaded", 1, 1)
    assert states() == {"i-1": "running", "i-2": "stopped"}
    row = RejectedRow.objects.get()
    assert (row.row, row.column, row.billed_cost) == (2, "state", 0)
    assert row.reason.startswith("is none of running, stopped")
    assert not line["reconciled"]


def test_a_file_of_which_no_row_can_be_read_closes_nothing(csv: Any, import_bills: Import) -> None:
    import_bills(csv(("i-1", "running")))
    (line,) = import_bills(csv(("i-1", "on fire")), exit_code=1)
    assert line["status"] == "rejected"
    assert states() == {"i-1": "running"}


def test_the_same_file_again_is_unchanged_and_an_older_one_is_not_loaded_unless_forced(
    csv: Any, import_bills: Import
) -> None:
    first, second = csv(("i-1", "running"), name="a.csv"), csv(("i-1", "stopped"), name="b.csv")
    assert [import_bills(path)[0]["status"] for path in (first, second, second, first)] == [
        "loaded", "loaded", "unchanged", "unchanged",
    ]  # fmt: skip
    assert states() == {"i-1": "stopped"}
    assert import_bills(first, "--force")[0]["status"] == "loaded"
    assert states() == {"i-1": "running"}


def test_what_came_later_and_was_loaded_sooner_stands(csv: Any, import_bills: Import) -> None:
    import_bills(csv(("i-1", "running")))
    Listing.objects.update(read_at=timezone.now() + timedelta(hours=1))
    (line,) = import_bills(csv(("i-1", "stopped")), exit_code=1)
    assert line["status"] == "rejected"
    assert "which came later, was loaded first" in line["error"]


def test_an_unknown_column_is_refused_with_those_that_there_are(tmp_path: Path, import_bills: Import) -> None:
    (tmp_path / "odd.csv").write_text("provider,resource_id,kind,colour\nAWS,i-1,machine,red\n")
    (line,) = import_bills(tmp_path / "odd.csv", exit_code=1)
    assert line["status"] == "rejected"
    assert "Resources have no column 'colour'" in line["error"]


def test_an_upload_of_resources_is_loaded(browser_of: Callable[..., Client], home: Path, csv: Any) -> None:
    content = csv(("i-1", "running")).read_bytes()
    client = browser_of(Role.FINANCE)
    client.post("/sources/upload/", {"source": "files", "files": SimpleUploadedFile("resources.csv", content)})
    entry = Delivery.objects.get()
    tasks.load_upload(entry.pk)
    page = client.get(f"/sources/deliveries/{entry.pk}/")
    assert states() == {"i-1": "running"}
    assert "Resources" in page.content.decode()
    assert "Reconciled" not in page.content.decode()
    assert "Replaced" not in page.content.decode()


def test_snapshots_are_loaded_when_they_differ_from_the_last_one_even_if_they_were_seen_before(
    source: Source, tmp_path: Path
) -> None:
    outcomes = []
    for state in ("running", "stopped", "running", "running"):
        tell(tmp_path, ("i-1", state))
        outcomes.append([run.status for run in look_again(source) if run.name])
    assert outcomes == [["done"], ["done"], ["done"], ["unchanged"]]
    assert list(ResourceState.objects.order_by("valid_from").values_list("state", flat=True)) == [
        "running", "stopped", "running",
    ]  # fmt: skip


def test_what_could_not_be_listed_is_told_with_what_could(
    source: Source, tmp_path: Path, browser_of: Callable[..., Client]
) -> None:
    tell(tmp_path, ("i-1", "running"), warnings=("sagemaker:ListEndpoints is missing in eu-west-1.",))
    run = work(source)[-1]
    assert (run.status, run.error) == ("done", "sagemaker:ListEndpoints is missing in eu-west-1.")
    client = browser_of(Role.ADMIN)
    page = client.get(f"/sources/{source.pk}/").content.decode()
    assert "Not everything could be read.</b> sagemaker:ListEndpoints is missing in eu-west-1." in page
    assert "Not everything could be read" in client.get("/sources/").content.decode()
    answer = client.get(f"/api/v1/sources/{source.pk}/").json()
    assert (answer["warning"], answer["error"], answer["state"]) == (run.error, "", "healthy")
    tell(tmp_path, ("i-1", "stopped"))
    assert look_again(source)[-1].error == ""
    assert client.get(f"/api/v1/sources/{source.pk}/").json()["warning"] == ""


def test_a_source_without_bills_has_the_rhythm_of_its_kind_and_no_months(
    source: Source, browser_of: Callable[..., Client]
) -> None:
    assert source.refresh_hours == Snapshots.refresh_hours
    work(source)
    client = browser_of(Role.ADMIN)
    page = client.get(f"/sources/{source.pk}/").content.decode()
    assert "Look further back" not in page
    assert "Billing periods" not in page
    form = client.get("/sources/connect/snapshots/").content.decode()
    assert '<option value="1" selected>Every hour</option>' in form
    assert "Months to begin with" not in form
    assert "Months to begin with" in client.get("/sources/connect/folder/").content.decode()


def test_who_connects_may_choose_another_rhythm(
    source: Source, browser_of: Callable[..., Client], tmp_path: Path
) -> None:
    fields = {"path": str(tmp_path / "said.json"), "refresh_hours": "3", "name": "another", "do": "save"}
    browser_of(Role.ADMIN).post("/sources/connect/snapshots/", fields)
    assert Source.objects.get(name="another").refresh_hours == 3
