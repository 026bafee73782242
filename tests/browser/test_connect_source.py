"""An admin connects an AWS account in the browser, sees why it fails, corrects it, and watches the costs arrive."""

import re
import threading
from itertools import count

import pytest
from playwright.sync_api import expect

from apps.sources import services
from apps.sources.models import Run
from tests.aws import BUCKET, Bucket, aws, aws_for_all, bucket, real_export
from tests.browser.conftest import find_bill
from tests.shared import expected_totals
from tests.sources.conftest import focus

__all__ = ["aws", "aws_for_all", "bucket"]
JUNE_TO_DATE = (
    "nise/aws-s3-layout-mtd/finops/cur/20260601-20260701/b96a03dc-c4a0-4ecf-92db-c998f5e6fc2e/June-2026-cur.csv.gz"
)
MONTHS = [f"2026-{number:02}" for number in range(1, 6)]


@pytest.fixture
def export(bucket: Bucket, june, settings, home) -> Bucket:
    """A bucket with a real June to date and five small months before it."""
    settings.SECRETS_KEY_FILE = home / "secrets_key"
    real_export(bucket, june.parents[1] / "aws-s3-layout-mtd")
    for number, month in enumerate(MONTHS, start=1):
        bucket.legacy(f"2026{number:02}01-2026{number + 1:02}01", {"cur-1.csv": focus("100", "200", month=month)})
    return bucket


@pytest.fixture
def rest_of_the_bills(monkeypatch):
    """Three bills are loaded as they come; those after them when this event is set."""
    may_come, bills, load = threading.Event(), count(1), services.import_bill

    def import_bill(*arguments, **options):
        if next(bills) > 3:
            may_come.wait(60)
        return load(*arguments, **options)

    monkeypatch.setattr(services, "import_bill", import_bill)
    return may_come


# over 5 s: a browser, a worker, six deliveries of which one is a real bill
@pytest.mark.timeout(300)
@pytest.mark.skipif(find_bill() is None, reason="the shared folder with real bills is not beside this checkout")
def test_an_admin_connects_an_account_and_sees_its_costs_arrive(visit, worker, export, rest_of_the_bills):
    visitor = visit("admin")
    page = visitor.page
    expect(page.get_by_text("No cost data yet")).to_be_visible()
    page.get_by_role("link", name="Data sources").click()
    page.get_by_role("link", name="Connect a source").first.click()
    page.get_by_role("link", name="AWS", exact=True).click()
    page.get_by_label("Name").fill("northwind-aws")
    page.get_by_label("Bucket").fill("northwind-biling")
    page.get_by_label("Path of the export").fill("finops/cur")
    page.get_by_label("Access key id").fill("AKIAEXAMPLEEXAMPLE00")
    page.get_by_label("Secret access key").fill("a-secret-that-nobody-may-see")
    page.get_by_role("button", name="Test connection").click()
    expect(page.get_by_text("There is no bucket of this name: check its spelling.")).to_be_visible()
    expect(page.get_by_text("List the bucket: failed")).to_be_visible()
    assert visitor.violations() == []

    page.get_by_label("Bucket").fill(BUCKET)
    page.get_by_label("Bucket").press("Tab")
    expect(page.get_by_role("region", name="Policy")).to_contain_text(f"arn:aws:s3:::{BUCKET}/finops/cur/*")
    page.get_by_role("button", name="Test connection").click()
    expect(page.get_by_text("All is well.")).to_be_visible()
    expect(page.get_by_text("6 billing periods, 2026-01 to 2026-06")).to_be_visible()

    page.get_by_role("button", name="Connect", exact=True).click()
    page.wait_for_url(re.compile(r"/sources/\d+/$"))
    expect(page.get_by_role("heading", name="Under way")).to_be_visible()
    expect(page.get_by_text("3 of 6 deliveries", exact=True)).to_be_visible(timeout=60_000)
    rest_of_the_bills.set()
    expect(page.get_by_role("heading", name="Under way")).to_be_hidden(timeout=90_000)
    periods = page.get_by_role("region", name="Billing periods, table")
    expect(periods.get_by_text("Current")).to_have_count(6)
    expect(periods.get_by_text("$12,530")).to_be_visible()
    assert visitor.violations() == []
    assert not Run.objects.exclude(status="done").exists()

    june_to_date = expected_totals()[JUNE_TO_DATE]["effective"]
    visitor.open("/?month=2026-06")
    expect(page.get_by_text("No cost data yet")).to_have_count(0)
    expect(page.locator("main")).to_contain_text("$12,530")
    expect(page.locator(f'main data[value^="{june_to_date}"]').first).to_be_visible()
    visitor.open("/costs/?start=2026-01-01&end=2026-06-30&granularity=month")
    expect(page.locator("main")).to_contain_text("$14,030")
