"""How far costs can be trusted, in a browser: the line on pages with money, days that may change, and the calendar."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from apps.costs.models import Statement
from apps.sources.models import Run, Source
from tests.ledger import charge, load_charges

SIZES = [(1440, "light"), (1440, "dark"), (390, "light"), (390, "dark")]
BARS = "[...document.querySelectorAll('.plot .bars .point path')].map((bar) => getComputedStyle(bar).fill)"
DRAWN = "html[data-charts=ready] .plot[aria-busy=false] .main-svg"


@pytest.fixture
def sources(people):
    """Three providers: a connection that failed, one that is well, with a hole and a correction, and files."""
    today = timezone.now().date()
    days = [today - timedelta(days=number) for number in range(40, 0, -1)]

    def load(provider, source, amount, without=()):
        load_charges((charge(day, amount, provider_name=provider) for day in days if day not in without), source=source)

    load("AWS", "aws", "10")
    load("AWS", "aws", "12", without={days[9], days[10]})
    load("Google Cloud", "gcp", "3")
    load("Oracle", "files", "1")
    settings = {"bucket": "bills", "prefix": "cur", "region": "eu-west-1", "role_arn": "", "external_id": ""}
    now = timezone.now()
    made = {
        name: Source.objects.create(name=name, kind="aws-exports", settings=settings, last_success_at=now)
        for name in ("aws", "gcp")
    }
    Run.objects.create(source=made["aws"], name="a", status="done")
    Run.objects.create(source=made["gcp"], name="a", status="refused", error="The key has expired.")
    return made


# over 5 s: axe-core reads two pages with their charts
@pytest.mark.parametrize(("width", "theme"), SIZES)
def test_the_line_says_the_worst_first_and_opens_by_keyboard(visit, sources, width, theme):
    visitor = visit("admin", viewport={"width": width, "height": 900}, color_scheme=theme)
    page = visitor.page
    for path in ("/", "/costs/"):
        visitor.open(path)
        page.wait_for_selector(DRAWN)
        line = page.locator("details.fresh > summary")
        expect(line).to_contain_text("Google Cloud failed, costs stop at")
        expect(line).to_contain_text("1 more")
        line.focus()
        page.keyboard.press("Enter")
        opened = page.locator("details.fresh .pop")
        expect(opened.get_by_role("link", name="gcp")).to_be_visible()
        expect(opened.get_by_text("may still change").first).to_be_visible()
        assert visitor.overflow() <= 0
        assert visitor.violations() == []
        page.keyboard.press("Escape")
        expect(opened).to_be_hidden()
    opened.evaluate("pop => { pop.parentElement.open = true; }")
    opened.get_by_role("link", name="gcp").click()
    expect(page.get_by_role("heading", name="gcp", level=1)).to_be_visible()


def test_times_are_in_the_readers_own_zone_and_exact_on_hover(visit, sources):
    Statement.objects.update(loaded_at=timezone.now().replace(hour=0, minute=10))
    Run.objects.filter(source=sources["aws"]).update(status="failed")
    visitor = visit("admin", timezone_id="Asia/Kolkata")
    visitor.open("/")
    shown = visitor.page.locator("details.fresh time").first
    expect(shown).to_have_text(re.compile(r"^(\d+ \w+, )?05:40 GMT\+5:30$"))
    expect(shown).to_have_attribute("title", re.compile(r"^\d+ \w+ \d{4}, 00:10 UTC, "))


def test_days_that_may_still_change_are_drawn_and_said_otherwise(visit, sources):
    visitor = visit("admin")
    page = visitor.page
    visitor.open("/costs/")
    page.wait_for_selector(DRAWN)
    fills = page.evaluate(BARS)
    hatched = [fill for fill in fills if "url(" in fill]
    assert len(hatched) == 2
    assert len(hatched) < len(fills)
    expect(page.locator(".legend").get_by_text("May still change")).to_be_visible()
    plot = page.locator(".plot").first
    plot.hover(position={"x": plot.bounding_box()["width"] - 20, "y": 90})
    expect(page.locator(".hoverlayer")).to_contain_text("may still change")


# over 5 s: axe-core reads the page
@pytest.mark.parametrize(("width", "theme"), SIZES)
def test_the_page_of_a_source_shows_its_days_and_its_corrections(visit, sources, width, theme):
    visitor = visit("admin", viewport={"width": width, "height": 900}, color_scheme=theme)
    visitor.open(f"/sources/{sources['aws'].pk}/")
    page = visitor.page
    calendar = page.get_by_role("region", name="Days, table")
    assert calendar.locator(".day.missing").count() == 2
    expect(page.get_by_text("2 days are missing:")).to_be_visible()
    box = calendar.bounding_box()
    for row in calendar.locator("tbody p").all():
        place = row.bounding_box()
        assert place["x"] + place["width"] <= box["x"] + box["width"]  # nothing has to be scrolled to
    assert calendar.locator(".day.missing").first.bounding_box()["width"] >= 4
    page.get_by_text("By service").first.click()
    expect(page.locator("details.changes[open] li").first).to_contain_text("Compute")
    assert visitor.overflow() <= 0
    assert visitor.violations() == []


def test_the_kinds_of_sources_can_be_read_on_a_telephone(visit, people):
    visitor = visit("admin", viewport={"width": 390, "height": 844})
    visitor.open("/sources/connect/")
    assert visitor.overflow() <= 0
    assert visitor.violations() == []
    for region in visitor.page.get_by_role("region").all():
        assert region.evaluate("part => part.scrollWidth <= part.clientWidth")
