"""Azure and Google Cloud bills through the command line: what replaces what, and what must never be added."""

import csv
import gzip
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Role, User
from apps.costs.models import Statement
from tests.shared import BILLING
from tests.sources.conftest import Bill, Import
from tests.sources.totals import stored

GOOGLE = {
    "May": BILLING / "nise/gcp/202605_2026-05-01_to_2026-06-01.csv.gz",
    "June to date": BILLING / "nise/gcp-mtd/202606_2026-06-01_to_2026-06-15.csv.gz",
    "June": BILLING / "nise/gcp/202606_2026-06-01_to_2026-06-30.csv.gz",
}
ACCOUNTS = ("901395-664D79-4BA21B", "D8105E-307B6B-505E41")
ACTUAL, AMORTISED = BILLING / "azure/EA_ActualCost_Small.csv", BILLING / "azure/EA_AmortizedCost_Small.csv"
AZURE_MAY, AZURE_JUNE = (BILLING / f"nise/azure/costreport_2026-0{month}.csv" for month in (5, 6))
KEPT = 40  # one row of so many


@pytest.fixture
def google(tmp_path: Path) -> Mapping[str, Path]:
    """The Google samples with a part of their rows, among them all that are on the invoice of another month."""
    return {name: _thinned(path, tmp_path / f"{name}.csv") for name, path in GOOGLE.items()}


def _thinned(path: Path, to: Path) -> Path:
    with gzip.open(path, "rt", newline="") as whole, to.open("w", newline="") as part:
        rows = csv.DictReader(whole)
        writer = csv.DictWriter(part, rows.fieldnames or ())
        writer.writeheader()
        for number, row in enumerate(rows):
            if number % KEPT == 0 or row["invoice.month"] != row["usage_start_time"][:7].replace("-", ""):
                writer.writerow(row)
    return to


def billed(line: Mapping[str, Any]) -> Decimal:
    """What an import says that it loaded."""
    return Decimal(line["billed_cost"])


@pytest.mark.parametrize("order", [("May", "June to date", "June"), ("June to date", "June", "May")])
def test_months_of_google_usage_share_invoices_and_replace_nothing_of_each_other(
    import_bills: Import, google: Mapping[str, Path], order: Sequence[str]
) -> None:
    """Quirks 2, 6: May's file holds rows of the invoices of April and June, June's of that of May."""
    costs = {name: billed(import_bills(google[name])[0]) for name in order}

    assert stored() == stored("effective_cost") == costs["May"] + costs["June"]
    current = Statement.objects.filter(superseded_at=None, billing_account_id=ACCOUNTS[0])
    assert set(current.values_list("billing_period_start__month", "bill_part")) == {
        (4, "2026-05"),
        (5, "2026-05"),
        (6, "2026-05"),
        (5, "2026-06"),
        (6, "2026-06"),
    }


def test_the_very_same_google_file_comes_twice_and_is_unchanged(import_bills: Import) -> None:
    """Quirk 11."""
    import_bills(GOOGLE["May"])

    (line,) = import_bills(BILLING / "nise/gcp-mtd" / GOOGLE["May"].name)

    assert line["status"] == "unchanged"
    assert stored() == billed(line) == Decimal("22617.6323471")


def test_a_month_to_date_google_file_lying_about_never_brings_old_numbers_back(
    import_bills: Import, google: Mapping[str, Path]
) -> None:
    """Quirk 2."""
    import_bills(google["June to date"])
    (june,) = import_bills(google["June"])

    (line,) = import_bills(google["June to date"])

    assert line["status"] == "unchanged"
    assert stored() == billed(june) > billed(line)


def test_credits_are_seen_beside_the_usage_that_they_pay_for(
    import_bills: Import, client: Client, google: Mapping[str, Path]
) -> None:
    """Quirk 21."""
    client.force_login(User.objects.create_user("finance", role=Role.FINANCE))
    (line,) = import_bills(google["June"])

    wanted = {"start": "2026-06-01", "end": "2026-06-30", "group_by": "charge_category", "metric": "billed"}
    answer = client.get("/api/v1/costs/", wanted).json()

    costs = {row["keys"]["charge_category"]: Decimal(row["cost"]) for row in answer["rows"]}
    assert costs["Credit"] < 0 < costs["Usage"]
    assert sum(costs.values()) == billed(line)


def test_a_whole_bill_and_a_part_of_it_never_count_together(
    import_bills: Import, bill: Bill, google: Mapping[str, Path]
) -> None:
    """The same account as a FOCUS bill of the whole month, and as Google's own export of one usage month."""
    (june,) = import_bills(google["June"])
    part = Statement.objects.get(billing_account_id=ACCOUNTS[0], billing_period_start="2026-06-01")

    (whole,) = import_bills(bill("focus.csv", [{"BillingAccountId": ACCOUNTS[0], "BilledCost": "7"}]))
    assert stored() == billed(june) - part.billed_cost + 7

    (line,) = import_bills(google["June"], "--force")
    assert stored() == billed(june)
    assert whole["delivery"] in line["replaces"]


def test_an_actual_and_an_amortised_export_replace_each_other(import_bills: Import) -> None:
    """Two views of one bill: in one source the later one stands, of two sources it is said that they add up."""
    _, line = import_bills(ACTUAL, AMORTISED)

    assert stored("effective_cost") == Decimal("16.296932136636644627")
    assert (len(line["replaces"]), line["also_in"]) == (1, [])

    (other,) = import_bills(ACTUAL, "--source", "actual")
    assert other["also_in"] == ["files"]


def test_the_page_of_a_delivery_says_that_another_source_has_the_same_bill(
    import_bills: Import, client: Client
) -> None:
    client.force_login(User.objects.create_user("admin", role=Role.ADMIN))
    import_bills(AMORTISED)
    (line,) = import_bills(ACTUAL, "--source", "actual")

    page = client.get(f"/sources/deliveries/{line['delivery']}/").content.decode()

    assert "Brings costs of days, accounts and services that source files brings too" in page


def test_months_of_azure_exports_stand_side_by_side(import_bills: Import) -> None:
    for path in (AZURE_JUNE, AZURE_MAY):
        import_bills(path)

    assert stored() == Decimal("37.908563389905417484") + Decimal("36.969800272010230170")


def test_a_row_without_anything_is_rejected_and_a_header_alone_changes_nothing(import_bills: Import) -> None:
    """Quirks 14, 52."""
    import_bills(AZURE_MAY)

    (row,) = import_bills(BILLING / "azure-variants/BOM.csv", exit_code=1)
    (header,) = import_bills(BILLING / "nise/azure/costreport_empty.csv")

    assert (row["status"], row["rows_rejected"]) == ("rejected", 1)
    assert (header["status"], header["rows_read"]) == ("loaded", 0)
    assert stored() == Decimal("37.908563389905417484")


def test_the_format_can_be_insisted_on(import_bills: Import) -> None:
    (good,) = import_bills(AZURE_MAY, "--format", "azure")
    (bad,) = import_bills(AZURE_JUNE, "--format", "gcp", exit_code=1)

    assert good["format"] == "Azure cost export"
    assert bad["error"].endswith("is Azure cost export, not Google Cloud.")
