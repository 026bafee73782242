"""Saved views in a browser: saved, shared, opened by another within their own scope, edited, deleted, by keyboard."""

import re
from datetime import date

import pytest
from playwright.sync_api import expect

from apps.accounts import services
from apps.accounts.models import Team
from apps.dashboards.services import save_view
from tests.ledger import charge, load_charges

JUNE = "start=2026-06-01&end=2026-06-30"
BY_SERVICE = f"/costs/?{JUNE}&group_by=service"


@pytest.fixture
def spent(people):
    """Costs of two teams; the lead leads one of them."""
    services.create_team(slug="web", name="Web", actor=None)
    assert Team.objects.filter(slug="ml-platform", members=people["engineering_lead"]).exists()
    load_charges(
        charge(date(2026, 6, day), "100", service_name=service, tags={"team": team})
        for day in range(1, 29)
        for service, team in (("GPU cluster", "ml-platform"), ("Web shop", "web"))
    )


def menu_of(page):
    """The button of the menu."""
    return page.locator("#saved-views > summary")


def open_menu(page):
    menu_of(page).click()
    return page.locator("#saved-views .pop")


# over 5 s: three people at a browser
def test_a_view_is_saved_shared_and_opened_by_another_within_their_scope(visit, spent):
    finance = visit("finance")
    finance.open(BY_SERVICE)
    pop = open_menu(finance.page)
    pop.get_by_label("Name").fill("Spend by service")
    pop.get_by_label("Share with everybody").check()
    pop.get_by_role("button", name="Save view").click()
    expect(finance.page.get_by_text("View Spend by service saved. Everybody finds it in their list.")).to_be_visible()
    expect(menu_of(finance.page)).to_have_text(re.compile("Spend by service"))
    expect(menu_of(finance.page)).not_to_contain_text("Edited")
    expect(finance.page).to_have_url(re.compile(r"/costs/\?start=2026-06-01&end=2026-06-30&group_by=service&view=\d+$"))
    expect(finance.page.get_by_role("link", name="Web shop", exact=True).first).to_be_visible()

    lead = visit("engineering_lead")
    lead.open("/costs/")
    open_menu(lead.page).get_by_role("link", name="Spend by service").click()
    expect(menu_of(lead.page)).to_contain_text("Spend by service")
    assert lead.page.url.partition("?")[2] == finance.page.url.partition("?")[2]
    expect(lead.page.get_by_role("link", name="GPU cluster", exact=True).first).to_be_visible()
    expect(lead.page.get_by_text("Web shop")).to_have_count(0)
    expect(open_menu(lead.page).get_by_role("button", name="Delete")).to_have_count(0)


def test_a_changed_view_says_so_and_is_saved_or_taken_back(visit, spent, people):
    view = save_view(actor=people["viewer"], name="Services", path="/costs/", query=BY_SERVICE.partition("?")[2])
    visitor = visit("viewer")
    page = visitor.page
    visitor.open(f"{BY_SERVICE}&view={view.pk}")
    expect(menu_of(page)).not_to_contain_text("Edited")
    page.get_by_label("Group by").select_option("team")
    expect(menu_of(page)).to_contain_text("Edited")
    assert f"view={view.pk}" in page.url
    open_menu(page).get_by_role("link", name="Go back to it as saved").click()
    expect(menu_of(page)).not_to_contain_text("Edited")
    assert "group_by=service" in page.url

    page.get_by_label("Group by").select_option("team")
    expect(menu_of(page)).to_contain_text("Edited")
    open_menu(page).get_by_role("button", name="Save changes to Services").click()
    expect(page.get_by_text("View Services saved as the page shows it now.")).to_be_visible()
    expect(menu_of(page)).not_to_contain_text("Edited")
    view.refresh_from_db()
    assert "group_by=team" in view.query

    open_menu(page).get_by_role("button", name="Delete this view Services").click()
    expect(page.get_by_text("View Services deleted.")).to_be_visible()
    expect(menu_of(page)).to_contain_text("Saved views")
    assert "view=" not in page.url


def test_the_menu_works_with_the_keyboard_alone(visit, spent):
    visitor = visit("viewer")
    page = visitor.page
    visitor.open(BY_SERVICE)
    menu_of(page).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Name")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_label("Name")).to_be_hidden()
    expect(menu_of(page)).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type("By keyboard")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Save view")).to_be_focused()
    page.keyboard.press("Enter")
    expect(menu_of(page)).to_contain_text("By keyboard")


# over 5 s: axe-core reads the page with its menu open, at two widths
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_menu_has_no_barrier_and_is_not_wider_than_a_telephone(visit, spent, people, theme):
    query = BY_SERVICE.partition("?")[2]
    mine = save_view(actor=people["viewer"], name="A long name " * 8, path="/costs/", query=query, is_shared=True)
    save_view(actor=people["finance"], name="Theirs", path="/costs/", query=query, is_shared=True)
    for width in (1440, 390, 320):
        visitor = visit("viewer", color_scheme=theme, viewport={"width": width, "height": 900})
        visitor.open(f"{BY_SERVICE}&granularity=day&view={mine.pk}")
        open_menu(visitor.page)
        assert visitor.violations() == []
        assert visitor.overflow() <= 0
        box = visitor.page.locator("#saved-views .pop").bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width


def test_without_script_a_view_is_saved_and_opened_by_plain_forms(visit, spent):
    visitor = visit("viewer", java_script_enabled=False)
    page = visitor.page
    visitor.open(BY_SERVICE)
    pop = open_menu(page)
    pop.get_by_label("Name").fill("Plain")
    pop.get_by_role("button", name="Save view").click()
    expect(menu_of(page)).to_contain_text("Plain")
    visitor.open("/costs/")
    open_menu(page).get_by_role("link", name="Plain").click()
    expect(menu_of(page)).to_contain_text("Plain")
    assert "group_by=service" in page.url


def test_views_are_renamed_shared_and_deleted_on_their_page(visit, spent, people):
    save_view(actor=people["viewer"], name="Services", path="/costs/", query=BY_SERVICE.partition("?")[2])
    visitor = visit("viewer")
    page = visitor.page
    visitor.open("/views/")
    page.get_by_role("link", name="Rename, share or delete Services").click()
    page.get_by_label("Name").fill("Services of June")
    page.get_by_label("Shared with everybody").check()
    page.get_by_role("button", name="Save view").click()
    row = page.get_by_role("row").filter(has_text="Services of June")
    expect(row).to_contain_text("Everybody")
    row.get_by_role("link", name="Services of June", exact=True).click()
    expect(menu_of(page)).to_contain_text("Services of June")

    admin = visit("admin")
    admin.open("/views/")
    admin.page.get_by_role("button", name="Delete Services of June").click()
    expect(admin.page.get_by_text("View Services of June deleted.")).to_be_visible()
    expect(admin.page.get_by_text("No saved views yet")).to_be_visible()
