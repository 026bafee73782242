"""Oracle's own FOCUS reports: the names of the preview of FOCUS, and reports that add to each other."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from collectors.errors import RefusedFileError
from collectors.files import find_deliveries
from collectors.formats import recognise
from tests.collectors.bills import Bill, read, write_csv

ROW = {
    "AvailabilityZone": "fjrQ:EU-FRANKFURT-1-AD-1",
    "BilledCost": "0.012",
    "BillingAccountId": "20209880",
    "BillingAccountName": "",
    "BillingCurrency": "USD",
    "BillingPeriodEnd": "2026-07-01T00:00Z",
    "BillingPeriodStart": "2026-06-01T00:00Z",
    "ChargeCategory": "Usage",
    "ChargeDescription": "Standard - E3 - Memory",
    "ChargeFrequency": "",
    "ChargePeriodEnd": "2026-06-14T01:00:00Z",
    "ChargePeriodStart": "2026-06-14T00:00Z",
    "ChargeSubcategory": "",
    "EffectiveCost": "0.012",
    "InvoiceIssuer": "Oracle",
    "ListCost": "0.012",
    "ListUnitPrice": "0.0015",
    "PricingQuantity": "8",
    "PricingUnit": "GB Hours",
    "Provider": "Oracle",
    "Publisher": "Oracle",
    "Region": "eu-frankfurt-1",
    "ResourceId": "ocid1.instance.oc1.eu-frankfurt-1.cccc",
    "ServiceCategory": "Compute",
    "ServiceName": "COMPUTE",
    "SkuId": "B93114",
    "SubAccountId": "ocid1.tenancy.oc1..aaaa",
    "SubAccountName": "northwind",
    "Tags": '{"team": "search"}',
    "UsageQuantity": "8",
    "UsageUnit": "GB Hours",
    "oci_ReferenceNumber": "ref-1",
    "oci_CompartmentId": "ocid1.compartment.oc1..bbbb",
    "oci_CompartmentName": "ml",
    "oci_BackReferenceNumber": "",
}


def report(folder: Path, *references: str, name: str = "report.csv.gz", **changes: str) -> Bill:
    """A report with a line for each reference."""
    return read(write_csv(folder / name, *({**ROW, "oci_ReferenceNumber": one, **changes} for one in references)))


def test_columns_of_the_preview_are_read_by_their_names_since() -> None:
    assert recognise(list(ROW), "report.csv").name == "FOCUS 1.0"


def test_a_report_is_read_as_charges(tmp_path: Path) -> None:
    bill = report(tmp_path, "ref-1", "ref-2")
    (charge,) = bill.charges.to_dicts()

    assert bill.rejected.is_empty()
    expected = {
        "provider_name": "Oracle",
        "publisher_name": "Oracle",
        "invoice_issuer_name": "Oracle",
        "region_id": "eu-frankfurt-1",
        "consumed_quantity": Decimal(16),
        "consumed_unit": "GB Hours",
        "effective_cost": Decimal("0.024"),
        "sub_account_id": "ocid1.tenancy.oc1..aaaa",
        "bill_part": "ref-1",
    }
    assert {name: charge[name] for name in expected} == expected
    assert json.loads(charge["x_columns"]) == {
        "oci_CompartmentId": "ocid1.compartment.oc1..bbbb",
        "oci_CompartmentName": "ml",
    }


def test_reports_of_a_month_add_and_one_that_comes_again_is_known_again(tmp_path: Path) -> None:
    """By the reference of the first line, whatever the file is called."""
    first, second = report(tmp_path, "ref-1", "ref-2"), report(tmp_path, "ref-3", name="0001-00002.csv")
    again = report(tmp_path, "ref-1", "ref-2", name="elsewhere.csv")

    parts = [bill.totals["bill_part"].unique().to_list() for bill in (first, second, again)]
    assert parts == [["ref-1"], ["ref-3"], ["ref-1"]]


def test_numbered_reports_in_a_folder_are_bills_of_their_own(tmp_path: Path) -> None:
    names = ["0001000001285353-00001.csv.gz", "0001000001285353-00003.csv.gz", "0001000001285354-00001.csv.gz"]
    for number, name in enumerate(names):
        report(tmp_path, f"ref-{number}", name=name)

    assert [found.path.name for found in find_deliveries([tmp_path])] == names


def test_a_report_without_a_reference_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedFileError, match="the first line has no oci_ReferenceNumber"):
        report(tmp_path, "")


def test_names_of_focus_win_over_those_of_the_preview(tmp_path: Path) -> None:
    bill = report(tmp_path, "ref-1", RegionId="eu-frankfurt-1", Region="Frankfurt")

    assert bill.charges["region_id"].to_list() == ["eu-frankfurt-1"]
    assert '"Region":"Frankfurt"' in bill.charges["x_columns"][0]
