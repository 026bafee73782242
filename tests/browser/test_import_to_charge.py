"""The way of a bill: uploaded in the browser, proved, read in the cost explorer, down to a charge and its row."""

import re
from decimal import Decimal

import pytest
from playwright.sync_api import expect

JUNE = "start=2026-06-01&end=2026-06-30"


def amounts(locator):
    """The exact values of all amounts in it."""
    return [Decimal(one.get_attribute("value")) for one in locator.locator("data").all()]


# over 5 s: a browser, a worker and 13,224 rows of a real bill
def test_a_real_bill_is_uploaded_loaded_and_reconciled_to_the_last_digit(visit, worker, june):
    visitor = visit("finance")
    page = visitor.page
    page.get_by_role("link", name="Import a bill").first.click()
    page.get_by_label("Billing files").set_input_files(june)
    page.get_by_label("Source (optional)").fill("aws")
    page.get_by_role("button", name="Import").click()
    page.wait_for_url("**/sources/upload/?delivery=*")
    shown = page.locator("main")
    expect(shown.get_by_text("Loaded")).to_be_visible(timeout=30_000)
    expect(shown.get_by_text(re.compile("^13,224 rows, "))).to_be_visible()

    page.get_by_role("link", name="See the totals").click()
    proof = page.get_by_role("region", name="File against database, table")
    expect(proof.get_by_text("$25,954.9884")).to_have_count(4)
    expect(proof.get_by_text("Equal")).to_have_count(2)
    expect(page.get_by_text("Reconciled")).to_be_visible()

    visitor.open("/sources/upload/")
    page.get_by_label("Billing files").set_input_files(june)
    page.get_by_label("Source (optional)").fill("aws")
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_text("the same content was loaded before")).to_be_visible()


# over 5 s: a browser, a worker, and a real bill on its way out and in again
def test_an_export_is_downloaded_and_imported_again_with_the_same_totals(visit, worker, loaded, tmp_path):
    visitor = visit("finance")
    page = visitor.page
    visitor.open(f"/costs/?{JUNE}&group_by=service")
    page.get_by_text("Export", exact=True).click()
    with page.expect_download() as started:
        page.get_by_role("link", name="FOCUS 1.2, CSV").click()
    started.value.save_as(tmp_path / "export.csv")

    visitor.open("/sources/upload/")
    page.get_by_label("Billing files").set_input_files(tmp_path / "export.csv")
    page.get_by_label("Source (optional)").fill("copy")
    page.get_by_role("button", name="Import").click()
    expect(page.locator("main").get_by_text("Loaded")).to_be_visible(timeout=30_000)

    page.get_by_role("link", name="See the totals").click()
    proof = page.get_by_role("region", name="File against database, table")
    expect(proof.get_by_text("$25,954.9884")).to_have_count(4)
    expect(page.get_by_text("Reconciled")).to_be_visible()


def test_a_file_over_the_limit_is_refused_before_it_is_sent(visit, home, settings, tmp_path):
    settings.MAX_UPLOAD_BYTES = 1_000_000
    large = tmp_path / "large.csv"
    large.write_bytes(b"x" * 1_500_000)
    visitor = visit("finance")
    visitor.open("/sources/upload/")
    visitor.page.get_by_label("Billing files").set_input_files(large)
    visitor.page.get_by_role("button", name="Import").click()
    expect(visitor.page.get_by_role("alert")).to_contain_text("larger than the 1.0 MB that one upload may have")


def test_what_is_no_bill_is_refused_where_it_was_chosen(visit, home, tmp_path):
    photo = tmp_path / "photo.png"
    photo.write_bytes(b"\x89PNG\r\n")
    visitor = visit("finance")
    visitor.open("/sources/upload/")
    visitor.page.get_by_label("Billing files").set_input_files(photo)
    visitor.page.get_by_role("button", name="Import").click()
    expect(visitor.page.get_by_role("alert")).to_contain_text("photo.png")
    expect(visitor.page.get_by_role("button", name="Import")).to_be_enabled()
    visitor.complaints.clear()  # Chromium itself notes the answer's status 400


# over 5 s: a browser and a real bill
def test_costs_by_service_add_up_and_lead_to_the_charge_and_its_row(visit, loaded):
    visitor = visit("viewer")
    page = visitor.page
    visitor.open(f"/costs/?{JUNE}&group_by=service")
    table = page.get_by_role("region", name="Cost in USD, table")
    assert sum(amounts(table.locator("tbody tr"))) == Decimal("25954.9884")
    assert amounts(table.locator("tfoot")) == [Decimal("25954.9884")]

    row = table.get_by_role("row").filter(has_text="Amazon Route 53")
    (cost,) = amounts(row)
    row.get_by_role("link", name="Amazon Route 53", exact=True).click()
    expect(page.get_by_text("Service is Amazon Route 53")).to_be_visible()
    page.wait_for_url("**group_by=sku**")
    assert amounts(page.get_by_role("region", name="Cost in USD, table").locator("tfoot")) == [cost]

    page.get_by_role("link", name="See the charges").click()
    charges = page.get_by_role("region", name="Charges, table")
    expect(charges.get_by_text(re.compile(r"^row [\d,]+")).first).to_be_visible()
    charges.get_by_role("link", name=re.compile("aws, delivery")).first.click()
    expect(page.get_by_role("heading", name="June-2026.csv.gz")).to_be_visible()


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
# over 5 s: a browser and a real bill
def test_the_numbers_need_no_script(visit, loaded, script):
    visitor = visit("viewer", java_script_enabled=script)
    page = visitor.page
    for path in ("/?month=2026-06", f"/costs/?{JUNE}&group_by=service&granularity=day", "/sources/deliveries/"):
        visitor.open(path)
        expect(page.locator("main")).to_contain_text("25,95")
    visitor.open("/costs/")
    page.get_by_label("Group by").select_option("region")
    if not script:
        page.get_by_role("button", name="Show cost").click()
    page.wait_for_url("**group_by=region**")
    page.get_by_role("button", name=re.compile("viewer")).click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/login/")
