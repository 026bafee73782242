"""Google Cloud billing exports as charges: credits, invoice months, labels, csv and JSON lines."""

import csv
import gzip
import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors import json_table
from collectors.billing import detect
from collectors.errors import RefusedFileError, UnknownFormatError
from collectors.files import discover
from collectors.gcp.columns import GCP_REQUIRED
from collectors.gcp.credits import GIVEN, read_credits
from tests.collectors.bills import Bill, gcp, gcp_bill, read, write_csv
from tests.shared import BILLING

PROMOTION = {"name": "Free Trial", "amount": -0.5, "full_name": "", "id": "FreeTrial", "type": "PROMOTION"}
SUSTAINED = {"name": "Sustained Usage Discount", "amount": -0.3, "type": "SUSTAINED_USAGE_DISCOUNT"}
COMMITTED = {"name": "CUD", "amount": -0.7, "id": "cud-1", "type": "COMMITTED_USAGE_DISCOUNT"}
NESTED = ("service", "sku", "project", "location", "usage", "invoice", "price", "resource")
LISTS = ("credits", "labels", "system_labels", "project.labels")


def credited(*some: Mapping[str, object]) -> dict[str, str]:
    """A row with these credits."""
    return gcp({"credits": json.dumps(some)})


def as_json_line(row: Mapping[str, str]) -> str:
    """A row as `bq extract` writes it: records nested, nulls left out, numbers bare."""
    line: dict[str, object] = {}
    for column, text in row.items():
        if text == "":
            continue
        value = json.loads(text) if column in LISTS else text
        record, _, field = column.partition(".")
        if field and record in NESTED:
            line.setdefault(record, {})[field] = value  # type: ignore[index]
        else:
            line[column] = value
    return json.dumps(line).replace(f'"cost": "{row["cost"]}"', f'"cost": {row["cost"]}')


def write_json(path: Path, *rows: Mapping[str, str]) -> Path:
    content = "".join(f"{as_json_line(row)}\n" for row in rows).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def by_category(bill: Bill, column: str) -> dict[str, Decimal]:
    sums = bill.charges.group_by("charge_category").agg(pl.col(column).sum())
    return {category: Decimal(amount) for category, amount in sums.rows()}


def test_a_row_has_focuss_words(tmp_path: Path) -> None:
    bill = gcp_bill(tmp_path, gcp())
    expected = {
        "provider_name": "Google Cloud",
        "publisher_name": "Google Cloud",
        "billing_account_id": "01A2B3-C4D5E6-F70819",
        "billing_currency": "USD",
        "billing_period_start": date(2026, 6, 1),
        "billing_period_end": date(2026, 7, 1),
        "bill_part": "2026-06",
        "day": date(2026, 6, 2),
        "sub_account_id": "ml-train-518161",
        "sub_account_name": "ml-train",
        "sub_account_type": "Project",
        "charge_category": "Usage",
        "charge_description": "N1 Predefined Instance Core running in Americas",
        "charge_frequency": "Usage-Based",
        "pricing_category": "Standard",
        "pricing_quantity": Decimal(1),
        "pricing_unit": "hour",
        "consumed_quantity": Decimal(3600),
        "consumed_unit": "seconds",
        "service_name": "Compute Engine",
        "service_category": "Compute",
        "sku_id": "8C61-80B1-C43A",
        "region_id": "us-central1",
        "availability_zone": "us-central1-a",
        "resource_id": "//compute.googleapis.com/projects/ml-train-518161/zones/us-central1-a/instances/42",
        "resource_name": "projects/ml-train-518161/instances/vm",
        "resource_type": "instances",
        "billed_cost": Decimal("1.5"),
        "effective_cost": Decimal("1.5"),
        "contracted_cost": Decimal("1.5"),
        "list_cost": Decimal(2),
        "contracted_unit_price": Decimal("1.5"),
        "tags": '{"env":"prod","team":"ml"}',
    }
    charge = bill.charge
    assert {name: charge[name] for name in expected} == expected
    assert bill.format == "Google Cloud billing export"


def test_discounts_lower_the_price_and_promotions_pay_for_usage(tmp_path: Path) -> None:
    """Quirk 21: one row of the file stays one row, whatever it is split into."""
    bill = gcp_bill(tmp_path, credited(PROMOTION, SUSTAINED, PROMOTION | {"type": "FREE_TIER", "amount": -0.1}))
    assert by_category(bill, "billed_cost") == {"Usage": Decimal("1.2"), "Credit": Decimal("-0.6")}
    assert by_category(bill, "effective_cost") == by_category(bill, "billed_cost")
    assert by_category(bill, "contracted_cost") == {"Usage": Decimal("1.5"), "Credit": Decimal("-0.6")}
    assert by_category(bill, "list_cost") == {"Usage": Decimal(2), "Credit": Decimal("-0.6")}
    assert by_category(bill, "consumed_quantity") == {"Usage": Decimal(3600), "Credit": Decimal(0)}
    assert by_category(bill, "row_count") == {"Usage": Decimal(1), "Credit": Decimal(0)}
    assert bill.totals.select("row_count", "billed_cost").rows() == [(1, Decimal("0.6"))]


def test_a_credit_says_what_it_is_and_whose(tmp_path: Path) -> None:
    bill = gcp_bill(tmp_path, credited(PROMOTION))
    (credit,) = bill.charges.filter(pl.col("charge_category") == "Credit").rows(named=True)
    assert (credit["charge_description"], credit["charge_frequency"]) == ("Free Trial", "One-Time")
    assert (credit["sub_account_id"], credit["tags"]) == ("ml-train-518161", '{"env":"prod","team":"ml"}')
    assert (credit["pricing_category"], credit["pricing_quantity"], credit["consumed_unit"]) == (None, None, None)
    assert "PROMOTION" in str(credit["x_columns"])
    assert "0.5" not in str(credit["x_columns"])


def test_amounts_of_credits_are_in_no_key(tmp_path: Path) -> None:
    """Hours of one charge become one fact although each has its own credit."""
    bill = gcp_bill(tmp_path, *(credited(SUSTAINED | {"amount": amount}) for amount in (-0.1, -0.2)))
    assert (bill.charge["row_count"], bill.charge["billed_cost"]) == (2, Decimal("2.7"))


def test_usage_that_a_commitment_lowers_is_committed(tmp_path: Path) -> None:
    """Quirk 34."""
    charge = gcp_bill(tmp_path, credited(COMMITTED)).charge
    names = ("id", "type", "category", "status")
    told = ["cud-1", "Committed Use Discount", "Usage", "Used"]
    assert [charge[f"commitment_discount_{name}"] for name in names] == told
    assert (charge["pricing_category"], charge["effective_cost"]) == ("Committed", Decimal("0.8"))
    spend = gcp_bill(tmp_path, credited(COMMITTED | {"type": "COMMITTED_USAGE_DISCOUNT_DOLLAR_BASE"})).charge
    assert spend["commitment_discount_category"] == "Spend"


@pytest.mark.parametrize(
    ("cost_type", "sku", "category", "charge_class"),
    [
        ("regular", "Core", "Usage", None),
        ("regular", "Commitment v1: N1 Cpu in Americas for 1 Year", "Purchase", None),
        ("tax", "", "Tax", None),
        ("adjustment", "Core", "Adjustment", "Correction"),
        ("rounding_error", "Rounding error", "Adjustment", None),
    ],
)
def test_cost_types_are_charge_categories(
    tmp_path: Path, cost_type: str, sku: str, category: str, charge_class: str | None
) -> None:
    charge = gcp_bill(tmp_path, gcp({"cost_type": cost_type, "sku.description": sku})).charge
    assert (charge["charge_category"], charge["charge_class"]) == (category, charge_class)
    assert (charge["consumed_quantity"] is None) == (category != "Usage")


def test_tax_and_rounding_belong_to_no_project(tmp_path: Path) -> None:
    """Quirk 37."""
    row = gcp({"cost_type": "tax", "project.id": "", "project.name": "", "project.labels": "", "cost": "0.07"})
    charge = gcp_bill(tmp_path, row).charge
    assert (charge["sub_account_id"], charge["sub_account_type"], charge["billed_cost"]) == (
        None,
        None,
        Decimal("0.07"),
    )


def test_spot_is_dynamic(tmp_path: Path) -> None:
    row = gcp({"sku.description": "Spot Preemptible N1 Core running in Americas"})
    assert gcp_bill(tmp_path, row).charge["pricing_category"] == "Dynamic"


def test_the_bill_is_the_invoice_months_and_its_part_the_usage_months(tmp_path: Path) -> None:
    """Quirk 6: what was used on the last day of May is on the invoice of June."""
    row = gcp({"usage_start_time": "2026-05-31T23:00:00", "usage_end_time": "2026-06-01T00:00:00"})
    charge = gcp_bill(tmp_path, row).charge
    assert (charge["billing_period_start"], charge["billing_period_end"]) == (date(2026, 6, 1), date(2026, 7, 1))
    assert (charge["day"], charge["bill_part"]) == (date(2026, 5, 31), "2026-05")


@pytest.mark.parametrize("month", ["2026-06", "202613", "000001", "June"])
def test_what_is_no_invoice_month_is_rejected(tmp_path: Path, month: str) -> None:
    row, column, reason = gcp_bill(tmp_path, gcp({"invoice.month": month})).fault
    assert (row, column) == (1, "invoice.month")
    assert repr(month) in reason


def test_december_ends_in_january(tmp_path: Path) -> None:
    charge = gcp_bill(tmp_path, gcp({"invoice.month": "202612"})).charge
    assert charge["billing_period_end"] == date(2027, 1, 1)


@pytest.mark.parametrize("time", ["2026-06-02 03:00:00 UTC", "2026-06-02 03:00:00.000000 UTC", "2026-06-02T03:00:00Z"])
def test_times_as_bigquery_writes_them(tmp_path: Path, time: str) -> None:
    """Quirk 40."""
    assert gcp_bill(tmp_path, gcp({"usage_start_time": time})).charge["day"] == date(2026, 6, 2)


def test_what_is_nearer_to_the_resource_decides_its_labels(tmp_path: Path) -> None:
    """Quirks 18, 19: a resource has the labels of its project unless it has its own."""
    row = gcp(
        {
            "project.labels": '[{"key": "team", "value": "ml"}, {"key": "env", "value": "dev"}]',
            "tags": '[{"key": "env", "value": "test", "inherited": true, "namespace": "organizations/1"}]',
            "system_labels": '[{"key": "compute.googleapis.com/cores", "value": "2"}]',
            "labels": '[{"key": "env", "value": "prod"}, {"key": "Env", "value": ""}, {"key": "", "value": "x"}]',
        }
    )
    charge = gcp_bill(tmp_path, row).charge
    told = {"compute.googleapis.com/cores": "2", "Env": True, "env": "prod", "team": "ml"}
    assert json.loads(str(charge["tags"])) == told
    assert charge["sku_price_details"] == '{"CoreCount":2}'


@pytest.mark.parametrize(
    ("location", "region", "found"),
    [("us-central1", "us-central1", "us-central1"), ("europe", "", "europe"), ("global", "", None), ("", "", None)],
)
def test_what_is_everywhere_has_no_region(tmp_path: Path, location: str, region: str, found: str | None) -> None:
    charge = gcp_bill(tmp_path, gcp({"location.location": location, "location.region": region})).charge
    assert charge["region_id"] == found


def test_a_list_cost_of_nothing_is_not_known(tmp_path: Path) -> None:
    """Quirk 35."""
    assert gcp_bill(tmp_path, gcp({"cost_at_list": "0"})).charge["list_cost"] is None
    assert gcp_bill(tmp_path, gcp({"cost_at_list": ""})).charge["list_cost"] is None


@pytest.mark.parametrize(
    "text", ["{", "[1]", '[{"amount": "many"}]', '[{"amount": "1_0"}]', '[{"amount": NaN}]', "none"]
)
def test_credits_that_cannot_be_read_reject_the_row(tmp_path: Path, text: str) -> None:
    """Half of the cost of a row would be a wrong one."""
    bill = gcp_bill(tmp_path, gcp({"credits": text}), gcp())
    assert bill.fault[:2] == (1, "credits")
    assert bill.summed("billed_cost") == Decimal("1.5")


@pytest.mark.parametrize("column", [name for name in GCP_REQUIRED if name not in ("service.description", "credits")])
def test_rows_without_a_needed_value_are_rejected(tmp_path: Path, column: str) -> None:
    assert gcp_bill(tmp_path, gcp({column: ""})).fault == (1, column, "is empty")


@pytest.mark.parametrize("column", GCP_REQUIRED)
def test_an_incomplete_header_is_refused_with_what_it_lacks(tmp_path: Path, column: str) -> None:
    row = {name: value for name, value in gcp().items() if name != column}
    with pytest.raises(UnknownFormatError, match=f"looks most like Google Cloud billing export but misses {column}"):
        gcp_bill(tmp_path, row)


def test_flattened_columns_are_found_with_underscores(tmp_path: Path) -> None:
    """Quirk 13: csv cannot hold records, so that queries spell them as they like."""
    row = {name.replace(".", "_"): value for name, value in credited(PROMOTION).items()}
    flat, dotted = gcp_bill(tmp_path, row), gcp_bill(tmp_path, credited(PROMOTION))
    assert flat.charges.sort(pl.all()).equals(dotted.charges.sort(pl.all()))


@pytest.mark.parametrize("name", ["export.json", "export.json.gz", "export.jsonl"])
def test_json_lines_say_what_csv_says(tmp_path: Path, name: str) -> None:
    """Quirk 22: what is null is left out."""
    rows = [gcp({"cost_at_list": ""}), credited(PROMOTION, COMMITTED)]
    found = read(write_json(tmp_path / name, *rows))
    expected = gcp_bill(tmp_path, *rows)
    assert found.format == expected.format
    assert found.charges.sort(pl.all()).equals(expected.charges.sort(pl.all()))


def test_a_sample_adds_up_the_same_as_json_lines(tmp_path: Path) -> None:
    """Quirk 23: numbers keep their digits; blocks of any size."""
    source = BILLING / "nise/gcp/202606_2026-06-01_to_2026-06-30.csv.gz"
    with gzip.open(source, "rt", newline="") as file:
        rows = list(csv.DictReader(file))[:500]
    repaired = [{**row, "credits": row["credits"].replace("'", '"')} for row in rows]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_table, "BLOCK_BYTES", 1000)
        found = read(write_json(tmp_path / "export.json", *repaired), batch_rows=70)
    expected = read(write_csv(tmp_path / "export.csv", *rows))
    assert found.rows_read == expected.rows_read == 500
    for column in ("billed_cost", "effective_cost", "contracted_cost", "consumed_quantity"):
        assert found.summed(column) == expected.summed(column)
    assert found.charges["tags"].unique().sort().equals(expected.charges["tags"].unique().sort())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            '{"billing_account_id": "1", "usage_start_time": "x"}\n{"cost": 1',
            "row 2 is not JSON: the file is truncated",
        ),
        ('{"billing_account_id": "1", "usage_start_time": "x"}\n[1]\n', "row 2 is no JSON object"),
        ('{"billing_account_id": "1", "usage_start_time": "x"}\n', "misses"),
    ],
)
def test_json_that_is_no_export_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "export.json"
    path.write_text(text)
    with pytest.raises((RefusedFileError, UnknownFormatError), match=reason):
        read(path)


def test_json_that_breaks_off_within_gzip_is_refused(tmp_path: Path) -> None:
    path = write_json(tmp_path / "export.json.gz", *(gcp({"cost": str(number)}) for number in range(2000)))
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(RefusedFileError, match="damaged or truncated"):
        read(path)


def test_chunks_of_an_extract_are_one_delivery_and_other_json_is_ignored(tmp_path: Path) -> None:
    """Quirk 9."""
    for number in range(2):
        write_json(tmp_path / f"bill-{number:012}.json", gcp({"cost": "1"}))
    (tmp_path / "package.json").write_text('{"name": "web"}')
    found = discover([tmp_path])
    (delivery,) = found.deliveries
    assert [file.name for file in delivery.files] == ["bill-000000000000.json", "bill-000000000001.json"]
    assert [file.path.name for file in found.ignored] == ["package.json"]
    assert detect(delivery).name == "Google Cloud billing export"


def test_a_rejected_row_of_json_is_kept_whole(tmp_path: Path) -> None:
    bill = read(write_json(tmp_path / "export.json", gcp({"invoice.month": "June"})))
    assert json.loads(bill.rejected["content"][0])["service.description"] == "Compute Engine"


AMOUNTS = st.decimals(min_value=-(10**9), max_value=10**9, places=18, allow_nan=False)
CREDITS = st.lists(
    st.tuples(AMOUNTS, st.sampled_from([*GIVEN, "SUSTAINED_USAGE_DISCOUNT", "COMMITTED_USAGE_DISCOUNT", ""])),
    max_size=4,
)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(AMOUNTS, CREDITS), min_size=1, max_size=6), st.booleans())
def test_costs_and_all_credits_are_what_is_billed(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[Decimal, list[tuple[Decimal, str]]]], as_python: bool
) -> None:
    """Quirk 21: nothing is lost and nothing counts twice; promotions alone are charges of their own; also from lists
    as Python prints them."""
    texts = [
        [{"name": f"it's {kind}", "amount": f"{amount:f}", "type": kind} for amount, kind in some] for _, some in rows
    ]
    listed = [repr(some) if as_python else json.dumps(some) for some in texts]
    bill = gcp_bill(
        tmp_path_factory.mktemp("gcp"),
        *(gcp({"cost": f"{cost:f}", "credits": text}) for (cost, _), text in zip(rows, listed, strict=True)),
    )
    given_away = sum(amount for _, some in rows for amount, kind in some if kind in GIVEN)
    everything = sum(cost + sum(amount for amount, _ in some) for cost, some in rows)
    sums = by_category(bill, "billed_cost")
    assert bill.summed("billed_cost") == bill.summed("effective_cost") == everything
    assert sums.get("Credit", Decimal(0)) == given_away
    assert bill.totals["billed_cost"].sum() == everything
    assert bill.charges["row_count"].sum() == bill.totals["row_count"].sum() == len(rows)


@given(CREDITS)
def test_credits_printed_by_python_are_those_of_json(some: list[tuple[Decimal, str]]) -> None:
    listed = [{"name": "a \"b\" \\ 'c'", "amount": float(amount), "id": None, "type": kind} for amount, kind in some]
    assert read_credits(repr(listed)) == read_credits(json.dumps(listed))
