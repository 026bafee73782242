"""Azure cost exports as charges: FOCUS's words, billed and effective cost, units, tags; see also test_azure_headers."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.azure.units import block_size, consumed_unit, pricing_unit
from collectors.billing import detect
from collectors.files import find_deliveries
from tests.collectors.bills import Bill, azure, azure_bill, read, write_csv
from tests.shared import BILLING

RESERVATION = "/providers/Microsoft.Capacity/reservationOrders/o/reservations/r"
PLAN = "/providers/Microsoft.BillingBenefits/savingsPlanOrders/o/savingsPlans/p"
RESERVED = {"PricingModel": "Reservation", "benefitId": RESERVATION, "benefitName": "RI", "PayGPrice": "0"}
PLANNED = {"PricingModel": "SavingsPlan", "benefitId": PLAN, "benefitName": "SP"}


def x_columns(bill: Bill) -> dict[str, object]:
    found: dict[str, object] = json.loads(str(bill.charge["x_columns"]))
    return found


def test_a_row_has_focuss_words(tmp_path: Path) -> None:
    bill = azure_bill(tmp_path, azure())
    expected = {
        "provider_name": "Microsoft",
        "publisher_name": "Microsoft",
        "invoice_issuer_name": "Microsoft",
        "billing_account_id": "8611537",
        "billing_account_name": "Trey Research",
        "billing_currency": "USD",
        "billing_period_start": date(2026, 6, 1),
        "billing_period_end": date(2026, 7, 1),
        "day": date(2026, 6, 2),
        "charge_period_end": None,
        "sub_account_id": "1caaa5a3-2b66-438e-8ab4-bce37d518c5d",
        "sub_account_name": "Research",
        "sub_account_type": "Subscription",
        "charge_category": "Usage",
        "charge_description": "Virtual Machines Dv3 Series - D2 v3 - EU West",
        "charge_frequency": "Usage-Based",
        "pricing_category": "Standard",
        "pricing_quantity": Decimal(24),
        "pricing_unit": "Hours",
        "consumed_quantity": Decimal(24),
        "consumed_unit": "Hours",
        "service_name": "Virtual Machines",
        "service_category": "Compute",
        "sku_id": "f31064a2",
        "sku_price_id": "AAA-1",
        "sku_meter": "D2 v3",
        "region_id": "euwest",
        "region_name": "EU West",
        "resource_id": "/subscriptions/1caaa5a3/resourcegroups/rg/providers/microsoft.compute/virtualmachines/vm1",
        "resource_name": "VM1",
        "resource_type": "microsoft.compute/virtualmachines",
        "list_unit_price": Decimal("0.12"),
        "contracted_unit_price": Decimal("0.11"),
        "list_cost": Decimal("2.88"),
        "contracted_cost": Decimal("2.64"),
        "billed_cost": Decimal("2.64"),
        "effective_cost": Decimal("2.64"),
        "commitment_discount_id": None,
        "tags": '{"env":"prod","team":"ml"}',
        "sku_price_details": '{"CoreCount":2,"InstanceType":"Standard_D2_v3"}',
    }
    charge = bill.charge
    assert {name: charge[name] for name in expected} == expected
    assert x_columns(bill)["x_resource_group"] == "RG"
    assert bill.format == "Azure cost export"


@pytest.mark.parametrize(
    ("row", "billed", "effective", "status"),
    [
        (azure(**RESERVED, Cost="0.49"), "0", "0.49", "Used"),
        (azure(**RESERVED, Cost="0"), "0", "0", "Used"),
        (azure(**PLANNED, Cost="0.006"), "0", "0.006", "Used"),
        (azure(**RESERVED, ChargeType="UnusedReservation", Cost="5"), "0", "5", "Unused"),
        (azure(**PLANNED, ChargeType="UnusedSavingsPlan", Cost="5"), "0", "5", "Unused"),
        (azure(**RESERVED, ChargeType="Purchase", Cost="300"), "300", "300", None),
        (azure(**PLANNED, ChargeType="Refund", Cost="-300"), "-300", "-300", None),
        (azure(ReservationId="r", PricingModel="", Cost="0.49"), "0", "0.49", "Used"),
        (azure(Cost="-2"), "-2", "-2", None),
    ],
)
def test_what_a_commitment_covers_is_effective_and_never_billed(
    tmp_path: Path, row: dict[str, str], billed: str, effective: str, status: str | None
) -> None:
    """Quirks 29, 31, 33: the amortised cost of covered usage was billed with the purchase, in the actual export."""
    charge = azure_bill(tmp_path, row).charge
    assert (charge["billed_cost"], charge["effective_cost"]) == (Decimal(billed), Decimal(effective))
    assert charge["commitment_discount_status"] == status


def test_commitments_are_named_and_counted(tmp_path: Path) -> None:
    """Quirks 32, 34: covered usage is Committed; what nobody used belongs to no resource."""
    bill = azure_bill(
        tmp_path,
        azure(**RESERVED),
        azure(**PLANNED),
        azure(**RESERVED, ChargeType="UnusedReservation", Quantity="3"),
        azure(**RESERVED, ChargeType="Purchase", Frequency="Recurring"),
    )
    columns = [
        "commitment_discount_id", "commitment_discount_type", "commitment_discount_category",
        "commitment_discount_status", "commitment_discount_quantity", "commitment_discount_unit",
        "pricing_category", "charge_category", "charge_frequency",
    ]  # fmt: skip
    assert bill.charges.sort("first_row").select(columns).rows() == [
        (RESERVATION, "Reservation", "Usage", "Used", Decimal(24), "Hours", "Committed", "Usage", "Usage-Based"),
        (PLAN, "Savings Plan", "Spend", "Used", Decimal("2.64"), "USD", "Committed", "Usage", "Usage-Based"),
        (RESERVATION, "Reservation", "Usage", "Unused", Decimal(3), "Hours", "Committed", "Usage", "Usage-Based"),
        (RESERVATION, "Reservation", "Usage", None, None, None, "Standard", "Purchase", "Recurring"),
    ]
    assert bill.charges.sort("first_row")["resource_id"].is_null().to_list() == [False, False, True, False]


def test_a_list_cost_of_nothing_is_not_known(tmp_path: Path) -> None:
    """Quirk 35: the export says 0 where it has no price; savings must not become negative."""
    charge = azure_bill(tmp_path, azure(PayGPrice="0")).charge
    assert (charge["list_cost"], charge["list_unit_price"]) == (None, None)
    assert azure_bill(tmp_path, azure(PayGPrice="0", Cost="0")).charge["list_cost"] is not None


def test_the_contracted_cost_of_covered_usage_is_at_its_unit_price(tmp_path: Path) -> None:
    charge = azure_bill(tmp_path, azure(**PLANNED, Cost="0.5")).charge
    assert charge["contracted_cost"] == Decimal("2.64")


def test_prices_of_an_export_with_a_pricing_currency_are_in_that(tmp_path: Path) -> None:
    """Quirk 41: a price in dollars times a quantity is no cost in euros."""
    euros = {"BillingCurrency": "EUR", "PricingCurrency": "USD", "CostInPricingCurrency": "2.9"}
    row = azure(**euros, PaygCostInBillingCurrency="2.7")
    charge = azure_bill(tmp_path, row).charge
    assert (charge["billing_currency"], charge["pricing_currency"]) == ("EUR", "USD")
    assert charge["list_cost"] == Decimal("2.7")
    assert (charge["list_unit_price"], charge["pricing_currency_list_unit_price"]) == (None, Decimal("0.12"))
    assert charge["pricing_currency_effective_cost"] == Decimal("2.9")


def test_amounts_keep_eighteen_decimals_and_the_rest_is_counted(tmp_path: Path) -> None:
    """Quirk 23."""
    bill = azure_bill(tmp_path, azure(Cost="0.2969321366366446274854191234"))
    assert bill.charge["billed_cost"] == Decimal("0.296932136636644627")
    assert bill.rounded_values == 1


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ('"env": "prod","Env": "x"', {"env": "prod", "Env": "x"}),
        ('{"env": "prod"}', {"env": "prod"}),
        ('"note": "a, ""b"""'.replace('""', '\\"'), {"note": 'a, "b"'}),
        ('"empty": ""', {"empty": True}),
        ('""', None),
        ("", None),
        ("{}", None),
    ],
)
def test_tags_come_with_and_without_braces(tmp_path: Path, text: str, tags: dict[str, object] | None) -> None:
    """Quirks 16, 17, 18, 19."""
    found = azure_bill(tmp_path, azure(Tags=text)).charge["tags"]
    assert (json.loads(str(found)) if found else None) == tags


@pytest.mark.parametrize(
    ("unit", "size", "counted", "priced"),
    [
        ("1 Hour", "1", "Hours", "Hours"),
        ("100 Hours", "100", "Hours", "100 Hours"),
        ("10K", "10000", "Units", "10000 Units"),
        ("1M", "1000000", "Units", "1000000 Units"),
        ("1 MB", "1", "MB", "MB"),
        ("1/Month", "1", "Units/Month", "Units/Month"),
        ("10 /Day", "10", "Units/Day", "10 Units/Day"),
        ("1 GB/Month", "1", "GB/Month", "GB/Month"),
        ("100000000", "100000000", "Units", "100000000 Units"),
        ("Hours", None, "Hours", "Hours"),
        ("0 Hours", None, "0 Hours", "0 Hours"),
        ("", None, None, None),
    ],
)
def test_units_are_a_block_and_what_it_is_of(unit: str, size: str | None, counted: str | None, priced: str) -> None:
    """Quirk 48."""
    assert (block_size(unit), consumed_unit(unit), pricing_unit(unit)) == (size, counted, priced)


def test_quantities_are_priced_in_blocks_and_consumed_in_units(tmp_path: Path) -> None:
    """Quirk 48: 0.0004 of 10,000 operations are 4, at the price of 10,000."""
    charge = azure_bill(tmp_path, azure(Quantity="0.0004", UnitOfMeasure="10K", Cost="0.00004")).charge
    assert (charge["pricing_quantity"], charge["pricing_unit"]) == (Decimal("0.0004"), "10000 Units")
    assert (charge["consumed_quantity"], charge["consumed_unit"]) == (4, "Units")


def test_a_product_too_large_to_be_kept_is_not_known_and_ends_no_import(tmp_path: Path) -> None:
    charge = azure_bill(tmp_path, azure(Quantity="9" * 17, UnitOfMeasure="1B", PayGPrice="9" * 11)).charge
    assert (charge["consumed_quantity"], charge["list_cost"]) == (None, None)
    assert charge["billed_cost"] == Decimal("2.64")


def test_nonsense_in_what_only_explains_loses_no_cost(tmp_path: Path) -> None:
    """Quirk 25."""
    bill = azure_bill(tmp_path, azure(Quantity="many", UnitPrice="?", PayGPrice="?"))
    assert (bill.charge["billed_cost"], bill.charge["pricing_quantity"]) == (Decimal("2.64"), None)
    assert azure_bill(tmp_path, azure(Cost="?")).fault == (1, "Cost", "is not a number: '?'")


@pytest.mark.parametrize(
    ("resource", "kind"),
    [
        ("/subscriptions/s/providers/Microsoft.Sql/servers/a/databases/b", "microsoft.sql/servers/databases"),
        ("subscriptions/s/providers/Microsoft.Storage/storageAccounts/a", "microsoft.storage/storageaccounts"),
        ("/subscriptions/s/resourceGroups/g", None),
        ("", None),
    ],
)  # fmt: skip
def test_resource_types_are_read_from_ids(tmp_path: Path, resource: str, kind: str | None) -> None:
    """Quirk 46: some rows have no resource."""
    charge = azure_bill(tmp_path, azure(ResourceId=resource)).charge
    assert (charge["resource_id"], charge["resource_type"]) == (resource.lower() or None, kind)


def test_ids_that_differ_in_case_alone_are_one_resource(tmp_path: Path) -> None:
    bill = azure_bill(tmp_path, azure(), azure(ResourceId=azure()["ResourceId"].upper()))
    assert bill.charge["row_count"] == 2


def test_marketplace_rows_have_their_publisher(tmp_path: Path) -> None:
    charge = azure_bill(tmp_path, azure(PublisherType="Marketplace", PublisherName="Confluent")).charge
    assert (charge["publisher_name"], charge["provider_name"]) == ("Confluent", "Microsoft")


def test_spot_is_dynamic_and_unknown_words_are_adjustments(tmp_path: Path) -> None:
    assert azure_bill(tmp_path, azure(PricingModel="Spot")).charge["pricing_category"] == "Dynamic"
    assert azure_bill(tmp_path, azure(ChargeType="RoundingAdjustment")).charge["charge_category"] == "Adjustment"


def test_actual_and_amortised_files_agree_in_form_and_each_adds_up_to_its_own_kind_of_cost() -> None:
    """Quirk 31: the same header; one holds purchases, the other what they cover."""
    actual, amortised = (read(BILLING / f"azure/EA_{kind}Cost_Small.csv") for kind in ("Actual", "Amortized"))
    assert actual.format == amortised.format
    assert actual.summed("billed_cost") == actual.summed("effective_cost") == Decimal("8.5450077867419368")
    covered = amortised.charges.filter(pl.col("commitment_discount_status") == "Used")
    assert amortised.summed("effective_cost") - amortised.summed("billed_cost") == Decimal("0.499152000468")
    assert Decimal(covered["effective_cost"].sum()) == Decimal("0.499152000468")
    assert Decimal(covered["billed_cost"].sum()) == 0


def test_a_partitioned_export_is_one_delivery_of_its_manifest(tmp_path: Path) -> None:
    """Quirks 9, 10."""
    folder = tmp_path / "export/20260601-20260630/3f2c1b9e-0000-4000-8000-000000000001"
    folder.mkdir(parents=True)
    blobs = []
    for number in range(2):
        path = write_csv(folder / f"part_{number}_0001.csv", azure(Cost=str(number + 1)))
        blobs.append({"blobName": str(path.relative_to(tmp_path)), "dataRowCount": 1})
    (folder / "manifest.json").write_text(
        json.dumps({"blobs": blobs, "runInfo": {"submittedTime": "2026-06-05T01:00:00Z"}})
    )
    (found,) = find_deliveries([tmp_path])
    assert [file.name for file in found.files] == ["part_0_0001.csv", "part_1_0001.csv"]
    assert detect(found).name == "Azure cost export"


COSTS = st.decimals(min_value=-(10**9), max_value=10**9, places=18, allow_nan=False)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            COSTS,
            st.sampled_from(["Usage", "Purchase", "UnusedReservation", "Refund", ""]),
            st.sampled_from(["OnDemand", "Reservation", "SavingsPlan", "Spot", ""]),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_every_cost_is_effective_and_billed_unless_a_commitment_covers_it(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[Decimal, str, str]]
) -> None:
    """Quirk 33: nothing is lost, nothing counts twice."""
    bill = azure_bill(
        tmp_path_factory.mktemp("azure"),
        *(azure(Cost=f"{cost:f}", ChargeType=kind, PricingModel=model) for cost, kind, model in rows),
    )
    covered = [
        kind == "UnusedReservation" or (kind in ("Usage", "") and model in ("Reservation", "SavingsPlan"))
        for _, kind, model in rows
    ]
    assert bill.summed("effective_cost") == sum(cost for cost, _, _ in rows)
    assert bill.summed("billed_cost") == sum(cost for (cost, _, _), paid in zip(rows, covered, strict=True) if not paid)
    assert bill.totals["row_count"].sum() == len(rows)
