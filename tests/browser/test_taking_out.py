"""An admin ends a connection in the browser, then takes its costs out of the books: two buttons of one page."""

from datetime import date

import pytest
from playwright.sync_api import expect

from apps.costs.models import Statement
from apps.sources.models import Delivery, Run, Source
from tests.ledger import charge, load_charges


@pytest.fixture
def source(people):
    """A connection with a month of costs."""
    load_charges([charge(date(2026, 6, 3), "10")], source="aws")
    settings = {"bucket": "bills", "prefix": "cur", "region": "eu-west-1", "role_arn": "", "external_id": ""}
    made, _ = Source.objects.update_or_create(name="aws", defaults={"kind": "aws-exports", "settings": settings})
    entry = Delivery.objects.create(source=made, path="s3://bills/cur", sha256="0", status="loaded", origin="schedule")
    month = date(2026, 6, 1)
    Run.objects.create(source=made, name="2026-06", billing_period=month, status="done", delivery=entry)
    return made


# over 5 s: a browser, and axe-core reads the page
@pytest.mark.parametrize("width", [1440, 390])
def test_a_source_is_disconnected_and_its_costs_are_taken_out(visit, source, width):
    visitor = visit("admin", viewport={"width": width, "height": 900})
    page = visitor.page
    visitor.open(f"/sources/{source.pk}/")
    expect(page.get_by_role("button", name="Run June 2026 again")).to_be_visible()
    expect(page.get_by_role("button", name="Take out the costs of aws")).to_have_count(0)

    page.get_by_role("button", name="Disconnect aws").click()
    expect(page.get_by_text("aws is disconnected and its credentials are erased.")).to_be_visible()
    expect(page.get_by_role("button", name="Run June 2026 again")).to_have_count(0)
    page.get_by_role("button", name="Take out the costs of aws").click()

    expect(page.get_by_text("$10.00 of aws counts no more. Its deliveries stay in the ledger.")).to_be_visible()
    expect(page.get_by_role("button", name="Take out the costs of aws")).to_have_count(0)
    assert not Statement.objects.filter(superseded_at=None).exists()
    assert visitor.overflow() <= 0
    assert visitor.violations() == []
