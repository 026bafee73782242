"""What Azure, Google and Oracle take back: an account or part that the next delivery of a name has no rows of."""

from decimal import Decimal
from typing import Any

import pytest

from apps.accounts.models import Role, User
from apps.costs.models import Statement
from apps.sources import runs
from apps.sources.models import Run, Source
from tests.azure import AzureServer, azure, azure_for_all
from tests.gcp import GoogleServer, google, google_for_all, key
from tests.oci import OciServer, oci, oci_for_all
from tests.sources import azure as azure_exports
from tests.sources import test_gcp_bigquery as bigquery
from tests.sources import test_oci_reports as reports
from tests.sources.azure import FIRST, JULY, JUNE, SECOND
from tests.sources.conftest import focus, look_again, work
from tests.sources.totals import stored

__all__ = ["azure", "azure_for_all", "google", "google_for_all", "key", "oci", "oci_for_all"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("home")]
OTHER = "000000-000000-000002"


def again(run: Run) -> Run:
    """What becomes of a run that a person repeats."""
    admin = User.objects.filter(role=Role.ADMIN).first() or User.objects.create_user("admin", role=Role.ADMIN)
    runs.queue_again(run, actor=admin)
    return work(run.source)[-1]


def taken_back() -> set[str]:
    """The accounts of which nothing is left."""
    empty = Statement.objects.filter(superseded_at=None, row_count=0)
    return set(empty.values_list("billing_account_id", flat=True))


def second(cost: str, month: str = "2026-06") -> bytes:
    """A row of another billing account."""
    return focus(cost, month=month, BillingAccountId="999").partition(b"\r\n")[2]


def test_an_account_that_an_azure_export_lacks_is_taken_back_of_its_period_alone(azure: AzureServer) -> None:
    july = focus("100", month="2026-07") + second("200", "2026-07")
    azure.deliver(JULY, {"part_0_0001.csv": july}, run=FIRST)
    azure.deliver(JUNE, {"part_0_0001.csv": focus("1"), "part_1_0001.csv": focus("2") + second("4")}, run=FIRST)
    source = azure_exports.connect()
    work(source)
    assert stored() == 307

    azure.deliver(JUNE, {"part_0_0001.csv": focus("1"), "part_1_0001.csv": focus("5")}, run=SECOND)
    look_again(source)

    assert (stored(), taken_back()) == (306, {"999"})
    assert [run.status for run in look_again(source)] == ["unchanged"]
    for run in source.runs.filter(name="2026-06").order_by("pk"):
        assert again(run).status == "unchanged"
    assert stored() == 306

    azure.deliver(JUNE, {"part_0_0001.csv": focus("1") + second("4")}, run="third")
    look_again(source)
    assert (stored(), taken_back()) == (305, set())


def test_a_run_of_azure_whose_files_lack_takes_nothing_back(azure: AzureServer) -> None:
    azure.deliver(JUNE, {"part_0_0001.csv": focus("1") + second("4")}, run=FIRST)
    source = azure_exports.connect()
    work(source)

    azure.deliver(JUNE, {"part_0_0001.csv": focus("1"), "part_1_0001.csv": second("4")}, run=SECOND)
    del azure.blobs[f"{azure_exports.PATH}/{JUNE}/{SECOND}/part_1_0001.csv"]
    *_, fetched = look_again(source)

    assert (fetched.status, stored()) == ("waiting", 5)


def of_account(cost: str, day: str = "2026-06-03", **more: Any) -> dict[str, Any]:
    """A row of Google's export of another billing account."""
    return {**bigquery.usage(cost, day, **more), "billing_account_id": OTHER}


def test_an_account_that_google_exports_no_rows_of_any_more_is_taken_back(google: GoogleServer, key: str) -> None:
    kept = [bigquery.usage("1"), bigquery.usage("8", "2026-07-02")]
    google.export([*kept, of_account("4"), of_account("16", "2026-07-02")])
    source = bigquery.connect(key)
    work(source)
    assert stored() == 29

    google.rows.clear()
    google.export([*kept, of_account("16", "2026-07-02"), bigquery.usage("2", "2026-06-05")])
    look_again(source)

    assert (stored(), taken_back()) == (27, {OTHER})


def test_an_old_run_of_google_that_is_repeated_reads_all_days_of_its_month(google: GoogleServer, key: str) -> None:
    """An address says the days on which a month was exported: those of an old run are no longer all of them."""
    google.export([bigquery.usage("1"), bigquery.usage("2", "2026-06-04")])
    source = bigquery.connect(key)
    work(source)
    first = source.runs.get(name="2026-06")
    google.export([of_account("4", "2026-06-30", exported_on="2026-07-02")])
    look_again(source)
    assert stored() == 7

    repeated = again(first)

    assert (repeated.status, stored(), taken_back()) == ("unchanged", 7, set())


def test_a_report_of_oracle_takes_back_what_it_said_before_and_nothing_of_others(oci: OciServer) -> None:
    name = f"{reports.COSTS}0001000000603741-0000{{}}.csv.gz".format
    for number in (1, 2):  # one report in two files
        oci.put(name(number), reports.report(f"ref-{number}", "1.5", "2"), made="2026-06-14T06:00:00.000Z")
    source = reports.connect()
    work(source)
    assert stored() == 7

    oci.put(name(2), reports.report("another", "40"), made="2026-06-14T06:00:00.000Z", etag="second")
    assert [run.status for run in look_again(source, 60)] == ["done", "done"]

    assert stored() == Decimal("43.5")
    assert Statement.objects.get(superseded_at=None, row_count=0).bill_part == "ref-2"
    for run in source.runs.exclude(name="").order_by("pk"):
        assert again(run).status == "unchanged"
    assert stored() == Decimal("43.5")


def test_a_run_that_is_done_again_after_its_worker_was_lost_takes_nothing_back(azure: AzureServer) -> None:
    azure.deliver(JUNE, {"part_0_0001.csv": focus("1") + second("4")}, run=FIRST)
    source: Source = azure_exports.connect()
    work(source)

    lost = source.runs.filter(name="2026-06")  # the load was committed, and the worker ended before it could say so
    lost.update(status=Run.Status.RUNNING, finished_at=None)
    assert runs.note_lost() == 1
    work(source)

    assert (lost.get().status, lost.get().attempt, stored(), taken_back()) == ("unchanged", 2, 5, set())
