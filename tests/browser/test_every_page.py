"""Every page in both themes and at every width: no barrier, no complaint, nothing wider than its window."""

import pytest
from playwright.sync_api import expect

from apps.accounts import services
from apps.accounts.models import User
from apps.accounts.tokens import issue_token
from apps.costs.models import ExchangeRate
from apps.inventory.models import Resource
from apps.sources.connecting import connect
from apps.sources.models import Run, Source
from tests.browser.conftest import PASSWORD
from tests.inventory.conftest import after, load, machine

JUNE = "start=2026-06-01&end=2026-06-30"
MENU = ("Overview", "Cost explorer", "Resources", "Clusters", "List prices", "GPUs")
PAGES = [
    "/",
    "/?month=2026-05",
    "/search/?q=ec2",
    "/search/?q=nothing+like+this",
    "/help/",
    f"/costs/?{JUNE}&group_by=service,region&granularity=day&compare=previous",
    f"/costs/?{JUNE}&group_by=team&metric=list&limit=1&filter[service]=Amazon+Route+53",
    f"/costs/?{JUNE}&pick=service",
    f"/costs/?{JUNE}&filter[region]=nowhere",
    f"/costs/charges/?{JUNE}",
    "/resources/",
    "/resources/?state=failed",
    "/resources/{resource}/",
    "/prices/",
    "/prices/?search=nothing+like+this",
    f"/clusters/?{JUNE}&group_by=namespace",
    "/clusters/?period=last_7d&group_by=pod&filter[namespace]=nowhere",
    f"/gpus/?{JUNE}",
    f"/gpus/?{JUNE}&team=nobody&metric=gpu_memory",
    "/sources/",
    "/sources/{source}/",
    "/sources/{connection}/",
    "/sources/{connection}/edit/",
    "/sources/connect/",
    "/sources/connect/aws-exports/",
    "/sources/connect/azure-exports/",
    "/sources/connect/gcp-bigquery/",
    "/sources/deliveries/",
    "/sources/deliveries/?status=failed",
    "/sources/deliveries/{delivery}/",
    "/sources/upload/?delivery={delivery}",
    "/audit/",
    "/views/",
    "/settings/",
    "/settings/tokens/",
    "/settings/teams/",
    "/settings/teams/ml-platform/",
    "/settings/users/",
    "/settings/users/{user}/",
    "/settings/organisation/",
    "/settings/exchange-rates/",
]


@pytest.fixture
def full(loaded, people):
    """Something on every page."""
    admin = people["admin"]
    issue_token(user=admin, name="nightly report", actor=admin)
    services.update_organisation(actor=admin, name="Northwind AI", reporting_currency="USD")
    ExchangeRate.objects.create(currency="EUR", reporting_currency="USD", month="2026-06-01", rate="1.08")
    load(machine("i-1", tags={"team": "ml-platform"}), at=after(0))
    load(machine("i-1", state="stopped"), machine("i-2", parent_id="i-1"), at=after(1))
    return {
        "resource": Resource.objects.get(resource_id="i-1").pk,
        "delivery": loaded.pk,
        "user": User.objects.get(username="viewer").pk,
        "source": loaded.source_id,
        "connection": a_connection(admin).pk,
    }


def a_connection(admin: User) -> Source:
    """A source that is waiting to try again, with a failure before that."""
    place = {"url": "https://files.example.com/june.csv.gz"}
    name = "a-reseller-whose-name-is-as-long-as-nobody-thought-that-a-name-could-be-europe-and-middle-east"
    made = connect(name=name, kind="https", settings=place, secrets={"token": "t"}, months=1, actor=admin)
    made.runs.update(status="waiting", attempt=1, error="files.example.com cannot be reached.")
    Run.objects.create(source=made, name="june.csv.gz", status="refused", error="The file is no bill.")
    return made


# over 5 s: axe-core reads every page of the product twice
@pytest.mark.timeout(300)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_page_has_a_barrier(visit, full, theme):
    visitor = visit("admin", color_scheme=theme, viewport={"width": 1440, "height": 900})
    for path in PAGES:
        assert visitor.open(path.format(**full)) == 200
        assert visitor.violations() == [], path


# over 5 s: axe-core reads some sixty calls of the API
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_documentation_of_the_api_has_no_barrier(visit, people, theme):
    visitor = visit("admin", color_scheme=theme, viewport={"width": 1440, "height": 900})
    page = visitor.page
    visitor.open("/api/docs/")
    page.wait_for_selector(".opblock")
    for kind in ("get", "post"):
        page.locator(f".opblock-{kind} .opblock-summary-control").first.click()
    expect(page.locator(".responses-table").nth(1)).to_be_visible()
    copy = page.locator(".opblock-get .copy-to-clipboard").first.bounding_box()
    assert min(copy["width"], copy["height"]) >= 24, "also where the mouse is not"
    assert visitor.violations() == []


# over 5 s: every page of the product, at the width of a telephone
@pytest.mark.parametrize("width", [390, 320])
def test_no_page_is_wider_than_a_telephone(visit, full, width):
    visitor = visit("admin", viewport={"width": width, "height": 844})
    for path in PAGES:
        visitor.open(path.format(**full))
        assert visitor.overflow() <= 0, path
    assert visitor.violations() == []


@pytest.mark.parametrize("width", [390, 1024, 1440])
def test_how_fresh_costs_are_stands_right_below_the_title_and_no_button_is_in_between(visit, full, width):
    visitor = visit("admin", viewport={"width": width, "height": 900})
    for path in ("/", f"/costs/?{JUNE}", "/resources/{resource}/"):
        visitor.open(path.format(**full))
        title, fresh, actions = (
            visitor.page.locator(f".page-head > {part}").bounding_box() for part in (".title", ".fresh", ".actions")
        )
        assert 0 <= fresh["y"] - (title["y"] + title["height"]) <= 4, path
        assert actions["y"] >= fresh["y"] + fresh["height"] or actions["x"] >= title["x"] + title["width"], path


def test_on_a_telephone_filters_fold_into_a_sheet_that_applies_all_of_them_at_once(visit, full):
    visitor = visit("admin", viewport={"width": 390, "height": 844})
    page = visitor.page
    visitor.open("/resources/")
    expect(page.get_by_label("State", exact=True)).to_be_hidden()
    page.get_by_role("button", name="Search and filter").click()
    page.get_by_label("State", exact=True).select_option("stopped")
    page.get_by_label("Name, id, type or size").fill("i-1")
    assert visitor.violations() == []
    page.get_by_role("button", name="Apply").click()
    page.wait_for_url("**state=stopped**")
    expect(page.get_by_role("button", name="Search and filter: on")).to_be_visible()
    expect(page.get_by_role("link", name="i-1", exact=True)).to_be_visible()


def test_on_a_telephone_the_tab_of_the_page_is_in_sight_and_the_page_begins_at_its_top(visit, people):
    visitor = visit("admin", viewport={"width": 390, "height": 844})
    visitor.open("/settings/exchange-rates/")
    box = visitor.page.get_by_role("link", name="Exchange rates", exact=True).bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    visitor.open("/settings/")
    assert visitor.page.evaluate("document.activeElement === document.body && scrollY === 0")


def test_paper_in_landscape_is_used_in_its_whole_width(visit, full):
    visitor = visit("admin", viewport={"width": 1123, "height": 794})
    visitor.open("/resources/")
    visitor.page.emulate_media(media="print")
    assert visitor.page.locator("main .card").first.bounding_box()["width"] > 1000


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pages_outside_of_the_shell_have_no_barrier(visit, people, theme):
    visitor = visit(color_scheme=theme, viewport={"width": 390, "height": 844})
    visitor.open("/login/")
    assert visitor.violations() == []
    visitor.page.get_by_label("Username").fill("viewer")
    visitor.page.get_by_label("Password").fill("wrong")
    visitor.page.get_by_role("button", name="Sign in").click()
    expect(visitor.page.get_by_role("alert")).to_be_visible()
    assert visitor.violations() == []
    visitor.sign_in("viewer")
    for path, status in (("/audit/", 403), ("/nowhere/", 404)):
        assert visitor.open(path) == status
        assert visitor.violations() == []
        assert visitor.overflow() <= 0
    visitor.complaints.clear()  # Chromium itself notes the statuses 403 and 404


def test_who_has_nothing_yet_gets_pages_without_a_barrier(visit, transactional_db):
    visitor = visit("admin")
    for path in ("/", "/costs/", "/sources/deliveries/", "/settings/exchange-rates/"):
        assert visitor.open(path) == 200
        assert visitor.violations() == [], path


def test_the_theme_is_switched_and_remembered(visit):
    visitor = visit("viewer", color_scheme="light")
    page = visitor.page
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    switch = page.locator(".side").get_by_role("button", name="Theme: system")
    switch.click()
    page.locator(".side").get_by_role("button", name="Theme: light").click()
    expect(page.locator(".side").get_by_role("button", name="Theme: dark")).to_be_visible()
    dark = page.evaluate(ground)
    assert dark != light
    page.reload()
    assert page.evaluate(ground) == dark
    page.locator(".side").get_by_role("button", name="Theme: dark").click()
    assert page.evaluate(ground) == light


def test_the_menu_of_a_telephone_opens_and_closes_with_the_keyboard(visit):
    visitor = visit("viewer", viewport={"width": 390, "height": 844})
    page = visitor.page
    expect(page.get_by_role("link", name="Cost explorer")).to_be_hidden()
    page.get_by_role("button", name="Open menu").press("Enter")
    expect(page.get_by_role("link", name="Cost explorer")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Cost explorer")).to_be_hidden()


def test_the_first_tab_offers_to_skip_the_menu(visit):
    visitor = visit("viewer")
    visitor.page.keyboard.press("Tab")
    skip = visitor.page.get_by_role("link", name="Skip to content")
    expect(skip).to_be_focused()
    skip.press("Enter")
    expect(visitor.page.locator("main")).to_be_focused()


def test_a_token_is_created_copied_and_never_shown_again(visit):
    visitor = visit("admin")
    page = visitor.page
    visitor.context.grant_permissions(["clipboard-read", "clipboard-write"])
    visitor.open("/settings/tokens/")
    page.get_by_label("Name").fill("nightly report")
    page.get_by_role("button", name="Create token").click()
    secret = page.locator("#secret").inner_text()
    assert secret.startswith("finops_")
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == secret
    visitor.open("/settings/tokens/")
    assert secret not in page.content()
    page.get_by_role("button", name="Revoke nightly report").click()
    expect(page.get_by_text("Revoked", exact=True)).to_be_visible()


def test_roles_see_what_they_may(visit):
    menus = {
        "admin": [*MENU, "Data sources", "Audit log", "Settings"],
        "finance": [*MENU, "Data sources", "Audit log", "Settings"],
        "viewer": [*MENU, "Data sources", "Settings"],
        "engineering_lead": [*MENU, "Settings"],
    }
    for role, menu in menus.items():
        visitor = visit(role)
        assert [one.strip() for one in visitor.page.locator(".nav a").all_inner_texts()] == menu


def test_a_one_time_password_is_changed_before_anything_else(visit, people):
    services.set_password(user=people["viewer"], password="given by an admin", actor=people["admin"])
    visitor = visit()
    page = visitor.page
    visitor.open("/login/")
    page.get_by_label("Username").fill("viewer")
    page.get_by_label("Password").fill("given by an admin")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/password/")
    assert visitor.violations() == []
    page.get_by_label("Old password").fill("given by an admin")
    page.get_by_label("New password", exact=True).fill(PASSWORD)
    page.get_by_label("New password confirmation").fill(PASSWORD)
    page.get_by_role("button", name="Save password").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
