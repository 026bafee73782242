"""Oracle's cost reports as charges, and how the reports of a month come together."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from collectors.billing import read_delivery
from collectors.errors import RefusedFileError, UnknownFormatError
from collectors.files import discover
from collectors.formats import recognise
from collectors.oci.costs import OCI_REQUIRED
from tests.collectors.bills import OCI_ROW as ROW
from tests.collectors.bills import Bill, names_of, oci, read, write_csv
from tests.shared import BILLING, expected_totals

SAMPLE = "oci-cost-2023/oci_cost_2023-11-13T05_09.csv"


def oci_bill(folder: Path, *rows: dict[str, str]) -> Bill:
    """What a report of these rows says."""
    return read(write_csv(folder / "report.csv", *rows))


def test_a_real_report_adds_up_to_the_last_digit_by_service() -> None:
    """Quirks 23, 40: E-notation, two forms of time in one row."""
    expected = expected_totals()[SAMPLE]

    bill = read(BILLING / SAMPLE, batch_rows=90)

    assert bill.format == "OCI cost report"
    assert bill.rows_read == bill.charges["row_count"].sum() == expected["rows"]
    assert bill.summed("billed_cost") == Decimal(expected["billed"])
    assert bill.summed("effective_cost") == Decimal(expected["effective"])
    assert bill.rejected.is_empty()
    assert bill.rounded_values == 0
    services = bill.charges.group_by("service_name").agg("row_count", "billed_cost").sort("service_name")
    assert [(name, sum(rows), sum(costs)) for name, rows, costs in services.iter_rows()] == [
        (name, rows, Decimal(cost)) for name, rows, cost in expected["by"]
    ]
    assert bill.charges["sub_account_id"].n_unique() == expected["compartments"]
    assert bill.charges["billing_account_id"].n_unique() == expected["accounts"]
    assert "Other" not in bill.charges["service_category"]


def test_a_real_report_keeps_tag_keys_exactly_as_they_are() -> None:
    """Quirks 19, 20: namespaces, dots, a backslash, case."""
    tags = read(BILLING / SAMPLE).charges["tags"].drop_nulls().to_list()

    assert {key for text in tags for key in json.loads(text)} == {
        "Oracle-Tags.CreatedBy",
        "OracleInternalReserved.CostCenter",
        "OracleInternalReserved.OwnerEmail",
        "OracleInternalReserved.Phonebook",
        "OracleInternalReserved.ServiceType",
        "OracleInternalReserved.UsageType",
        "Valtest.Cat",
        "DevRel\\redbull-analytics-hol-4cb4.release",
    }


def test_a_row_becomes_a_charge_by_oracles_own_mapping(tmp_path: Path) -> None:
    charge = oci_bill(tmp_path, ROW).charge

    assert charge["billing_account_id"] == "ocid1.tenancy.oc1..aaaa"
    assert (charge["sub_account_id"], charge["sub_account_name"]) == ("ocid1.compartment.oc1..bbbb", "ml")
    assert (str(charge["day"]), str(charge["billing_period_start"])) == ("2026-06-02", "2026-06-01")
    assert str(charge["billing_period_end"]) == "2026-07-01"
    assert (charge["service_name"], charge["service_category"]) == ("COMPUTE", "Compute")
    assert (charge["sku_id"], charge["charge_description"]) == ("B93113", "Standard - E4")
    assert (charge["region_id"], charge["availability_zone"]) == ("eu-frankfurt-1", "fra-1")
    assert charge["resource_type"] == "instance"
    assert (charge["consumed_quantity"], charge["consumed_unit"]) == (2, "OCPU Hours")
    assert charge["contracted_unit_price"] == Decimal("0.025")
    assert charge["list_cost"] is None
    assert (charge["charge_category"], charge["charge_class"]) == ("Usage", None)
    assert json.loads(str(charge["x_columns"])) == {"x_subscriptionId": "0012345"}


def test_tags_that_differ_in_case_alone_are_two_and_empty_ones_are_none(tmp_path: Path) -> None:
    """Quirk 19."""
    row = {**ROW, "tags/ops.team": "ml", "tags/ops.Team": "web", "tags/ops.Empty": ""}

    assert json.loads(str(oci_bill(tmp_path, row).charge["tags"])) == {"ops.team": "ml", "ops.Team": "web"}


def test_hours_of_one_resource_are_one_charge_whatever_their_line_numbers(tmp_path: Path) -> None:
    """Quirk 1: neither line numbers nor references of ordinary lines tell charges apart."""
    later = oci(
        lineItem_referenceNo="ref-2",
        lineItem_backreferenceNo="17036",
        lineItem_intervalUsageStart="2026-06-02T04:00Z",
        lineItem_intervalUsageEnd="2026-06-02T05:00:00Z",
    )

    charge = oci_bill(tmp_path, ROW, later).charge

    assert (charge["row_count"], charge["billed_cost"]) == (2, Decimal("0.10"))


def test_a_correction_is_an_adjustment_that_names_the_line_it_corrects(tmp_path: Path) -> None:
    """Quirk 5."""
    correction = oci(lineItem_isCorrection="TRUE", lineItem_backreferenceNo="ref-0", cost_myCost="-0.02")

    charge = oci_bill(tmp_path, correction).charge

    assert (charge["charge_category"], charge["charge_class"]) == ("Adjustment", "Correction")
    assert charge["billed_cost"] == charge["effective_cost"] == Decimal("-0.02")
    assert (charge["consumed_quantity"], charge["consumed_unit"]) == (None, None)
    assert json.loads(str(charge["x_columns"]))["x_backReferenceNo"] == "ref-0"


def test_what_goes_over_the_commitment_is_marked(tmp_path: Path) -> None:
    charge = oci_bill(tmp_path, oci(cost_overageFlag="true")).charge

    assert json.loads(str(charge["x_columns"]))["x_overageFlag"] == "true"


def test_a_cluster_is_billed_once_and_not_again_by_the_shares_of_its_databases(tmp_path: Path) -> None:
    """Quirk 50."""
    cluster = {**ROW, "cost/attributedCost": "0"}
    database = {
        **oci(cost_myCost="", product_resourceId="ocid1.pluggabledatabase.oc1..d"),
        "cost/attributedCost": "0.05",
    }

    bill = oci_bill(tmp_path, cluster, database)

    assert bill.rejected.is_empty()
    assert bill.summed("billed_cost") == bill.summed("effective_cost") == Decimal("0.05")


@pytest.mark.parametrize("shared", [{}, {"cost/attributedCost": ""}])
def test_a_row_without_a_cost_is_rejected(tmp_path: Path, shared: dict[str, str]) -> None:
    bill = oci_bill(tmp_path, {**ROW, **shared}, {**oci(cost_myCost=" "), **shared})

    assert bill.fault == (2, "cost/myCost", "is empty")


def test_an_unreadable_quantity_or_price_loses_no_cost(tmp_path: Path) -> None:
    charge = oci_bill(tmp_path, oci(usage_billedQuantity="two", cost_unitPrice="?")).charge

    assert (charge["billed_cost"], charge["consumed_quantity"], charge["contracted_unit_price"]) == (
        Decimal("0.05"),
        None,
        None,
    )


def test_columns_are_found_whatever_their_case(tmp_path: Path) -> None:
    """Quirk 13: Oracle's documents write TenantId, its reports tenantId."""
    assert oci_bill(tmp_path, {name.upper(): value for name, value in ROW.items()}).charge["sku_id"] == "B93113"


def test_a_service_that_nobody_has_sorted_is_other(tmp_path: Path) -> None:
    bill = oci_bill(tmp_path, oci(product_service="SOMETHING_NEW"), oci(product_service="", cost_productSku="B1"))

    assert set(bill.charges["service_name"]) == {"SOMETHING_NEW", "Oracle Cloud"}
    assert set(bill.charges["service_category"]) == {"Other"}


def test_each_report_is_a_part_of_its_month_by_the_number_of_its_first_line(tmp_path: Path) -> None:
    """Quirk 2: Oracle's reports add up; none replaces another, and each replaces itself however it is packed."""
    packed = read(write_csv(tmp_path / "0001.csv.gz", ROW, oci(lineItem_referenceNo="ref-2")))
    plain = read(write_csv(tmp_path / "again.csv", ROW, oci(lineItem_referenceNo="ref-2")), batch_rows=1)
    following = read(write_csv(tmp_path / "0002.csv.gz", oci(lineItem_referenceNo="ref-3")))

    parts = [bill.totals["bill_part"].unique().to_list() for bill in (packed, plain, following)]
    assert parts == [["ref-1"], ["ref-1"], ["ref-3"]]


def test_reports_are_no_chunks_of_one_bill_although_they_are_numbered_so(tmp_path: Path) -> None:
    for number in (3, 7):  # the numbers between belong to reports of other kinds
        write_csv(tmp_path / f"00010000000000{number:02}.csv.gz", oci(lineItem_referenceNo=f"ref-{number}"))

    found = discover([tmp_path]).deliveries

    assert [names_of(one.files) for one in found] == [["0001000000000003.csv.gz"], ["0001000000000007.csv.gz"]]
    assert not any(one.problem for one in found)


def test_a_first_line_without_a_number_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedFileError, match=r"report\.csv: the first line has no lineItem/referenceNo"):
        oci_bill(tmp_path, oci(lineItem_referenceNo=" "))


def test_a_report_of_a_header_alone_holds_nothing(tmp_path: Path) -> None:
    """Quirk 52."""
    path = tmp_path / "empty.csv"
    path.write_text(",".join(ROW) + "\n")

    (found,) = discover([path]).deliveries

    assert sum(batch.rows_read for batch in read_delivery(found)) == 0


@pytest.mark.parametrize("column", OCI_REQUIRED)
def test_a_missing_column_is_named(column: str) -> None:
    with pytest.raises(UnknownFormatError, match=f"looks most like OCI cost report but misses {column}"):
        recognise([name for name in ROW if name != column], "report.csv")


def test_a_required_column_that_comes_twice_is_refused(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "report.csv", {**ROW, "COST/MYCOST": "7"})

    with pytest.raises(RefusedFileError, match="names COST/MYCOST twice"):
        read(path)
