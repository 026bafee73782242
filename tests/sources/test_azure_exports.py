"""Azure's exports from Blob storage: which run counts, the whole way to the facts, and what goes wrong on it."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from werkzeug.wrappers import Request, Response

from apps.sources import collecting, connecting
from apps.sources.models import Delivery, Run, Source
from collectors.azure import clients
from tests.azure import PATH, SAS, AzureServer, azure, azure_for_all, error
from tests.collectors.bills import AZURE_ROW, csv_text
from tests.collectors.bills import azure as azure_row
from tests.collectors.test_azure_headers import SPELLINGS, spelt
from tests.shared import BILLING, expected_totals
from tests.sources.azure import FIRST, JULY, JUNE, MAY, SECOND, checks, connect, june, last
from tests.sources.conftest import fetching, focus, look_again, try_again, work
from tests.sources.totals import stored

__all__ = ["azure", "azure_for_all", "june"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("home")]


@pytest.mark.parametrize(
    ("period", "sample", "column"),
    [
        (MAY, "nise/azure/costreport_2026-05.csv", "billed_cost"),
        (JUNE, "nise/azure/costreport_2026-06.csv", "billed_cost"),
        ("20230901-20230930", "azure/EA_ActualCost_Small.csv", "billed_cost"),
        ("20230901-20230930", "azure/EA_AmortizedCost_Small.csv", "effective_cost"),
        (MAY, "azure/azure_ea_focus_converters.csv", "billed_cost"),
        (MAY, "azure-variants/Enterprise.csv", "billed_cost"),
        (MAY, "azure-variants/PayAsYouGo.csv", "billed_cost"),
        (MAY, "focus-1.2-generated/focus_1_2_cost_and_usage_azure.csv.gz", "effective_cost"),
    ],
)
def test_a_sample_is_the_same_to_the_last_digit_after_the_whole_way(
    azure: AzureServer, monkeypatch: pytest.MonkeyPatch, period: str, sample: str, column: str
) -> None:
    """Actual, amortised and FOCUS exports; rows of more than 18 decimals are each rounded to 18."""
    monkeypatch.setattr(clients, "READ_BYTES", 50_000)  # in several pieces
    suffix = "csv.gz" if sample.endswith("gz") else "csv"
    azure.deliver(period, {f"part_0_0001.{suffix}": (BILLING / sample).read_bytes()}, run=FIRST)
    source = connect()
    connecting.runs.queue_look(source, since=connecting.runs.months_back(timezone.now().date(), 60), actor=None)
    work(source)

    (run,) = source.runs.exclude(name="")
    expected = expected_totals()[sample]
    assert (run.status, run.error, run.rows) == ("done", "", expected["rows"])
    assert run.bytes == run.bytes_total == (BILLING / sample).stat().st_size
    assert run.calls > 1
    assert abs(stored(column) - Decimal(expected["billed"])) <= run.rows * Decimal("0.5e-18")


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_headers_of_every_agreement_language_and_case_come_the_whole_way(azure: AzureServer, spelling: str) -> None:
    """Quirk 13: EA and MCA, camel case, German; in a folder named by a GUID, beside its manifest."""
    row = spelt(azure_row(), SPELLINGS[spelling])
    azure.deliver(JUNE, {"part_0_0001.csv": csv_text([row]).encode()}, run=FIRST)
    *_, fetched = work(connect())

    assert (fetched.status, fetched.error, fetched.rows) == ("done", "", 1)
    assert stored() == Decimal(AZURE_ROW["Cost"])


def test_the_newest_run_of_a_period_counts_and_periods_stand_by_themselves(june: AzureServer) -> None:
    june.deliver(JULY, {"part_0_0001.csv": focus("100", month="2026-07")}, run=FIRST)
    june.deliver(JUNE, {"part_0_0001.csv": focus("10"), "part_1_0001.csv": focus("30")}, run=SECOND)
    source = connect()
    look, *fetched = work(source)

    assert (look.status, look.rows) == ("done", 2)
    assert [(run.name, run.status, run.rows) for run in fetched] == [("2026-06", "done", 2), ("2026-07", "done", 1)]
    assert stored() == 140
    assert not any(f"{FIRST}/part" in path for path in june.asked if JUNE in path)


def test_what_has_not_changed_is_not_fetched_and_what_is_new_replaces(june: AzureServer) -> None:
    source = connect()
    work(source)
    (look,) = look_again(source)
    assert look.status == "unchanged"

    june.deliver(JUNE, {"part_0_0001.csv": focus("7")}, run=SECOND)
    assert [run.status for run in look_again(source)] == ["done", "done"]
    assert stored() == 7


def test_a_manifest_in_the_folder_of_the_period_says_what_counts(azure: AzureServer) -> None:
    """The layout of exports that overwrite what they wrote before."""
    azure.put(f"{PATH}/{JUNE}/stale.csv", focus("1000"))
    azure.deliver(JUNE, {"part_0_0001.csv": focus("1", "2")})
    work(connect())

    assert stored() == 3


def test_files_named_by_their_run_need_no_manifest(azure: AzureServer) -> None:
    """The layout of exports that are not partitioned: one whole file a run."""
    azure.put(f"{PATH}/{JUNE}/daily_{FIRST}.csv", focus("1000"))
    azure.put(f"{PATH}/{JUNE}/daily_{SECOND}.csv", focus("1", "2"))
    work(connect())

    assert stored() == 3


def test_files_of_which_nothing_tells_whether_both_count_are_refused(azure: AzureServer) -> None:
    azure.put(f"{PATH}/{JUNE}/one_{FIRST}.csv", focus("1000"))
    azure.put(f"{PATH}/{JUNE}/other_{SECOND}.csv", focus("1", "2"))

    assert "holds one_*.csv and other_*.csv and no manifest" in last(checks({"sas": SAS}))[2]
    assert [run.status for run in work(connect())] == ["refused"]


def test_a_run_without_its_manifest_is_waited_for(azure: AzureServer) -> None:
    azure.put(f"{PATH}/{JUNE}/{FIRST}/part_0_0001.csv", focus("1"))
    source = connect()
    work(source)
    assert fetching(source).status == "waiting"
    assert "has no manifest. Azure writes it last" in fetching(source).error

    azure.deliver(JUNE, {"part_0_0001.csv": focus("1")}, run=FIRST)
    try_again(source)
    assert stored() == 1


def test_a_run_that_is_being_written_does_not_hide_the_one_before(june: AzureServer) -> None:
    june.put(f"{PATH}/{JUNE}/{SECOND}/part_0_0001.csv", focus("1000"))
    work(connect())

    assert stored() == 3


@pytest.mark.parametrize(
    ("spoilt", "said"),
    [
        ({"listed": 7}, "bytes where its manifest lists 7: Azure is writing it anew."),
        ({"files": {}}, "lists no files: it is damaged or being written."),
    ],
)
def test_a_manifest_that_does_not_fit_is_waited_for(azure: AzureServer, spoilt: Any, said: str) -> None:
    azure.deliver(JUNE, **{"files": {"part_0_0001.csv": focus("1")}, "run": FIRST, **spoilt})
    source = connect()
    work(source)

    assert fetching(source).status == "waiting"
    assert said in fetching(source).error


def test_a_file_that_its_manifest_lists_and_is_not_there_is_named(june: AzureServer) -> None:
    del june.blobs[f"{PATH}/{JUNE}/{FIRST}/part_0_0001.csv"]
    source = connect()
    work(source)

    assert "part_0_0001.csv, which is missing from the container." in fetching(source).error
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("delivered", ["file", "run"])
def test_what_is_delivered_while_it_is_read_is_read_later(june: AzureServer, delivered: str) -> None:
    def deliver(_: Request) -> None:
        run = FIRST if delivered == "file" else SECOND
        june.deliver(JUNE, {"part_0_0001.csv": focus("40", "50")}, run=run)

    june.spoil(path="part_0_0001.csv", answer=deliver)  # type: ignore[arg-type]
    source = connect()
    work(source)
    assert fetching(source).status == "waiting"
    assert fetching(source).error.endswith(
        "while it was read." if delivered == "file" else "while the files were read."
    )
    assert not Delivery.objects.exists()
    assert Source.objects.get().rests_until is None  # other months may go on

    try_again(source)
    assert stored() == 90


def test_throttled_the_whole_source_rests_as_long_as_azure_asks(june: AzureServer) -> None:
    june.spoil(path="part_0", answer=error(503, "ServerBusy", "The server is busy.", **{"Retry-After": "120"}))
    source = connect()
    work(source)

    assert fetching(source).error == "Azure asks for fewer requests (ServerBusy)."
    assert fetching(source).next_attempt_at >= timezone.now() + timedelta(seconds=110)  # type: ignore[operator]
    assert sum("part_0" in path for path in june.asked) == 1  # whoever is asked to wait does not ask twice
    try_again(source)
    assert stored() == 3


def test_a_fault_of_azure_for_a_moment_is_not_even_noticed(june: AzureServer) -> None:
    june.spoil(times=2, path="comp=list", answer=error(500, "InternalError"))
    june.spoil(times=2, path="part_0", answer=error(500, "OperationTimedOut"))
    source = connect()
    work(source)

    assert (fetching(source).status, fetching(source).attempt) == ("done", 1)


def test_a_truncated_piece_is_read_again(june: AzureServer, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, sleeps = focus("1", "2"), []
    monkeypatch.setattr("time.sleep", sleeps.append)  # the SDK's own pause

    def cut(_: Request) -> Response:
        head = {"Content-Length": str(len(whole)), "Content-Range": f"bytes 0-{len(whole) - 1}/{len(whole)}"}
        return Response(iter([whole[:100]]), 206, {**head, "ETag": '"x"', "x-ms-blob-type": "BlockBlob"})

    june.spoil(path="part_0", answer=cut)
    source = connect()
    work(source)

    assert (fetching(source).status, stored()) == ("done", 3)
    assert sleeps


def test_a_run_is_cancelled_in_the_middle_of_a_transfer(june: AzureServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "READ_BYTES", 50)
    monkeypatch.setattr(collecting, "PROGRESS_EVERY", 0.0)
    source = connect()
    work(source, most=1)
    plain = clients.Blobs.read

    def read(self: clients.Blobs, file: Any, *, start: int = 0, most: int) -> bytes:
        if start:
            Run.objects.filter(name="2026-06").update(wants_cancel=True)
        return plain(self, file, start=start, most=most)

    monkeypatch.setattr(clients.Blobs, "read", read)
    work(source)

    assert fetching(source).status == "cancelled"
    assert not Delivery.objects.exists()
