"""The overview in a browser: its charts in every theme and on paper, nothing that moves, and the ways that lead on."""

import re
from datetime import date, timedelta

import pytest
from playwright.sync_api import expect

from tests.ledger import charge, load_charges

SHIFT = """window.shifted = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
}).observe({type: "layout-shift", buffered: true});"""
DRAWN = "html[data-charts=ready] #plot-USD[aria-busy=false] .main-svg"
BARS = """[...document.querySelectorAll('#plot-USD .bars .point path')].map((bar) => getComputedStyle(bar).fill)"""


@pytest.fixture
def costs(people):
    """May and June 2026 of three services, one of them the team's."""
    days = [date(2026, 5, 1) + timedelta(days=number) for number in range(61)]
    tags = [{"tags": {"team": "ml-platform"}}, {}, {}]
    load_charges(
        charge(day, f"{number + 1}.{day.day:02}", service_name=f"Service {number}", **tags[number])
        for day in days
        for number in range(3)
    )


@pytest.fixture
def overview(visit, costs):
    """Opens the overview and waits for its charts."""

    def start(path="/", **options):
        visitor = visit("admin", **options)
        visitor.page.add_init_script(SHIFT)
        visitor.open(path)
        visitor.page.wait_for_selector(DRAWN)
        return visitor

    return start


@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_moves_while_charts_are_drawn(overview, width):
    page = overview(viewport={"width": width, "height": 900}).page
    page.wait_for_timeout(200)  # what would move after the drawing
    assert page.evaluate("window.shifted") < 0.01
    expect(page.locator("#plot-USD")).to_have_attribute("aria-busy", "false")
    assert len(page.evaluate(BARS)) == 30
    assert int(page.evaluate("document.documentElement.dataset.chartMs")) > 0


def test_plotly_adds_no_styles_of_its_own_and_shows_no_mode_bar(overview):
    page = overview().page
    assert page.locator("style").count() == 0
    assert page.locator(".modebar").count() == 0
    page.locator("#plot-USD").hover()
    assert page.locator(".modebar-btn").count() == 0


def test_charts_follow_the_theme_and_paper_is_light(overview):
    visitor = overview(color_scheme="light")
    page = visitor.page
    (light,) = set(page.evaluate(BARS))
    page.locator(".side").get_by_role("button", name="Theme: system").click()
    page.locator(".side").get_by_role("button", name="Theme: light").click()
    expect(page.locator("#plot-USD .bars .point path").first).not_to_have_css("fill", light)
    page.emulate_media(media="print")
    expect(page.locator("#plot-USD .bars .point path").first).to_have_css("fill", light)
    expect(page.locator(".side")).to_be_hidden()
    expect(page.get_by_role("group", name="Chart view")).to_be_hidden()
    assert page.locator("#plot-USD .main-svg").first.bounding_box()["width"] <= 680


def test_the_view_can_be_cumulative(overview):
    page = overview().page
    page.get_by_text("Cumulative").click()
    expect(page.locator("#plot-USD .scatterlayer .trace")).to_have_count(2)
    expect(page.locator("#plot-USD")).to_have_attribute("aria-label", re.compile("^Spend added up over"))
    page.get_by_role("radio", name="Cumulative").press("ArrowLeft")
    expect(page.locator("#plot-USD .bars .point")).to_have_count(30)


def test_a_bar_of_a_month_leads_to_that_month(overview):
    page = overview().page
    chart = page.locator("[data-chart^=months]")
    chart.scroll_into_view_if_needed()
    bar = chart.locator(".bars .point path").first.bounding_box()
    middle = bar["x"] + bar["width"] / 2, bar["y"] + bar["height"] / 2
    page.mouse.move(*middle)
    page.mouse.click(*middle)
    page.wait_for_url("**/?month=2026-05")
    expect(page.get_by_text("May 2026 · All teams")).to_be_visible()


def test_a_tile_leads_to_the_same_number_in_the_explorer(overview):
    page = overview().page
    spend = page.locator(".stat .v data").first.get_attribute("value")
    page.locator(".stat .v a").first.click()
    expect(page.get_by_role("heading", name="Cost explorer")).to_be_visible()
    expect(page.locator(f'data[value="{spend}"]').first).to_be_visible()


def test_another_month_is_shown_as_soon_as_it_is_chosen(overview):
    page = overview().page
    month = page.get_by_label("Month", exact=True)
    expect(month).to_have_value("2026-06")
    month.select_option("2026-05")
    page.wait_for_url("**/?month=2026-05")
    expect(page.get_by_label("Month", exact=True)).to_have_value("2026-05")
