"""Files of any format in a container: bills and what exists, grouped as in a folder, signed in in every way."""

from decimal import Decimal

import pytest
from werkzeug.wrappers import Request

from apps.inventory.models import Resource
from apps.sources import connecting
from apps.sources.models import Delivery, Source
from tests.azure import PATH, SAS, SECRET, AzureServer, azure, azure_for_all, error
from tests.shared import BILLING, expected_totals
from tests.sources.azure import APPLICATION, SETTINGS
from tests.sources.conftest import focus, look_again, try_again, work
from tests.sources.totals import stored

__all__ = ["azure", "azure_for_all"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("home")]
GUID, LATER = "aaaaaaaa-1111-2222-3333-444444444444", "bbbbbbbb-1111-2222-3333-444444444444"
VARIANTS = sorted(path.name for path in (BILLING / "azure-variants").glob("*.csv") if path.name != "BOM.csv")


def connect(secrets: dict[str, str] | None = None, **settings: str) -> Source:
    """A connection to the container of the tests, by SAS unless it says otherwise."""
    return connecting.connect(
        name="azure files",
        kind="azure-files",
        settings={**SETTINGS, **settings},
        secrets={"sas": SAS} if secrets is None else secrets,
        months=13,
        actor=None,
    )


def test_bills_and_what_exists_lie_side_by_side(azure: AzureServer) -> None:
    azure.put(f"{PATH}/june.csv", focus("1", "2"))
    azure.put(f"{PATH}/more/july.csv", focus("4", month="2026-07"))
    azure.put(f"{PATH}/machines.csv", b"provider,resource_id,kind,name\n")
    azure.put(f"{PATH}/what-exists.csv", b"provider,resource_id,kind,tags.team\nNorthwind,rack-7,machine,search\n")
    azure.put(f"{PATH}/notes.txt", b"nothing to import")
    azure.put("elsewhere/august.csv", focus("1000", month="2026-08"))
    _, *fetched = work(connect())

    assert {run.name: run.status for run in fetched} == {
        "june.csv": "done",
        "more/july.csv": "done",
        "what-exists.csv": "done",
        "machines.csv": "refused",
    }
    assert stored() == 7
    assert [one.resource_id for one in Resource.objects.all()] == ["rack-7"]


def test_an_application_reads_and_what_is_written_anew_replaces(azure: AzureServer) -> None:
    azure.put(f"{PATH}/june.csv", focus("1", "2"))
    source = connect({"client_secret": SECRET}, **APPLICATION)
    work(source)
    assert [run.status for run in look_again(source)] == ["unchanged"]

    azure.put(f"{PATH}/june.csv", focus("40"))
    assert [run.status for run in look_again(source)] == ["done", "done"]
    assert stored() == 40


def test_of_the_runs_of_an_export_the_newest_with_its_manifest_counts(azure: AzureServer) -> None:
    """Folders named by GUIDs, as Cost Management writes them, below a path that is no export's own."""
    for run, cost in ((GUID, "1000"), (LATER, "3")):
        azure.deliver("20260601-20260630", {"part_0_0001.csv": focus(cost)}, run=run)
    work(connect(path="finops"))

    assert stored() == 3


@pytest.mark.parametrize("name", VARIANTS)
def test_variants_of_exports_are_read_to_the_last_digit(azure: AzureServer, name: str) -> None:
    """German and camelCase headers, short rows, tags without braces."""
    sample = f"azure-variants/{name}"
    azure.put(f"{PATH}/{name}", (BILLING / sample).read_bytes())
    _, fetched = work(connect())

    expected = expected_totals()[sample]
    assert (fetched.status, fetched.error, fetched.rows) == ("done", "", expected["rows"])
    assert stored() == round(Decimal(expected["billed"]), 18)


def test_a_file_that_is_replaced_while_it_is_read_is_read_later(azure: AzureServer) -> None:
    azure.put(f"{PATH}/june.csv", focus("1", "2"))

    def replace(_: Request) -> None:
        azure.put(f"{PATH}/june.csv", focus("50"))

    azure.spoil(path="june.csv", answer=replace)  # type: ignore[arg-type]
    source = connect()
    work(source)
    assert source.runs.get(name="june.csv").status == "waiting"
    assert not Delivery.objects.exists()

    try_again(source)
    assert stored() == 50


def test_a_missing_role_is_named(azure: AzureServer) -> None:
    azure.put(f"{PATH}/june.csv", focus("1"))
    azure.spoil(times=9, path="comp=list", answer=error(403, "AuthorizationPermissionMismatch"))
    (look,) = work(connect({"client_secret": SECRET}, **APPLICATION))

    assert (look.status, "The role Storage Blob Data Reader is missing" in look.error) == ("refused", True)


def test_folders_that_are_listed_as_files_are_none(azure: AzureServer) -> None:
    """Accounts with a hierarchical namespace list each folder as a file of no bytes."""
    azure.put(f"{PATH}/june.csv", b"")
    azure.put(f"{PATH}/june.csv/part.csv", focus("7"))
    work(connect())

    assert stored() == 7
