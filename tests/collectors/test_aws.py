"""Cost and Usage Reports as charges: effective cost by line item type, FOCUS's words, tags in three shapes."""

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from collectors.aws.columns import CUR_REQUIRED, find_columns, find_tags, squashed
from collectors.errors import RefusedFileError, UnknownFormatError
from collectors.formats import recognise
from tests.collectors.bills import CUR_ROW, Bill, cur, cur_bill, read, write_csv

PLAN, RESERVATION = "arn:aws:savingsplans::1:savingsplan/s-1", "arn:aws:ec2:eu-west-1:1:reserved-instances/r-1"
FEE = {"lineItem/LineItemType": "Fee", "lineItem/UnblendedCost": "100"}


def line(line_type: str, **more: str) -> dict[str, str]:
    """A line item of a type; `Cost_x` stands for `Cost/x`."""
    return cur({"lineItem/LineItemType": line_type, **{name.replace("_", "/"): value for name, value in more.items()}})


def x_columns(bill: Bill) -> dict[str, object]:
    found: dict[str, object] = json.loads(str(bill.charge["x_columns"]))
    return found


@pytest.mark.parametrize(
    ("row", "effective"),
    [
        (line("Usage"), "0.096"),
        (line("SavingsPlanCoveredUsage", savingsPlan_SavingsPlanEffectiveCost="0.06"), "0.06"),
        (line("SavingsPlanNegation", lineItem_UnblendedCost="-0.096"), "0"),
        (line("SavingsPlanRecurringFee", savingsPlan_TotalCommitmentToDate="5", savingsPlan_UsedCommitment="4"), "1"),
        (line("SavingsPlanUpfrontFee"), "0"),
        (line("DiscountedUsage", reservation_EffectiveCost="0.05", lineItem_UnblendedCost="0"), "0.05"),
        (
            line(
                "RIFee",
                reservation_UnusedAmortizedUpfrontFeeForBillingPeriod="2",
                reservation_UnusedRecurringFee="3",
            ),
            "5",
        ),
        (cur({**FEE, "reservation/ReservationARN": RESERVATION}), "0"),
        (cur(FEE), "100"),
        (line("Tax"), "0.096"),
        (line("Credit", lineItem_UnblendedCost="-7"), "-7"),
        (line("DiscountedUsage"), "0"),
    ],
)
def test_effective_cost_follows_the_line_item_type(tmp_path: Path, row: dict[str, str], effective: str) -> None:
    """Quirks 30, 31, 47: unblended cost is billed, commitments are spread over what they cover."""
    charge = cur_bill(tmp_path, row).charge
    assert charge["effective_cost"] == Decimal(effective)
    assert charge["billed_cost"] == Decimal(row["lineItem/UnblendedCost"])


@pytest.mark.parametrize(
    ("line_type", "category", "frequency"),
    [
        ("Usage", "Usage", "Usage-Based"),
        ("DiscountedUsage", "Usage", "Usage-Based"),
        ("SavingsPlanNegation", "Usage", "Usage-Based"),
        ("Fee", "Purchase", "One-Time"),
        ("RIFee", "Purchase", "Recurring"),
        ("SavingsPlanRecurringFee", "Purchase", "Recurring"),
        ("SavingsPlanUpfrontFee", "Purchase", "One-Time"),
        ("Tax", "Tax", "One-Time"),
        ("Refund", "Credit", "One-Time"),
        ("EdpDiscount", "Credit", "One-Time"),
        ("SomethingNew", "Adjustment", "One-Time"),
    ],
)
def test_line_item_types_are_charge_categories(tmp_path: Path, line_type: str, category: str, frequency: str) -> None:
    charge = cur_bill(tmp_path, line(line_type)).charge
    assert (charge["charge_category"], charge["charge_frequency"]) == (category, frequency)
    assert charge["charge_class"] == ("Correction" if line_type == "Refund" else None)


def test_a_row_has_focuss_words(tmp_path: Path) -> None:
    bill = cur_bill(tmp_path, cur())
    expected = {
        "provider_name": "AWS",
        "publisher_name": "Amazon Web Services, Inc.",
        "invoice_issuer_name": "Amazon Web Services, Inc.",
        "billing_account_id": "012345678901",
        "sub_account_id": "000000000042",
        "invoice_id": None,
        "charge_description": "$0.096 per hour",
        "pricing_category": "Standard",
        "pricing_quantity": Decimal(1),
        "pricing_unit": "Hrs",
        "consumed_quantity": Decimal(1),
        "consumed_unit": "Hrs",
        "service_name": "Amazon Elastic Compute Cloud",
        "service_category": "Compute",
        "sku_id": "SKU1",
        "sku_meter": "BoxUsage:m5.large",
        "region_id": "eu-west-1",
        "resource_id": "i-0abc",
        "resource_type": "instance",
        "list_cost": Decimal("0.1"),
        "list_unit_price": Decimal("0.1"),
        "contracted_unit_price": Decimal("0.096"),
        "commitment_discount_id": None,
        "tags": None,
    }
    charge = bill.charge
    assert {name: charge[name] for name in expected} == expected
    assert json.loads(str(charge["sku_price_details"])) == {"CoreCount": 2, "InstanceType": "m5.large", "MemorySize": 8}
    assert x_columns(bill) == {
        "x_bill_type": "Anniversary",
        "x_billing_entity": "AWS",
        "x_line_item_type": "Usage",
        "x_operation": "RunInstances",
        "x_pricing_term": "OnDemand",
        "x_product_code": "AmazonEC2",
        "x_legal_entity": "Amazon Web Services, Inc.",
    }


@pytest.mark.parametrize(
    ("resource", "code", "kind"),
    [
        ("i-0a1", "AmazonEC2", "instance"),
        ("vol-0a1", "AmazonEC2", "volume"),
        ("arn:aws:lambda:us-east-1:1:function:report", "AWSLambda", "function"),
        ("arn:aws:rds:eu-west-1:1:db:orders", "AmazonRDS", "db"),
        ("arn:aws:dynamodb:us-west-2:1:table/orders", "AmazonDynamoDB", "table"),
        ("arn:aws:s3:::bucket", "AmazonS3", "bucket"),
        ("bucket", "AmazonS3", "bucket"),
        ("arn:aws:sqs:us-west-2:1:queue-name", "AWSQueueService", "queue"),
        ("something", "AmazonAthena", None),
        ("", "AmazonEC2", None),
    ],
)
def test_resource_types_are_read_from_arns_and_ids(tmp_path: Path, resource: str, code: str, kind: str | None) -> None:
    """Quirk 46: many rows have no resource."""
    charge = cur_bill(tmp_path, cur({"lineItem/ResourceId": resource, "lineItem/ProductCode": code})).charge
    assert (charge["resource_id"], charge["resource_type"]) == (resource or None, kind)


def test_commitments_are_named_and_counted(tmp_path: Path) -> None:
    """Quirks 32, 34: covered usage is Committed; the unused part belongs to nobody."""
    bill = cur_bill(
        tmp_path,
        line("SavingsPlanCoveredUsage", savingsPlan_SavingsPlanARN=PLAN, savingsPlan_SavingsPlanEffectiveCost="0.06"),
        line("DiscountedUsage", reservation_ReservationARN=RESERVATION, reservation_EffectiveCost="0.05"),
        line("RIFee", reservation_ReservationARN=RESERVATION, reservation_UnusedQuantity="3"),
        line(
            "SavingsPlanRecurringFee",
            savingsPlan_SavingsPlanARN=PLAN,
            savingsPlan_TotalCommitmentToDate="5",
            savingsPlan_UsedCommitment="4",
        ),
    )
    columns = [
        "commitment_discount_id", "commitment_discount_type", "commitment_discount_category",
        "commitment_discount_status", "commitment_discount_quantity", "commitment_discount_unit",
        "pricing_category", "resource_id",
    ]  # fmt: skip
    assert bill.charges.sort("first_row").select(columns).rows() == [
        (PLAN, "Savings Plan", "Spend", "Used", Decimal("0.06"), "USD", "Committed", "i-0abc"),
        (RESERVATION, "Reserved Instance", "Usage", "Used", Decimal(1), "Hrs", "Committed", "i-0abc"),
        (RESERVATION, "Reserved Instance", "Usage", "Unused", Decimal(3), "Hrs", "Standard", None),
        (PLAN, "Savings Plan", "Spend", "Unused", Decimal(1), "USD", "Standard", None),
    ]


def test_a_negation_cancels_the_billed_cost_of_what_it_covers(tmp_path: Path) -> None:
    """Quirk 30."""
    bill = cur_bill(
        tmp_path,
        line("SavingsPlanCoveredUsage", savingsPlan_SavingsPlanEffectiveCost="0.06"),
        line("SavingsPlanNegation", lineItem_UnblendedCost="-0.096"),
    )
    by_category = bill.charges.group_by("charge_category").agg(pl.col("billed_cost", "effective_cost").sum())
    assert by_category.rows() == [("Usage", 0, Decimal("0.06"))]
    assert bill.summed("consumed_quantity") == 1


def test_spot_usage_is_dynamic(tmp_path: Path) -> None:
    charge = cur_bill(tmp_path, cur({"lineItem/UsageType": "SpotUsage:m5.large"})).charge
    assert charge["pricing_category"] == "Dynamic"


def test_ids_of_line_items_are_in_no_key(tmp_path: Path) -> None:
    """Quirk 1."""
    bill = cur_bill(tmp_path, cur({"identity/LineItemId": "a"}), cur({"identity/LineItemId": "b"}))
    assert bill.charge["row_count"] == 2


def test_blended_cost_is_not_read(tmp_path: Path) -> None:
    """Quirk 47: not even when it is nonsense."""
    assert cur_bill(tmp_path, cur({"lineItem/BlendedCost": "x"})).charge["billed_cost"] == Decimal("0.096")


def test_split_cost_rows_cost_nothing_beside_their_origin(tmp_path: Path) -> None:
    """Quirk 50: the cost of a split row is a part of its parent's, which is counted."""
    split = {
        "lineItem/UnblendedCost": "0",
        "splitLineItem/ParentResourceId": "i-0abc",
        "splitLineItem/SplitCost": "0.05",
    }
    bill = cur_bill(tmp_path, cur(split), cur())
    assert bill.summed("billed_cost") == bill.summed("effective_cost") == Decimal("0.096")
    parents = bill.charges["x_columns"].str.json_path_match("$.x_split_line_item_parent_resource_id")
    assert set(parents) == {None, "i-0abc"}


@pytest.mark.parametrize("unit", ["Hrs", "GB-Mo", "10K", ""])
def test_units_are_kept_and_empty_ones_are_null(tmp_path: Path, unit: str) -> None:
    """Quirk 48: the report's amounts are in its units already, so that nothing is divided."""
    charge = cur_bill(tmp_path, cur({"pricing/unit": unit, "lineItem/UsageAmount": "20"})).charge
    assert (charge["pricing_unit"], charge["pricing_quantity"]) == (unit or None, 20)


def test_a_service_has_one_category(tmp_path: Path) -> None:
    """Quirk 49: storage of EC2 is Compute as well; what is not known is Other."""
    family = cur({"product/productFamily": "Storage", "lineItem/ResourceId": "vol-1"})
    assert cur_bill(tmp_path, cur(), family).charges["service_category"].unique().to_list() == ["Compute"]
    assert cur_bill(tmp_path, cur({"lineItem/ProductCode": "8x4market"})).charge["service_category"] == "Other"


@pytest.mark.parametrize(
    ("column", "line_type", "rejected"),
    [
        ("lineItem/UnblendedCost", "Usage", True),
        ("savingsPlan/SavingsPlanEffectiveCost", "SavingsPlanCoveredUsage", True),
        ("savingsPlan/SavingsPlanEffectiveCost", "SavingsPlanNegation", False),
        ("reservation/EffectiveCost", "DiscountedUsage", True),
        ("reservation/EffectiveCost", "Usage", False),
        ("reservation/UnusedRecurringFee", "RIFee", True),
        ("pricing/publicOnDemandCost", "Usage", False),
        ("lineItem/UnblendedRate", "Usage", False),
    ],
)
def test_an_unreadable_amount_rejects_the_row_where_it_decides_the_cost(
    tmp_path: Path, column: str, line_type: str, rejected: bool
) -> None:
    """Quirk 25: another column's words in a column that only explains are no reason to lose the cost."""
    bill = cur_bill(tmp_path, cur({"lineItem/LineItemType": line_type, column: "convertible"}), cur())
    assert bill.rejected.height == rejected
    if rejected:
        assert bill.fault == (1, column, "is not a number: 'convertible'")


def test_flat_tags_keep_their_keys_and_case(tmp_path: Path) -> None:
    """Quirks 12, 16, 18, 19, 20."""
    tags = {
        "resourceTags/user:app": 'cold, "archive"',
        "resourceTags/user:App": "prod",
        "resourceTags/aws:createdBy": "me",
        "resourceTags/user:empty": "",
        "resourceTags/user:team/ns.a\\b": "x",
        "costCategory/Cost Center": "R&D",
    }
    assert json.loads(str(cur_bill(tmp_path, cur(tags)).charge["tags"])) == {
        "app": 'cold, "archive"',
        "App": "prod",
        "aws:createdBy": "me",
        "team/ns.a\\b": "x",
        "costCategory/Cost Center": "R&D",
    }


def test_tags_of_parquet_columns_and_of_maps_are_those_of_csv() -> None:
    assert find_tags(["resource_tags_user_cost_center", "resource_tags_aws_created_by", "cost_category_env"]) == {
        "cost_center": 0,
        "aws:created_by": 1,
        "costCategory/env": 2,
    }


def cur_2_row(**changes: object) -> dict[str, object]:
    row: dict[str, object] = {
        "bill_payer_account_id": "012345678901",
        "bill_payer_account_name": "Payer",
        "bill_billing_period_start_date": datetime(2026, 6, 1),  # noqa: DTZ001 - as Parquet has it
        "bill_billing_period_end_date": datetime(2026, 7, 1),  # noqa: DTZ001
        "line_item_usage_start_date": datetime(2026, 6, 2, 3),  # noqa: DTZ001
        "line_item_usage_end_date": datetime(2026, 6, 2, 4),  # noqa: DTZ001
        "line_item_line_item_type": "Usage",
        "line_item_product_code": "AmazonEC2",
        "line_item_currency_code": "USD",
        "line_item_unblended_cost": 0.1,
        "line_item_usage_account_id": "000000000042",
        "line_item_usage_account_name": "Team",
        "product_region_code": "eu-west-1",
    }
    return {**row, **changes}


def as_map(entries: Mapping[str, str | None]) -> list[dict[str, str | None]]:
    return [{"key": key, "value": value} for key, value in entries.items()]


TAGS = {"user_app": "x", "aws_created_by": "me"}
ATTRIBUTES = {"product_name": "Amazon EC2", "vcpu": "96", "memory": "1,152 GiB", "gpu": "8", "sku": "ignored"}


@pytest.mark.parametrize("packed", ["parquet", "csv"])
def test_maps_of_cur_2(tmp_path: Path, packed: str) -> None:
    """Quirks 12, 18: maps in Parquet, JSON text in CSV."""
    maps = {"resource_tags": TAGS, "cost_category": {"env": "prod"}, "product": ATTRIBUTES, "discount": {"total": "1"}}
    path = tmp_path / f"cur2.{packed}"
    if packed == "parquet":
        row = cur_2_row(**{name: as_map(entries) for name, entries in maps.items()})
        pl.DataFrame([row], infer_schema_length=None).write_parquet(path)
    else:
        texts = cur_2_row(**{name: json.dumps(entries) for name, entries in maps.items()})
        write_csv(path, {name: str(value) for name, value in texts.items()})
    bill = read(path)
    charge = bill.charge
    assert bill.format == "AWS CUR 2.0"
    assert json.loads(str(charge["tags"])) == {"app": "x", "aws:created_by": "me", "costCategory/env": "prod"}
    assert json.loads(str(charge["sku_price_details"])) == {"CoreCount": 96, "GpuCount": 8, "MemorySize": 1152}
    assert charge["service_name"] == "Amazon EC2"
    assert (charge["billing_account_name"], charge["sub_account_name"]) == ("Payer", "Team")
    assert charge["billed_cost"] == Decimal("0.1")


def test_an_amount_that_is_too_large_counts_as_unreadable(tmp_path: Path) -> None:
    """Rejected where it decides the cost, unknown where it only explains."""
    explains = cur_bill(tmp_path, cur({"pricing/publicOnDemandCost": "9e19", "lineItem/UsageAmount": "-9e19"}))
    assert (explains.charge["list_cost"], explains.charge["consumed_quantity"]) == (None, None)
    assert explains.summed("billed_cost") == Decimal("0.096")
    assert cur_bill(tmp_path, cur({"lineItem/UnblendedCost": "1e12"})).fault == (
        1,
        "lineItem/UnblendedCost",
        "is too large: '1e12'",
    )


def test_tags_without_a_key_and_blanks_around_accounts_are_left_out(tmp_path: Path) -> None:
    maps = {name: json.dumps({"": "x", "user_app": "y"}) for name in ("resource_tags", "cost_category")}
    row = cur_2_row(**maps) | {"line_item_usage_account_id": " 42 "}
    charge = read(write_csv(tmp_path / "cur2.csv", {name: str(value) for name, value in row.items()})).charge
    assert json.loads(str(charge["tags"])) == {"app": "y", "costCategory/user_app": "y"}
    assert charge["sub_account_id"] == "42"


def test_legacy_columns_in_csv_and_parquet_are_found_alike() -> None:
    """Quirk 13: also in another case."""
    csv_names = ["lineItem/UnblendedCost", "savingsPlan/SavingsPlanARN", "bill/PayerAccountId", "product/instanceType"]
    parquet_names = [
        "line_item_unblended_cost",
        "savings_plan_savings_plan_a_r_n",
        "BILL_PAYER_ACCOUNT_ID",
        "product_instance_type",
    ]
    assert find_columns(csv_names) == find_columns(parquet_names)


def test_columns_may_come_and_go(tmp_path: Path) -> None:
    """Quirk 12: the least report that can be loaded has the needed columns alone."""
    least = {column: CUR_ROW[column] for column in CUR_REQUIRED}
    charge = cur_bill(tmp_path, least).charge
    assert (charge["billed_cost"], charge["effective_cost"]) == (Decimal("0.096"), Decimal("0.096"))
    assert charge["service_name"] is None


@pytest.mark.parametrize("column", [name for name in CUR_REQUIRED if name != "lineItem/LineItemType"])
def test_rows_without_a_needed_value_are_rejected(tmp_path: Path, column: str) -> None:
    assert cur_bill(tmp_path, cur({column: ""})).fault == (1, column, "is empty")


def test_an_incomplete_header_is_refused_with_what_it_lacks(tmp_path: Path) -> None:
    row = {column: value for column, value in CUR_ROW.items() if column != "lineItem/UnblendedCost"}
    with pytest.raises(UnknownFormatError, match=r"looks most like AWS CUR but misses lineItem/UnblendedCost\.$"):
        read(write_csv(tmp_path / "x.csv", row))


def test_a_needed_column_that_comes_twice_is_refused(tmp_path: Path) -> None:
    row = {**cur(), "line_item_unblended_cost": "5"}
    with pytest.raises(RefusedFileError, match="the header names line_item_unblended_cost twice"):
        cur_bill(tmp_path, row)


def test_formats_are_told_by_the_header_alone() -> None:
    assert recognise(list(CUR_ROW), "focus.csv").name == "AWS CUR"
    assert recognise([squashed(name) for name in CUR_ROW] + ["resource_tags"], "x").name == "AWS CUR 2.0"
