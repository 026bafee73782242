"""The cost explorer in a browser: without reloading, by keyboard, on a phone, on paper, and when the server fails."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from tests.ledger import charge, load_charges

TABLE = "Cost in USD, table"
STATE = "/costs/?period=last_30d&granularity=day&group_by=service&compare=previous"
DRAWN = "html[data-charts=ready] .plot[aria-busy=false] .main-svg"
SHIFTS = """() => new Promise((resolve) => {
  let sum = 0;
  new PerformanceObserver((list) => { for (const one of list.getEntries()) if (!one.hadRecentInput) sum += one.value; })
    .observe({type: "layout-shift", buffered: true});
  setTimeout(() => resolve(sum), 100);
})"""


@pytest.fixture
def costs(people):
    """Sixty days of nine services at two providers in two regions, with a credit, a tax and a day that is not over."""
    today = timezone.now().date()
    rows = []
    for number in range(9):
        place = {"provider_name": "AWS" if number < 6 else "OpenAI", "region_id": "eu" if number % 2 else "us"}
        name = {"service_name": f"Service {number}", **place}
        rows += [charge(today - timedelta(days=day), f"{number + 1}.05", **name) for day in range(60)]
    rows.append(charge(today - timedelta(days=3), "-4.5", service_name="Credits", charge_category="Credit"))
    rows.append(charge(today - timedelta(days=5), "7.25", service_name="Service 1", charge_category="Tax"))
    load_charges(rows)


@pytest.fixture
def explore(visit, costs):
    """Opens the explorer for a viewer, at `path`, and waits for its chart."""

    def start(path=STATE, slower=1, **options):
        visitor = visit("viewer", **options)
        visitor.slow_down(slower)
        visitor.open(path)
        if options.get("java_script_enabled", True):
            visitor.page.wait_for_selector(DRAWN)
            visitor.page.evaluate("window.stayed = true")
        return visitor

    return start


def exact(locator):
    """The exact values of all amounts in it."""
    return [Decimal(one.get_attribute("value")) for one in locator.locator("data").all()]


def agree(page):
    """Whether the tile and the table's last row say the same amount, which its outermost rows add up to."""
    table = page.get_by_role("region", name=TABLE)
    (total,) = exact(page.locator(".stat").first)
    assert exact(table.locator("tfoot td:nth-child(2)")) == [total]
    assert sum(exact(table.locator("tr.d0 td:nth-child(2)"))) == total
    return total


# over 5 s: a browser and some ten views
def test_group_nest_filter_exclude_compare_and_drill_without_a_reload(explore):
    page = explore().page
    everything = agree(page)
    expect(page.get_by_text("Today is partial and not in the totals")).to_be_visible()

    page.get_by_label("Group by").select_option("provider")
    page.wait_for_url("**group_by=provider**")
    page.get_by_label("Then by").select_option("service")
    page.wait_for_url("**group_by=provider,service**")
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name="OpenAI", exact=True))
    toggle = row.get_by_role("link", name="What OpenAI consists of")
    expect(page.get_by_role("link", name="Service 8", exact=True)).to_be_visible()
    toggle.click()
    expect(page.get_by_role("link", name="Service 8", exact=True)).to_have_count(0)
    expect(toggle).to_have_attribute("aria-expanded", "false")
    assert agree(page) == everything

    page.get_by_text("Add filter").click()
    page.get_by_role("link", name="Charge type", exact=True).click()
    page.get_by_text("is not", exact=True).click()
    page.get_by_label("Find a value").press_sequentially("ta")
    expect(page.get_by_label("Usage")).to_have_count(0)
    page.get_by_label("Tax").check()
    page.get_by_role("button", name="Apply filter").click()
    expect(page.get_by_role("link", name="Charge type is not Tax", exact=True)).to_be_visible()
    assert agree(page) == everything - Decimal("7.25")

    page.locator("#m-compare > summary").click()
    page.get_by_role("link", name=re.compile("^Same days last month")).click()
    page.wait_for_url("**compare=last_month**")
    page.get_by_role("link", name="OpenAI", exact=True).click()
    expect(page.get_by_role("link", name="Provider is OpenAI", exact=True)).to_be_visible()
    drilled = agree(page)
    page.get_by_role("link", name="Service 8", exact=True).click()
    page.wait_for_url("**group_by=sku**")
    page.get_by_role("link", name="See the charges").click()
    expect(page.get_by_role("heading", name="Charges")).to_be_visible()
    assert "filter[service]=Service+8" in page.url
    page.evaluate("history.go(-2)")
    page.wait_for_url("**group_by=service&**")
    page.wait_for_selector(DRAWN)
    assert agree(page) == drilled


# over 5 s: a browser
def test_nothing_is_reloaded_and_back_and_a_copied_link_give_the_same_view(explore, visit):
    page = explore().page
    page.get_by_text("Week", exact=True).click()
    page.wait_for_url("**granularity=week**")
    page.locator("#m-range > summary").click()
    page.get_by_role("link", name=re.compile("^Last 7 days")).click()
    page.wait_for_url("**period=last_7d**")
    page.wait_for_selector(DRAWN)
    assert page.evaluate("window.stayed")
    seen = page.locator("main").inner_text()
    copied = page.locator("#link").text_content()
    assert "period=" not in copied
    page.evaluate("history.back()")
    page.wait_for_url("**period=last_30d&granularity=week**")
    page.wait_for_selector(DRAWN)
    page.evaluate("history.forward()")
    page.wait_for_url("**period=last_7d**")
    page.wait_for_selector(DRAWN)
    assert page.locator("main").inner_text() == seen

    elsewhere = visit("admin").page
    elsewhere.goto(copied)
    elsewhere.wait_for_selector(DRAWN)
    rows = elsewhere.get_by_role("region", name=TABLE).inner_text()
    assert rows == page.get_by_role("region", name=TABLE).inner_text()


# over 5 s: a browser and several views
def test_sorting_stays_where_it_is_and_a_page_turned_begins_at_the_head_of_the_rows(explore):
    load_charges(
        [charge(timezone.now().date() - timedelta(days=2), "1", service_name=f"S{n}") for n in range(120)],
        source="more",
    )
    page = explore(f"{STATE}&limit=200").page
    page.evaluate("scrollTo(0, 500)")
    page.locator("thead").get_by_role("link", name="Service").click()
    page.wait_for_url("**order_by=key**")
    page.wait_for_selector(DRAWN)
    page.wait_for_timeout(300)
    assert page.evaluate("scrollY") == 500
    page.get_by_role("link", name="Next").click()
    page.wait_for_url("**page=2**")
    page.wait_for_selector(DRAWN)
    page.wait_for_timeout(300)
    assert 0 <= page.evaluate("document.querySelector('.rows').getBoundingClientRect().top") < 100


# over 5 s: a browser
def test_a_series_that_is_off_stays_so_for_its_button_when_a_row_is_opened(explore):
    page = explore(STATE.replace("service", "service,region")).page
    button = page.get_by_role("button", name="Service 8 in the chart")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")
    twist = page.get_by_role("link", name="What Service 7 consists of")
    was = twist.get_attribute("aria-expanded")
    twist.click()
    expect(twist).not_to_have_attribute("aria-expanded", was)
    expect(button).to_have_attribute("aria-pressed", "false")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    assert page.evaluate("document.querySelector('[data-chart]')._fullData.every((one) => one.visible === true)")


# over 5 s: a browser
def test_everything_works_by_keyboard(explore):
    page = explore(f"{STATE.replace('=service', '=provider,service')}").page
    page.locator("#m-range > summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name=re.compile("^Last 7 days"))).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#m-range > summary")).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_label("From", exact=True).first.fill(str(timezone.now().date() - timedelta(days=10)))
    page.keyboard.press("Enter")
    page.wait_for_url("**start=**")
    expect(page.locator("#m-range > summary")).to_be_focused()

    page.get_by_label("Group by").focus()
    page.keyboard.press("ArrowDown")
    page.wait_for_url("**group_by=billing_account,service**")
    expect(page.get_by_label("Group by")).to_be_focused()

    toggle = page.locator("a.twist").first
    toggle.focus()
    before = toggle.get_attribute("aria-expanded")
    page.keyboard.press("Enter")
    expect(toggle).not_to_have_attribute("aria-expanded", before)
    expect(toggle).to_be_focused()

    page.locator("button.toggle").first.focus()
    page.keyboard.press("Space")
    expect(page.locator("button.toggle").first).to_have_attribute("aria-pressed", "false")
    page.goto(f"{page.url}&pick=service")
    expect(page.get_by_label("Find a value")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#picker")).to_have_count(0)


# over 5 s: a browser
def test_on_a_phone_the_controls_are_a_sheet_that_applies_once(explore):
    visitor = explore(f"{STATE}&filter[provider]=AWS", viewport={"width": 390, "height": 844}, has_touch=True)
    page = visitor.page
    assert visitor.overflow() <= 0
    expect(page.get_by_label("Group by")).to_be_hidden()
    page.get_by_role("button", name="By service, 1 filter").click()
    assert page.locator(".chip").bounding_box()["height"] < 48
    page.get_by_label("Group by").select_option("region")
    page.locator("#sheet").get_by_text("Week", exact=True).click()
    assert "group_by=service" in page.url
    page.get_by_role("button", name="Show cost").click()
    page.wait_for_url("**granularity=week&group_by=region**")
    expect(page.get_by_label("Group by")).to_be_hidden()
    agree(page)
    assert visitor.overflow() <= 0
    assert visitor.violations() == []


@pytest.mark.parametrize("theme", ["light", "dark"])
# over 5 s: a browser and axe
def test_the_page_is_accessible_and_nothing_on_it_moves(explore, theme):
    visitor = explore(f"{STATE.replace('=service', '=provider,service')}&pick=service", slower=8, color_scheme=theme)
    page = visitor.page
    assert page.evaluate(SHIFTS) < 0.01
    visitor.slow_down(1)
    page.locator("details.data > summary").click()
    page.locator("#m-compare > summary").click()
    expect(page.get_by_role("link", name=re.compile("^Same days last year"))).to_be_visible()
    assert visitor.violations() == []


def test_paper_holds_the_chart_and_all_rows_and_no_controls(explore):
    page = explore().page
    page.emulate_media(media="print", color_scheme="dark")
    expect(page.get_by_label("Group by")).to_be_hidden()
    expect(page.get_by_role("button", name="Copy link")).to_be_hidden()
    expect(page.locator(".plot .main-svg").first).to_be_visible()
    expect(page.get_by_role("region", name=TABLE).locator("tbody tr").last).to_be_visible()
    assert page.evaluate("getComputedStyle(document.body).colorScheme") == "light"
    assert page.pdf(format="A4").startswith(b"%PDF")


def test_a_failure_is_said_and_what_was_shown_stays(explore):
    visitor = explore()
    page = visitor.page
    seen = page.get_by_role("region", name=TABLE).inner_text()
    page.route("**/costs/?**", lambda route: route.fulfill(status=503, body="no"))
    page.get_by_label("Group by").select_option("region")
    expect(page.get_by_role("alert")).to_contain_text("503")
    assert page.get_by_role("region", name=TABLE).inner_text() == seen
    visitor.complaints.clear()  # Chromium itself notes the answer's status


def test_without_script_every_control_is_a_form_or_a_link(explore):
    page = explore(STATE.replace("=service", "=provider,service"), java_script_enabled=False).page
    agree(page)
    page.get_by_label("Group by").select_option("region")
    page.get_by_role("button", name="Show cost").click()
    page.wait_for_url("**group_by=region,service**")
    page.get_by_role("link", name="What eu consists of").click()
    page.wait_for_url("**toggled=eu**")
    page.locator("#add-filter > summary").click()
    page.get_by_role("link", name="Provider", exact=True).click()
    page.get_by_label("OpenAI").check()
    page.get_by_role("button", name="Apply filter").click()
    expect(page.get_by_role("link", name="Provider is OpenAI", exact=True)).to_be_visible()
    agree(page)
