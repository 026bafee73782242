"""Importing bills through the command line, and what the API and the database say afterwards."""

import gzip
from decimal import Decimal
from pathlib import Path

import pytest
from django.test import Client

from apps.accounts.models import AuditEvent, Role, User
from apps.costs.models import Statement
from apps.sources.models import Delivery, RejectedRow
from tests.shared import BILLING, expected_totals
from tests.sources.conftest import Bill, Import
from tests.sources.totals import stored

JUNE_TO_DATE = BILLING / "nise/aws-s3-layout-mtd/finops/cur/20260601-20260701/cur-Manifest.json"
JUNE = BILLING / "nise/aws/June-2026.csv.gz"
JUNE_FINALIZED = BILLING / "nise/aws/June-2026-finalized.csv.gz"
SAMPLES = [
    name
    for name, known in expected_totals().items()
    if known.get("kind") in ("azure", "cur", "focus", "gcp", "oci")
    and "contract_commitment" not in name
    and (known.get("effective") or (known["kind"] == "azure" and known["billed"]))
]
BILLED = {"azure/EA_AmortizedCost_Small.csv": "15.797780136168644627"}
"""What of an amortised file is billed: all that reservations and savings plans do not cover. The whole is its effective
cost, whatever the expected totals call it."""
DOUBLES = "aws-cur-2018"  # hold costs as DOUBLE: the expected sums are good to 1e-9


@pytest.fixture
def client(client: Client, db: None) -> Client:
    """A browser of somebody who may see every cost."""
    client.force_login(User.objects.create_user("finance", role=Role.FINANCE))
    return client


def total(client: Client, metric: str, start: str, end: str) -> Decimal:
    """What GET /api/v1/costs/ answers for everything between two days."""
    answer = client.get("/api/v1/costs/", {"start": start, "end": end, "metric": metric})
    assert answer.status_code == 200, answer.content
    return Decimal(answer.json()["total"])


def as_day(text: str) -> str:
    """The day of a time of the expected totals, which have it as the files do."""
    month, _, rest = text.partition("/")
    day, _, year = rest.partition("/")
    return f"{year}-{month:0>2}-{day:0>2}" if year else text[:10]


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_bill_reads_back_through_the_api_as_others_have_added_it_up(
    name: str, import_bills: Import, client: Client
) -> None:
    known = expected_totals()[name]

    (line,) = import_bills(BILLING / name)

    rounded = Delivery.objects.get(pk=line["delivery"]).rounded_values
    tolerance = Decimal("1e-9") if name.startswith(DOUBLES) else rounded * Decimal("0.5e-18")
    assert (line["status"], line["rows_read"], line["rows_loaded"], line["rows_rejected"]) == (
        "loaded",
        known["rows"],
        known["rows"],
        0,
    )
    assert line["reconciled"]
    sums = {"billed": BILLED.get(name, known["billed"]), "effective": known["effective"] or known["billed"]}
    for metric, cost in sums.items():
        assert abs(Decimal(line[f"{metric}_cost"]) - Decimal(cost)) <= tolerance
        assert abs(total(client, metric, as_day(known["start"]), as_day(known["end"])) - Decimal(cost)) <= tolerance
        assert abs(stored(f"{metric}_cost") - Decimal(cost)) <= tolerance


def test_a_month_to_date_bill_gives_way_to_the_whole_month_and_that_to_the_final_one(
    import_bills: Import, client: Client
) -> None:
    readings = []
    for path in (JUNE_TO_DATE, JUNE, JUNE_FINALIZED):
        import_bills(path)
        readings.append(total(client, "billed", "2026-06-01", "2026-06-30"))

    assert readings == [Decimal("12530.4610666368"), Decimal("25954.9884"), Decimal("25954.9884")]
    assert stored() == Decimal("25954.9884")
    assert Statement.objects.filter(superseded_at=None).count() == 1
    assert Statement.objects.count() == 3


def test_the_same_bill_again_is_unchanged_and_writes_nothing(import_bills: Import, bill: Bill) -> None:
    path = bill("june.csv", [{"BilledCost": "1.25"}])
    (first,) = import_bills(path)
    written = (Delivery.objects.count(), Statement.objects.count(), AuditEvent.objects.count())

    (again,) = import_bills(path)

    assert again == {**first, "status": "unchanged"}
    assert (Delivery.objects.count(), Statement.objects.count(), AuditEvent.objects.count()) == written


def test_an_older_bill_lying_about_never_brings_old_numbers_back_unless_forced(
    import_bills: Import, bill: Bill
) -> None:
    old, new = bill("old.csv", [{"BilledCost": "1"}]), bill("new.csv", [{"BilledCost": "2"}])
    import_bills(old)
    import_bills(new)

    assert import_bills(old)[0]["status"] == "unchanged"
    assert stored() == 2
    assert import_bills(old, "--force")[0]["status"] == "loaded"
    assert stored() == 1


def test_bills_of_other_accounts_months_and_sources_stand_side_by_side(import_bills: Import, bill: Bill) -> None:
    july = {"BillingPeriodStart": "2026-07-01T00:00:00Z", "BillingPeriodEnd": "2026-08-01T00:00:00Z"}
    import_bills(bill("a.csv", [{"BilledCost": "1"}]))
    import_bills(bill("b.csv", [{"BilledCost": "10", "BillingAccountId": "999"}]))
    import_bills(bill("c.csv", [{"BilledCost": "100", **july}]))
    import_bills(bill("d.csv", [{"BilledCost": "1000"}]), "--source", "reseller")

    assert stored() == 1111


def test_a_correction_stays_in_the_billing_period_that_it_came_in(import_bills: Import, bill: Bill) -> None:
    """Quirk 5: an old charge period in a later billing period is not the old period's to replace."""
    may = {"BillingPeriodStart": "2026-05-01T00:00:00Z", "BillingPeriodEnd": "2026-06-01T00:00:00Z"}
    in_may = {"ChargePeriodStart": "2026-05-20T00:00:00Z", "ChargePeriodEnd": "2026-05-20T01:00:00Z"}
    import_bills(bill("may.csv", [{**may, **in_may, "BilledCost": "5"}]))
    import_bills(bill("june.csv", [{"BilledCost": "7"}, {**in_may, "ChargeClass": "Correction", "BilledCost": "-2"}]))
    assert stored() == 10

    import_bills(bill("june2.csv", [{"BilledCost": "7"}]))

    assert stored() == 12


def test_a_manifest_is_one_delivery_of_its_files_alone(import_bills: Import) -> None:
    (line,) = import_bills(JUNE_TO_DATE.parents[3])

    assert line["path"].endswith("cur-Manifest.json")
    assert Decimal(line["billed_cost"]) == Decimal("12530.4610666368")
    assert Delivery.objects.get().files.count() == 1


def test_chunks_of_one_export_are_one_delivery_whose_rows_can_be_found_again(
    import_bills: Import, bill: Bill, tmp_path: Path
) -> None:
    bill("export-00001.csv", [{"BilledCost": "1"}, {"BilledCost": "2", "ServiceName": "a"}])
    bill("export-00002.csv", [{"BilledCost": "4", "ServiceName": "b"}])

    (line,) = import_bills(tmp_path)

    first, second = Delivery.objects.get(pk=line["delivery"]).files.all()
    assert (first.first_row, first.rows_read, second.first_row, second.rows_read) == (1, 2, 3, 1)
    assert stored() == 7


def test_rejected_rows_are_kept_with_row_column_and_reason_and_the_bill_is_not_reconciled(
    import_bills: Import, bill: Bill, client: Client
) -> None:
    path = bill("june.csv", [{"BilledCost": "1"}, {"BilledCost": "1,000"}, {"ChargePeriodStart": "soon"}])

    (line,) = import_bills(path, exit_code=1)

    assert (line["status"], line["rows_loaded"], line["rows_rejected"], line["reconciled"]) == ("loaded", 1, 2, False)
    assert list(RejectedRow.objects.values_list("row", "column").order_by("row")) == [
        (2, "BilledCost"),
        (3, "ChargePeriodStart"),
    ]
    download = client.get(f"/api/v1/deliveries/{line['delivery']}/rejected.csv/")
    text = b"".join(download.streaming_content).decode()  # type: ignore[attr-defined]
    assert "1,000" in text
    assert text.count("\n") >= 3


def test_a_bill_without_one_good_row_is_rejected_and_replaces_nothing(import_bills: Import, bill: Bill) -> None:
    import_bills(bill("good.csv", [{"BilledCost": "1"}]))

    (line,) = import_bills(bill("bad.csv", [{"BilledCost": "?"}]), exit_code=1)

    assert line["status"] == "rejected"
    assert stored() == 1


def test_a_header_that_nobody_knows_is_refused_whole_with_what_it_misses(import_bills: Import, tmp_path: Path) -> None:
    path = tmp_path / "bill.csv"
    path.write_text("BilledCost,ServiceName\n1,EC2\n")

    (line,) = import_bills(path, exit_code=1)

    assert line["status"] == "rejected"
    assert "misses" in line["error"]
    assert "EffectiveCost" in line["error"]
    assert line["rows_loaded"] == 0


def test_a_file_that_breaks_off_is_rejected_and_nothing_of_it_is_loaded(import_bills: Import, tmp_path: Path) -> None:
    path = tmp_path / "june.csv.gz"
    path.write_bytes(JUNE.read_bytes()[:200_000])

    (line,) = import_bills(path, exit_code=1)

    assert line["status"] == "rejected"
    assert path.name in line["error"]
    assert stored() == 0


def test_a_bill_of_a_header_alone_is_loaded_and_changes_nothing(import_bills: Import, bill: Bill) -> None:
    """Quirk 52."""
    import_bills(bill("june.csv", [{"BilledCost": "1"}]))

    (line,) = import_bills(bill("empty.csv", []))

    assert (line["status"], line["rows_read"]) == ("loaded", 0)
    assert stored() == 1


def test_amounts_in_two_currencies_are_told_apart(import_bills: Import, bill: Bill) -> None:
    """Quirk 41."""
    (line,) = import_bills(bill("june.csv", [{"BilledCost": "1"}, {"BilledCost": "2", "BillingCurrency": "EUR"}]))

    assert (line["billed_cost"], line["currency"]) == (None, None)
    assert [(total["currency"], total["billed_cost"]) for total in line["totals"]] == [("EUR", "2"), ("USD", "1")]


def test_an_account_that_changes_its_currency_is_not_counted_twice(import_bills: Import, bill: Bill) -> None:
    import_bills(bill("dollars.csv", [{"BilledCost": "1"}]))
    import_bills(bill("euros.csv", [{"BilledCost": "2", "BillingCurrency": "EUR"}]))

    assert stored() == 2


def test_the_ledger_says_who_what_when_and_whether_it_adds_up(import_bills: Import, client: Client) -> None:
    (line,) = import_bills(JUNE)

    entry = client.get(f"/api/v1/deliveries/{line['delivery']}/").json()

    assert entry["sha256"] == entry["files"][0]["sha256"] or entry["sha256"]
    assert entry["format"].startswith("AWS CUR")
    assert entry["origin"] == "command line"
    assert entry["is_reconciled"]
    assert entry["billing_periods"] == ["2026-06-01"]
    (only,) = entry["totals"]
    assert Decimal(only["billed_cost"]) == Decimal(only["billed_cost_in_file"]) == Decimal("25954.9884")
    assert client.get("/api/v1/deliveries/").json()["count"] == 1


def test_a_plain_copy_of_a_gzipped_bill_is_another_delivery_with_the_same_sums(
    import_bills: Import, tmp_path: Path
) -> None:
    plain = tmp_path / "June-2026.csv"
    plain.write_bytes(gzip.decompress(JUNE.read_bytes()))
    import_bills(JUNE)

    (line,) = import_bills(plain)

    assert line["status"] == "loaded"
    assert stored() == Decimal("25954.9884")


def test_a_bill_of_another_format_than_was_asked_for_is_rejected(import_bills: Import) -> None:
    (line,) = import_bills(JUNE, "--format", "focus", exit_code=1)

    assert line["status"] == "rejected"
    assert line["error"].endswith("is AWS CUR, not FOCUS.")


def test_a_manifest_that_lists_a_missing_file_is_rejected_by_its_name(import_bills: Import, tmp_path: Path) -> None:
    manifest = tmp_path / JUNE_TO_DATE.name
    manifest.write_bytes(JUNE_TO_DATE.read_bytes())

    (line,) = import_bills(manifest, exit_code=1)

    assert line["status"] == "rejected"
    assert "June-2026-cur.csv.gz" in line["error"]


def test_chunks_that_a_shell_names_one_by_one_are_one_delivery(import_bills: Import, bill: Bill) -> None:
    first = bill("cur-00001.csv", [{"BilledCost": "1"}])
    second = bill("cur-00002.csv", [{"BilledCost": "2", "ServiceName": "b"}])

    (line,) = import_bills(first, second)

    assert line["rows_loaded"] == 2
    assert stored() == 3


def test_quantities_in_bytes_may_be_large(import_bills: Import, bill: Bill) -> None:
    (line,) = import_bills(bill("june.csv", [{"PricingQuantity": "90000000000000000"}]))

    assert line["rows_rejected"] == 0
