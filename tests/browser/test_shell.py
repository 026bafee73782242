"""The frame of every page: search by keyboard, menus, a part that cannot be loaded, pages without script."""

from datetime import date

import pytest
from playwright.sync_api import expect

from apps.accounts import services
from tests.ledger import charge, load_charges


@pytest.fixture
def costs(people):
    """A month of one service."""
    load_charges(charge(date(2026, 6, day), "4.20", service_name="Amazon Route 53") for day in range(1, 31))


@pytest.fixture
def teams(people):
    """Teams to be found."""
    for slug, name in (("vision", "Vision"), ("voice", "Voice")):
        services.create_team(slug=slug, name=name, actor=None)


def test_search_is_used_with_the_keyboard_alone(visit, teams):
    visitor = visit("finance")
    page = visitor.page
    page.locator(".find").focus()
    page.keyboard.press("Control+k")
    field = page.get_by_role("combobox", name="Search")
    expect(field).to_be_focused()
    expect(page.get_by_role("option", name="Data sources")).to_be_visible()
    page.keyboard.type("v")
    page.keyboard.type("oi")
    expect(page.get_by_role("option")).to_have_count(1)
    expect(field).to_have_attribute("aria-activedescendant", "hit-1-1")
    expect(page.locator("#say")).to_have_text("1 result")
    assert visitor.violations() == []
    page.keyboard.press("Escape")
    expect(page.locator("#finder")).to_be_hidden()
    expect(page.locator(".find")).to_be_focused()
    page.keyboard.press("Control+k")
    expect(field).to_have_value("voi")
    page.keyboard.type("set")
    expect(page.get_by_role("option", name="Settings").first).to_be_hidden()
    page.keyboard.press("Control+a")
    page.keyboard.type("settings")
    expect(page.get_by_role("option").first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("option").last).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/settings/")


def test_a_team_that_was_found_opens_the_explorer_with_its_filter(visit, teams):
    page = visit("viewer").page
    page.keyboard.press("Control+k")
    page.keyboard.type("vision")
    expect(page.get_by_role("option")).to_have_count(1)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/costs/" in url and "filter[team]=vision" in url)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_open_search_has_no_barrier_on_a_telephone(visit, teams, theme):
    visitor = visit("viewer", color_scheme=theme, viewport={"width": 390, "height": 844}, has_touch=True)
    page = visitor.page
    page.locator(".topbar").get_by_role("button", name="Search").click()
    page.get_by_role("combobox", name="Search").fill("vision")
    expect(page.get_by_role("option")).to_have_count(1)
    assert visitor.violations() == []
    assert visitor.overflow() <= 0
    page.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Open menu").click()
    page.locator(".find").click()
    expect(page.get_by_role("combobox", name="Search")).to_be_focused()
    expect(page.locator("#nav")).to_be_hidden()


def test_a_search_that_fails_says_so_in_its_place(visit):
    visitor = visit("viewer")
    page = visitor.page
    page.route("**/search/?q=vis*", lambda route: route.fulfill(status=500, body="broken"))
    page.keyboard.press("Control+k")
    page.keyboard.type("vis")
    notice = page.locator("#found").get_by_role("alert")
    expect(notice).to_contain_text("could not be brought up to date")
    expect(notice).to_contain_text("500")
    expect(notice.get_by_role("link", name="Reload the page")).to_be_visible()
    visitor.complaints.clear()  # Chromium and htmx note the status themselves


def test_who_was_signed_out_meanwhile_is_led_to_sign_in(visit):
    visitor = visit("viewer")
    page = visitor.page
    visitor.context.clear_cookies()
    page.keyboard.press("Control+k")
    page.wait_for_url("**/login/**")
    expect(page.get_by_label("Username")).to_be_visible()


def test_without_script_search_help_and_overview_work(visit, costs):
    visitor = visit("admin", java_script_enabled=False)
    page = visitor.page
    page.locator(".find").click()
    page.get_by_label("Name or part of it").fill("route 53")
    page.get_by_role("button", name="Search", exact=True).last.click()
    page.get_by_role("link", name="Amazon Route 53").click()
    assert "filter[service]" in page.url
    visitor.open("/")
    expect(page.locator(".chart").first).to_be_hidden()
    page.get_by_text("View data").first.click()
    expect(page.get_by_role("region", name="Daily spend, USD, table")).to_be_visible()
    page.locator("summary", has_text="Export").click()
    expect(page.get_by_role("link", name="FOCUS 1.2, CSV")).to_be_visible()


def test_menus_close_with_escape_and_give_the_focus_back(visit, costs):
    visitor = visit("admin")
    page = visitor.page
    page.locator("summary", has_text="Export").press("Enter")
    link = page.get_by_role("link", name="FOCUS 1.2, CSV")
    expect(link).to_be_visible()
    assert visitor.violations() == []
    page.keyboard.press("Escape")
    expect(link).to_be_hidden()
    expect(page.locator("summary", has_text="Export")).to_be_focused()
    page.locator("summary", has_text="Export").click()
    page.locator("h1").click()
    expect(link).to_be_hidden()
